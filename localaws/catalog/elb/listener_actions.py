"""Elastic Load Balancing: the actions of listeners and of listener rules."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from localaws.catalog.elb.target_groups import HTTP, TARGET_GROUP, VALIDATION
from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference
from localaws.catalog.values import (
    ARN,
    PORT,
    Allowed,
    Limit,
    block,
    blocks,
    exactly_one,
    given,
    known,
    length,
    matches,
    number,
    one_of,
    size,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

FORWARDED = ("targetGroupArn", "forward.targetGroups[].arn")
"""Where an action names the target groups that it forwards to."""

_CONTENT_TYPES = (
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
)
_FINAL_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "forward": ("targetGroupArn", "forward"),
    "redirect": ("redirect",),
    "fixed-response": ("fixedResponse",),
}
_AUTHENTICATION: Mapping[str, tuple[str, ...]] = {
    "authenticate-cognito": ("authenticateCognito",),
    "authenticate-oidc": ("authenticateOidc",),
    "jwt-validation": ("jwtValidation",),
}
"""The types of actions that answer or forward a request, and of those that come before; each with
the inputs of which an action of the type has one.
"""


def action_limits(path: str) -> tuple[Limit, ...]:
    """Return the allowed values of the inputs of the actions at a path."""
    forward, redirect, fixed = f"{path}[].forward", f"{path}[].redirect", f"{path}[].fixedResponse"
    login, token = f"{path}[].authenticateOidc", f"{path}[].jwtValidation"
    claim = f"{token}.additionalClaims[]"
    port = Allowed(
        "a port from 1 to 65535, or #{port}", lambda value: value == "#{port}" or _is_port(value)
    )
    statuses = matches(r"[245]\d\d", "a code from 200 to 599 other than 3xx")
    return (
        Limit(f"{login}.issuer", _HTTPS_URL, "elbv2.action.oidc", VALIDATION),
        Limit(f"{login}.authorizationEndpoint", _HTTPS_URL, "elbv2.action.oidc", VALIDATION),
        Limit(f"{login}.tokenEndpoint", _HTTPS_URL, "elbv2.action.oidc", VALIDATION),
        Limit(f"{login}.userInfoEndpoint", _HTTPS_URL, "elbv2.action.oidc", VALIDATION),
        Limit(f"{token}.jwksEndpoint", _HTTPS_URL, "elbv2.action.jwt", VALIDATION),
        Limit(f"{token}.jwksEndpoint", length(1, 256), "elbv2.action.jwt", VALIDATION),
        Limit(f"{token}.issuer", length(1, 256), "elbv2.action.jwt", VALIDATION),
        Limit(f"{token}.additionalClaims", size(0, 10), "elbv2.action.jwt", VALIDATION),
        Limit(f"{claim}.name", _CLAIM, "elbv2.action.jwt", VALIDATION),
        Limit(f"{claim}.values", size(1, 10), "elbv2.action.jwt", VALIDATION),
        Limit(f"{claim}.values[]", length(1, 256), "elbv2.action.jwt", VALIDATION),
        Limit(f"{login}.sessionTimeout", within(1, 604800), "elbv2.action.oidc", VALIDATION),
        Limit(f"{path}[].type", one_of(*_FINAL_ACTIONS, *_AUTHENTICATION), "elbv2.action.type"),
        Limit(f"{path}[].order", within(1, 50000), "elbv2.action.order"),
        Limit(f"{path}[].targetGroupArn", ARN, "elbv2.action.target-arn"),
        Limit(f"{forward}.targetGroups", size(1, 5), "elbv2.action.forward-groups"),
        Limit(f"{forward}.targetGroups[].arn", ARN, "elbv2.action.target-arn"),
        Limit(f"{forward}.targetGroups[].weight", within(0, 999), "elbv2.action.forward-weight"),
        Limit(f"{forward}.stickiness.duration", within(1, 604800), "elbv2.action.stickiness"),
        Limit(f"{redirect}.statusCode", one_of("HTTP_301", "HTTP_302"), "elbv2.action.redirect"),
        Limit(f"{redirect}.protocol", one_of(*HTTP, "#{protocol}"), "elbv2.action.redirect"),
        Limit(f"{redirect}.host", length(1, 128), "elbv2.action.redirect"),
        Limit(
            f"{redirect}.path",
            matches(r"/.{0,127}", "1 to 128 characters starting with /"),
            "elbv2.action.redirect",
        ),
        Limit(f"{redirect}.query", length(0, 128), "elbv2.action.redirect"),
        Limit(f"{redirect}.port", port, "elbv2.action.redirect"),
        Limit(f"{fixed}.contentType", one_of(*_CONTENT_TYPES), "elbv2.action.fixed-response"),
        Limit(f"{fixed}.messageBody", length(0, 1024), "elbv2.action.fixed-response"),
        Limit(f"{fixed}.statusCode", statuses, "elbv2.action.fixed-response"),
    )


def _is_https_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return parts.scheme == "https" and bool(parts.hostname)


_HTTPS_URL = Allowed("a full URL with https:// and a domain", _is_https_url)
"""Source: the API's AuthenticateOidcActionConfig."""

_CLAIM = matches(
    "(?!(?:exp|iss|nbf|iat)$).+",
    "a claim other than exp, iss, nbf and iat, which are always verified",
)

_MOST_EXTRA_PARAMETERS = 10
"""Source: the provider's documentation of listeners."""


