"""The record of a run, which tests examine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.catalog.tokens import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.account.cloud import Cloud
    from localaws.catalog import Resource


@dataclass(frozen=True)
class Registered:
    """A resource that the program, or one of awsx's components, registered."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    """Plain values by camelCase name, secrets unwrapped, a resource as its id; `UNKNOWN` in a
    preview only.
    """

    custom: bool = True
    """Whether a provider manages it; False for a component."""

    dependencies: frozenset[str] = frozenset()
    """URNs of the resources that its inputs come from, and of its `depends_on`."""

    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    import_id: str = ""
    timeouts: tuple[str, str, str] = ("", "", "")
    """For creation, update and deletion."""

    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    secret_outputs: tuple[str, ...] = ()
    deleted_with: str = ""
    provider: str = ""
    """URN of its explicit provider; empty for the default provider."""

    aliases: tuple[Mapping[str, Any], ...] = ()
    """In the engine's form: `{"urn": ...}`, or `{"spec": {"name": ..., "parentUrn": ...}}`."""

    hooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of its hooks, by when they run: `before_create`, `after_update`, `on_error`."""


@dataclass(frozen=True)
class Recording:
    """Everything that a run of a program registered, and the account afterwards."""

    registered: Sequence[Registered]
    """In the order of registration, which isn't the order of the program's statements."""

    outputs: Mapping[str, Mapping[str, Any]]
    """The outputs that each component, and the stack, registered, by URN."""

    invoked: Sequence[tuple[str, Mapping[str, Any]]]
    """The functions that the program called, by token, and their arguments."""

    cloud: Cloud
    """The account as the program left it."""

    project: str
    stack: str
    resources: Mapping[str, Resource]
    """The program's resources in the account after the run, by URN; after a preview, those before
    it.
    """

    operations: Mapping[str, str]
    """The operation on each AWS resource, by URN: `create`, `update`, `replace`, `delete`, `import`
    or `same`.
    """

    @property
    def exports(self) -> Mapping[str, Any]:
        """The stack's outputs, by name."""
        name = f"{self.project}-{self.stack}"
        root = f"urn:pulumi:{self.stack}::{self.project}::pulumi:pulumi:Stack::{name}"
        return self.outputs[root]

    def all(self, kind: str) -> list[Registered]:
        """Return all AWS resources of a type, by its last word (`Listener`) or any token."""
        found = []
        for each in self.registered:
            matches = kind == word(each.type) or canonical(kind) == canonical(each.type)
            if each.type.startswith("aws:") and matches:
                found.append(each)
        return found

    def one(self, kind: str, name: str | None = None) -> Registered:
        """Return the only AWS resource of a type, or the only one with that name."""
        found = [each for each in self.all(kind) if name in {None, each.name}]
        return _only(f"{kind} {name or ''}", found)

    def component(self, kind: str) -> Registered:
        """Return the only component of that class."""
        components = [each for each in self.registered if not each.custom]
        return _only(kind, [each for each in components if word(each.type) == kind])

    def id(self, resource: Registered) -> str:
        """Return a resource's id in the cloud."""
        return self.resources[resource.urn].id

    def done(self) -> set[tuple[str, str]]:
        """Return each operation with the last word of the type: `("update", "Service")`.

        Resources that stay the same are left out.
        """
        operations = set()
        for urn, operation in self.operations.items():
            if operation != "same":
                operations.add((operation, word(urn.split("::")[2])))
        return operations

    def children(self, component: Registered) -> set[tuple[str, str]]:
        """Return the children of a component: the type's last word, and the name."""
        children = [each for each in self.registered if each.parent == component.urn]
        return {(word(each.type), each.name) for each in children}


def word(token: str) -> str:
    """Return the last word of a type token: `Service` of `aws:ecs/service:Service`."""
    return token.rpartition(":")[2]


def _only(what: str, found: Sequence[Registered]) -> Registered:
    if len(found) != 1:
        raise AssertionError(
            f"one {what.strip()} was expected, registered were {[each.urn for each in found]}"
        )
    return found[0]
