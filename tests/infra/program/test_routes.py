"""Listener rules of routes: conditions, weights, rewriting, logins and stickiness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.program.routing import routes
from infra.settings import Settings
from localaws import mocks
from tests.infra import recorder
from tests.infra.logins import CERTIFICATE, CLIENT_SECRETS, OIDC

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


def rules(recording: Recording) -> dict[str, list[tuple[str, Any]]]:
    """Return conditions and priority of each rule for requests, by the service's name."""
    owners = {each.urn: each.name for each in recording.registered}
    found: dict[str, list[tuple[str, Any]]] = {}
    for rule in recording.all("ListenerRule"):
        if "attachment" not in rule.name:
            assert rule.name == f"alb-{rule.inputs['priority']}"
            assert rule.parent is not None
            entry = (rule.name, rule.inputs["conditions"])
            found.setdefault(owners[rule.parent], []).append(entry)
    return found


def test_each_service_has_rules_for_its_own_requests() -> None:
    paths = [f"/{number}" for number in range(6)]
    recording = recorder.run(
        "dev",
        services={
            "api": {
                "paths": paths,
                "rewriteUrl": {"regex": "^/(.)", "replace": "/v$1"},
                "rewriteHost": {"regex": "^www[.]", "replace": ""},
            },
            "jobs": {
                "hosts": ["jobs.example.com"],
                "headers": {"X-Team": ["blue", "red"]},
                "query": {"a": "1"},
                "methods": ["POST"],
            },
            "web": {},
        },
    )
    found = rules(recording)
    values = [conditions[0]["pathPattern"]["values"] for _, conditions in found["api"]]
    assert sorted(values) == [paths[:5], paths[5:]]
    ((_, conditions),) = found["jobs"]
    assert conditions == [
        {"hostHeader": {"values": ["jobs.example.com"]}},
        {"httpRequestMethod": {"values": ["POST"]}},
        {"httpHeader": {"httpHeaderName": "x-team", "values": ["blue", "red"]}},
        {"queryStrings": [{"key": "a", "value": "1"}]},
    ]
    assert found["web"] == [("alb-50000", [{"pathPattern": {"values": ["/*"]}}])]
    rewriting = recording.one("ListenerRule", found["api"][0][0]).inputs["transforms"]
    assert rewriting == [
        {
            "type": "host-header-rewrite",
            "hostHeaderRewriteConfig": {"rewrite": {"regex": "^www[.]", "replace": ""}},
        },
        {
            "type": "url-rewrite",
            "urlRewriteConfig": {"rewrite": {"regex": "^/(.)", "replace": "/v$1"}},
        },
    ]


def changed_rules(before: Recording, **services: Any) -> dict[str, str]:
    """Return the operation on each listener rule that a change of the services changes, by name."""
    after = recorder.run("dev", after=before, services=services)
    return recorder.changes_by_name(after, "ListenerRule")


def changed_resources(before: Recording, **services: Any) -> dict[str, str]:
    """Return the operation on each AWS resource that a change of the services changes, by name."""
    after = recorder.run("dev", after=before, services=services)
    found: dict[str, str] = {}
    for urn, operation in recorder.changes(after).items():
        types, name = urn.split("::")[2:]
        if types.rpartition("$")[2].startswith("aws:"):
            found[name] = operation
    return found


def test_services_that_swap_their_requests_update_their_rules_in_place() -> None:
    before = recorder.run(
        "dev", services={"a": {"paths": ["/a"]}, "b": {"paths": ["/b"]}, "web": {}}
    )
    done = changed_rules(before, a={"paths": ["/b"]}, b={"paths": ["/a"]}, web={})
    (one, _), (other, _) = rules(before)["a"][0], rules(before)["b"][0]
    assert done == {one: "update", other: "update"}, "no priority is free for a moment, or taken"


def test_a_new_service_changes_no_rule_of_another() -> None:
    before = recorder.run("dev", services={"a": {"paths": ["/a/*"]}, "web": {}})
    done = changed_rules(before, a={"paths": ["/a/*"]}, b={"paths": ["/a/b/*"]}, web={})
    assert sorted(done.values()) == ["create", "create"], "its rule and its attachment"


