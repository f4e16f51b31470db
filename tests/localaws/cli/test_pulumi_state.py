"""Repairs of Pulumi's damaged state; engine tests show that the CLI accepts the result."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from localaws.cli.pulumi_state import BadState, StackState
from localaws.daemon.client import DaemonFailed

if TYPE_CHECKING:
    from pathlib import Path

DAMAGED = ["", "{", '{"version": 4, "checkpo', "[]", "\0" * 4096, "\udcff"]


def checkpoint(number: int, **pending: list[str]) -> str:
    latest: dict[str, Any] = {"resources": [{"urn": f"urn:{number}", "id": f"id-{number}"}]}
    for kind, urns in pending.items():
        operations = latest.setdefault("pending_operations", [])
        operations += [{"type": kind, "resource": {"urn": urn}} for urn in urns]
    return json.dumps({"version": 4, "checkpoint": {"stack": "s", "latest": latest}})


@pytest.fixture
def state(tmp_path: Path) -> StackState:
    found = StackState(tmp_path / "state", "web", "local")
    found.file.parent.mkdir(parents=True)
    (tmp_path / "state/.pulumi/meta.yaml").write_text("version: 1\n")
    return found


def leave(path: Path, text: str, *, age: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(errors="surrogateescape"))
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def lock(state: StackState, content: str = "{}") -> None:
    leave(state.backend / ".pulumi/locks/organization/web/local/1.json", content)


def repair(state: StackState) -> list[str]:
    message: list[str] = []
    state.repair(message.append, lambda *_: None)
    return message


def discarded(state: StackState) -> list[tuple[list[str], list[str]]]:
    """Repair a state; return the URNs and recorded ids of each call that discards creations."""
    asked: list[tuple[list[str], list[str]]] = []
    state.repair(lambda _: None, lambda urns, recorded: asked.append((list(urns), list(recorded))))
    return asked


@pytest.mark.parametrize("text", DAMAGED)
def test_the_last_backup_replaces_a_damaged_state_which_is_kept_beside_it(
    state: StackState, text: str
) -> None:
    leave(state.file, text)
    leave(state.file.with_name("local.json.bak"), checkpoint(2))
    (message,) = repair(state)
    assert state.file.read_text() == checkpoint(2)
    aside = state.file.with_name("local.json.damaged")
    assert aside.read_bytes() == text.encode(errors="surrogateescape")
    assert str(aside) in message
    assert "refresh" in message
    assert not repair(state)


def test_a_damaged_backup_is_passed_over_for_the_newest_sound_one(state: StackState) -> None:
    leave(state.file, "")
    leave(state.file.with_name("local.json.bak"), "")
    leave(state.backend / ".pulumi/backups/web/local/local.1.json", checkpoint(1), age=100)
    leave(
        state.backend / ".pulumi/history/web/local/local-2.checkpoint.json", checkpoint(2), age=50
    )
    leave(state.backend / ".pulumi/history/web/local/local-2.history.json", checkpoint(9))
    leave(state.backend / ".pulumi/backups/web/local/local.3.json", "")
    repair(state)
    assert state.file.read_text() == checkpoint(2)


def test_without_any_backup_the_error_has_what_to_do(state: StackState) -> None:
    leave(state.file, "")
    with pytest.raises(BadState, match=r"stacks/web/local\.json.* is damaged.*Delete"):
        repair(state)


def test_a_sound_state_is_left_as_it_is(state: StackState) -> None:
    leave(state.file, checkpoint(3, updating=["urn::a"], deleting=["urn::b"]))
    leave(state.file.with_name("local.json.attrs"), "{}")
    before = state.file.stat()
    assert not repair(state)
    after = state.file.stat()
    assert (after.st_ino, after.st_mtime) == (before.st_ino, before.st_mtime)
    assert state.file.with_name("local.json.attrs").exists()


def test_pending_creations_of_a_killed_run_leave_the_state_once_nothing_is_locked(
    state: StackState,
) -> None:
    leave(state.file, checkpoint(3, creating=["urn::one", "urn::two"], updating=["urn::three"]))
    lock(state)
    assert not repair(state)
    (state.backend / ".pulumi/locks/organization/web/local/1.json").unlink()
    (message,) = repair(state)
    assert "killed while it created one, two:" in message
    latest = json.loads(state.file.read_text())["checkpoint"]["latest"]
    assert [each["type"] for each in latest["pending_operations"]] == ["updating"]
    assert latest["resources"] == [{"urn": "urn:3", "id": "id-3"}]


def test_pending_creations_of_a_killed_run_are_discarded_once_and_not_while_another_may_run(
    state: StackState,
) -> None:
    leave(state.file, checkpoint(3, creating=["urn::one"], updating=["urn::two"]))
    lock(state)
    assert not discarded(state)
    (state.backend / ".pulumi/locks/organization/web/local/1.json").unlink()
    assert discarded(state) == [(["urn::one"], ["id-3"])]
    assert not discarded(state)


def test_a_creation_stays_pending_until_it_can_be_discarded(state: StackState) -> None:
    leave(state.file, checkpoint(3, creating=["urn::one"]))

    def fail(_urns: object, _recorded: object) -> None:
        raise DaemonFailed("no answer")

    with pytest.raises(DaemonFailed):
        state.repair(lambda _: None, fail)
    assert state.file.read_text() == checkpoint(3, creating=["urn::one"])


@pytest.mark.parametrize("sign", ["lock", "history"])
def test_a_state_that_a_killed_run_had_moved_to_its_backup_is_restored(
    state: StackState, sign: str
) -> None:
    leave(state.file.with_name("local.json.bak"), checkpoint(2))
    lock(state) if sign == "lock" else leave(
        state.backend / ".pulumi/history/web/local/x.json", "{}"
    )
    assert repair(state)
    assert state.file.read_text() == checkpoint(2)


def test_the_backup_of_a_stack_that_was_removed_does_not_come_back(state: StackState) -> None:
    leave(state.file.with_name("local.json.bak"), checkpoint(2))
    assert not repair(state)
    assert not state.file.exists()


def test_damaged_attributes_go_and_the_backends_version_is_made_anew(state: StackState) -> None:
    leave(state.file, checkpoint(1))
    leave(state.file.with_name("local.json.attrs"), "")
    leave(state.backend / ".pulumi/meta.yaml", "")
    leave(state.backend / ".pulumi/meta.yaml.attrs", "{")
    assert "meta.yaml" in repair(state)[0]
    assert (state.backend / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    assert not list(state.backend.rglob("*.attrs"))


def test_a_missing_backend_needs_no_repair(tmp_path: Path) -> None:
    assert not repair(StackState(tmp_path / "state", "web", "local"))
    assert not list(tmp_path.iterdir())


def test_recorded_runs_are_in_the_order_of_their_times(state: StackState) -> None:
    history = state.backend / ".pulumi/history/web/local"
    for time, kind in ((2, "destroy"), (1, "update")):
        leave(history / f"local-{time}.history.json", json.dumps({"kind": kind}))
    leave(history / "local-3.history.json", "{")
    leave(history / "local-1.checkpoint.json", "{}")
    assert [each["kind"] for each in state.runs()] == ["update", "destroy"]


def test_a_lock_is_described_by_its_run_with_the_command_that_removes_it_here(
    state: StackState,
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    cancel = "`pulumi-local cancel --yes --stack local` removes the lock"
    expected = {
        (ended.pid, os.uname().nodename): "a run that was killed has left the stack locked: ",
        (os.getpid(), os.uname().nodename): (
            f"process {os.getpid()} has locked the stack; if it is no run, "
        ),
        (1, "elsewhere"): "a run on elsewhere has locked the stack; if it was killed, ",
    }
    assert list(state.lock_notices()) == []
    for (process, machine), words in expected.items():
        lock(state, json.dumps({"pid": process, "hostname": machine}))
        assert list(state.lock_notices()) == [f"{words}{cancel}"]
