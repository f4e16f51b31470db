"""The whole data plane: real tasks behind a real Envoy, changed through resources."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from localaws.alb.envoy import EnvoyError
from localaws.alb.load_balancers import LoadBalancers
from localaws.machine import addresses
from localaws.machine.journal import Journal
from localaws.not_settled import NotSettled
from tests.localaws.ecs.plane import (
    PARAMETERS,
    exit_codes,
    plane,
    processes,
    stored,
)
from tests.localaws.http_client import plain_client
from tests.localaws.waiting import TIMEOUT, eventually

if TYPE_CHECKING:
    from tests.localaws.ecs.conftest import Web

pytestmark = pytest.mark.slow  # real processes, most of them with a real Envoy


async def test_a_service_becomes_steady_and_every_task_shows_its_own_page(
    web: Web, directory: Path
) -> None:
    async with plane(web, directory) as running, plain_client() as client:
        await running.settle()
        pages = [(await client.get(running.url)).text for _ in range(10)]
        page = re.compile(
            r"<html><body style='font-family:sans-serif'>\n"
            r"<h1>Hello from (ip-10-0-[12]-4\.eu-west-1\.compute\.internal)</h1>\n"
            r"<p>uuid: "
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}</p>\n</body></html>\n"
        )
        hosts: set[str] = set()
        for text in pages:
            matched = page.fullmatch(text)
            hosts.add(matched[1] if matched else text)
        assert sorted(hosts) == [
            "ip-10-0-1-4.eu-west-1.compute.internal",
            "ip-10-0-2-4.eu-west-1.compute.internal",
        ]
        assert len(set(pages)) == 2
        assert {task["availabilityZone"] for task in running.tasks()} == {
            "eu-west-1a",
            "eu-west-1b",
        }
        assert (await client.get(f"{running.url}/nope")).status_code == 404

        service = running.describe()
        assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (
            2,
            2,
            0,
        )
        (deployment,) = service["deployments"]
        assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")
        assert service["events"][0]["message"] == "(service web) has reached a steady state."
        assert re.search("waiting for health checks|starting", "\n".join(running.reports))
        assert running.controller.descriptions.status()[0]["progress"] == "2 of 2 tasks healthy"

        for task in running.tasks():
            log = directory / "logs/aws/ecs/web/nginx/web" / task["taskId"]
            assert '"GET / HTTP/1.1" 200' in log.read_text()
            assert re.match(
                r"\d{4}-\d\d-\d\dT[\d:.]+Z \[notice\] listening on 127\.", log.read_text()
            )


async def test_requests_reach_every_task_as_soon_as_a_service_is_steady(
    web: Web, directory: Path
) -> None:
    async with plane(web, directory) as running, plain_client() as client:
        await running.settle()
        for count in (3, 4, 5):
            web.change(desiredCount=count)
            await running.settle()
            pages = {(await client.get(running.url)).text for _ in range(count)}
            assert len(pages) == count, "requests go to the tasks in turn"


async def test_a_changed_listener_answers_as_soon_as_it_is_applied(
    web: Web, directory: Path
) -> None:
    async with plane(web, directory) as running, plain_client() as client:
        await running.settle()
        for number in range(5):
            fixed = {
                "contentType": "text/plain",
                "statusCode": "200",
                "messageBody": f"answer {number}",
            }
            actions = [{"type": "fixed-response", "fixedResponse": fixed}]
            web.put("aws:lb/listener:Listener", web.listener, defaultActions=actions)
            await running.controller.apply(timeout=TIMEOUT)
            assert (await client.get(running.url)).text == f"answer {number}"


async def test_a_change_that_cannot_be_applied_ends_the_wait_for_it(
    web: Web, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: LoadBalancers) -> None:
        raise EnvoyError("a refused configuration")

    async with plane(web, directory) as running:
        await running.settle()
        monkeypatch.setattr(LoadBalancers, "sync", fail)
        web.put("aws:lb/listener:Listener", web.listener, port=81)
        async with asyncio.timeout(TIMEOUT):
            await running.controller.apply(timeout=10 * TIMEOUT)
        assert running.controller.problems() == ["a refused configuration"]


async def test_the_controller_can_be_closed_during_a_change(web: Web, directory: Path) -> None:
    async with asyncio.timeout(TIMEOUT), plane(web, directory) as running:
        await running.settle()
        await asyncio.sleep(0.01)  # until the controller waits for the next change
        web.change(desiredCount=1)
    assert not processes(directory)


async def test_a_task_whose_process_was_killed_is_replaced(web: Web, directory: Path) -> None:
    async with plane(web, directory) as running:
        await running.settle()
        servers = page_servers(directory)
        assert len(servers) == 2
        servers[0].kill()
        await eventually(lambda: running.tasks("STOPPED"), "the task's end")
        (ended,) = running.tasks("STOPPED")
        assert (ended["stopCode"], ended["stoppedReason"]) == (
            "EssentialContainerExited",
            "Essential container in task exited",
        )
        assert exit_codes(ended) == [137]
        await running.settle()
        assert len(running.tasks()) == 2
        assert len(running.describe()["deployments"]) == 1


def page_servers(directory: Path) -> list[psutil.Process]:
    """Return the processes of the page server's containers."""
    return [each for each in processes(directory) if "page_server" in " ".join(each.cmdline())]


