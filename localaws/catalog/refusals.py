"""Why AWS, or its provider, doesn't accept something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One reason why AWS, or its provider, doesn't accept something."""

    code: str
    """AWS's error code (`ValidationError`), or `InvalidArgument` where the provider itself objects
    before any call.
    """

    message: str
    """What is wrong, naming the value and what is allowed."""

    rule: str
    """Id of the rule, a row of the rule table in docs/local-aws-rules.md."""

    property: str | None = None
    """The offending input, where there is exactly one."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


Refusals = Iterator[Refusal]
"""What a rule yields: nothing when AWS would accept."""


# AWS's word for the event; the refusals inside it are the errors
class Refused(Exception):  # noqa: N818
    """AWS refuses a request, for at least one reason."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__("; ".join(str(refusal) for refusal in refusals))
        self.refusals = refusals
