"""The daemon's end, in every way: what it leaves behind, and what the next command finds."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from localaws.account.cloud import Cloud
from localaws.daemon.file_permissions import OURS
from localaws.daemon.state_directory import holder
from localaws.machine.journal import Journal
from localaws.mocks.urns import STACK
from tests.engine.requests import get
from tests.engine.service import SERVICE
from tests.engine.stack import (
    WITHOUT_ASKING,
    Stack,
    cloud_and_engine_agree,
    deployed,
    runs_containers,
)
from tests.engine.status import status_of, tasks
from tests.engine.waiting import eventually
from tests.localaws.account.state_version_1 import in_version_1
from tests.second_user import AS_ANOTHER_USER, folder_open_to_others, tries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A deployed stack for these tests only, as they kill its daemon."""
    with folder_open_to_others() as folder:
        state = folder / "state"
        state.mkdir()
        yield from deployed(Stack(state, passphrase=True, forks_commands=False))


def family(stack: Stack) -> list[psutil.Process]:
    """Return the daemon and everything that it started."""
    daemon = psutil.Process(stack.address.pid)
    return [daemon, *daemon.children(recursive=True)]


def environments(stack: Stack) -> list[set[str]]:
    """Return the environment of each running task, whichever runtime runs it."""
    if runs_containers():
        ids = [each["taskId"] for each in tasks(stack)]
        return [{*stack.run("exec", each, "--", "env").splitlines()} for each in ids]
    servers = [each for each in family(stack) if "page_server" in " ".join(each.cmdline())]
    texts = [Path(f"/proc/{each.pid}/environ").read_text() for each in servers]
    return [{*each.split("\0")} for each in texts]


def gone(processes: list[psutil.Process]) -> bool:
    """Return whether all processes have ended."""
    for process in processes:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return False
    return True


@AS_ANOTHER_USER
def test_another_user_can_neither_call_the_daemon_nor_read_its_files(stack: Stack) -> None:
    daemon = psutil.Process(stack.address.pid)
    listening: set[int] = set()
    for each in daemon.net_connections("inet"):
        if each.status == psutil.CONN_LISTEN:
            listening.add(each.laddr.port)
    ports = sorted(listening)
    assert {
        stack.address.aws_port,
        stack.address.awsx_port,
        stack.address.docker_build_port,
    } <= listening
    assert tries([stack.address.aws_port], stack.path, user=0)["answers"] != ["UNAVAILABLE"], (
        "root may"
    )
    found = tries(ports, stack.path)
    assert found == {
        "answers": ["UNAVAILABLE"] * len(ports),
        "status": ["UNAVAILABLE"] * len(ports),
        "files": [],
    }


def test_what_the_local_aws_writes_is_its_owners_alone(stack: Stack) -> None:
    open_to_others = [
        path for path in (stack.path, *stack.path.rglob("*")) if path.lstat().st_mode & 0o077
    ]
    assert not open_to_others
    assert {path.name for path in stack.path.iterdir()} <= OURS


