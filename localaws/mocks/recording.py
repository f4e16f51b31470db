"""What a run of a program registered, for a test to look at."""

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
    """One resource as the program, or a component from elsewhere, registered it."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    """Plain values by camelCase name, secrets unwrapped, a resource as its id; `UNKNOWN` in a
    preview only.
    """

    custom: bool = True
    """Whether it is a resource of a provider's; a component isn't."""

    dependencies: frozenset[str] = frozenset()
    """URNs: what its inputs came from, and its `depends_on`."""

    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    import_id: str = ""
    timeouts: tuple[str, str, str] = ("", "", "")
    """Create, update and delete."""

    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    secret_outputs: tuple[str, ...] = ()
    deleted_with: str = ""
    provider: str = ""
    """URN of the provider that was chosen for it; empty for the default one."""

    aliases: tuple[Mapping[str, Any], ...] = ()
    """As the engine gets them: `{"urn": ...}`, or `{"spec": {"name": ..., "parentUrn": ...}}`."""

    hooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of its hooks by the moment they run at: `before_create`, `after_update`, `on_error`."""


@dataclass(frozen=True)
class Recording:
    """What a run of a whole program registered."""

    registered: Sequence[Registered]
    """In the order of registration, which isn't the program's."""

    outputs: Mapping[str, Mapping[str, Any]]
    """What each component, and the stack, registered as its outputs, by URN."""

    invoked: Sequence[tuple[str, Mapping[str, Any]]]
    """Tokens of the functions it called, and their arguments."""

    cloud: Cloud
    """The account as the program left it."""

    project: str
    stack: str
    resources: Mapping[str, Resource]
    """What the account holds of the program's after the run, by URN; a preview leaves what it
    found.
    """

    operations: Mapping[str, str]
    """What happens to each resource of AWS's, by URN: `create`, `update`, `replace`, `delete`,
    `import` or `same`.
    """

    @property
    def exports(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        name = f"{self.project}-{self.stack}"
        root = f"urn:pulumi:{self.stack}::{self.project}::pulumi:pulumi:Stack::{name}"
        return self.outputs[root]

    def all(self, kind: str) -> list[Registered]:
        """Return all AWS resources of a type, by its last word (`Listener`) or any token."""
        ours = [each for each in self.registered if each.type.startswith("aws:")]
        return [
            each
            for each in ours
            if kind == word(each.type) or canonical(kind) == canonical(each.type)
        ]

    def one(self, kind: str, name: str | None = None) -> Registered:
        """The only resource of AWS's of a type, or the one of that name."""
        return _only(
            f"{kind} {name or ''}", [each for each in self.all(kind) if name in {None, each.name}]
        )

    def component(self, kind: str) -> Registered:
        """The only component of that class."""
        return _only(
            kind, [each for each in self.registered if not each.custom and word(each.type) == kind]
        )

    def id(self, resource: Registered) -> str:
        """The id that the cloud gave a resource."""
        return self.resources[resource.urn].id

    def done(self) -> set[tuple[str, str]]:
        """What happens, and to which types (their last words), where anything does."""
        words = {urn: urn.split("::")[2].rpartition(":")[2] for urn in self.operations}
        return {
            (operation, words[urn])
            for urn, operation in self.operations.items()
            if operation != "same"
        }

    def children(self, component: Registered) -> set[tuple[str, str]]:
        """Type (its last word) and name of everything whose parent is that component."""
        mine = [each for each in self.registered if each.parent == component.urn]
        return {(word(each.type), each.name) for each in mine}


def word(token: str) -> str:
    """The last word of a type token."""
    return token.rpartition(":")[2]


def _only(what: str, found: Sequence[Registered]) -> Registered:
    if len(found) != 1:
        raise AssertionError(
            f"one {what.strip()} was expected, registered were {[each.urn for each in found]}"
        )
    return found[0]
