"""How tasks run here: `LOCALAWS_RUNTIME`, read when the daemon starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from localaws.machine.isolation import Isolation
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.machine.isolation import Finding

VARIABLE = "LOCALAWS_RUNTIME"


class Runtime(StrEnum):
    """What runs a task."""

    CONTAINER = "container"
    """Its images, in namespaces on its own address in the VPC."""

    PROCESS = "process"
    """A process of this machine that stands in for each of its images."""


_PROCESSES_LACK = (
    "images: a table says what runs for each",
    "security groups, routes and public addresses",
    "names of a VPC, those of Cloud Map included",
    "limits on CPU and memory",
    "users, capabilities, read-only file systems and volumes",
)


class BadRuntime(UserError):  # noqa: N818 — it is the value, or the machine, that is bad
    """The variable has a value that isn't allowed or possible here; the message says what to do."""


@dataclass(frozen=True)
class Choice:
    """How tasks run."""

    runtime: Runtime
    isolation: Isolation = Isolation.NONE
    lacks: tuple[str, ...] = ()
    """What AWS enforces and this doesn't."""

    why: str = ""
    """Why it isn't the other runtime, if that was tried."""

    @property
    def sentence(self) -> str:
        """The choice as a sentence for users."""
        sentence = f"tasks run in the runtime `{self.runtime}`"
        if self.isolation is not Isolation.NONE:
            sentence += f" ({self.isolation})"
        if self.lacks:
            sentence += f"; not enforced: {'; '.join(self.lacks)}"
        if self.why:
            sentence += f". {self.why}"
        return sentence


def choose(find: Callable[[], Finding], environment: Mapping[str, str] = os.environ) -> Choice:
    """Choose how tasks run.

    Args:
        find: Finds which isolation this machine allows; called only if it matters.
        environment: Holds the variable.

    Raises:
        BadRuntime: The variable has another value, or this machine can't run containers.
    """
    text = environment.get(VARIABLE) or "auto"
    if text not in {"auto", *Runtime}:
        raise BadRuntime(
            f"{VARIABLE}: {text}; allowed: auto, {', '.join(Runtime)}. Change it, or unset it"
        )
    if text == Runtime.PROCESS:
        return Choice(Runtime.PROCESS, lacks=_PROCESSES_LACK)
    found = find()
    if found.isolation is not Isolation.NONE:
        return Choice(Runtime.CONTAINER, found.isolation, found.lacks)
    refused = "; ".join(f"{name}: {reason}" for name, reason in found.why_not.items())
    why = f"This machine can't run containers ({refused})"
    if text == "auto":
        return Choice(Runtime.PROCESS, lacks=_PROCESSES_LACK, why=why)
    raise BadRuntime(f"{VARIABLE}: {text}. {why}. Unset it to run tasks as processes")
