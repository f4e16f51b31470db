"""Failing deployments: failure and rollback, DescribeServices, and the provider's error."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import Any

import pytest

from localaws.ecs.scheduler.description import describe
from localaws.ecs.scheduler.model import Breaker, Rollout, Status, StopCode, Task
from localaws.ecs.scheduler.waiter import DeploymentFailedError
from tests.localaws.ecs.simulated_service import (
    GROUP,
    Behaviour,
    SimulatedService,
    revision,
    spec,
    steady_service,
)

ROLLBACK = Breaker(enable=True, rollback=True)
NO_ROLLBACK = Breaker(enable=True)
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
    Behaviour(warm_up=0, crash_after=2, has_unchecked=True),
]
LONG_ENOUGH = 200
"""Seconds of the fake clock in which any deployment ends."""


def failing_service(behaviour: Behaviour, **changes: Any) -> SimulatedService:
    """Return a service that replaces a working version 1 by a version 2 with this behaviour."""
    service = steady_service(**{"breaker": ROLLBACK, **changes})
    service.behaviours["web:2"] = behaviour
    service.spec = replace(service.spec, revision=revision(2))
    return service


def run_until_tripped(service: SimulatedService) -> None:
    """Let time pass until the circuit breaker fails a deployment."""
    for _ in range(LONG_ENOUGH):
        service.run(1)
        if any(each.rollout is Rollout.FAILED for each in service.state.deployments):
            return
    pytest.fail("the deployment doesn't end")


def deployments(service: SimulatedService) -> list[dict[str, Any]]:
    """Return the deployments as DescribeServices lists them."""
    found: list[dict[str, Any]] = describe(service.spec, service.state, service.observations)[
        "deployments"
    ]
    return found


def described(service: SimulatedService) -> list[tuple[str, str, str]]:
    """Return status, task definition and rollout state of each deployment."""
    columns = itemgetter("status", "taskDefinition", "rolloutState")
    return [columns(deployment) for deployment in deployments(service)]


@pytest.mark.parametrize(
    ("desired", "threshold"),
    [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (399, 200), (400, 200), (5000, 200)],
)
def test_the_threshold_is_half_the_tasks_from_three_to_two_hundred(
    desired: int, threshold: int
) -> None:
    assert spec(desired=desired).failure_threshold == threshold


@pytest.mark.parametrize("behaviour", BROKEN)
def test_a_version_that_fails_is_rolled_back_while_the_old_one_serves(behaviour: Behaviour) -> None:
    service = failing_service(behaviour)
    good = service.state.deployments[0].id
    service.settle()
    assert described(service) == [
        ("PRIMARY", "web:2", "IN_PROGRESS"),
        ("ACTIVE", "web:1", "COMPLETED"),
    ]
    for _ in range(LONG_ENOUGH):
        service.run(1)
        assert service.healthy() >= service.spec.lower_bound
        if service.steady() and not service.draining():
            break
    assert described(service) == [("PRIMARY", "web:1", "COMPLETED")]
    assert describe(service.spec, service.state, service.observations)["taskDefinition"] == "web:1"
    assert service.state.deployments[0].id != good, "a rollback is another deployment"
    assert service.active_counts() == {"web:1": 2}
    assert service.has_event("deployment failed: tasks failed to start.")
    assert service.has_event(
        f"(service web) rolling back to deployment {service.state.deployments[0].id}."
    )


def test_a_rollback_in_progress_is_described_with_ecss_reasons() -> None:
    service = failing_service(UNHEALTHY)
    run_until_tripped(service)
    assert described(service)[:2] == [
        ("PRIMARY", "web:1", "IN_PROGRESS"),
        ("DRAINING", "web:2", "FAILED"),
    ]
    primary, failed, *_ = deployments(service)
    assert primary["rolloutStateReason"] == (
        f"ECS deployment circuit breaker: rolling back to deploymentId {primary['id']}."
    )
    assert failed["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert failed["failedTasks"] == 3
    service.run(LONG_ENOUGH)
    (primary,) = deployments(service)
    assert primary["rolloutStateReason"] == f"ECS deployment {primary['id']} completed."


def test_an_older_deployment_is_described_with_its_remaining_tasks() -> None:
    service = steady_service(desired=4, minimum_percent=50, maximum_percent=100)
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    primary, old = deployments(service)
    counts = itemgetter("desiredCount", "runningCount", "pendingCount")
    assert counts(primary) == (4, 0, 2)
    assert counts(old) == (2, 2, 0)


def test_without_rollback_a_failed_deployment_stays_and_so_do_the_old_tasks() -> None:
    service = failing_service(UNHEALTHY, breaker=NO_ROLLBACK)
    run_until_tripped(service)
    begun = len(service.begun)
    service.run(LONG_ENOUGH)
    assert described(service) == [("PRIMARY", "web:2", "FAILED"), ("ACTIVE", "web:1", "COMPLETED")]
    assert len(service.begun) == begun, "nothing is started any more"
    assert service.active_counts() == {"web:1": 2}
    assert not service.steady()


def test_a_failed_first_deployment_has_no_rollback_and_stalls() -> None:
    service = SimulatedService(spec(breaker=ROLLBACK), {"web:1": UNHEALTHY})
    run_until_tripped(service)
    service.run(LONG_ENOUGH)
    assert described(service) == [("PRIMARY", "web:1", "FAILED")]
    assert not service.active()
    assert not service.has_event("rolling back")


def test_a_stalled_service_can_be_scaled_to_zero() -> None:
    service = failing_service(UNHEALTHY, breaker=NO_ROLLBACK)
    run_until_tripped(service)
    service.spec = replace(service.spec, desired=0)
    service.run(20)
    assert not service.alive()
    assert not service.steady(), "its deployment has failed, with any count"


def test_after_a_failed_rollback_the_old_tasks_keep_running() -> None:
    service = failing_service(UNPULLABLE)
    old = {task.id for task in service.active("web:1")}
    service.behaviours |= {"web:1": UNPULLABLE, **dict.fromkeys(old, Behaviour())}
    service.run(LONG_ENOUGH)
    assert described(service) == [("PRIMARY", "web:1", "FAILED"), ("ACTIVE", "web:1", "COMPLETED")]
    assert service.active_ids() == old
    service.behaviours["web:1"] = Behaviour()
    service.spec = replace(service.spec, revision=revision(1))
    service.run(20)
    assert described(service) == [("PRIMARY", "web:1", "COMPLETED")], (
        "the requested revision is tried, though it failed before"
    )


def test_a_rolled_back_revision_is_not_tried_again_until_another_is_requested() -> None:
    service = failing_service(UNPULLABLE)
    service.run(LONG_ENOUGH)
    running = service.state.deployments[0].id
    begun = len(service.begun)
    service.run(LONG_ENOUGH)
    assert len(service.begun) == begun
    service.spec = replace(service.spec, revision=revision(1))
    service.run(5)
    assert service.state.deployments[0].id == running, "what runs already needs no deployment"
    assert service.steady()
    service.spec = replace(service.spec, revision=revision(2))
    service.run(1)
    assert described(service)[0] == ("PRIMARY", "web:2", "IN_PROGRESS")


def test_a_healthy_task_resets_the_count_of_failures() -> None:
    service = failing_service(UNPULLABLE, desired=1)
    service.run(4)
    assert service.state.deployments[0].failures == 2
    service.behaviours["web:2"] = Behaviour()
    service.run(20)
    assert described(service) == [("PRIMARY", "web:2", "COMPLETED")]
    assert service.state.deployments[0].failures == 0


def test_tasks_that_were_healthy_once_are_replaced_without_counting_as_failures() -> None:
    service = failing_service(Behaviour(), desired=6)
    service.run(3)
    healthy = [task for task in service.active("web:2") if task.healthy_once]
    for task in healthy[:4]:
        service.end(task)
    service.run(20)
    assert described(service) == [("PRIMARY", "web:2", "COMPLETED")]


def test_tasks_that_the_scheduler_stops_are_no_failures() -> None:
    service = failing_service(Behaviour(warm_up=3), desired=6)
    service.run(2)
    service.spec = replace(service.spec, desired=1)
    service.run(20)
    assert described(service) == [("PRIMARY", "web:2", "COMPLETED")]
    assert {task.stop_code for task in service.state.tasks} <= {
        None,
        StopCode.SERVICE_SCHEDULER_INITIATED,
    }


def test_a_task_that_exits_while_it_drains_keeps_its_reason_and_is_one_failure() -> None:
    service = failing_service(UNHEALTHY, drain_delays={GROUP: 30})
    leaving: list[Task] = []
    for _ in range(LONG_ENOUGH):
        service.run(1)
        leaving = service.with_status(Status.DEACTIVATING)
        if leaving:
            break
    first = leaving[0]
    assert first.task_definition == "web:2"
    before = service.state.deployments[0].failures
    service.end(first)
    ended = service.task(first.id)
    assert (ended.status, ended.stop_code) == (Status.STOPPED, StopCode.SERVICE_SCHEDULER_INITIATED)
    assert ended.stop_reason == first.stop_reason
    assert service.state.deployments[0].failures == before


def test_without_health_checks_only_a_crash_within_forty_seconds_is_a_failure() -> None:
    for seconds, fails in ((45, False), (35, True)):
        unchecked = revision(1, bindings=())
        service = failing_service(Behaviour(crash_after=seconds), revision=unchecked)
        service.spec = replace(service.spec, revision=revision(2, bindings=()))
        service.run(LONG_ENOUGH)
        assert service.has_event("deployment failed") is fails


def test_a_completed_version_that_no_longer_starts_is_retried_forever() -> None:
    service = steady_service(breaker=ROLLBACK)
    service.behaviours["web:1"] = UNPULLABLE
    service.end(service.active()[0])
    service.run(30)
    assert service.state.deployments[0].failures > service.spec.failure_threshold
    assert described(service) == [("PRIMARY", "web:1", "COMPLETED")], (
        "the breaker is for deployments"
    )


def test_a_failing_deployment_that_is_superseded_does_not_trip_the_breaker() -> None:
    service = failing_service(UNPULLABLE, desired=1)
    service.run(3)
    service.spec = replace(service.spec, revision=revision(3))
    service.run(30)
    assert described(service) == [("PRIMARY", "web:3", "COMPLETED")]
    assert not service.has_event("deployment failed")


def test_a_slow_version_is_rolled_back_only_without_a_grace_period() -> None:
    for grace, running in ((40, "web:2"), (0, "web:1")):
        service = failing_service(Behaviour(warm_up=30), grace=grace)
        service.run(LONG_ENOUGH)
        assert described(service) == [("PRIMARY", running, "COMPLETED")]


def test_failing_container_checks_are_counted_and_reported_with_their_result() -> None:
    bare = revision(1, bindings=())
    service = failing_service(UNHEALTHY_IN_ITSELF, revision=bare)
    service.spec = replace(service.spec, revision=revision(2, bindings=()))
    started = service.now
    service.run(LONG_ENOUGH)
    reason = "Task failed container health checks"
    failed = [task for task in service.state.tasks if task.stop_reason == reason]
    assert len(failed) == 3
    for task in failed:
        assert task.stop_code is StopCode.SERVICE_SCHEDULER_INITIATED
    assert service.has_event(f"(task {failed[0].id}) failed container health checks.")
    with pytest.raises(
        DeploymentFailedError, match=r"container health checks \(container web: exit code 7\)"
    ):
        service.wait_is_over(since=started)


def test_a_rolled_back_forced_deployment_is_not_tried_again_once_no_longer_forced() -> None:
    service = steady_service(breaker=ROLLBACK)
    service.behaviours["web:1"] = UNPULLABLE
    service.behaviours |= {task.id: Behaviour() for task in service.active()}
    forced = replace(revision(1), fingerprint="r1+forced")
    service.spec = replace(service.spec, revision=forced)
    service.run(LONG_ENOUGH)
    assert described(service)[0] == ("PRIMARY", "web:1", "FAILED")
    begun = len(service.begun)
    service.spec = replace(service.spec, revision=revision(1))
    service.run(30)
    assert len(service.begun) == begun
    assert described(service)[0] == ("PRIMARY", "web:1", "FAILED")


def test_a_service_that_is_being_deleted_is_draining() -> None:
    service = steady_service()
    found = describe(service.spec, service.state, service.observations, status="DRAINING")
    assert found["status"] == "DRAINING"


# Errors of the provider


def test_the_wait_ends_when_the_deployment_has_completed() -> None:
    service = failing_service(Behaviour())
    started = service.now
    assert not service.wait_is_over(since=started), "the request hasn't been read yet"
    service.settle()
    assert not service.wait_is_over(since=started)
    service.run(20)
    assert service.wait_is_over(since=started)


def test_a_rolled_back_deployment_fails_with_the_health_checks_result_after_the_rollback() -> None:
    service = failing_service(UNHEALTHY)
    started = service.now
    run_until_tripped(service)
    assert not service.wait_is_over(since=started)
    service.run(30)
    with pytest.raises(DeploymentFailedError) as caught:
        service.wait_is_over(since=started)
    assert str(caught.value).startswith(
        "Service deployment rolled back because the circuit breaker threshold was exceeded\n"
        "      task "
    )
    answer = (
        f"Task failed ELB health checks in (target-group {GROUP}) (Health checks failed with "
        "these codes: [404])"
    )
    assert answer in str(caught.value)
    assert "Scaling activity" not in str(caught.value), (
        "the third was still starting when it was stopped"
    )


def test_a_later_operation_succeeds_on_a_rolled_back_service() -> None:
    service = failing_service(UNHEALTHY)
    service.run(LONG_ENOUGH)
    service.spec = replace(service.spec, desired=3)
    started = service.now
    assert not service.wait_is_over(since=started)
    service.run(20)
    assert service.wait_is_over(since=started), (
        "so the program itself must compare the running version with the requested one"
    )


def test_a_rollback_of_an_earlier_operations_deployment_is_not_this_ones_failure() -> None:
    service = failing_service(UNHEALTHY)
    began = service.now
    service.settle()
    service.run(1)
    this = service.now
    run_until_tripped(service)
    service.run(30)
    assert service.wait_is_over(since=this), (
        "the provider looks at the deployments that it finds when it begins to wait"
    )
    with pytest.raises(DeploymentFailedError):
        service.wait_is_over(since=began)


@pytest.mark.parametrize("rollback", [False, True])
def test_a_deployment_that_stays_failed_is_an_error_at_once_with_exit_codes(
    *, rollback: bool
) -> None:
    service = SimulatedService(
        spec(breaker=Breaker(enable=True, rollback=rollback)), {"web:1": CRASHING}
    )
    run_until_tripped(service)
    error = (
        "Service deployment stopped because the circuit breaker threshold was exceeded\n"
        "      task .* stopped: "
    )
    with pytest.raises(
        DeploymentFailedError,
        match=rf"{error}Essential container in task exited \(web exited with 1\)",
    ):
        service.wait_is_over(since=0)
