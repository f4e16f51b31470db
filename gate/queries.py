"""What both rules and reachability ask about a graph. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gate.graph import Graph, Node


def routes_of(graph: Graph, subnet: Node) -> list[Node]:
    """Return the routes of the route tables that a subnet is associated with."""
    tables: set[Node] = set()
    for association in graph.all("RouteTableAssociation"):
        if subnet in association.named(association.inputs["subnetId"]):
            tables.update(association.named(association.inputs["routeTableId"]))
    return [
        route
        for route in graph.all("Route")
        if not tables.isdisjoint(route.named(route.inputs["routeTableId"]))
    ]


def has_rules(graph: Graph, listener: Node) -> bool:
    """Return whether a listener has rules, besides its default actions."""
    return any(
        listener in each.named(each.inputs["listenerArn"]) for each in graph.all("ListenerRule")
    )
