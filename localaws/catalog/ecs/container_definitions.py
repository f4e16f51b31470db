"""ECS's rules for the container definitions of a task definition, a JSON array."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localaws.catalog.ecs.container_limits import (
    AWSVPC_FORBIDS,
    FARGATE_FORBIDS,
    FARGATE_LIMITS,
    LIMITS,
    REQUIRED,
)
from localaws.catalog.ecs.fargate_sizes import GB, VCPU, units
from localaws.catalog.model_limits import model_rules
from localaws.catalog.properties import UNKNOWN, missing_at, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import (
    block,
    blocks,
    duplicates,
    known,
    number,
    parsed,
    show,
    text,
    texts,
)

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"

_CLIENT = "ClientException"
_INPUT = "containerDefinitions"
_MOST_CONTAINERS = 10
"""Source: Amazon ECS endpoints and quotas, "Containers per task definition", not adjustable."""


def containers(inputs: Properties) -> list[dict[str, Any]]:
    """Return the container definitions in a task definition's inputs; empty if unknown."""
    found = parsed(inputs.get(_INPUT))
    if not isinstance(found, list):
        return []
    return [each for each in found if isinstance(each, dict)]


def declared_ports(inputs: Properties) -> dict[str, list[float]]:
    """Return each container's ports, by its name."""
    ports_by_container: dict[str, list[float]] = {}
    for container in containers(inputs):
        ports: list[float] = []
        for value in values_at(container, "portMappings[].containerPort"):
            port = number(value)
            if port:
                ports.append(port)
        ports_by_container[str(container.get("name"))] = ports
    return ports_by_container


def port_names(inputs: Properties) -> list[str]:
    """Return the names of all containers' port mappings."""
    found: list[str] = []
    for container in containers(inputs):
        found += texts(values_at(container, "portMappings[].name"))
    return found


def container_rules(inputs: Properties, *, fargate: bool) -> Refusals:
    """Refuse container definitions that ECS refuses in this task definition."""
    source = inputs.get(_INPUT)
    if source is None or source is UNKNOWN:
        return
    definitions = parsed(source)
    objects = blocks(definitions)
    if not objects or len(objects) < len(definitions):
        message = f"{_INPUT} must be a JSON array of at least one container definition"
        yield Refusal("InvalidArgument", message, "ecs.container.json", _INPUT)
        return
    refused = set()
    for refusal in _ecs_rules(definitions, inputs, fargate=fargate):
        refused.add(_container_and_path(refusal))
        yield replace(refusal, property=_INPUT)
    # One refusal of a value is enough, and the rules above have better messages than the model.
    for refusal in _model_rules(definitions):
        if _container_and_path(refusal) not in refused:
            yield replace(refusal, property=_INPUT)


def _container_and_path(refusal: Refusal) -> str:
    """Return the start of a message of the form `container web: cpu must be …`."""
    return refusal.message.partition(" must be ")[0]


def _where(container: Properties, position: int) -> str:
    """Return the start of a message about a container: its name, or else its position."""
    return f"container {text(container.get('name')) or position}: "


def _model_rules(definitions: list[dict[str, Any]]) -> Refusals:
    """Refuse what the API's model doesn't allow."""
    for position, container in enumerate(definitions):
        where = _where(container, position)
        for path, allowed in model_rules(TASK_DEFINITION, container, below=f"{_INPUT}[]."):
            yield Refusal(_CLIENT, f"{where}{path} must be {allowed}", "catalog.model")


def _ecs_rules(definitions: list[dict[str, Any]], inputs: Properties, *, fargate: bool) -> Refusals:
    yield from _list_rules(definitions)
    for position, container in enumerate(definitions):
        where = _where(container, position)
        yield from _member_rules(container, where, fargate=fargate)
        yield from _port_rules(container, inputs.get("networkMode"), where)
        yield from _log_rules(container, inputs, where, fargate=fargate)
        yield from _unsupported_rules(container, inputs.get("networkMode"), where, fargate=fargate)
        yield from _memory_rules(container, inputs.get("memory"), where, fargate=fargate)
        yield from _dependency_rules(container, definitions, where)
        yield from _volume_rules(container, inputs, where)
        yield from _secret_name_rules(container, where)
    yield from _host_port_rules(definitions, inputs.get("networkMode"))
    yield from _sum_rules(definitions, inputs)
    yield from _firelens_rules(definitions, fargate=fargate)
    yield from _role_rules(definitions, inputs, fargate=fargate)


