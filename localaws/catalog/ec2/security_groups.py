"""EC2: security groups and their rules."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from localaws.catalog.ec2.network import SECURITY_GROUP, VPC, default_id, ec2_id, simple
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    CIDR_IPV6,
    Limit,
    blocks,
    cidr,
    exactly_one,
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
    from collections.abc import Iterable

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

DEFAULT_SECURITY_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

CLASSIC_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"

RULES_PER_GROUP = 60
"""AWS's default quota for each direction."""

ALL_PROTOCOLS = "-1"

_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
_CHARACTERS = r"[\w \-.:/()#,@\[\]+=&;{}!$*]"
_DESCRIPTION = matches(
    rf"{_CHARACTERS}{{0,255}}", "at most 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*"
)
_NAME = matches(
    rf"(?!sg-){_CHARACTERS}{{1,255}}",
    "1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not starting with sg-",
)
_PROTOCOL = matches(
    r"(?i)-1|all|tcp|udp|icmp|icmpv6|\d{1,3}", "tcp, udp, icmp, icmpv6, a protocol's number or -1"
)
_PREFIX_LIST = matches(
    r"pl-[0-9a-f]{8,17}", "the id of a prefix list, pl- and 8 to 17 hexadecimal digits"
)

_PROTOCOL_RULE = "ec2.security-group-rule.protocol"


def _inline(direction: str) -> tuple[Limit, ...]:
    return (
        Limit(f"{direction}[].fromPort", within(-1, 65535), "ec2.security-group.inline-port"),
        Limit(f"{direction}[].toPort", within(-1, 65535), "ec2.security-group.inline-port"),
        Limit(f"{direction}[].protocol", _PROTOCOL, _PROTOCOL_RULE, "InvalidParameterValue"),
        Limit(f"{direction}[].description", _DESCRIPTION, "ec2.security-group.description"),
        Limit(f"{direction}[].cidrBlocks[]", cidr(), "ec2.security-group.inline-cidr"),
        Limit(f"{direction}[].ipv6CidrBlocks[]", CIDR_IPV6, "ec2.security-group.inline-cidr"),
    )


def _inline_rules(inputs: Properties) -> Refusals:
    for direction in ("ingress", "egress"):
        for index, rule in enumerate(blocks(inputs.get(direction))):
            first, last = number(rule.get("fromPort")), number(rule.get("toPort"))
            if text(rule.get("protocol")) in {ALL_PROTOCOLS, "all"} and (first or last):
                message = (
                    f"{direction}[{index}]: fromPort and toPort must both be 0 with protocol -1"
                )
                yield Refusal(
                    "InvalidArgument", message, "ec2.security-group.inline-all-ports", direction
                )


def _group_reference(path: str, when_deleted: str = "held") -> Reference:
    return Reference(
        path,
        SECURITY_GROUP,
        "InvalidGroup.NotFound",
        "ec2.security-group.exists",
        "gone" if when_deleted == "gone" else "held",
        # A group in the account of a peered VPC, with the number of that account.
        elsewhere=r"\d{12}/sg-[0-9a-f]{8,17}",
    )


class Permission(NamedTuple):
    """The traffic that a rule allows, in a form that is the same for all kinds of rules."""

    protocol: str
    first: float | None
    """The first port; None for all protocols."""

    last: float | None
    kind: str
    """The kind of source or destination: one of `_SOURCES`."""

    other: str
    """The source or destination."""


_PROTOCOL_NAMES = {"all": ALL_PROTOCOLS, "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_INLINE_SOURCES = {
    "cidrBlocks": "cidrIpv4",
    "ipv6CidrBlocks": "cidrIpv6",
    "prefixListIds": "prefixListId",
    "securityGroups": "referencedSecurityGroupId",
}


def _permission(rule: Properties, protocol: str, kind: str, other: object) -> Permission:
    name = str(rule.get(protocol)).lower()
    name = _PROTOCOL_NAMES.get(name, name)
    if name == ALL_PROTOCOLS:
        return Permission(name, None, None, kind, str(other))
    first, last = number(rule.get("fromPort")), number(rule.get("toPort"))
    return Permission(name, first, last, kind, str(other))


def _inline_permissions(inputs: Properties, direction: str, group: str) -> list[Permission]:
    """Return what a group's inline rules allow; `group` is its id."""
    permissions: list[Permission] = []
    for rule in blocks(inputs.get(direction)):
        for name, kind in _INLINE_SOURCES.items():
            others = texts(rule.get(name))
            if kind == "referencedSecurityGroupId" and rule.get("self") is True:
                others.append(group)
            permissions += [_permission(rule, "protocol", kind, other) for other in others]
    return permissions


