"""Operations on resources: what they wait for, and the daemon's functions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pulumi.runtime.proto import provider_pb2

from localaws.account.cloud import Cloud
from localaws.alb.envoy import EnvoyError
from localaws.alb.load_balancers import LoadBalancers
from localaws.catalog import Resource
from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.ecs.services import SERVICE as ECS_SERVICE
from localaws.catalog.elb.listeners import LISTENER, LISTENER_CERTIFICATE, LISTENER_RULE
from localaws.daemon import lifecycle
from localaws.daemon.functions import FAIL_INSTANCE, INTERRUPT, SET_ALARM_STATE, STATUS
from localaws.daemon.lifecycle import GET_SERVICE, Running
from localaws.daemon.state_directory import StateDirectory
from localaws.not_settled import NotSettled
from localaws.protocol.property_values import from_wire, to_wire
from tests.localaws.filled_account import FilledAccount
from tests.localaws.protocol.served_provider import NEW, OLD, SERVICE, create_service, serving
from tests.localaws.waiting import eventually

GROUP = "aws:cloudwatch/logGroup:LogGroup"

ALARM_INPUTS = {
    "name": "errors",
    "namespace": "AWS/ECS",
    "metricName": "CPUUtilization",
    "dimensions": {"ClusterName": "main", "ServiceName": "web"},
    "statistic": "Average",
    "period": 60,
    "evaluationPeriods": 1,
    "threshold": 1,
    "comparisonOperator": "GreaterThanThreshold",
}

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def test_an_update_is_answered_only_after_the_requested_deployment_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the state would have the previous revision, and the next preview show a change."""

    async def slow(_: LoadBalancers) -> None:
        """Delay the controller, which reads the load balancers before the services."""
        await asyncio.sleep(0.1)

    monkeypatch.setattr(LoadBalancers, "sync", slow)
    cloud = Cloud(seed=1)
    running = Running(cloud, StateDirectory(tmp_path, tmp_path / ".local"))
    await running.start()
    try:
        async with serving(running, cloud) as provider:
            identifier = await create_service(provider)
            query = {
                "serviceName": "web",
                "clusterArn": cloud.all("aws:ecs/cluster:Cluster")[0].id,
            }
            await eventually(
                lambda: running.functions[GET_SERVICE](query)["deployments"], "a deployment"
            )
            for before, after in ((NEW, OLD), (OLD, NEW)):
                assert await change(provider, identifier, before, after) == after
                assert running.functions[GET_SERVICE](query)["taskDefinition"] == after
    finally:
        await running.close()


async def test_a_rule_is_answered_only_after_the_load_balancers_apply_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a run could end while requests still got the default action."""
    applied: list[int] = []

    async def slow(_: LoadBalancers) -> None:
        existing = len(cloud.all(GROUP))
        await asyncio.sleep(0.05)
        applied.append(existing)

    cloud = Cloud(seed=1)
    monkeypatch.setattr(LoadBalancers, "sync", slow)
    running = Running(cloud, StateDirectory(tmp_path, tmp_path / ".local"))
    await running.start()
    try:
        for token in (LISTENER_RULE, LISTENER_CERTIFICATE):
            made = cloud.create(
                GROUP, f"urn:{token}", {"name": token.rpartition(":")[2]}, region="eu-west-1"
            )
            cloud.acknowledge(GROUP, made.id)
            await running.settle(replace(made, token=token), seconds=30, report=lambda _: None)
            assert applied[-1] == len(cloud.all(GROUP))
    finally:
        await running.close()


@pytest.fixture
async def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """Run what is served, with a synchronization of the load balancers that doesn't end."""

    async def hang(_: LoadBalancers) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(LoadBalancers, "sync", hang)
    running = Running(Cloud(seed=1), StateDirectory(tmp_path, tmp_path / ".local"))
    await running.start()
    yield running
    await running.close()


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (LISTENER_RULE, "the load balancers haven't applied it after 0.05 s"),
        (ECS_SERVICE, "arn did not take up what was requested within 0.05 s: "),
    ],
)
async def test_what_is_not_applied_in_time_fails(busy: Running, token: str, message: str) -> None:
    resource = Resource(token, "arn", "urn", "eu-west-1", {}, computed={})
    with pytest.raises(NotSettled) as failed:
        await busy.settle(resource, seconds=0.05, report=lambda _: None)
    assert str(failed.value) == message


