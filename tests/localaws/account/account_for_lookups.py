"""An account with resources of every kind that the SDK's functions look up."""

from __future__ import annotations

import itertools
from typing import Any

from localaws.account import invokes
from localaws.account.cloud import Cloud
from localaws.catalog.account import SeededParameter

REGION = "eu-west-1"
TRUST = (
    '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": '
    '"ecs.amazonaws.com"}}}'
)

NOT_FOUND = [
    {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}
]


class Account(Cloud):
    """An account with two subnets, one of them public, and resources of every kind looked up."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.numbers = itertools.count()
        self.parameters = {
            "/demo/password": SeededParameter("hunter2", "SecureString"),
            "demo/api": SeededParameter('{"key": "hunter3"}', "SecretsManager"),
        }
        self.vpc = self.make("ec2/vpc:Vpc", cidrBlock="10.0.0.0/16", tags={"Name": "main"})
        self.subnets = []
        for number, zone in enumerate("ab"):
            subnet = self.make(
                "ec2/subnet:Subnet",
                vpcId=self.vpc,
                cidrBlock=f"10.0.{number}.0/24",
                availabilityZone=f"{REGION}{zone}",
                mapPublicIpOnLaunch=zone == "a",
            )
            self.subnets.append(subnet)
        self.gateway = self.make("ec2/internetGateway:InternetGateway", vpcId=self.vpc)
        self.table = self.make("ec2/routeTable:RouteTable", vpcId=self.vpc)
        self.make(
            "ec2/route:Route",
            routeTableId=self.table,
            destinationCidrBlock="0.0.0.0/0",
            gatewayId=self.gateway,
        )
        self.make(
            "ec2/routeTableAssociation:RouteTableAssociation",
            routeTableId=self.table,
            subnetId=self.subnets[0],
        )
        self.make("cloudwatch/logGroup:LogGroup", name="/web/a", retentionInDays=7)
        self.make("cloudwatch/logGroup:LogGroup", name="/web/b")
        self.make("iam/role:Role", name="tasks", assumeRolePolicy=TRUST)
        self.make("ecs/cluster:Cluster", name="main")
        self.make("ssm/parameter:Parameter", name="/demo/message", type="String", value="hello")
        container = '[{"name": "web", "image": "nginx", "memory": 64}]'
        for _ in range(2):
            self.make(
                "ecs/taskDefinition:TaskDefinition", family="web", containerDefinitions=container
            )
        logs = {"bucket": "logs", "enabled": False}
        balancer = self.make(
            "lb/loadBalancer:LoadBalancer",
            name="web",
            subnets=self.subnets,
            accessLogs=logs,
            connectionLogs=logs,
        )
        self.make(
            "lb/targetGroup:TargetGroup", name="web", port=80, protocol="HTTP", vpcId=self.vpc
        )
        self.zone = self.make("route53/zone:Zone", name="made.test", tags={"Name": "made"})
        self.secret = self.make("secretsmanager/secret:Secret", name="demo/made", kmsKeyId="key")
        self.address = self.make("ec2/eip:Eip", domain="vpc", tags={"Name": "nat"})
        self.add_certificate("two.example.com")
        self.add_validation_record(self.add_certificate("mixed.made.test"))
        self.add_validation_record(self.add_certificate("issued.made.test"))
        self.add_certificate("two.example.com")
        self.add_certificate("mixed.made.test", subjectAlternativeNames=["other.made.test"])
        self.add_certificate("p256.example.com", keyAlgorithm="EC_prime256v1")
        self.make(
            "lb/listener:Listener", loadBalancerArn=balancer, port=80, defaultActions=NOT_FOUND
        )

    def make(self, token: str, **inputs: Any) -> str:
        made = self.create(f"aws:{token}", f"urn:{next(self.numbers)}", inputs, region=REGION)
        self.acknowledge(made.token, made.id)
        return made.id

    def add_certificate(self, name: str, **inputs: Any) -> str:
        return self.make(
            "acm/certificate:Certificate", domainName=name, validationMethod="DNS", **inputs
        )

    def add_validation_record(self, certificate: str) -> None:
        """Create the record that validates a certificate's first name."""
        made = self.get("aws:acm/certificate:Certificate", certificate)
        assert made
        option = made.computed["domainValidationOptions"][0]
        self.make(
            "route53/record:Record",
            zoneId=self.zone,
            name=option["resourceRecordName"],
            type=option["resourceRecordType"],
            ttl=60,
            records=[option["resourceRecordValue"]],
        )

    def ask(self, token: str, **args: Any) -> dict[str, Any]:
        name = token.rpartition("/")[2]
        return invokes.answer(self, f"aws:{token}:{name}", args, REGION)