def _list_rules(definitions: list[dict[str, Any]]) -> Refusals:
    if len(definitions) > _MOST_CONTAINERS:
        message = f"Too many containers: a task can have {_MOST_CONTAINERS}, got {len(definitions)}"
        yield Refusal(_CLIENT, message, "ecs.container.most")
    if not any(container.get("essential", True) is True for container in definitions):
        message = "at least one container must be essential"
        yield Refusal(_CLIENT, message, "ecs.container.essential")
    names = texts(values_at({"containers": definitions}, "containers[].name"))
    for name in duplicates(names):
        message = f"Container names must be unique, {name!r} appears {names.count(name)} times"
        yield Refusal(_CLIENT, message, "ecs.container.unique-name")


def _member_rules(container: Properties, where: str, *, fargate: bool) -> Refusals:
    for path in REQUIRED:
        for missing in missing_at(container, path):
            yield Refusal(_CLIENT, f"{where}{missing} must be given", "ecs.container.required")
    limits = (*LIMITS, *FARGATE_LIMITS) if fargate else LIMITS
    for limit in limits:
        yield from limit.check(container, within=where)


_RESERVED_PORTS = (22, 2375, 2376, 51678, 51679, 51680)
"""Source: ECS, PortMapping.hostPort."""


def _host_port_rules(definitions: list[dict[str, Any]], mode: object) -> Refusals:
    """Refuse a host port that several containers of the task map."""
    host_port_is_container_port = mode in ("awsvpc", "host")
    counts: Counter[tuple[float, str]] = Counter()
    for container in definitions:
        for mapping in blocks(container.get("portMappings")):
            port = number(mapping.get("hostPort"))
            if not port and host_port_is_container_port:
                port = number(mapping.get("containerPort"))
            protocol = text(mapping.get("protocol") or "tcp")
            if port and protocol:
                counts[port, protocol] += 1
    for (port, protocol), times in counts.items():
        if times > 1:
            message = f"host port {port:g} ({protocol}) is mapped {times} times in the task"
            yield Refusal(_CLIENT, message, "ecs.container.unique-host-port")
        if port in _RESERVED_PORTS and mode != "awsvpc":
            message = (
                f"host port {port:g} is reserved for the container agent and for Docker: "
                f"{', '.join(map(str, _RESERVED_PORTS))}"
            )
            yield Refusal(_CLIENT, message, "ecs.container.reserved-port")


def _sum_rules(definitions: list[dict[str, Any]], inputs: Properties) -> Refusals:
    """Refuse containers that reserve more than their task has, in sum or one by itself.

    Source: ContainerDefinition in the API reference, and ECS's errors in aws/aws-cdk#1553 and
    pulumi/pulumi-awsx#1220.
    """
    cpu_sum = memory_sum = 0.0
    for container in definitions:
        cpu_sum += number(container.get("cpu")) or 0
        reserved, memory = container.get("memoryReservation"), container.get("memory")
        memory_sum += number(reserved) or number(memory) or 0
    task_cpu, task_memory = units(inputs.get("cpu"), VCPU), units(inputs.get("memory"), GB)
    if task_cpu is not None and cpu_sum > task_cpu:
        message = (
            "The sum of all container 'cpu' values cannot be greater than the value of the task "
            f"'cpu', got {cpu_sum:g} of {task_cpu}"
        )
        yield Refusal(_CLIENT, message, "ecs.container.cpu-sum")
    if task_memory is None:
        return
    if memory_sum > task_memory:
        message = (
            "The sum of all container 'memoryReservation', or else 'memory', values cannot be "
            f"greater than the value of the task 'memory', got {memory_sum:g} of {task_memory}"
        )
        yield Refusal(_CLIENT, message, "ecs.container.memory-sum")
    for container in definitions:
        limit = number(container.get("memory"))
        if limit is not None and limit > task_memory:
            message = (
                f"The 'memory' setting for container '{container.get('name')}' is greater than "
                f"for the task, got {limit:g} of {task_memory}"
            )
            yield Refusal(_CLIENT, message, "ecs.container.memory-sum")


