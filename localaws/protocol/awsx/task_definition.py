"""`awsx.ecs.FargateTaskDefinition`: a task definition with its roles and its log group.

Source: pulumi-awsx at e60adf3c, awsx/ecs/fargateTaskDefinition.ts, containers.ts, awsx/role.ts and
awsx/cloudwatch/logGroup.ts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.catalog import UNKNOWN
from localaws.catalog.values import known, without_none
from localaws.protocol.awsx.monitor import Registered, urns
from localaws.protocol.awsx.task_size import task_size
from localaws.protocol.property_values import holds_secret, secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.protocol.awsx.monitor import Monitor, Outputs
    from localaws.protocol.messages import provider_pb2

FARGATE_TASK_DEFINITION = "awsx:ecs:FargateTaskDefinition"

_COMPONENT_ONLY = frozenset({"container", "containers", "logGroup", "taskRole", "executionRole"})
"""Inputs of the component that the task definition itself doesn't have."""

_EXECUTION_POLICIES = ("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",)
"""The same in every partition, as in the real component."""

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Effect": "Allow",
            "Sid": "",
        }
    ],
}


@dataclass(frozen=True)
class TaskDefinition:
    """The component's children."""

    task_definition: Registered
    log_group: Registered | None
    task_role: Registered | None
    execution_role: Registered | None
    load_balancers: object
    """The target groups in the containers' port mappings, as a service's `loadBalancers`, or
    UNKNOWN.
    """

    def add_to(self, outputs: Outputs) -> None:
        """Add the children to the component's outputs."""
        outputs.resource("taskDefinition", self.task_definition)
        outputs.resource("logGroup", self.log_group)
        outputs.resource("taskRole", self.task_role)
        outputs.resource("executionRole", self.execution_role)
        outputs.value("loadBalancers", self.load_balancers, [self.task_definition])


async def fargate_task_definition(monitor: Monitor) -> provider_pb2.ConstructResponse:
    """Register the component and its children.

    Raises:
        ValueError: The real awsx refuses it too.
    """
    inputs = await monitor.resolved(monitor.inputs)
    containers_of(inputs)
    component = await monitor.component()
    made = await task_definition(monitor, component, monitor.inputs, inputs)
    await monitor.done(component)
    outputs = monitor.outputs()
    made.add_to(outputs)
    return outputs.response(component)


def containers_of(inputs: Mapping[str, Any]) -> Any:
    """Return the containers by name, sorted; UNKNOWN if they or their names are unknown.

    Raises:
        ValueError: Both `container` and `containers` are set, or neither.
    """
    one, several = inputs.get("container"), inputs.get("containers")
    if (one is None) is (several is None):
        raise ValueError("Exactly one of [container] or [containers] must be provided")
    if UNKNOWN in (one, several) or (one is not None and one.get("name") is UNKNOWN):
        return UNKNOWN
    if one is None:
        return dict(sorted((several or {}).items()))
    return {one.get("name") or "container": one}


async def task_definition(
    monitor: Monitor, component: Registered, raw: Mapping[str, Any], inputs: Mapping[str, Any]
) -> TaskDefinition:
    """Register the children of a component.

    Args:
        monitor: The engine.
        component: The component that is their parent.
        raw: The component's inputs, with wrapped secrets and resources.
        inputs: The same inputs without wrappers.

    Raises:
        ValueError: The real awsx refuses it too.
    """
    name = monitor.name
    containers = containers_of(inputs)
    log_group, logging = await _log_group(monitor, component, inputs.get("logGroup") or {})
    task_role, task_arn = await _role(
        monitor, component, f"{name}-task", inputs.get("taskRole") or {}, ()
    )
    execution_role, execution_arn = await _role(
        monitor,
        component,
        f"{name}-execution",
        inputs.get("executionRole") or {},
        _EXECUTION_POLICIES,
    )
    text: object = UNKNOWN
    family: object = UNKNOWN
    if known(containers):
        definitions = [_definition(key, each, logging) for key, each in containers.items()]
        if known(definitions):
            text = json.dumps(definitions, sort_keys=True, separators=(",", ":"))
            family = f"{name}-{_hash(f'{monitor.stack}{text}')}"
    has_secret = holds_secret([raw.get("container"), raw.get("containers")])
    cpu, memory = _size(containers)
    definition_inputs = {
        "cpu": cpu,
        "memory": memory,
        "family": secret(family) if has_secret else family,
        **{key: value for key, value in raw.items() if key not in _COMPONENT_ONLY},
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "taskRoleArn": task_arn,
        "executionRoleArn": execution_arn,
        "containerDefinitions": secret(text) if has_secret else text,
    }
    needed = urns(each for each in (log_group, task_role, execution_role) if each is not None)
    made = await monitor.child(
        "aws:ecs/taskDefinition:TaskDefinition",
        name,
        component,
        definition_inputs,
        *needed,
        *monitor.needed,
    )
    return TaskDefinition(made, log_group, task_role, execution_role, _load_balancers(containers))


def _size(containers: Any) -> tuple[object, object]:
    """Return the task's CPU units and memory; UNKNOWN if those of a container are unknown."""
    if containers is UNKNOWN:
        return UNKNOWN, UNKNOWN
    sizes = [
        {
            "cpu": _part(each, "cpu"),
            "memory": _part(each, "memory"),
            "memoryReservation": _part(each, "memoryReservation"),
        }
        for each in containers.values()
    ]
    return task_size(sizes) if known(sizes) else (UNKNOWN, UNKNOWN)


