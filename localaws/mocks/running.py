"""Run a program to completion; what it starts and doesn't wait for is a mistake."""

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
    """Make the creation of a resource outside of a run an error, from now on.

    Pulumi itself would register the resource in a coroutine that nothing awaits, and the test would
    pass. Call this only in a project whose tests all use these mocks, because
    `pulumi.runtime.set_mocks` doesn't work afterwards.
    """
    ROOT.set(OUTSIDE)


class _Outside:
    """Replaces the stack outside of a run; raises as soon as the SDK uses it."""

    @property
    def _transformations(self) -> Any:
        raise Mistake(
            "a resource outside of a run",
            "nothing would register it; make it in what mocks.run is given",
        )


OUTSIDE: Any = _Outside()
"""The root resource outside of a run. It also keeps `set_mocks` from creating a stack that would
still exist after a run.
"""


async def run_to_completion(program: Callable[[], object], seconds: float) -> None:
    """Run the program until everything that it started has finished.

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
    unfinished = asyncio.all_tasks() - {asyncio.current_task()}
    if unfinished:
        coroutines = [each.get_coro() for each in unfinished]
        raise Mistake(
            "the program", *(f"{each} was started and nothing awaits it" for each in coroutines)
        )


@contextmanager
def outputs_cant_be_formatted() -> Iterator[None]:
    """Make formatting an Output into a text an error, instead of inserting a description."""
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