def _firelens_rules(definitions: list[dict[str, Any]], *, fargate: bool) -> Refusals:
    """Refuse a log router that no container uses, and a container whose log router is missing.

    Sources: ECS's errors in fabfuel/ecs-deploy#164 and pulumi/pulumi-awsx#552; ECS developer
    guide, "Example Amazon ECS task definition: Route logs to FireLens".
    """
    routers = []
    routed = []
    for container in definitions:
        name = str(container.get("name"))
        if block(container.get("logConfiguration")).get("logDriver") == "awsfirelens":
            routed.append(name)
        if container.get("firelensConfiguration") is None:
            continue
        routers.append(name)
        options = block(block(container["firelensConfiguration"]).get("options"))
        if fargate and options.get("config-file-type") == "s3":
            message = (
                f"container {name}: config-file-type must be file on Fargate, got s3: put the "
                "file into the image"
            )
            yield Refusal(_CLIENT, message, "ecs.container.firelens-file")
    if len(routers) > 1:
        message = f"only one container can have a firelensConfiguration, got {', '.join(routers)}"
        yield Refusal(_CLIENT, message, "ecs.container.firelens-one")
    if routed and not routers:
        message = (
            f"container {routed[0]}: When awsfirelens log driver is specified in log "
            "configuration, a firelens configuration object must be configured in one of the "
            "containers"
        )
        yield Refusal(_CLIENT, message, "ecs.container.firelens")
    if routers and not routed:
        message = (
            f"container {routers[0]}: When a firelensConfiguration object is specified, at least "
            "one container has to be configured with the awsfirelens log driver"
        )
        yield Refusal(_CLIENT, message, "ecs.container.firelens")


def _port_rules(container: Properties, mode: object, where: str) -> Refusals:
    mappings = blocks(container.get("portMappings"))
    if mode == "none" and mappings:
        message = f"{where}network mode none can't have portMappings: leave them out"
        yield Refusal(_CLIENT, message, "ecs.container.no-ports")
    times: Counter[float] = Counter()
    for mapping in mappings:
        port, host_port = number(mapping.get("containerPort")), number(mapping.get("hostPort"))
        if port is None:
            continue
        times[port] += 1
        if mode in ("awsvpc", "host") and host_port not in (None, port):
            message = (
                f"{where}When networkMode={mode}, the host ports and container ports in port "
                f"mappings must match: {host_port:g} and {port:g}"
            )
            yield Refusal(_CLIENT, message, "ecs.container.host-port")
    for port, count in times.items():
        if count > 1:
            message = f"{where}container port {port:g} is mapped {count} times"
            yield Refusal(_CLIENT, message, "ecs.container.unique-port")


def _log_rules(container: Properties, inputs: Properties, where: str, *, fargate: bool) -> Refusals:
    logs = block(container.get("logConfiguration"))
    options = block(logs.get("options"))
    if logs.get("logDriver") == "awsfirelens":
        yield from _buffer_rules(options.get("log-driver-buffer-limit"), where)
    if logs.get("logDriver") == "awslogs":
        yield from _awslogs_rules(options, where, fargate=fargate)
        if fargate and not inputs.get("executionRoleArn"):
            message = (
                "Fargate requires task definition to have execution role ARN to support log "
                "driver awslogs: set executionRoleArn"
            )
            yield Refusal(_CLIENT, message, "ecs.task-definition.execution-role")


_MOST_LINES = 536_870_911
"""Source: ECS developer guide, "Configuring Amazon ECS logs for high throughput"."""


def _buffer_rules(limit: object, where: str) -> Refusals:
    if limit is None:
        return
    if not isinstance(limit, str) or not limit.isdecimal() or int(limit) > _MOST_LINES:
        message = (
            f"{where}log-driver-buffer-limit must be text with a number from 0 to {_MOST_LINES}, "
            f"got {show(limit)}"
        )
        yield Refusal(_CLIENT, message, "ecs.container.firelens-buffer")


def _awslogs_rules(options: Properties, where: str, *, fargate: bool) -> Refusals:
    required = ["awslogs-group", "awslogs-region"]
    if fargate:
        required.append("awslogs-stream-prefix")
    missing = [name for name in required if not options.get(name)]
    if missing:
        message = f"{where}Log driver awslogs requires options: {', '.join(missing)}"
        yield Refusal(_CLIENT, message, "ecs.container.awslogs-options")
    for name, value in options.items():
        if not isinstance(value, str):
            message = f"{where}log option {name} must be text, got {show(value)}"
            yield Refusal(_CLIENT, message, "ecs.container.log-option-text")


