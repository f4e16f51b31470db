"""Envoy's admin interface, over one connection to its Unix socket."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class EnvoyAdmin:
    """Asks one Envoy after the other that listens at the same socket."""

    def __init__(self, folder: Path, socket: str) -> None:
        """Connect at the first question.

        Args:
            folder: Where the socket is.
            socket: Its name.
        """
        self._folder = folder
        self._socket = socket
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        """Kept, since connecting takes more time than a question and its answer."""

        self._turn = asyncio.Lock()

    async def ask(self, path: str) -> str:
        """Return what Envoy answers to a GET.

        Raises:
            OSError: No Envoy answers.
        """
        async with self._turn:
            if self._connection is not None:
                try:
                    return await self._exchange(path)
                except OSError:
                    pass  # that Envoy ended, and another may have started
            # The socket's own path may be longer than a socket's address can be.
            folder = os.open(self._folder, os.O_PATH)
            try:
                name = f"/proc/self/fd/{folder}/{self._socket}"
                self._connection = await asyncio.open_unix_connection(name)
            finally:
                os.close(folder)
            return await self._exchange(path)

    def close(self) -> None:
        """Close the connection, until the next question."""
        if self._connection is not None:
            _, writer = self._connection
            writer.transport.abort()
            self._connection = None

    async def _exchange(self, path: str) -> str:
        """Send a request and read its answer; without a whole one, close the connection.

        Raises:
            OSError: The connection ended before.
        """
        assert self._connection is not None
        reader, writer = self._connection
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: envoy\r\n\r\n".encode())
            return (await _body(reader)).decode()
        except asyncio.IncompleteReadError as error:
            self.close()
            raise ConnectionResetError("Envoy ended") from error
        except BaseException:
            self.close()
            raise


async def _body(reader: asyncio.StreamReader) -> bytes:
    """Read the head of an answer, and return its body.

    Raises:
        asyncio.IncompleteReadError: The connection ended before.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length:
        return await reader.readexactly(int(length[1]))
    # HTTP's chunked transfer coding
    content = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        content += await reader.readexactly(size)
        await reader.readexactly(len(b"\r\n"))
    await reader.readexactly(len(b"\r\n"))  # the last chunk is empty
    return content
