"""Elastic Load Balancing: listeners, listener rules, and their actions and conditions."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from localaws.catalog import regexes
from localaws.catalog.account import Resource, namesakes
from localaws.catalog.acm import CERTIFICATE, certificate_rules
from localaws.catalog.elb import tls_policies
from localaws.catalog.elb.forwarding import action_rules
from localaws.catalog.elb.load_balancers import LOAD_BALANCER, is_application
from localaws.catalog.elb.target_groups import HTTP, PROTOCOLS, TARGET_GROUP
from localaws.catalog.elb.trust_stores import TRUST_STORE
from localaws.catalog.iam.users import SERVER_CERTIFICATE
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType, Unique
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
    network,
    number,
    one_of,
    size,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

LISTENER = "aws:lb/listener:Listener"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
LISTENER_CERTIFICATE = "aws:lb/listenerCertificate:ListenerCertificate"

LISTENERS_PER_LOAD_BALANCER = 50
RULES_PER_LOAD_BALANCER = 100
CERTIFICATES_PER_LOAD_BALANCER = 25
VALUES_PER_RULE = WILDCARDS_PER_RULE = EVALUATIONS_PER_RULE = 5
"""AWS's default quotas."""

LOWEST_PRECEDENCE = 50000
"""The highest number that a rule's priority can have."""

# Actions, of a listener's default and of its rules.

_FORWARDED = ("targetGroupArn", "forward.targetGroups[].arn")
_CONTENT_TYPES = (
    "text/plain",
    "text/css",
    "text/html",
    "application/javascript",
    "application/json",
)
_FINAL_ACTIONS = {
    "forward": ("targetGroupArn", "forward"),
    "redirect": ("redirect",),
    "fixed-response": ("fixedResponse",),
}
_FIRST_ACTIONS = {
    "authenticate-cognito": ("authenticateCognito",),
    "authenticate-oidc": ("authenticateOidc",),
    "jwt-validation": ("jwtValidation",),
}


