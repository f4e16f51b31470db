"""Connections between the services of a stack."""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.collection_kinds import ListOf
from infra.settings.kinds import Flag, Text
from infra.settings.topic import Topic, key
from infra.settings.values import duplicates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_SERVICE: Final = Text("[a-z][a-z0-9-]*", "the name of another service of the stack")


@dataclass(frozen=True, kw_only=True)
class ConnectSettings(Topic):
    """Whether other services can call this one, and which ones it calls."""

    service_connect: bool = key(Flag())
    calls: tuple[str, ...] = key(ListOf(_SERVICE))

    def problems(self) -> Iterator[Problem]:
        """Check that each service is named once."""
        if repeated := duplicates(self.part("calls")):
            yield Problem("calls", ", ".join(repeated), "each service once")


def problems(
    services: Mapping[str, ConnectSettings], paths: Mapping[str, str]
) -> Iterator[Problem]:
    """Check that services call others that can be called, and not each other.

    Args:
        services: Settings by the services' names.
        paths: The path of the key `calls` of each service.
    """
    for name, service in services.items():
        for callee in service.calls:
            called = services.get(callee)
            if called is None or callee == name:
                others = (
                    ", ".join(sorted(services.keys() - {name})) or "none, as it is the only one"
                )
                yield Problem(paths[name], f"{callee}, which is no other service", others)
            elif not called.service_connect:
                yield Problem(
                    paths[name],
                    f"{callee}, which no service can call",
                    f"a service with serviceConnect; set services.{callee}.serviceConnect",
                )
    try:
        in_order({name: service.calls for name, service in services.items()})
    except CycleError as error:
        # A task knows the names only that existed when its deployment began, so the first of them
        # would not find the last one.
        yield Problem(
            "calls",
            " -> ".join(reversed(error.args[1])),
            "services that don't call each other; requests can go back through the load balancer",
        )


def in_order(needed: Mapping[str, Iterable[str]]) -> Sequence[str]:
    """Return services' names, each after those that it needs, and else in their order.

    Args:
        needed: What each service needs: the services that it calls, for example.

    Raises:
        CycleError: Services need each other.
    """
    graph: dict[str, set[str]] = {}
    for name, others in needed.items():
        graph[name] = set(others) & needed.keys() - {name}
    return list(TopologicalSorter(graph).static_order())
