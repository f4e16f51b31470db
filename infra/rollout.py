"""Does ECS run what the program asks for? If not, the run fails and says why.

The provider waits for a deployment and fails an update that ECS rolled back, but only with ECS's one line, and only
once: the state holds what was asked for, so the next run finds nothing to do while the old version runs. So a hook
explains a failure when it happens, and every run compares the live service with what it was told to run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from infra.causes import likely
from infra.deployment import last_failure, news, was_given_up
from infra.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EVENTS_SHOWN = 5
_TAKE_BACK = """\
heal: `pulumi up --refresh` deploys what the program says; to keep that change, write it into the program."""
_HEAL = """\
heal: correct the configuration, or go back to the last good one, and run `pulumi up`; or, where the cause lay elsewhere
      and is mended, deploy the same again with `pulumi up {again}`. docs/deployments.md says more."""


class NotDeployedError(pulumi.RunError):
    """ECS doesn't run what the program asks for."""


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
    """Each deployment's tasks, for people."""

    events: Sequence[str]
    """Messages, newest first."""

    given_up: bool = False
    """Whether ECS gave up that very deployment: it was the first, so there is nothing to go back to."""

    network: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Subnets and security groups, sorted; empty where they aren't told."""


class Rollout:
    """Watches over the deployments of one ECS service.

    Needs ecs:DescribeServices, as the provider does, and asks for nothing in a preview.
    """

    def __init__(self, name: str, *, parent: pulumi.Resource, log_group: str) -> None:
        """Watch over the service of that name and parent, whose containers write to `log_group`."""
        self._parent = parent
        self._log_group = log_group
        self._told: str | None = None
        self.hooks = pulumi.ResourceHookBinding(
            after_create=[done := pulumi.ResourceHook(f"{name}-told", self._note)],
            after_update=[done],
            on_error=[pulumi.ErrorHook(f"{name}-explain", self._explain)],
        )
        """What the service must be registered with."""

    def confirm(self, service: aws.ecs.Service) -> None:
        """Fail the run, as soon as the engine is done with the service, if ECS runs something else than it was told."""
        pulumi.Output.all(
            cluster=service.cluster,
            name=service.name,
            task_definition=service.task_definition,
            network=service.network_configuration,
        ).apply(self._compare)

    def _note(self, args: pulumi.ResourceHookArgs) -> None:
        """Keep what ECS was told in this run: the provider's answer after it may already be another's doing."""
        self._told = (args.new_inputs or {}).get("taskDefinition")

    def _explain(self, args: pulumi.ErrorHookArgs) -> bool:
        """Say why a creation or an update failed; trying again at once would not help."""
        inputs: Mapping[str, Any] = args.new_inputs or {}
        if args.failed_operation == "delete":
            return False
        try:
            live = self._look(inputs["cluster"], inputs["name"])
        except Exception:  # noqa: BLE001 — an invoke's only error: what AWS refused to make isn't there to be looked at
            return False
        pulumi.log.error(explanation(inputs["taskDefinition"], live, args.errors, log_group=self._log_group))
        return False

    def _compare(self, state: Mapping[str, Any]) -> None:
        """Compare the service with what it was told in this run, or else in the last that changed it.

        Raises:
            NotDeployedError: It runs something else.
        """
        wanted = self._told or state["task_definition"]
        # Of a service that doesn't exist yet, and is left out by --target, the engine knows nothing.
        if pulumi.runtime.is_dry_run() or not wanted:
            return
        try:
            live = self._look(state["cluster"], state["name"])
        except Exception as error:
            raise NotDeployedError(
                f"{state['name']} can't be looked at: {reason_of(error)}\n"
                "heal: if somebody deleted it, `pulumi up --refresh` makes it again."
            ) from error
        if problem := mismatch(wanted, live, network=_network(state["network"]), log_group=self._log_group):
            raise NotDeployedError(problem)

    def _look(self, cluster: str, name: str) -> Live:
        found = aws.ecs.get_service(
            cluster_arn=cluster, service_name=name, opts=pulumi.InvokeOptions(parent=self._parent)
        )
        deployments, events = found.deployments or (), [event.message for event in found.events or ()]
        tasks = [
            f"{_short(each.task_definition)} has {each.running_count} of {each.desired_count}" for each in deployments
        ]
        return Live(
            cluster=cluster.rpartition("/")[2],
            name=name,
            status=found.status,
            task_definition=found.task_definition,
            tasks=", ".join(tasks) or "none",
            events=events,
            given_up=any(each.status == "PRIMARY" and was_given_up(each.id, events) for each in deployments),
            network=_network(next(iter(found.network_configurations or ()), None)),
        )


