"""EC2: VPCs, with the main route table and default security group that AWS makes for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import Resource
from localaws.catalog.ec2.network import (
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    ec2_id,
    is_default,
    stacks_to_destroy,
)
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import ResourceType
from localaws.catalog.values import Limit, cidr, exactly_one, given, one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

VPCS_PER_REGION = 5
"""AWS's default quota, which the default VPC counts towards."""


def _rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("cidrBlock", "ipv4NetmaskLength"), "ec2.vpc.one-range")
    if given(inputs, "ipv4NetmaskLength") and not given(inputs, "ipv4IpamPoolId"):
        message = "ipv4NetmaskLength needs ipv4IpamPoolId, the pool that the range comes from"
        yield Refusal("InvalidArgument", message, "ec2.vpc.pool", "ipv4NetmaskLength")
    yield from _ipv6_rules(inputs)


def _ipv6_rules(inputs: Properties) -> Refusals:
    """Refuse IPv6 ranges that come from two sources, or from none."""
    from_pool = given(inputs, "ipv6IpamPoolId", "ipv6CidrBlock")
    if _has_amazon_ipv6(inputs) and from_pool:
        message = (
            f"assignGeneratedIpv6CidrBlock excludes {' and '.join(from_pool)}: set one or the other"
        )
        yield Refusal("InvalidArgument", message, "ec2.vpc.ipv6", "assignGeneratedIpv6CidrBlock")
    chosen = given(inputs, "ipv6CidrBlock", "ipv6NetmaskLength")
    if chosen and not given(inputs, "ipv6IpamPoolId"):
        message = (
            f"{' and '.join(chosen)} needs ipv6IpamPoolId, the pool that the range comes from; "
            "without a pool set assignGeneratedIpv6CidrBlock instead"
        )
        yield Refusal("InvalidArgument", message, "ec2.vpc.ipv6", "ipv6IpamPoolId")


def _has_amazon_ipv6(inputs: Properties) -> bool:
    return inputs.get("assignGeneratedIpv6CidrBlock") is True


def _has_ipv6(inputs: Properties) -> bool:
    return _has_amazon_ipv6(inputs) or bool(given(inputs, "ipv6IpamPoolId"))


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if current is None:
        yield from _quota_rules(inputs, account)
    elif _has_ipv6(current.inputs) and not _has_ipv6(inputs):
        yield from _ipv6_removal_rules(current, account)


def _quota_rules(inputs: Properties, account: Account) -> Refusals:
    region = inputs.get("region")
    others = [each for each in account.all(VPC) if each.region == region and not is_default(each)]
    # Beside them there is the default VPC, even if this account doesn't record it yet.
    if len(others) + 1 >= VPCS_PER_REGION:
        message = (
            f"{VPCS_PER_REGION} VPCs exist in {region}, no more are allowed"
            f"{stacks_to_destroy(others)}"
        )
        yield Refusal("VpcLimitExceeded", message, "ec2.vpc.quota")


def _ipv6_removal_rules(vpc: Resource, account: Account) -> Refusals:
    """Refuse to remove a VPC's IPv6 range while a subnet has a part of it."""
    for subnet in account.where(SUBNET, "vpcId", vpc.id):
        if given(subnet.inputs, "ipv6CidrBlock"):
            yield Refusal(
                "InvalidCidrBlock.InUse",
                f"The vpc {vpc.id} currently has a subnet within its IPv6 range, {subnet.id}: "
                "remove the subnet's ipv6CidrBlock first",
                "ec2.vpc.ipv6-held",
                "assignGeneratedIpv6CidrBlock",
            )


def _computed(mint: Mint, inputs: Properties) -> Properties:
    main_table, identifier = ec2_id(mint, "rtb"), ec2_id(mint, "vpc")
    computed = {
        "id": identifier,
        "arn": mint.arn("ec2", f"vpc/{identifier}"),
        "mainRouteTableId": main_table,
        "defaultRouteTableId": main_table,
        "defaultSecurityGroupId": ec2_id(mint, "sg"),
        "defaultNetworkAclId": ec2_id(mint, "acl"),
        "dhcpOptionsId": ec2_id(mint, "dopt"),
        "ownerId": mint.account.account_id,
    }
    if _has_amazon_ipv6(inputs):
        computed["ipv6CidrBlock"] = _ipv6_range(identifier)
    return computed


def _ipv6_range(vpc: str) -> str:
    """Return the IPv6 range that Amazon assigns to a VPC.

    It follows from the id, so an update that keeps the range needs no record of it.
    """
    return f"2001:db8:{vpc[-6:-2]}:{vpc[-2:]}00::/56"


def _updated(vpc: Resource, inputs: Properties) -> Properties:
    """Return the IPv6 range after an update; empty if the update removed Amazon's."""
    if given(inputs, "ipv6CidrBlock", "ipv6IpamPoolId"):
        return {}
    return {"ipv6CidrBlock": _ipv6_range(vpc.id) if _has_amazon_ipv6(inputs) else ""}


def _replaces_if(name: str, old: Properties, new: Properties) -> bool:
    """Replace a VPC whose tenancy changes, except from dedicated to default."""
    if name != "instanceTenancy":
        return False
    before, after = old.get(name) or "default", new.get(name) or "default"
    return before != after and (before, after) != ("dedicated", "default")


def _implied(mint: Mint, vpc: Resource) -> Sequence[Resource]:
    """Return the main route table and the default security group."""
    return (
        _made_by_aws(mint, vpc, ROUTE_TABLE, vpc.computed["mainRouteTableId"], "route-table"),
        _made_by_aws(
            mint,
            vpc,
            SECURITY_GROUP,
            vpc.computed["defaultSecurityGroupId"],
            "security-group",
            name="default",
            description="default VPC security group",
        ),
    )


def _made_by_aws(
    mint: Mint, vpc: Resource, token: str, identifier: str, kind: str, **inputs: str
) -> Resource:
    """Return a resource without a URN, as AWS and not a program makes it."""
    computed = {"arn": mint.arn("ec2", f"{kind}/{identifier}"), "ownerId": mint.account.account_id}
    return Resource(token, identifier, "", vpc.region, {"vpcId": vpc.id, **inputs}, computed)


def _deletion_rules(vpc: Resource, account: Account) -> Refusals:
    """Refuse the deletion of the default VPC, because AWS's subnets are in it."""
    if is_default(vpc):
        subnets = [each.id for each in account.where(SUBNET, "vpcId", vpc.id)]
        message = f"The vpc '{vpc.id}' has dependencies and cannot be deleted: {', '.join(subnets)}"
        yield Refusal("DependencyViolation", message, "ec2.vpc.default")


TYPES = (
    ResourceType(
        token=VPC,
        replaces=frozenset({"cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength", "region"}),
        replaces_if=_replaces_if,
        defaults={
            "enableDnsSupport": True,
            "enableDnsHostnames": False,
            "enableNetworkAddressUsageMetrics": False,
            "instanceTenancy": "default",
            "assignGeneratedIpv6CidrBlock": False,
        },
        limits=(
            Limit("cidrBlock", cidr(16, 28), "ec2.vpc.cidr"),
            Limit("instanceTenancy", one_of("default", "dedicated"), "ec2.vpc.tenancy"),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
        updated=_updated,
        implied=_implied,
        deletion_rules=_deletion_rules,
        held=("DependencyViolation", "ec2.vpc.held"),
    ),
)
