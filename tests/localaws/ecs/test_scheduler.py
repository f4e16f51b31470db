"""The rolling deployment under a fake clock. What real processes and Envoy do is proven in test_controller.py."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.ecs.model import Breaker, Rollout, Status, StopCode
from localaws.ecs.scheduler import recover
from tests.localaws.ecs.world import GROUP, TIMING, Behaviour, World, revision, spec, steady_world


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "lower", "upper"),
    [(4, 50, 200, 2, 8), (2, 75, 200, 2, 4), (3, 50, 125, 2, 3), (1, 100, 150, 1, 1), (1, 0, 100, 0, 1)],
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
    world.run(2)
    assert world.steady()


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


def test_a_task_drains_for_the_deregistration_delay_before_it_is_told_to_stop() -> None:
    world = steady_world()
    world.spec = spec(desired=1)
    world.settle()
    (leaving,) = [task for task in world.state.tasks if task.status is Status.DEACTIVATING]
    world.run(4)
    assert leaving.id not in world.stopping
    world.run(1)
    assert leaving.id in world.stopping


def test_a_task_without_target_groups_is_told_to_stop_at_once() -> None:
    world = steady_world(revision=revision(1, bindings=()))
    world.spec = replace(world.spec, desired=1)
    world.settle()
    assert len(world.stopping) == 1


def test_where_there_is_no_room_for_new_tasks_old_ones_go_first_down_to_the_lower_bound() -> None:
    world = steady_world(desired=4, minimum_percent=50, maximum_percent=100)
    world.spec = replace(world.spec, revision=revision(2))
    world.settle()
    assert [len(world.active("web:1")), len(world.active("web:2"))] == [2, 2]
    world.run(30)
    assert world.steady()


def test_a_deployment_that_may_neither_start_nor_stop_says_so_and_waits() -> None:
    world = steady_world(desired=1, maximum_percent=150)
    world.spec = replace(world.spec, revision=revision(2))
    world.run(30)
    assert len(world.active("web:1")) == 1
    sayings = [e for e in world.state.events if "unable to stop or start tasks during a deployment" in e.message]
    assert len(sayings) == 1


def test_a_version_that_never_gets_healthy_leaves_the_old_one_running() -> None:
    world = steady_world()
    world.behaviours["web:2"] = Behaviour(warm_up=float("inf"))
    world.spec = replace(world.spec, revision=revision(2))
    world.run(120)
    assert len(world.active("web:1")) == 2
    assert world.healthy() == 2
    assert world.says(f"is unhealthy in (target-group {GROUP}) due to (reason Health checks failed with these codes")
    failed = [task for task in world.state.tasks if task.stop_code is StopCode.SERVICE_SCHEDULER_INITIATED]
    assert failed[0].stop_reason == f"Task failed ELB health checks in (target-group {GROUP})"
    assert world.state.deployments[0].failures > 2


def test_failed_health_checks_do_not_matter_in_the_grace_period() -> None:
    world = World(spec(grace=60), {"web:1": Behaviour(warm_up=30)})
    world.settle()
    world.run(40)
    assert world.steady()
    assert len(world.state.tasks) == 2, "nothing was replaced"


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


def test_starts_that_keep_failing_are_tried_less_and_less_often() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    world.settle()
    world.run(60)
    starts = [world.begun[task.id] for task in world.state.tasks if task.id in world.begun]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert gaps[:4] == [2, 3, 5, 9], "one second to notice, then 1, 2, 4, 8"
    assert set(gaps[4:]) == {9}
    assert world.says("was unable to place a task. Reason: CannotPullContainerError: no such image.")
    assert world.says("is unable to consistently start tasks successfully.")
    assert {t.stop_code for t in world.state.tasks if t.stop_code} == {StopCode.TASK_FAILED_TO_START}


def test_a_healthy_task_ends_a_row_of_failures() -> None:
    world = World(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    world.settle()
    world.run(6)
    assert world.state.deployments[0].failures == 3
    world.behaviours.clear()
    world.run(20)
    assert world.steady()
    assert world.state.deployments[0].failures == 0


def test_a_changed_count_is_followed_without_a_deployment() -> None:
    world = steady_world()
    before = world.state.deployments[0].id
    world.spec = spec(desired=5)
    world.run(5)
    assert len(world.active()) == 5
    world.spec = spec(desired=1)
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


behaviours = st.builds(
    Behaviour,
    start=st.floats(0, 3),
    warm_up=st.sampled_from([0.0, 1.0, 3.0, 8.0, float("inf")]),
    crash_after=st.sampled_from([None, None, None, 0.5, 10.0]),
    unpullable=st.sampled_from([False, False, False, True]),
)
changes = st.fixed_dictionaries(
    {
        "desired": st.integers(0, 6),
        "minimum_percent": st.sampled_from([0, 50, 75, 100]),
        "maximum_percent": st.sampled_from([100, 125, 150, 200]),
        "grace": st.sampled_from([0, 5]),
        "breaker": st.builds(Breaker, enable=st.booleans(), rollback=st.booleans()),
        "revision": st.integers(2, 4).map(revision),
    }
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(changes, st.integers(0, 15)), max_size=4),
    st.dictionaries(st.sampled_from(["web:2", "web:3", "web:4"]), behaviours),
    st.data(),
)
def test_whatever_happens_the_bounds_hold_and_a_working_version_wins(
    history: list[tuple[dict[str, Any], int]], behaviour: dict[str, Behaviour], data: st.DataObject
) -> None:
    world = World(spec(), behaviour)
    world.settle()
    for change, seconds in history:
        world.spec = spec(**change)
        world.run(seconds)
        if victims := data.draw(
            st.lists(st.sampled_from(world.active()), max_size=1) if world.active() else st.just([])
        ):
            world.end(victims[0])
        if data.draw(st.booleans()):
            world.crash()
    world.spec = spec(revision=revision(9), breaker=Breaker(enable=True, rollback=True))
    for _ in range(150):
        if world.steady() and not world.draining():
            break
        world.run(1)
    assert world.steady()
    assert {task.task_definition for task in world.active()} == {"web:9"}
    alive = {task.id for task in world.state.tasks if task.status is not Status.STOPPED}
    assert alive == {task.id for task in world.active()}, "something was left over"
    assert world.registered == alive


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.sampled_from([0, 50, 100]), st.sampled_from([150, 200]), behaviours)
def test_a_broken_version_never_takes_down_a_working_one(
    desired: int, minimum: int, maximum: int, behaviour: Behaviour
) -> None:
    world = steady_world(desired=desired, minimum_percent=minimum, maximum_percent=maximum)
    world.behaviours["web:2"] = replace(behaviour, warm_up=float("inf"))
    world.spec = replace(world.spec, revision=revision(2))
    for _ in range(40):
        world.run(1)
        assert world.healthy() >= world.spec.lower_bound
