"""Each rule refuses a wrong value with AWS's error code, and accepts a similar right one.

Messages are AWS's own if they are documented; no test asserts the wording of others.
"""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import CATALOG, UNKNOWN
from localaws.catalog.values import parsed
from tests.localaws.catalog.acceptance_cases import ACCEPTANCE_CASES
from tests.localaws.catalog.alarm_cases import ALARM_CASES
from tests.localaws.catalog.capacity_cases import CAPACITY_CASES
from tests.localaws.catalog.conftest import ELB, statement
from tests.localaws.catalog.ecs_cases import ECS_CASES
from tests.localaws.catalog.edge_cases import EDGE_CASES
from tests.localaws.catalog.iam_cases import IAM_CASES
from tests.localaws.catalog.network_acl_cases import NETWORK_ACL_CASES
from tests.localaws.catalog.operations import filled, refused
from tests.localaws.catalog.ordinary_cases import ORDINARY_CASES
from tests.localaws.catalog.registry_cases import REGISTRY_CASES
from tests.localaws.catalog.scaling_cases import SCALING_CASES
from tests.localaws.catalog.security_cases import SECURITY_CASES
from tests.localaws.catalog.storage_cases import STORAGE_CASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localaws.catalog.conftest import Account, Place

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
CLUSTER = "aws:ecs/cluster:Cluster"
PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
PARAMETER = "aws:ssm/parameter:Parameter"

MISSING_ARN = (
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/none/0123456789abcdef"
)
FORWARD = {"type": "forward", "targetGroupArn": MISSING_ARN}
FIXED = {
    "type": "fixed-response",
    "fixedResponse": {"contentType": "text/plain", "statusCode": "404"},
}


def containers(*, without: str = "", **more: Any) -> str:
    container: dict[str, Any] = {
        "name": "web",
        "image": "nginx",
        "portMappings": [{"containerPort": 80}],
        **more,
    }
    container.pop(without, None)
    return json.dumps([container])


def with_ports(*mappings: dict[str, Any]) -> str:
    """Return containers with one port mapping each."""
    each = enumerate(mappings)
    return json.dumps(
        [
            {"name": f"c{number}", "image": "nginx", "portMappings": [mapping]}
            for number, mapping in each
        ]
    )


ON_INSTANCES: dict[str, Any] = {"requiresCompatibilities": ["EC2"], "networkMode": "bridge"}


def url_rewrite(regex: str, replace: str) -> dict[str, Any]:
    return {
        "type": "url-rewrite",
        "urlRewriteConfig": {"rewrite": {"regex": regex, "replace": replace}},
    }


def host_rewrite(regex: str, replace: str) -> dict[str, Any]:
    return {
        "type": "host-header-rewrite",
        "hostHeaderRewriteConfig": {"rewrite": {"regex": regex, "replace": replace}},
    }


def logs(**options: Any) -> dict[str, Any]:
    all_options = {
        "awslogs-group": "/web",
        "awslogs-region": "eu-west-1",
        "awslogs-stream-prefix": "web",
        **options,
    }
    return {
        "logDriver": "awslogs",
        "options": {name: value for name, value in all_options.items() if value},
    }


ROLE_ARN = "arn:aws:iam::123456789012:role/tasks"
REGIONAL = {
    "availabilityMode": "regional",
    "connectivityType": "public",
    "subnetId": None,
}

CONTAINER_FLAWS: tuple[tuple[str, str, Any], ...] = (
    ("ecs.container.type", "environment", {"A": "1"}),
    ("ecs.container.type", "entryPoint", "sh -c"),
    ("ecs.container.type", "command", "sh -c"),
    ("ecs.container.type", "workingDirectory", 5),
    ("ecs.container.type", "essential", "true"),
    ("ecs.container.required", "secrets", [{"name": "A"}]),
    ("ecs.container.required", "logConfiguration", {"options": {}}),
    ("ecs.container.required", "healthCheck", {"interval": 30}),
)

