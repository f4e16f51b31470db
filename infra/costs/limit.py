"""Hold a stack's estimated cost against its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.costs.estimate import estimate
from infra.costs.prices import of_region, regions
from infra.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings import Settings


def problems(settings: Settings, region: str) -> Iterator[Problem]:
    """Check that a stack in a region costs no more than its configuration allows."""
    limit = settings.costs.monthly_cost_limit_usd
    if not limit:
        return
    if settings.services_on_instances:
        yield Problem(
            "monthlyCostLimitUsd",
            f"{limit}, which can't be checked: prices of instances aren't known",
            "0 with capacity ec2",
        )
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
    # Scaling may add tasks at any time.
    if estimated.most_usd > limit:
        shares = ", ".join(f"{part.name} {part.most_usd:.2f}" for part in estimated.parts)
        at_most = "" if estimated.most_usd == estimated.usd else " at most"
        yield Problem(
            "monthlyCostLimitUsd",
            f"{limit}, where the stack costs{at_most} {estimated.most_usd:.2f} USD a month without "
            f"traffic: {shares}",
            "at least that much, or a stack that costs less; 0 for no limit",
        )