async def test_a_drained_service_leaves_nothing_and_can_be_created_again(
    web: Web, directory: Path
) -> None:
    web.change(serviceRegistries={"registryArn": "registry", "port": 80})
    async with plane(web, directory) as running, plain_client() as client:
        await running.settle()
        service = web.record
        registered = {
            each.id: each.port
            for each in running.controller.descriptions.registered_instances("registry")
        }
        assert registered == {each["taskId"]: 80 for each in running.tasks()}
        await running.drain()
        assert not page_servers(directory)
        assert running.controller.descriptions.registered_instances("registry") == []
        assert (await client.get(running.url)).status_code == 503
        web.remove("aws:ecs/service:Service", web.service)
        web.put("aws:ecs/service:Service", web.service, **service.outputs)
        await eventually(running.tasks, "tasks of the new service")
        assert len(running.describe()["tasks"]) == 2, "the old service's tasks aren't listed"
        await running.settle()
        assert (await client.get(running.url)).status_code == 200
        before = {task["taskId"] for task in running.tasks()}
        web.remove("aws:ecs/service:Service", web.service)
        web.put("aws:ecs/service:Service", web.service, **service.outputs)
        await running.settle()
        assert not before & {task["taskId"] for task in running.tasks()}, (
            "a service that is created again has new tasks even if the old one wasn't drained"
        )
    assert not processes(directory)


async def test_a_service_whose_deletion_is_abandoned_runs_again(web: Web, directory: Path) -> None:
    async with plane(web, directory) as running:
        await running.settle()
        await running.drain()
        assert running.describe()["status"] == "DRAINING"
        web.draining.clear()
        await running.settle()
        assert running.describe()["status"] == "ACTIVE"
        assert len(running.tasks()) == 2


