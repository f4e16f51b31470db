"""EC2: internet gateways, egress-only gateways, NAT gateways, and elastic addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import (
    EGRESS_ONLY_GATEWAY,
    EIP,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    SUBNET,
    ec2_id,
    has_internet_gateway,
    id_arn_and_owner,
    in_vpc,
    stacks_to_destroy,
    vpc_of,
    vpc_of_gateway,
)
from localaws.catalog.elb.load_balancers import LOAD_BALANCER, subnets_of
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.partitions import partition_of
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType, Unique
from localaws.catalog.values import Limit, block, given, one_of, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

EIPS_PER_REGION = 5
"""AWS's default quota."""


def _internet_gateway_deletion_rules(gateway: Resource, account: Account) -> Refusals:
    """Refuse while a resource in the VPC has a public address."""
    vpc = gateway.inputs.get("vpcId")
    if vpc is None:
        return
    for token, vpcs_with_public_address in _VPCS_WITH_PUBLIC_ADDRESS.items():
        for each in account.all(token):
            if vpc in vpcs_with_public_address(account, each.inputs):
                message = (
                    f"Network {vpc} has some mapped public address(es): those of {each.id}. "
                    "Please unmap those public address(es) before detaching the gateway."
                )
                yield Refusal("DependencyViolation", message, "ec2.internet-gateway.held")


def _vpcs_of_load_balancer(account: Account, inputs: Properties) -> set[object]:
    if inputs.get("internal") is True or inputs.get("loadBalancerType") == "gateway":
        return set()
    return {vpc_of(account, subnet) for subnet in subnets_of(inputs)}


def _vpcs_of_nat_gateway(account: Account, inputs: Properties) -> set[object]:
    if inputs.get("connectivityType") == "private":
        return set()
    return {vpc_of_gateway(account, inputs)}


def _vpcs_of_service(account: Account, inputs: Properties) -> set[object]:
    network = block(inputs.get("networkConfiguration"))
    if network.get("assignPublicIp") is not True:
        return set()
    return {vpc_of(account, subnet) for subnet in texts(network.get("subnets"))}


_VPCS_WITH_PUBLIC_ADDRESS: Mapping[str, Callable[[Account, Properties], set[object]]] = {
    LOAD_BALANCER: _vpcs_of_load_balancer,
    NAT_GATEWAY: _vpcs_of_nat_gateway,
    "aws:ecs/service:Service": _vpcs_of_service,
}
"""By type, a function that returns the VPCs in which a resource with these inputs has a public
address.
"""


def _nat_gateway_rules(inputs: Properties) -> Refusals:
    private = inputs.get("connectivityType") == "private"
    mode = inputs.get("availabilityMode")
    if mode is UNKNOWN:
        return  # The mode decides which inputs are required.
    if mode == "regional":
        if private or given(inputs, "subnetId"):
            message = (
                "a regional NAT gateway is public and has no subnet: set vpcId instead of "
                "subnetId, and leave out connectivityType private"
            )
            yield Refusal("InvalidArgument", message, "ec2.nat-gateway.regional")
        if not given(inputs, "vpcId"):
            message = "vpcId is required, because availabilityMode is regional"
            yield Refusal("InvalidArgument", message, "ec2.nat-gateway.vpc-required", "vpcId")
        return
    if not given(inputs, "subnetId"):
        message = "subnetId is required, unless availabilityMode is regional"
        yield Refusal("InvalidArgument", message, "ec2.nat-gateway.subnet-required", "subnetId")
    if private and given(inputs, "allocationId", "secondaryAllocationIds"):
        message = (
            "a private NAT gateway has no elastic address: leave out allocationId and "
            "secondaryAllocationIds"
        )
        yield Refusal("InvalidArgument", message, "ec2.nat-gateway.private", "allocationId")
    if inputs.get("connectivityType") in ("public", None) and not given(inputs, "allocationId"):
        message = "a public NAT gateway needs the allocationId of an elastic address"
        yield Refusal("InvalidArgument", message, "ec2.nat-gateway.address", "allocationId")


def _nat_gateway_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    if current is not None or inputs.get("connectivityType") == "private":
        return
    vpc = vpc_of_gateway(account, inputs)
    if not has_internet_gateway(account, vpc):
        message = (
            f"Network {vpc} has no Internet gateway attached, which a public NAT gateway needs: "
            "attach one first, with dependsOn"
        )
        name = "vpcId" if given(inputs, "vpcId") else "subnetId"
        yield Refusal("Gateway.NotAttached", message, "ec2.nat-gateway.internet", name)


