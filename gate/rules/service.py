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
def services_name_their_capacity(graph: Graph) -> Iterator[Node]:
    """Require the launch type Fargate or a strategy: ECS scales instances only for a strategy.

    A strategy that a service takes over from its cluster makes each later update fail.
    """
    for service in graph.all("Service"):
        strategy = service.inputs.get("capacityProviderStrategies")
        if not strategy and service.inputs.get("launchType") != "FARGATE":
            yield service


@rule
def targets_fit_the_network(graph: Graph) -> Iterator[Node]:
    """Require targets of type instance for tasks on a bridge, and of type ip for all others."""
    for service in graph.all("Service"):
        bridge = task_definition(service).inputs.get("networkMode") == "bridge"
        for group in service.named(service.inputs.get("loadBalancers")):
            kind = group.inputs.get("targetType")
            if group.kind == "TargetGroup" and (kind == "instance") != bridge:
                yield service


@rule
def instance_metadata_is_out_of_reach(graph: Graph) -> Iterator[Node]:
    """Require tokens and one hop, so that no container on a bridge gets the instance's role."""
    for template in graph.all("LaunchTemplate"):
        options = template.inputs.get("metadataOptions", {})
        tokens, hops = options.get("httpTokens"), options.get("httpPutResponseHopLimit")
        if tokens != "required" or hops != 1:
            yield template


@rule
def stop_timeout_covers_draining(graph: Graph) -> Iterator[Node]:
    """Require containers that serve to outlast the deregistration delay of their group."""
    for service in graph.all("Service"):
        groups = service.named(service.inputs.get("loadBalancers"))
        delays = [group.inputs.get("deregistrationDelay", 300) for group in groups]
        stops = list(_stop_timeouts(task_definition(service)))
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
