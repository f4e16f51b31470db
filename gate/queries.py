"""Questions about a graph that both rules and reachability have. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.graph import Graph, Node


def routes_of(graph: Graph, subnet: Node) -> Iterator[Node]:
    """Yield the routes of the route tables that a subnet is associated with."""
    tables: set[Node] = set()
    for association in graph.all("RouteTableAssociation"):
        if subnet in association.named(association.inputs["subnetId"]):
            tables.update(association.named(association.inputs["routeTableId"]))
    for route in graph.all("Route"):
        if not tables.isdisjoint(route.named(route.inputs["routeTableId"])):
            yield route


def has_rules(graph: Graph, listener: Node) -> bool:
    """Return whether a listener has rules, besides its default actions."""
    for rule in graph.all("ListenerRule"):
        if listener in rule.named(rule.inputs["listenerArn"]):
            return True
    return False
