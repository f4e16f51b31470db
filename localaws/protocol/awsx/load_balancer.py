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

_COMPONENT_ONLY = frozenset(
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
    raw = monitor.inputs
    inputs = await monitor.resolved(monitor.inputs)
    _require_valid(inputs)
    name = monitor.name
    component = await monitor.component()
    vpc, subnets = await _vpc_and_subnets(monitor, inputs)
    balancer_inputs = {key: value for key, value in raw.items() if key not in _COMPONENT_ONLY}
    balancer_inputs["loadBalancerType"] = "application"
    if subnets is not None:
        balancer_inputs["subnets"] = subnets
    needed: list[Registered | str] = list(monitor.needed)
    group_inputs = inputs.get("defaultSecurityGroup") or {}
    group = None
    if balancer_inputs.get("securityGroups") is None and not group_inputs.get("skip"):
        group_id = group_inputs.get("securityGroupId")
        if group_id is None:
            rules = group_inputs.get("args") or {"vpcId": vpc, **open_rules()}
            group = await monitor.child(SECURITY_GROUP, name, component, rules, *needed)
            needed.append(group)
            group_id = group.id
        balancer_inputs["securityGroups"] = [group_id or None]
    balancer = await monitor.child(
        "aws:lb/loadBalancer:LoadBalancer", name, component, balancer_inputs, *needed
    )
    port_and_protocol = _of_target_group(inputs)
    target_inputs = {
        "vpcId": vpc,
        "targetType": "ip",
        **port_and_protocol,
        **(inputs.get("defaultTargetGroup") or {}),
    }
    target = await monitor.child(
        "aws:lb/targetGroup:TargetGroup", name, component, target_inputs, *monitor.needed
    )
    listeners: list[Registered] = []
    for number, listener_inputs in enumerate(_listeners(inputs, port_and_protocol)):
        listener = await monitor.child(
            "aws:lb/listener:Listener",
            f"{name}-{number}",
            component,
            {
                "defaultActions": [{"type": "forward", "targetGroupArn": target.output("arn")}],
                **listener_inputs,
                "loadBalancerArn": balancer.output("arn"),
            },
            balancer,
            target,
            *monitor.needed,
        )
        listeners.append(listener)
    await monitor.done(component)

    outputs = monitor.outputs()
    outputs.value("vpcId", vpc, monitor.needed)
    outputs.resource("loadBalancer", balancer)
    outputs.resource("defaultTargetGroup", target)
    outputs.resource("defaultSecurityGroup", group)
    outputs.resources("listeners", listeners)
    return outputs.response(component)


def _require_valid(inputs: Mapping[str, Any]) -> None:
    """Check the inputs as the real component does.

    Raises:
        ValueError: They contradict each other.
    """
    for names, message in _EXCLUSIVE:
        if len(given(inputs, *names)) > 1:
            raise ValueError(message)
    group = inputs.get("defaultSecurityGroup") or {}
    if group.get("args") and group.get("securityGroupId"):
        raise ValueError(
            "Only one of [defaultSecurityGroup] [args] or [securityGroupId] can be specified"
        )


async def _vpc_and_subnets(monitor: Monitor, inputs: Mapping[str, Any]) -> tuple[object, object]:
    """Return the VPC, and the load balancer's input `subnets` if it has to be set."""
    subnets, ids = inputs.get("subnets"), inputs.get("subnetIds")
    mappings = inputs.get("subnetMappings")
    if subnets is not None:
        if subnets is UNKNOWN or not subnets:
            return UNKNOWN, UNKNOWN
        return subnets[0].get("vpcId", UNKNOWN), [each["id"] for each in subnets]
    if ids is not None:
        return await _vpc_of(monitor, _first(ids)), unwrapped(monitor.inputs["subnetIds"])
    if mappings is not None:
        mapping = _first(mappings)
        subnet = UNKNOWN if mapping is UNKNOWN else mapping.get("subnetId", UNKNOWN)
        return await _vpc_of(monitor, subnet), None
    existing = await find(monitor)
    return existing.id, existing.public


def _first(values: Any) -> Any:
    """Return the first of several values; UNKNOWN if they are unknown or there are none."""
    return UNKNOWN if values is UNKNOWN or not values else values[0]


async def _vpc_of(monitor: Monitor, subnet: Any) -> object:
    """Return the VPC of a subnet; UNKNOWN if the subnet is unknown."""
    if subnet is UNKNOWN:
        return UNKNOWN
    return (await monitor.invoke("aws:ec2/getSubnet:getSubnet", id=subnet))["vpcId"]


def _listeners(inputs: Mapping[str, Any], default: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each listener's inputs, with defaults for its port and protocol."""
    if inputs.get("listener"):
        return [{**default, **inputs["listener"]}]
    if inputs.get("listeners"):
        return [{**_port_and_protocol(each), **each} for each in inputs["listeners"]]
    return [dict(default)]


def _of_target_group(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the port and protocol of the default target group.

    If `listeners` has exactly one item, the real component leaves both out, and AWS refuses the
    group unless `defaultTargetGroup` sets them.
    """
    listener, listeners = inputs.get("listener"), inputs.get("listeners")
    if listeners:
        if len(listeners) == 1:
            return {}
        listener = listeners[0]
    return _port_and_protocol(listener or {}, inputs.get("defaultTargetGroupPort"))


def _port_and_protocol(listener: Mapping[str, Any], default_port: object = None) -> dict[str, Any]:
    """Return a listener's port and protocol, of which each follows from the other if it is absent.

    UNKNOWN follows from UNKNOWN.
    """
    port, protocol = listener.get("port"), listener.get("protocol")
    if port is None and protocol is None:
        port = 80 if default_port is None else default_port
        protocol = "HTTP"
    elif UNKNOWN in (port, protocol):
        port = UNKNOWN if port is None else port
        protocol = UNKNOWN if protocol is None else protocol
    elif protocol is None:
        protocol = "HTTPS" if port == _HTTPS_PORT else "HTTP"
    elif port is None:
        port = _HTTPS_PORT if protocol == "HTTPS" else 80
    return {"port": port, "protocol": protocol}