def _hash(text: str) -> str:
    # A part of names, the same as in the real component
    return hashlib.sha1(text.encode()).hexdigest()[:8]  # noqa: S324


def _definition(
    name: str, container: Mapping[str, Any], logging: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a container in the form of a task definition."""
    found = without_none(container)
    mappings = container.get("portMappings")
    if mappings is not None:
        found["portMappings"] = list(map(_mapping, mappings))
    if "logConfiguration" not in found and logging is not None:
        options = {**logging, "awslogs-stream-prefix": name}
        found["logConfiguration"] = {"logDriver": "awslogs", "options": options}
    return {**found, "name": name}


def _mapping(mapping: Mapping[str, Any]) -> dict[str, Any]:
    target = (mapping.get("targetGroup") or {}).get("port")
    container, host = mapping.get("containerPort"), mapping.get("hostPort")
    return without_none(
        {
            "name": mapping.get("name"),
            "containerPortRange": mapping.get("containerPortRange"),
            "appProtocol": mapping.get("appProtocol"),
            "protocol": mapping.get("protocol"),
            "containerPort": _first(container, host, target),
            "hostPort": _first(host, target, container),
        }
    )


def _first(*values: object) -> object:
    """Return the first of these that is set."""
    for each in values:
        if each is not None:
            return each
    return None


def _load_balancers(containers: Any) -> object:
    """Return a service's `loadBalancers` for the target groups in port mappings.

    As in the real component, the port is the target group's, not the container's.
    """
    if containers is UNKNOWN:
        return UNKNOWN
    found = []
    for name, container in containers.items():
        mappings = _part(container, "portMappings")
        if mappings is UNKNOWN:
            return UNKNOWN
        for mapping in mappings or ():
            group = _part(mapping, "targetGroup")
            arn, port = _part(group, "arn"), _part(group, "port")
            if UNKNOWN in (arn, port):
                return UNKNOWN
            if arn is not None and port is not None:
                found.append({"containerName": name, "containerPort": port, "targetGroupArn": arn})
    return found


def _part(whole: Any, name: str) -> Any:
    """Return a member of an object; UNKNOWN or None if the object itself is."""
    return whole if whole in (None, UNKNOWN) else whole.get(name)


async def _log_group(
    monitor: Monitor, component: Registered, inputs: Mapping[str, Any]
) -> tuple[Registered | None, dict[str, Any] | None]:
    """Register a log group unless the inputs say otherwise; return it, and the log options."""
    existing = inputs.get("existing")
    if inputs.get("skip"):
        return None, None
    if existing is not None and inputs.get("args") is not None:
        raise ValueError("Can't define log group args if specifying an existing log group name")
    if existing is not None:
        return None, await _existing_log_group(monitor, existing)
    made = await monitor.child(
        "aws:cloudwatch/logGroup:LogGroup",
        monitor.name,
        component,
        inputs.get("args") or {},
        *monitor.needed,
    )
    return made, await _log_options(monitor, made.output("name"), None)


async def _existing_log_group(monitor: Monitor, existing: Mapping[str, Any]) -> dict[str, Any]:
    arn, name = existing.get("arn"), existing.get("name")
    if arn is UNKNOWN:
        return {"awslogs-group": UNKNOWN, "awslogs-region": UNKNOWN}
    if arn:
        parts = str(arn).split(":", 6)
        if parts[2:3] != ["logs"] or parts[5:6] != ["log-group"]:
            raise ValueError("Invalid log group ARN")
        return {"awslogs-group": parts[6].removesuffix(":*"), "awslogs-region": parts[3]}
    if not name:
        raise ValueError("One of an existing log group name or ARN must be specified")
    return await _log_options(monitor, name, existing.get("region"))


async def _log_options(monitor: Monitor, name: object, region: object) -> dict[str, Any]:
    if region is None:
        region = (await monitor.invoke("aws:index/getRegion:getRegion"))["name"]
    return {"awslogs-group": name, "awslogs-region": region}


async def _role(
    monitor: Monitor,
    component: Registered,
    name: str,
    inputs: Mapping[str, Any],
    policies: Sequence[str],
) -> tuple[Registered | None, object]:
    """Register a role unless the inputs say otherwise; return it, and the task's role ARN."""
    if inputs.get("roleArn") is not None and inputs.get("args") is not None:
        raise ValueError("Can't define role args if specified an existing role ARN")
    if inputs.get("skip"):
        return None, None
    if inputs.get("roleArn") is not None:
        return None, inputs["roleArn"]
    args: dict[str, Any] = {
        "assumeRolePolicy": _TRUST,
        "policyArns": policies,
        **(inputs.get("args") or {}),
    }
    attached = args.pop("policyArns")
    trust = args["assumeRolePolicy"]
    if isinstance(trust, dict):
        args["assumeRolePolicy"] = json.dumps(trust)
    role = await monitor.child("aws:iam/role:Role", name, component, args, *monitor.needed)
    for arn in attached or ():
        attachment = {"role": role.output("name"), "policyArn": arn}
        await monitor.child(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            f"{name}-{_hash(arn)}",
            component,
            attachment,
            role,
        )
    return role, role.output("arn")