def _nat_gateway_computed(mint: Mint, inputs: Properties) -> Properties:
    address = mint.account.get(EIP, inputs.get("allocationId"))
    return {
        "id": ec2_id(mint, "nat"),
        "publicIp": address.outputs["publicIp"] if address else "",
        "privateIp": f"10.255.{int(mint.hex(2), 16)}.{int(mint.hex(2), 16)}",
        "networkInterfaceId": ec2_id(mint, "eni"),
        "associationId": ec2_id(mint, "eipassoc"),
    }


def _eip_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if current is not None:
        return
    region = inputs.get("region")
    addresses = [each for each in account.all(EIP) if each.region == region]
    if len(addresses) >= EIPS_PER_REGION:
        message = (
            f"The maximum number of addresses in {region} is reached: {EIPS_PER_REGION}"
            f"{stacks_to_destroy(addresses)}"
        )
        yield Refusal("AddressLimitExceeded", message, "ec2.eip.quota")


def _free_elastic_address(mint: Mint) -> str:
    """Return an address of a range for documentation (RFC 5737), which no real traffic has.

    It is in the range's upper half, as load balancers and tasks get the lowest free ones.
    """
    taken = {each.outputs.get("publicIp") for each in mint.account.all(EIP)}
    addresses = [f"203.0.113.{number}" for number in range(128, 255)]
    # With all of them taken, which the quota allows in many regions together, two share one.
    candidates = [address for address in addresses if address not in taken] or addresses
    return candidates[int(mint.hex(4), 16) % len(candidates)]


def _eip_computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "eipalloc")
    address = _free_elastic_address(mint)
    domain = f"{mint.region}.compute.{partition_of(mint.region).suffix}"
    return {
        "id": identifier,
        "allocationId": identifier,
        "arn": mint.arn("ec2", f"elastic-ip/{identifier}"),
        "publicIp": address,
        "publicDns": f"ec2-{address.replace('.', '-')}.{domain}",
        "associationId": "",
    }


TYPES = (
    ResourceType(
        token=INTERNET_GATEWAY,
        only_recorded=NO_PACKET,
        replaces=frozenset({"region"}),
        references=(in_vpc("ec2.internet-gateway.vpc-exists"),),
        unique=(
            Unique(
                ("vpcId",),
                "Resource.AlreadyAssociated",
                "ec2.internet-gateway.one-per-vpc",
                "Network {vpcId} already has an internet gateway attached",
            ),
        ),
        computed=id_arn_and_owner("igw", "internet-gateway"),
        deletion_rules=_internet_gateway_deletion_rules,
    ),
    ResourceType(
        token=EGRESS_ONLY_GATEWAY,
        only_recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        references=(in_vpc("ec2.egress-only-gateway.vpc-exists"),),
        computed=lambda mint, _inputs: {"id": ec2_id(mint, "eigw")},
    ),
    ResourceType(
        token=NAT_GATEWAY,
        only_recorded=NO_PACKET,
        replaces=frozenset(
            {
                "subnetId",
                "allocationId",
                "connectivityType",
                "privateIp",
                "availabilityMode",
                "vpcId",
                "region",
                "secondaryPrivateIpAddressCount",
            }
        ),
        defaults={"connectivityType": "public", "availabilityMode": "zonal"},
        limits=(
            Limit("connectivityType", one_of("public", "private"), "ec2.nat-gateway.connectivity"),
            Limit("availabilityMode", one_of("zonal", "regional"), "ec2.nat-gateway.mode"),
        ),
        references=(
            in_vpc("ec2.nat-gateway.vpc-exists"),
            Reference("subnetId", SUBNET, "InvalidSubnet", "ec2.nat-gateway.subnet-exists", "held"),
            Reference(
                "allocationId",
                EIP,
                "InvalidAllocationID.NotFound",
                "ec2.nat-gateway.address-exists",
                "held",
            ),
            Reference(
                "secondaryAllocationIds[]",
                EIP,
                "InvalidAllocationID.NotFound",
                "ec2.nat-gateway.address-exists",
                "held",
            ),
        ),
        unique=(
            Unique(
                ("allocationId",),
                "Resource.AlreadyAssociated",
                "ec2.nat-gateway.address-in-use",
                "Elastic IP address {allocationId} is already associated",
            ),
        ),
        rules=_nat_gateway_rules,
        account_rules=_nat_gateway_account_rules,
        computed=_nat_gateway_computed,
    ),
    ResourceType(
        token=EIP,
        only_recorded=NO_PACKET,
        replaces=frozenset({"domain", "address", "publicIpv4Pool", "networkBorderGroup", "region"}),
        defaults={"domain": "vpc"},
        limits=(Limit("domain", one_of("vpc", "standard"), "ec2.eip.domain"),),
        account_rules=_eip_account_rules,
        computed=_eip_computed,
        held=("InvalidIPAddress.InUse", "ec2.eip.held"),
    ),
)
