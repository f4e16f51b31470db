"""Kinds of configuration values: what each allows, and how it is read. Pure.

A kind parses the text of a value, or refuses it with a ValueError and describes what it allows.
"""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from infra.aws.egress import Destination
from infra.settings.values import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

_LAST_PORT = 65_535


class Kind(ABC):
    """A kind of value."""

    absent: ClassVar[str | None] = None
    """The text of a key that isn't set; None where Pulumi.yaml has the default.

    Pulumi's schema has no type for maps, so keys that hold them can't have a default there.
    """

    encrypted: ClassVar[bool] = False
    """Whether a value must be encrypted in the stack's file; any other must not."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """Describe the allowed values, as they follow "allowed: " in an error."""

    @abstractmethod
    def read(self, text: str) -> object:
        """Parse a value.

        Raises:
            ValueError: The value isn't allowed.
        """

    def shown(self, text: str) -> str:
        """Describe a refused value, for the error message."""
        return text or "empty"

    def part(self, text: str) -> Any:  # noqa: ARG002 — kinds of several entries override it
        """Return what a refused value has that is allowed; None for a kind of one value."""
        return None


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number within bounds."""

    minimum: int
    maximum: int

    @property
    def allowed(self) -> str:
        """Describe the bounds."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    def read(self, text: str) -> int:
        """Parse the number."""
        # int() alone would also take 8_0, spaces and other alphabets' digits.
        if not re.fullmatch(r"-?[0-9]{1,12}", text):
            refuse(text)
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            refuse(text)
        return number


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few values, all texts or all numbers."""

    choices: tuple[str | int, ...]
    none: str | None = None
    """The choice that turns a feature off; it is read as None."""

    @property
    def allowed(self) -> str:
        """List the choices."""
        return "one of " + ", ".join(map(str, self.choices))

    def read(self, text: str) -> str | int | None:
        """Find the choice."""
        for choice in self.choices:
            if text == str(choice):
                return None if choice == self.none else choice
        raise ValueError(text)


class Flag(Kind):
    """True or false."""

    @property
    def allowed(self) -> str:
        """List both values."""
        return "true or false"

    def read(self, text: str) -> bool:
        """Parse the flag."""
        if text not in {"true", "false"}:
            refuse(text)
        return text == "true"


@dataclass(frozen=True)
class Text(Kind):
    """A text that matches a pattern."""

    pattern: str
    form: str
    """The pattern in words."""

    longest: int = 255
    flaw: Callable[[str], str] | None = None
    """Explain why a text doesn't match, without repeating it."""

    @property
    def allowed(self) -> str:
        """Describe the pattern."""
        return self.form

    def read(self, text: str) -> str:
        """Return the text if it matches."""
        if len(text) > self.longest or not re.fullmatch(self.pattern, text):
            refuse(text)
        return text


@dataclass(frozen=True)
class OrNone(Kind):
    """A value that may be left empty, which is read as None."""

    kind: Kind
    when_empty: str
    """The meaning of an empty value, like "empty for none"."""

    @property
    def allowed(self) -> str:
        """Describe the value, and the meaning of none."""
        return f"{self.kind.allowed}; {self.when_empty}"

    def read(self, text: str) -> object:
        """Parse the value if there is one."""
        return self.kind.read(text) if text else None


@dataclass(frozen=True)
class Ipv4Network(Kind):
    """An IPv4 network address with bounds for its prefix."""

    widest: int
    narrowest: int

    @property
    def allowed(self) -> str:
        """Describe the form and the bounds."""
        return f"an IPv4 network address from /{self.widest} to /{self.narrowest}, like 10.0.0.0/16"

    def read(self, text: str) -> str:
        """Return the network in CIDR notation."""
        network = ipaddress.IPv4Network(text)
        if str(network) != text or not self.widest <= network.prefixlen <= self.narrowest:
            refuse(text)
        return text


class IpRange(Kind):
    """An IPv4 or IPv6 range in CIDR notation."""

    @property
    def allowed(self) -> str:
        """Describe the form."""
        return "an IP range in CIDR notation, like 203.0.113.0/24 or 2001:db8::/32"

    def read(self, text: str) -> str:
        """Return the range."""
        if str(ipaddress.ip_network(text)) != text:
            refuse(text)
        return text


class Destinations(Kind):
    """A network and its TCP ports, like 10.0.0.0/8:5432."""

    @property
    def allowed(self) -> str:
        """Describe the form."""
        return (
            "a network and its TCP port or ports, like 10.0.0.0/8:5432 or 2001:db8::/32:8000-8100"
        )

    def read(self, text: str) -> Destination:
        """Parse the destination."""
        network, _, ports = text.rpartition(":")
        found = re.fullmatch(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?", ports)
        if found is None or str(ipaddress.ip_network(network)) != network:
            refuse(text)
        first = int(found[1])
        last = int(found[2] or first)
        if not first <= last <= _LAST_PORT:
            refuse(text)
        return Destination(network, first, last)
