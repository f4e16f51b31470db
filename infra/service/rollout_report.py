"""Describe how a live ECS service differs from what a run requested, why, and what to do. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.service.causes import failed_containers, likely
from infra.service.events import (
    Event,
    failed_by_alarm,
    has_completed,
    has_failed,
    in_progress,
    last_failure,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

_EVENTS_SHOWN = 5
_REVERT = (
    "fix: `pulumi up --refresh` deploys what the program configures; to keep the change, add it to "
    "the program."
)
_FIX = (
    "fix: correct the configuration, or restore the last good one, and run `pulumi up`; if the "
    "cause was elsewhere and is\n"
    "     fixed, deploy the same again with `pulumi up {again}`. See docs/deployments.md."
)


@dataclass(frozen=True)
class LiveService:
    """An ECS service as DescribeServices shows it."""

    cluster: str
    """Name of its cluster."""

    name: str
    status: str
    """`ACTIVE`, `DRAINING` or `INACTIVE`."""

    task_definition: str
    """ARN."""

    tasks: str
    """How many tasks each deployment runs, as text for an error message."""

    events: Sequence[Event]
    """Newest first."""

    primary: str = ""
    """Id of the deployment that is in progress, or else completed last."""

    created: Mapping[str, datetime] = field(default_factory=dict)
    """When each deployment that ECS lists was created, by id."""

    alarms: Sequence[str] = ()
    """Names of the alarms that watch its deployments, as the program requests them: the provider
    doesn't return those of the live service.
    """

    network: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Subnets and security groups, sorted; empty where they are unknown."""

    @property
    def stopped(self) -> bool:
        """Whether the primary deployment failed, so that there is nothing to roll back to."""
        return has_failed(self.primary, self.events)

    @property
    def completed(self) -> bool:
        """Whether the primary deployment completed: all its tasks were healthy at one time."""
        return has_completed(self.primary, self.events)


def explanation(
    wanted: str,
    live: LiveService,
    errors: Sequence[str],
    *,
    earlier: Collection[str] = (),
    log_group: str,
) -> str:
    """Explain an update or a creation that failed, by the provider's errors and ECS's events.

    Args:
        wanted: ARN of the task definition that was requested.
        live: The service now.
        errors: The provider's, which Pulumi prints, so that the explanation doesn't repeat them.
        earlier: Ids of the events that were listed before the request.
        log_group: Log group of the service's containers.
    """
    printed = "\n".join(errors)
    events = _events_of_request(wanted, live, earlier)
    events = [message for message in events if _reason(message) not in printed]
    unfinished = live.task_definition == wanted and not live.stopped
    progress = "has not finished deploying" if unfinished else "did not deploy"
    lines = [
        f"ECS {progress} what was requested for {live.name}.",
        *_difference(wanted, live),
        *_reported(events),
        *_likely_cause([*errors, *events]),
        *_where_to_look(live, log_group, by_alarm=failed_by_alarm([*errors, *events])),
    ]
    # Nothing is wrong with the configuration of a deployment that goes on.
    if not unfinished:
        lines.append(_fix(live))
    return "\n".join(lines)


def _events_of_request(wanted: str, live: LiveService, earlier: Collection[str]) -> list[str]:
    """Return the events of the deployment that was requested, however it ended."""
    since = live.created.get(live.primary)
    if live.task_definition != wanted:
        failure = last_failure(live.events, live.created, earlier=earlier)
        return failure or in_progress(live.events, since, earlier=earlier)
    if live.stopped:
        # The deployment may have been stopped before this run, so that its events are among the
        # earlier ones.
        return last_failure(live.events, live.created)
    return in_progress(live.events, since)


