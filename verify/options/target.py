"""What to check: one line of text, read strictly and without touching the network."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple, TypeVar
from unicodedata import category

from verify.errors import InputError
from verify.escaping import visible

DEFAULT_PORTS = {"http": 80, "https": 443}
_ELB_NAME = re.compile(r"\.elb\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?$")
_NAME_HINT = (
    "expected a DNS name, an IP address or an http(s) URL, e.g. web-123.eu-west-1.elb.amazonaws.com"
)

# Text that is no host, but whose origin is known: (pattern, problem, hint), first match wins.
_RECOGNISED = (
    (r"^$", "it is empty", "the output exists but is not set; check it with `pulumi stack output`"),
    (
        r"\[secret\]",
        "the output is secret",
        "add --show-secrets to `pulumi stack output`, or do not mark a public DNS name secret",
    ),
    (
        r"Calling (__str__|\[toString\]) on an|pulumi\.output\.Output|OutputImpl|output<",
        "an Output was formatted as a string in the program",
        "export the Output itself, or use Output.concat or Output.format",
    ),
    (
        r"(?i)^(null|none|undefined|nil|nan|true|false)$",
        "it stands for a missing value",
        "the output is probably not set",
    ),
    (
        r"(?i)^[-+]?(?![0-9]+(\.[0-9]+){3}$)[0-9][0-9.]*(e[-+]?[0-9]+)?$",
        "it is a number",
        _NAME_HINT,
    ),
    (r"^arn:", "it is an ARN", "export the load balancer's dns_name instead of its arn"),
    (
        r"^error:",
        "it is an error message",
        "the command before the pipe failed; use `set -o pipefail`",
    ),
    (r"^//", "a URL needs a scheme", "write http:// or https:// in front, or give the bare name"),
    (
        r"(?i)^https?:?/(?!/)|^https?//",
        "the URL is malformed",
        "a URL starts with http:// or https://",
    ),
)
_NAME_RULES = (
    (r"^.{254}", "it is longer than 253 characters"),
    (r"_", "it has an underscore"),
    (r"^$|^\.|\.\.|\.$", "it has an empty label"),
    (r"[^.]{64}", "a label is longer than 63 characters"),
    (r"^-|-$|\.-|-\.", "a label starts or ends with a hyphen"),
    (r"[^a-z0-9.-]", "it has a character that no name has"),
)
_SPACES = " \t\r\n"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Target(NamedTuple):
    """Where requests go. `host` is lower-case ASCII, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as in the Host header and a URL, without a scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The target as a URL that parses to the same target."""
        return f"{self.scheme}://{self.authority}{self.path}"


class Parsed(NamedTuple):
    """A target, and what the reader of the report should know about how it was read."""

    target: Target
    notes: tuple[str, ...] = ()


def shown(text: str) -> str:
    """Return a bad value for an error message: escaped, cut, without credentials or query."""
    if "@" in text:
        return "(not shown: it may hold a password)"
    return f"'{visible(text.partition('?')[0], 60)}'"


def parse_target(
    text: str, *, scheme: str | None = None, port: int | None = None, path: str | None = None
) -> Parsed:
    """Read a bare name, an address or a URL; the keywords fill what it leaves open.

    Raises:
        InputError: It isn't a host, or a keyword contradicts it.
    """
    text = text.strip(_SPACES)
    for pattern, problem, hint in _RECOGNISED:
        if re.search(pattern, text):
            raise InputError(f"{shown(text)} is not a host: {problem}", hint)
    if "@" in re.split(r"[/?#]", text.partition("://")[2] or text)[0]:
        raise InputError(
            "a user name or password in the target is refused",
            "give credentials with --header @FILE",
        )
    _refuse_invisible(text)
    notes: list[str] = []
    given_scheme, authority, given_path = _split(text, notes)
    host, given_port = _host_and_port(authority, bare=given_scheme is None)
    settled_port = _settle("port", given_port, port)
    settled = _settle("scheme", given_scheme, scheme)
    if settled is None and settled_port == DEFAULT_PORTS["https"]:
        settled = "https"
        notes.append("port 443 is asked over https; --scheme http asks in plain")
    settled = settled or "http"
    # With a scheme or a port a name without a domain can be no other word.
    alone = (given_scheme, scheme, given_port, port) != (None, None, None, None)
    target = Target(
        settled,
        _host(host, notes, alone=alone),
        settled_port or DEFAULT_PORTS[settled],
        _settle("path", given_path, path) or "/",
    )
    return Parsed(target, (*notes, *_aws_notes(target.host)))


def parse_path(path: str) -> str:
    """Read a path with an optional query, as sent; raise `ValueError` with the reason."""
    if not path.startswith("/"):
        raise ValueError("it must start with /")
    if not re.fullmatch(r"[!-~]+", path) or set(path) & set('"<>\\^`{|}#'):
        raise ValueError("percent-encode what a URL can't carry")
    return path


def parse_port(text: str) -> int:
    """Read a TCP port, 1 to 65535; raise `ValueError` with the reason."""
    # TCP's own range
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:  # noqa: PLR2004
        raise ValueError("a port is a number from 1 to 65535")
    return int(text)


def _refuse_invisible(text: str) -> None:
    if _ANSI.search(text):
        raise InputError(
            f"{shown(text)} holds terminal colour codes",
            "turn colours off: `pulumi --color never stack output NAME`",
        )
    for position, character in enumerate(text):
        if character == " " or category(character)[0] in "CZ":
            raise InputError(
                (
                    f"{shown(text)} holds U+{ord(character):04X} at position {position}, "
                    "which no host has"
                ),
                "copy the name again, without spaces or invisible characters",
            )


def _split(text: str, notes: list[str]) -> tuple[str | None, str, str | None]:
    scheme, separator, rest = text.partition("://")
    if not separator:
        name, _, tail = text.partition(":")
        if name.isalpha() and name.lower() != "localhost" and re.match(r"[^0-9:]", tail):
            raise InputError(
                f"{shown(name)} is an unsupported scheme", "only http and https are checked"
            )
        if "/" in text:
            raise InputError(
                f"{shown(text)} is a name with a path", "write it as a URL, or use --path"
            )
        return None, text, None
    if scheme.lower() not in DEFAULT_PORTS:
        raise InputError(
            f"{shown(scheme)} is an unsupported scheme", "only http and https are checked"
        )
    rest, hash_sign, _ = rest.partition("#")
    if hash_sign:
        notes.append("the URL's fragment was dropped: it is never sent")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    path = rest[len(authority) :]
    if not authority:
        raise InputError(f"{shown(text)} has no host", _NAME_HINT)
    if path in ("", "/"):
        return scheme.lower(), authority, None
    try:
        return scheme.lower(), authority, parse_path(path if path.startswith("/") else f"/{path}")
    except ValueError as error:
        raise InputError(f"the URL's path can't be sent: {error}", _NAME_HINT) from None


def _host_and_port(authority: str, *, bare: bool) -> tuple[str, int | None]:
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        colon = rest[:1]
        port = rest[1:]
        host = f"[{host}"
        if "]" not in authority or colon not in ("", ":"):
            raise InputError(
                f"{shown(authority)} has an unbalanced bracket", "write IPv6 as [::1] or [::1]:8080"
            )
    elif bare and authority.count(":") > 1:
        return f"[{authority}", None
    else:
        host, colon, port = authority.partition(":")
    if not colon:
        return host, None
    try:
        return host, parse_port(port)
    except ValueError as error:
        raise InputError(f"{shown(authority)} has no usable port", str(error)) from None


_Part = TypeVar("_Part", str, int)


def _settle(name: str, given: _Part | None, option: _Part | None) -> _Part | None:
    if given is not None and option is not None and given != option:
        raise InputError(
            f"the target's {name} and --{name} contradict each other", "give one of them"
        )
    return given if option is None else option


def _host(host: str, notes: list[str], *, alone: bool) -> str:
    """Return a host in the form in which it is sent.

    A name `alone`, without a domain, is taken only where it can be no other word.
    """
    if host.startswith("["):
        return _ipv6(host[1:])
    if not host.isascii():
        host = _punycode(host, notes)
    host = host.lower().removesuffix(".")
    if re.search(r"(^|\.)([0-9]+|0x[0-9a-f]*)$", host):
        return _ipv4(host)
    for broken, rule in _NAME_RULES:
        if re.search(broken, host):
            raise InputError(f"{shown(host)} is not a host name: {rule}", _NAME_HINT)
    if "." not in host and host != "localhost" and not alone:
        hint = f"for a name of a network of containers write http://{host}/ or {host}:80"
        raise InputError(f"{shown(host)} is not a host name: it has only one label", hint)
    return host


def _ipv6(text: str) -> str:
    if "%" in text:
        raise InputError(
            f"{shown(text)} has a zone id", "a link-local address can't be a load balancer"
        )
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise InputError(
            f"{shown(text)} is not an IPv6 address", "write IPv6 as [::1] or [::1]:8080"
        ) from None
    return _checked(address)


def _ipv4(text: str) -> str:
    try:
        return _checked(IPv4Address(text))
    except AddressValueError:
        raise InputError(
            f"{shown(text)} ends in a number but is not an IPv4 address",
            "write four decimal numbers, as in 192.0.2.1",
        ) from None


def no_balancer(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address can't be a load balancer's.

    169.254.169.254 hands out a machine's credentials.
    """
    embedded = getattr(address, "ipv4_mapped", None) or address
    return bool(embedded.is_link_local or embedded.is_unspecified or embedded.is_multicast)


def _checked(address: IPv4Address | IPv6Address) -> str:
    if no_balancer(address):
        raise InputError(f"{shown(str(address))} can't be a load balancer's address", _NAME_HINT)
    return str(address)


def _punycode(host: str, notes: list[str]) -> str:
    import idna  # noqa: PLC0415 — its tables cost 30 ms that a plain name needn't pay

    try:
        encoded = idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise InputError(
            f"{shown(host)} is not a host name: {visible(str(error))}", _NAME_HINT
        ) from None
    notes.append(f"{visible(host)} is sent as {encoded}")
    return encoded


def _aws_notes(host: str) -> tuple[str, ...]:
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return ()
    if not _ELB_NAME.search(host):
        return ("this is an AWS name, but not a load balancer's",)
    if host.startswith("internal-"):
        return ("this load balancer is internal: it answers only inside its VPC",)
    return ()
