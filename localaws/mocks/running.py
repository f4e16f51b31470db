"""A program runs to its end, and what it leaves undone is a mistake."""

from __future__ import annotations

import asyncio
import gc
import os
import warnings
from contextlib import contextmanager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from pulumi.runtime.settings import ROOT
from pulumi.runtime.stack import run_in_stack

from localaws.mocks.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def only_in_runs() -> None:
    """From now on, let a resource that is made outside of a run raise at once.

    Pulumi itself would register it in a coroutine that nothing awaits, and the test would pass. For
    a project whose tests all use these mocks; `pulumi.runtime.set_mocks` doesn't work after this.
    """
    ROOT.set(OUTSIDE)


class _Outside:
    """Replaces the stack outside of a run; the SDK reads its transformations first."""

    @property
    def _transformations(self) -> Any:
        raise Mistake(
            "a resource outside of a run",
            "nothing would register it; make it in what mocks.run is given",
        )


OUTSIDE: Any = _Outside()
"""The root resource while there is none; also keeps `set_mocks` from making one that would outlive
a run.
"""


async def to_its_end(program: Callable[[], object], seconds: float) -> None:
    """Run the program until everything that it began has ended.

    Raises:
        Mistake: Something never ends, or is never awaited.
    """

    def main() -> Any:
        result = program()
        return result if isawaitable(result) else None

    try:
        await asyncio.wait_for(run_in_stack(main), seconds)
    except TimeoutError:
        raise Mistake(
            "the program", f"after {seconds:g} s it still waits for an Output or a coroutine"
        ) from None
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        raise Mistake(
            "the program",
            *(f"{each.get_coro()} was started and nothing awaits it" for each in left),
        )


@contextmanager
def outputs_are_no_text() -> Iterator[None]:
    """Make formatting an Output into a text raise, instead of inserting a description."""
    name = "PULUMI_ERROR_OUTPUT_STRING"
    before = os.environ.get(name)
    os.environ[name] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def every_coroutine_awaited() -> Iterator[None]:
    """Turn Python's warning of a coroutine that was never awaited into a failure."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", ".* was never awaited")
        yield
        gc.collect(1)
    for warning in caught:
        if "was never awaited" in str(warning.message):
            raise Mistake("the program", str(warning.message))
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
