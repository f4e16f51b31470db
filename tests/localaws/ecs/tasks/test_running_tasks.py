"""The observation of a task, with a fake task runtime and fake load balancers."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.targets import TargetHealth, TargetState
from localaws.ecs.definition import service_spec
from localaws.ecs.scheduler.model import Health, ServiceState, Task
from localaws.ecs.tasks.running_tasks import LiveTasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.localaws.ecs.conftest import Web


async def observation_of_task(
    web: Web, states: Mapping[str, TargetState], definition: str = ""
) -> Any:
    """Return the observation of a running task whose targets have these states, by group."""
    bound = [
        {"targetGroupArn": group, "containerName": "web", "containerPort": 80} for group in states
    ]
    web.change(loadBalancers=bound, taskDefinition=definition or web.define(1))
    revision = service_spec(web.record, web, ServiceState()).revision
    task = Task(
        id="t",
        deployment="d",
        task_definition=revision.task_definition,
        zone=revision.zones[0],
        created_at=0,
    )
    ended = asyncio.get_running_loop().create_future()
    listen_address = SimpleNamespace(address="127.0.0.1", port=lambda port: port)
    running = SimpleNamespace(
        listen_address=listen_address,
        host_ports={},
        ended=ended,
        health=(Health.UNCHECKED, ""),
        note="",
        reasons={},
    )

    async def start(_: object) -> Any:
        return running

    def health(group: str, _: object) -> TargetHealth:
        return TargetHealth(states[group], description=f"from {group}")

    runtime: Any = SimpleNamespace(start=start)
    groups: Any = SimpleNamespace(health=health)
    tasks = LiveTasks(runtime, groups, lambda _: None)
    tasks.start(task, revision, lambda: None)
    await asyncio.sleep(0)  # the start is a task of the event loop, which ends in one turn
    return tasks.observe([task])["t"]


@pytest.mark.parametrize(
    ("states", "together"),
    [
        ((), Health.UNCHECKED),
        ((TargetState.HEALTHY, TargetState.HEALTHY), Health.HEALTHY),
        ((TargetState.HEALTHY, TargetState.INITIAL), Health.INITIAL),
        ((TargetState.HEALTHY, TargetState.UNUSED), Health.INITIAL),
        ((TargetState.INITIAL, TargetState.UNHEALTHY), Health.UNHEALTHY),
    ],
)
async def test_a_task_is_healthy_when_it_is_healthy_in_all_its_target_groups(
    web: Web, states: tuple[TargetState, ...], together: Health
) -> None:
    observation = await observation_of_task(
        web, {f"group-{number}": state for number, state in enumerate(states)}
    )
    assert observation.target_health is together
    if together is Health.UNHEALTHY:
        assert (observation.unhealthy_target_group, observation.unhealthy_reason) == (
            "group-1",
            "from group-1",
        )


CHECK = {"command": ["CMD-SHELL", "exit 0"]}


@pytest.mark.parametrize(
    ("own", "sidecar", "expected"),
    [
        ({}, None, False),
        ({}, {}, True),
        ({}, {"healthCheck": CHECK}, False),
        ({}, {"essential": False}, False),
        ({"healthCheck": CHECK}, {}, True),
    ],
)
async def test_an_essential_container_is_checked_by_itself_or_by_a_target_group(
    web: Web, own: dict[str, Any], sidecar: dict[str, Any] | None, *, expected: bool
) -> None:
    sidecars = [] if sidecar is None else [{"name": "beside", "image": "python:3", **sidecar}]
    definition = web.define(2, sidecars=sidecars, **own)
    found = await observation_of_task(web, {web.group: TargetState.HEALTHY}, definition)
    assert found.has_unchecked is expected
