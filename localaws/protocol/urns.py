"""The parts of a resource's URN that the providers read."""

from __future__ import annotations


def type_of_urn(urn: str) -> str:
    """Return the token of a resource's type in the program: the last type in its URN."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def name_of_urn(urn: str) -> str:
    """Return a resource's name in the program."""
    return urn.split("::", 3)[3]


def described(urn: str) -> str:
    """Return a resource's type and name as messages have them: `Service 'web'`."""
    return f"{type_of_urn(urn).rsplit(':', 1)[-1]} '{name_of_urn(urn)}'"
