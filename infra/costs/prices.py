"""List prices by region, from a table that says where and when each was read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE: Final = Path(__file__).with_name("prices.json")
"""Prices by region and name; `python -m tools.prices` reads them anew from AWS's price list."""


@dataclass(frozen=True)
class Price:
    """A list price without taxes, discounts and free amounts."""

    usd: float
    """USD for one of the unit that ends the price's name, as in `nat-hour`."""

    service: str
    """Code of the service in AWS's price list."""

    usage_type: str
    """Usage type in AWS's price list and on its bills."""

    read_on: date
    source: str
    """Where it was read."""


@cache
def regions() -> tuple[str, ...]:
    """Return the regions whose prices are known."""
    return tuple(_table())


@cache
def of_region(region: str) -> Mapping[str, Price]:
    """Return the prices of a region by name.

    Raises:
        KeyError: The table doesn't have the region.
    """
    prices: dict[str, Price] = {}
    for name, row in _table()[region].items():
        prices[name] = Price(
            usd=row["usd"],
            service=row["service"],
            usage_type=row["usageType"],
            read_on=date.fromisoformat(row["date"]),
            source=row["source"],
        )
    return prices


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    table: dict[str, dict[str, dict[str, Any]]] = json.loads(TABLE.read_text("utf-8"))
    return table
