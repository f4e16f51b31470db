"""Draws what a terminal shows at the end of `make demo`, as the SVG that the README shows.

`make picture` runs the demo in a terminal of its own, with a state of its own, and writes the file.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURE = Path("docs/demo.svg")
MAKE = ("make", "--no-print-directory")
COLUMNS = 144
ROWS = 52

_CONTROL = re.compile(
    r"\x1b\[(?P<numbers>[?0-9;]*)(?P<letter>[A-Za-z])"  # move, erase, colour
    r"|\x1b\][^\x1b\x07]*(?:\x1b\\|\x07)"  # the terminal's own settings and questions
    r"|(?P<end>[\r\n])"
    r"|(?P<text>[^\x1b\r\n]+)"
)

_AFTER_A_GAP = re.compile(r"(?<=  )(?=\S)")

_COLOURS = {1: "#f47067", 2: "#57ab5a", 3: "#c69026", 4: "#539bf5", 5: "#b083f0", 6: "#39c5cf"}
"""The terminal's colours but for black and white; the bright ones, from 8 on, look alike."""

_LABELS = 'role="img" aria-labelledby="title"'
_FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_FONT_SIZE = 13
_CHARACTER = 7.8
_LINE = 18
_MARGIN = 16


@dataclass(frozen=True)
class Style:
    """How characters look."""

    colour: int = 0
    bold: bool = False
    underlined: bool = False


class Screen:
    """What a terminal shows of a program's output, with the lines that scrolled out at the top."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[tuple[str, Style]]] = [[]]
        self._row = 0
        self._column = 0
        self._style = Style()

    @property
    def rows(self) -> list[list[tuple[str, Style]]]:
        """Each line as characters with their style; without the blank ones at the end."""
        count = max((at + 1 for at, row in enumerate(self._rows) if row), default=0)
        return self._rows[:count]

    def write(self, output: str) -> None:
        """Take what a program writes."""
        for found in _CONTROL.finditer(output):
            if found["text"]:
                for character in found["text"]:
                    self._put(character)
            elif found["end"] == "\r":
                self._column = 0
            elif found["end"] == "\n":
                self._move_to(self._row + 1)
            elif found["letter"]:
                self._control(found["letter"], found["numbers"])

    def _put(self, character: str) -> None:
        if self._column == self._columns:
            self._move_to(self._row + 1)
            self._column = 0
        row = self._rows[self._row]
        row += [(" ", Style())] * (self._column + 1 - len(row))
        row[self._column] = character, self._style
        self._column += 1

    def _move_to(self, row: int) -> None:
        self._row = max(row, 0)
        while len(self._rows) <= self._row:
            self._rows.append([])

    def _control(self, letter: str, numbers: str) -> None:
        if letter == "A":
            self._move_to(self._row - int(numbers or 1))
        elif letter == "K":
            del self._rows[self._row][self._column :]
        elif letter == "m":
            self._set_style([int(each or 0) for each in numbers.split(";")])

    def _set_style(self, codes: list[int]) -> None:
        match codes:
            case [0]:
                self._style = Style()
            case [1]:
                self._style = replace(self._style, bold=True)
            case [4]:
                self._style = replace(self._style, underlined=True)
            case [38, 5, colour] if colour < 16:  # noqa: PLR2004 - the eight colours, twice
                self._style = replace(self._style, colour=colour % 8)
            case [code] if 30 <= code <= 37:  # noqa: PLR2004 - the eight colours
                self._style = replace(self._style, colour=code - 30)
            case _:
                raise ValueError(f"no way to draw the terminal's style {codes}: add it to Screen")


def draw(rows: list[list[tuple[str, Style]]], title: str) -> str:
    """An SVG of a terminal's lines, which loads nothing.

    Args:
        rows: The lines, see `Screen.rows`.
        title: What stands in the window's bar, and what a screen reader reads first.
    """
    width = round(COLUMNS * _CHARACTER) + 2 * _MARGIN
    top = 36
    height = top + len(rows) * _LINE + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_LABELS}>',
        f'<title id="title">{escape(title)}</title>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#1c2128"/>',
        *(f'<circle cx="{20 + 18 * each}" cy="18" r="5" fill="#545d68"/>' for each in range(3)),
        f'<g font-family="{_FONTS}" font-size="{_FONT_SIZE}" fill="#cdd9e5">',
        f'<text x="{width / 2}" y="22" text-anchor="middle" fill="#768390">{escape(title)}</text>',
    ]
    for at, row in enumerate(rows):
        if row:
            spans = "".join(_spans(row))
            lines.append(
                f'<text y="{top + (at + 1) * _LINE - 4}" xml:space="preserve">{spans}</text>'
            )
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _spans(row: list[tuple[str, Style]]) -> Iterator[str]:
    """Draw a line's pieces, each at its column.

    A piece has one style and ends with the gap before a column of a table, so that columns stay
    aligned in a font of another width: renderers differ in how they apply `textLength`.
    """
    column = 0
    for style, run in groupby(row, key=lambda cell: cell[1]):
        characters = "".join(character for character, _ in run)
        for piece in _AFTER_A_GAP.split(characters):
            x = _MARGIN + column * _CHARACTER
            yield f'<tspan x="{x:.1f}"{_attributes(style)}>{escape(piece)}</tspan>'
            column += len(piece)


def _attributes(style: Style) -> str:
    attributes = ""
    if style.colour in _COLOURS:
        attributes += f' fill="{_COLOURS[style.colour]}"'
    if style.bold:
        attributes += ' font-weight="bold"'
    if style.underlined:
        attributes += ' text-decoration="underline"'
    return attributes


def record(command: list[str], environment: dict[str, str]) -> str:
    """Run a command in a terminal of its own, and return all that it wrote there.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with os.fdopen(ours, "rb", 0) as terminal:
        process = subprocess.Popen(  # noqa: S603 - the command is this module's own
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        output = b""
        with suppress(OSError):  # what Linux reports once nothing has the terminal open
            while chunk := terminal.read(65536):
                output += chunk
    if code := process.wait():
        raise subprocess.CalledProcessError(code, command, output)
    return output.decode()


def main() -> None:
    """Write the picture of a demo that was just run."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "LOCALAWS_HOME": home, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        try:
            output = record([*MAKE, "demo"], environment)
        finally:
            record([*MAKE, "stop"], environment)
    screen = Screen(COLUMNS)
    screen.write(output)
    PICTURE.write_text(draw(screen.rows[-ROWS:], "make demo"), encoding="utf-8")
    sys.stdout.write(f"{PICTURE} is written\n")


if __name__ == "__main__":
    main()
