"""The resources of the local AWS: creation, update, deletion, and their state file."""

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
from localaws.catalog.values import known, without_none
from localaws.machine.journal import Journal, WrongVersion
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
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
"""The first word of the state file's keys for counters; keys for resources start with the type."""

_OLD_VERSION = 1
"""The version of the state file before: one JSON document, with the suffix `.json`."""


class StateFileError(UserError):
    """The state file can't be read; the message gives the reason and what to do."""


def changed_by_update(kind: ResourceType, current: Resource, inputs: Properties) -> dict[str, Any]:
    """Return the outputs besides inputs that an update changes, such as a version, as UNKNOWN."""
    changed: dict[str, Any] = {}
    for name, value in kind.updated(current, inputs).items():
        if name not in inputs and current.computed.get(name) != value:
            changed[name] = UNKNOWN
    return changed


def type_of(token: str) -> ResourceType:
    """Return the catalog's entry for a type token, or for an alternative token of the type.

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
    """Generates ids for one new resource."""

    region: str
    account: Cloud

    def hex(self, digits: int) -> str:
        return f"{self.account.random.getrandbits(4 * digits):0{digits}x}"

    def digits(self, count: int) -> str:
        return str(self.account.random.randrange(10 ** (count - 1), 10**count))

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        partition = partition_of(self.region).name
        if region is None:
            region = self.region
        return f"arn:{partition}:{service}:{region}:{self.account.account_id}:{resource}"

    def count(self, counter: str) -> int:
        return self.account.count(counter)


class _PreviewMint(_Mint):
    """Generates values that a preview discards, and advances no counter."""

    def hex(self, digits: int) -> str:
        return "0" * digits

    def digits(self, count: int) -> str:
        return "0" * count

    def count(self, counter: str) -> int:
        return self.account.counters[counter] + 1


class Cloud:
    """An AWS account: it refuses what the catalog refuses, and keeps every other resource.

    Not thread-safe: the daemon calls it from one event loop, a test from one thread.
    """

    def __init__(self, path: Path | None = None, *, seed: int | None = None) -> None:
        """Load the file at `path` and keep it up to date; without a path, start empty in memory.

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
        """Functions by token that return outputs which only the data plane knows about a new
        resource, such as its address.
        """
        self.on_change: list[Callable[[], None]] = []
        self._resources = Inventory()
        self._unsaved: dict[str, Any] = {}
        """Changes since the state file was written, by key; None for a removed resource."""
        self._journal = Journal(path, version=FILE_VERSION) if path is not None else None
        if path is not None and self._journal is not None:
            self._load(path, self._journal)

    def get(self, token: str, identifier: object) -> Resource | None:
        """Return the resource of this type with that id, or None."""
        return self._resources.get(token, identifier) if isinstance(identifier, str) else None

    def all(self, token: str) -> Sequence[Resource]:
        """Return every resource of this type, oldest first."""
        return self._resources.all(token)

    def where(self, token: str, path: str, value: object) -> Sequence[Resource]:
        """Return the resources of a type with this text or number at a path, oldest first."""
        return self._resources.where(token, path, value)

    def find(self, token: str, identifier: object) -> Resource | None:
        """Return the resource with that id or import id (of `pulumi import`), or None."""
        return self.get(token, identifier) or self._resources.by_import_id(token, identifier)

    def count(self, counter: str) -> int:
        """Return the next value of a counter; it is saved together with the new resource."""
        self.counters[counter] += 1
        self._unsaved[_key(_COUNTER, counter)] = self.counters[counter]
        return self.counters[counter]

    def require_default_network(self, region: str) -> None:
        """Create a region's default VPC if it isn't there; every AWS account starts with one."""
        if self.get(VPC, default_id("vpc", region)) is None:
            for each in list(default_network(self, region)):
                self._put(each)
            self.changed()

    def holders(self, resource: Resource) -> Sequence[Resource]:
        """Return the resources whose references to this one forbid its deletion.

        A resource that AWS makes or removes along with this one doesn't.
        """
        removed = {(each.token, each.id) for each in self._with_dependents(resource)}
        return [
            each
            for each in self._resources.referring(resource, "held")
            if not each.made_by_aws and (each.token, each.id) not in removed
        ]

    def preview(
        self,
        token: str,
        inputs: Properties,
        *,
        region: str = "us-east-1",
        tagging: Tagging = NO_TAGGING,
    ) -> dict[str, Any]:
        """Return a new resource's outputs as a preview shows them: AWS's choices are UNKNOWN.

        Raises:
            Refused: The catalog has no such type.
        """
        kind = type_of(token)
        region = _region_of(inputs, region)
        chosen = _chosen(kind, _PreviewMint(region, self), inputs).keys() - {"id"}
        return {
            **inputs,
            **_derived(kind, inputs, region, tagging, chosen),
            **dict.fromkeys(chosen - inputs.keys(), UNKNOWN),
        }

    def changed_by_update(self, token: str, identifier: str, inputs: Properties) -> dict[str, Any]:
        """Return the outputs that an update will change, as a preview shows them: UNKNOWN."""
        current = self.get(token, identifier)
        return changed_by_update(type_of(token), current, inputs) if current else {}

    def create(
        self,
        token: str,
        urn: str,
        inputs: Properties,
        *,
        region: str,
        tagging: Tagging = NO_TAGGING,
    ) -> Resource:
        """Create a resource.

        An unacknowledged resource with the same URN is left over from a creation whose answer was
        lost (the daemon was killed). The engine doesn't know it, so it is removed first. If another
        resource uses it, the engine once knew it, and the state was removed since: it stays.

        What a creation of AWS's overwrites is updated, if it has the same URN.

        Where AWS's creation is idempotent, an existing resource is returned unchanged, even if
        another program created it.

        Raises:
            Refused: AWS would refuse it, according to the catalog; nothing was created.
            ValueError: An input is UNKNOWN, which is only allowed in a preview.
        """
        kind = type_of(token)
        _reject_unknown(token, inputs)
        _raise(*kind.check(inputs, region))
        if needs_default_network(kind, inputs):
            self.require_default_network(_region_of(inputs, region))
        same_urn = self._resources.of_urn(token, urn)
        lost = [each for each in same_urn if not (each.acknowledged or self.holders(each))]
        self._discard(lost)
        if kind.overwrites:
            # A `destroy` that was stopped can leave one that the engine doesn't know any more.
            for each in self._resources.of_urn(token, urn):
                differing = changes(kind, each.inputs, inputs)
                if not kind.replacing(differing, each.inputs, inputs):
                    return self.update(token, each.id, inputs, tagging=tagging)
        _raise(*kind.admit(inputs, self, None, region))
        mint = _Mint(_region_of(inputs, region), self)
        computed = _chosen(kind, mint, inputs)
        identifier = computed.pop("id")
        existing = self.get(token, identifier) if kind.idempotent else None
        if kind.idempotent and existing is not None:
            _raise(*kind.idempotent.check(existing, changes(kind, existing.inputs, inputs)))
            return existing
        computed = {**_derived(kind, inputs, mint.region, tagging, computed), **computed}
        resource = Resource(token, identifier, urn, mint.region, dict(inputs), computed)
        if token in self.completions:
            resource = replace(resource, computed={**computed, **self.completions[token](resource)})
        for each in (resource, *kind.implied(mint, resource)):
            self._put(each)
        self.changed()
        return resource

    def update(
        self,
        token: str,
        identifier: str,
        inputs: Properties,
        *,
        tagging: Tagging = NO_TAGGING,
        recorded: Properties | None = None,
    ) -> Resource:
        """Change a resource in place; the outputs that AWS chose at its creation stay.

        Args:
            token: Its type.
            identifier: Its id.
            inputs: All of its new inputs.
            tagging: The provider's tags.
            recorded: Inputs as the caller's state has them, which those are compared with; the
                others, and by default all, are those of the last change.

        Raises:
            Refused: It doesn't exist, or AWS would refuse the change, according to the catalog;
                nothing was changed.
            ValueError: An input is UNKNOWN, which is only allowed in a preview.
        """
        kind = type_of(token)
        _reject_unknown(token, inputs)
        current = self._existing(token, identifier)
        _raise(*kind.check(inputs, current.region))
        _raise(*kind.admit(inputs, self, current, current.region))
        known = replace(current, inputs={**current.inputs, **(recorded or {})})
        chosen = {name: value for name, value in current.computed.items() if name not in inputs}
        computed = {
            **chosen,
            **_derived(kind, inputs, current.region, tagging, chosen),
            **kind.updated(known, inputs),
        }
        resource = replace(current, inputs=dict(inputs), computed=computed)
        self._put(resource)
        self.changed()
        return resource

    def overwrite(self, token: str, identifier: str, outputs: Mapping[str, Any]) -> None:
        """Change outputs of a resource as AWS itself does, outside of any program's run."""
        resource = self._existing(token, identifier)
        self._put(replace(resource, computed={**resource.computed, **outputs}))
        self.changed()

    def delete(self, token: str, identifier: str) -> None:
        """Remove a resource and everything that AWS removes with it, if it exists.

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
        """Mark a resource as being deleted, until the block ends."""
        self.draining.add(identifier)
        self._notify()
        try:
            yield
        finally:
            self.draining.discard(identifier)
            self._notify()

    def discard_unrecorded(self, urns: Collection[str], recorded: Collection[str]) -> list[str]:
        """Remove resources that a killed run created and that the stack's state doesn't have.

        Args:
            urns: URNs of the resources that the run was creating.
            recorded: Ids of the resources in the stack's state.

        Returns:
            The URNs of the removed resources.
        """
        unrecorded = []
        for token in CATALOG:
            for each in self.all(token):
                known_to_engine = each.acknowledged or each.id in recorded
                if each.urn in urns and not known_to_engine:
                    unrecorded.append(each)
        self._discard(unrecorded)
        return [each.urn for each in unrecorded]

    def acknowledge(self, token: str, identifier: str) -> None:
        """Save that the engine knows this resource, so it isn't left over from a killed run."""
        resource = self.get(token, identifier)
        if resource is not None and not resource.acknowledged:
            self._put(replace(resource, acknowledged=True))
            self._save()

    def changed(self) -> None:
        """Save the changes, then call the functions in `on_change`."""
        self._save()
        self._notify()

    def _notify(self) -> None:
        for function in self.on_change:
            function()

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
        """Return the resource, and everything that AWS removes along with it."""
        removed = [resource]
        for each in removed:  # grows while it is iterated over
            for dependent in self._resources.referring(each, "gone"):
                if dependent not in removed:
                    removed.append(dependent)
            for dependent in self._resources.referring(each, "held"):
                if dependent.made_by_aws and dependent not in removed:
                    removed.append(dependent)
        return removed

    def _remove(self, resource: Resource) -> None:
        for each in self._with_dependents(resource):
            self._resources.drop(each)
            self._unsaved[_key(each.token, each.id)] = None

    def _put(self, resource: Resource) -> None:
        self._resources.put(resource)
        self._unsaved[_key(resource.token, resource.id)] = _document(resource)

    def _discard(self, unrecorded: Sequence[Resource]) -> None:
        """Remove resources that no run has recorded, even if other resources refer to them."""
        for each in unrecorded:
            if self.get(each.token, each.id):  # not yet removed as a dependent of another one
                self._remove(each)
        if unrecorded:
            self.changed()

    def _save(self) -> None:
        """Write the changes since the last successful call."""
        if self._journal is not None:
            self._journal.write(self._unsaved)
        self._unsaved.clear()

    def _load(self, path: Path, journal: Journal) -> None:
        """Read the state file, or the file of version 1, which is converted.

        Raises:
            StateFileError: The file is damaged, or a newer version wrote it.
        """
        old_path = path.with_suffix(".json")
        if path.exists():
            with _explain_errors(path, FILE_VERSION):
                self._restore(journal.read())
        elif old_path.exists():
            with _explain_errors(old_path, _OLD_VERSION):
                documents = _read_version_1(old_path)
                self._restore(documents)
            journal.write(documents)
        old_path.unlink(missing_ok=True)  # only now, so that a crash loses nothing

    def _restore(self, documents: Mapping[str, Any]) -> None:
        for key, document in documents.items():
            kind, _, name = key.partition(" ")
            if kind == _COUNTER:
                self.counters[name] = document
            else:
                self._resources.put(Resource(**document, token=CATALOG[kind].token, id=name))


