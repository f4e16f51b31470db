"""On which container instance ECS puts a task. Pure.

Source: Amazon ECS Developer Guide, "Amazon ECS task placement". How ECS chooses the closest
instance that it names when none fits is unpublished: here it is the one with the fewest unmet
needs, then the first by id.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from localaws.ec2.host_ports import RESERVED_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ZONE_ATTRIBUTE = "attribute:ecs.availability-zone"
_TYPE_ATTRIBUTE = "attribute:ecs.instance-type"
_ARCHITECTURE_ATTRIBUTE = "attribute:ecs.cpu-architecture"
_SYSTEM_ATTRIBUTE = "attribute:ecs.os-type"
_ATTRIBUTES = frozenset(
    {ZONE_ATTRIBUTE, _TYPE_ATTRIBUTE, _ARCHITECTURE_ATTRIBUTE, _SYSTEM_ATTRIBUTE}
)
"""Attributes that every instance has here."""

INSTANCE_FIELDS = ("instanceId", "host")
"""Fields of the strategy `spread` that spread tasks over instances."""

NO_INSTANCES = "No Container Instances were found in your cluster."


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a task takes of an instance."""

    cpu: int
    memory: int
    ports: frozenset[int] = frozenset()
    """Host ports that its definition names."""

    architecture: str = "X86_64"


@dataclass(frozen=True, kw_only=True)
class PlacedTask:
    """A task that is on an instance."""

    id: str
    service: str
    """The ARN of its service."""

    need: Need


@dataclass(frozen=True, kw_only=True)
class ContainerInstance:
    """An instance that is registered with a cluster, and what is on it."""

    id: str
    """Of the EC2 instance."""

    container_instance: str
    """Its id in ECS, a UUID."""

    zone: str
    instance_type: str
    cpu: int
    """CPU units that it registered."""

    memory: int
    """MiB that it registered."""

    architecture: str = "X86_64"
    provider: str = ""
    """The capacity provider that it belongs to."""

    draining: bool = False
    tasks: tuple[PlacedTask, ...] = ()

    @property
    def free_cpu(self) -> int:
        """CPU units that no task has."""
        return self.cpu - sum(each.need.cpu for each in self.tasks)

    @property
    def free_memory(self) -> int:
        """MiB that no task has."""
        return self.memory - sum(each.need.memory for each in self.tasks)

    @property
    def taken_ports(self) -> frozenset[int]:
        """Host ports that its tasks name, or that ECS keeps."""
        taken = set(RESERVED_PORTS)
        for each in self.tasks:
            taken |= each.need.ports
        return frozenset(taken)

    def attributes(self) -> Mapping[str, str]:
        """Return what placement constraints and strategies may name, beside its id."""
        return {
            ZONE_ATTRIBUTE: self.zone,
            _TYPE_ATTRIBUTE: self.instance_type,
            _ARCHITECTURE_ATTRIBUTE: self.architecture.lower(),
            _SYSTEM_ATTRIBUTE: "linux",
        }

    def count_tasks(self, service: str) -> int:
        """Return how many of its tasks are of a service."""
        return len([each for each in self.tasks if each.service == service])


class Lack(StrEnum):
    """What an instance lacks for a task, in the words that follow the instance in ECS's event."""

    ATTRIBUTE = "is missing an attribute required by your task."
    CPU = "has insufficient CPU units available."
    MEMORY = "has insufficient memory available."
    PORT = "is already using a port required by your task."


@dataclass(frozen=True)
class Strategy:
    """One placement strategy of a service."""

    type: str
    """`spread`, `binpack` or `random`."""

    field: str = ""


@dataclass(frozen=True)
class Constraint:
    """One placement constraint of a service or of its task definition."""

    type: str
    """`distinctInstance` or `memberOf`."""

    expression: str = ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a service's tasks are placed."""

    strategies: tuple[Strategy, ...] = ()
    """None for ECS's default: spread over the zones, then the instance with the fewest tasks."""

    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True)
class Unplaced:
    """Why no instance gets the task, as ECS's event continues."""

    reason: str


@dataclass(frozen=True)
class _Candidate:
    instance: ContainerInstance
    lacks: tuple[Lack, ...]


def place(
    need: Need,
    service: str,
    instances: Sequence[ContainerInstance],
    rules: Rules,
    choice: Callable[[Sequence[ContainerInstance]], ContainerInstance] = random.choice,
) -> ContainerInstance | Unplaced:
    """Return the instance that gets a task, or why none does.

    Args:
        need: What the task takes.
        service: The ARN of its service.
        instances: Those of the cluster, with what is on them.
        rules: How the service's tasks are placed.
        choice: Chooses one for the strategy `random`.
    """
    active = [each for each in instances if not each.draining]
    if not active:
        return Unplaced(f"Reason: {NO_INSTANCES}")
    candidates = [_Candidate(each, lacks(each, need, service, rules)) for each in active]
    fitting = [each.instance for each in candidates if not each.lacks]
    if not fitting:
        closest = min(candidates, key=lambda each: (len(each.lacks), each.instance.id))
        return Unplaced(
            f"The closest matching (container-instance {closest.instance.container_instance}) "
            f"{closest.lacks[0]}"
        )
    return _best(fitting, active, service, rules, choice)


