"""An HTTP proxy on loopback: it connects through to any port there, and forwards plain requests."""

import base64
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class FakeProxy:
    """Listens on a port of its own while entered; `refuses` is a status that it answers everything with."""

    def __init__(self, *, credentials: str = "", refuses: int | None = None, silent: bool = False) -> None:
        self.heads: list[bytes] = []
        self._wanted = b"Basic " + base64.b64encode(credentials.encode()) if credentials else b""
        self._refuses = refuses
        self._silent = silent
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = threading.Event()
        self.authority = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(30)
        with suppress(OSError), client:
            data = b""
            while b"\r\n\r\n" not in data:
                data += client.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            self.heads.append(head)
            if self._silent:
                self._closing.wait(30)
                return
            given = next((line[21:] for line in head.split(b"\r\n") if line.startswith(b"Proxy-Authorization: ")), b"")
            refused = self._refuses or (407 if given != self._wanted else None)
            if refused:
                client.sendall(b"HTTP/1.1 %d Refused\r\nServer: proxy/1\r\nContent-Length: 2\r\n\r\nno" % refused)
                return
            method, place, rest = head.split(b" ", 2)
            if method == b"CONNECT":
                host, _, port = place.decode().rpartition(":")
            else:
                parts = urlsplit(place.decode())
                host, port = str(parts.hostname), str(parts.port or 80)
                body = (
                    b" ".join((method, f"{parts.path}?{parts.query}".rstrip("?").encode(), rest)) + b"\r\n\r\n" + body
                )
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


def _pump(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
