"""A network that is made up: a handler's answers, behind the interface of a real connection."""

import asyncio
import itertools
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import h11

from verify.transport import Exchange, Response, Step
from verify.values import Door


class Asked(NamedTuple):
    """Whom a request went to, and what it was."""

    address: str
    method: str
    host: str


Handler = Callable[[int, Asked], Response]
"""Given the number of a request; raises what goes wrong in the handshake, or once it is sent."""


def response(
    status: int, text: str | bytes = "", headers: Mapping[str, str] | Sequence[tuple[str, str | bytes]] = ()
) -> Response:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Response(
        status,
        tuple((name.encode(), _encoded(value)) for name, value in pairs),
        _encoded(text),
    )


def _encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def exchange(handler: Handler, *, connecting: float = 0.0, answering: float = 0.0, dead: str = "") -> Exchange:
    """One that takes some seconds to connect, which at the `dead` address fails, and some to answer."""
    numbers = itertools.count()

    async def exchanged(
        to: Door, request: h11.Request, *, connect_limit: float, max_body: int, mark: Callable[[Step], None]
    ) -> Response:
        number = next(numbers)
        mark("connecting")
        await asyncio.sleep(connecting)
        if to.host == dead:
            raise ConnectionRefusedError("connection refused")
        mark("connected")
        await asyncio.sleep(answering)
        host = dict(request.headers)[b"host"].decode()
        try:
            answer = handler(number, Asked(to.host, request.method.decode(), host))
        except Exception as error:
            if not isinstance(error, ssl.SSLError):
                mark("sending")
            raise
        mark("sending")
        mark("first_byte")
        return answer

    return exchanged
