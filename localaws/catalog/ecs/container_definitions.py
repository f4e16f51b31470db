"""ECS's rules for the container definitions of a task definition, a JSON array."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from localaws.catalog.ecs.fargate_sizes import GB, VCPU, units
from localaws.catalog.model_limits import model_rules
from localaws.catalog.properties import UNKNOWN, missing_at, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import (
    Allowed,
    Limit,
    block,
    blocks,
    duplicates,
    known,
    matches,
    number,
    one_of,
    parsed,
    show,
    text,
    texts,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"

_CLIENT = "ClientException"
_INPUT = "containerDefinitions"
_MOST_CONTAINERS = 10
"""Source: Amazon ECS endpoints and quotas, "Containers per task definition", not adjustable."""

_FARGATE_LOG_DRIVERS = ("awslogs", "splunk", "awsfirelens")
_VALUE_FROM = (
    r"arn:[\w-]+:ssm:[\w-]+:\d{12}:parameter/\S+|[\w./-]{1,2048}"
    r"|arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@!-]+(:[^:\s]*:[^:\s]*:[^:\s]*)?"
)
_CAPABILITIES = (
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
)
"""Linux capabilities, as ECS writes them."""

_CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")


def _is_number(value: object) -> bool:
    return number(value) is not None


def _is_command(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1 and value[0] in ("CMD", "CMD-SHELL")


def _of(kind: type, words: str) -> Allowed:
    return Allowed(words, lambda value: isinstance(value, kind))


_TEXT = _of(str, "text")
_BOOLEAN = _of(bool, "true or false")
_LIST = _of(list, "a list")
_OBJECT = _of(dict, "an object")

_TYPES = (
    ("command[]", _TEXT),
    ("entryPoint[]", _TEXT),
    ("hostname", _TEXT),
    ("links[]", _TEXT),
    ("logConfiguration.logDriver", _TEXT),
    ("mountPoints[].sourceVolume", _TEXT),
    ("secrets[].name", _TEXT),
    ("workingDirectory", _TEXT),
    ("disableNetworking", _BOOLEAN),
    ("essential", _BOOLEAN),
    ("interactive", _BOOLEAN),
    ("linuxParameters.initProcessEnabled", _BOOLEAN),
    ("mountPoints[].readOnly", _BOOLEAN),
    ("privileged", _BOOLEAN),
    ("pseudoTerminal", _BOOLEAN),
    ("readonlyRootFilesystem", _BOOLEAN),
    ("cpu", Allowed("a number", _is_number)),
    ("command", _LIST),
    ("dependsOn", _LIST),
    ("entryPoint", _LIST),
    ("environment", _LIST),
    ("environmentFiles", _LIST),
    ("links", _LIST),
    ("mountPoints", _LIST),
    ("portMappings", _LIST),
    ("resourceRequirements", _LIST),
    ("secrets", _LIST),
    ("systemControls", _LIST),
    ("ulimits", _LIST),
    ("volumesFrom", _LIST),
    ("dependsOn[]", _OBJECT),
    ("dockerLabels", _OBJECT),
    ("environment[]", _OBJECT),
    ("healthCheck", _OBJECT),
    ("linuxParameters", _OBJECT),
    ("logConfiguration", _OBJECT),
    ("logConfiguration.options", _OBJECT),
    ("mountPoints[]", _OBJECT),
    ("portMappings[]", _OBJECT),
    ("secrets[]", _OBJECT),
)
"""Types of values, from the API's model, for which there is no more specific rule."""

_REQUIRED = (
    "name",
    "image",
    "secrets[].name",
    "secrets[].valueFrom",
    "logConfiguration.logDriver",
    "healthCheck.command",
    "dependsOn[].containerName",
    "dependsOn[].condition",
    "resourceRequirements[].type",
    "ulimits[].name",
    "resourceRequirements[].value",
    "ulimits[].softLimit",
    "ulimits[].hardLimit",
    "environmentFiles[].value",
    "environmentFiles[].type",
    "repositoryCredentials.credentialsParameter",
)


def _limit(path: str, allowed: Allowed, rule: str) -> Limit:
    may_be_secret = path.startswith(("environment", "secrets"))
    return Limit(path, allowed, rule, _CLIENT, hidden=may_be_secret)


