"""The resources that exist, with an index for each way in which they are searched for."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

from localaws.catalog import CATALOG
from localaws.catalog.properties import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from localaws.catalog import Resource
    from localaws.catalog.resource_type import Reference


_INDEXED = (str, int, float)
"""What can be searched for; lists and maps can't."""


class _Index:
    """Which resources of one type have which values; follows every change."""

    def __init__(self, values_of: Callable[[Resource], Iterable[object]]) -> None:
        self._values_of = values_of
        self._ids: defaultdict[object, dict[str, None]] = defaultdict(dict)

    def ids(self, value: object) -> Iterable[str]:
        """Ids of the resources that have the value."""
        return self._ids.get(value, ()) if isinstance(value, _INDEXED) else ()

    def replace(self, old: Resource | None, new: Resource | None) -> None:
        """Take a resource in its new form for the old one; None for one that isn't there."""
        before, after = ({*self._hashable(each)} if each else set() for each in (old, new))
        for value in before - after:
            assert old is not None
            del self._ids[value][old.id]
            if not self._ids[value]:
                del self._ids[value]
        for value in after - before:
            assert new is not None
            self._ids[value][new.id] = None

    def _hashable(self, resource: Resource) -> Iterator[object]:
        return (each for each in self._values_of(resource) if isinstance(each, _INDEXED))


class Inventory:
    """Resources by type and id, with an index for each question that has been asked."""

    def __init__(self) -> None:
        self._by_type: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
        self._indexes: defaultdict[str, dict[str, _Index]] = defaultdict(dict)
        self._ages: dict[tuple[str, str], int] = {}
        self._made = 0

    def put(self, resource: Resource) -> None:
        """Add a resource, or replace the one of that id."""
        former = self._by_type[resource.token].get(resource.id)
        self._by_type[resource.token][resource.id] = resource
        if former is None:
            self._made += 1
            self._ages[resource.token, resource.id] = self._made
        for index in self._indexes[resource.token].values():
            index.replace(former, resource)

    def drop(self, resource: Resource) -> None:
        """Remove a resource that is there."""
        former = self._by_type[resource.token].pop(resource.id)
        del self._ages[resource.token, resource.id]
        for index in self._indexes[resource.token].values():
            index.replace(former, None)

    def get(self, token: str, identifier: str) -> Resource | None:
        """The resource of this type with that id, or None."""
        return self._by_type[token].get(identifier)

    def all(self, token: str) -> Sequence[Resource]:
        """Every resource of this type, oldest first."""
        return list(self._by_type[token].values())

    def where(self, token: str, path: str, value: object) -> Sequence[Resource]:
        """Return the resources of a type with a text or number at a path, oldest first."""
        return self._found(token, path, lambda resource: values_at(resource.outputs, path), value)

    def of_urn(self, token: str, urn: str) -> Sequence[Resource]:
        """The resources of this type that Pulumi calls so, oldest first."""
        return self._found(token, "URN", lambda resource: (resource.urn,), urn)

    def named(self, token: str, name: object) -> Resource | None:
        """The oldest resource of this type that `pulumi import` knows by that name, or None."""
        if token not in CATALOG:
            return None
        return next(iter(self._found(token, "import id", CATALOG[token].import_ids, name)), None)

    def referring(self, resource: Resource, when_deleted: str) -> Sequence[Resource]:
        """Return the resources with a reference of that kind to this one, oldest first."""
        found = {}
        for token, reference in _references_to(resource.token):
            if reference.when_deleted == when_deleted:
                for name in {resource.id, *CATALOG[resource.token].import_ids(resource)}:
                    for each in self.where(token, reference.property, name):
                        found[each.token, each.id] = each
        found.pop((resource.token, resource.id), None)
        return sorted(found.values(), key=self._age)

    def _found(
        self,
        token: str,
        question: str,
        values_of: Callable[[Resource], Iterable[object]],
        value: object,
    ) -> Sequence[Resource]:
        index = self._indexes[token].get(question)
        if index is None:
            index = self._indexes[token][question] = _Index(values_of)
            for resource in self._by_type[token].values():
                index.replace(None, resource)
        return sorted((self._by_type[token][each] for each in index.ids(value)), key=self._age)

    def _age(self, resource: Resource) -> int:
        return self._ages[resource.token, resource.id]


@cache
def _references_to(token: str) -> Sequence[tuple[str, Reference]]:
    """The references of all types to this one, each with the type that has it."""
    return [
        (kind.token, reference)
        for kind in CATALOG.values()
        for reference in kind.references
        if reference.token == token
    ]
