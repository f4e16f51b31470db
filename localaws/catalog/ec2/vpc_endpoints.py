"""EC2: VPC endpoints, and the prefix lists of AWS's own services."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from localaws.catalog.account import others_with_same
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
from localaws.catalog.properties import UNKNOWN
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


_DIRECTORY_BUCKETS = "s3express"
"""The service of directory buckets, which has gateway endpoints too.

Source: Amazon S3 User Guide, "Networking for directory buckets in an Availability Zone".
"""


def prefix_list_id(name: str) -> str:
    """Return the id of one of AWS's prefix lists, by its name (`com.amazonaws.eu-west-1.s3`)."""
    return f"pl-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def prefix_lists(region: str) -> dict[str, tuple[str, ...]]:
    """Return the networks of AWS's prefix lists in a region, by the lists' names."""
    lists = {}
    for service, networks in GATEWAY_SERVICES.items():
        lists[f"com.amazonaws.{region}.{service}"] = networks
    return lists


def _kind(inputs: Properties) -> object:
    """Return an endpoint's type, which is Gateway by default."""
    return inputs.get("vpcEndpointType") or "Gateway"


_NAME = re.compile(
    r"(?:[a-z]+\.)*amazonaws\.(?:vpce\.)?(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d)\.(?P<service>.+)"
)
"""A service's name that contains a region: `com.amazonaws.eu-west-1.ecr.api`,
`cn.com.amazonaws.cn-north-1.ecr.api`.
"""


def _service(inputs: Properties) -> str:
    """Return the service's short name: `ecr.api` for `com.amazonaws.eu-west-1.ecr.api`.

    In another name without a region, it is what follows the third dot.
    """
    name = text(inputs.get("serviceName")) or ""
    found = _NAME.match(name)
    return found["service"] if found else ".".join(name.split(".")[3:])


_OTHER_HOSTS = {
    "ecr-api": ("api.ecr",),
    "ecr-dkr": ("dkr.ecr", "*.dkr.ecr"),
    "ecs-agent": ("ecs-a",),
    "ecs-telemetry": ("ecs-t",),
    "execute-api": ("execute-api", "*.execute-api"),
    "s3": ("s3", "*.s3"),
}
"""The hosts of services that have another name than their host, or several hosts.

A service is named with hyphens for dots. Source: the column "Private DNS name" of
DescribeVpcEndpointServices, as the services' guides show it.
"""


def private_names(endpoint: Resource) -> list[str]:
    """Return the names that an interface endpoint takes over with `privateDnsEnabled`."""
    service = _service(endpoint.outputs)
    hosts = _OTHER_HOSTS.get(service.replace(".", "-"), (service,))
    domain = f"{endpoint.region}.{partition_of(endpoint.region).suffix}"
    return [f"{host}.{domain}" for host in hosts]


def _region(service: str) -> str | None:
    """Return the region in a service's name; None if the name contains no region."""
    found = _NAME.match(service)
    return found["region"] if found else None


