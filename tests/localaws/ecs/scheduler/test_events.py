"""A service's events, their repetition, and the time of the scheduler's next step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.model import Breaker
from localaws.ecs.scheduler.waiter import why_stopped
from tests.localaws.ecs.simulated_service import (
    GROUP,
    Behaviour,
    SimulatedService,
    revision,
    spec,
    steady_service,
)

STEADY = "has reached a steady state."
UNPLACED = "was unable to place a task. Reason: CannotPullContainerError: no such image."
INCONSISTENT = "is unable to consistently start tasks successfully."
HOUR = 3600
NEVER = float("inf")


def test_a_steady_state_is_reported_when_it_is_reached_and_every_six_hours_while_it_lasts() -> None:
    service = steady_service()
    assert service.event_count(STEADY) == 1
    service.run(5 * HOUR, tick=60)
    assert service.event_count(STEADY) == 1
    service.run(2 * HOUR, tick=60)
    assert service.event_count(STEADY) == 2
    service.run(6 * HOUR, tick=60)
    assert service.event_count(STEADY) == 3


def test_a_steady_state_is_reported_again_after_each_change_of_the_count() -> None:
    service = steady_service()
    service.spec = spec(desired=3)
    service.run(10)
    assert service.event_count(STEADY) == 2
    assert service.event_count("deployment completed.") == 1


def test_the_same_problem_is_reported_once_until_six_hours_have_passed() -> None:
    service = SimulatedService(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    service.settle()
    service.run(120)
    assert (service.event_count(UNPLACED), service.event_count(INCONSISTENT)) == (1, 1)
    service.run(5 * HOUR, tick=60)
    assert (service.event_count(UNPLACED), service.event_count(INCONSISTENT)) == (0, 0), (
        "newer events have displaced them"
    )
    service.run(HOUR, tick=60)
    assert (service.event_count(UNPLACED), service.event_count(INCONSISTENT)) == (1, 1)


def test_a_problem_of_the_local_aws_only_is_reported_once_for_each_running_task() -> None:
    note = messages.listens_everywhere(80)
    service = SimulatedService(spec(desired=2), {"web:1": Behaviour(note=note)})
    service.settle()
    service.run(120)
    reported = "local AWS: the container listens on port 80 of all addresses (0.0.0.0)"
    assert service.event_count(reported) == 2


def test_a_problem_of_the_local_aws_only_is_part_of_a_failed_tasks_reason() -> None:
    note = messages.cannot_listen_everywhere(80)
    service = SimulatedService(spec(desired=1), {"web:1": Behaviour(crash_after=0, note=note)})
    service.settle()
    service.run(5)
    assert why_stopped(service.state).endswith(
        f"stopped: Essential container in task exited (web exited with 1); {note}"
    )


def test_a_reason_that_ends_with_a_full_stop_gets_no_second_one() -> None:
    assert messages.unplaced("It is gone.").endswith(" It is gone.")


def test_a_problem_that_recurs_is_reported_again() -> None:
    service = SimulatedService(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    service.settle()
    service.run(30)
    service.behaviours.clear()
    service.run(30)
    assert service.steady()
    service.behaviours["web:1"] = Behaviour(unpullable=True)
    service.end(service.active()[0])
    service.run(30)
    assert service.event_count(UNPLACED) == 2


def test_the_next_version_with_the_same_problem_is_reported_too() -> None:
    service = steady_service()
    for number in (2, 3):
        service.behaviours[f"web:{number}"] = Behaviour(unpullable=True)
        service.spec = replace(service.spec, revision=revision(number))
        service.run(40)
        assert service.event_count(UNPLACED) == number - 1


def test_a_rollout_is_reported_with_ecss_events_in_order() -> None:
    service = steady_service(desired=1)
    (old,) = service.active()
    before = len(service.state.events)
    service.spec = replace(service.spec, revision=revision(2))
    service.run(20)
    (new,) = service.active()
    assert [event.message for event in reversed(service.state.events[:-before])] == [
        f"(service web) has started 1 tasks: (task {new.id}).",
        f"(service web) registered 1 targets in (target-group {GROUP})",
        f"(service web) has stopped 1 running tasks: (task {old.id}).",
        f"(service web) deregistered 1 targets in (target-group {GROUP})",
        f"(service web, taskSet {old.deployment}) has begun draining connections on 1 tasks.",
        f"(service web) (deployment {new.deployment}) deployment completed.",
        "(service web) has reached a steady state.",
    ]


def test_stopped_tasks_without_target_groups_are_named_unless_they_were_starting() -> None:
    service = steady_service(desired=3, revision=revision(1, bindings=()))
    service.spec = replace(service.spec, desired=1)
    service.settle()
    _, one, other = service.state.tasks
    assert service.has_event(
        f"(service web) has stopped 2 running tasks: (task {other.id}) (task {one.id})."
    )
    assert not service.has_event("draining connections")
    service.spec = replace(service.spec, desired=3)
    service.settle()
    service.spec = replace(service.spec, desired=1)
    service.settle()
    assert service.has_event("(service web) stopped 2 pending tasks.")


@pytest.mark.parametrize(("maximum", "first"), [(200, 2), (150, 1)])
def test_every_unhealthy_task_is_reported_after_the_start_of_its_replacement(
    maximum: int, first: int
) -> None:
    service = steady_service(maximum_percent=maximum)
    unhealthy = service.active()
    service.behaviours |= {task.id: Behaviour(warm_up=NEVER) for task in unhealthy}
    service.run(1)
    started = service.state.events[0].message
    assert started.startswith(f"(service web) has started {first} tasks: (task ")
    assert started.endswith(f"). Amazon ECS replaced {first} tasks due to an unhealthy status.")
    service.run(10)
    for task in unhealthy:
        reason = "due to (reason Health checks failed with these codes: [404])."
        event = f"(task {task.id}) (port 80) is unhealthy in (target-group {GROUP}) {reason}"
        assert service.event_count(event) == 1


def test_only_the_last_hundred_events_are_kept() -> None:
    service = steady_service()
    for count in [3, 2] * 40:
        service.spec = spec(desired=count)
        service.run(10)
    assert len(service.state.events) == 100


# When the controller must make the next step


@pytest.mark.parametrize("rollback", [True, False])
def test_after_a_final_failure_no_next_step_is_scheduled(*, rollback: bool) -> None:
    service = SimulatedService(
        spec(breaker=Breaker(enable=True, rollback=rollback)), {"web:1": Behaviour(unpullable=True)}
    )
    service.settle()
    service.run(60)
    assert service.seconds_to_next_step() is None


def test_no_next_step_is_scheduled_for_a_steady_or_stuck_service() -> None:
    service = steady_service(desired=1, maximum_percent=150)
    assert service.seconds_to_next_step() is None
    service.spec = replace(service.spec, revision=revision(2))
    assert service.seconds_to_next_step() == 0, "the request hasn't been read yet"
    service.run(10)
    assert not service.steady()
    assert service.seconds_to_next_step() is None


def test_the_next_step_is_at_once_while_tasks_start_and_otherwise_after_the_pause() -> None:
    service = SimulatedService(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    service.settle()
    assert service.seconds_to_next_step() == 0
    for _ in range(20):
        service.run(1)
        if service.state.deployments[0].failures == 4:
            break
    assert service.seconds_to_next_step() == 8
