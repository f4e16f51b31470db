"""Answer the SDK's calls one at a time, so that a run doesn't depend on thread scheduling.

The SDK makes each call to the engine in a thread of the event loop's executor, so the order in
which two independent resources are registered depends on the machine. Here the loop only queues
such calls. When it is idle, the queue has every call that the program can make without another
answer, and one of them is answered.

A call that can't succeed yet stays in the queue until no other call can be answered. Such calls are
the creation of a resource that AWS refuses until another one exists, and every lookup: it then sees
all resources that don't depend on its result.
"""

from __future__ import annotations

import asyncio
import selectors
from asyncio import events
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Phase(IntEnum):
    """Kinds of calls, by when they are answered: each once no call of the kinds before can be."""

    REGISTRATIONS = 0
    LOOKUPS = 1
    REFUSALS = 2


class NotYetError(Exception):
    """The call can't succeed yet: repeat it in a later phase, or after another call."""

    def __init__(self, earliest: Phase = Phase.REGISTRATIONS) -> None:
        super().__init__()
        self.earliest = earliest
        """First phase in which it can succeed at all."""


@dataclass(eq=False)
class Call:
    """A call by the SDK that waits for its answer."""

    make: Callable[[], Any]
    future: asyncio.Future[Any]
    earliest: Phase = Phase.REGISTRATIONS
    """First phase in which it can succeed, as far as is known."""


class Lockstep:
    """Makes the SDK's calls one at a time, and only when the event loop is idle.

    `order` sorts the waiting calls. The result of a run doesn't depend on it; tests check that.
    """

    def __init__(
        self, order: Callable[[Sequence[Call]], Sequence[Call]] = lambda calls: calls
    ) -> None:
        self.phase = Phase.REGISTRATIONS
        self._order = order
        self._waiting: list[Call] = []

    def add(self, call: Call) -> None:
        """Queue a call."""
        self._waiting.append(call)

    def answer_one(self) -> bool:
        """Answer one of the waiting calls; return False if none can be answered."""
        for phase in Phase:
            for call in self._order(tuple(self._waiting)):
                if call.future.cancelled():
                    self._waiting.remove(call)
                elif call.earliest <= phase and self._answer(call, phase):
                    self._waiting.remove(call)
                    return True
        return False

    def _answer(self, call: Call, phase: Phase) -> bool:
        """Make a call and set its result; return False if it can't succeed at this phase."""
        self.phase = phase
        try:
            with _no_event_loop_running():
                result = call.make()
        except NotYetError as error:
            call.earliest = max(call.earliest, error.earliest)
            return False
        # The caller's to handle, as from any executor
        except BaseException as error:  # noqa: BLE001
            call.future.set_exception(error)
        else:
            call.future.set_result(result)
        return True


@contextmanager
def _no_event_loop_running() -> Iterator[None]:
    """Let the block run event loops, of which a thread usually has only one.

    The program's own waits for the block: each call in another thread is a twentieth of a run.
    """
    # asyncio has these functions for other implementations of an event loop.
    waiting = events._get_running_loop()  # noqa: SLF001
    events._set_running_loop(None)  # noqa: SLF001
    try:
        yield
    finally:
        events._set_running_loop(waiting)  # noqa: SLF001


class BusySelector(selectors.DefaultSelector):
    """A selector that waits for events, but doesn't look for them while callbacks are to run.

    A loop that has callbacks to run selects with a timeout of 0. Until it opens a socket, it has
    only the one by which other threads wake it up, and they add their callbacks by themselves.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events."""
        if timeout == 0 and len(self.get_map()) == 1:
            return []
        return super().select(timeout)


class _IdleSelector(BusySelector):
    """A selector that answers one of the SDK's calls whenever its event loop would wait."""

    def __init__(self, calls: Lockstep) -> None:
        super().__init__()
        self._calls = calls

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events; if a call was answered, don't wait."""
        if timeout != 0 and self._calls.answer_one():
            timeout = 0
        return super().select(timeout)


class EventLoop(asyncio.SelectorEventLoop):
    """The event loop of a program whose calls by the SDK are answered when it is idle."""

    def __init__(self, calls: Lockstep) -> None:
        super().__init__(_IdleSelector(calls))
        self._calls = calls

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Queue a call by the SDK; run a function that the program runs in a thread."""
        if not (getattr(func, "__module__", None) or "").startswith("pulumi."):
            return super().run_in_executor(executor, func, *args)
        future: asyncio.Future[T] = self.create_future()
        self._calls.add(Call(partial(func, *args), future))
        return future
