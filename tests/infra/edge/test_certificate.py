"""The resources that a Certificate registers, and how long they stay."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws

from infra.edge.certificate import Certificate, CertificateArgs
from localaws import mocks
from localaws.catalog.acm import missing_records
from localaws.catalog.route53.records import assumed_zone_id
from localaws.mocks import Cloud
from tests.infra import recorder
from tests.infra.conftest import EXTRA_CERTIFICATE

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


CERTIFICATE = "aws:acm/certificate:Certificate"


def test_a_certificate_has_its_validation_record_and_a_wait(edge: Recording) -> None:
    assert edge.children(edge.component("Certificate")) == {
        ("Certificate", "certificate"),
        ("Record", "certificate-proof"),
        ("CertificateValidation", "certificate"),
    }


def test_a_certificate_works_without_the_program() -> None:
    def program() -> None:
        zone = pulumi_aws.route53.Zone("zone", name="example.com")
        args = CertificateArgs(
            domain="shop.example.com", zone_id=zone.zone_id, tags={"Owner": "me"}
        )
        pulumi.export("arn", Certificate("mine", args).arn)

    run = mocks.run(program)
    assert run.exports["arn"] == run.id(run.one("Certificate"))
    assert run.one("Certificate").inputs["tags"] == {"Owner": "me", "Component": "mine"}


def test_the_certificate_is_for_the_domain_only(edge: Recording) -> None:
    inputs = dict(edge.one("Certificate").inputs)
    del inputs["tags"]
    assert inputs == {
        "domainName": "shop.example.com",
        "validationMethod": "DNS",
        "keyAlgorithm": "RSA_2048",
        "options": {"certificateTransparencyLoggingPreference": "ENABLED"},
    }


def test_the_validation_record_is_the_one_that_acm_requests(edge: Recording) -> None:
    certificate = edge.cloud.get(CERTIFICATE, edge.id(edge.one("Certificate")))
    assert certificate
    (wanted,) = certificate.outputs["domainValidationOptions"]
    proof = edge.one("Record", "certificate-proof").inputs
    assert (proof["name"], proof["type"], proof["records"]) == (
        wanted["resourceRecordName"],
        wanted["resourceRecordType"],
        [wanted["resourceRecordValue"]],
    )
    assert proof["allowOverwrite"] is True, "another certificate of the name has the same record"
    assert edge.one("Record", "certificate-proof").retain_on_delete, (
        "another certificate is renewed by it"
    )
    assert "allowOverwrite" not in edge.one("Record", "domain").inputs, (
        "a record that isn't ours stays"
    )


def certificate_in(account: Cloud, stack: str) -> Recording:
    def program() -> None:
        args = CertificateArgs(
            domain="shop.example.com", zone_id=str(assumed_zone_id("example.com")), tags={}
        )
        Certificate("certificate", args)

    return mocks.run(program, stack=stack, cloud=account)


def test_a_destroy_keeps_the_validation_record_for_another_stack_of_the_domain() -> None:
    account = Cloud(seed=1)
    destroyed, other = certificate_in(account, "destroyed"), certificate_in(account, "other")
    for each in reversed(destroyed.registered):
        if each.custom and not each.retain_on_delete:
            account.delete(each.type, destroyed.id(each))
    certificate = account.get(CERTIFICATE, other.id(other.one("Certificate")))
    assert certificate
    assert account.get(CERTIFICATE, destroyed.id(destroyed.one("Certificate"))) is None
    assert missing_records(account, certificate) == [], "ACM couldn't renew it"


def test_a_stack_that_was_deployed_before_the_record_was_kept_is_updated_in_place(
    edge: Recording,
) -> None:
    proof = edge.one("Record", "certificate-proof")
    before = edge.resources[proof.urn]
    old_inputs = {name: value for name, value in before.inputs.items() if name != "allowOverwrite"}
    config: dict[str, Any] = {
        "domain": "shop.example.com",
        "hostedZone": "example.com",
        "accessLogs": True,
    }
    account = deepcopy(edge.cloud)
    account.update(before.token, before.id, old_inputs)
    resources = {**edge.resources, proof.urn: replace(before, inputs=old_inputs)}
    old = replace(edge, cloud=account, resources=resources)
    now = recorder.run(
        "dev", after=old, extraCertificateArns=[EXTRA_CERTIFICATE], waf="block", **config
    )
    assert recorder.changes(now) == {proof.urn: "update"}


def test_the_wait_for_validation_is_limited_to_minutes(edge: Recording) -> None:
    validation = edge.one("CertificateValidation")
    assert validation.timeouts[0] == "20m"
    assert edge.one("Record", "certificate-proof").urn in validation.dependencies


def test_a_new_domains_certificate_is_created_before_the_old_one_is_deleted(
    edge: Recording,
) -> None:
    moved = recorder.run("dev", after=edge, domain="store.example.com", hostedZone="example.com")
    assert moved.operations[edge.one("Certificate").urn] == "replace"
    assert moved.operations[edge.one("Listener", "alb-https").urn] == "update"
    assert not edge.one("Certificate").delete_before_replace
