"""Errors of a daemon that doesn't start; tests/engine starts daemons."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from localaws.daemon.client import DaemonFailed, ensure
from localaws.daemon.file_permissions import UnusableFolder
from localaws.daemon.start_settings import DEFAULTS
from localaws.daemon.state_directory import StateDirectory, fingerprint, try_lock
from tests.second_user import ANOTHER_USER, AS_ANOTHER_USER, as_user

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow  # starts a daemon
def test_the_error_shows_what_this_daemon_printed_last_and_not_an_earlier_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    (tmp_path / "local.parameters.toml").write_text("x =")
    directory = StateDirectory.of(tmp_path, {})
    directory.path.mkdir()
    directory.daemon_log.write_text("printed by an earlier daemon\n")
    with pytest.raises(DaemonFailed) as failed:
        ensure(directory, lambda _: None)
    _, last_line, *rest = str(failed.value).splitlines()
    assert "local.parameters.toml is not valid TOML" in last_line
    assert rest == [
        f"The whole log is {directory.daemon_log}. Fix the cause, then run the same command again."
    ]


@pytest.mark.slow  # a new Python, as another user
@AS_ANOTHER_USER
def test_only_its_owner_or_root_stops_a_daemon_and_anyone_else_learns_whose_it_is(
    open_folder: Path,
) -> None:
    directory = StateDirectory(open_folder, open_folder / ".local")
    lock = try_lock(directory)
    assert lock is not None
    print(os.getpid(), file=lock, flush=True)
    for path in (directory.path, directory.lock):
        os.chown(path, ANOTHER_USER, ANOTHER_USER)
    attempt = f"""
try:
    stop(StateDirectory(Path({str(open_folder)!r}), Path({str(directory.path)!r})))
except UserError as error:
    print(error)
"""
    imports = (
        "import os; from pathlib import Path; from localaws.user_error import UserError;"
        "from localaws.daemon.client import stop;"
        "from localaws.daemon.state_directory import StateDirectory"
    )
    printed = as_user(ANOTHER_USER, attempt, imports=imports)
    lock.close()
    assert printed == (
        f"the local AWS runs as the process {os.getpid()}: /proc/{os.getpid()} belongs to the user "
        "root, and this runs as nobody: run it as that user\n"
    )


@AS_ANOTHER_USER
def test_root_does_not_take_over_the_local_aws_of_another_user(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path, tmp_path / ".local")
    lock = try_lock(directory)
    assert lock is not None
    lock.close()
    for path in (directory.path, directory.lock):
        os.chown(path, ANOTHER_USER, ANOTHER_USER)
    with pytest.raises(UnusableFolder) as refused:
        ensure(directory, lambda _: None)
    assert str(refused.value) == (
        f"{directory.lock} belongs to the user nobody, and this runs as root: run it as that user, "
        "or set LOCALAWS_HOME to another folder for the local AWS's files"
    )
    assert {path.name for path in directory.path.iterdir()} == {"daemon.lock"}


@pytest.mark.slow  # starts a daemon
def test_a_daemon_with_a_wrong_speed_does_not_start_and_reports_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    monkeypatch.setenv("LOCALAWS_SPEED", "fast")
    with pytest.raises(DaemonFailed, match="LOCALAWS_SPEED: fast; allowed: a number from 1 to 10"):
        ensure(StateDirectory.of(tmp_path, {}), lambda _: None)


@pytest.mark.parametrize(
    ("started_with", "now", "without_effect"),
    [
        ({}, {"LOCALAWS_RUNTIME": "process"}, ["LOCALAWS_RUNTIME"]),
        ({"LOCALAWS_RUNTIME": "process"}, {"LOCALAWS_RUNTIME": "auto"}, ["LOCALAWS_RUNTIME"]),
        (
            {"LOCALAWS_IMAGES": "a.toml"},
            {"LOCALAWS_IMAGES": "b.toml", "LOCALAWS_REGISTRY_MIRROR": "r.example=m.example"},
            ["LOCALAWS_REGISTRY_MIRROR", "LOCALAWS_IMAGES"],
        ),
        ({}, {"LOCALAWS_RUNTIME": "auto", "LOCALAWS_SPEED": "1"}, []),
        ({"LOCALAWS_RUNTIME": "process"}, {"LOCALAWS_RUNTIME": "process"}, []),
        ({"LOCALAWS_RUNTIME": "process"}, {"LOCALAWS_RUNTIME": ""}, []),
    ],
)
def test_a_variable_that_differs_from_the_running_daemons_is_reported_with_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started_with: dict[str, str],
    now: dict[str, str],
    without_effect: list[str],
) -> None:
    for name in DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    for name, value in now.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    directory = StateDirectory.of(tmp_path, {})
    lock = try_lock(directory)
    assert lock is not None
    print(os.getpid(), file=lock, flush=True)
    running = {"pid": os.getpid(), "aws_port": 1, "awsx_port": 2, "code": fingerprint()}
    directory.ready.write_text(json.dumps({**running, "settings": started_with}))
    messages: list[str] = []
    with lock:
        ensure(directory, messages.append)
    assert messages == [
        f"{name} has no effect: the local AWS was started with another value. Run "
        "`pulumi-local stop`, then this command again"
        for name in without_effect
    ]


@pytest.mark.slow  # starts a daemon
def test_the_daemon_runs_the_commands_code_and_not_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    (tmp_path / "local.parameters.toml").write_text("x =")
    other_code = tmp_path / "localaws" / "__init__.py"
    other_code.parent.mkdir()
    other_code.write_text("raise SystemExit('code of another checkout')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DaemonFailed, match=r"local\.parameters\.toml is not valid TOML"):
        ensure(StateDirectory.of(tmp_path, {}), lambda _: None)
