"""What a stack may cost."""

from __future__ import annotations

from dataclasses import dataclass

from infra.settings.kinds import Whole
from infra.settings.topic import Topic, key


@dataclass(frozen=True, kw_only=True)
class CostSettings(Topic):
    """The limit of a stack's estimated cost."""

    # 0 is no limit. The upper bound only catches a mistyped number.
    monthly_cost_limit_usd: int = key(Whole(0, 1_000_000))
