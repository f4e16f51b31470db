"""`awsx.lb.ApplicationLoadBalancer`: a load balancer, its security group, target group, listeners.

Source: pulumi-awsx at e60adf3c, awsx/lb/applicationLoadBalancer.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog import UNKNOWN
from localaws.catalog.values import given
from localaws.protocol.awsx.default_vpc import find
from localaws.protocol.property_values import unwrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.protocol.awsx.monitor import Monitor, Registered
    from localaws.protocol.messages import provider_pb2

APPLICATION_LOAD_BALANCER = "awsx:lb:ApplicationLoadBalancer"

SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"

_HTTPS_PORT = 443

_OWN = frozenset(
    {
        "subnetIds",
        "subnets",
        "defaultTargetGroup",
        "defaultTargetGroupPort",
        "defaultSecurityGroup",
        "listener",
        "listeners",
    }
)
"""Inputs of the component that the load balancer itself doesn't have."""

_EXCLUSIVE = (
    (
        ("subnets", "subnetIds", "subnetMappings"),
        "Only one of [subnets], [subnetIds] or [subnetMappings] can be specified",
    ),
    (("listener", "listeners"), "Only one of [listener] and [listeners] can be specified"),
    (
        ("defaultTargetGroup", "defaultTargetGroupPort"),
        "Only one of `defaultTargetGroup` or `defaultTargetGroupPort` can be provided.",
    ),
)


def open_rules() -> dict[str, Any]:
    """Return the rules of awsx's security groups, which allow all addresses."""
    everyone = {"cidrBlocks": ["0.0.0.0/0"], "ipv6CidrBlocks": ["::/0"]}
    return {
        "ingress": [{"fromPort": 0, "toPort": 0, "protocol": "-1", **everyone}],
        "egress": [{"fromPort": 0, "toPort": 65535, "protocol": "tcp", **everyone}],
    }


async def application_load_balancer(monitor: Monitor) -> provider_pb2.ConstructResponse:
    """Register the component and its children.

    Raises:
        ValueError: The real awsx refuses it too.
    """
    raw, inputs = monitor.inputs, await monitor.resolved(monitor.inputs)
    for names, message in _EXCLUSIVE:
        if len(given(inputs, *names)) > 1:
            raise ValueError(message)
    group_inputs = inputs.get("defaultSecurityGroup") or {}
    if group_inputs.get("args") and group_inputs.get("securityGroupId"):
        raise ValueError(
            "Only one of [defaultSecurityGroup] [args] or [securityGroupId] can be specified"
        )

    name, component = monitor.name, await monitor.component()
    vpc, subnets = await _where(monitor, inputs)
    own = {key: value for key, value in raw.items() if key not in _OWN}
    if subnets is not None:
        own["subnets"] = subnets
    needed: list[Registered | str] = [*monitor.needed]
    group = None
    if own.get("securityGroups") is None and not group_inputs.get("skip"):
        existing = group_inputs.get("securityGroupId")
        if existing is None:
            rules = group_inputs.get("args") or {"vpcId": vpc, **open_rules()}
            group = await monitor.child(SECURITY_GROUP, name, component, rules, *needed)
            needed.append(group)
        own["securityGroups"] = [existing or (group and group.id)]
    own["loadBalancerType"] = "application"
    balancer = await monitor.child(
        "aws:lb/loadBalancer:LoadBalancer", name, component, own, *needed
    )

    protocol = _default_protocol(inputs)
    target_inputs = {
        "vpcId": vpc,
        "targetType": "ip",
        **protocol,
        **(inputs.get("defaultTargetGroup") or {}),
    }
    target = await monitor.child(
        "aws:lb/targetGroup:TargetGroup", name, component, target_inputs, *monitor.needed
    )
    listeners = []
    actions = {"defaultActions": [{"type": "forward", "targetGroupArn": target.output("arn")}]}
    for number, each in enumerate(_listeners(inputs, protocol)):
        listener = {**actions, **each, "loadBalancerArn": balancer.output("arn")}
        listeners.append(
            await monitor.child(
                "aws:lb/listener:Listener",
                f"{name}-{number}",
                component,
                listener,
                balancer,
                target,
                *monitor.needed,
            )
        )
    await monitor.done(component)

    outputs = monitor.outputs()
    outputs.value("vpcId", vpc, monitor.needed)
    outputs.resource("loadBalancer", balancer)
    outputs.resource("defaultTargetGroup", target)
    outputs.resource("defaultSecurityGroup", group)
    outputs.resources("listeners", listeners)
    return outputs.response(component)


async def _where(monitor: Monitor, inputs: Mapping[str, Any]) -> tuple[object, object]:
    """Return the VPC, and the load balancer's input `subnets` if it has to be set."""
    subnets, ids, mappings = (
        inputs.get(name) for name in ("subnets", "subnetIds", "subnetMappings")
    )
    if subnets is not None:
        if subnets is UNKNOWN or not subnets:
            return UNKNOWN, UNKNOWN
        return subnets[0].get("vpcId", UNKNOWN), [each["id"] for each in subnets]
    if ids is not None:
        return await _vpc_of(monitor, ids, lambda first: first), unwrapped(
            monitor.inputs["subnetIds"]
        )
    if mappings is not None:
        return await _vpc_of(monitor, mappings, lambda first: first.get("subnetId", UNKNOWN)), None
    existing = await find(monitor)
    return existing.id, existing.public


async def _vpc_of(monitor: Monitor, subnets: Any, identifier: Any) -> object:
    """Return the VPC of the first subnet; UNKNOWN if the subnet is unknown."""
    first = (
        UNKNOWN
        if subnets is UNKNOWN or not subnets or subnets[0] is UNKNOWN
        else identifier(subnets[0])
    )
    if first is UNKNOWN:
        return UNKNOWN
    return (await monitor.invoke("aws:ec2/getSubnet:getSubnet", id=first))["vpcId"]


def _listeners(inputs: Mapping[str, Any], default: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each listener's inputs, with defaults for its port and protocol."""
    if inputs.get("listener"):
        return [{**default, **inputs["listener"]}]
    if inputs.get("listeners"):
        return [{**_protocol(each), **each} for each in inputs["listeners"]]
    return [dict(default)]


def _default_protocol(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the port and protocol of the default target group.

    If `listeners` has exactly one item, the real component leaves both out, and AWS refuses the
    group unless `defaultTargetGroup` sets them.
    """
    listener, listeners = inputs.get("listener"), inputs.get("listeners")
    if listeners:
        if len(listeners) == 1:
            return {}
        listener = listeners[0]
    return _protocol(listener, inputs.get("defaultTargetGroupPort"))


def _protocol(listener: Mapping[str, Any] | None, default_port: object = None) -> dict[str, Any]:
    port, protocol = (listener or {}).get("port"), (listener or {}).get("protocol")
    if port is None and protocol is None:
        return {"port": 80 if default_port is None else default_port, "protocol": "HTTP"}
    if protocol is None:
        protocol = UNKNOWN if port is UNKNOWN else "HTTPS" if port == _HTTPS_PORT else "HTTP"
    elif port is None:
        port = UNKNOWN if protocol is UNKNOWN else _HTTPS_PORT if protocol == "HTTPS" else 80
    return {"port": port, "protocol": protocol}
