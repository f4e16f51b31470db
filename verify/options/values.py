"""What an option may be: each reader returns its value, or raises `ValueError` with the reason."""

import os
import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import NamedTuple, NoReturn

from verify.errors import InputError
from verify.escaping import visible
from verify.options.target import no_balancer, parse_port, parse_target

_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_SIZES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2}
_MAX_SECONDS = 24 * 3600.0
_MAX_BODY = 64 * 1024**2
_MAX_SENT = 1024**2
_OWN_HEADERS = {"host", "connection", "content-length", "transfer-encoding"}

STREAMS = "/dev/fd/"
"""Where a stream that is open already stands, before its number."""

DEFAULT_IDENTITY = r"Hello from ([^<\s]+)"
"""The line of the service's default page that names the task which wrote it."""

FORMAT_NAMES = ("text", "json", "jsonl", "junit", "tap", "github", "prometheus", "markdown", "html")


class StatusSet(NamedTuple):
    """Which HTTP status codes are good."""

    text: str
    ranges: tuple[tuple[int, int], ...]

    def accepts(self, status: int) -> bool:
        """Return whether a status is one of them."""
        return any(low <= status <= high for low, high in self.ranges)


class Header(NamedTuple):
    """A request header of the user's own, and whether its value came from a file."""

    name: str
    value: str
    from_file: bool = False


class HeaderExpectation(NamedTuple):
    """A response header that must be there, and what its value must be."""

    text: str
    name: str
    equals: str | None
    matches: re.Pattern[str] | None


class JsonExpectation(NamedTuple):
    """A value that the body's JSON must hold; `pointer` is RFC 6901's."""

    text: str
    pointer: str
    equals: str


class LatencyBound(NamedTuple):
    """Most seconds that a measured rank may take: min, mean, p50, p90, p95, p99 or max."""

    rank: str
    seconds: float


class Identity(NamedTuple):
    """Where an answer says which task made it: `kind` is `header`, `body-regex` or `json`."""

    text: str
    kind: str
    where: str


class Pinned(NamedTuple):
    """Addresses to use for a name and port instead of asking for them."""

    host: str
    port: int
    addresses: tuple[str, ...]


class HostPort(NamedTuple):
    """A host and port to connect to; an empty host is the target's own."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Body(NamedTuple):
    """A request's body, its Content-Type, and whether it came from a file."""

    content: bytes
    content_type: str
    from_file: bool


class Proxy(NamedTuple):
    """An HTTP proxy.

    `token` is a user name and password as the Basic scheme sends them, or empty.
    """

    host: str
    port: int
    token: str


class Output(NamedTuple):
    """A format, and the file that it is written to.

    None means stdout, and an open stream is `/dev/fd/N`.
    """

    format: str
    path: str | None


def _refused(text: str, wanted: str, limit: int = 40) -> ValueError:
    return ValueError(f"'{visible(text, limit)}' is no {wanted}")


def _matched(pattern: str, text: str, wanted: str) -> re.Match[str]:
    match = re.fullmatch(pattern, text, re.DOTALL)
    if match is None:
        raise _refused(text, wanted)
    return match


def duration(*, zero: bool = False) -> Callable[[str], float]:
    """Return a reader of durations, in seconds, from a number with a unit."""

    def parse(text: str) -> float:
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|)", text)
        seconds = float(match[1]) * _UNITS[match[2]] if match else -1.0
        if not (0 <= seconds <= _MAX_SECONDS and (zero or seconds)):
            bounds = "up to 24h" if zero else "more than 0 and up to 24h"
            raise _refused(
                text,
                f"duration: write 500ms, 10s, 5m or 1h, {bounds}; a bare number means seconds",
            )
        return seconds

    return parse


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise _refused(text, f"whole number from {low} to {high}")
        return int(text)

    return parse


def number(low: float, high: float, wanted: str) -> Callable[[str], float]:
    """Return a reader of numbers within bounds; `wanted` describes them in errors."""

    def parse(text: str) -> float:
        match = re.fullmatch(r"[0-9]{0,9}\.?[0-9]{1,20}(e-?[0-9]{1,2})?", text)
        found = float(text) if match else -1.0
        if not low <= found <= high:
            raise _refused(text, wanted)
        return found

    return parse


def size(text: str) -> int:
    """Read a number of bytes with a unit."""
    match = re.fullmatch(r"([0-9]{1,9})(B|KiB|MiB|)", text)
    octets = int(match[1]) * _SIZES[match[2]] if match else 0
    if not 1 <= octets <= _MAX_BODY:
        raise _refused(text, "size from 1 to 64MiB: write 4096, 64KiB or 1MiB")
    return octets


def statuses(text: str) -> StatusSet:
    """Read a code, a class, a range, or a list of them."""
    ranges = []
    for part in text.split(","):
        match = re.fullmatch(r"([1-5])xx|([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", part)
        if match is None or (match[3] and match[3] < match[2]):
            raise _refused(part, "status: write 200, 2xx, 200-399, or a list such as 200,301")
        first = int(match[2] or f"{match[1]}00")
        ranges.append((first, first + 99 if match[1] else int(match[3] or first)))
    return StatusSet(text, tuple(ranges))


