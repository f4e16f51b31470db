"""Elastic Load Balancing: listeners, their certificates, and their target groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localaws.catalog.account import Resource, others_with_same
from localaws.catalog.acm import CERTIFICATE, certificate_rules
from localaws.catalog.elb import forwarding, tls_policies
from localaws.catalog.elb.listener_actions import (
    FORWARDED,
    action_limits,
    action_references,
    action_rules,
    https_only_action_rules,
    targets_of,
)
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import HTTP, PROTOCOLS, TARGET_GROUP, VALIDATION
from localaws.catalog.elb.trust_stores import TRUST_STORE
from localaws.catalog.iam.server_certificates import SERVER_CERTIFICATE
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType, Unique
from localaws.catalog.values import (
    ARN,
    PORT,
    Allowed,
    Limit,
    block,
    blocks,
    given,
    length,
    matches,
    one_of,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

LISTENER = "aws:lb/listener:Listener"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
LISTENER_CERTIFICATE = "aws:lb/listenerCertificate:ListenerCertificate"

LISTENERS_PER_LOAD_BALANCER = 50
CERTIFICATES_PER_LOAD_BALANCER = 25
"""AWS's default quotas."""


def balancers_of(
    account: Account, target_group: object, *, except_for: Resource | None = None
) -> set[str]:
    """Return the load balancers whose listeners or rules forward to a target group."""
    found = set()
    for target in FORWARDED:
        for listener in account.where(LISTENER, f"defaultActions[].{target}", target_group):
            if listener != except_for:
                found.add(str(listener.inputs.get("loadBalancerArn")))
        for rule in account.where(LISTENER_RULE, f"actions[].{target}", target_group):
            listener_of_rule = account.get(LISTENER, rule.inputs.get("listenerArn"))
            if rule != except_for and listener_of_rule:
                found.add(str(listener_of_rule.inputs.get("loadBalancerArn")))
    return found


