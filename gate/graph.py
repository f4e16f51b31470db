"""The resources of a run as a graph: what each one's inputs came from. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from localaws.mocks import canonical, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from localaws.mocks import Recording, Registered

_NAMES: Final = ("arn", "id", "dnsName", "zoneId", "certificateArn", "prefixListId", "name")
"""Outputs that other resources take; of two with the same value the first counts."""

_SHORTEST_INSIDE: Final = 8
"""A shorter identifier counts only where it is a whole text: in a longer text it may be there by
chance.
"""


@dataclass(frozen=True)
class Reference:
    """One output of a resource, in the inputs of another."""

    node: Node
    attribute: str


@dataclass(frozen=True, eq=False)
class Node:
    """An AWS resource."""

    registered: Registered
    outputs: Mapping[str, Any]
    """What the local AWS answered, `id` included."""

    sources: list[Node] = field(default_factory=list)
    """The resources that its inputs, or its `depends_on`, name."""

    @property
    def type(self) -> str:
        """Pulumi's token of its type; of a type with two tokens, the one that the catalog has."""
        return canonical(self.registered.type)

    @property
    def kind(self) -> str:
        """The last word of its type."""
        return word(self.type)

    @property
    def title(self) -> str:
        """The last word of its type and its name, which together are unique in a stack."""
        return f"{self.kind} {self.registered.name}"

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the program registered."""
        return self.registered.inputs

    def parts(self, text: str) -> list[str | Reference]:
        """Split a text of its inputs into literal text and references to other resources."""
        whole = self._by_value.get(text)
        if whole:
            return [whole]
        if self._identifiers_inside is None:
            return [text] if text else []
        # The pattern is one group, so that splitting a text keeps the identifiers too.
        pieces = self._identifiers_inside.split(text)
        return [self._by_value.get(piece, piece) for piece in pieces if piece]

    def named(self, value: object) -> Iterator[Node]:
        """Yield every resource that a value of its inputs names, at any depth."""
        match value:
            case str():
                for part in self.parts(value):
                    if isinstance(part, Reference):
                        yield part.node
            case dict():
                for each in value.values():
                    yield from self.named(each)
            case list():
                for each in value:
                    yield from self.named(each)

    @cached_property
    def _by_value(self) -> dict[str, Reference]:
        """The outputs that its inputs may name, by value."""
        found = {}
        for source in self.sources:
            for value in source.identifiers:
                found[value] = source.origin_of(value)
        return found

    @cached_property
    def identifiers(self) -> dict[str, str]:
        """The outputs that others may take, by value."""
        found = {}
        for name in reversed(_NAMES):  # so that the first of two names with one value remains
            value = self.outputs.get(name)
            if isinstance(value, str) and value:
                found[value] = name
        return found

    def origin_of(self, value: str) -> Reference:
        """Return the output with this value, of the resource that the value comes from.

        A resource may repeat an identifier of one that it depends on: the id of a bucket's policy
        is the bucket's name.
        """
        for source in self.sources:
            if value in source.identifiers:
                return source.origin_of(value)
        return Reference(self, self.identifiers[value])

    @cached_property
    def _identifiers_inside(self) -> re.Pattern[str] | None:
        """The pattern of identifiers within longer texts; None if there are none."""
        long = [text for text in self._by_value if len(text) >= _SHORTEST_INSIDE]
        if not long:
            return None
        long.sort(key=len, reverse=True)  # an identifier may begin with another one
        alternatives = "|".join(map(re.escape, long))
        return re.compile(f"({alternatives})")


@dataclass(frozen=True)
class Graph:
    """What one run registered at AWS, in the order of their titles."""

    nodes: Sequence[Node]

    def all(self, kind: str) -> list[Node]:
        """Return every resource of a type, by the type's last word."""
        return [each for each in self.nodes if each.kind == kind]


def build(recording: Recording) -> Graph:
    """Build the graph of a run.

    Raises:
        ValueError: Two resources have one title, so that a finding couldn't say which it means.
    """
    nodes: dict[str, Node] = {}
    for registered in recording.registered:
        if registered.type.startswith("aws:"):
            nodes[registered.urn] = Node(registered, _outputs(recording, registered))
    for node in nodes.values():
        urns: set[str] = set()
        for dependency in node.registered.dependencies:
            urns.update(_within(recording, dependency))
        urns.discard(node.registered.urn)
        node.sources.extend(nodes[urn] for urn in sorted(urns & nodes.keys()))
    ordered = sorted(nodes.values(), key=lambda node: node.title)
    for one, other in pairwise(ordered):
        if one.title == other.title:
            raise ValueError(
                f"two resources are called {one.title}: {one.registered.urn}, "
                f"{other.registered.urn}"
            )
    return Graph(ordered)


def _outputs(recording: Recording, registered: Registered) -> Mapping[str, Any]:
    identifier = recording.id(registered)
    made = recording.cloud.find(canonical(registered.type), identifier)
    assert made, f"{registered.urn} was registered and isn't there"
    return {**made.outputs, "id": identifier}


def _within(recording: Recording, urn: str) -> Iterator[str]:
    """Yield a URN, and if it is a component's, those of its children: dependents depend on them.

    A child that depends on the component itself was registered after it, and isn't yielded.
    """
    yield urn
    for each in recording.registered:
        if each.urn == urn and not each.custom:
            yield from _made_of(recording, urn)
            return


def _made_of(recording: Recording, component: str) -> Iterator[str]:
    for each in _below(recording, component):
        if component not in each.dependencies:
            yield each.urn


def _below(recording: Recording, urn: str) -> Iterator[Registered]:
    for each in recording.registered:
        if each.parent == urn:
            yield each
            yield from _below(recording, each.urn)
