"""What a Certificate registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws

from infra.certificate import Certificate, CertificateArgs
from localaws import mocks
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


def test_a_certificate_is_a_request_its_proof_and_the_wait_for_it(edge: Recording) -> None:
    component = next(each for each in edge.registered if each.type == "fargate-web:index:Certificate")
    assert edge.children(component) == {
        ("Certificate", "certificate"),
        ("Record", "certificate-proof"),
        ("CertificateValidation", "certificate"),
    }


def test_a_certificate_stands_alone() -> None:
    def program() -> None:
        zone = pulumi_aws.route53.Zone("zone", name="example.com")
        args = CertificateArgs(domain="shop.example.com", zone_id=zone.zone_id, tags={"Owner": "me"})
        pulumi.export("arn", Certificate("mine", args).arn)

    run = mocks.run(program)
    assert run.exports["arn"] == run.id(run.one("Certificate"))
    assert run.one("Certificate").inputs["tags"] == {"Owner": "me", "Component": "mine"}


def test_acm_issues_it_for_exactly_the_domain(edge: Recording) -> None:
    inputs = dict(edge.one("Certificate").inputs)
    del inputs["tags"]
    assert inputs == {
        "domainName": "shop.example.com",
        "validationMethod": "DNS",
        "keyAlgorithm": "RSA_2048",
        "options": {"certificateTransparencyLoggingPreference": "ENABLED"},
    }


def test_the_proof_is_the_record_that_acm_asks_for(edge: Recording) -> None:
    certificate = edge.cloud.get(edge.one("Certificate").type, edge.id(edge.one("Certificate")))
    assert certificate
    (wanted,) = certificate.outputs["domainValidationOptions"]
    proof = edge.one("Record", "certificate-proof").inputs
    assert (proof["name"], proof["type"], proof["records"]) == (
        wanted["resourceRecordName"],
        wanted["resourceRecordType"],
        [wanted["resourceRecordValue"]],
    )
    assert "allowOverwrite" not in proof, "a record that isn't ours stays"


def test_a_zone_that_the_internet_does_not_ask_ends_the_run_in_minutes(edge: Recording) -> None:
    validation = edge.one("CertificateValidation")
    assert validation.timeouts[0] == "20m"
    assert edge.one("Record", "certificate-proof").urn in validation.dependencies


def test_another_domain_gets_its_certificate_before_the_old_one_goes(edge: Recording) -> None:
    moved = recorder.run("dev", after=edge, domain="store.example.com", hostedZone="example.com")
    assert moved.operations[edge.one("Certificate").urn] == "replace"
    assert moved.operations[edge.one("Listener", "alb-https").urn] == "update"
    assert not edge.one("Certificate").delete_before_replace
