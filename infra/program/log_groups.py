"""Find out which log groups of a stack exist already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import log_group
from infra.aws import naming
from infra.log_group import LogGroupArgs

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.settings import Settings


@dataclass(kw_only=True)
class LogGroups:
    """What the log groups of a stack have in common."""

    existing: Collection[str]
    """Names of those that exist already."""

    key_arn: str | None
    """Customer managed key that encrypts them; None for CloudWatch's own."""

    def args(self, name: str, *, retention_days: int) -> LogGroupArgs:
        """Return the arguments of one of them."""
        return LogGroupArgs(
            name=name,
            retention_days=retention_days,
            key_arn=self.key_arn,
            exists=name in self.existing,
        )


def find_log_groups(settings: Settings) -> LogGroups:
    """Look up which log groups of the stack exist."""
    return LogGroups(
        existing=log_group.existing(naming.log_group_prefixes(settings.stack)),
        key_arn=settings.keys.log_key_arn,
    )
