"""Hosts of routes get certificates and records where the zone has them, or are refused."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import SettingsError
from infra.settings import hosts, routing
from infra.settings.hosts import Hosts
from tests.infra.settings.test_routes import EXISTING, ISSUED
from tests.infra.settings.test_settings import load

EXTRA = {"extraCertificateArns": [EXISTING["certificateArn"]]}
BY_ID = {"domain": "shop.example.com", "hostedZone": "Z0123456789ABC"}


def of(zone: str | None = "example.com", **changes: Any) -> Hosts:
    return hosts.of(load(**changes), zone)


def test_the_domain_alone_needs_nothing_else() -> None:
    assert of(**ISSUED) == Hosts((), ())
    assert of(**ISSUED, hosts=["shop.example.com"]) == Hosts((), ())


def test_each_further_host_of_any_route_gets_a_record_and_a_certificate() -> None:
    services = {
        "shop": {"hosts": ["shop.example.com", "www.example.com"]},
        "api": {"routes": [{"hosts": ["api.example.com"]}, {"hosts": ["example.com"]}]},
    }
    names = ("api.example.com", "example.com", "www.example.com")
    assert of(**ISSUED, services=services) == Hosts(names, names)
    assert of(**ISSUED, services=services, hostRecords=False) == Hosts((), names)


def test_a_wildcard_has_one_certificate_for_the_hosts_that_its_asterisk_stands_for() -> None:
    names = ["*.example.com", "a.b.example.com", "api.example.com", "example.com"]
    assert of(**ISSUED, hosts=names) == Hosts(
        tuple(names), ("*.example.com", "a.b.example.com", "example.com")
    ), "a certificate's asterisk is one label, and a name in DNS may have other records"


def test_an_existing_certificate_leaves_the_records_only() -> None:
    found = of(**ISSUED, **EXISTING, hosts=["www.example.com", "www.example.org"])
    assert found == Hosts(("www.example.com",), ())
    assert of(None, domain="a.test", **EXISTING, hosts=["www.example.com"]) == Hosts((), ())


def test_beside_extra_certificates_hosts_of_other_zones_are_theirs() -> None:
    changes: dict[str, Any] = {
        **ISSUED,
        **EXTRA,
        "hosts": ["www.example.com", "www.example.org", "w*.example.com"],
    }
    assert of(**changes) == Hosts(("www.example.com",), ("www.example.com",))
    (warning,) = routing.warnings(load(**changes))
    assert warning.startswith("hosts www.example.org, w*.example.com: whether a certificate")


@pytest.mark.parametrize("host", ["shop.example.com", "*.example.com", "sh?p.example.com", "*.com"])
def test_a_pattern_that_matches_the_domain_is_accepted(host: str) -> None:
    load(**ISSUED, hosts=[host])


def test_a_pattern_that_matches_another_host_of_a_route_is_accepted() -> None:
    services = {"api": {"hosts": ["api.example.com"]}, "web": {"hosts": ["ap*.example.com"]}}
    assert of(**ISSUED, services=services).certificates == ("api.example.com",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["www.example.org"],
            "hosts: host www.example.org, which isn't in the zone example.com; allowed: hosts in h",
        ),
        (["notexample.com"], "hosts: host notexample.com, which isn't in the zone example.com"),
        (["*.example.org"], "hosts: host *.example.org, which isn't in the zone example.com"),
        (
            ["a*.example.com"],
            "hosts: host a*.example.com, for which ACM issues no certificate; allowed: a whole na",
        ),
        (["a.*.example.com"], "hosts: host a.*.example.com, for which ACM issues no certificate"),
        (["-a.example.com"], "hosts: host -a.example.com, for which ACM issues no certificate"),
        (
            [f"{'a' * 60}.example.com"],
            f"hosts: host {'a' * 60}.example.com, of 72 characters; allowed: at most 64, as ACM",
        ),
        (
            [f"h{number}.example.com" for number in range(26)],
            "extraCertificateArns: 0, beside 26 certificates for further hosts of routes; allowed:",
        ),
    ],
)
def test_a_host_without_a_certificate_is_refused_with_the_reason(
    names: list[str], message: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(**ISSUED, hosts=names)
    assert message in str(refusal.value)


def test_records_are_left_out_only_where_there_would_be_some() -> None:
    with pytest.raises(SettingsError, match=r"hostRecords: .*; allowed: only with hostedZone"):
        load(hostRecords=False)


def test_a_zone_that_is_known_by_its_id_is_compared_once_its_name_is_known() -> None:
    settings = load(**BY_ID, hosts=["www.example.com", "www.example.org"])
    (problem,) = hosts.problems(settings, "example.com")
    assert str(problem).startswith("hosts: host www.example.org, which isn't in the zone example.c")


def test_names_of_resources_of_two_hosts_differ() -> None:
    assert hosts.suffix("*.example.com") == "_.example.com"
    assert hosts.suffix("api.example.com") == "api.example.com"
