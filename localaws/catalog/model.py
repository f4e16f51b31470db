"""What a resource type is: its names, what replaces it, what AWS refuses and computes, what blocks its deletion.

Everything in the catalog is a pure function over plain values. Properties carry Pulumi's camelCase
names; a value that isn't known yet (in a preview) is `UNKNOWN`, and a rule that meets it stays
silent, as the real provider does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from localaws.catalog.inputs import INPUTS
from localaws.catalog.model_limits import CODES, model_rules

if TYPE_CHECKING:
    from localaws.catalog.values import Limit

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
    """AWS's error code (`ValidationError`), or `InvalidArgument` where the provider itself objects
    before any call.
    """

    message: str
    """What is wrong, naming the value and what is allowed."""

    rule: str
    """Id of the rule, a row of the rule table in docs/local-aws-rules.md."""

    property: str | None = None
    """The offending input, where there is exactly one."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


Refusals = Iterator[Refusal]
"""What a rule yields: nothing when AWS would accept."""


# AWS's word for the event; the refusals inside it are the errors
class Refused(Exception):  # noqa: N818
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
    """Pulumi's name for it; empty for what AWS makes along with another resource, such as a VPC's
    main route table.
    """

    region: str
    inputs: Properties
    computed: Properties
    """Outputs that AWS chose or completed (ARNs, addresses, defaults); they win over inputs of the
    same name.
    """

    acknowledged: bool = False
    """Whether the engine has shown that it knows this resource; a creation whose answer got lost
    never is.
    """

    @property
    def outputs(self) -> dict[str, Any]:
        """Everything the resource shows: its inputs, and over them what AWS computed."""
        return {**self.inputs, **self.computed}


class World(Protocol):
    """What a rule may ask about the account in which a resource lives."""

    @property
    def account(self) -> str:
        """Twelve digits."""

    @property
    def zones(self) -> Sequence[str]:
        """Suffixes of the availability zones that every region has, `a` first."""

    @property
    def draining(self) -> Container[str]:
        """Ids of the resources whose deletion is under way."""

    @property
    def parameters(self) -> Container[str]:
        """Names of the SSM parameters that exist without being resources."""

    def get(self, token: str, identifier: object) -> Resource | None:
        """The resource of this type with that id, or None."""

    def find(self, token: str, identifier: object) -> Resource | None:
        """The resource of this type with that id, or another name AWS knows it by, or None."""

    def all(self, token: str) -> Sequence[Resource]:
        """Every resource of this type, oldest first."""

    def where(self, token: str, path: str, value: object) -> Sequence[Resource]:
        """The resources of this type that have a text or number at a path of their outputs, oldest first.

        It costs what it finds, while a look through `all` costs what is there.
        """

    def holders(self, resource: Resource) -> Sequence[Resource]:
        """The resources that refer to this one in a way that forbids its deletion."""


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
class Reference:
    """An input that names another resource."""

    property: str
    """A path such as `vpcId`, `subnets[]` or `loadBalancers[].targetGroupArn`."""

    token: str
    code: str
    """What AWS answers when there is no such resource; empty where a rule of the account looks for
    it.
    """

    rule: str
    when_deleted: Literal["held", "gone", "dangling"] = "dangling"
    """What the deletion of the named resource means: refused, takes this resource along, or isn't
    AWS's concern.
    """

    elsewhere: str | None = None
    """A regular expression of names of resources in other accounts, which are taken to exist."""

    def is_elsewhere(self, value: str) -> bool:
        """Whether a value names a resource in another account."""
        return self.elsewhere is not None and re.fullmatch(self.elsewhere, value) is not None


@dataclass(frozen=True)
class Unique:
    """Inputs that no two resources of a type may share; leaving the first one out avoids it."""

    properties: tuple[str, ...]
    code: str
    rule: str
    message: str
    """A template over the inputs: `A listener exists on port {port:g}`."""


@dataclass(frozen=True)
class Idempotent:
    """A creation that returns the resource that exists, no matter who created it."""

    properties: frozenset[str]
    """Inputs that must be the same; others, such as tags, are ignored."""

    code: str
    """What AWS answers if they aren't."""

    rule: str

    def check(self, existing: Resource, differing: Sequence[str]) -> Refusals:
        """Why AWS doesn't return an existing resource to a creation that differs in these inputs."""
        names = sorted(self.properties.intersection(differing))
        if names:
            message = (
                "Arguments on this idempotent request are inconsistent with arguments "
                "used in previous request(s). "
                f"({existing.id} exists with other {', '.join(names)})"
            )
            yield Refusal(self.code, message, self.rule, names[0])