async def test_problems_are_those_after_the_first_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run asks as soon as the daemon is ready."""

    async def fail(_: LoadBalancers) -> None:
        await asyncio.sleep(0.1)
        raise EnvoyError("Envoy isn't there: install it")

    monkeypatch.setattr(LoadBalancers, "sync", fail)
    running = Running(Cloud(seed=1), StateDirectory(tmp_path, tmp_path / ".local"))
    await running.start()
    try:
        assert await running.find_problems() == ["Envoy isn't there: install it"]
    finally:
        await running.close()


async def test_an_attempt_that_does_not_end_holds_no_run_up(
    busy: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_FIRST_ATTEMPT_SECONDS", 0.1)
    assert await busy.find_problems() == []


async def test_a_rule_that_the_load_balancer_may_not_apply_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = {"lb": "Envoy doesn't take its configuration"}
    monkeypatch.setattr(LoadBalancers, "problem", lambda _, arn: problems.get(arn, ""))
    cloud = FilledAccount()
    cloud.put(LISTENER, "listener", loadBalancerArn="lb")
    cloud.put(LISTENER_RULE, "rule", listenerArn="listener")
    cloud.put(LISTENER, "other", loadBalancerArn="another")
    running = Running(cast("Any", cloud), StateDirectory(tmp_path, tmp_path / ".local"))
    for token, identifier in ((LISTENER, "listener"), (LISTENER_RULE, "rule")):
        resource = cloud.get(token, identifier)
        assert resource
        (remark,) = running.remarks(resource)
        assert remark.startswith(
            "the local load balancer may not serve this yet: Envoy doesn't take its configuration."
        )
    other = cloud.get(LISTENER, "other")
    assert other
    assert running.remarks(other) == []


async def test_a_listener_whose_load_balancer_lacks_an_address_fails_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = {"lb": "subnet 10.0.0.0/28 has no free address"}
    monkeypatch.setattr(LoadBalancers, "address_error", lambda _, arn: errors.get(arn, ""))
    running = Running(Cloud(seed=1), StateDirectory(tmp_path, tmp_path / ".local"))
    inputs = {"loadBalancerArn": "lb"}
    listener = Resource(LISTENER, "listener", "urn", "eu-west-1", inputs, computed={})
    problem = await running.find_problem(listener)
    assert problem == f"the local load balancer lacks an address: {errors['lb']}"
    other = replace(listener, inputs={"loadBalancerArn": "other"})
    assert await running.find_problem(other) == ""


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        (
            "cannot bind '127.64.0.1:80': Address already in use",
            ". Stop what holds the address, or choose another port",
        ),
        ("Envoy isn't there: install it", ""),
    ],
)
async def test_a_listener_that_takes_no_connections_fails_with_the_reason_and_what_to_do(
    why: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoadBalancers, "listen_error", lambda *_: why)
    running = Running(Cloud(seed=1), StateDirectory(tmp_path, tmp_path / ".local"))
    listener = Resource(LISTENER, "listener", "urn", "eu-west-1", {}, computed={})
    problem = await running.find_problem(listener)
    assert problem == f"the local load balancer can't listen: {why}{remedy}"


async def change(provider: Any, identifier: str, before: str, after: str) -> object:
    """Update the service's task definition, and return the one in the answer."""
    inputs = {"name": "web", "cluster": "main", "taskDefinition": before}
    answer = await provider.Update(
        provider_pb2.UpdateRequest(
            urn=SERVICE,
            id=identifier,
            olds=to_wire(inputs),
            old_inputs=to_wire(inputs),
            news=to_wire({**inputs, "taskDefinition": after}),
        )
    )
    return from_wire(answer.properties)["taskDefinition"]


def test_an_alarms_state_is_set_by_name_and_an_unknown_name_is_a_problem(
    tmp_path: Path,
) -> None:
    cloud = Cloud(seed=1)
    functions = Running(cloud, StateDirectory(tmp_path, tmp_path / ".local")).functions
    inputs = {**ALARM_INPUTS, "alarmActions": ["arn:aws:sns:eu-west-1:123456789012:ops"]}
    cloud.create(ALARM, "urn", inputs, region="eu-west-1")
    assert functions[SET_ALARM_STATE]({"alarm": "errors", "state": "ALARM"}) == {"alarm": "errors"}
    status = functions[STATUS]({})
    assert [each["state"] for each in status["alarms"]] == ["ALARM"]
    assert [each["text"] for each in status["notifications"]] == ["set by pulumi-local alarm"]
    unknown = functions[SET_ALARM_STATE]({"alarm": "other", "state": "OK"})
    assert unknown["problem"] == "there is no alarm other; `pulumi-local status` lists them"


def test_without_alarms_tasks_or_instances_the_functions_report_that_there_are_none(
    tmp_path: Path,
) -> None:
    functions = Running(Cloud(seed=1), StateDirectory(tmp_path, tmp_path / ".local")).functions
    alarm = functions[SET_ALARM_STATE]({"alarm": "errors", "state": "OK"})["problem"]
    assert alarm == "there are no alarms; services with `alarms: true` have some (docs/alarms.md)"
    task = functions[INTERRUPT]({"task": "8280"})["problem"]
    assert task == "no running tasks begin with '8280'; `pulumi-local status` lists them"
    instance = functions[FAIL_INSTANCE]({"instance": "i-0a"})["problem"]
    assert instance.startswith("there are no instances")


async def test_a_deleted_alarms_notifications_are_removed(tmp_path: Path) -> None:
    cloud = Cloud(seed=1)
    running = Running(cloud, StateDirectory(tmp_path, tmp_path / ".local"))
    topic = "arn:aws:sns:eu-west-1:123456789012:ops"
    made = {}
    for name in ("errors", "latency"):
        inputs = {**ALARM_INPUTS, "name": name, "alarmActions": [topic]}
        made[name] = cloud.create(ALARM, f"urn-{name}", inputs, region="eu-west-1")
        running.functions[SET_ALARM_STATE]({"alarm": name, "state": "ALARM"})
    cloud.delete(ALARM, "errors")
    await running.removed(made["errors"])
    sent = running.functions[STATUS]({})["notifications"]
    assert [each["subject"] for each in sent] == ['ALARM: "latency" in eu-west-1']