def _classic_permissions(inputs: Properties) -> list[Permission]:
    """Return what a `SecurityGroupRule` allows, which can have several sources."""
    group = str(inputs.get("securityGroupId"))
    other = inputs.get("sourceSecurityGroupId")
    rule = {**inputs, "securityGroups": [] if other is None else [other]}
    return _inline_permissions({"rules": [rule]}, "rules", group)


def _all_classic_permissions(
    account: Account, token: str, group: object, current: Resource | None
) -> list[Permission]:
    direction = "ingress" if token == INGRESS_RULE else "egress"
    permissions: list[Permission] = []
    for rule in account.where(CLASSIC_RULE, "securityGroupId", group):
        if rule.inputs.get("type") == direction and rule != current:
            permissions += _classic_permissions(rule.inputs)
    return permissions


def _separate_permissions(
    account: Account, token: str, group: object, current: Resource | None
) -> list[Permission]:
    """Return what a group's rules that are separate resources allow, without those of `current`."""
    permissions = _all_classic_permissions(account, token, group, current)
    for rule in account.where(token, "securityGroupId", group):
        if current is None or rule.id != current.id:
            permissions += _rule_permissions(rule.inputs)
    return permissions


def _rule_permissions(inputs: Properties) -> list[Permission]:
    """Return what a `SecurityGroupIngressRule` or `SecurityGroupEgressRule` allows."""
    sources = given(inputs, *_SOURCES)
    return [_permission(inputs, "ipProtocol", kind, inputs[kind]) for kind in sources]


def permissions_of(account: Account, group: Resource, direction: str) -> list[Permission]:
    """Return everything that a group allows, by inline rules and by separate ones.

    Args:
        account: The account that the group is in.
        group: A security group, a VPC's default one included.
        direction: `ingress` or `egress`.
    """
    token = INGRESS_RULE if direction == "ingress" else EGRESS_RULE
    return [
        *_own_permissions(account, group, direction),
        *_separate_permissions(account, token, group.id, None),
    ]


def _own_permissions(account: Account, group: Resource, direction: str) -> list[Permission]:
    """Return what a group's inline rules allow.

    A VPC's default group lets in what has it too and lets everything out, until a program takes it
    over, which removes every rule that the program doesn't write.

    Source: Amazon VPC User Guide, "Default security groups for your VPCs".
    """
    if group.urn:
        return _inline_permissions(group.inputs, direction, group.id)
    adopted = account.get(DEFAULT_SECURITY_GROUP, group.id)
    if adopted is not None:
        return _inline_permissions(adopted.inputs, direction, group.id)
    if direction == "ingress":
        return [Permission(ALL_PROTOCOLS, None, None, "referencedSecurityGroupId", group.id)]
    return [
        Permission(ALL_PROTOCOLS, None, None, "cidrIpv4", "0.0.0.0/0"),
        Permission(ALL_PROTOCOLS, None, None, "cidrIpv6", "::/0"),
    ]


def _quota_rules(permissions: Iterable[Permission], group: object) -> Refusals:
    """Refuse more rules than the quota.

    IPv4 and IPv6 networks count separately, all other sources towards both.
    """
    kinds = Counter(each.kind for each in permissions)
    others = kinds["prefixListId"] + kinds[_SOURCES[-1]]
    if max(kinds["cidrIpv4"], kinds["cidrIpv6"]) + others > RULES_PER_GROUP:
        message = (
            f"{group} would have more than {RULES_PER_GROUP} rules; a rule counts once for "
            "each network it names"
        )
        yield Refusal(
            "RulesPerSecurityGroupLimitExceeded", message, "ec2.security-group-rule.quota"
        )


def _duplicates(permissions: Iterable[Permission], group: object) -> Refusals:
    for each in permissions:
        message = (
            f"the specified rule already exists in {group}: {each.protocol} {each.kind} "
            f"{each.other}"
        )
        yield Refusal("InvalidPermission.Duplicate", message, "ec2.security-group-rule.unique")


def _group_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    group = current.id if current else str(inputs.get("name"))
    for direction, token in (("ingress", INGRESS_RULE), ("egress", EGRESS_RULE)):
        inline = _inline_permissions(inputs, direction, group)
        separate = _separate_permissions(account, token, group, None)
        before = _inline_permissions(current.inputs, direction, group) if current else []
        yield from _quota_rules([*inline, *separate], group)
        added = [each for each in inline if each not in before]
        yield from _duplicates((each for each in added if each in separate), group)


def _group_deletion_rules(group: Resource, _account: Account) -> Refusals:
    made_by_aws = not group.urn
    if made_by_aws:
        message = f"the default security group {group.id} can't be deleted by a user"
        yield Refusal("CannotDelete", message, "ec2.security-group.default")


