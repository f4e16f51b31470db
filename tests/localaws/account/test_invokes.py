"""Functions return the account's data, in the shapes of pulumi-aws's result types."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from localaws.account import invokes
from localaws.account.cloud import Cloud
from localaws.catalog import Refused
from localaws.catalog.ec2.network import default_id
from tests.localaws.account.account_for_lookups import NOT_FOUND, REGION, Account
from tests.localaws.account.sdk_source import sdk_outputs, sdk_source

SSM = f"arn:aws:ssm:{REGION}:123456789012:parameter"
PENDING = ["PENDING_VALIDATION"]


@pytest.fixture
def account() -> Account:
    return Account()


# A function, its arguments, and a part of its result.
ANSWERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "index/getAvailabilityZones",
        {},
        {
            "names": ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
            "zoneIds": ["euw1-az1", "euw1-az2", "euw1-az3"],
        },
    ),
    ("index/getRegion", {}, {"name": REGION, "region": REGION, "id": REGION}),
    ("index/getCallerIdentity", {}, {"accountId": "123456789012"}),
    ("index/getPartition", {}, {"partition": "aws", "dnsSuffix": "amazonaws.com"}),
    (
        "ec2/getVpc",
        {"tags": {"Name": "main"}},
        {"cidrBlock": "10.0.0.0/16", "state": "available", "tags": {"Name": "main"}},
    ),
    (
        "ec2/getSubnet",
        {"availabilityZone": "eu-west-1b", "cidrBlock": "10.0.1.0/24"},
        {"cidrBlock": "10.0.1.0/24", "availableIpAddressCount": 251, "mapPublicIpOnLaunch": False},
    ),
    (
        "ec2/getSecurityGroup",
        {"id": default_id("sg", REGION)},
        {"description": "default VPC security group"},
    ),
    (
        "cloudwatch/getLogGroup",
        {"name": "/web/a"},
        {"retentionInDays": 7, "arn": "arn:aws:logs:eu-west-1:123456789012:log-group:/web/a"},
    ),
    (
        "cloudwatch/getLogGroups",
        {"logGroupNamePrefix": "/web/"},
        {"logGroupNames": ["/web/a", "/web/b"]},
    ),
    ("cloudwatch/getLogGroups", {"logGroupNamePrefix": "/none"}, {"logGroupNames": [], "arns": []}),
    ("ssm/getParameter", {"name": "/demo/password"}, {"value": "hunter2", "type": "SecureString"}),
    (
        "ssm/getParameter",
        {"name": "/demo/message"},
        {"value": "hello", "insecureValue": "hello", "version": 1},
    ),
    ("ecs/getClusters", {}, {"clusterArns": ["arn:aws:ecs:eu-west-1:123456789012:cluster/main"]}),
    ("ecs/getCluster", {"clusterName": "main"}, {"status": "ACTIVE", "clusterName": "main"}),
    ("ecs/getTaskDefinition", {"taskDefinition": "web"}, {"revision": 2, "status": "ACTIVE"}),
    ("ecs/getTaskDefinition", {"taskDefinition": "web:1"}, {"revision": 1}),
    ("iam/getRole", {"name": "tasks"}, {"arn": "arn:aws:iam::123456789012:role/tasks"}),
    ("lb/getLoadBalancer", {"name": "web"}, {"idleTimeout": 60, "internal": False}),
    ("lb/getTargetGroup", {"name": "web"}, {"port": 80, "loadBalancerArns": []}),
    ("lb/getListener", {"port": 80}, {"protocol": "HTTP", "defaultActions": NOT_FOUND}),
    ("alb/getLoadBalancer", {"name": "web"}, {"idleTimeout": 60, "internal": False}),
    ("alb/getTargetGroup", {"name": "web"}, {"port": 80, "loadBalancerArns": []}),
    ("alb/getListener", {"port": 80}, {"protocol": "HTTP"}),
    (
        "ssm/getParameter",
        {"name": "/demo/password", "withDecryption": False},
        {"value": "encrypted"},
    ),
    ("route53/getZone", {"name": "example.com."}, {"name": "example.com", "privateZone": False}),
    (
        "route53/getZone",
        {"name": "made.test"},
        {"name": "made.test", "comment": "Managed by Pulumi"},
    ),
    ("route53/getZone", {"tags": {"Name": "made"}}, {"name": "made.test"}),
    ("secretsmanager/getSecret", {"name": "demo/made"}, {"kmsKeyId": "key", "name": "demo/made"}),
    ("secretsmanager/getSecret", {"name": "demo/api"}, {"name": "demo/api", "kmsKeyId": ""}),
    (
        "ec2/getPrefixList",
        {"name": "com.amazonaws.eu-west-1.s3"},
        {"name": "com.amazonaws.eu-west-1.s3"},
    ),
    (
        "ec2/getManagedPrefixList",
        {"filters": [{"name": "prefix-list-name", "values": ["com.amazonaws.eu-west-1.dynamodb"]}]},
        {"name": "com.amazonaws.eu-west-1.dynamodb", "ownerId": "AWS", "addressFamily": "IPv4"},
    ),
    ("ssm/getParameter", {"name": "/demo/password:1"}, {"value": "hunter2", "version": 1}),
    ("ssm/getParameter", {"name": f"{SSM}/demo/password"}, {"name": "/demo/password"}),
    ("ssm/getParameter", {"name": f"{SSM}/demo/message:1"}, {"value": "hello"}),
    ("ec2/getEips", {"tags": {"Name": "nat"}}, {"publicIps": ["203.0.113.222"]}),
    ("ec2/getEips", {"tags": {"Name": "none"}}, {"publicIps": [], "allocationIds": []}),
    (
        "servicequotas/getServiceQuota",
        {"serviceCode": "vpc", "quotaCode": "L-F678F1CE"},
        {"value": 5, "quotaName": "VPCs per Region"},
    ),
    ("acm/getCertificate", {"domain": "issued.made.test"}, {"status": "ISSUED"}),
    (
        "acm/getCertificate",
        {"domain": "two.example.com", "statuses": PENDING, "mostRecent": True},
        {"status": PENDING[0]},
    ),
    (
        "acm/getCertificate",
        {"domain": "p256.example.com", "statuses": PENDING, "keyTypes": ["EC_prime256v1"]},
        {"domain": "p256.example.com"},
    ),
    ("elb/getServiceAccount", {}, {"arn": "arn:aws:iam::156460612806:root"}),
]


@pytest.mark.parametrize(
    ("token", "args", "expected"), ANSWERS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_function_returns_the_accounts_data_in_the_sdks_shape(
    account: Account, token: str, args: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = account.ask(token, **args)
    assert expected.items() <= found.items()
    assert found["id"]
    assert expected.keys() <= sdk_outputs(token)
    for name, kind in sdk_types(token).items():
        if found.get(name):
            assert isinstance(found[name], kind), f"the SDK raises a TypeError for {name}"


TYPES = {"str": str, "bool": bool, "int": int, "float": (int, float), "list": list, "dict": dict}


def sdk_types(token: str) -> dict[str, Any]:
    """Return the types that the SDK requires of a function's results, by camelCase name."""
    types = {}
    checks = re.findall(r"if (\w+) and not isinstance\(\1, (\w+)\):", sdk_source(token))
    for snake_case, kind in checks:
        name = re.sub(r"_(.)", lambda match: match[1].upper(), snake_case)
        types[name] = TYPES[kind]
    return types


