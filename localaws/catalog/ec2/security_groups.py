"""EC2: security groups with their inline rules, and a VPC's default group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from localaws.catalog.account import is_current
from localaws.catalog.ec2.ip_permissions import (
    ALL_PROTOCOLS,
    DEFAULT_SECURITY_GROUP,
    RULE_TYPES,
    WITH_PORTS,
    duplicate_rules,
    inline_permissions,
    protocol_name,
    quota_rules,
    separate_permissions,
)
from localaws.catalog.ec2.network import (
    SECURITY_GROUP,
    VPC,
    default_id,
    ec2_id,
    id_arn_and_owner,
    in_vpc,
    zero_ports_rules,
)
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.values import (
    CIDR_IPV6,
    Limit,
    blocks,
    cidr,
    given,
    length,
    matches,
    number,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

_CHARACTERS = r"[\w \-.:/()#,@\[\]+=&;{}!$*]"
_NAME = matches(
    rf"(?!sg-){_CHARACTERS}{{1,255}}",
    "1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not starting with sg-",
)
DESCRIPTION = matches(
    rf"{_CHARACTERS}{{0,255}}", "at most 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*"
)
PROTOCOL = matches(
    r"(?i)-1|all|tcp|udp|icmp|icmpv6|\d{1,3}", "tcp, udp, icmp, icmpv6, a protocol's number or -1"
)
PROTOCOL_RULE = "ec2.security-group-rule.protocol"


def group_reference(path: str, when_deleted: Literal["held", "gone"] = "held") -> Reference:
    """Return a reference to a security group, of this account or a peered VPC's."""
    return Reference(
        path,
        SECURITY_GROUP,
        "InvalidGroup.NotFound",
        "ec2.security-group.exists",
        when_deleted,
        # A group in the account of a peered VPC, with the number of that account.
        elsewhere=r"\d{12}/sg-[0-9a-f]{8,17}",
    )


def _inline_limits(direction: str) -> tuple[Limit, ...]:
    return (
        Limit(f"{direction}[].fromPort", within(-1, 65535), "ec2.security-group.inline-port"),
        Limit(f"{direction}[].toPort", within(-1, 65535), "ec2.security-group.inline-port"),
        Limit(f"{direction}[].protocol", PROTOCOL, PROTOCOL_RULE, "InvalidParameterValue"),
        Limit(f"{direction}[].description", DESCRIPTION, "ec2.security-group.description"),
        Limit(f"{direction}[].cidrBlocks[]", cidr(), "ec2.security-group.inline-cidr"),
        Limit(f"{direction}[].ipv6CidrBlocks[]", CIDR_IPV6, "ec2.security-group.inline-cidr"),
    )


def port_range_rules(
    rule: Properties, protocol: object, property_: str, where: str = ""
) -> Refusals:
    """Refuse a range of TCP or UDP ports whose first port is above the last.

    Args:
        rule: The rule, with the ports.
        protocol: Its protocol.
        property_: The input that contains the rule.
        where: The start of the message, which names the rule.
    """
    name = protocol_name(protocol)
    first, last = number(rule.get("fromPort")), number(rule.get("toPort"))
    if name not in WITH_PORTS or first is None or last is None:
        return
    if first > last:
        message = (
            f"{where}Invalid {name.upper()} port range: fromPort {first:g} is above toPort {last:g}"
        )
        yield Refusal(
            "InvalidParameterValue", message, "ec2.security-group-rule.port-range", property_
        )


def _rules(inputs: Properties) -> Refusals:
    for direction in RULE_TYPES:
        for index, rule in enumerate(blocks(inputs.get(direction))):
            where = f"{direction}[{index}]: "
            protocol = rule.get("protocol")
            yield from port_range_rules(rule, protocol, direction, where)
            if protocol_name(protocol) == ALL_PROTOCOLS:
                yield from zero_ports_rules(
                    rule, "ec2.security-group.inline-all-ports", direction, where
                )


def _group_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _name_rules(inputs, account, current)
    group = current.id if current else str(inputs.get("name"))
    yield from _permission_rules(group, inputs, account, current)


