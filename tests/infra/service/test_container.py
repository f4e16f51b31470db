"""What a container may do to itself and its task: files, user, capabilities, and how it ends."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

DECISION = recorder.ROOT_FOLDER / "docs/adr/0012-a-shell-or-a-read-only-file-system.md"
DEFAULT_CAPABILITIES = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
"""Source: Docker, runtime privilege and Linux capabilities; ECS refers to it."""

PATHS = ["/run", "/tmp", "/usr/share/nginx/html", "/var/cache/nginx"]


def container(recording: Recording) -> dict[str, Any]:
    (found,) = json.loads(recording.one("TaskDefinition").inputs["containerDefinitions"])
    return dict(found)


def test_with_exec_the_root_file_system_is_writable_as_its_agent_needs_it(dev: Recording) -> None:
    assert container(dev)["readonlyRootFilesystem"] is False
    assert "mountPoints" not in container(dev)
    assert "volumes" not in dev.one("TaskDefinition").inputs


def test_without_exec_only_scratch_folders_are_writable(without_exec: Recording) -> None:
    inner = container(without_exec)
    assert inner["readonlyRootFilesystem"] is True
    assert [(each["containerPath"], each["readOnly"]) for each in inner["mountPoints"]] == [
        (path, False) for path in PATHS
    ]
    volumes = without_exec.one("TaskDefinition").inputs["volumes"]
    assert volumes == [{"name": each["sourceVolume"]} for each in inner["mountPoints"]], (
        "empty, and gone with the task"
    )


def test_the_default_image_finds_every_folder_it_writes_to(without_exec: Recording) -> None:
    page = container(without_exec)["command"][2]
    written = {
        "/usr/share/nginx/html": "the page",
        "/var/cache/nginx": "nginx's bodies",
        "/run": "nginx's pid",
    }
    assert written.keys() <= {
        each["containerPath"] for each in container(without_exec)["mountPoints"]
    }
    assert "/usr/share/nginx/html/index.html" in page


def test_an_image_that_writes_nothing_needs_no_folder() -> None:
    recording = recorder.run("dev", ecsExec=False, writablePaths=[])
    assert container(recording)["readonlyRootFilesystem"] is True
    assert "mountPoints" not in container(recording)


def test_a_user_is_not_root_and_can_do_nothing_that_root_can() -> None:
    recording = recorder.run("dev", user="101:101", containerPort=8080)
    assert container(recording)["user"] == "101:101"
    assert container(recording)["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}


def test_the_images_own_user_keeps_what_nginx_needs_to_start(dev: Recording) -> None:
    dropped = set(container(dev)["linuxParameters"]["capabilities"]["drop"])
    assert "user" not in container(dev)
    needed = {"CHOWN", "DAC_OVERRIDE", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}
    assert not dropped & needed, "nginx opens port 80 as root, and hands over to a user of its own"
    documented = set(re.findall("`([A-Z_]+)`", DECISION.read_text()))
    assert (
        DEFAULT_CAPABILITIES - dropped == documented & DEFAULT_CAPABILITIES == needed | {"FOWNER"}
    )


@pytest.mark.parametrize("exec_on", [True, False])
def test_signals_reach_the_server_and_nothing_stays_behind(*, exec_on: bool) -> None:
    inner = container(recorder.run("dev", ecsExec=exec_on))
    assert inner["linuxParameters"]["initProcessEnabled"] is True
    assert "exec nginx" in inner["command"][2], (
        "a shell between init and nginx would swallow the signal"
    )


@pytest.mark.parametrize(
    ("changes", "delay", "stop"),
    [
        ({}, 30, 30),
        ({"drainSeconds": 7}, 7, 7),
        ({"drainSeconds": 7, "stopTimeoutSeconds": 60}, 7, 60),
        ({"drainSeconds": 7, "deregistrationDelaySeconds": 3}, 3, 7),
    ],
)
def test_a_task_has_as_long_to_stop_as_to_drain_or_longer(
    changes: dict[str, Any], delay: int, stop: int
) -> None:
    recording = recorder.run("dev", **changes)
    assert recording.one("TargetGroup").inputs["deregistrationDelay"] == delay
    assert container(recording)["stopTimeout"] == stop
    minutes = int(recording.one("Service").timeouts[2].removesuffix("m"))
    assert delay + stop < minutes * 60, "the deletion would give up on a task that still may stop"