_COMPATIBLE_PROTOCOLS = {
    "HTTP": HTTP,
    "HTTPS": HTTP,
    "TCP": ("TCP", "TCP_UDP", "TCP_QUIC"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
}
"""The protocols of target groups to which a listener can forward, by the listener's protocol.

Source: AWS's page about target groups of network load balancers. For QUIC and TCP_QUIC, which it
doesn't mention, every protocol is accepted.
"""


def target_account_rules(
    targets: Iterable[str],
    balancer: Resource | None,
    account: Account,
    current: Resource | None,
    protocol: str = "HTTP",
) -> Refusals:
    """Refuse target groups to which a listener with this protocol can't forward."""
    if balancer is None:
        return
    for arn in sorted(targets):
        group = account.get(TARGET_GROUP, arn)
        if group is None:
            continue
        others = balancers_of(account, arn, except_for=current) - {balancer.id}
        if others:
            message = (
                f"target group '{arn}' is already used by {', '.join(sorted(others))}; create "
                "another target group, as each is for one load balancer"
            )
            yield Refusal("TargetGroupAssociationLimit", message, "elbv2.target-group.one-balancer")
        if group.outputs.get("vpcId") not in (None, balancer.outputs.get("vpcId")):
            message = (
                f"target group '{arn}' is in {group.outputs.get('vpcId')}, but must be in the load "
                f"balancer's VPC, {balancer.outputs.get('vpcId')}"
            )
            yield Refusal("InvalidConfigurationRequest", message, "elbv2.target-group.same-vpc")
        compatible = _COMPATIBLE_PROTOCOLS.get(protocol)
        if compatible is not None and _protocol_of(group) not in (*compatible, None, UNKNOWN):
            message = (
                f"The listener and its associated target group '{arn}' have incompatible "
                f"protocols: a listener with protocol {protocol} forwards to "
                f"{' or '.join(compatible)}, not to {_protocol_of(group)}"
            )
            yield Refusal("IncompatibleProtocols", message, "elbv2.target-group.protocol-fits")


def _protocol_of(group: Resource) -> Any:
    """Return the protocol that the provider sends for a target group; None for Lambda functions."""
    if group.inputs.get("targetType") == "lambda":
        return None
    return group.inputs.get("protocol")


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


def _header_limits() -> Iterator[Limit]:
    for name, allowed in RESPONSE_HEADERS.items():
        value = f"routingHttpResponse{name}HeaderValue"
        yield Limit(value, allowed, "elbv2.listener.response-header", VALIDATION)
    for name in _TLS_HEADERS:
        yield Limit(name, _HEADER_NAME, "elbv2.listener.request-header", VALIDATION)


_PROTOCOLS = {"app": HTTP, "net": ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")}
"""The protocols that a listener of each type of load balancer can have, by the type's name in ARNs.

A listener of a Gateway Load Balancer has neither protocol nor port.
"""

_SECURE = ("HTTPS", "TLS")
_TYPE_OF_BALANCER = re.compile(r":loadbalancer/(app|net|gwy)/")


def _balancer_type(inputs: Properties) -> str | None:
    """Return the type in the ARN of a listener's load balancer: `app`, `net` or `gwy`."""
    found = _TYPE_OF_BALANCER.search(text(inputs.get("loadBalancerArn")) or "")
    return found[1] if found else None


def _listener_rules(inputs: Properties) -> Refusals:
    protocol = inputs.get("protocol")
    yield from _protocol_rules(inputs)
    if protocol in _SECURE and inputs.get("certificateArn") is None:
        message = f"A certificate must be specified for {protocol} listeners: set certificateArn"
        yield Refusal(VALIDATION, message, "elbv2.listener.certificate", "certificateArn")
    if protocol in ("HTTP", None) and _balancer_type(inputs) == "app":
        yield from _http_rules(inputs)
    yield from _verification_rules(block(inputs.get("mutualAuthentication")))
    if inputs.get("defaultActions") == []:
        message = "defaultActions needs at least one action"
        yield Refusal("InvalidArgument", message, "elbv2.action.some", "defaultActions")
    yield from action_rules(inputs, "defaultActions")


_VERIFY_ONLY = ("advertiseTrustStoreCaNames", "ignoreClientCertificateExpiry", "trustStoreArn")
"""The inputs of `mutualAuthentication` that only mode verify can have.

Sources: hashicorp/terraform-provider-aws#35452, #43251 and #34861.
"""


def _verification_rules(verification: Properties) -> Refusals:
    """Refuse `mutualAuthentication` without what its mode needs, or with what it can't have."""
    mode = verification.get("mode")
    if mode == "verify" and not given(verification, "trustStoreArn"):
        message = (
            "A trust store must be specified for mutual authentication in mode verify: set "
            "mutualAuthentication.trustStoreArn"
        )
        yield Refusal(VALIDATION, message, "elbv2.trust-store.required", "mutualAuthentication")
    if mode not in ("off", "passthrough"):
        return
    for name in _VERIFY_ONLY:
        if verification.get(name) not in (None, False, "", "off", UNKNOWN):
            message = (
                f"mutualAuthentication.{name} cannot be specified when mutualAuthentication.mode "
                f"is {mode}: leave it out, or use mode verify"
            )
            yield Refusal(
                "InvalidArgument", message, "elbv2.listener.verification", "mutualAuthentication"
            )


def _protocol_rules(inputs: Properties) -> Refusals:
    """Refuse a listener whose protocol or port doesn't fit the type of its load balancer."""
    kind = _balancer_type(inputs)
    protocol = inputs.get("protocol")
    if kind is None or kind not in _PROTOCOLS:
        return
    allowed = _PROTOCOLS[kind]
    has_default = kind == "app" and protocol is None
    if protocol not in (*allowed, UNKNOWN) and not has_default:
        kind_of_balancer = "an application" if kind == "app" else "a network"
        message = (
            f"protocol must be one of {', '.join(allowed)} for {kind_of_balancer} load balancer, "
            f"got {protocol!r}"
        )
        yield Refusal(VALIDATION, message, "elbv2.listener.protocol-fits", "protocol")
    if not given(inputs, "port"):
        yield Refusal(
            VALIDATION,
            "A port must be specified: set port to 1 to 65535",
            "elbv2.listener.port-required",
            "port",
        )


def _http_rules(inputs: Properties) -> Refusals:
    """Refuse what only a listener with protocol HTTPS can have."""
    if given(inputs, "sslPolicy"):
        message = "An SSL policy cannot be specified for HTTP listeners: leave sslPolicy out"
        yield Refusal(VALIDATION, message, "elbv2.listener.tls-only", "sslPolicy")
    for name in given(inputs, "certificateArn", "mutualAuthentication", *_TLS_HEADERS):
        message = f"{name} is for HTTPS listeners only: leave it out, or set protocol HTTPS"
        yield Refusal(VALIDATION, message, "elbv2.listener.tls-only", name)
    yield from https_only_action_rules(inputs, "defaultActions")


def _listener_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    arn = inputs.get("loadBalancerArn")
    others = others_with_same(account, LISTENER, inputs, current, "loadBalancerArn")
    if len(others) >= LISTENERS_PER_LOAD_BALANCER:
        message = (
            f"{arn} has {LISTENERS_PER_LOAD_BALANCER} listeners, no more are allowed: remove one"
        )
        yield Refusal("TooManyListeners", message, "elbv2.listener.quota")
    targets = targets_of(inputs, "defaultActions")
    balancer = account.get(LOAD_BALANCER, arn)
    default_protocol = "GENEVE" if _balancer_type(inputs) == "gwy" else "HTTP"
    protocol = inputs.get("protocol") or default_protocol
    yield from target_account_rules(targets, balancer, account, current, protocol)
    yield from forwarding_rules(inputs, "defaultActions", protocol, account)
    if balancer is not None and given(inputs, "certificateArn"):
        yield from certificate_rules(account, inputs["certificateArn"], balancer.region)


def _listener_computed(mint: Mint, inputs: Properties) -> Properties:
    balancer = str(inputs.get("loadBalancerArn"))
    arn = f"{balancer.replace(':loadbalancer/', ':listener/')}/{mint.hex(16)}"
    return {"id": arn, "arn": arn}


def _listener_derived(inputs: Properties) -> Properties:
    protocol = inputs.get("protocol")
    if protocol is None and _balancer_type(inputs) == "app":
        return {"protocol": "HTTP"}
    if protocol == "HTTPS" and not given(inputs, "sslPolicy"):
        return {"sslPolicy": tls_policies.DEFAULT}
    return {}


def forwarding_rules(inputs: Properties, path: str, protocol: object, account: Account) -> Refusals:
    """Refuse actions that their target groups don't allow with a listener's protocol."""
    groups = {}
    for arn in targets_of(inputs, path):
        if group := account.get(TARGET_GROUP, arn):
            groups[arn] = group.inputs
    yield from forwarding.rules_for_actions(blocks(inputs.get(path)), protocol, groups)


def _certificate_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    listener = account.get(LISTENER, inputs.get("listenerArn"))
    if listener is None:
        return
    yield from certificate_rules(account, inputs.get("certificateArn"), listener.region)
    if listener.outputs.get("protocol") not in _SECURE:
        message = (
            "listenerArn must be that of a listener with protocol HTTPS or TLS, but "
            f"'{listener.id}' has protocol {listener.outputs.get('protocol')}"
        )
        yield Refusal(VALIDATION, message, "elbv2.listener-certificate.tls-only", "listenerArn")
    balancer = listener.inputs.get("loadBalancerArn")
    certificates = {inputs.get("certificateArn")}
    for each in account.where(LISTENER, "loadBalancerArn", balancer):
        for other in account.where(LISTENER_CERTIFICATE, "listenerArn", each.id):
            certificates.add(other.inputs.get("certificateArn"))
    if current is None and len(certificates) > CERTIFICATES_PER_LOAD_BALANCER:
        message = (
            f"{balancer} has {CERTIFICATES_PER_LOAD_BALANCER} certificates, no more are allowed: "
            "remove one"
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
            *action_limits("defaultActions"),
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
            *action_references("defaultActions"),
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
        account_rules=_certificate_account_rules,
        computed=lambda _mint, inputs: {
            "id": f"{inputs.get('listenerArn')}_{inputs.get('certificateArn')}"
        },
    ),
)
