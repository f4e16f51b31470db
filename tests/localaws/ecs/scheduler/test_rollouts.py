"""Rollouts with real processes under traffic, and versions that fail."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

from localaws.ecs.scheduler.model import Timing
from localaws.not_settled import NotSettled
from tests.localaws.ecs.plane import exit_codes, plane, server, traffic

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localaws.ecs.conftest import Web

pytestmark = pytest.mark.slow  # real processes, started and stopped a hundred times


async def test_changes_under_traffic_lose_no_request(web: Web, directory: Path) -> None:
    async with plane(web, directory) as running:
        await running.settle()
        async with traffic(running.url) as statuses:
            for revision in (2, 3):
                before = {task["taskId"] for task in running.tasks()}
                web.change(taskDefinition=web.define(revision))
                web.remove("aws:ecs/taskDefinition:TaskDefinition", web.define(revision - 1))
                await running.settle()
                assert not before & {task["taskId"] for task in running.tasks()}
                assert len(running.tasks()) == 2
            for count in (3, 1):
                web.change(desiredCount=count)
                await running.settle()
                assert len(running.tasks()) == count
            assert {task["taskDefinition"] for task in running.tasks()} == {web.define(3)}
        assert set(statuses) == {200}, statuses
        for task in running.tasks("STOPPED"):
            assert set(exit_codes(task)) == {0}, "the task was killed"


SHAPES = (
    {"desiredCount": 1, "deploymentMinimumHealthyPercent": 100, "deploymentMaximumPercent": 200},
    {"desiredCount": 2, "deploymentMinimumHealthyPercent": 50, "deploymentMaximumPercent": 200},
    {"desiredCount": 2, "deploymentMinimumHealthyPercent": 100, "deploymentMaximumPercent": 150},
    {"desiredCount": 2, "deploymentMinimumHealthyPercent": 50, "deploymentMaximumPercent": 100},
)

SHORT_DRAIN = Timing(shortest_drain=0.2, remembered=5)
"""Tasks stop sooner after their deregistration than those of users, which was half of the time of a
hundred rollouts. A load balancer that goes on sending them requests is found sooner, too. And they
are forgotten sooner, since each change of a service saves all that it remembers.
"""


async def test_a_hundred_rollouts_one_after_the_other_lose_no_request(
    web: Web, directory: Path
) -> None:
    async with plane(web, directory, timing=SHORT_DRAIN) as running:
        await running.settle()
        async with traffic(running.url) as statuses:
            for revision, shape in zip(range(2, 102), itertools.cycle(SHAPES)):
                before = {task["taskId"] for task in running.tasks()}
                answered = statuses.total()
                web.change(taskDefinition=web.define(revision), **shape)
                await running.settle()
                now = running.tasks()
                assert not before & {task["taskId"] for task in now}
                expected = [web.define(revision)] * shape["desiredCount"]
                assert [task["taskDefinition"] for task in now] == expected
                assert statuses.total() > answered, "there was traffic"
        assert set(statuses) == {200}, statuses


async def test_new_tasks_whose_health_checks_take_long_replace_the_old_ones(
    web: Web, directory: Path
) -> None:
    check = {"path": "/", "interval": 5, "timeout": 3, "matcher": "200", "unhealthyThreshold": 2}
    web.put("aws:lb/targetGroup:TargetGroup", web.group, healthCheck=check)
    async with plane(web, directory) as running:
        await running.settle()
        web.change(taskDefinition=web.define(2, **server(200, delay=0.6)))
        await running.settle()
        assert {each["taskDefinition"] for each in running.tasks()} == {web.define(2)}
        assert not running.has_event("is unhealthy")


BROKEN = {
    "crashes at start": (
        {"image": "python:3", "command": ["python", "-c", "raise SystemExit(3)"]},
        "EssentialContainerExited",
        "Essential container in task exited",
        r"\(web exited with 3\)",
    ),
    "listens on all addresses": (
        {"image": "python:3", "command": ["sh", "-c", "exec python -m http.server $PORT"]},
        "EssentialContainerExited",
        "Essential container in task exited",
        (
            r"\(web exited with 1\); local AWS: the container can't listen on port \d+ of "
            r"all addresses \(0.0.0.0\)"
        ),
    ),
    "answers 404 to its health check": (
        server(404),
        "ServiceSchedulerInitiated",
        r"Task failed ELB health checks in \(target-group arn:aws:[^)]*\)",
        r"\(Health checks failed with these codes: \[404\]\)",
    ),
    "needs a secret that doesn't exist": (
        {"secrets": [{"name": "A", "valueFrom": "/demo/nope"}]},
        "TaskFailedToStart",
        (
            r"ResourceInitializationError: unable to pull secrets or registry auth: .* "
            r"invalid parameters: /demo/nope"
        ),
        "",
    ),
    "has an image without a command": (
        {"image": "python:3"},
        "TaskFailedToStart",
        "CannotStartContainerError: the task definition gives container web no command to run",
        "",
    ),
    "takes longer to start than its health checks wait": (
        server(200, pause=20),
        "ServiceSchedulerInitiated",
        r"Task failed ELB health checks in \(target-group arn:aws:[^)]*\)",
        "",
    ),
}

SHORT_PAUSES = Timing(first_pause=0.2)
"""Between failing tasks; how long they are is the subject of the scheduler's tests."""


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_version_is_rolled_back_and_reported_while_the_old_one_serves(
    web: Web, directory: Path, case: str
) -> None:
    container, code, reason, detail = BROKEN[case]
    web.change(deploymentCircuitBreaker={"enable": True, "rollback": True})
    if code == "EssentialContainerExited":
        # On a busy machine a process may fail its health checks before it ends.
        web.change(healthCheckGracePeriodSeconds=600)
    async with plane(web, directory, timing=SHORT_PAUSES) as running:
        await running.settle()
        async with traffic(running.url) as statuses:
            web.change(taskDefinition=web.define(2, **container))
            failure = "rolled back because the circuit breaker threshold was exceeded"
            with pytest.raises(
                NotSettled, match=rf"{failure}\n +task \w+ stopped: {reason} ?{detail}"
            ):
                await running.settle()
            assert any(report.startswith("rolling back: ") for report in running.reports)
            (primary,) = running.describe()["deployments"]
            assert (primary["taskDefinition"], primary["rolloutState"]) == (
                web.define(1),
                "COMPLETED",
            )
            web.change(desiredCount=3)
            await running.settle()
        assert set(statuses) == {200}, statuses
        failed = 0
        for task in running.tasks("STOPPED"):
            scaled_in = task["stoppedReason"].startswith("Scaling activity")
            if task["taskDefinition"] == web.define(2) and not scaled_in:
                assert task["stopCode"] == code
                assert re.fullmatch(reason, task["stoppedReason"])
                failed += 1
        assert failed >= 3
        assert running.has_event("is unable to consistently start tasks successfully.")
        assert running.has_event("deployment failed: tasks failed to start.")
        assert running.has_event(f"rolling back to deployment {primary['id']}.")
        assert {task["taskDefinition"] for task in running.tasks()} == {web.define(1)}


