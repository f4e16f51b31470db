"""URNs of resources, and the URNs that their aliases stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.protocol.urns import Urn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from localaws.mocks.recording import Registered

STACK = "pulumi:pulumi:Stack"


def urn_of(stack: str, project: str, parent: str, kind: str, name: str) -> str:
    """Return the URN that the engine gives to a resource.

    It has the types of all parents except the stack.
    """
    parents = Urn.of(parent).types if parent else STACK
    types = kind if parents == STACK else f"{parents}${kind}"
    return f"urn:pulumi:{stack}::{project}::{types}::{name}"


def alias_urns(resource: Registered, parent_aliases: Sequence[str]) -> list[str]:
    """Return the URNs that a resource may have had: those of its aliases, and of its parent's.

    As in Pulumi, a child whose name starts with its parent's name is assumed to have had a name
    that started with the parent's old name.
    """
    own = [_alias_urn(resource, each) for each in resource.aliases]
    parent_name = Urn.of(resource.parent).name if resource.parent else ""
    urns = list(own)
    for parent in parent_aliases:
        urns += [_moved_to(parent, parent_name, urn) for urn in (resource.urn, *own)]
    return urns


def _alias_urn(resource: Registered, alias: Mapping[str, Any]) -> str:
    if "urn" in alias:
        return str(alias["urn"])
    spec = alias.get("spec", {})
    own = Urn.of(resource.urn)
    parent = spec.get("parentUrn") or resource.parent
    # A part that the alias leaves out, or that the SDK sends empty, is the resource's own.
    return urn_of(
        spec.get("stack") or own.stack,
        spec.get("project") or own.project,
        "" if spec.get("noParent") else parent,
        spec.get("type") or resource.type,
        spec.get("name") or resource.name,
    )


def _moved_to(parent: str, parent_name: str, urn: str) -> str:
    """Return the URN of a child of `parent_name` as a child of that other parent."""
    new_parent, child = Urn.of(parent), Urn.of(urn)
    name = child.name
    if name.startswith(parent_name):
        name = new_parent.name + name.removeprefix(parent_name)
    return urn_of(new_parent.stack, new_parent.project, parent, child.type, name)
