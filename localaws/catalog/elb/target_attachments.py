"""Elastic Load Balancing: targets that a program registers with a target group."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from localaws.catalog.account import is_current
from localaws.catalog.ec2.network import VPC
from localaws.catalog.elb.listeners import LISTENER
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType
from localaws.catalog.values import PORT, Limit, given, matches, network, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

TARGET_ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment"

ALL_ZONES = "all"

_RANGES_OUTSIDE_VPC = (
    ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_network("100.64.0.0/10"),
    ipaddress.ip_network("172.16.0.0/12"),
    ipaddress.ip_network("192.168.0.0/16"),
)
"""The address ranges that targets outside of the VPC can have.

Source: AWS's guide to target groups for Application Load Balancers, "Target type".
"""

_INSTANCE = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?")
_QUIC = ("QUIC", "TCP_QUIC")


def is_in_vpc(vpc: Resource | None, address: str) -> bool:
    """Return whether an IPv4 address is in the range of a VPC."""
    found = network(vpc.outputs.get("cidrBlock")) if vpc else None
    return found is not None and ipaddress.ip_address(address) in found


def attachments_of(
    account: Account, group: str, current: Resource | None = None
) -> Iterator[Resource]:
    """Yield the registered targets of a group, except for `current`."""
    for each in account.where(TARGET_ATTACHMENT, "targetGroupArn", group):
        if not is_current(each, current):
            yield each


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    group = account.get(TARGET_GROUP, inputs.get("targetGroupArn"))
    target = text(inputs.get("targetId"))
    if group is None or target is None:
        return
    yield from _quic_rules(inputs, group)
    match group.outputs.get("targetType"):
        case "ip":
            yield from _address_rules(inputs, account, group, target)
        case "lambda":
            yield from _function_rules(inputs, account, target, current)
        case "alb":
            yield from _balancer_rules(inputs, account, target, current)
        case _:
            yield from _instance_rules(inputs, target)


def _invalid(
    message: str, rule: str, name: str = "targetId", code: str = "ValidationError"
) -> Refusal:
    return Refusal(code, message, rule, name)


def _quic_rules(inputs: Properties, group: Resource) -> Refusals:
    """Require a QUIC server id if the group's protocol is one of QUIC's, and only then."""
    protocol = group.outputs.get("protocol")
    needs_id = protocol in _QUIC
    if needs_id != (inputs.get("quicServerId") is not None):
        verb = "needs a" if needs_id else "can't have a"
        message = f"a target of a group with protocol {protocol} {verb} quicServerId"
        yield _invalid(message, "elbv2.target.quic", "quicServerId")


def _address_rules(inputs: Properties, account: Account, group: Resource, target: str) -> Refusals:
    version = 6 if group.outputs.get("ipAddressType") == "ipv6" else 4
    try:
        address = ipaddress.ip_address(target)
    except ValueError:
        address = None
    if address is None or address.version != version:
        yield _invalid(
            f"The IP address '{target}' is not a valid IPv{version} address", "elbv2.target.id"
        )
        return
    vpc = account.get(VPC, group.outputs.get("vpcId"))
    if version == 6 or is_in_vpc(vpc, target):  # noqa: PLR2004 — IPv6
        return
    if not any(address in each for each in _RANGES_OUTSIDE_VPC):
        ranges = ", ".join(map(str, _RANGES_OUTSIDE_VPC))
        message = (
            f"The IP address '{target}' must be within the VPC "
            f"'{group.outputs.get('vpcId')}' or one of {ranges}"
        )
        yield _invalid(message, "elbv2.target.address")
    elif inputs.get("availabilityZone") is None:
        message = (
            f"The IP address '{target}' is outside the VPC, so availabilityZone must be set: to "
            "all or to the target's zone"
        )
        yield _invalid(message, "elbv2.target.availability-zone", "availabilityZone")


def _instance_rules(inputs: Properties, target: str) -> Refusals:
    yield from _zone_rules(inputs, "instance", None)
    if _INSTANCE.fullmatch(target) is None:
        yield _invalid(f"Instance ID '{target}' is not valid", "elbv2.target.id")
        return
    message = (
        f"The instance '{target}' does not exist: the local AWS has no EC2 instances; use "
        "target type ip"
    )
    yield _invalid(message, "elbv2.target.instance-exists", code="InvalidTarget")


def _function_rules(
    inputs: Properties, account: Account, target: str, current: Resource | None
) -> Refusals:
    yield from _zone_rules(inputs, "lambda", ALL_ZONES)
    if _FUNCTION.fullmatch(target) is None:
        yield _invalid(f"'{target}' is not a valid ARN of a Lambda function", "elbv2.target.id")
    if inputs.get("port") is not None:
        yield _invalid(
            "a Lambda function has no port: leave it out", "elbv2.target.function-port", "port"
        )
    yield from _one_target_rules(inputs, account, current)


def _balancer_rules(
    inputs: Properties, account: Account, target: str, current: Resource | None
) -> Refusals:
    yield from _zone_rules(inputs, "alb", None)
    if account.get(LOAD_BALANCER, target) is None:
        message = f"The load balancer '{target}' does not exist: set targetId to an existing one"
        yield _invalid(message, "elbv2.target.balancer-exists", code="InvalidTarget")
        return
    group = account.get(TARGET_GROUP, inputs.get("targetGroupArn"))
    port = inputs.get("port") or (group.outputs.get("port") if group else None)
    ports: list[float] = []
    for listener in account.where(LISTENER, "loadBalancerArn", target):
        ports += values_at(listener.outputs, "port")
    if port not in ports:
        existing = ", ".join(f"{each:g}" for each in sorted(ports)) or "none"
        message = (
            f"The load balancer '{target}' has no listener on port {port:g}: add one, or use a "
            f"port with a listener ({existing})"
        )
        yield _invalid(message, "elbv2.target.balancer-listens", "port", "InvalidTarget")
    yield from _one_target_rules(inputs, account, current)


def _zone_rules(inputs: Properties, kind: str, allowed: str | None) -> Refusals:
    zone = inputs.get("availabilityZone")
    if zone not in (None, "", allowed):
        if allowed:
            message = f"availabilityZone must be {allowed} for target type {kind}, got {zone}"
        else:
            message = f"availabilityZone is not supported for target type {kind}: leave it out"
        yield _invalid(message, "elbv2.target.availability-zone", "availabilityZone")


def _one_target_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    for other in attachments_of(account, str(inputs.get("targetGroupArn")), current):
        target = other.inputs.get("targetId")
        if target != inputs.get("targetId"):
            message = f"the target group can have only one target, and has {target}: remove that"
            yield _invalid(message, "elbv2.target.only-one", code="TooManyTargets")
            return


def _computed(mint: Mint, inputs: Properties) -> Properties:
    return {"id": f"{inputs.get('targetGroupArn')}-{mint.digits(26)}"}


def _import_ids(resource: Resource) -> tuple[str, ...]:
    """Return the id in pulumi-aws's documentation: group, target, and port and zone if set."""
    parts = []
    for name in given(resource.inputs, "targetGroupArn", "targetId", "port", "availabilityZone"):
        value = resource.inputs[name]
        parts.append(f"{value:g}" if isinstance(value, int | float) else str(value))
    return (",".join(parts),)


TYPES = (
    ResourceType(
        token=TARGET_ATTACHMENT,
        replaces=frozenset(
            {"targetGroupArn", "targetId", "port", "availabilityZone", "quicServerId", "region"}
        ),
        limits=(
            Limit("port", PORT, "elbv2.target.port"),
            Limit(
                "quicServerId",
                matches(r"0x[0-9a-f]{16}", "0x and 16 hexadecimal digits"),
                "elbv2.target.quic",
                "ValidationError",
            ),
        ),
        references=(
            Reference(
                "targetGroupArn",
                TARGET_GROUP,
                "TargetGroupNotFound",
                "elbv2.target.group-exists",
                "gone",
            ),
        ),
        account_rules=_account_rules,
        computed=_computed,
        import_ids=_import_ids,
    ),
)
