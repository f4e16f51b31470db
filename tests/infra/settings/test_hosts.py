"""Records and certificates for the hosts of routes, and hosts that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import SettingsError
from infra.settings import hosts, routing
from infra.settings.hosts import Hosts
from tests.infra.settings.loading import EXISTING_CERTIFICATE, ISSUED_CERTIFICATE, load, refusal_of

EXTRA = {"extraCertificateArns": [EXISTING_CERTIFICATE["certificateArn"]]}
BY_ID = {"domain": "shop.example.com", "hostedZone": "Z0123456789ABC"}


def hosts_of(zone: str | None = "example.com", **changes: Any) -> Hosts:
    return hosts.of(load(**changes), zone)


def test_a_domain_without_further_hosts_needs_no_other_record_or_certificate() -> None:
    assert hosts_of(**ISSUED_CERTIFICATE) == Hosts(records=(), certificates=())
    assert hosts_of(**ISSUED_CERTIFICATE, hosts=["shop.example.com"]) == Hosts(
        records=(), certificates=()
    )


def test_each_further_host_of_any_route_gets_a_record_and_a_certificate() -> None:
    services = {
        "shop": {"hosts": ["shop.example.com", "www.example.com"]},
        "api": {"routes": [{"hosts": ["api.example.com"]}, {"hosts": ["example.com"]}]},
    }
    names = ("api.example.com", "example.com", "www.example.com")
    assert hosts_of(**ISSUED_CERTIFICATE, services=services) == Hosts(
        records=names, certificates=names
    )
    assert hosts_of(**ISSUED_CERTIFICATE, services=services, hostRecords=False) == Hosts(
        records=(), certificates=names
    )


def test_a_wildcard_certificate_covers_the_hosts_one_label_below() -> None:
    names = ["*.example.com", "a.b.example.com", "api.example.com", "example.com"]
    assert hosts_of(**ISSUED_CERTIFICATE, hosts=names) == Hosts(
        records=tuple(names), certificates=("*.example.com", "a.b.example.com", "example.com")
    ), "a certificate's asterisk is one label, and a name in DNS may have other records"


def test_with_an_existing_certificate_hosts_get_records_only() -> None:
    found = hosts_of(
        **ISSUED_CERTIFICATE, **EXISTING_CERTIFICATE, hosts=["www.example.com", "www.example.org"]
    )
    assert found == Hosts(records=("www.example.com",), certificates=())
    assert hosts_of(
        None, domain="a.test", **EXISTING_CERTIFICATE, hosts=["www.example.com"]
    ) == Hosts(records=(), certificates=())


def test_with_extra_certificates_hosts_outside_the_zone_are_accepted_with_a_warning() -> None:
    changes: dict[str, Any] = {
        **ISSUED_CERTIFICATE,
        **EXTRA,
        "hosts": ["www.example.com", "www.example.org", "w*.example.com"],
    }
    assert hosts_of(**changes) == Hosts(
        records=("www.example.com",), certificates=("www.example.com",)
    )
    (warning,) = routing.warnings(load(**changes))
    assert warning.startswith("hosts www.example.org, w*.example.com: whether a certificate")


@pytest.mark.parametrize("host", ["shop.example.com", "*.example.com", "sh?p.example.com", "*.com"])
def test_a_pattern_that_matches_the_domain_is_accepted(host: str) -> None:
    load(**ISSUED_CERTIFICATE, hosts=[host])


def test_a_pattern_that_matches_another_host_of_a_route_is_accepted() -> None:
    services = {"api": {"hosts": ["api.example.com"]}, "web": {"hosts": ["ap*.example.com"]}}
    assert hosts_of(**ISSUED_CERTIFICATE, services=services).certificates == ("api.example.com",)


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
    assert message in str(refusal_of(**ISSUED_CERTIFICATE, hosts=names))


def test_host_records_are_switched_off_only_with_a_hosted_zone() -> None:
    with pytest.raises(SettingsError, match=r"hostRecords: .*; allowed: only with hostedZone"):
        load(hostRecords=False)


def test_hosts_are_compared_with_a_zone_given_by_id_once_its_name_is_known() -> None:
    settings = load(**BY_ID, hosts=["www.example.com", "www.example.org"])
    (problem,) = hosts.problems(settings, "example.com")
    assert str(problem).startswith("hosts: host www.example.org, which isn't in the zone example.c")


def test_resource_names_of_two_hosts_differ() -> None:
    assert hosts.suffix("*.example.com") == "_.example.com"
    assert hosts.suffix("api.example.com") == "api.example.com"
