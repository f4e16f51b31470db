"""Requests while a stack changes, and the tasks that answer them."""

from __future__ import annotations

import itertools
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from http.client import HTTPException
from typing import TYPE_CHECKING, Self

from tests.engine.requests import Connection, page

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE_SECONDS = 0.03
"""That makes about 25 requests a second. Each costs 2 to 5 ms of CPU time in all processes."""


class InBackground(ABC):
    """Requests in a thread, until the block ends."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @abstractmethod
    def _run(self) -> None:
        """Make requests until the event is set."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


class Traffic(InBackground):
    """Requests one after the other until the block ends, alternately on a connection of their own.

    The others share one connection, as those of a browser do: it must not be cut either.
    """

    pause = PAUSE_SECONDS
    """Seconds between two requests."""

    def __init__(self, url: str, *, host: str = "") -> None:
        """Request nothing yet.

        Args:
            url: The page.
            host: The host to request it of, if that isn't the URL's.
        """
        super().__init__()
        self.url = url
        self.host = host
        self.answers: Counter[str] = Counter()
        self._kept = Connection(url, host=host)

    def _run(self) -> None:
        for ask in itertools.cycle(self.lanes()):
            if self._stop.is_set():
                return
            try:
                self.answers[str(ask())] += 1
            except (OSError, HTTPException) as error:
                self.answers[f"{type(error).__name__}: {error}"] += 1
            time.sleep(self.pause)

    def lanes(self) -> tuple[Callable[[], int], ...]:
        """Return functions that make a request and return the status that it is answered with."""
        return (
            lambda: page(self.url, host=self.host).status,
            lambda: self._kept.page().status,
        )

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._kept.close()


def answering(url: str, requests: int, *, host: str = "") -> list[str]:
    """Return the hosts that answer requests on one connection, in their order.

    Args:
        url: The page.
        requests: How many requests to make.
        host: The host to request it of, if that isn't the URL's.
    """
    with Connection(url, host=host) as connection:
        pages = [connection.page().text for _ in range(requests)]
    return [text.split("Hello from ")[1].split("<")[0] for text in pages]


def tasks(url: str, *, host: str = "") -> set[str]:
    """Return the hosts that answer forty requests, of a host if that isn't the URL's."""
    return set(answering(url, 40, host=host))
