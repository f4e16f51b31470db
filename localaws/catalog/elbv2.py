"""Elastic Load Balancing: load balancers, target groups, listeners and their rules."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from localaws.catalog.ec2_network import SECURITY_GROUP, SUBNET, VPC, has_internet_gateway, vpc_of, zone_of
from localaws.catalog.model import UNKNOWN, AutoName, Reference, Refusal, Resource, ResourceType, values_at
from localaws.catalog.values import (
    ARN,
    PORT,
    Allowed,
    Limit,
    block,
    blocks,
    exactly_one,
    given,
    length,
    matches,
    namesakes,
    network,
    number,
    one_of,
    size,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localaws.catalog.model import Mint, Properties, Refusals, World

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"

LISTENERS_PER_LOAD_BALANCER = 50
RULES_PER_LOAD_BALANCER = 100
VALUES_PER_RULE = WILDCARDS_PER_RULE = 5
"""AWS's default quotas."""

SMALLEST_SUBNET_PREFIX = 27

HOSTED_ZONES = {
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "eu-west-1": "Z32O12XQLNTSW2",
    "us-east-1": "Z35SXDOTRQ7X7K",
}
"""The Route 53 zone of each region's load balancers, as far as known."""

DEFAULT_TLS_POLICY = "ELBSecurityPolicy-2016-08"

_NAME = matches(
    r"(?!internal-)(?!-)[0-9A-Za-z-]{1,32}(?<!-)",
    "1 to 32 letters, digits and hyphens, without a hyphen at either end and not starting with internal-",
)
_GROUP_NAME = matches(
    r"(?!-)[0-9A-Za-z-]{1,32}(?<!-)", "1 to 32 letters, digits and hyphens, without a hyphen at either end"
)
_PREFIX = matches(r"(?!-)[0-9A-Za-z-]{1,6}", "1 to 6 letters, digits and hyphens")
_HTTP = ("HTTP", "HTTPS")


def _load_balancer_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("subnets", "subnetMappings"), "elbv2.load-balancer.one-kind-of-subnets")
    subnets = inputs.get("subnets") or inputs.get("subnetMappings")
    if _is_application(inputs) and isinstance(subnets, list) and len(subnets) < 2:  # noqa: PLR2004 — two zones
        yield _two_zones()


def _is_application(inputs: Properties) -> bool:
    return inputs.get("loadBalancerType") in (None, "application")


def _two_zones() -> Refusal:
    message = "At least two subnets in two different Availability Zones must be specified"
    return Refusal("ValidationError", message, "elbv2.load-balancer.two-zones", "subnets")


def _subnets(inputs: Properties) -> list[str]:
    return texts(inputs.get("subnets")) or texts(values_at(inputs, "subnetMappings[].subnetId"))


def _load_balancer_account_rules(inputs: Properties, world: World, current: Resource | None) -> Refusals:
    if given(inputs, "name") and namesakes(world, LOAD_BALANCER, inputs, current, "name"):
        message = f"ELBv2 Load Balancer ({inputs['name']}) already exists"
        yield Refusal("DuplicateLoadBalancerName", message, "elbv2.load-balancer.unique", "name")
    subnets = _subnets(inputs)
    zones, vpcs = [zone_of(world, each) for each in subnets], {vpc_of(world, each) for each in subnets}
    if len(vpcs) > 1:
        message = f"All subnets must belong to the same VPC, got {', '.join(sorted(map(str, vpcs)))}"
        yield Refusal("InvalidConfigurationRequest", message, "elbv2.load-balancer.one-vpc", "subnets")
        return
    if _is_application(inputs) and len(set(zones)) < 2:  # noqa: PLR2004 — two zones
        yield _two_zones()
    if len(set(zones)) < len(zones):
        message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        yield Refusal("InvalidConfigurationRequest", message, "elbv2.load-balancer.subnet-per-zone", "subnets")
    for vpc in vpcs:
        if inputs.get("internal") is not True and current is None and not has_internet_gateway(world, vpc):
            message = f"VPC {vpc} has no internet gateway"
            yield Refusal("InvalidSubnet", message, "elbv2.load-balancer.internet-gateway", "subnets")
        yield from _load_balancer_member_rules(inputs, world, vpc)


