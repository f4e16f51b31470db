"""What a service's event list says, and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localaws.ecs.scheduler import messages
from localaws.ecs.scheduler.model import Breaker
from localaws.ecs.scheduler.service_health import next_look
from localaws.ecs.scheduler.waiter import why_stopped
from tests.localaws.ecs.world import GROUP, TIMING, Behaviour, World, revision, spec, steady_world

STEADY = "has reached a steady state."
UNPLACED = "was unable to place a task. Reason: CannotPullContainerError: no such image."
INCONSISTENT = "is unable to consistently start tasks successfully."
HOUR = 3600
NEVER = float("inf")


def test_a_steady_state_is_reported_when_it_is_reached_and_every_six_hours_while_it_lasts() -> None:
    world = steady_world()
    assert world.event_count(STEADY) == 1
    world.run(5 * HOUR, tick=60)
    assert world.event_count(STEADY) == 1
    world.run(2 * HOUR, tick=60)
    assert world.event_count(STEADY) == 2
    world.run(6 * HOUR, tick=60)
    assert world.event_count(STEADY) == 3


def test_a_steady_state_is_reported_again_after_each_change_of_the_count() -> None:
    world = steady_world()
    world.spec = spec(desired=3)
    world.run(10)
    assert world.event_count(STEADY) == 2
    assert world.event_count("deployment completed.") == 1


def test_the_same_problem_is_reported_once_until_six_hours_have_passed() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    world.settle()
    world.run(120)
    assert (world.event_count(UNPLACED), world.event_count(INCONSISTENT)) == (1, 1)
    world.run(5 * HOUR, tick=60)
    assert (world.event_count(UNPLACED), world.event_count(INCONSISTENT)) == (0, 0), (
        "starts have pushed it out of the list"
    )
    world.run(HOUR, tick=60)
    assert (world.event_count(UNPLACED), world.event_count(INCONSISTENT)) == (1, 1)


def test_what_is_wrong_with_a_running_task_here_is_reported_once_by_task() -> None:
    world = World(spec(desired=2), {"web:1": Behaviour(note=messages.listens_everywhere(80))})
    world.settle()
    world.run(120)
    assert (
        world.event_count("local AWS: the container listens on port 80 of all addresses (0.0.0.0)")
        == 2
    )


def test_what_was_wrong_with_a_task_that_failed_here_is_among_the_reasons() -> None:
    note = messages.cannot_listen_everywhere(80)
    world = World(spec(desired=1), {"web:1": Behaviour(crash_after=0, note=note)})
    world.settle()
    world.run(5)
    assert why_stopped(world.state).endswith(
        f"stopped: Essential container in task exited (web exited with 1); {note}"
    )


def test_a_reason_that_is_a_sentence_gets_no_second_full_stop() -> None:
    assert messages.unplaced("Nobody is there.").endswith(" Nobody is there.")


def test_a_problem_that_was_over_is_reported_when_it_returns() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    world.settle()
    world.run(30)
    world.behaviours.clear()
    world.run(30)
    assert world.steady()
    world.behaviours["web:1"] = Behaviour(unpullable=True)
    world.end(world.active()[0])
    world.run(30)
    assert world.event_count(UNPLACED) == 2


def test_the_next_version_with_the_same_problem_is_reported_too() -> None:
    world = steady_world()
    for number in (2, 3):
        world.behaviours[f"web:{number}"] = Behaviour(unpullable=True)
        world.spec = replace(world.spec, revision=revision(number))
        world.run(40)
        assert world.event_count(UNPLACED) == number - 1


def test_a_rollout_is_reported_with_ecss_events_in_order() -> None:
    world = steady_world(desired=1)
    (old,) = world.active()
    before = len(world.state.events)
    world.spec = replace(world.spec, revision=revision(2))
    world.run(20)
    (new,) = world.active()
    assert [event.message for event in reversed(world.state.events[:-before])] == [
        f"(service web) has started 1 tasks: (task {new.id}).",
        f"(service web) registered 1 targets in (target-group {GROUP})",
        f"(service web) has stopped 1 running tasks: (task {old.id}).",
        f"(service web) deregistered 1 targets in (target-group {GROUP})",
        f"(service web, taskSet {old.deployment}) has begun draining connections on 1 tasks.",
        f"(service web) (deployment {new.deployment}) deployment completed.",
        "(service web) has reached a steady state.",
    ]


def test_tasks_without_target_groups_are_reported_too_and_starting_ones_without_their_names() -> (
    None
):
    world = steady_world(desired=3, revision=revision(1, bindings=()))
    world.spec = replace(world.spec, desired=1)
    world.settle()
    _, one, other = world.state.tasks
    assert world.says(
        f"(service web) has stopped 2 running tasks: (task {other.id}) (task {one.id})."
    )
    assert not world.says("draining connections")
    world.spec = replace(world.spec, desired=3)
    world.settle()
    world.spec = replace(world.spec, desired=1)
    world.settle()
    assert world.says("(service web) stopped 2 pending tasks.")


@pytest.mark.parametrize(("maximum", "first"), [(200, 2), (150, 1)])
def test_every_unhealthy_task_is_reported_after_the_start_of_its_replacement(
    maximum: int, first: int
) -> None:
    world = steady_world(maximum_percent=maximum)
    ill = world.active()
    world.behaviours |= {task.id: Behaviour(warm_up=NEVER) for task in ill}
    world.run(1)
    started = world.state.events[0].message
    assert started.startswith(f"(service web) has started {first} tasks: (task ")
    assert started.endswith(f"). Amazon ECS replaced {first} tasks due to an unhealthy status.")
    world.run(10)
    for task in ill:
        reason = "due to (reason Health checks failed with these codes: [404])."
        assert (
            world.event_count(
                f"(task {task.id}) (port 80) is unhealthy in (target-group {GROUP}) {reason}"
            )
            == 1
        )


def test_a_hundred_events_are_kept() -> None:
    world = steady_world()
    for count in [3, 2] * 40:
        world.spec = spec(desired=count)
        world.run(10)
    assert len(world.state.events) == 100


# How soon the controller must look again


@pytest.mark.parametrize("rollback", [True, False])
def test_a_failed_deployment_that_nothing_can_be_done_about_needs_no_second_look(
    *, rollback: bool
) -> None:
    world = World(
        spec(breaker=Breaker(enable=True, rollback=rollback)), {"web:1": Behaviour(unpullable=True)}
    )
    world.settle()
    world.run(60)
    assert look(world) is None


def test_a_steady_service_and_a_stuck_one_need_no_second_look_either() -> None:
    world = steady_world(desired=1, maximum_percent=150)
    assert look(world) is None
    world.spec = replace(world.spec, revision=revision(2))
    assert look(world) == 0, "the request hasn't been read yet"
    world.run(10)
    assert not world.steady()
    assert look(world) is None


def test_tasks_on_their_way_are_watched_closely_and_a_pause_is_slept_through() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    world.settle()
    assert look(world) == 0
    for _ in range(20):
        world.run(1)
        if world.state.deployments[0].failures == 4:
            break
    assert look(world) == 8


def look(world: World) -> float | None:
    return next_look(world.spec, world.state, world.observations, world.now, TIMING)
