"""The resources of the local AWS, how they refer to each other, and their file on disk."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from localaws.account.inventory import Inventory
from localaws.account.tagging import ALL_TAGS, NO_TAGGING
from localaws.catalog import CATALOG, UNKNOWN, Refusal, Refused, Resource, ResourceType
from localaws.catalog.ec2.default_network import default_network, needs_default_network
from localaws.catalog.ec2.network import VPC, default_id
from localaws.catalog.partitions import partition_of
from localaws.catalog.tokens import canonical
from localaws.catalog.values import known
from localaws.machine.journal import Journal, WrongVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from localaws.account.tagging import Tagging
    from localaws.catalog import Properties
    from localaws.catalog.account import SeededParameter

ACCOUNT = "123456789012"
"""The account every local resource belongs to: the number AWS's own documentation uses."""

ZONES = ("a", "b", "c")

FILE_VERSION = 2
"""The version of the state file that this code writes, and the newest it reads."""

_COUNTER = "counter"
"""Begins the keys of counters among the state file's documents, where those of resources have their
type.
"""

_FORMER_VERSION = 1
"""Of the file that earlier versions wrote, one JSON document with everything."""


class StateFileError(Exception):
    """The state file can't be read; the message says why and what to do."""


def type_of(token: str) -> ResourceType:
    """The catalog's entry for a type token, or for a second token of the type.

    Raises:
        Refused: The catalog has no such type.
    """
    try:
        return CATALOG[canonical(token)]
    except KeyError:
        raise Refused(
            Refusal(
                "UnknownResourceType",
                (
                    f"the local AWS doesn't know {token}; add a ResourceType for it under "
                    "localaws/catalog/"
                ),
                "catalog.type",
            )
        ) from None


@dataclass(frozen=True)
class _Mint:
    """Makes up ids for one new resource."""

    region: str
    account: Cloud

    def hex(self, digits: int) -> str:
        return f"{self.account.random.getrandbits(4 * digits):0{digits}x}"

    def digits(self, count: int) -> str:
        return str(self.account.random.randrange(10 ** (count - 1), 10**count))

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        partition, shown = partition_of(self.region).name, self.region if region is None else region
        return f"arn:{partition}:{service}:{shown}:{self.account.account_id}:{resource}"

    def count(self, counter: str) -> int:
        return self.account.count(counter)


class _PreviewMint(_Mint):
    """Makes up values that a preview throws away, and uses up no counter."""

    def hex(self, digits: int) -> str:
        return "0" * digits

    def digits(self, count: int) -> str:
        return "0" * count

    def count(self, counter: str) -> int:
        return self.account.counters[counter] + 1


