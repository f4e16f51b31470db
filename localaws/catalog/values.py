"""Sets of allowed values, such as ranges, choices, lengths and CIDR blocks, with descriptions."""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.catalog.properties import UNKNOWN, first_name, items_at
from localaws.catalog.refusals import Refusal, Refusals

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties

_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Allowed:
    """A set of allowed values."""

    description: str
    """Completes the sentence "the input must be …"."""

    contains: Callable[[Any], bool]
    """Returns whether a known value is in the set."""


@dataclass(frozen=True)
class Limit:
    """The allowed values of one input."""

    property: str
    """A path such as `healthCheck.interval` or `loadBalancers[].containerPort`."""

    allowed: Allowed
    rule: str
    code: str = "InvalidArgument"
    hidden: bool = False
    """Whether a refusal must not show the value, because it may be a secret."""

    def check(self, inputs: Properties, *, within: str = "") -> Refusals:
        """Yield a refusal for each known value that isn't allowed.

        `within` starts the message; it names what the inputs belong to.
        """
        for path, value in items_at(inputs, self.property):
            if not self.allowed.contains(value):
                got = "" if self.hidden else f", got {show(value)}"
                message = f"{within}{path} must be {self.allowed.description}{got}"
                yield Refusal(self.code, message, self.rule, first_name(path))


def show(value: object) -> str:
    """Return a value as a message shows it: whole numbers as integers, long texts shortened."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def number(value: object) -> float | None:
    """Return the value as a float if it is a number, else None."""
    # Python's bool is a kind of int.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def text(value: object) -> str | None:
    """Return the value if it is a string, else None."""
    return value if isinstance(value, str) else None


def block(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def blocks(value: object) -> list[Mapping[str, Any]]:
    """Return the objects in a list; empty if the value isn't a list."""
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, Mapping)]


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def listed(value: object) -> list[Any]:
    """Return a list as it is, and any other value as the only item of a list."""
    return value if isinstance(value, list) else [value]


def texts(value: object) -> list[str]:
    """Return the strings in a list; empty if the value isn't a list."""
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, str)]


def known(*values: object) -> bool:
    """Return whether no value, at any depth, is UNKNOWN."""
    for value in values:
        if value is UNKNOWN:
            return False
        if isinstance(value, Mapping) and not known(*value.values()):
            return False
        if isinstance(value, list) and not known(*value):
            return False
    return True


def given(inputs: Properties, *names: str) -> list[str]:
    """Return the names of the inputs that are set, even to an unknown value."""
    return [name for name in names if inputs.get(name) is not None]


def duplicates(values: Iterable[str]) -> list[str]:
    """Return the values that occur more than once, sorted."""
    return sorted(value for value, count in Counter(values).items() if count > 1)


def exactly_one(
    inputs: Properties, names: tuple[str, ...], rule: str, *, where: str = ""
) -> Refusals:
    """Refuse unless exactly one of the inputs is set; an unknown value may turn out to be unset."""
    unknown = [name for name in names if inputs.get(name) is UNKNOWN]
    certain = [name for name in given(inputs, *names) if name not in unknown]
    if len(certain) > 1 or not (certain or unknown):
        got = f"got {', '.join(certain)}" if certain else "got none"
        yield Refusal(
            "InvalidArgument", f"{where}exactly one of {', '.join(names)} must be set, {got}", rule
        )


def within(low: float, high: float) -> Allowed:
    """Allow whole numbers in a closed range."""

    def contains(value: object) -> bool:
        found = number(value)
        return found is not None and found.is_integer() and low <= found <= high

    return Allowed(f"a whole number from {show(float(low))} to {show(float(high))}", contains)


def one_of(*choices: Any) -> Allowed:
    """Allow a few values."""

    def contains(value: object) -> bool:
        # Python's True equals 1, which may be a choice.
        return not isinstance(value, bool) and value in choices

    return Allowed(f"one of {', '.join(map(str, choices))}", contains)


def matches(pattern: str, description: str) -> Allowed:
    r"""Allow strings that a regular expression matches in full; `\w` and `\d` mean ASCII only."""
    compiled = re.compile(pattern, re.ASCII)
    return Allowed(
        description, lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None
    )


def length(low: int, high: int) -> Allowed:
    """Allow strings with a number of characters in this range."""
    return Allowed(
        f"text of {low} to {high} characters",
        lambda value: isinstance(value, str) and low <= len(value) <= high,
    )


def size(low: int, high: int) -> Allowed:
    """Allow lists with a number of items in this range."""
    return Allowed(
        f"{low} to {high} items",
        lambda value: isinstance(value, list) and low <= len(value) <= high,
    )


def cidr(shortest: int = 0, longest: int = 32) -> Allowed:
    """Allow IPv4 networks in canonical form, with a prefix length in this range."""

    def contains(value: object) -> bool:
        found = network(value)
        if not isinstance(found, ipaddress.IPv4Network):
            return False
        return shortest <= found.prefixlen <= longest

    sizes = "" if (shortest, longest) == (0, 32) else f" of /{shortest} to /{longest}"
    return Allowed(f"an IPv4 network{sizes} without host bits, such as 10.0.0.0/16", contains)


def network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network that a string names in canonical form, else None."""
    # Without a slash, the library would read a single address as a network.
    if not isinstance(value, str) or "/" not in value:
        return None
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        return None


def _is_ipv6_network(value: object) -> bool:
    return isinstance(network(value), ipaddress.IPv6Network)


CIDR_IPV6 = Allowed("an IPv6 network without host bits, such as 2001:db8::/32", _is_ipv6_network)
ARN = matches(
    r"|arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}|aws)?:.+",
    "an ARN, arn:aws:<service>:<region>:<account>:<resource>",
)
PORT = within(1, 65535)


def region_of_arn(value: object) -> str | None:
    """Return the region in an ARN, empty for what is global; None if the value is no ARN."""
    if not isinstance(value, str) or not value or not ARN.contains(value):
        return None
    return value.split(":")[3]


def parsed(value: object) -> Any:
    """Return the value of a JSON string; UNKNOWN for an unknown string, None if it isn't JSON."""
    if value is UNKNOWN:
        return UNKNOWN
    if not isinstance(value, str):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None