@dataclass(frozen=True)
class AllExcept(Container[str]):
    """Every property but these."""

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", frozenset(names))

    def __contains__(self, name: object) -> bool:
        return name not in self.names


def _nothing(*_: object) -> Refusals:
    return iter(())


def _never(*_: object) -> bool:
    return False


def _no_properties(*_: object) -> Properties:
    return {}


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One type: a table where it can be one, a function where it must."""

    token: str
    """Pulumi's type token, `aws:ecs/cluster:Cluster`."""

    idempotent: Idempotent | None = None
    """For a type of which AWS returns the existing resource in place of another one of that id."""

    computed: Callable[[Mint, Properties], Mapping[str, Any]]
    """For a new resource: `id` and every other output that AWS chooses once."""

    derived: Callable[[Properties], Properties] = _no_properties
    """Outputs that follow from the inputs, now and after every update."""

    updated: Callable[[Resource, Properties], Properties] = _no_properties
    """Outputs that an update changes by itself, such as a version."""

    defaults: Properties = field(default_factory=dict)
    """Outputs that show AWS's default while the input of that name is left out."""

    # The table's signature
    implied: Callable[[Mint, Resource], Sequence[Resource]] = lambda mint, resource: ()  # noqa: ARG005
    """What AWS makes along with it."""

    autoname: AutoName | None = None
    replaces: Container[str] = frozenset()
    """Inputs whose change means a new resource."""

    replaces_if: Callable[[str, Properties, Properties], bool] = _never
    """Whether a change of this input from old to new inputs means a new resource although
    `replaces` lacks it.
    """

    delete_first: bool = False
    """Whether a replacement always deletes the old one first, whatever its name."""

    unordered: frozenset[str] = frozenset()
    """Lists in which order means nothing, by path: `subnets`, `networkConfiguration.subnets`."""

    json: frozenset[str] = frozenset()
    """String inputs that hold JSON and are compared as such."""

    limits: tuple[Limit, ...] = ()
    """What single inputs may be."""

    references: tuple[Reference, ...] = ()
    unique: tuple[Unique, ...] = ()

    rules: Callable[[Properties], Refusals] = _nothing
    """What is wrong with the inputs by themselves, beyond the limits; values may be UNKNOWN, the
    region is there.
    """

    account_rules: Callable[[Properties, World, Resource | None], Refusals] = _nothing
    """What is wrong with the inputs in this account, beyond the tables; the resource itself when it
    is updated.
    """

    deletion_rules: Callable[[Resource, World], Refusals] = _nothing
    """What forbids deleting this resource now, beyond references that hold it."""

    held: tuple[str, str] = ("DependencyViolation", "cloud.held")
    """Error code and rule when a reference holds it."""

    import_ids: Callable[[Resource], Sequence[str]] = lambda resource: (resource.id,)
    """The ids under which `pulumi import` finds it."""

    @property
    def inputs(self) -> frozenset[str]:
        """Every input that the type has."""
        return INPUTS[self.token][0].names

    def replacing(self, names: Sequence[str], old: Properties, new: Properties) -> list[str]:
        """Those of the changed inputs whose change means a new resource."""
        return [name for name in names if name in self.replaces or self.replaces_if(name, old, new)]

    def check(self, inputs: Properties, region: str | None = None) -> Refusals:
        """What is wrong with these inputs by themselves; runs in previews too, so values may be UNKNOWN.

        `region` is the provider's, for inputs that name none.
        """
        for place, rule, message in self._misnamed(inputs):
            yield Refusal(
                "InvalidArgument",
                f"{self.token} {message} {place}",
                rule,
                re.split(r"[.\[]", place)[0],
            )
        own = [refusal for limit in self.limits for refusal in limit.check(inputs)]
        own += self.rules(
            inputs if inputs.get("region") is not None else {**inputs, "region": region}
        )
        yield from own
        code = CODES.get(self.token.split(":")[1].partition("/")[0], "ValidationException")
        made_up = self.autoname.property if self.autoname else None
        for place, allowed in model_rules(self.token, inputs, located, made_up=made_up):
            # One reason is enough, and the type's own is the better one.
            if not any(place in each.message for each in own):
                yield Refusal(
                    code,
                    f"{place} must be {allowed}",
                    "catalog.model",
                    re.split(r"[.\[]", place)[0],
                )

    def _misnamed(self, inputs: Properties) -> Iterator[tuple[str, str, str]]:
        """Names that shouldn't be there, or should: where, by which rule, and what is wrong with them."""
        for path, names, required in INPUTS[self.token]:
            for place, value in located(inputs, path):
                if isinstance(value, Mapping):
                    where = f"{place}.".lstrip(".")
                    missing = [name for name in required if value.get(name) is None]
                    yield from (
                        (where + name, "catalog.input", "has no input")
                        for name in sorted(value.keys() - names)
                    )
                    yield from ((where + name, "catalog.required", "requires") for name in missing)

    def admit(self, inputs: Properties, world: World, current: Resource | None) -> Refusals:
        """What is wrong with these inputs in this account; the resource itself when it is being updated, else None."""
        missing = False
        # The provider leaves out an optional input whose text is empty.
        optional = self.inputs - {*INPUTS[self.token][0].required}
        for reference in self.references:
            before = (
                set(map(str, values_at(current.inputs, reference.property))) if current else set()
            )
            for value in values_at(inputs, reference.property):
                if not (reference.code and isinstance(value, str)) or value in before:
                    continue
                if reference.is_elsewhere(value) or (
                    value == "" and reference.property in optional
                ):
                    continue
                if world.find(reference.token, value) is None:
                    missing = True
                    yield Refusal(
                        reference.code,
                        (
                            f"{reference.property.replace('[]', '')} names {value!r}, which "
                            "does not exist"
                        ),
                        reference.rule,
                        reference.property.partition(".")[0].removesuffix("[]"),
                    )
        for unique in self.unique:
            first = unique.properties[0]
            if inputs.get(first) not in (None, "") and namesakes(
                world, self.token, inputs, current, *unique.properties
            ):
                yield Refusal(unique.code, unique.message.format_map(inputs), unique.rule, first)
        if not missing:
            yield from self.account_rules(inputs, world, current)

    def in_use(self, resource: Resource, world: World) -> Refusals:
        """What forbids deleting this resource now."""
        code, rule = self.held
        for holder in world.holders(resource):
            kind = holder.token.rpartition(":")[2]
            yield Refusal(
                code, f"{resource.id} can't be deleted while {kind} {holder.id} uses it", rule
            )
        yield from self.deletion_rules(resource, world)