def _authentication_rules(actions: Sequence[Properties], path: str) -> Refusals:
    """Refuse authenticating actions whose configuration is invalid, or two of them."""
    for index, action in enumerate(actions):
        parameters = block(action.get("authenticateOidc")).get("authenticationRequestExtraParams")
        count = len(block(parameters))
        if count > _MOST_EXTRA_PARAMETERS:
            message = (
                f"{path}[{index}].authenticateOidc: authenticationRequestExtraParams must have at "
                f"most {_MOST_EXTRA_PARAMETERS} parameters, got {count}"
            )
            yield Refusal(VALIDATION, message, "elbv2.action.oidc", path)
        for claim in blocks(block(action.get("jwtValidation")).get("additionalClaims")):
            yield from _claim_rules(claim, path)
    authenticating = [each for each in _types(actions) if each in _AUTHENTICATION]
    if len(authenticating) > 1:
        message = (
            f"{path} can authenticate only once, got {', '.join(authenticating)}: remove all of "
            "these actions but one"
        )
        yield Refusal("InvalidLoadBalancerAction", message, "elbv2.action.one-login", path)


def _types(actions: Sequence[Properties]) -> list[str]:
    """Return the types of actions, without UNKNOWN ones."""
    return texts([each.get("type") for each in actions])


def _claim_rules(claim: Properties, path: str) -> Refusals:
    """Refuse values that a claim can't have, because of its format."""
    values = texts(claim.get("values"))
    form = claim.get("format")
    if form == "single-string" and len(values) > 1:
        message = (
            f"claim {claim.get('name')} of format {form} must have one value, got {len(values)}"
        )
        yield Refusal(VALIDATION, message, "elbv2.action.jwt", path)
    if form == "space-separated-values" and any(" " in each for each in values):
        message = f"claim {claim.get('name')} of format {form} can't have values with spaces"
        yield Refusal(VALIDATION, message, "elbv2.action.jwt", path)


def _is_port(value: object) -> bool:
    return str(value).isdecimal() and PORT.contains(int(str(value)))


def _forward_rules(action: Properties, where: str) -> Refusals:
    """Require a target group, or a block of target groups, or both if they mean the same group."""
    names = _FINAL_ACTIONS["forward"]
    if len(given(action, *names)) == len(names):
        groups = values_at(action, "forward.targetGroups[].arn")
        if not known(action) or groups == [action["targetGroupArn"]]:
            return
    yield from exactly_one(action, names, "elbv2.action.forward-target", where=where)


def action_rules(inputs: Properties, path: str) -> Refusals:
    """Refuse actions that are invalid, by themselves or together."""
    actions = blocks(inputs.get(path))
    for index, action in enumerate(actions):
        yield from _single_action_rules(action, path, f"{path}[{index}]: ")
    yield from _authentication_rules(actions, path)
    if actions and len(actions) == len(inputs[path]):
        yield from _final_action_rules(actions, path)


def _single_action_rules(action: Properties, path: str, where: str) -> Refusals:
    kind = text(action.get("type")) or ""
    needed = _FINAL_ACTIONS.get(kind) or _AUTHENTICATION.get(kind, ())
    if kind == "forward":
        yield from _forward_rules(action, where)
    elif needed and not given(action, *needed):
        message = f"{where}type {kind} needs {needed[0]}"
        yield Refusal("InvalidArgument", message, "elbv2.action.block", path)
    if kind == "redirect" and _redirects_to_itself(action.get("redirect")):
        message = (
            f"{where}the redirect's target is the request's URL: change at least one of "
            f"{', '.join(_REDIRECTED)}"
        )
        yield Refusal("InvalidLoadBalancerAction", message, "elbv2.action.redirect-loop", path)


_REDIRECTED = ("protocol", "host", "port", "path", "query")


def _redirects_to_itself(redirect: object) -> bool:
    """Return whether a redirect keeps all parts of the URL."""
    if not isinstance(redirect, dict):
        return False
    for name in _REDIRECTED:
        if redirect.get(name) not in (None, f"#{{{name}}}", f"/#{{{name}}}"):
            return False
    return True


def _final_action_rules(actions: Sequence[Properties], path: str) -> Refusals:
    """Require that the action with the highest order is the only final one.

    Without an order, an action has its position in the list.
    """
    types: list[str] = []
    last, last_order = "", 0.0
    for position, action in enumerate(actions, start=1):
        kind = text(action.get("type"))
        if kind is None:
            return
        types.append(kind)
        order = number(action.get("order")) or position
        if order >= last_order:
            last, last_order = kind, order
    final = [kind for kind in types if kind in _FINAL_ACTIONS]
    if final != [last]:
        message = (
            f"{path} must end with exactly one of {', '.join(_FINAL_ACTIONS)}, got "
            f"{', '.join(types)}"
        )
        yield Refusal("InvalidLoadBalancerAction", message, "elbv2.action.final", path)


def action_references(path: str) -> tuple[Reference, ...]:
    """Return the target groups that the actions at a path must find."""
    code, rule = "TargetGroupNotFound", "elbv2.action.target-exists"
    return tuple(
        Reference(f"{path}[].{target}", TARGET_GROUP, code, rule, "held") for target in FORWARDED
    )


def targets_of(inputs: Properties, path: str) -> set[str]:
    """Return the ARNs of the target groups that the actions at a path forward to."""
    arns: set[str] = set()
    for target in FORWARDED:
        arns.update(texts(values_at(inputs, f"{path}[].{target}")))
    return arns


def https_only_action_rules(inputs: Properties, path: str) -> Refusals:
    """Refuse actions of a listener with protocol HTTP that authenticate users."""
    types = _types(blocks(inputs.get(path)))
    if not _AUTHENTICATION.keys().isdisjoint(types):
        message = (
            "Authenticate actions are only supported on HTTPS listeners, got "
            f"{', '.join(types)} on HTTP: remove them, or use a listener with protocol HTTPS"
        )
        yield Refusal("InvalidLoadBalancerAction", message, "elbv2.listener.authentication", path)