def split(web: int, following: int, **changes: Any) -> dict[str, Any]:
    """Return a service that shares its requests with another one, which has no route."""
    return {
        "web": {"weights": {"web": web, "next": following}},
        "next": {"environment": {"VERSION": "2"}, **changes},
    }


def test_a_route_is_split_by_one_rule_that_waits_for_both_services() -> None:
    recording = recorder.deployed("dev", services=split(90, 10))
    found = rules(recording)
    assert found == {"web": [("alb-50000", [{"pathPattern": {"values": ["/*"]}}])]}
    rule = recording.one("ListenerRule", "alb-50000")
    groups = {name: recording.one("TargetGroup", f"alb-{name}") for name in ("web", "next")}
    assert rule.inputs["actions"] == [
        {
            "type": "forward",
            "forward": {
                "targetGroups": [
                    {"arn": recording.id(groups["next"]), "weight": 10},
                    {"arn": recording.id(groups["web"]), "weight": 90},
                ]
            },
        }
    ]
    services = {each.name: each.urn for each in recording.all("Service")}
    assert {services["web"], services["next"]} <= set(rule.dependencies)
    both = ("web-completed", "next-completed")
    assert rule.hooks == {"before_create": both, "before_update": both}
    arns: set[str] = set()
    for attachment in recording.all("ListenerRule"):
        if attachment != rule:
            arns.add(attachment.inputs["actions"][0]["targetGroupArn"])
    assert arns == {recording.id(group) for group in groups.values()}, "ECS needs a load balancer"
    assert recording.exports["services"]["web"]["routes"] == ["path is /* (90 of 100)"]
    assert recording.exports["services"]["next"]["routes"] == ["path is /* (10 of 100)"]


def test_other_weights_update_the_rule_and_nothing_else() -> None:
    before = recorder.run("dev", services=split(100, 0))
    assert before.exports["services"]["next"]["routes"] == []
    assert changed_resources(before, **split(0, 100)) == {"alb-50000": "update"}
    rollout = changed_resources(before, **split(100, 0, environment={"VERSION": "3"}))
    assert rollout.keys() == {"next"}, "neither the rule nor the other service changes"


def test_splitting_a_route_and_joining_it_again_updates_its_rule() -> None:
    before = recorder.deployed("dev", services={"web": {}})
    done = changed_rules(before, **split(90, 10))
    assert sorted(done.values()) == ["create", "update"], "the other service's attachment is new"
    assert done["alb-50000"] == "update"
    after = changed_rules(recorder.deployed("dev", services=split(90, 10)), web={})
    assert sorted(after.values()) == ["delete", "update"]


def test_clients_of_a_split_route_can_stay_with_one_service() -> None:
    services = split(1, 1, stickinessSeconds=60)
    services["web"]["weightStickinessSeconds"] = 3600
    forward = recorder.run("dev", services=services).one("ListenerRule", "alb-50000").inputs
    assert forward["actions"][0]["forward"]["stickiness"] == {"enabled": True, "duration": 3600}


def test_clients_log_in_before_their_requests_are_split() -> None:
    services = split(1, 1)
    services["web"]["oidc"] = OIDC
    config = {key: value for key, value in LOGIN.items() if key != "oidc"}
    login, forward = (
        recorder.run("dev", **config, services=services)
        .one("ListenerRule", "alb-50000")
        .inputs["actions"]
    )
    assert (login["type"], login["order"]) == ("authenticate-oidc", 1)
    assert (forward["order"], len(forward["forward"]["targetGroups"])) == (2, 2)


def test_a_target_group_has_its_services_stickiness_and_slow_start() -> None:
    recording = recorder.run(
        "dev",
        services={
            "own": {"stickinessSeconds": 60, "stickinessCookie": "session", "paths": ["/own"]},
            "web": {"stickinessSeconds": 600, "slowStartSeconds": 30},
        },
    )
    own = recording.one("TargetGroup", "alb-own").inputs
    assert own["stickiness"] == {
        "type": "app_cookie",
        "enabled": True,
        "cookieDuration": 60,
        "cookieName": "session",
    }
    web = recording.one("TargetGroup", "alb-web").inputs
    assert web["stickiness"] == {"type": "lb_cookie", "enabled": True, "cookieDuration": 600}
    assert web["slowStart"] == 30


