"""What fails a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localaws.catalog import Refusal


class Mistake(AssertionError):  # noqa: N818 — the program's, found by a test that fails
    """The program would fail, or do something else than it says; the message says what, where and by which rule."""

    def __init__(self, where: str, *refusals: Refusal | str) -> None:
        """Name the resource or function, and what is wrong with it."""
        lines = [each if isinstance(each, str) else f"{each} [rule {each.rule}]" for each in refusals]
        super().__init__("\n  ".join([f"{where}:", *lines]))
        self.refusals = tuple(each for each in refusals if not isinstance(each, str))
