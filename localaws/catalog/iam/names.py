"""IAM: names and paths, for which the types of identities and policies have the same rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import is_current
from localaws.catalog.values import Allowed, matches, text

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Resource
    from localaws.catalog.properties import Properties

PATH = matches(r"/|/[\x21-\x7e]{1,510}/", "a path such as / or /service/")

CREATED = "2024-01-01T00:00:00Z"
"""The creation date of every resource; the catalog has no clock."""


def iam_name(longest: int) -> Allowed:
    """Allow IAM's names of at most that length."""
    description = f"1 to {longest} letters, digits and _+=,.@-"
    return matches(rf"[\w+=,.@-]{{1,{longest}}}", description)


def path_and_name(inputs: Properties) -> str:
    """Return a resource's path and name as its ARN has them: `/service/name`."""
    return f"{inputs.get('path') or '/'}{inputs.get('name')}"


def is_taken(account: Account, token: str, inputs: Properties, current: Resource | None) -> bool:
    """Return whether another resource of a type has the same name; upper and lower case are equal.

    `current` is the resource with the inputs, or None before its creation.
    """
    name = text(inputs.get("name"))
    if not name:
        return False
    for each in account.all(token):
        same_name = str(each.outputs.get("name")).lower() == name.lower()
        if same_name and not is_current(each, current):
            return True
    return False