def _in_default_vpc(mint: Mint, inputs: Properties) -> Properties:
    """Return the default VPC for a group without a VPC."""
    return {} if given(inputs, "vpcId") else {"vpcId": default_id("vpc", mint.region)}


def _group_computed(mint: Mint, inputs: Properties) -> Properties:
    return {**simple("sg", "security-group")(mint, inputs), **_in_default_vpc(mint, inputs)}


def _default_group_computed(mint: Mint, inputs: Properties) -> Properties:
    own = _in_default_vpc(mint, inputs)
    vpc = mint.account.get(VPC, own.get("vpcId", inputs.get("vpcId")))
    identifier = vpc.outputs["defaultSecurityGroupId"] if vpc else ec2_id(mint, "sg")
    return {
        "id": identifier,
        "arn": mint.arn("ec2", f"security-group/{identifier}"),
        **own,
        "name": "default",
        "namePrefix": "",
        "description": "default VPC security group",
        "ownerId": mint.account.account_id,
    }


def _rule_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _SOURCES, "ec2.security-group-rule.one-source")
    protocol, ports = text(inputs.get("ipProtocol")), given(inputs, "fromPort", "toPort")
    if protocol == ALL_PROTOCOLS and ports:
        message = f"ipProtocol -1 means all ports, so {' and '.join(ports)} must be left out"
        yield Refusal("InvalidArgument", message, "ec2.security-group-rule.all-ports", ports[0])
    if protocol in {"tcp", "udp"}:
        if len(ports) < len(("fromPort", "toPort")):
            message = f"ipProtocol {protocol} needs fromPort and toPort"
            yield Refusal("InvalidParameterValue", message, "ec2.security-group-rule.ports")
        first, last = number(inputs.get("fromPort")), number(inputs.get("toPort"))
        if first is not None and last is not None and first > last:
            message = f"Invalid {protocol.upper()} port range: {first:g} to {last:g}"
            yield Refusal(
                "InvalidParameterValue", message, "ec2.security-group-rule.port-range", "fromPort"
            )


def _rule_account_rules(
    token: str, inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    group = account.get(SECURITY_GROUP, inputs.get("securityGroupId"))
    if group is not None:
        direction = "ingress" if token == INGRESS_RULE else "egress"
        inline = _inline_permissions(group.inputs, direction, group.id)
        wanted = _rule_permissions(inputs)
        yield from _quota_rules(
            [*inline, *_separate_permissions(account, token, group.id, current), *wanted], group.id
        )
        # The type's `unique` finds duplicates of its own type.
        others = [*inline, *_all_classic_permissions(account, token, group.id, None)]
        yield from _duplicates((each for each in wanted if each in others), group.id)
    yield from _same_vpc(inputs, account, _SOURCES[-1])


def _same_vpc(inputs: Properties, account: Account, other: str) -> Refusals:
    mine = account.get(SECURITY_GROUP, inputs.get("securityGroupId"))
    theirs = account.get(SECURITY_GROUP, inputs.get(other))
    if mine and theirs and mine.outputs.get("vpcId") != theirs.outputs.get("vpcId"):
        message = f"{mine.id} and {theirs.id} belong to different networks"
        yield Refusal("InvalidGroup.NotFound", message, "ec2.security-group-rule.same-vpc", other)


def _classic_rules(inputs: Properties) -> Refusals:
    several = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds")
    single = ("self", "sourceSecurityGroupId")
    sources = given(inputs, *several, "sourceSecurityGroupId")
    if inputs.get("self") is True:
        sources.append("self")
    if not sources and inputs.get("self") is not UNKNOWN:
        message = f"one of {', '.join((*several, *single))} must be set"
        yield Refusal("InvalidArgument", message, "ec2.security-group-rule.some-source")
    for name in single:
        others = set(sources) - {name, "prefixListIds"}
        if name in sources and others:
            message = f"{name} excludes {', '.join(sorted(others))}"
            yield Refusal("InvalidArgument", message, "ec2.security-group-rule.some-source", name)


def _classic_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    group = account.get(SECURITY_GROUP, inputs.get("securityGroupId"))
    if group is None:
        return
    direction = str(inputs.get("type"))
    token = INGRESS_RULE if direction == "ingress" else EGRESS_RULE
    wanted = _classic_permissions(inputs)
    existing = [
        *_inline_permissions(group.inputs, direction, group.id),
        *_separate_permissions(account, token, group.id, current),
    ]
    yield from _same_vpc(inputs, account, "sourceSecurityGroupId")
    yield from _quota_rules([*existing, *wanted], group.id)
    yield from _duplicates((each for each in wanted if each in existing), group.id)


def _classic_computed(mint: Mint, inputs: Properties) -> Properties:
    parts = sorted(map(str, _classic_permissions(inputs)))
    code = zlib.crc32(f"{inputs.get('securityGroupId')}{inputs.get('type')}{parts}".encode())
    return {
        "id": f"sgrule-{code}",
        "securityGroupRuleId": ec2_id(mint, "sgr") if len(parts) == 1 else "",
    }


def _rule_computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "sgr")
    return {
        "id": identifier,
        "securityGroupRuleId": identifier,
        "arn": mint.arn("ec2", f"security-group-rule/{identifier}"),
    }


