"""EC2: network ACLs, their rules, and their associations with subnets.

Every VPC has a default ACL. It has no separate record: its id is the VPC's output
`defaultNetworkAclId`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from localaws.catalog.ec2.network import (
    SUBNET,
    VPC,
    ec2_id,
    id_arn_and_owner,
    in_vpc,
    vpc_of,
    zero_ports_rules,
)
from localaws.catalog.only_recorded import NO_PACKET
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, Reference, ResourceType
from localaws.catalog.values import (
    CIDR_IPV6,
    Allowed,
    Limit,
    blocks,
    cidr,
    exactly_one,
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

NETWORK_ACL = "aws:ec2/networkAcl:NetworkAcl"
DEFAULT_NETWORK_ACL = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
NETWORK_ACL_RULE = "aws:ec2/networkAclRule:NetworkAclRule"
NETWORK_ACL_ASSOCIATION = "aws:ec2/networkAclAssociation:NetworkAclAssociation"

ENTRIES_PER_DIRECTION = 20
"""AWS's default quota. Whether the final rule, which denies the rest, counts isn't documented
clearly, so here it doesn't.

Source: Amazon VPC User Guide, "Amazon VPC quotas".
"""

ALL_PROTOCOLS, ICMP, TCP, UDP, ICMPV6 = "-1", "1", "6", "17", "58"

_PROTOCOL_NUMBERS = {
    "all": ALL_PROTOCOLS,
    "icmp": ICMP,
    "igmp": "2",
    "tcp": TCP,
    "udp": UDP,
    "gre": "47",
    "esp": "50",
    "ah": "51",
    "ipv6-icmp": ICMPV6,
    "sctp": "132",
}
_DIRECTIONS = ("ingress", "egress")
_RANGES = ("cidrBlock", "ipv6CidrBlock")
_NOT_FOUND = "InvalidNetworkAclID.NotFound"
_INVALID = "InvalidParameterValue"
_NUMBERS = within(1, 32766)
_TYPES = within(-1, 255)


_PROTOCOLS = frozenset({*_PROTOCOL_NUMBERS, *map(str, range(-1, 256))})


def _is_protocol(value: object) -> bool:
    return text(value) in _PROTOCOLS


_PROTOCOL = Allowed(
    f"{', '.join(_PROTOCOL_NUMBERS)}, -1 or a protocol's number in quotes", _is_protocol
)


class Entry(NamedTuple):
    """One rule of a network ACL, in a form that is the same for all kinds of rules."""

    number: int
    allow: bool
    protocol: str
    """`-1` for every protocol, else its number."""

    first: int
    last: int
    """The ports, or the type and code of an ICMP message, of which -1 means all."""

    network: str


def entries_of(account: Account, acl: str, direction: str) -> list[Entry]:
    """Return the rules of a network ACL in their order, without the final one, which denies.

    Args:
        account: The account that the ACL is in.
        acl: Its id. A VPC's default ACL has AWS's rules, which allow everything, until a program
            adopts it, which removes every rule that the program doesn't list. Source: Amazon VPC
            User Guide, "Default network ACL for a VPC".
        direction: `ingress` or `egress`.
    """
    entries = _separate_entries(account, acl, direction)
    record = account.get(NETWORK_ACL, acl) or account.get(DEFAULT_NETWORK_ACL, acl)
    if record is not None:
        entries += _inline_entries(record.inputs, direction)
    else:
        entries += _default_entries(account, acl)
    return sorted(entries)


def acl_of(account: Account, subnet: Resource) -> tuple[str, list[str]]:
    """Return the network ACL of a subnet, and every ACL that a resource associates with it.

    An association is preferred to an ACL's `subnetIds`, and either to the VPC's default ACL.
    """
    acls = [*account.all(DEFAULT_NETWORK_ACL), *account.all(NETWORK_ACL)]
    named = [each.id for each in acls if subnet.id in texts(each.inputs.get("subnetIds"))]
    associations = account.where(NETWORK_ACL_ASSOCIATION, "subnetId", subnet.id)
    named += [str(each.inputs.get("networkAclId")) for each in associations]
    vpc = account.get(VPC, subnet.outputs.get("vpcId"))
    default = str(vpc.outputs.get("defaultNetworkAclId")) if vpc else ""
    used = named[-1] if named else default
    return used, named


def _vpc_of(account: Account, acl: object) -> str | None:
    """Return the VPC of a network ACL; None if there is no such ACL."""
    record = account.find(NETWORK_ACL, acl)
    if record is not None:
        return str(record.inputs.get("vpcId"))
    vpcs = account.where(VPC, "defaultNetworkAclId", acl)
    return vpcs[0].id if vpcs else None


def _default_entries(account: Account, acl: str) -> list[Entry]:
    """Return the rules that AWS gives a VPC's default ACL."""
    vpc = account.get(VPC, _vpc_of(account, acl))
    everything = Entry(
        number=100, allow=True, protocol=ALL_PROTOCOLS, first=0, last=0, network="0.0.0.0/0"
    )
    if vpc is not None and vpc.outputs.get("ipv6CidrBlock"):
        return [everything, everything._replace(number=101, network="::/0")]
    return [everything]


