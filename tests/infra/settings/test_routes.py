"""Routes: their conditions and defaults, those that are refused, and warnings about overlaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import routing
from tests.infra.settings.loading import (
    EXISTING_CERTIFICATE,
    ISSUED_CERTIFICATE,
    load,
    only_service,
    refusal_of,
    refused_keys,
)

if TYPE_CHECKING:
    from infra.settings.service.routes import RouteSettings

PATHS = [f"/{number}" for number in range(6)]


def routes(**changes: Any) -> tuple[RouteSettings, ...]:
    return only_service(load(**changes)).routes.each


def test_a_route_without_conditions_matches_every_request() -> None:
    (only,) = routes()
    assert only.conditions.everything
    assert only.priority is None


def test_each_key_becomes_a_condition() -> None:
    (only,) = routes(
        hosts=["*.example.com"], paths=["/a"], methods=["GET"], sourceCidrs=["10.0.0.0/8"]
    )
    assert only.conditions.values == {
        "host": ("*.example.com",),
        "path": ("/a",),
        "method": ("GET",),
        "source": ("10.0.0.0/8",),
    }
    (only,) = routes(headers={"X-Team": "blue"}, query={"Version": ["1", 2]})
    assert only.conditions.values == {"header x-team": ("blue",), "query version": ("1", "2")}


def test_a_route_of_the_list_takes_what_it_leaves_out_from_the_service() -> None:
    first, second = routes(
        hosts=["a.example.com"],
        rewriteUrl={"regex": "^/old", "replace": "/"},
        routes=[{"paths": ["/x"]}, {"hosts": ["b.example.com"], "rewriteUrl": {}}],
    )
    assert first.conditions.values == {"host": ("a.example.com",), "path": ("/x",)}
    assert first.rewrite_url == ("^/old", "/")
    assert second.conditions.values == {"host": ("b.example.com",)}
    assert second.rewrite_url is None


SPLIT = {"web": 9, "next": 1}


def split(web: dict[str, Any], following: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the configuration of a service, and of another one without its own route."""
    return {"services": {"web": web, "next": following or {}}}


