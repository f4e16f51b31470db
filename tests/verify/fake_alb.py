"""A load balancer that answers by a script: whole pages, slow single bytes, or nonsense."""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from tests.verify.loopback import LoopbackServer

Script = Callable[[int, bytes], Iterable[bytes | float]]
"""Takes the number of a connection and its request; returns bytes to send and seconds to pause,
after which the connection is closed.
"""


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def page(body: str | bytes = "", status: int = 200, **headers: str) -> bytes:
    """Return a whole response; `x_served_by="a"` becomes `X-Served-By: a`."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def hello(host: str) -> bytes:
    """Return the service's default page, as a task with this name writes it."""
    return page(f"<h1>Hello from {host}</h1>")


def balancer_error(status: int, **headers: str) -> bytes:
    """Return an answer that the load balancer makes itself."""
    return page("<html></html>", status, server="awselb/2.0", **headers)


class FakeAlb(LoopbackServer):
    """A listener of a load balancer, with TLS where a context is given."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.requests: list[bytes] = []
        self._context = context
        self._script = script

    def _secured(self, connection: socket.socket) -> socket.socket:
        connection.settimeout(30)
        if self._context is None:
            return connection
        secured = self._context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        try:
            secured.do_handshake()
        except ssl.SSLError:
            with secured:  # not closed at once: a reset would overtake the alert
                self.closing.wait(2)
            raise
        return secured

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError), self._secured(connection) as client:
            request = client.recv(65536)
            self.requests.append(request)
            for step in self._script(len(self.requests) - 1, request):
                if isinstance(step, bytes):
                    client.sendall(step)
                elif self.closing.wait(step):
                    return


def forever(part: bytes, pause: float = 0.0) -> Iterator[bytes | float]:
    """Yield the same bytes again and again, with a pause after each time."""
    while True:
        yield part
        if pause:
            yield pause