def _name_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    """Refuse a name that another group of the VPC has, be it the default VPC."""
    name = inputs.get("name")
    vpc = _vpc_of_group(inputs)
    for other in account.where(SECURITY_GROUP, "name", name):
        if other.outputs.get("vpcId") == vpc and not is_current(other, current):
            message = (
                f"The security group '{name}' already exists for VPC '{vpc}': choose another name"
            )
            yield Refusal("InvalidGroup.Duplicate", message, "ec2.security-group.unique", "name")


def _default_group_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    vpc = account.get(VPC, _vpc_of_group(inputs))
    if vpc is not None:
        yield from _permission_rules(
            str(vpc.outputs["defaultSecurityGroupId"]), inputs, account, current
        )


def _permission_rules(
    group: str, inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    """Refuse inline rules that exceed the quota, or that exist as resources already."""
    for direction in RULE_TYPES:
        inline = inline_permissions(inputs, direction, group)
        separate = separate_permissions(account, direction, group)
        before = inline_permissions(current.inputs, direction, group) if current else []
        yield from quota_rules([*inline, *separate], group)
        added = [each for each in inline if each not in before]
        yield from duplicate_rules(added, separate, group)


def _deletion_rules(group: Resource, _account: Account) -> Refusals:
    if group.made_by_aws:
        message = (
            f"the default security group {group.id} can't be deleted by a user; AWS deletes it "
            "with its VPC"
        )
        yield Refusal("CannotDelete", message, "ec2.security-group.default")


def _vpc_of_group(inputs: Properties) -> object:
    """Return the VPC that a program names, or else the default VPC of the region."""
    if given(inputs, "vpcId"):
        return inputs["vpcId"]
    return default_id("vpc", inputs.get("region"))


def _default_vpc(mint: Mint, inputs: Properties) -> Properties:
    """Return the default VPC as output `vpcId`, unless the program names a VPC."""
    return {} if given(inputs, "vpcId") else {"vpcId": default_id("vpc", mint.region)}


def _group_computed(mint: Mint, inputs: Properties) -> Properties:
    outputs = id_arn_and_owner("sg", "security-group")(mint, inputs)
    return {**outputs, **_default_vpc(mint, inputs)}


def _default_group_computed(mint: Mint, inputs: Properties) -> Properties:
    default_vpc = _default_vpc(mint, inputs)
    vpc = mint.account.get(VPC, default_vpc.get("vpcId") or inputs["vpcId"])
    identifier = vpc.outputs["defaultSecurityGroupId"] if vpc else ec2_id(mint, "sg")
    return {
        "id": identifier,
        "arn": mint.arn("ec2", f"security-group/{identifier}"),
        **default_vpc,
        "name": "default",
        "namePrefix": "",
        "description": "default VPC security group",
        "ownerId": mint.account.account_id,
    }


TYPES = (
    ResourceType(
        token=SECURITY_GROUP,
        only_recorded=NO_PACKET,
        autoname=AutoName(),
        replaces=frozenset({"description", "name", "namePrefix", "vpcId", "region"}),
        unordered=frozenset({"ingress", "egress"}),
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
        limits=(
            Limit("name", _NAME, "ec2.security-group.name"),
            Limit("description", length(0, 255), "ec2.security-group.description"),
            Limit(
                "description",
                DESCRIPTION,
                "ec2.security-group.description",
                "InvalidParameterValue",
            ),
            *_inline_limits("ingress"),
            *_inline_limits("egress"),
        ),
        references=(
            in_vpc("ec2.security-group.vpc-exists"),
            group_reference("ingress[].securityGroups[]"),
            group_reference("egress[].securityGroups[]"),
        ),
        rules=_rules,
        account_rules=_group_account_rules,
        computed=_group_computed,
        deletion_rules=_deletion_rules,
        held=("DependencyViolation", "ec2.security-group.held"),
    ),
    ResourceType(
        token=DEFAULT_SECURITY_GROUP,
        only_recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        unordered=frozenset({"ingress", "egress"}),
        limits=(*_inline_limits("ingress"), *_inline_limits("egress")),
        references=(
            Reference(
                "vpcId", VPC, "InvalidVpcID.NotFound", "ec2.security-group.vpc-exists", "gone"
            ),
            group_reference("ingress[].securityGroups[]"),
            group_reference("egress[].securityGroups[]"),
        ),
        rules=_rules,
        account_rules=_default_group_account_rules,
        computed=_default_group_computed,
    ),
)
