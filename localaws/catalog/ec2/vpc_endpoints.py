"""EC2's VPC endpoints, and the prefix lists of AWS's own services."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import (
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    ec2_id,
    vpc_of,
    zone_of,
)
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import optional_policy_rules
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType
from localaws.catalog.values import Limit, given, one_of, text, texts

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

VPC_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"

GATEWAY_SERVICES = {"s3": ("52.218.0.0/17", "3.5.64.0/21"), "dynamodb": ("52.94.24.0/23",)}
"""Services with gateway endpoints, and some of the networks in their prefix lists."""


def prefix_list_id(name: str) -> str:
    """Return the id of AWS's prefix list of that name, such as `com.amazonaws.eu-west-1.s3`."""
    return f"pl-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def prefix_lists(region: str) -> dict[str, tuple[str, ...]]:
    """The prefix lists that AWS keeps in a region, by name: their networks."""
    return {
        f"com.amazonaws.{region}.{service}": networks
        for service, networks in GATEWAY_SERVICES.items()
    }


def _kind(inputs: Properties) -> object:
    return inputs.get("vpcEndpointType") or "Gateway"


_NAME = re.compile(
    r"(?:[a-z]+\.)*amazonaws\.(?:vpce\.)?(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d)\.(?P<service>.+)"
)
"""A service's name with a region in it: `com.amazonaws.eu-west-1.ecr.api`,
`cn.com.amazonaws.cn-north-1.ecr.api`.
"""


def _service(inputs: Properties) -> str:
    """The service's short name: `ecr.api` for `com.amazonaws.eu-west-1.ecr.api`."""
    name = text(inputs.get("serviceName")) or ""
    found = _NAME.match(name)
    return found["service"] if found else ".".join(name.split(".")[3:])


def _region(service: str) -> str | None:
    """Return the region in a service's name; None for a global service and other forms."""
    found = _NAME.match(service)
    return found["region"] if found else None


_REVERSED_IN_CHINA = frozenset(
    {
        "application-autoscaling",
        "autoscaling",
        "cloudformation",
        "ebs",
        "ec2",
        "ecr",
        "eks",
        "elasticache",
        "elasticfilesystem",
        "execute-api",
        "lambda",
        "monitoring",
        "rds",
        "s3",
        "sqs",
        "states",
        "sts",
        "xray",
    }
)
"""Services, by the first word of their names, whose interface endpoints begin with China's own
domain there.

Source: aws/aws-cdk, aws-ec2/lib/vpc-endpoint.ts, which has them from DescribeVpcEndpointServices in
China.
"""


_PLAIN_IN_CHINA = frozenset({"kms", "logs", "secretsmanager", "ssm", "ssmmessages"})
"""Some of the others."""


def _has_that_name(kind: object, name: str, region: str) -> bool:
    """Return whether a service's name begins with its region's domain, as far as known."""
    reversed_ = name.startswith("cn.com.amazonaws.")
    if partition_of(region).name != "aws-cn":
        return not reversed_
    service = _service({"serviceName": name}).partition(".")[0]
    if kind == "Interface" and service in _REVERSED_IN_CHINA:
        return reversed_
    if service in {*_PLAIN_IN_CHINA, *GATEWAY_SERVICES}:
        return not reversed_
    return True


_BY_KIND = {
    "Gateway": ("subnetIds", "securityGroupIds", "privateDnsEnabled"),
    "Interface": ("routeTableIds",),
}
"""What each kind of endpoint doesn't take."""


def _rules(inputs: Properties) -> Refusals:
    yield from optional_policy_rules(inputs.get("policy"), "policy", "InvalidPolicyDocument")
    if not given(inputs, "serviceName", "resourceConfigurationArn", "serviceNetworkArn"):
        yield Refusal(
            "InvalidArgument",
            "serviceName must be given",
            "ec2.vpc-endpoint.service",
            "serviceName",
        )
    kind = str(_kind(inputs))
    for name in _BY_KIND.get(kind, ()):
        if inputs.get(name):
            message = f"a {kind} endpoint takes no {name}"
            yield Refusal("InvalidParameter", message, "ec2.vpc-endpoint.kind", name)
    service = _service(inputs)
    if kind == "Gateway" and service and service not in GATEWAY_SERVICES:
        message = (
            f"The Vpc Endpoint Service '{inputs.get('serviceName')}' has no Gateway "
            "endpoints; use Interface"
        )
        yield Refusal(
            "InvalidParameter", message, "ec2.vpc-endpoint.gateway-service", "vpcEndpointType"
        )


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    vpc, name = account.get(VPC, inputs.get("vpcId")), str(inputs.get("serviceName"))
    region = inputs.get("serviceRegion") or (vpc.region if vpc else None)
    if region is not None and (
        _region(name) not in (None, region) or not _has_that_name(_kind(inputs), name, str(region))
    ):
        message = f"The Vpc Endpoint Service '{name}' does not exist in {region}"
        yield Refusal("InvalidServiceName", message, "ec2.vpc-endpoint.region", "serviceName")
    others = [
        each
        for each in account.all(VPC_ENDPOINT)
        if (current is None or each.id != current.id)
        and each.inputs.get("vpcId") == inputs.get("vpcId")
        and each.inputs.get("serviceName") == name
    ]
    taken = {table for each in others for table in texts(each.inputs.get("routeTableIds"))}
    for table in sorted(taken & set(texts(inputs.get("routeTableIds")))):
        message = (
            f"route table {table} already has a route with destination-prefix-list-id "
            f"{prefix_list_id(name)}"
        )
        yield Refusal(
            "RouteAlreadyExists", message, "ec2.vpc-endpoint.route-unique", "routeTableIds"
        )
    yield from _private_dns_rules(inputs, vpc, others)
    yield from _place_rules(inputs, account)


