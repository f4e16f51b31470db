"""Authentication, by OpenID Connect or a token: what Envoy needs to ask the login service. Pure.

Envoy asks the service about each request of a rule that authenticates, and about each that an
identity provider sends back to the listener. The service lets a request pass with headers for the
target, or answers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.alb.lua_filter import ENABLED

if TYPE_CHECKING:
    from localaws.alb.model import Listener, Rule

RULE = "x-localaws-rule"
"""Internal request header: the rule that a request met. Written before the service is asked,
removed before the target sees it.
"""

CALLBACK = "/oauth2/idpresponse"
"""Where identity providers send users back to, on each listener that authenticates."""

SOCKET = "login.sock"
"""Where the service listens, in Envoy's folder."""

PROVIDER_FAILED = 499
"""What the service answers instead of 561: from 500 on, Envoy takes a status for a failure of the
service itself.
"""

PUBLIC_KEYS = "public-keys.auth.elb"
"""The name of what serves the keys that verify users' claims."""

ACTION = "authenticate-oidc"
TOKEN_ACTION = "jwt-validation"  # noqa: S105 — a type of action

IDENTITY_HEADERS = ("x-amzn-oidc-accesstoken", "x-amzn-oidc-identity", "x-amzn-oidc-data")

ASK = "localaws.login"
NAME_RULE = "localaws.rule"
_CLUSTER = "localaws.login"
_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
_MUTATION = f"{_FILTERS}.header_mutation.v3"
_TIMEOUT = "30s"


def authenticates(rule: Rule) -> bool:
    """Return whether a rule has users log in by OpenID Connect."""
    return ACTION in _kinds(rule)


def shows_logins(listener: Listener) -> bool:
    """Return whether a listener has users log in, on this machine's network."""
    return not listener.accepts and any(map(authenticates, listener.rules))


def asks(rule: Rule) -> bool:
    """Return whether the service is asked about a rule's requests."""
    return not _kinds(rule).isdisjoint({ACTION, TOKEN_ACTION})


def _kinds(rule: Rule) -> set[object]:
    return {each.get("type") for each in rule.actions}


def filters() -> list[dict[str, Any]]:
    """Return the filters of a listener with a rule that authenticates."""
    nothing = {"@type": f"{_MUTATION}.HeaderMutation", "mutations": {}}
    ask = {
        "@type": f"{_FILTERS}.ext_authz.v3.ExtAuthz",
        "http_service": {
            "server_uri": {"uri": "http://login", "cluster": _CLUSTER, "timeout": _TIMEOUT},
            "authorization_response": {
                "allowed_upstream_headers": _names(*IDENTITY_HEADERS),
                "allowed_client_headers": _names(
                    "set-cookie", "location", "content-type", "server", "cache-control"
                ),
                "allowed_client_headers_on_success": _names("set-cookie"),
            },
        },
        "allowed_headers": _names("authorization", "cookie", RULE),
        "status_on_error": {"code": "InternalServerError"},
    }
    return [
        {"name": NAME_RULE, "disabled": True, "typed_config": nothing},
        {"name": ASK, "disabled": True, "typed_config": ask},
    ]


def asking(rule: str) -> dict[str, Any]:
    """Return the configuration of filters by which the login service decides about a route.

    Args:
        rule: The ARN of its rule, or of its listener for the default rule; empty for the callback,
            whose rule the service finds out.
    """
    name = {
        "header": {"key": RULE, "value": rule.replace("%", "%%")},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        "keep_empty_value": True,
    }
    mutations = {"request_mutations": [{"append": name}]}
    return {
        NAME_RULE: {"@type": f"{_MUTATION}.HeaderMutationPerRoute", "mutations": mutations},
        ASK: ENABLED,
    }


def callback_route() -> dict[str, Any]:
    """Return the route, before all rules, for users whom an identity provider sends back."""
    return {
        "match": {"path": CALLBACK},
        "typed_per_filter_config": asking(""),
        "direct_response": {"status": 500},  # never given: the service answers
    }


def cluster() -> dict[str, Any]:
    """Return the login service as a cluster of Envoy's."""
    endpoint = {"address": {"pipe": {"path": SOCKET}}}
    return {
        "name": _CLUSTER,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": _CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }


def _names(*names: str) -> dict[str, Any]:
    return {"patterns": [{"exact": name, "ignore_case": True} for name in names]}
