"""Services get the requests that their routes name, by rules that no deployment has to swap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.infra import recorder

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
    """Return what a change of the services does to listener rules, by their names."""
    after = recorder.run("dev", after=before, services=services)
    found = {}
    for urn, operation in after.operations.items():
        kind, name = urn.split("::")[2:]
        if kind.endswith(":ListenerRule") and operation != "same":
            found[name] = operation
    return found


def test_services_that_swap_their_requests_update_their_rules_in_place() -> None:
    before = recorder.run(
        "dev", services={"a": {"paths": ["/a"]}, "b": {"paths": ["/b"]}, "web": {}}
    )
    done = changed_rules(before, a={"paths": ["/b"]}, b={"paths": ["/a"]}, web={})
    (one, _), (other, _) = rules(before)["a"][0], rules(before)["b"][0]
    assert done == {one: "update", other: "update"}, "no priority is free for a moment, or taken"


def test_a_new_service_touches_no_rule_of_another() -> None:
    before = recorder.run("dev", services={"a": {"paths": ["/a/*"]}, "web": {}})
    done = changed_rules(before, a={"paths": ["/a/*"]}, b={"paths": ["/a/b/*"]}, web={})
    assert sorted(done.values()) == ["create", "create"], "its rule and its attachment"


def test_a_services_target_group_has_what_is_configured_for_its_targets() -> None:
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


def test_stickiness_that_is_taken_back_is_switched_off() -> None:
    before = recorder.run("dev", stickinessSeconds=60)
    after = recorder.run("dev", after=before)
    group = after.one("TargetGroup")
    assert after.operations[group.urn] == "update"
    assert group.inputs["stickiness"]["enabled"] is False, (
        "the provider leaves on what a program leaves out"
    )
