"""Users, uploaded certificates, trust stores, IP sets, health checks: deletions and outputs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from localaws.catalog import CATALOG
from localaws.catalog.iam.policies import ATTACHED_POLICIES
from tests.localaws.catalog.conftest import refusal
from tests.localaws.catalog.edge_cases import (
    ACL,
    HEALTH_CHECK,
    IP_SET,
    LINKED_ROLE,
    LISTENER,
    TRUST_STORE,
    UPLOADED,
    USER,
    USER_ATTACHMENT,
    USER_POLICY,
    VERIFYING,
    rules_of,
)
from tests.localaws.catalog.operations import filled, refused_rules

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


@pytest.mark.parametrize("token", [USER_POLICY, USER_ATTACHMENT])
def test_a_user_with_policies_cant_be_deleted(account: Account, token: str) -> None:
    policy = account.make(token, **account.minimal(token)).id
    assert refusal(account, USER, "deployer") == ("iam.user.held", "DeleteConflict")
    account.delete(token, policy)
    account.delete(USER, "deployer")


def test_a_user_can_have_ten_managed_policies(account: Account) -> None:
    for number in range(ATTACHED_POLICIES):
        account.make(
            USER_ATTACHMENT, user="deployer", policyArn=f"arn:aws:iam::aws:policy/P{number}"
        )
    rules = refused_rules(account.make, USER_ATTACHMENT, **account.minimal(USER_ATTACHMENT))
    assert rules == {"iam.user.quota"}


def test_a_user_is_renamed_in_place_and_found_by_its_new_name(account: Account) -> None:
    old = {"name": "deployer"}
    new = {"name": "robot", "path": "/ci/"}
    assert CATALOG[USER].replacing(["name", "path"], old, new) == []
    changed = account.update(USER, "deployer", new)
    assert changed.outputs["arn"] == "arn:aws:iam::123456789012:user/ci/robot"
    account.make(USER_POLICY, **{**account.minimal(USER_POLICY), "user": "robot"})
    assert refusal(account, USER, "deployer") == ("iam.user.held", "DeleteConflict")


def test_an_uploaded_certificate_that_a_listener_serves_cant_be_deleted(account: Account) -> None:
    inputs = filled(account, {**VERIFYING, "certificateArn": "$uploaded-arn"})
    listener = account.make(LISTENER, **{**account.minimal(LISTENER), **inputs})
    assert refusal(account, UPLOADED, account.id("uploaded")) == (
        "iam.server-certificate.held",
        "DeleteConflict",
    )
    account.delete(LISTENER, listener.id)
    account.delete(UPLOADED, account.id("uploaded"))


def test_a_refusal_doesnt_show_a_private_key() -> None:
    inputs = {"name": "a", "certificateBody": "hunter2", "privateKey": "hunter2"}
    found = list(CATALOG[UPLOADED].check(inputs))
    assert found
    assert not any("hunter2" in str(each) for each in found)


@pytest.mark.parametrize(
    ("service", "suffix", "name"),
    [
        ("ecs.amazonaws.com", None, "AWSServiceRoleForECS"),
        (
            "ecs.application-autoscaling.amazonaws.com",
            None,
            "AWSServiceRoleForApplicationAutoScaling_ECSService",
        ),
        ("autoscaling.amazonaws.com", "mine", "AWSServiceRoleForAutoScaling_mine"),
    ],
)
def test_a_service_linked_role_has_the_services_name_and_path(
    account: Account, service: str, suffix: str | None, name: str
) -> None:
    role = account.make(
        LINKED_ROLE, awsServiceName=service, **({"customSuffix": suffix} if suffix else {})
    )
    assert role.outputs["name"] == name
    assert role.id == f"arn:aws:iam::123456789012:role/aws-service-role/{service}/{name}"


def test_a_trust_store_of_a_listener_cant_be_deleted(account: Account) -> None:
    mutual = {"mutualAuthentication": {"mode": "verify", "trustStoreArn": "$clients"}}
    listener = account.make(
        LISTENER, **{**account.minimal(LISTENER), **filled(account, {**VERIFYING, **mutual})}
    )
    assert refusal(account, TRUST_STORE, account.id("clients")) == (
        "elbv2.trust-store.held",
        "TrustStoreInUse",
    )
    account.delete(LISTENER, listener.id)
    account.delete(TRUST_STORE, account.id("clients"))


def test_an_ip_set_of_a_rule_cant_be_deleted_and_its_import_id_has_its_scope(
    account: Account,
) -> None:
    offices = account.made["offices"]
    acl = account.make(ACL, **{**account.minimal(ACL), "rules": rules_of(offices.outputs["arn"])})
    assert refusal(account, IP_SET, offices.id) == (
        "wafv2.ip-set.held",
        "WAFAssociatedItemException",
    )
    account.update(ACL, acl.id, {**account.minimal(ACL), "rules": []})
    found = account.find(IP_SET, f"{offices.id}/offices/REGIONAL")
    assert found
    assert re.fullmatch(
        r"arn:aws:wafv2:eu-west-1:\d{12}:regional/ipset/offices/[0-9a-f-]{36}", found.outputs["arn"]
    )
    account.delete(IP_SET, offices.id)


def test_an_ip_set_can_have_ten_thousand_ranges(account: Account) -> None:
    many = [f"10.{number // 256}.{number % 256}.0/24" for number in range(10_001)]
    found = CATALOG[IP_SET].check({**account.minimal(IP_SET), "addresses": many})
    assert [each.rule for each in found] == ["wafv2.ip-set.addresses"]
    assert not list(CATALOG[IP_SET].check({**account.minimal(IP_SET), "addresses": many[1:]}))


def test_a_health_check_has_route_53s_defaults(account: Account) -> None:
    secure = account.make(HEALTH_CHECK, type="HTTPS", fqdn="app.example.test")
    assert secure.outputs["port"] == 443
    assert secure.outputs["enableSni"] is True
    assert secure.outputs["requestInterval"] == 30
    plain = account.make(HEALTH_CHECK, type="HTTP", fqdn="app.example.test", port=8080)
    assert plain.outputs["port"] == 8080
    assert plain.outputs["enableSni"] is False
    assert plain.outputs["failureThreshold"] == 3
    assert secure.outputs["arn"] == f"arn:aws:route53:::healthcheck/{secure.id}"