def _separate_entries(account: Account, acl: object, direction: str) -> list[Entry]:
    """Return the rules of an ACL that are resources."""
    rules = account.where(NETWORK_ACL_RULE, "networkAclId", acl)
    return [_entry(each.inputs) for each in rules if _direction(each.inputs) == direction]


def _inline_entries(inputs: Properties, direction: str) -> list[Entry]:
    """Return the rules in an ACL's `ingress` or `egress`."""
    return [_entry(each, "ruleNo", "action") for each in blocks(inputs.get(direction))]


def _direction(rule: Properties) -> str:
    return "egress" if rule.get("egress") is True else "ingress"


def _entry(
    rule: Properties, number_input: str = "ruleNumber", action_input: str = "ruleAction"
) -> Entry:
    protocol = _protocol_number(rule)
    is_icmp = protocol in {ICMP, ICMPV6}
    first, last = ("icmpType", "icmpCode") if is_icmp else ("fromPort", "toPort")
    return Entry(
        number=_whole(rule, number_input),
        allow=str(rule.get(action_input)).lower() == "allow",
        protocol=protocol,
        first=_whole(rule, first),
        last=_whole(rule, last),
        network=str(rule.get("cidrBlock") or rule.get("ipv6CidrBlock") or ""),
    )


def _whole(rule: Properties, name: str) -> int:
    """Return a number in a rule; 0 if the program leaves it out, as the provider sends then."""
    return int(number(rule.get(name)) or 0)


def _protocol_number(rule: Properties) -> str:
    """Return a rule's protocol by its number: `6` for `tcp`."""
    protocol = str(rule.get("protocol"))
    return _PROTOCOL_NUMBERS.get(protocol, protocol)


def _combination_rules(rule: Properties, where: str = "") -> Refusals:
    """Refuse a rule whose inputs exclude each other; messages start with `where`."""
    yield from exactly_one(rule, _RANGES, "ec2.network-acl-rule.one-range", where=where)
    protocol = _protocol_number(rule)
    ports = (rule.get("fromPort"), rule.get("toPort"))
    if protocol in {TCP, UDP} and UNKNOWN not in ports:
        first, last = _whole(rule, "fromPort"), _whole(rule, "toPort")
        if first > last:
            message = f"{where}Invalid port range: fromPort {first} is above toPort {last}"
            yield Refusal(_INVALID, message, "ec2.network-acl-rule.port-range", "toPort")
    if protocol in {ICMP, ICMPV6}:
        code = rule.get("icmpCode")
        all_codes = code is UNKNOWN or number(code) == -1
        if number(rule.get("icmpType")) == -1 and not all_codes:
            message = f"{where}icmpType -1, which means all, needs icmpCode -1"
            yield Refusal(_INVALID, message, "ec2.network-acl-rule.icmp", "icmpCode")


def _acl_rules(inputs: Properties) -> Refusals:
    for direction in _DIRECTIONS:
        for index, rule in enumerate(blocks(inputs.get(direction))):
            where = f"{direction}[{index}]: "
            yield from _combination_rules(rule, where)
            if _protocol_number(rule) == ALL_PROTOCOLS:
                yield from zero_ports_rules(
                    rule, "ec2.network-acl.inline-all-ports", direction, where
                )


