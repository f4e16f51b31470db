"""A service whose tasks need instances that its cluster hasn't got."""

from __future__ import annotations

from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.model import Rollout
from tests.localaws.ecs.world import World, spec, steady_world


def test_nothing_starts_and_the_service_says_why_and_never_comes_to_rest() -> None:
    world = World(spec(placeable=False))
    world.run(60)
    assert not world.state.tasks
    assert not world.steady()
    assert world.state.deployments[0].rollout is Rollout.IN_PROGRESS
    assert world.state.events[0].message == (
        "(service web) was unable to place a task because no container instance met all "
        "of its requirements. "
        "Reason: No Container Instances were found in your cluster. For more "
        "information, see the Troubleshooting "
        "section of the Amazon ECS Developer Guide."
    )
    assert world.event_count(messages.NO_INSTANCES) == 1, (
        "what lasts is reported again only after hours"
    )


def test_a_service_that_wants_no_task_needs_no_instance() -> None:
    world = World(spec(placeable=False, desired=0))
    world.run(60)
    assert world.steady()
    assert not world.says(messages.NO_INSTANCES)


def test_one_that_has_tasks_loses_them_by_scaling_in_and_replaces_none() -> None:
    world = steady_world()
    world.spec = spec(placeable=False, desired=1)
    world.run(60)
    assert len(world.active()) == 1
    assert not world.says(messages.NO_INSTANCES)
    world.end(world.active()[0])
    world.run(60)
    assert not world.active()
    assert world.says(messages.NO_INSTANCES)