def test_a_killed_daemon_takes_everything_along_and_the_next_command_brings_it_back(
    stack: Stack,
) -> None:
    url, processes = stack.outputs()["serviceUrl"], family(stack)
    assert len(processes) > 4, "daemon, launcher, proxy and two tasks at least"
    os.kill(stack.address.pid, signal.SIGKILL)
    eventually(lambda: gone(processes), "every process of the killed daemon has ended")
    assert stack.outputs()["serviceUrl"] == url, "the load balancer keeps its address"
    run = stack.shell("pulumi-local stack output albDns | verify --expect-tasks 2")
    assert run.returncode == 0, run.stdout + run.stderr
    shown = stack.run("status", "--public-tasks").split()
    run = stack.shell(
        f"verify {url} --deadline 20 " + " ".join(f"--closed {each}" for each in shown)
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_killed_launcher_ends_its_daemon_and_the_next_command_brings_everything_back(
    stack: Stack,
) -> None:
    """The namespaces of all tasks and networks are gone with their first process."""
    if not runs_containers():
        pytest.skip("NOT TESTED with processes, which need no namespaces: they are started again")
    url, processes = stack.outputs()["serviceUrl"], family(stack)
    launchers = [each for each in processes if "isolated" in each.cmdline()]
    launchers[0].kill()
    eventually(lambda: gone(processes), "every process of the daemon has ended")
    assert "the launcher was killed" in stack.last_words()
    assert "not running" in stack.run("status", fails=True)
    run = stack.shell("pulumi-local stack output albDns | verify --expect-tasks 2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert stack.outputs()["serviceUrl"] == url


def test_what_an_earlier_version_of_the_local_aws_deployed_goes_on_as_it_is(stack: Stack) -> None:
    """The run without changes is also that after a killed daemon and a killed launcher."""
    url, described = stack.outputs()["serviceUrl"], status_of(stack)["services"]
    salt = stack.state.salt()
    stack.run("stop")
    resources, services = stack.directory.resources, stack.path / "services.jsonl"
    resources.with_suffix(".json").write_text(in_version_1(Cloud(resources)))
    services.with_suffix(".json").write_text(json.dumps(Journal(services, version=1).read()))
    resources.unlink()
    services.unlink()
    stack.up("--expect-no-changes")
    assert stack.state.salt() == salt is not None, "each run has the same key"
    assert get(url).status_code == 200
    (before,), (after,) = described, status_of(stack)["services"]
    deployments = [each["id"] for each in before["deployments"]]
    assert [each["id"] for each in after["deployments"]] == deployments
    running = {each["taskId"] for each in before["tasks"]}
    assert {each["taskId"] for each in after["tasks"]} == running
    assert not resources.with_suffix(".json").exists()


def test_secrets_reach_the_tasks_environment_and_nothing_else(stack: Stack) -> None:
    """Also where a new daemon has started the tasks again, as in the test before this one."""
    values = {"DB_PASSWORD=only-for-the-local-stack", "APP_MESSAGE=Hello from the local AWS"}
    found = environments(stack)
    assert [values <= each for each in found] == [True, True]
    for process in family(stack):
        assert "only-for-the-local-stack" not in " ".join(process.cmdline())
    files = [path for path in stack.path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"only-for-the-local-stack" in path.read_bytes()]
    assert "only-for-the-local-stack" not in stack.run("stack", "export", "--show-secrets")


def test_logs_show_what_the_containers_print(stack: Stack) -> None:
    url = stack.outputs()["serviceUrl"]
    get(f"{url}/?marked-request")
    eventually(
        lambda: "marked-request" in stack.run("logs", "--no-follow"), "the request in the log"
    )
    assert "no log streams in groups like '/exec' yet; there are those in /aws/ecs/" in stack.run(
        "logs", "--no-follow", "/exec", fails=True
    )
    assert "marked-request" in stack.run("logs", "--no-follow", "--container", "nginx")


def test_status_shows_what_runs(stack: Stack) -> None:
    output = stack.run("status")
    assert "local-web" in output
    assert "2" in output
    assert "pulumi-local stack --stack NAME" in stack.run("status", "--stack", "local", fails=True)
    assert "aws:ecs/service:Service" in stack.run("stack", "--stack", "local")


def test_a_state_directory_that_is_gone_ends_its_daemon_and_a_wrong_setting_stops_the_first_run(
    stack: Stack,
) -> None:
    processes = family(stack)
    stack.path.rename(stack.path.with_name("elsewhere"))
    eventually(
        lambda: gone(processes), "every process of the daemon without a state directory has ended"
    )
    output = stack.up(fails=True, containerPort=0, logRetentionDays=15)
    assert "containerPort: 0; allowed:" in output
    assert "logRetentionDays: 15; allowed:" in output
    assert not stack.own_frames(output)
    assert not [each for each in stack.resources() if each["type"] != STACK]
    assert stack.made() == []


def test_a_daemon_killed_while_it_deploys_fails_the_run_and_the_next_run_completes_it(
    stack: Stack,
) -> None:
    """The run begins anew, as the test before this one has left no resource."""
    with stack.with_host(("up",)) as variables:
        deploying = stack.start("up", *WITHOUT_ASKING, env=variables)
        eventually(lambda: bool(stack.made_of(SERVICE)), "a service")
        os.kill(stack.address.pid, signal.SIGKILL)
        output, _ = deploying.communicate(timeout=120)
    assert deploying.returncode != 0, output
    stack.up()
    assert cloud_and_engine_agree(stack)
    assert get(stack.outputs()["serviceUrl"]).status_code == 200
    stack.up("--expect-no-changes")


def test_stop_leaves_nothing_running_and_says_so(stack: Stack) -> None:
    processes = family(stack)
    assert "has stopped" in stack.run("stop")
    assert gone(processes)
    assert holder(stack.directory) is None
    assert "no local AWS was running" in stack.run("stop")
    assert "not running" in stack.run("status", fails=True)
