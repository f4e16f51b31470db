"""An operation on one resource costs the same, however many other resources there are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog import Resource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REGION = "eu-west-1"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


class Account(Cloud):
    """One load balancer and one cluster, and any number of services with what each needs."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, seed=1)
        self.vpc = self.make("ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
        self.subnets = [
            self.make(
                "ec2/subnet:Subnet",
                zone,
                vpcId=self.vpc,
                cidrBlock=f"10.0.{number}.0/24",
                availabilityZone=f"{REGION}{zone}",
            )
            for number, zone in enumerate("ab")
        ]
        self.make("ec2/internetGateway:InternetGateway", "gateway", vpcId=self.vpc)
        self.balancer = self.make(
            "lb/loadBalancer:LoadBalancer", "web", name="web", subnets=self.subnets
        )
        answer = {"contentType": "text/plain", "statusCode": "404"}
        self.listener = self.make(
            "lb/listener:Listener",
            "web",
            loadBalancerArn=self.balancer,
            port=80,
            defaultActions=[{"type": "fixed-response", "fixedResponse": answer}],
        )
        self.cluster = self.make("ecs/cluster:Cluster", "web", name="web")
        self.role = self.make("iam/role:Role", "web", name="web", assumeRolePolicy=TRUST)
        self.role_arn = self.get("aws:iam/role:Role", self.role).outputs["arn"]  # type: ignore[union-attr]

    def make(self, token: str, urn: str, **inputs: Any) -> str:
        made = self.create(f"aws:{token}", f"{token} {urn}", inputs, region=REGION)
        self.acknowledge(made.token, made.id)
        return made.id

    def add_service(self, number: int) -> list[tuple[str, str]]:
        """Create a service and the resources that it needs; return their types and ids."""
        name = f"web{number:03}"
        logs = self.make("cloudwatch/logGroup:LogGroup", name, name=f"/{name}")
        targets = self.make(
            "lb/targetGroup:TargetGroup",
            name,
            name=name,
            port=80,
            protocol="HTTP",
            targetType="ip",
            vpcId=self.vpc,
        )
        rule = self.make(
            "lb/listenerRule:ListenerRule",
            name,
            listenerArn=self.listener,
            priority=1000 + number,
            conditions=[{"pathPattern": {"values": [f"/{name}"]}}],
            actions=[{"type": "forward", "targetGroupArn": targets}],
        )
        container = {"name": "web", "image": "nginx", "portMappings": [{"containerPort": 80}]}
        definition = self.make(
            "ecs/taskDefinition:TaskDefinition",
            name,
            family=name,
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            executionRoleArn=self.role_arn,
            containerDefinitions=json.dumps([container]),
        )
        service = self.make(
            "ecs/service:Service",
            name,
            name=name,
            cluster=self.cluster,
            desiredCount=1,
            launchType="FARGATE",
            taskDefinition=definition,
            networkConfiguration={"subnets": self.subnets, "assignPublicIp": True},
            loadBalancers=[
                {"targetGroupArn": targets, "containerName": "web", "containerPort": 80}
            ],
        )
        return [
            ("aws:ecs/service:Service", service),
            ("aws:ecs/taskDefinition:TaskDefinition", definition),
            ("aws:lb/listenerRule:ListenerRule", rule),
            ("aws:lb/targetGroup:TargetGroup", targets),
            ("aws:cloudwatch/logGroup:LogGroup", logs),
        ]


@dataclass
class Cost:
    """The cost of an operation."""

    looked_at: int
    """How many times it read a resource's outputs."""

    written: int
    """How many bytes it added to the state file."""


def cost_of(operation: Callable[[], object], path: Path, monkeypatch: pytest.MonkeyPatch) -> Cost:
    outputs = Resource.outputs.fget  # type: ignore[attr-defined]
    looked_at: list[str] = []

    def counted(resource: Resource) -> dict[str, Any]:
        looked_at.append(resource.id)
        return dict(outputs(resource))

    size = path.stat().st_size
    with monkeypatch.context() as counting:
        counting.setattr(Resource, "outputs", property(counted))
        operation()
    return Cost(len(looked_at), path.stat().st_size - size)


@pytest.mark.parametrize("operation", ["create", "update", "delete", "find", "nothing"])
def test_an_operation_costs_the_same_among_five_services_and_among_fifty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    few = cost_among(5, operation, tmp_path / "few.jsonl", monkeypatch)
    many = cost_among(50, operation, tmp_path / "many.jsonl", monkeypatch)
    assert many.written == few.written
    assert many.looked_at == few.looked_at
    if operation == "nothing":
        assert many.written == 0
    elif operation != "find":
        assert many.written > 0, "otherwise the comparison would prove nothing"


def cost_among(count: int, operation: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> Cost:
    """Measure an operation in an account with this many services."""
    account = Account(path)
    services = [account.add_service(number) for number in range(1, count + 1)]
    # The first search by a property builds its index, which costs more; do that beforehand.
    for token, identifier in account.add_service(500):
        account.delete(token, identifier)
    return cost_of(lambda: perform(operation, account, services), path, monkeypatch)


def perform(operation: str, account: Account, services: list[list[tuple[str, str]]]) -> None:
    if operation == "create":
        account.add_service(501)
    for token, identifier in services[-3]:
        resource = account.get(token, identifier)
        assert resource is not None
        if operation == "update":
            account.update(token, identifier, {**resource.inputs, "tags": {"changed": "yes"}})
        if operation == "delete":
            account.delete(token, identifier)
        if operation == "find":
            account.find(token, identifier)
            account.find(token, "none of this name")
        if operation == "nothing":
            account.acknowledge(token, identifier)
            account.update(token, identifier, resource.inputs)
