"""Security groups: their inline rules, rules that are resources, and both together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog import Refused
from localaws.catalog.ec2.ip_permissions import permissions_of
from tests.localaws.catalog.network_cases import GROUP, INGRESS
from tests.localaws.catalog.operations import other_vpc, refused

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
CLASSIC = "aws:ec2/securityGroupRule:SecurityGroupRule"

INVALID = "InvalidParameterValue"
DUPLICATE = {("ec2.security-group-rule.unique", "InvalidPermission.Duplicate")}
QUOTA = {("ec2.security-group-rule.quota", "RulesPerSecurityGroupLimitExceeded")}


def test_a_rule_that_its_group_has_inline_is_refused(
    account: Account,
) -> None:
    inline = {
        "protocol": "TCP",
        "fromPort": 80,
        "toPort": 80,
        "cidrBlocks": ["10.0.0.0/8", "10.9.0.0/16"],
    }
    everything = {"protocol": "all", "fromPort": 0, "toPort": 0, "self": True}
    group = account.make(
        GROUP, name="inline", vpcId=account.id("vpc"), ingress=[inline, everything]
    )
    rule = {"securityGroupId": group.id, "ipProtocol": "6", "fromPort": 80, "toPort": 80}
    assert refused(account.make, INGRESS, **rule, cidrIpv4="10.9.0.0/16") == DUPLICATE
    own = {"securityGroupId": group.id, "ipProtocol": "-1", "referencedSecurityGroupId": group.id}
    assert refused(account.make, INGRESS, **own) == DUPLICATE
    account.make(INGRESS, **rule, cidrIpv4="10.8.0.0/16")
    account.make(EGRESS, **rule, cidrIpv4="10.9.0.0/16")
    more = {**inline, "cidrBlocks": ["10.8.0.0/16"]}
    changed = {**group.inputs, "ingress": [inline, everything, more]}
    assert refused(account.update, GROUP, group.id, changed) == DUPLICATE
    account.update(GROUP, group.id, {**group.inputs, "tags": {"a": "b"}})


def test_rules_of_both_resource_types_are_compared_with_each_other(account: Account) -> None:
    rule = account.make(CLASSIC, **account.minimal(CLASSIC))
    ports = {"ipProtocol": "tcp", "fromPort": 8443, "toPort": 8443}
    same_rule = {"securityGroupId": account.id("group"), **ports, "cidrIpv4": "10.0.0.0/8"}
    assert refused(account.make, INGRESS, **same_rule) == DUPLICATE
    assert refused(account.make, CLASSIC, **account.minimal(CLASSIC)) == DUPLICATE
    account.update(CLASSIC, rule.id, {**rule.inputs, "description": "clients"})
    account.delete(CLASSIC, rule.id)
    account.make(INGRESS, **same_rule)
    other_vpc(account)
    outside = {"cidrBlocks": None, "sourceSecurityGroupId": account.id("other-group")}
    assert refused(account.make, CLASSIC, **{**account.minimal(CLASSIC), **outside}) == {
        ("ec2.security-group-rule.same-vpc", "InvalidGroup.NotFound")
    }


def test_inline_rules_and_rule_resources_count_together(account: Account) -> None:
    networks = [f"10.{number}.0.0/16" for number in range(59)]
    inline = {"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": networks}
    group = account.make(GROUP, name="inline", vpcId=account.id("vpc"), ingress=[inline]).id
    rule = {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
    account.make(INGRESS, **rule, cidrIpv4="0.0.0.0/0")
    account.make(INGRESS, **rule, cidrIpv6="::/0")
    assert refused(account.make, INGRESS, **rule, cidrIpv4="10.0.0.0/8") == QUOTA
    assert (
        refused(account.make, INGRESS, **rule, referencedSecurityGroupId=account.id("group"))
        == QUOTA
    )


def test_a_security_group_can_be_deleted_unless_another_group_refers_to_it(
    account: Account,
) -> None:
    group = account.make(GROUP, name="a", vpcId=account.id("vpc")).id
    other = account.make(GROUP, name="b", vpcId=account.id("vpc")).id
    anything = {"ipProtocol": "-1", "referencedSecurityGroupId": group}
    account.make(INGRESS, securityGroupId=group, **anything)
    rule = account.make(INGRESS, securityGroupId=other, **anything).id
    in_use = ("ec2.security-group.held", "DependencyViolation")
    assert in_use in refused(account.delete, GROUP, group)
    account.delete(INGRESS, rule)
    account.delete(GROUP, group)


@pytest.mark.parametrize("protocol", ["TCP", "6", "udp", "17"])
def test_a_rule_for_tcp_or_udp_needs_a_range_of_ports_by_any_name_of_the_protocol(
    account: Account, protocol: str
) -> None:
    rule = {"securityGroupId": account.id("group"), "cidrIpv4": "10.0.0.0/8"}
    assert refused(account.make, INGRESS, **rule, ipProtocol=protocol) == {
        ("ec2.security-group-rule.ports", INVALID)
    }
    backwards = {**rule, "ipProtocol": protocol, "fromPort": 90, "toPort": 80}
    assert refused(account.make, INGRESS, **backwards) == {
        ("ec2.security-group-rule.port-range", INVALID)
    }


def test_two_names_of_one_protocol_make_the_same_rule(account: Account) -> None:
    rule = {**account.minimal(INGRESS), "ipProtocol": "tcp"}
    made = account.make(INGRESS, **rule)
    assert refused(account.make, INGRESS, **{**rule, "ipProtocol": "6"}) == DUPLICATE
    account.update(INGRESS, made.id, {**rule, "ipProtocol": "6"})


def test_a_rule_for_a_group_of_another_account_is_compared_with_its_other_rules(
    account: Account,
) -> None:
    group = "210987654321/sg-0123456789abcdef0"
    rule = {**account.minimal(INGRESS), "securityGroupId": group}
    account.make(INGRESS, **rule)
    assert refused(account.make, INGRESS, **rule) == DUPLICATE


@pytest.mark.parametrize("protocol", ["tcp", "17"])
def test_the_first_port_of_an_inline_or_classic_rule_isnt_above_the_last(
    account: Account, protocol: str
) -> None:
    expected = {("ec2.security-group-rule.port-range", INVALID)}
    backwards = {"protocol": protocol, "fromPort": 90, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]}
    group = account.minimal(GROUP)
    assert refused(account.make, GROUP, **{**group, "ingress": [backwards]}) == expected
    assert refused(account.make, GROUP, **{**group, "egress": [backwards]}) == expected
    assert refused(account.make, CLASSIC, **{**account.minimal(CLASSIC), **backwards}) == expected
    # The type and the code of an ICMP message.
    account.make(CLASSIC, **{**account.minimal(CLASSIC), **backwards, "protocol": "icmp"})


def test_a_name_is_unique_in_the_default_vpc(account: Account) -> None:
    group = account.make(GROUP, name="web")
    taken = {("ec2.security-group.unique", "InvalidGroup.Duplicate")}
    assert refused(account.make, GROUP, name="web") == taken
    assert refused(account.make, GROUP, name="web", vpcId=group.outputs["vpcId"]) == taken
    account.update(GROUP, group.id, {"name": "web", "tags": {"a": "b"}})


def test_the_inline_rules_of_a_default_group_name_groups_that_exist(account: Account) -> None:
    def adopt(other: str) -> Any:
        rule = {"protocol": "-1", "fromPort": 0, "toPort": 0, "securityGroups": [other]}
        return account.make(DEFAULT_GROUP, vpcId=account.id("vpc"), ingress=[rule])

    assert refused(adopt, "sg-0123456789abcdef0") == {
        ("ec2.security-group.exists", "InvalidGroup.NotFound")
    }
    other = account.make(GROUP, name="a", vpcId=account.id("vpc")).id
    adopted = adopt(other)
    assert refused(account.delete, GROUP, other) == {
        ("ec2.security-group.held", "DependencyViolation")
    }
    account.delete(DEFAULT_GROUP, adopted.id)
    account.delete(GROUP, other)


def test_a_default_group_is_named_by_its_id_in_a_refusal() -> None:
    cloud = Cloud(seed=1)
    networks = [f"10.{number}.0.0/16" for number in range(61)]
    rule = {"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": networks}
    with pytest.raises(Refused, match=r"sg-\w+ would have 61 rules"):
        cloud.create(DEFAULT_GROUP, "urn:group", {"ingress": [rule]}, region="eu-west-1")


def test_a_default_group_allows_traffic_from_itself_until_it_is_adopted(account: Account) -> None:
    vpc = account.made["vpc"]
    group = account.get(GROUP, vpc.outputs["defaultSecurityGroupId"])
    assert group is not None
    assert [each.other for each in permissions_of(account, group, "ingress")] == [group.id]
    everywhere = [each.other for each in permissions_of(account, group, "egress")]
    assert everywhere == ["0.0.0.0/0", "::/0"]
    account.make(DEFAULT_GROUP, vpcId=vpc.id)
    assert permissions_of(account, group, "ingress") == []
    assert permissions_of(account, group, "egress") == []