class Cloud:
    """An AWS account: refuses what the catalog refuses, remembers the rest.

    Not safe for threads: the daemon calls it from one event loop, a test from one thread.
    """

    def __init__(self, path: Path | None = None, *, seed: int | None = None) -> None:
        """Start from the file at `path` and keep it current; without a path, empty and in memory.

        Raises:
            StateFileError: The file is damaged, or a newer version wrote it.
        """
        self.account_id = ACCOUNT
        self.zones: Sequence[str] = ZONES
        # Ids, not secrets; a seed makes a test repeatable
        self.random = random.Random(seed)  # noqa: S311
        self.counters: Counter[str] = Counter()
        self.parameters: Mapping[str, SeededParameter] = {}
        self.draining: set[str] = set()
        self.completions: dict[str, Callable[[Resource], Mapping[str, Any]]] = {}
        """By token: what only the running data plane knows about a new resource, such as its
        address.
        """
        self.on_change: list[Callable[[], None]] = []
        self._resources = Inventory()
        self._unsaved: dict[str, Any] = {}
        """What has changed since the state file was written, by key; None for what is gone."""
        self._journal = Journal(path, version=FILE_VERSION) if path is not None else None
        if path is not None and self._journal is not None:
            self._load(path, self._journal)

    def get(self, token: str, identifier: object) -> Resource | None:
        """The resource of this type with that id, or None."""
        return self._resources.get(token, identifier) if isinstance(identifier, str) else None

    def all(self, token: str) -> Sequence[Resource]:
        """Every resource of this type, oldest first."""
        return self._resources.all(token)

    def where(self, token: str, path: str, value: object) -> Sequence[Resource]:
        """Return the resources of a type with a text or number at a path, oldest first."""
        return self._resources.where(token, path, value)

    def find(self, token: str, identifier: object) -> Resource | None:
        """The resource with that id, or that `pulumi import` knows by that id, or None."""
        return self.get(token, identifier) or self._resources.named(token, identifier)

    def count(self, counter: str) -> int:
        """The next value of a counter, saved along with the resource that it is for."""
        self.counters[counter] += 1
        self._unsaved[_key(_COUNTER, counter)] = self.counters[counter]
        return self.counters[counter]

    def require_default_network(self, region: str) -> None:
        """Ensure that a region has its default VPC, which every account has beforehand."""
        if self.get(VPC, default_id("vpc", region)) is None:
            for each in [*default_network(self, region)]:
                self._put(each)
            self.changed()

    def holders(self, resource: Resource) -> Sequence[Resource]:
        """The resources that refer to this one in a way that forbids its deletion."""
        leaving = {(each.token, each.id) for each in self._with_dependents(resource)}
        holders = self._resources.referring(resource, "held")
        return [each for each in holders if each.urn and (each.token, each.id) not in leaving]

    def preview(
        self,
        token: str,
        inputs: Properties,
        *,
        region: str = "us-east-1",
        tagging: Tagging = NO_TAGGING,
    ) -> dict[str, Any]:
        """Return a creation's outputs as a preview knows them: what AWS chooses is UNKNOWN.

        Raises:
            Refused: The catalog has no such type.
        """
        kind = type_of(token)
        region = _region_of(inputs, region)
        chosen = _chosen(kind, _PreviewMint(region, self), inputs).keys() - {"id"}
        return {
            **dict.fromkeys(chosen - inputs.keys(), UNKNOWN),
            **inputs,
            **_derived(kind, inputs, region, tagging, chosen),
        }

    def create(
        self,
        token: str,
        urn: str,
        inputs: Properties,
        *,
        region: str,
        tagging: Tagging = NO_TAGGING,
    ) -> Resource:
        """Make a resource.

        A resource of the same URN that the engine never mentioned again is left over from a
        creation whose answer was lost (the daemon was killed): the engine doesn't know it, so it
        makes room for this one.

        Where AWS's creation is idempotent, a resource that exists is returned as it is, no matter
        who created it.

        Raises:
            Refused: The catalog says that AWS would refuse it; nothing was made.
            ValueError: An input is UNKNOWN, which only a preview's may be.
        """
        kind = type_of(token)
        _reject_unknown(token, inputs)
        _raise(*kind.check(inputs, region))
        if needs_default_network(kind, inputs):
            self.require_default_network(_region_of(inputs, region))
        self._discard(
            [each for each in self._resources.of_urn(token, urn) if not each.acknowledged]
        )
        _raise(*kind.admit(inputs, self, None))
        mint = _Mint(_region_of(inputs, region), self)
        computed = _chosen(kind, mint, inputs)
        identifier = computed.pop("id")
        if kind.idempotent and (existing := self.get(token, identifier)):
            _raise(*kind.idempotent.check(existing, changes(kind, existing.inputs, inputs)))
            return existing
        computed |= _derived(kind, inputs, mint.region, tagging, computed)
        resource = Resource(token, identifier, urn, mint.region, dict(inputs), computed)
        if token in self.completions:
            resource = replace(resource, computed={**computed, **self.completions[token](resource)})
        for each in (resource, *kind.implied(mint, resource)):
            self._put(each)
        self.changed()
        return resource

    def update(
        self, token: str, identifier: str, inputs: Properties, *, tagging: Tagging = NO_TAGGING
    ) -> Resource:
        """Change a resource in place; what AWS chose at its creation stays.

        Raises:
            Refused: It doesn't exist, or the catalog says that AWS would refuse the change; nothing
                was changed.
            ValueError: An input is UNKNOWN, which only a preview's may be.
        """
        kind = type_of(token)
        _reject_unknown(token, inputs)
        current = self._existing(token, identifier)
        _raise(*kind.check(inputs, current.region))
        _raise(*kind.admit(inputs, self, current))
        chosen = {name: value for name, value in current.computed.items() if name not in inputs}
        computed = {
            **chosen,
            **_derived(kind, inputs, current.region, tagging, chosen),
            **kind.updated(current, inputs),
        }
        resource = replace(current, inputs=dict(inputs), computed=computed)
        self._put(resource)
        self.changed()
        return resource

    def delete(self, token: str, identifier: str) -> None:
        """Remove a resource, and what AWS removes with it; one that is gone already is no error.

        Raises:
            Refused: Something still uses it, or it is protected.
        """
        resource = self.get(token, identifier)
        if resource is None or resource.inputs.get("skipDestroy") is True:
            return
        _raise(*type_of(token).in_use(resource, self))
        self._remove(resource)
        self.changed()

    @contextmanager
    def deleting(self, identifier: str) -> Iterator[None]:
        """Mark a resource as being deleted; one that still exists afterwards runs as before."""
        self.draining.add(identifier)
        self._notify()
        try:
            yield
        finally:
            self.draining.discard(identifier)
            self._notify()

    def discard_unrecorded(self, urns: Collection[str], recorded: Collection[str]) -> list[str]:
        """Remove what a killed run created before the engine recorded it in the stack's state.

        Args:
            urns: What the run was creating.
            recorded: The ids of what the state has.

        Returns:
            The URNs of what was removed.
        """
        made = [each for token in CATALOG for each in self.all(token) if each.urn in urns]
        unrecorded = [each for each in made if not each.acknowledged and each.id not in recorded]
        self._discard(unrecorded)
        return [each.urn for each in unrecorded]

    def acknowledge(self, token: str, identifier: str) -> None:
        """Note, and save, that the engine knows this resource: it is no orphan of a killed run."""
        resource = self.get(token, identifier)
        if resource is not None and not resource.acknowledged:
            self._put(replace(resource, acknowledged=True))
            self._save()

    def changed(self) -> None:
        """Save what exists, then call what follows changes."""
        self._save()
        self._notify()

    def _notify(self) -> None:
        for follow in self.on_change:
            follow()

    def _existing(self, token: str, identifier: str) -> Resource:
        resource = self.get(token, identifier)
        if resource is None:
            raise Refused(
                Refusal(
                    "ResourceNotFoundException",
                    f"{token} {identifier} does not exist",
                    "cloud.exists",
                )
            )
        return resource

    def _with_dependents(self, resource: Resource) -> Sequence[Resource]:
        """The resource, and everything that AWS removes along with it."""
        leaving = [resource]
        for each in leaving:
            implied = (other for other in self._resources.referring(each, "held") if not other.urn)
            gone = [*self._resources.referring(each, "gone"), *implied]
            leaving += [other for other in gone if other not in leaving]
        return leaving

    def _remove(self, resource: Resource) -> None:
        for each in self._with_dependents(resource):
            self._resources.drop(each)
            self._unsaved[_key(each.token, each.id)] = None

    def _put(self, resource: Resource) -> None:
        self._resources.put(resource)
        self._unsaved[_key(resource.token, resource.id)] = _document(resource)

    def _discard(self, unrecorded: Sequence[Resource]) -> None:
        """Remove resources that no run knows, whatever refers to them."""
        for each in unrecorded:
            if self.get(each.token, each.id):  # it may have gone along with one before
                self._remove(each)
        if unrecorded:
            self.changed()

    def _save(self) -> None:
        """Write what has changed since the last time that this succeeded."""
        if self._journal is not None:
            self._journal.write(self._unsaved)
        self._unsaved.clear()

    def _load(self, path: Path, journal: Journal) -> None:
        """Read what was saved.

        Raises:
            StateFileError: The file is damaged, or a newer version wrote it.
        """
        former = path.with_suffix(".json")
        if path.exists():
            with _naming(path, FILE_VERSION):
                self._take(journal.read())
        elif former.exists():
            with _naming(former, _FORMER_VERSION):
                documents = _of_former_version(former)
                self._take(documents)
            journal.write(documents)
        former.unlink(missing_ok=True)  # only now, so that a crash loses nothing

    def _take(self, documents: Mapping[str, Any]) -> None:
        for key, document in documents.items():
            kind, _, name = key.partition(" ")
            if kind == _COUNTER:
                self.counters[name] = document
            else:
                self._resources.put(Resource(**document, token=CATALOG[kind].token, id=name))


