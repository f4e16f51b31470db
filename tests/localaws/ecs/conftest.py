"""A cloud of one load-balanced service, without the rules by which such resources come to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.localaws.filled_account import FilledAccount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from localaws.catalog.account import Resource

REGION = "eu-west-1"
ARN = f"arn:aws:ecs:{REGION}:123456789012"
ELB = f"arn:aws:elasticloadbalancing:{REGION}:123456789012"
SERVICE = "aws:ecs/service:Service"
SUBNETS = {"subnet-a": ("10.0.1.0/24", "eu-west-1a"), "subnet-b": ("10.0.2.0/24", "eu-west-1b")}
LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/aws/ecs/web", "awslogs-stream-prefix": "nginx"},
}


class Web(FilledAccount):
    """A service `web` with two tasks in two zones behind a load balancer, and ways to change it."""

    service = f"{ARN}:service/cluster/web"
    load_balancer = f"{ELB}:loadbalancer/app/web/1"
    listener = f"{ELB}:listener/app/web/1/2"
    group = f"{ELB}:targetgroup/web/3"

    def __init__(self, **service: Any) -> None:
        super().__init__()
        for subnet, (cidr, zone) in SUBNETS.items():
            self.put("aws:ec2/subnet:Subnet", subnet, cidrBlock=cidr, availabilityZone=zone)
        self.put(
            "aws:lb/loadBalancer:LoadBalancer",
            self.load_balancer,
            arn=self.load_balancer,
            subnets=list(SUBNETS),
        )
        check = {
            "path": "/",
            "interval": 0.3,
            "timeout": 1,
            "healthyThreshold": 2,
            "unhealthyThreshold": 2,
        }
        self.put(
            "aws:lb/targetGroup:TargetGroup",
            self.group,
            arn=self.group,
            port=80,
            healthCheck={**check, "matcher": "200-399"},
            deregistrationDelay=0,
        )
        forward = {"type": "forward", "targetGroupArn": self.group}
        self.put(
            "aws:lb/listener:Listener",
            self.listener,
            loadBalancerArn=self.load_balancer,
            port=80,
            protocol="HTTP",
            defaultActions=[forward],
        )
        self.put(
            SERVICE,
            self.service,
            **{
                "name": "web",
                "cluster": f"{ARN}:cluster/cluster",
                "taskDefinition": self.define(1),
                "launchType": "FARGATE",
                "desiredCount": 2,
                "deploymentMinimumHealthyPercent": 100,
                "deploymentMaximumPercent": 200,
                "networkConfiguration": {"subnets": list(SUBNETS)},
                "loadBalancers": [
                    {"targetGroupArn": self.group, "containerName": "web", "containerPort": 80}
                ],
                **service,
            },
        )

    def define(self, revision: int, *, sidecars: Sequence[Any] = (), **container: Any) -> str:
        """Register a revision of task definition `web`; its ARN."""
        arn = f"{ARN}:task-definition/web:{revision}"
        containers = [
            {
                "name": "web",
                "image": "public.ecr.aws/nginx/nginx:stable",
                "portMappings": [{"containerPort": 80}],
                "essential": True,
                "stopTimeout": 5,
                "logConfiguration": LOGS,
                **container,
            },
            *({"logConfiguration": LOGS, **sidecar} for sidecar in sidecars),
        ]
        self.put(
            "aws:ecs/taskDefinition:TaskDefinition",
            arn,
            arn=arn,
            family="web",
            revision=revision,
            containerDefinitions=json.dumps(containers),
        )
        return arn

    @property
    def record(self) -> Resource:
        """The service as the cloud has it."""
        found = self.get(SERVICE, self.service)
        assert found is not None
        return found

    def change(self, **service: Any) -> None:
        """Update the service."""
        self.put(SERVICE, self.service, **service)


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The local AWS's own folder, not there yet."""
    return tmp_path / ".local"
