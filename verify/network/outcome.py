"""The outcome of one request: an answer or a failure, both frozen."""

import json
import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

_CHARSETS = {
    *(f"iso-8859-{part}" for part in (*range(1, 12), *range(13, 17))),
    *(f"windows-{page}" for page in (874, *range(1250, 1259))),
    *("us-ascii", "utf-8", "utf-16", "utf-16le", "utf-16be", "latin1", "koi8-r", "koi8-u"),
    *("big5", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "iso-2022-jp", "shift_jis"),
}
"""Names that https://encoding.spec.whatwg.org gives to character sets, and Python too."""


class Phase(StrEnum):
    """The steps from a line of text to a verdict, in order."""

    PARSE = "parse"
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    HTTP = "http"
    STABLE = "stable"
    CHECKS = "checks"


class Timings(NamedTuple):
    """Seconds that each step of a request took; `first_byte` and `total` count from its start."""

    resolve: float = 0.0
    connect: float = 0.0
    tls: float | None = None
    first_byte: float = 0.0
    total: float = 0.0


class TlsSeen(NamedTuple):
    """What a connection was made with: the protocol, and the certificate's names and time left."""

    version: str
    names: tuple[str, ...]
    days_left: float
    cipher: str = ""


class Answer(NamedTuple):
    """An HTTP response, read up to the body limit; header names are lower-case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | bytearray
    truncated: bool
    address: str
    """The address that answered; `addresses` are all that the name had."""

    addresses: tuple[str, ...]
    timings: Timings
    unreachable: tuple[str, ...] = ()
    """Addresses that the request couldn't connect to, before one answered."""

    tls: TlsSeen | None = None
    url: str = ""
    """What was requested, with the host that the request named."""

    forwarded: bool = False
    """Whether a proxy forwarded the request, and so may have answered it itself."""

    encoding: str = ""
    """The Content-Encoding that the body is still in, since it can't be decoded here."""

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined as HTTP allows; None where there is none."""
        wanted = name.lower()
        values = [value for key, value in self.headers if key == wanted]
        return ", ".join(values) if values else None

    @property
    def charset(self) -> str:
        """The character set of the body: UTF-8 unless its Content-Type names another."""
        return _charset(self.header("content-type") or "")

    @property
    def text(self) -> str:
        """The body as text, without a byte order mark; what can't be decoded becomes escapes."""
        return self._decoded(self.body)

    def beginning(self, characters: int) -> str:
        """Return at least so many characters of the text.

        It doesn't decode the whole of a body, which may be large.
        """
        return self._decoded(self.body[: 4 * characters + 4])

    def _decoded(self, body: bytes | bytearray) -> str:
        return body.decode(self.charset, "backslashreplace").removeprefix("\ufeff")

    def value_at(self, pointer: str) -> object:
        """Return what RFC 6901 finds in a JSON body; None where there is nothing."""
        try:
            value = json.loads(self.text)
            for token in pointer.split("/")[1:]:
                key = token.replace("~1", "/").replace("~0", "~")
                value = value[int(key)] if isinstance(value, list) else value[key]
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        return value

    def at_pointer(self, pointer: str) -> str | None:
        """Return what `value_at` finds as text; None for anything but a plain value."""
        return as_text(self.value_at(pointer))


def as_text(value: object) -> str | None:
    """Return a string, or the JSON of a number or boolean; None for any other value of JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (bool, int, float)) else None


@lru_cache(maxsize=8)
def _charset(content_type: str) -> str:
    given = re.search(r"(?i)charset=[\"']?([A-Za-z0-9._-]{1,40})", content_type)
    name = (given[1] if given else "utf-8").lower()
    return name if name in _CHARSETS else "utf-8"


class Failure(NamedTuple):
    """No response: where it stopped, why, and whether trying again could help.

    `reason` is safe to show.
    """

    phase: Phase
    reason: str
    hint: str
    addresses: tuple[str, ...] = ()
    final: bool = False
    timed_out: bool = False
    """Whether it ended because its time was over."""

    cut: bool = False
    """Whether that time was what the run's deadline left, less than `--timeout`: it may have been
    about to succeed.
    """
