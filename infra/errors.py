"""Errors that a user can fix, printed without a traceback."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Problem:
    """A setting that can't be deployed."""

    key: str
    """The configuration key, or `stack`."""

    value: str
    """Its value, as shown to people."""

    allowed: str
    """The allowed values, and what to do."""

    services: tuple[str, ...] = field(default=(), kw_only=True)
    """Paths of the services in which a default is a problem; empty for all that have it."""

    unused: bool = field(default=False, kw_only=True)
    """Whether the key has no effect: as a default it is allowed if some service uses it."""

    def __str__(self) -> str:
        where = "".join(f", in {_shown(service)}" for service in self.services)
        return f"{_shown(self.key)}: {self.value}{where}; allowed: {self.allowed}"


def _shown(path: str) -> str:
    """Return a path in Pulumi's notation, which has brackets for an empty name in it."""
    return re.sub(r"\.(?=\.|$)", '[""]', path)


class SettingsError(pulumi.RunError):
    """The stack's settings can't be deployed; nothing was registered."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            "The stack's configuration can't be deployed:\n"
            + "".join(f"  - {problem}\n" for problem in problems)
            + "docs/config.md describes every key; `pulumi config set KEY VALUE` changes one; a "
            "KEY with dots or brackets needs --path."
        )
        self.problems = tuple(problems)


def is_failed_lookup(error: Exception) -> bool:
    """Return whether an error is the SDK's for a lookup that AWS or the provider didn't answer.

    The SDK has no class for it and raises `Exception` itself. Errors of other classes are bugs.
    """
    return type(error) is Exception


@contextmanager
def looking_up(key: str, value: str, allowed: str) -> Iterator[None]:
    """Turn the failure of a lookup into a problem with the key that names its subject.

    Raises:
        SettingsError: The lookup failed; it says why.
    """
    try:
        yield
    except Exception as error:
        if not is_failed_lookup(error):
            raise
        raise SettingsError(
            [Problem(key, value, f"{allowed}; AWS says: {reason_of(error)}")]
        ) from error


def reason_of(error: Exception) -> str:
    """Return the provider's error of a lookup in one line.

    The prefixes of the SDK, the engine and the provider's libraries are left out.
    """
    reason = str(error).rpartition("error: ")[2]
    reason = re.sub(r"^invoking [\w/:]+: ", "", reason)
    reason = re.sub(r"^1 error occurred:\s+\* ", "", reason)
    return " ".join(reason.split())
