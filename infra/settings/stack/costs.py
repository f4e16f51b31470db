"""What a stack may cost."""

from __future__ import annotations

from dataclasses import dataclass

from infra.settings.kinds import Whole
from infra.settings.topic import Topic, key


@dataclass(frozen=True, kw_only=True)
class CostSettings(Topic):
    """The limit that a stack's estimated cost is held against."""

    # 0 is no limit. The most is only there to catch a mistyped number.
    monthly_cost_limit_usd: int = key(Whole(0, 1_000_000))