async def test_secrets_are_only_in_the_tasks_environment(web: Web, directory: Path) -> None:
    arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/demo/password"
    definition = web.define(
        2,
        image="python:3",
        command=[
            "python",
            "-u",
            "-c",
            "import os, time; print(len(os.environ['A'] + os.environ['B'])); time.sleep(1000)",
        ],
        secrets=[{"name": "A", "valueFrom": "/demo/message"}, {"name": "B", "valueFrom": arn}],
    )
    web.change(taskDefinition=definition, loadBalancers=[], desiredCount=1)
    async with plane(web, directory) as running:
        await eventually(lambda: list((directory / "logs").rglob("web/*")), "a log stream")
        (log,) = [path for path in (directory / "logs").rglob("web/*") if path.is_file()]
        await eventually(lambda: log.read_text().strip(), "output")
        assert log.read_text().split()[1] == str(sum(map(len, PARAMETERS.values())))
        visible = json.dumps(running.describe()) + stored(directory)
        for process in processes(directory):
            visible += " ".join(process.cmdline())
        for value in PARAMETERS.values():
            assert value not in visible


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (
            {"secrets": [{"name": "A", "valueFrom": "/demo/nope"}]},
            (
                r"ResourceInitializationError: unable to pull secrets or registry auth: "
                r".*invalid parameters: /demo/nope"
            ),
        ),
        (
            {"image": "example.com/app:1"},
            r"CannotPullContainerError: .*example\.com/app:1.*localaws-images\.toml",
        ),
        (
            {"image": "python:3", "command": ["no-such"]},
            r"CannotStartContainerError: no-such: No such file or directory",
        ),
        ({"image": "python:3"}, r"CannotStartContainerError: .*no command"),
        (
            {"image": "python:3", "command": ["python", "-c", "raise SystemExit(3)"]},
            r"Essential container in task exited \(web exited with 3\)",
        ),
    ],
)
async def test_a_service_that_does_not_start_is_reported_with_the_reason(
    web: Web, directory: Path, container: dict[str, Any], message: str
) -> None:
    web.change(taskDefinition=web.define(2, **container))
    async with plane(web, directory) as running:
        await eventually(lambda: running.tasks("STOPPED"), "a task's end")
        with pytest.raises(NotSettled, match=message) as caught:
            await running.settle(timeout=0.5)
        assert "did not reach a steady state within 0.5 s: 0 of 2 tasks healthy" in str(
            caught.value
        )
        for value in PARAMETERS.values():
            assert value not in str(caught.value)


async def test_failing_health_checks_are_reported_with_their_code(
    web: Web, directory: Path
) -> None:
    check = {
        "path": "/health",
        "interval": 0.2,
        "timeout": 1,
        "healthyThreshold": 2,
        "unhealthyThreshold": 2,
    }
    web.put("aws:lb/targetGroup:TargetGroup", web.group, healthCheck={**check, "matcher": "200"})
    async with plane(web, directory) as running:
        reason = (
            f"(port 80) is unhealthy in (target-group {web.group}) due to (reason Health "
            "checks failed with"
        )
        await eventually(lambda: running.has_event(f"{reason} these codes: [404])"), "the event")
        stopped = next(task for task in running.describe()["tasks"] if "stoppedReason" in task)
        reason = f"Task failed ELB health checks in (target-group {web.group})"
        assert stopped["stoppedReason"] == reason


async def test_failing_container_checks_are_reported_with_their_result(
    web: Web, directory: Path
) -> None:
    check = {"command": ["CMD-SHELL", "exit 7"], "interval": 0.2, "retries": 1}
    web.change(taskDefinition=web.define(2, healthCheck=check), desiredCount=1)
    async with plane(web, directory) as running:
        await eventually(lambda: running.has_event("failed container health checks."), "the event")
        with pytest.raises(
            NotSettled, match=r"container health checks \(container web: exit code 7\)"
        ):
            await running.settle(timeout=0.5)
        assert running.describe()["tasks"][0]["stopCode"] == "ServiceSchedulerInitiated"


async def test_a_task_whose_container_waits_forever_can_be_stopped(
    web: Web, directory: Path
) -> None:
    containers = [
        {"name": "prepare", "image": "python:3", "command": ["sleep", "1000"], "essential": False},
        {
            "name": "web",
            "image": "nginx",
            "dependsOn": [{"containerName": "prepare", "condition": "COMPLETE"}],
        },
    ]
    definition = web.define(2)
    web.put(
        "aws:ecs/taskDefinition:TaskDefinition",
        definition,
        containerDefinitions=json.dumps(containers),
    )
    web.change(taskDefinition=definition, loadBalancers=[], desiredCount=1)
    async with plane(web, directory) as running:
        await eventually(lambda: running.tasks("PENDING"), "a start")
        await running.drain()
        (stopped,) = running.tasks("STOPPED")
        assert stopped["stoppedReason"].startswith("Scaling activity")


