"""AWS's regions."""

from __future__ import annotations

import difflib

from localaws.catalog.partitions import partition_of
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal, Refusals
from localaws.catalog.tables import table


def is_known(region: str) -> bool:
    """Return whether pulumi-aws knows a region; one of AWS's may be newer."""
    return region in _known_regions()


def similar(region: str) -> str:
    """Return regions that may be meant by one that AWS doesn't have."""
    return ", ".join(difflib.get_close_matches(region, _known_regions()) or ["us-east-1"])


def region_rules(region: object, provider_region: str | None) -> Refusals:
    """Refuse a resource's region that AWS doesn't have, or not in the provider's partition.

    The provider's own region is accepted: its configuration can vouch for a newer one.

    Args:
        region: The input `region`; the provider leaves out an empty text.
        provider_region: The provider's region; None where no provider is configured.
    """
    if region is UNKNOWN or not isinstance(region, str) or region in ("", provider_region):
        return
    if not is_known(region):
        message = f"region {region} is none of AWS's; similar ones: {similar(region)}"
        yield Refusal("InvalidArgument", message, "catalog.region", "region")
    elif provider_region is not None and partition_of(region) != partition_of(provider_region):
        message = (
            f"partition ({partition_of(region).name}) for per-resource Region ({region}) is not "
            f"the provider's configured partition ({partition_of(provider_region).name})"
        )
        yield Refusal("InvalidArgument", message, "catalog.region", "region")


def _known_regions() -> list[str]:
    found: list[str] = table("regions")["regions"]
    return found
