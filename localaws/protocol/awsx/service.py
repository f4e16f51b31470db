"""`awsx.ecs.FargateService`: a service, its task definition and its security group.

Source: pulumi-awsx at e60adf3c, awsx/ecs/fargateService.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localaws.catalog import UNKNOWN
from localaws.protocol.awsx.default_vpc import find
from localaws.protocol.awsx.load_balancer import SECURITY_GROUP, open_rules
from localaws.protocol.awsx.task_definition import (
    FARGATE_TASK_DEFINITION,
    TaskDefinition,
    containers_of,
    task_definition,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.protocol.awsx.monitor import Monitor, Registered
    from localaws.protocol.messages import provider_pb2

FARGATE_SERVICE = "awsx:ecs:FargateService"

_COMPONENT_ONLY = frozenset(
    {
        "assignPublicIp",
        "continueBeforeSteadyState",
        "taskDefinitionArgs",
        "useClusterDefaultCapacityProviderStrategy",
    }
)
"""Inputs of the component that the service itself doesn't have."""

_EXCLUSIVE = (
    ("taskDefinition", "taskDefinitionArgs"),
    ("networkConfiguration", "assignPublicIp"),
    ("capacityProviderStrategies", "useClusterDefaultCapacityProviderStrategy"),
)


async def fargate_service(monitor: Monitor) -> provider_pb2.ConstructResponse:
    """Register the component and its children.

    Raises:
        ValueError: The real awsx refuses it too.
    """
    raw = monitor.inputs
    inputs = await monitor.resolved(monitor.inputs)
    _require_valid(inputs)
    name = monitor.name
    component = await monitor.component()
    made = await _task_definition(monitor, component, raw, inputs)
    needed: list[Registered | str] = list(monitor.needed)
    configured = {key: value for key, value in raw.items() if key not in _COMPONENT_ONLY}
    service_inputs = {"desiredCount": 1, **configured}
    if made is not None:
        needed.append(made.task_definition)
        service_inputs["taskDefinition"] = made.task_definition.output("arn")
        service_inputs.setdefault("loadBalancers", made.load_balancers)
    if inputs.get("networkConfiguration") is None:
        group, service_inputs["networkConfiguration"] = await _network(
            monitor, component, inputs.get("assignPublicIp")
        )
        needed.append(group)
    by_provider = inputs.get("capacityProviderStrategies") or inputs.get(
        "useClusterDefaultCapacityProviderStrategy"
    )
    service_inputs["launchType"] = None if by_provider else "FARGATE"
    continues = inputs.get("continueBeforeSteadyState")
    service_inputs["waitForSteadyState"] = UNKNOWN if continues is UNKNOWN else not continues
    service = await monitor.child(
        "aws:ecs/service:Service", name, component, service_inputs, *needed
    )
    await monitor.done(component)

    outputs = monitor.outputs()
    outputs.resource("service", service)
    outputs.resource("taskDefinition", made.task_definition if made else None)
    return outputs.response(component)


def _require_valid(inputs: Mapping[str, Any]) -> None:
    """Check the inputs as the real component does.

    Raises:
        ValueError: The inputs contradict each other, or a required one is missing.
    """
    for names in _EXCLUSIVE:
        if all(inputs.get(name) is not None for name in names):
            raise ValueError(
                f"Only one of {' or '.join(f'`{name}`' for name in names)} can be provided."
            )
    if all(inputs.get(name) is None for name in _EXCLUSIVE[0]):
        raise ValueError("Either `taskDefinition` or `taskDefinitionArgs` must be provided.")
    if inputs.get("taskDefinitionArgs") is not None:
        containers_of(inputs["taskDefinitionArgs"])


async def _task_definition(
    monitor: Monitor, component: Registered, raw: Mapping[str, Any], inputs: Mapping[str, Any]
) -> TaskDefinition | None:
    """Register the task definition in a nested component, unless the inputs name one."""
    args = inputs.get("taskDefinitionArgs")
    if args is None:
        return None
    parent = await monitor.nested(FARGATE_TASK_DEFINITION, component)
    made = await task_definition(monitor, parent, raw["taskDefinitionArgs"], args)
    await monitor.done(parent)
    return made


async def _network(
    monitor: Monitor, component: Registered, assign_public_ip: object
) -> tuple[Registered, dict[str, Any]]:
    """Register a security group in the default VPC; return it, and the network configuration.

    Raises:
        ValueError: The tasks have no public address, and the VPC has no private subnets.
    """
    existing = await find(monitor)
    rules = {"vpcId": existing.id, **open_rules()}
    group = await monitor.child(SECURITY_GROUP, f"{monitor.name}-sg", component, rules)
    configuration: dict[str, Any] = {
        "assignPublicIp": UNKNOWN,
        "subnets": UNKNOWN,
        "securityGroups": [group.id],
    }
    if assign_public_ip is UNKNOWN:
        return group, configuration
    public = bool(assign_public_ip)
    if not public and not existing.private:
        raise ValueError(
            "The default VPC does not have any private subnets. Set `assignPublicIp` to "
            "`true`, provide `networkConfiguration`, or add private subnets to the default VPC."
        )
    configuration["assignPublicIp"] = public
    configuration["subnets"] = existing.public if public else existing.private
    return group, configuration
