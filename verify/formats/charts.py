"""Charts of a timeline as inline SVG: bars in rows, and lines.

They have no script, and set no colours.

Classes name what a mark stands for; the page's style sheet gives each class its colour, in light
and in dark.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

WIDTH, LEFT, RIGHT = 900, 200, 20
"""Units of the whole chart, of what is left of its axis, and of what is right of it."""

ROW, GAP, AXIS, LABEL, HEAD, LINES = 26, 6, 34, 15, 37, 160
"""Heights: of a row of bars, between rows, of the time axis, of a mark's label, of both, and of a
chart of lines.
"""

_LABEL = 26
"""Characters of a row's label that fit; the whole of it is in the row's tooltip and in the table.
"""

_TICKS = 8


class Moment(NamedTuple):
    """A point in time with a label, such as a command's start."""

    label: str
    at: float


class Span(NamedTuple):
    """A time in which something was wrong."""

    start: float
    end: float
    label: str


class Axis(NamedTuple):
    """The time that all charts of a report show, its slots in seconds, and its events."""

    start: float
    end: float
    width: float
    moments: Sequence[Moment] = ()
    spans: Sequence[Span] = ()

    def x(self, seconds: float) -> float:
        """Return the horizontal position of a time, in units."""
        share = (seconds - self.start) / (self.end - self.start)
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, share))


class Names(NamedTuple):
    """A chart's names: for the page, as a title, and in words for those who don't see it."""

    id: str
    title: str
    description: str


class Row(NamedTuple):
    """A row of bars: what it counts, the class that colours it, and a count per slot."""

    label: str
    style: str
    counts: Sequence[int]


class Line(NamedTuple):
    """A line: what it shows, its class, and a value per slot, None where there is none."""

    label: str
    style: str
    values: Sequence[float | None]


def bars(names: Names, axis: Axis, rows: Sequence[Row]) -> Element:
    """Return a chart with a bar per row and slot, all rows on one scale."""
    height = HEAD + len(rows) * (ROW + GAP)
    svg = _chart(names, axis, height)
    most = 1
    for row in rows:
        most = max(most, *row.counts)
    for number, row in enumerate(rows):
        foot = HEAD + number * (ROW + GAP) + ROW
        group = SubElement(svg, "g", {"class": f"row {row.style}"})
        _row_label(group, row.label, foot - ROW / 2)
        SubElement(group, "path", {"class": "rule", "d": f"M{LEFT} {foot}H{WIDTH - RIGHT}"})
        for slot, count in enumerate(row.counts):
            if count:
                start = axis.start + slot * axis.width
                sides = _sides(axis, start, start + axis.width)
                tall = max(1.0, ROW * count / most)
                bar = SubElement(
                    group, "rect", {**sides, "y": f"{foot - tall:.1f}", "height": f"{tall:.1f}"}
                )
                when = f"{start:.6g} s to {start + axis.width:.6g} s"
                SubElement(bar, "title").text = f"{row.label}: {count}, {when}"
    return svg


def lines(names: Names, axis: Axis, drawn: Sequence[Line]) -> Element:
    """Return a chart of values in milliseconds; a line has a gap where a slot has no value."""
    svg = _chart(names, axis, HEAD + LINES)
    values: list[float] = []
    for line in drawn:
        values += [value for value in line.values if value is not None]
    highest = max(values, default=1.0)
    step = _step(highest, 4)
    top = step * math.ceil(highest / step)
    foot = HEAD + LINES
    for tick in _ticks(0.0, top, step):
        y = foot - LINES * tick / top
        SubElement(svg, "path", {"class": "rule", "d": f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}"})
        _text(svg, (LEFT - 8, y + 4), f"{tick:g} ms", "end")
    for line in drawn:
        points: list[tuple[float, float] | None] = []
        for slot, value in enumerate(line.values):
            middle = axis.start + (slot + 0.5) * axis.width
            points.append(None if value is None else (axis.x(middle), foot - LINES * value / top))
        SubElement(svg, "path", {"class": f"line {line.style}", "d": _path(points)})
    return svg


def _path(points: Iterable[tuple[float, float] | None]) -> str:
    """Return the path through points; a single point between gaps shows as a round dot."""
    commands = []
    joined = False
    for point in points:
        if point is not None:
            to = f"{point[0]:.1f} {point[1]:.1f}"
            # `h0` draws a line without length, which a round cap makes a dot.
            commands.append(f"L{to}" if joined else f"M{to}h0")
        joined = point is not None
    return "".join(commands)


def _chart(names: Names, axis: Axis, height: float) -> Element:
    attributes = {"id": names.id, "viewBox": f"0 0 {WIDTH} {height + AXIS:g}", "role": "img"}
    named_by = {
        "aria-labelledby": f"{names.id}-title",
        "aria-describedby": f"{names.id}-description",
    }
    svg = Element("svg", {**attributes, **named_by})
    SubElement(svg, "title", {"id": f"{names.id}-title"}).text = names.title
    SubElement(svg, "desc", {"id": f"{names.id}-description"}).text = names.description
    for span in axis.spans:
        sides = {
            **_sides(axis, span.start, span.end),
            "y": f"{HEAD}",
            "height": f"{height - HEAD:g}",
        }
        band = SubElement(svg, "rect", {"class": "outage", **sides})
        SubElement(band, "title").text = span.label
    step = _step(axis.end - axis.start, _TICKS)
    for tick in _ticks(math.ceil(axis.start / step) * step, axis.end, step):
        x = axis.x(tick)
        SubElement(svg, "path", {"class": "rule", "d": f"M{x:.1f} {height:g}v5"})
        _text(svg, (x, height + 20), f"{tick:.6g} s", "middle")
    y = HEAD - 8 - (len(axis.moments) - 1) * LABEL
    for moment in axis.moments:
        x = axis.x(moment.at)
        SubElement(svg, "path", {"class": "moment", "d": f"M{x:.1f} {y + 4}V{height:g}"})
        late = x > (WIDTH + LEFT) / 2
        _text(svg, (x, y), moment.label, "end" if late else "start", "moment")
        y += LABEL  # a line for each label: the moments may be one
    return svg


def _row_label(group: Element, label: str, y: float) -> None:
    shown = label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…"
    text = _text(group, (LEFT - 8, y + 4), shown, "end")
    SubElement(text, "title").text = label


def _sides(axis: Axis, start: float, end: float) -> dict[str, str]:
    """Return the position and width of a time span, wide enough to be seen."""
    left, right = axis.x(start), axis.x(end)
    return {"x": f"{left:.1f}", "width": f"{max(1.0, right - left - 0.5):.1f}"}


def _text(
    parent: Element, position: tuple[float, float], text: str, anchor: str, style: str = ""
) -> Element:
    x, y = position
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    if style:
        attributes["class"] = style
    element = SubElement(parent, "text", attributes)
    element.text = text
    return element


def _step(span: float, most: int) -> float:
    """Return the smallest step that divides a span into no more than so many ticks.

    Steps are 1, 2, 5, 10 ... and their tenths.
    """
    power = 10.0 ** math.floor(math.log10(span / most))
    steps = [power * factor for factor in (1, 2, 5, 10, 20)]
    return next(step for step in steps if span / step <= most)


def _ticks(first: float, last: float, step: float) -> Iterator[float]:
    for number in range(int((last - first) / step + 1.001)):
        yield first + number * step
