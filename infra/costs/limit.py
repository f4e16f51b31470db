"""Compare a stack's estimated cost with its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.costs.estimate import estimate
from infra.costs.prices import of_region, regions
from infra.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.settings import Settings


def verdict(settings: Settings, refused: Sequence[Problem]) -> str:
    """Return whether `up` accepts a stack because of its limit; empty if the stack has none.

    Args:
        settings: The stack's settings.
        refused: The problems with its limit, as `problems` yields them.
    """
    limit = settings.costs.monthly_cost_limit_usd
    if not limit:
        return ""
    if refused:
        return f"`up` refuses this stack. {'; '.join(map(str, refused))}"
    return f"`up` accepts this stack, whose monthlyCostLimitUsd is {limit}."


def problems(settings: Settings, region: str) -> Iterator[Problem]:
    """Check that a stack in a region costs no more than its configuration allows."""
    limit = settings.costs.monthly_cost_limit_usd
    if not limit:
        return
    if region not in regions():
        yield Problem(
            "monthlyCostLimitUsd",
            f"{limit}, which can't be checked: prices of {region} aren't known",
            "0, or prices of that region: `python -m tools.prices REGION` reads them from AWS's "
            "price list",
        )
        return
    estimated = estimate(settings, of_region(region))
    if estimated.unpriced:
        yield Problem(
            "monthlyCostLimitUsd",
            f"{limit}, which can't be checked: the stack has {'; '.join(estimated.unpriced)}",
            "0, or only what has a price in infra/costs/prices.json",
        )
        return
    # Scaling may add tasks at any time.
    if estimated.max_usd > limit:
        shares = ", ".join(f"{part.name} {part.max_usd:.2f}" for part in estimated.parts)
        at_most = "" if estimated.max_usd == estimated.min_usd else " at most"
        yield Problem(
            "monthlyCostLimitUsd",
            f"{limit}, where the stack costs{at_most} {estimated.max_usd:.2f} USD a month without "
            f"traffic: {shares}",
            "at least that much, or a stack that costs less; 0 for no limit",
        )
