"""ECS's rules for single members of a container definition, as tables."""

from __future__ import annotations

from localaws.catalog.ecs.clusters import NAME
from localaws.catalog.values import Allowed, Limit, matches, number, one_of, within

_CLIENT = "ClientException"
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


def _instances(kind: type, description: str) -> Allowed:
    return Allowed(description, lambda value: isinstance(value, kind))


_TEXT = _instances(str, "text")
_BOOLEAN = _instances(bool, "true or false")
_LIST = _instances(list, "a list")
_OBJECT = _instances(dict, "an object")

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

REQUIRED = (
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
"""The members that a container definition must have, each if the object around it exists."""


def _limit(path: str, allowed: Allowed, rule: str) -> Limit:
    may_be_secret = path.startswith(("environment", "secrets"))
    return Limit(path, allowed, rule, _CLIENT, hidden=may_be_secret)


LIMITS = (
    *(_limit(path, allowed, "ecs.container.type") for path, allowed in _TYPES),
    _limit("name", NAME, "ecs.container.name"),
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
"""The allowed values of members, wherever the task runs."""

FARGATE_LIMITS = (
    _limit("startTimeout", within(2, 120), "ecs.container.timeout"),
    _limit("stopTimeout", within(2, 120), "ecs.container.timeout"),
    _limit("logConfiguration.logDriver", one_of(*_FARGATE_LOG_DRIVERS), "ecs.container.log-driver"),
    _limit(
        "linuxParameters.capabilities.add[]",
        one_of("SYS_PTRACE"),
        "ecs.container.fargate-capability",
    ),
)
"""The allowed values of members in tasks on Fargate, in addition to `LIMITS`."""

FARGATE_FORBIDS = (
    "links",
    "privileged",
    "dockerSecurityOptions",
    "linuxParameters.devices",
    "linuxParameters.maxSwap",
    "linuxParameters.sharedMemorySize",
    "linuxParameters.swappiness",
)
"""The members that Fargate doesn't support."""

AWSVPC_FORBIDS = ("dnsSearchDomains", "dnsServers", "extraHosts", "hostname")
"""The members that network mode `awsvpc` doesn't support."""
