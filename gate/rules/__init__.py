"""Rules of this project for what the scanners miss, one module for each topic. Pure.

checkov takes a security group rule that names a group for one that is open to the internet, doesn't
read egress rules of today's form, and passes ECS Exec without a log; cfn-lint knows neither order
nor names. docs/gate.md has the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.findings import Finding
from gate.rules import alarms, containers, load_balancer, network, order, permissions, service
from gate.rules.registry import RULES

if TYPE_CHECKING:
    from gate.graph import Graph

__all__ = [
    "RULES",
    "alarms",
    "containers",
    "load_balancer",
    "network",
    "order",
    "permissions",
    "service",
]


def findings(stack: str, graph: Graph) -> set[Finding]:
    """Return what the rules find in a stack's graph."""
    found = set()
    for name, rule in RULES.items():
        for node in rule(graph):
            found.add(Finding(stack, name, node.title))
    return found
