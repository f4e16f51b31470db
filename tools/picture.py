"""Draw the terminal's screen at the end of `make demo`, as the SVG in the README.

`make picture` runs the demo in a pseudo-terminal, with a temporary state directory, and writes the
file.
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
    r"|\x1b\][^\x1b\x07]*(?:\x1b\\|\x07)"  # the terminal's settings, such as its title
    r"|(?P<end>[\r\n])"
    r"|(?P<text>[^\x1b\r\n]+)"
)

_AFTER_A_GAP = re.compile(r"(?<=  )(?=\S)")

_COLOURS = {1: "#f47067", 2: "#57ab5a", 3: "#c69026", 4: "#539bf5", 5: "#b083f0", 6: "#39c5cf"}
"""The terminal's colours by number, without black and white; bright ones are drawn alike."""

_LABELS = 'role="img" aria-labelledby="title"'
_FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_FONT_SIZE = 13
_CHARACTER = 7.8
_LINE = 18
_MARGIN = 16


@dataclass(frozen=True)
class Style:
    """The style of characters."""

    colour: int = 0
    bold: bool = False
    underlined: bool = False


class Screen:
    """A terminal that interprets a program's output, and keeps the lines that scroll out."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[tuple[str, Style]]] = [[]]
        self._row = 0
        self._column = 0
        self._style = Style()

    @property
    def rows(self) -> list[list[tuple[str, Style]]]:
        """Each line as characters with their style, without blank lines at the end."""
        end = len(self._rows)
        while end > 0 and not self._rows[end - 1]:
            end -= 1
        return self._rows[:end]

    def write(self, output: str) -> None:
        """Interpret a program's output."""
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
    """Return an SVG of a terminal's lines that refers to no other file.

    Args:
        rows: The lines, see `Screen.rows`.
        title: The title in the window's bar, and for screen readers.
    """
    width = round(COLUMNS * _CHARACTER) + 2 * _MARGIN
    top = 36
    height = top + len(rows) * _LINE + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_LABELS}>',
        f'<title id="title">{escape(title)}</title>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#1c2128"/>',
        '<circle cx="20" cy="18" r="5" fill="#545d68"/>',
        '<circle cx="38" cy="18" r="5" fill="#545d68"/>',
        '<circle cx="56" cy="18" r="5" fill="#545d68"/>',
        f'<g font-family="{_FONTS}" font-size="{_FONT_SIZE}" fill="#cdd9e5">',
        f'<text x="{width / 2}" y="22" text-anchor="middle" fill="#768390">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows, start=1):
        if row:
            spans = "".join(_spans(row))
            baseline = top + number * _LINE - 4
            lines.append(f'<text y="{baseline}" xml:space="preserve">{spans}</text>')
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _spans(row: list[tuple[str, Style]]) -> Iterator[str]:
    """Draw a line in pieces, each at its column.

    A piece has one style. It also ends after two spaces, which separate columns of a table: so they
    stay aligned in a font of another width. (Renderers differ in how they apply `textLength`.)
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
    """Run a command in a pseudo-terminal, and return its output.

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
    code = process.wait()
    if code:
        raise subprocess.CalledProcessError(code, command, output)
    return output.decode()


def main() -> None:
    """Run the demo, and write its picture."""
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "LOCALAWS_HOME": state, "TERM": "xterm-256color"}
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
