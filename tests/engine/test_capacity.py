"""A running stack changes where its tasks run, with clients at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.engine.test_lifecycle import SERVICE, Traffic, tasks

if TYPE_CHECKING:
    from tests.engine.stack import Stack

CAPACITIES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"capacity": "fargate-spot", "onDemandBase": 1}, "local-web-spot"),
    ({"capacity": "ec2"}, "local-web-ec2"),
    ({}, "local-web"),
)
"""Configurations one after the other, and the name of the ECS service with each."""


def test_a_stack_moves_from_capacity_to_capacity_without_a_failed_request(
    empty_stack: Stack,
) -> None:
    private: dict[str, Any] = {"network": "nat"}
    empty_stack.up(**private)
    url = empty_stack.outputs()["serviceUrl"]
    with Traffic(url) as traffic:
        for changes, name in CAPACITIES:
            before = tasks(url)
            empty_stack.up(**private, **changes)
            services = [each for each in empty_stack.made() if each.token == SERVICE]
            assert [each.outputs["name"] for each in services] == [name]
            assert not before & tasks(url), "old tasks still answer"
        empty_stack.needs_nothing(**private)
    assert set(traffic.answers) == {"200"}, traffic.answers
    empty_stack.destroy()
