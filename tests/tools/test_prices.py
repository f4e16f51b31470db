"""Reading AWS's price list into the table, from made-up files in its form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from infra.costs.prices import TABLE
from tools import prices

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("SKU", "TermType", "StartingRange", "PricePerUnit", "Product Family", "usageType")


def csv_of(*rows: tuple[str, ...]) -> str:
    lines = ['"FormatVersion","v1.0"', '"Publication Date","2026-11-01"']
    lines += [",".join(map(json.dumps, row)) for row in (COLUMNS, *rows)]
    return "\n".join(lines) + "\n"


def test_a_price_is_found_by_usage_type_in_its_product_family() -> None:
    lines = csv_of(
        ("A", "OnDemand", "0", "0.0250", "Load Balancer", "EUC1-LoadBalancerUsage"),
        ("B", "OnDemand", "0", "0.0050", "Load Balancer-Application", "EUC1-TS-LoadBalancerUsage"),
        ("C", "OnDemand", "0", "0.0270", "Load Balancer-Application", "EUC1-LoadBalancerUsage"),
        ("D", "Reserved", "0", "0.0010", "Load Balancer-Application", "EUC1-LoadBalancerUsage"),
    ).splitlines()
    found = prices.prices_in(lines, "AWSELB", {"LoadBalancerUsage": "alb-hour"})
    assert found["alb-hour"]["usd"] == pytest.approx(0.027)
    assert found["alb-hour"]["usageType"] == "EUC1-LoadBalancerUsage"


def test_of_tiers_the_first_that_is_not_free_counts() -> None:
    lines = csv_of(
        ("A", "OnDemand", "10240", "0.085", "Data Transfer", "EU-DataTransfer-Out-Bytes"),
        ("A", "OnDemand", "1", "0.090", "Data Transfer", "EU-DataTransfer-Out-Bytes"),
        ("A", "OnDemand", "0", "0.000", "Data Transfer", "EU-DataTransfer-Out-Bytes"),
    ).splitlines()
    found = prices.prices_in(
        lines, "AWSDataTransfer", {"DataTransfer-Out-Bytes": "transfer-out-gb"}
    )
    assert found["transfer-out-gb"]["usd"] == pytest.approx(0.09)


def served(model: dict[str, Any], *, without: str = "") -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        service = request.url.path.split("/")[4]
        rows: list[tuple[str, ...]] = []
        for name, row in model.items():
            if row["service"] == service and name != without:
                family = "Load Balancer-Application" if service == "AWSELB" else "Any"
                kind = row["usageType"].removeprefix("USE1-")
                rows.append(("A", "OnDemand", "0", "0.5", family, f"EUC1-{kind}"))
        return httpx.Response(200, text=csv_of(*rows))

    return httpx.Client(transport=httpx.MockTransport(answer))


@pytest.fixture
def model() -> dict[str, Any]:
    rows: dict[str, Any] = json.loads(TABLE.read_text())["us-east-1"]
    return rows


def test_a_region_gets_every_price_of_the_table(model: dict[str, Any]) -> None:
    rows = prices.read(served(model), "eu-central-1", model)
    assert [*rows] == [*model]
    assert rows["waf-million-requests"]["usd"] == pytest.approx(500_000)
    assert rows["nat-hour"]["source"] == "AWS price list"


def test_a_missing_price_is_named(model: dict[str, Any]) -> None:
    with pytest.raises(prices.NoPriceError, match="eu-central-1 has no nat-gb"):
        prices.read(served(model, without="nat-gb"), "eu-central-1", model)


def test_a_list_that_cannot_be_read_leaves_the_table_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "prices.json"
    copy.write_text(TABLE.read_text())
    monkeypatch.setattr(prices, "TABLE", copy)
    monkeypatch.setattr(prices, "_URL", "http://127.0.0.1:9/{service}/{region}")
    with pytest.raises(SystemExit, match=r"can't be read: .*; prices\.json is as it was"):
        prices.main(["eu-central-1"])
    assert copy.read_text() == TABLE.read_text()
