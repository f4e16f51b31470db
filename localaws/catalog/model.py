"""What a resource type is: its names, what replaces it, what AWS refuses and computes, what blocks its deletion.

Everything in the catalog is a pure function over plain values. Properties carry Pulumi's camelCase names; a value that
isn't known yet (in a preview) is `UNKNOWN`, and a rule that meets it stays silent, as the real provider does.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

Properties = Mapping[str, Any]
"""A resource's inputs or outputs: plain JSON-like values, or UNKNOWN, by camelCase name."""


class Unknown:
    """The type of `UNKNOWN`, a value that only the deployment itself will bring."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Refusal:
    """One reason why AWS, or its provider, doesn't accept something."""

    code: str
    """AWS's error code (`ValidationError`), or `InvalidArgument` where the provider itself objects before any call."""

    message: str
    """What is wrong, naming the value and what is allowed."""

    rule: str
    """Id of the rule, a row of the rule table in docs/local-aws-rules.md."""

    property: str | None = None
    """The offending input, where there is exactly one."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Refused(Exception):  # noqa: N818 — AWS's word for the event; the refusals inside it are the errors
    """AWS said no, for at least one reason."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__("; ".join(str(refusal) for refusal in refusals))
        self.refusals = refusals


@dataclass(frozen=True)
class Resource:
    """A resource that exists."""

    token: str
    id: str
    urn: str
    region: str
    inputs: Properties
    computed: Properties
    """Outputs that AWS chose (ARNs, addresses, defaults); inputs of the same name win."""

    acknowledged: bool = False
    """Whether the engine has shown that it knows this resource; a creation whose answer got lost never is."""

    @property
    def outputs(self) -> dict[str, Any]:
        """Everything the resource shows: what was computed, and the inputs over it."""
        return {**self.computed, **self.inputs}


class World(Protocol):
    """What a rule may ask about the account in which a resource lives."""

    @property
    def account(self) -> str:
        """Twelve digits."""

    @property
    def zones(self) -> Sequence[str]:
        """Suffixes of the availability zones that every region has, `a` first."""

    def get(self, token: str, identifier: object) -> Resource | None:
        """The resource of this type with that id, or None."""

    def all(self, token: str) -> Sequence[Resource]:
        """Every resource of this type, oldest first."""


class Mint(Protocol):
    """Where ids and other values come from that AWS makes up for a new resource."""

    @property
    def region(self) -> str:
        """The region in which the resource is made."""

    @property
    def world(self) -> World:
        """The account in which the resource is made."""

    def hex(self, digits: int) -> str:
        """That many random hexadecimal digits."""

    def digits(self, count: int) -> str:
        """That many random decimal digits."""

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN in this account; `region=""` for a global service."""

    def count(self, counter: str) -> int:
        """The next value of a counter that never goes back, from 1."""


@dataclass(frozen=True)
class AutoName:
    """A property that Pulumi fills with `<logical name>-<7 hex digits>` when the program leaves it out."""

    property: str = "name"
    longest: int = 255
    lower: bool = False


@dataclass(frozen=True)
class AllExcept(Container[str]):
    """Every property but these."""

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", frozenset(names))

    def __contains__(self, name: object) -> bool:
        return name not in self.names


def _nothing(*_: object) -> Iterator[Refusal]:
    return iter(())


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One type: a table where it can be one, a function where it must."""

    token: str
    """Pulumi's type token, `aws:ecs/cluster:Cluster`."""

    computed: Callable[[Mint, Properties], Mapping[str, Any]]
    """For a new resource: `id` and every other output that AWS chooses."""

    unknown_until_created: frozenset[str] = frozenset()
    """Outputs that a preview of a creation can't know."""

    autoname: AutoName | None = None
    replaces: Container[str] = frozenset()
    """Inputs whose change means a new resource."""

    delete_first: bool = False
    """Whether a replacement always deletes the old one first, whatever its name."""

    unordered: frozenset[str] = frozenset()
    """Top-level list inputs in which order means nothing."""

    json: frozenset[str] = frozenset()
    """String inputs that hold JSON and are compared as such."""

    check: Callable[[Properties], Iterator[Refusal]] = _nothing
    """What is wrong with these inputs by themselves; runs in previews too, so values may be UNKNOWN."""

    admit: Callable[[Properties, World, Resource | None], Iterator[Refusal]] = _nothing
    """What is wrong with these inputs in this account; the resource itself when it is being updated, else None."""

    in_use: Callable[[Resource, World], Iterator[Refusal]] = _nothing
    """What forbids deleting this resource now."""

    import_ids: Callable[[Resource], Sequence[str]] = field(default=lambda resource: (resource.id,))
    """The ids under which `pulumi import` finds it."""
