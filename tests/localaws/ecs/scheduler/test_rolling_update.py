"""Rolling deployments with a fake clock; test_controller.py has real processes and Envoy."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from localaws.ecs.scheduler.description import progress
from localaws.ecs.scheduler.model import Health, Rollout, Status, StopCode, TaskObservation
from localaws.ecs.scheduler.rolling_update import recover
from tests.localaws.ecs.simulated_service import (
    GROUP,
    TIMING,
    Behaviour,
    SimulatedService,
    revision,
    spec,
    steady_service,
)

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
    service = spec(desired=desired, minimum_percent=minimum, maximum_percent=maximum)
    assert (service.lower_bound, service.upper_bound) == (lower, upper)


def test_a_new_service_starts_its_tasks_registers_them_and_becomes_steady() -> None:
    service = SimulatedService(spec())
    service.settle()
    assert len(service.active()) == 2
    assert not service.steady()
    service.run(5)
    assert service.steady()
    assert service.registered == service.active_ids()
    assert service.state.deployments[0].rollout is Rollout.COMPLETED
    assert service.has_event("(service web) has started 2 tasks: (task ")
    assert service.has_event(f"registered 2 targets in (target-group {GROUP})")
    assert service.state.events[0].message == "(service web) has reached a steady state."


def test_tasks_are_spread_over_the_zones() -> None:
    service = steady_service(desired=5)
    by_zone = Counter(task.zone.name for task in service.active())
    assert sorted(by_zone.values()) == [2, 3]


def test_a_task_without_health_checks_is_healthy_once_it_has_run_for_forty_seconds() -> None:
    service = SimulatedService(spec(revision=revision(1, bindings=())))
    service.settle()
    service.run(40)
    assert not service.steady()
    assert (
        progress(service.spec, service.state, 0, service.observations)
        == "0 of 2 tasks healthy, 2 without health checks"
    )
    service.run(1)
    assert service.steady()


def test_a_task_without_target_groups_is_healthy_when_its_containers_are() -> None:
    service = SimulatedService(
        spec(revision=revision(1, bindings=()), grace=30),
        {"web:1": Behaviour(warm_up=20, checks_itself=True)},
    )
    service.settle()
    service.run(20)
    assert not service.steady()
    service.run(5)
    assert service.steady()
    assert len(service.state.tasks) == 2, "in its grace period nothing was replaced"


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
def test_a_task_with_both_kinds_of_checks_is_healthy_only_if_both_succeed(
    target_health: Health, container_health: Health, together: Health
) -> None:
    observation = TaskObservation(target_health=target_health, container_health=container_health)
    assert observation.health is together


def test_a_forced_deployment_replaces_all_tasks_by_tasks_of_the_same_revision() -> None:
    service = steady_service()
    before = service.active_ids()
    service.spec = spec(revision=replace(revision(1), fingerprint="r1+forced"))
    service.run(20)
    assert service.steady()
    assert len(service.active("web:1")) == 2
    assert before.isdisjoint(service.active_ids())
    deployment = service.state.deployments[0].id
    service.spec = spec()
    service.run(20)
    assert service.steady()
    assert service.state.deployments[0].id == deployment, (
        "no longer forcing it starts no deployment"
    )


def test_a_new_revision_is_started_before_the_old_one_is_stopped() -> None:
    service = steady_service()
    service.spec = spec(revision=revision(2))
    service.settle()
    assert service.active_counts() == {"web:1": 2, "web:2": 2}
    new, old = service.state.deployments
    assert (new.rollout, old.rollout) == (Rollout.IN_PROGRESS, Rollout.COMPLETED)
    service.run(3)
    assert not service.active("web:1")
    assert not service.steady(), "the old deployment is there until its last task has drained"
    service.run(10)
    assert service.steady()
    assert len(service.state.deployments) == 1
    stopped = service.with_status(Status.STOPPED)
    assert {task.stop_code for task in stopped} == {StopCode.SERVICE_SCHEDULER_INITIATED}
    assert {task.stop_reason for task in stopped} == {
        f"Scaling activity initiated by (deployment {service.state.deployments[0].id})"
    }


def test_a_task_drains_for_the_deregistration_delay_before_it_is_stopped() -> None:
    service = steady_service()
    service.spec = spec(desired=1)
    service.settle()
    (leaving,) = service.with_status(Status.DEACTIVATING)
    service.run(4)
    assert leaving.id not in service.stopping
    service.run(1)
    assert leaving.id in service.stopping


def test_a_task_without_target_groups_is_stopped_at_once() -> None:
    service = steady_service(revision=revision(1, bindings=()))
    service.spec = replace(service.spec, desired=1)
    service.settle()
    assert len(service.stopping) == 1


def test_old_tasks_are_stopped_at_once_down_to_the_lower_bound_even_with_room_for_more() -> None:
    service = steady_service(desired=4, minimum_percent=50, maximum_percent=200)
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    assert service.active_counts() == {"web:1": 2, "web:2": 4}
    service.run(30)
    assert service.steady()


@pytest.mark.parametrize(
    ("minimum", "maximum", "first"),
    [(100, 200, (3, 3)), (0, 100, (0, 3)), (50, 100, (2, 1)), (100, 150, (3, 1))],
)
def test_a_deployment_keeps_and_starts_as_many_tasks_as_the_percentages_allow(
    minimum: int, maximum: int, first: tuple[int, int]
) -> None:
    service = steady_service(desired=3, minimum_percent=minimum, maximum_percent=maximum)
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    assert (len(service.active("web:1")), len(service.active("web:2"))) == first
    service.run(60)
    assert service.steady()


def test_a_minimum_above_a_hundred_percent_does_not_block_a_deployment() -> None:
    service = steady_service(minimum_percent=150)
    service.spec = replace(service.spec, revision=revision(2))
    service.run(20)
    assert service.steady()


def test_without_room_for_new_tasks_old_ones_are_stopped_first_down_to_the_lower_bound() -> None:
    service = steady_service(desired=4, minimum_percent=50, maximum_percent=100)
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    assert service.active_counts() == {"web:1": 2, "web:2": 2}
    service.run(30)
    assert service.steady()
    assert not service.has_event(STUCK)


def test_a_deployment_that_may_neither_start_nor_stop_tasks_reports_it_and_waits() -> None:
    service = steady_service(desired=1, maximum_percent=150)
    service.spec = replace(service.spec, revision=revision(2))
    service.run(30)
    assert len(service.active("web:1")) == 1
    assert service.event_count(STUCK) == 1


def test_a_deployment_that_gets_stuck_half_way_reports_it() -> None:
    service = steady_service(desired=4, minimum_percent=50, maximum_percent=100)
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    service.spec = replace(service.spec, minimum_percent=100)
    service.run(30)
    assert service.active_counts() == {"web:1": 2, "web:2": 2}
    assert service.event_count(STUCK) == 1


def test_unhealthy_tasks_may_be_replaced_although_fewer_than_the_lower_bound_are_healthy() -> None:
    service = steady_service(minimum_percent=100, maximum_percent=100)
    service.behaviours |= {task.id: Behaviour(warm_up=float("inf")) for task in service.active()}
    service.now += 1
    service.observe()
    service.spec = replace(service.spec, revision=revision(2))
    service.run(20)
    assert service.steady()
    assert len(service.active("web:2")) == 2


def test_a_version_that_never_gets_healthy_leaves_the_old_one_running() -> None:
    service = steady_service()
    service.behaviours["web:2"] = Behaviour(warm_up=float("inf"))
    service.spec = replace(service.spec, revision=revision(2))
    service.run(120)
    assert len(service.active("web:1")) == 2
    assert service.healthy() == 2
    assert service.has_event(
        f"is unhealthy in (target-group {GROUP}) due to (reason Health checks failed "
        "with these codes"
    )
    failed = next(
        task
        for task in service.state.tasks
        if task.stop_code is StopCode.SERVICE_SCHEDULER_INITIATED
    )
    assert failed.stop_reason == f"Task failed ELB health checks in (target-group {GROUP})"
    assert service.state.deployments[0].failures > 2


def test_failed_health_checks_do_not_matter_in_the_grace_period() -> None:
    service = SimulatedService(spec(grace=60), {"web:1": Behaviour(warm_up=30)})
    service.settle()
    service.run(40)
    assert service.steady()
    assert len(service.state.tasks) == 2, "nothing was replaced"


def test_a_grace_period_ends_after_its_seconds() -> None:
    service = SimulatedService(spec(grace=6), {"web:1": Behaviour(start=0, warm_up=float("inf"))})
    service.settle()
    service.run(6)
    assert len(service.state.tasks) == 2, "they have failed their health checks for two seconds"
    service.run(1)
    assert len(service.state.tasks) == 4


def test_a_slow_task_is_replaced_without_a_grace_period() -> None:
    service = SimulatedService(spec(), {"web:1": Behaviour(warm_up=30)})
    service.settle()
    service.run(20)
    assert len(service.state.tasks) > 2


def test_a_task_that_exits_is_replaced_and_deregistered() -> None:
    service = steady_service()
    task = service.active()[0]
    service.end(task)
    ended = service.task(task.id)
    assert (ended.status, ended.stop_code) == (Status.STOPPED, StopCode.ESSENTIAL_CONTAINER_EXITED)
    assert ended.stop_reason == "Essential container in task exited"
    assert ended.exit_codes == {"web": 137}
    assert task.id not in service.registered
    service.run(10)
    assert service.steady()
    assert len(service.state.deployments) == 1, "a replacement is not a deployment"


def test_a_task_that_becomes_unhealthy_is_replaced_before_it_is_stopped() -> None:
    service = steady_service()
    unhealthy, healthy = service.active()
    service.behaviours[unhealthy.id] = Behaviour(warm_up=float("inf"))
    service.run(1)
    assert len(service.active()) == 3
    assert {unhealthy.id, healthy.id} <= service.registered, "it may still answer some requests"
    service.run(2)
    assert unhealthy.id not in service.registered
    service.run(10)
    assert service.steady()
    stopped = service.task(unhealthy.id)
    assert stopped.stop_reason == f"Task failed ELB health checks in (target-group {GROUP})"
    assert service.state.deployments[0].failures == 0, "it worked once"


def test_without_room_a_task_that_becomes_unhealthy_is_stopped_first() -> None:
    service = steady_service(minimum_percent=0, maximum_percent=100)
    unhealthy, healthy = service.active()
    service.behaviours[unhealthy.id] = Behaviour(warm_up=float("inf"))
    service.run(1)
    assert healthy.id in service.active_ids()
    assert unhealthy.id not in service.active_ids()
    assert len(service.active()) == 2
    service.run(10)
    assert service.steady()


def test_without_room_tasks_that_become_unhealthy_are_replaced_one_by_one() -> None:
    service = steady_service(desired=4, minimum_percent=50, maximum_percent=100)
    unhealthy = service.active_ids()
    service.behaviours |= dict.fromkeys(unhealthy, Behaviour(warm_up=float("inf")))
    for left in (3, 2, 1, 0):
        service.run(1)
        assert len(service.registered & unhealthy) == left, (
            "the others may still answer some requests"
        )
        service.run(1)
        assert len(service.registered & unhealthy) == left, "its replacement is not healthy yet"
    service.run(10)
    assert service.steady()


def test_starts_that_keep_failing_are_retried_less_and_less_often() -> None:
    service = SimulatedService(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    service.settle()
    service.run(60)
    gaps = pauses_between_starts(service)
    assert gaps[:4] == [2, 3, 5, 9], "one second to notice, then 1, 2, 4, 8"
    assert set(gaps[4:]) == {9}
    assert service.has_event(
        "was unable to place a task. Reason: CannotPullContainerError: no such image."
    )
    assert service.has_event("is unable to consistently start tasks successfully.")
    for task in service.with_status(Status.STOPPED):
        assert task.stop_code is StopCode.TASK_FAILED_TO_START


def pauses_between_starts(service: SimulatedService) -> list[float]:
    starts = list(service.begun.values())
    return [later - earlier for earlier, later in itertools.pairwise(starts)]


def test_tasks_that_become_healthy_and_keep_crashing_are_replaced_less_and_less_often() -> None:
    service = SimulatedService(spec(desired=1), {"web:1": Behaviour(crash_after=3)})
    service.settle()
    service.run(60)
    gaps = pauses_between_starts(service)
    assert gaps[0] == 4, "as many as the service has tasks are replaced at once"
    assert gaps[1:5] == [5, 6, 8, 12], "and then after 1, 2, 4, 8 seconds"
    assert service.state.deployments[0].failures == 0, "such crashes are no failures of the version"


def test_if_all_tasks_exit_once_they_are_replaced_at_once() -> None:
    service = steady_service(desired=4)
    for task in service.active():
        service.end(task)
    service.settle()
    assert len(service.active()) == 4


def test_crashes_that_are_far_apart_cause_no_pause() -> None:
    service = steady_service(desired=1)
    for _ in range(4):
        service.end(service.active()[0])
        service.settle()
        assert service.active(), "replaced at once"
        service.run(TIMING.crash_window + 1)


def test_a_healthy_task_resets_the_count_of_failures() -> None:
    service = SimulatedService(spec(desired=1), {"web:1": Behaviour(unpullable=True)})
    service.settle()
    service.run(6)
    assert service.state.deployments[0].failures == 3
    service.behaviours.clear()
    service.run(20)
    assert service.steady()
    assert service.state.deployments[0].failures == 0


def test_a_healthy_task_ends_the_pause_after_failures() -> None:
    service = SimulatedService(spec())
    service.settle()
    slow, *_ = service.active()
    service.behaviours |= {slow.id: Behaviour(start=15), "web:1": Behaviour(unpullable=True)}
    service.run(15)
    assert service.active() == [service.state.tasks[0]], (
        "the others failed, the last one four seconds ago"
    )
    service.run(1)
    assert service.healthy() == 1
    assert len(service.active()) == 2


def test_a_changed_count_starts_no_deployment() -> None:
    service = steady_service()
    before = service.state.deployments[0].id
    service.spec = spec(desired=5)
    assert not service.steady()
    service.run(5)
    assert len(service.active()) == 5
    service.spec = spec(desired=1)
    assert not service.steady(), "no step has followed it yet"
    service.run(10)
    assert service.steady()
    assert len(service.active()) == 1
    assert service.state.deployments[0].id == before


def test_scaling_in_keeps_the_zones_even() -> None:
    service = steady_service(desired=6)
    service.spec = spec(desired=2)
    service.settle()
    assert len({task.zone.name for task in service.active()}) == 2


def test_a_deployment_in_progress_is_superseded() -> None:
    service = steady_service()
    service.behaviours["web:2"] = Behaviour(warm_up=float("inf"))
    service.spec = spec(revision=revision(2))
    service.run(3)
    service.spec = spec(revision=revision(3))
    service.run(40)
    assert service.steady()
    assert service.active_counts().keys() == {"web:3"}


def test_tasks_of_a_superseded_deployment_that_were_never_healthy_are_stopped_at_once() -> None:
    service = steady_service()
    service.behaviours["web:2"] = Behaviour(start=100)
    for number in (2, 3):
        service.spec = spec(revision=revision(number))
        service.settle()
        assert service.active_counts() == {
            "web:1": 2,
            f"web:{number}": 2,
        }


def test_a_service_scaled_to_zero_stops_all_tasks() -> None:
    service = steady_service()
    service.spec = spec(desired=0)
    service.run(10)
    assert not service.alive()
    assert service.steady()


def test_stopped_tasks_are_listed_for_an_hour() -> None:
    service = steady_service()
    service.end(service.active()[0])
    service.run(60)
    assert len(service.state.tasks) == 3
    service.run(TIMING.remembered, tick=60)
    assert len(service.state.tasks) == 2


def test_after_a_restart_the_same_tasks_run_again() -> None:
    service = steady_service()
    service.spec = spec(revision=revision(2))
    service.run(3)
    expected = {}
    for task in service.state.tasks:
        expected[task.id] = Status.PENDING if task.active else Status.STOPPED
    state, actions = recover(service.state, service.now)
    assert {action.task.id for action in actions} == service.active_ids()
    assert {task.id: task.status for task in state.tasks} == expected
    assert state.deployments == service.state.deployments


def test_new_tasks_must_be_healthy_again_after_a_crash_before_old_ones_are_stopped() -> None:
    service = steady_service(desired=3)
    service.behaviours["web:2"] = Behaviour(start=100)
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    first, *_ = service.active("web:2")
    service.behaviours[first.id] = Behaviour()
    service.run(10)
    service.behaviours[first.id] = Behaviour(start=20)
    service.crash()
    service.run(5)
    assert service.healthy_ids() == {task.id for task in service.active("web:1")}
    assert service.healthy() == 2, "of three; the first of the new version is starting again"
    service.spec = replace(service.spec, minimum_percent=33)
    service.settle()
    assert service.healthy() == 1


def test_tasks_that_start_again_after_a_restart_are_stopped_without_draining() -> None:
    service = steady_service()
    service.crash()
    service.spec = spec(desired=0)
    service.settle()
    assert {task.status for task in service.state.tasks} == {Status.STOPPING}
