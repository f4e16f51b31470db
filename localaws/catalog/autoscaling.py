"""EC2 Auto Scaling: groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import uuid
from localaws.catalog.amis import architecture_of_image, architecture_of_type, is_image
from localaws.catalog.ec2.launch_templates import LAUNCH_TEMPLATE, security_groups_of
from localaws.catalog.ec2.network import SECURITY_GROUP, SUBNET, vpc_of, zone_of
from localaws.catalog.iam.roles import INSTANCE_PROFILE
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    ARN,
    Limit,
    block,
    blocks,
    duplicates,
    exactly_one,
    given,
    matches,
    number,
    one_of,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

GROUP = "aws:autoscaling/group:Group"

_TEMPLATES = ("launchConfiguration", "launchTemplate", "mixedInstancesPolicy")
_INVALID = "ValidationError"
_FULLY_FORMED = "You must use a valid fully-formed launch template."
_DURATION = matches(r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+|0", 'a duration such as "10m", or "0"')
_HEALTH_CHECKS = matches(
    r"(EC2|EBS|ELB|VPC_LATTICE)(,(EC2|EBS|ELB|VPC_LATTICE))*",
    "EC2, EBS, ELB or VPC_LATTICE, several with commas between them",
)
_REFRESH = "instanceRefresh.preferences"


def _rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _TEMPLATES, "autoscaling.group.one-template")
    template = inputs.get("launchTemplate")
    if isinstance(template, dict):
        where = "launchTemplate: "
        yield from exactly_one(
            template, ("id", "name"), "autoscaling.group.one-template-name", where=where
        )
    subnets, zones = inputs.get("vpcZoneIdentifiers"), inputs.get("availabilityZones")
    if subnets and zones:
        message = "availabilityZones conflicts with vpcZoneIdentifiers: remove one of them"
        yield Refusal("InvalidArgument", message, "autoscaling.group.zones", "availabilityZones")
    if not subnets and not zones and subnets is not UNKNOWN and zones is not UNKNOWN:
        message = "At least one Availability Zone or VPC Subnet is required."
        yield Refusal(_INVALID, message, "autoscaling.group.zones", "vpcZoneIdentifiers")
    for name in duplicates(texts(values_at(inputs, "tags[].key"))):
        message = f"tags has the key {name!r} more than once"
        yield Refusal(_INVALID, message, "autoscaling.group.tags", "tags")
    yield from _size_rules(inputs)
    yield from _refresh_rules(inputs)


def _size_rules(inputs: Properties) -> Refusals:
    least, most = number(inputs.get("minSize")), number(inputs.get("maxSize"))
    if least is None or most is None:
        return
    if least > most:
        message = f"Max bound, {most:g}, must be greater than or equal to min bound, {least:g}"
        yield Refusal(_INVALID, message, "autoscaling.group.bounds", "maxSize")
        return
    desired = number(inputs.get("desiredCapacity"))
    if desired is not None and not least <= desired <= most:
        message = (
            f"Desired capacity:{desired:g} must be between the specified min size:{least:g} "
            f"and max size:{most:g}"
        )
        yield Refusal(_INVALID, message, "autoscaling.group.bounds", "desiredCapacity")


def _refresh_rules(inputs: Properties) -> Refusals:
    preferences = block(block(inputs.get("instanceRefresh")).get("preferences"))
    least = number(preferences.get("minHealthyPercentage"))
    most = number(preferences.get("maxHealthyPercentage"))
    if most is None or preferences.get("minHealthyPercentage") is UNKNOWN:
        return
    if least is None or most - least > 100:  # noqa: PLR2004 — percent
        message = (
            "maxHealthyPercentage needs a minHealthyPercentage that is at most 100 lower, got "
            f"{most:g} and {preferences.get('minHealthyPercentage')}"
        )
        yield Refusal(_INVALID, message, "autoscaling.group.refresh", "instanceRefresh")


def template_of(account: Account, group: Properties) -> Resource | None:
    """Return the launch template of a group's inputs, if it is a resource of the account."""
    template = block(group.get("launchTemplate"))
    if text(template.get("id")):
        return account.get(LAUNCH_TEMPLATE, template["id"])
    named = account.where(LAUNCH_TEMPLATE, "name", template.get("name"))
    return named[0] if named else None


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    template = block(inputs.get("launchTemplate"))
    if not template or not (text(template.get("id")) or text(template.get("name"))):
        return
    if current is not None and current.inputs.get("launchTemplate") == template:
        return
    found = template_of(account, inputs)
    if found is None:
        message = (
            f"{_FULLY_FORMED} The specified launch template, with template "
            f"{template.get('id') or template.get('name')}, does not exist."
        )
        yield Refusal(_INVALID, message, "autoscaling.group.template-exists", "launchTemplate")
        return
    yield from _version_rules(template, found)
    for message in _template_problems(found.outputs, inputs, account):
        yield Refusal(
            _INVALID, f"{_FULLY_FORMED} {message}", "autoscaling.group.template", "launchTemplate"
        )


def _version_rules(template: Properties, found: Resource) -> Refusals:
    version = str(template.get("version") or "$Default")
    latest = int(number(found.computed.get("latestVersion")) or 1)
    exists = version.isdecimal() and 1 <= int(version) <= latest
    if version not in ("$Default", "$Latest") and not exists:
        message = (
            f"{_FULLY_FORMED} The specified launch template version {version} does not exist; "
            f"{found.id} has 1 to {latest}"
        )
        yield Refusal(_INVALID, message, "autoscaling.group.template-exists", "launchTemplate")


