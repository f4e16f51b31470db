"""URNs of resources, and the former URNs of renamed or moved ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from localaws.mocks.recording import Registered

STACK = "pulumi:pulumi:Stack"


def urn_of(stack: str, project: str, parent: str, kind: str, name: str) -> str:
    """As the engine makes it: with all of the parents' types, but for the stack's."""
    parents = _parts(parent)[2] if parent else STACK
    qualified = kind if parents == STACK else f"{parents}${kind}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def former(resource: Registered, parents: Sequence[str]) -> list[str]:
    """Return a resource's possible former URNs: its aliases, also under the parent's former URNs.

    A child whose name begins with its parent's had a name that began with the parent's old one.
    """
    own = [_alias(resource, each) for each in resource.aliases]
    parent_name = _parts(resource.parent)[3] if resource.parent else ""
    return [
        *own,
        *(_under(parent, parent_name, urn) for parent in parents for urn in (resource.urn, *own)),
    ]


def _alias(resource: Registered, alias: Mapping[str, Any]) -> str:
    if "urn" in alias:
        return str(alias["urn"])
    spec = alias.get("spec", {})
    stack, project, *_ = _parts(resource.urn)
    # What is left out, or empty as the parent that the SDK sends, is the resource's own.
    return urn_of(
        spec.get("stack") or stack.removeprefix("urn:pulumi:"),
        spec.get("project") or project,
        "" if spec.get("noParent") else spec.get("parentUrn") or resource.parent,
        spec.get("type") or resource.type,
        spec.get("name") or resource.name,
    )


def _under(parent: str, parent_name: str, urn: str) -> str:
    stack, project, _, former_parent_name = _parts(parent)
    _, _, kinds, name = _parts(urn)
    if name.startswith(parent_name):
        name = former_parent_name + name.removeprefix(parent_name)
    return urn_of(
        stack.removeprefix("urn:pulumi:"), project, parent, kinds.rpartition("$")[2], name
    )


def _parts(urn: str) -> list[str]:
    return urn.split("::", 3)