_WITH_CN_PREFIX = frozenset(
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
"""Services, by the first word of their names, whose interface endpoints in China start with `cn.`.

Source: aws/aws-cdk, aws-ec2/lib/vpc-endpoint.ts, which took them from DescribeVpcEndpointServices
in China.
"""


_WITHOUT_CN_PREFIX = frozenset({"kms", "logs", "secretsmanager", "ssm", "ssmmessages"})
"""Some services whose endpoints in China don't start with `cn.`."""


def _has_valid_prefix(kind: object, name: str, region: str) -> bool:
    """Return whether a service's name has the prefix of its region; True if that isn't known."""
    has_cn_prefix = name.startswith("cn.com.amazonaws.")
    if partition_of(region).name != "aws-cn":
        return not has_cn_prefix
    service = _service({"serviceName": name}).partition(".")[0]
    if kind == "Interface" and service in _WITH_CN_PREFIX:
        return has_cn_prefix
    if service in _WITHOUT_CN_PREFIX or service in GATEWAY_SERVICES:
        return not has_cn_prefix
    return True


_FORBIDDEN_INPUTS = {
    "Gateway": ("subnetIds", "securityGroupIds", "privateDnsEnabled"),
    "Interface": ("routeTableIds",),
}
"""The inputs that a kind of endpoint can't have."""


def _rules(inputs: Properties) -> Refusals:
    yield from optional_policy_rules(inputs.get("policy"), "policy", "InvalidPolicyDocument")
    if not given(inputs, "serviceName", "resourceConfigurationArn", "serviceNetworkArn"):
        message = "serviceName must be set, such as com.amazonaws.eu-west-1.s3"
        yield Refusal("InvalidArgument", message, "ec2.vpc-endpoint.service", "serviceName")
    kind = str(_kind(inputs))
    for name in _FORBIDDEN_INPUTS.get(kind, ()):
        value = inputs.get(name)
        if value and value is not UNKNOWN:  # It may turn out to be empty.
            message = f"a {kind} endpoint takes no {name}"
            yield Refusal("InvalidParameter", message, "ec2.vpc-endpoint.kind", name)
    service = _service(inputs)
    if kind == "Gateway" and service and service not in (*GATEWAY_SERVICES, _DIRECTORY_BUCKETS):
        message = (
            f"The Vpc Endpoint Service '{inputs.get('serviceName')}' has no Gateway "
            "endpoints; use Interface"
        )
        yield Refusal(
            "InvalidParameter", message, "ec2.vpc-endpoint.gateway-service", "vpcEndpointType"
        )


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    vpc = account.get(VPC, inputs.get("vpcId"))
    same_service: list[Resource] = []
    if given(inputs, "serviceName"):
        same_service = others_with_same(
            account, VPC_ENDPOINT, inputs, current, "vpcId", "serviceName"
        )
    yield from _region_rules(inputs, vpc)
    yield from _route_rules(inputs, same_service)
    yield from _private_dns_rules(inputs, vpc, same_service)
    yield from _zone_rules(inputs, account)
    yield from _same_vpc_rules(inputs, account)


def _region_rules(inputs: Properties, vpc: Resource | None) -> Refusals:
    """Refuse a service's name of another region, or without the prefix of its region."""
    name = str(inputs.get("serviceName"))
    kind = _kind(inputs)
    region = inputs.get("serviceRegion") or (vpc.region if vpc else None)
    if region is None:
        return
    in_region = _region(name) in (None, region)
    if not in_region or not _has_valid_prefix(kind, name, str(region)):
        message = (
            f"The Vpc Endpoint Service '{name}' does not exist in {region}: set serviceName to a "
            "service of that region"
        )
        yield Refusal("InvalidServiceName", message, "ec2.vpc-endpoint.region", "serviceName")


def _route_rules(inputs: Properties, same_service: list[Resource]) -> Refusals:
    """Refuse a route table that another gateway endpoint of the same service has."""
    taken: set[str] = set()
    for other in same_service:
        taken.update(texts(other.inputs.get("routeTableIds")))
    for table in sorted(taken.intersection(texts(inputs.get("routeTableIds")))):
        message = (
            f"route table {table} already has a route with destination-prefix-list-id "
            f"{prefix_list_id(str(inputs.get('serviceName')))}"
        )
        yield Refusal(
            "RouteAlreadyExists", message, "ec2.vpc-endpoint.route-unique", "routeTableIds"
        )


def _private_dns_rules(
    inputs: Properties, vpc: Resource | None, same_service: list[Resource]
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
    if any(each.inputs.get("privateDnsEnabled") is True for each in same_service):
        message = (
            f"private-dns-enabled cannot be set because {vpc.id} has an endpoint of this "
            "service with that name"
        )
        yield Refusal(
            "InvalidParameter", message, "ec2.vpc-endpoint.private-dns-unique", "privateDnsEnabled"
        )


def _zone_rules(inputs: Properties, account: Account) -> Refusals:
    subnets = texts(inputs.get("subnetIds"))
    zones = {zone_of(account, subnet) for subnet in subnets}
    if len(zones) < len(subnets):
        message = (
            "DuplicateSubnetsInSameZone: an endpoint takes one subnet in a zone, got "
            f"{', '.join(subnets)}"
        )
        yield Refusal(
            "DuplicateSubnetsInSameZone", message, "ec2.vpc-endpoint.subnet-per-zone", "subnetIds"
        )


def _same_vpc_rules(inputs: Properties, account: Account) -> Refusals:
    vpc = inputs.get("vpcId")
    vpcs = {vpc_of(account, subnet) for subnet in texts(inputs.get("subnetIds"))}
    for token, name in ((SECURITY_GROUP, "securityGroupIds"), (ROUTE_TABLE, "routeTableIds")):
        for identifier in texts(inputs.get(name)):
            found = account.get(token, identifier)
            if found:
                vpcs.add(found.outputs.get("vpcId"))
    others = vpcs - {vpc}
    if others:
        message = (
            f"subnets, route tables and security groups must be in {vpc}, got some in "
            f"{', '.join(sorted(map(str, others)))}"
        )
        yield Refusal("InvalidParameter", message, "ec2.vpc-endpoint.same-vpc", "vpcId")


def _computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "vpce")
    name = str(inputs.get("serviceName"))
    interface = _kind(inputs) != "Gateway"
    domain = f"{mint.region}.vpce.{partition_of(mint.region).suffix}"
    host = f"{identifier}-{mint.hex(8)}.{_service(inputs)}.{domain}"
    computed: dict[str, object] = {
        "id": identifier,
        "arn": mint.arn("ec2", f"vpc-endpoint/{identifier}"),
        "ownerId": mint.account.account_id,
        "state": "available",
        "requesterManaged": False,
        "prefixListId": "" if interface else prefix_list_id(name),
        "cidrBlocks": [] if interface else list(prefix_lists(mint.region).get(name, ())),
        "dnsEntries": [{"dnsName": host, "hostedZoneId": "Z38GZ743OKFT7T"}] if interface else [],
        "networkInterfaceIds": [ec2_id(mint, "eni") for _ in texts(inputs.get("subnetIds"))],
    }
    if not given(inputs, "securityGroupIds"):
        vpc = mint.account.get(VPC, inputs.get("vpcId"))
        default_group = [vpc.outputs["defaultSecurityGroupId"]] if vpc and interface else []
        computed["securityGroupIds"] = default_group
    return computed


TYPES = (
    ResourceType(
        token=VPC_ENDPOINT,
        only_recorded=NO_PACKET,
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