def _numbers_rules(acl: object, direction: str, entries: Iterable[Entry]) -> Refusals:
    """Refuse two rules with one number, and more rules than the quota."""
    egress = "true" if direction == "egress" else "false"
    numbers: set[int] = set()
    for each in entries:
        if each.number in numbers:
            message = (
                f"EC2 Network ACL ({acl}) Rule (egress: {egress})({each.number}) already exists: "
                "choose another number"
            )
            yield Refusal("NetworkAclEntryAlreadyExists", message, "ec2.network-acl-rule.unique")
        numbers.add(each.number)
    if len(numbers) > ENTRIES_PER_DIRECTION:
        message = (
            f"{acl} would have {len(numbers)} {direction} rules, at most "
            f"{ENTRIES_PER_DIRECTION} are allowed: remove some"
        )
        yield Refusal("NetworkAclEntryLimitExceeded", message, "ec2.network-acl-rule.quota")


def _acl_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    acl = current.id if current else inputs.get("defaultNetworkAclId")
    acl_in_message = acl or "the network ACL"
    for direction in _DIRECTIONS:
        entries = _separate_entries(account, acl, direction) + _inline_entries(inputs, direction)
        yield from _numbers_rules(acl_in_message, direction, entries)
    vpc = inputs.get("vpcId") or _vpc_of(account, inputs.get("defaultNetworkAclId"))
    for subnet in texts(inputs.get("subnetIds")):
        yield from _same_vpc_rules(account, acl_in_message, vpc, subnet, "subnetIds")


def _default_acl_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    acl = inputs.get("defaultNetworkAclId")
    if account.get(NETWORK_ACL, acl) is not None:
        message = f"{acl} isn't a VPC's default network ACL; use a NetworkAcl resource for it"
        yield Refusal(
            "InvalidArgument", message, "ec2.default-network-acl.default", "defaultNetworkAclId"
        )
    elif _vpc_of(account, acl) is None:
        yield _missing(acl, "defaultNetworkAclId")
    else:
        yield from _acl_account_rules(inputs, account, current)


def _missing(acl: object, name: str) -> Refusal:
    message = f"The networkAcl ID '{acl}' does not exist: name an existing network ACL"
    return Refusal(_NOT_FOUND, message, "ec2.network-acl.exists", name)


def _same_vpc_rules(account: Account, acl: object, vpc: object, subnet: str, name: str) -> Refusals:
    """Refuse a subnet of another VPC than the ACL's; `name` is the input that names the subnet."""
    vpc_of_subnet = vpc_of(account, subnet)
    if vpc_of_subnet is not None and vpc != vpc_of_subnet:
        message = (
            f"network ACL {acl} and subnet {subnet} belong to different networks: use a subnet of "
            f"{vpc}"
        )
        yield Refusal(_INVALID, message, "ec2.network-acl.same-vpc", name)


def _rule_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    acl = inputs.get("networkAclId")
    if _vpc_of(account, acl) is None:
        yield _missing(acl, "networkAclId")
        return
    direction = _direction(inputs)
    others = entries_of(account, str(acl), direction)
    if current is not None:
        others.remove(_entry(current.inputs))
    yield from _numbers_rules(acl, direction, [*others, _entry(inputs)])


def _association_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    acl = inputs.get("networkAclId")
    vpc = _vpc_of(account, acl)
    if vpc is None:
        yield _missing(acl, "networkAclId")
    else:
        yield from _same_vpc_rules(account, acl, vpc, str(inputs.get("subnetId")), "subnetId")


def _default_acl_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = inputs.get("defaultNetworkAclId")
    return {
        "id": identifier,
        "arn": mint.arn("ec2", f"network-acl/{identifier}"),
        "ownerId": mint.account.account_id,
        "vpcId": _vpc_of(mint.account, identifier),
    }


def _rule_computed(_mint: Mint, inputs: Properties) -> Properties:
    entry = _entry(inputs)
    egress = str(inputs.get("egress") is True).lower()
    parts = f"{inputs.get('networkAclId')}-{entry.number}-{egress}-{inputs.get('protocol')}-"
    return {"id": f"nacl-{zlib.crc32(parts.encode())}"}


def _rule_import_ids(rule: Resource) -> tuple[str, ...]:
    inputs = rule.inputs
    entry = _entry(rule.inputs)
    egress = str(inputs.get("egress") is True).lower()
    return (f"{inputs.get('networkAclId')}:{entry.number}:{inputs.get('protocol')}:{egress}",)