def _key(kind: str, name: str) -> str:
    """Return the state file's key for a resource (its type and id) or a counter.

    A space separates them, which no type contains.
    """
    return f"{kind} {name}"


def _read_version_1(path: Path) -> dict[str, Any]:
    """Read a state file of version 1 into the documents of the current one.

    Raises:
        WrongVersion: Another version wrote it.
    """
    saved = json.loads(path.read_text())
    if saved["version"] != _OLD_VERSION:
        raise WrongVersion(saved["version"])
    documents = {}
    for name, count in saved["counters"].items():
        documents[_key(_COUNTER, name)] = count
    for each in saved["resources"]:
        token, identifier = each.pop("token"), each.pop("id")
        documents[_key(token, identifier)] = each
    return documents


def _document(resource: Resource) -> dict[str, Any]:
    """Return a resource's fields, except for the two in its key."""
    document = dict(vars(resource))
    del document["token"], document["id"]
    return document


@contextmanager
def _explain_errors(path: Path, version: int) -> Iterator[None]:
    """Turn an error of reading a state file into one that names the file and what to do.

    Raises:
        StateFileError: The file can't be read.
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


def documents_as_text(kind: ResourceType, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with JSON documents as text; the provider also accepts objects."""
    result = dict(inputs)
    for name in kind.json & inputs.keys():
        if isinstance(inputs[name], dict | list):
            result[name] = json.dumps(inputs[name]) if known(inputs[name]) else UNKNOWN
    return result