_LIMITS = (
    *(_limit(path, allowed, "ecs.container.type") for path, allowed in _TYPES),
    _limit(
        "name",
        matches(r"[0-9A-Za-z_-]{1,255}", "1 to 255 letters, digits, underscores and hyphens"),
        "ecs.container.name",
    ),
    _limit(
        "image",
        matches(r"\S{1,255}", "an image name of 1 to 255 characters"),
        "ecs.container.image",
    ),
    _limit("memory", within(6, 10**9), "ecs.container.memory"),
    _limit("memoryReservation", within(6, 10**9), "ecs.container.memory"),
    _limit("portMappings[].containerPort", within(1, 65535), "ecs.container.port"),
    _limit("portMappings[].hostPort", within(0, 65535), "ecs.container.port"),
    _limit("portMappings[].protocol", one_of("tcp", "udp"), "ecs.container.protocol"),
    _limit(
        "environment[].name",
        Allowed("a non-empty text", lambda value: isinstance(value, str) and value != ""),
        "ecs.container.env",
    ),
    _limit("environment[].value", _TEXT, "ecs.container.env"),
    _limit(
        "secrets[].valueFrom",
        matches(
            _VALUE_FROM,
            "a parameter's name, or the ARN of a parameter or secret (with :key:stage:version)",
        ),
        "ecs.container.secret",
    ),
    _limit(
        "user",
        matches(r"[\w.-]+(:[\w.-]+)?", "a user, or user:group, by name or number"),
        "ecs.container.user",
    ),
    _limit(
        "linuxParameters.capabilities.drop[]", one_of(*_CAPABILITIES), "ecs.container.capability"
    ),
    _limit(
        "linuxParameters.capabilities.add[]", one_of(*_CAPABILITIES), "ecs.container.capability"
    ),
    _limit(
        "mountPoints[].containerPath", matches(r"/.*", "an absolute path"), "ecs.container.mount"
    ),
    _limit(
        "healthCheck.command",
        Allowed("a list that starts with CMD or CMD-SHELL", _is_command),
        "ecs.container.health",
    ),
    _limit("healthCheck.interval", within(5, 300), "ecs.container.health"),
    _limit("healthCheck.timeout", within(2, 60), "ecs.container.health"),
    _limit("healthCheck.retries", within(1, 10), "ecs.container.health"),
    _limit("healthCheck.startPeriod", within(0, 300), "ecs.container.health"),
    _limit("dependsOn[].condition", one_of(*_CONDITIONS), "ecs.container.depends-on"),
)
_FARGATE_LIMITS = (
    _limit("startTimeout", within(2, 120), "ecs.container.timeout"),
    _limit("stopTimeout", within(2, 120), "ecs.container.timeout"),
    _limit("logConfiguration.logDriver", one_of(*_FARGATE_LOG_DRIVERS), "ecs.container.log-driver"),
    _limit(
        "linuxParameters.capabilities.add[]",
        one_of("SYS_PTRACE"),
        "ecs.container.fargate-capability",
    ),
)
_FARGATE_FORBIDS = (
    "links",
    "privileged",
    "dockerSecurityOptions",
    "linuxParameters.devices",
    "linuxParameters.maxSwap",
    "linuxParameters.sharedMemorySize",
    "linuxParameters.swappiness",
)
_AWSVPC_FORBIDS = ("dnsSearchDomains", "dnsServers", "extraHosts", "hostname")


def containers(inputs: Properties) -> list[dict[str, Any]]:
    """Return the container definitions in a task definition's inputs; empty if unknown."""
    found = parsed(inputs.get(_INPUT))
    if not isinstance(found, list):
        return []
    return [each for each in found if isinstance(each, dict)]


def declared_ports(inputs: Properties) -> dict[str, list[float]]:
    """Return each container's ports, by its name."""
    ports: dict[str, list[float]] = {}
    for container in containers(inputs):
        numbers = map(number, values_at(container, "portMappings[].containerPort"))
        ports[str(container.get("name"))] = [port for port in numbers if port]
    return ports


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
    found = parsed(source)
    is_list = isinstance(found, list) and all(isinstance(each, dict) for each in found)
    if not found or not is_list:
        message = f"{_INPUT} must be a JSON array of at least one container definition"
        yield Refusal("InvalidArgument", message, "ecs.container.json", _INPUT)
        return
    refusals = list(_all_rules(found, inputs, fargate=fargate))
    # One refusal of a value is enough, and ECS's own rules have better messages.
    subjects = {_subject(refusal) for refusal in refusals}
    refusals += [each for each in _model_rules(found) if _subject(each) not in subjects]
    for refusal in refusals:
        yield Refusal(refusal.code, refusal.message, refusal.rule, _INPUT)