def uuid(mint: Mint) -> str:
    """A random UUID."""
    return "-".join(mint.hex(digits) for digits in (8, 4, 4, 4, 12))


def namesakes(
    world: World, token: str, inputs: Properties, current: Resource | None, *names: str
) -> list[Resource]:
    """Other resources of the type that have the same values in all these properties, of which the first is no list."""
    wanted = [inputs.get(name) for name in names]
    return [
        each
        for each in world.where(token, names[0], wanted[0])
        if (current is None or each.id != current.id)
        and [each.outputs.get(name) for name in names] == wanted
    ]


def values_at(value: object, path: str) -> list[Any]:
    """What a path such as `actions[].forward.targetGroups[].arn` leads to; UNKNOWN and absent values lead nowhere."""
    return [found for _, found in located(value, path)]


def absent(value: object, path: str) -> Iterator[str]:
    """Where nothing is at the end of a path although what it would be a part of is there."""
    parents, _, name = path.rpartition(".")
    for place, each in located(value, parents):
        if isinstance(each, Mapping) and each.get(name) is None:
            yield f"{place}.{name}".removeprefix(".")


def located(value: object, path: str) -> Iterator[tuple[str, Any]]:
    """The same, each with where it was found: `actions[0].forward.targetGroups[1].arn`; no path leads to all of it."""
    if not path:
        yield "", value
        return
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    found = value.get(name) if isinstance(value, Mapping) else None
    places: list[tuple[str, Any]] = [(name, found)]
    if head.endswith("[]"):
        places = (
            [(f"{name}[{i}]", each) for i, each in enumerate(found)]
            if isinstance(found, list)
            else []
        )
    for place, each in places:
        if each is None or each is UNKNOWN:
            continue
        if rest:
            yield from ((f"{place}.{inner}", leaf) for inner, leaf in located(each, rest))
        else:
            yield place, each
