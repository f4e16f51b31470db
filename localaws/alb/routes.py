"""Compile listeners' rules to Envoy's routes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from localaws.alb import oidc_filter, stickiness, transforms
from localaws.alb.conditions import PEER, matchers
from localaws.alb.error_pages import SERVER, page
from localaws.alb.limits import SIZE, TOO_MANY_ADDRESSES
from localaws.alb.lua_filter import ENABLED, closer_look, redirect, redirects
from localaws.alb.parts import cluster_name, header
from localaws.alb.tracing import TRACE_ID
from localaws.alb.versions import PROTOCOL, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from localaws.alb.model import Listener, Rule, TargetGroup

_Enables: TypeAlias = "Callable[[Rule, Mapping[str, TargetGroup]], bool]"

_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


def compile_routes(listener: Listener, groups: Mapping[str, TargetGroup]) -> dict[str, Any]:
    """Return the routes of a listener, in the order in which they are tried.

    Args:
        listener: Has the rules.
        groups: The target groups that they may forward to, by cluster.
    """
    ours = [
        header("x-forwarded-proto", listener.scheme),
        header("x-forwarded-port", str(listener.port)),
        TRACE_ID,
    ]
    removed = [PEER, PROTOCOL, SIZE, oidc_filter.RULE]
    # The attribute routing.http.xff_header_processing.mode; `preserve` changes nothing.
    if listener.forwarded_for == "append":
        client = "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"
        if listener.client_port:
            client = "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"
        ours.append(header("x-forwarded-for", client, append=True))
    elif listener.forwarded_for == "remove":
        removed.append("x-forwarded-for")
    if listener.tls_headers:
        version, cipher = listener.tls_headers
        ours.append(header(version, "%DOWNSTREAM_TLS_VERSION%"))
        ours.append(header(cipher, "%DOWNSTREAM_TLS_CIPHER%"))
    crowded = {
        "match": {"prefix": "/", "headers": [TOO_MANY_ADDRESSES]},
        **_answer(463, page(463), "text/html"),
    }
    # The first match counts: limits on headers come before all rules, as an ALB refuses a request
    # before it looks at its rules. Rules are sorted by priority, and the default rule is last.
    rules: list[dict[str, Any]] = []
    for rule in listener.rules:
        rules += _rule_routes(rule, listener, groups)
    enabled = [each["name"] for each in _enabled_filters(listener, groups) if "disabled" in each]
    logs_in = any(map(oidc_filter.authenticates, listener.rules))
    callback = [oidc_filter.callback_route()] if logs_in else []
    routes = [closer_look(enabled), crowded, *callback, *rules]
    return {
        "@type": _ROUTES,
        "name": listener.arn,
        "request_headers_to_add": ours,
        "request_headers_to_remove": removed,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
    }


def _enabled_filters(listener: Listener, groups: Mapping[str, TargetGroup]) -> list[dict[str, Any]]:
    """Return the filters that some of a listener's routes enable."""
    found: list[dict[str, Any]] = []
    for enables, filters in _FILTERS:
        if any(enables(rule, groups) for rule in listener.rules):
            found += filters
    return found


def _asks(rule: Rule, _: Mapping[str, TargetGroup]) -> bool:
    return oidc_filter.asks(rule)


def _is_redirected(rule: Rule, _: Mapping[str, TargetGroup]) -> bool:
    return bool(_last_action(rule)["type"] == "redirect")


def _is_transformed(rule: Rule, _: Mapping[str, TargetGroup]) -> bool:
    return bool(rule.transforms)


def _is_sticky(rule: Rule, groups: Mapping[str, TargetGroup]) -> bool:
    for action in rule.actions:
        if _group_duration(action.get("forward") or {}) is not None:
            return True
        for member in _members(action):
            group = groups.get(cluster_name(str(member["arn"])))
            if group is not None and group.stickiness is not None:
                return True
    return False


_FILTERS: Final[tuple[tuple[_Enables, Sequence[dict[str, Any]]], ...]] = (
    (_asks, oidc_filter.filters()),
    (_is_redirected, [redirects()]),
    (_is_transformed, transforms.filters()),
    (_is_sticky, stickiness.filters()),
)
"""The filters that routes may enable, in the order in which they run, after the check whether a
rule's routes enable them.
"""

ROUTE_FILTERS: Final = tuple(each for _, filters in _FILTERS for each in filters)
"""All of them.

Every listener has these, because a route takes effect on open connections and before its listener
changes. On a listener that got a filter with the first route that enables it, clients that are
connected would reach the targets without a login.
"""