# Type, rule, code, inputs that are refused, their accepted twin. Both are laid over the type's
# minimal inputs; a value of None takes an input away; a string in $ is the id of a resource in the
# account.
CASES: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    (VPC, "catalog.input", "InvalidArgument", {"cidr": "10.1.0.0/16"}, {"enableDnsSupport": True}),
    (SUBNET, "catalog.required", "InvalidArgument", {"vpcId": None}, {}),
    (
        VPC,
        "ec2.vpc.cidr",
        "InvalidArgument",
        {"cidrBlock": "10.1.0.5/16"},
        {"cidrBlock": "10.1.0.0/16"},
    ),
    (
        VPC,
        "ec2.vpc.cidr",
        "InvalidArgument",
        {"cidrBlock": "10.0.0.0/15"},
        {"cidrBlock": "10.1.0.0/28"},
    ),
    (VPC, "ec2.vpc.one-range", "InvalidArgument", {"cidrBlock": None}, {}),
    (VPC, "ec2.vpc.pool", "InvalidArgument", {"ipv4NetmaskLength": 24, "cidrBlock": None}, {}),
    (
        VPC,
        "ec2.vpc.tenancy",
        "InvalidArgument",
        {"instanceTenancy": "host"},
        {"instanceTenancy": "dedicated"},
    ),
    (SUBNET, "ec2.subnet.cidr", "InvalidArgument", {"cidrBlock": "10.0.9.1/24"}, {}),
    (SUBNET, "ec2.subnet.cidr-required", "MissingParameter", {"cidrBlock": None}, {}),
    (SUBNET, "ec2.subnet.vpc-exists", "InvalidVpcID.NotFound", {"vpcId": "vpc-0"}, {}),
    (SUBNET, "ec2.subnet.range", "InvalidSubnet.Range", {"cidrBlock": "10.1.0.0/24"}, {}),
    (SUBNET, "ec2.subnet.overlap", "InvalidSubnet.Conflict", {"cidrBlock": "10.0.1.128/25"}, {}),
    (
        SUBNET,
        "ec2.subnet.zone",
        "InvalidParameterValue",
        {"availabilityZone": "eu-west-1z"},
        {"availabilityZone": "eu-west-1c"},
    ),
    (
        SUBNET,
        "ec2.subnet.zone",
        "InvalidParameterValue",
        {"availabilityZoneId": "euw1-az9"},
        {"availabilityZoneId": "euw1-az3"},
    ),
    (
        SUBNET,
        "ec2.subnet.one-zone",
        "InvalidArgument",
        {"availabilityZone": "eu-west-1a", "availabilityZoneId": "euw1-az1"},
        {"availabilityZone": "eu-west-1a"},
    ),
    (GATEWAY, "ec2.internet-gateway.vpc-exists", "InvalidVpcID.NotFound", {"vpcId": "vpc-0"}, {}),
    (
        GATEWAY,
        "ec2.internet-gateway.one-per-vpc",
        "Resource.AlreadyAssociated",
        {"vpcId": "$vpc"},
        {},
    ),
    (NAT, "ec2.nat-gateway.subnet-exists", "InvalidSubnet", {"subnetId": "subnet-0"}, {}),
    (NAT, "ec2.nat-gateway.subnet-required", "InvalidArgument", {"subnetId": None}, {}),
    (NAT, "ec2.nat-gateway.address", "InvalidArgument", {"connectivityType": "public"}, {}),
    (NAT, "ec2.nat-gateway.private", "InvalidArgument", {"allocationId": "eipalloc-0"}, {}),
    (NAT, "ec2.nat-gateway.connectivity", "InvalidArgument", {"connectivityType": "open"}, {}),
    (
        NAT,
        "ec2.nat-gateway.mode",
        "InvalidArgument",
        {"availabilityMode": "global"},
        {"availabilityMode": "zonal"},
    ),
    (NAT, "ec2.nat-gateway.regional", "InvalidArgument", {"availabilityMode": "regional"}, {}),
    (
        NAT,
        "ec2.nat-gateway.vpc-required",
        "InvalidArgument",
        REGIONAL,
        {**REGIONAL, "vpcId": "$vpc"},
    ),
    (
        NAT,
        "ec2.nat-gateway.vpc-exists",
        "InvalidVpcID.NotFound",
        {**REGIONAL, "vpcId": "vpc-0"},
        {**REGIONAL, "vpcId": "$vpc"},
    ),
    (
        NAT,
        "ec2.nat-gateway.address-exists",
        "InvalidAllocationID.NotFound",
        {"connectivityType": "public", "allocationId": "eipalloc-0"},
        {},
    ),
    (EIP, "ec2.eip.domain", "InvalidArgument", {"domain": "classic"}, {"domain": "vpc"}),
    (TABLE, "ec2.route-table.vpc-exists", "InvalidVpcID.NotFound", {"vpcId": "vpc-0"}, {}),
    (
        TABLE,
        "ec2.route.one-target",
        "InvalidArgument",
        {"routes": [{"cidrBlock": "0.0.0.0/0"}]},
        {"routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": "$gateway"}]},
    ),
    (
        TABLE,
        "ec2.route.cidr",
        "InvalidArgument",
        {"routes": [{"cidrBlock": "10.0.0.1/8", "gatewayId": "$gateway"}]},
        {"routes": [{"cidrBlock": "10.0.0.0/8", "gatewayId": "$gateway"}]},
    ),
    (
        ROUTE,
        "ec2.route-table.exists",
        "InvalidRouteTableID.NotFound",
        {"routeTableId": "rtb-0"},
        {},
    ),
    (ROUTE, "ec2.route.gateway-exists", "InvalidGatewayID.NotFound", {"gatewayId": "igw-0"}, {}),
    (ROUTE, "ec2.route.one-destination", "InvalidArgument", {"destinationCidrBlock": None}, {}),
    (ROUTE, "ec2.route.one-target", "InvalidArgument", {"natGatewayId": "nat-0"}, {}),
    (ROUTE, "ec2.route.local", "InvalidArgument", {"gatewayId": "local"}, {}),
    (ROUTE, "ec2.route.cidr", "InvalidArgument", {"destinationCidrBlock": "0.0.0.1/0"}, {}),
    (ROUTE, "ec2.route.unique", "RouteAlreadyExists", {"destinationCidrBlock": "0.0.0.0/0"}, {}),
    (
        ROUTE,
        "ec2.route.ip-version",
        "InvalidArgument",
        {"gatewayId": None, "egressOnlyGatewayId": "eigw-0"},
        {"gatewayId": None, "networkInterfaceId": "eni-0"},
    ),
    (
        ASSOCIATION,
        "ec2.route-table-association.exists",
        "InvalidSubnetID.NotFound",
        {"subnetId": "subnet-0"},
        {},
    ),
    (
        ASSOCIATION,
        "ec2.route-table-association.unique",
        "Resource.AlreadyAssociated",
        {"subnetId": "$subnet-a"},
        {},
    ),
    (
        ASSOCIATION,
        "ec2.route-table-association.one",
        "InvalidArgument",
        {"gatewayId": "$gateway"},
        {},
    ),
    (GROUP, "ec2.security-group.name", "InvalidArgument", {"name": "sg-web"}, {"name": "web-sg"}),
    (GROUP, "ec2.security-group.unique", "InvalidGroup.Duplicate", {"name": "web"}, {}),
    (GROUP, "ec2.security-group.vpc-exists", "InvalidVpcID.NotFound", {"vpcId": "vpc-0"}, {}),
    (
        GROUP,
        "ec2.security-group.description",
        "InvalidArgument",
        {"description": "a" * 256},
        {"description": "a" * 255},
    ),
    (
        GROUP,
        "ec2.security-group.description",
        "InvalidParameterValue",
        {"description": "50% off"},
        {"description": "half off"},
    ),
    (
        GROUP,
        "ec2.security-group.inline-port",
        "InvalidArgument",
        {"ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 70000}]},
        {"ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80}]},
    ),
    (
        GROUP,
        "ec2.security-group.inline-cidr",
        "InvalidArgument",
        {"egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["10.0.0.1/8"]}]},
        {"egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["10.0.0.0/8"]}]},
    ),
    (
        GROUP,
        "ec2.security-group.exists",
        "InvalidGroup.NotFound",
        {
            "ingress": [
                {"protocol": "tcp", "fromPort": 80, "toPort": 80, "securityGroups": ["sg-0"]}
            ]
        },
        {
            "ingress": [
                {"protocol": "tcp", "fromPort": 80, "toPort": 80, "securityGroups": ["$group"]}
            ]
        },
    ),
    (
        INGRESS,
        "ec2.security-group.exists",
        "InvalidGroup.NotFound",
        {"securityGroupId": "sg-0"},
        {},
    ),
    (
        INGRESS,
        "ec2.security-group-rule.one-source",
        "InvalidArgument",
        {"cidrIpv6": "::/0"},
        {"cidrIpv4": None, "cidrIpv6": "::/0"},
    ),
    (
        INGRESS,
        "ec2.security-group-rule.cidr",
        "InvalidArgument",
        {"cidrIpv4": "10.0.0.5/16"},
        {"cidrIpv4": "10.0.0.0/16"},
    ),
    (
        INGRESS,
        "ec2.security-group-rule.port",
        "InvalidArgument",
        {"toPort": 65536},
        {"toPort": 65535},
    ),
    (
        INGRESS,
        "ec2.security-group-rule.port-range",
        "InvalidParameterValue",
        {"fromPort": 444},
        {"fromPort": 442},
    ),
    (INGRESS, "ec2.security-group-rule.ports", "InvalidParameterValue", {"toPort": None}, {}),
    (
        INGRESS,
        "ec2.security-group-rule.all-ports",
        "InvalidArgument",
        {"ipProtocol": "-1"},
        {"ipProtocol": "-1", "fromPort": None, "toPort": None},
    ),
    (
        INGRESS,
        "ec2.security-group-rule.unique",
        "InvalidPermission.Duplicate",
        {"fromPort": 80, "toPort": 80, "cidrIpv4": "0.0.0.0/0"},
        {"fromPort": 80, "toPort": 80},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.name",
        "InvalidArgument",
        {"name": "a" * 33},
        {"name": "a" * 32},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.name",
        "InvalidArgument",
        {"name": "internal-web"},
        {"name": "web-internal"},
    ),
    (BALANCER, "elbv2.load-balancer.name", "InvalidArgument", {"name": "web-"}, {"name": "web-1"}),
    (BALANCER, "elbv2.load-balancer.unique", "DuplicateLoadBalancerName", {"name": "web"}, {}),
    (
        BALANCER,
        "elbv2.load-balancer.type",
        "InvalidArgument",
        {"loadBalancerType": "classic"},
        {"loadBalancerType": "network"},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.idle-timeout",
        "InvalidArgument",
        {"idleTimeout": 4001},
        {"idleTimeout": 4000.0},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.keep-alive",
        "InvalidArgument",
        {"clientKeepAlive": 59},
        {"clientKeepAlive": 60},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.desync",
        "InvalidArgument",
        {"desyncMitigationMode": "off"},
        {"desyncMitigationMode": "strictest"},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.xff",
        "InvalidArgument",
        {"xffHeaderProcessingMode": "drop"},
        {"xffHeaderProcessingMode": "remove"},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.address-type",
        "InvalidArgument",
        {"ipAddressType": "ipv6"},
        {"ipAddressType": "ipv4"},
    ),
    (BALANCER, "elbv2.load-balancer.one-kind-of-subnets", "InvalidArgument", {"subnets": None}, {}),
    (BALANCER, "elbv2.load-balancer.two-zones", "ValidationError", {"subnets": ["$subnet-a"]}, {}),
    (
        BALANCER,
        "elbv2.load-balancer.subnet-exists",
        "SubnetNotFound",
        {"subnets": ["subnet-0", "subnet-1"]},
        {},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.group-exists",
        "InvalidSecurityGroup",
        {"securityGroups": ["sg-0"]},
        {"securityGroups": ["$group"]},
    ),
    (TARGETS, "elbv2.target-group.name", "InvalidArgument", {"name": "a" * 33}, {"name": "a" * 32}),
    (TARGETS, "elbv2.target-group.unique", "DuplicateTargetGroupName", {"name": "web"}, {}),
    (TARGETS, "elbv2.target-group.port", "InvalidArgument", {"port": 0}, {"port": 65535}),
    (TARGETS, "elbv2.target-group.needed", "InvalidArgument", {"vpcId": None}, {}),
    (
        TARGETS,
        "elbv2.target-group.lambda",
        "InvalidArgument",
        {"targetType": "lambda"},
        {"targetType": "lambda", "port": None, "protocol": None, "vpcId": None},
    ),
    (
        TARGETS,
        "elbv2.target-group.target-type",
        "InvalidArgument",
        {"targetType": "task"},
        {"targetType": "instance"},
    ),
    (
        TARGETS,
        "elbv2.target-group.protocol",
        "InvalidArgument",
        {"protocol": "http"},
        {"protocol": "HTTPS"},
    ),
    (
        TARGETS,
        "elbv2.target-group.protocol-version",
        "InvalidArgument",
        {"protocolVersion": "HTTP3"},
        {"protocolVersion": "HTTP2"},
    ),
    (
        TARGETS,
        "elbv2.target-group.version",
        "ValidationError",
        {"protocol": "TCP", "protocolVersion": "HTTP2"},
        {"protocol": "TCP"},
    ),
    (
        TARGETS,
        "elbv2.target-group.address-type",
        "InvalidArgument",
        {"ipAddressType": "dualstack"},
        {"ipAddressType": "ipv4"},
    ),
    (TARGETS, "elbv2.target-group.vpc-exists", "ValidationError", {"vpcId": "vpc-0"}, {}),
    (
        TARGETS,
        "elbv2.target-group.deregistration-delay",
        "InvalidArgument",
        {"deregistrationDelay": 3601},
        {"deregistrationDelay": 0},
    ),
    (
        TARGETS,
        "elbv2.target-group.slow-start",
        "InvalidArgument",
        {"slowStart": 29},
        {"slowStart": 30},
    ),
    (
        TARGETS,
        "elbv2.target-group.slow-start-algorithm",
        "ValidationError",
        {"slowStart": 30, "loadBalancingAlgorithmType": "weighted_random"},
        {"slowStart": 0, "loadBalancingAlgorithmType": "weighted_random"},
    ),
    (
        TARGETS,
        "elbv2.target-group.algorithm",
        "InvalidArgument",
        {"loadBalancingAlgorithmType": "random"},
        {},
    ),
    (
        TARGETS,
        "elbv2.target-group.anomaly",
        "ValidationError",
        {"loadBalancingAnomalyMitigation": "on"},
        {"loadBalancingAnomalyMitigation": "on", "loadBalancingAlgorithmType": "weighted_random"},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-interval",
        "InvalidArgument",
        {"healthCheck": {"interval": 4}},
        {"healthCheck": {"interval": 6}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-timeout",
        "ValidationError",
        {"healthCheck": {"interval": 10, "timeout": 10}},
        {"healthCheck": {"interval": 10, "timeout": 9}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-timeout",
        "ValidationError",
        {"healthCheck": {"interval": 5}},
        {},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-threshold",
        "InvalidArgument",
        {"healthCheck": {"healthyThreshold": 1}},
        {"healthCheck": {"healthyThreshold": 2}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-protocol",
        "InvalidArgument",
        {"healthCheck": {"protocol": "UDP"}},
        {"healthCheck": {"protocol": "HTTP"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-tcp",
        "InvalidArgument",
        {"healthCheck": {"protocol": "TCP"}},
        {"protocol": "TCP", "healthCheck": {"protocol": "TCP"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-path",
        "InvalidArgument",
        {"healthCheck": {"path": "health"}},
        {"healthCheck": {"path": "/health"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-port",
        "InvalidArgument",
        {"healthCheck": {"port": "http"}},
        {"healthCheck": {"port": "8080"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-enabled",
        "ValidationError",
        {"healthCheck": {"enabled": False}},
        {"healthCheck": {"enabled": True}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-matcher",
        "ValidationError",
        {"healthCheck": {"matcher": "200-599"}},
        {"healthCheck": {"matcher": "200,202-399"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.health-matcher",
        "ValidationError",
        {"protocolVersion": "GRPC", "healthCheck": {"matcher": "200"}},
        {"protocolVersion": "GRPC", "healthCheck": {"matcher": "0-99"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.stickiness",
        "InvalidArgument",
        {"stickiness": {"type": "cookie"}},
        {"stickiness": {"type": "lb_cookie"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.stickiness-protocol",
        "InvalidConfigurationRequest",
        {"stickiness": {"type": "source_ip"}},
        {"protocol": "TCP", "stickiness": {"type": "source_ip"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.cookie",
        "ValidationError",
        {"stickiness": {"type": "app_cookie", "cookieName": "AWSALBX"}},
        {"stickiness": {"type": "app_cookie", "cookieName": "session"}},
    ),
    (
        TARGETS,
        "elbv2.target-group.version",
        "ValidationError",
        {"targetType": "alb", "protocolVersion": "GRPC"},
        {"targetType": "instance", "protocolVersion": "GRPC"},
    ),
    (
        TARGETS,
        "elbv2.target-group.stickiness-zones",
        "InvalidConfigurationRequest",
        {"stickiness": {"type": "lb_cookie"}, "loadBalancingCrossZoneEnabled": "false"},
        {
            "stickiness": {"type": "lb_cookie", "enabled": False},
            "loadBalancingCrossZoneEnabled": "false",
        },
    ),
    (
        TARGETS,
        "elbv2.target-group.cross-zone",
        "InvalidArgument",
        {"loadBalancingCrossZoneEnabled": "off"},
        {"loadBalancingCrossZoneEnabled": "true"},
    ),
    (LISTENER, "elbv2.listener.arn", "InvalidArgument", {"loadBalancerArn": "web"}, {}),
    (
        LISTENER,
        "elbv2.listener.balancer-exists",
        "LoadBalancerNotFound",
        {"loadBalancerArn": f"{ELB}:loadbalancer/app/none/0"},
        {},
    ),
    (LISTENER, "elbv2.listener.port", "InvalidArgument", {"port": 65536}, {}),
    (LISTENER, "elbv2.listener.port-required", "ValidationError", {"port": None}, {}),
    (LISTENER, "elbv2.listener.port-unique", "DuplicateListener", {"port": 80}, {"port": 8080}),
    (
        LISTENER,
        "elbv2.listener.protocol",
        "InvalidArgument",
        {"protocol": "http"},
        {"protocol": "HTTP"},
    ),
    (
        LISTENER,
        "elbv2.listener.protocol-fits",
        "ValidationError",
        {"protocol": "TCP"},
        {"protocol": "HTTP"},
    ),
    (
        LISTENER,
        "elbv2.listener.certificate",
        "ValidationError",
        {"protocol": "HTTPS"},
        {"protocol": "HTTPS", "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/0"},
    ),
    (
        LISTENER,
        "elbv2.listener.tls-only",
        "ValidationError",
        {"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
        {},
    ),
    (
        LISTENER,
        "elbv2.listener.authentication",
        "InvalidLoadBalancerAction",
        {
            "defaultActions": [
                {"type": "authenticate-oidc", "authenticateOidc": {"issuer": "x"}},
                FIXED,
            ]
        },
        {},
    ),
    (LISTENER, "elbv2.action.some", "InvalidArgument", {"defaultActions": []}, {}),
    (LISTENER, "elbv2.action.type", "InvalidArgument", {"defaultActions": [{"type": "drop"}]}, {}),
    (
        LISTENER,
        "elbv2.action.block",
        "InvalidArgument",
        {"defaultActions": [{"type": "fixed-response"}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.final",
        "InvalidLoadBalancerAction",
        {"defaultActions": [FIXED, FIXED]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.order",
        "InvalidArgument",
        {"defaultActions": [{**FIXED, "order": 0}]},
        {"defaultActions": [{**FIXED, "order": 1}]},
    ),
    (
        LISTENER,
        "elbv2.action.target-exists",
        "TargetGroupNotFound",
        {"defaultActions": [FORWARD]},
        {"defaultActions": [{"type": "forward", "targetGroupArn": "$target"}]},
    ),
    (
        LISTENER,
        "elbv2.action.target-arn",
        "InvalidArgument",
        {"defaultActions": [{"type": "forward", "targetGroupArn": "web"}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.forward-target",
        "InvalidArgument",
        {"defaultActions": [{"type": "forward"}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.forward-weight",
        "InvalidArgument",
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {"targetGroups": [{"arn": "$target", "weight": 1000}]},
                }
            ]
        },
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {"targetGroups": [{"arn": "$target", "weight": 999}]},
                }
            ]
        },
    ),
    (
        LISTENER,
        "elbv2.action.forward-groups",
        "InvalidArgument",
        {"defaultActions": [{"type": "forward", "forward": {"targetGroups": []}}]},
        {},
    ),
    (
        LISTENER,
        "elbv2.action.stickiness",
        "InvalidArgument",
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [{"arn": "$target"}],
                        "stickiness": {"duration": 0},
                    },
                }
            ]
        },
        {
            "defaultActions": [
                {
                    "type": "forward",
                    "forward": {
                        "targetGroups": [{"arn": "$target"}],
                        "stickiness": {"duration": 1},
                    },
                }
            ]
        },
    ),
    (
        LISTENER,
        "elbv2.action.redirect",
        "InvalidArgument",
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_307", "port": "443"}}
            ]
        },
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_301", "port": "443"}}
            ]
        },
    ),
    (
        LISTENER,
        "elbv2.action.redirect-loop",
        "InvalidLoadBalancerAction",
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_301", "path": "/#{path}"}}
            ]
        },
        {},
    ),
    (
        LISTENER,
        "elbv2.action.fixed-response",
        "InvalidArgument",
        {
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {"contentType": "text/plain", "statusCode": "301"},
                }
            ]
        },
        {
            "defaultActions": [
                {
                    "type": "fixed-response",
                    "fixedResponse": {"contentType": "text/plain", "statusCode": "503"},
                }
            ]
        },
    ),
    (RULE, "elbv2.listener-rule.arn", "InvalidArgument", {"listenerArn": "web"}, {}),
    (
        RULE,
        "elbv2.listener-rule.listener-exists",
        "ListenerNotFound",
        {"listenerArn": f"{ELB}:listener/app/none/0/0"},
        {},
    ),
    (
        RULE,
        "elbv2.listener-rule.priority",
        "InvalidArgument",
        {"priority": 50001},
        {"priority": 50000},
    ),
    (
        RULE,
        "elbv2.listener-rule.priority-unique",
        "PriorityInUse",
        {"priority": 10},
        {"priority": 11},
    ),
    (RULE, "elbv2.condition.some", "InvalidArgument", {"conditions": []}, {}),
    (RULE, "elbv2.action.some", "InvalidArgument", {"actions": []}, {}),
    (
        RULE,
        "elbv2.condition.one-field",
        "InvalidArgument",
        {
            "conditions": [
                {"pathPattern": {"values": ["/a"]}, "hostHeader": {"values": ["a.example"]}}
            ]
        },
        {
            "conditions": [
                {"pathPattern": {"values": ["/a"]}},
                {"hostHeader": {"values": ["a.example"]}},
            ]
        },
    ),
    (
        RULE,
        "elbv2.condition.once",
        "ValidationError",
        {"conditions": [{"pathPattern": {"values": ["/a"]}}, {"pathPattern": {"values": ["/b"]}}]},
        {"conditions": [{"pathPattern": {"values": ["/a", "/b"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.values",
        "ValidationError",
        {"conditions": [{"pathPattern": {"values": list("123456")}}]},
        {"conditions": [{"pathPattern": {"values": list("12345")}}]},
    ),
    (
        RULE,
        "elbv2.condition.evaluations",
        "ValidationError",
        {
            "conditions": [
                {"hostHeader": {"regexValues": ["^a", "^b", "^c"]}},
                {"pathPattern": {"values": ["/a", "/b", "/c"]}},
            ]
        },
        {
            "conditions": [
                {"hostHeader": {"regexValues": ["^a", "^b"]}},
                {"pathPattern": {"values": ["/a", "/b", "/c"]}},
            ]
        },
    ),
    (
        RULE,
        "elbv2.condition.wildcards",
        "ValidationError",
        {"conditions": [{"pathPattern": {"values": ["******"]}}]},
        {"conditions": [{"pathPattern": {"values": ["*****"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"pathPattern": {"regexValues": ["a" * 129]}}]},
        {"conditions": [{"pathPattern": {"regexValues": ["a" * 128]}}]},
    ),
    (
        RULE,
        "elbv2.regex.supported",
        "ValidationError",
        {"conditions": [{"hostHeader": {"regexValues": ["^(?!www).*$"]}}]},
        {"conditions": [{"hostHeader": {"regexValues": ["^(?:www).*$"]}}]},
    ),
    (
        RULE,
        "elbv2.regex.supported",
        "ValidationError",
        {"transforms": [url_rewrite(r"^/(?=a)", "/")]},
        {"transforms": [url_rewrite(r"^/(a)", "/")]},
    ),
    (
        RULE,
        "elbv2.transform.groups",
        "ValidationError",
        {"transforms": [url_rewrite(r"^/(?:a)(b)", "/$1$2")]},
        {"transforms": [url_rewrite(r"^/(a)(b)", "/$1$2")]},
    ),
    (
        RULE,
        "elbv2.transform.value",
        "InvalidArgument",
        {"transforms": [url_rewrite("a" * 1025, "/")]},
        {"transforms": [url_rewrite("a" * 1024, "")]},
    ),
    (
        RULE,
        "elbv2.transform.once",
        "ValidationError",
        {"transforms": [url_rewrite("^/a", "/"), url_rewrite("^/b", "/")]},
        {"transforms": [url_rewrite("^/a", "/"), host_rewrite("^www.", "")]},
    ),
    (
        RULE,
        "elbv2.transform.block",
        "InvalidArgument",
        {"transforms": [{**url_rewrite("^/a", "/"), "type": "host-header-rewrite"}]},
        {"transforms": [host_rewrite("^www.", "")]},
    ),
    (
        RULE,
        "elbv2.transform.block",
        "InvalidArgument",
        {"transforms": [{**url_rewrite("^/a", "/"), **host_rewrite("^www.", "")}]},
        {"transforms": [url_rewrite("^/a", "/")]},
    ),
    (
        RULE,
        "elbv2.transform.block",
        "InvalidArgument",
        {"transforms": [{"type": "url-rewrite", "urlRewriteConfig": {}}]},
        {"transforms": [url_rewrite("^/a", "/")]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"httpRequestMethod": {"values": ["get"]}}]},
        {"conditions": [{"httpRequestMethod": {"values": ["GET"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"httpHeader": {"httpHeaderName": "Host", "values": ["a"]}}]},
        {"conditions": [{"httpHeader": {"httpHeaderName": "X-Host", "values": ["a"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"sourceIp": {"values": ["10.0.0.1"]}}]},
        {"conditions": [{"sourceIp": {"values": ["10.0.0.1/32"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.broadcast",
        "ValidationError",
        {"conditions": [{"sourceIp": {"values": ["255.255.255.255/32"]}}]},
        {"conditions": [{"sourceIp": {"values": ["192.0.2.0/32"]}}]},
    ),
    (
        CLUSTER,
        "ecs.cluster.name",
        "InvalidArgument",
        {"name": "my cluster"},
        {"name": "my-cluster_1"},
    ),
    (
        CLUSTER,
        "ecs.cluster.unique",
        "InvalidParameterException",
        {"name": "main", "settings": [{"name": "containerInsights", "value": "enabled"}]},
        {"name": "main", "tags": {"Project": "other"}},
    ),
    (
        CLUSTER,
        "ecs.cluster.setting",
        "InvalidParameterException",
        {"settings": [{"name": "containerInsights", "value": "on"}]},
        {"settings": [{"name": "containerInsights", "value": "enhanced"}]},
    ),
    (
        CLUSTER,
        "ecs.cluster.exec-logging",
        "InvalidArgument",
        {"configuration": {"executeCommandConfiguration": {"logging": "ON"}}},
        {"configuration": {"executeCommandConfiguration": {"logging": "NONE"}}},
    ),
    (
        CLUSTER,
        "ecs.cluster.exec-override",
        "InvalidParameterException",
        {"configuration": {"executeCommandConfiguration": {"logging": "OVERRIDE"}}},
        {
            "configuration": {
                "executeCommandConfiguration": {
                    "logging": "OVERRIDE",
                    "logConfiguration": {"cloudWatchLogGroupName": "/x"},
                }
            }
        },
    ),
    (
        PROVIDERS,
        "ecs.cluster-capacity-providers.exists",
        "InvalidParameterException",
        {"capacityProviders": ["spot"]},
        {"capacityProviders": ["FARGATE_SPOT"]},
    ),
    (
        PROVIDERS,
        "ecs.strategy.provider-associated",
        "InvalidParameterException",
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]},
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}]},
    ),
    (
        PROVIDERS,
        "ecs.strategy.range",
        "InvalidArgument",
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1001}]},
        {"defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1000}]},
    ),
    (
        PROVIDERS,
        "ecs.strategy.weight",
        "InvalidParameterException",
        {
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategies": [
                {"capacityProvider": "FARGATE"},
                {"capacityProvider": "FARGATE_SPOT"},
            ],
        },
        {},
    ),
    (
        PROVIDERS,
        "ecs.strategy.one-base",
        "InvalidParameterException",
        {
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategies": [
                {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
                {"capacityProvider": "FARGATE_SPOT", "base": 1},
            ],
        },
        {},
    ),
    (
        PROVIDERS,
        "ecs.strategy.size",
        "InvalidParameterException",
        {"capacityProviders": ["FARGATE"] * 21},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.family",
        "InvalidArgument",
        {"family": "my family"},
        {"family": "my_family-1"},
    ),
    (DEFINITION, "ecs.task-definition.network-mode", "InvalidArgument", {"networkMode": "vpc"}, {}),
    (
        DEFINITION,
        "ecs.task-definition.fargate-network",
        "ClientException",
        {"networkMode": "bridge"},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-network",
        "ClientException",
        {"networkMode": None},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size",
        "ClientException",
        {"cpu": "256", "memory": "4096"},
        {"cpu": "512", "memory": "4096"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size",
        "ClientException",
        {"cpu": "300"},
        {"cpu": ".25 vCPU", "memory": "0.5GB"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size",
        "ClientException",
        {"cpu": 300},
        {"cpu": 256, "memory": 512.0},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-size-required",
        "ClientException",
        {"memory": None},
        {},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-forbids",
        "ClientException",
        {"volumes": [{"name": "v", "hostPath": "/tmp"}]},
        {"volumes": [{"name": "v"}]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.modes",
        "InvalidArgument",
        {"pidMode": "none"},
        {"pidMode": "task"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.compatibility",
        "InvalidArgument",
        {"requiresCompatibilities": ["FARGATE", "LAMBDA"]},
        {"requiresCompatibilities": ["FARGATE", "EC2"]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.role",
        "InvalidArgument",
        {"taskRoleArn": "tasks"},
        {"taskRoleArn": ROLE_ARN},
    ),
    (
        DEFINITION,
        "ecs.task-definition.ephemeral",
        "InvalidArgument",
        {"ephemeralStorage": {"sizeInGib": 20}},
        {"ephemeralStorage": {"sizeInGib": 21}},
    ),
    (
        DEFINITION,
        "ecs.task-definition.ephemeral-fargate",
        "ClientException",
        {"requiresCompatibilities": ["EC2"], "ephemeralStorage": {"sizeInGib": 21}},
        {"requiresCompatibilities": ["EC2"]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.constraints",
        "InvalidArgument",
        {"requiresCompatibilities": ["EC2"], "placementConstraints": [{"type": "memberOf"}] * 11},
        {"requiresCompatibilities": ["EC2"], "placementConstraints": [{"type": "memberOf"}] * 10},
    ),
    (
        DEFINITION,
        "ecs.task-definition.platform",
        "InvalidArgument",
        {"runtimePlatform": {"cpuArchitecture": "arm64"}},
        {"runtimePlatform": {"cpuArchitecture": "ARM64"}},
    ),
    (DEFINITION, "ecs.container.json", "InvalidArgument", {"containerDefinitions": "[]"}, {}),
    (DEFINITION, "ecs.container.json", "InvalidArgument", {"containerDefinitions": "{"}, {}),
    (
        DEFINITION,
        "ecs.container.required",
        "ClientException",
        {"containerDefinitions": containers(without="image")},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.name",
        "ClientException",
        {"containerDefinitions": containers(name="my web")},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.image",
        "ClientException",
        {"containerDefinitions": containers(image="")},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.type",
        "ClientException",
        {"containerDefinitions": containers(command=[1])},
        {"containerDefinitions": containers(command=["sh"])},
    ),
    (
        DEFINITION,
        "ecs.container.most",
        "ClientException",
        {"containerDefinitions": json.dumps([{"name": f"c{n}", "image": "a"} for n in range(11)])},
        {"containerDefinitions": json.dumps([{"name": f"c{n}", "image": "a"} for n in range(10)])},
    ),
    (
        DEFINITION,
        "ecs.container.essential",
        "ClientException",
        {"containerDefinitions": containers(essential=False)},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.unique-name",
        "ClientException",
        {"containerDefinitions": json.dumps([{"name": "a", "image": "b"}] * 2)},
        {"containerDefinitions": json.dumps([{"name": name, "image": "b"} for name in "ab"])},
    ),
    (
        DEFINITION,
        "ecs.container.port",
        "ClientException",
        {"containerDefinitions": containers(portMappings=[{"containerPort": "80"}])},
        {},
    ),
    (
        DEFINITION,
        "ecs.container.protocol",
        "ClientException",
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80, "protocol": "http"}]
            )
        },
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80, "protocol": "udp"}]
            )
        },
    ),
    (
        DEFINITION,
        "ecs.container.host-port",
        "ClientException",
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80, "hostPort": 8080}]
            )
        },
        {"containerDefinitions": containers(portMappings=[{"containerPort": 80, "hostPort": 80}])},
    ),
    (
        DEFINITION,
        "ecs.container.unique-port",
        "ClientException",
        {
            "containerDefinitions": containers(
                portMappings=[{"containerPort": 80}, {"containerPort": 80, "protocol": "udp"}]
            )
        },
        {},
    ),
    (
        DEFINITION,
        "ecs.container.unique-host-port",
        "ClientException",
        {
            "containerDefinitions": with_ports(
                {"containerPort": 80, "hostPort": 80}, {"containerPort": 80}
            )
        },
        {
            "containerDefinitions": with_ports(
                {"containerPort": 80},
                {"containerPort": 80, "protocol": "udp"},
                {"containerPort": 81},
            )
        },
    ),
    (
        DEFINITION,
        "ecs.container.unique-host-port",
        "ClientException",
        {
            **ON_INSTANCES,
            "containerDefinitions": with_ports(
                *({"containerPort": n, "hostPort": 80} for n in (1, 2))
            ),
        },
        {
            **ON_INSTANCES,
            "containerDefinitions": with_ports(
                *({"containerPort": 1, "hostPort": n} for n in (0, 0, 80))
            ),
        },
    ),
    (
        DEFINITION,
        "ecs.container.fargate-gpu",
        "ClientException",
        {"containerDefinitions": containers(resourceRequirements=[{"type": "GPU", "value": "1"}])},
        {
            **ON_INSTANCES,
            "containerDefinitions": containers(
                resourceRequirements=[{"type": "GPU", "value": "1"}]
            ),
        },
    ),
    (
        DEFINITION,
        "ecs.container.no-ports",
        "ClientException",
        {"requiresCompatibilities": ["EC2"], "networkMode": "none"},
        {"requiresCompatibilities": ["EC2"], "networkMode": "host"},
    ),
    (
        DEFINITION,
        "ecs.container.env",
        "ClientException",
        {"containerDefinitions": containers(environment=[{"name": "A", "value": 1}])},
        {"containerDefinitions": containers(environment=[{"name": "A", "value": "1"}])},
    ),
    (
        DEFINITION,
        "ecs.container.secret",
        "ClientException",
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(secrets=[{"name": "A", "valueFrom": "a value!"}]),
        },
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(
                secrets=[{"name": "A", "valueFrom": "/demo/dev/message"}]
            ),
        },
    ),
    (
        DEFINITION,
        "ecs.task-definition.secrets-role",
        "ClientException",
        {"containerDefinitions": containers(secrets=[{"name": "A", "valueFrom": "/demo"}])},
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(secrets=[{"name": "A", "valueFrom": "/demo"}]),
        },
    ),
    (
        DEFINITION,
        "ecs.task-definition.execution-role",
        "ClientException",
        {"containerDefinitions": containers(logConfiguration=logs())},
        {"executionRoleArn": ROLE_ARN, "containerDefinitions": containers(logConfiguration=logs())},
    ),
    (
        DEFINITION,
        "ecs.task-definition.ecr-role",
        "ClientException",
        {
            "containerDefinitions": containers(
                image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/web"
            )
        },
        {"containerDefinitions": containers(image="public.ecr.aws/nginx/nginx:stable")},
    ),
    (
        DEFINITION,
        "ecs.container.awslogs-options",
        "ClientException",
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(**{"awslogs-region": None})),
        },
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(mode="non-blocking")),
        },
    ),
    (
        DEFINITION,
        "ecs.container.log-option-text",
        "ClientException",
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(**{"max-buffer-size": 4})),
        },
        {
            "executionRoleArn": ROLE_ARN,
            "containerDefinitions": containers(logConfiguration=logs(**{"max-buffer-size": "4m"})),
        },
    ),
    (
        DEFINITION,
        "ecs.container.log-driver",
        "ClientException",
        {"containerDefinitions": containers(logConfiguration={"logDriver": "json-file"})},
        {"containerDefinitions": containers(logConfiguration={"logDriver": "splunk"})},
    ),
    (
        DEFINITION,
        "ecs.container.health",
        "ClientException",
        {"containerDefinitions": containers(healthCheck={"command": ["curl"]})},
        {"containerDefinitions": containers(healthCheck={"command": ["CMD", "curl"]})},
    ),
    (
        DEFINITION,
        "ecs.container.health",
        "ClientException",
        {"containerDefinitions": containers(healthCheck={"command": ["CMD", "a"], "retries": 11})},
        {"containerDefinitions": containers(healthCheck={"command": ["CMD", "a"], "retries": 10})},
    ),
    (
        DEFINITION,
        "ecs.container.timeout",
        "ClientException",
        {"containerDefinitions": containers(stopTimeout=121)},
        {"containerDefinitions": containers(stopTimeout=120)},
    ),
    (
        DEFINITION,
        "ecs.container.fargate-forbids",
        "ClientException",
        {"containerDefinitions": containers(privileged=True)},
        {"containerDefinitions": containers(privileged=False)},
    ),
    (
        DEFINITION,
        "ecs.container.memory",
        "ClientException",
        {"containerDefinitions": containers(memory=5)},
        {"containerDefinitions": containers(memory=6)},
    ),
    (
        DEFINITION,
        "ecs.container.memory-reservation",
        "ClientException",
        {"containerDefinitions": containers(memory=128, memoryReservation=128)},
        {"containerDefinitions": containers(memory=128, memoryReservation=64)},
    ),
    (
        DEFINITION,
        "ecs.container.memory-required",
        "ClientException",
        {"requiresCompatibilities": ["EC2"], "memory": None},
        {
            "requiresCompatibilities": ["EC2"],
            "memory": None,
            "containerDefinitions": containers(memory=64),
        },
    ),
    (
        DEFINITION,
        "ecs.container.depends-on",
        "ClientException",
        {
            "containerDefinitions": containers(
                dependsOn=[{"containerName": "web", "condition": "READY"}]
            )
        },
        {},
    ),
    (
        DEFINITION,
        "ecs.container.depends-on-exists",
        "ClientException",
        {
            "containerDefinitions": containers(
                dependsOn=[{"containerName": "db", "condition": "START"}]
            )
        },
        {},
    ),
    (
        DEFINITION,
        "ecs.container.depends-on-healthy",
        "ClientException",
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a"},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}],
                    },
                ]
            )
        },
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a"},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "START"}],
                    },
                ]
            )
        },
    ),
    (
        DEFINITION,
        "ecs.container.depends-on-essential",
        "ClientException",
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a"},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "SUCCESS"}],
                    },
                ]
            )
        },
        {
            "containerDefinitions": json.dumps(
                [
                    {"name": "db", "image": "a", "essential": False},
                    {
                        "name": "web",
                        "image": "b",
                        "dependsOn": [{"containerName": "db", "condition": "SUCCESS"}],
                    },
                ]
            )
        },
    ),
    (SERVICE, "ecs.service.name", "InvalidParameterException", {"name": "my service"}, {}),
    (SERVICE, "ecs.service.unique", "InvalidParameterException", {"name": "web"}, {}),
    (
        SERVICE,
        "ecs.service.cluster-exists",
        "ClusterNotFoundException",
        {"cluster": None},
        {"cluster": "main"},
    ),
    (SERVICE, "ecs.service.cluster-exists", "ClusterNotFoundException", {"cluster": "other"}, {}),
    (
        SERVICE,
        "ecs.service.task-definition-exists",
        "ClientException",
        {"taskDefinition": "web:9"},
        {"taskDefinition": "web:1"},
    ),
    (
        SERVICE,
        "ecs.service.task-definition-required",
        "InvalidParameterException",
        {"taskDefinition": None},
        {"taskDefinition": "web"},
    ),
    (
        SERVICE,
        "ecs.service.desired-count",
        "InvalidParameterException",
        {"desiredCount": -1},
        {"desiredCount": 0},
    ),
    (SERVICE, "ecs.service.launch-type", "InvalidArgument", {"launchType": "LAMBDA"}, {}),
    (
        SERVICE,
        "ecs.service.scheduling",
        "InvalidArgument",
        {"schedulingStrategy": "CRON"},
        {"schedulingStrategy": "REPLICA"},
    ),
    (
        SERVICE,
        "ecs.service.propagate-tags",
        "InvalidArgument",
        {"propagateTags": "ALL"},
        {"propagateTags": "SERVICE"},
    ),
    (
        SERVICE,
        "ecs.service.platform",
        "PlatformUnknownException",
        {"platformVersion": "2.0"},
        {"platformVersion": "1.4.0"},
    ),
    (SERVICE, "ecs.service.grace", "InvalidArgument", {"healthCheckGracePeriodSeconds": -1}, {}),
    (
        SERVICE,
        "ecs.service.grace-needs-balancer",
        "InvalidParameterException",
        {"healthCheckGracePeriodSeconds": 60},
        {},
    ),
    (
        SERVICE,
        "ecs.service.minimum-percent",
        "InvalidParameterException",
        {"deploymentMinimumHealthyPercent": -1},
        {"deploymentMinimumHealthyPercent": 0},
    ),
    (
        SERVICE,
        "ecs.service.maximum-percent",
        "InvalidParameterException",
        {"deploymentMaximumPercent": 99},
        {"deploymentMaximumPercent": 101},
    ),
    (
        SERVICE,
        "ecs.service.blocked-deployments",
        "InvalidParameterException",
        {"deploymentMaximumPercent": 100},
        {"deploymentMaximumPercent": 100, "deploymentMinimumHealthyPercent": 50},
    ),
    (
        SERVICE,
        "ecs.service.rebalancing",
        "InvalidParameterException",
        {
            "availabilityZoneRebalancing": "ENABLED",
            "deploymentMaximumPercent": 100,
            "deploymentMinimumHealthyPercent": 0,
        },
        {"availabilityZoneRebalancing": "ENABLED"},
    ),
    (
        SERVICE,
        "ecs.service.controller",
        "InvalidParameterException",
        {
            "deploymentController": {"type": "CODE_DEPLOY"},
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    ),
    (
        SERVICE,
        "ecs.service.controller",
        "InvalidParameterException",
        {
            "deploymentController": {"type": "EXTERNAL"},
            "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
        },
        {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}},
    ),
    (
        SERVICE,
        "ecs.service.alarm-name",
        "InvalidParameterException",
        {"alarms": {"alarmNames": ["e" * 256], "enable": True, "rollback": True}},
        {"alarms": {"alarmNames": ["e" * 255], "enable": True, "rollback": True}},
    ),
    (
        SERVICE,
        "ecs.service.strategy",
        "InvalidArgument",
        {"deploymentConfiguration": {"strategy": "BIG_BANG"}},
        {"deploymentConfiguration": {"strategy": "ROLLING"}},
    ),
    (
        SERVICE,
        "ecs.service.daemon",
        "InvalidParameterException",
        {"schedulingStrategy": "DAEMON"},
        {},
    ),
    (
        SERVICE,
        "ecs.service.launch-or-strategy",
        "InvalidParameterException",
        {"capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}]},
        {
            "launchType": None,
            "capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
    ),
    (
        SERVICE,
        "ecs.service.fargate-placement",
        "InvalidParameterException",
        {"orderedPlacementStrategies": [{"type": "spread"}]},
        {},
    ),
    (
        SERVICE,
        "ecs.service.placement",
        "InvalidArgument",
        {"orderedPlacementStrategies": [{"type": "pack"}]},
        {},
    ),
    (
        SERVICE,
        "ecs.service.fargate-only",
        "InvalidParameterException",
        {"launchType": "EC2", "platformVersion": "LATEST"},
        {"launchType": "EC2"},
    ),
    (
        SERVICE,
        "ecs.service.network-required",
        "InvalidParameterException",
        {"networkConfiguration": None},
        {},
    ),
    (
        SERVICE,
        "ecs.service.subnets",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": []}},
        {},
    ),
    (
        SERVICE,
        "ecs.service.subnet-exists",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": ["subnet-0"]}},
        {},
    ),
    (
        SERVICE,
        "ecs.service.group-exists",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["sg-0"]}},
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["$group"]}},
    ),
    (
        SERVICE,
        "ecs.service.groups",
        "InvalidParameterException",
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["$group"] * 6}},
        {},
    ),
    (
        SERVICE,
        "ecs.service.exec-role",
        "InvalidParameterException",
        {"enableExecuteCommand": True},
        {"enableExecuteCommand": False},
    ),
    (
        SERVICE,
        "ecs.service.balancers",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 80}
            ]
            * 6
        },
        {},
    ),
    (
        SERVICE,
        "ecs.service.target-group-arn",
        "InvalidArgument",
        {"loadBalancers": [{"targetGroupArn": "web", "containerName": "web", "containerPort": 80}]},
        {},
    ),
    (
        SERVICE,
        "ecs.service.registry-arn",
        "InvalidArgument",
        {"serviceRegistries": {"registryArn": "x"}},
        {"serviceRegistries": {"registryArn": "$registry-arn"}},
    ),
    (
        SERVICE,
        "ecs.service.container-port",
        "InvalidArgument",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 70000}
            ]
        },
        {},
    ),
    (
        SERVICE,
        "ecs.service.target-group-exists",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {"targetGroupArn": MISSING_ARN, "containerName": "web", "containerPort": 80}
            ]
        },
        {},
    ),
    (
        SERVICE,
        "ecs.service.container-exists",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "app", "containerPort": 80}
            ]
        },
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 80.0}
            ]
        },
    ),
    (
        SERVICE,
        "ecs.service.port-exists",
        "InvalidParameterException",
        {
            "loadBalancers": [
                {"targetGroupArn": "$target", "containerName": "web", "containerPort": 8080}
            ]
        },
        {},
    ),
    (ROLE, "iam.role.name", "InvalidArgument", {"name": "a" * 65}, {"name": "a" * 64}),
    (ROLE, "iam.role.unique", "EntityAlreadyExists", {"name": "Tasks"}, {}),
    (
        ROLE,
        "iam.role.description",
        "InvalidArgument",
        {"description": "a" * 1001},
        {"description": "a" * 1000},
    ),
    (
        ROLE,
        "iam.role.session",
        "InvalidArgument",
        {"maxSessionDuration": 3599},
        {"maxSessionDuration": 43200},
    ),
    (ROLE, "iam.role.path", "InvalidArgument", {"path": "service"}, {"path": "/service/"}),
    (
        ROLE,
        "iam.role.boundary",
        "InvalidArgument",
        {"permissionsBoundary": "boundary"},
        {"permissionsBoundary": "arn:aws:iam::aws:policy/Boundary"},
    ),
    (ROLE, "iam.policy.json", "MalformedPolicyDocument", {"assumeRolePolicy": "not json"}, {}),
    (
        ROLE,
        "iam.policy.fields",
        "MalformedPolicyDocument",
        {"assumeRolePolicy": '{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}'},
        {},
    ),
    (
        ROLE,
        "iam.policy.exists",
        "NoSuchEntity",
        {"managedPolicyArns": ["arn:aws:iam::123456789012:policy/none"]},
        {"managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
    ),
    (ROLE_POLICY, "iam.role.exists", "NoSuchEntity", {"role": "no-such-role"}, {}),
    (ROLE_POLICY, "iam.role-policy.name", "InvalidArgument", {"name": "a b"}, {}),
    (ROLE_POLICY, "iam.policy.statement", "MalformedPolicyDocument", {"policy": "{}"}, {}),
    (
        ROLE_POLICY,
        "iam.policy.effect",
        "MalformedPolicyDocument",
        {"policy": '{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}'},
        {"policy": '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'},
    ),
    (
        ROLE_POLICY,
        "iam.policy.version",
        "MalformedPolicyDocument",
        {
            "policy": (
                '{"Version": "2020-01-01", "Statement": {"Effect": "Deny", "Action": "*", '
                '"Resource": "*"}}'
            )
        },
        {},
    ),
    (
        ROLE_POLICY,
        "iam.policy.size",
        "LimitExceeded",
        {
            "policy": '{"Statement": {"Effect": "Deny", "Action": "a:%s", "Resource": "*"}}'
            % ("a" * 10240)
        },
        {},
    ),
    (
        ATTACHMENT,
        "iam.role-policy-attachment.arn",
        "InvalidArgument",
        {"policyArn": "ReadOnlyAccess"},
        {},
    ),
    (
        ATTACHMENT,
        "iam.policy.exists",
        "NoSuchEntity",
        {"policyArn": "arn:aws:iam::123456789012:policy/none"},
        {},
    ),
    (POLICY, "iam.policy.name", "InvalidArgument", {"name": "a b"}, {}),
    (LOGS, "logs.group.name", "InvalidArgument", {"name": "/my logs"}, {"name": "/my.logs#1"}),
    (LOGS, "logs.group.unique", "ResourceAlreadyExistsException", {"name": "/web"}, {}),
    (
        LOGS,
        "logs.group.retention",
        "InvalidArgument",
        {"retentionInDays": 15},
        {"retentionInDays": 14.0},
    ),
    (
        LOGS,
        "logs.group.class",
        "InvalidArgument",
        {"logGroupClass": "COLD"},
        {"logGroupClass": "INFREQUENT_ACCESS"},
    ),
    (PARAMETER, "ssm.parameter.name", "InvalidArgument", {"name": "/a b"}, {"name": "/a/b"}),
    (
        PARAMETER,
        "ssm.parameter.type",
        "InvalidArgument",
        {"type": "Secret"},
        {"type": "SecureString"},
    ),
    (PARAMETER, "ssm.parameter.tier", "InvalidArgument", {"tier": "Cheap"}, {"tier": "Advanced"}),
    (
        PARAMETER,
        "ssm.parameter.data-type",
        "InvalidArgument",
        {"dataType": "json"},
        {"dataType": "text"},
    ),
    (
        PARAMETER,
        "ssm.parameter.one-value",
        "InvalidArgument",
        {"insecureValue": "x"},
        {"value": None, "insecureValue": "x"},
    ),
    (
        PARAMETER,
        "ssm.parameter.hierarchy",
        "ValidationException",
        {"name": "demo/message"},
        {"name": "message"},
    ),
    (
        PARAMETER,
        "ssm.parameter.levels",
        "HierarchyLevelLimitExceededException",
        {"name": "/a" * 16},
        {"name": "/a" * 15},
    ),
    (
        PARAMETER,
        "ssm.parameter.reserved",
        "ValidationException",
        {"name": "/aws/x"},
        {"name": "/my/aws"},
    ),
    (PARAMETER, "ssm.parameter.empty", "ValidationException", {"value": ""}, {}),
    (
        PARAMETER,
        "ssm.parameter.size",
        "ValidationException",
        {"value": "a" * 4097},
        {"value": "a" * 4097, "tier": "Advanced"},
    ),
    (
        PARAMETER,
        "ssm.parameter.pattern",
        "ParameterPatternMismatchException",
        {"allowedPattern": "^[0-9]+$"},
        {"allowedPattern": "^[a-z]+$"},
    ),
    (
        PARAMETER,
        "ssm.parameter.pattern",
        "InvalidAllowedPatternException",
        {"allowedPattern": "("},
        {},
    ),
    (
        TARGETS,
        "catalog.input",
        "InvalidArgument",
        {"healthCheck": {"pathh": "/"}},
        {"healthCheck": {"path": "/"}},
    ),
    (
        SERVICE,
        "catalog.input",
        "InvalidArgument",
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroup": ["$group"]}},
        {"networkConfiguration": {"subnets": ["$subnet-a"], "securityGroups": ["$group"]}},
    ),
    (
        LISTENER,
        "catalog.required",
        "InvalidArgument",
        {"defaultActions": [{"type": "redirect", "redirect": {"protocol": "HTTPS"}}]},
        {
            "defaultActions": [
                {"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}
            ]
        },
    ),
    (
        GROUP,
        "catalog.required",
        "InvalidArgument",
        {"ingress": [{"fromPort": 80, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]}]},
        {
            "ingress": [
                {"fromPort": 80, "toPort": 80, "protocol": "tcp", "cidrBlocks": ["10.0.0.0/8"]}
            ]
        },
    ),
    (
        TARGETS,
        "catalog.required",
        "InvalidArgument",
        {"stickiness": {}},
        {"stickiness": {"type": "lb_cookie"}},
    ),
    (
        SERVICE,
        "catalog.required",
        "InvalidArgument",
        {"deploymentCircuitBreaker": {"enable": True}},
        {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
    ),
    (
        INGRESS,
        "ec2.security-group-rule.protocol",
        "InvalidParameterValue",
        {"ipProtocol": "https"},
        {"ipProtocol": "udp"},
    ),
    (
        GROUP,
        "ec2.security-group-rule.protocol",
        "InvalidParameterValue",
        {
            "egress": [
                {"fromPort": 443, "toPort": 443, "protocol": "TCP ", "cidrBlocks": ["0.0.0.0/0"]}
            ]
        },
        {
            "egress": [
                {"fromPort": 443, "toPort": 443, "protocol": "TCP", "cidrBlocks": ["0.0.0.0/0"]}
            ]
        },
    ),
    (
        GROUP,
        "ec2.security-group.name",
        "InvalidArgument",
        {"name": "façade"},
        {"name": "a facade [1]"},
    ),
    (
        GROUP,
        "ec2.security-group.description",
        "InvalidParameterValue",
        {"description": "für alle"},
        {},
    ),
    (ROLE, "iam.role.name", "InvalidArgument", {"name": "José"}, {"name": "Jose"}),
    (
        GROUP,
        "ec2.security-group.inline-all-ports",
        "InvalidArgument",
        {
            "egress": [
                {"fromPort": 0, "toPort": 65535, "protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}
            ]
        },
        {"egress": [{"fromPort": 0, "toPort": 0, "protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}]},
    ),
    (
        ROUTE,
        "ec2.route.ip-version",
        "InvalidArgument",
        {
            "gatewayId": None,
            "vpcEndpointId": "vpce-1",
            "destinationCidrBlock": None,
            "destinationPrefixListId": "pl-12345678",
        },
        {"gatewayId": None, "vpcEndpointId": "vpce-1"},
    ),
    (
        RULE,
        "elbv2.action.redirect",
        "InvalidArgument",
        {
            "actions": [
                {"type": "redirect", "redirect": {"statusCode": "HTTP_301", "port": "99999"}}
            ]
        },
        {"actions": [{"type": "redirect", "redirect": {"statusCode": "HTTP_301", "port": "8443"}}]},
    ),
    (
        RULE,
        "elbv2.condition.some",
        "InvalidArgument",
        {"conditions": [{"pathPattern": {"values": []}}]},
        {"conditions": [{"pathPattern": {"regexValues": ["^/a"]}}]},
    ),
    (
        RULE,
        "elbv2.condition.some",
        "InvalidArgument",
        {"conditions": [{"queryStrings": []}]},
        {"conditions": [{"queryStrings": [{"value": "a"}]}]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.fargate-forbids",
        "ClientException",
        {"pidMode": "host"},
        {"pidMode": "task"},
    ),
    (
        DEFINITION,
        "ecs.task-definition.platform",
        "InvalidArgument",
        {"runtimePlatform": {"operatingSystemFamily": "WINDOWS"}},
        {"runtimePlatform": {"operatingSystemFamily": "LINUX"}},
    ),
    *(
        (
            DEFINITION,
            rule,
            "ClientException",
            {"containerDefinitions": containers(**{name: wrong})},
            {},
        )
        for rule, name, wrong in CONTAINER_FLAWS
    ),
    (
        ROLE_POLICY,
        "iam.policy.action",
        "MalformedPolicyDocument",
        {"policy": statement(Action=["s3:GetObject", "PutObject"], Resource="*")},
        {"policy": statement(Action="*", Resource="*")},
    ),
    (
        ROLE_POLICY,
        "iam.policy.resource",
        "MalformedPolicyDocument",
        {"policy": statement(Action="s3:GetObject", Resource="files")},
        {"policy": statement(Action="s3:GetObject", Resource=["arn:aws:s3:::files"])},
    ),
    (
        DEFINITION,
        "catalog.model",
        "ClientException",
        {"containerDefinitions": containers(restartPolicy={"ignoredExitCodes": [0]})},
        {"containerDefinitions": containers(restartPolicy={"enabled": True})},
    ),
    (
        RULE,
        "catalog.model",
        "ValidationError",
        {"actions": [{"type": "fixed-response", "fixedResponse": {"contentType": "text/plain"}}]},
        {"actions": [FIXED]},
    ),
    *ECS_CASES,
    *IAM_CASES,
    *SECURITY_CASES,
    *ACCEPTANCE_CASES,
    *ALARM_CASES,
    *ORDINARY_CASES,
    *REGISTRY_CASES,
    *SCALING_CASES,
    *STORAGE_CASES,
    *CAPACITY_CASES,
    *EDGE_CASES,
    *NETWORK_ACL_CASES,
]


PAGE = Path(__file__).parents[3] / "docs" / "local-aws-rules.md"
DOCUMENTED_CODES = {}
"""The documentation's error codes, by rule."""

for line in PAGE.read_text().splitlines():
    if line.startswith("| `"):
        DOCUMENTED_CODES[line.split("`")[1]] = line.split(" | ")[-2].split(", ")


def over_minimal(account: Account, token: str, more: dict[str, Any]) -> dict[str, Any]:
    """Return a type's minimal inputs with others, of which None removes one."""
    inputs = {**account.minimal(token), **filled(account, more)}
    return {name: value for name, value in inputs.items() if value is not None}


@pytest.mark.parametrize(
    ("token", "rule", "code", "wrong", "right"),
    CASES,
    ids=lambda each: each if isinstance(each, str) else "",
)
# The arguments are the columns of the table.
def test_a_wrong_value_is_refused_by_its_rule_and_a_right_one_accepted(  # noqa: PLR0917
    account: Account, token: str, rule: str, code: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    before = len(account.all(token))
    assert (rule, code) in refused(account.make, token, **over_minimal(account, token, wrong))
    assert len(account.all(token)) == before, "nothing is created"
    assert code in DOCUMENTED_CODES[rule]
    account.make(token, **over_minimal(account, token, right))


@pytest.mark.parametrize("token", CATALOG)
def test_accepted_inputs_are_accepted_with_any_one_value_unknown(
    account: Account,
    token: str,
    places: Callable[[Any], list[Place]],
    with_changed: Callable[[Any, Place, Any], Any],
) -> None:
    for case_token, _rule, _code, _wrong, right in CASES:
        if case_token != token:
            continue
        inputs = over_minimal(account, token, right)
        for place in places(inputs):
            refusals = list(CATALOG[token].check(with_changed(inputs, place, UNKNOWN)))
            assert refusals == [], f"{place} of {right}"


UNUSUAL: tuple[Any, ...] = (
    UNKNOWN,
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    [],
    [None],
    [UNKNOWN, {}],
    {},
    {"type": []},
)


@pytest.mark.parametrize("token", CATALOG)
@pytest.mark.slow  # each value in each place of each row
def test_no_unusual_value_anywhere_crashes_a_rule(
    account: Account,
    token: str,
    places: Callable[[Any], list[Place]],
    with_changed: Callable[[Any, Place, Any], Any],
) -> None:
    unusual_values = cycle(UNUSUAL)
    for case_token, _rule, _code, *rows in CASES:
        if case_token != token:
            continue
        for row in rows:
            inputs = over_minimal(account, token, row)
            for place in [each for each in places(inputs) if each[0] in row]:
                for value in islice(unusual_values, 5):
                    changed = with_changed(inputs, place, value)
                    assert all(each.message for each in CATALOG[token].check(changed))
            definitions = parsed(row.get("containerDefinitions"))
            for place in places(definitions):
                changed = with_changed(definitions, place, next(unusual_values))
                text = json.dumps(changed, default=lambda _: None)
                list(CATALOG[token].check({**inputs, "containerDefinitions": text}))


@pytest.mark.parametrize(
    "more",
    [
        {"secrets": [{"name": "A", "valueFrom": "hunter 2"}]},
        {"environment": [{"name": "A", "value": 31337}]},
        {"environment": {"A": "hunter 2"}},
        {"secrets": ["hunter 2"]},
    ],
)
def test_a_message_doesnt_show_a_secret_in_the_wrong_input(
    account: Account, more: dict[str, Any]
) -> None:
    inputs = {
        **account.minimal(DEFINITION),
        "executionRoleArn": ROLE_ARN,
        "containerDefinitions": containers(**more),
    }
    refusals = list(CATALOG[DEFINITION].check(inputs))
    assert refusals
    for each in refusals:
        assert "hunter" not in str(each)
        assert "31337" not in str(each)
