"""Reading AWS's price list into the table, from made-up files in its form.

The columns' names and the values of `operation` are those of AWS's files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from infra.costs.prices import TABLE
from tools import prices

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    *("SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "EffectiveDate"),
    *("StartingRange", "EndingRange", "Unit", "PricePerUnit", "Currency", "Product Family"),
    *("serviceCode", "Location", "Instance Type", "Tenancy", "Operating System"),
    *("Pre Installed S/W", "usageType", "operation", "CapacityStatus", "Region Code"),
)


def price(family: str, usage_type: str, usd: str, **others: str) -> dict[str, str]:
    """Return a row of a price list."""
    return {
        "SKU": "A",
        "TermType": "OnDemand",
        "StartingRange": "0",
        "PricePerUnit": usd,
        "Product Family": family,
        "usageType": usage_type,
        **others,
    }


def csv_of(*rows: dict[str, str]) -> str:
    lines = ['"FormatVersion","v1.0"', '"Publication Date","2026-11-01"']
    lines.append(",".join(map(json.dumps, COLUMNS)))
    for row in rows:
        assert row.keys() <= set(COLUMNS)
        lines.append(",".join(json.dumps(row.get(column, "")) for column in COLUMNS))
    return "\n".join(lines) + "\n"


def test_a_price_is_found_by_usage_type_in_its_product_family() -> None:
    application = "Load Balancer-Application"
    lines = csv_of(
        price("Load Balancer", "EUC1-LoadBalancerUsage", "0.0250"),
        price(application, "EUC1-TS-LoadBalancerUsage", "0.0050"),
        price(application, "EUC1-LoadBalancerUsage", "0.0270"),
        price(application, "EUC1-LoadBalancerUsage", "0.0010", TermType="Reserved"),
    ).splitlines()
    found = prices.prices_in(lines, "AWSELB", {"LoadBalancerUsage": "alb-hour"})
    assert found["alb-hour"]["usd"] == pytest.approx(0.027)
    assert found["alb-hour"]["usageType"] == "EUC1-LoadBalancerUsage"


def test_of_tiers_the_first_that_is_not_free_counts() -> None:
    lines = csv_of(
        price("Data Transfer", "EU-DataTransfer-Out-Bytes", "0.085", StartingRange="10240"),
        price("Data Transfer", "EU-DataTransfer-Out-Bytes", "0.090", StartingRange="1"),
        price("Data Transfer", "EU-DataTransfer-Out-Bytes", "0.000"),
    ).splitlines()
    found = prices.prices_in(
        lines, "AWSDataTransfer", {"DataTransfer-Out-Bytes": "transfer-out-gb"}
    )
    assert found["transfer-out-gb"]["usd"] == pytest.approx(0.09)


def test_an_instance_runs_linux_without_licences_and_is_neither_reserved_nor_dedicated() -> None:
    compute = "Compute Instance"
    lines = csv_of(
        price(compute, "EUC1-BoxUsage:t3.small", "0.0420", operation="RunInstances:0002"),
        price(compute, "EUC1-UnusedBox:t3.small", "0.0240", operation="RunInstances"),
        price(compute, "EUC1-DedicatedUsage:t3.small", "0.0260", operation="RunInstances"),
        price(compute, "EUC1-BoxUsage:t3.small", "0.0240", operation="RunInstances"),
        price(compute, "EUC1-BoxUsage:t3.small", "0.0528", operation="RunInstances:0010"),
        price(compute, "EUC1-BoxUsage:t3.small", "0.0140", TermType="Reserved"),
    ).splitlines()
    found = prices.prices_in(lines, "AmazonEC2", {"BoxUsage:t3.small": "ec2-t3.small-hour"})
    assert found["ec2-t3.small-hour"]["usd"] == pytest.approx(0.024)


def test_emails_are_priced_by_the_thousand_after_the_free_ones() -> None:
    smtp = "EUC1-DeliveryAttempts-SMTP"
    lines = csv_of(
        price("Message Delivery", smtp, "0.0000000000"),
        price("Message Delivery", smtp, "0.0000200000", StartingRange="1000"),
    ).splitlines()
    found = prices.prices_in(lines, "AmazonSNS", {"DeliveryAttempts-SMTP": "sns-thousand-emails"})
    assert found["sns-thousand-emails"]["usd"] == pytest.approx(0.02)


def served(model: dict[str, Any], *, without: str = "") -> httpx.Client:
    """Answer as AWS does: dashboards are in the list of all regions only."""

    def answer(request: httpx.Request) -> httpx.Response:
        _, _, _, _, service, _, *region, _ = request.url.path.split("/")
        rows: list[dict[str, str]] = []
        for name, row in model.items():
            if row["service"] != service or name == without:
                continue
            family = "Load Balancer-Application" if service == "AWSELB" else "Any"
            kind = row["usageType"].removeprefix("USE1-")
            if name != "dashboard-month":
                kind = f"EUC1-{kind}"
            elif region:
                continue
            rows.append(price(family, kind, "0.5", operation="RunInstances"))
        return httpx.Response(200, text=csv_of(*rows))

    return httpx.Client(transport=httpx.MockTransport(answer))


@pytest.fixture
def model() -> dict[str, Any]:
    rows: dict[str, Any] = json.loads(TABLE.read_text())["us-east-1"]
    return rows


def test_a_region_gets_every_price_of_the_table(model: dict[str, Any]) -> None:
    rows = prices.read(served(model), "eu-central-1", model)
    assert list(rows) == list(model)
    assert rows["waf-million-requests"]["usd"] == pytest.approx(500_000)
    assert rows["nat-hour"]["source"] == "AWS price list"
    assert rows["dashboard-month"]["usageType"] == "DashboardsUsageHour-Basic"


def test_a_region_need_not_have_every_type_of_instance(model: dict[str, Any]) -> None:
    rows = prices.read(served(model, without="ec2-t3a.nano-hour"), "eu-central-1", model)
    assert model.keys() - rows.keys() == {"ec2-t3a.nano-hour"}


def test_a_missing_price_is_named(model: dict[str, Any]) -> None:
    with pytest.raises(prices.NoPriceError, match="eu-central-1 has no nat-gb"):
        prices.read(served(model, without="nat-gb"), "eu-central-1", model)


def test_a_list_that_cannot_be_read_leaves_the_table_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "prices.json"
    copy.write_text(TABLE.read_text())
    monkeypatch.setattr(prices, "TABLE", copy)
    monkeypatch.setattr(prices, "_URL", "http://127.0.0.1:9/{service}/{folder}")
    with pytest.raises(SystemExit, match=r"can't be read: .*; prices\.json is as it was"):
        prices.main(["eu-central-1"])
    assert copy.read_text() == TABLE.read_text()
