"""Hosted zones and records: names, policies, aliases and deletions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.account.cloud import Cloud
from localaws.catalog import UNKNOWN
from localaws.catalog.route53.records import assumed_zone_id, name_of_zone
from tests.localaws.catalog.operations import refused
from tests.localaws.catalog.security_cases import RECORD, ZONE

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def test_a_zones_id_can_have_the_apis_prefix(account: Account) -> None:
    zone = account.id("zone")
    made = account.make(RECORD, **{**account.minimal(RECORD), "zoneId": f"/hostedzone/{zone}"})
    assert made.outputs["zoneId"] == zone
    taken = {("route53.record.unique", "InvalidChangeBatch")}
    assert refused(account.make, RECORD, **account.minimal(RECORD)) == taken
    expected = {("route53.zone.held", "HostedZoneNotEmpty")}
    assert refused(account.delete, ZONE, zone) == expected


def test_a_zone_with_records_can_be_deleted_only_with_force_destroy(account: Account) -> None:
    zone = account.id("zone")
    assert refused(account.delete, ZONE, zone) == {("route53.zone.held", "HostedZoneNotEmpty")}
    account.update(ZONE, zone, {"name": "example.test", "forceDestroy": True})
    account.delete(ZONE, zone)
    assert account.all(RECORD) == []


def test_a_record_is_unique_by_name_and_type_unless_it_overwrites(
    account: Account,
) -> None:
    inputs = account.minimal(RECORD)
    made = account.make(RECORD, **inputs)
    assert (made.id, made.outputs["fqdn"]) == (
        f"{account.id('zone')}_one.more.test_A",
        "one.more.test.example.test",
    )
    taken = ("route53.record.unique", "InvalidChangeBatch")
    assert taken in refused(
        account.make, RECORD, **{**inputs, "name": "ONE.more.test.example.test."}
    )
    account.make(RECORD, **inputs, allowOverwrite=True)
    account.make(RECORD, **{**inputs, "type": "AAAA", "records": ["2001:db8::1"]})
    account.update(RECORD, made.id, {**inputs, "ttl": 30})


def test_records_of_one_name_and_type_have_the_same_routing_policy(account: Account) -> None:
    inputs = {**account.minimal(RECORD), "name": "app"}

    def weighted(identifier: str) -> dict[str, Any]:
        policy = {"weightedRoutingPolicies": [{"weight": 1}], "setIdentifier": identifier}
        return {**inputs, **policy}

    first = account.make(RECORD, **weighted("first"))
    taken = {("route53.record.unique", "InvalidChangeBatch")}
    assert refused(account.make, RECORD, **weighted("first")) == taken
    account.make(RECORD, **weighted("second"))
    expected = {("route53.record.one-policy", "InvalidChangeBatch")}
    assert refused(account.make, RECORD, **inputs) == expected
    multivalue = {"multivalueAnswerRoutingPolicy": True, "setIdentifier": "third"}
    assert refused(account.make, RECORD, **inputs, **multivalue) == expected
    account.update(RECORD, first.id, {**weighted("first"), "ttl": 30})
    account.make(RECORD, **{**inputs, "type": "AAAA", "records": ["2001:db8::1"]})


def test_a_cname_is_the_only_record_of_its_name(account: Account) -> None:
    inputs = {**account.minimal(RECORD), "records": ["elsewhere.test"], "type": "CNAME"}
    account.make(RECORD, **inputs)
    alone = ("route53.record.cname-alone", "InvalidChangeBatch")
    assert alone in refused(account.make, RECORD, **account.minimal(RECORD))


def test_an_alias_must_name_an_existing_load_balancer(account: Account) -> None:
    balancer = account.made["balancer"].outputs
    alias = {
        "name": f"dualstack.{balancer['dnsName']}",
        "zoneId": balancer["zoneId"],
        "evaluateTargetHealth": True,
    }
    record = {"zoneId": account.id("zone"), "name": "app"}
    for kind in ("A", "AAAA"):
        account.make(RECORD, **record, type=kind, aliases=[alias])
    other = {**alias, "name": f"other.{balancer['dnsName']}"}
    assert refused(account.make, RECORD, **{**record, "name": "b"}, type="A", aliases=[other]) == {
        ("route53.record.alias-target", "InvalidChangeBatch")
    }


@pytest.mark.parametrize("name", ["example.com", "Shop.Example.co.uk.", "a-b.test"])
def test_a_registered_domain_has_a_zone_whose_id_encodes_its_name(
    account: Account, name: str
) -> None:
    identifier = assumed_zone_id(name)
    assert name_of_zone(account, identifier) == name.lower().removesuffix(".")
    account.make(RECORD, zoneId=identifier, name="app", type="A", ttl=60, records=["192.0.2.1"])


@pytest.mark.parametrize("name", ["nothing.invalid", "test", "", "a b.test"])
def test_a_name_that_cannot_be_registered_has_no_zone(name: str) -> None:
    assert assumed_zone_id(name) is None


@pytest.mark.parametrize("identifier", [UNKNOWN, None, "", "Z", "Z1", "ZAAAA====", "Zé"])
def test_an_unusual_zone_id_means_no_zone(account: Account, identifier: object) -> None:
    assert name_of_zone(account, identifier) is None


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z0-9]{2,10}){1,3}", fullmatch=True))
def test_the_id_of_a_registered_domains_zone_encodes_any_domain(name: str) -> None:
    identifier = assumed_zone_id(name)
    assert name_of_zone(Cloud(), identifier) == (None if name.endswith(".invalid") else name)


@given(st.text() | st.text().map(lambda text: f"Z{text.upper()}"))
def test_only_an_id_that_encodes_a_domain_is_a_zones_id(identifier: str) -> None:
    name = name_of_zone(Cloud(), identifier)
    assert name is None or assumed_zone_id(name) == identifier