def _inline_limits() -> tuple[Limit, ...]:
    limits: list[Limit] = []
    for direction in _DIRECTIONS:
        name = f"{direction}[]"
        limits += [
            Limit(f"{name}.ruleNo", _NUMBERS, "ec2.network-acl-rule.number"),
            Limit(
                f"{name}.action",
                matches("(?i)allow|deny", "allow or deny"),
                "ec2.network-acl-rule.action",
            ),
            Limit(f"{name}.protocol", _PROTOCOL, "ec2.network-acl-rule.protocol"),
            Limit(f"{name}.fromPort", within(0, 65535), "ec2.network-acl-rule.port"),
            Limit(f"{name}.toPort", within(0, 65535), "ec2.network-acl-rule.port"),
            Limit(f"{name}.icmpType", _TYPES, "ec2.network-acl-rule.icmp"),
            Limit(f"{name}.icmpCode", _TYPES, "ec2.network-acl-rule.icmp"),
            Limit(f"{name}.cidrBlock", cidr(), "ec2.network-acl-rule.cidr"),
            Limit(f"{name}.ipv6CidrBlock", CIDR_IPV6, "ec2.network-acl-rule.cidr"),
        ]
    return tuple(limits)


_SUBNETS = Reference(
    "subnetIds[]", SUBNET, "InvalidSubnetID.NotFound", "ec2.network-acl.subnet-exists"
)
_UNORDERED = frozenset({"ingress", "egress", "subnetIds"})

TYPES = (
    ResourceType(
        token=NETWORK_ACL,
        only_recorded=NO_PACKET,
        replaces=frozenset({"vpcId", "region"}),
        unordered=_UNORDERED,
        defaults={"ingress": [], "egress": [], "subnetIds": []},
        limits=_inline_limits(),
        references=(
            in_vpc("ec2.network-acl.vpc-exists"),
            _SUBNETS,
        ),
        rules=_acl_rules,
        account_rules=_acl_account_rules,
        computed=id_arn_and_owner("acl", "network-acl"),
    ),
    ResourceType(
        token=DEFAULT_NETWORK_ACL,
        only_recorded=NO_PACKET,
        replaces=frozenset({"defaultNetworkAclId", "region"}),
        unordered=_UNORDERED,
        limits=_inline_limits(),
        references=(_SUBNETS,),
        rules=_acl_rules,
        account_rules=_default_acl_account_rules,
        computed=_default_acl_computed,
    ),
    ResourceType(
        token=NETWORK_ACL_RULE,
        only_recorded=NO_PACKET,
        replaces=AllExcept(),
        defaults={"egress": False},
        limits=(
            Limit("ruleNumber", _NUMBERS, "ec2.network-acl-rule.number", _INVALID),
            Limit("ruleAction", one_of("allow", "deny"), "ec2.network-acl-rule.action"),
            Limit("protocol", _PROTOCOL, "ec2.network-acl-rule.protocol"),
            Limit("fromPort", within(0, 65535), "ec2.network-acl-rule.port", _INVALID),
            Limit("toPort", within(0, 65535), "ec2.network-acl-rule.port", _INVALID),
            Limit("icmpType", _TYPES, "ec2.network-acl-rule.icmp", _INVALID),
            Limit("icmpCode", _TYPES, "ec2.network-acl-rule.icmp", _INVALID),
            Limit("cidrBlock", cidr(), "ec2.network-acl-rule.cidr", _INVALID),
            Limit("ipv6CidrBlock", CIDR_IPV6, "ec2.network-acl-rule.cidr", _INVALID),
        ),
        references=(Reference("networkAclId", NETWORK_ACL, "", "ec2.network-acl.exists", "gone"),),
        rules=_combination_rules,
        account_rules=_rule_account_rules,
        computed=_rule_computed,
        import_ids=_rule_import_ids,
    ),
    ResourceType(
        token=NETWORK_ACL_ASSOCIATION,
        only_recorded=NO_PACKET,
        replaces=AllExcept(),
        references=(
            Reference("networkAclId", NETWORK_ACL, "", "ec2.network-acl.exists", "gone"),
            Reference(
                "subnetId",
                SUBNET,
                "InvalidSubnetID.NotFound",
                "ec2.network-acl.subnet-exists",
                "gone",
            ),
        ),
        account_rules=_association_account_rules,
        computed=lambda mint, _inputs: {"id": ec2_id(mint, "aclassoc")},
    ),
)
