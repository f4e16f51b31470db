"""The description of a resource type: its rules, references, names, outputs and replacements.

Everything in the catalog is a pure function over plain values. Properties have Pulumi's camelCase
names. In a preview, a value that isn't known yet is `UNKNOWN`; rules accept it, as the real
provider does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from localaws.catalog.account import Resource, others_with_same
from localaws.catalog.inputs import blocks_of
from localaws.catalog.model_limits import CODES, model_rules
from localaws.catalog.properties import Properties, first_name, items_at, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.regions import region_rules

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint
    from localaws.catalog.refusals import Refusals
    from localaws.catalog.values import Limit


@dataclass(frozen=True)
class AutoName:
    """A property that Pulumi sets to `<logical name>-<7 hex digits>` if the program doesn't."""

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
    """AWS's error code if the other resource doesn't exist; empty if `account_rules` check that."""

    rule: str
    when_deleted: Literal["held", "gone", "dangling"] = "dangling"
    """The effect on a deletion of the other resource: `held` forbids it, `gone` deletes this
    resource too, `dangling` has none.
    """

    elsewhere: str | None = None
    """Matches the names of resources in other accounts, which are assumed to exist."""

    def is_elsewhere(self, value: str) -> bool:
        """Return whether a value names a resource in another account."""
        return self.elsewhere is not None and re.fullmatch(self.elsewhere, value) is not None


@dataclass(frozen=True)
class Unique:
    """Inputs whose values no two resources of a type can share.

    It doesn't apply to a resource without the first of them.
    """

    properties: tuple[str, ...]
    code: str
    rule: str
    message: str
    """A template over the inputs: `A listener exists on port {port:g}`."""


@dataclass(frozen=True)
class Idempotent:
    """A creation that returns the existing resource with the same id."""

    properties: frozenset[str]
    """Inputs that must be the same; others, such as tags, are ignored."""

    code: str
    """AWS's error code if they differ."""

    rule: str

    def check(self, existing: Resource, differing: Sequence[str]) -> Refusals:
        """Refuse a creation whose inputs differ from those of the existing resource."""
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
    """All properties except these."""

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", frozenset(names))

    def __contains__(self, name: object) -> bool:
        return name not in self.names


def _nothing(*_: object) -> Refusals:
    return iter(())


def _never(*_: object) -> bool:
    return False


def _in_region(inputs: Properties, region: str | None) -> Properties:
    """Return the inputs with the provider's region, unless they have a region themselves."""
    # The provider leaves out an empty text.
    return {**inputs, "region": region} if inputs.get("region") in (None, "") else inputs


def _no_properties(*_: object) -> Properties:
    return {}


