"""Connects the provider's operations on resources to running services and load balancers."""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.account import invokes, parameters
from localaws.account.dns_names import aliases
from localaws.alarms import topics
from localaws.alarms.model import State
from localaws.alb.certificate_files import authority_file
from localaws.alb.registered_targets import unreachable
from localaws.catalog.autoscaling import GROUP
from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.ecr import REPOSITORY
from localaws.catalog.ecs.clusters import CLUSTER
from localaws.catalog.ecs.container_definitions import containers
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.ecs.task_definitions import task_definition_of
from localaws.catalog.elb.listeners import LISTENER, LISTENER_CERTIFICATE, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_attachments import TARGET_ATTACHMENT
from localaws.catalog.events import RULE
from localaws.catalog.sns import TOPIC
from localaws.daemon.command_socket import CommandSocket
from localaws.daemon.connection_guard import Guard
from localaws.daemon.data_plane import data_plane
from localaws.daemon.functions import (
    DISCARD_UNRECORDED,
    FAIL_INSTANCE,
    INTERRUPT,
    SET_ALARM_STATE,
    STATUS,
)
from localaws.daemon.instance_support import capacity_timeout, group_problem, service_problem
from localaws.daemon.log_streams import container_of, streams
from localaws.daemon.runtime_choice import Runtime, choose
from localaws.ecr.builders import HostPrograms
from localaws.ecr.registry import AccountRegistry
from localaws.ecs.container_instances import NoSuchInstanceError
from localaws.ecs.scheduler.waiter import NEXT_LINE, failed_containers
from localaws.ecs.services.task_choice import NotInterruptedError
from localaws.images.registry import find_crane
from localaws.machine.addresses import Addresses
from localaws.machine.isolation import find
from localaws.machine.processes import Launcher
from localaws.not_settled import NotSettled
from localaws.speed import speed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from localaws.account.cloud import Cloud
    from localaws.catalog import Properties, Resource
    from localaws.daemon.state_directory import StateDirectory

log = logging.getLogger(__name__)

GET_SERVICE = "aws:ecs/getService:getService"

_SEEDED = ("aws:ssm/getParameter:getParameter", "aws:secretsmanager/getSecret:getSecret")
"""Functions about what may be a row of the file of parameters."""

_LINES_SHOWN = 5

_ACCEPT_SECONDS = 30.0
"""How long a change of a service or a route may take to be noticed; it takes a tenth of a second at
most.
"""

_FIRST_ATTEMPT_SECONDS = 2.0
"""How long a run waits at its start until the load balancers have tried what they should serve,
to learn of problems. It takes a tenth of a second where a proxy runs already.
"""

_ROUTES = (LISTENER_RULE, LISTENER_CERTIFICATE)
"""What requests are routed by, beside listeners."""

_OF_THE_NETWORK = ("aws:ec2/", "aws:vpc/", LISTENER, SERVICE)
"""What decides which packets arrive where, by the beginnings of types."""

_OF_NOTIFICATIONS = (ALARM, RULE, TOPIC)
"""What publishes messages, and what gets them."""

_LIVE = ("status", "taskDefinition", "desiredCount", "runningCount", "pendingCount")
_DEPLOYMENT = (
    "id",
    "status",
    "taskDefinition",
    "desiredCount",
    "runningCount",
    "pendingCount",
    "createdAt",
    "updatedAt",
)
"""What the provider returns of a deployment; its rollout state isn't among it."""

_EVENT = ("id", "createdAt", "message")
"""What it returns of an event."""


