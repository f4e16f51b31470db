"""What was published to topics. No message leaves this machine; `status` lists them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED: Final = 20
"""Messages that are kept."""


@dataclass(frozen=True)
class Message:
    """A message to a topic."""

    at: float
    """Seconds since the epoch."""

    topic: str
    """ARN."""

    subject: str
    text: str


class Notifications:
    """The last messages that alarms published."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """Begin without messages; `clock` gives seconds since the epoch."""
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=REMEMBERED)

    def publish(self, topic: str, subject: str, text: str) -> None:
        """Take a message to a topic."""
        self._messages.appendleft(Message(self._clock(), topic, subject, text))

    def status(self) -> list[dict[str, Any]]:
        """Return the last messages, the newest first."""
        return [asdict(each) for each in self._messages]
