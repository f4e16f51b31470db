"""Elastic Load Balancing: load balancers."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import (
    EIP,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    has_internet_gateway,
    vpc_of,
    zone_of,
)
from localaws.catalog.elb.hosted_zones import hosted_zone
from localaws.catalog.elb.load_balancer_logs import LOG_LIMITS, log_rules
from localaws.catalog.partitions import partition_of
from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    Limit,
    exactly_one,
    matches,
    network,
    one_of,
    texts,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"

SMALLEST_SUBNET_PREFIX = 27

_FEWEST_ZONES = 2
"""For an application load balancer."""

_NAME = matches(
    r"|(?!internal-)(?!-)[0-9A-Za-z-]{1,32}(?<!-)",
    (
        "1 to 32 letters, digits and hyphens, without a hyphen at either end and not "
        "starting with internal-"
    ),
)
PREFIX = matches(r"(?!-)[0-9A-Za-z-]{1,6}", "1 to 6 letters, digits and hyphens")


def _rules(inputs: Properties) -> Refusals:
    yield from exactly_one(
        inputs, ("subnets", "subnetMappings"), "elbv2.load-balancer.one-kind-of-subnets"
    )
    subnets = inputs.get("subnets") or inputs.get("subnetMappings")
    if is_application(inputs) and isinstance(subnets, list) and len(subnets) < _FEWEST_ZONES:
        yield _too_few_zones()


def is_application(inputs: Properties) -> bool:
    """Return whether this is an application load balancer, which is the default."""
    return inputs.get("loadBalancerType") in (None, "application")


def subnets_of(inputs: Properties) -> list[str]:
    """Return the ids of a load balancer's subnets."""
    return texts(inputs.get("subnets")) or texts(values_at(inputs, "subnetMappings[].subnetId"))


def _too_few_zones() -> Refusal:
    message = "At least two subnets in two different Availability Zones must be specified"
    return Refusal("ValidationError", message, "elbv2.load-balancer.two-zones", "subnets")


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    vpcs = {vpc_of(account, each) for each in subnets_of(inputs)}
    if current:
        vpcs.add(current.outputs["vpcId"])  # A load balancer can't move to another VPC.
    if len(vpcs) > 1:
        names = ", ".join(sorted(map(str, vpcs)))
        yield Refusal(
            "InvalidConfigurationRequest",
            f"All subnets must belong to the same VPC, got {names}",
            "elbv2.load-balancer.one-vpc",
            "subnets",
        )
        return
    yield from _zone_rules(inputs, account)
    for vpc in vpcs:
        if current is None:
            yield from _internet_gateway_rules(inputs, account, vpc)
        yield from _subnet_rules(inputs, account)
        yield from _security_group_rules(inputs, account, vpc)
    yield from log_rules(inputs, account)


def _zone_rules(inputs: Properties, account: Account) -> Refusals:
    zones = [zone_of(account, each) for each in subnets_of(inputs)]
    if is_application(inputs) and len(set(zones)) < _FEWEST_ZONES:
        yield _too_few_zones()
    if len(set(zones)) < len(zones):
        message = (
            "A load balancer cannot be attached to multiple subnets in the same Availability "
            "Zone: name one subnet of each zone"
        )
        yield Refusal(
            "InvalidConfigurationRequest", message, "elbv2.load-balancer.subnet-per-zone", "subnets"
        )


def _internet_gateway_rules(inputs: Properties, account: Account, vpc: object) -> Refusals:
    public = inputs.get("internal") is not True and inputs.get("loadBalancerType") != "gateway"
    if public and not has_internet_gateway(account, vpc):
        message = f"VPC {vpc} has no internet gateway: attach one, or set internal to true"
        yield Refusal("InvalidSubnet", message, "elbv2.load-balancer.internet-gateway", "subnets")


def _subnet_rules(inputs: Properties, account: Account) -> Refusals:
    """Refuse subnets that are too small, or without the IPv6 range that dualstack needs."""
    dualstack = str(inputs.get("ipAddressType")).startswith("dualstack")
    for subnet in subnets_of(inputs):
        found = account.find(SUBNET, subnet)
        ipv4_range = network(found.outputs.get("cidrBlock")) if found else None
        if isinstance(ipv4_range, IPv4Network) and ipv4_range.prefixlen > SMALLEST_SUBNET_PREFIX:
            message = (
                f"{subnet} is a /{ipv4_range.prefixlen}; a load balancer needs "
                f"/{SMALLEST_SUBNET_PREFIX} or larger"
            )
            yield Refusal("InvalidSubnet", message, "elbv2.load-balancer.subnet-size", "subnets")
        has_ipv6 = found is not None and found.inputs.get("ipv6CidrBlock")
        if dualstack and not has_ipv6:
            message = (
                f"{subnet} has no IPv6 range, which ipAddressType {inputs['ipAddressType']} needs: "
                "set its ipv6CidrBlock"
            )
            yield Refusal(
                "ValidationError", message, "elbv2.load-balancer.dualstack", "ipAddressType"
            )


def _security_group_rules(inputs: Properties, account: Account, vpc: object) -> Refusals:
    for group in texts(inputs.get("securityGroups")):
        found = account.get(SECURITY_GROUP, group)
        if found and found.outputs.get("vpcId") != vpc:
            message = (
                f"security group {group} is in {found.outputs.get('vpcId')}, but must be in the "
                f"subnets' VPC, {vpc}"
            )
            yield Refusal(
                "InvalidConfigurationRequest",
                message,
                "elbv2.load-balancer.groups-vpc",
                "securityGroups",
            )


