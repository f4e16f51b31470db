"""What fails a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from localaws.catalog import Refusal


class Mistake(AssertionError):  # noqa: N818 — the program's, found by a test that fails
    """The program would fail, or misbehave; the message names the resource and the rule."""

    def __init__(self, where: str, *refusals: Refusal | str) -> None:
        """Name the resource or function, and what is wrong with it."""
        lines = [
            each if isinstance(each, str) else f"{each} [rule {each.rule}]" for each in refusals
        ]
        super().__init__("\n  ".join([f"{where}:", *lines]))
        self.refusals = tuple(each for each in refusals if not isinstance(each, str))


class LookupFailedError(grpc.RpcError):
    """A failed lookup, as the engine reports it; the program may catch it."""

    def __init__(self, function: str, mistake: Mistake) -> None:
        """Say of which function, and what is wrong."""
        super().__init__(f"invocation of {function} returned an error: {mistake}")

    def code(self) -> grpc.StatusCode:
        """The status that the engine answers with."""
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        """Return the error's text."""
        return str(self)