MISPLACED = (
    "weights: set beside services, so that every service would have them; allowed: in the service "
    "whose route they split, like services.web.weights"
)

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"hosts": ["localhost"]}, "hosts: "),
    ({"hosts": ["Shop.example.com"]}, "allowed: a list, each item a host in lower case"),
    ({"hosts": ["10.0.0.1"]}, "hosts: "),
    ({"paths": ["api"]}, "paths: "),
    ({"paths": ["/a?b#c"]}, "paths: "),
    ({"paths": ["/" + "a" * 128]}, "paths: "),
    ({"methods": ["get"]}, "methods: "),
    ({"headers": {"Host": "a"}}, "headers: "),
    ({"headers": {"x-a": "1", "X-A": "2"}}, "headers: "),
    ({"headers": {"x-a": []}}, "headers: "),
    ({"query": {"a=b": "1"}}, "query: "),
    ({"sourceCidrs": ["10.0.0.1/8"]}, "sourceCidrs: "),
    ({"sourceCidrs": ["255.255.255.255/32"]}, "sourceCidrs: 255.255.255.255/32; allowed"),
    ({"paths": ["/a", "/a"]}, "paths: /a twice; allowed: each value once"),
    (
        {"headers": {f"x-{number}": "a" for number in range(6)}},
        "headers: 6 kinds of conditions, where a rule has at most 5 values",
    ),
    ({"paths": ["/*/*/*/*/*/*"]}, "paths: more than 5 wildcards in one value"),
    (
        {"paths": PATHS, "routePriority": 999},
        "paths: routePriority 999 for 2 rules, one after the other; allowed: at most 998",
    ),
    ({"routePriority": 1000}, "routePriority: 1000; allowed: a whole number from 0 to 999"),
    (
        {"rewriteUrl": {"regex": "(?=a)", "replace": ""}},
        "rewriteUrl: .regex (?=a), which has (?=; allowed: a map of regex",
    ),
    (
        {"rewriteUrl": {"regex": "(a)", "replace": "$2"}},
        "rewriteUrl: .replace $2, whose $2 is no group of (a); allowed",
    ),
    ({"rewriteUrl": {"regex": "", "replace": ""}}, "rewriteUrl: .regex, which is empty; allowed"),
    (
        {"rewriteUrl": {"regex": "("}},
        "rewriteUrl: no replace; .regex (: missing ), unterminated subpattern at position 0",
    ),
    (
        {"rewriteHost": {"regex": 1, "replace": [], "x": 0}},
        (
            "rewriteHost: .x, which is neither regex nor replace; .regex 1, which is no text of at "
            "most 1024 characters; .replace [], which is no text"
        ),
    ),
    ({"rewriteHost": [1]}, "rewriteHost: [1], which is no map; allowed"),
    ({"paths": ["/a", "b", 3]}, "paths: [1] b, [2] 3; allowed: a list, each item a path"),
    (
        {"headers": {"Host": "a", "X": ["a", "\\"], "Y": [], "x": "b", "Z": {}}},
        (
            "headers: the name Host, .X[1] \\, .Y without a value, .Z {}, the name x twice, as "
            "case doesn't matter; allowed: a map"
        ),
    ),
    ({"query": "version"}, "query: version, which is no map; allowed: a map"),
    ({"routes": {}}, "routes: {}, which is no list"),
    (
        {"routes": [{"paths": ["/a"]}, {"path": "/b"}, {"hosts": ["x"]}, 5]},
        "routes: [1].path, which is no key of a route, perhaps paths; [2].hosts: ",
    ),
    ({"routes": [{"paths": ["/a", "/a"]}]}, "routes[0].paths: /a twice; allowed: each value"),
    ({"headers": {"X": ["a", "a"]}}, "headers.x: a twice; allowed: each value once"),
    (
        {"routes": [{"hosts": ["a.test"]}, {"paths": ["/a"]}, {"paths": ["/a"]}]},
        "routes[2]: path is /a, which routes[1] matches too; allowed: hosts, paths or other",
    ),
    (
        {"routes": [{}, {}]},
        "routes[1]: matches every request, as routes[0] does; allowed: hosts, paths or other",
    ),
    (
        {"routes": [{"paths": ["/a"]}] * 2, "services": {"web": {}}},
        "routes[1]: path is /a, which routes[0] matches too; allowed: hosts, paths or other",
    ),
    ({"oidc": {"issuer": ""}}, "no clientId; issuer empty, which isn't a URL with https; allowed"),
    (
        {"services": {"api": {}, "web": {}}},
        "services.web.paths: matches every request, as services.api.paths does; allowed: hosts",
    ),
    (
        {"services": {"api": {"paths": ["/a"]}, "web": {"paths": ["/a"]}}},
        "services.web.paths: path is /a, which services.api.paths matches too",
    ),
    (
        {
            "services": {
                "api": {"paths": ["/a"], "routePriority": 5},
                "web": {"hosts": ["a.test"], "routePriority": 5},
            }
        },
        "services.web.hosts: priority 5, which a rule of services.api.paths has too; allowed: an",
    ),
    (
        {
            "services": {
                "api": {"paths": ["/api*"], "routePriority": 5},
                "web": {"routes": [{"paths": ["/api/x", "/"]}]},
            }
        },
        "http://example.com/api/x, which never get there: rule 5 of api (path is /api*) is tried ",
    ),
    ({"weights": {"web": 0}}, "weights: no weight above 0; allowed: a map from the names of at "),
    ({"weights": {"web": 1000}}, "each a whole number from 0 to 999, and one above 0"),
    (
        {"weights": {"web": 1000, "next": -1, "no such": 5, "good": 1, "list": [0]}},
        (
            "weights: .list [0], which isn't a whole number from 0 to 999, .next -1, which isn't a "
            "whole number from 0 to 999, the name no such, which no service can have, .web 1000, "
            "which isn't a whole number from 0 to 999; allowed: a map"
        ),
    ),
    ({"weights": ["web"]}, 'weights: ["web"], which is no map; allowed: a map'),
    ({"weights": {f"s{number}": 1 for number in range(6)}}, "weights: 6 services; allowed: a map"),
    ({"weights": {"web": 9, "next": 1}}, "weights: next, which is no service; allowed: web"),
    (
        {"weightStickinessSeconds": 60},
        "weightStickinessSeconds: 60 for a route that isn't split; allowed: 0, unless weights",
    ),
    (
        split({"routes": [{"paths": ["/a"]}, {"paths": ["/b"], "weights": {"next": 1}}]}),
        "services.web.routes[1].weights: next, without web; allowed: web as well, with 0 if it is",
    ),
    (
        split({"weights": SPLIT}, {"weights": SPLIT, "paths": ["/next"]}),
        "services.next.weights: next -> web -> next; allowed: services that neither split requests",
    ),
    (
        split({"weights": SPLIT, "serviceConnect": True}, {"calls": ["web"]}),
        "services.web.weights: web -> next -> web; allowed: services that neither split requests",
    ),
    (
        split({"weights": SPLIT}, {"stickinessSeconds": 60}),
        "services.web.weights: next, which has stickinessSeconds, without weightStickinessSeconds",
    ),
    (
        split(
            {"weights": SPLIT, "weightStickinessSeconds": 60},
            {"stickinessSeconds": 60, "stickinessCookie": "session"},
        ),
        "services.web.weights: next, which has stickinessCookie; allowed: services without one",
    ),
    (
        ISSUED_CERTIFICATE | split({"weights": SPLIT}, {"targetProtocol": "HTTP2"}),
        "services.web.weights: next with HTTP2, web with HTTP1; allowed: services with one target",
    ),
    (
        split({}),
        "services.web.paths: matches every request, as services.next.paths does; allowed: hosts",
    ),
    (
        {"services": {f"s{number}": {"paths": [f"/{number:03}"]} for number in range(51)}},
        "services: 102 listener rules, two for a service with a simple route; allowed: at most 100",
    ),
]


