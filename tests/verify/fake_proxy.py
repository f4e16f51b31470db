"""An HTTP proxy on loopback: it connects through to any port there, and forwards plain requests."""

import base64
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from tests.verify.loopback import LoopbackServer


class FakeProxy(LoopbackServer):
    """Answers with the statuses of `refuses`, of which the last repeats, nothing if `silent`."""

    def __init__(
        self, *, credentials: str = "", refuses: Sequence[int] = (), silent: bool = False
    ) -> None:
        super().__init__()
        self.heads: list[bytes] = []
        self._wanted = b"Basic " + base64.b64encode(credentials.encode()) if credentials else b""
        self._refuses = refuses
        self._silent = silent

    def serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        with suppress(OSError), connection as client:
            data = b""
            while b"\r\n\r\n" not in data:
                data += client.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            self.heads.append(head)
            if self._silent:
                self.closing.wait(30)
                return
            status = self._refusal(head)
            if status is not None:
                head = b"HTTP/1.1 %d Refused\r\nServer: proxy/1\r\nContent-Length: 2" % status
                client.sendall(head + b"\r\n\r\nno")
                return
            method, target, rest = head.split(b" ", 2)
            if method == b"CONNECT":
                host, _, port = target.decode().rpartition(":")
            else:
                parts = urlsplit(target.decode())
                host = str(parts.hostname)
                port = str(parts.port or 80)
                path = f"{parts.path}?{parts.query}".rstrip("?").encode()
                body = b" ".join((method, path, rest)) + b"\r\n\r\n" + body
            try:
                server = socket.create_connection((host, int(port)), timeout=30)
            except OSError:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            with server:
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.0 200 Connection established\r\n\r\n")
                server.sendall(body)
                threading.Thread(target=_pump, args=(client, server), daemon=True).start()
                _pump(server, client)

    def _refusal(self, head: bytes) -> int | None:
        """Return the status of an answer that the proxy makes itself; None if it forwards."""
        if self._refuses:
            return self._refuses[min(len(self.heads), len(self._refuses)) - 1]
        credentials = b""
        for line in head.split(b"\r\n"):
            if line.startswith(b"Proxy-Authorization: "):
                credentials = line.removeprefix(b"Proxy-Authorization: ")
        return None if credentials == self._wanted else 407


def _pump(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
