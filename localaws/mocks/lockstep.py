"""Answer the SDK's calls one at a time, so that a run doesn't depend on the scheduler.

The SDK makes each call to the engine in a thread of the event loop's executor, so which of two
independent resources is registered first is up to the machine. Here the executor only queues such
calls. When the loop has nothing else to do, every call that the program can make without another
answer is in the queue, and one of them is answered. A call that can't succeed yet stays queued
until no other one can be answered: a resource of which AWS refuses that it comes before another
one, or a lookup, which then sees all that the program has made without its answer.
"""

from __future__ import annotations

import selectors
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")
T = TypeVar("T")


class Stage(IntEnum):
    """What is still answered when nothing could be answered in the stage before."""

    REGISTRATIONS = 0
    LOOKUPS = 1
    REFUSALS = 2


class NotYetError(Exception):
    """A call that may succeed later: it is repeated in the next stage or after another call."""


@dataclass(frozen=True, eq=False)
class Call:
    """A call of the SDK's that waits for its answer."""

    make: Callable[[], Any]
    future: Future[Any]


class Lockstep(ThreadPoolExecutor):
    """An executor that makes the SDK's calls one at a time, and only when the event loop is idle.

    `order` sorts the calls that wait; a program must not depend on it, and a test proves that it
    doesn't.
    """

    def __init__(
        self, order: Callable[[Sequence[Call]], Sequence[Call]] = lambda calls: calls
    ) -> None:
        super().__init__(thread_name_prefix="mocks")
        self.stage = Stage.REGISTRATIONS
        self._order = order
        self._waiting: list[Call] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue a call of the SDK's; run at once what the program itself gives to a thread."""
        if not (getattr(fn, "__module__", None) or "").startswith("pulumi."):
            return super().submit(fn, *args, **kwargs)
        call = Call(lambda: fn(*args, **kwargs), Future())
        self._waiting.append(call)
        return call.future

    def answer_one(self) -> bool:
        """Make one of the calls that wait; whether there was one."""
        self._waiting = [call for call in self._waiting if not call.future.cancelled()]
        for stage in Stage:
            for call in self._order(tuple(self._waiting)):
                if self._answered(call, stage):
                    self._waiting.remove(call)
                    return True
        return False

    def _answered(self, call: Call, stage: Stage) -> bool:
        self.stage = stage
        try:
            # In a thread of its own: the engine's side runs event loops, and a thread has only one.
            result = super().submit(call.make).result()
        except NotYetError:
            return False
        # The caller's to handle, as from any executor
        except BaseException as error:  # noqa: BLE001
            call.future.set_exception(error)
        else:
            call.future.set_result(result)
        return True


class IdleSelector(selectors.DefaultSelector):
    """A selector that lets a call be answered whenever its event loop would wait."""

    def __init__(self, calls: Lockstep) -> None:
        super().__init__()
        self._calls = calls

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events, but not when an answer makes the loop go on."""
        # A loop that still has something to run asks with a timeout of 0.
        if timeout != 0 and self._calls.answer_one():
            timeout = 0
        return super().select(timeout)
