"""A running stack changes where its tasks run, with clients at work."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from localaws.cli.status import fetch
from tests.engine.service import SERVICE
from tests.engine.traffic import Traffic, tasks
from tests.engine.waiting import eventually

if TYPE_CHECKING:
    from tests.engine.stack import Stack

pytestmark = pytest.mark.usefixtures("containers")  # no instance runs as a process

CAPACITIES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"capacity": "fargate-spot", "onDemandBase": 1}, "local-web-spot"),
    ({"capacity": "ec2"}, "local-web-ec2"),
    ({}, "local-web"),
)
"""Configurations one after the other, and the name of the ECS service with each."""


def interrupt(stack: Stack) -> None:
    """Take back the capacity of the only task on Spot, which another one replaces."""

    def found(status: str) -> list[dict[str, Any]]:
        (service,) = (fetch(stack.directory) or {})["services"]
        return [each for each in service["tasks"] if each["lastStatus"] == status]

    kinds = {each["capacityProviderName"]: each["taskId"] for each in found("RUNNING")}
    assert kinds.keys() == {"FARGATE", "FARGATE_SPOT"}, "the base, and the rest"
    refused = stack.run("interrupt", kinds["FARGATE"], fails=True)
    assert "runs on FARGATE, which AWS doesn't interrupt" in refused
    stack.run("interrupt", kinds["FARGATE_SPOT"][:8])
    eventually(
        lambda: "SpotInterruption" in {each.get("stopCode") for each in found("STOPPED")},
        "the end of the task",
    )
    eventually(
        lambda: [each["healthStatus"] for each in found("RUNNING")] == ["HEALTHY"] * 2,
        "another task",
    )


def made(stack: Stack) -> Counter[str]:
    """Return how many resources of each type the account has."""
    return Counter(each.token for each in stack.made())


def test_a_stack_moves_from_capacity_to_capacity_without_a_failed_request(
    empty_stack: Stack,
) -> None:
    private: dict[str, Any] = {"network": "nat"}
    empty_stack.up(**private)
    url, kinds = empty_stack.outputs()["serviceUrl"], made(empty_stack)
    with Traffic(url) as traffic:
        for changes, name in CAPACITIES:
            before = tasks(url)
            empty_stack.up(**private, **changes)
            (service,) = empty_stack.made_of(SERVICE)
            assert service.outputs["name"] == name
            assert not before & tasks(url), "old tasks still answer"
            if changes.get("capacity") == "fargate-spot":
                interrupt(empty_stack)
        empty_stack.needs_nothing(**private)
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert made(empty_stack) == kinds, "what a capacity needed goes with it"
    empty_stack.destroy()
