"""Listener rules' conditions as Envoy header matchers.

Every condition becomes one regular expression over one (pseudo-)header: values are alternatives,
conditions must all hold. The request's path and query are both in `:path`, undecoded, as the ALB
sees them.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PEER = "x-localaws-peer"
"""Internal request header: the TCP peer's address. Written before routing, removed before the
target sees it.
"""


def matchers(conditions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the header matchers of a rule, all of which a request must meet."""
    found: list[dict[str, Any]] = []
    for condition in conditions:
        for header, regex in _expressions(condition):
            found.append({"name": header, "string_match": {"safe_regex": {"regex": regex}}})
    return found


def _expressions(condition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the headers, and their expressions, that one condition requires."""
    path, host = condition.get("pathPattern"), condition.get("hostHeader")
    header, method = condition.get("httpHeader"), condition.get("httpRequestMethod")
    queries, source = condition.get("queryStrings"), condition.get("sourceIp")
    if path:
        patterns = _any_of(path, any_text="[^?]*", any_character="[^?]")
        yield ":path", rf"(?:{patterns})(?:\?.*)?"
    if host:
        # With any port, which a condition can't name.
        yield ":authority", rf"(?i)(?:{_any_of(host)})(?::\d+)?"
    if header:
        yield header["httpHeaderName"].lower(), f"(?i)(?:{_any_of(header)})"
    if method:
        yield ":method", "|".join(map(re.escape, method["values"]))
    if queries:
        # One of the pairs anywhere in the query.
        pairs = "|".join(map(_query, queries))
        yield ":path", rf"(?i)[^?]*\?(?:.*&)?(?:{pairs})(?:&.*)?"
    if source:
        yield PEER, "|".join(map(_network, source["values"]))


def _any_of(condition: Mapping[str, Any], *, any_text: str = ".*", any_character: str = ".") -> str:
    patterns = [wildcard(value, any_text, any_character) for value in condition.get("values") or ()]
    return "|".join([*patterns, *(condition.get("regexValues") or ())])


def _query(pair: Mapping[str, Any]) -> str:
    key = wildcard(pair["key"], "[^&=]*", "[^&=]") if pair.get("key") else "[^&=]*"
    return f"{key}={wildcard(pair['value'], '[^&]*', '[^&]')}"


def wildcard(pattern: str, any_text: str = ".*", any_character: str = ".") -> str:
    r"""Return the regular expression of a pattern with the wildcards `*` and `?`.

    `*` is any text and `?` one character; `\*` and `\?` are literal.
    """
    wild = {"*": any_text, "?": any_character}
    expression = ""
    for part in re.findall(r"\\[*?]|.", pattern, re.DOTALL):
        # Of an escaped wildcard the last character is the literal one.
        expression += wild.get(part) or re.escape(part[-1])
    return expression


def _network(cidr: str) -> str:
    """Return an expression for the addresses in an IPv4 network.

    One of IPv6 matches no address: the listeners are on 127.0.0.0/8.
    """
    network = ipaddress.ip_network(cidr, strict=False)
    if isinstance(network, ipaddress.IPv6Network):
        return "(?:ipv6)"
    first, last = network.network_address.packed, network.broadcast_address.packed
    return r"\.".join(map(_number, first, last))


def _number(low: int, high: int) -> str:
    """Return an expression for one of the four numbers of an address."""
    if (low, high) == (0, 255):
        return r"\d+"
    numbers = "|".join(map(str, range(low, high + 1)))
    return f"(?:{numbers})"