def mismatch(
    wanted: str,
    live: LiveService,
    *,
    network: Mapping[str, Sequence[str]] | None = None,
    log_group: str,
) -> str | None:
    """Describe how a service differs from what was requested; None if it doesn't.

    The number of running tasks and the progress of a deployment are no difference: services scale,
    and deployments take time.

    Args:
        wanted: ARN of the task definition that was requested.
        live: The service now.
        network: The requested subnets and security groups, as in `LiveService.network`.
        log_group: Log group of the service's containers.
    """
    moved: list[str] = []
    for kind, ids in (network or {}).items():
        # What ECS doesn't report can't be compared.
        found = live.network.get(kind, ids)
        if found != ids:
            moved.append(f"{kind}: {', '.join(found)} instead of {', '.join(ids)}")
    runs_wanted = live.task_definition == wanted
    if live.status == "ACTIVE" and runs_wanted and not moved and not live.stopped:
        return None
    failure = last_failure(live.events, live.created)
    if not failure:
        reason = "the service was changed outside Pulumi"
        advice = [_REVERT]
    else:
        reason = _end_of_failed_deployment(live, runs_wanted=runs_wanted)
        where = _where_to_look(live, log_group, by_alarm=failed_by_alarm(failure))
        advice = [*_reported(failure), *_likely_cause(failure), *where, _fix(live)]
    summary = f"{live.name} doesn't run what this stack requested: {reason}."
    return "\n".join([summary, *_difference(wanted, live), *moved, *advice])


def _end_of_failed_deployment(live: LiveService, *, runs_wanted: bool) -> str:
    if not live.stopped:
        return "ECS rolled it back"
    if runs_wanted:
        return "ECS stopped it, and there is nothing to roll back to"
    return "ECS stopped it, and the rollback failed too"


def _difference(wanted: str, live: LiveService) -> list[str]:
    status = "" if live.status == "ACTIVE" else f"; the service is {live.status}"
    return [
        f"wanted:  {revision_of(wanted)}",
        f"running: {revision_of(live.task_definition)}; tasks: {live.tasks}{status}",
    ]


def _reported(messages: Sequence[str]) -> list[str]:
    return [f"reported: {_without_arns(message)}" for message in messages[:_EVENTS_SHOWN]]


def _likely_cause(messages: Sequence[str]) -> list[str]:
    cause = likely(messages)
    if cause is None:
        return []
    lines = [f"likely cause: {cause.sentence}"]
    failed = failed_containers(messages)
    if failed:
        names = ", ".join(failed)
        lines.append(
            f"container: {names}, of several in a task; keys of a sidecar are in `sidecars`"
        )
    return [*lines, f"try: {cause.advice}"]


def _where_to_look(live: LiveService, log_group: str, *, by_alarm: bool) -> list[str]:
    return [
        f"logs: aws logs tail {log_group} --since 10m",
        _alarms_command(live) if by_alarm else _stopped_tasks_command(live),
        "local AWS: pulumi-local logs, pulumi-local status",
    ]


def _alarms_command(live: LiveService) -> str:
    which = f"--alarm-names {' '.join(live.alarms)}" if live.alarms else "--state-value ALARM"
    return (
        f"alarms: aws cloudwatch describe-alarms {which} --query "
        "'MetricAlarms[].[AlarmName,StateValue,StateReason]'"
    )


def _stopped_tasks_command(live: LiveService) -> str:
    stopped = (
        f"aws ecs list-tasks --cluster {live.cluster} --service-name {live.name} "
        "--desired-status STOPPED"
    )
    describe = (
        f"aws ecs describe-tasks --cluster {live.cluster} --tasks $({stopped} --query "
        "taskArns --output text)"
    )
    return (
        f"stopped tasks: {describe} --query "
        "'tasks[].[stoppedReason,containers[].[name,exitCode,reason]]'"
    )


def _without_arns(message: str) -> str:
    """Return a message without ARNs; a target group's ARN becomes its name."""
    text = re.sub(r" \(arn:[^)]*\)", "", message)
    return re.sub(r"arn:[^\s)]*:targetgroup/([^/\s)]+)/\w+", r"\1", text)


def _fix(live: LiveService) -> str:
    """Return how to fix a failed deployment.

    ECS doesn't repeat a deployment that it stopped, so that needs another task definition. After a
    rollback a refresh is enough: it shows the difference to what the program requests.
    """
    again = "--replace '**TaskDefinition**'" if live.stopped else "--refresh"
    return _FIX.format(again=again)


def _reason(message: str) -> str:
    """Return the reason in a message about a task that couldn't be placed, else the message."""
    return message.rpartition("Reason: ")[2].removesuffix(".")


def revision_of(task_definition: str) -> str:
    """Return `family:revision` of a task definition's ARN."""
    return task_definition.rpartition("/")[2]
