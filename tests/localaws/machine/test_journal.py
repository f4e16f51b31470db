"""A journal keeps what was written through crashes, and writes only what changed."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from localaws.machine.journal import Journal, WrongVersion

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "things.jsonl"


def journal(path: Path) -> Journal:
    return Journal(path, version=5)


def read(path: Path) -> dict[str, Any]:
    return journal(path).read()


def test_what_was_written_is_read_in_the_order_in_which_keys_came(path: Path) -> None:
    written = journal(path)
    written.write({"a": 1, "b": {"c": ["ü\n", None]}})
    written.write({"c": 3, "a": 2})
    written.write({"b": None, "never": None})
    written.write({"b": 4})
    assert list(read(path).items()) == [("a", 2), ("c", 3), ("b", 4)]


def test_only_the_owner_may_read_it(path: Path) -> None:
    journal(path).write({"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name], "no scratch file stays"


def test_a_change_is_added_without_touching_what_is_there(path: Path) -> None:
    written = journal(path)
    written.write({str(number): "x" * 100 for number in range(1000)})
    before = path.read_bytes()
    written.write({"7": "y"})
    assert path.read_bytes() == before + b'{"7": "y"}\n'


def test_what_the_file_has_already_is_not_written_again(path: Path) -> None:
    written = journal(path)
    written.write({"a": {"b": 1}})
    again = journal(path)
    again.read()
    before = path.read_bytes()
    for each in (written, again):
        each.write({"a": {"b": 1}, "never": None})
        each.write({})
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [1, 12, 23])
def test_a_change_that_a_kill_cut_short_is_left_out_and_spoils_no_later_one(
    path: Path, size: int
) -> None:
    written = journal(path)
    written.write({"a": 1})
    whole = path.read_bytes()
    written.write({"a": 2, "b": "a text"})
    path.write_bytes(path.read_bytes()[: len(whole) + size])
    again = journal(path)
    assert again.read() == {"a": 1}
    again.write({"c": 3})
    assert read(path) == {"a": 1, "c": 3}


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = journal(path)
    written.write({"a": 1})
    before = path.read_bytes()
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) > 5:
            return write(descriptor, data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "write", half)
        with pytest.raises(OSError, match=f"No space.*{path.name}"):
            written.write({"b": "a long text"})
    assert path.read_bytes() == before
    written.write({"b": "a long text"})
    assert read(path) == {"a": 1, "b": "a long text"}, "nothing is taken as written that isn't"


def test_superseded_documents_dont_pile_up(path: Path) -> None:
    written = journal(path)
    written.write({"kept": "k" * 1000})
    for number in range(1000):
        written.write({"changed": f"{number:1000}"})
    assert path.stat().st_size < 300_000, "a million was written"
    again = journal(path)
    assert again.read() == {"kept": "k" * 1000, "changed": f"{999:1000}"}
    for number in range(1000):
        again.write({"changed": f"{number:1000}"})
    assert path.stat().st_size < 300_000, "also where it was read before"


def test_rewriting_costs_no_more_on_average_where_more_is_there(path: Path) -> None:
    written = journal(path)
    written.write({str(number): "x" * 1000 for number in range(2000)})
    inodes = set()
    for number in range(2000):
        written.write({"changed": f"{number:1000}"})
        inodes.add(path.stat().st_ino)
    assert len(inodes) <= 2, "once after as much as there was"


def test_another_version_is_no_damage(path: Path) -> None:
    Journal(path, version=6).write({"a": 1})
    with pytest.raises(WrongVersion, match="6"):
        read(path)


@pytest.mark.parametrize(
    "text", ["", "\n", "{", "[]\n", '{"version": 5}\n{\n', '{"version": 5}\n[]\n{}\n', "\0" * 512]
)
def test_damage_is_an_error_and_left_alone(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValueError, match=r"line [12]"):
        read(path)
    assert path.read_text() == text
