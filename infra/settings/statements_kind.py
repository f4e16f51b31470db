"""The kind of statements of an IAM policy. Pure."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from infra.aws import statements
from infra.settings.kinds import Kind
from infra.settings.values import refuse


class Statements(Kind):
    """A list of statements of an IAM policy, each an object or its JSON text."""

    absent: ClassVar[str | None] = "[]"

    @property
    def allowed(self) -> str:
        """Describe the statements."""
        return (
            "a list of statements with Action, Resource and optionally Sid, Effect and "
            "Condition; an allowed action has no wildcard, and its resource doesn't match "
            "every resource of a kind"
        )

    def read(self, text: str) -> tuple[dict[str, Any], ...]:
        """Parse the statements; one without an Effect allows."""
        read = []
        for statement in _statements(text):
            if not isinstance(statement, dict) or statements.flaw(statement):
                refuse(text)
            read.append({"Effect": "Allow", **statement})
        return tuple(read)

    def shown(self, text: str) -> str:
        """Describe the flaw of each refused statement."""
        try:
            found = _statements(text)
        except ValueError:
            return f"{text or 'empty'}, which is not a list"
        flaws = []
        for number, statement in enumerate(found):
            flaw = statements.flaw(statement)
            if flaw:
                flaws.append(f"statement {number} {flaw}")
        return "; ".join(flaws)


def _statements(text: str) -> list[object]:
    found = json.loads(text)
    if not isinstance(found, list):
        refuse(text)
    return list(map(_statement, found))


def _statement(item: object) -> object:
    return json.loads(item) if isinstance(item, str) else item
