"""The records that an Alias registers, and the zones that are accepted for them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import pulumi
import pulumi_aws
import pytest

from infra.edge import alias as dns
from infra.edge.alias import Alias, AliasArgs
from infra.errors import SettingsError
from localaws import mocks
from tests.infra import recorder
from tests.infra.conftest import EXTRA_CERTIFICATE

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


PRIVATE = "inner.invalid"
"""A zone that only a VPC resolves, with a name that can't be registered."""


def test_the_domain_is_an_alias_of_the_load_balancer(edge: Recording) -> None:
    balancer = edge.cloud.get("aws:lb/loadBalancer:LoadBalancer", edge.id(edge.one("LoadBalancer")))
    assert balancer
    record = edge.one("Record", "domain").inputs
    assert (record["name"], record["type"]) == ("shop.example.com", "A")
    assert record["aliases"] == [
        {
            "name": balancer.outputs["dnsName"],
            "zoneId": balancer.outputs["zoneId"],
            "evaluateTargetHealth": True,
        }
    ]
    assert edge.exports["serviceUrl"] == "https://shop.example.com"
    assert edge.exports["albDns"] == balancer.outputs["dnsName"]


def test_a_load_balancer_with_ipv6_addresses_has_a_record_for_them_too() -> None:
    def program() -> None:
        zone_id = pulumi_aws.route53.get_zone(name="example.com").zone_id
        args = AliasArgs(
            domain="a.example.com",
            zone_id=zone_id,
            alb_dns="alb.example.net",
            alb_zone_id="Z1",
            ipv6=True,
            after=[],
        )
        pulumi.export("domain", Alias("domain", args).domain)

    run = mocks.run(program)
    assert {(each.name, each.inputs["type"]) for each in run.all("Record")} == {
        ("domain", "A"),
        ("domain-ipv6", "AAAA"),
    }
    assert run.exports["domain"] == "a.example.com"


@pytest.mark.parametrize("zone", ["by name", "by id"])
def test_the_zone_is_found_by_name_or_by_id(edge: Recording, zone: str) -> None:
    zone_id = edge.one("Record", "domain").inputs["zoneId"]
    named = "example.com" if zone == "by name" else zone_id
    run = recorder.run("dev", domain="shop.example.com", hostedZone=named)
    assert run.one("Record", "domain").inputs["zoneId"] == zone_id


def test_a_zone_of_another_domain_is_refused_before_anything_is_registered(
    edge: Recording,
) -> None:
    zone_id = edge.one("Record", "domain").inputs["zoneId"]
    refusal = recorder.refusal_of(domain="shop.example.org", hostedZone=zone_id)
    assert "which is example.com; allowed: a zone that shop.example.org is in" in str(refusal)


def test_a_zone_that_aws_does_not_find_is_refused_with_awss_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def get_zone(**_: str) -> NoReturn:
        raise Exception(  # noqa: TRY002
            "invoke of getZone failed: returned an error: no matching Route 53 Hosted Zone found"
        )

    monkeypatch.setattr(pulumi_aws.route53, "get_zone", get_zone)
    with pytest.raises(SettingsError) as refused:
        dns.find_zone("example.com", "shop.example.com", public=True)
    (problem,) = refused.value.problems
    assert problem.key == "hostedZone"
    assert problem.allowed.endswith("AWS says: no matching Route 53 Hosted Zone found")


@pytest.mark.parametrize("public", [True, False])
def test_a_bug_in_the_lookup_of_a_zone_is_not_reported_as_awss_answer(
    monkeypatch: pytest.MonkeyPatch, *, public: bool
) -> None:
    calls: list[str] = []

    def get_zone(*, name: str, **_: bool) -> NoReturn:
        calls.append(name)
        raise TypeError("a bug")

    monkeypatch.setattr(pulumi_aws.route53, "get_zone", get_zone)
    with pytest.raises(TypeError, match="a bug"):
        dns.find_zone("example.com", "shop.example.com", public=public)
    assert calls == ["example.com"]


def test_a_private_zone_cannot_validate_a_certificate_but_can_have_the_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zone = SimpleNamespace(name="example.com.", private_zone=True, zone_id="Z1")
    monkeypatch.setattr(pulumi_aws.route53, "get_zone", lambda **_: zone)
    with pytest.raises(
        SettingsError, match="a private zone; allowed: a public zone, where ACM can validate"
    ):
        dns.find_zone("Z1", "shop.example.com", public=True)
    assert dns.find_zone("Z1", "shop.example.com", public=False) == ("Z1", "example.com")


def test_a_private_zone_is_found_by_its_name_if_it_need_not_be_public() -> None:
    def program() -> None:
        vpc = pulumi_aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
        pulumi_aws.route53.Zone("zone", name=PRIVATE, vpcs=[{"vpc_id": vpc.id}])

    cloud = mocks.run(program).cloud
    (zone,) = cloud.all("aws:route53/zone:Zone")
    changes: dict[str, Any] = {"domain": f"a.{PRIVATE}", "hostedZone": PRIVATE}
    run = recorder.run("dev", cloud=cloud, certificateArn=EXTRA_CERTIFICATE, **changes)
    assert run.one("Record", "domain").inputs["zoneId"] == zone.id
    expected = f"hostedZone: {PRIVATE}; allowed: the name of a public Route 53 zone"
    assert expected in str(recorder.refusal_of(cloud=cloud, **changes))


@pytest.mark.parametrize(
    ("zone", "allowed"),
    [
        ("Z0123456789ABC", "the id of a Route 53 zone of this account"),
        (PRIVATE, "the name of a public Route 53 zone"),
    ],
)
def test_a_missing_zone_is_reported_by_its_configured_name_or_id(zone: str, allowed: str) -> None:
    refusal = str(recorder.refusal_of(domain=f"a.{PRIVATE}", hostedZone=zone))
    assert f"hostedZone: {zone}; allowed: {allowed}" in refusal
    assert "no matching Route 53 Hosted Zone" in refusal


def test_a_stack_with_an_existing_certificate_still_gets_its_records() -> None:
    run = recorder.run(
        "dev", domain="shop.example.com", hostedZone="example.com", certificateArn=EXTRA_CERTIFICATE
    )
    assert [each.name for each in run.all("Record")] == ["domain"]
    assert not run.all("Certificate")
    assert run.exports["serviceUrl"] == "https://shop.example.com"