def _members(action: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the target groups that an action forwards to, each with its ARN, and its weight."""
    forward = action.get("forward") or {}
    return forward.get("targetGroups") or [{"arn": action.get("targetGroupArn")}]


def _versions(action: Mapping[str, Any], groups: Mapping[str, TargetGroup]) -> set[str]:
    found = set()
    for member in _members(action):
        group = groups.get(cluster_name(member["arn"]))
        found.add(group.version if group else "HTTP1")
    return found


def _rule_routes(
    rule: Rule, listener: Listener, groups: Mapping[str, TargetGroup]
) -> Iterator[dict[str, Any]]:
    """Yield the routes of a rule: those of clients that a cookie binds, and one for all others."""
    headers = matchers(rule.conditions)
    action = _last_action(rule)
    kinds = {each["type"] for each in rule.actions}
    asking = oidc_filter.asking(rule.arn) if oidc_filter.asks(rule) else {}
    not_emulated = kinds & _NOT_EMULATED
    if not_emulated:
        yield _route(headers, _not_emulated(min(not_emulated)))
        return
    if action["type"] != "forward":
        answer = _ANSWERS[action["type"]](action, listener)
        yield _route(headers, _merged(answer, {}, asking))
        return
    for refusal in refused(listener, _versions(action, groups)):
        yield _route([*headers, *refusal], _answer(464, page(464), "text/html"))
    rewriting = transforms.rewriting(rule.transforms, ENABLED)
    for more_headers, forwarding in _forward(action, listener, groups):
        yield _route([*headers, *more_headers], _merged(forwarding, rewriting, asking))


def _route(headers: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a route: the headers that a request must have, and what answers it."""
    return {"match": {"prefix": "/", "headers": list(headers)}, **answer}


def _last_action(rule: Rule) -> Mapping[str, Any]:
    """Return the action that answers, which ELB requires to be the last.

    Without an order, an action has its position in the list.
    """
    last = rule.actions[0]
    last_order = 0.0
    for position, action in enumerate(rule.actions, start=1):
        order = float(action.get("order") or position)
        if order >= last_order:
            last, last_order = action, order
    return last


def _merged(
    answer: Mapping[str, Any], rewriting: Mapping[str, Any], asking: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the rest of a route; all three may configure filters, so those are merged."""
    name = "typed_per_filter_config"
    filters = {**asking, **rewriting.get(name, {}), **answer.get(name, {})}
    merged = {**answer, **rewriting}
    if filters:
        merged[name] = filters
    return merged


def _forward(
    action: Mapping[str, Any], listener: Listener, groups: Mapping[str, TargetGroup]
) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Yield the header matchers, beside the rule's, and the rest of each route that forwards."""
    members = _members(action)
    group_duration = _group_duration(action.get("forward") or {}) if len(members) > 1 else None
    # The idle timeout is the only limit that an ALB sets on an answer.
    unlimited = {"timeout": "0s"}
    clusters = []
    for member in members:
        name = cluster_name(member["arn"])
        weight = int(member.get("weight", 1))
        if not weight:
            continue
        group = groups.get(name)
        binding = stickiness.binding(
            name,
            group.stickiness if group else None,
            group_duration,
            secure=listener.tls is not None,
        )
        clusters.append({"name": name, "weight": weight, **binding})
        if group_duration is not None:
            route = {"route": {"cluster": name, **unlimited}, **binding}
            yield [stickiness.group_matcher(name)], route
    if not clusters:  # all weights may be 0; Envoy refuses that, an ALB answers with 503
        yield [], _answer(503, page(503), "text/html")
    elif len(clusters) == 1:  # to choose among one costs Envoy more than to take it
        (only,) = clusters
        cluster = only.pop("name")
        del only["weight"]
        yield [], {"route": {"cluster": cluster, **unlimited}, **only}
    else:
        yield [], {"route": {"weighted_clusters": {"clusters": clusters}, **unlimited}}


def _group_duration(forward: Mapping[str, Any]) -> int | None:
    """Return the seconds for which a rule keeps clients at a target group; None if it doesn't."""
    sticky = forward.get("stickiness") or {}
    return int(sticky["duration"]) if sticky.get("enabled") is True else None


def _redirect(action: Mapping[str, Any], listener: Listener) -> dict[str, Any]:
    wanted = action["redirect"]
    protocol = str(wanted.get("protocol") or "#{protocol}")
    protocol = protocol.replace("#{protocol}", listener.scheme).lower()
    named_port = str(wanted.get("port") or "#{port}").replace("#{port}", str(listener.port))
    port = listener.real_port(int(named_port))
    suffix = "" if (protocol, port) in {("http", 80), ("https", 443)} else f":{port}"
    host, path = wanted.get("host") or "#{host}", wanted.get("path") or "/#{path}"
    location = f"{protocol}://{host}{suffix}{path}?{wanted.get('query', '#{query}')}"
    return redirect(location, wanted["statusCode"].removeprefix("HTTP_"))


def _fixed_response(action: Mapping[str, Any], _: Listener) -> dict[str, Any]:
    fixed = action["fixedResponse"]
    return _answer(
        int(fixed.get("statusCode") or 200), fixed.get("messageBody") or "", fixed["contentType"]
    )


def _answer(status: int, body: str, content_type: str) -> dict[str, Any]:
    return {
        "direct_response": {"status": status, "body": {"inline_string": body}},
        "response_headers_to_add": [
            header("server", SERVER),
            header("content-type", content_type),
        ],
    }


def _not_emulated(kind: str) -> dict[str, Any]:
    return _answer(501, f"The local ALB doesn't emulate actions of type {kind}.\n", "text/plain")


_ANSWERS = {"redirect": _redirect, "fixed-response": _fixed_response}
_NOT_EMULATED = {"authenticate-cognito"}