def regex(text: str) -> re.Pattern[str]:
    """Read a regular expression."""
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {visible(str(error))}") from None


def body_regex(text: str) -> re.Pattern[str]:
    """Read a regular expression of a body, which isn't empty, as that is found in every body."""
    return regex(part_of_body(text))


def part_of_body(text: str) -> str:
    """Read a text of a body, which isn't empty, as a variable may be that was never set."""
    if not text:
        raise ValueError("an empty text is found in every body: give a text that must be there")
    return text


def header(text: str) -> Header:
    """Read a request header's name and value, from the text or from a file."""
    from_file = text.startswith("@")
    if from_file:
        text = _file(text[1:], "a header").decode("utf-8", "replace").strip()
    match = re.fullmatch(rf"({_HEADER_NAME}):[ \t]*([\x20-\x7e\t]*)", text)
    if match is None:
        raise ValueError(
            "a header is NAME:VALUE in one line of ASCII, or @FILE (the value isn't shown)"
        )
    if match[1].lower() in _OWN_HEADERS:
        raise ValueError(f"{match[1]} is set by verify itself; a virtual host is given with --host")
    return Header(match[1], match[2].strip(), from_file)


def method(text: str) -> str:
    """Read the HTTP method of a request."""
    if not re.fullmatch(r"[A-Z][A-Z-]{0,31}", text) or text in {"CONNECT", "TRACE"}:
        raise _refused(
            text,
            (
                "method: write GET, HEAD, POST or another in capitals; CONNECT and TRACE are "
                "verify's own"
            ),
        )
    return text


def body(content_type: str) -> Callable[[str], Body]:
    """Return a reader of request bodies, from the text or from a file, sent unchanged."""

    def parse(text: str) -> Body:
        if not text.startswith("@"):
            return Body(text.encode("utf-8", "surrogateescape"), content_type, from_file=False)
        content = _file(text[1:], "a body")
        if len(content) > _MAX_SENT:
            raise ValueError(f"the file {visible(text[1:])} is larger than 1 MiB")
        return Body(content, content_type, from_file=True)

    return parse


def json_body(text: str) -> Body:
    """Read a request's body of JSON, which is sent unchanged. Messages never show it."""
    import json  # noqa: PLC0415 — for few

    read = body("application/json")(text)
    try:
        json.loads(read.content, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}{_NO_JSON}"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"not JSON, as it isn't UTF-8{_NO_JSON}") from None
    except RecursionError:
        raise ValueError(
            f"not JSON that can be checked, as it nests too deeply{_NO_JSON}"
        ) from None
    return read


_NO_JSON = (
    " (the body isn't shown); --data with --header Content-Type:application/json sends any text"
)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not JSON, which has no {name}{_NO_JSON}")


def proxy(text: str) -> Proxy:
    """Read the URL of an HTTP proxy, from the text or from a file.

    Messages never show it: it may hold a password.
    """
    if text.startswith("@"):
        text = _file(text[1:], "a proxy").decode("utf-8", "replace").strip()
    match = re.fullmatch(r"(?:([A-Za-z0-9+.-]+)://)?(?:([\x21-\x7e]*)@)?([^@/?#]+?)/?", text)
    if match is None:
        raise ValueError(_PROXY)
    if (match[1] or "http").lower() != "http":
        raise ValueError(
            f"a proxy is spoken to in plain HTTP; {visible(match[1], 20)}:// is not supported"
        )
    user, _, password = (match[2] or "").partition(":")
    try:
        at = host_port(match[3])
    except ValueError:
        raise ValueError(_PROXY) from None
    if not at.host:
        raise ValueError(_PROXY)
    if match[2] is None:
        return Proxy(at.host, at.port, "")
    from base64 import b64encode  # noqa: PLC0415 — for few
    from urllib.parse import unquote_to_bytes  # noqa: PLC0415

    plain = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return Proxy(at.host, at.port, b64encode(plain).decode())


_PROXY = (
    "write a proxy as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, or @FILE with that "
    "(it isn't shown)"
)


