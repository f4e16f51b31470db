"""The rollout check without an engine: hooks, explanations of failures, and mismatches."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pulumi
import pulumi_aws
import pytest
from pulumi.runtime.proto import engine_pb2

from infra.service.events import Event
from infra.service.rollout import NotDeployedError, Rollout
from infra.service.rollout_report import LiveService, explanation, mismatch
from tests.infra import recorder
from tests.infra.event_log import BEGIN, EventLog

if TYPE_CHECKING:
    from pulumi import ResourceHookArgs

    from tests.infra.recorder import Recording

GET_SERVICE = "aws:ecs/getService:getService"
SERVICE = "arn:aws:ecs:eu-west-1:210987654321:service/ecs-cluster-dev/dev-web"
FAMILY = "arn:aws:ecs:eu-west-1:210987654321:task-definition/dev-web"
LIVE = LiveService(
    cluster="ecs-cluster-dev",
    name="dev-web",
    status="ACTIVE",
    task_definition=f"{FAMILY}:4",
    tasks="dev-web:4 has 2 of 2",
    events=(Event("e0", BEGIN, "(service dev-web) has reached a steady state."),),
)
NOT_FOUND = "Health checks failed with these codes: [404]"


def live_after(log: EventLog, primary: str, **others: Any) -> LiveService:
    """Return the service with these events and this primary deployment."""
    created = {primary: log.created[primary]}
    return replace(LIVE, events=log.events, primary=primary, created=created, **others)


def rolled_back() -> LiveService:
    """Return the service after a deployment whose health check was answered with 404."""
    log = EventLog()
    log.fail_health_checks(NOT_FOUND)
    rollback = log.roll_back()
    log.complete(rollback)
    return live_after(log, rollback)


ROLLED_BACK = rolled_back()


def reads_of_the_service(recording: Recording) -> int:
    return sum(token == GET_SERVICE for token, _ in recording.invoked)


def test_hooks_run_when_the_service_is_created_or_updated_and_on_errors(dev: Recording) -> None:
    assert dev.one("Service").hooks == {
        "before_update": ("web-events",),
        "after_create": ("web-requested", "web-created"),
        "after_update": ("web-requested",),
        "on_error": ("web-explain",),
    }


def test_a_run_reads_the_service_once_and_a_preview_never(dev: Recording) -> None:
    assert reads_of_the_service(dev) == 1
    assert reads_of_the_service(recorder.run("dev", after=dev)) == 0


def test_a_run_fails_if_another_task_definition_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(
        status="ACTIVE",
        task_definition=f"{FAMILY}:4",
        deployments=None,
        events=None,
        network_configurations=None,
    )
    monkeypatch.setattr(pulumi_aws.ecs, "get_service", lambda **_: other)
    with pytest.raises(NotDeployedError, match="dev-web doesn't run what this stack requested"):
        recorder.run("dev")


def test_a_run_fails_when_the_service_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(**_: Any) -> None:
        raise Exception(  # noqa: TRY002 — as the SDK
            "invoke of getService failed: invocation returned an error: empty result"
        )

    monkeypatch.setattr(pulumi_aws.ecs, "get_service", gone)
    with pytest.raises(
        NotDeployedError, match=r"dev-web can't be read: empty result\n.*pulumi up --refresh"
    ):
        recorder.run("dev")


def test_a_bug_in_reading_the_service_is_not_reported_as_a_missing_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulumi_aws.ecs, "get_service", lambda **_: SimpleNamespace())
    with pytest.raises(AttributeError, match="deployments"):
        recorder.run("dev")


@pytest.mark.parametrize(
    "tasks", ["dev-web:4 has 7 of 7", "dev-web:4 has 0 of 2, dev-web:3 has 2 of 2", "none"]
)
def test_neither_scaled_tasks_nor_a_deployment_under_way_is_a_mismatch(tasks: str) -> None:
    assert mismatch(f"{FAMILY}:4", replace(ROLLED_BACK, tasks=tasks), log_group="/web") is None


def test_a_rollback_is_reported_with_its_cause_and_commands_that_show_more() -> None:
    message = mismatch(f"{FAMILY}:5", ROLLED_BACK, log_group="/aws/ecs/web")
    assert message is not None
    assert message.splitlines()[:3] == [
        "dev-web doesn't run what this stack requested: ECS rolled it back.",
        "wanted:  dev-web:5",
        "running: dev-web:4; tasks: dev-web:4 has 2 of 2",
    ]
    assert "reported: (task " in message
    assert f"due to (reason {NOT_FOUND})" in message
    assert "likely cause: The application answers the health check with 404" in message
    assert "logs: aws logs tail /aws/ecs/web --since 10m" in message
    service = "--cluster ecs-cluster-dev --service-name dev-web"
    assert f"aws ecs list-tasks {service} --desired-status STOPPED" in message
    assert "`pulumi up --refresh`" in message


def test_a_stopped_first_deployment_fails_the_next_run_although_its_task_definition_is_live(
    monkeypatch: pytest.MonkeyPatch, dev: Recording
) -> None:
    wanted = dev.resources[dev.one("TaskDefinition").urn].outputs["arn"]
    primary = SimpleNamespace(
        id="ecs-svc/1",
        status="PRIMARY",
        task_definition=wanted,
        running_count=0,
        desired_count=2,
        created_at="2026-03-01T12:00:00Z",
    )
    failed = "(service dev-web) (deployment ecs-svc/1) deployment failed: tasks failed to start."
    live = SimpleNamespace(
        status="ACTIVE",
        task_definition=wanted,
        deployments=[primary],
        events=[SimpleNamespace(id="e1", created_at="2026-03-01T12:00:09Z", message=failed)],
        network_configurations=None,
    )
    monkeypatch.setattr(pulumi_aws.ecs, "get_service", lambda **_: live)
    with pytest.raises(
        NotDeployedError, match=r"ECS stopped it, and there is nothing to roll back to"
    ) as raised:
        recorder.run("dev")
    assert "`pulumi up --replace '**TaskDefinition**'`" in str(raised.value)
    primary.id = "ecs-svc/2"
    recorder.run("dev")


def test_a_mismatch_without_a_failed_deployment_is_reported_as_a_change_outside_pulumi() -> None:
    message = mismatch(f"{FAMILY}:5", LIVE, log_group="/web")
    assert message is not None
    assert message.splitlines() == [
        "dev-web doesn't run what this stack requested: the service was changed outside Pulumi.",
        "wanted:  dev-web:5",
        "running: dev-web:4; tasks: dev-web:4 has 2 of 2",
        (
            "fix: `pulumi up --refresh` deploys what the program configures; to keep the "
            "change, add it to the program."
        ),
    ]


def test_tasks_that_were_moved_to_another_network_are_a_mismatch() -> None:
    requested = {"subnets": ["subnet-a", "subnet-b"], "security groups": ["sg-1"]}
    moved = replace(LIVE, network={**requested, "security groups": ["sg-1", "sg-9"]})
    message = mismatch(f"{FAMILY}:4", moved, network=requested, log_group="/web")
    assert message is not None
    assert "security groups: sg-1, sg-9 instead of sg-1" in message.splitlines()
    assert "subnet-a" not in message
    for unreported in (replace(LIVE, network=requested), LIVE):
        assert mismatch(f"{FAMILY}:4", unreported, network=requested, log_group="/web") is None


def test_a_service_that_is_being_deleted_is_a_mismatch() -> None:
    message = mismatch(f"{FAMILY}:4", replace(LIVE, status="DRAINING"), log_group="/web")
    assert message is not None
    assert "the service is DRAINING" in message


def test_an_explanation_has_what_to_try_and_not_what_the_provider_reports_itself() -> None:
    error = (
        f"updating Service 'web' ({SERVICE}): waiting for ECS Service ({SERVICE}): rolled back\n"
        "      task 5a5ec996 stopped: OutOfMemoryError: Container killed due to memory usage"
    )
    message = explanation(f"{FAMILY}:5", LIVE, [error], log_group="/web")
    assert "likely cause: The container was killed because it used more memory" in message
    assert "try: Raise `memoryMib`" in message
    assert "reported:" not in message
    assert "OutOfMemoryError" not in message


def test_an_explanation_is_printed_under_the_heading_of_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed: list[Any] = []
    engine = SimpleNamespace(Log=printed.append)
    monkeypatch.setattr(pulumi.runtime.settings, "get_engine", lambda: engine)
    rollout = Rollout.__new__(Rollout)
    rollout._log_group = "/web"
    rollout._earlier_events = frozenset()
    monkeypatch.setattr(rollout, "_read_service", lambda *_: ROLLED_BACK)
    inputs = {"cluster": "c", "name": "dev-web", "taskDefinition": f"{FAMILY}:5"}
    urn = "urn:pulumi:dev::p::aws:ecs/service:Service::web"
    args = pulumi.ErrorHookArgs(
        urn, "", "web", "", new_inputs=inputs, failed_operation="update", errors=["rolled back"]
    )
    assert not rollout._explain(args), "the engine must not try again"
    (request,) = printed
    assert (request.urn, request.severity) == (urn, engine_pb2.ERROR)
    assert request.message.startswith("ECS did not deploy what was requested for dev-web.\n")


def test_a_reason_that_the_provider_reported_already_is_not_reported_again_by_an_event() -> None:
    reason = (
        "CannotPullContainerError: pull image manifest: registry.example/shop:stabel: not found"
    )
    log = EventLog()
    log.begin()
    log.unplaced(reason)
    live = replace(LIVE, events=log.events)
    message = explanation(
        f"{FAMILY}:5", live, [f"rolled back\n      task 5a5 stopped: {reason}"], log_group="/web"
    )
    assert reason not in message
    assert "was unable to place a task" in explanation(
        f"{FAMILY}:5", live, ["rolled back"], log_group="/web"
    )


def rolled_back_by_alarm() -> LiveService:
    """Return the service after a healthy deployment during which an alarm went off."""
    log = EventLog()
    deployment = log.begin()
    log.start(2)
    log.fail(deployment, "deployment failed: alarm detected.")
    rollback = log.roll_back()
    log.complete(rollback)
    return live_after(log, rollback, alarms=["dev-web-errors", "dev-web-latency"])


ALARMS_COMMAND = (
    "alarms: aws cloudwatch describe-alarms --alarm-names dev-web-errors dev-web-latency --query "
    "'MetricAlarms[].[AlarmName,StateValue,StateReason]'"
)


def test_a_rollback_by_an_alarm_is_explained_with_the_command_that_shows_its_reason() -> None:
    live = rolled_back_by_alarm()
    error = (
        f"updating ECS Service ({SERVICE}): waiting for completion: Service deployment rolled back "
        "because an alarm was detected\n      alarm dev-web-errors: Threshold Crossed: 3 datapoints"
    )
    for message in (
        explanation(f"{FAMILY}:5", live, [error], log_group="/web"),
        # AWS's own words in the provider's error aren't known, and a later run has no error.
        explanation(f"{FAMILY}:5", live, ["rolled back"], log_group="/web"),
        mismatch(f"{FAMILY}:5", live, log_group="/web") or "",
    ):
        assert "likely cause: The new version passes its health checks, but an alarm" in message
        assert ALARMS_COMMAND in message.splitlines()
        assert "stopped tasks:" not in message


def test_a_run_after_a_rollback_by_an_alarm_names_the_alarms_that_the_program_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = rolled_back_by_alarm()
    found = SimpleNamespace(
        status="ACTIVE",
        task_definition=live.task_definition,
        deployments=None,
        events=[
            SimpleNamespace(id=each.id, created_at=each.at.isoformat(), message=each.message)
            for each in live.events
        ],
        network_configurations=None,
    )
    monkeypatch.setattr(pulumi_aws.ecs, "get_service", lambda **_: found)
    with pytest.raises(NotDeployedError) as raised:
        recorder.run("dev", alarms=True, maxLatencySeconds="2", rollbackOnAlarms=True)
    assert ALARMS_COMMAND in str(raised.value).splitlines()


def test_alarms_that_the_program_no_longer_names_are_listed_by_their_state() -> None:
    live = replace(rolled_back_by_alarm(), alarms=())
    message = mismatch(f"{FAMILY}:5", live, log_group="/web")
    assert "alarms: aws cloudwatch describe-alarms --state-value ALARM --query" in str(message)


def test_a_failure_without_an_alarm_names_no_alarm() -> None:
    live = replace(ROLLED_BACK, alarms=["dev-web-errors"])
    message = mismatch(f"{FAMILY}:5", live, log_group="/web")
    assert message is not None
    assert "alarm" not in message
    assert "stopped tasks:" in message


def test_a_target_group_is_reported_by_its_name() -> None:
    arn = (
        "arn:aws:elasticloadbalancing:eu-west-1:210987654321:"
        "targetgroup/alb-web-1234567/3f44f85710fe0297"
    )
    unhealthy = Event("e1", BEGIN, f"(task 1) is unhealthy in (target-group {arn}) for a reason")
    live = replace(LIVE, events=(unhealthy,))
    message = explanation(f"{FAMILY}:5", live, ["rolled back"], log_group="/w")
    assert "is unhealthy in (target-group alb-web-1234567) for a reason\n" in message


def test_a_timeout_is_not_explained_by_an_older_failure() -> None:
    retried = replace(ROLLED_BACK, task_definition=f"{FAMILY}:5")
    message = explanation(
        f"{FAMILY}:5",
        retried,
        ["timeout while waiting for state to become 'tfSTABLE'"],
        log_group="/w",
    )
    assert message.startswith("ECS has not finished deploying")
    cause = "The deployment was still under way when the run stopped waiting"
    assert f"likely cause: {cause}" in message
    assert "404" not in message


def test_a_rollback_is_reported_as_such_although_a_task_has_failed_since() -> None:
    failed_task = Event("e99", BEGIN, "(service dev-web) (task 1) failed container health checks.")
    later = replace(ROLLED_BACK, events=(failed_task, *ROLLED_BACK.events))
    message = mismatch(f"{FAMILY}:5", later, log_group="/web")
    assert message is not None
    assert "ECS rolled it back" in message


def test_a_cancelled_run_is_not_reported_as_a_failed_deployment() -> None:
    error = "updating ECS Service (web): waiting for completion: context canceled"
    message = explanation(f"{FAMILY}:4", LIVE, [error], log_group="/web")
    assert message.startswith("ECS has not finished deploying what was requested for dev-web.")
    assert "The run was cancelled; the deployment goes on without it." in message
    assert "fix:" not in message, "nothing is wrong with the configuration"


def failed_twice(first: str, second: str) -> tuple[EventLog, set[str]]:
    """Return the events of two failures without a rollback, and those before the second."""
    log = EventLog()
    deployment = log.begin()
    log.start(2)
    log.unplaced(first)
    log.fail(deployment)
    earlier = log.ids()
    deployment = log.begin()
    log.start(2)
    log.unplaced(second)
    log.fail(deployment)
    return log, earlier


def test_the_second_of_two_failures_is_explained_by_its_own_events() -> None:
    log, earlier = failed_twice(
        "CannotPullContainerError: Exec format error", "CannotPullContainerError: not found"
    )
    second = list(log.created)[-1]
    live = live_after(log, second, task_definition=f"{FAMILY}:5")
    for message in (
        explanation(f"{FAMILY}:5", live, ["stopped"], earlier=earlier, log_group="/web"),
        # A run that repeats the request begins no deployment, so that all events are earlier ones.
        explanation(f"{FAMILY}:5", live, ["stopped"], earlier=log.ids(), log_group="/web"),
        mismatch(f"{FAMILY}:5", live, log_group="/web") or "",
    ):
        assert "likely cause: The image doesn't exist" in message
        assert "architecture" not in message
        assert "Exec format error" not in message


def test_an_update_that_aws_refused_is_not_explained_by_an_earlier_failure() -> None:
    earlier = {event.id for event in ROLLED_BACK.events}
    refused = (
        "updating ECS Service: InvalidParameterException: The container web does not exist "
        "in the task definition"
    )
    message = explanation(f"{FAMILY}:5", ROLLED_BACK, [refused], earlier=earlier, log_group="/web")
    assert "reported:" not in message
    assert "404" not in message
    assert "likely cause" not in message


def test_a_failed_rollback_is_reported_with_the_cause_of_the_first_failure() -> None:
    log = EventLog()
    log.fail_health_checks(NOT_FOUND)
    rollback = log.roll_back()
    log.unplaced("CannotPullContainerError: toomanyrequests")
    log.fail(rollback)
    message = mismatch(f"{FAMILY}:5", live_after(log, rollback), log_group="/web")
    assert message is not None
    assert "ECS stopped it, and the rollback failed too" in message
    assert "likely cause: The application answers the health check with 404" in message


def test_the_events_before_an_update_are_stored_if_the_service_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rollout = object.__new__(Rollout)
    rollout._earlier_events = frozenset()
    inputs = SimpleNamespace(old_inputs={"cluster": "c", "name": "dev-web"})

    def gone(cluster: str, name: str) -> LiveService:
        raise RuntimeError(f"no service {name} in {cluster}")

    monkeypatch.setattr(rollout, "_read_service", gone)
    rollout._note_earlier_events(cast("ResourceHookArgs", inputs))
    assert rollout._earlier_events == set()
    monkeypatch.setattr(rollout, "_read_service", lambda *_: ROLLED_BACK)
    rollout._note_earlier_events(cast("ResourceHookArgs", inputs))
    assert rollout._earlier_events == {event.id for event in ROLLED_BACK.events}
