"""A container's writable folders, user and capabilities, and how it stops."""

from __future__ import annotations

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


def test_with_exec_the_root_file_system_is_writable_for_its_agent(dev: Recording) -> None:
    assert recorder.container(dev)["readonlyRootFilesystem"] is False
    assert "mountPoints" not in recorder.container(dev)
    assert "volumes" not in dev.one("TaskDefinition").inputs


def test_without_exec_only_scratch_folders_are_writable(without_exec: Recording) -> None:
    definition = recorder.container(without_exec)
    assert definition["readonlyRootFilesystem"] is True
    mounts = definition["mountPoints"]
    assert [mount["containerPath"] for mount in mounts] == PATHS
    assert not any(mount["readOnly"] for mount in mounts)
    volumes = without_exec.one("TaskDefinition").inputs["volumes"]
    assert volumes == [{"name": mount["sourceVolume"]} for mount in mounts], (
        "empty volumes that are deleted with the task"
    )


def test_the_default_image_can_write_to_every_folder_that_it_uses(without_exec: Recording) -> None:
    definition = recorder.container(without_exec)
    writable = {mount["containerPath"] for mount in definition["mountPoints"]}
    assert "/usr/share/nginx/html" in writable, "for the page"
    assert "/var/cache/nginx" in writable, "for nginx's request bodies"
    assert "/run" in writable, "for nginx's pid"
    assert "/usr/share/nginx/html/index.html" in definition["command"][2]


def test_without_writable_paths_nothing_is_writable() -> None:
    recording = recorder.run("dev", ecsExec=False, writablePaths=[])
    assert recorder.container(recording)["readonlyRootFilesystem"] is True
    assert "mountPoints" not in recorder.container(recording)


def test_with_a_user_every_capability_is_dropped() -> None:
    recording = recorder.run("dev", user="101:101", containerPort=8080)
    assert recorder.container(recording)["user"] == "101:101"
    assert recorder.container(recording)["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}


def test_the_images_own_user_keeps_the_capabilities_that_nginx_needs(dev: Recording) -> None:
    dropped = set(recorder.container(dev)["linuxParameters"]["capabilities"]["drop"])
    assert "user" not in recorder.container(dev)
    needed = {"CHOWN", "DAC_OVERRIDE", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}
    assert not dropped & needed, "nginx opens port 80 as root, then switches to another user"
    kept = DEFAULT_CAPABILITIES - dropped
    assert kept == needed | {"FOWNER"}
    documented = set(re.findall("`([A-Z_]+)`", DECISION.read_text()))
    assert documented & DEFAULT_CAPABILITIES == kept


@pytest.mark.parametrize("exec_on", [True, False])
def test_an_init_process_forwards_signals_to_the_server(*, exec_on: bool) -> None:
    definition = recorder.container(recorder.run("dev", ecsExec=exec_on))
    assert definition["linuxParameters"]["initProcessEnabled"] is True
    assert "exec nginx" in definition["command"][2], (
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
def test_a_task_has_at_least_as_long_to_stop_as_to_drain(
    changes: dict[str, Any], delay: int, stop: int
) -> None:
    recording = recorder.run("dev", **changes)
    assert recording.one("TargetGroup").inputs["deregistrationDelay"] == delay
    assert recorder.container(recording)["stopTimeout"] == stop
    minutes = int(recording.one("Service").timeouts[2].removesuffix("m"))
    assert delay + stop < minutes * 60, (
        "else the deletion of the service could time out before its tasks have stopped"
    )
