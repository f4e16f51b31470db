"""HTTP/1.1 as far as a check needs it: one request, and its answer from a stream.

An answer in the plainest form, whole head and Content-Length or small chunks, is read by regular
expressions. They accept less than the grammar does, so that no two readers could differ on it.
Everything else is for h11: provisional answers, bodies up to the end of the connection, heads that
come in pieces, and all that is malformed.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from verify.network.runtime import Stream

if TYPE_CHECKING:
    import h11

LONGEST_HEAD = 100 * 1024
"""Bytes of a status line and headers, or of a chunk's head."""

_PLAIN_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [\t \x21-\x7e]*)?\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t \x21-\x7e]*\r\n)+)\r\n"
)
_START = 24
"""Bytes from the start of an answer that tell what speaks."""

_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_READS = 3
"""Reads in which a body in chunks must be there to be read the short way: a server sends its end by
itself, often.
"""

_NO_BODY = {204, 304}

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, and values."""


class ConnectError(Exception):
    """No connection could be made; the cause is an `OSError`."""


class ConnectTimeoutError(ConnectError):
    """No connection was made in time."""


class ProtocolError(Exception):
    """The answer is no HTTP/1.1, or not a whole one."""


class ClosedWhileIdleError(ProtocolError):
    """A kept connection was closed before this request arrived, which is no server's fault.

    https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1 has a client send the request again.
    """


class MalformedError(ProtocolError):
    """The answer begins as HTTP/1.1 does, but breaks its rules."""


class OtherProtocolError(ProtocolError):
    """Another protocol than HTTP/1.1 was sent; the message is its name."""


class Request(NamedTuple):
    """A request; `headers` are sent as they are, and name the length of a body."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    max_body: int
    """Bytes of the answer's body to read."""

    body: bytes = b""

    @lru_cache  # noqa: B019 — a run has one, and sends it again and again
    def head(self) -> bytes:
        """Write the request as it is sent."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii")


class Head(NamedTuple):
    """A status and headers."""

    status: int
    headers: Headers


class Exchange:
    """One request on a stream, and its answer: `head`, then `body`."""

    def __init__(self, stream: Stream, request: Request) -> None:
        self._stream = stream
        self._request = request
        self._length: int | None = 0
        """Bytes of the body; None where it comes in chunks."""

        self._raw = bytearray()
        """Everything received, of an answer in chunks."""

        self._body_start = 0
        """Where in `_raw` the body begins."""

        self._start = b""
        """The first bytes of the answer, by which another protocol is recognised."""

        self._body = bytearray()
        self._h11: h11.Connection | None = None
        self._closes = False
        self._ended = False
        self.silent = True
        """Whether the server has sent nothing yet."""

        self.reusable = False
        """Whether another request may follow on the stream."""

    async def head(self) -> Head:
        """Read the head of the answer, after any number of provisional ones."""
        data = await self._receive()
        plain = plain_head(data, self._request.method)
        if plain is None:
            return await self._head_by_h11(data)
        head, self._length, self._body_start = plain
        if self._length is None:
            self._raw += data
        else:
            self._body += data[self._body_start :]
        for name, value in head.headers:
            if name == "connection" and value.lower() != "keep-alive":
                self._closes = True
        return head

    async def body(self) -> tuple[bytearray, bool]:
        """Read the body up to the limit; return it, and whether there is more."""
        limit = self._request.max_body
        in_chunks = self._length is None
        if in_chunks and not self._h11 and not await self._small_chunks():
            await self._head_by_h11(bytes(self._raw))
        if self._h11:
            await self._body_by_h11(self._h11, limit)
        elif self._length is not None:
            await self._body_by_length(self._length, limit)
        truncated = len(self._body) > limit
        self.reusable = self.reusable and not truncated and not self._ended
        del self._body[limit:]
        return self._body, truncated

    async def _body_by_length(self, length: int, limit: int) -> None:
        wanted = min(length, limit + 1)
        while len(self._body) < wanted:
            data = await self._receive()
            if not data:
                raise ProtocolError(
                    "peer closed connection without sending complete message body "
                    f"(received {len(self._body)} bytes, expected {length})"
                )
            self._body += data
        self.reusable = len(self._body) == length and not self._closes
        del self._body[length:]

    async def _small_chunks(self) -> bool:
        """Read a body whose chunks are plain and arrive within a few reads.

        Return False where that isn't so.
        """
        for _ in range(_READS):
            whole = plain_chunks(self._raw, self._body_start)
            if whole:
                self._body, end = whole
                self.reusable = len(self._raw) == end and not self._closes
                return True
            self._raw += await self._receive()
        return False

    async def _receive(self) -> bytes:
        data = await self._stream.receive()
        if len(self._start) < _START:
            self._start = (self._start + data)[:_START]
        self.silent = self.silent and not data
        self._ended = not data
        return data

    async def _head_by_h11(self, data: bytes) -> Head:
        import h11  # noqa: PLC0415 — costs 10 ms, and few answers need it

        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._h11.send(
            h11.Request(
                method=self._request.method,
                target=self._request.path,
                headers=list(self._request.headers),
            )
        )
        if self._request.body:
            self._h11.send(h11.Data(self._request.body))
        self._h11.send(h11.EndOfMessage())
        event = await self._event(self._h11, data)
        while isinstance(event, h11.InformationalResponse):
            event = await self._event(self._h11)
        if not isinstance(event, h11.Response):
            raise ProtocolError("the server ended the exchange without a response")
        headers = (
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers
        )
        return Head(event.status_code, tuple(headers))

    async def _body_by_h11(self, connection: "h11.Connection", limit: int) -> None:
        import h11  # noqa: PLC0415 — it is loaded by now

        while len(self._body) <= limit:
            event = await self._event(connection)
            if not isinstance(event, h11.Data):
                break
            self._body += event.data
        both = {connection.our_state, connection.their_state}
        self.reusable = both == {h11.DONE} and not connection.trailing_data[0]

    async def _event(self, connection: "h11.Connection", data: bytes | None = None) -> "h11.Event":
        import h11  # noqa: PLC0415 — it is loaded by now

        try:
            if data is not None:
                self._feed(connection, data)
            event = connection.next_event()
            while event is h11.NEED_DATA:
                self._feed(connection, await self._receive())
                event = connection.next_event()
        except h11.RemoteProtocolError as error:
            other = _other_protocol(self._start)
            if other:
                raise OtherProtocolError(other) from error
            whole = not str(error).startswith("peer closed connection")
            is_http = self._start.startswith(b"HTTP/1.")
            kind = MalformedError if whole and is_http else ProtocolError
            raise kind(_worded(error)) from error
        assert not isinstance(event, type), "one request has one answer"
        return event

    def _feed(self, connection: "h11.Connection", data: bytes) -> None:
        import h11  # noqa: PLC0415 — it is loaded by now

        if not data and connection.their_state is h11.SEND_RESPONSE:
            if not self._start:
                raise ProtocolError("the server disconnected without sending a response")
            if self._start.startswith(b"HTTP/1."):
                raise MalformedError(
                    "the server disconnected before the end of its answer's headers"
                )
            other = _other_protocol(self._start)
            if other:
                raise OtherProtocolError(other)
            start = self._start.decode("latin-1").strip()
            raise ProtocolError(
                f"what the server sent before it disconnected is no HTTP: '{start}'"
            )
        connection.receive_data(data)


def plain_head(data: bytes, method: str) -> tuple[Head, int | None, int] | None:
    """Read a whole head in the plainest form.

    Return the head, its body's length (None for chunks), and where the body begins.

    None for anything else, whether it is valid or not.
    """
    match = _PLAIN_HEAD.match(data)
    if match is None:
        return None
    read = _read(match[1], match[2])
    if read is None:
        return None
    head, length = read
    if method == "HEAD" or head.status in _NO_BODY:
        length = 0
    return head, length, match.end()


@lru_cache(maxsize=8)
def _read(status: bytes, block: bytes) -> tuple[Head, int | None] | None:
    """Read the lines of a plain head, and the length of its body.

    They are the same in many answers of a run.
    """
    headers = []
    lengths = []
    codings = []
    for line in block.split(b"\r\n")[:-1]:
        raw_name, _, raw_value = line.partition(b":")
        name = raw_name.decode("ascii").lower()
        value = raw_value.strip(b" \t").decode("ascii")
        headers.append((name, value))
        if name == "transfer-encoding":
            codings.append(value.lower())
        if name == "content-length":
            lengths.append(value)
    if codings == ["chunked"] and not lengths:
        return Head(int(status), tuple(headers)), None
    if codings or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        return None
    return Head(int(status), tuple(headers)), int(lengths[0])


def plain_chunks(data: bytes | bytearray, at: int) -> tuple[bytearray, int] | None:
    """Read a whole body in plain chunks: itself, and where it ends.

    None where it isn't whole yet, and for anything else, whether it is valid or not.
    """
    body = bytearray()
    size = _CHUNK.match(data, at)
    while size:
        start = size.end()
        length = int(size[1], 16)
        end = start + length
        if data[end : end + 2] != b"\r\n":
            return None
        if length == 0:
            return body, end + 2
        body += data[start:end]
        size = _CHUNK.match(data, end + 2)
    return None


def _worded(error: "h11.RemoteProtocolError") -> str:
    """Describe h11's error, without the names of Python's types."""
    if str(error) == "Receive buffer too long":
        return (
            f"headers of more than {LONGEST_HEAD // 1024} KiB, or as much without an end of a line"
        )
    if str(error) == "illegal request line":  # which h11 finds from the first byte
        return "what the server sent is no HTTP"
    return re.sub(r"bytearray\(b(.*)\)", r"\1", str(error))


def _other_protocol(start: bytes) -> str:
    """Return the protocol that these first bytes belong to, if one is known."""
    if start[:2] in (b"\x15\x03", b"\x16\x03"):  # a TLS record: an alert, or a handshake
        return "TLS"
    if start[:1] == b"\0" and start[3:5] == b"\4\0":  # a SETTINGS frame, its length before it
        return "HTTP/2"
    return ""