def _unsupported_rules(
    container: Properties, mode: object, where: str, *, fargate: bool
) -> Refusals:
    """Refuse members that Fargate or the task's network mode doesn't have."""
    if fargate:
        for name in FARGATE_FORBIDS:
            if any(values_at(container, name)):
                message = f"{where}Fargate doesn't support {name}: leave it out"
                yield Refusal(_CLIENT, message, "ecs.container.fargate-forbids")
        if "GPU" in values_at(container, "resourceRequirements[].type"):
            message = f"{where}Fargate doesn't support resourceRequirements of type GPU"
            yield Refusal(_CLIENT, message, "ecs.container.fargate-gpu")
    elif mode in ("awsvpc", "host", "none") and container.get("links"):
        message = f"{where}Links are not supported when networkMode={mode}."
        yield Refusal(_CLIENT, message, "ecs.container.links")
    if mode == "awsvpc":
        for name in AWSVPC_FORBIDS:
            if container.get(name):
                message = f"{where}network mode awsvpc doesn't support {name}: leave it out"
                yield Refusal(_CLIENT, message, "ecs.container.awsvpc-forbids")


def _memory_rules(
    container: Properties, task_memory: object, where: str, *, fargate: bool
) -> Refusals:
    memory, reserved = number(container.get("memory")), number(container.get("memoryReservation"))
    if memory is None and reserved is None and task_memory is None and not fargate:
        message = (
            f"Invalid setting for {where}At least one of 'memory' or 'memoryReservation' "
            "must be specified, or memory for the task"
        )
        yield Refusal(_CLIENT, message, "ecs.container.memory-required")
    # ECS's documentation says "greater than", but an equal reservation is accepted.
    if memory is not None and reserved is not None and memory < reserved:
        message = f"{where}memory {memory:g} must not be below memoryReservation {reserved:g}"
        yield Refusal(_CLIENT, message, "ecs.container.memory-reservation")


def _dependency_rules(
    container: Properties, definitions: list[dict[str, Any]], where: str
) -> Refusals:
    by_name = {text(each.get("name")): each for each in definitions}
    for dependency in blocks(container.get("dependsOn")):
        name = text(dependency.get("containerName"))
        condition = dependency.get("condition")
        other = by_name.get(name)
        if other is None or other is container:
            message = f"{where}dependsOn must name another container of the task, got {name!r}"
            yield Refusal(_CLIENT, message, "ecs.container.depends-on-exists")
        elif condition == "HEALTHY" and not other.get("healthCheck"):
            message = f"{where}dependsOn HEALTHY needs a health check of container {name}"
            yield Refusal(_CLIENT, message, "ecs.container.depends-on-healthy")
        elif condition in ("COMPLETE", "SUCCESS") and other.get("essential", True) is True:
            message = f"{where}dependsOn {condition} needs container {name} not to be essential"
            yield Refusal(_CLIENT, message, "ecs.container.depends-on-essential")


def _volume_rules(container: Properties, inputs: Properties, where: str) -> Refusals:
    if not known(inputs.get("volumes")):
        return
    volumes = texts(values_at(inputs, "volumes[].name"))
    for name in texts(values_at(container, "mountPoints[].sourceVolume")):
        if name not in volumes:
            message = f"{where}Unknown volume '{name}'; the task has {', '.join(volumes) or 'none'}"
            yield Refusal(_CLIENT, message, "ecs.container.volume")


def _secret_name_rules(container: Properties, where: str) -> Refusals:
    secrets = texts(values_at(container, "secrets[].name"))
    variables = texts(values_at(container, "environment[].name"))
    # A variable that is set twice is accepted, a secret isn't.
    for name in duplicates([*secrets, *variables]):
        if name in secrets:
            message = (
                f"{where}The secret name must be unique and not shared with any new or existing "
                f"environment variables set on the container, such as '{name}'."
            )
            yield Refusal(_CLIENT, message, "ecs.container.secret-unique")


def _role_rules(
    definitions: list[dict[str, Any]], inputs: Properties, *, fargate: bool
) -> Refusals:
    """Refuse a task without the role by which ECS reads secrets and pulls images."""
    if inputs.get("executionRoleArn"):
        return
    if any(map(_has_secrets, definitions)):
        message = (
            "When you are specifying container secrets, you must also specify a value for "
            "'executionRoleArn'."
        )
        yield Refusal(_CLIENT, message, "ecs.task-definition.secrets-role")
    # On an instance the agent can use the instance's role for an image.
    if fargate and any(".dkr.ecr." in str(container.get("image")) for container in definitions):
        message = (
            "Fargate requires task definition to have execution role ARN to support ECR images: "
            "set executionRoleArn"
        )
        yield Refusal(_CLIENT, message, "ecs.task-definition.ecr-role")


def _has_secrets(container: Properties) -> bool:
    """Return whether ECS reads secrets for a container or for its log driver."""
    logs = block(container.get("logConfiguration"))
    return bool(blocks(container.get("secrets")) or blocks(logs.get("secretOptions")))