@pytest.mark.parametrize(
    "services",
    [
        {"api": {"pathPatterns": ["/a"]}, "web": {}},
        {"api": {"hosts": ["a.test"]}, "web": {"hosts": ["a.test"], "pathPatterns": ["/a"]}},
        {"api": {"pathPatterns": ["/a"], "routePriority": 1}, "web": {"paths": ["/b"]}},
    ],
)
def test_a_condition_under_an_unknown_key_is_one_problem(services: dict[str, Any]) -> None:
    (key,) = refused_keys(services=services)
    assert key.endswith(".pathPatterns")


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_wrong_route_is_refused_with_its_key_and_the_reason(
    changes: dict[str, Any], message: str
) -> None:
    refusal = refusal_of(**changes)
    assert any(message in str(problem) for problem in refusal.problems), str(refusal)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            split({"weights": {"web": 10, "nxt": 10}}),
            "services.web.weights: nxt, which is no service; allowed: next, web",
        ),
        (
            {"weights": SPLIT, **split({})},
            MISPLACED,
        ),
        (
            {"weights": {"web": 1000}, **split({"weights": SPLIT})},
            MISPLACED,
        ),
    ],
)
def test_consequences_of_wrong_weights_are_not_reported(
    changes: dict[str, Any], problem: str
) -> None:
    assert [str(each) for each in refusal_of(**changes).problems] == [problem]


def test_an_empty_map_of_weights_beside_services_changes_nothing() -> None:
    assert load(weights={}, **split({"weights": SPLIT})).services


def test_fifty_services_fit_on_one_load_balancer() -> None:
    settings = load(services={f"s{number}": {"paths": [f"/{number:03}"]} for number in range(50)})
    assert len({rule.priority for rule in routing.plan(settings.services)}) == 50


def test_a_service_that_gets_a_share_of_requests_may_have_its_own_route() -> None:
    settings = load(**split({"weights": SPLIT, "weightStickinessSeconds": 604_800}))
    (rule,) = routing.plan(settings.services)
    assert (rule.route.service, rule.route.weights) == ("web", SPLIT)
    assert [service.name for service in settings.dependencies_first] == ["next", "web"]
    settings = load(**split({"weights": {"web": 0, "next": 999}}, {"paths": ["/next"]}))
    assert [rule.route.service for rule in routing.plan(settings.services)] == ["next", "web"]


