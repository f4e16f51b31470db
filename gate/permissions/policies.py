"""What the principals that preview and deploy a stack may do: policies made of a table. Pure.

The table, gate/permissions/actions.yaml, has the actions behind each registered type and each
lookup, and the statements that grant them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

TABLE: Final = Path(__file__).with_name("actions.yaml")

CHANGES: Final = ("create", "update", "delete")
READ: Final = "read"
ALARMS: Final = "alarms"
"""The part of the statements for a stack with alarms or a dashboard."""


class UnknownToTheTableError(Exception):
    """A registered type, or a lookup, whose actions the table doesn't have; the text says which."""

    def __init__(self, token: str) -> None:
        super().__init__(
            f"{token} isn't in gate/permissions/actions.yaml; add the actions that the provider "
            "needs for it"
        )


@dataclass(frozen=True)
class Statement:
    """Where some actions are allowed, or denied."""

    sid: str
    part: str
    """Which of the policies for deploying it is in."""

    where: tuple[str, ...]
    """Patterns of ARNs, or `*`."""

    actions: tuple[str, ...]
    when: Mapping[str, Any] = field(default_factory=dict)
    """Conditions."""

    bounded: Mapping[str, Any] | str = field(default_factory=dict)
    """Further conditions where every role must have a boundary; `never` where that forbids the
    statement.
    """


@dataclass(frozen=True)
class Table:
    """gate/permissions/actions.yaml."""

    types: Mapping[str, Mapping[str, Sequence[str]]]
    """By token: the actions of `create`, `read`, `update` and `delete`."""

    lookups: Mapping[str, Sequence[str]]
    """By token: the actions of a lookup."""

    statements: Sequence[Statement]
    denied: Sequence[Statement]
    not_needed: Sequence[str]
    """Actions that AWS's reference names beside others of the table, and that nothing here needs.
    """

    newer: Sequence[str]
    """Actions that are granted where the gate's copy of the reference doesn't have them yet."""

    samples: Mapping[str, str]
    """Values for the placeholders."""

    def to_deploy(self, types: Iterable[str], lookups: Iterable[str]) -> set[str]:
        """Return the actions that create, read, update and delete the types, and the lookups' own.

        Raises:
            UnknownToTheTableError: A type or a lookup has no row.
        """
        of_types: set[str] = set()
        for token in types:
            of_types.update(*_row(self.types, token).values())
        return of_types | self._of_lookups(lookups)

    def to_preview(self, types: Iterable[str], lookups: Iterable[str]) -> set[str]:
        """Return the actions that read the types, and the lookups' own.

        Raises:
            UnknownToTheTableError: A type or a lookup has no row.
        """
        of_types: set[str] = set()
        for token in types:
            of_types.update(_row(self.types, token).get(READ, ()))
        return of_types | self._of_lookups(lookups)

    def _of_lookups(self, lookups: Iterable[str]) -> set[str]:
        found: set[str] = set()
        for token in lookups:
            found.update(_row(self.lookups, token))
        return found


def read(path: Path = TABLE) -> Table:
    """Read the table."""
    # The loader in C takes a tenth of the time, but isn't everywhere.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw = yaml.load(path.read_text(), loader)  # noqa: S506 — both are safe
    return Table(
        types=raw["types"],
        lookups=raw["lookups"],
        statements=[_statement(each) for each in raw["statements"]],
        denied=[_statement(each) for each in raw["denied"]],
        not_needed=raw["not_needed"],
        newer=raw["newer"],
        samples=raw["samples"],
    )


def policy(
    table: Table, actions: Iterable[str], *, parts: Collection[str], bounded: bool = False
) -> dict[str, Any]:
    """Return a policy that allows those actions only, as some parts of the statements do.

    Args:
        table: What statements there are.
        actions: What is to be allowed.
        parts: Which statements.
        bounded: Whether every role that is made must have the permissions boundary BOUNDARY.
    """
    wanted = set(actions)
    allowing = []
    for statement in _of_parts(table.statements, parts):
        if bounded and statement.bounded == "never":
            continue
        allowed = sorted(wanted & set(statement.actions))
        if allowed:
            allowing.append(_document("Allow", statement, allowed, bounded=bounded))
    denying = []
    for statement in _of_parts(table.denied, parts):
        actions_denied = sorted(statement.actions)
        denying.append(_document("Deny", statement, actions_denied))
    return {"Version": "2012-10-17", "Statement": [*allowing, *denying]}


def _of_parts(statements: Iterable[Statement], parts: Collection[str]) -> Iterator[Statement]:
    for statement in statements:
        if statement.part in parts:
            yield statement


def trust(subject: str) -> dict[str, Any]:
    """Return a trust policy that lets GitHub workflows with exactly this subject assume the role.

    Source: GitHub, "Configuring OpenID Connect in Amazon Web Services".
    """
    issuer = "token.actions.githubusercontent.com"
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::ACCOUNT:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def documents(
    table: Table, types: Iterable[str], lookups: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return every document of docs/permissions, by its file's name without the extension."""
    types, lookups = sorted(types), sorted(lookups)
    deploy, preview = table.to_deploy(types, lookups), table.to_preview(types, lookups)
    parts = sorted({each.part for each in table.statements})
    return {
        **{f"deploy-{part}": policy(table, deploy, parts=[part]) for part in parts},
        "deploy-service-with-boundary": policy(table, deploy, parts=["service"], bounded=True),
        # Without room for more in a managed policy, what a stack may do without has its own.
        "preview": policy(table, preview, parts=[each for each in parts if each != ALARMS]),
        f"preview-{ALARMS}": policy(table, preview, parts=[ALARMS]),
        "trust-deploy": trust("repo:OWNER/NAME:environment:STACK"),
        "trust-preview": trust("repo:OWNER/NAME:pull_request"),
    }


def text_of(document: Mapping[str, Any]) -> str:
    """Return a document's text as its file has it."""
    return json.dumps(document, indent=2) + "\n"


def filled_in(text: str, samples: Mapping[str, str]) -> str:
    """Return a document's text with its placeholders replaced by values."""
    for name, value in samples.items():
        text = text.replace(name, value)
    return text


def _row(rows: Mapping[str, Any], token: str) -> Any:
    if token not in rows:
        raise UnknownToTheTableError(token)
    return rows[token]


def _statement(raw: Mapping[str, Any]) -> Statement:
    return Statement(**{**raw, "where": tuple(raw["where"]), "actions": tuple(raw["actions"])})


def _document(
    effect: str, statement: Statement, actions: Sequence[str], *, bounded: bool = False
) -> dict[str, Any]:
    conditions = dict(statement.when)
    if bounded and isinstance(statement.bounded, dict):
        conditions.update(statement.bounded)
    document: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": effect,
        "Action": list(actions),
        "Resource": list(statement.where),
    }
    if conditions:
        document["Condition"] = conditions
    return document
