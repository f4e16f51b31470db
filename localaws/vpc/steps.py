"""Steps that change network namespaces, and the shell script that executes several. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_END = "END"


@dataclass(frozen=True)
class Settings:
    """Values for the kernel's files below /proc/sys/net in one network namespace."""

    network: str | None
    """The namespace's name; None for the internet."""

    values: tuple[str, ...]
    """Each a file and what to write: `ipv4/ip_forward=1`."""


@dataclass(frozen=True)
class Batch:
    """Lines for `ip -batch` in one network namespace."""

    network: str | None
    lines: tuple[str, ...]
    ipv6: bool = False
    """Whether the lines are rules about IPv6: `ip` doesn't see it in their text."""


@dataclass(frozen=True)
class Table:
    """A script for `nft` in one network namespace, which does all of it or nothing."""

    network: str | None
    script: str


Step = Settings | Batch | Table


def merged(steps: Iterable[Step]) -> list[Step]:
    """Return steps with those of one kind in one namespace as one, those of the internet last.

    Args:
        steps: Steps that add different interfaces, or that remove some. The router's come before
            those in a namespace that it makes; the internet's know of nothing that comes later.
    """
    found: dict[tuple[type[Step], str | None, bool], Step] = {}
    for step in steps:
        key = (type(step), step.network, isinstance(step, Batch) and step.ipv6)
        there = found.get(key)
        found[key] = step if there is None else _together(there, step)
    return sorted(found.values(), key=lambda step: step.network is None)


def _together(first: Step, second: Step) -> Step:
    match first, second:
        case Settings(), Settings():
            return replace(first, values=(*first.values, *second.values))
        case Batch(), Batch():
            return replace(first, lines=(*first.lines, *second.lines))
        case Table(), Table():
            return replace(first, script=first.script + second.script)
        case _:
            raise TypeError(f"{first} and {second} are of different kinds")


def shell_script(steps: Iterable[Step]) -> str:
    """Return the script that executes the steps in order, and ends at the first that fails."""
    parts = []
    for step in steps:
        if isinstance(step, Settings) and step.values:
            parts.append(_with_input(_entering(step.network, "sh -e"), _assignments(step)))
        elif isinstance(step, Table) and step.script:
            parts.append(_with_input(_entering(step.network, "nft -f -"), step.script))
        elif isinstance(step, Batch) and step.lines:
            command = "ip -6 -batch -" if step.ipv6 else "ip -batch -"
            lines = "\n".join((*step.lines, ""))
            parts.append(_with_input(_entering(step.network, command), lines))
    return "".join(parts)


def _entering(network: str | None, command: str) -> str:
    """Return a command that runs in a namespace.

    `ip -n` would do it in a copy of all mounts, in which a namespace that it makes stays unseen.
    """
    if network is None:
        return command
    return f"nsenter --net={shlex.quote(f'/run/netns/{network}')} {command}"


def _assignments(step: Settings) -> str:
    lines = []
    for assignment in step.values:
        name, _, value = assignment.partition("=")
        lines.append(f"echo {shlex.quote(value)} > {shlex.quote(f'/proc/sys/net/{name}')}\n")
    return "".join(lines)


def _with_input(command: str, text: str) -> str:
    return f"{command} <<'{_END}'\n{text}{_END}\n"