def equivalent(kind: ResourceType, name: str, old: object, new: object) -> bool:
    """Return whether two values of one input mean the same to AWS."""
    if old == new:
        return True
    if name in kind.json and isinstance(old, str) and isinstance(new, str):
        try:
            return bool(json.loads(old) == json.loads(new))
        except ValueError:
            return False
    return bool(_in_order(kind, name, old) == _in_order(kind, name, new))


def _in_order(kind: ResourceType, path: str, value: object) -> object:
    """Return the value with its unordered lists sorted, at any depth."""
    if isinstance(value, dict):
        return {name: _in_order(kind, f"{path}.{name}", each) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    items = [_in_order(kind, f"{path}[]", each) for each in value]
    key = partial(json.dumps, sort_keys=True, default=repr)
    return sorted(items, key=key) if path in kind.unordered else items


def changes(kind: ResourceType, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names of the inputs that differ, sorted.

    An input that has its default, and one that is left out, are equivalent.
    """
    names = sorted({*old, *new})
    found = [name for name in names if not equivalent(kind, name, old.get(name), new.get(name))]
    if not found:
        return []
    before, after = _with_defaults(kind, old), _with_defaults(kind, new)
    return [name for name in found if not equivalent(kind, name, before.get(name), after.get(name))]


def _with_defaults(kind: ResourceType, inputs: Properties) -> dict[str, Any]:
    given = without_none(inputs)
    return {**kind.defaults, **given, **kind.derived(inputs)}


def _region_of(inputs: Properties, provider_region: str) -> str:
    region = inputs.get("region")
    return region if isinstance(region, str) and region else provider_region


def _chosen(kind: ResourceType, mint: _Mint, inputs: Properties) -> dict[str, Any]:
    """Return the outputs that AWS chooses once, and the provider's name if the inputs have none."""
    if kind.autoname is None or inputs.get(kind.autoname.property) not in (None, ""):
        return dict(kind.computed(mint, inputs))
    prefix = inputs.get(f"{kind.autoname.property}Prefix")
    if not isinstance(prefix, str):
        prefix = "terraform-"
    name = {kind.autoname.property: prefix + mint.digits(26)}
    return {**name, **kind.computed(mint, {**inputs, **name})}


def _derived(
    kind: ResourceType, inputs: Properties, region: str, tagging: Tagging, chosen: Container[str]
) -> dict[str, Any]:
    """Return the outputs that follow from the inputs: defaults, merged tags, the type's own."""
    derived = dict(kind.defaults)
    for name in kind.defaults:
        if inputs.get(name) is not None or name in chosen:
            del derived[name]
    if "region" in kind.inputs:
        derived["region"] = region
    if kind.tagged:
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