def _key(kind: str, name: str) -> str:
    """A key among the state file's documents: of a resource, its type and id.

    No type has a space in it.
    """
    return f"{kind} {name}"


def _of_former_version(path: Path) -> dict[str, Any]:
    """The documents of a file that version 1 wrote.

    Raises:
        WrongVersion: Another version wrote it.
    """
    saved = json.loads(path.read_text())
    if saved["version"] != _FORMER_VERSION:
        raise WrongVersion(saved["version"])
    counters = {_key(_COUNTER, name): count for name, count in saved["counters"].items()}
    return {
        **counters,
        **{_key(each.pop("token"), each.pop("id")): each for each in saved["resources"]},
    }


def _document(resource: Resource) -> dict[str, Any]:
    """All of a resource but what its key says."""
    return {name: value for name, value in vars(resource).items() if name not in {"token", "id"}}


@contextmanager
def _naming(path: Path, version: int) -> Iterator[None]:
    """Say of what is wrong with a state file which file it is, and what to do.

    Raises:
        StateFileError: Something is.
    """
    try:
        yield
    except WrongVersion as other:
        raise StateFileError(
            f"{path} has version {other.version!r}, this code reads version {version}. "
            "Use the code that wrote it, "
            "or delete the file: the local AWS then starts empty, and a refresh makes "
            "Pulumi's state agree."
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as damage:
        raise StateFileError(
            f"{path} is damaged ({type(damage).__name__}: {damage}). Restore it from a "
            "copy, or delete it: "
            "the local AWS then starts empty, and a refresh makes Pulumi's state agree."
        ) from damage


def as_text(kind: ResourceType, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs with policies as JSON text, which the provider also takes as objects."""

    def text(document: object) -> object:
        if not isinstance(document, dict | list):
            return document
        return json.dumps(document) if known(document) else UNKNOWN

    return {name: text(value) if name in kind.json else value for name, value in inputs.items()}


def same(kind: ResourceType, name: str, old: object, new: object) -> bool:
    """Whether two values of one input mean the same to AWS."""
    if name in kind.json and isinstance(old, str) and isinstance(new, str):
        try:
            return bool(json.loads(old) == json.loads(new))
        except ValueError:
            return old == new
    return bool(_in_order(kind, name, old) == _in_order(kind, name, new))


def _in_order(kind: ResourceType, path: str, value: object) -> object:
    """The value with its unordered lists, at whatever depth, in one certain order."""
    if isinstance(value, dict):
        return {name: _in_order(kind, f"{path}.{name}", each) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    items = [_in_order(kind, f"{path}[]", each) for each in value]
    key = partial(json.dumps, sort_keys=True, default=repr)
    return sorted(items, key=key) if path in kind.unordered else items


def changes(kind: ResourceType, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of the inputs that differ, sorted."""
    return sorted(
        name for name in {*old, *new} if not same(kind, name, old.get(name), new.get(name))
    )


def _region_of(inputs: Properties, provider_region: str) -> str:
    region = inputs.get("region")
    return region if isinstance(region, str) else provider_region


def _chosen(kind: ResourceType, mint: _Mint, inputs: Properties) -> dict[str, Any]:
    """Return what AWS computes once, and the provider's name where Pulumi filled in none."""
    if kind.autoname is None or inputs.get(kind.autoname.property) not in (None, ""):
        return dict(kind.computed(mint, inputs))
    prefix = inputs.get(f"{kind.autoname.property}Prefix")
    name = f"{prefix if isinstance(prefix, str) else 'terraform-'}{mint.digits(26)}"
    return {
        kind.autoname.property: name,
        **kind.computed(mint, {**inputs, kind.autoname.property: name}),
    }


def _derived(
    kind: ResourceType, inputs: Properties, region: str, tagging: Tagging, chosen: Iterable[str]
) -> dict[str, Any]:
    """Return the outputs that follow from the inputs: defaults, merged tags, the type's own."""
    present = {name for name, value in inputs.items() if value is not None} | set(chosen)
    derived = {name: value for name, value in kind.defaults.items() if name not in present}
    if "region" in kind.inputs:
        derived["region"] = region
    if "tags" in kind.inputs:
        derived[ALL_TAGS] = tagging.all(inputs.get("tags"))
    return {**derived, **kind.derived(inputs)}


def _reject_unknown(token: str, inputs: Properties) -> None:
    unknown = [name for name, value in inputs.items() if not known(value)]
    if unknown:
        raise ValueError(
            f"{token} can't be created or updated while {', '.join(unknown)} isn't known"
        )


def _raise(*refusals: Refusal) -> None:
    if refusals:
        raise Refused(*refusals)
