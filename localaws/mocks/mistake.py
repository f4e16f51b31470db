"""The exceptions that fail a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from localaws.catalog import Refusal


class Mistake(AssertionError):  # noqa: N818 — the program's, found by a test that fails
    """The program would fail or misbehave; the message names the resource, and AWS's rule."""

    refusals: tuple[Refusal, ...]
    """What AWS would refuse; empty if it is another mistake."""

    def __init__(self, where: str, *reasons: Refusal | str) -> None:
        """Report what is wrong with a resource or function."""
        lines = [f"{where}:"]
        refusals = []
        for reason in reasons:
            if isinstance(reason, str):
                lines.append(reason)
            else:
                lines.append(f"{reason} [rule {reason.rule}]")
                refusals.append(reason)
        super().__init__("\n  ".join(lines))
        self.refusals = tuple(refusals)


class LookupFailedError(grpc.RpcError):
    """A failed lookup in the form of an engine's error; the program may catch it."""

    def __init__(self, function: str, mistake: Mistake) -> None:
        """Report what is wrong with a function's call."""
        super().__init__(f"invocation of {function} returned an error: {mistake}")

    def code(self) -> grpc.StatusCode:
        """Return the status code of the engine's answer."""
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        """Return the error's text."""
        return str(self)
