"""Actions of listeners and rules: the target groups they may forward to, logins and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.localaws.catalog.operations import refused

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

GROUPS = "aws:lb/targetGroup:TargetGroup"
RULE = "aws:lb/listenerRule:ListenerRule"
LISTENER = "aws:lb/listener:Listener"
LB_COOKIE = {"type": "lb_cookie"}
APP_COOKIE = {"type": "app_cookie", "cookieName": "session"}
LOG_IN: dict[str, Any] = {
    "type": "authenticate-oidc",
    "authenticateOidc": {
        "issuer": "https://idp.test",
        "authorizationEndpoint": "https://idp.test/authorize",
        "tokenEndpoint": "https://idp.test/token",
        "userInfoEndpoint": "https://idp.test/userinfo",
        "clientId": "app",
        "clientSecret": "secret",
    },
}


CLAIM: dict[str, Any] = {
    "name": "scope",
    "format": "space-separated-values",
    "values": ["read", "write"],
}


def group(account: Account, name: str, **more: Any) -> str:
    inputs = {**account.minimal(GROUPS), "name": name, **more}
    return str(account.make(GROUPS, name, **inputs).id)


def forward(*groups: str, sticky: bool = False) -> dict[str, Any]:
    block: dict[str, Any] = {"targetGroups": [{"arn": each} for each in groups]}
    if sticky:
        block["stickiness"] = {"enabled": True, "duration": 60}
    return {"type": "forward", "forward": block}


def rule(account: Account, *actions: dict[str, Any], listener: str = "listener") -> Any:
    inputs = account.minimal(RULE)
    return account.make(
        RULE, **{**inputs, "listenerArn": account.id(listener), "actions": list(actions)}
    )


NEEDS_GROUP_STICKINESS = ("elbv2.action.sticky-groups", "InvalidLoadBalancerAction")
NO_APP_COOKIE = ("elbv2.action.app-cookie", "InvalidLoadBalancerAction")


def test_an_action_with_several_groups_and_a_sticky_one_needs_group_stickiness(
    account: Account,
) -> None:
    sticky = group(account, "sticky", stickiness=LB_COOKIE)
    plain = group(account, "plain")
    assert refused(rule, account, forward(sticky, plain)) == {NEEDS_GROUP_STICKINESS}
    off = group(account, "off", stickiness={**LB_COOKIE, "enabled": False})
    rule(account, forward(off, plain))
    rule(account, forward(sticky, plain, sticky=True))
    rule(account, forward(sticky))


def test_an_application_cookie_is_refused_in_an_action_with_several_groups(
    account: Account,
) -> None:
    sticky = group(account, "sticky", stickiness=APP_COOKIE)
    plain = group(account, "plain")
    assert refused(rule, account, forward(sticky, plain, sticky=True)) == {NO_APP_COOKIE}
    rule(account, forward(sticky))


def test_stickiness_that_an_existing_rule_does_not_allow_is_refused(account: Account) -> None:
    first, second = group(account, "first"), group(account, "second")
    rule(account, forward(first, second))
    current = account.made["first"]
    code = "InvalidConfigurationRequest"
    update = {**current.inputs, "stickiness": LB_COOKIE}
    assert refused(account.update, GROUPS, first, update) == {("elbv2.action.sticky-groups", code)}
    update = {**current.inputs, "stickiness": APP_COOKIE}
    assert refused(account.update, GROUPS, first, update) == {
        ("elbv2.action.sticky-groups", code),
        ("elbv2.action.app-cookie", code),
    }
    account.update(GROUPS, first, {**current.inputs, "slowStart": 30})
    third = group(account, "third")
    rule(account, forward(third))
    account.update(GROUPS, third, {**account.made["third"].inputs, "stickiness": APP_COOKIE})


@pytest.mark.parametrize("version", ["HTTP2", "GRPC"])
def test_only_an_https_listener_forwards_to_http_2_and_only_without_other_actions(
    account: Account, version: str
) -> None:
    arn = group(account, "streams", protocolVersion=version)
    protocol = ("elbv2.action.protocol-version", "InvalidLoadBalancerAction")
    assert refused(rule, account, forward(arn)) == {protocol}
    default = {**account.made["listener"].inputs, "defaultActions": [forward(arn)]}
    assert refused(account.update, LISTENER, account.id("listener"), default) == {protocol}
    with_log_in = (LOG_IN, forward(arn))
    assert refused(rule, account, *with_log_in, listener="secure-listener") == {
        ("elbv2.action.forward-only", "InvalidLoadBalancerAction")
    }
    rule(account, forward(arn), listener="secure-listener")
    rule(account, LOG_IN, forward(account.id("target")), listener="secure-listener")


def test_a_rule_of_an_http_listener_authenticates_no_user(account: Account) -> None:
    actions = (LOG_IN, forward(account.id("target")))
    assert refused(rule, account, *actions) == {
        ("elbv2.listener.authentication", "InvalidLoadBalancerAction")
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokenEndpoint": "http://idp.test/token"},
        {"issuer": "idp.test"},
        {"userInfoEndpoint": "https:///userinfo"},
        {"sessionTimeout": 0},
        {"sessionTimeout": 604801},
        {"authenticationRequestExtraParams": {str(number): "" for number in range(11)}},
    ],
)
def test_a_login_needs_full_urls_and_has_limits(account: Account, wrong: dict[str, Any]) -> None:
    config = {**LOG_IN["authenticateOidc"], **wrong}
    action = {"type": "authenticate-oidc", "authenticateOidc": config}
    to_target = forward(account.id("target"))
    expected = {("elbv2.action.oidc", "ValidationError")}
    assert refused(rule, account, action, to_target, listener="secure-listener") == expected


def test_a_rule_authenticates_once(account: Account) -> None:
    actions = (LOG_IN, LOG_IN, forward(account.id("target")))
    expected = {("elbv2.action.one-login", "InvalidLoadBalancerAction")}
    assert refused(rule, account, *actions, listener="secure-listener") == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"jwksEndpoint": "http://idp.test/jwks"},
        {"jwksEndpoint": f"https://idp.test/{'a' * 240}"},
        {"issuer": "i" * 257},
        {"additionalClaims": [CLAIM] * 11},
        {"additionalClaims": [{**CLAIM, "name": "exp"}]},
        {"additionalClaims": [{**CLAIM, "values": []}]},
        {"additionalClaims": [{**CLAIM, "values": ["a b"]}]},
        {"additionalClaims": [{**CLAIM, "format": "single-string", "values": ["a", "b"]}]},
    ],
)
def test_a_check_of_tokens_has_limits(account: Account, wrong: dict[str, Any]) -> None:
    config = {"issuer": "i", "jwksEndpoint": "https://idp.test/jwks", "additionalClaims": [CLAIM]}
    to_target = forward(account.id("target"))

    def check(**more: Any) -> Any:
        action = {"type": "jwt-validation", "jwtValidation": {**config, **more}}
        return rule(account, action, to_target, listener="secure-listener")

    assert refused(check, **wrong) == {("elbv2.action.jwt", "ValidationError")}
    check()