def _private_dns_rules(
    inputs: Properties, vpc: Resource | None, others: list[Resource]
) -> Refusals:
    if inputs.get("privateDnsEnabled") is not True or vpc is None:
        return
    if not (vpc.outputs.get("enableDnsSupport") and vpc.outputs.get("enableDnsHostnames")):
        message = (
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames of "
            f"{vpc.id}"
        )
        yield Refusal(
            "InvalidParameter", message, "ec2.vpc-endpoint.private-dns", "privateDnsEnabled"
        )
    if any(each.inputs.get("privateDnsEnabled") is True for each in others):
        message = (
            f"private-dns-enabled cannot be set because {vpc.id} has an endpoint of this "
            "service with that name"
        )
        yield Refusal(
            "InvalidParameter", message, "ec2.vpc-endpoint.private-dns-unique", "privateDnsEnabled"
        )


def _place_rules(inputs: Properties, account: Account) -> Refusals:
    subnets = texts(inputs.get("subnetIds"))
    zones = [zone_of(account, subnet) for subnet in subnets]
    if len(set(zones)) < len(zones):
        message = (
            "DuplicateSubnetsInSameZone: an endpoint takes one subnet in a zone, got "
            f"{', '.join(subnets)}"
        )
        yield Refusal(
            "DuplicateSubnetsInSameZone", message, "ec2.vpc-endpoint.subnet-per-zone", "subnetIds"
        )
    groups = (account.get(SECURITY_GROUP, group) for group in texts(inputs.get("securityGroupIds")))
    tables = (account.get(ROUTE_TABLE, table) for table in texts(inputs.get("routeTableIds")))
    places = {vpc_of(account, subnet) for subnet in subnets}
    places |= {each.outputs.get("vpcId") for each in (*groups, *tables) if each}
    if places - {inputs.get("vpcId")}:
        message = f"subnets, route tables and security groups must be in {inputs.get('vpcId')}"
        yield Refusal("InvalidParameter", message, "ec2.vpc-endpoint.same-vpc", "vpcId")


def _computed(mint: Mint, inputs: Properties) -> Properties:
    identifier, name = ec2_id(mint, "vpce"), str(inputs.get("serviceName"))
    interface = _kind(inputs) != "Gateway"
    domain = f"{mint.region}.vpce.{partition_of(mint.region).suffix}"
    dns = f"{identifier}-{mint.hex(8)}.{_service(inputs)}.{domain}"
    vpc = mint.account.get(VPC, inputs.get("vpcId"))
    default_group = [vpc.outputs["defaultSecurityGroupId"]] if vpc and interface else []
    return {
        "id": identifier,
        "arn": mint.arn("ec2", f"vpc-endpoint/{identifier}"),
        "ownerId": mint.account.account_id,
        "state": "available",
        "requesterManaged": False,
        "prefixListId": "" if interface else prefix_list_id(name),
        "cidrBlocks": [] if interface else list(prefix_lists(mint.region).get(name, ())),
        "dnsEntries": [{"dnsName": dns, "hostedZoneId": "Z38GZ743OKFT7T"}] if interface else [],
        "networkInterfaceIds": [ec2_id(mint, "eni") for _ in texts(inputs.get("subnetIds"))],
        **({} if given(inputs, "securityGroupIds") else {"securityGroupIds": default_group}),
    }


TYPES = (
    ResourceType(
        token=VPC_ENDPOINT,
        recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "serviceName", "vpcEndpointType", "serviceRegion", "region"}),
        unordered=frozenset(
            {"subnetIds", "securityGroupIds", "routeTableIds", "subnetConfigurations"}
        ),
        json=frozenset({"policy"}),
        defaults={
            "vpcEndpointType": "Gateway",
            "privateDnsEnabled": False,
            "ipAddressType": "ipv4",
            "subnetIds": [],
            "routeTableIds": [],
        },
        limits=(
            Limit(
                "vpcEndpointType",
                one_of("Gateway", "Interface", "GatewayLoadBalancer", "Resource", "ServiceNetwork"),
                "ec2.vpc-endpoint.type",
            ),
            Limit(
                "ipAddressType",
                one_of("ipv4", "ipv6", "dualstack"),
                "ec2.vpc-endpoint.address-type",
            ),
        ),
        references=(
            Reference("vpcId", VPC, "InvalidVpcId.NotFound", "ec2.vpc-endpoint.vpc-exists", "held"),
            Reference(
                "subnetIds[]",
                SUBNET,
                "InvalidSubnetId.NotFound",
                "ec2.vpc-endpoint.subnet-exists",
                "held",
            ),
            Reference(
                "securityGroupIds[]",
                SECURITY_GROUP,
                "InvalidSecurityGroupId.NotFound",
                "ec2.vpc-endpoint.group-exists",
                "held",
            ),
            Reference(
                "routeTableIds[]",
                ROUTE_TABLE,
                "InvalidRouteTableId.NotFound",
                "ec2.vpc-endpoint.table-exists",
                "held",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
    ),
)
