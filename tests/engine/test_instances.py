"""The article's system: tasks on EC2 instances behind a load balancer, under the real engine.

One stack for all; the tests change it one after the other, in their order.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from localaws.catalog.ecs.clusters import CLUSTER
from tests.engine.service import SERVICE, console
from tests.engine.stack import Stack, deployed, settings, token_of
from tests.engine.status import status_of, tasks
from tests.engine.waiting import eventually
from tests.engine.watching import UP, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT = 4567
IDENTITY = "--path /hostname --identity 'body-regex:([0-9a-f]{12})'"
SERVER = (
    "echo 'user nginx; pid /tmp/nginx.pid; events {} http { server { listen 4567; "
    "location = /hostname { default_type text/plain; return 200 $hostname; } } }' "
    "> /tmp/nginx.conf && exec nginx -c /tmp/nginx.conf -g 'daemon off;'"
)
CONFIG: dict[str, Any] = {
    "capacity": "ec2",
    "network": "nat",
    "desiredCount": 1,
    "containerPort": PORT,
    "healthCheckPath": "/hostname",
    "command": ["sh", "-c", SERVER],
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, containers: None) -> Iterator[Stack]:
    """The deployed stack, with one task on one of two instances."""
    yield from deployed(Stack(tmp_path_factory.mktemp("state")), **CONFIG)


def with_three(**changes: object) -> dict[str, Any]:
    return {**CONFIG, "desiredCount": 3, **changes}


def up_command(config: dict[str, Any]) -> str:
    return f"{UP} {shlex.join(settings(config))}"


def instances(stack: Stack) -> list[dict[str, Any]]:
    return list(status_of(stack)["instances"])


def ids(stack: Stack) -> set[str]:
    return {each["instanceId"] for each in instances(stack)}


def verify(stack: Stack, count: int) -> str:
    """Run `verify` as the article's system is checked; return what it prints."""
    url = f"http://{stack.outputs()['albDns']}"
    options = f"{IDENTITY} --expect-tasks {count} --deadline 30 --interval 0.2"
    run = stack.shell(f"verify {url} {options}")
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_one_task_answers(stack: Stack) -> None:
    (task,) = tasks(stack)
    assert task["hostPorts"] == ["0.0.0.0:32768->4567/tcp"]
    verify(stack, 1)


def test_the_load_balancer_follows_a_scale_out_to_three_tasks_which_changes_nothing_else(
    stack: Stack,
) -> None:
    url = f"{stack.outputs()['serviceUrl']}/hostname"
    command = f"{up_command(with_three())} --event-log {stack.event_log}"
    report = watch(stack, url, "--identity 'body-regex:([0-9a-f]{12})'", command=command)
    done = [(token_of(each["urn"]), each["diffReasons"]) for each in stack.logged_steps()]
    assert done == [(SERVICE, ["desiredCount"])]
    assert report["exit_code"] == 0, report
    assert report["watch"]["failures"] == {}
    assert "3 distinct" in verify(stack, 3)
    assert len({each["ec2InstanceId"] for each in tasks(stack)}) == 2
    assert [each["agent"] for each in instances(stack)] == ["ACTIVE", "ACTIVE"]


def test_an_instance_is_closed_but_for_the_load_balancer(stack: Stack) -> None:
    """From the internet and from a host in the VPC without a group that would hold it back."""
    (address, *_) = (each["privateIp"] for each in instances(stack))
    curl = f"curl -sS -m 1 -o /dev/null http://{address}:$port/hostname"
    script = f"for port in 22 32768 51678 {PORT}; do ({curl}; echo $port $?) & done; wait"
    for where in ("internet", "internet --from vpc"):
        run = stack.shell(f"pulumi-local {where} -- sh -c {shlex.quote(script)}")
        timed_out = {f"{port} 28" for port in (22, 32768, 51678, PORT)}
        assert set(run.stdout.splitlines()) == timed_out, f"{where}: {run.stderr}"


