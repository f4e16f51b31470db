"""The resources that exist in the local AWS, what they are to each other, and their file on disk."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from localaws.catalog import CATALOG, UNKNOWN, Refusal, Refused, Resource, ResourceType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from localaws.catalog import Properties

ACCOUNT = "123456789012"
"""The account every local resource belongs to: the number AWS's own documentation uses."""

ZONES = ("a", "b", "c")


def type_of(token: str) -> ResourceType:
    """The catalog's entry for a type token.

    Raises:
        Refused: The catalog has no such type.
    """
    try:
        return CATALOG[token]
    except KeyError:
        raise Refused(
            Refusal(
                "UnknownResourceType",
                f"the local AWS doesn't know {token}; add a ResourceType for it under localaws/catalog/",
                "catalog.type",
            )
        ) from None


@dataclass(frozen=True)
class _Mint:
    """Makes up ids for one new resource."""

    region: str
    world: Cloud

    def hex(self, digits: int) -> str:
        return f"{self.world.random.getrandbits(4 * digits):0{digits}x}"

    def digits(self, count: int) -> str:
        return str(self.world.random.randrange(10 ** (count - 1), 10**count))

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        return f"arn:aws:{service}:{self.region if region is None else region}:{self.world.account}:{resource}"

    def count(self, counter: str) -> int:
        self.world.counters[counter] += 1
        return self.world.counters[counter]


class Cloud:
    """An AWS account: refuses what the catalog refuses, remembers the rest.

    Not safe for threads: the daemon calls it from one event loop, a test from one thread.
    """

    def __init__(self, path: Path | None = None, *, seed: int | None = None) -> None:
        """Start from the file at `path` if it exists, and keep it current; without a path, from nothing, in memory."""
        self.account = ACCOUNT
        self.zones: Sequence[str] = ZONES
        self.random = random.Random(seed)  # noqa: S311 — ids, not secrets; a seed makes a test repeatable
        self.counters: Counter[str] = Counter()
        self.on_change: list[Callable[[], None]] = []
        self._path = path
        self._resources: dict[tuple[str, str], Resource] = {}
        if path is not None and path.exists():
            saved = json.loads(path.read_text())
            self.counters.update(saved["counters"])
            for each in saved["resources"]:
                resource = Resource(**each)
                self._resources[resource.token, resource.id] = resource

    def get(self, token: str, identifier: object) -> Resource | None:
        """The resource of this type with that id, or None."""
        return self._resources.get((token, identifier)) if isinstance(identifier, str) else None

    def all(self, token: str) -> Sequence[Resource]:
        """Every resource of this type, oldest first."""
        return [resource for resource in self._resources.values() if resource.token == token]

    def find(self, token: str, import_id: str) -> Resource | None:
        """The resource that `pulumi import` means by that id, or None."""
        matches = (each for each in self.all(token) if import_id in type_of(token).import_ids(each))
        return self.get(token, import_id) or next(matches, None)

    def preview(self, token: str, inputs: Properties) -> dict[str, Any]:
        """The outputs of a creation as far as a preview can tell: what only AWS can choose is UNKNOWN."""
        return {**dict.fromkeys(type_of(token).unknown_until_created, UNKNOWN), **inputs}

    def create(self, token: str, urn: str, inputs: Properties, *, region: str) -> Resource:
        """Make a resource.

        A resource of the same URN that the engine never mentioned again is left over from a creation whose answer was
        lost (the daemon was killed): the engine doesn't know it, so it makes room for this one.

        Raises:
            Refused: The catalog says that AWS would refuse it; nothing was made.
        """
        kind = type_of(token)
        for orphan in [each for each in self.all(token) if each.urn == urn and not each.acknowledged]:
            del self._resources[token, orphan.id]
        _raise(*kind.check(inputs), *kind.admit(inputs, self, None))
        computed = dict(kind.computed(_Mint(region, self), inputs))
        resource = Resource(token, computed.pop("id"), urn, region, dict(inputs), computed)
        self._resources[token, resource.id] = resource
        self.changed()
        return resource

    def update(self, token: str, identifier: str, inputs: Properties) -> Resource:
        """Change a resource in place.

        Raises:
            Refused: It doesn't exist, or the catalog says that AWS would refuse the change; nothing was changed.
        """
        kind = type_of(token)
        current = self._existing(token, identifier)
        _raise(*kind.check(inputs), *kind.admit(inputs, self, current))
        resource = replace(current, inputs=dict(inputs))
        self._resources[token, identifier] = resource
        self.changed()
        return resource

    def delete(self, token: str, identifier: str) -> None:
        """Remove a resource; one that is gone already is no error.

        Raises:
            Refused: Something still uses it.
        """
        resource = self.get(token, identifier)
        if resource is None:
            return
        _raise(*type_of(token).in_use(resource, self))
        del self._resources[token, identifier]
        self.changed()

    def acknowledge(self, token: str, identifier: str) -> None:
        """Note that the engine knows this resource."""
        resource = self.get(token, identifier)
        if resource is not None and not resource.acknowledged:
            self._resources[token, identifier] = replace(resource, acknowledged=True)

    def changed(self) -> None:
        """Save what exists, then tell whoever follows changes."""
        if self._path is not None:
            document = {
                "counters": dict(self.counters),
                "resources": [asdict(each) for each in self._resources.values()],
            }
            write_atomically(self._path, json.dumps(document, indent=1))
        for follow in self.on_change:
            follow()

    def _existing(self, token: str, identifier: str) -> Resource:
        resource = self.get(token, identifier)
        if resource is None:
            raise Refused(Refusal("ResourceNotFoundException", f"{token} {identifier} does not exist", "cloud.exists"))
        return resource


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content so that a reader, or a crash at any moment, sees the old or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    scratch.write_text(text)
    scratch.replace(path)


def same(kind: ResourceType, name: str, old: object, new: object) -> bool:
    """Whether two values of one input mean the same to AWS."""
    if name in kind.json and isinstance(old, str) and isinstance(new, str):
        try:
            return bool(json.loads(old) == json.loads(new))
        except ValueError:
            return old == new
    if name in kind.unordered and isinstance(old, list) and isinstance(new, list):
        return sorted(map(repr, old)) == sorted(map(repr, new))
    return old == new


def changes(kind: ResourceType, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of the inputs that differ, sorted."""
    return sorted(name for name in {*old, *new} if not same(kind, name, old.get(name), new.get(name)))


def _raise(*refusals: Refusal) -> None:
    if refusals:
        raise Refused(*refusals)
