"""Failing deployments: their end, the rollback, DescribeServices and the provider's error."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from localaws.ecs.scheduler.description import describe
from localaws.ecs.scheduler.model import Breaker, Rollout, Status, StopCode, Task
from localaws.ecs.scheduler.waiter import DeploymentFailedError, arrived
from tests.localaws.ecs.world import GROUP, TIMING, Behaviour, World, revision, spec, steady_world

ROLLBACK = Breaker(enable=True, rollback=True)
STALL = Breaker(enable=True)
NEVER = float("inf")
UNPULLABLE = Behaviour(unpullable=True)
UNHEALTHY = Behaviour(warm_up=NEVER)
CRASHING = Behaviour(warm_up=NEVER, crash_after=2)
UNHEALTHY_IN_ITSELF = Behaviour(warm_up=NEVER, checks_itself=True)
BROKEN = [
    UNPULLABLE,
    UNHEALTHY,
    UNHEALTHY_IN_ITSELF,
    CRASHING,
    Behaviour(start=5, warm_up=NEVER, crash_after=0),
]
LONG_ENOUGH = 200
"""Seconds of the fake clock in which any deployment ends."""


def failing_world(behaviour: Behaviour, **wishes: Any) -> World:
    """A service whose working version 1 is being replaced by a version 2 with given behaviour."""
    world = steady_world(**{"breaker": ROLLBACK, **wishes})
    world.behaviours["web:2"] = behaviour
    world.spec = replace(world.spec, revision=revision(2))
    return world


def run_until_tripped(world: World) -> None:
    for _ in range(LONG_ENOUGH):
        world.run(1)
        if any(each.rollout is Rollout.FAILED for each in world.state.deployments):
            return
    pytest.fail("the deployment goes on and on")


def shown(world: World) -> list[tuple[str, str, str]]:
    """The deployments as DescribeServices lists them."""
    found = describe(world.spec, world.state, world.observations)
    return [
        (each["status"], each["taskDefinition"], each["rolloutState"])
        for each in found["deployments"]
    ]


def outcome(world: World, *, since: float) -> bool:
    return arrived(
        world.spec, world.state, world.observations, world.now, since=since, timing=TIMING
    )


@pytest.mark.parametrize(
    ("desired", "threshold"),
    [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (399, 200), (400, 200), (5000, 200)],
)
def test_half_of_the_tasks_but_three_to_two_hundred_failures_trip_the_breaker(
    desired: int, threshold: int
) -> None:
    assert spec(desired=desired).failure_threshold == threshold


@pytest.mark.parametrize("behaviour", BROKEN)
def test_a_version_that_fails_is_rolled_back_while_the_old_one_serves(behaviour: Behaviour) -> None:
    world = failing_world(behaviour)
    good = world.state.deployments[0].id
    world.settle()
    assert shown(world) == [("PRIMARY", "web:2", "IN_PROGRESS"), ("ACTIVE", "web:1", "COMPLETED")]
    for _ in range(LONG_ENOUGH):
        world.run(1)
        assert world.healthy() >= world.spec.lower_bound
        if world.steady() and not world.draining():
            break
    assert shown(world) == [("PRIMARY", "web:1", "COMPLETED")]
    assert describe(world.spec, world.state, world.observations)["taskDefinition"] == "web:1"
    assert world.state.deployments[0].id != good, "a rollback is a deployment of its own"
    assert Counter(task.task_definition for task in world.active()) == {"web:1": 2}
    assert world.says("deployment failed: tasks failed to start.")
    assert world.says(f"(service web) rolling back to deployment {world.state.deployments[0].id}.")


def test_a_rollback_is_shown_with_ecs_reasons_while_it_lasts() -> None:
    world = failing_world(UNHEALTHY)
    run_until_tripped(world)
    assert shown(world)[:2] == [
        ("PRIMARY", "web:1", "IN_PROGRESS"),
        ("DRAINING", "web:2", "FAILED"),
    ]
    primary, failed, *_ = describe(world.spec, world.state, world.observations)["deployments"]
    itself = primary["id"]
    assert (
        primary["rolloutStateReason"]
        == f"ECS deployment circuit breaker: rolling back to deploymentId {itself}."
    )
    assert failed["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert failed["failedTasks"] == 3
    world.run(LONG_ENOUGH)
    (primary,) = describe(world.spec, world.state, world.observations)["deployments"]
    assert primary["rolloutStateReason"] == f"ECS deployment {primary['id']} completed."


def test_an_older_deployment_is_shown_with_what_is_left_of_it() -> None:
    world = steady_world(desired=4, minimum_percent=50, maximum_percent=100)
    world.spec = replace(world.spec, revision=revision(2))
    world.settle()
    primary, old = describe(world.spec, world.state, world.observations)["deployments"]
    counts = ("desiredCount", "runningCount", "pendingCount")
    assert [[each[count] for count in counts] for each in (primary, old)] == [[4, 0, 2], [2, 2, 0]]


def test_without_rollback_a_failed_deployment_stays_and_so_do_the_old_tasks() -> None:
    world = failing_world(UNHEALTHY, breaker=STALL)
    run_until_tripped(world)
    begun = len(world.begun)
    world.run(LONG_ENOUGH)
    assert shown(world) == [("PRIMARY", "web:2", "FAILED"), ("ACTIVE", "web:1", "COMPLETED")]
    assert len(world.begun) == begun, "nothing is started any more"
    assert Counter(task.task_definition for task in world.active()) == {"web:1": 2}
    assert not world.steady()


def test_the_first_deployment_has_nothing_to_go_back_to_and_stalls() -> None:
    world = World(spec(breaker=ROLLBACK), {"web:1": UNHEALTHY})
    run_until_tripped(world)
    world.run(LONG_ENOUGH)
    assert shown(world) == [("PRIMARY", "web:1", "FAILED")]
    assert not world.active()
    assert not world.says("rolling back")


def test_a_stalled_service_can_be_wound_down() -> None:
    world = failing_world(UNHEALTHY, breaker=STALL)
    run_until_tripped(world)
    world.spec = replace(world.spec, desired=0)
    world.run(20)
    assert all(task.status is Status.STOPPED for task in world.state.tasks)
    assert not world.steady(), "its deployment has failed, whatever the count"


def test_a_rollback_that_fails_too_is_the_end_and_the_old_tasks_go_on() -> None:
    world = failing_world(UNPULLABLE)
    old = {task.id for task in world.active("web:1")}
    world.behaviours |= {"web:1": UNPULLABLE, **dict.fromkeys(old, Behaviour())}
    world.run(LONG_ENOUGH)
    assert shown(world) == [("PRIMARY", "web:1", "FAILED"), ("ACTIVE", "web:1", "COMPLETED")]
    assert {task.id for task in world.active()} == old
    world.behaviours["web:1"] = Behaviour()
    world.spec = replace(world.spec, revision=revision(1))
    world.run(20)
    assert shown(world) == [("PRIMARY", "web:1", "COMPLETED")], (
        "the requested revision is tried, though it failed before"
    )


def test_a_rolled_back_revision_is_not_tried_again_until_another_is_requested() -> None:
    world = failing_world(UNPULLABLE)
    world.run(LONG_ENOUGH)
    running = world.state.deployments[0].id
    begun = len(world.begun)
    world.run(LONG_ENOUGH)
    assert len(world.begun) == begun
    world.spec = replace(world.spec, revision=revision(1))
    world.run(5)
    assert world.state.deployments[0].id == running, "what runs already needs no deployment"
    assert world.steady()
    world.spec = replace(world.spec, revision=revision(2))
    world.run(1)
    assert shown(world)[0] == ("PRIMARY", "web:2", "IN_PROGRESS")


def test_a_healthy_task_in_between_starts_the_count_again() -> None:
    world = failing_world(UNPULLABLE, desired=1)
    world.run(4)
    assert world.state.deployments[0].failures == 2
    world.behaviours["web:2"] = Behaviour()
    world.run(20)
    assert shown(world) == [("PRIMARY", "web:2", "COMPLETED")]
    assert world.state.deployments[0].failures == 0


def test_tasks_that_worked_once_are_replaced_without_speaking_against_their_version() -> None:
    world = failing_world(Behaviour(), desired=6)
    world.run(3)
    for victim in [task for task in world.active("web:2") if task.healthy_once][:4]:
        world.end(victim)
    world.run(20)
    assert shown(world) == [("PRIMARY", "web:2", "COMPLETED")]


def test_tasks_that_the_scheduler_stops_count_as_no_failures() -> None:
    world = failing_world(Behaviour(warm_up=3), desired=6)
    world.run(2)
    world.spec = replace(world.spec, desired=1)
    world.run(20)
    assert shown(world) == [("PRIMARY", "web:2", "COMPLETED")]
    assert {task.stop_code for task in world.state.tasks} <= {
        None,
        StopCode.SERVICE_SCHEDULER_INITIATED,
    }


def test_a_task_that_dies_while_it_drains_keeps_its_reason_and_fails_its_version_once() -> None:
    world = failing_world(UNHEALTHY, drain_delays={GROUP: 30})
    leaving: list[Task] = []
    for _ in range(LONG_ENOUGH):
        world.run(1)
        leaving = [task for task in world.state.tasks if task.status is Status.DEACTIVATING]
        if leaving:
            break
    first = leaving[0]
    assert first.task_definition == "web:2"
    before = world.state.deployments[0].failures
    world.end(first)
    (ended,) = (each for each in world.state.tasks if each.id == first.id)
    assert (ended.status, ended.stop_code) == (Status.STOPPED, StopCode.SERVICE_SCHEDULER_INITIATED)
    assert ended.stop_reason == first.stop_reason
    assert world.state.deployments[0].failures == before


def test_without_health_checks_only_a_crash_within_forty_seconds_is_a_failure() -> None:
    late, early = (
        failing_world(Behaviour(crash_after=seconds), revision=revision(1, bindings=()))
        for seconds in (45, 35)
    )
    for world in (late, early):
        world.spec = replace(world.spec, revision=revision(2, bindings=()))
        world.run(LONG_ENOUGH)
    assert [late.says("deployment failed"), early.says("deployment failed")] == [False, True]


def test_a_completed_version_that_does_not_start_any_more_is_tried_on_and_on() -> None:
    world = steady_world(breaker=ROLLBACK)
    world.behaviours["web:1"] = UNPULLABLE
    world.end(world.active()[0])
    world.run(30)
    assert world.state.deployments[0].failures > world.spec.failure_threshold
    assert shown(world) == [("PRIMARY", "web:1", "COMPLETED")], "the breaker is for deployments"


def test_a_failing_deployment_that_is_superseded_does_not_trip_the_breaker() -> None:
    world = failing_world(UNPULLABLE, desired=1)
    world.run(3)
    world.spec = replace(world.spec, revision=revision(3))
    world.run(30)
    assert shown(world) == [("PRIMARY", "web:3", "COMPLETED")]
    assert not world.says("deployment failed")


def test_a_version_that_needs_its_grace_period_is_not_rolled_back_and_is_without_one() -> None:
    patient, impatient = (failing_world(Behaviour(warm_up=30), grace=grace) for grace in (40, 0))
    for world in (patient, impatient):
        world.run(LONG_ENOUGH)
    assert shown(patient) == [("PRIMARY", "web:2", "COMPLETED")]
    assert shown(impatient) == [("PRIMARY", "web:1", "COMPLETED")]


def test_failing_container_checks_are_counted_and_reported_with_their_result() -> None:
    bare = revision(1, bindings=())
    world = failing_world(UNHEALTHY_IN_ITSELF, revision=bare)
    world.spec = replace(world.spec, revision=revision(2, bindings=()))
    started = world.now
    world.run(LONG_ENOUGH)
    failed = [
        task
        for task in world.state.tasks
        if task.stop_reason == "Task failed container health checks"
    ]
    assert len(failed) == 3
    assert {task.stop_code for task in failed} == {StopCode.SERVICE_SCHEDULER_INITIATED}
    assert world.says(f"(task {failed[0].id}) failed container health checks.")
    with pytest.raises(
        DeploymentFailedError, match=r"container health checks \(container web: exit code 7\)"
    ):
        outcome(world, since=started)


def test_a_rolled_back_forced_deployment_is_not_tried_again_once_no_longer_forced() -> None:
    world = steady_world(breaker=ROLLBACK)
    world.behaviours["web:1"] = UNPULLABLE
    world.behaviours |= {task.id: Behaviour() for task in world.active()}
    forced = replace(revision(1), fingerprint="r1+forced")
    world.spec = replace(world.spec, revision=forced)
    world.run(LONG_ENOUGH)
    assert shown(world)[0] == ("PRIMARY", "web:1", "FAILED")
    begun = len(world.begun)
    world.spec = replace(world.spec, revision=revision(1))
    world.run(30)
    assert len(world.begun) == begun
    assert shown(world)[0] == ("PRIMARY", "web:1", "FAILED")


def test_a_service_on_its_way_out_is_draining() -> None:
    world = steady_world()
    found = describe(world.spec, world.state, world.observations, status="DRAINING")
    assert found["status"] == "DRAINING"


# The provider's errors


def test_a_deployment_that_works_is_arrived_at() -> None:
    world = failing_world(Behaviour())
    started = world.now
    assert not outcome(world, since=started), "the request hasn't been read yet"
    world.settle()
    assert not outcome(world, since=started)
    world.run(20)
    assert outcome(world, since=started)


def test_a_rolled_back_deployment_fails_with_the_health_checks_result_after_the_rollback() -> None:
    world = failing_world(UNHEALTHY)
    started = world.now
    run_until_tripped(world)
    assert not outcome(world, since=started)
    world.run(30)
    with pytest.raises(DeploymentFailedError) as caught:
        outcome(world, since=started)
    assert str(caught.value).startswith(
        "Service deployment rolled back because the circuit breaker threshold was exceeded; task "
    )
    answer = (
        f"Task failed ELB health checks in (target-group {GROUP}) (Health checks failed with "
        "these codes: [404])"
    )
    assert answer in str(caught.value)
    assert "Scaling activity" not in str(caught.value), (
        "the third was still starting when it was stopped"
    )


def test_to_a_later_operation_a_rolled_back_service_is_as_good_as_any_other() -> None:
    world = failing_world(UNHEALTHY)
    world.run(LONG_ENOUGH)
    world.spec = replace(world.spec, desired=3)
    started = world.now
    assert not outcome(world, since=started)
    world.run(20)
    assert outcome(world, since=started), (
        "which is why the program itself must compare what runs with what it wants"
    )


def test_a_rollback_that_another_operation_began_is_no_failure_of_this_one() -> None:
    world = failing_world(UNHEALTHY)
    began = world.now
    world.settle()
    world.run(1)
    this = world.now
    run_until_tripped(world)
    world.run(30)
    assert outcome(world, since=this), (
        "the provider looks at the deployments that it finds when it begins to wait"
    )
    with pytest.raises(DeploymentFailedError):
        outcome(world, since=began)


@pytest.mark.parametrize("rollback", [False, True])
# a case
def test_a_deployment_that_stays_failed_is_an_error_at_once_with_exit_codes(rollback: bool) -> None:  # noqa: FBT001
    world = World(spec(breaker=Breaker(enable=True, rollback=rollback)), {"web:1": CRASHING})
    run_until_tripped(world)
    error = (
        "Service deployment stopped because the circuit breaker threshold was exceeded; task "
        ".* stopped: "
    )
    with pytest.raises(
        DeploymentFailedError,
        match=rf"{error}Essential container in task exited \(web exited with 1\)",
    ):
        outcome(world, since=0)