def test_a_container_does_not_reach_the_instances_metadata(stack: Stack) -> None:
    command = "wget -q -T 1 -O - http://169.254.169.254/latest/meta-data/"
    run = stack.shell(f"pulumi-local exec -- {command}")
    assert run.returncode != 0
    assert not run.stdout


def test_a_rollout_with_room_fails_no_request_and_replaces_every_task(stack: Stack) -> None:
    url = f"{stack.outputs()['serviceUrl']}/hostname"
    before = {each["taskId"] for each in tasks(stack)}
    config = with_three(environment={"RELEASE": "2"})
    report = watch(
        stack,
        url,
        "--identity 'body-regex:([0-9a-f]{12})'",
        "--expect-change",
        command=up_command(config),
    )
    assert report["exit_code"] == 0, report
    assert report["watch"]["failures"] == {}
    assert not before & {each["taskId"] for each in tasks(stack)}


def test_a_refresh_of_the_instances_fails_no_request(stack: Stack) -> None:
    """The run doesn't wait for the refresh's end, so the watched command does."""
    url = f"{stack.outputs()['serviceUrl']}/hostname"
    before = ids(stack)
    config = with_three(environment={"RELEASE": "2"}, instanceReservedMib=128)
    old = "|".join(before)
    wait = f"while pulumi-local status | grep -Eq 'instance +({old})'; do sleep 2; done"
    command = f"sh -c {shlex.quote(f'{up_command(config)} && {wait}')}"
    report = watch(stack, url, "--identity 'body-regex:([0-9a-f]{12})'", command=command)
    assert report["exit_code"] == 0, report
    assert report["watch"]["failures"] == {}
    assert not before & ids(stack)
    eventually(lambda: len(tasks(stack)) == 3, "all tasks")
    verify(stack, 3)


def test_a_lost_instance_and_its_tasks_are_replaced(stack: Stack) -> None:
    lost = tasks(stack)[0]["ec2InstanceId"]
    assert stack.run("fail", lost).strip() == f"ended instance {lost}"

    def are_replaced() -> bool:
        # The instance goes first, and its tasks are stopped after it.
        on = [each["ec2InstanceId"] for each in tasks(stack)]
        return len(on) == 3 and lost not in {*on, *ids(stack)}

    eventually(are_replaced, "tasks on other instances")
    reasons = {each["stoppedReason"] for each in tasks(stack, "STOPPED")}
    assert f"Host EC2 (instance {lost}) terminated." in reasons
    verify(stack, 3)
    eventually(lambda: len(instances(stack)) == 2, "another instance")


def test_a_task_on_an_instance_is_not_interrupted(stack: Stack) -> None:
    task = tasks(stack)[0]["taskId"]
    output = stack.run("interrupt", task, fails=True)
    assert re.search(rf"task {task} runs on instances-\w+, which AWS doesn't interrupt", output)


def test_a_rollout_without_room_stops_tasks_first_if_the_minimum_allows_it(stack: Stack) -> None:
    config = with_three(
        environment={"RELEASE": "3"},
        instanceReservedMib=128,
        minInstances=1,
        maxInstances=1,
        minimumHealthyPercent=50,
    )
    stack.up(**config)
    eventually(lambda: len(instances(stack)) == 1, "a single instance")
    before = {each["taskId"] for each in tasks(stack)}
    stack.up(**{**config, "environment": {"RELEASE": "4"}})
    now = {each["taskId"] for each in tasks(stack)}
    assert len(now) == 3
    assert not now & before
    verify(stack, 3)


def test_a_cluster_with_instances_cant_be_deleted(stack: Stack) -> None:
    (cluster,) = stack.resources_of(CLUSTER)
    request = provider_pb2.DeleteRequest(urn=cluster["urn"], id=cluster["id"], timeout=1)
    with console(stack) as aws, pytest.raises(grpc.RpcError) as refused:
        aws.Delete(request)
    assert "ClusterContainsContainerInstancesException: The Cluster cannot be deleted while" in str(
        refused.value
    )


def test_destroy_leaves_no_task_and_no_instance(stack: Stack) -> None:
    stack.destroy()
    status = status_of(stack)
    assert (status["services"], status["instances"], status["problems"]) == ([], [], [])
