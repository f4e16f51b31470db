"""Refusals of network ACLs, beside similar accepted inputs; `test_refusals.py` runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

NETWORK_ACL = "aws:ec2/networkAcl:NetworkAcl"
DEFAULT_ACL = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
RULE = "aws:ec2/networkAclRule:NetworkAclRule"
ASSOCIATION = "aws:ec2/networkAclAssociation:NetworkAclAssociation"

_INVALID = "InvalidParameterValue"
_MISSING_ACL = "acl-00000000000000000"


def inline(*rules: dict[str, Any], direction: str = "ingress") -> dict[str, Any]:
    """Return inputs with inline rules, each of which differs from a valid one."""
    valid = {
        "ruleNo": 100,
        "action": "allow",
        "protocol": "tcp",
        "fromPort": 80,
        "toPort": 80,
        "cidrBlock": "0.0.0.0/0",
    }
    return {direction: [{**valid, **rule} for rule in rules]}


def _rule(rule: str, refused: dict[str, Any], accepted: dict[str, Any]) -> Case:
    return (RULE, rule, _INVALID, refused, accepted)


def _inline(rule: str, refused: dict[str, Any], accepted: dict[str, Any]) -> Case:
    return (NETWORK_ACL, rule, "InvalidArgument", inline(refused), inline(accepted))


_EVERY_ICMP = {"protocol": "icmp", "icmpType": -1, "icmpCode": -1}

NETWORK_ACL_CASES: list[Case] = [
    _rule("ec2.network-acl-rule.number", {"ruleNumber": 0}, {"ruleNumber": 1}),
    _rule("ec2.network-acl-rule.number", {"ruleNumber": 32767}, {"ruleNumber": 32766}),
    (
        RULE,
        "ec2.network-acl-rule.action",
        "InvalidArgument",
        {"ruleAction": "reject"},
        {"ruleAction": "deny"},
    ),
    (
        RULE,
        "ec2.network-acl-rule.protocol",
        "InvalidArgument",
        {"protocol": "http"},
        {"protocol": "17"},
    ),
    _rule("ec2.network-acl-rule.port", {"toPort": 65536}, {"toPort": 65535}),
    _rule("ec2.network-acl-rule.port-range", {"fromPort": 81}, {"fromPort": 79}),
    _rule("ec2.network-acl-rule.port-range", {"toPort": None}, {"fromPort": None}),
    _rule("ec2.network-acl-rule.icmp", {**_EVERY_ICMP, "icmpType": 256}, _EVERY_ICMP),
    _rule(
        "ec2.network-acl-rule.icmp",
        {**_EVERY_ICMP, "icmpCode": None},
        {**_EVERY_ICMP, "icmpType": 8},
    ),
    _rule("ec2.network-acl-rule.cidr", {"cidrBlock": "10.0.0.1/8"}, {"cidrBlock": "10.0.0.0/8"}),
    (
        RULE,
        "ec2.network-acl-rule.one-range",
        "InvalidArgument",
        {"ipv6CidrBlock": "::/0"},
        {"ipv6CidrBlock": "::/0", "cidrBlock": None},
    ),
    (
        RULE,
        "ec2.network-acl.exists",
        "InvalidNetworkAclID.NotFound",
        {"networkAclId": _MISSING_ACL},
        {},
    ),
    _inline("ec2.network-acl-rule.number", {"ruleNo": 32767}, {"ruleNo": 32766}),
    _inline("ec2.network-acl-rule.action", {"action": "drop"}, {"action": "DENY"}),
    _inline("ec2.network-acl-rule.protocol", {"protocol": "256"}, {"protocol": "255"}),
    _inline("ec2.network-acl-rule.port", {"fromPort": -1}, {"fromPort": 0}),
    _inline("ec2.network-acl-rule.icmp", {"icmpType": -2}, {"icmpType": -1, "icmpCode": -1}),
    _inline("ec2.network-acl-rule.cidr", {"cidrBlock": "10.0.0.1/8"}, {"cidrBlock": "10.0.0.0/8"}),
    _inline("ec2.network-acl-rule.one-range", {"cidrBlock": None}, {}),
    (
        NETWORK_ACL,
        "ec2.network-acl.inline-all-ports",
        "InvalidArgument",
        inline({"protocol": "-1"}),
        inline({"protocol": "-1", "fromPort": 0, "toPort": 0}),
    ),
    (
        NETWORK_ACL,
        "ec2.network-acl-rule.unique",
        "NetworkAclEntryAlreadyExists",
        inline({}, {"action": "deny"}),
        {**inline({}), **inline({}, direction="egress")},
    ),
    (
        NETWORK_ACL,
        "ec2.network-acl-rule.quota",
        "NetworkAclEntryLimitExceeded",
        inline(*({"ruleNo": number} for number in range(1, 22))),
        inline(*({"ruleNo": number} for number in range(1, 21))),
    ),
    (
        NETWORK_ACL,
        "ec2.network-acl.vpc-exists",
        "InvalidVpcID.NotFound",
        {"vpcId": "vpc-00000000000000000"},
        {},
    ),
    (
        NETWORK_ACL,
        "ec2.network-acl.subnet-exists",
        "InvalidSubnetID.NotFound",
        {"subnetIds": ["subnet-00000000000000000"]},
        {"subnetIds": ["$subnet-a"]},
    ),
    (
        DEFAULT_ACL,
        "ec2.network-acl.exists",
        "InvalidNetworkAclID.NotFound",
        {"defaultNetworkAclId": _MISSING_ACL},
        inline({}),
    ),
    (
        ASSOCIATION,
        "ec2.network-acl.exists",
        "InvalidNetworkAclID.NotFound",
        {"networkAclId": _MISSING_ACL},
        {},
    ),
    (
        ASSOCIATION,
        "ec2.network-acl.subnet-exists",
        "InvalidSubnetID.NotFound",
        {"subnetId": "subnet-00000000000000000"},
        {},
    ),
]
