"""A service whose tasks need instances that its cluster hasn't got."""

from __future__ import annotations

from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.model import Rollout
from tests.localaws.ecs.simulated_service import SimulatedService, spec, steady_service


def test_nothing_starts_and_the_service_says_why_and_never_comes_to_rest() -> None:
    service = SimulatedService(spec(placeable=False))
    service.run(60)
    assert not service.state.tasks
    assert not service.steady()
    assert service.state.deployments[0].rollout is Rollout.IN_PROGRESS
    assert service.state.events[0].message == (
        "(service web) was unable to place a task because no container instance met all "
        "of its requirements. "
        "Reason: No Container Instances were found in your cluster. For more "
        "information, see the Troubleshooting "
        "section of the Amazon ECS Developer Guide."
    )
    assert service.event_count(messages.NO_INSTANCES) == 1, (
        "what lasts is reported again only after hours"
    )


def test_a_service_that_wants_no_task_needs_no_instance() -> None:
    service = SimulatedService(spec(placeable=False, desired=0))
    service.run(60)
    assert service.steady()
    assert not service.has_event(messages.NO_INSTANCES)


def test_one_that_has_tasks_loses_them_by_scaling_in_and_replaces_none() -> None:
    service = steady_service()
    service.spec = spec(placeable=False, desired=1)
    service.run(60)
    assert len(service.active()) == 1
    assert not service.has_event(messages.NO_INSTANCES)
    service.end(service.active()[0])
    service.run(60)
    assert not service.active()
    assert service.has_event(messages.NO_INSTANCES)
