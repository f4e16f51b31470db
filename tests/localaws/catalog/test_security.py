"""Rules about other resources, of certificates, web ACLs, buckets and keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localaws.catalog.acm import missing_records
from tests.localaws.catalog.conftest import web_acl
from tests.localaws.catalog.operations import refused
from tests.localaws.catalog.security_cases import (
    ACL,
    ALIAS,
    ASSOCIATION,
    BUCKET_POLICY,
    CERTIFICATE,
    KEY,
    LISTENER,
    LISTENER_CERTIFICATE,
    LOG_POLICY,
    LOGS,
    OWNERSHIP,
    RECORD,
    VALIDATION,
    VERSIONING,
    policy,
)

if TYPE_CHECKING:
    from localaws.catalog import Resource
    from tests.localaws.catalog.conftest import Account


def add_validation_records(account: Account, certificate: Resource) -> list[Resource]:
    """Create a certificate's validation records, each once, and return them."""
    records: dict[str, Resource] = {}
    for option in certificate.computed["domainValidationOptions"]:
        name = option["resourceRecordName"]
        if name not in records:
            records[name] = account.make(
                RECORD,
                zoneId=account.id("zone"),
                name=name,
                type=option["resourceRecordType"],
                ttl=60,
                records=[option["resourceRecordValue"]],
            )
    return list(records.values())


def request_certificate(account: Account, *names: str) -> Resource:
    first, *more = names
    others = {"subjectAlternativeNames": more} if more else {}
    return account.make(CERTIFICATE, domainName=first, validationMethod="DNS", **others)


def https(account: Account, certificate: str, port: int = 8443) -> dict[str, Any]:
    inputs = {**account.minimal(LISTENER), "protocol": "HTTPS", "port": port}
    return {**inputs, "certificateArn": certificate}


def test_a_certificate_is_validated_and_served_only_after_its_records_exist(
    account: Account,
) -> None:
    certificate = request_certificate(account, "new.example.test", "www.example.test")
    assert certificate.outputs["subjectAlternativeNames"] == [
        "new.example.test",
        "www.example.test",
    ]
    waiting = refused(account.make, VALIDATION, certificateArn=certificate.id)
    assert waiting == {("acm.validation.issued", "timeout")}
    pending = ("elbv2.certificate.issued", "UnsupportedCertificate")
    assert pending in refused(account.make, LISTENER, **https(account, certificate.id))
    extra = {**account.minimal(LISTENER_CERTIFICATE), "certificateArn": certificate.id}
    assert pending in refused(account.make, LISTENER_CERTIFICATE, **extra)
    fqdns = [record.outputs["fqdn"] for record in add_validation_records(account, certificate)]
    account.make(VALIDATION, certificateArn=certificate.id, validationRecordFqdns=fqdns)
    account.make(LISTENER, **https(account, certificate.id))
    account.make(LISTENER_CERTIFICATE, **extra)


def test_a_wildcard_has_the_validation_record_of_its_parent(account: Account) -> None:
    certificate = request_certificate(account, "example.test", "*.example.test")
    assert len(add_validation_records(account, certificate)) == 1
    assert not missing_records(account, certificate)


def test_a_domain_has_the_same_validation_record_for_every_certificate_of_the_account(
    account: Account,
) -> None:
    add_validation_records(account, request_certificate(account, "again.example.test"))
    assert not missing_records(account, request_certificate(account, "again.example.test"))


def test_a_certificate_that_a_listener_serves_cant_be_deleted(account: Account) -> None:
    certificate = account.id("certificate")
    in_use = ("acm.certificate.held", "ResourceInUseException")
    assert in_use in refused(account.delete, CERTIFICATE, certificate)
    account.delete(LISTENER, account.id("secure-listener"))
    account.delete(CERTIFICATE, certificate)


def test_only_certificates_that_amazon_issues_are_validated(account: Account) -> None:
    imported = account.make(CERTIFICATE, privateKey="key", certificateBody="body").id
    rules = refused(account.make, VALIDATION, certificateArn=imported)
    assert rules == {("acm.validation.kind", "InvalidArgument")}


def test_quotas_for_listener_certificates_and_log_policies_are_enforced(
    account: Account,
) -> None:
    minimal = account.minimal(LISTENER_CERTIFICATE)
    for number in range(25):
        account.make(
            LISTENER_CERTIFICATE,
            **{**minimal, "certificateArn": f"arn:aws:acm:eu-west-1::certificate/{number}"},
        )
    full = ("elbv2.listener-certificate.quota", "TooManyCertificates")
    assert full in refused(account.make, LISTENER_CERTIFICATE, **minimal)
    document = policy(Action="logs:PutLogEvents")
    for number in range(10):
        account.make(LOG_POLICY, policyName=f"p{number}", policyDocument=document)
    rules = refused(account.make, LOG_POLICY, policyName="p", policyDocument=document)
    assert rules == {("logs.resource-policy.quota", "LimitExceededException")}


