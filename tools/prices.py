"""`python -m tools.prices REGION …` reads prices from AWS's public price list into the table.

The list needs no credentials. It is read as it comes, because the file of AmazonEC2 has hundreds of
megabytes.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

import httpx

from infra.costs.prices import TABLE
from tools.data_files import write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_URL: Final = (
    "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/{folder}index.csv"
)
_MODEL_REGION: Final = "us-east-1"
"""The table's region whose rows say which prices there are."""

_HEADER: Final = "SKU"
"""Begins the line with the columns' names, which follows lines about the file itself."""

_APPLICATION: Final = "Load Balancer-Application"
_FAMILIES: Final = {"LoadBalancerUsage": _APPLICATION, "LCUUsage": _APPLICATION}
"""The product family of a usage type that several products have."""

_INSTANCE: Final = "BoxUsage:"
_LINUX: Final = "RunInstances"
"""The operation of instances that run Linux without licences; others have the same usage types.
Source: Amazon EC2 User Guide, AMI billing information.
"""

_IN_NO_REGION: Final = ("dashboard-month",)
"""Prices that only the list of all regions has, as they are the same everywhere."""


class NoPriceError(Exception):
    """The price list lacks a price, or can't be read; the message says which and why."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Write the prices of regions into the table; exit 1 and leave it alone if one is missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.prices", description=__doc__)
    parser.add_argument("regions", nargs="+", metavar="REGION", help="like eu-central-1")
    regions: list[str] = parser.parse_args(arguments).regions
    table: dict[str, dict[str, Any]] = json.loads(TABLE.read_text("utf-8"))
    try:
        with httpx.Client(timeout=60) as client:
            for region in regions:
                table[region] = read(client, region, table[_MODEL_REGION])
    except NoPriceError as reason:
        sys.exit(f"{reason}; {TABLE.name} is as it was")
    write_table(TABLE, table, depth=2)
    sys.exit(0)


def read(client: httpx.Client, region: str, model: dict[str, Any]) -> dict[str, Any]:
    """Read the prices of a region.

    Args:
        client: The client to read with.
        region: The region.
        model: The rows of a region that is in the table: which prices to read.

    Returns:
        The rows of the region, without types of instances that it doesn't have.

    Raises:
        NoPriceError: A price isn't in the list, or the list can't be read.
    """
    names_by_list: dict[tuple[str, str], dict[str, str]] = {}
    for name, row in model.items():
        usage_type = row["usageType"].removeprefix("USE1-")
        folder = "" if name in _IN_NO_REGION else f"{region}/"
        names_by_list.setdefault((row["service"], folder), {})[usage_type] = name
    found: dict[str, Any] = {}
    for (service, folder), names in names_by_list.items():
        url = _URL.format(service=service, folder=folder)
        sys.stderr.write(f"reading {url}\n")
        try:
            with client.stream("GET", url) as response:
                response.raise_for_status()
                found |= prices_in(response.iter_lines(), service, names)
        except httpx.HTTPError as error:
            raise NoPriceError(f"{url} can't be read: {error}") from error
    missing = []
    for name, row in model.items():
        # Not every region has every type of instance.
        if name not in found and not row["usageType"].startswith(_INSTANCE):
            missing.append(name)
    if missing:
        raise NoPriceError(f"the price list of {region} has no {', '.join(sorted(missing))}")
    return {name: found[name] for name in model if name in found}


def prices_in(lines: Iterable[str], service: str, names: dict[str, str]) -> dict[str, Any]:
    """Return the rows of a service's price list for a region, by the names in our table.

    Args:
        lines: The lines of the list as CSV.
        service: Code of the service.
        names: Our names by usage type without the region's prefix.
    """
    today = datetime.now(UTC).date().isoformat()
    found: dict[str, Any] = {}
    lowest: dict[str, float] = {}
    for row in _rows(lines):
        usage_type = row["usageType"]
        prefix, _, rest = usage_type.partition("-")
        # Prefixes of regions end in a digit, but for EU. Other ones, as in TS-LoadBalancerUsage,
        # are of other products.
        is_prefix = prefix == "EU" or prefix[-1:].isdigit()
        kind = rest if is_prefix and rest in names else usage_type
        family = _FAMILIES.get(kind, row["Product Family"])
        price = float(row["PricePerUnit"] or 0)
        is_wanted = kind in names and row["TermType"] == "OnDemand"
        is_other_product = row["Product Family"] != family
        if kind.startswith(_INSTANCE) and row["operation"] != _LINUX:
            is_other_product = True
        if not is_wanted or is_other_product or not price:
            continue
        # Of a price in tiers the first that isn't free counts.
        start = float(row["StartingRange"] or 0)
        name = names[kind]
        if name not in found or start < lowest[name]:
            lowest[name] = start
            found[name] = {
                "usd": round(price * _MULTIPLES.get(name, 1), 10),
                "service": service,
                "usageType": usage_type,
                "date": today,
                "source": "AWS price list",
            }
    return found


_MULTIPLES: Final = {"waf-million-requests": 1_000_000, "sns-thousand-emails": 1000}
"""How many of the price list's units one of ours is."""


def _rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    columns: list[str] | None = None
    for row in csv.reader(lines):
        if columns is not None:
            yield dict(zip(columns, row, strict=False))
        elif row and row[0] == _HEADER:
            columns = row


if __name__ == "__main__":
    main()
