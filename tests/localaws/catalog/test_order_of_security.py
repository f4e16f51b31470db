"""Rules about other resources, of certificates, DNS, WAF, buckets, endpoints and keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.account.cloud import Cloud
from localaws.catalog import UNKNOWN
from localaws.catalog.acm import missing_records
from localaws.catalog.elb.tls_policies import versions
from localaws.catalog.route53.records import assumed_zone_id, name_of_zone
from tests.localaws.catalog.conftest import bucket_policy, web_acl
from tests.localaws.catalog.operations import refused
from tests.localaws.catalog.security_cases import (
    ACL,
    ALIAS,
    ASSOCIATION,
    BALANCER,
    BUCKET_POLICY,
    CERTIFICATE,
    ENCRYPTION,
    ENDPOINT,
    FLOW_LOG,
    INTERFACE,
    KEY,
    LISTENER,
    LISTENER_CERTIFICATE,
    LOG_POLICY,
    LOGS,
    OWNERSHIP,
    RECORD,
    SUBNET,
    VALIDATION,
    VERSIONING,
    VPC,
    ZONE,
    policy,
)

if TYPE_CHECKING:
    from localaws.catalog import Resource
    from tests.localaws.catalog.conftest import Account

NAT = "aws:ec2/natGateway:NatGateway"
ROUTE = "aws:ec2/route:Route"
TABLE = "aws:ec2/routeTable:RouteTable"


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
    twin = ("route53.record.unique", "InvalidChangeBatch")
    assert twin in refused(
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
    for kind in ("A", "AAAA"):
        account.make(RECORD, zoneId=account.id("zone"), name="app", type=kind, aliases=[alias])


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


def test_a_load_balancer_can_log_only_to_a_bucket_that_allows_it(account: Account) -> None:
    logging = {
        **account.minimal(BALANCER),
        "accessLogs": {"bucket": "main-logs", "enabled": True, "prefix": "web"},
    }
    denied = ("elbv2.load-balancer.log-bucket", "InvalidConfigurationRequest")
    narrow = "arn:aws:s3:::main-logs/api/*"
    made = account.make(
        BUCKET_POLICY, bucket="main-logs", policy=bucket_policy("main-logs", Resource=narrow)
    ).id
    assert denied in refused(account.make, BALANCER, **logging)
    right = "arn:aws:s3:::main-logs/web/AWSLogs/123456789012/*"
    account.update(
        BUCKET_POLICY,
        made,
        {"bucket": "main-logs", "policy": bucket_policy("main-logs", Resource=right)},
    )
    by_key = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}
    encryption = account.make(ENCRYPTION, bucket="main-logs", rules=[by_key]).id
    assert denied in refused(account.make, BALANCER, **logging)
    account.update(ENCRYPTION, encryption, account.minimal(ENCRYPTION))
    account.make(BALANCER, **logging)


def test_a_bucket_policy_can_allow_the_regions_elb_account_to_write_logs(account: Account) -> None:
    writer = {"AWS": ["arn:aws:iam::156460612806:root"]}
    account.make(
        BUCKET_POLICY, bucket="main-logs", policy=bucket_policy("main-logs", Principal=writer)
    )
    account.make(
        BALANCER, **account.minimal(BALANCER), accessLogs={"bucket": "main-logs", "enabled": True}
    )


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


def test_a_second_flow_log_needs_another_destination(account: Account) -> None:
    inputs = account.minimal(FLOW_LOG)
    account.make(FLOW_LOG, **inputs)
    rules = refused(account.make, FLOW_LOG, **inputs)
    assert rules == {("ec2.flow-log.unique", "FlowLogAlreadyExists")}
    account.make(FLOW_LOG, **{**inputs, "logDestination": "arn:aws:s3:::other-logs"})


def test_private_dns_of_an_endpoint_needs_the_vpcs_dns_and_is_unique_in_the_vpc(
    account: Account,
) -> None:
    vpc = account.id("vpc")
    account.update(VPC, vpc, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True})
    inputs = {
        "vpcId": vpc,
        **INTERFACE,
        "privateDnsEnabled": True,
        "subnetIds": [account.id("subnet-a")],
    }
    endpoint = account.make(ENDPOINT, **inputs)
    assert endpoint.outputs["securityGroupIds"] == [
        account.made["vpc"].outputs["defaultSecurityGroupId"]
    ]
    rules = refused(account.make, ENDPOINT, **inputs)
    assert rules == {("ec2.vpc-endpoint.private-dns-unique", "InvalidParameter")}
    held = refused(account.delete, SUBNET, account.id("subnet-a"))
    assert ("ec2.subnet.held", "DependencyViolation") in held


def test_a_route_table_has_one_gateway_endpoint_of_a_service(account: Account) -> None:
    inputs = {**account.minimal(ENDPOINT), "routeTableIds": [account.id("table")]}
    first = account.make(ENDPOINT, **inputs)
    assert first.outputs["prefixListId"].startswith("pl-")
    rules = refused(account.make, ENDPOINT, **inputs)
    assert rules == {("ec2.vpc-endpoint.route-unique", "RouteAlreadyExists")}
    account.update(ENDPOINT, first.id, {**inputs, "policy": policy(Action="s3:GetObject")})


def test_the_parts_of_an_endpoint_must_be_in_its_vpc(account: Account) -> None:
    other = account.make(VPC, cidrBlock="10.1.0.0/16").id
    inputs = {**account.minimal(ENDPOINT), "vpcId": other, "routeTableIds": [account.id("table")]}
    assert ("ec2.vpc-endpoint.same-vpc", "InvalidParameter") in refused(
        account.make, ENDPOINT, **inputs
    )


def test_a_routes_gateway_must_be_in_the_tables_vpc(account: Account) -> None:
    nat = account.make(NAT, **account.minimal(NAT)).id
    other = account.make(VPC, cidrBlock="10.1.0.0/16").id
    route = {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat}
    foreign = account.make(TABLE, vpcId=other).id
    rules = refused(account.make, ROUTE, routeTableId=foreign, **route)
    assert rules == {("ec2.route.same-vpc", "InvalidParameterValue")}
    account.make(ROUTE, routeTableId=account.make(TABLE, vpcId=account.id("vpc")).id, **route)


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


def test_an_update_can_add_an_ipv6_range_for_subnets_and_load_balancers(
    account: Account,
) -> None:
    vpc = account.update(
        VPC, account.id("vpc"), {"cidrBlock": "10.0.0.0/16", "assignGeneratedIpv6CidrBlock": True}
    )
    prefix = vpc.outputs["ipv6CidrBlock"].removesuffix("00::/56")
    dual = {**account.minimal(BALANCER), "ipAddressType": "dualstack"}
    missing = ("elbv2.load-balancer.dualstack", "ValidationError")
    assert missing in refused(account.make, BALANCER, **dual)
    for number, zone in enumerate("ab"):
        subnet = account.made[f"subnet-{zone}"]
        more = {"ipv6CidrBlock": f"{prefix}0{number}::/64", "assignIpv6AddressOnCreation": True}
        account.update(SUBNET, subnet.id, {**subnet.inputs, **more})
        account.update(SUBNET, subnet.id, {**subnet.inputs, **more, "mapPublicIpOnLaunch": True})
    overlapping = {**account.minimal(SUBNET), "ipv6CidrBlock": f"{prefix}00::/60"}
    assert ("ec2.subnet.overlap", "InvalidSubnet.Conflict") in refused(
        account.make, SUBNET, **overlapping
    )
    account.make(BALANCER, **dual)


def test_a_vpcs_ipv6_range_cant_be_removed_while_a_subnet_has_a_part_of_it(
    account: Account,
) -> None:
    plain = {"cidrBlock": "10.0.0.0/16"}
    vpc = account.update(VPC, account.id("vpc"), {**plain, "assignGeneratedIpv6CidrBlock": True})
    subnet = account.made["subnet-a"]
    first = vpc.outputs["ipv6CidrBlock"].replace("/56", "/64")
    account.update(SUBNET, subnet.id, {**subnet.inputs, "ipv6CidrBlock": first})
    held = refused(account.update, VPC, vpc.id, plain)
    assert held == {("ec2.vpc.ipv6-held", "InvalidCidrBlock.InUse")}
    account.update(SUBNET, subnet.id, subnet.inputs)
    assert account.update(VPC, vpc.id, plain).outputs["ipv6CidrBlock"] == ""


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z0-9]{2,10}){1,3}", fullmatch=True))
def test_the_id_of_a_registered_domains_zone_encodes_any_domain(name: str) -> None:
    identifier = assumed_zone_id(name)
    assert name_of_zone(Cloud(), identifier) == (None if name.endswith(".invalid") else name)


@given(st.text() | st.text().map(lambda text: f"Z{text.upper()}"))
def test_only_an_id_that_encodes_a_domain_is_a_zones_id(identifier: str) -> None:
    name = name_of_zone(Cloud(), identifier)
    assert name is None or assumed_zone_id(name) == identifier


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("ELBSecurityPolicy-2016-08", ("1.0", "1.2")),
        ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", ("1.2", "1.2")),
        ("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", ("1.2", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", ("1.3", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-2-Ext0-FIPS-2023-04", ("1.2", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", ("1.2", "1.3")),
        ("ELBSecurityPolicy-TLS13-1-2", None),
    ],
)
def test_a_tls_policy_has_an_oldest_and_a_newest_version(
    name: str, spoken: tuple[str, str] | None
) -> None:
    assert versions(name) == spoken
