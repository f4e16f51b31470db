"""URNs of resources, and the URNs that their aliases stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from localaws.mocks.recording import Registered

STACK = "pulumi:pulumi:Stack"


def urn_of(stack: str, project: str, parent: str, kind: str, name: str) -> str:
    """Return the URN that the engine gives to a resource.

    It has the types of all parents except the stack.
    """
    parents = _parts(parent)[2] if parent else STACK
    qualified = kind if parents == STACK else f"{parents}${kind}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def alias_urns(resource: Registered, parent_aliases: Sequence[str]) -> list[str]:
    """Return the URNs that a resource may have had: those of its aliases, and of its parent's.

    As in Pulumi, a child whose name starts with its parent's name is assumed to have had a name
    that started with the parent's old name.
    """
    own = [_alias_urn(resource, each) for each in resource.aliases]
    parent_name = _parts(resource.parent)[3] if resource.parent else ""
    urns = list(own)
    for parent in parent_aliases:
        urns += [_moved_to(parent, parent_name, urn) for urn in (resource.urn, *own)]
    return urns


def _alias_urn(resource: Registered, alias: Mapping[str, Any]) -> str:
    if "urn" in alias:
        return str(alias["urn"])
    spec = alias.get("spec", {})
    stack, project, *_ = _parts(resource.urn)
    parent = spec.get("parentUrn") or resource.parent
    # A part that the alias leaves out, or that the SDK sends empty, is the resource's own.
    return urn_of(
        spec.get("stack") or stack.removeprefix("urn:pulumi:"),
        spec.get("project") or project,
        "" if spec.get("noParent") else parent,
        spec.get("type") or resource.type,
        spec.get("name") or resource.name,
    )


def _moved_to(parent: str, parent_name: str, urn: str) -> str:
    """Return the URN of a child of `parent_name` as a child of that other parent."""
    stack, project, _, other_parent_name = _parts(parent)
    _, _, kinds, name = _parts(urn)
    if name.startswith(parent_name):
        name = other_parent_name + name.removeprefix(parent_name)
    return urn_of(
        stack.removeprefix("urn:pulumi:"), project, parent, kinds.rpartition("$")[2], name
    )


def _parts(urn: str) -> list[str]:
    return urn.split("::", 3)