def test_rules_of_one_service_that_split_requests_differently_overlap() -> None:
    routes: list[dict[str, Any]] = [{"hosts": ["a.test"]}, {"paths": ["/a"], "weights": SPLIT}]
    (warning,) = warnings(**split({"routes": routes}))
    assert warning.startswith("http://a.test/a matches rule "), "which is the first decides"
    same = [{**route, "weights": SPLIT} for route in routes]
    assert warnings(**split({"routes": same})) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slowStartSeconds": 29}, "slowStartSeconds: 29; allowed: 0 for none, or from 30 to 900"),
        (
            {"slowStartSeconds": 60, "loadBalancingAlgorithm": "weighted_random"},
            "slowStartSeconds: 60 with weighted_random; allowed: only with loadBalancingAlgorithm ",
        ),
        (
            {"stickinessCookie": "a"},
            "stickinessCookie: a, which has no effect; allowed: only with stickinessSecond",
        ),
        ({"stickinessSeconds": 60, "stickinessCookie": "AWSALBAPP"}, "stickinessCookie: AWSALBAPP"),
        (
            {"targetProtocol": "HTTP2"},
            "targetProtocol: HTTP2 without HTTPS; allowed: HTTP1, or HTTP2 with domain or",
        ),
        (
            ISSUED_CERTIFICATE | {"targetProtocol": "GRPC"},
            "healthCheckCodes: 200-399; allowed: with targetProtocol GRPC codes of gRPC from 0",
        ),
        ({"healthCheckCodes": "12"}, "healthCheckCodes: 12; allowed: with targetProtocol HTTP1"),
        ({"healthCheckCodes": "12-5"}, "healthCheckCodes: 12-5; allowed: ranges with the lower"),
        ({"healthCheckCodes": "12,200"}, "healthCheckCodes: 12,200; allowed: HTTP codes from 200"),
    ],
)
def test_settings_of_targets_that_aws_would_refuse_are_refused_with_the_reason(
    changes: dict[str, Any], message: str
) -> None:
    refusal = refusal_of(**changes)
    assert any(message in str(problem) for problem in refusal.problems), str(refusal)


def test_grpc_needs_https_and_codes_of_its_own() -> None:
    load(
        **ISSUED_CERTIFICATE,
        targetProtocol="GRPC",
        healthCheckCodes="0,5-12",
        healthCheckPath="/a.B/Check",
    )


def warnings(**changes: Any) -> list[str]:
    return list(routing.warnings(load(**changes)))


def test_routes_in_a_clear_order_have_no_warning() -> None:
    assert warnings() == []
    assert warnings(**EXISTING_CERTIFICATE) == []
    services = {"a": {"paths": ["/a", "/a/*"]}, "b": {"paths": ["/a/b", "/a/b/*"]}, "c": {}}
    assert warnings(services=services) == [], "the special one comes first"


def test_routes_that_overlap_partly_have_a_warning_with_an_example() -> None:
    (warning,) = warnings(
        **ISSUED_CERTIFICATE,
        services={
            "a": {"hosts": ["shop.example.com"], "methods": ["GET"]},
            "b": {"paths": ["/b"]},
        },
    )
    assert warning.startswith("https://shop.example.com/b (GET) matches rule ")
    first = " of a (host is shop.example.com and method is GET), which answers it, and also "
    assert first in warning
    second = "of b (path is /b); if the other one is to answer it, give its route a routePriority"
    assert second in warning


@pytest.mark.parametrize(
    ("paths", "hint"),
    [
        (["/api/*"], "/api/* doesn't match /api; add it if it is meant"),
        (["/api*"], "/api* also matches /apix; /api and /api/* don't"),
    ],
)
def test_a_path_that_often_matches_more_or_less_than_meant_has_a_hint(
    paths: list[str], hint: str
) -> None:
    (warning,) = warnings(paths=paths)
    assert warning.endswith(hint)


def test_hosts_that_only_an_existing_certificate_can_cover_have_a_warning() -> None:
    (warning,) = warnings(**EXISTING_CERTIFICATE, hosts=["www.example.com", "*.example.org"])
    assert warning.startswith("hosts www.example.com, *.example.org: whether a certificate")