def _subject(refusal: Refusal) -> str:
    """Return the container and path that a refusal is about."""
    return refusal.message.partition(" must be ")[0]


def _model_rules(found: list[dict[str, Any]]) -> Refusals:
    for position, container in enumerate(found):
        where = f"container {text(container.get('name')) or position}: "
        for path, allowed in model_rules(TASK_DEFINITION, container, below=f"{_INPUT}[]."):
            yield Refusal(_CLIENT, f"{where}{path} must be {allowed}", "catalog.model")


def _rules_of_the_list(found: list[dict[str, Any]]) -> Refusals:
    if len(found) > _MOST_CONTAINERS:
        message = f"Too many containers: {len(found)}, a task has at most {_MOST_CONTAINERS}"
        yield Refusal(_CLIENT, message, "ecs.container.most")
    if not any(container.get("essential", True) is True for container in found):
        yield Refusal(
            _CLIENT, "at least one container must be essential", "ecs.container.essential"
        )


def _all_rules(found: list[dict[str, Any]], inputs: Properties, *, fargate: bool) -> Refusals:
    yield from _rules_of_the_list(found)
    for name, times in Counter(text(container.get("name")) for container in found).items():
        if name is not None and times > 1:
            message = f"Container names must be unique, {name!r} appears {times} times"
            yield Refusal(_CLIENT, message, "ecs.container.unique-name")
    for position, container in enumerate(found):
        where = f"container {text(container.get('name')) or position}: "
        for path in _REQUIRED:
            for missing in missing_at(container, path):
                yield Refusal(_CLIENT, f"{where}{missing} must be given", "ecs.container.required")
        for limit in _LIMITS:
            yield from limit.check(container, within=where)
        if fargate:
            for limit in _FARGATE_LIMITS:
                yield from limit.check(container, within=where)
        yield from _port_rules(container, inputs.get("networkMode"), where)
        yield from _log_rules(container, inputs, where, fargate=fargate)
        yield from _unsupported_rules(container, inputs.get("networkMode"), where, fargate=fargate)
        yield from _memory_rules(container, inputs.get("memory"), where, fargate=fargate)
        yield from _dependency_rules(container, found, where)
        yield from _name_rules(container, inputs, where)
    yield from _host_port_rules(found, inputs.get("networkMode"))
    yield from _sum_rules(found, inputs)
    yield from _firelens_rules(found, fargate=fargate)
    yield from _role_rules(found, inputs, fargate=fargate)


_RESERVED_PORTS = (22, 2375, 2376, 51678, 51679, 51680)
"""Source: ECS, PortMapping.hostPort."""


def _host_port_rules(found: list[dict[str, Any]], mode: object) -> Refusals:
    """Refuse a host port that several containers of the task map."""
    host_port_is_container_port = mode in ("awsvpc", "host")
    counts: Counter[tuple[float, str]] = Counter()
    for container in found:
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


def _sum_rules(found: list[dict[str, Any]], inputs: Properties) -> Refusals:
    """Refuse containers that reserve more than their task has, in sum or one by itself.

    Source: ContainerDefinition in the API reference, and ECS's errors in aws/aws-cdk#1553 and
    pulumi/pulumi-awsx#1220.
    """
    cpu, memory = units(inputs.get("cpu"), VCPU), units(inputs.get("memory"), GB)
    cpu_sum = memory_sum = 0.0
    for each in found:
        cpu_sum += number(each.get("cpu")) or 0
        memory_sum += number(each.get("memoryReservation")) or number(each.get("memory")) or 0
    for name, what, rule, total, size in (
        ("cpu", "'cpu'", "ecs.container.cpu-sum", cpu_sum, cpu),
        (
            "memory",
            "'memoryReservation', or else 'memory',",
            "ecs.container.memory-sum",
            memory_sum,
            memory,
        ),
    ):
        if size is not None and total > size:
            message = (
                f"The sum of all container {what} values cannot be greater than the "
                f"value of the task '{name}', got {total:g} of {size}"
            )
            yield Refusal(_CLIENT, message, rule)
    for each in found:
        most = number(each.get("memory"))
        if memory is not None and most is not None and most > memory:
            message = (
                f"The 'memory' setting for container '{each.get('name')}' is greater "
                f"than for the task, got {most:g} of {memory}"
            )
            yield Refusal(_CLIENT, message, "ecs.container.memory-sum")


