"""`pulumi-local logs`: whose lines these are, and what is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.cli.main import main
from localaws.daemon.state_directory import StateDirectory

if TYPE_CHECKING:
    from pathlib import Path

WEB = "aws/ecs/cluster/local-web"
TASK = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateDirectory:
    monkeypatch.delenv("LOCALAWS_HOME", raising=False)
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    return StateDirectory.of(tmp_path, {})


def wrote(directory: StateDirectory, group: str, container: str, text: str) -> None:
    """Have a container of a task print something."""
    folder = directory.logs / group / container / container
    folder.mkdir(parents=True)
    (folder / TASK).write_text(text)


def logs(directory: StateDirectory, *arguments: str) -> int:
    return main(["-C", str(directory.project), "logs", "--no-follow", *arguments])


def test_lines_of_a_task_with_sidecars_name_their_container(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote(directory, WEB, "nginx", "GET /\nGET /x\n")
    wrote(directory, WEB, "cache", "ready\n")
    assert logs(directory) == 0
    assert capsys.readouterr().out == (
        "cache/0123456789ab | ready\nnginx/0123456789ab | GET /\nnginx/0123456789ab | GET /x\n"
    )


def test_one_container_can_be_chosen(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote(directory, WEB, "nginx", "GET /\n")
    wrote(directory, WEB, "nginx-exporter", "scraped\n")
    assert logs(directory, "--container", "nginx") == 0
    assert capsys.readouterr().out == "0123456789ab | GET /\n"


def test_a_container_that_printed_nothing_is_refused_with_those_that_did(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote(directory, WEB, "nginx", "GET /\n")
    wrote(directory, WEB, "cache", "ready\n")
    assert logs(directory, "--container", "ngnix", WEB) == 1
    assert capsys.readouterr().err == (
        f"no log streams of container 'ngnix' in groups like '{WEB}' yet; there are those of "
        "cache, nginx\n"
    )


def test_a_group_without_streams_is_refused_with_those_that_have_some(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote(directory, WEB, "nginx", "GET /\n")
    assert logs(directory, "api") == 1
    assert capsys.readouterr().err == (
        f"no log streams in groups like 'api' yet; there are those in /{WEB}/nginx/nginx\n"
    )


def test_without_any_stream_there_is_nothing_to_print(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert logs(directory) == 0
    assert capsys.readouterr() == ("", "no log streams yet\n")
