"""What single values may be: ranges, choices, lengths, CIDR blocks; each names what it allows."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.catalog.properties import UNKNOWN, located
from localaws.catalog.refusals import Refusal, Refusals

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties

_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Allowed:
    """A set of values, in words and as a predicate over any known value."""

    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Limit:
    """What one input may be."""

    property: str
    """A path such as `healthCheck.interval` or `loadBalancers[].containerPort`."""

    allowed: Allowed
    rule: str
    code: str = "InvalidArgument"
    hidden: bool = False
    """Whether a refusal must not repeat the value, which may be a secret put in the wrong place."""

    def check(self, inputs: Properties, *, within: str = "") -> Refusals:
        """Yield a refusal for each known value that isn't allowed, named as part of `within`."""
        for place, value in located(inputs, self.property):
            if not self.allowed.holds(value):
                got = "" if self.hidden else f", got {show(value)}"
                message = f"{within}{place} must be {self.allowed.words}{got}"
                yield Refusal(self.code, message, self.rule, re.split(r"[.\[]", place)[0])


def show(value: object) -> str:
    """A value as a message shows it: whole numbers without a fraction, long texts cut."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def number(value: object) -> float | None:
    """The value if it is a number, else None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def text(value: object) -> str | None:
    """The value if it is a string, else None."""
    return value if isinstance(value, str) else None


def block(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def blocks(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list; nothing if it isn't one."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def listed(value: object) -> list[Any]:
    """What a field of a policy holds, which may be a list or not."""
    return value if isinstance(value, list) else [value]


def texts(value: object) -> list[str]:
    """The strings in a list; nothing if it isn't one."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def known(*values: object) -> bool:
    """Whether none of the values, at whatever depth, is UNKNOWN."""
    return not any(
        value is UNKNOWN
        or (isinstance(value, Mapping) and not known(*value.values()))
        or (isinstance(value, list) and not known(*value))
        for value in values
    )


def given(inputs: Properties, *names: str) -> list[str]:
    """Those of the names that have a value, even one that isn't known yet."""
    return [name for name in names if inputs.get(name) is not None]


def exactly_one(
    inputs: Properties, names: tuple[str, ...], rule: str, *, where: str = ""
) -> Refusals:
    """A refusal unless one of the names has a value; unknown ones may turn out either way."""
    unknown = [name for name in names if inputs.get(name) is UNKNOWN]
    certain = [name for name in given(inputs, *names) if name not in unknown]
    if len(certain) > 1 or not (certain or unknown):
        got = f"got {', '.join(certain)}" if certain else "got none"
        yield Refusal(
            "InvalidArgument", f"{where}exactly one of {', '.join(names)} must be set, {got}", rule
        )


def within(low: float, high: float) -> Allowed:
    """A whole number in a closed range."""

    def holds(value: object) -> bool:
        found = number(value)
        return found is not None and found.is_integer() and low <= found <= high

    return Allowed(f"a whole number from {show(float(low))} to {show(float(high))}", holds)


def one_of(*choices: Any) -> Allowed:
    """One of a few values."""
    return Allowed(
        f"one of {', '.join(map(str, choices))}",
        lambda value: _hashable(value) and value in choices,
    )


def _hashable(value: object) -> bool:
    return not isinstance(value, bool | list | Mapping)


def matches(pattern: str, words: str) -> Allowed:
    """A string that a regular expression matches in full; its letters and digits are ASCII's."""
    compiled = re.compile(pattern, re.ASCII)
    return Allowed(
        words, lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None
    )


def length(low: int, high: int) -> Allowed:
    """A string of so many characters."""
    return Allowed(
        f"text of {low} to {high} characters",
        lambda value: isinstance(value, str) and low <= len(value) <= high,
    )


def size(low: int, high: int) -> Allowed:
    """A list of so many items."""
    return Allowed(
        f"{low} to {high} items",
        lambda value: isinstance(value, list) and low <= len(value) <= high,
    )


def cidr(shortest: int = 0, longest: int = 32) -> Allowed:
    """An IPv4 network in its canonical form."""

    def holds(value: object) -> bool:
        found = network(value)
        # IPv4
        return found is not None and found.version == 4 and shortest <= found.prefixlen <= longest  # noqa: PLR2004

    sizes = "" if (shortest, longest) == (0, 32) else f" of /{shortest} to /{longest}"
    return Allowed(f"an IPv4 network{sizes} without host bits, such as 10.0.0.0/16", holds)


def network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that a string names in canonical form, else None."""
    try:
        return ipaddress.ip_network(value) if isinstance(value, str) and "/" in value else None
    except ValueError:
        return None


def _is_ipv6(value: object) -> bool:
    found = network(value)
    return found is not None and found.version == 6  # noqa: PLR2004 — IPv6


CIDR_IPV6 = Allowed("an IPv6 network without host bits, such as 2001:db8::/32", _is_ipv6)
ARN = matches(
    r"|arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws)?:.+",
    "an ARN, arn:aws:<service>:<region>:<account>:<resource>",
)
PORT = within(1, 65535)


def parsed(value: object) -> Any:
    """What a JSON string holds; UNKNOWN for an unknown one; None if it isn't JSON."""
    if value is UNKNOWN:
        return UNKNOWN
    try:
        return json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
