"""The graphs of the configurations, and changed copies of them."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING

import pytest

from gate.configurations import CONFIGURATIONS, graph_of
from gate.graph import Graph
from gate.scanners import running
from tests.localaws.machine.conftest import launcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gate.graph import Node
    from tests.gate.changes import Change


__all__ = ["launcher"]


@pytest.fixture(scope="session")
def graphs() -> Mapping[str, Graph]:
    with warnings.catch_warnings():
        # pulumi-aws warns about its own classes that are deprecated when a module of it is first
        # used.
        warnings.simplefilter("ignore", DeprecationWarning)
        return {stack: graph_of(stack) for stack in CONFIGURATIONS}


@pytest.fixture(scope="session")
def commands() -> Path:
    """Where checkov and cfn-lint are; the first use on a machine installs them."""
    return running.find()


def weakened(graph: Graph, changes: Mapping[str, Iterable[Change]]) -> Graph:
    """Return a copy of a graph in which the inputs of some resources, by title, are changed."""
    changed = copy.deepcopy(graph)
    for title, changes_of_node in changes.items():
        for change in changes_of_node:
            change(node(changed, title).registered.inputs)
    return changed


def without(graph: Graph, title: str) -> Graph:
    """Return a copy of a graph without a resource."""
    changed = copy.deepcopy(graph)
    removed = node(changed, title)
    for each in changed.nodes:
        if removed in each.sources:
            each.sources.remove(removed)
    return Graph([each for each in changed.nodes if each is not removed])


def node(graph: Graph, title: str) -> Node:
    """Return the resource with a title."""
    (found,) = [each for each in graph.nodes if each.title == title]
    return found
