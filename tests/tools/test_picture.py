"""The picture of the demo: it shows what a terminal would, and matches the current program.

`make picture` itself was only run by hand: it deploys a stack.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.verify.fake_alb import FakeAlb, hello
from tools.picture import PICTURE, Screen, draw, record

ROOT = Path(__file__).parents[2]
GREEN = "\x1b[38;5;2m"


def shown(*writes: str, columns: int) -> list[str]:
    """Return the lines of a terminal after these writes."""
    screen = Screen(columns)
    for each in writes:
        screen.write(each)
    return ["".join(character for character, _ in row) for row in screen.rows]


def texts(svg: str) -> list[str]:
    """Return the lines of a picture, without the title in its bar."""
    _title, *lines = elements(svg, "text")
    return ["".join(line.itertext()) for line in lines]


def elements(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}"))


@pytest.mark.parametrize(
    ("writes", "expected"),
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
def test_control_sequences_move_erase_and_overwrite_as_in_a_terminal(
    writes: tuple[str, ...], expected: list[str]
) -> None:
    assert shown(*writes, columns=10) == expected


def test_colours_and_weights_are_drawn_and_text_is_escaped() -> None:
    screen = Screen(40)
    screen.write(f"{GREEN}+ \x1b[0m\x1b[1mcreated\x1b[0m <a & b>")
    svg = draw(screen.rows, "a <demo>")
    assert texts(svg) == ["+ created <a & b>"]
    spans = elements(svg, "tspan")
    assert [(span.text, span.get("fill"), span.get("font-weight")) for span in spans] == [
        ("+ ", "#57ab5a", None),
        ("created", None, "bold"),
        (" <a & b>", None, None),
    ]


def test_each_column_of_a_table_is_drawn_at_its_position() -> None:
    screen = Screen(40)
    screen.write(f"  ok    status    11 x {GREEN}200\x1b[0m")
    svg = draw(screen.rows, "columns")
    assert texts(svg) == ["  ok    status    11 x 200"]
    spans = elements(svg, "tspan")
    first, second, *_ = (float(span.get("x", "")) for span in spans)
    width = (second - first) / len("  ")
    drawn: list[tuple[str | None, int]] = []
    for span in spans:
        column = (float(span.get("x", "")) - first) / width
        drawn.append((span.text, round(column)))
    assert drawn == [
        ("  ", 0),
        ("ok    ", 2),
        ("status    ", 8),
        ("11 x ", 18),
        ("200", 23),
    ]


def test_a_style_that_cannot_be_drawn_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"style \[48, 5, 9\]"):
        Screen(40).write("\x1b[48;5;9m")


@pytest.mark.slow  # a new Python
def test_a_command_runs_in_a_terminal_and_its_failure_is_reported() -> None:
    code = "import os, sys; print(os.get_terminal_size().columns, sys.stdout.isatty())"
    assert record([sys.executable, "-c", code], {}) == "144 True\r\n"
    with pytest.raises(subprocess.CalledProcessError):
        record([sys.executable, "-c", "raise SystemExit(3)"], {})


COMMITTED = (ROOT / PICTURE).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", [PICTURE, *sorted(Path("docs/badges").glob("*.svg"))])
def test_images_in_the_readme_load_and_run_nothing(file: Path) -> None:
    svg = (ROOT / file).read_text(encoding="utf-8")
    for element in ET.fromstring(svg).iter():
        assert element.tag.rpartition("}")[2] not in {"script", "style", "image", "use", "a"}
        for name in element.attrib:
            assert "href" not in name
            assert not name.startswith("on")
    assert re.findall(r"\w+://(?!www\.w3\.org/2000/svg\")(?!127\.)\S+", svg) == []


def shape(line: str) -> str:
    """Return a line of a report with placeholders for numbers, addresses and hosts."""
    line = re.sub(r"ip-[\d-]+\S*|127\.[\d.]+", "HOST", line)
    return re.sub(r"\d[\d.]*", "N", line)


def dropping(stack: ExitStack) -> str:
    """Return an address that drops connections: its listener's queue is full."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    stack.enter_context(socket.create_connection(listener.getsockname()))
    return "{}:{}".format(*listener.getsockname())


@pytest.mark.slow  # a new Python
def test_the_pictures_report_has_the_form_of_verifys_current_one() -> None:
    lines = texts(COMMITTED)
    (heading,) = [line for line in lines if re.fullmatch(r"http://[\d.]+/", line)]
    pictured = lines[lines.index(heading) :]

    def in_turn(number: int, _: bytes) -> list[bytes]:
        return [hello(f"ip-10-0-0-{number % 2}")]

    with FakeAlb(in_turn) as alb, ExitStack() as stack:
        closed = [f"--closed={dropping(stack)}" for _ in range(3)]
        options = ("--expect-tasks", "2", "--each-address", *closed, "--interval", "1ms")
        run = subprocess.run(
            [sys.executable, "-m", "verify", alb.authority, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    without_ports = re.sub(r":\d+(?=/)", "", run.stdout)
    printed = [line for line in without_ports.splitlines() if line]
    assert [shape(line) for line in pictured] == [shape(line) for line in printed]


def test_the_picture_shows_the_current_commands_and_outputs() -> None:
    pictured = "\n".join(texts(COMMITTED))
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^demo: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    options = re.search(r"^CHECK_local = (.*)$", makefile, re.MULTILINE)
    assert recipe
    assert options
    check = recipe[1].splitlines()[-1].strip().replace("$(BIN)", ".venv/bin").replace("$$", "$")
    check = check.replace("$(CHECK_$(STACK))", options[1])
    assert check in pictured
    table = (ROOT / "docs/config.md").read_text().partition("<!-- outputs:")[2]
    of_several_services = {"services"}
    for name in set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) - of_several_services:
        assert re.search(rf"^    {name} *: [\"{{]", pictured, re.MULTILINE), name
