"""Elastic Load Balancing: target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog.ec2.network import VPC
from localaws.catalog.elb.forwarding import HTTP2_ONLY, group_rules, stickiness_of
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
)

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"

HTTP = ("HTTP", "HTTPS")
PROTOCOLS = (*HTTP, "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC")

_NAME = matches(
    r"(?!-)[0-9A-Za-z-]{1,32}(?<!-)",
    "1 to 32 letters, digits and hyphens, without a hyphen at either end",
)


def _matcher_holds(value: object, low: int, high: int) -> bool:
    """Return whether a matcher (`200`, `200,202`, `200-399`) is within the protocol's codes."""
    for part in str(value).split(","):
        first, _, last = part.partition("-")
        if "-" not in part:
            last = first
        if not (first.isdecimal() and last.isdecimal()):
            return False
        if not low <= int(first) <= int(last) <= high:
            return False
    return True


def _is_health_port(value: object) -> bool:
    # Ports
    return value == "traffic-port" or (str(value).isdecimal() and 1 <= int(str(value)) <= 65535)  # noqa: PLR2004


def _target_group_rules(inputs: Properties) -> Refusals:
    kind = inputs.get("targetType")
    needed = ("port", "protocol", "vpcId")
    if kind == "lambda":
        for name in given(inputs, *needed):
            yield Refusal(
                "InvalidArgument",
                f"{name} must not be set for targetType lambda",
                "elbv2.target-group.lambda",
                name,
            )
    elif kind is not UNKNOWN:
        for name in needed:
            if inputs.get(name) is None:
                message = f"{name} is required unless targetType is lambda"
                yield Refusal("InvalidArgument", message, "elbv2.target-group.needed", name)
    yield from _health_check_rules(inputs)
    yield from _routing_rules(inputs)


def _health_check_rules(inputs: Properties) -> Refusals:
    health, protocol = block(inputs.get("healthCheck")), inputs.get("protocol")
    shown = "healthCheck"
    with_defaults = _health_check(inputs)
    timeout, interval = number(with_defaults.get("timeout")), number(with_defaults.get("interval"))
    # For other protocols they can be equal; the defaults of the shortest TCP checks are 10 s each.
    too_long = protocol in HTTP and timeout == interval
    if timeout is not None and interval is not None and (timeout > interval or too_long):
        message = (
            f"Health check timeout '{timeout:g}' must be smaller than the interval '{interval:g}'"
        )
        yield Refusal("ValidationError", message, "elbv2.target-group.health-timeout", shown)
    if health.get("protocol") == "TCP":
        if protocol in HTTP:
            message = (
                "healthCheck.protocol TCP is not supported for a target group with protocol "
                f"{protocol}"
            )
            yield Refusal("InvalidArgument", message, "elbv2.target-group.health-tcp", shown)
        for name in given(health, "path", "matcher"):
            message = f"healthCheck.{name} is not supported for a health check with protocol TCP"
            yield Refusal("InvalidArgument", message, "elbv2.target-group.health-tcp", shown)
    if health.get("enabled") is False and inputs.get("targetType") != "lambda":
        message = "Health check enabled must be true for target groups that aren't of type lambda"
        yield Refusal("ValidationError", message, "elbv2.target-group.health-enabled", shown)
    yield from _matcher_rules(inputs, text(health.get("matcher")) or "")


def _matcher_rules(inputs: Properties, matcher: str) -> Refusals:
    """Refuse codes that a health check can't expect; an empty matcher has the default's."""
    version, protocol = inputs.get("protocolVersion"), inputs.get("protocol")
    if UNKNOWN in (version, protocol) or not matcher:
        return
    low, high = _codes(protocol, version)
    if not _matcher_holds(matcher, low, high):
        message = (
            f"Health check matcher HTTP code '{matcher}' must be codes from {low} to {high}: "
            "200, 200,202 or 200-399"
        )
        yield Refusal(
            "ValidationError", message, "elbv2.target-group.health-matcher", "healthCheck"
        )


def _codes(protocol: object, version: object) -> tuple[int, int]:
    """Return the lowest and the highest code that a health check can expect.

    Source: Matcher in ELB's API reference.
    """
    if version == "GRPC":
        return 0, 99
    if protocol in HTTP or protocol is None:
        return 200, 499
    return 200, 599


