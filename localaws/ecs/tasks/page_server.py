"""A page server that stands in for nginx: each task's page with its host name and its own id.

Run as `python -I -S page_server.py ADDRESS PORT`; it imports little, so that it listens within some
hundredths of a second. SIGTERM and SIGQUIT end it once the requests in flight are answered.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time

_LONGEST_HEAD = 32 * 1024
_SLOWEST_CLIENT = 5.0
"""Seconds within which a client must take its answer."""

_STATUS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Not Allowed"}


def _uuid() -> str:
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _own_page() -> bytes:
    host = os.environ.get("HOSTNAME") or socket.gethostname()
    return (
        "<html><body style='font-family:sans-serif'>\n<h1>Hello from "
        f"{host}</h1>\n<p>uuid: {_uuid()}</p>\n"
        "</body></html>\n"
    ).encode()


def _error_page(status: int) -> bytes:
    title = f"{status} {_STATUS[status]}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def answer(head: bytes, page: bytes, *, last: bool) -> tuple[bytes, bool, str]:
    """Return the response to a request's head, whether the connection stays open, and a log line.

    Args:
        head: Request line and headers, without the empty line.
        page: What / and /index.html show.
        last: Whether the server is about to end, so that the connection must close.
    """
    request_line, *headers = head.decode("latin-1").split("\r\n")
    fields = {}
    for line in headers:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    # What is missing of a request line is empty, and further parts don't matter.
    method, target, version = (*request_line.split(" "), "", "", "")[:3]
    path = target.partition("?")[0]
    if not version.startswith("HTTP/1."):
        status = 400
    elif path not in {"/", "/index.html"}:
        status = 404
    elif method not in {"GET", "HEAD"}:
        status = 405
    else:
        status = 200
    body = page if status == 200 else _error_page(status)  # noqa: PLR2004 — HTTP's own number
    wish = fields.get("connection", "").lower()
    unread_body = fields.get("content-length", "0") != "0" or "transfer-encoding" in fields
    stays = not last and not unread_body and status != 400  # noqa: PLR2004 — HTTP's own number
    stays = stays and (wish == "keep-alive" if version == "HTTP/1.0" else wish != "close")
    response = (
        f"HTTP/1.1 {status} {_STATUS[status]}\r\nServer: nginx\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\nConnection: {'keep-alive' if stays else 'close'}\r\n\r\n"
    ).encode()
    agent, client = fields.get("user-agent", "-"), fields.get("x-forwarded-for", "-")
    note = f'"{request_line}" {status} {len(body)} "{agent}" "{client}"'
    return response + (b"" if method == "HEAD" else body), stays, note


class _Connection:
    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.received = b""


def _log(connection: _Connection, note: str) -> None:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z")
    sys.stdout.write(f"{connection.peer} - - [{stamp}] {note}\n")
    sys.stdout.flush()


def serve(listener: socket.socket, page: bytes, wake: int) -> None:
    """Answer requests until a byte arrives from `wake`, and then those in flight."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(wake, selectors.EVENT_READ)
    ending = False
    while True:
        # Once the end is near, only what has arrived already is served.
        ready = selector.select(0 if ending else None)
        if ending and not ready:
            return
        for key, _ in ready:
            client = key.fileobj
            if key.fd == wake:
                selector.unregister(wake)
                ending = True
            elif client is listener:
                accepted, (peer, _) = listener.accept()
                accepted.settimeout(_SLOWEST_CLIENT)
                selector.register(accepted, selectors.EVENT_READ, _Connection(peer))
            elif isinstance(client, socket.socket) and not _talk(
                client, key.data, page, last=ending
            ):
                selector.unregister(client)
                client.close()


def _talk(client: socket.socket, connection: _Connection, page: bytes, *, last: bool) -> bool:
    """Answer the requests that are complete; whether the connection stays open."""
    try:
        received = client.recv(65536)
        connection.received += received
        if not received or len(connection.received) > _LONGEST_HEAD:
            return False
        while b"\r\n\r\n" in connection.received:
            head, _, connection.received = connection.received.partition(b"\r\n\r\n")
            response, stays, note = answer(head, page, last=last)
            client.sendall(response)
            _log(connection, note)
            if not stays:
                return False
    except OSError:
        return False
    return True


def main() -> int:
    """Serve on the address and port given as arguments."""
    address = sys.argv[1]
    port = int(sys.argv[2])
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        sys.stderr.write(
            f"[emerg] bind() to {address}:{port} failed ({error.errno}: {error.strerror})\n"
        )
        return 1
    listener.listen(511)
    sys.stderr.write(f"[notice] listening on {address}:{port}\n")
    sys.stderr.flush()
    serve(listener, _own_page(), wake)
    return 0


if __name__ == "__main__":
    sys.exit(main())
