"""EC2: security groups with their inline rules, and a VPC's default group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from localaws.catalog.ec2.ip_permissions import (
    ALL_PROTOCOLS,
    DEFAULT_SECURITY_GROUP,
    duplicate_rules,
    inline_permissions,
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
)
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    CIDR_IPV6,
    Limit,
    blocks,
    cidr,
    given,
    length,
    matches,
    number,
    text,
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


def _rules(inputs: Properties) -> Refusals:
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


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    group = current.id if current else str(inputs.get("name"))
    for direction in ("ingress", "egress"):
        inline = inline_permissions(inputs, direction, group)
        separate = separate_permissions(account, direction, group)
        before = inline_permissions(current.inputs, direction, group) if current else []
        yield from quota_rules([*inline, *separate], group)
        added = [each for each in inline if each not in before]
        yield from duplicate_rules(added, separate, group)


def _deletion_rules(group: Resource, _account: Account) -> Refusals:
    made_by_aws = not group.urn
    if made_by_aws:
        message = f"the default security group {group.id} can't be deleted by a user"
        yield Refusal("CannotDelete", message, "ec2.security-group.default")


def _default_vpc(mint: Mint, inputs: Properties) -> Properties:
    """Return the default VPC as output `vpcId`, unless the program names a VPC."""
    return {} if given(inputs, "vpcId") else {"vpcId": default_id("vpc", mint.region)}


def _computed(mint: Mint, inputs: Properties) -> Properties:
    outputs = id_arn_and_owner("sg", "security-group")(mint, inputs)
    return {**outputs, **_default_vpc(mint, inputs)}


def _default_group_computed(mint: Mint, inputs: Properties) -> Properties:
    own = _default_vpc(mint, inputs)
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
        unique=(
            Unique(
                ("name", "vpcId"),
                "InvalidGroup.Duplicate",
                "ec2.security-group.unique",
                "The security group '{name}' already exists for VPC '{vpcId}'",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
        deletion_rules=_deletion_rules,
        held=("DependencyViolation", "ec2.security-group.held"),
    ),
    ResourceType(
        token=DEFAULT_SECURITY_GROUP,
        recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        unordered=frozenset({"ingress", "egress"}),
        limits=(*_inline_limits("ingress"), *_inline_limits("egress")),
        references=(
            Reference(
                "vpcId", VPC, "InvalidVpcID.NotFound", "ec2.security-group.vpc-exists", "gone"
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_default_group_computed,
    ),
)
