"""What the people who run the service see and may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from infra.settings.kinds import Choice, Flag

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Source: CloudWatch Logs, PutRetentionPolicy. 0, for ever, is left out: such a log is a bill that
only grows.
"""


@dataclass(frozen=True, kw_only=True)
class OperationSettings:
    """Logs, metrics, shells and protection."""

    container_insights: Annotated[str, Choice(("disabled", "enabled", "enhanced"))]
    ecs_exec: Annotated[bool, Flag()]
    log_retention_days: Annotated[int, Choice(RETENTION_DAYS)]
    exec_log_retention_days: Annotated[int, Choice(RETENTION_DAYS)]
    deletion_protection: Annotated[bool, Flag()]