def _firelens_rules(found: list[dict[str, Any]], *, fargate: bool) -> Refusals:
    """Refuse log routers without containers that use them, and the opposite.

    Sources: ECS's errors in fabfuel/ecs-deploy#164 and pulumi/pulumi-awsx#552; ECS developer
    guide, "Example Amazon ECS task definition: Route logs to FireLens".
    """
    routers, routed = [], []
    for container in found:
        if container.get("firelensConfiguration") is not None:
            routers.append(text(container.get("name")))
            options = block(block(container["firelensConfiguration"]).get("options"))
            if fargate and options.get("config-file-type") == "s3":
                message = (
                    f"container {container.get('name')}: Fargate takes a config-file-type of file "
                    "only, got s3"
                )
                yield Refusal(_CLIENT, message, "ecs.container.firelens-file")
        if block(container.get("logConfiguration")).get("logDriver") == "awsfirelens":
            routed.append(container)
    if len(routers) > 1:
        message = (
            "only one container can have a firelensConfiguration, got "
            f"{', '.join(map(str, routers))}"
        )
        yield Refusal(_CLIENT, message, "ecs.container.firelens-one")
    if routed and not routers:
        message = (
            f"container {routed[0].get('name')}: When awsfirelens log driver is "
            "specified in log configuration, "
            "a firelens configuration object must be configured in one of the containers"
        )
        yield Refusal(_CLIENT, message, "ecs.container.firelens")
    if routers and not routed:
        message = (
            f"container {routers[0]}: When a firelensConfiguration object is specified, "
            "at least one container has to be configured with the awsfirelens log driver"
        )
        yield Refusal(_CLIENT, message, "ecs.container.firelens")


def _port_rules(container: Properties, mode: object, where: str) -> Refusals:
    mappings = blocks(container.get("portMappings"))
    if mode == "none" and mappings:
        yield Refusal(
            _CLIENT, f"{where}network mode none takes no portMappings", "ecs.container.no-ports"
        )
    for mapping in mappings:
        port, host = number(mapping.get("containerPort")), number(mapping.get("hostPort"))
        if mode in ("awsvpc", "host") and host is not None and port is not None and host != port:
            message = (
                f"{where}When networkMode={mode}, the host ports and container ports in "
                "port mappings must match: "
                f"{host:g} and {port:g}"
            )
            yield Refusal(_CLIENT, message, "ecs.container.host-port")
    ports = Counter(number(mapping.get("containerPort")) for mapping in mappings)
    for port, times in ports.items():
        if port is not None and times > 1:
            message = f"{where}container port {port:g} is mapped {times} times"
            yield Refusal(_CLIENT, message, "ecs.container.unique-port")


_MOST_LINES = 536_870_911
"""Source: ECS developer guide, "Configuring Amazon ECS logs for high throughput"."""


def _is_buffer_limit(value: object) -> bool:
    return isinstance(value, str) and value.isdecimal() and int(value) <= _MOST_LINES


def _log_rules(container: Properties, inputs: Properties, where: str, *, fargate: bool) -> Refusals:
    logs = block(container.get("logConfiguration"))
    options = block(logs.get("options"))
    if logs.get("logDriver") == "awsfirelens":
        limit = options.get("log-driver-buffer-limit")
        if limit is not None and not _is_buffer_limit(limit):
            message = (
                f"{where}log-driver-buffer-limit must be text with a number from 0 to "
                f"{_MOST_LINES}, got {show(limit)}"
            )
            yield Refusal(_CLIENT, message, "ecs.container.firelens-buffer")
    if logs.get("logDriver") != "awslogs":
        return
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
    if fargate and not inputs.get("executionRoleArn"):
        message = (
            "Fargate requires task definition to have execution role ARN to support log "
            "driver awslogs."
        )
        yield Refusal(_CLIENT, message, "ecs.task-definition.execution-role")


