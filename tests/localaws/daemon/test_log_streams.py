"""Following log streams as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.daemon.log_streams import follow, streams

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def stream(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_streams_are_chosen_by_group(tmp_path: Path) -> None:
    stream(tmp_path, "aws/ecs/c/web/nginx/app/1", "")
    stream(tmp_path, "aws/ecs/c/exec/2", "")
    assert [path.name for path in streams(tmp_path, "/aws/ecs/c/exec")] == ["2"]
    assert len(list(streams(tmp_path))) == 2


def test_a_line_is_printed_with_its_stream_once_it_is_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream(tmp_path, "group/task-1", "first\nhalf")
    follow(tmp_path, forever=False)
    assert capsys.readouterr().out == "task-1 | first\n"


def test_no_streams_print_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    follow(tmp_path / "missing", forever=False)
    assert capsys.readouterr().out == ""
