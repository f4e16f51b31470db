"""Further hosts of routes: their records, and their own certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.mocks import word
from tests.infra import recorder
from tests.infra.conftest import EXTRA_CERTIFICATE

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

NAMED: dict[str, Any] = {"domain": "shop.example.com", "hostedZone": "example.com"}
HOSTS = ["shop.example.com", "api.example.com", "*.example.com", "example.com"]


def records(recording: Recording) -> set[tuple[str, str, str]]:
    """Return name and type of each alias record, and its logical name."""
    found = set()
    for record in recording.all("Record"):
        if "aliases" in record.inputs:
            found.add((record.inputs["name"], record.inputs["type"], record.name))
    return found


def without_rules(done: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Return operations without those on listener rules."""
    return {each for each in done if each[1] != "ListenerRule"}


def changed(before: Recording, **changes: Any) -> set[tuple[str, str, str]]:
    """Return each operation of a change, with the kind and name of its AWS resource."""
    after = recorder.run("dev", after=before, **changes)
    found = set()
    for urn, operation in recorder.changes(after).items():
        token, name = urn.split("::")[2:]
        if "aws:" in token:
            found.add((operation, word(token), name))
    return found


@pytest.fixture(scope="module")
def further() -> Recording:
    """A stack whose routes have hosts besides its domain."""
    return recorder.run("dev", **NAMED, dualStack=True, hosts=HOSTS)


def test_each_host_has_alias_records_that_wait_for_rules_and_certificates(
    further: Recording,
) -> None:
    names = {
        "domain": "shop.example.com",
        "host-api.example.com": "api.example.com",
        "host-_.example.com": "*.example.com",
        "host-example.com": "example.com",
    }
    expected = set()
    for logical_name, name in names.items():
        expected |= {(name, "A", logical_name), (name, "AAAA", f"{logical_name}-ipv6")}
    assert records(further) == expected
    rules = {each.name for each in further.all("ListenerRule") if "attachment" not in each.name}
    for host, certificate in (("example.com", "example.com"), ("api.example.com", "_.example.com")):
        record = further.one("Record", f"host-{host}")
        waited = {urn.rpartition("::")[2] for urn in record.dependencies}
        assert waited == {"alb", f"alb-https-{certificate}", *rules}, "and for no other host"


def test_each_certificate_has_one_name_and_is_attached_to_the_listener(further: Recording) -> None:
    certificates = recorder.by_name(further, "Certificate")
    assert {name: each.inputs["domainName"] for name, each in certificates.items()} == {
        "certificate": "shop.example.com",
        "certificate-_.example.com": "*.example.com",
        "certificate-example.com": "example.com",
    }
    for host in ("_.example.com", "example.com"):
        attached = further.one("ListenerCertificate", f"alb-https-{host}").inputs
        assert attached["certificateArn"] == further.id(certificates[f"certificate-{host}"])
    assert len(further.all("ListenerCertificate")) == 2
    proofs: set[str] = set()
    for record in further.all("Record"):
        if record.inputs["type"] == "CNAME":
            assert record.inputs["allowOverwrite"]
            proofs.add(record.inputs["name"])
    assert len(proofs) == 2, "a wildcard has the proof of its domain"


def test_a_new_host_changes_nothing_of_the_domain() -> None:
    before = recorder.deployed("dev", **NAMED)
    done = changed(before, **NAMED, hosts=["shop.example.com", "api.example.com"])
    assert without_rules(done) == {
        ("create", "Certificate", "certificate-api.example.com"),
        ("create", "CertificateValidation", "certificate-api.example.com"),
        ("create", "Record", "certificate-api.example.com-proof"),
        ("create", "ListenerCertificate", "alb-https-api.example.com"),
        ("create", "Record", "host-api.example.com"),
    }
    operations = {each[:2] for each in done}
    assert operations >= {("create", "ListenerRule"), ("delete", "ListenerRule")}


def test_a_removed_host_loses_its_certificate_and_records(further: Recording) -> None:
    left = [host for host in HOSTS if host != "example.com"]
    done = changed(further, **NAMED, dualStack=True, hosts=left)
    assert without_rules(done) == {
        ("delete", "Certificate", "certificate-example.com"),
        ("delete", "CertificateValidation", "certificate-example.com"),
        ("delete", "Record", "certificate-example.com-proof"),
        ("delete", "ListenerCertificate", "alb-https-example.com"),
        ("delete", "Record", "host-example.com"),
        ("delete", "Record", "host-example.com-ipv6"),
    }


def test_with_an_existing_certificate_hosts_of_the_zone_get_records_only() -> None:
    hosts = ["api.example.com", "www.example.org"]
    run = recorder.run("dev", **NAMED, certificateArn=EXTRA_CERTIFICATE, hosts=hosts)
    assert {name for name, _, _ in records(run)} == {"shop.example.com", "api.example.com"}
    assert not run.all("Certificate")


def test_a_host_outside_a_zone_that_is_named_by_its_id_is_refused_before_anything_is_registered(
    edge: Recording,
) -> None:
    zone_id = edge.one("Record", "domain").inputs["zoneId"]
    changes = {"domain": "shop.example.com", "hostedZone": zone_id, "hosts": ["www.example.org"]}
    refusal = recorder.refusal_of(**changes)
    assert "host www.example.org, which isn't in the zone example.com" in str(refusal)