def _template_problems(template: Properties, group: Properties, account: Account) -> Iterator[str]:
    """Yield why no instance could be launched from a template in a group's subnets."""
    image, instance_type = text(template.get("imageId")), text(template.get("instanceType"))
    if not image:
        yield "The request must contain the parameter ImageId"
    elif not is_image(image):
        yield f'Invalid id: "{image}" (expecting "ami-...")'
    if not instance_type and not template.get("instanceRequirements"):
        yield "The request must contain the parameter InstanceType"
    of_image = architecture_of_image(image or "")
    of_type = architecture_of_type(instance_type or "")
    if of_image and of_type and of_image != of_type:
        yield (
            f"The architecture '{of_type}' of the specified instance type does not match the "
            f"architecture '{of_image}' of the specified AMI. Specify an instance type and an "
            "AMI that have matching architectures, and try again."
        )
    profile = block(template.get("iamInstanceProfile"))
    name = str(profile.get("arn") or profile.get("name") or "").rpartition("/")[2]
    if name and account.find(INSTANCE_PROFILE, name) is None:
        yield (
            f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM "
            "Instance Profile name"
        )
    yield from _security_group_problems(template, group, account)


def _security_group_problems(
    template: Properties, group: Properties, account: Account
) -> Iterator[str]:
    """Yield the security groups of a template that don't exist or are in another VPC."""
    for identifier in security_groups_of(template):
        security_group = account.find(SECURITY_GROUP, identifier)
        if security_group is None:
            yield f"The security group '{identifier}' does not exist"
            continue
        vpc = security_group.outputs.get("vpcId")
        for subnet in texts(group.get("vpcZoneIdentifiers")):
            # A subnet that isn't a resource has no known VPC.
            if vpc_of(account, subnet) not in (None, vpc):
                yield (
                    f"Security group {identifier} and subnet {subnet} belong to different networks."
                )


def _computed(mint: Mint, inputs: Properties) -> Properties:
    name = str(inputs.get("name"))
    arn = mint.arn("autoscaling", f"autoScalingGroup:{uuid(mint)}:autoScalingGroupName/{name}")
    zones = []
    for subnet in texts(inputs.get("vpcZoneIdentifiers")):
        zone = zone_of(mint.account, subnet)
        if zone is not None and zone not in zones:
            zones.append(zone)
    chosen = {} if given(inputs, "availabilityZones") else {"availabilityZones": zones}
    role = mint.arn(
        "iam",
        "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        region="",
    )
    linked = {} if given(inputs, "serviceLinkedRoleArn") else {"serviceLinkedRoleArn": role}
    return {"id": name, "arn": arn, "predictedCapacity": 0, "warmPoolSize": 0, **chosen, **linked}


def _derived(inputs: Properties) -> Properties:
    """Return the capacity that a group starts with: its least size, unless the program sets it."""
    return {} if given(inputs, "desiredCapacity") else {"desiredCapacity": inputs.get("minSize")}


def has_tag(group: Properties, key: str) -> bool:
    """Return whether a group's inputs have a tag."""
    return any(each.get("key") == key for each in blocks(group.get("tags")))


TYPES = (
    ResourceType(
        token=GROUP,
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", "initialLifecycleHooks", "region"}),
        unordered=frozenset(
            {
                "availabilityZones",
                "enabledMetrics",
                "suspendedProcesses",
                "tags",
                "targetGroupArns",
                "vpcZoneIdentifiers",
            }
        ),
        defaults={
            "defaultCooldown": 300,
            "forceDelete": False,
            "forceDeleteWarmPool": False,
            "healthCheckGracePeriod": 300,
            "healthCheckType": "EC2",
            "ignoreFailedScalingActivities": False,
            "metricsGranularity": "1Minute",
            "protectFromScaleIn": False,
            "waitForCapacityTimeout": "10m",
        },
        derived=_derived,
        limits=(
            Limit(
                "name",
                matches(r"[^:]{1,255}", "1 to 255 characters without a colon"),
                "autoscaling.group.name",
            ),
            Limit("minSize", within(0, 10000), "autoscaling.group.bounds", _INVALID),
            Limit("maxSize", within(0, 10000), "autoscaling.group.bounds", _INVALID),
            Limit("healthCheckType", _HEALTH_CHECKS, "autoscaling.group.health-check"),
            Limit("waitForCapacityTimeout", _DURATION, "autoscaling.group.wait"),
            Limit("instanceRefresh.strategy", one_of("Rolling"), "autoscaling.group.refresh"),
            Limit(
                f"{_REFRESH}.scaleInProtectedInstances",
                one_of("Refresh", "Ignore", "Wait"),
                "autoscaling.group.refresh",
            ),
            Limit(
                f"{_REFRESH}.standbyInstances",
                one_of("Terminate", "Ignore", "Wait"),
                "autoscaling.group.refresh",
            ),
            Limit(f"{_REFRESH}.minHealthyPercentage", within(0, 100), "autoscaling.group.refresh"),
            Limit(
                f"{_REFRESH}.maxHealthyPercentage", within(100, 200), "autoscaling.group.refresh"
            ),
            Limit("serviceLinkedRoleArn", ARN, "autoscaling.group.role"),
        ),
        references=(
            Reference(
                "vpcZoneIdentifiers[]", SUBNET, _INVALID, "autoscaling.group.subnet-exists", "held"
            ),
        ),
        unique=(
            Unique(
                ("name",),
                "AlreadyExists",
                "autoscaling.group.unique",
                "AutoScalingGroup by this name already exists - A group with the name {name} "
                "already exists",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
        # Capacity providers refer to it by its ARN.
        import_ids=lambda group: (group.id, str(group.computed["arn"])),
    ),
)