def test_the_quota_for_certificates_counts_those_of_all_listeners_of_a_load_balancer_once(
    account: Account,
) -> None:
    second = account.make(LISTENER, **https(account, account.id("certificate"))).id
    certificates = [f"arn:aws:acm:eu-west-1::certificate/{number}" for number in range(26)]
    first_listener = account.id("secure-listener")
    for number, certificate in enumerate(certificates[:25]):
        listener = first_listener if number % 2 else second
        account.make(LISTENER_CERTIFICATE, listenerArn=listener, certificateArn=certificate)
    # Another listener has this one already.
    account.make(LISTENER_CERTIFICATE, listenerArn=first_listener, certificateArn=certificates[0])
    last = {"listenerArn": second, "certificateArn": certificates[25]}
    assert refused(account.make, LISTENER_CERTIFICATE, **last) == {
        ("elbv2.listener-certificate.quota", "TooManyCertificates")
    }


def test_a_web_acl_with_an_association_cant_be_deleted_and_a_second_one_is_refused(
    account: Account,
) -> None:
    association = account.make(ASSOCIATION, **account.minimal(ASSOCIATION))
    acl = account.id("acl")
    assert refused(account.delete, ACL, acl) == {
        ("wafv2.web-acl.held", "WAFAssociatedItemException")
    }
    other = account.make(ACL, **web_acl("other")).computed["arn"]
    inputs = {"webAclArn": other, "resourceArn": account.id("balancer")}
    taken = ("wafv2.association.unique", "WAFAssociatedItemException")
    assert taken in refused(account.make, ASSOCIATION, **inputs)
    account.delete(ASSOCIATION, association.id)
    account.make(ASSOCIATION, **inputs)
    account.delete(ACL, acl)


def test_a_bucket_has_one_of_each_setting_and_versioning_cant_be_disabled_again(
    account: Account,
) -> None:
    account.make(OWNERSHIP, **account.minimal(OWNERSHIP))
    twice = ("s3.companion.unique", "OperationAborted")
    assert twice in refused(account.make, OWNERSHIP, **account.minimal(OWNERSHIP))
    versioning = account.make(VERSIONING, **account.minimal(VERSIONING)).id
    off = {"bucket": "main-logs", "versioningConfiguration": {"status": "Disabled"}}
    rules = refused(account.update, VERSIONING, versioning, off)
    assert rules == {("s3.versioning.back", "IllegalVersioningConfigurationException")}


def test_a_bucket_can_be_public_only_without_its_public_access_block(account: Account) -> None:
    public = policy(
        Principal={"AWS": "*"}, Action="s3:GetObject", Resource="arn:aws:s3:::main-logs/*"
    )
    inputs = {"bucket": "main-logs", "policy": public}
    assert ("s3.bucket-policy.public", "AccessDenied") in refused(
        account.make, BUCKET_POLICY, **inputs
    )
    account.make(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        bucket="main-logs",
        blockPublicPolicy=False,
    )
    account.make(BUCKET_POLICY, **inputs)


def test_a_key_aliass_name_is_unique(account: Account) -> None:
    account.make(ALIAS, **account.minimal(ALIAS))
    rules = refused(account.make, ALIAS, **account.minimal(ALIAS))
    assert rules == {("kms.alias.unique", "AlreadyExistsException")}


def test_logs_can_be_encrypted_only_with_a_key_whose_policy_allows_cloudwatch(
    account: Account,
) -> None:
    inputs = {"name": "/secret", "kmsKeyId": account.made["key"].outputs["arn"]}
    assert ("logs.group.key", "InvalidParameterException") in refused(account.make, LOGS, **inputs)
    root = {"AWS": "arn:aws:iam::123456789012:root"}
    service = {"Service": "logs.eu-west-1.amazonaws.com"}
    statements = [
        {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
        for principal in (root, service)
    ]
    key = account.make(KEY, policy=json.dumps({"Statement": statements})).outputs["arn"]
    account.make(LOGS, **{**inputs, "kmsKeyId": key})
    account.make(
        LOGS,
        name="/beforehand",
        kmsKeyId="arn:aws:kms:eu-west-1:123456789012:key/not-of-this-stack",
    )
