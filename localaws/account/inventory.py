"""The resources that exist, and indexes to search them by."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from localaws.catalog import CATALOG
from localaws.catalog.properties import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from localaws.catalog import Resource
    from localaws.catalog.resource_type import Reference


_INDEXED = (str, int, float)
"""Types of values that can be searched for."""


class _Index:
    """Ids of the resources of one type by value; updated with every change."""

    def __init__(self, values_of: Callable[[Resource], Iterable[object]]) -> None:
        self._values_of = values_of
        self._ids: defaultdict[object, dict[str, None]] = defaultdict(dict)

    def ids(self, value: object) -> Iterable[str]:
        """Return the ids of the resources that have the value."""
        return self._ids.get(value, ()) if isinstance(value, _INDEXED) else ()

    def replace(self, old: Resource | None, new: Resource | None) -> None:
        """Replace a resource: `old` is None for a new resource, `new` for a removed one."""
        before, after = self._indexed_values(old), self._indexed_values(new)
        for value in before - after:
            assert old is not None
            del self._ids[value][old.id]
            if not self._ids[value]:
                del self._ids[value]
        for value in after - before:
            assert new is not None
            self._ids[value][new.id] = None

    def _indexed_values(self, resource: Resource | None) -> set[object]:
        if resource is None:
            return set()
        return {each for each in self._values_of(resource) if isinstance(each, _INDEXED)}


class Inventory:
    """Resources by type and id; an index is built when a type is first searched by a property."""

    def __init__(self) -> None:
        self._by_type: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
        self._indexes: defaultdict[str, dict[str, _Index]] = defaultdict(dict)
        self._ages: dict[tuple[str, str], int] = {}
        self._made = 0

    def __deepcopy__(self, _memo: dict[int, Any]) -> Inventory:
        # The general way also copies each number, id and key, and takes ten times as long. A copy
        # searches for little of what the original has indexes of, and builds its own.
        copied = Inventory()
        for token, resources in self._by_type.items():
            copied._by_type[token] = resources.copy()
        copied._ages = self._ages.copy()
        copied._made = self._made
        return copied

    def put(self, resource: Resource) -> None:
        """Add a resource, or replace the one with the same id."""
        former = self._by_type[resource.token].get(resource.id)
        self._by_type[resource.token][resource.id] = resource
        if former is None:
            self._made += 1
            self._ages[resource.token, resource.id] = self._made
        for index in self._indexes[resource.token].values():
            index.replace(former, resource)

    def drop(self, resource: Resource) -> None:
        """Remove an existing resource."""
        former = self._by_type[resource.token].pop(resource.id)
        del self._ages[resource.token, resource.id]
        for index in self._indexes[resource.token].values():
            index.replace(former, None)

    def get(self, token: str, identifier: str) -> Resource | None:
        """Return the resource of this type with that id, or None."""
        return self._by_type[token].get(identifier)

    def all(self, token: str) -> Sequence[Resource]:
        """Return every resource of this type, oldest first."""
        return list(self._by_type[token].values())

    def where(self, token: str, path: str, value: object) -> Sequence[Resource]:
        """Return the resources of a type with this text or number at a path, oldest first."""
        return self._search(token, path, lambda resource: values_at(resource.outputs, path), value)

    def of_urn(self, token: str, urn: str) -> Sequence[Resource]:
        """Return the resources of this type with that URN, oldest first."""
        return self._search(token, "URN", lambda resource: (resource.urn,), urn)

    def by_import_id(self, token: str, import_id: object) -> Resource | None:
        """Return the oldest resource of this type with that `pulumi import` id, or None."""
        if token not in CATALOG:
            return None
        found = self._search(token, "import id", CATALOG[token].import_ids, import_id)
        return found[0] if found else None

    def referring(self, resource: Resource, when_deleted: str) -> Sequence[Resource]:
        """Return the resources that refer to this one, oldest first.

        Only references with this `when_deleted` (of `Reference`) count.
        """
        identifiers = {resource.id, *CATALOG[resource.token].import_ids(resource)}
        found = {}
        for token, reference in _references_to(resource.token):
            if reference.when_deleted != when_deleted:
                continue
            for identifier in identifiers:
                for each in self.where(token, reference.property, identifier):
                    found[each.token, each.id] = each
        found.pop((resource.token, resource.id), None)
        return sorted(found.values(), key=self._age)

    def _search(
        self,
        token: str,
        index_name: str,
        values_of: Callable[[Resource], Iterable[object]],
        value: object,
    ) -> Sequence[Resource]:
        index = self._indexes[token].get(index_name)
        if index is None:
            index = self._indexes[token][index_name] = _Index(values_of)
            for resource in self._by_type[token].values():
                index.replace(None, resource)
        found = [self._by_type[token][identifier] for identifier in index.ids(value)]
        return sorted(found, key=self._age)

    def _age(self, resource: Resource) -> int:
        return self._ages[resource.token, resource.id]


@cache
def _references_to(token: str) -> Sequence[tuple[str, Reference]]:
    """Return the references of all types to this one, each with the type that has it."""
    return list(_find_references_to(token))


def _find_references_to(token: str) -> Iterator[tuple[str, Reference]]:
    for kind in CATALOG.values():
        for reference in kind.references:
            if reference.token == token:
                yield kind.token, reference
