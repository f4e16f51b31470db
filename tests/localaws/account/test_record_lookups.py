"""Functions that only look a resource up, in the shapes of pulumi-aws's result types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from localaws.account import invokes
from localaws.catalog import Refused
from localaws.catalog.ec2.network import VPC, default_id
from tests.localaws.account.account_for_lookups import REGION, Account
from tests.localaws.account.sdk_source import sdk_outputs

POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", '
    '"Resource": "*"}]}'
)


class Furnished(Account):
    """The account of `test_invokes`, with the resources that these functions look up."""

    def __init__(self) -> None:
        super().__init__()
        self.nat = self.make(
            "ec2/natGateway:NatGateway", subnetId=self.subnets[0], allocationId=self.address
        )
        self.group = self.make(
            "ec2/securityGroup:SecurityGroup", name="web", vpcId=self.vpc, tags={"Tier": "web"}
        )
        self.endpoint = self.make(
            "ec2/vpcEndpoint:VpcEndpoint", vpcId=self.vpc, serviceName=f"com.amazonaws.{REGION}.s3"
        )
        self.make("ecr/repository:Repository", name="shop")
        self.policy = self.make("iam/policy:Policy", name="reads", policy=POLICY)
        self.make("iam/instanceProfile:InstanceProfile", name="hosts", role="tasks")
        self.key = self.make("kms/key:Key")
        self.make("kms/alias:Alias", name="alias/shop", targetKeyId=self.key)
        self.make("s3/bucket:Bucket", bucket="files")
        self.files = self.make("efs/fileSystem:FileSystem", encrypted=True)
        seen = {
            "cloudwatchMetricsEnabled": True,
            "metricName": "acl",
            "sampledRequestsEnabled": True,
        }
        self.make(
            "wafv2/webAcl:WebAcl",
            name="acl",
            scope="REGIONAL",
            defaultAction={"allow": {}},
            visibilityConfig=seen,
        )
        self.make(
            "secretsmanager/secretVersion:SecretVersion", secretId=self.secret, secretString="first"
        )
        self.make(
            "secretsmanager/secretVersion:SecretVersion",
            secretId=self.secret,
            secretString="second",
        )


@pytest.fixture
def account() -> Furnished:
    return Furnished()


def by_tag(name: str, value: str) -> dict[str, Any]:
    return {"filters": [{"name": f"tag:{name}", "values": [value]}]}


ANSWERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("ec2/getElasticIp", {"tags": {"Name": "nat"}}, {"domain": "vpc"}),
    ("ec2/getSecurityGroups", by_tag("Tier", "web"), {}),
    ("ec2/getNatGateways", {}, {}),
    ("ecr/getRepositories", {}, {"names": ["shop"]}),
    ("ecr/getRepository", {"name": "shop"}, {"registryId": "123456789012"}),
    (
        "ecs/getContainerDefinition",
        {"taskDefinition": "web", "containerName": "web"},
        {"image": "nginx", "memory": 64, "environment": {}, "imageDigest": ""},
    ),
    ("iam/getInstanceProfile", {"name": "hosts"}, {"name": "hosts"}),
    ("iam/getPolicy", {"name": "reads"}, {"policy": POLICY, "path": "/"}),
    ("iam/getRoles", {"nameRegex": "^task"}, {"names": ["tasks"]}),
    ("iam/getRoles", {"nameRegex": "^task", "pathPrefix": "/other/"}, {"names": [], "arns": []}),
    (
        "index/getArn",
        {"arn": "arn:aws:rds:eu-west-1:123456789012:db:a:b"},
        {"service": "rds", "account": "123456789012", "resource": "db:a:b", "partition": "aws"},
    ),
    (
        "index/getAvailabilityZone",
        {"name": "eu-west-1b"},
        {"zoneId": "euw1-az2", "nameSuffix": "b", "state": "available"},
    ),
    ("index/getAvailabilityZone", {"zoneId": "euw1-az3"}, {"name": "eu-west-1c"}),
    ("kms/getKey", {"keyId": "alias/shop"}, {"enabled": True, "keyManager": "CUSTOMER"}),
    ("lb/getHostedZoneId", {}, {"id": "Z32O12XQLNTSW2"}),
    ("lb/getHostedZoneId", {"loadBalancerType": "network"}, {"id": "Z2IFOLAFXWLO4F"}),
    ("wafv2/getWebAcl", {"name": "acl", "scope": "REGIONAL"}, {"name": "acl"}),
    ("s3/getBucket", {"bucket": "files"}, {"arn": "arn:aws:s3:::files", "bucketRegion": REGION}),
    ("secretsmanager/getSecretVersion", {"secretId": "demo/made"}, {"secretString": "second"}),
    (
        "secretsmanager/getSecretVersion",
        {"secretId": "demo/api"},
        {"secretString": '{"key": "hunter3"}'},
    ),
]


@pytest.mark.parametrize(
    ("token", "args", "expected"), ANSWERS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_lookup_returns_a_resource_in_the_sdks_shape(
    account: Furnished, token: str, args: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = account.ask(token, **args)
    assert expected.items() <= found.items()
    assert found["id"]
    assert expected.keys() <= sdk_outputs(token)


def test_parts_of_a_network_are_found_by_their_vpc_or_subnet(account: Furnished) -> None:
    gateway = account.ask(
        "ec2/getInternetGateway", filters=[{"name": "attachment.vpc-id", "values": [account.vpc]}]
    )
    assert gateway["internetGatewayId"] == account.gateway
    assert gateway["attachments"] == [{"state": "available", "vpcId": account.vpc}]
    for args in ({"vpcId": account.vpc}, {"subnetId": account.subnets[0]}, {"id": account.nat}):
        assert account.ask("ec2/getNatGateway", **args)["id"] == account.nat
    assert account.ask("ec2/getNatGateways", vpcId=account.vpc)["ids"] == [account.nat]
    assert account.ask("ec2/getNatGateways", vpcId="vpc-0")["ids"] == []
    found = account.ask(
        "ec2/getVpcEndpoint", vpcId=account.vpc, serviceName=f"com.amazonaws.{REGION}.s3"
    )
    assert found["id"] == account.endpoint
    groups = account.ask(
        "ec2/getSecurityGroups", filters=[{"name": "vpc-id", "values": [account.vpc]}]
    )
    assert account.group in groups["ids"]
    assert set(groups["vpcIds"]) == {account.vpc}
    vpc = account.get(VPC, account.vpc)
    assert vpc
    default = vpc.computed["defaultNetworkAclId"]
    assert account.ask("ec2/getNetworkAcls", vpcId=account.vpc)["ids"] == [default]
    assert len(account.ask("ec2/getNetworkAcls")["ids"]) == 2, "the default VPC has one too"
    acl = account.make("ec2/networkAcl:NetworkAcl", vpcId=account.vpc)
    assert account.ask("ec2/getNetworkAcls", vpcId=account.vpc)["ids"] == [default, acl]
    assert account.ask("ec2/getInternetGateway", internetGatewayId=default_id("igw", REGION))[
        "attachments"
    ]


def test_a_key_is_found_by_id_arn_and_alias(account: Furnished) -> None:
    alias = account.ask("kms/getAlias", name="alias/shop")
    assert alias["targetKeyId"] == account.key
    for wanted in (account.key, alias["targetKeyArn"], "alias/shop", alias["arn"]):
        found = account.ask("kms/getKey", keyId=wanted)
        assert (found["arn"], found["keyId"]) == (alias["targetKeyArn"], wanted)


def test_a_file_system_is_found_by_its_id(account: Furnished) -> None:
    found = account.ask("efs/getFileSystem", fileSystemId=account.files)
    assert found["encrypted"] is True
    assert found["fileSystemId"] == account.files


def test_every_load_balancer_is_listed(account: Furnished) -> None:
    (arn,) = account.ask("lb/getLbs")["arns"]
    assert arn == account.ask("lb/getLoadBalancer", name="web")["arn"]


def test_policies_are_found_in_every_region(account: Furnished) -> None:
    found = invokes.answer(
        account, "aws:iam/getPolicy:getPolicy", {"arn": account.policy}, "us-east-1"
    )
    assert found["name"] == "reads"


@pytest.mark.parametrize(
    ("token", "args", "message"),
    [
        (
            "ec2/getInternetGateway",
            {"internetGatewayId": "igw-0"},
            "no matching EC2 Internet Gateway found",
        ),
        ("ec2/getNatGateway", {"vpcId": "vpc-0"}, "0 EC2 NAT Gateways match"),
        ("ecr/getRepository", {"name": "none"}, "no matching ECR Repository found"),
        (
            "ecs/getContainerDefinition",
            {"taskDefinition": "web", "containerName": "x"},
            "name 'x' not found",
        ),
        (
            "ecs/getContainerDefinition",
            {"taskDefinition": "none", "containerName": "x"},
            "definition 'none'",
        ),
        (
            "iam/getPolicy",
            {"name": "AmazonECSTaskExecutionRolePolicy"},
            "no documents of AWS's managed policies",
        ),
        ("index/getArn", {"arn": "files"}, r"\(files\) is an invalid ARN"),
        ("index/getAvailabilityZone", {"name": "us-east-1a"}, "0 EC2 Availability Zones match"),
        ("kms/getKey", {"keyId": "alias/none"}, r"reading KMS Key \(alias/none\)"),
        (
            "lb/getHostedZoneId",
            {"loadBalancerType": "gateway"},
            "the Route 53 zone of gateway load balancers",
        ),
        ("s3/getBucket", {"bucket": "none"}, r"reading S3 Bucket \(none\)"),
        (
            "secretsmanager/getSecretVersion",
            {"secretId": "none"},
            r"Secret Version \(none, AWSCURRENT\)",
        ),
        (
            "secretsmanager/getSecretVersion",
            {"secretId": "demo/made", "versionStage": "AWSPREVIOUS"},
            "AWSPREVIOUS",
        ),
    ],
)
def test_a_lookup_that_finds_nothing_fails_and_names_the_resource(
    account: Furnished, token: str, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        account.ask(token, **args)


def test_the_manual_lists_every_function() -> None:
    text = (Path(__file__).parents[3] / "docs" / "pulumi-local.md").read_text()
    table = text.partition("<!-- functions -->")[2].partition("<!-- /functions -->")[0]
    listed: set[str] = set()
    for module, functions in re.findall(r"\| (?:`(\w+)`)? ?\| (`get.*`) \|", table):
        for name in re.findall(r"`(\w+)`", functions):
            listed.add(f"aws:{module or 'index'}/{name}:{name}")
    assert listed == set(invokes.FUNCTIONS)