def _unsupported_rules(
    container: Properties, mode: object, where: str, *, fargate: bool
) -> Refusals:
    """Refuse members that Fargate or the task's network mode doesn't have."""
    if fargate:
        for name in _FARGATE_FORBIDS:
            if any(values_at(container, name)):
                message = f"{where}Fargate doesn't support {name}"
                yield Refusal(_CLIENT, message, "ecs.container.fargate-forbids")
        if "GPU" in values_at(container, "resourceRequirements[].type"):
            message = f"{where}Fargate doesn't support resourceRequirements of type GPU"
            yield Refusal(_CLIENT, message, "ecs.container.fargate-gpu")
    elif mode in ("awsvpc", "host", "none") and container.get("links"):
        message = f"{where}Links are not supported when networkMode={mode}."
        yield Refusal(_CLIENT, message, "ecs.container.links")
    if mode == "awsvpc":
        for name in _AWSVPC_FORBIDS:
            if container.get(name):
                message = f"{where}network mode awsvpc doesn't support {name}"
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
    if memory is not None and reserved is not None and memory <= reserved:
        message = f"{where}memory {memory:g} must be greater than memoryReservation {reserved:g}"
        yield Refusal(_CLIENT, message, "ecs.container.memory-reservation")


def _dependency_rules(container: Properties, found: list[dict[str, Any]], where: str) -> Refusals:
    others = {text(each.get("name")): each for each in found}
    for dependency in blocks(container.get("dependsOn")):
        name, condition = text(dependency.get("containerName")), dependency.get("condition")
        other = others.get(name)
        if other is None or other is container:
            message = f"{where}dependsOn names {name!r}, which is no other container of the task"
            yield Refusal(_CLIENT, message, "ecs.container.depends-on-exists")
        elif condition == "HEALTHY" and not other.get("healthCheck"):
            message = f"{where}dependsOn HEALTHY needs a health check of container {name}"
            yield Refusal(_CLIENT, message, "ecs.container.depends-on-healthy")
        elif condition in ("COMPLETE", "SUCCESS") and other.get("essential", True) is True:
            message = f"{where}dependsOn {condition} needs container {name} not to be essential"
            yield Refusal(_CLIENT, message, "ecs.container.depends-on-essential")


def _name_rules(container: Properties, inputs: Properties, where: str) -> Refusals:
    """Refuse mounts of volumes that don't exist, and secrets whose name is in use."""
    if known(inputs.get("volumes")):
        volumes = texts(values_at(inputs, "volumes[].name"))
        for name in texts(values_at(container, "mountPoints[].sourceVolume")):
            if name not in volumes:
                message = (
                    f"{where}Unknown volume '{name}'; the task has {', '.join(volumes) or 'none'}"
                )
                yield Refusal(_CLIENT, message, "ecs.container.volume")
    secrets = texts(values_at(container, "secrets[].name"))
    names = [*secrets, *texts(values_at(container, "environment[].name"))]
    for name in duplicates(names):
        if name not in secrets:
            continue
        message = (
            f"{where}The secret name must be unique and not shared with any new or "
            "existing environment variables "
            f"set on the container, such as '{name}'."
        )
        yield Refusal(_CLIENT, message, "ecs.container.secret-unique")


def _role_rules(found: list[dict[str, Any]], inputs: Properties, *, fargate: bool) -> Refusals:
    if inputs.get("executionRoleArn"):
        return
    if any(map(_has_secrets, found)):
        message = (
            "When you are specifying container secrets, you must also specify a value for "
            "'executionRoleArn'."
        )
        yield Refusal(_CLIENT, message, "ecs.task-definition.secrets-role")
    if fargate and any(".dkr.ecr." in str(container.get("image")) for container in found):
        message = (
            "Fargate requires task definition to have execution role ARN to support ECR images."
        )
        yield Refusal(_CLIENT, message, "ecs.task-definition.ecr-role")


def _has_secrets(container: Properties) -> bool:
    """Return whether ECS looks up secrets for a container or for its log driver."""
    logs = block(container.get("logConfiguration"))
    return bool(blocks(container.get("secrets")) or blocks(logs.get("secretOptions")))