def _load_balancer_member_rules(inputs: Properties, world: World, vpc: object) -> Refusals:
    for subnet in _subnets(inputs):
        found = world.find(SUBNET, subnet)
        range_ = network(found.outputs.get("cidrBlock")) if found else None
        if isinstance(range_, IPv4Network) and range_.prefixlen > SMALLEST_SUBNET_PREFIX:
            message = f"{subnet} is a /{range_.prefixlen}; a load balancer needs /{SMALLEST_SUBNET_PREFIX} or larger"
            yield Refusal("InvalidSubnet", message, "elbv2.load-balancer.subnet-size", "subnets")
    for group in texts(inputs.get("securityGroups")):
        found = world.get(SECURITY_GROUP, group)
        if found and found.outputs.get("vpcId") != vpc:
            message = f"security group {group} belongs to {found.outputs.get('vpcId')}, the subnets to {vpc}"
            yield Refusal("InvalidConfigurationRequest", message, "elbv2.load-balancer.groups-vpc", "securityGroups")


def _load_balancer_computed(mint: Mint, inputs: Properties) -> Properties:
    kind = {"network": "net", "gateway": "gwy"}.get(str(inputs.get("loadBalancerType")), "app")
    suffix, internal = f"{kind}/{inputs.get('name')}/{mint.hex(16)}", inputs.get("internal") is True
    arn = mint.arn("elasticloadbalancing", f"loadbalancer/{suffix}")
    vpc = next((vpc_of(mint.world, each) for each in _subnets(inputs)), None)
    found = mint.world.get(VPC, vpc)
    default_group = {"securityGroups": [found.outputs["defaultSecurityGroupId"]]} if found else {}
    name = f"{'internal-' if internal else ''}{inputs.get('name')}-{mint.digits(9)}"
    return {
        "id": arn,
        "arn": arn,
        "arnSuffix": suffix,
        "dnsName": f"{name}.{mint.region}.elb.amazonaws.com",
        "zoneId": HOSTED_ZONES.get(mint.region, "Z00000000000000"),
        "vpcId": vpc,
        **({} if inputs.get("securityGroups") else default_group),
    }


def _load_balancer_deletion_rules(balancer: Resource, _world: World) -> Refusals:
    if balancer.inputs.get("enableDeletionProtection") is True:
        message = f"Load balancer '{balancer.id}' cannot be deleted because deletion protection is enabled"
        yield Refusal("OperationNotPermitted", message, "elbv2.load-balancer.deletion-protection")


def _replaces_network_balancer(name: str, old: Properties, new: Properties) -> bool:
    if old.get("loadBalancerType") != "network":
        return False
    before, after = texts(old.get(name)), texts(new.get(name))
    return (name == "subnets" and not set(before) <= set(after)) or (
        name == "securityGroups" and bool(before) != bool(after)
    )


def _matcher_holds(value: object, low: int, high: int) -> bool:
    """Whether a matcher such as `200`, `200,202` or `200-399` stays within what the protocol has."""
    for part in str(value).split(","):
        bounds = part.split("-")
        if not all(bound.isdecimal() and low <= int(bound) <= high for bound in bounds) or len(bounds) > 2:  # noqa: PLR2004 — a range
            return False
        if int(bounds[0]) > int(bounds[-1]):
            return False
    return True


def _is_health_port(value: object) -> bool:
    return value == "traffic-port" or (str(value).isdecimal() and 1 <= int(str(value)) <= 65535)  # noqa: PLR2004 — ports


