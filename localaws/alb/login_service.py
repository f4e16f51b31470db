"""The login service as Envoy reaches it: HTTP/1.1 on a Unix socket in Envoy's folder."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import h11

from localaws.alb.login import Request, Response, cookies_of
from localaws.alb.oidc_filter import RULE, SOCKET
from localaws.machine.stream_server import StreamServer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_CHUNK = 2**16


class LoginService:
    """Answers the Envoy of one folder."""

    def __init__(self, folder: Path, decide: Callable[[Request], Awaitable[Response]]) -> None:
        """Listen to nothing yet."""
        self._folder = folder
        self._decide = decide
        self._server: StreamServer | None = None

    async def start(self) -> None:
        """Listen, if it doesn't yet."""
        if self._server is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / SOCKET).unlink(missing_ok=True)
        # A socket's path must fit 108 characters.
        folder = os.open(self._folder, os.O_PATH)
        try:
            self._server = StreamServer(self._serve)
            await self._server.listen_unix(f"/proc/self/fd/{folder}/{SOCKET}")
            (self._folder / SOCKET).chmod(0o600)
        finally:
            os.close(folder)

    async def close(self) -> None:
        """Stop listening, and close every connection."""
        if self._server is not None:
            await self._server.close()
            self._server = None
            (self._folder / SOCKET).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        with suppress(ConnectionError, h11.RemoteProtocolError):
            while await self._answer(connection, reader, writer):
                connection.start_next_cycle()

    async def _answer(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one request; return whether another may follow."""
        request = None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_CHUNK))
            elif isinstance(event, h11.Request):
                request = _read(event)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                return False
        assert request is not None
        response = await self._decide(request)
        body = response.body.encode()
        headers = [*response.headers, ("content-length", str(len(body)))]
        for part in (
            h11.Response(status_code=response.status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(part) or b"")
        await writer.drain()
        return connection.our_state is h11.DONE


def _read(event: h11.Request) -> Request:
    headers: dict[str, str] = {}
    for name, value in event.headers:
        text = value.decode("latin-1")
        known = headers.get(name.decode())
        headers[name.decode()] = text if known is None else f"{known}; {text}"
    return Request(
        host=headers.get("host", ""),
        path=event.target.decode("latin-1"),
        rule=headers.get(RULE, ""),
        cookies=cookies_of(headers.get("cookie", "")),
        authorization=headers.get("authorization", ""),
    )
