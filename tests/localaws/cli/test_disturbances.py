"""`pulumi-local interrupt` and `fail`: what they print, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.cli import disturbances
from localaws.cli.disturbances import disturb
from localaws.daemon.state_directory import Address, StateDirectory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> StateDirectory:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    return StateDirectory.of(tmp_path, {})


def answering(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> list[tuple[str, Any]]:
    """Have a daemon that answers this; return the requests that it gets."""
    requests: list[tuple[str, Any]] = []

    def call(_: object, function: str, arguments: object) -> dict[str, Any]:
        requests.append((function, arguments))
        return answer

    monkeypatch.setattr(disturbances, "call", call)
    monkeypatch.setattr(Address, "read", lambda _: object())
    return requests


@pytest.mark.parametrize(
    ("command", "function", "argument", "printed"),
    [
        ("interrupt", "localaws:index:interrupt", "task", "interrupted task abc"),
        ("fail", "localaws:index:failInstance", "instance", "ended instance abc"),
    ],
)
def test_a_disturbance_prints_what_it_did(  # noqa: PLR0917 — cases and fixtures
    command: str,
    function: str,
    argument: str,
    printed: str,
    directory: StateDirectory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    requests = answering(monkeypatch, {argument: "abc"})
    assert disturb(directory, command, "a") == 0
    assert requests == [(function, {argument: "a"})]
    assert capsys.readouterr().out.strip() == printed


def test_an_alarms_state_is_set_by_its_name(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = answering(monkeypatch, {"alarm": "errors"})
    assert disturb(directory, "alarm", "errors", state="OK") == 0
    assert requests == [
        ("localaws:index:setAlarmState", {"alarm": "errors", "state": "OK"}),
    ]
    assert capsys.readouterr().out == (
        "alarm errors is in OK; its next evaluation, in a second, restores its own state\n"
    )


def test_a_problem_of_the_daemon_is_an_error(
    directory: StateDirectory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answering(monkeypatch, {"problem": "task abc runs on FARGATE, which AWS doesn't interrupt"})
    assert disturb(directory, "interrupt", "abc") == 1
    assert capsys.readouterr() == (
        "",
        "pulumi-local: task abc runs on FARGATE, which AWS doesn't interrupt\n",
    )


def test_without_a_daemon_there_is_nothing_to_disturb(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert disturb(directory, "fail", "i-1") == 1
    assert "not running; `pulumi-local up` starts it" in capsys.readouterr().err
