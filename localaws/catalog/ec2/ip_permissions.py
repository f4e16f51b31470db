"""EC2: the traffic that security groups allow, in one form for all kinds of rules.

A group has inline rules, and rules that are resources: `SecurityGroupIngressRule`,
`SecurityGroupEgressRule`, and the older `SecurityGroupRule`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from localaws.catalog.account import is_current
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import blocks, given, number, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localaws.catalog.account import Account, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

DEFAULT_SECURITY_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
CLASSIC_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"

RULE_TYPES = {"ingress": INGRESS_RULE, "egress": EGRESS_RULE}
"""The type of a rule with one source or destination, by direction."""

RULES_PER_GROUP = 60
"""AWS's default quota for each direction."""

ALL_PROTOCOLS = "-1"
WITH_PORTS = ("tcp", "udp")

GROUP_SOURCE = "referencedSecurityGroupId"
SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", GROUP_SOURCE)
"""Inputs of `SecurityGroupIngressRule` and `SecurityGroupEgressRule` that name the source, or the
destination; they are also the kinds of a `Permission`.
"""

_PROTOCOL_NAMES = {"all": ALL_PROTOCOLS, "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_SOURCE_LISTS = {
    "cidrBlocks": "cidrIpv4",
    "ipv6CidrBlocks": "cidrIpv6",
    "prefixListIds": "prefixListId",
    "securityGroups": GROUP_SOURCE,
}
"""Inputs of an inline rule that list sources or destinations, with the kind of each."""


class Permission(NamedTuple):
    """Traffic that a rule allows from one source, or to one destination."""

    protocol: str
    first: float | None
    """The first port; None for all protocols."""

    last: float | None
    kind: str
    """The kind of source or destination: one of `SOURCES`."""

    other: str
    """The source or destination."""


def permissions_of(account: Account, group: Resource, direction: str) -> list[Permission]:
    """Return everything that a group allows, by inline rules and by rules that are resources.

    Args:
        account: The account that the group is in.
        group: A security group, a VPC's default one included.
        direction: `ingress` or `egress`.
    """
    return [
        *_inline_or_default_permissions(account, group, direction),
        *separate_permissions(account, direction, group.id),
    ]


def _inline_or_default_permissions(
    account: Account, group: Resource, direction: str
) -> list[Permission]:
    """Return what a group's inline rules allow, or the rules that AWS gives a default group.

    These allow traffic between resources in the group, and all traffic out. They apply until a
    program adopts the group, which removes every rule that the program doesn't list.

    Source: Amazon VPC User Guide, "Default security groups for your VPCs".
    """
    if not group.made_by_aws:
        return inline_permissions(group.inputs, direction, group.id)
    adopted = account.get(DEFAULT_SECURITY_GROUP, group.id)
    if adopted is not None:
        return inline_permissions(adopted.inputs, direction, group.id)
    if direction == "ingress":
        return [Permission(ALL_PROTOCOLS, None, None, GROUP_SOURCE, group.id)]
    return [
        Permission(ALL_PROTOCOLS, None, None, "cidrIpv4", "0.0.0.0/0"),
        Permission(ALL_PROTOCOLS, None, None, "cidrIpv6", "::/0"),
    ]


def inline_permissions(inputs: Properties, direction: str, group: str) -> list[Permission]:
    """Return what a group's inline rules in a direction allow; `group` is the group's id."""
    permissions: list[Permission] = []
    for rule in blocks(inputs.get(direction)):
        permissions += _permissions_of_rule(rule, group)
    return permissions


def separate_permissions(
    account: Account, direction: str, group: object, *, except_for: Resource | None = None
) -> list[Permission]:
    """Return what a group's rules that are resources allow in a direction."""
    permissions: list[Permission] = []
    for rule in account.where(CLASSIC_RULE, "securityGroupId", group):
        in_direction = rule.inputs.get("type") == direction
        if in_direction and not is_current(rule, except_for):
            permissions += classic_permissions(rule.inputs)
    for rule in account.where(RULE_TYPES[direction], "securityGroupId", group):
        if not is_current(rule, except_for):
            permissions += rule_permissions(rule.inputs)
    return permissions


def rule_permissions(inputs: Properties) -> list[Permission]:
    """Return what a `SecurityGroupIngressRule` or `SecurityGroupEgressRule` allows."""
    protocol = inputs.get("ipProtocol")
    return [_permission(inputs, protocol, kind, inputs[kind]) for kind in given(inputs, *SOURCES)]


def classic_permissions(inputs: Properties) -> list[Permission]:
    """Return what a `SecurityGroupRule` allows, which can have several sources."""
    other = inputs.get("sourceSecurityGroupId")
    rule = {**inputs, "securityGroups": [] if other is None else [other]}
    return _permissions_of_rule(rule, str(inputs.get("securityGroupId")))


def _permissions_of_rule(rule: Properties, group: str) -> list[Permission]:
    """Return what a rule with lists of sources allows; `self` in it means `group`."""
    permissions: list[Permission] = []
    for name, kind in _SOURCE_LISTS.items():
        others = texts(rule.get(name))
        if kind == GROUP_SOURCE and rule.get("self") is True:
            others.append(group)
        permissions += [_permission(rule, rule.get("protocol"), kind, other) for other in others]
    return permissions


def _permission(rule: Properties, protocol: object, kind: str, other: object) -> Permission:
    name = protocol_name(protocol)
    if name == ALL_PROTOCOLS:
        return Permission(name, None, None, kind, str(other))
    first, last = number(rule.get("fromPort")), number(rule.get("toPort"))
    return Permission(name, first, last, kind, str(other))


def protocol_name(protocol: object) -> str:
    """Return a protocol in the form for comparisons: `tcp` for `TCP` and `6`, `-1` for `all`."""
    name = str(protocol).lower()
    return _PROTOCOL_NAMES.get(name, name)


def quota_rules(permissions: Iterable[Permission], group: object) -> Refusals:
    """Refuse more rules than the quota.

    IPv4 and IPv6 networks count separately, all other sources towards both.
    """
    kinds = Counter(each.kind for each in permissions)
    others = kinds["prefixListId"] + kinds[GROUP_SOURCE]
    count = max(kinds["cidrIpv4"], kinds["cidrIpv6"]) + others
    if count > RULES_PER_GROUP:
        message = (
            f"{group} would have {count} rules, at most {RULES_PER_GROUP} are allowed: remove "
            "some; a rule counts once for each network that it names"
        )
        yield Refusal(
            "RulesPerSecurityGroupLimitExceeded", message, "ec2.security-group-rule.quota"
        )


def duplicate_rules(
    wanted: Iterable[Permission], existing: Sequence[Permission], group: object
) -> Refusals:
    """Refuse permissions that a group has already."""
    for each in wanted:
        if each in existing:
            message = (
                f"the specified rule already exists in {group}: {each.protocol} {each.kind} "
                f"{each.other}; remove one of the two"
            )
            yield Refusal("InvalidPermission.Duplicate", message, "ec2.security-group-rule.unique")
