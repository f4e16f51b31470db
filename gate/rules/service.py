"""Rules about the ECS service: deployments and ECS Exec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.rules.readers import actions, containers, task_definition
from gate.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.graph import Graph, Node


@rule
def rollbacks_are_automatic(graph: Graph) -> Iterator[Node]:
    """Require the circuit breaker with rollback, and a bounded wait for the steady state."""
    for service in graph.all("Service"):
        breaker = service.inputs.get("deploymentCircuitBreaker", {})
        rolls_back = breaker.get("enable") and breaker.get("rollback")
        waits = service.inputs.get("waitForSteadyState") and all(service.registered.timeouts)
        if not (rolls_back and waits):
            yield service


@rule
def stop_timeout_covers_draining(graph: Graph) -> Iterator[Node]:
    """Require containers that serve to outlast the deregistration delay of their group."""
    for service in graph.all("Service"):
        groups = service.named(service.inputs.get("loadBalancers"))
        delays = [group.inputs.get("deregistrationDelay", 300) for group in groups]
        stops = [*_stop_timeouts(task_definition(service))]
        if delays and stops and max(delays) > min(stops):
            yield service


@rule
def exec_is_logged_or_off(graph: Graph) -> Iterator[Node]:
    """Require recorded sessions, and without ECS Exec no permission that only it needs."""
    for service in graph.all("Service"):
        permitted = _permits_exec(graph)
        if service.inputs.get("enableExecuteCommand"):
            if not (permitted and _records_sessions(service)):
                yield service
        elif permitted:
            yield service


@rule
def exec_excludes_read_only_root(graph: Graph) -> Iterator[Node]:
    """Require a writable root file system with ECS Exec, whose agent writes to it."""
    for service in graph.all("Service"):
        definition = task_definition(service)
        read_only = any(each.get("readonlyRootFilesystem") for each in containers(definition))
        if service.inputs.get("enableExecuteCommand") and read_only:
            yield definition


def _stop_timeouts(definition: Node) -> Iterator[int]:
    """Yield the stop timeouts of the containers that serve."""
    for container in containers(definition):
        if container.get("portMappings"):
            yield container.get("stopTimeout", 30)


def _permits_exec(graph: Graph) -> bool:
    for policy in graph.all("RolePolicy"):
        if any(each.startswith("ssmmessages:") for each in actions(policy)):
            return True
    return False


def _records_sessions(service: Node) -> bool:
    cluster = next(service.named(service.inputs["cluster"]))
    session = cluster.inputs.get("configuration", {}).get("executeCommandConfiguration", {})
    log = session.get("logConfiguration", {})
    destination = log.get("cloudWatchLogGroupName") or log.get("s3BucketName")
    return session.get("logging") == "OVERRIDE" and bool(destination)