def test_subnets_are_found_by_filter_and_tag(account: Account) -> None:
    def ids(*name_value_pairs: tuple[str, str], **more: Any) -> Any:
        filters = [{"name": name, "values": [value]} for name, value in name_value_pairs]
        return account.ask("ec2/getSubnets", filters=filters, **more)["ids"]

    public, private = account.subnets
    assert ids(("vpc-id", account.vpc)) == [public, private]
    assert ids(("vpc-id", "vpc-0")) == []
    assert ids(("map-public-ip-on-launch", "true"), ("default-for-az", "false")) == [public]
    assert ids(("availability-zone", "eu-west-1b"), ("vpc-id", account.vpc)) == [private]
    assert ids(("tag:Tier", "public")) == ids(tags={"Tier": "public"}) == []
    vpcs = account.ask("ec2/getVpcs", filters=[{"name": "tag:Name", "values": ["main"]}])
    assert vpcs["ids"] == [account.vpc]


def test_a_route_table_shows_its_routes_and_associations(account: Account) -> None:
    found = account.ask("ec2/getRouteTable", subnetId=account.subnets[0])
    assert found["routeTableId"] == account.table
    assert {"cidrBlock": "10.0.0.0/16", "gatewayId": "local"} in found["routes"]
    gateways = {each["cidrBlock"]: each["gatewayId"] for each in found["routes"]}
    assert gateways["0.0.0.0/0"] == account.gateway
    assert [each["subnetId"] for each in found["associations"]] == account.subnets[:1]
    main = [{"name": "association.main", "values": ["true"]}]
    (main_table,) = account.ask("ec2/getRouteTables", vpcId=account.vpc, filters=main)["ids"]
    tables = account.ask("ec2/getRouteTables", vpcId=account.vpc)["ids"]
    assert set(tables) == {main_table, account.table}
    with pytest.raises(Refused, match="0 route tables match"):
        account.ask("ec2/getRouteTable", subnetId=account.subnets[1])