DAEMON = """
import asyncio, runpy, sys
from pathlib import Path
from localaws.daemon.data_plane import data_plane
from tests.localaws.http_client import plain_client
web = runpy.run_path(sys.argv[1])["Web"]()
async def main():
    running = data_plane(web, Path(sys.argv[2]), parameters=lambda name: None)
    await running.start()
    await running.controller.waits.settle(web.service, timeout=30, report=lambda line: None)
    print("steady", flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""


async def test_a_killed_daemon_leaves_nothing_and_the_next_one_runs_the_same_tasks_again(
    web: Web, directory: Path
) -> None:
    argv = [
        sys.executable,
        "-c",
        DAEMON,
        str(Path(__file__).with_name("conftest.py")),
        str(directory),
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"steady\n"
        children = psutil.Process(daemon.pid).children(recursive=True)
        assert len(children) == 4, "launcher, Envoy and two tasks"
        daemon.kill()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
    assert not processes(directory)
    (before,) = Journal(directory / "services.jsonl", version=1).read().values()
    async with plane(web, directory) as running, plain_client() as client:
        await running.settle()
        assert [d["id"] for d in running.describe()["deployments"]] == [
            d["id"] for d in before["deployments"]
        ]
        assert {task["taskId"] for task in running.tasks()} == {
            task["id"] for task in before["tasks"]
        }
        assert (await client.get(running.url)).status_code == 200


async def test_without_privileges_everything_works_on_high_ports(
    web: Web, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_bind = addresses.can_bind
    monkeypatch.setattr(
        addresses, "can_bind", lambda address, port: port >= 1024 and can_bind(address, port)
    )
    async with plane(web, directory) as running, plain_client() as client:
        await running.settle()
        assert running.url.endswith(":8080")
        assert (await client.get(running.url)).status_code == 200


async def test_without_envoy_services_run_and_it_is_reported(
    web: Web, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localaws.alb.envoy.find_envoy", lambda: str(directory / "no-envoy"))
    async with plane(web, directory) as running:
        with pytest.raises(NotSettled, match="no-envoy"):
            await running.settle(timeout=1)
        assert len(running.tasks()) == 2


async def test_services_run_although_their_state_has_another_form(
    web: Web, directory: Path
) -> None:
    Journal(directory / "services.jsonl", version=1).write(
        {web.service: {"deployments": [{"id": "ecs-svc/1"}]}}
    )
    async with plane(web, directory) as running:
        await running.settle()
        assert len(running.tasks()) == 2


async def test_the_state_file_of_an_earlier_version_is_read(web: Web, directory: Path) -> None:
    async with plane(web, directory) as running:
        await running.settle()
        deployments = [each["id"] for each in running.describe()["deployments"]]
        tasks = {task["taskId"] for task in running.tasks()}
    states = Journal(directory / "services.jsonl", version=1).read()
    (directory / "services.jsonl").unlink()
    (directory / "services.json").write_text(json.dumps(states))
    async with plane(web, directory) as running:
        await running.settle()
        assert [each["id"] for each in running.describe()["deployments"]] == deployments
        assert {task["taskId"] for task in running.tasks()} == tasks
    assert not (directory / "services.json").exists()


@pytest.mark.parametrize("name", ["services.jsonl", "services.json"])
@pytest.mark.parametrize("text", ["", '{"arn', "[]", "\0" * 512])
async def test_a_damaged_state_file_is_set_aside_and_reported_and_services_start_again(
    web: Web, directory: Path, caplog: pytest.LogCaptureFixture, name: str, text: str
) -> None:
    directory.mkdir()
    (directory / name).write_text(text)
    async with plane(web, directory) as running:
        await running.settle()
        assert len(running.tasks()) == 2
    assert (directory / f"{name}.damaged").read_text() == text
    assert f"{directory / name} was damaged" in caplog.text
