"""Check that ECS runs what the program requests; if not, fail the run with the reason.

The provider waits for a deployment and fails an update that ECS rolled back, but only with ECS's
one line, and only once: the state holds what was requested, so the next run finds nothing to do
while the old version runs. So a hook explains a failure when it happens, and every run compares the
live service with what it was configured to run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from infra.errors import reason_of
from infra.service.causes import likely
from infra.service.events import Event, has_completed, has_failed, in_progress, last_failure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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


class NotDeployedError(pulumi.RunError):
    """ECS doesn't run what the program requests."""


@dataclass(frozen=True)
class Live:
    """An ECS service as DescribeServices shows it."""

    cluster: str
    """Name of its cluster."""

    name: str
    status: str
    """`ACTIVE`, `DRAINING` or `INACTIVE`."""

    task_definition: str
    """ARN."""

    tasks: str
    """Each deployment's tasks, as text for an error message."""

    events: Sequence[Event]
    """Newest first."""

    primary: str = ""
    """Id of the deployment that ECS works on, or completed last."""

    created: Mapping[str, datetime] = field(default_factory=dict)
    """When each deployment that ECS lists was created, by id."""

    network: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Subnets and security groups, sorted; empty where they are unknown."""

    @property
    def stopped(self) -> bool:
        """Whether the primary deployment failed, and there was nothing to roll back to."""
        return has_failed(self.primary, self.events)

    @property
    def completed(self) -> bool:
        """Whether the primary deployment completed: all of its tasks were healthy together."""
        return has_completed(self.primary, self.events)


class Rollout:
    """Watches the deployments of one ECS service.

    Needs ecs:DescribeServices, as the provider does, and reads nothing in a preview.
    """

    def __init__(self, name: str, *, parent: pulumi.Resource, log_group: str) -> None:
        """Watch the service of that name and parent, whose containers write to `log_group`."""
        self._parent = parent
        self._log_group = log_group
        self._requested: str | None = None
        self._known: frozenset[str] = frozenset()
        """Ids of the events that were there before this run's update."""

        self._created = False
        self._compared: pulumi.Output[Live | None] | None = None
        requested = pulumi.ResourceHook(f"{name}-requested", self._note_request)
        self.hooks = pulumi.ResourceHookBinding(
            before_update=[pulumi.ResourceHook(f"{name}-events", self._note_events)],
            after_create=[requested, pulumi.ResourceHook(f"{name}-created", self._note_creation)],
            after_update=[requested],
            on_error=[pulumi.ErrorHook(f"{name}-explain", self._explain)],
        )
        """Hooks of the ECS service."""

        completed = pulumi.ResourceHook(f"{name}-completed", self._require_completion)
        self.before_requests = pulumi.ResourceHookBinding(
            before_create=[completed], before_update=[completed]
        )
        """Hooks of the rule that sends requests to the service."""

    def confirm(self, service: aws.ecs.Service) -> None:
        """Fail the run, once the engine is done with the service, if ECS runs something else."""
        self._compared = pulumi.Output.all(
            cluster=service.cluster,
            name=service.name,
            task_definition=service.task_definition,
            network=service.network_configuration,
        ).apply(self._compare)

    def _note_events(self, args: pulumi.ResourceHookArgs) -> None:
        """Keep which events precede the update that is about to begin."""
        inputs: Mapping[str, Any] = args.old_inputs or {}
        try:
            live = self._look(inputs["cluster"], inputs["name"])
        # An invoke's only error: the update itself will show what is wrong
        except Exception:  # noqa: BLE001
            return
        self._known = frozenset(event.id for event in live.events)

    def _note_request(self, args: pulumi.ResourceHookArgs) -> None:
        """Keep what this run requested: a later read may show another user's change."""
        self._requested = (args.new_inputs or {}).get("taskDefinition")

    def _note_creation(self, _: pulumi.ResourceHookArgs) -> None:
        """Keep that the provider waited until the service's first deployment had completed."""
        self._created = True

    async def _require_completion(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuse to route requests to the service until it has completed a deployment.

        The run that creates the service waits for that. One that follows a failure may find nothing
        to do; the provider then waits for running tasks at most, which may be unhealthy.

        Raises:
            NotDeployedError: The service runs something else than requested, or no deployment of it
                has completed.
        """
        live = await self._compared.future() if self._compared else None
        if not (self._created or (live and live.completed)):
            raise NotDeployedError(
                f"{live.name if live else 'The service'} has not completed a deployment yet, so "
                f"{args.name} still sends requests where it did before.\n"
                "fix: wait until ECS has completed it, and run `pulumi up` again."
            )

    def _explain(self, args: pulumi.ErrorHookArgs) -> bool:
        """Print why a creation or an update failed; retrying at once would not help."""
        inputs: Mapping[str, Any] = args.new_inputs or {}
        if args.failed_operation == "delete":
            return False
        try:
            live = self._look(inputs["cluster"], inputs["name"])
        # An invoke's only error: what AWS refused to create can't be read
        except Exception:  # noqa: BLE001
            return False
        pulumi.log.error(
            explanation(
                inputs["taskDefinition"],
                live,
                args.errors,
                known=self._known,
                log_group=self._log_group,
            )
        )
        return False

    def _compare(self, state: Mapping[str, Any]) -> Live | None:
        """Compare the service with what this run requested, or else the last one that changed it.

        Returns:
            The service; None in a preview, or if a run with --target left out the service before it
            was created.

        Raises:
            NotDeployedError: It runs something else.
        """
        wanted = self._requested or state["task_definition"]
        # A service that doesn't exist yet, and is left out by --target, has no outputs.
        if pulumi.runtime.is_dry_run() or not wanted:
            return None
        try:
            live = self._look(state["cluster"], state["name"])
        except Exception as error:
            raise NotDeployedError(
                f"{state['name']} can't be read: {reason_of(error)}\n"
                "fix: if it was deleted outside Pulumi, `pulumi up --refresh` creates it again."
            ) from error
        if problem := mismatch(
            wanted, live, network=_network(state["network"]), log_group=self._log_group
        ):
            raise NotDeployedError(problem)
        return live

    def _look(self, cluster: str, name: str) -> Live:
        found = aws.ecs.get_service(
            cluster_arn=cluster, service_name=name, opts=pulumi.InvokeOptions(parent=self._parent)
        )
        tasks: list[str] = []
        primary = ""
        created: dict[str, datetime] = {}
        for each in found.deployments or ():
            revision = _short(each.task_definition)
            tasks.append(f"{revision} has {each.running_count} of {each.desired_count}")
            created[each.id] = datetime.fromisoformat(each.created_at)
            if each.status == "PRIMARY":
                primary = each.id
        events = [
            Event(each.id, datetime.fromisoformat(each.created_at), each.message)
            for each in found.events or ()
        ]
        networks = found.network_configurations
        return Live(
            cluster=cluster.rpartition("/")[2],
            name=name,
            status=found.status,
            task_definition=found.task_definition,
            tasks=", ".join(tasks) or "none",
            events=events,
            primary=primary,
            created=created,
            network=_network(networks[0] if networks else None),
        )


def explanation(
    wanted: str, live: Live, errors: Sequence[str], *, known: Collection[str] = (), log_group: str
) -> str:
    """Explain why a service doesn't run what was requested, by errors and its events.

    Args:
        wanted: ARN of the task definition that was requested.
        live: The service now.
        errors: The provider's.
        known: Ids of the events that were there before: they belong to earlier deployments.
        log_group: Where its containers write to.
    """
    running = live.task_definition == wanted
    in_time = running and not live.stopped
    since = live.created.get(live.primary)
    if in_time:
        messages = in_progress(live.events, since)
    elif running:
        # Created by this run or an earlier one, in which case all of its events are known.
        messages = last_failure(live.events, live.created)
    else:
        messages = last_failure(live.events, live.created, known=known) or in_progress(
            live.events, since, known=known
        )
    how_far = "has not finished deploying" if in_time else "did not deploy"
    reported = "\n".join(errors)
    new = [message for message in messages if _reason(message) not in reported]
    return "\n".join(
        [
            f"ECS {how_far} what was requested for {live.name}.",
            *_difference(wanted, live),
            *_reasons([*errors, *new]),
            *_where_to_look(live, log_group),
            *(() if in_time else (_fix(live),)),
        ]
    )


def mismatch(
    wanted: str, live: Live, *, network: Mapping[str, Sequence[str]] | None = None, log_group: str
) -> str | None:
    """Describe how a service's task definition or network differs; None if neither does.

    How many tasks run, and how far a deployment is, makes no difference: services scale, and
    deployments take time.
    """
    moved: list[str] = []
    for kind, ids in (network or {}).items():
        # What ECS doesn't report can't be compared.
        found = live.network.get(kind, ids)
        if found != ids:
            moved.append(f"{kind}: {', '.join(found)} instead of {', '.join(ids)}")
    running = live.task_definition == wanted
    if live.status == "ACTIVE" and running and not moved and not live.stopped:
        return None
    if failure := last_failure(live.events, live.created):
        if not live.stopped:
            reason = "ECS rolled it back"
        elif running:
            reason = "ECS stopped it, and there is nothing to roll back to"
        else:
            reason = "ECS stopped it, and the rollback failed too"
        advice = [*_reasons(failure), *_where_to_look(live, log_group), _fix(live)]
    else:
        reason, advice = "the service was changed outside Pulumi", [_REVERT]
    summary = f"{live.name} doesn't run what this stack requested: {reason}."
    return "\n".join([summary, *_difference(wanted, live), *moved, *advice])


def _network(configuration: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return the sorted subnets and security groups of a service's configuration.

    Outputs and lookups have the same keys.
    """
    network: dict[str, list[str]] = {}
    for key in ("subnets", "security_groups"):
        if ids := (configuration or {}).get(key):
            network[key.replace("_", " ")] = sorted(ids)
    return network


def _difference(wanted: str, live: Live) -> list[str]:
    gone = "" if live.status == "ACTIVE" else f"; the service is {live.status}"
    return [
        f"wanted:  {_short(wanted)}",
        f"running: {_short(live.task_definition)}; tasks: {live.tasks}{gone}",
    ]


def _reasons(reported: Sequence[str]) -> list[str]:
    lines = [f"reported: {_bare(message)}" for message in reported[:_EVENTS_SHOWN]]
    if cause := likely(reported):
        lines += [f"likely cause: {cause.sentence}", f"try: {cause.advice}"]
    return lines


def _where_to_look(live: Live, log_group: str) -> list[str]:
    stopped = (
        f"aws ecs list-tasks --cluster {live.cluster} --service-name {live.name} "
        "--desired-status STOPPED"
    )
    describe = (
        f"aws ecs describe-tasks --cluster {live.cluster} --tasks $({stopped} --query "
        "taskArns --output text)"
    )
    return [
        f"logs: aws logs tail {log_group} --since 10m",
        (
            f"stopped tasks: {describe} --query "
            "'tasks[].[stoppedReason,containers[].[exitCode,reason]]'"
        ),
        "local AWS: pulumi-local logs, pulumi-local status",
    ]


def _bare(message: str) -> str:
    """Return a message without its frame, with names for ARNs, each stopped task on a line."""
    bare = re.sub(r"\s*\d+ errors? occurred:\s*\* | \(arn:[^)]*\)", "", message)
    bare = re.sub(r"arn:[^\s)]*:targetgroup/([^/\s)]+)/\w+", r"\1", bare)
    return bare.strip().replace("; task ", "\n          task ")


def _fix(live: Live) -> str:
    """Return what fixes a failure.

    A deployment that ECS stopped stays what was requested: only a new one is tried.
    """
    return _FIX.format(again="--replace '**TaskDefinition**'" if live.stopped else "--refresh")


def _reason(message: str) -> str:
    """Return the reason why a task couldn't be placed, or else the whole message."""
    return message.rpartition("Reason: ")[2].removesuffix(".")


def _short(task_definition: str) -> str:
    """Return `family:revision` of an ARN."""
    return task_definition.rpartition("/")[2]
