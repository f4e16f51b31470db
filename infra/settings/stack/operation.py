"""Logs, metrics, shells and protection, for the people who run the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.settings.kinds import Choice, Flag
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.errors import Problem

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Source: CloudWatch Logs, PutRetentionPolicy. 0, which keeps logs for ever, is left out: the cost
of such a log only grows.
"""


@dataclass(frozen=True, kw_only=True)
class OperationSettings(Topic):
    """Logs, metrics, shells and protection."""

    container_insights: str = key(Choice(("disabled", "enabled", "enhanced")))
    ecs_exec: bool = key(Flag())
    log_retention_days: int = key(Choice(RETENTION_DAYS))
    exec_log_retention_days: int = key(Choice(RETENTION_DAYS))
    deletion_protection: bool = key(Flag())

    def problems(self) -> Iterator[Problem]:
        """Check that there is a log of sessions to keep."""
        yield from self._session_log_uses_its_retention()

    @relation("ecs_exec", "exec_log_retention_days")
    def _session_log_uses_its_retention(self) -> Iterator[Problem]:
        if not self.ecs_exec:
            yield from self.without_effect(
                "exec_log_retention_days", allowed="only with ecsExec true"
            )
