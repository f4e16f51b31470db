"""Refuse what the local AWS can't do with instances and AWS can, with what to do. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localaws.catalog.ecs.task_definitions import task_definition_of
from localaws.catalog.properties import values_at
from localaws.catalog.values import parsed
from localaws.ec2.placement import problem_of as constraint_problem
from localaws.ec2.placement import strategy_problem
from localaws.ecs.definition import capacity_of
from localaws.ecs.instance_capacity import constraints_of
from localaws.ecs.instance_groups import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.account import Account, Resource
    from localaws.ec2.placement import Rules

_UNSUPPORTED = (
    *("dnsSearchDomains", "dnsServers", "dockerSecurityOptions", "extraHosts", "links"),
    *("linuxParameters.devices", "linuxParameters.maxSwap", "linuxParameters.sharedMemorySize"),
    *("linuxParameters.swappiness", "privileged"),
)
"""Of a container: what Fargate refuses and EC2 has, and isn't done here."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def capacity_timeout(group: Resource) -> float:
    """Return for how many seconds a group's creation waits for its instances; 0 for not at all."""
    duration = str(group.outputs.get("waitForCapacityTimeout") or "10m")
    return sum(float(count) * _SECONDS[unit] for count, unit in _DURATION.findall(duration))


def group_problem(group: Resource, account: Account) -> str:
    """Return why a group launches nothing here; empty if it does."""
    return problem_of(group, account)


def service_problem(service: Resource, account: Account, *, in_containers: bool) -> str:
    """Return why a service on instances can't run here; empty if it can, or runs on Fargate.

    Args:
        service: The service.
        account: Where its task definition is.
        in_containers: Whether tasks run in containers.
    """
    choice = capacity_of(service)
    if not choice.on_instances:
        return ""
    if not in_containers:
        return (
            "tasks on EC2 instances need the runtime `container`, and here they run as processes; "
            "`pulumi-local status` says why: run it where this user may make namespaces "
            "(docs/vpc.md), or set capacity to fargate"
        )
    definition = task_definition_of(account, service.outputs.get("taskDefinition"))
    if definition is None:
        return ""
    mode = definition.outputs.get("networkMode") or "bridge"
    if mode != "bridge":
        return (
            f"networkMode {mode} on EC2 instances isn't done here; allowed: bridge. Use bridge, or "
            "set capacity to fargate for awsvpc"
        )
    return next(_problems(choice.rules, definition), "")


def _problems(rules: Rules, definition: Resource) -> Iterator[str]:
    for constraint in (*rules.constraints, *constraints_of(definition.outputs)):
        problem = constraint_problem(constraint)
        if problem:
            yield problem
    for strategy in rules.strategies:
        problem = strategy_problem(strategy)
        if problem:
            yield problem
    yield from _container_problems(definition)


def _container_problems(definition: Resource) -> Iterator[str]:
    found = parsed(definition.outputs.get("containerDefinitions"))
    containers = found if isinstance(found, list) else []
    for container in containers:
        for part in _UNSUPPORTED:
            if any(values_at(container, part)):
                name = container.get("name")
                yield f"{part} of container {name} isn't done on instances here: leave it out"
    if any(values_at(definition.outputs, "volumes[].hostPath")):
        yield "hostPath of a volume isn't done on instances here: leave it out"