class Running:
    """Everything of a project that runs: an operation is complete when it agrees with the cloud."""

    def __init__(
        self,
        cloud: Cloud,
        directory: StateDirectory,
        on_loss: Callable[[], None] = lambda: None,
    ) -> None:
        """Put it together; nothing runs until `start`.

        Args:
            cloud: The project's resources.
            directory: Where the files are.
            on_loss: Called when all that ran is gone, because its first process was killed.
        """
        self._cloud = cloud
        self._directory = directory
        self._speed = speed()
        addresses = Addresses(directory.path)
        for load_balancer in cloud.all(LOAD_BALANCER):
            name = load_balancer.outputs.get("dnsName")
            if name:
                addresses.restore(load_balancer.id, name)
        self._programs = Launcher()
        self.registry = AccountRegistry(
            cloud,
            directory.registry,
            directory.project,
            HostPrograms(self._programs, os.environ),
            find_crane(),
        )
        """The images of ECR repositories."""

        self._registry_guard: Guard | None = None
        self.choice = choose(find)
        """How tasks run."""

        self._data_plane = data_plane(
            cloud,
            directory.path,
            parameters=self._parameter,
            addresses=addresses,
            image_table=Path(os.environ.get("LOCALAWS_IMAGES") or directory.images),
            speed=self._speed,
            choice=self.choice,
            local_registries=self.registry.mirrors,
            on_loss=on_loss,
            set_desired_count=lambda service, count: cloud.overwrite(
                SERVICE, service, {"desiredCount": count}
            ),
        )
        self._controller = self._data_plane.controller
        self._commands = CommandSocket(directory.path, self._data_plane.commands)
        cloud.completions[LOAD_BALANCER] = lambda load_balancer: {
            "dnsName": addresses.load_balancer(load_balancer.id).dns_name
        }

    @property
    def functions(self) -> Mapping[str, Callable[[Properties], Mapping[str, Any]]]:
        """Provider functions that only running things can answer."""
        found: dict[str, Callable[[Properties], Mapping[str, Any]]] = {
            STATUS: self._status,
            DISCARD_UNRECORDED: self._discard_unrecorded,
            INTERRUPT: self._interrupt,
            FAIL_INSTANCE: self._fail_instance,
            SET_ALARM_STATE: self._set_alarm_state,
            GET_SERVICE: self._service,
        }
        for token in _SEEDED:
            found[token] = partial(self._with_parameters, token)
        return found

    def _status(self, _: Properties) -> Mapping[str, Any]:
        return {
            "running": True,
            "speed": self._speed,
            "runtime": self.choice.sentence,
            "services": self._controller.descriptions.status(),
            "instances": self._controller.fleet.status() if self._controller.fleet else [],
            "problems": self._data_plane.problems,
            "targets": self._data_plane.load_balancers.attached(),
            "loadBalancers": self._data_plane.load_balancers.where(),
            "publicKeysUrl": self._data_plane.public_keys_url,
            "scaling": self._data_plane.scaler.status() if self._data_plane.scaler else [],
            **self._alarm_status(),
            "notEnforced": list(self._data_plane.not_enforced),
            "images": list(filter(None, self._data_plane.image_notes.values())),
            "names": aliases(self._cloud),
            "authority": str(authority_file(self._directory.path)),
        }

    def _alarm_status(self) -> Mapping[str, Any]:
        topics_elsewhere = list(map(topics.described, topics.unknown(self._cloud)))
        alarms = self._data_plane.alarms
        if alarms is None:
            return {"alarms": [], "notifications": [], "topicsElsewhere": topics_elsewhere}
        return {
            "alarms": alarms.status(),
            "notifications": alarms.notifications.status(),
            "topicsElsewhere": topics_elsewhere,
        }

    def _interrupt(self, args: Properties) -> Mapping[str, Any]:
        """Take back the spare capacity of a task, or return why AWS wouldn't."""
        try:
            return {"task": self._controller.interrupt(str(args["task"]))}
        except NotInterruptedError as error:
            return {"problem": str(error)}

    def _fail_instance(self, args: Properties) -> Mapping[str, Any]:
        """End an instance as a failure of its host does, or return why it can't be."""
        try:
            return {"instance": self._controller.fail_instance(str(args["instance"]))}
        except NoSuchInstanceError as error:
            return {"problem": str(error)}

    def _set_alarm_state(self, args: Properties) -> Mapping[str, Any]:
        """Give an alarm a state until its next evaluation, or return why it can't be."""
        alarms = self._data_plane.alarms
        name = str(args["alarm"])
        if alarms is None or not alarms.status():
            return {
                "problem": "there are no alarms; services with `alarms: true` have some "
                "(docs/alarms.md)"
            }
        if not alarms.state(name):
            return {"problem": f"there is no alarm {name}; `pulumi-local status` lists them"}
        alarms.set_state(name, State(args["state"]))
        return {"alarm": name}

    def _discard_unrecorded(self, args: Properties) -> Mapping[str, Any]:
        return {"discarded": self._cloud.discard_unrecorded(args["urns"], args["recorded"])}

    async def start(self) -> None:
        """Start again whatever ran before, and the registry that its images come from."""
        # Only its owner may enter the folder, so nothing but the guard reaches the socket in it. It
        # is named by a descriptor, because a socket's path must fit 108 characters.
        folder = os.open(self._directory.path, os.O_PATH)
        socket = f"/proc/self/fd/{folder}/registry.sock"
        await self.registry.server.start(socket)
        self._registry_guard = Guard(socket)
        self.registry.listens_on(await self._registry_guard.start())
        await self._data_plane.start()
        await self._commands.start()

    async def close(self) -> None:
        """Stop everything."""
        await self._commands.close()
        await self._data_plane.close()
        await self._programs.close()
        if self._registry_guard is not None:
            await self._registry_guard.close()
        await self.registry.server.close()

    async def settle(
        self, resource: Resource, *, seconds: float, report: Callable[[str], None]
    ) -> None:
        """Wait until listeners and rules hold and, if configured, a service is steady.

        Raises:
            NotSettled: It isn't so within `seconds`. The message ends with the last log lines of
                the task that failed last, if one did.
        """
        problem = await self.find_problem(resource)
        if problem:
            raise NotSettled(problem)
        if resource.token in _ROUTES:
            await self._controller.apply(timeout=min(seconds, _ACCEPT_SECONDS))
        if resource.token == SERVICE:
            await self._settle_service(resource, seconds, report)
        if resource.token == GROUP:
            await self._settle_group(resource, seconds, report)
        await self._settle_network(resource)

    async def _settle_service(
        self, service: Resource, seconds: float, report: Callable[[str], None]
    ) -> None:
        try:
            if service.inputs.get("waitForSteadyState"):
                await self._controller.waits.settle(service.id, timeout=seconds, report=report)
            else:
                accepted = min(seconds, _ACCEPT_SECONDS)
                await self._controller.waits.wait_until_accepted(service.id, timeout=accepted)
        except NotSettled as reason:
            raise NotSettled(f"{reason}{self._last_log_lines(service.id)}") from None

    async def _settle_group(
        self, group: Resource, seconds: float, report: Callable[[str], None]
    ) -> None:
        allowed = capacity_timeout(group)
        if not allowed:
            return  # the program doesn't wait for the group's capacity
        instances = self._controller.instance_waits
        if instances is None:
            return  # there are none, as tasks run as processes
        await instances.settle_group(group.id, timeout=min(seconds, allowed), report=report)

    async def drain(
        self, resource: Resource, *, seconds: float, report: Callable[[str], None]
    ) -> None:
        """Wait until a service that is being deleted has no task any more.

        Raises:
            NotSettled: Some still ran after `seconds`, or a repository has images.
        """
        if resource.token == REPOSITORY:
            why_not = self.registry.not_empty(resource)
            if why_not:
                raise NotSettled(why_not)
        instances = self._controller.instance_waits
        if resource.token == SERVICE:
            await self._controller.waits.drain(resource.id, timeout=seconds, report=report)
        elif resource.token == GROUP and instances is not None:
            await instances.drain_group(resource.id, timeout=seconds, report=report)
        elif resource.token == CLUSTER and instances is not None:
            name = str(resource.outputs["name"])
            await instances.wait_until_empty(name, timeout=seconds, report=report)

    async def removed(self, resource: Resource) -> None:
        """Wait until the network is as it is without a resource."""
        if resource.token == REPOSITORY:
            self.registry.remove(resource)
        if resource.token in _OF_NOTIFICATIONS and self._data_plane.alarms is not None:
            self._data_plane.alarms.notifications.forget(str(resource.outputs["arn"]))
        try:
            await self._settle_network(resource)
        except NotSettled as reason:
            log.error("after the deletion of %s: %s", resource.id, reason)  # noqa: TRY400

    async def _settle_network(self, resource: Resource) -> None:
        """Wait until packets are routed as the cloud's records are, for this machine's clients too.

        Raises:
            NotSettled: They aren't in time.
        """
        if resource.token.startswith(_OF_THE_NETWORK):
            await self._data_plane.settle_network(timeout=_ACCEPT_SECONDS)

    async def find_problems(self) -> list[str]:
        """Return what is wrong with everything that runs, and what to do."""
        with suppress(NotSettled):
            await self._controller.apply(timeout=_FIRST_ATTEMPT_SECONDS)
        return self._data_plane.problems

    async def find_problem(self, resource: Resource) -> str:
        """Return why a resource doesn't work on this machine, or an empty string.

        That is a listener that takes no connections or whose load balancer lacks an address, and a
        group or a service on instances that this machine can't run.
        """
        in_containers = self.choice.runtime is Runtime.CONTAINER
        if resource.token == GROUP:
            return group_problem(resource, self._cloud)
        if resource.token == SERVICE:
            return service_problem(resource, self._cloud, in_containers=in_containers)
        if resource.token != LISTENER:
            return ""
        why = await self._listen_error(resource.id)
        load_balancer = str(resource.outputs.get("loadBalancerArn"))
        missing = self._data_plane.load_balancers.address_error(load_balancer)
        if missing:
            return f"the local load balancer lacks an address: {missing}"
        if not why:
            with suppress(NotSettled):
                await self._settle_network(resource)
            why = await self._listen_error(resource.id)
        if not why:
            return ""
        problem = f"the local load balancer can't listen: {why}"
        if os.strerror(errno.EADDRINUSE) in why:
            problem += ". Stop what holds the address, or choose another port"
        return problem

    async def _listen_error(self, listener: str) -> str:
        """Return why a load balancer's listener takes no connections; empty where it does."""
        load_balancers = self._data_plane.load_balancers
        with suppress(Exception):  # the next pass reports every other problem
            await load_balancers.sync()
        return load_balancers.listen_error(listener)

    def limitation(self, resource: Resource) -> str:
        """Return what isn't done here but would be on AWS, or an empty string.

        That is a target that gets no requests, and a topic whose messages nothing checks.
        """
        if resource.token != TARGET_ATTACHMENT:
            return topics.warning(self._cloud, resource)
        in_vpcs = self.choice.runtime is Runtime.CONTAINER
        why_not = unreachable(self._cloud, resource, vpcs_exist=in_vpcs)
        if not why_not:
            return ""
        return f"the local AWS registers the target and sends it no requests: {why_not}"

    def remarks(self, resource: Resource) -> list[str]:
        """Return what a user must know of a resource beside that it is complete.

        For a service, this is which of its images are stand-ins, and which alarms ECS ignored; for
        a listener and its rules, why they may not be in effect.
        """
        if resource.token == SERVICE:
            return [*self._stand_ins(resource), *self._ignored_alarms(resource)]
        if resource.token == LISTENER:
            return list(self._unapplied(resource))
        if resource.token in _ROUTES:
            listener = self._cloud.get(LISTENER, resource.outputs.get("listenerArn"))
            return list(self._unapplied(listener)) if listener else []
        return []

    def _unapplied(self, listener: Resource) -> Iterator[str]:
        load_balancer = str(listener.outputs.get("loadBalancerArn"))
        problem = self._data_plane.load_balancers.problem(load_balancer)
        if problem:
            yield (
                f"the local load balancer may not serve this yet: {problem}. It tries again until "
                "it does; `pulumi-local status` lists the problems that are left"
            )

    def _stand_ins(self, resource: Resource) -> Iterator[str]:
        definition = task_definition_of(self._cloud, resource.outputs.get("taskDefinition"))
        if definition is None:
            return
        images = [str(each.get("image")) for each in containers(definition.inputs)]
        notes = [self._data_plane.image_notes.get(each, "") for each in images]
        different = "; ".join(dict.fromkeys(filter(None, notes)))
        if different:
            yield different

    def _ignored_alarms(self, resource: Resource) -> Iterator[str]:
        ignored = self._controller.descriptions.ignored_alarms(resource.id)
        if ignored:
            yield (
                f"in ALARM when the deployment began: {', '.join(ignored)}. So ECS watched none of "
                "the service's alarms during it, and would have kept a bad version: see "
                "docs/deployments.md"
            )

    def current_inputs(self, resource: Resource) -> Mapping[str, Any]:
        """Return the task definition that a service runs, if the program names it by ARN.

        After a rollback it differs from the requested one.
        """
        named = str(resource.inputs.get("taskDefinition"))
        if resource.token != SERVICE or not named.startswith("arn:"):
            return {}
        running = self._controller.descriptions.describe(resource.id).get("taskDefinition")
        return {"taskDefinition": running} if running else {}

    def retry(self, resource: Resource) -> None:
        """Deploy a service's requested revision, even if it was rolled back before."""
        if resource.token == SERVICE:
            self._controller.renew(resource.id)

    def _last_log_lines(self, service: str) -> str:
        """Return the last log lines of the latest deployment's last failed task.

        Of several containers, those count that made it fail, if that is known.
        """
        failed = self._controller.descriptions.last_failed(service)
        if failed is None:
            return ""
        culprits = failed_containers(failed)
        shown: list[str] = []
        for stream in streams(self._directory.logs):
            container = container_of(stream)
            if stream.name != failed.id or (culprits and container not in culprits):
                continue
            lines = stream.read_text(errors="replace").splitlines()[-_LINES_SHOWN:]
            if lines:
                heading = f"{NEXT_LINE}task {failed.id[:8]} wrote last in {container}:"
                shown.append(f"{NEXT_LINE}  ".join((heading, *lines)))
        return "".join(shown)

    def _service(self, args: Properties) -> Mapping[str, Any]:
        """Return a service as it runs: after a rollback with the earlier task definition.

        Raises:
            Refused: There is none of that name.
        """
        resource = invokes.answer(self._cloud, GET_SERVICE, args, region="")
        live = self._controller.descriptions.describe(resource["arn"])
        return {
            **resource,
            **{name: live[name] for name in _LIVE if name in live},
            "deployments": [_shown(each, _DEPLOYMENT) for each in live.get("deployments", ())],
            "events": [_shown(each, _EVENT) for each in live.get("events", ())],
            "taskSets": [],
        }

    def _with_parameters(self, token: str, args: Properties) -> Mapping[str, Any]:
        """Answer a lookup of a parameter from the file as it is now, not as it was at start."""
        self._read_parameters()
        return invokes.answer(self._cloud, token, args, str(args["region"]))

    def _parameter(self, name: str) -> str | None:
        """Return a parameter's or secret's value; the file is read again for every task."""
        self._read_parameters()
        return parameters.value_of(self._cloud, name)

    def _read_parameters(self) -> None:
        self._cloud.parameters = parameters.load(self._directory.parameters)


def _shown(described: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return these fields of a description as the provider formats them.

    Times are RFC 3339 in whole seconds.

    Source: `flattenDeployments` and `flattenServiceEvents` in terraform-provider-aws,
    internal/service/ecs/service_data_source.go.
    """
    shown = {name: described[name] for name in names}
    for name in names:
        if name.endswith("At"):
            shown[name] = described[name][: len("2026-01-01T00:00:00")] + "Z"
    return shown