def _target_group_rules(inputs: Properties) -> Refusals:
    kind = inputs.get("targetType")
    needed = ("port", "protocol", "vpcId")
    if kind == "lambda":
        for name in given(inputs, *needed):
            yield Refusal(
                "InvalidArgument", f"{name} must not be set for targetType lambda", "elbv2.target-group.lambda", name
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
    settled = _health_check(inputs)
    timeout, interval = number(settled.get("timeout")), number(settled.get("interval"))
    if timeout is not None and interval is not None and timeout >= interval:
        message = f"Health check timeout '{timeout:g}' must be smaller than the interval '{interval:g}'"
        yield Refusal("ValidationError", message, "elbv2.target-group.health-timeout", shown)
    if health.get("protocol") == "TCP":
        if protocol in _HTTP:
            message = f"healthCheck.protocol TCP is not supported for a target group with protocol {protocol}"
            yield Refusal("InvalidArgument", message, "elbv2.target-group.health-tcp", shown)
        for name in given(health, "path", "matcher"):
            message = f"healthCheck.{name} is not supported for a health check with protocol TCP"
            yield Refusal("InvalidArgument", message, "elbv2.target-group.health-tcp", shown)
    if health.get("enabled") is False and inputs.get("targetType") != "lambda":
        message = "Health check enabled must be true for target groups that aren't of type lambda"
        yield Refusal("ValidationError", message, "elbv2.target-group.health-enabled", shown)
    low, high = (0, 99) if inputs.get("protocolVersion") == "GRPC" else (200, 499)
    matcher = health.get("matcher")
    if isinstance(matcher, str) and not _matcher_holds(matcher, low, high):
        message = (
            f"Health check matcher HTTP code '{matcher}' must be codes from {low} to {high}: 200, 200,202 or 200-399"
        )
        yield Refusal("ValidationError", message, "elbv2.target-group.health-matcher", shown)


def _routing_rules(inputs: Properties) -> Refusals:
    algorithm, slow = inputs.get("loadBalancingAlgorithmType"), number(inputs.get("slowStart"))
    if slow and algorithm in ("least_outstanding_requests", "weighted_random"):
        yield Refusal(
            "ValidationError", f"slowStart excludes {algorithm}", "elbv2.target-group.slow-start-algorithm", "slowStart"
        )
    anomaly = inputs.get("loadBalancingAnomalyMitigation")
    if anomaly == "on" and algorithm not in ("weighted_random", UNKNOWN):
        message = "loadBalancingAnomalyMitigation needs loadBalancingAlgorithmType weighted_random"
        yield Refusal("ValidationError", message, "elbv2.target-group.anomaly", "loadBalancingAnomalyMitigation")
    if given(inputs, "protocolVersion") and inputs.get("protocol") not in (*_HTTP, None, UNKNOWN):
        message = f"protocolVersion needs protocol HTTP or HTTPS, got {inputs['protocol']}"
        yield Refusal("ValidationError", message, "elbv2.target-group.version", "protocolVersion")
    sticky = block(inputs.get("stickiness"))
    kind, cookie = text(sticky.get("type")), text(sticky.get("cookieName"))
    fits = ("lb_cookie", "app_cookie") if inputs.get("protocol") in _HTTP else ("source_ip",)
    if kind and text(inputs.get("protocol")) and kind in ("lb_cookie", "app_cookie", "source_ip") and kind not in fits:
        message = f"Stickiness type '{kind}' is not supported for target groups with protocol {inputs['protocol']}"
        yield Refusal("InvalidConfigurationRequest", message, "elbv2.target-group.stickiness-protocol", "stickiness")
    if kind == "app_cookie" and (sticky.get("cookieName") is None or (cookie or "").startswith("AWSALB")):
        message = f"app_cookie needs a cookieName that doesn't start with AWSALB, got {sticky.get('cookieName')!r}"
        yield Refusal("ValidationError", message, "elbv2.target-group.cookie", "stickiness")


def _health_check(inputs: Properties) -> dict[str, Any]:
    """A target group's health check with what is left out filled in: the provider's defaults once there is a block."""
    asked = block(inputs.get("healthCheck"))
    health = {name: value for name, value in asked.items() if value is not None}
    protocol = health.get("protocol") or ("HTTP" if inputs.get("protocol") in _HTTP else "TCP")
    grpc = inputs.get("protocolVersion") == "GRPC"
    matcher = {"path": "/AWS.ALB/healthcheck", "matcher": "12"} if grpc else {"path": "/", "matcher": "200"}
    thresholds = (3, 3) if asked else (5, 2)
    return {
        "enabled": True,
        "interval": 30,
        "timeout": 10 if protocol == "TCP" else 5,
        "healthyThreshold": thresholds[0],
        "unhealthyThreshold": thresholds[1],
        "port": "traffic-port",
        "protocol": protocol,
        **(matcher if protocol in _HTTP else {}),
        **health,
    }


def _target_group_derived(inputs: Properties) -> Properties:
    health = UNKNOWN if inputs.get("healthCheck") is UNKNOWN else _health_check(inputs)
    http = inputs.get("protocol") in _HTTP and not given(inputs, "protocolVersion")
    return {"healthCheck": health, **({"protocolVersion": "HTTP1"} if http else {})}


def _target_group_account_rules(inputs: Properties, world: World, current: Resource | None) -> Refusals:
    if given(inputs, "name") and namesakes(world, TARGET_GROUP, inputs, current, "name"):
        message = f"ELBv2 Target Group ({inputs['name']}) already exists"
        yield Refusal("DuplicateTargetGroupName", message, "elbv2.target-group.unique", "name")


def _target_group_computed(mint: Mint, inputs: Properties) -> Properties:
    suffix = f"targetgroup/{inputs.get('name')}/{mint.hex(16)}"
    arn = mint.arn("elasticloadbalancing", suffix)
    return {"id": arn, "arn": arn, "arnSuffix": suffix, "loadBalancerArns": []}


# Actions, of a listener's default and of its rules.

_FORWARDED = ("targetGroupArn", "forward.targetGroups[].arn")
_CONTENT_TYPES = ("text/plain", "text/css", "text/html", "application/javascript", "application/json")
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
    statuses = matches(r"[245]\d\d|[245]XX", "a code from 200 to 599 other than 3xx")
    return (
        Limit(f"{path}[].type", one_of(*_FINAL_ACTIONS, *_FIRST_ACTIONS), "elbv2.action.type"),
        Limit(f"{path}[].order", within(1, 50000), "elbv2.action.order"),
        Limit(f"{path}[].targetGroupArn", ARN, "elbv2.action.target-arn"),
        Limit(f"{forward}.targetGroups", size(1, 5), "elbv2.action.forward-groups"),
        Limit(f"{forward}.targetGroups[].arn", ARN, "elbv2.action.target-arn"),
        Limit(f"{forward}.targetGroups[].weight", within(0, 999), "elbv2.action.forward-weight"),
        Limit(f"{forward}.stickiness.duration", within(1, 604800), "elbv2.action.stickiness"),
        Limit(f"{redirect}.statusCode", one_of("HTTP_301", "HTTP_302"), "elbv2.action.redirect"),
        Limit(f"{redirect}.protocol", one_of(*_HTTP, "#{protocol}"), "elbv2.action.redirect"),
        Limit(f"{redirect}.host", length(1, 128), "elbv2.action.redirect"),
        Limit(
            f"{redirect}.path", matches(r"/.{0,127}", "1 to 128 characters starting with /"), "elbv2.action.redirect"
        ),
        Limit(f"{redirect}.query", length(0, 128), "elbv2.action.redirect"),
        Limit(f"{fixed}.contentType", one_of(*_CONTENT_TYPES), "elbv2.action.fixed-response"),
        Limit(f"{fixed}.messageBody", length(0, 1024), "elbv2.action.fixed-response"),
        Limit(f"{fixed}.statusCode", statuses, "elbv2.action.fixed-response"),
    )


def _action_rules(inputs: Properties, path: str) -> Refusals:
    actions = blocks(inputs.get(path))
    types = [text(action.get("type")) for action in actions]
    for index, action in enumerate(actions):
        kind, where = types[index] or "", f"{path}[{index}]: "
        needed = {**_FINAL_ACTIONS, **_FIRST_ACTIONS}.get(kind, ())
        if len(needed) > 1:
            yield from exactly_one(action, needed, "elbv2.action.forward-target", where=where)
        elif needed and not given(action, *needed):
            yield Refusal("InvalidArgument", f"{where}type {kind} needs {needed[0]}", "elbv2.action.block", path)
        redirect = block(action.get("redirect"))
        names = ("protocol", "host", "port", "path", "query")
        if kind == "redirect" and all(redirect.get(name) in (None, f"#{{{name}}}", f"/#{{{name}}}") for name in names):
            message = f"{where}the redirect would lead to itself: change at least one of {', '.join(names)}"
            yield Refusal("InvalidLoadBalancerAction", message, "elbv2.action.redirect-loop", path)
    if actions and None not in types and len(actions) == len(inputs[path]):
        final = [kind for kind in types if kind in _FINAL_ACTIONS]
        last = max(enumerate(actions), key=lambda each: (number(each[1].get("order")) or each[0] + 1, each[0]))[1]
        if len(final) != 1 or last.get("type") != final[0]:
            message = (
                f"{path} must end with exactly one of {', '.join(_FINAL_ACTIONS)}, got {', '.join(map(str, types))}"
            )
            yield Refusal("InvalidLoadBalancerAction", message, "elbv2.action.final", path)


def _action_references(path: str) -> tuple[Reference, ...]:
    return tuple(
        Reference(f"{path}[].{target}", TARGET_GROUP, "TargetGroupNotFound", "elbv2.action.target-exists", "held")
        for target in _FORWARDED
    )


def _targets(inputs: Properties, path: str) -> set[str]:
    return {arn for target in _FORWARDED for arn in texts(values_at(inputs, f"{path}[].{target}"))}


def balancers_of(world: World, target_group: object, *, except_for: Resource | None = None) -> set[str]:
    """The load balancers whose listeners or rules forward to a target group."""
    found = set()
    for listener in world.all(LISTENER):
        if listener != except_for and target_group in _targets(listener.inputs, "defaultActions"):
            found.add(str(listener.inputs.get("loadBalancerArn")))
    for rule in world.all(LISTENER_RULE):
        listener_of_rule = world.get(LISTENER, rule.inputs.get("listenerArn"))
        if rule != except_for and listener_of_rule and target_group in _targets(rule.inputs, "actions"):
            found.add(str(listener_of_rule.inputs.get("loadBalancerArn")))
    return found


def _target_account_rules(
    targets: Iterable[str], balancer: Resource | None, world: World, current: Resource | None
) -> Refusals:
    """What is wrong with forwarding from this load balancer to these target groups."""
    if balancer is None:
        return
    for arn in sorted(targets):
        group = world.get(TARGET_GROUP, arn)
        if group is None:
            continue
        others = balancers_of(world, arn, except_for=current) - {balancer.id}
        if others:
            message = (
                f"target group '{arn}' already serves {', '.join(sorted(others))}; a group serves one load balancer"
            )
            yield Refusal("TargetGroupAssociationLimit", message, "elbv2.target-group.one-balancer")
        if group.outputs.get("vpcId") not in (None, balancer.outputs.get("vpcId")):
            message = (
                f"target group '{arn}' is in {group.outputs.get('vpcId')}, the load balancer in "
                f"{balancer.outputs.get('vpcId')}"
            )
            yield Refusal("InvalidConfigurationRequest", message, "elbv2.target-group.same-vpc")
        if _is_application(balancer.inputs) and group.inputs.get("protocol") not in (*_HTTP, None):
            message = f"an application load balancer can't forward to protocol {group.inputs['protocol']} of '{arn}'"
            yield Refusal("IncompatibleProtocols", message, "elbv2.target-group.protocol-fits")


def _is_application_arn(arn: object) -> bool:
    return isinstance(arn, str) and ":loadbalancer/app/" in arn


def _listener_rules(inputs: Properties) -> Refusals:
    protocol, certificate = inputs.get("protocol"), inputs.get("certificateArn")
    application = _is_application_arn(inputs.get("loadBalancerArn"))
    if application and protocol not in (*_HTTP, None, UNKNOWN):
        message = f"protocol must be one of HTTP, HTTPS for an application load balancer, got {protocol!r}"
        yield Refusal("ValidationError", message, "elbv2.listener.protocol-fits", "protocol")
    if application and not given(inputs, "port"):
        yield Refusal("ValidationError", "A port must be specified", "elbv2.listener.port-required", "port")
    if protocol == "HTTPS" and certificate is None:
        message = "A certificate must be specified for HTTPS listeners"
        yield Refusal("ValidationError", message, "elbv2.listener.certificate", "certificateArn")
    if protocol in ("HTTP", None) and application:
        if given(inputs, "sslPolicy"):
            message = "An SSL policy cannot be specified for HTTP listeners"
            yield Refusal("ValidationError", message, "elbv2.listener.tls-only", "sslPolicy")
        if any(kind in _FIRST_ACTIONS for kind in texts(values_at(inputs, "defaultActions[].type"))):
            message = "Authenticate actions are only supported on HTTPS listeners"
            yield Refusal("InvalidLoadBalancerAction", message, "elbv2.listener.authentication", "defaultActions")
    if inputs.get("defaultActions") == []:
        yield Refusal("InvalidArgument", "defaultActions needs at least one", "elbv2.action.some", "defaultActions")
    yield from _action_rules(inputs, "defaultActions")


def _listener_account_rules(inputs: Properties, world: World, current: Resource | None) -> Refusals:
    arn = inputs.get("loadBalancerArn")
    if namesakes(world, LISTENER, inputs, current, "loadBalancerArn", "port"):
        message = (
            f"A listener already exists on this port for this load balancer '{arn}': {number(inputs.get('port')):g}"
        )
        yield Refusal("DuplicateListener", message, "elbv2.listener.port-unique", "port")
    if len(namesakes(world, LISTENER, inputs, current, "loadBalancerArn")) >= LISTENERS_PER_LOAD_BALANCER:
        message = f"{arn} has {LISTENERS_PER_LOAD_BALANCER} listeners, no more are allowed"
        yield Refusal("TooManyListeners", message, "elbv2.listener.quota")
    targets = _targets(inputs, "defaultActions")
    yield from _target_account_rules(targets, world.get(LOAD_BALANCER, arn), world, current)


def _listener_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = f"{str(inputs.get('loadBalancerArn')).replace(':loadbalancer/', ':listener/')}/{mint.hex(16)}"
    return {"id": arn, "arn": arn}


def _listener_derived(inputs: Properties) -> Properties:
    protocol = inputs.get("protocol")
    return {
        **({"protocol": "HTTP"} if protocol is None and _is_application_arn(inputs.get("loadBalancerArn")) else {}),
        **({"sslPolicy": DEFAULT_TLS_POLICY} if protocol == "HTTPS" and not given(inputs, "sslPolicy") else {}),
    }


_CONDITIONS = ("hostHeader", "httpHeader", "httpRequestMethod", "pathPattern", "queryStrings", "sourceIp")
_ONCE = ("hostHeader", "httpRequestMethod", "pathPattern", "sourceIp")


def _is_network(value: object) -> bool:
    return network(value) is not None


def _condition_limits() -> tuple[Limit, ...]:
    method = matches(r"[A-Z_-]{1,40}", "1 to 40 capital letters, - and _")
    header = matches(
        r"(?i)(?!host$)[!#$%&'*+.^_`|~0-9a-z-]{1,40}", "a header name of 1 to 40 characters other than Host"
    )
    source = Allowed("a network such as 10.0.0.0/16", _is_network)
    limits = {
        "hostHeader.values[]": length(1, 128),
        "pathPattern.values[]": length(1, 128),
        "httpHeader.values[]": length(1, 128),
        "httpHeader.httpHeaderName": header,
        "httpRequestMethod.values[]": method,
        "queryStrings[].key": length(1, 128),
        "queryStrings[].value": length(1, 128),
        "sourceIp.values[]": source,
    }
    return tuple(Limit(f"conditions[].{path}", allowed, "elbv2.condition.value") for path, allowed in limits.items())


_VALUES = tuple(f"conditions[].{each}.values[]" for each in _CONDITIONS if each != "queryStrings")


def _listener_rule_rules(inputs: Properties) -> Refusals:
    conditions = blocks(inputs.get("conditions"))
    for index, condition in enumerate(conditions):
        yield from exactly_one(condition, _CONDITIONS, "elbv2.condition.one-field", where=f"conditions[{index}]: ")
    for name in _ONCE:
        if sum(bool(given(condition, name)) for condition in conditions) > 1:
            message = f"A rule can have only one {name} condition; put all values into one"
            yield Refusal("ValidationError", message, "elbv2.condition.once", "conditions")
    values = [
        str(value) for path in (*_VALUES, "conditions[].queryStrings[].value") for value in values_at(inputs, path)
    ]
    if len(values) > VALUES_PER_RULE:
        message = f"A rule can only have '{VALUES_PER_RULE}' condition values, got {len(values)}"
        yield Refusal("ValidationError", message, "elbv2.condition.values", "conditions")
    if sum(value.count("*") + value.count("?") for value in values) > WILDCARDS_PER_RULE:
        message = f"A rule can only have '{WILDCARDS_PER_RULE}' condition wildcards"
        yield Refusal("ValidationError", message, "elbv2.condition.wildcards", "conditions")
    if inputs.get("conditions") == []:
        yield Refusal("InvalidArgument", "conditions needs at least one", "elbv2.condition.some", "conditions")
    if inputs.get("actions") == []:
        yield Refusal("InvalidArgument", "actions needs at least one", "elbv2.action.some", "actions")
    yield from _action_rules(inputs, "actions")


def _listener_rule_account_rules(inputs: Properties, world: World, current: Resource | None) -> Refusals:
    listener = world.get(LISTENER, inputs.get("listenerArn"))
    if given(inputs, "priority") and namesakes(world, LISTENER_RULE, inputs, current, "listenerArn", "priority"):
        message = f"Priority '{number(inputs['priority']):g}' is currently in use"
        yield Refusal("PriorityInUse", message, "elbv2.listener-rule.priority-unique", "priority")
    if listener is None:
        return
    balancer = world.get(LOAD_BALANCER, listener.inputs.get("loadBalancerArn"))
    prefix = listener.id.rpartition("/")[0].replace(":listener/", ":listener-rule/")
    rules = [each for each in world.all(LISTENER_RULE) if each.id.startswith(f"{prefix}/")]
    if current is None and len(rules) >= RULES_PER_LOAD_BALANCER:
        message = f"the load balancer has {RULES_PER_LOAD_BALANCER} rules, no more are allowed"
        yield Refusal("TooManyRules", message, "elbv2.listener-rule.quota")
    yield from _target_account_rules(_targets(inputs, "actions"), balancer, world, current)


def _listener_rule_computed(mint: Mint, inputs: Properties) -> Properties:
    listener = inputs.get("listenerArn")
    arn = f"{str(listener).replace(':listener/', ':listener-rule/')}/{mint.hex(16)}"
    rules = [rule for rule in mint.world.all(LISTENER_RULE) if rule.inputs.get("listenerArn") == listener]
    highest = max((int(number(rule.outputs.get("priority")) or 0) for rule in rules), default=0)
    return {"id": arn, "arn": arn, **({} if given(inputs, "priority") else {"priority": highest + 1})}


TYPES = (
    ResourceType(
        token=LOAD_BALANCER,
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", "internal", "loadBalancerType", "customerOwnedIpv4Pool", "region"}),
        replaces_if=_replaces_network_balancer,
        unordered=frozenset({"subnets", "securityGroups", "subnetMappings"}),
        defaults={
            "internal": False,
            "loadBalancerType": "application",
            "ipAddressType": "ipv4",
            "idleTimeout": 60,
            "clientKeepAlive": 3600,
            "desyncMitigationMode": "defensive",
            "dropInvalidHeaderFields": False,
            "enableDeletionProtection": False,
            "enableHttp2": True,
            "enableCrossZoneLoadBalancing": False,
            "enableWafFailOpen": False,
            "enableXffClientPort": False,
            "enableTlsVersionAndCipherSuiteHeaders": False,
            "enableZonalShift": False,
            "preserveHostHeader": False,
            "xffHeaderProcessingMode": "append",
        },
        limits=(
            Limit("name", _NAME, "elbv2.load-balancer.name"),
            Limit("namePrefix", _PREFIX, "elbv2.load-balancer.name"),
            Limit("loadBalancerType", one_of("application", "network", "gateway"), "elbv2.load-balancer.type"),
            Limit("idleTimeout", within(1, 4000), "elbv2.load-balancer.idle-timeout"),
            Limit("clientKeepAlive", within(60, 604800), "elbv2.load-balancer.keep-alive"),
            Limit("desyncMitigationMode", one_of("monitor", "defensive", "strictest"), "elbv2.load-balancer.desync"),
            Limit("xffHeaderProcessingMode", one_of("append", "preserve", "remove"), "elbv2.load-balancer.xff"),
            Limit(
                "ipAddressType",
                one_of("ipv4", "dualstack", "dualstack-without-public-ipv4"),
                "elbv2.load-balancer.address-type",
            ),
        ),
        references=(
            Reference("subnets[]", SUBNET, "SubnetNotFound", "elbv2.load-balancer.subnet-exists", "held"),
            Reference(
                "subnetMappings[].subnetId", SUBNET, "SubnetNotFound", "elbv2.load-balancer.subnet-exists", "held"
            ),
            Reference(
                "securityGroups[]", SECURITY_GROUP, "InvalidSecurityGroup", "elbv2.load-balancer.group-exists", "held"
            ),
        ),
        rules=_load_balancer_rules,
        account_rules=_load_balancer_account_rules,
        computed=_load_balancer_computed,
        deletion_rules=_load_balancer_deletion_rules,
    ),
    ResourceType(
        token=TARGET_GROUP,
        autoname=AutoName(longest=32),
        replaces=frozenset(
            {
                *("name", "namePrefix", "port", "protocol", "protocolVersion", "vpcId", "targetType", "ipAddressType"),
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
            Limit("name", _GROUP_NAME, "elbv2.target-group.name"),
            Limit("namePrefix", _PREFIX, "elbv2.target-group.name"),
            Limit("port", PORT, "elbv2.target-group.port"),
            Limit("targetType", one_of("instance", "ip", "lambda", "alb"), "elbv2.target-group.target-type"),
            Limit(
                "protocol",
                one_of("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"),
                "elbv2.target-group.protocol",
            ),
            Limit("protocolVersion", one_of("HTTP1", "HTTP2", "GRPC"), "elbv2.target-group.protocol-version"),
            Limit("ipAddressType", one_of("ipv4", "ipv6"), "elbv2.target-group.address-type"),
            Limit("deregistrationDelay", within(0, 3600), "elbv2.target-group.deregistration-delay"),
            Limit(
                "slowStart",
                Allowed("0 or a whole number from 30 to 900", lambda value: value == 0 or within(30, 900).holds(value)),
                "elbv2.target-group.slow-start",
            ),
            Limit(
                "loadBalancingAlgorithmType",
                one_of("round_robin", "least_outstanding_requests", "weighted_random"),
                "elbv2.target-group.algorithm",
            ),
            Limit("loadBalancingAnomalyMitigation", one_of("on", "off"), "elbv2.target-group.anomaly"),
            Limit("healthCheck.interval", within(5, 300), "elbv2.target-group.health-interval"),
            Limit("healthCheck.timeout", within(2, 120), "elbv2.target-group.health-timeout"),
            Limit("healthCheck.healthyThreshold", within(2, 10), "elbv2.target-group.health-threshold"),
            Limit("healthCheck.unhealthyThreshold", within(2, 10), "elbv2.target-group.health-threshold"),
            Limit("healthCheck.protocol", one_of("HTTP", "HTTPS", "TCP"), "elbv2.target-group.health-protocol"),
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
                one_of("lb_cookie", "app_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"),
                "elbv2.target-group.stickiness",
            ),
            Limit("stickiness.cookieDuration", within(1, 604800), "elbv2.target-group.stickiness"),
        ),
        references=(Reference("vpcId", VPC, "ValidationError", "elbv2.target-group.vpc-exists"),),
        rules=_target_group_rules,
        account_rules=_target_group_account_rules,
        computed=_target_group_computed,
        held=("ResourceInUse", "elbv2.target-group.held"),
    ),
    ResourceType(
        token=LISTENER,
        required=("loadBalancerArn", "defaultActions"),
        replaces=frozenset({"loadBalancerArn", "region"}),
        derived=_listener_derived,
        limits=(
            Limit("loadBalancerArn", ARN, "elbv2.listener.arn"),
            Limit("certificateArn", ARN, "elbv2.listener.arn"),
            Limit("port", PORT, "elbv2.listener.port"),
            Limit(
                "protocol",
                one_of("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"),
                "elbv2.listener.protocol",
            ),
            *_action_limits("defaultActions"),
        ),
        references=(
            Reference(
                "loadBalancerArn", LOAD_BALANCER, "LoadBalancerNotFound", "elbv2.listener.balancer-exists", "gone"
            ),
            *_action_references("defaultActions"),
        ),
        rules=_listener_rules,
        account_rules=_listener_account_rules,
        computed=_listener_computed,
    ),
    ResourceType(
        token=LISTENER_RULE,
        required=("listenerArn", "actions", "conditions"),
        replaces=frozenset({"listenerArn", "region"}),
        limits=(
            Limit("listenerArn", ARN, "elbv2.listener-rule.arn"),
            Limit("priority", within(1, 50000), "elbv2.listener-rule.priority"),
            *_condition_limits(),
            *_action_limits("actions"),
        ),
        references=(
            Reference("listenerArn", LISTENER, "ListenerNotFound", "elbv2.listener-rule.listener-exists", "gone"),
            *_action_references("actions"),
        ),
        rules=_listener_rule_rules,
        account_rules=_listener_rule_account_rules,
        computed=_listener_rule_computed,
    ),
)