def test_stickiness_that_is_no_longer_configured_is_switched_off() -> None:
    before = recorder.run("dev", stickinessSeconds=60)
    after = recorder.run("dev", after=before)
    group = after.one("TargetGroup")
    assert after.operations[group.urn] == "update"
    assert group.inputs["stickiness"]["enabled"] is False, (
        "the provider leaves on what a program leaves out"
    )


LOGIN: dict[str, Any] = {
    "certificateArn": CERTIFICATE,
    "oidc": OIDC,
    "oidcClientSecrets": CLIENT_SECRETS,
}


def test_clients_log_in_before_their_requests_are_forwarded() -> None:
    recording = recorder.run("dev", **LOGIN)
    rule = recording.one("ListenerRule", "alb-50000")
    login, forward = rule.inputs["actions"]
    assert login == {
        "type": "authenticate-oidc",
        "order": 1,
        "authenticateOidc": {
            "issuer": "https://login.example.com",
            "authorizationEndpoint": "https://login.example.com/authorize",
            "tokenEndpoint": "https://login.example.com/token",
            "userInfoEndpoint": "https://login.example.com/me",
            "clientId": "shop",
            "clientSecret": mocks.ENCRYPTED,
            "scope": "openid",
            "sessionCookieName": "AWSELBAuthSessionCookie-web",
            "sessionTimeout": 604_800,
            "onUnauthenticatedRequest": "authenticate",
        },
    }
    assert (forward["type"], forward["order"]) == ("forward", 2)
    assert rule.secret_outputs == ("actions",), "the state keeps them encrypted"
    egress = recording.one("SecurityGroupEgressRule", "alb-login").inputs
    assert (egress["cidrIpv4"], egress["fromPort"], egress["toPort"]) == ("0.0.0.0/0", 443, 443)


def test_the_client_secret_is_a_secret_and_appears_nowhere_else() -> None:
    config = recorder.configuration("dev", LOGIN)
    secret = f"{recorder.PROJECT}:oidcClientSecrets"
    config[secret] = '{"web": "correct-horse"}'
    own = {key.removeprefix(f"{recorder.PROJECT}:"): text for key, text in config.items()}
    settings = Settings.of(
        {key: text for key, text in own.items() if ":" not in key},
        project=recorder.PROJECT,
        stack="dev",
        secret=["oidcClientSecrets"],
    )
    assert "correct-horse" not in repr(settings)
    results = []

    async def program() -> None:
        (rule,) = routes(settings)["web"].rules
        assert rule.login is not None
        results.append(await rule.login.client_secret.is_secret())
        results.append("correct-horse" in repr(rule))
        pulumi.export("unused", "")

    mocks.run(program)
    assert results == [True, False]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"certificateArn": ""}, "oidc: without HTTPS; allowed: only with domain or certificateA"),
        ({"targetProtocol": "HTTP2"}, "oidc: with targetProtocol HTTP2; allowed: only with HTTP1"),
        # What `pulumi config rm --path oidcClientSecrets.web` leaves of the only secret.
        ({"oidcClientSecrets": {}}, "oidc: without a client secret of web; allowed: only with one"),
        (
            {"oidcClientSecrets": {"shop": {"secure": "v1:x"}}},
            "oidc: without a client secret of web; allowed: only with one, encrypted: `pulumi con",
        ),
        ({"oidcClientSecrets": {"web": "hunter2"}}, "oidcClientSecrets: a value in plain text"),
        ({"oidcClientSecrets": {"secure": "v1:x"}}, "oidcClientSecrets: 8 characters, not shown"),
        (
            {"oidc": {**OIDC, "clientSecret": "hunter2"}},
            "oidc: clientSecret, which belongs into oidcClientSecrets",
        ),
        ({"oidc": {"issuer": "http://a"}}, "oidc: no authorizationEndpoint; no tokenEndpoint; no "),
        ({"oidc": {**OIDC, "sessionSeconds": 0, "x": 1}}, "sessionSeconds 0, which isn't a whole"),
    ],
)
def test_a_login_that_cannot_work_is_refused_without_the_secret(
    changes: dict[str, Any], message: str
) -> None:
    refusal = recorder.refusal_of(**{**LOGIN, **changes})
    assert any(message in str(problem) for problem in refusal.problems), str(refusal)
    assert "hunter2" not in str(refusal)