async def test_a_version_that_is_slow_to_start_is_deployed_within_its_grace_period(
    web: Web, directory: Path
) -> None:
    web.change(
        deploymentCircuitBreaker={"enable": True, "rollback": True},
        healthCheckGracePeriodSeconds=20,
    )
    async with plane(web, directory) as running:
        await running.settle()
        async with traffic(running.url) as statuses:
            web.change(taskDefinition=web.define(2, **server(200, pause=3)))
            await running.settle()
        assert set(statuses) == {200}, statuses
        assert {task["taskDefinition"] for task in running.tasks()} == {web.define(2)}


@pytest.mark.parametrize("first", [True, False])
async def test_a_failed_deployment_without_a_rollback_stalls_until_it_is_renewed_or_changed(
    web: Web, directory: Path, *, first: bool
) -> None:
    web.change(deploymentCircuitBreaker={"enable": True, "rollback": first})
    bad = web.define(2, image="python:3")
    async with plane(web, directory, timing=SHORT_PAUSES) as running:
        if not first:
            await running.settle()
        web.change(taskDefinition=bad)
        for _ in ("at once", "and as long as it stays like that"):
            with pytest.raises(
                NotSettled,
                match=r"stopped because the circuit breaker .*\n.*CannotStartContainer",
            ):
                await running.settle()
        failed, *old = running.describe()["deployments"]
        assert (failed["taskDefinition"], failed["rolloutState"], failed["runningCount"]) == (
            bad,
            "FAILED",
            0,
        )
        assert [each["runningCount"] for each in old] == ([] if first else [2])
        running.controller.renew(web.service)
        with pytest.raises(NotSettled, match="stopped because"):
            await running.settle()
        assert running.describe()["deployments"][0]["id"] != failed["id"], "it was tried again"
        web.change(taskDefinition=web.define(3))
        await running.settle()
        assert [each["taskDefinition"] for each in running.describe()["deployments"]] == [
            web.define(3)
        ]
