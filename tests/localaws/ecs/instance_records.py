"""The records of a service on EC2 instances behind a load balancer."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from localaws.catalog.amis import public_parameter
from tests.localaws.vpc.records import ANYWHERE, REGION, Records

if TYPE_CHECKING:
    from localaws.catalog import Resource

AGENT_PORTS = (32768, 60999)
PORT = 4567
IMAGE = "python:3"
HOSTNAME_SERVER = """
import http.server, signal, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = socket.gethostname().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
http.server.ThreadingHTTPServer(("", 4567), Handler).serve_forever()
"""
"""A server that answers with its host's name."""

_ACTIONS = ["ecs:DiscoverPollEndpoint", "ecs:Poll", "ecs:RegisterContainerInstance", "ecs:Submit*"]


class OnInstances(Records):
    """A service of two tasks on two instances, with a capacity provider."""

    def __init__(self, **service: Any) -> None:
        super().__init__()
        self._network()
        self.cluster = self.make("aws:ecs/cluster:Cluster", name="shop")
        self.role = self.make(
            "aws:iam/role:Role", name="instances", assumeRolePolicy=_trust("ec2.amazonaws.com")
        )
        self.policy = self.make(
            "aws:iam/rolePolicy:RolePolicy",
            role=self.role.id,
            policy=_policy([{"Effect": "Allow", "Action": _ACTIONS, "Resource": "*"}]),
        )
        self.profile = self.make(
            "aws:iam/instanceProfile:InstanceProfile", name="instances", role=self.role.id
        )
        self.template = self.make(
            "aws:ec2/launchTemplate:LaunchTemplate",
            name="instances",
            imageId=public_parameter(
                "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id", REGION
            ),
            instanceType="t3.small",
            userData=user_data("shop"),
            vpcSecurityGroupIds=[self.instance_group.id],
            iamInstanceProfile={"arn": self.profile.outputs["arn"]},
            updateDefaultVersion=True,
        )
        self.scaling_group = self.make(
            "aws:autoscaling/group:Group",
            name="instances",
            minSize=2,
            maxSize=4,
            vpcZoneIdentifiers=[each.id for each in self.private],
            launchTemplate={"id": self.template.id, "version": "1"},
            protectFromScaleIn=True,
            forceDelete=True,
            waitForCapacityTimeout="0",
            instanceRefresh={
                "strategy": "Rolling",
                "preferences": {"scaleInProtectedInstances": "Refresh"},
            },
            tags=[{"key": "AmazonECSManaged", "value": "true", "propagateAtLaunch": True}],
        )
        self.provider = self.make(
            "aws:ecs/capacityProvider:CapacityProvider",
            name="instances",
            autoScalingGroupProvider={
                "autoScalingGroupArn": self.scaling_group.outputs["arn"],
                "managedTerminationProtection": "ENABLED",
                "managedScaling": {"status": "ENABLED", "instanceWarmupPeriod": 120},
            },
        )
        self.association = self.make(
            "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
            clusterName="shop",
            capacityProviders=["instances"],
        )
        self._service(service)

    def _network(self) -> None:
        self.vpc_ = self.vpc()
        gateway = self.internet_gateway(self.vpc_)
        public_table, private_table = self.table(self.vpc_), self.table(self.vpc_)
        self.route(public_table, "0.0.0.0/0", gatewayId=gateway.id)
        self.public = [
            self.subnet(self.vpc_, f"10.0.{number}.0/24", public_table, zone=zone)
            for number, zone in enumerate("ac")
        ]
        self.nat = self.nat_gateway(self.public[0])
        self.default_route = self.route(private_table, "0.0.0.0/0", natGatewayId=self.nat.id)
        self.private = [
            self.subnet(self.vpc_, f"10.0.{10 + number}.0/24", private_table, zone=zone)
            for number, zone in enumerate("ac")
        ]
        self.balancer_group = self.group(self.vpc_, "balancer")
        self.instance_group = self.group(self.vpc_, "instances")
        balancer = {"referencedSecurityGroupId": self.balancer_group.id}
        instances = {"referencedSecurityGroupId": self.instance_group.id}
        self.ingress(self.balancer_group, ports=80, **ANYWHERE)
        self.egress(self.balancer_group, ports=AGENT_PORTS, **instances)
        self.ingress(self.instance_group, ports=AGENT_PORTS, **balancer)
        self.https_rule = self.egress(self.instance_group, ports=443, **ANYWHERE)

    def _service(self, changes: dict[str, Any]) -> None:
        self.balancer = self.make(
            "aws:lb/loadBalancer:LoadBalancer",
            name="web",
            subnets=[each.id for each in self.public],
            securityGroups=[self.balancer_group.id],
        )
        self.targets = self.make(
            "aws:lb/targetGroup:TargetGroup",
            name="web",
            port=PORT,
            protocol="HTTP",
            targetType="instance",
            vpcId=self.vpc_.id,
            deregistrationDelay=1,
            healthCheck={
                "path": "/hostname",
                "interval": 5,
                "timeout": 2,
                "healthyThreshold": 2,
                "unhealthyThreshold": 2,
            },
        )
        self.listener = self.make(
            "aws:lb/listener:Listener",
            loadBalancerArn=self.balancer.id,
            port=80,
            defaultActions=[{"type": "forward", "targetGroupArn": self.targets.id}],
        )
        strategy = [{"capacityProvider": "instances", "weight": 1}]
        self.service = self.make(
            "aws:ecs/service:Service",
            **{
                "name": "web",
                "cluster": self.cluster.id,
                "taskDefinition": self.define().id,
                "desiredCount": 2,
                "capacityProviderStrategies": strategy,
                "loadBalancers": [
                    {
                        "targetGroupArn": self.targets.id,
                        "containerName": "web",
                        "containerPort": PORT,
                    }
                ],
                **changes,
            },
        )

    def define(self, **container: Any) -> Resource:
        """Register a task definition of 256 CPU units and 512 MiB."""
        web = {
            "name": "web",
            "image": IMAGE,
            "essential": True,
            "entryPoint": ["/usr/local/bin/python3", "-c", HOSTNAME_SERVER],
            "portMappings": [{"containerPort": PORT, "hostPort": 0}],
            "stopTimeout": 5,
            **container,
        }
        return self.make(
            "aws:ecs/taskDefinition:TaskDefinition",
            family="web",
            networkMode="bridge",
            requiresCompatibilities=["EC2"],
            cpu="256",
            memory="512",
            containerDefinitions=json.dumps([web]),
        )

    def change(self, resource: Resource, **inputs: Any) -> Resource:
        """Update a resource."""
        return self.cloud.update(resource.token, resource.id, {**resource.inputs, **inputs})


def user_data(cluster: str, *more: str) -> str:
    """Return the user data by which an instance joins a cluster."""
    lines = (f"ECS_CLUSTER={cluster}", "ECS_DYNAMIC_HOST_PORT_RANGE=32768-60999", *more)
    text = "\n".join(("#!/bin/bash", "cat >> /etc/ecs/ecs.config <<'END'", *lines, "END", ""))
    return b64encode(text.encode()).decode()


def _trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
    }
    return _policy([statement])


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
