"""The instances that tasks are in services of Cloud Map. Pure.

A task is registered as long as it runs, and until it is to stop. Source: ECS developer guide,
"Service discovery", and Cloud Map's API reference, `RegisterInstance`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws.catalog.ecs.service_connect import connect_endpoints
from localaws.ecs.scheduler.model import Health, Process, Status
from localaws.vpc.names import Instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.ecs.scheduler.model import ServiceState, TaskObservation


class Location(NamedTuple):
    """Where a task is reached in its VPC."""

    address: str
    ipv6: str = ""
    host_ports: Mapping[tuple[str, int], int] = MappingProxyType({})
    """Ports of its EC2 instance, by container and port in there."""


def registries(outputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return where a service's tasks register: the ARN of a service of Cloud Map, and a port.

    An endpoint of Service Connect is one too, where tasks have their own addresses.
    """
    found: list[dict[str, Any]] = []
    configured = outputs.get("serviceRegistries")
    if configured:
        port = configured.get("port") or configured.get("containerPort")
        found.append(
            {
                "arn": configured["registryArn"],
                "container": str(configured.get("containerName") or ""),
                "port": int(port) if port else None,
            }
        )
    if outputs.get("networkConfiguration"):
        registered = [endpoint.registry for endpoint in connect_endpoints(outputs)]
        found += [{"arn": arn, "container": "", "port": None} for arn in registered]
    return found


def instances(
    registry: str,
    state: ServiceState,
    observations: Mapping[str, TaskObservation],
    locations: Mapping[str, Location],
) -> Iterator[Instance]:
    """Yield the instances that a service's tasks are in a service of Cloud Map.

    Args:
        registry: The ARN of the service of Cloud Map.
        state: The service of ECS.
        observations: What is seen of its tasks, by id.
        locations: Where those are reached that have started, by id.
    """
    for task in state.tasks:
        deployment = state.deployment(task.deployment)
        seen = observations.get(task.id)
        location = locations.get(task.id)
        if deployment is None or seen is None or location is None:
            continue
        if task.status is not Status.RUNNING or seen.process is not Process.RUNNING:
            continue
        healthy = seen.container_health in {Health.UNCHECKED, Health.HEALTHY}
        for each in deployment.revision.launch.get("registries", ()):
            if each["arn"] == registry:
                port = location.host_ports.get((each["container"], each["port"]), each["port"])
                yield Instance(task.id, location.address, location.ipv6, port, healthy)
