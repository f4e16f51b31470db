"""The parts of a resource's URN."""

from __future__ import annotations

from typing import NamedTuple


class Urn(NamedTuple):
    """A URN, divided into its parts."""

    stack: str
    project: str
    types: str
    """The types of its parents except the stack, and its own, separated by `$`."""

    name: str

    @classmethod
    def of(cls, text: str) -> Urn:
        """Divide a URN."""
        stack, project, types, name = text.removeprefix("urn:pulumi:").split("::", 3)
        return cls(stack, project, types, name)

    @property
    def type(self) -> str:
        """The token of the resource's type in the program."""
        return self.types.rpartition("$")[2]


def described(urn: str) -> str:
    """Return a resource's type and name as messages have them: `Service 'web'`."""
    resource = Urn.of(urn)
    return f"{resource.type.rpartition(':')[2]} '{resource.name}'"
