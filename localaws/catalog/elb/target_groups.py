"""Elastic Load Balancing: target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.ec2.network import VPC
from localaws.catalog.elb.forwarding import WITHOUT_STICKINESS, rules_for_group, stickiness_of
from localaws.catalog.elb.load_balancers import PREFIX
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    PORT,
    Allowed,
    Limit,
    block,
    given,
    matches,
    number,
    one_of,
    text,
    within,
    without_none,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"

VALIDATION = "ValidationError"
"""ELB's error code for most values that it doesn't allow."""

HTTP = ("HTTP", "HTTPS")
PROTOCOLS = (*HTTP, "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC")

NAME = matches(
    r"(?!-)[0-9A-Za-z-]{1,32}(?<!-)",
    "1 to 32 letters, digits and hyphens, without a hyphen at either end",
)


def _is_matcher(value: str, low: int, high: int) -> bool:
    """Return whether a text is a matcher (`200`, `200,202`, `200-399`) with codes in a range."""
    for part in value.split(","):
        first, is_range, last = part.partition("-")
        if not is_range:
            last = first
        if not (first.isdecimal() and last.isdecimal()):
            return False
        if not low <= int(first) <= int(last) <= high:
            return False
    return True


def _is_health_port(value: object) -> bool:
    if value == "traffic-port":
        return True
    return str(value).isdecimal() and PORT.contains(int(str(value)))


def _rules(inputs: Properties) -> Refusals:
    yield from _target_type_rules(inputs)
    yield from _health_check_rules(inputs)
    yield from _algorithm_rules(inputs)
    # For the other target types the provider sends no stickiness.
    if inputs.get("targetType") not in WITHOUT_STICKINESS:
        yield from _stickiness_rules(inputs)


def _target_type_rules(inputs: Properties) -> Refusals:
    """Require port, protocol and VPC, which the provider leaves out for Lambda functions."""
    if inputs.get("targetType") in ("lambda", UNKNOWN):
        return
    for name in ("port", "protocol", "vpcId"):
        if inputs.get(name) is None:
            message = f"{name} is required unless targetType is lambda"
            yield Refusal("InvalidArgument", message, "elbv2.target-group.needed", name)


def _health_check_rules(inputs: Properties) -> Refusals:
    health = block(inputs.get("healthCheck"))
    yield from _timeout_rules(inputs)
    if health.get("protocol") == "TCP":
        yield from _tcp_check_rules(inputs, health)
    if health.get("enabled") is False and inputs.get("targetType") != "lambda":
        yield Refusal(
            VALIDATION,
            "healthCheck.enabled can be false for targetType lambda only",
            "elbv2.target-group.health-enabled",
            "healthCheck",
        )
    yield from _matcher_rules(inputs, text(health.get("matcher")) or "")


def _timeout_rules(inputs: Properties) -> Refusals:
    with_defaults = _health_check(inputs)
    timeout, interval = number(with_defaults.get("timeout")), number(with_defaults.get("interval"))
    if timeout is None or interval is None:
        return
    # For other protocols they can be equal, as in a TCP check with an interval of 10 seconds and
    # the default timeout.
    must_be_below = inputs.get("protocol") in HTTP
    if timeout > interval or (must_be_below and timeout == interval):
        message = (
            f"Health check timeout '{timeout:g}' must be smaller than the interval '{interval:g}': "
            "lower healthCheck.timeout, or raise healthCheck.interval"
        )
        yield Refusal(VALIDATION, message, "elbv2.target-group.health-timeout", "healthCheck")


def _tcp_check_rules(inputs: Properties, health: Properties) -> Refusals:
    """Refuse a health check by TCP of a group that can't have one, or with HTTP's inputs."""
    rule = "elbv2.target-group.health-tcp"
    unsupported = []
    if inputs.get("protocol") in HTTP:
        unsupported.append(f"protocol {inputs['protocol']}")
    if inputs.get("targetType") == "lambda":
        unsupported.append("targetType lambda")
    for value in unsupported:
        message = (
            f"healthCheck.protocol TCP is not supported for a target group with {value}; "
            "use HTTP or HTTPS"
        )
        yield Refusal("InvalidArgument", message, rule, "healthCheck")
    for name in ("path", "matcher"):
        if health.get(name):
            message = (
                f"healthCheck.{name} is not supported for a health check with protocol TCP: "
                f"leave {name} out"
            )
            yield Refusal("InvalidArgument", message, rule, "healthCheck")


def _matcher_rules(inputs: Properties, matcher: str) -> Refusals:
    """Refuse codes that a health check can't expect; an empty matcher means the default's."""
    version, protocol = inputs.get("protocolVersion"), inputs.get("protocol")
    if UNKNOWN in (version, protocol) or not matcher:
        return
    low, high = _codes(protocol, version)
    if not _is_matcher(matcher, low, high):
        message = (
            f"Health check matcher '{matcher}' must be codes from {low} to {high}: one, several "
            "with commas, or a range with a hyphen"
        )
        yield Refusal(VALIDATION, message, "elbv2.target-group.health-matcher", "healthCheck")


def _codes(protocol: object, version: object) -> tuple[int, int]:
    """Return the lowest and the highest code that a health check can expect.

    They are gRPC's status codes for that protocol version, else those of HTTP.

    Source: Matcher in ELB's API reference.
    """
    if version == "GRPC":
        return 0, 99
    if protocol in HTTP or protocol is None:
        return 200, 499
    return 200, 599


def _algorithm_rules(inputs: Properties) -> Refusals:
    algorithm = inputs.get("loadBalancingAlgorithmType")
    slow = number(inputs.get("slowStart"))
    if slow and algorithm in ("least_outstanding_requests", "weighted_random"):
        message = (
            f"slowStart excludes loadBalancingAlgorithmType {algorithm}: leave slowStart out, or "
            "use round_robin"
        )
        yield Refusal(VALIDATION, message, "elbv2.target-group.slow-start-algorithm", "slowStart")
    anomaly = "loadBalancingAnomalyMitigation"
    if inputs.get(anomaly) == "on" and algorithm not in ("weighted_random", UNKNOWN):
        message = f"{anomaly} needs loadBalancingAlgorithmType weighted_random"
        yield Refusal(VALIDATION, message, "elbv2.target-group.anomaly", anomaly)


_NETWORK_STICKINESS = ("source_ip",)
_STICKINESS = {
    **dict.fromkeys(HTTP, ("lb_cookie", "app_cookie")),
    "GENEVE": ("source_ip_dest_ip", "source_ip_dest_ip_proto"),
}
"""The types of stickiness by protocol; every other protocol is one of Network Load Balancers.