def _routing_rules(inputs: Properties) -> Refusals:
    algorithm, slow = inputs.get("loadBalancingAlgorithmType"), number(inputs.get("slowStart"))
    if slow and algorithm in ("least_outstanding_requests", "weighted_random"):
        yield Refusal(
            "ValidationError",
            f"slowStart excludes {algorithm}",
            "elbv2.target-group.slow-start-algorithm",
            "slowStart",
        )
    anomaly = inputs.get("loadBalancingAnomalyMitigation")
    if anomaly == "on" and algorithm not in ("weighted_random", UNKNOWN):
        message = "loadBalancingAnomalyMitigation needs loadBalancingAlgorithmType weighted_random"
        yield Refusal(
            "ValidationError",
            message,
            "elbv2.target-group.anomaly",
            "loadBalancingAnomalyMitigation",
        )
    if given(inputs, "protocolVersion") and inputs.get("protocol") not in (*HTTP, None, UNKNOWN):
        message = f"protocolVersion needs protocol HTTP or HTTPS, got {inputs['protocol']}"
        yield Refusal("ValidationError", message, "elbv2.target-group.version", "protocolVersion")
    target_type = inputs.get("targetType")
    if inputs.get("protocolVersion") in HTTP2_ONLY and target_type in ("lambda", "alb"):
        message = (
            f"protocolVersion {inputs['protocolVersion']} is for target types instance and ip, got "
            f"{target_type}"
        )
        yield Refusal("ValidationError", message, "elbv2.target-group.version", "protocolVersion")
    yield from _stickiness_rules(inputs)


_STICKINESS_OF_NETWORK = ("source_ip",)
_STICKINESS = {
    **dict.fromkeys(HTTP, ("lb_cookie", "app_cookie")),
    "GENEVE": ("source_ip_dest_ip", "source_ip_dest_ip_proto"),
}
"""The types of stickiness of protocols that differ from those of Network Load Balancers.

Source: TargetGroupAttribute in ELB's API reference.
"""


def _stickiness_rules(inputs: Properties) -> Refusals:
    sticky, protocol = block(inputs.get("stickiness")), text(inputs.get("protocol"))
    kind, cookie = text(sticky.get("type")), text(sticky.get("cookieName"))
    allowed = _STICKINESS.get(protocol or "", _STICKINESS_OF_NETWORK)
    if protocol and kind and kind not in allowed:
        message = (
            f"Stickiness type '{kind}' is not supported for target groups with protocol "
            f"{protocol}; allowed: {', '.join(allowed)}"
        )
        yield Refusal(
            "InvalidConfigurationRequest",
            message,
            "elbv2.target-group.stickiness-protocol",
            "stickiness",
        )
    if kind == "app_cookie" and (
        sticky.get("cookieName") is None or (cookie or "").startswith("AWSALB")
    ):
        message = (
            "app_cookie needs a cookieName that doesn't start with AWSALB, got "
            f"{sticky.get('cookieName')!r}"
        )
        yield Refusal("ValidationError", message, "elbv2.target-group.cookie", "stickiness")
    if stickiness_of(inputs) and inputs.get("loadBalancingCrossZoneEnabled") == "false":
        message = (
            "Sticky sessions are not supported if cross-zone load balancing is disabled: change "
            "stickiness or loadBalancingCrossZoneEnabled"
        )
        yield Refusal(
            "InvalidConfigurationRequest",
            message,
            "elbv2.target-group.stickiness-zones",
            "stickiness",
        )


def _default_health_protocol(group_protocol: object) -> object:
    if group_protocol is UNKNOWN:
        return UNKNOWN
    return "HTTP" if group_protocol in HTTP else "TCP"


def _health_check(inputs: Properties) -> dict[str, Any]:
    """Return a target group's health check with the provider's defaults.

    Some defaults depend on whether the program has a `healthCheck` block at all.
    """
    configured = block(inputs.get("healthCheck"))
    health = {name: configured[name] for name in given(configured, *configured)}
    protocol = health.get("protocol")
    if not protocol:
        protocol = "HTTP" if configured else _default_health_protocol(inputs.get("protocol"))
    group_protocol = inputs.get("protocol")
    if inputs.get("protocolVersion") == "GRPC":
        matcher = {"path": "/AWS.ALB/healthcheck", "matcher": "12"}
    elif group_protocol is None or group_protocol in (*HTTP, UNKNOWN):
        matcher = {"path": "/", "matcher": "200"}
    else:
        matcher = {"path": "/", "matcher": "200-399"}
    thresholds = (3, 3) if configured else (5, 2)
    return {
        "enabled": True,
        "interval": 30,
        "timeout": UNKNOWN if protocol is UNKNOWN else 10 if protocol == "TCP" else 5,
        "healthyThreshold": thresholds[0],
        "unhealthyThreshold": thresholds[1],
        "port": "traffic-port",
        "protocol": protocol,
        **(matcher if protocol in HTTP else {}),
        **health,
    }


def _target_group_derived(inputs: Properties) -> Properties:
    health = UNKNOWN if inputs.get("healthCheck") is UNKNOWN else _health_check(inputs)
    derived: dict[str, object] = {"healthCheck": health}
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
    return defaults | {name: configured[name] for name in given(configured, *configured)}


def _target_group_computed(mint: Mint, inputs: Properties) -> Properties:
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
        derived=_target_group_derived,
        limits=(
            Limit("name", _NAME, "elbv2.target-group.name"),
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
                    lambda value: value == 0 or within(30, 900).holds(value),
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
        rules=_target_group_rules,
        account_rules=group_rules,
        computed=_target_group_computed,
        held=("ResourceInUse", "elbv2.target-group.held"),
    ),
)
