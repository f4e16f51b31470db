"""The picture of the demo: what a terminal shows, and that it is of today's program.

That `make picture` writes the file was tried by hand: it deploys a stack.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.verify.fake_alb import FakeAlb, hello
from tools.picture import PICTURE, Screen, draw, record

ROOT = Path(__file__).parents[2]
GREEN = "\x1b[38;5;2m"


def lines(*writes: str, columns: int = 20) -> list[str]:
    """What a terminal shows once all of this was written."""
    screen = Screen(columns)
    for each in writes:
        screen.write(each)
    return ["".join(character for character, _ in row) for row in screen.rows]


def texts(svg: str) -> list[str]:
    """The lines of a picture, without the title in its bar."""
    root = ET.fromstring(svg)
    return ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")][1:]


@pytest.mark.parametrize(
    ("writes", "shown"),
    [
        (("one\r\ntwo\r\n",), ["one", "two"]),
        (("creating\r\n", "\x1b[1Acreated\x1b[K\r\n"), ["created"]),
        (("1\r\n2\r\n3\r\n\x1b[3Aone\r\n\r\nthree",), ["one", "2", "three"]),
        (("creating 1\rcreated",), ["createdg 1"]),
        (("\x1b[?25l\x1b]11;?\x1b\\\x1b[6nall\x1b[?25h",), ["all"]),
        (("12345678901234",), ["1234567890", "1234"]),
        (("\n\n  x\n\n",), ["", "", "  x"]),
    ],
)
def test_the_screen_shows_what_a_terminal_shows(writes: tuple[str, ...], shown: list[str]) -> None:
    assert lines(*writes, columns=10) == shown


def test_colours_and_weights_are_drawn_and_text_is_escaped() -> None:
    screen = Screen(40)
    screen.write(f"{GREEN}+ \x1b[0m\x1b[1mcreated\x1b[0m <a & b>")
    svg = draw(screen.rows, "a <demo>")
    assert texts(svg) == ["+ created <a & b>"]
    spans = [*ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}tspan")]
    assert [(each.text, each.get("fill"), each.get("font-weight")) for each in spans] == [
        ("+ ", "#57ab5a", None),
        ("created", None, "bold"),
        (" <a & b>", None, None),
    ]


def test_each_column_of_a_table_is_drawn_at_its_place() -> None:
    screen = Screen(40)
    screen.write(f"  ok    status    11 x {GREEN}200\x1b[0m")
    svg = draw(screen.rows, "columns")
    assert texts(svg) == ["  ok    status    11 x 200"]
    spans = [*ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}tspan")]
    first = float(spans[0].get("x", ""))
    width = (float(spans[1].get("x", "")) - first) / len("  ")
    columns = [round((float(each.get("x", "")) - first) / width) for each in spans]
    assert list(zip([each.text for each in spans], columns, strict=True)) == [
        ("  ", 0),
        ("ok    ", 2),
        ("status    ", 8),
        ("11 x ", 18),
        ("200", 23),
    ]


def test_a_style_that_it_cannot_draw_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"style \[48, 5, 9\]"):
        Screen(40).write("\x1b[48;5;9m")


def test_a_command_runs_in_a_terminal_and_its_failure_is_reported() -> None:
    code = "import os, sys; print(os.get_terminal_size().columns, sys.stdout.isatty())"
    assert record([sys.executable, "-c", code], {}) == "144 True\r\n"
    with pytest.raises(subprocess.CalledProcessError):
        record([sys.executable, "-c", "raise SystemExit(3)"], {})


COMMITTED = (ROOT / PICTURE).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", [PICTURE, *sorted(Path("docs/badges").glob("*.svg"))])
def test_an_image_of_the_readme_loads_and_runs_nothing(file: Path) -> None:
    svg = (ROOT / file).read_text(encoding="utf-8")
    for element in ET.fromstring(svg).iter():
        assert element.tag.rpartition("}")[2] not in {"script", "style", "image", "use", "a"}
        assert not [name for name in element.attrib if "href" in name or name.startswith("on")]
    assert re.findall(r"\w+://(?!www\.w3\.org/2000/svg\")(?!127\.)\S+", svg) == []


def shape(line: str) -> str:
    """A line of a report, with one word for each number, address and host."""
    line = re.sub(r"ip-[\d-]+\S*|127\.[\d.]+", "HOST", line)
    return re.sub(r"\d[\d.]*", "N", line)


def test_the_picture_shows_the_report_that_verify_prints_today() -> None:
    shown = texts(COMMITTED)
    (start,) = [at for at, line in enumerate(shown) if re.fullmatch(r"http://[\d.]+/", line)]

    def in_turn(number: int, _: bytes) -> list[bytes]:
        return [hello(f"ip-10-0-0-{number % 2}")]

    with FakeAlb(in_turn) as alb:
        options = ("--expect-tasks", "2", "--each-address", "--closed", ":1", "--interval", "1ms")
        run = subprocess.run(
            [sys.executable, "-m", "verify", alb.authority, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    printed = [line for line in run.stdout.splitlines() if line]
    ports = re.compile(r":\d+(?=/)")
    assert [shape(each) for each in shown[start:]] == [
        shape(ports.sub("", each)) for each in printed
    ]


def test_the_picture_shows_the_commands_and_outputs_of_today() -> None:
    shown = "\n".join(texts(COMMITTED))
    recipe = re.search(r"^demo: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    check = recipe[1].splitlines()[-1].strip().replace("$(BIN)", ".venv/bin")
    assert check in shown
    table = (ROOT / "docs/config.md").read_text().partition("<!-- outputs:")[2]
    for name in re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE):
        assert re.search(rf"^    {name} *: \"", shown, re.MULTILINE), name