def _computed(mint: Mint, inputs: Properties) -> Properties:
    kind = inputs.get("loadBalancerType") or "application"
    part_of_arn = {"network": "net", "gateway": "gwy"}.get(str(kind), "app")
    suffix = f"{part_of_arn}/{inputs.get('name')}/{mint.hex(16)}"
    arn = mint.arn("elasticloadbalancing", f"loadbalancer/{suffix}")
    host = f"{inputs.get('name')}-{mint.digits(9)}"
    if inputs.get("internal") is True:
        host = f"internal-{host}"
    subnets = subnets_of(inputs)
    vpc = vpc_of(mint.account, subnets[0]) if subnets else None
    computed: dict[str, object] = {
        "id": arn,
        "arn": arn,
        "arnSuffix": suffix,
        "dnsName": f"{host}.{mint.region}.elb.{partition_of(mint.region).suffix}",
        "zoneId": hosted_zone(mint.region, kind) or "Z00000000000000",
        "vpcId": vpc,
    }
    found = mint.account.get(VPC, vpc)
    if found and is_application(inputs) and not inputs.get("securityGroups"):
        computed["securityGroups"] = [found.outputs["defaultSecurityGroupId"]]
    return computed


def _deletion_rules(balancer: Resource, _account: Account) -> Refusals:
    if balancer.inputs.get("enableDeletionProtection") is True:
        message = (
            f"Load balancer '{balancer.id}' cannot be deleted because deletion protection is "
            "enabled: set enableDeletionProtection to false and deploy that first"
        )
        yield Refusal("OperationNotPermitted", message, "elbv2.load-balancer.deletion-protection")


def _replaces_if(name: str, old: Properties, new: Properties) -> bool:
    """Replace a network load balancer in three cases.

    It is no longer in one of its subnets, it gets its first security group, or it loses its last.
    """
    if old.get("loadBalancerType") != "network":
        return False
    before, after = set(texts(old.get(name))), set(texts(new.get(name)))
    if name == "subnets":
        return not before <= after
    return name == "securityGroups" and bool(before) != bool(after)


TYPES = (
    ResourceType(
        token=LOAD_BALANCER,
        autoname=AutoName(),
        replaces=frozenset(
            {
                "name",
                "namePrefix",
                "internal",
                "loadBalancerType",
                "customerOwnedIpv4Pool",
                "region",
            }
        ),
        replaces_if=_replaces_if,
        unordered=frozenset({"subnets", "securityGroups", "subnetMappings"}),
        defaults={
            "internal": False,
            "loadBalancerType": "application",
            "ipAddressType": "ipv4",
            "idleTimeout": 60,
            "clientKeepAlive": 3600,
            "desyncMitigationMode": "defensive",
            "dropInvalidHeaderFields": False,
            "enableDeletionProtection": False,
            "enableHttp2": True,
            "enableCrossZoneLoadBalancing": False,
            "enableWafFailOpen": False,
            "enableXffClientPort": False,
            "enableTlsVersionAndCipherSuiteHeaders": False,
            "enableZonalShift": False,
            "preserveHostHeader": False,
            "xffHeaderProcessingMode": "append",
        },
        limits=(
            Limit("name", _NAME, "elbv2.load-balancer.name"),
            Limit("namePrefix", PREFIX, "elbv2.load-balancer.name"),
            Limit(
                "loadBalancerType",
                one_of("application", "network", "gateway"),
                "elbv2.load-balancer.type",
            ),
            *LOG_LIMITS,
            Limit("idleTimeout", within(1, 4000), "elbv2.load-balancer.idle-timeout"),
            Limit("clientKeepAlive", within(60, 604800), "elbv2.load-balancer.keep-alive"),
            Limit(
                "desyncMitigationMode",
                one_of("monitor", "defensive", "strictest"),
                "elbv2.load-balancer.desync",
            ),
            Limit(
                "xffHeaderProcessingMode",
                one_of("append", "preserve", "remove"),
                "elbv2.load-balancer.xff",
            ),
            Limit(
                "ipAddressType",
                one_of("ipv4", "dualstack", "dualstack-without-public-ipv4"),
                "elbv2.load-balancer.address-type",
            ),
        ),
        references=(
            Reference(
                "subnets[]", SUBNET, "SubnetNotFound", "elbv2.load-balancer.subnet-exists", "held"
            ),
            Reference(
                "subnetMappings[].subnetId",
                SUBNET,
                "SubnetNotFound",
                "elbv2.load-balancer.subnet-exists",
                "held",
            ),
            Reference(
                "subnetMappings[].allocationId",
                EIP,
                "AllocationIdNotFound",
                "elbv2.load-balancer.address-exists",
                "held",
            ),
            Reference(
                "securityGroups[]",
                SECURITY_GROUP,
                "InvalidSecurityGroup",
                "elbv2.load-balancer.group-exists",
                "held",
            ),
        ),
        unique=(
            Unique(
                ("name",),
                "DuplicateLoadBalancerName",
                "elbv2.load-balancer.unique",
                "ELBv2 Load Balancer ({name}) already exists",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
        deletion_rules=_deletion_rules,
    ),
)