def _action_limits(path: str) -> tuple[Limit, ...]:
    forward, redirect, fixed = f"{path}[].forward", f"{path}[].redirect", f"{path}[].fixedResponse"
    login, token = f"{path}[].authenticateOidc", f"{path}[].jwtValidation"
    claim = f"{token}.additionalClaims[]"
    port = Allowed(
        "a port from 1 to 65535, or #{port}", lambda value: value == "#{port}" or _is_port(value)
    )
    statuses = matches(r"[245]\d\d|[245]XX", "a code from 200 to 599 other than 3xx")
    return (
        Limit(f"{login}.issuer", _HTTPS_URL, "elbv2.action.oidc", _VALIDATION),
        Limit(f"{login}.authorizationEndpoint", _HTTPS_URL, "elbv2.action.oidc", _VALIDATION),
        Limit(f"{login}.tokenEndpoint", _HTTPS_URL, "elbv2.action.oidc", _VALIDATION),
        Limit(f"{login}.userInfoEndpoint", _HTTPS_URL, "elbv2.action.oidc", _VALIDATION),
        Limit(f"{token}.jwksEndpoint", _HTTPS_URL, "elbv2.action.jwt", _VALIDATION),
        Limit(f"{token}.jwksEndpoint", length(1, 256), "elbv2.action.jwt", _VALIDATION),
        Limit(f"{token}.issuer", length(1, 256), "elbv2.action.jwt", _VALIDATION),
        Limit(f"{token}.additionalClaims", size(0, 10), "elbv2.action.jwt", _VALIDATION),
        Limit(f"{claim}.name", _CLAIM, "elbv2.action.jwt", _VALIDATION),
        Limit(f"{claim}.values", size(1, 10), "elbv2.action.jwt", _VALIDATION),
        Limit(f"{claim}.values[]", length(1, 256), "elbv2.action.jwt", _VALIDATION),
        Limit(f"{login}.sessionTimeout", within(1, 604800), "elbv2.action.oidc", _VALIDATION),
        Limit(f"{path}[].type", one_of(*_FINAL_ACTIONS, *_FIRST_ACTIONS), "elbv2.action.type"),
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


def _header_limits() -> Iterator[Limit]:
    for name, allowed in RESPONSE_HEADERS.items():
        value = f"routingHttpResponse{name}HeaderValue"
        yield Limit(value, allowed, "elbv2.listener.response-header", _VALIDATION)
    for name in _TLS_HEADERS:
        yield Limit(name, _HEADER_NAME, "elbv2.listener.request-header", _VALIDATION)


def _is_https_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return parts.scheme == "https" and bool(parts.hostname)


_HTTPS_URL = Allowed("a full URL with https:// and a domain", _is_https_url)
"""Source: the API's AuthenticateOidcActionConfig."""

_CLAIM = matches(
    "(?!(?:exp|iss|nbf|iat)$).+", "a claim other than exp, iss, nbf and iat, which always count"
)

_MOST_EXTRA_PARAMETERS = 10
"""Source: the provider's documentation of listeners."""


def _login_rules(actions: Sequence[Properties], path: str) -> Refusals:
    """Refuse what the API's AuthenticateOidcActionConfig doesn't allow."""
    for index, action in enumerate(actions):
        config, where = block(action.get("authenticateOidc")), f"{path}[{index}].authenticateOidc"
        extra = block(config.get("authenticationRequestExtraParams"))
        if len(extra) > _MOST_EXTRA_PARAMETERS:
            message = (
                f"{where}: authenticationRequestExtraParams has {len(extra)} parameters; "
                f"{_MOST_EXTRA_PARAMETERS} are allowed"
            )
            yield Refusal(_VALIDATION, message, "elbv2.action.oidc", path)
        for claim in blocks(block(action.get("jwtValidation")).get("additionalClaims")):
            yield from _claim_rules(claim, path)
    kinds = texts([each.get("type") for each in actions])
    if len([kind for kind in kinds if kind in _FIRST_ACTIONS]) > 1:
        message = f"{path} can authenticate once, got {', '.join(kinds)}"
        yield Refusal("InvalidLoadBalancerAction", message, "elbv2.action.one-login", path)


def _claim_rules(claim: Properties, path: str) -> Refusals:
    """Refuse values that a claim of its format can't have."""
    values, form = texts(claim.get("values")), claim.get("format")
    if form == "single-string" and len(values) > 1:
        message = f"claim {claim.get('name')} of format {form} has one value, got {len(values)}"
        yield Refusal(_VALIDATION, message, "elbv2.action.jwt", path)
    if form == "space-separated-values" and any(" " in each for each in values):
        message = f"claim {claim.get('name')} of format {form} can't have values with spaces"
        yield Refusal(_VALIDATION, message, "elbv2.action.jwt", path)


def _is_port(value: object) -> bool:
    return str(value).isdecimal() and PORT.holds(int(str(value)))


def _forward_rules(action: Properties, where: str) -> Refusals:
    """Require a target group, or a block of target groups, or both if they mean the same group."""
    names = _FINAL_ACTIONS["forward"]
    if len(given(action, *names)) == len(names):
        groups = values_at(action, "forward.targetGroups[].arn")
        if not known(action) or groups == [action["targetGroupArn"]]:
            return
    yield from exactly_one(action, names, "elbv2.action.forward-target", where=where)


def _action_rules(inputs: Properties, path: str) -> Refusals:
    actions = blocks(inputs.get(path))
    for index, action in enumerate(actions):
        kind, where = text(action.get("type")) or "", f"{path}[{index}]: "
        needed = _FINAL_ACTIONS.get(kind) or _FIRST_ACTIONS.get(kind, ())
        if kind == "forward":
            yield from _forward_rules(action, where)
        elif needed and not given(action, *needed):
            yield Refusal(
                "InvalidArgument",
                f"{where}type {kind} needs {needed[0]}",
                "elbv2.action.block",
                path,
            )
        if kind == "redirect" and _redirects_to_itself(action.get("redirect")):
            message = (
                f"{where}the redirect would lead to itself: change at least one of "
                f"{', '.join(_REDIRECTED)}"
            )
            yield Refusal("InvalidLoadBalancerAction", message, "elbv2.action.redirect-loop", path)
    yield from _login_rules(actions, path)
    if actions and len(actions) == len(inputs[path]):
        yield from _final_action_rules(actions, path)


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


def _action_references(path: str) -> tuple[Reference, ...]:
    return tuple(
        Reference(
            f"{path}[].{target}",
            TARGET_GROUP,
            "TargetGroupNotFound",
            "elbv2.action.target-exists",
            "held",
        )
        for target in _FORWARDED
    )


def _targets(inputs: Properties, path: str) -> set[str]:
    arns: set[str] = set()
    for target in _FORWARDED:
        arns.update(texts(values_at(inputs, f"{path}[].{target}")))
    return arns


def balancers_of(
    account: Account, target_group: object, *, except_for: Resource | None = None
) -> set[str]:
    """Return the load balancers whose listeners or rules forward to a target group."""
    found = set()
    for target in _FORWARDED:
        for listener in account.where(LISTENER, f"defaultActions[].{target}", target_group):
            if listener != except_for:
                found.add(str(listener.inputs.get("loadBalancerArn")))
        for rule in account.where(LISTENER_RULE, f"actions[].{target}", target_group):
            listener_of_rule = account.get(LISTENER, rule.inputs.get("listenerArn"))
            if rule != except_for and listener_of_rule:
                found.add(str(listener_of_rule.inputs.get("loadBalancerArn")))
    return found


def _target_account_rules(
    targets: Iterable[str], balancer: Resource | None, account: Account, current: Resource | None
) -> Refusals:
    """Refuse target groups to which this load balancer can't forward."""
    if balancer is None:
        return
    for arn in sorted(targets):
        group = account.get(TARGET_GROUP, arn)
        if group is None:
            continue
        others = balancers_of(account, arn, except_for=current) - {balancer.id}
        if others:
            message = (
                f"target group '{arn}' already serves {', '.join(sorted(others))}; a group "
                "serves one load balancer"
            )
            yield Refusal("TargetGroupAssociationLimit", message, "elbv2.target-group.one-balancer")
        if group.outputs.get("vpcId") not in (None, balancer.outputs.get("vpcId")):
            message = (
                f"target group '{arn}' is in {group.outputs.get('vpcId')}, the load balancer in "
                f"{balancer.outputs.get('vpcId')}"
            )
            yield Refusal("InvalidConfigurationRequest", message, "elbv2.target-group.same-vpc")
        if is_application(balancer.inputs) and group.inputs.get("protocol") not in (*HTTP, None):
            message = (
                "an application load balancer can't forward to protocol "
                f"{group.inputs['protocol']} of '{arn}'"
            )
            yield Refusal("IncompatibleProtocols", message, "elbv2.target-group.protocol-fits")


_TLS_HEADERS = (
    "routingHttpRequestXAmznMtlsClientcertHeaderName",
    "routingHttpRequestXAmznMtlsClientcertIssuerHeaderName",
    "routingHttpRequestXAmznMtlsClientcertLeafHeaderName",
    "routingHttpRequestXAmznMtlsClientcertSerialNumberHeaderName",
    "routingHttpRequestXAmznMtlsClientcertSubjectHeaderName",
    "routingHttpRequestXAmznMtlsClientcertValidityHeaderName",
    "routingHttpRequestXAmznTlsCipherSuiteHeaderName",
    "routingHttpRequestXAmznTlsVersionHeaderName",
)

_VALIDATION = "ValidationError"
_HEADER_NAME = matches(
    r"[\w-]{1,40}", "a header name of 1 to 40 letters, digits, hyphens and underscores"
)
_TLS_POLICY = Allowed(
    "one of AWS's, such as ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    lambda value: isinstance(value, str) and tls_policies.versions(value) is not None,
)

RESPONSE_HEADERS = {
    "AccessControlAllowCredentials": matches("true", "true"),
    "AccessControlAllowHeaders": length(0, 1024),
    "AccessControlAllowMethods": matches(
        r"\*|((GET|HEAD|POST|DELETE|CONNECT|OPTIONS|TRACE|PUT|PATCH)(,\s*(?=.)|$))+",
        "methods such as GET,POST, or *",
    ),
    "AccessControlAllowOrigin": length(0, 1024),
    "AccessControlExposeHeaders": length(0, 1024),
    "AccessControlMaxAge": matches(
        r"[0-9]{1,4}|[0-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400", "seconds from 0 to 86400"
    ),
    "ContentSecurityPolicy": length(0, 1024),
    "StrictTransportSecurity": matches(
        r"(?i)max-age=\d+(; ?includeSubDomains)?(; ?preload)?",
        "max-age=<seconds>, then ; includeSubDomains and ; preload if wanted",
    ),
    "XContentTypeOptions": matches("nosniff", "nosniff"),
    "XFrameOptions": matches(
        r"DENY|SAMEORIGIN|ALLOW-FROM \S+", "DENY, SAMEORIGIN, or ALLOW-FROM and an address"
    ),
}
"""The allowed values of the response headers that a listener can set.

Source: AWS's guide to header modification.
"""


def _is_application_arn(arn: object) -> bool:
    return isinstance(arn, str) and ":loadbalancer/app/" in arn


def _listener_rules(inputs: Properties) -> Refusals:
    protocol, certificate = inputs.get("protocol"), inputs.get("certificateArn")
    application = _is_application_arn(inputs.get("loadBalancerArn"))
    if application and protocol not in (*HTTP, None, UNKNOWN):
        message = (
            "protocol must be one of HTTP, HTTPS for an application load balancer, got "
            f"{protocol!r}"
        )
        yield Refusal("ValidationError", message, "elbv2.listener.protocol-fits", "protocol")
    if application and not given(inputs, "port"):
        yield Refusal(
            "ValidationError", "A port must be specified", "elbv2.listener.port-required", "port"
        )
    if protocol == "HTTPS" and certificate is None:
        message = "A certificate must be specified for HTTPS listeners"
        yield Refusal("ValidationError", message, "elbv2.listener.certificate", "certificateArn")
    if protocol in ("HTTP", None) and application:
        if given(inputs, "sslPolicy"):
            message = "An SSL policy cannot be specified for HTTP listeners"
            yield Refusal("ValidationError", message, "elbv2.listener.tls-only", "sslPolicy")
        for name in given(inputs, "certificateArn", "mutualAuthentication", *_TLS_HEADERS):
            message = f"{name} is for HTTPS listeners only"
            yield Refusal("ValidationError", message, "elbv2.listener.tls-only", name)
        yield from _authentication_rules(inputs, "defaultActions")
    if inputs.get("defaultActions") == []:
        yield Refusal(
            "InvalidArgument",
            "defaultActions needs at least one",
            "elbv2.action.some",
            "defaultActions",
        )
    yield from _action_rules(inputs, "defaultActions")


def _authentication_rules(inputs: Properties, path: str) -> Refusals:
    """Refuse actions that a listener with protocol HTTP can't have."""
    if any(kind in _FIRST_ACTIONS for kind in texts(values_at(inputs, f"{path}[].type"))):
        message = "Authenticate actions are only supported on HTTPS listeners"
        yield Refusal("InvalidLoadBalancerAction", message, "elbv2.listener.authentication", path)


def _listener_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    arn = inputs.get("loadBalancerArn")
    others = namesakes(account, LISTENER, inputs, current, "loadBalancerArn")
    if len(others) >= LISTENERS_PER_LOAD_BALANCER:
        message = f"{arn} has {LISTENERS_PER_LOAD_BALANCER} listeners, no more are allowed"
        yield Refusal("TooManyListeners", message, "elbv2.listener.quota")
    targets, balancer = _targets(inputs, "defaultActions"), account.get(LOAD_BALANCER, arn)
    yield from _target_account_rules(targets, balancer, account, current)
    protocol = inputs.get("protocol") or "HTTP"
    yield from _forwarding_rules(inputs, "defaultActions", protocol, account)
    if balancer is not None and given(inputs, "certificateArn"):
        yield from certificate_rules(account, inputs["certificateArn"], balancer.region)


def _listener_computed(mint: Mint, inputs: Properties) -> Properties:
    balancer = str(inputs.get("loadBalancerArn"))
    arn = f"{balancer.replace(':loadbalancer/', ':listener/')}/{mint.hex(16)}"
    return {"id": arn, "arn": arn}


def _listener_derived(inputs: Properties) -> Properties:
    protocol = inputs.get("protocol")
    if protocol is None and _is_application_arn(inputs.get("loadBalancerArn")):
        return {"protocol": "HTTP"}
    if protocol == "HTTPS" and not given(inputs, "sslPolicy"):
        return {"sslPolicy": tls_policies.DEFAULT}
    return {}


_CONDITIONS = (
    "hostHeader",
    "httpHeader",
    "httpRequestMethod",
    "pathPattern",
    "queryStrings",
    "sourceIp",
)
_WITH_REGEX = ("hostHeader", "httpHeader", "pathPattern")
_ONCE = ("hostHeader", "httpRequestMethod", "pathPattern", "sourceIp")


def _is_network(value: object) -> bool:
    return network(value) is not None


_NOT_BROADCAST = Allowed(
    "a network other than 255.255.255.255/32",
    lambda value: network(value) != ip_network("255.255.255.255/32"),
)
"""From experience with AWS; no page of its documentation mentions it."""


def _condition_limits() -> tuple[Limit, ...]:
    method = matches(r"[A-Z_-]{1,40}", "1 to 40 capital letters, - and _")
    header = matches(
        r"(?i)(?!host$)[!#$%&'*+.^_`|~0-9a-z-]{1,40}",
        "a header name of 1 to 40 characters other than Host",
    )
    source = Allowed("a network such as 10.0.0.0/16", _is_network)

    def limit(path: str, allowed: Allowed) -> Limit:
        return Limit(f"conditions[].{path}", allowed, "elbv2.condition.value")

    return (
        limit("hostHeader.values[]", length(1, 128)),
        limit("hostHeader.regexValues[]", length(1, 128)),
        limit("pathPattern.values[]", length(1, 128)),
        limit("pathPattern.regexValues[]", length(1, 128)),
        limit("httpHeader.values[]", length(1, 128)),
        limit("httpHeader.regexValues[]", length(1, 128)),
        limit("httpHeader.httpHeaderName", header),
        limit("httpRequestMethod.values[]", method),
        limit("queryStrings[].key", length(0, 128)),
        limit("queryStrings[].value", length(1, 128)),
        limit("sourceIp.values[]", source),
        Limit(
            "conditions[].sourceIp.values[]",
            _NOT_BROADCAST,
            "elbv2.condition.broadcast",
            _VALIDATION,
        ),
    )


_VALUES = (
    "conditions[].hostHeader.values[]",
    "conditions[].httpHeader.values[]",
    "conditions[].httpRequestMethod.values[]",
    "conditions[].pathPattern.values[]",
    "conditions[].sourceIp.values[]",
    "conditions[].queryStrings[].value",
)
"""The paths of all values that count towards a rule's quotas."""


def _has_values(condition: object) -> bool:
    """Return whether a condition has a value; a condition on query strings is a list of pairs."""
    if isinstance(condition, dict):
        return any(condition.get(name) for name in ("values", "regexValues"))
    return condition is UNKNOWN or bool(condition)


_TRANSFORMS = {"host-header-rewrite": "hostHeaderRewriteConfig", "url-rewrite": "urlRewriteConfig"}
"""The kinds of transforms, and the block of each.

Source: ELB's guide to transforms for listener rules.
"""

_REGEXES = (
    "conditions[].hostHeader.regexValues[]",
    "conditions[].httpHeader.regexValues[]",
    "conditions[].pathPattern.regexValues[]",
    "transforms[].hostHeaderRewriteConfig.rewrite.regex",
    "transforms[].urlRewriteConfig.rewrite.regex",
)


def _transform_limits() -> tuple[Limit, ...]:
    limits: list[Limit] = []
    for name in _TRANSFORMS.values():
        path, rule = f"transforms[].{name}.rewrite", "elbv2.transform.value"
        limits.append(Limit(f"{path}.regex", length(1, 1024), rule))
        limits.append(Limit(f"{path}.replace", length(0, 1024), rule))
    return tuple(limits)


def _transform_rules(inputs: Properties) -> Refusals:
    transforms = blocks(inputs.get("transforms"))
    types = [text(each.get("type")) for each in transforms]
    for kind, name in _TRANSFORMS.items():
        if types.count(kind) > 1:
            message = f"A rule can have only one transform of type {kind}"
            yield Refusal(_VALIDATION, message, "elbv2.transform.once", "transforms")
        for index, transform in enumerate(transforms):
            where, own_type = f"transforms[{index}]", types[index]
            has_block = bool(given(transform, name))
            if own_type is not None and has_block != (own_type == kind):
                message = (
                    f"{where}: type {kind} needs {name}, and no other type has it; got type "
                    f"{own_type}"
                )
                yield Refusal("InvalidArgument", message, "elbv2.transform.block", "transforms")
            yield from _rewrite_rules(transform.get(name), f"{where}.{name}")


def _rewrite_rules(config: object, where: str) -> Refusals:
    if not isinstance(config, dict):
        return
    if not given(config, "rewrite"):
        yield Refusal(
            "InvalidArgument", f"{where} needs rewrite", "elbv2.transform.block", "transforms"
        )
    rewrite = block(config.get("rewrite"))
    regex, replace = text(rewrite.get("regex")), text(rewrite.get("replace"))
    if regex is None or replace is None:
        return
    groups = regexes.read(regex).groups
    missing = [each for each in re.findall(r"\$(\d)", replace) if int(each) > groups]
    if missing:
        message = (
            f"{where}: replace has ${missing[0]}, but regex {regex!r} has {groups} capture groups"
        )
        yield Refusal(_VALIDATION, message, "elbv2.transform.groups", "transforms")


def _regex_rules(inputs: Properties) -> Refusals:
    for path in _REGEXES:
        for regex in texts(values_at(inputs, path)):
            fault = regexes.read(regex).fault
            if fault:
                message = (
                    f"{path}: {regex!r} has {fault}, which regular expressions of a rule can't have"
                )
                yield Refusal(_VALIDATION, message, "elbv2.regex.supported", path.partition("[")[0])


def _listener_rule_rules(inputs: Properties) -> Refusals:
    yield from _condition_rules(inputs)
    if inputs.get("actions") == []:
        yield Refusal(
            "InvalidArgument", "actions needs at least one", "elbv2.action.some", "actions"
        )
    yield from _action_rules(inputs, "actions")
    yield from _transform_rules(inputs)
    yield from _regex_rules(inputs)


def _condition_rules(inputs: Properties) -> Refusals:
    conditions = blocks(inputs.get("conditions"))
    for index, condition in enumerate(conditions):
        yield from exactly_one(
            condition, _CONDITIONS, "elbv2.condition.one-field", where=f"conditions[{index}]: "
        )
        for name in given(condition, *_CONDITIONS):
            if not _has_values(condition[name]):
                message = f"conditions[{index}].{name} needs at least one value"
                yield Refusal("InvalidArgument", message, "elbv2.condition.some", "conditions")
    for name in _ONCE:
        if len([condition for condition in conditions if given(condition, name)]) > 1:
            message = f"A rule can have only one {name} condition; put all values into one"
            yield Refusal("ValidationError", message, "elbv2.condition.once", "conditions")
    yield from _quota_rules(inputs)
    if inputs.get("conditions") == []:
        yield Refusal(
            "InvalidArgument", "conditions needs at least one", "elbv2.condition.some", "conditions"
        )


def _quota_rules(inputs: Properties) -> Refusals:
    """Refuse more values than a rule can have."""
    values: list[str] = []
    for path in _VALUES:
        values += map(str, values_at(inputs, path))
    if len(values) > VALUES_PER_RULE:
        message = f"A rule can only have '{VALUES_PER_RULE}' condition values, got {len(values)}"
        yield Refusal("ValidationError", message, "elbv2.condition.values", "conditions")
    evaluations = len(values)
    for name in _WITH_REGEX:
        evaluations += len(values_at(inputs, f"conditions[].{name}.regexValues[]"))
    if evaluations > EVALUATIONS_PER_RULE >= len(values):
        message = (
            f"A rule can only have '{EVALUATIONS_PER_RULE}' match evaluations, which values and "
            f"regexValues are, got {evaluations}"
        )
        yield Refusal("ValidationError", message, "elbv2.condition.evaluations", "conditions")
    wildcards = sum(value.count("*") + value.count("?") for value in values)
    if wildcards > WILDCARDS_PER_RULE:
        message = f"A rule can only have '{WILDCARDS_PER_RULE}' condition wildcards"
        yield Refusal("ValidationError", message, "elbv2.condition.wildcards", "conditions")


def _listener_rule_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    listener = account.get(LISTENER, inputs.get("listenerArn"))
    if listener is None:
        return
    balancer = account.get(LOAD_BALANCER, listener.inputs.get("loadBalancerArn"))
    prefix = listener.id.rpartition("/")[0].replace(":listener/", ":listener-rule/")
    rules = [each for each in account.all(LISTENER_RULE) if each.id.startswith(f"{prefix}/")]
    if current is None and len(rules) >= RULES_PER_LOAD_BALANCER:
        message = f"the load balancer has {RULES_PER_LOAD_BALANCER} rules, no more are allowed"
        yield Refusal("TooManyRules", message, "elbv2.listener-rule.quota")
    if current is None and not given(inputs, "priority"):
        highest = _highest_priority(account, listener.id)
        if highest >= LOWEST_PRECEDENCE:
            message = (
                f"priority must be given: the highest of the listener is {highest}, so no rule "
                "can come after it"
            )
            yield Refusal(_VALIDATION, message, "elbv2.listener-rule.priority", "priority")
    yield from _target_account_rules(_targets(inputs, "actions"), balancer, account, current)
    protocol = listener.outputs.get("protocol")
    if protocol == "HTTP":
        yield from _authentication_rules(inputs, "actions")
    yield from _forwarding_rules(inputs, "actions", protocol, account)


def _forwarding_rules(
    inputs: Properties, path: str, protocol: object, account: Account
) -> Refusals:
    groups = {}
    for arn in _targets(inputs, path):
        if group := account.get(TARGET_GROUP, arn):
            groups[arn] = group.inputs
    yield from action_rules(blocks(inputs.get(path)), protocol, groups)


def _highest_priority(account: Account, listener: object) -> int:
    highest = 0
    for rule in account.where(LISTENER_RULE, "listenerArn", listener):
        highest = max(highest, int(number(rule.outputs.get("priority")) or 0))
    return highest


def _listener_rule_computed(mint: Mint, inputs: Properties) -> Properties:
    listener = inputs.get("listenerArn")
    arn = f"{str(listener).replace(':listener/', ':listener-rule/')}/{mint.hex(16)}"
    computed: dict[str, object] = {"id": arn, "arn": arn}
    if not given(inputs, "priority"):
        computed["priority"] = _highest_priority(mint.account, listener) + 1
    return computed


def _listener_certificate_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    listener = account.get(LISTENER, inputs.get("listenerArn"))
    if listener is None:
        return
    yield from certificate_rules(account, inputs.get("certificateArn"), listener.region)
    if listener.outputs.get("protocol") not in ("HTTPS", "TLS"):
        message = (
            f"certificates are for HTTPS listeners only, '{listener.id}' speaks "
            f"{listener.outputs.get('protocol')}"
        )
        yield Refusal(
            "ValidationError", message, "elbv2.listener-certificate.tls-only", "listenerArn"
        )
    others = namesakes(account, LISTENER_CERTIFICATE, inputs, current, "listenerArn")
    if len(others) >= CERTIFICATES_PER_LOAD_BALANCER:
        message = (
            f"{listener.id} has {CERTIFICATES_PER_LOAD_BALANCER} certificates, no more are allowed"
        )
        yield Refusal("TooManyCertificates", message, "elbv2.listener-certificate.quota")


TYPES = (
    ResourceType(
        token=LISTENER,
        replaces=frozenset({"loadBalancerArn", "region"}),
        derived=_listener_derived,
        limits=(
            Limit("loadBalancerArn", ARN, "elbv2.listener.arn"),
            Limit("certificateArn", ARN, "elbv2.listener.arn"),
            Limit("port", PORT, "elbv2.listener.port"),
            Limit("protocol", one_of(*PROTOCOLS), "elbv2.listener.protocol"),
            Limit("sslPolicy", _TLS_POLICY, "elbv2.listener.tls-policy", "SSLPolicyNotFound"),
            *_header_limits(),
            *_action_limits("defaultActions"),
        ),
        references=(
            Reference(
                "loadBalancerArn",
                LOAD_BALANCER,
                "LoadBalancerNotFound",
                "elbv2.listener.balancer-exists",
                "gone",
            ),
            Reference("certificateArn", CERTIFICATE, "", "elbv2.certificate.issued", "held"),
            Reference("certificateArn", SERVER_CERTIFICATE, "", "elbv2.certificate.issued", "held"),
            Reference(
                "mutualAuthentication.trustStoreArn",
                TRUST_STORE,
                "TrustStoreNotFound",
                "elbv2.trust-store.exists",
                "held",
            ),
            *_action_references("defaultActions"),
        ),
        unique=(
            Unique(
                ("port", "loadBalancerArn"),
                "DuplicateListener",
                "elbv2.listener.port-unique",
                (
                    "A listener already exists on this port for this load balancer "
                    "'{loadBalancerArn}': {port:g}"
                ),
            ),
        ),
        rules=_listener_rules,
        account_rules=_listener_account_rules,
        computed=_listener_computed,
    ),
    ResourceType(
        token=LISTENER_RULE,
        unordered=frozenset({"conditions", *_VALUES}),
        replaces=frozenset({"listenerArn", "region"}),
        limits=(
            Limit("listenerArn", ARN, "elbv2.listener-rule.arn"),
            Limit("priority", within(1, LOWEST_PRECEDENCE), "elbv2.listener-rule.priority"),
            *_condition_limits(),
            *_transform_limits(),
            *_action_limits("actions"),
        ),
        references=(
            Reference(
                "listenerArn",
                LISTENER,
                "ListenerNotFound",
                "elbv2.listener-rule.listener-exists",
                "gone",
            ),
            *_action_references("actions"),
        ),
        unique=(
            Unique(
                ("priority", "listenerArn"),
                "PriorityInUse",
                "elbv2.listener-rule.priority-unique",
                "Priority '{priority:g}' is currently in use",
            ),
        ),
        rules=_listener_rule_rules,
        account_rules=_listener_rule_account_rules,
        computed=_listener_rule_computed,
    ),
    ResourceType(
        token=LISTENER_CERTIFICATE,
        replaces=frozenset({"listenerArn", "certificateArn", "region"}),
        limits=(
            Limit("listenerArn", ARN, "elbv2.listener-certificate.arn"),
            Limit("certificateArn", ARN, "elbv2.listener-certificate.arn"),
        ),
        references=(
            Reference(
                "listenerArn",
                LISTENER,
                "ListenerNotFound",
                "elbv2.listener-certificate.listener-exists",
                "gone",
            ),
            Reference("certificateArn", CERTIFICATE, "", "elbv2.certificate.issued", "held"),
            Reference("certificateArn", SERVER_CERTIFICATE, "", "elbv2.certificate.issued", "held"),
        ),
        account_rules=_listener_certificate_account_rules,
        computed=lambda _mint, inputs: {
            "id": f"{inputs.get('listenerArn')}_{inputs.get('certificateArn')}"
        },
    ),
)
