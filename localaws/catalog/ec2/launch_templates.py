"""EC2: launch templates."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import ec2_id
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, ResourceType, Unique
from localaws.catalog.values import (
    ARN,
    Limit,
    block,
    blocks,
    given,
    length,
    matches,
    number,
    one_of,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

LARGEST_USER_DATA = 16384
"""In bytes, before they are encoded. Source: EC2, "Run commands at launch"."""

_NAME = matches(
    r"[a-zA-Z0-9().\-/_]{3,128}", "3 to 128 letters, digits and ().-/_, as EC2 requires"
)
_FLAG = one_of("true", "false", "")
"""The values of booleans that Pulumi has as texts; the provider leaves out an empty one."""

_EXCLUSIVE = (
    ("defaultVersion", "updateDefaultVersion"),
    ("instanceType", "instanceRequirements"),
    ("securityGroupNames", "vpcSecurityGroupIds"),
)
_WITHOUT_VERSION = frozenset(
    {"defaultVersion", "name", "namePrefix", "region", "tags", "updateDefaultVersion"}
)
"""Inputs whose change makes no new version of a template."""

_METADATA = "ec2.launch-template.metadata"
_VOLUME_TYPES = ("standard", "io1", "io2", "gp2", "sc1", "st1", "gp3")


def user_data(template: Properties) -> bytes:
    """Return a template's decoded user data; empty if there is none.

    Raises:
        ValueError: It isn't Base64.
    """
    encoded = text(template.get("userData")) or ""
    return base64.b64decode(encoded, validate=True)


def security_groups_of(template: Properties) -> list[str]:
    """Return the ids of the security groups that a template gives to an instance."""
    groups = texts(template.get("vpcSecurityGroupIds"))
    for interface in blocks(template.get("networkInterfaces")):
        groups += texts(interface.get("securityGroups"))
    return groups


def _rules(inputs: Properties) -> Refusals:
    for first, second in _EXCLUSIVE:
        if _is_set(inputs, first) and _is_set(inputs, second):
            message = f"{first} conflicts with {second}; set one of them"
            yield Refusal("InvalidArgument", message, "ec2.launch-template.exclusive", second)
    if len(given(block(inputs.get("iamInstanceProfile")), "arn", "name")) > 1:
        message = "iamInstanceProfile.arn conflicts with iamInstanceProfile.name; set one of them"
        yield Refusal(
            "InvalidArgument", message, "ec2.launch-template.exclusive", "iamInstanceProfile"
        )
    lists = ("vpcSecurityGroupIds", "securityGroupNames")
    groups = [name for name in lists if _is_set(inputs, name)]
    if groups and blocks(inputs.get("networkInterfaces")):
        message = (
            "Network interfaces and an instance-level security groups may not be specified on "
            f"the same request: {', '.join(groups)} and networkInterfaces"
        )
        yield Refusal(
            "InvalidParameterCombination", message, "ec2.launch-template.interfaces", groups[0]
        )
    yield from _user_data_rules(inputs)
    yield from _volume_rules(inputs)


def _is_set(inputs: Properties, name: str) -> bool:
    """Return whether the provider sends an input: it leaves out empty ones."""
    return inputs.get(name) not in (None, UNKNOWN, False, "", [], {})


def _user_data_rules(inputs: Properties) -> Refusals:
    try:
        decoded = user_data(inputs)
    except ValueError:
        yield Refusal(
            "InvalidUserData.Malformed",
            "Invalid BASE64 encoding of user data: set userData to the script in Base64",
            "ec2.launch-template.user-data",
            "userData",
        )
        return
    if len(decoded) > LARGEST_USER_DATA:
        message = f"User data is limited to {LARGEST_USER_DATA} bytes, got {len(decoded)}"
        yield Refusal("InvalidUserData", message, "ec2.launch-template.user-data", "userData")


def _volume_rules(inputs: Properties) -> Refusals:
    rule, property_ = "ec2.launch-template.volume", "blockDeviceMappings"
    for mapping in blocks(inputs.get(property_)):
        device = mapping.get("deviceName")
        volume = block(mapping.get("ebs"))
        kind = volume.get("volumeType")
        if volume.get("kmsKeyId") and volume.get("encrypted") in (None, "", "false"):
            message = (
                f"{device}: the parameter KmsKeyId requires the parameter Encrypted to be set: set "
                'encrypted to "true"'
            )
            yield Refusal("InvalidParameterDependency", message, rule, property_)
        without_throughput = kind in _VOLUME_TYPES and kind != "gp3"
        if number(volume.get("throughput")) and without_throughput:
            message = (
                f"{device}: the parameter throughput is not supported for {kind} volumes: leave it "
                "out, or use gp3"
            )
            yield Refusal("InvalidParameterCombination", message, rule, property_)


def _computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "lt")
    return {
        "id": identifier,
        "arn": mint.arn("ec2", f"launch-template/{identifier}"),
        "latestVersion": 1,
        "defaultVersion": 1,
    }


def _updated(current: Resource, inputs: Properties) -> Properties:
    """Return the latest and the default version after an update.

    Every change of an input that a version contains makes a new version. The default version
    changes only if the program sets it. Source: launch_template.go of the Terraform provider.
    """
    latest = int(number(current.computed.get("latestVersion")) or 1)
    names = (current.inputs.keys() | inputs.keys()) - _WITHOUT_VERSION
    if any(current.inputs.get(name) != inputs.get(name) for name in names):
        latest += 1
    default = number(inputs.get("defaultVersion"))
    if inputs.get("updateDefaultVersion") is True:
        default = latest
    if default is None:
        default = number(current.computed.get("defaultVersion")) or 1
    return {"latestVersion": latest, "defaultVersion": int(default)}


def _account_rules(inputs: Properties, _account: Account, current: Resource | None) -> Refusals:
    latest = number(current.computed.get("latestVersion")) if current else 1
    default = number(inputs.get("defaultVersion"))
    # The default can be the version that the same update creates, because the provider changes the
    # default afterwards.
    if default is not None and latest is not None and not 1 <= default <= latest + 1:
        message = f"Could not find launch template version {default:g}: the latest is {latest:g}"
        yield Refusal(
            "InvalidLaunchTemplateId.VersionNotFound",
            message,
            "ec2.launch-template.version",
            "defaultVersion",
        )


TYPES = (
    ResourceType(
        token=LAUNCH_TEMPLATE,
        autoname=AutoName(longest=128),
        replaces=frozenset({"name", "namePrefix", "region"}),
        unordered=frozenset({"vpcSecurityGroupIds", "securityGroupNames"}),
        limits=(
            Limit("name", _NAME, "ec2.launch-template.name"),
            Limit("description", length(0, 255), "ec2.launch-template.description"),
            Limit(
                "instanceType",
                matches(r"[a-z0-9-]+\.[a-z0-9-]+", "an instance type such as t3.small"),
                "ec2.launch-template.type",
                "InvalidParameterValue",
            ),
            Limit("metadataOptions.httpTokens", one_of("optional", "required"), _METADATA),
            Limit("metadataOptions.httpEndpoint", one_of("enabled", "disabled"), _METADATA),
            Limit("metadataOptions.httpPutResponseHopLimit", within(1, 64), _METADATA),
            Limit("metadataOptions.instanceMetadataTags", one_of("enabled", "disabled"), _METADATA),
            Limit("iamInstanceProfile.arn", ARN, "ec2.launch-template.profile"),
            Limit("blockDeviceMappings[].ebs.encrypted", _FLAG, "ec2.launch-template.flag"),
            Limit(
                "blockDeviceMappings[].ebs.deleteOnTermination", _FLAG, "ec2.launch-template.flag"
            ),
            Limit("blockDeviceMappings[].ebs.kmsKeyId", ARN, "ec2.launch-template.volume"),
            Limit(
                "blockDeviceMappings[].ebs.volumeType",
                one_of(*_VOLUME_TYPES),
                "ec2.launch-template.volume",
            ),
            Limit(
                "networkInterfaces[].associatePublicIpAddress", _FLAG, "ec2.launch-template.flag"
            ),
            Limit("networkInterfaces[].deleteOnTermination", _FLAG, "ec2.launch-template.flag"),
            Limit("ebsOptimized", _FLAG, "ec2.launch-template.flag"),
            Limit(
                "instanceInitiatedShutdownBehavior",
                one_of("stop", "terminate"),
                "ec2.launch-template.shutdown",
            ),
        ),
        unique=(
            Unique(
                ("name",),
                "InvalidLaunchTemplateName.AlreadyExistsException",
                "ec2.launch-template.unique",
                "Launch template name already in use: {name}; choose another one",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
        updated=_updated,
    ),
)