def _rule_type(token: str) -> ResourceType:
    return ResourceType(
        token=token,
        recorded=NO_PACKET,
        replaces=frozenset({"securityGroupId", "region"}),
        replaces_if=lambda name, old, new: (
            name in _SOURCES and given(old, *_SOURCES) != given(new, *_SOURCES)
        ),
        limits=(
            Limit("ipProtocol", _PROTOCOL, _PROTOCOL_RULE, "InvalidParameterValue"),
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
            Limit("description", _DESCRIPTION, "ec2.security-group.description"),
        ),
        references=(
            _group_reference("securityGroupId", "gone"),
            _group_reference("referencedSecurityGroupId"),
        ),
        unique=(
            Unique(
                ("securityGroupId", "ipProtocol", "fromPort", "toPort", *_SOURCES),
                "InvalidPermission.Duplicate",
                "ec2.security-group-rule.unique",
                "the specified rule already exists in {securityGroupId}",
            ),
        ),
        rules=_rule_rules,
        account_rules=lambda inputs, account, current: _rule_account_rules(
            token, inputs, account, current
        ),
        computed=_rule_computed,
    )


TYPES = (
    ResourceType(
        token=SECURITY_GROUP,
        recorded=NO_PACKET,
        autoname=AutoName(),
        replaces=frozenset({"description", "name", "namePrefix", "vpcId", "region"}),
        unordered=frozenset({"ingress", "egress"}),
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
        limits=(
            Limit("name", _NAME, "ec2.security-group.name"),
            Limit("description", length(0, 255), "ec2.security-group.description"),
            Limit(
                "description",
                _DESCRIPTION,
                "ec2.security-group.description",
                "InvalidParameterValue",
            ),
            *_inline("ingress"),
            *_inline("egress"),
        ),
        references=(
            Reference(
                "vpcId", VPC, "InvalidVpcID.NotFound", "ec2.security-group.vpc-exists", "held"
            ),
            _group_reference("ingress[].securityGroups[]"),
            _group_reference("egress[].securityGroups[]"),
        ),
        unique=(
            Unique(
                ("name", "vpcId"),
                "InvalidGroup.Duplicate",
                "ec2.security-group.unique",
                "The security group '{name}' already exists for VPC '{vpcId}'",
            ),
        ),
        rules=_inline_rules,
        account_rules=_group_account_rules,
        computed=_group_computed,
        deletion_rules=_group_deletion_rules,
        held=("DependencyViolation", "ec2.security-group.held"),
    ),
    ResourceType(
        token=DEFAULT_SECURITY_GROUP,
        recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        unordered=frozenset({"ingress", "egress"}),
        limits=(*_inline("ingress"), *_inline("egress")),
        references=(
            Reference(
                "vpcId", VPC, "InvalidVpcID.NotFound", "ec2.security-group.vpc-exists", "gone"
            ),
        ),
        rules=_inline_rules,
        account_rules=_group_account_rules,
        computed=_default_group_computed,
    ),
    ResourceType(
        token=CLASSIC_RULE,
        recorded=NO_PACKET,
        replaces=AllExcept("description"),
        unordered=frozenset({"cidrBlocks", "ipv6CidrBlocks", "prefixListIds"}),
        limits=(
            Limit("type", one_of("ingress", "egress"), "ec2.security-group-rule.type"),
            Limit("protocol", _PROTOCOL, _PROTOCOL_RULE, "InvalidParameterValue"),
            Limit("fromPort", within(-1, 65535), "ec2.security-group-rule.port"),
            Limit("toPort", within(-1, 65535), "ec2.security-group-rule.port"),
            Limit("cidrBlocks[]", cidr(), "ec2.security-group-rule.cidr"),
            Limit("ipv6CidrBlocks[]", CIDR_IPV6, "ec2.security-group-rule.cidr"),
            Limit("description", _DESCRIPTION, "ec2.security-group.description"),
        ),
        references=(
            _group_reference("securityGroupId", "gone"),
            _group_reference("sourceSecurityGroupId"),
        ),
        rules=_classic_rules,
        account_rules=_classic_account_rules,
        computed=_classic_computed,
    ),
    _rule_type(INGRESS_RULE),
    _rule_type(EGRESS_RULE),
)
