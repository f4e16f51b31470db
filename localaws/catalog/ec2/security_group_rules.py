"""EC2: rules of security groups that are resources."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Literal

from localaws.catalog.ec2.ip_permissions import (
    ALL_PROTOCOLS,
    CLASSIC_RULE,
    GROUP_SOURCE,
    RULE_TYPES,
    SOURCES,
    WITH_PORTS,
    classic_permissions,
    duplicate_rules,
    inline_permissions,
    protocol_name,
    quota_rules,
    rule_permissions,
    separate_permissions,
)
from localaws.catalog.ec2.network import SECURITY_GROUP, ec2_id
from localaws.catalog.ec2.security_groups import (
    DESCRIPTION,
    PROTOCOL,
    PROTOCOL_RULE,
    group_reference,
    port_range_rules,
)
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, ResourceType
from localaws.catalog.values import (
    CIDR_IPV6,
    Limit,
    cidr,
    exactly_one,
    given,
    matches,
    one_of,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

_PREFIX_LIST = matches(
    r"pl-[0-9a-f]{8,17}", "the id of a prefix list, pl- and 8 to 17 hexadecimal digits"
)
_PORTS = ("fromPort", "toPort")

_CLASSIC_LISTS = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds")
_CLASSIC_GROUPS = ("self", "sourceSecurityGroupId")
"""The inputs of a `SecurityGroupRule` that name its sources."""


def _rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, SOURCES, "ec2.security-group-rule.one-source")
    protocol = inputs.get("ipProtocol")
    ports = given(inputs, *_PORTS)
    name = protocol_name(protocol)
    if name == ALL_PROTOCOLS and ports:
        message = f"ipProtocol {protocol} means all ports, so leave out {' and '.join(ports)}"
        yield Refusal("InvalidArgument", message, "ec2.security-group-rule.all-ports", ports[0])
    if name in WITH_PORTS and len(ports) < len(_PORTS):
        message = f"ipProtocol {protocol} needs fromPort and toPort"
        yield Refusal("InvalidParameterValue", message, "ec2.security-group-rule.ports")
    yield from port_range_rules(inputs, protocol, "fromPort")


def _account_rules(
    direction: str, inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    # A group of another account has no record here, and so no inline rules.
    group_id = inputs.get("securityGroupId")
    group = account.get(SECURITY_GROUP, group_id)
    inline = inline_permissions(group.inputs, direction, group.id) if group else []
    separate = separate_permissions(account, direction, group_id, except_for=current)
    wanted = rule_permissions(inputs)
    yield from quota_rules([*inline, *separate, *wanted], group_id)
    yield from duplicate_rules(wanted, [*inline, *separate], group_id)
    yield from _same_vpc_rules(inputs, account, GROUP_SOURCE)


def _same_vpc_rules(inputs: Properties, account: Account, source: str) -> Refusals:
    """Refuse a rule for a group in another VPC; `source` is the input that names that group."""
    group = account.get(SECURITY_GROUP, inputs.get("securityGroupId"))
    other = account.get(SECURITY_GROUP, inputs.get(source))
    if group and other and group.outputs.get("vpcId") != other.outputs.get("vpcId"):
        message = (
            f"{group.id} and {other.id} belong to different networks: {source} must be a group in "
            f"{group.outputs.get('vpcId')}"
        )
        yield Refusal("InvalidGroup.NotFound", message, "ec2.security-group-rule.same-vpc", source)


def _computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "sgr")
    return {
        "id": identifier,
        "securityGroupRuleId": identifier,
        "arn": mint.arn("ec2", f"security-group-rule/{identifier}"),
    }


def _classic_rules(inputs: Properties) -> Refusals:
    yield from port_range_rules(inputs, inputs.get("protocol"), "fromPort")
    sources = given(inputs, *_CLASSIC_LISTS, "sourceSecurityGroupId")
    if inputs.get("self") is True:
        sources.append("self")
    if not sources and inputs.get("self") is not UNKNOWN:
        message = f"one of {', '.join((*_CLASSIC_LISTS, *_CLASSIC_GROUPS))} must be set"
        yield Refusal("InvalidArgument", message, "ec2.security-group-rule.some-source")
    for name in _CLASSIC_GROUPS:
        others = set(sources) - {name, "prefixListIds"}
        if name in sources and others:
            message = f"{name} excludes {', '.join(sorted(others))}: leave one of them out"
            yield Refusal("InvalidArgument", message, "ec2.security-group-rule.some-source", name)


def _classic_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    group = account.get(SECURITY_GROUP, inputs.get("securityGroupId"))
    if group is None:
        return
    direction = str(inputs.get("type"))
    wanted = classic_permissions(inputs)
    existing = [
        *inline_permissions(group.inputs, direction, group.id),
        *separate_permissions(account, direction, group.id, except_for=current),
    ]
    yield from _same_vpc_rules(inputs, account, "sourceSecurityGroupId")
    yield from quota_rules([*existing, *wanted], group.id)
    yield from duplicate_rules(wanted, existing, group.id)


def _classic_computed(mint: Mint, inputs: Properties) -> Properties:
    parts = sorted(map(str, classic_permissions(inputs)))
    code = zlib.crc32(f"{inputs.get('securityGroupId')}{inputs.get('type')}{parts}".encode())
    return {
        "id": f"sgrule-{code}",
        "securityGroupRuleId": ec2_id(mint, "sgr") if len(parts) == 1 else "",
    }


def _rule_type(direction: Literal["ingress", "egress"]) -> ResourceType:
    """Return the type of a rule with one source (`ingress`) or destination (`egress`)."""
    return ResourceType(
        token=RULE_TYPES[direction],
        only_recorded=NO_PACKET,
        replaces=frozenset({"securityGroupId", "region"}),
        replaces_if=lambda name, old, new: (
            name in SOURCES and given(old, *SOURCES) != given(new, *SOURCES)
        ),
        limits=(
            Limit("ipProtocol", PROTOCOL, PROTOCOL_RULE, "InvalidParameterValue"),
            Limit("fromPort", within(-1, 65535), "ec2.security-group-rule.port"),
            Limit("toPort", within(-1, 65535), "ec2.security-group-rule.port"),
            Limit("cidrIpv4", cidr(), "ec2.security-group-rule.cidr"),
            Limit("cidrIpv6", CIDR_IPV6, "ec2.security-group-rule.cidr"),
            Limit(
                "prefixListId",
                _PREFIX_LIST,
                "ec2.security-group-rule.prefix-list",
                "InvalidPrefixListID.NotFound",
            ),
            Limit("description", DESCRIPTION, "ec2.security-group.description"),
        ),
        references=(
            group_reference("securityGroupId", "gone"),
            group_reference("referencedSecurityGroupId"),
        ),
        rules=_rules,
        account_rules=lambda inputs, account, current: _account_rules(
            direction, inputs, account, current
        ),
        computed=_computed,
    )


TYPES = (
    ResourceType(
        token=CLASSIC_RULE,
        only_recorded=NO_PACKET,
        replaces=AllExcept("description"),
        unordered=frozenset({"cidrBlocks", "ipv6CidrBlocks", "prefixListIds"}),
        limits=(
            Limit("type", one_of("ingress", "egress"), "ec2.security-group-rule.type"),
            Limit("protocol", PROTOCOL, PROTOCOL_RULE, "InvalidParameterValue"),
            Limit("fromPort", within(-1, 65535), "ec2.security-group-rule.port"),
            Limit("toPort", within(-1, 65535), "ec2.security-group-rule.port"),
            Limit("cidrBlocks[]", cidr(), "ec2.security-group-rule.cidr"),
            Limit("ipv6CidrBlocks[]", CIDR_IPV6, "ec2.security-group-rule.cidr"),
            Limit("description", DESCRIPTION, "ec2.security-group.description"),
        ),
        references=(
            group_reference("securityGroupId", "gone"),
            group_reference("sourceSecurityGroupId"),
        ),
        rules=_classic_rules,
        account_rules=_classic_account_rules,
        computed=_classic_computed,
    ),
    _rule_type("ingress"),
    _rule_type("egress"),
)