def lacks(instance: ContainerInstance, need: Need, service: str, rules: Rules) -> tuple[Lack, ...]:
    """Return what an instance lacks for a task, in the order in which ECS looks."""
    found = []
    if instance.architecture != need.architecture or not _meets(instance, service, rules):
        found.append(Lack.ATTRIBUTE)
    if instance.free_cpu < need.cpu:
        found.append(Lack.CPU)
    if instance.free_memory < need.memory:
        found.append(Lack.MEMORY)
    if need.ports & instance.taken_ports:
        found.append(Lack.PORT)
    return tuple(found)


_EXPRESSION = re.compile(
    r"\s*(attribute:[A-Za-z0-9._/-]+)\s*(==|!=|in|not_in)\s*(\[[^\[\]]*\]|[A-Za-z0-9._*-]+)\s*"
)


def problem_of(constraint: Constraint) -> str:
    """Return why a constraint can't be used here; empty if it can."""
    if constraint.type == "distinctInstance":
        return ""
    match = _EXPRESSION.fullmatch(constraint.expression)
    allowed = (
        "allowed here: attribute:NAME == VALUE, != VALUE, in [VALUES] and not_in [VALUES], of "
        "ecs.availability-zone, ecs.instance-type, ecs.cpu-architecture and ecs.os-type"
    )
    if match is None:
        return f"placement constraint {constraint.expression!r}; {allowed}"
    name, operator, operand = match.groups()
    has_list = operand.startswith("[")
    needs_list = operator in {"in", "not_in"}
    if has_list != needs_list:
        return f"placement constraint {constraint.expression!r}; {allowed}"
    if name not in _ATTRIBUTES:
        return f"placement constraint {constraint.expression!r} names {name}; {allowed}"
    return ""


def strategy_problem(strategy: Strategy) -> str:
    """Return why a strategy can't be used here; empty if it can."""
    kind, name = strategy.type, strategy.field
    spread = (*INSTANCE_FIELDS, *sorted(_ATTRIBUTES))
    binpack = ("cpu", "memory")
    fields = {"spread": spread, "binpack": binpack, "random": ("",)}
    if name in fields.get(kind, ()):
        return ""
    return (
        f"placement strategy {kind} {name}; allowed here: spread of {', '.join(spread)}; binpack "
        f"of {', '.join(binpack)}; random"
    )


def _meets(instance: ContainerInstance, service: str, rules: Rules) -> bool:
    for each in rules.constraints:
        if each.type == "distinctInstance":
            if instance.count_tasks(service):
                return False
        elif not _matches(instance, each.expression):
            return False
    return True


def _matches(instance: ContainerInstance, expression: str) -> bool:
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        return False
    name, operator, operand = match.groups()
    value = instance.attributes().get(name, "")
    matches_one = False
    for pattern in operand.strip("[]").split(","):
        matches_one = matches_one or _fits(value, pattern.strip())
    return matches_one == (operator in {"==", "in"})


def _fits(value: str, pattern: str) -> bool:
    """Return whether a value fits a pattern, in which `*` is any text."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value) is not None


def _best(
    fitting: Sequence[ContainerInstance],
    active: Sequence[ContainerInstance],
    service: str,
    rules: Rules,
    choice: Callable[[Sequence[ContainerInstance]], ContainerInstance],
) -> ContainerInstance:
    """Return the best by each strategy in turn: each leaves those that are equally good by it."""
    best = list(fitting)
    strategies = rules.strategies or (Strategy("spread", ZONE_ATTRIBUTE),)
    for strategy in strategies:
        if strategy.type == "random":
            return choice(best)
        costs = {each.id: _cost(each, active, service, strategy) for each in best}
        least = min(costs.values())
        best = [each for each in best if costs[each.id] == least]
    return min(best, key=lambda each: (each.count_tasks(service), each.id))


def _cost(
    instance: ContainerInstance,
    active: Sequence[ContainerInstance],
    service: str,
    strategy: Strategy,
) -> int:
    if strategy.type == "binpack":
        return instance.free_cpu if strategy.field == "cpu" else instance.free_memory
    if strategy.field in INSTANCE_FIELDS:
        return instance.count_tasks(service)
    # The other fields are attributes: the cost is how many tasks all instances with its value have.
    value = instance.attributes()[strategy.field]
    count = 0
    for each in active:
        if each.attributes()[strategy.field] == value:
            count += each.count_tasks(service)
    return count
