"""The rolling deployment under a fake clock.

What real processes and Envoy do is proven in test_controller.py.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from localaws.ecs.scheduler.description import progress
from localaws.ecs.scheduler.model import Health, Rollout, Status, StopCode, TaskObservation
from localaws.ecs.scheduler.rolling_update import recover
from tests.localaws.ecs.world import GROUP, TIMING, Behaviour, World, revision, spec, steady_world

STUCK = (
    "was unable to stop or start tasks during a deployment because of the service deployment "
    "configuration."
)


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "lower", "upper"),
    [
        (4, 50, 200, 2, 8),
        (2, 75, 200, 2, 4),
        (3, 50, 125, 2, 3),
        (1, 100, 150, 1, 1),
        (1, 0, 100, 0, 1),
    ],
)
def test_bounds_round_towards_more_healthy_and_fewer_tasks(
    desired: int, minimum: int, maximum: int, lower: int, upper: int
) -> None:
    wish = spec(desired=desired, minimum_percent=minimum, maximum_percent=maximum)
    assert (wish.lower_bound, wish.upper_bound) == (lower, upper)


def test_a_new_service_starts_its_tasks_registers_them_and_becomes_steady() -> None:
    world = World(spec())
    world.settle()
    assert len(world.active()) == 2
    assert not world.steady()
    world.run(5)
    assert world.steady()
    assert world.registered == {task.id for task in world.active()}
    assert world.state.deployments[0].rollout is Rollout.COMPLETED
    assert world.says("(service web) has started 2 tasks: (task ")
    assert world.says(f"registered 2 targets in (target-group {GROUP})")
    assert world.state.events[0].message == "(service web) has reached a steady state."


def test_tasks_are_spread_over_the_zones() -> None:
    world = steady_world(desired=5)
    assert sorted(Counter(task.zone.name for task in world.active()).values()) == [2, 3]


def test_a_task_without_health_checks_is_healthy_once_it_has_run_for_forty_seconds() -> None:
    world = World(spec(revision=revision(1, bindings=())))
    world.settle()
    world.run(40)
    assert not world.steady()
    assert (
        progress(world.spec, world.state, 0, world.observations)
        == "0 of 2 tasks healthy, 2 without health checks"
    )
    world.run(1)
    assert world.steady()


def test_a_task_without_target_groups_is_healthy_when_its_containers_are() -> None:
    world = World(
        spec(revision=revision(1, bindings=()), grace=30),
        {"web:1": Behaviour(warm_up=20, checks_itself=True)},
    )
    world.settle()
    world.run(20)
    assert not world.steady()
    world.run(5)
    assert world.steady()
    assert len(world.state.tasks) == 2, "in its grace period nothing was replaced"


@pytest.mark.parametrize(
    ("target_health", "container_health", "together"),
    [
        (Health.UNCHECKED, Health.UNCHECKED, Health.UNCHECKED),
        (Health.HEALTHY, Health.UNCHECKED, Health.HEALTHY),
        (Health.UNCHECKED, Health.HEALTHY, Health.HEALTHY),
        (Health.HEALTHY, Health.INITIAL, Health.INITIAL),
        (Health.INITIAL, Health.UNHEALTHY, Health.UNHEALTHY),
        (Health.UNHEALTHY, Health.HEALTHY, Health.UNHEALTHY),
    ],
)
def test_a_task_that_two_check_is_healthy_when_both_say_so(
    target_health: Health, container_health: Health, together: Health
) -> None:
    assert (
        TaskObservation(target_health=target_health, container_health=container_health).health
        is together
    )


def test_a_forced_deployment_replaces_all_tasks_by_such_of_the_same_revision() -> None:
    world = steady_world()
    before = {task.id for task in world.active()}
    world.spec = spec(revision=replace(revision(1), fingerprint="r1+forced"))
    world.run(20)
    assert world.steady()
    assert len(world.active("web:1")) == 2
    assert not before & {task.id for task in world.active()}
    deployment = world.state.deployments[0].id
    world.spec = spec()
    world.run(20)
    assert world.steady()
    assert world.state.deployments[0].id == deployment, "one that is forced no longer is none"


def test_a_new_revision_is_started_before_the_old_one_is_stopped() -> None:
    world = steady_world()
    world.spec = spec(revision=revision(2))
    world.settle()
    assert [len(world.active("web:1")), len(world.active("web:2"))] == [2, 2]
    assert [d.rollout for d in world.state.deployments] == [Rollout.IN_PROGRESS, Rollout.COMPLETED]
    world.run(3)
    assert not world.active("web:1")
    assert not world.steady(), "the old deployment is there until its last task has drained"
    world.run(10)
    assert world.steady()
    assert len(world.state.deployments) == 1
    stopped = [task for task in world.state.tasks if task.status is Status.STOPPED]
    assert {task.stop_code for task in stopped} == {StopCode.SERVICE_SCHEDULER_INITIATED}
    assert {task.stop_reason for task in stopped} == {
        f"Scaling activity initiated by (deployment {world.state.deployments[0].id})"
    }


def test_a_task_drains_for_the_deregistration_delay_before_it_is_stopped() -> None:
    world = steady_world()
    world.spec = spec(desired=1)
    world.settle()
    (leaving,) = [task for task in world.state.tasks if task.status is Status.DEACTIVATING]
    world.run(4)
    assert leaving.id not in world.stopping
    world.run(1)
    assert leaving.id in world.stopping


def test_a_task_without_target_groups_is_stopped_at_once() -> None:
    world = steady_world(revision=revision(1, bindings=()))
    world.spec = replace(world.spec, desired=1)
    world.settle()
    assert len(world.stopping) == 1


def test_old_tasks_go_at_once_as_far_as_the_lower_bound_allows_even_where_there_is_room() -> None:
    world = steady_world(desired=4, minimum_percent=50, maximum_percent=200)
    world.spec = replace(world.spec, revision=revision(2))
    world.settle()
    assert [len(world.active("web:1")), len(world.active("web:2"))] == [2, 4]
    world.run(30)
    assert world.steady()


@pytest.mark.parametrize(
    ("minimum", "maximum", "first"),
    [(100, 200, (3, 3)), (0, 100, (0, 3)), (50, 100, (2, 1)), (100, 150, (3, 1))],
)
def test_how_many_tasks_of_three_a_deployment_keeps_and_starts_at_once(
    minimum: int, maximum: int, first: tuple[int, int]
) -> None:
    world = steady_world(desired=3, minimum_percent=minimum, maximum_percent=maximum)
    world.spec = replace(world.spec, revision=revision(2))
    world.settle()
    assert (len(world.active("web:1")), len(world.active("web:2"))) == first
    world.run(60)
    assert world.steady()


def test_a_minimum_above_a_hundred_percent_holds_up_no_deployment() -> None:
    world = steady_world(minimum_percent=150)
    world.spec = replace(world.spec, revision=revision(2))
    world.run(20)
    assert world.steady()


def test_where_there_is_no_room_for_new_tasks_old_ones_go_first_down_to_the_lower_bound() -> None:
    world = steady_world(desired=4, minimum_percent=50, maximum_percent=100)
    world.spec = replace(world.spec, revision=revision(2))
    world.settle()
    assert [len(world.active("web:1")), len(world.active("web:2"))] == [2, 2]
    world.run(30)
    assert world.steady()
    assert not world.says(STUCK)


def test_a_deployment_that_may_neither_start_nor_stop_says_so_and_waits() -> None:
    world = steady_world(desired=1, maximum_percent=150)
    world.spec = replace(world.spec, revision=revision(2))
    world.run(30)
    assert len(world.active("web:1")) == 1
    assert world.event_count(STUCK) == 1


def test_a_deployment_that_gets_stuck_in_the_middle_says_so_too() -> None:
    world = steady_world(desired=4, minimum_percent=50, maximum_percent=100)
    world.spec = replace(world.spec, revision=revision(2))
    world.settle()
    world.spec = replace(world.spec, minimum_percent=100)
    world.run(30)
    assert [len(world.active("web:1")), len(world.active("web:2"))] == [2, 2]
    assert world.event_count(STUCK) == 1


def test_tasks_that_fail_make_room_for_another_version_where_no_healthy_one_might() -> None:
    world = steady_world(minimum_percent=100, maximum_percent=100)
    world.behaviours |= {task.id: Behaviour(warm_up=float("inf")) for task in world.active()}
    world.now += 1
    world.observe()
    world.spec = replace(world.spec, revision=revision(2))
    world.run(20)
    assert world.steady()
    assert len(world.active("web:2")) == 2


def test_a_version_that_never_gets_healthy_leaves_the_old_one_running() -> None:
    world = steady_world()
    world.behaviours["web:2"] = Behaviour(warm_up=float("inf"))
    world.spec = replace(world.spec, revision=revision(2))
    world.run(120)
    assert len(world.active("web:1")) == 2
    assert world.healthy() == 2
    assert world.says(
        f"is unhealthy in (target-group {GROUP}) due to (reason Health checks failed "
        "with these codes"
    )
    failed = [
        task for task in world.state.tasks if task.stop_code is StopCode.SERVICE_SCHEDULER_INITIATED
    ]
    assert failed[0].stop_reason == f"Task failed ELB health checks in (target-group {GROUP})"
    assert world.state.deployments[0].failures > 2


def test_failed_health_checks_do_not_matter_in_the_grace_period() -> None:
    world = World(spec(grace=60), {"web:1": Behaviour(warm_up=30)})
    world.settle()
    world.run(40)
    assert world.steady()
    assert len(world.state.tasks) == 2, "nothing was replaced"


def test_a_grace_period_ends_to_the_second() -> None:
    world = World(spec(grace=6), {"web:1": Behaviour(start=0, warm_up=float("inf"))})
    world.settle()
    world.run(6)
    assert len(world.state.tasks) == 2, "they fail their health checks since two seconds"
    world.run(1)
    assert len(world.state.tasks) == 4


def test_without_grace_a_slow_start_is_replaced() -> None:
    world = World(spec(), {"web:1": Behaviour(warm_up=30)})
    world.settle()
    world.run(20)
    assert len(world.state.tasks) > 2


def test_a_task_that_dies_is_replaced_and_taken_out_of_its_target_group() -> None:
    world = steady_world()
    victim = world.active()[0]
    world.end(victim)
    dead = next(task for task in world.state.tasks if task.id == victim.id)
    assert (dead.status, dead.stop_code) == (Status.STOPPED, StopCode.ESSENTIAL_CONTAINER_EXITED)
    assert dead.stop_reason == "Essential container in task exited"
    assert dead.exit_codes == {"web": 137}
    assert victim.id not in world.registered
    world.run(10)
    assert world.steady()
    assert len(world.state.deployments) == 1, "a replacement is not a deployment"


def test_a_task_that_is_not_healthy_any_more_is_replaced_before_it_is_stopped() -> None:
    world = steady_world()
    ill, well = world.active()
    world.behaviours[ill.id] = Behaviour(warm_up=float("inf"))
    world.run(1)
    assert len(world.active()) == 3
    assert {ill.id, well.id} <= world.registered, "it may still answer some requests"
    world.run(2)
    assert ill.id not in world.registered
    world.run(10)
    assert world.steady()
    stopped = next(task for task in world.state.tasks if task.id == ill.id)
    assert stopped.stop_reason == f"Task failed ELB health checks in (target-group {GROUP})"
    assert world.state.deployments[0].failures == 0, "it worked once"


def test_where_there_is_no_room_a_task_that_is_not_healthy_any_more_goes_first() -> None:
    world = steady_world(minimum_percent=0, maximum_percent=100)
    ill, well = world.active()
    world.behaviours[ill.id] = Behaviour(warm_up=float("inf"))
    world.run(1)
    assert well.id in {task.id for task in world.active()}
    assert ill.id not in {task.id for task in world.active()}
    assert len(world.active()) == 2
    world.run(10)
    assert world.steady()


def test_where_there_is_no_room_tasks_that_are_not_healthy_any_more_go_one_by_one() -> None:
    world = steady_world(desired=4, minimum_percent=50, maximum_percent=100)
    ill = {task.id for task in world.active()}
    world.behaviours |= dict.fromkeys(ill, Behaviour(warm_up=float("inf")))
    for left in (3, 2, 1, 0):
        world.run(1)
        assert len(world.registered & ill) == left, "the others may still answer some requests"
        world.run(1)
        assert len(world.registered & ill) == left, "its replacement is not healthy yet"
    world.run(10)
    assert world.steady()


def test_starts_that_keep_failing_are_tried_less_and_less_often() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    world.settle()
    world.run(60)
    starts = [world.begun[task.id] for task in world.state.tasks if task.id in world.begun]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps[:4] == [2, 3, 5, 9], "one second to notice, then 1, 2, 4, 8"
    assert set(gaps[4:]) == {9}
    assert world.says(
        "was unable to place a task. Reason: CannotPullContainerError: no such image."
    )
    assert world.says("is unable to consistently start tasks successfully.")
    assert {t.stop_code for t in world.state.tasks if t.stop_code} == {
        StopCode.TASK_FAILED_TO_START
    }


def test_tasks_that_worked_and_crash_over_and_over_are_replaced_less_and_less_often() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(crash_after=3)})
    world.settle()
    world.run(60)
    starts = [world.begun[task.id] for task in world.state.tasks]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps[0] == 4, "as many as the service has tasks are replaced at once"
    assert gaps[1:5] == [5, 6, 8, 12], "and then after 1, 2, 4, 8 seconds"
    assert world.state.deployments[0].failures == 0, "which says nothing against the version"


def test_all_tasks_of_a_service_may_die_once_and_are_replaced_at_once() -> None:
    world = steady_world(desired=4)
    for victim in world.active():
        world.end(victim)
    world.settle()
    assert len(world.active()) == 4


def test_crashes_that_are_far_apart_are_no_row() -> None:
    world = steady_world(desired=1)
    for _ in range(4):
        world.end(world.active()[0])
        world.settle()
        assert world.active(), "replaced at once"
        world.run(TIMING.crash_window + 1)


def test_a_healthy_task_ends_a_row_of_failures() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    world.settle()
    world.run(6)
    assert world.state.deployments[0].failures == 3
    world.behaviours.clear()
    world.run(20)
    assert world.steady()
    assert world.state.deployments[0].failures == 0


def test_a_healthy_task_ends_the_pause_after_failures() -> None:
    world = World(spec())
    world.settle()
    slow, *_ = world.active()
    world.behaviours |= {slow.id: Behaviour(start=15), "web:1": Behaviour(unpullable=True)}
    world.run(15)
    assert world.active() == [world.state.tasks[0]], (
        "the others failed, the last one four seconds ago"
    )
    world.run(1)
    assert world.healthy() == 1
    assert len(world.active()) == 2


def test_a_changed_count_is_followed_without_a_deployment() -> None:
    world = steady_world()
    before = world.state.deployments[0].id
    world.spec = spec(desired=5)
    assert not world.steady()
    world.run(5)
    assert len(world.active()) == 5
    world.spec = spec(desired=1)
    assert not world.steady(), "no step has followed it yet"
    world.run(10)
    assert world.steady()
    assert len(world.active()) == 1
    assert world.state.deployments[0].id == before


def test_scaling_in_keeps_the_zones_even() -> None:
    world = steady_world(desired=6)
    world.spec = spec(desired=2)
    world.settle()
    assert len({task.zone.name for task in world.active()}) == 2


def test_a_deployment_in_progress_is_superseded() -> None:
    world = steady_world()
    world.behaviours["web:2"] = Behaviour(warm_up=float("inf"))
    world.spec = spec(revision=revision(2))
    world.run(3)
    world.spec = spec(revision=revision(3))
    world.run(40)
    assert world.steady()
    assert {task.task_definition for task in world.active()} == {"web:3"}


def test_what_never_got_healthy_of_a_superseded_deployment_makes_room_at_once() -> None:
    world = steady_world()
    world.behaviours["web:2"] = Behaviour(start=100)
    for number in (2, 3):
        world.spec = spec(revision=revision(number))
        world.settle()
        assert Counter(task.task_definition for task in world.active()) == {
            "web:1": 2,
            f"web:{number}": 2,
        }


def test_a_service_scaled_to_nothing_stops_everything() -> None:
    world = steady_world()
    world.spec = spec(desired=0)
    world.run(10)
    assert all(task.status is Status.STOPPED for task in world.state.tasks)
    assert world.steady()


def test_stopped_tasks_are_remembered_for_an_hour() -> None:
    world = steady_world()
    world.end(world.active()[0])
    world.run(60)
    assert len(world.state.tasks) == 3
    world.run(TIMING.remembered, tick=60)
    assert len(world.state.tasks) == 2


def test_after_a_restart_the_same_tasks_run_again() -> None:
    world = steady_world()
    world.spec = spec(revision=revision(2))
    world.run(3)
    leaving = {task.id for task in world.state.tasks if task.status is Status.DEACTIVATING}
    active = {task.id for task in world.active()}
    state, actions = recover(world.state, world.now)
    assert {action.task.id for action in actions} == active
    assert {task.id for task in state.tasks if task.status is Status.PENDING} == active
    assert {task.id for task in state.tasks if task.status is Status.STOPPED} == leaving
    assert state.deployments == world.state.deployments


def test_what_starts_again_after_a_restart_is_no_reason_to_stop_what_works_already() -> None:
    world = steady_world(desired=3)
    world.behaviours["web:2"] = Behaviour(start=100)
    world.spec = replace(world.spec, revision=revision(2))
    world.settle()
    first, *_ = world.active("web:2")
    world.behaviours[first.id] = Behaviour()
    world.run(10)
    world.behaviours[first.id] = Behaviour(start=20)
    world.crash()
    world.run(5)
    assert world.healthy_ids() == {task.id for task in world.active("web:1")}
    assert world.healthy() == 2, "of three; the first of the new version has yet to work again"
    world.spec = replace(world.spec, minimum_percent=33)
    world.settle()
    assert world.healthy() == 1


def test_what_starts_again_after_a_restart_has_nothing_to_drain() -> None:
    world = steady_world()
    world.crash()
    world.spec = spec(desired=0)
    world.settle()
    assert {task.status for task in world.state.tasks} == {Status.STOPPING}
