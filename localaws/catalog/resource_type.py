"""What a resource type is: names, replacements, refusals, computed outputs, what holds it.

Everything in the catalog is a pure function over plain values. Properties carry Pulumi's camelCase
names; a value that isn't known yet (in a preview) is `UNKNOWN`, and a rule that meets it stays
silent, as the real provider does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from localaws.catalog.account import Resource, namesakes
from localaws.catalog.inputs import blocks_of
from localaws.catalog.model_limits import CODES, model_rules
from localaws.catalog.properties import Properties, located, values_at
from localaws.catalog.refusals import Refusal

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint
    from localaws.catalog.refusals import Refusals
    from localaws.catalog.values import Limit


@dataclass(frozen=True)
class AutoName:
    """A property that Pulumi fills with `<logical name>-<7 hex digits>` if left out."""

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
        """Yield why AWS doesn't return an existing resource to a creation that differs."""
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

    recorded: str = ""
    """Why the local AWS does nothing with the type but refuse and show it; empty for one whose
    inputs are on the lists of `effects.py`.
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

    account_rules: Callable[[Properties, Account, Resource | None], Refusals] = _nothing
    """What is wrong with the inputs in this account, beyond the tables; the resource itself when it
    is updated.
    """

    deletion_rules: Callable[[Resource, Account], Refusals] = _nothing
    """What forbids deleting this resource now, beyond references that hold it."""

    held: tuple[str, str] = ("DependencyViolation", "cloud.held")
    """Error code and rule when a reference holds it."""

    import_ids: Callable[[Resource], Sequence[str]] = lambda resource: (resource.id,)
    """The ids under which `pulumi import` finds it."""

    @property
    def inputs(self) -> frozenset[str]:
        """Every input that the type has."""
        return blocks_of(self.token)[0].names

    def replacing(self, names: Sequence[str], old: Properties, new: Properties) -> list[str]:
        """Those of the changed inputs whose change means a new resource."""
        return [name for name in names if name in self.replaces or self.replaces_if(name, old, new)]

    def check(self, inputs: Properties, region: str | None = None) -> Refusals:
        """Yield what is wrong with these inputs alone; in a preview values may be UNKNOWN.

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
        """Yield names that are wrong or missing: where, by which rule, and the message."""
        for path, names, required in blocks_of(self.token):
            for place, value in located(inputs, path):
                if isinstance(value, Mapping):
                    where = f"{place}.".lstrip(".")
                    missing = [name for name in required if value.get(name) is None]
                    yield from (
                        (where + name, "catalog.input", "has no input")
                        for name in sorted(value.keys() - names)
                    )
                    yield from ((where + name, "catalog.required", "requires") for name in missing)

    def admit(self, inputs: Properties, account: Account, current: Resource | None) -> Refusals:
        """Yield what is wrong with these inputs in this account; `current` is set in an update."""
        missing = False
        # The provider leaves out an optional input whose text is empty.
        optional = self.inputs - {*blocks_of(self.token)[0].required}
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
                if account.find(reference.token, value) is None:
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
                account, self.token, inputs, current, *unique.properties
            ):
                yield Refusal(unique.code, unique.message.format_map(inputs), unique.rule, first)
        if not missing:
            yield from self.account_rules(inputs, account, current)

    def in_use(self, resource: Resource, account: Account) -> Refusals:
        """What forbids deleting this resource now."""
        code, rule = self.held
        for holder in account.holders(resource):
            kind = holder.token.rpartition(":")[2]
            yield Refusal(
                code, f"{resource.id} can't be deleted while {kind} {holder.id} uses it", rule
            )
        yield from self.deletion_rules(resource, account)
