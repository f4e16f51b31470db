"""Requests while a stack changes, and the tasks that answer them."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from http.client import HTTPException
from typing import Self

import httpx

from tests.engine.requests import page

PAUSE_SECONDS = 0.02
"""That makes about 40 requests a second, which leave the CPU to the deployment."""


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
    """Requests one after the other, each on its own connection, until the block ends."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.answers: Counter[str] = Counter()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers[str(self.ask())] += 1
            except (OSError, HTTPException, httpx.HTTPError) as error:
                self.answers[f"{type(error).__name__}: {error}"] += 1
            time.sleep(PAUSE_SECONDS)

    def ask(self) -> int:
        """Make a request, and return the status that it is answered with."""
        return page(self.url).status


def tasks(url: str, requests: int = 40) -> set[str]:
    """Return the hosts that answer a number of requests."""
    pages = (page(url).text for _ in range(requests))
    return {text.split("Hello from ")[1].split("<")[0] for text in pages}
