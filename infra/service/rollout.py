"""Fail a run, with the reason, unless ECS runs what the program requests.

The provider waits for a deployment, and fails an update that ECS rolled back. But its error has one
line of ECS's only, and it fails only once: the state then holds what was requested, so the next run
finds nothing to do while the old version runs. So a hook explains a failure when it happens, beside
the provider's error, and every run compares the live service with the requested one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime.proto import engine_pb2

from infra.errors import is_failed_lookup, reason_of
from infra.service.events import Event
from infra.service.rollout_report import LiveService, explanation, mismatch, revision_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class NotDeployedError(pulumi.RunError):
    """ECS doesn't run what the program requests."""


class Rollout:
    """The hooks and the check that watch one ECS service's deployments during a run.

    They need ecs:DescribeServices, as the provider does, and read nothing in a preview.
    """

    def __init__(self, name: str, *, parent: pulumi.Resource, log_group: str) -> None:
        """Create the hooks.

        Args:
            name: Prefix of the hooks' names.
            parent: Component of the service.
            log_group: Log group of the service's containers.
        """
        self._parent = parent
        self._log_group = log_group
        self._requested: str | None = None
        """ARN of the task definition that this run requested, if it created or updated the service.
        """

        self._earlier_events: frozenset[str] = frozenset()
        """Ids of the events that were listed before this run's update."""

        self._created = False
        """Whether this run created the service, and so waited for its first deployment."""

        self._compared: pulumi.Output[LiveService | None] | None = None
        requested = pulumi.ResourceHook(f"{name}-requested", self._note_request)
        self.hooks = pulumi.ResourceHookBinding(
            before_update=[pulumi.ResourceHook(f"{name}-events", self._note_earlier_events)],
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
        """Once the engine has deployed the service, fail the run if ECS runs something else."""
        self._compared = pulumi.Output.all(
            cluster=service.cluster,
            name=service.name,
            task_definition=service.task_definition,
            network=service.network_configuration,
            alarms=service.alarms,
        ).apply(self._compare)

    def _note_earlier_events(self, args: pulumi.ResourceHookArgs) -> None:
        """Store which events are listed before the service is updated."""
        inputs: Mapping[str, Any] = args.old_inputs or {}
        try:
            live = self._read_service(inputs["cluster"], inputs["name"])
        # A failed invoke raises no narrower type. The update itself will show the problem.
        except Exception:  # noqa: BLE001
            return
        self._earlier_events = frozenset(event.id for event in live.events)

    def _note_request(self, args: pulumi.ResourceHookArgs) -> None:
        """Store what this run requested; the service's outputs may show another user's change."""
        self._requested = (args.new_inputs or {}).get("taskDefinition")

    def _note_creation(self, _: pulumi.ResourceHookArgs) -> None:
        """Store that the provider has waited for the service's first deployment."""
        self._created = True

    async def _require_completion(self, args: pulumi.ResourceHookArgs) -> None:
        """Refuse to route requests to the service until it has completed a deployment.

        The run that creates the service waits for that. But a run after a failed one may find
        nothing to do, and then the provider waits for running tasks at most, which may be
        unhealthy.

        Raises:
            NotDeployedError: The service runs something else than requested, or no deployment of it
                has completed.
        """
        live: LiveService | None = None
        if self._compared is not None:
            # Raises NotDeployedError if the service runs something else.
            live = await self._compared.future()
        if self._created or (live is not None and live.completed):
            return
        service = "The service" if live is None else live.name
        raise NotDeployedError(
            f"{service} has not completed a deployment yet, so {args.name} still sends requests "
            "where it did before.\n"
            "fix: wait until ECS has completed it, and run `pulumi up` again."
        )

    def _explain(self, args: pulumi.ErrorHookArgs) -> bool:
        """Print why a creation or an update failed; Pulumi prints the provider's error below it.

        Returns:
            False: the engine must not retry, as the same would fail again.
        """
        inputs: Mapping[str, Any] = args.new_inputs or {}
        if args.failed_operation == "delete":
            return False
        try:
            live = self._read_service(inputs["cluster"], inputs["name"])
        # A failed invoke raises no narrower type. A service that AWS refused to create can't be
        # read, and the provider's error has the reason.
        except Exception:  # noqa: BLE001
            return False
        alarms = (inputs.get("alarms") or {}).get("alarmNames") or ()
        message = explanation(
            inputs["taskDefinition"],
            replace(live, alarms=alarms),
            args.errors,
            earlier=self._earlier_events,
            log_group=self._log_group,
        )
        _log_error(args.urn, message)
        return False

    def _compare(self, state: Mapping[str, Any]) -> LiveService | None:
        """Compare the service with what this run requested, or else the last run that changed it.

        Args:
            state: The service's outputs.

        Returns:
            The service; None in a preview, or if the run has a --target and leaves out a service
            that doesn't exist yet.

        Raises:
            NotDeployedError: It runs something else.
        """
        wanted = self._requested or state["task_definition"]
        # A service that doesn't exist yet, and is left out by --target, has no outputs.
        if pulumi.runtime.is_dry_run() or not wanted:
            return None
        try:
            live = self._read_service(state["cluster"], state["name"])
        except Exception as error:
            if not is_failed_lookup(error):
                raise
            raise NotDeployedError(
                f"{state['name']} can't be read: {reason_of(error)}\n"
                "fix: if it was deleted outside Pulumi, `pulumi up --refresh` creates it again."
            ) from error
        live = replace(live, alarms=(state["alarms"] or {}).get("alarm_names") or ())
        network = _network(state["network"])
        problem = mismatch(wanted, live, network=network, log_group=self._log_group)
        if problem:
            raise NotDeployedError(problem)
        return live

    def _read_service(self, cluster: str, name: str) -> LiveService:
        found = aws.ecs.get_service(
            cluster_arn=cluster, service_name=name, opts=pulumi.InvokeOptions(parent=self._parent)
        )
        tasks: list[str] = []
        primary = ""
        created: dict[str, datetime] = {}
        for each in found.deployments or ():
            revision = revision_of(each.task_definition)
            tasks.append(f"{revision} has {each.running_count} of {each.desired_count}")
            created[each.id] = datetime.fromisoformat(each.created_at)
            if each.status == "PRIMARY":
                primary = each.id
        events = [
            Event(each.id, datetime.fromisoformat(each.created_at), each.message)
            for each in found.events or ()
        ]
        networks = found.network_configurations
        return LiveService(
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


def _log_error(urn: str, message: str) -> None:
    """Print an error under the heading of a resource, by its URN.

    `pulumi.log` takes the resource itself, which gets its URN only when it is deployed.
    """
    engine = pulumi.runtime.settings.get_engine()
    assert engine is not None, "a hook runs while an engine does"
    engine.Log(engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=message, urn=urn))


def _network(configuration: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Return the sorted subnets and security groups of a service's network configuration.

    The service's outputs and DescribeServices have the same keys.
    """
    network: dict[str, list[str]] = {}
    for key in ("subnets", "security_groups"):
        ids = (configuration or {}).get(key)
        if ids:
            network[key.replace("_", " ")] = sorted(ids)
    return network