Source: TargetGroupAttribute in ELB's API reference.
"""


def _stickiness_rules(inputs: Properties) -> Refusals:
    stickiness, protocol = block(inputs.get("stickiness")), text(inputs.get("protocol"))
    kind = text(stickiness.get("type"))
    cookie = stickiness.get("cookieName")
    allowed = _STICKINESS.get(protocol or "", _NETWORK_STICKINESS)
    if protocol and kind and kind not in allowed:
        yield Refusal(
            "InvalidConfigurationRequest",
            f"Stickiness type '{kind}' is not supported for target groups with protocol "
            f"{protocol}; allowed: {', '.join(allowed)}",
            "elbv2.target-group.stickiness-protocol",
            "stickiness",
        )
    if kind == "app_cookie" and (cookie is None or str(cookie).startswith("AWSALB")):
        message = f"app_cookie needs a cookieName that doesn't start with AWSALB, got {cookie!r}"
        yield Refusal(VALIDATION, message, "elbv2.target-group.cookie", "stickiness")
    without_cross_zone = inputs.get("loadBalancingCrossZoneEnabled") == "false"
    if stickiness_of(inputs) and without_cross_zone and protocol in HTTP:
        yield Refusal(
            "InvalidConfigurationRequest",
            "Sticky sessions are not supported if cross-zone load balancing is disabled: change "
            "stickiness or loadBalancingCrossZoneEnabled",
            "elbv2.target-group.stickiness-zones",
            "stickiness",
        )


def _health_check(inputs: Properties) -> dict[str, Any]:
    """Return a target group's health check with the provider's defaults.

    Some defaults depend on whether the program has a `healthCheck` block at all.
    """
    configured = block(inputs.get("healthCheck"))
    health = without_none(configured)
    protocol = health.get("protocol")
    if not protocol:
        protocol = "HTTP" if configured else _default_health_protocol(inputs.get("protocol"))
    healthy, unhealthy = (3, 3) if configured else (5, 2)
    defaults = {
        "enabled": True,
        "interval": 30,
        "timeout": _default_timeout(protocol),
        "healthyThreshold": healthy,
        "unhealthyThreshold": unhealthy,
        "port": "traffic-port",
        "protocol": protocol,
    }
    if protocol in HTTP:
        defaults |= _default_request(inputs.get("protocol"), inputs.get("protocolVersion"))
    return defaults | health


def _default_health_protocol(group_protocol: object) -> object:
    if group_protocol is UNKNOWN:
        return UNKNOWN
    return "HTTP" if group_protocol in HTTP else "TCP"


def _default_timeout(health_protocol: object) -> object:
    if health_protocol is UNKNOWN:
        return UNKNOWN
    return 10 if health_protocol == "TCP" else 5


def _default_request(group_protocol: object, version: object) -> dict[str, object]:
    """Return the path that a health check requests, and the codes that it expects."""
    if version == "GRPC":
        return {"path": "/AWS.ALB/healthcheck", "matcher": "12"}
    if group_protocol is UNKNOWN:
        return {"path": "/", "matcher": UNKNOWN}
    is_application = group_protocol in HTTP or group_protocol is None
    return {"path": "/", "matcher": "200" if is_application else "200-399"}


def _derived(inputs: Properties) -> Properties:
    derived: dict[str, object] = {"healthCheck": UNKNOWN}
    if inputs.get("healthCheck") is not UNKNOWN:
        derived["healthCheck"] = _health_check(inputs)
    if inputs.get("protocol") in HTTP:
        if not given(inputs, "protocolVersion"):
            derived["protocolVersion"] = "HTTP1"
        if inputs.get("stickiness") is not UNKNOWN:
            derived["stickiness"] = _stickiness(inputs)
    return derived


def _stickiness(inputs: Properties) -> dict[str, Any]:
    """Return a target group's stickiness with the provider's defaults; off without a block."""
    configured = block(inputs.get("stickiness"))
    defaults = {"enabled": bool(configured), "type": "lb_cookie", "cookieDuration": 86_400}
    return defaults | without_none(configured)


def _computed(mint: Mint, inputs: Properties) -> Properties:
    suffix = f"targetgroup/{inputs.get('name')}/{mint.hex(16)}"
    arn = mint.arn("elasticloadbalancing", suffix)
    return {"id": arn, "arn": arn, "arnSuffix": suffix, "loadBalancerArns": []}


TYPES = (
    ResourceType(
        token=TARGET_GROUP,
        autoname=AutoName(longest=32),
        replaces=frozenset(
            {
                "name",
                "namePrefix",
                "port",
                "protocol",
                "protocolVersion",
                "vpcId",
                "targetType",
                "ipAddressType",
                "region",
            }
        ),
        defaults={
            "targetType": "instance",
            "deregistrationDelay": 300,
            "slowStart": 0,
            "loadBalancingAlgorithmType": "round_robin",
            "loadBalancingAnomalyMitigation": "off",
            "loadBalancingCrossZoneEnabled": "use_load_balancer_configuration",
            "ipAddressType": "ipv4",
        },
        derived=_derived,
        limits=(
            Limit("name", NAME, "elbv2.target-group.name"),
            Limit("namePrefix", PREFIX, "elbv2.target-group.name"),
            Limit("port", PORT, "elbv2.target-group.port"),
            Limit(
                "targetType",
                one_of("instance", "ip", "lambda", "alb"),
                "elbv2.target-group.target-type",
            ),
            Limit("protocol", one_of(*PROTOCOLS), "elbv2.target-group.protocol"),
            Limit(
                "protocolVersion",
                one_of("HTTP1", "HTTP2", "GRPC"),
                "elbv2.target-group.protocol-version",
            ),
            Limit("ipAddressType", one_of("ipv4", "ipv6"), "elbv2.target-group.address-type"),
            Limit(
                "deregistrationDelay", within(0, 3600), "elbv2.target-group.deregistration-delay"
            ),
            Limit(
                "slowStart",
                Allowed(
                    "0 or a whole number from 30 to 900",
                    lambda value: value == 0 or within(30, 900).contains(value),
                ),
                "elbv2.target-group.slow-start",
            ),
            Limit(
                "loadBalancingAlgorithmType",
                one_of("round_robin", "least_outstanding_requests", "weighted_random"),
                "elbv2.target-group.algorithm",
            ),
            Limit(
                "loadBalancingAnomalyMitigation", one_of("on", "off"), "elbv2.target-group.anomaly"
            ),
            Limit("healthCheck.interval", within(5, 300), "elbv2.target-group.health-interval"),
            Limit("healthCheck.timeout", within(2, 120), "elbv2.target-group.health-timeout"),
            Limit(
                "healthCheck.healthyThreshold", within(2, 10), "elbv2.target-group.health-threshold"
            ),
            Limit(
                "healthCheck.unhealthyThreshold",
                within(2, 10),
                "elbv2.target-group.health-threshold",
            ),
            Limit(
                "healthCheck.protocol",
                one_of("HTTP", "HTTPS", "TCP"),
                "elbv2.target-group.health-protocol",
            ),
            Limit(
                "healthCheck.path",
                matches(r"/\S{0,1023}", "1 to 1024 characters starting with /"),
                "elbv2.target-group.health-path",
            ),
            Limit(
                "healthCheck.port",
                Allowed("traffic-port or a port from 1 to 65535", _is_health_port),
                "elbv2.target-group.health-port",
            ),
            Limit(
                "stickiness.type",
                one_of(
                    "lb_cookie",
                    "app_cookie",
                    "source_ip",
                    "source_ip_dest_ip",
                    "source_ip_dest_ip_proto",
                ),
                "elbv2.target-group.stickiness",
            ),
            Limit(
                "loadBalancingCrossZoneEnabled",
                one_of("true", "false", "use_load_balancer_configuration"),
                "elbv2.target-group.cross-zone",
            ),
            Limit("stickiness.cookieDuration", within(1, 604800), "elbv2.target-group.stickiness"),
        ),
        references=(Reference("vpcId", VPC, "ValidationError", "elbv2.target-group.vpc-exists"),),
        unique=(
            Unique(
                ("name",),
                "DuplicateTargetGroupName",
                "elbv2.target-group.unique",
                "ELBv2 Target Group ({name}) already exists",
            ),
        ),
        rules=_rules,
        account_rules=rules_for_group,
        computed=_computed,
        held=("ResourceInUse", "elbv2.target-group.held"),
    ),
)
