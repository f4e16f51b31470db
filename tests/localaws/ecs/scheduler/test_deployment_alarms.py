"""Alarms that watch deployments: failures, the bake time, and alarms that are ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localaws.ecs.scheduler import description
from localaws.ecs.scheduler.model import Breaker, DeploymentAlarms, Rollout
from localaws.ecs.scheduler.waiter import DeploymentFailedError
from tests.localaws.ecs.simulated_service import (
    TIMING,
    Behaviour,
    SimulatedService,
    revision,
    spec,
    steady_service,
)

ERRORS = "demo-web-errors"
REASON = "Threshold Crossed: 3 out of the last 5 datapoints were greater than the threshold (1.0)."
ROLLBACK = DeploymentAlarms(names=(ERRORS,), rollback=True)
NO_ROLLBACK = DeploymentAlarms(names=(ERRORS,))
UNPULLABLE = Behaviour(unpullable=True)
LONG_ENOUGH = 60


def deploying(alarms: DeploymentAlarms = ROLLBACK, **changes: Any) -> SimulatedService:
    """Return a steady service of version 1 of which version 2 has just been requested."""
    service = steady_service(alarms=alarms, **changes)
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    return service


def run_until_baking(service: SimulatedService) -> None:
    for _ in range(LONG_ENOUGH):
        service.run(1)
        if service.state.deployments[0].baking_since is not None:
            return
    pytest.fail("no bake time began")


def described(service: SimulatedService) -> list[tuple[str, str, str, str]]:
    """Return what DescribeServices lists of each deployment."""
    found = description.describe(service.spec, service.state, service.observations)
    columns = ("status", "taskDefinition", "rolloutState", "rolloutStateReason")
    return [tuple(each[column] for column in columns) for each in found["deployments"]]


def progress(service: SimulatedService) -> str:
    return description.progress(
        service.spec, service.state, service.healthy(), service.observations
    )


# The bake time


def test_a_deployment_completes_a_bake_time_after_the_old_tasks_are_gone() -> None:
    service = deploying()
    run_until_baking(service)
    began = service.now
    assert service.active_counts() == {"web:2": 2}
    assert not service.draining()
    new, old = described(service)
    assert (new[:3], old[:3]) == (
        ("PRIMARY", "web:2", "IN_PROGRESS"),
        ("ACTIVE", "web:1", "COMPLETED"),
    )
    assert progress(service) == f"2 of 2 tasks healthy, watching {ERRORS}"
    assert not service.steady()
    service.run(TIMING.bake - 1)
    assert service.state.deployments[0].rollout is Rollout.IN_PROGRESS
    service.run(1)
    assert service.now == began + TIMING.bake
    assert [each[:3] for each in described(service)] == [("PRIMARY", "web:2", "COMPLETED")]
    assert service.steady()
    assert progress(service) == "2 of 2 tasks healthy"


def test_the_steady_state_is_reported_after_the_bake_time_only() -> None:
    service = deploying()
    before = service.event_count("has reached a steady state")
    run_until_baking(service)
    assert service.event_count("has reached a steady state") == before
    service.run(TIMING.bake)
    assert service.event_count("has reached a steady state") == before + 1


@pytest.mark.parametrize("alarms", [DeploymentAlarms(), DeploymentAlarms(rollback=True)])
def test_without_alarms_a_deployment_completes_as_soon_as_the_old_tasks_are_gone(
    alarms: DeploymentAlarms,
) -> None:
    service = deploying(alarms)
    service.firing = {ERRORS: REASON}  # of another service
    while service.draining() or service.active("web:1"):
        service.run(1)
    assert [each[:3] for each in described(service)] == [("PRIMARY", "web:2", "COMPLETED")]


def test_a_task_that_ends_during_the_bake_time_restarts_it() -> None:
    service = deploying()
    run_until_baking(service)
    service.run(TIMING.bake - 1)
    service.end(service.active()[0])
    service.run(2)
    assert service.state.deployments[0].rollout is Rollout.IN_PROGRESS
    run_until_baking(service)
    service.run(TIMING.bake)
    assert service.steady()


def test_the_next_step_is_at_once_while_alarms_are_watched() -> None:
    service = deploying()
    run_until_baking(service)
    assert service.seconds_to_next_step() == 0
    service.run(TIMING.bake)
    assert service.seconds_to_next_step() is None


# Alarms that go off


def test_a_healthy_version_is_rolled_back_when_an_alarm_goes_off_while_it_rolls_out() -> None:
    service = deploying()
    service.behaviours["web:2"] = Behaviour(warm_up=3)
    service.run(2)
    assert service.active_counts() == {"web:1": 2, "web:2": 2}
    service.firing = {ERRORS: REASON}
    started = service.now
    service.run(1)
    rollback, failed, *_ = service.state.deployments
    assert described(service)[:2] == [
        (
            "PRIMARY",
            "web:1",
            "IN_PROGRESS",
            f"ECS deployment alarms: rolling back to deploymentId {rollback.id}.",
        ),
        ("DRAINING", "web:2", "FAILED", "ECS deployment alarms: alarm detected."),
    ]
    assert service.has_event(f"(deployment {failed.id}) deployment failed: alarm detected.")
    assert service.has_event(f"rolling back to deployment {rollback.id}.")
    service.run(LONG_ENOUGH)
    assert [each[:3] for each in described(service)] == [("PRIMARY", "web:1", "COMPLETED")]
    assert service.event_count("deployment failed") == 1
    assert service.now > started + TIMING.bake, "the alarm was in ALARM all the time"


def test_an_alarm_in_the_bake_time_rolls_back_to_the_version_without_tasks() -> None:
    service = deploying()
    run_until_baking(service)
    service.firing = {ERRORS: REASON}
    for _ in range(LONG_ENOUGH):
        service.run(1)
        assert service.healthy() >= service.spec.lower_bound
    assert service.active_counts() == {"web:1": 2}
    assert service.steady()


def test_an_alarm_after_the_deployment_has_completed_changes_nothing() -> None:
    service = deploying()
    run_until_baking(service)
    service.run(TIMING.bake)
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:2": 2}
    assert not service.has_event("deployment failed")


def test_an_alarm_is_ignored_when_a_service_is_only_scaled() -> None:
    service = steady_service(alarms=ROLLBACK)
    service.firing = {ERRORS: REASON}
    service.spec = replace(service.spec, desired=4)
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:1": 4}
    assert service.steady()


def test_the_count_may_change_while_a_deployment_is_watched() -> None:
    service = deploying()
    run_until_baking(service)
    service.spec = replace(service.spec, desired=4)
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:2": 4}
    assert service.steady()
    assert not service.has_event("deployment failed")


def test_an_alarm_matters_only_after_a_task_of_the_new_version_runs() -> None:
    service = deploying()
    service.behaviours["web:2"] = Behaviour(start=10)
    service.firing = {ERRORS: REASON}
    service.run(5)
    assert not service.has_event("deployment failed")
    service.run(10)
    assert service.has_event("deployment failed: alarm detected.")


def test_after_the_rollback_the_error_has_the_alarm_and_its_reason() -> None:
    service = deploying()
    started = service.state.deployments[0].created_at
    run_until_baking(service)
    service.firing = {ERRORS: REASON}
    service.run(1)
    assert not service.wait_is_over(since=started)
    service.run(LONG_ENOUGH)
    with pytest.raises(DeploymentFailedError) as caught:
        service.wait_is_over(since=started)
    assert str(caught.value) == (
        "Service deployment rolled back because an alarm was detected\n"
        f"      alarm {ERRORS}: {REASON}"
    )


def test_the_provider_waits_through_the_bake_time() -> None:
    service = deploying()
    started = service.state.deployments[0].created_at
    run_until_baking(service)
    assert not service.wait_is_over(since=started)
    service.run(TIMING.bake)
    assert service.wait_is_over(since=started)


def test_the_next_version_is_watched_again_after_a_rollback() -> None:
    service = deploying()
    service.run(3)
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    service.firing = {}
    service.spec = replace(service.spec, revision=revision(3))
    service.run(3)
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:1": 2}
    assert service.event_count("deployment failed: alarm detected.") == 2


def test_a_newer_version_supersedes_one_that_bakes() -> None:
    service = deploying()
    run_until_baking(service)
    service.spec = replace(service.spec, revision=revision(3))
    service.run(LONG_ENOUGH)
    assert [each[:3] for each in described(service)] == [("PRIMARY", "web:3", "COMPLETED")]
    assert not service.has_event("deployment failed")


# Without a rollback


def test_without_rollback_the_failed_version_stays_and_the_wait_ends_with_an_error() -> None:
    service = deploying(NO_ROLLBACK)
    started = service.state.deployments[0].created_at
    run_until_baking(service)
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:2": 2}, "ECS must not take the service down"
    assert described(service) == [
        ("PRIMARY", "web:2", "FAILED", "ECS deployment alarms: alarm detected.")
    ]
    with pytest.raises(
        DeploymentFailedError,
        match=r"stopped because an alarm was detected\n +alarm demo-web-errors",
    ):
        service.wait_is_over(since=started)


def test_the_first_deployment_has_nothing_to_roll_back_to() -> None:
    service = SimulatedService(spec(alarms=ROLLBACK))
    service.settle()
    run_until_baking(service)
    assert described(service)[0][:3] == ("PRIMARY", "web:1", "IN_PROGRESS")
    assert not service.steady()
    assert not service.has_event("has reached a steady state")
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert [each[:3] for each in described(service)] == [("PRIMARY", "web:1", "FAILED")]
    assert not service.has_event("rolling back")
    assert service.active_counts() == {"web:1": 2}


# Circuit breaker and alarms together


@pytest.mark.parametrize("breaker", [True, False])
def test_the_first_cause_of_a_failure_decides_about_the_rollback(*, breaker: bool) -> None:
    """Only the circuit breaker, or only the alarm, has its rollback on."""
    service = deploying(
        DeploymentAlarms(names=(ERRORS,), rollback=not breaker),
        breaker=Breaker(enable=True, rollback=breaker),
    )
    service.behaviours["web:2"] = UNPULLABLE
    service.run(LONG_ENOUGH)
    assert service.has_event("deployment failed: tasks failed to start.")
    assert service.has_event("rolling back") is breaker
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert not service.has_event("alarm detected"), "that deployment is over"

    service.firing = {}
    service.spec = replace(service.spec, revision=revision(3))
    service.run(3)
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert service.has_event("deployment failed: alarm detected.")
    assert service.active_counts() == ({"web:3": 2} if breaker else {"web:1": 2})


def test_a_rollback_by_the_circuit_breaker_is_not_watched() -> None:
    service = deploying(breaker=Breaker(enable=True, rollback=True))
    service.behaviours["web:2"] = UNPULLABLE
    while not service.has_event("rolling back"):
        service.run(1)
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert [each[:3] for each in described(service)] == [("PRIMARY", "web:1", "COMPLETED")]
    assert service.event_count("deployment failed") == 1


def test_a_rollback_whose_tasks_fail_too_ends_with_both_reasons() -> None:
    service = deploying(breaker=Breaker(enable=True, rollback=True))
    started = service.state.deployments[0].created_at
    run_until_baking(service)
    service.behaviours["web:1"] = UNPULLABLE
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert described(service)[0][2:] == (
        "FAILED",
        "ECS deployment circuit breaker: tasks failed to start.",
    )
    with pytest.raises(
        DeploymentFailedError,
        match=rf"failed to be rolled back because an alarm was detected\n +alarm {ERRORS}: .*\n"
        " +task .* stopped: CannotPullContainerError",
    ):
        service.wait_is_over(since=started)


# Alarms that were in ALARM before


def test_an_alarm_that_is_in_alarm_at_the_start_is_ignored_for_the_whole_deployment() -> None:
    service = steady_service(alarms=DeploymentAlarms(names=(ERRORS, "latency"), rollback=True))
    service.firing = {ERRORS: REASON}
    service.spec = replace(service.spec, revision=revision(2))
    service.run(3)
    assert f"alarms ignored, as {ERRORS} was in ALARM before" in progress(service)
    service.firing = {}
    service.run(1)
    service.firing = {ERRORS: REASON, "latency": REASON}
    service.run(LONG_ENOUGH)
    assert [each[:3] for each in described(service)] == [("PRIMARY", "web:2", "COMPLETED")]
    assert not service.has_event("deployment failed")
    assert "ignored" not in progress(service), "the deployment is over"


def test_a_deployment_that_ignores_its_alarms_has_no_bake_time() -> None:
    service = steady_service(alarms=ROLLBACK)
    service.firing = {ERRORS: REASON}
    service.spec = replace(service.spec, revision=revision(2))
    service.settle()
    while service.draining() or service.active("web:1"):
        service.run(1)
    assert service.steady()


def test_alarms_are_watched_again_by_the_deployment_after_one_that_ignored_them() -> None:
    service = steady_service(alarms=ROLLBACK)
    service.firing = {ERRORS: REASON}
    service.spec = replace(service.spec, revision=revision(2))
    service.run(LONG_ENOUGH)
    service.firing = {}
    service.spec = replace(service.spec, revision=revision(3))
    service.run(3)
    service.firing = {ERRORS: REASON}
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:2": 2}


# Crashes


def test_a_watched_deployment_continues_after_a_crash_at_any_time() -> None:
    for seconds in range(0, 20, 2):
        service = deploying()
        service.run(seconds)
        service.crash()
        service.run(LONG_ENOUGH)
        assert service.active_counts() == {"web:2": 2}
        assert service.steady()


def test_an_alarm_that_was_ignored_is_still_ignored_after_a_crash() -> None:
    service = steady_service(alarms=ROLLBACK)
    service.firing = {ERRORS: REASON}
    service.spec = replace(service.spec, revision=revision(2))
    service.run(3)
    service.crash()
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:2": 2}


def test_a_rollback_and_its_reason_are_kept_after_a_crash() -> None:
    service = deploying()
    started = service.state.deployments[0].created_at
    run_until_baking(service)
    service.firing = {ERRORS: REASON}
    service.run(2)
    service.crash()
    service.run(LONG_ENOUGH)
    assert service.active_counts() == {"web:1": 2}
    with pytest.raises(DeploymentFailedError, match=f"alarm {ERRORS}: Threshold Crossed"):
        service.wait_is_over(since=started)
