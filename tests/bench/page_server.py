"""A server of one page: as fast as Python's event loop is, and each answer after so many milliseconds."""

import asyncio
import sys

BODY = b"<h1>Hello from bench</h1>"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Page(asyncio.Protocol):
    """One connection, with one request in one piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _: bytes) -> None:
        asyncio.get_running_loop().call_later(float(sys.argv[1]) / 1000, self._answer)

    def _answer(self) -> None:
        self._transport.write(PAGE)
        self._transport.close()


async def main() -> None:
    """Serve for ever, on a port that is printed."""
    server = await asyncio.get_running_loop().create_server(Page, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
