"""Network ACLs: their rules, those of a default ACL, and the ACL of a subnet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.ec2.network_acls import Entry, acl_of, entries_of
from tests.localaws.catalog.network_acl_cases import (
    ASSOCIATION,
    DEFAULT_ACL,
    NETWORK_ACL,
    RULE,
    inline,
)
from tests.localaws.catalog.operations import other_vpc, refused_rules

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"
EVERYTHING = Entry(number=100, allow=True, protocol="-1", first=0, last=0, network="0.0.0.0/0")


def default_acl(account: Account) -> str:
    vpc = account.get(VPC, account.id("vpc"))
    assert vpc is not None
    return str(vpc.outputs["defaultNetworkAclId"])


def acl_of_subnet(account: Account, subnet: str) -> str:
    """Return the id of the network ACL that a subnet has."""
    record = account.get(SUBNET, account.id(subnet))
    assert record is not None
    return acl_of(account, record)[0]


def test_a_new_acl_has_no_rules_and_a_default_one_allows_everything(account: Account) -> None:
    acl = account.make(NETWORK_ACL, vpcId=account.id("vpc")).id
    for direction in ("ingress", "egress"):
        assert entries_of(account, acl, direction) == []
        assert entries_of(account, default_acl(account), direction) == [EVERYTHING]


def test_a_default_acl_with_ipv6_allows_that_too(account: Account) -> None:
    vpc = account.make(VPC, cidrBlock="10.9.0.0/16", assignGeneratedIpv6CidrBlock=True)
    acl = str(vpc.outputs["defaultNetworkAclId"])
    networks = [each.network for each in entries_of(account, acl, "egress")]
    assert networks == ["0.0.0.0/0", "::/0"]


def test_a_program_that_adopts_a_default_acl_sets_all_its_rules(account: Account) -> None:
    acl = default_acl(account)
    made = account.make(DEFAULT_ACL, defaultNetworkAclId=acl, **inline({"icmpType": 0}))
    assert (made.id, made.outputs["vpcId"]) == (acl, account.id("vpc"))
    assert entries_of(account, acl, "egress") == []
    assert entries_of(account, acl, "ingress") == [
        EVERYTHING._replace(protocol="6", first=80, last=80)
    ]


def test_only_a_default_acl_can_be_adopted(account: Account) -> None:
    acl = account.make(NETWORK_ACL, vpcId=account.id("vpc")).id
    rules = refused_rules(account.make, DEFAULT_ACL, defaultNetworkAclId=acl)
    assert rules == {"ec2.default-network-acl.default"}


def test_inline_rules_and_rule_resources_are_sorted_by_number(account: Account) -> None:
    acl = account.make(NETWORK_ACL, vpcId=account.id("vpc"), **inline({"ruleNo": 50})).id
    common = {"networkAclId": acl, "ruleAction": "deny", "cidrBlock": "0.0.0.0/0"}
    account.make(RULE, **common, ruleNumber=60, protocol="icmp", icmpType=8, icmpCode=-1)
    account.make(RULE, **common, ruleNumber=40, protocol="-1", fromPort=1, toPort=2)
    account.make(RULE, **common, ruleNumber=10, protocol="udp", egress=True)
    assert [each.number for each in entries_of(account, acl, "ingress")] == [40, 50, 60]
    assert entries_of(account, acl, "ingress")[2][2:5] == ("1", 8, -1)
    assert entries_of(account, acl, "egress") == [
        EVERYTHING._replace(number=10, allow=False, protocol="17")
    ]


def test_numbers_of_inline_rules_and_of_awss_own_rules_are_taken(account: Account) -> None:
    acl = account.make(NETWORK_ACL, vpcId=account.id("vpc"), **inline({})).id
    common = {"protocol": "-1", "ruleAction": "deny", "cidrBlock": "0.0.0.0/0", "ruleNumber": 100}
    for name in (acl, default_acl(account)):
        rules = refused_rules(account.make, RULE, networkAclId=name, **common)
        assert rules == {"ec2.network-acl-rule.unique"}
    account.make(RULE, networkAclId=acl, egress=True, **common)


def test_an_acl_and_its_subnets_are_in_one_vpc(account: Account) -> None:
    elsewhere = other_vpc(account)
    subnet = account.id("subnet-a")
    rules = refused_rules(account.make, NETWORK_ACL, vpcId=elsewhere, subnetIds=[subnet])
    assert rules == {"ec2.network-acl.same-vpc"}
    acl = account.make(NETWORK_ACL, vpcId=elsewhere).id
    rules = refused_rules(account.make, ASSOCIATION, networkAclId=acl, subnetId=subnet)
    assert rules == {"ec2.network-acl.same-vpc"}


def test_a_subnet_without_an_acl_of_its_own_has_the_default_one(account: Account) -> None:
    default = default_acl(account)
    vpc = account.id("vpc")
    subnet = account.id("subnet-a")
    assert acl_of_subnet(account, "subnet-a") == default
    first = account.make(NETWORK_ACL, vpcId=vpc, subnetIds=[subnet])
    assert acl_of_subnet(account, "subnet-a") == first.id
    second = account.make(NETWORK_ACL, vpcId=vpc)
    association = account.make(ASSOCIATION, networkAclId=second.id, subnetId=subnet)
    assert acl_of_subnet(account, "subnet-a") == second.id
    assert acl_of_subnet(account, "subnet-b") == default
    account.delete(ASSOCIATION, association.id)
    account.delete(NETWORK_ACL, first.id)
    assert acl_of_subnet(account, "subnet-a") == default


def test_an_acl_is_deleted_before_its_vpc_and_with_its_rules(account: Account) -> None:
    vpc = account.make(VPC, cidrBlock="10.9.0.0/16").id
    acl = account.make(NETWORK_ACL, vpcId=vpc).id
    rule = {"protocol": "-1", "ruleAction": "allow", "cidrBlock": "0.0.0.0/0", "ruleNumber": 1}
    account.make(RULE, networkAclId=acl, **rule)
    assert refused_rules(account.delete, VPC, vpc) == {"ec2.vpc.held"}
    account.delete(NETWORK_ACL, acl)
    assert account.where(RULE, "networkAclId", acl) == []
    account.delete(VPC, vpc)


def test_a_rule_is_imported_by_its_four_parts(account: Account) -> None:
    acl = account.make(NETWORK_ACL, vpcId=account.id("vpc")).id
    common = {"ruleAction": "allow", "cidrBlock": "0.0.0.0/0"}
    rule = account.make(
        RULE, networkAclId=acl, ruleNumber=7, protocol="tcp", egress=True, toPort=9, **common
    )
    assert account.find(RULE, f"{acl}:7:tcp:true") == rule