def _no_resources(*_: object) -> Sequence[Resource]:
    return ()


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A resource type: tables of AWS's rules, and functions for rules that don't fit a table."""

    token: str
    """Pulumi's type token, `aws:ecs/cluster:Cluster`."""

    idempotent: Idempotent | None = None
    """Set if a creation returns an existing resource instead of failing."""

    overwrites: bool = False
    """Whether AWS creates and updates it by the same operation, which overwrites what exists."""

    computed: Callable[[Mint, Properties], Mapping[str, Any]]
    """Returns, for a new resource, `id` and every other output that AWS chooses once."""

    derived: Callable[[Properties], Properties] = _no_properties
    """Returns outputs that follow from the inputs, at the creation and after every update."""

    updated: Callable[[Resource, Properties], Properties] = _no_properties
    """Returns outputs that every update changes, such as a version."""

    defaults: Properties = field(default_factory=dict)
    """Outputs that have AWS's default if the input of that name isn't set."""

    implied: Callable[[Mint, Resource], Sequence[Resource]] = _no_resources
    """Returns the resources that AWS makes along with a new one."""

    autoname: AutoName | None = None
    replaces: Container[str] = frozenset()
    """Inputs whose change replaces the resource."""

    replaces_if: Callable[[str, Properties, Properties], bool] = _never
    """Decides for an input outside of `replaces`, given the old and new inputs, whether its change
    replaces the resource.
    """

    only_recorded: str = ""
    """Why resources of this type are only recorded, so that no run warns about their inputs. Empty
    for a type whose inputs `effects/` lists one by one.
    """

    delete_first: bool = False
    """Whether a replacement deletes the old resource first, even if its name was generated."""

    unordered: frozenset[str] = frozenset()
    """Paths of lists whose order means nothing: `subnets`, `networkConfiguration.subnets`."""

    json: frozenset[str] = frozenset()
    """Inputs that are JSON text, and are compared as JSON."""

    limits: tuple[Limit, ...] = ()
    """The allowed values of single inputs."""

    references: tuple[Reference, ...] = ()
    unique: tuple[Unique, ...] = ()

    rules: Callable[[Properties], Refusals] = _nothing
    """Refuses inputs without regard to other resources, beyond `limits`. Values can be UNKNOWN;
    `region` is always set.
    """

    account_rules: Callable[[Properties, Account, Resource | None], Refusals] = _nothing
    """Refuses inputs because of the account's other resources, beyond `references` and `unique`.
    As in `rules`, `region` is always set. The third argument is the resource before an update, or
    None for a new resource.
    """

    deletion_rules: Callable[[Resource, Account], Refusals] = _nothing
    """Refuses a deletion, beyond references that are `held`."""

    held: tuple[str, str] = ("DependencyViolation", "cloud.held")
    """Error code and rule for a deletion that a `held` reference forbids."""

    import_ids: Callable[[Resource], Sequence[str]] = lambda resource: (resource.id,)
    """Returns the ids by which `pulumi import` finds a resource."""

    @property
    def inputs(self) -> frozenset[str]:
        """The names of all inputs."""
        return blocks_of(self.token)[0].names

    @property
    def tagged(self) -> bool:
        """Whether its tags are a map, and so have a provider's default tags among them.

        An Auto Scaling group's are blocks, with which default tags have nothing to do.
        """
        blocks = {each.path for each in blocks_of(self.token)}
        return "tags" in self.inputs and "tags[]" not in blocks

    def replacing(self, names: Sequence[str], old: Properties, new: Properties) -> list[str]:
        """Return those of the changed inputs whose change replaces the resource."""
        return [name for name in names if name in self.replaces or self.replaces_if(name, old, new)]

    def check(self, inputs: Properties, region: str | None = None) -> Refusals:
        """Refuse inputs without regard to other resources; in a preview they may be UNKNOWN.

        `region` is the provider's; the inputs can override it.
        """
        for path, rule, message in self._check_names(inputs):
            yield Refusal(
                "InvalidArgument", f"{self.token} {message} {path}", rule, first_name(path)
            )
        if "region" in self.inputs:
            yield from region_rules(inputs.get("region"), region)
        by_the_type: list[Refusal] = []
        for limit in self.limits:
            by_the_type += limit.check(inputs)
        by_the_type += self.rules(_in_region(inputs, region))
        yield from by_the_type
        code = CODES.get(self.token.split(":")[1].partition("/")[0], "ValidationException")
        generated = self.autoname.property if self.autoname else None
        for path, allowed in model_rules(self.token, inputs, generated=generated):
            # One refusal of a value is enough, and that of the type's rules has a better message.
            if not any(path in each.message for each in by_the_type):
                yield Refusal(code, f"{path} must be {allowed}", "catalog.model", first_name(path))

    def _check_names(self, inputs: Properties) -> Iterator[tuple[str, str, str]]:
        """Yield the exact path of each unknown or missing name, the rule, and the message."""
        for block_path, names, required in blocks_of(self.token):
            for path, value in items_at(inputs, block_path):
                if not isinstance(value, Mapping):
                    continue
                prefix = f"{path}." if path else ""
                for name in sorted(value.keys() - names):
                    yield prefix + name, "catalog.input", "has no input"
                for name in required:
                    if value.get(name) is None:
                        yield prefix + name, "catalog.required", "requires"

    def admit(
        self, inputs: Properties, account: Account, current: Resource | None, region: str
    ) -> Refusals:
        """Refuse inputs because of the account's other resources.

        Args:
            inputs: All of them are known.
            account: The account of the resource.
            current: The resource before an update, or None for a new resource.
            region: The provider's region, which the inputs can override.
        """
        missing = list(self._missing_references(inputs, account, current))
        yield from missing
        for unique in self.unique:
            first = unique.properties[0]
            if inputs.get(first) in (None, ""):
                continue
            if others_with_same(account, self.token, inputs, current, *unique.properties):
                yield Refusal(unique.code, unique.message.format_map(inputs), unique.rule, first)
        if not missing:
            yield from self.account_rules(_in_region(inputs, region), account, current)

    def _missing_references(
        self, inputs: Properties, account: Account, current: Resource | None
    ) -> Refusals:
        """Refuse references to resources that don't exist, unless an update leaves them as is."""
        optional = self.inputs - set(blocks_of(self.token)[0].required)
        for reference in self.references:
            if not reference.code:
                continue
            unchanged = values_at(current.inputs, reference.property) if current else []
            for value in values_at(inputs, reference.property):
                # The provider leaves out an optional input whose text is empty.
                left_out = value == "" and reference.property in optional
                if not isinstance(value, str) or value in unchanged or left_out:
                    continue
                if reference.is_elsewhere(value) or account.find(reference.token, value):
                    continue
                yield Refusal(
                    reference.code,
                    f"{reference.property.replace('[]', '')} names {value!r}, which does not exist",
                    reference.rule,
                    first_name(reference.property),
                )

    def in_use(self, resource: Resource, account: Account) -> Refusals:
        """Refuse the deletion of a resource that is in use or protected."""
        code, rule = self.held
        for holder in account.holders(resource):
            kind = holder.token.rpartition(":")[2]
            yield Refusal(
                code, f"{resource.id} can't be deleted while {kind} {holder.id} uses it", rule
            )
        yield from self.deletion_rules(resource, account)