@pytest.mark.parametrize(
    ("token", "args", "message"),
    [
        ("ec2/getVpc", {"cidrBlock": "10.9.0.0/16"}, "no matching EC2 VPC found"),
        ("ec2/getSubnet", {}, "multiple EC2 Subnets matched"),
        (
            "cloudwatch/getLogGroup",
            {"name": "/none"},
            "no matching CloudWatch Logs Log Group found",
        ),
        (
            "ssm/getParameter",
            {"name": "/none"},
            r"reading SSM Parameter \(.*\): couldn't find resource",
        ),
        (
            "ecs/getTaskDefinition",
            {"taskDefinition": "none"},
            "Unable to describe task definition: none",
        ),
        (
            "ecs/getService",
            {"clusterArn": "main", "serviceName": "none"},
            "no service none in cluster main",
        ),
        (
            "ec2/getVpcs",
            {"filters": [{"name": "colour", "values": ["red"]}]},
            "doesn't know the filter 'colour'",
        ),
        ("route53/getZone", {"name": "nothing.invalid"}, "no matching Route 53 Hosted Zone found"),
        (
            "route53/getZone",
            {"name": "example.com", "privateZone": True},
            "no matching Route 53 Hosted Zone found",
        ),
        ("route53/getZone", {"zoneId": "Z0"}, "no matching Route 53 Hosted Zone found"),
        (
            "secretsmanager/getSecret",
            {"name": "/demo/password"},
            r"reading Secrets Manager Secret \(.*\): couldn't find resource",
        ),
        (
            "ssm/getParameter",
            {"name": "demo/api"},
            r"reading SSM Parameter \(.*\): couldn't find resource",
        ),
        (
            "ec2/getPrefixList",
            {"name": "com.amazonaws.eu-west-1.sqs"},
            "no matching EC2 Prefix List found",
        ),
        (
            "ec2/getPrefixList",
            {"filters": [{"name": "owner", "values": ["AWS"]}]},
            "doesn't know the filter 'owner'",
        ),
        ("ssm/getParameter", {"name": "/none:1"}, "couldn't find resource"),
        (
            "ssm/getParameter",
            {"name": "/demo/password:999999999"},
            (
                "ParameterVersionNotFound: Systems Manager could not find version 999999999 "
                "of /demo/password"
            ),
        ),
        (
            "servicequotas/getServiceQuota",
            {"serviceCode": "ec2", "quotaCode": "L-0"},
            "doesn't know the quota L-0 of",
        ),
        (
            "acm/getCertificate",
            {"domain": "none.example.com"},
            r"no ACM Certificate matching domain \(none",
        ),
        (
            "acm/getCertificate",
            {"domain": "two.example.com", "statuses": PENDING},
            "multiple ACM Certificates matching",
        ),
        (
            "acm/getCertificate",
            {"domain": "mixed.made.test", "statuses": [*PENDING, "ISSUED"], "mostRecent": True},
            "most_recent filtering on different ACM certificate",
        ),
        (
            "acm/getCertificate",
            {"domain": "p256.example.com", "statuses": PENDING},
            "no ACM Certificate matching",
        ),
        (
            "sqs/getQueue",
            {},
            r"doesn't know the function aws:sqs/getQueue:getQueue; add it to FUNCTIONS",
        ),
    ],
)
def test_a_function_that_finds_nothing_fails_with_the_reason(
    account: Account, token: str, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        account.ask(token, **args)


def test_a_zone_is_found_by_its_id_and_a_secret_by_its_arn_with_or_without_suffix(
    account: Account,
) -> None:
    assumed = account.ask("route53/getZone", name="example.com")
    assert account.ask("route53/getZone", zoneId=assumed["zoneId"]) == assumed
    assert account.ask("route53/getZone", zoneId=account.zone)["name"] == "made.test"
    assert account.ask("secretsmanager/getSecret", arn=account.secret)["name"] == "demo/made"
    seeded = account.ask("secretsmanager/getSecret", name="demo/api")["arn"]
    assert seeded.startswith("arn:aws:secretsmanager:eu-west-1:123456789012:secret:demo/api-")
    assert account.ask("secretsmanager/getSecret", arn=seeded)["arn"] == seeded
    assert "hunter" not in str(
        account.ask("secretsmanager/getSecret", arn=seeded.rpartition("-")[0])
    )


def test_a_zone_name_that_two_zones_have_is_ambiguous(account: Account) -> None:
    account.make("route53/zone:Zone", name="made.test.")
    with pytest.raises(Refused, match="multiple Route 53 Hosted Zones matched"):
        account.ask("route53/getZone", name="made.test")


def test_a_private_zone_is_found_by_its_id_and_by_name_only_with_private_zone(
    account: Account,
) -> None:
    private = account.make("route53/zone:Zone", name="inner.test", vpcs=[{"vpcId": account.vpc}])
    assert account.ask("route53/getZone", zoneId=private)["privateZone"]
    assert account.ask("route53/getZone", name="inner.test", privateZone=True)["zoneId"] == private
    assert account.ask("route53/getZone", name="inner.test")["zoneId"] != private, (
        "the public zone of that name"
    )


def test_a_newer_region_has_no_account_for_load_balancer_logs(account: Account) -> None:
    with pytest.raises(Refused, match="unsupported AWS Region eu-south-2"):
        invokes.answer(account, "aws:elb/getServiceAccount:getServiceAccount", {}, "eu-south-2")


@pytest.mark.parametrize(
    ("region", "partition", "suffix", "prefix"),
    [
        ("eu-west-1", "aws", "amazonaws.com", "com.amazonaws"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com", "com.amazonaws"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn", "cn.com.amazonaws"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov", "gov.ic.c2s"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov", "gov.sgov.sc2s"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu", "eu.amazonaws"),
    ],
)
def test_arns_and_domains_are_those_of_the_regions_partition(
    region: str, partition: str, suffix: str, prefix: str
) -> None:
    cloud = Cloud(seed=1)
    found = invokes.answer(cloud, "aws:index/getPartition:getPartition", {}, region)
    assert (found["id"], found["partition"]) == (partition, partition)
    assert (found["dnsSuffix"], found["reverseDnsPrefix"]) == (suffix, prefix)
    assert (
        invokes.answer(cloud, "aws:index/getRegion:getRegion", {}, region)["endpoint"]
        == f"ec2.{region}.{suffix}"
    )
    identity = invokes.answer(cloud, "aws:index/getCallerIdentity:getCallerIdentity", {}, region)
    assert identity["arn"].startswith(f"arn:{partition}:iam::")
    bucket = cloud.create(
        "aws:s3/bucket:Bucket", "bucket", {"bucket": "files"}, region=region
    ).outputs
    assert (bucket["arn"], bucket["bucketDomainName"]) == (
        f"arn:{partition}:s3:::files",
        f"files.s3.{suffix}",
    )
    key = cloud.create("aws:kms/key:Key", "key", {}, region=region).outputs
    assert key["arn"].startswith(f"arn:{partition}:kms:{region}:")
    assert f"arn:{partition}:iam::123456789012:root" in key["policy"]


@pytest.mark.parametrize(
    ("service", "region", "name"),
    [
        ("ecs-tasks", "eu-west-1", "ecs-tasks.amazonaws.com"),
        ("ecs-tasks", "cn-north-1", "ecs-tasks.amazonaws.com"),
        ("logs", "cn-north-1", "logs.amazonaws.com.cn"),
        ("logs", "us-gov-west-1", "logs.amazonaws.com"),
    ],
)
def test_a_service_principal_has_the_suffix_of_its_partition(
    account: Account, service: str, region: str, name: str
) -> None:
    token = "aws:index/getServicePrincipal:getServicePrincipal"
    found = invokes.answer(account, token, {"serviceName": service, "region": region}, region)
    assert found["name"] == name
    assert found["id"] == f"{service}.{region}.{found['suffix']}"
    assert {"name", "suffix", "region", "serviceName"} <= set(found) & sdk_outputs(
        "index/getServicePrincipal"
    )


READ = {
    "sid": "Read",
    "actions": ["s3:GetObject", "s3:ListBucket"],
    "resources": ["arn:aws:s3:::files/&{aws:username}"],
}
ANYONE = {"type": "*", "identifiers": ["*"]}
SERVICE = {"type": "Service", "identifiers": ["ecs-tasks.amazonaws.com"]}
ONLY_TLS = {"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]}


@pytest.mark.parametrize(
    ("args", "statements"),
    [
        (
            {"statements": [READ]},
            [
                {
                    "Sid": "Read",
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket", "s3:GetObject"],
                    "Resource": "arn:aws:s3:::files/${aws:username}",
                }
            ],
        ),
        (
            {
                "statements": [
                    {
                        "effect": "Deny",
                        "notActions": ["a:B"],
                        "principals": [ANYONE],
                        "conditions": [ONLY_TLS],
                    }
                ]
            },
            [
                {
                    "Effect": "Deny",
                    "NotAction": "a:B",
                    "Principal": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
                }
            ],
        ),
        (
            {"statements": [{"actions": ["sts:AssumeRole"], "principals": [SERVICE, SERVICE]}]},
            [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                }
            ],
        ),
        (
            {
                "sourcePolicyDocuments": [
                    '{"Statement": {"Sid": "A", "Action": "a:A"}}',
                    '{"Statement": [{"Sid": "B"}]}',
                ],
                "statements": [{"sid": "B", "actions": ["b:B"]}],
                "overridePolicyDocuments": [
                    '{"Statement": [{"Sid": "A", "Action": "c:C"}, {"Action": "d:D"}]}'
                ],
            },
            [
                {"Sid": "A", "Action": "c:C"},
                {"Sid": "B", "Effect": "Allow", "Action": "b:B"},
                {"Action": "d:D"},
            ],
        ),
    ],
)
def test_a_policy_document_merges_statements_sources_and_overrides(
    account: Account, args: dict[str, Any], statements: list[dict[str, Any]]
) -> None:
    found = account.ask("iam/getPolicyDocument", **args)
    assert json.loads(found["json"]) == json.loads(found["minifiedJson"])
    assert json.loads(found["json"]) == {"Version": "2012-10-17", "Statement": statements}
    assert {"json", "minifiedJson", "version", "id"} <= set(found) & sdk_outputs(
        "iam/getPolicyDocument"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"sourcePolicyDocuments": ["{"]}, "sourcePolicyDocuments: not JSON"),
        ({"overridePolicyDocuments": ["[]"]}, "overridePolicyDocuments: must be JSON objects"),
        ({"sourcePolicyDocuments": ['{"Statement": {"Sid": "A"}}'] * 2}, "duplicate Sid A"),
        (
            {"statements": [{"sid": "A"}, {"sid": "B"}, {"sid": "A"}]},
            "statements: duplicate Sid A;",
        ),
    ],
)
def test_policy_documents_that_cannot_be_merged_are_refused(
    account: Account, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        account.ask("iam/getPolicyDocument", **args)


def test_resources_of_another_region_are_not_found(account: Account) -> None:
    found = invokes.answer(account, "aws:ec2/getSubnets:getSubnets", {}, "us-east-1")
    assert not set(found["ids"]) & set(account.subnets)
    assert found["region"] == "us-east-1"
