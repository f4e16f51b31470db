"""Explain which rule of a listener answers a request, and why earlier ones don't. Pure.

Conditions are evaluated by the same regular expressions that Envoy gets
(`localaws.alb.conditions`).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from localaws.alb.conditions import PEER, matchers
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PORTS: Final = {"http": 80, "https": 443}

_AFTER_ALL: Final = 99_999
"""The priority of default actions, higher than any rule's."""

_NAMES: Final = {
    "hostHeader": "host",
    "pathPattern": "path",
    "httpRequestMethod": "method",
    "sourceIp": "source",
}


class CannotExplain(UserError):  # noqa: N818 — names the finding
    """A request isn't valid, or a stack's rules aren't known; the message says why."""


@dataclass(frozen=True)
class Request:
    """A request, as a load balancer sees it."""

    scheme: str
    host: str
    port: int
    path: str
    """Path and query."""

    method: str
    headers: Mapping[str, str]
    """By name in lower case."""

    source: str
    """Address of the client."""

    @property
    def url(self) -> str:
        """The URL, with the port if it isn't the scheme's own."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    @property
    def values(self) -> dict[str, str]:
        """The values of the headers and pseudo headers that conditions match."""
        return {
            **self.headers,
            ":path": self.path,
            ":authority": self.host,
            ":method": self.method,
            PEER: self.source,
        }

    @classmethod
    def of(cls, url: str, *, method: str, headers: Sequence[str] = (), source: str) -> Request:
        """Read a request.

        Args:
            url: An absolute URL.
            method: Its method.
            headers: As `Name: value`.
            source: The client's IPv4 address.

        Raises:
            CannotExplain: One of them isn't valid.
        """
        parts = _split(url)
        path = parts.path or "/"
        if parts.query:
            path += f"?{parts.query}"
        if not re.fullmatch(r"[A-Z_-]{1,40}", method):
            raise CannotExplain(f"--method {method}: give a method in capitals, like GET")
        try:
            ipaddress.IPv4Address(source)
        except ValueError:
            raise CannotExplain(
                f"--source-ip {source}: give an IPv4 address, like 203.0.113.1"
            ) from None
        return cls(
            scheme=parts.scheme,
            host=_host(parts),
            port=parts.port or _PORTS[parts.scheme],
            path=path,
            method=method,
            headers=_headers(headers),
            source=source,
        )


def _headers(given: Sequence[str]) -> dict[str, str]:
    """Return headers, each given as `Name: value`, by name in lower case."""
    found: dict[str, str] = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise CannotExplain(f"--header {header!r}: give a name and a value, like 'X-Team: a'")
        if name.lower() == "host":
            raise CannotExplain("--header Host: the URL has the host")
        if name.lower() in found:
            raise CannotExplain(f"--header {name}: give each header once")
        found[name.lower()] = value.strip()
    return found


@dataclass(frozen=True)
class Rule:
    """A rule of a listener, or its default actions."""

    name: str
    priority: int | None
    """None for the default actions."""

    conditions: Sequence[Mapping[str, Any]]
    actions: Sequence[Mapping[str, Any]]
    transforms: Sequence[Mapping[str, Any]] = ()

    @property
    def last_action(self) -> Mapping[str, Any]:
        """The action that answers; those before it authenticate."""
        return max(self.actions, key=lambda each: int(each.get("order") or 0))


@dataclass(frozen=True)
class Tried:
    """A rule, and what of a request doesn't meet its conditions."""

    rule: Rule
    reasons: tuple[str, ...]

    @property
    def matches(self) -> bool:
        """Whether the rule answers."""
        return not self.reasons


def explain(rules: Sequence[Rule], request: Request) -> list[Tried]:
    """Return the rules that are tried, in their order; the last one answers.

    Args:
        rules: Those of a listener, with its default actions, in any order.
        request: The request.

    Raises:
        CannotExplain: A regular expression of a condition isn't one of Python's too.
    """
    found: list[Tried] = []
    for rule in sorted(rules, key=lambda each: each.priority or _AFTER_ALL):
        found.append(Tried(rule, tuple(_reasons(rule, request))))
        if found[-1].matches:
            break
    return found


def described(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Return conditions in words."""
    return " and ".join(map(_described, conditions)) or "every request"


def _split(url: str) -> SplitResult:
    if not re.fullmatch(r"[!-~]+", url):
        raise CannotExplain(
            f"{url!r}: a URL has no spaces or other letters; encode them, as in %20"
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CannotExplain(f"{url}: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise CannotExplain(f"{url}: give an absolute URL, like https://shop.example.com/api")
    try:
        parts.port  # noqa: B018 — raises where it is no port
    except ValueError:
        raise CannotExplain(f"{url}: give a port from 1 to 65535") from None
    if "@" in parts.netloc:
        raise CannotExplain("a URL for a load balancer has no user and no password")
    return parts


def _host(parts: SplitResult) -> str:
    """Return the host as a request has it, an IPv6 address in brackets."""
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _reasons(rule: Rule, request: Request) -> Iterator[str]:
    """Yield which conditions of a rule a request doesn't meet, and what it has instead."""
    for condition in rule.conditions:
        found = _actual(condition, request)
        if found:
            yield f"{_described(condition)}: {found}"


def _actual(condition: Mapping[str, Any], request: Request) -> str:
    """Return what a request has instead of what a condition requires; empty if it meets it."""
    for matcher in matchers([condition]):
        value = request.values.get(matcher["name"])
        if value is None:
            return "the request has no such header"
        if not _matches(matcher["string_match"]["safe_regex"]["regex"], value):
            return _shown(condition, request)
    return ""


def _matches(expression: str, value: str) -> bool:
    try:
        return re.fullmatch(expression, value) is not None
    except re.error as error:
        raise CannotExplain(
            f"the expression {expression} isn't one that can be tried here: {error}"
        ) from None


def _described(condition: Mapping[str, Any]) -> str:
    for kind, name in _NAMES.items():
        if condition.get(kind):
            return f"{name} is {_any_of(condition[kind])}"
    header = condition.get("httpHeader")
    if header:
        return f"header {header['httpHeaderName']} is {_any_of(header)}"
    pairs = map(_pair, condition.get("queryStrings") or ())
    return f"query has {' or '.join(pairs)}"


def _pair(query: Mapping[str, Any]) -> str:
    value = str(query["value"])
    return f"{query['key']}={value}" if query.get("key") else value


def _any_of(condition: Mapping[str, Any]) -> str:
    regexes = [f"/{each}/" for each in condition.get("regexValues") or ()]
    return " or ".join([*(condition.get("values") or ()), *regexes])


def _shown(condition: Mapping[str, Any], request: Request) -> str:
    """Return the part of a request that a condition is about."""
    if condition.get("hostHeader"):
        return f"it is {request.host}"
    if condition.get("httpRequestMethod"):
        return f"it is {request.method}"
    if condition.get("sourceIp"):
        return f"it is {request.source}"
    header = condition.get("httpHeader")
    if header:
        return f"it is {request.headers[header['httpHeaderName'].lower()]!r}"
    path, _, query = request.path.partition("?")
    if condition.get("pathPattern"):
        return f"it is {path}"
    return f"it is {query!r}" if query else "there is none"
