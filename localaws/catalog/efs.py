"""EFS: file systems, mount targets and access points."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from localaws.catalog.account import is_current, others_with_same
from localaws.catalog.ec2.network import (
    SECURITY_GROUP,
    SUBNET,
    ec2_id,
    vpc_of,
    zone_id,
    zone_of,
    zones_of,
)
from localaws.catalog.only_recorded import NO_FILE_SYSTEM
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import resource_policy_rules
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType, Unique
from localaws.catalog.values import (
    ARN,
    Allowed,
    Limit,
    block,
    blocks,
    given,
    network,
    number,
    size,
    text,
    texts,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

FILE_SYSTEM = "aws:efs/fileSystem:FileSystem"
MOUNT_TARGET = "aws:efs/mountTarget:MountTarget"
ACCESS_POINT = "aws:efs/accessPoint:AccessPoint"
POLICY = "aws:efs/fileSystemPolicy:FileSystemPolicy"

_BAD_REQUEST = "BadRequest"
_FIRST_FREE = 10
"""The position in a subnet of the first address for mount targets."""


def _arn(mint: Mint, kind: str, identifier: object) -> str:
    return mint.arn("elasticfilesystem", f"{kind}/{identifier}")


def _dns_name(mint: Mint, name: object) -> str:
    return f"{name}.efs.{mint.region}.{partition_of(mint.region).suffix}"


def _file_system_rules(inputs: Properties) -> Refusals:
    if given(inputs, "kmsKeyId") and inputs.get("encrypted") in (None, False):
        message = "encrypted must be set to true when kms_key_id is specified"
        yield Refusal("InvalidArgument", message, "efs.file-system.encrypted", "kmsKeyId")
    mode, throughput = inputs.get("throughputMode"), inputs.get("provisionedThroughputInMibps")
    if mode == "provisioned" and throughput is None:
        message = "throughputMode provisioned needs provisionedThroughputInMibps"
        yield Refusal(
            _BAD_REQUEST, message, "efs.file-system.throughput", "provisionedThroughputInMibps"
        )
    if inputs.get("performanceMode") == "maxIO":
        unsupported = []
        if mode == "elastic":
            unsupported.append("throughputMode elastic")
        if given(inputs, "availabilityZoneName"):
            unsupported.append("a file system in one zone")
        for what in unsupported:
            message = f"performanceMode maxIO is not supported with {what}"
            yield Refusal(_BAD_REQUEST, message, "efs.file-system.max-io", "performanceMode")
    for index, policy in enumerate(blocks(inputs.get("lifecyclePolicies"))):
        if len(given(policy, *policy)) != 1:
            message = (
                f"lifecyclePolicies[{index}] must have exactly one transition, got "
                f"{', '.join(policy) or 'none'}"
            )
            yield Refusal(_BAD_REQUEST, message, "efs.file-system.lifecycle", "lifecyclePolicies")


def _file_system_account_rules(
    inputs: Properties, _account: Account, _current: Resource | None
) -> Refusals:
    zone, region = text(inputs.get("availabilityZoneName")), text(inputs.get("region"))
    if zone and zone not in zones_of(region or zone[:-1]):
        message = f"the availability zone {zone} does not exist"
        yield Refusal(_BAD_REQUEST, message, "efs.file-system.zone", "availabilityZoneName")


def _file_system_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "fs")
    zone = text(inputs.get("availabilityZoneName"))
    token = {}
    if not given(inputs, "creationToken"):
        token["creationToken"] = f"terraform-{mint.digits(26)}"
    return {
        "id": identifier,
        "arn": _arn(mint, "file-system", identifier),
        "availabilityZoneId": zone_id(zone) if zone else "",
        "dnsName": _dns_name(mint, identifier),
        "numberOfMountTargets": 0,
        "ownerId": mint.account.account_id,
        "sizeInBytes": [{"value": 6144, "valueInIa": 0, "valueInStandard": 6144}],
        **token,
    }


def _file_system_derived(inputs: Properties) -> Properties:
    return {"name": block(inputs.get("tags")).get("Name", "")}


def _mount_target_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    subnet = account.find(SUBNET, inputs.get("subnetId"))
    zone, vpc = zone_of(account, inputs.get("subnetId")), vpc_of(account, inputs.get("subnetId"))
    for other in others_with_same(account, MOUNT_TARGET, inputs, current, "fileSystemId"):
        if vpc_of(account, other.inputs.get("subnetId")) != vpc:
            message = f"the file system has a mount target in another VPC, {other.id}"
            yield Refusal("MountTargetConflict", message, "efs.mount-target.one-vpc", "subnetId")
        elif zone_of(account, other.inputs.get("subnetId")) == zone:
            message = f"mount target already exists in this AZ: {other.id} in {zone}"
            yield Refusal(
                "MountTargetConflict", message, "efs.mount-target.one-per-zone", "subnetId"
            )
    file_system = account.get(FILE_SYSTEM, inputs.get("fileSystemId"))
    only = file_system.inputs.get("availabilityZoneName") if file_system else None
    if only and only != zone:
        message = f"the file system is in the availability zone {only}, the subnet in {zone}"
        yield Refusal("AvailabilityZonesMismatch", message, "efs.mount-target.zone", "subnetId")
    for group in texts(inputs.get("securityGroups")):
        found = account.get(SECURITY_GROUP, group)
        if found is not None and found.outputs.get("vpcId") != vpc:
            message = f"the security group {group} is in another VPC than the subnet"
            yield Refusal(
                "SecurityGroupNotFound", message, "efs.mount-target.same-vpc", "securityGroups"
            )
    yield from _address_rules(inputs, account, subnet, current)


def _address_rules(
    inputs: Properties, account: Account, subnet: Resource | None, current: Resource | None
) -> Refusals:
    address = text(inputs.get("ipAddress"))
    subnet_range = network(subnet.outputs.get("cidrBlock")) if subnet else None
    if not address or not _is_address(address):
        return
    if subnet_range is not None and ipaddress.ip_address(address) not in subnet_range:
        message = f"the address {address} is not in the subnet's {subnet_range}"
        yield Refusal(_BAD_REQUEST, message, "efs.mount-target.address", "ipAddress")
    vpc = vpc_of(account, inputs.get("subnetId"))
    for other in account.where(MOUNT_TARGET, "ipAddress", address):
        if is_current(other, current):
            continue
        if vpc_of(account, other.inputs.get("subnetId")) == vpc:
            message = f"the address {address} is in use by {other.id}"
            yield Refusal("IpAddressInUse", message, "efs.mount-target.address-in-use", "ipAddress")


def _mount_target_computed(mint: Mint, inputs: Properties) -> Properties:
    file_system = inputs.get("fileSystemId")
    subnet = mint.account.find(SUBNET, inputs.get("subnetId"))
    zone = text(zone_of(mint.account, inputs.get("subnetId"))) or ""
    subnet_range = network(subnet.outputs.get("cidrBlock")) if subnet else None
    chosen: dict[str, object] = {}
    if not given(inputs, "ipAddress") and subnet_range is not None:
        position = _FIRST_FREE + mint.count(f"efs/{inputs.get('subnetId')}")
        chosen["ipAddress"] = str(subnet_range[position % subnet_range.num_addresses])
    if not given(inputs, "securityGroups"):
        vpc = vpc_of(mint.account, inputs.get("subnetId"))
        groups = mint.account.where(SECURITY_GROUP, "vpcId", vpc)
        # The one that AWS made is the VPC's default group.
        chosen["securityGroups"] = [each.id for each in groups if each.made_by_aws]
    return {
        "id": ec2_id(mint, "fsmt"),
        "availabilityZoneId": zone_id(zone) if zone else "",
        "availabilityZoneName": zone,
        "dnsName": _dns_name(mint, file_system),
        "fileSystemArn": _arn(mint, "file-system", file_system),
        "mountTargetDnsName": _dns_name(mint, f"{zone}.{file_system}"),
        "networkInterfaceId": ec2_id(mint, "eni"),
        "ownerId": mint.account.account_id,
        **chosen,
    }


def _access_point_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "fsap")
    root = {} if given(inputs, "rootDirectory") else {"rootDirectory": {"path": "/"}}
    return {
        "id": identifier,
        "arn": _arn(mint, "access-point", identifier),
        "fileSystemArn": _arn(mint, "file-system", inputs.get("fileSystemId")),
        "ownerId": mint.account.account_id,
        **root,
    }


def _is_address(value: object) -> bool:
    try:
        return isinstance(ipaddress.ip_address(str(value)), ipaddress.IPv4Address)
    except ValueError:
        return False


def _is_throughput(value: object) -> bool:
    found = number(value)
    return found is not None and found >= 1


def _file_system(when_deleted: str) -> Reference:
    return Reference(
        "fileSystemId",
        FILE_SYSTEM,
        "FileSystemNotFound",
        "efs.file-system.exists",
        "held" if when_deleted == "held" else "gone",
    )


TYPES = (
    ResourceType(
        token=FILE_SYSTEM,
        only_recorded=NO_FILE_SYSTEM,
        replaces=frozenset(
            {
                "availabilityZoneName",
                "creationToken",
                "encrypted",
                "kmsKeyId",
                "performanceMode",
                "region",
            }
        ),
        defaults={
            "encrypted": False,
            "performanceMode": "generalPurpose",
            "throughputMode": "bursting",
        },
        derived=_file_system_derived,
        limits=(
            Limit("kmsKeyId", ARN, "efs.file-system.key"),
            Limit("lifecyclePolicies", size(0, 3), "efs.file-system.lifecycle"),
            Limit(
                "provisionedThroughputInMibps",
                Allowed("at least 1", _is_throughput),
                "efs.file-system.throughput",
                _BAD_REQUEST,
            ),
        ),
        unique=(
            Unique(
                ("creationToken",),
                "FileSystemAlreadyExists",
                "efs.file-system.unique",
                "a file system with the creation token {creationToken} already exists",
            ),
        ),
        rules=_file_system_rules,
        account_rules=_file_system_account_rules,
        computed=_file_system_computed,
        held=("FileSystemInUse", "efs.file-system.held"),
    ),
    ResourceType(
        token=MOUNT_TARGET,
        only_recorded=NO_FILE_SYSTEM,
        replaces=frozenset(
            {"fileSystemId", "subnetId", "ipAddress", "ipAddressType", "ipv6Address", "region"}
        ),
        unordered=frozenset({"securityGroups"}),
        limits=(
            Limit("ipAddress", Allowed("an IPv4 address", _is_address), "efs.mount-target.address"),
            Limit(
                "securityGroups",
                size(0, 5),
                "efs.mount-target.groups",
                "SecurityGroupLimitExceeded",
            ),
        ),
        references=(
            _file_system("held"),
            Reference(
                "subnetId", SUBNET, "SubnetNotFound", "efs.mount-target.subnet-exists", "held"
            ),
            Reference(
                "securityGroups[]",
                SECURITY_GROUP,
                "SecurityGroupNotFound",
                "efs.mount-target.group-exists",
                "held",
            ),
        ),
        account_rules=_mount_target_account_rules,
        computed=_mount_target_computed,
    ),
    ResourceType(
        token=ACCESS_POINT,
        only_recorded=NO_FILE_SYSTEM,
        replaces=frozenset({"fileSystemId", "posixUser", "rootDirectory", "region"}),
        references=(_file_system("gone"),),
        computed=_access_point_computed,
    ),
    ResourceType(
        token=POLICY,
        only_recorded=NO_FILE_SYSTEM,
        replaces=frozenset({"fileSystemId", "region"}),
        json=frozenset({"policy"}),
        references=(_file_system("gone"),),
        unique=(
            Unique(
                ("fileSystemId",),
                "AlreadyExistsException",
                "efs.policy.unique",
                (
                    "{fileSystemId} has a FileSystemPolicy already, and one resource would "
                    "overwrite the other"
                ),
            ),
        ),
        rules=lambda inputs: resource_policy_rules(
            inputs.get("policy"), "policy", "InvalidPolicyException"
        ),
        computed=lambda _mint, inputs: {"id": inputs.get("fileSystemId")},
    ),
)
