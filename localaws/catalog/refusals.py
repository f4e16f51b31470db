"""The reasons why AWS, or its provider, doesn't accept a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One reason why AWS, or its provider, doesn't accept a request."""

    code: str
    """AWS's error code (`ValidationError`), or `InvalidArgument` if the provider itself refuses
    before any call.
    """

    message: str
    """The error, with the value and what is allowed."""

    rule: str
    """Id of the rule, a row of the table in docs/local-aws-rules.md."""

    property: str | None = None
    """The input that is wrong, if it is exactly one."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


Refusals = Iterator[Refusal]
"""The result of a rule: empty if AWS would accept."""


# "Refused" without "Error": each of its refusals is an error
class Refused(Exception):  # noqa: N818
    """AWS refuses a request, for at least one reason."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__("; ".join(map(str, refusals)))
        self.refusals = refusals
