"""What a rule found, and the register of what is accepted."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

_LISTS = ("rules", "stacks", "resources")
_FIELDS = (*_LISTS, "why", "control", "proof", "remove")


RENAMED: Final = {
    "containers-run-as-a-user-without-privileges": "containers-run-as-non-root",
    "draining-fits-into-the-stop-timeout": "stop-timeout-covers-draining",
    "egress-is-narrow": "egress-is-restricted",
    "exec-and-read-only-roots-exclude-each-other": "exec-excludes-read-only-root",
    "logs-are-there-before-containers-write": "log-groups-exist-before-tasks",
    "no-secret-is-in-plain-text": "no-plain-text-secrets",
    "no-subnet-hands-out-public-addresses": "subnets-assign-no-public-addresses",
    "only-load-balancers-are-open-to-the-world": "only-load-balancers-are-public",
    "permissions-name-what-they-allow": "role-policies-name-their-resources",
    "plain-http-only-redirects-beside-https": "http-only-redirects-beside-https",
    "policies-of-things-admit-nobody-unnamed": "resource-policies-name-their-principals",
    "private-tasks-have-no-way-in": "private-tasks-are-in-private-subnets",
    "requests-come-after-services": "traffic-moves-after-services-are-steady",
    "rules-are-resources-of-their-own": "no-inline-security-group-rules",
    "target-groups-are-led-to-before-services": "target-groups-are-attached-before-services",
    "tasks-admit-only-the-load-balancer": "tasks-allow-only-the-load-balancer",
    "tasks-share-nothing-with-their-host": "tasks-are-isolated-from-their-host",
    "trust-is-of-this-account": "trust-policies-name-the-account",
}
"""Rules by their former ids, for registers that were written with those."""


class RegisterError(Exception):
    """The register of exceptions can't be read; the message names the entry and the problem."""


@dataclass(frozen=True, order=True)
class Finding:
    """One rule that one resource of one stack breaks."""

    stack: str
    rule: str
    resource: str
    """The resource's title: the last word of its type, and its name."""

    def __str__(self) -> str:
        return f"{self.stack}: {self.rule} at {self.resource}"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An entry of the register: some rules may be broken by some resources of some stacks."""

    rules: tuple[str, ...]
    stacks: tuple[str, ...]
    resources: tuple[str, ...]
    why: str
    control: str
    """What protects instead."""

    proof: str
    """The test that shows the control, as pytest names it."""

    remove: str
    """What to do for the entry to go."""

    def findings(self) -> Iterator[Finding]:
        """Yield every finding that the entry accepts."""
        for stack in self.stacks:
            for rule in self.rules:
                for resource in self.resources:
                    yield Finding(stack, rule, resource)


@dataclass(frozen=True)
class Comparison:
    """The differences between the findings and the accepted ones."""

    new: Sequence[Finding]
    """Found, and not accepted."""

    obsolete: Sequence[Finding]
    """Accepted, and not found."""


def read(path: Path) -> list[Accepted]:
    """Read the register.

    Raises:
        RegisterError: An entry lacks something, has an empty field, or accepts what another
            one accepts.
    """
    listed = yaml.safe_load(path.read_text())
    entries = [_entry(number, raw) for number, raw in enumerate(listed, start=1)]
    taken: set[Finding] = set()
    for entry in entries:
        for finding in entry.findings():
            if finding in taken:
                raise RegisterError(f"{finding} is accepted twice")
            taken.add(finding)
    return entries


def judge(found: Collection[Finding], register: Sequence[Accepted]) -> Comparison:
    """Compare the findings with the register, in both directions."""
    accepted: set[Finding] = set()
    for entry in register:
        accepted.update(entry.findings())
    return Comparison(sorted(set(found) - accepted), sorted(accepted - set(found)))


def proven(proof: str, root: Path) -> bool:
    """Return whether the test that an entry names exists."""
    file, _, name = proof.partition("::")
    path = root / file
    if not path.is_file():
        return False
    if not name.startswith("test_"):
        return False
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
    return False


def _entry(number: int, raw: Any) -> Accepted:
    if not isinstance(raw, dict) or tuple(raw) != _FIELDS:
        raise RegisterError(
            f"entry {number}: expected the fields {', '.join(_FIELDS)} in this order"
        )
    for name in _FIELDS:
        kind = list if name in _LISTS else str
        if not isinstance(raw[name], kind) or not raw[name]:
            raise RegisterError(f"entry {number} ({raw['rules']}): `{name}` is empty")
    for rule in raw["rules"]:
        if rule in RENAMED:
            raise RegisterError(f"entry {number}: `{rule}` is now called `{RENAMED[rule]}`")
    fields: dict[str, Any] = dict(raw)
    for name in _LISTS:
        fields[name] = tuple(raw[name])
    return Accepted(**fields)
