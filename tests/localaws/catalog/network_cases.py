"""Refusals of VPCs, subnets, gateways, routes and security groups; `test_refusals.py` runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
REGIONAL = {
    "availabilityMode": "regional",
    "connectivityType": "public",
    "subnetId": None,
}

NETWORK_CASES: list[Case] = [
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
    (
        NAT,
        "ec2.nat-gateway.address-exists",
        "InvalidAllocationID.NotFound",
        {
            "connectivityType": "public",
            "allocationId": "$address",
            "secondaryAllocationIds": ["eipalloc-0"],
        },
        {"connectivityType": "public", "allocationId": "$address"},
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
]