def _file(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 — pathlib costs every run 10 ms
            return file.read(_MAX_SENT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise ValueError(
            f"can't read {what} from the file {visible(path)}: {visible(reason)}"
        ) from None


def client_certificate(text: str) -> str:
    """Read the name of a file with a certificate, and maybe its key."""
    if b"-----BEGIN CERTIFICATE-----" not in _file(text, "a certificate"):
        raise ValueError(f"{visible(text)} is no PEM file of a certificate")
    return text


def private_key(text: str) -> str:
    """Read the name of a file with a private key."""
    content = _file(text, "a key")
    if not re.search(rb"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----", content):
        raise ValueError(f"{visible(text)} is no PEM file of a private key")
    return text


def host_header(text: str) -> str:
    """Read a host, and maybe a port."""
    if not re.fullmatch(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?", text):
        raise _refused(text, "host for a Host header")
    return text


def pinned(text: str) -> Pinned:
    """Read HOST:PORT:ADDRESS[,ADDRESS...], as curl takes it."""
    wrong = ValueError(f"'{visible(text, 60)}' is not HOST:PORT:ADDR[,ADDR]")
    match = re.fullmatch(r"([^:]+):([0-9]+):(.+)", text, re.DOTALL)
    if match is None:
        raise wrong
    host, port, listed = match.groups()
    try:
        addresses = [ip_address(each.strip("[]")) for each in listed.split(",")]
        pin = Pinned(host.lower().removesuffix("."), parse_port(port), tuple(map(str, addresses)))
    except ValueError:
        raise wrong from None
    if any(map(no_balancer, addresses)):
        raise ValueError(f"'{visible(text, 60)}' has an address that can't be a load balancer's")
    return pin


def host_port(text: str) -> HostPort:
    """Read HOST:PORT, or :PORT for the target's own host."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:/?#\[\]]*):([0-9]+)", text)
    host, digits = match.groups() if match else ("", "")
    try:
        port = parse_port(digits)
        return HostPort(parse_target(host, port=port).target.host if host else "", port)
    except (ValueError, InputError):
        raise _refused(text, "host and port: write HOST:PORT, or :PORT of the target", 60) from None


def output(text: str) -> Output:
    """Read NAME for stdout, NAME=stderr, or NAME=FILE.

    A stream's file is never opened again, which would empty it.
    """
    name, equals, path = text.partition("=")
    if name not in FORMAT_NAMES or bool(equals) != bool(path):
        raise _refused(
            text, f"format: write {', '.join(FORMAT_NAMES)}, or one of them with =FILE", 60
        )
    stream = re.fullmatch(r"(?:/dev/)?(stdout|stderr)|/(?:dev|proc/self)/fd/([0-9]{1,4})", path)
    if not stream:
        return Output(name, path or None)
    number = {"stdout": 1, "stderr": 2}.get(stream[1] or "") or int(stream[2])
    return Output(name, None if number == 1 else f"{STREAMS}{number}")


def cafile(text: str) -> str:
    """Read the name of a file of certificates."""
    import ssl  # noqa: PLC0415 — costs every run 20 ms, and is for few

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
    except (ssl.SSLError, ValueError):
        raise ValueError(f"{visible(text)} is no PEM file of certificates") from None
    except OSError as error:
        raise ValueError(
            f"can't read certificates from the file {visible(text)}: {error.strerror}"
        ) from None
    return text


def missing_file(text: str) -> str:
    """Read the name of a file that doesn't exist yet."""
    if os.path.exists(text):  # noqa: PTH110 — `pathlib` costs every run 10 ms
        raise ValueError(
            f"the file {visible(text)} exists already, so the watch would end at once: remove it "
            "first"
        )
    return text


def expected_header(text: str) -> HeaderExpectation:
    """Read a header's name, and maybe what its value equals or matches."""
    name, sign, value = _matched(
        r"([A-Za-z0-9_-]+)(?:([=~])(.*))?", text, "header: write NAME, NAME=VALUE or NAME~REGEX"
    ).groups()
    return HeaderExpectation(
        text, name, value if sign == "=" else None, regex(value) if sign == "~" else None
    )


def expected_json(text: str) -> JsonExpectation:
    """Read a JSON pointer, and the value expected there."""
    match = _matched(r"((?:/[^=]*)?)=(.*)", text, "JSON expectation: write /pointer=VALUE")
    return JsonExpectation(text, _pointer(match[1]), match[2])


def _pointer(text: str) -> str:
    """Check the escapes of a JSON pointer, as RFC 6901 has only two."""
    if re.search("~(?![01])", text):
        raise _refused(text, "JSON pointer: write ~0 for ~, and ~1 for / in a name")
    return text


def latency_bound(text: str) -> LatencyBound:
    """Read a rank, and its longest duration."""
    wanted = "latency: write p95=500ms; also min mean p50 p90 p99 max"
    match = _matched(r"(min|mean|p50|p90|p95|p99|max)=(.*)", text, wanted)
    return LatencyBound(match[1], duration()(match[2]))


def name_server(text: str) -> HostPort:
    """Read an address, and maybe a port."""
    match = re.fullmatch(
        r"\[([^\]]+)\](?::([0-9]+))?|([0-9.]+)(?::([0-9]+))?|([0-9A-Fa-f:.]+)", text
    )
    bracketed, its_port, ipv4, ipv4_port, ipv6 = match.groups() if match else ("",) * 5
    host = bracketed or ipv4 or ipv6
    try:
        return HostPort(str(ip_address(host)), parse_port(its_port or ipv4_port or "53"))
    except ValueError:
        raise _refused(text, "name server: write an address, and maybe :PORT", 60) from None


def identity(text: str) -> Identity:
    """Read where an answer names its task."""
    wanted = "identity: write header:NAME, body-regex:RE or json:/pointer"
    _matched(rf"header:{_HEADER_NAME}|body-regex:.+|json:(/.*)?", text, wanted)
    kind, _, where = text.partition(":")
    if kind == "body-regex":
        regex(where)
    if kind == "json":
        _pointer(where)
    return Identity(text, kind, where)