def explanation(wanted: str, live: Live, errors: Sequence[str], *, log_group: str) -> str:
    """Why a service doesn't run what it was told a moment ago, from the provider's errors and the service's events."""
    under_way = live.task_definition == wanted and not live.given_up
    how_far = "has not finished deploying" if under_way else "didn't take over"
    story = news(live.events) if under_way else last_failure(live.events) or news(live.events)
    untold = [event for event in story if not any(_reason(event) in each for each in errors)]
    return "\n".join(
        [
            f"ECS {how_far} what was asked for {live.name}.",
            *_difference(wanted, live),
            *_reasons([*errors, *untold]),
            *_where_to_look(live, log_group),
            *(() if under_way else (_heal(live),)),
        ]
    )


def mismatch(
    wanted: str, live: Live, *, network: Mapping[str, Sequence[str]] | None = None, log_group: str
) -> str | None:
    """What is wrong if a service runs another task definition than `wanted`, or elsewhere, or none; None if it doesn't.

    How many tasks run, and how far a deployment is, makes no difference: services scale, and deployments take time.
    """
    moved = [
        f"{kind}: {', '.join(live.network[kind])} instead of {', '.join(ids)}"
        for kind, ids in (network or {}).items()
        if live.network.get(kind, ids) != ids
    ]
    if live.status == "ACTIVE" and live.task_definition == wanted and not moved and not live.given_up:
        return None
    if failure := last_failure(live.events):
        who = "ECS gave it up, and has nothing to go back to" if live.given_up else "ECS rolled it back"
        advice = [*_reasons(failure), *_where_to_look(live, log_group), _heal(live)]
    else:
        who, advice = "somebody changed the service outside Pulumi", [_TAKE_BACK]
    what = f"{live.name} doesn't run what this stack asked for: {who}."
    return "\n".join([what, *_difference(wanted, live), *moved, *advice])


def _network(configuration: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Where tasks are, of a service that is managed or looked up: both read the same answer of AWS."""
    told = configuration or {}
    return {key.replace("_", " "): sorted(told[key]) for key in ("subnets", "security_groups") if told.get(key)}


def _difference(wanted: str, live: Live) -> list[str]:
    gone = "" if live.status == "ACTIVE" else f"; the service is {live.status}"
    return [
        f"wanted:  {_short(wanted)}",
        f"running: {_short(live.task_definition)}; tasks: {live.tasks}{gone}",
    ]


def _reasons(said: Sequence[str]) -> list[str]:
    cause = likely(said)
    return [
        *(f"said: {_bare(text)}" for text in said[:_EVENTS_SHOWN]),
        *((f"likely cause: {cause.sentence}", f"try: {cause.advice}") if cause else ()),
    ]


def _where_to_look(live: Live, log_group: str) -> list[str]:
    stopped = f"aws ecs list-tasks --cluster {live.cluster} --service-name {live.name} --desired-status STOPPED"
    describe = f"aws ecs describe-tasks --cluster {live.cluster} --tasks $({stopped} --query taskArns --output text)"
    return [
        f"logs: aws logs tail {log_group} --since 10m",
        f"stopped tasks: {describe} --query 'tasks[].[stoppedReason,containers[].[exitCode,reason]]'",
        "of the local AWS: pulumi-local logs, pulumi-local status",
    ]


def _bare(words: str) -> str:
    """What the provider or ECS said without what frames it, names in place of ARNs, each stopped task on a line."""
    bare = re.sub(r"\s*\d+ errors? occurred:\s*\* | \(arn:[^)]*\)", "", words)
    bare = re.sub(r"arn:[^\s)]*:targetgroup/([^/\s)]+)/\w+", r"\1", bare)
    return bare.strip().replace("; task ", "\n      task ")


def _heal(live: Live) -> str:
    """What mends a failure. A deployment that was given up stays what was asked for, so only another one is made."""
    return _HEAL.format(again="--replace '**TaskDefinition**'" if live.given_up else "--refresh")


def _reason(event: str) -> str:
    """Why a task couldn't be placed, of an event that says so, or else the whole event."""
    return event.rpartition("Reason: ")[2].removesuffix(".")


def _short(task_definition: str) -> str:
    """`family:revision` of an ARN."""
    return task_definition.rpartition("/")[2]
