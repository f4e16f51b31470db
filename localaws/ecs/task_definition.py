"""Task definitions as specifications for the task runtime. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localaws.catalog.ecs.fargate_sizes import GB, VCPU, units
from localaws.catalog.secretsmanager import part_of_secret
from localaws.ecs import firelens
from localaws.ecs.tasks.container_health import arguments
from localaws.ecs.tasks.runtime import (
    Condition,
    ContainerSpec,
    HealthCheck,
    MountPoint,
    TaskNetwork,
    TaskSpec,
    TaskStartError,
    Ulimit,
)
from localaws.machine.root_file_system import SHARED_MEMORY, TemporaryFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from localaws.ecs.scheduler.model import ServiceRevision

DEFAULT_STOP_TIMEOUT = 30

_KEPT = (
    "arn",
    "family",
    "revision",
    "containerDefinitions",
    "cpu",
    "memory",
    "runtimePlatform",
    "taskRoleArn",
    "volumes",
    "networkMode",
    "placementConstraints",
)
"""What a task's start reads of its task definition."""

_SHORT_ID = 12
_PROCESSORS = {"X86_64": "amd64", "ARM64": "arm64"}
"""Processors by ECS's names, as registries name them."""


def kept_for_tasks(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a revision keeps of its task definition, which its tasks may outlive."""
    return {key: definition[key] for key in _KEPT if definition.get(key) is not None}


def task_spec(
    revision: ServiceRevision,
    task_id: str,
    subnet: str,
    private_address: str,
    parameters: Callable[[str], str | None],
    *,
    instance: str = "",
) -> TaskSpec:
    """Return what the runtime must start for a task.

    Args:
        revision: What the task's deployment runs.
        task_id: The task's id.
        subnet: The subnet that it is placed in.
        private_address: Its address in its subnet, which names its host.
        parameters: Values of parameters and secrets by name; None for one that doesn't exist.
        instance: The id of its EC2 instance, where it has no address in a subnet.

    Raises:
        TaskStartError: A parameter is missing, or the instance can't do what it needs.
    """
    launch = revision.launch
    definition, region = launch["taskDefinition"], launch["region"]
    containers = json.loads(definition["containerDefinitions"])
    mounts = {each["name"]: _mounts(each) for each in containers}
    network = launch.get("network") or {}
    platform = definition.get("runtimePlatform") or {}
    described: list[ContainerSpec] = []
    for each in containers:
        spec = _container(each, _all_mounts(each, mounts), task_id, region, parameters)
        described.append(_on_bridge(spec, each, task_id) if instance else spec)
    secrets = _routed_secrets(containers, parameters)
    return TaskSpec(
        id=task_id,
        hostname=f"ip-{private_address.replace('.', '-')}.{region}.compute.internal",
        containers=firelens.connected(described, containers, secrets),
        instance=instance,
        network=TaskNetwork(
            vpc=str((network.get("vpcs") or {}).get(subnet, "")),
            subnet=subnet,
            address=private_address,
            security_groups=tuple(network.get("securityGroups") or ()),
            assign_public_address=bool(network.get("assignPublicIp")),
        ),
        platform=f"linux/{_PROCESSORS[platform.get('cpuArchitecture') or 'X86_64']}",
        cpu=units(definition.get("cpu"), VCPU),
        memory=units(definition.get("memory"), GB),
        cluster=str(launch.get("cluster") or "default"),
        family=str(definition.get("family") or ""),
        revision=str(definition.get("revision") or ""),
        role=str(definition.get("taskRoleArn") or ""),
    )


def parameter_name(value_from: str) -> str:
    """Return the name of a secret's `valueFrom`: a parameter's, of its ARN, else the whole text."""
    _, is_parameter, name = value_from.partition(":parameter/")
    return f"/{name}" if is_parameter and value_from.startswith("arn:") else value_from


def integer(value: object, default: int) -> int:
    """Return a number that Pulumi may bring as integer, float or string."""
    return default if value is None or value == "" else int(float(str(value)))


def _container(
    container: Mapping[str, Any],
    mounts: tuple[MountPoint, ...],
    task_id: str,
    region: str,
    parameters: Callable[[str], str | None],
) -> ContainerSpec:
    name = container["name"]
    environment = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    for each in container.get("environment") or ():
        environment[each["name"]] = str(each.get("value", ""))
    environment |= _secrets(container.get("secrets") or (), parameters)
    depends_on = {}
    for each in container.get("dependsOn") or ():
        depends_on[each["containerName"]] = Condition(each["condition"])
    linux = container.get("linuxParameters") or {}
    capabilities = linux.get("capabilities") or {}
    return ContainerSpec(
        name=name,
        image=container["image"],
        entry_point=tuple(container.get("entryPoint") or ()),
        command=tuple(container.get("command") or ()),
        environment=environment,
        ports=tuple(_ports(container)),
        essential=bool(container.get("essential", True)),
        health_check=_health_check(container.get("healthCheck") or {}),
        depends_on=depends_on,
        working_directory=container.get("workingDirectory") or "",
        user=container.get("user") or "",
        read_only=bool(container.get("readonlyRootFilesystem")),
        mounts=mounts,
        temporary=tuple(map(_temporary, linux.get("tmpfs") or ())),
        shared_memory=integer(linux.get("sharedMemorySize"), 0) or SHARED_MEMORY,
        added_capabilities=frozenset(capabilities.get("add") or ()),
        dropped_capabilities=frozenset(capabilities.get("drop") or ()),
        ulimits=tuple(map(_ulimit, container.get("ulimits") or ())),
        init=bool(linux.get("initProcessEnabled")),
        stop_timeout=integer(container.get("stopTimeout"), DEFAULT_STOP_TIMEOUT),
        cpu=integer(container.get("cpu"), 0) or None,
        memory=integer(container.get("memory"), 0) or None,
        labels=container.get("dockerLabels") or {},
        log_stream=_log_stream(container.get("logConfiguration") or {}, name, task_id),
    )


def _routed_secrets(
    containers: Sequence[Mapping[str, Any]], parameters: Callable[[str], str | None]
) -> dict[str, dict[str, str]]:
    """Return the values of secret options of awsfirelens, by container and option."""
    found = {}
    for container in containers:
        logs = container.get("logConfiguration") or {}
        if logs.get("logDriver") == firelens.DRIVER:
            found[container["name"]] = _secrets(logs.get("secretOptions") or (), parameters)
    return found


def _on_bridge(spec: ContainerSpec, container: Mapping[str, Any], task_id: str) -> ContainerSpec:
    """Return a container as it is in network mode `bridge`: with a host's name and ports."""
    ports = {}
    for each in container.get("portMappings") or ():
        if each.get("protocol") == "udp" or each.get("containerPort") is None:
            raise TaskStartError(
                "CannotStartContainerError: local AWS: instances forward single TCP ports only, "
                f"and container {spec.name} maps another: {json.dumps(each)}"
            )
        ports[int(each["containerPort"])] = integer(each.get("hostPort"), 0)
    hostname = container.get("hostname") or container_id(task_id, spec.name)[:_SHORT_ID]
    return replace(spec, host_ports=ports, hostname=hostname)


def container_id(task_id: str, container: str) -> str:
    """Return the id of a container on an instance, 64 hexadecimal digits as Docker's.

    It is made of what it belongs to. Docker names the container's host by its first twelve.
    """
    return hashlib.sha256(f"{task_id}/{container}".encode()).hexdigest()


def _ports(container: Mapping[str, Any]) -> Iterator[int]:
    for mapping in container.get("portMappings") or ():
        if mapping.get("containerPort") is not None:
            yield int(mapping["containerPort"])


def _ulimit(described: Mapping[str, Any]) -> Ulimit:
    soft, hard = int(described["softLimit"]), int(described["hardLimit"])
    return Ulimit(name=described["name"], soft=soft, hard=hard)


def _temporary(described: Mapping[str, Any]) -> TemporaryFolder:
    options = tuple(described.get("mountOptions") or ())
    return TemporaryFolder(described["containerPath"], int(described["size"]), options)


def _mounts(container: Mapping[str, Any]) -> tuple[MountPoint, ...]:
    found: list[MountPoint] = []
    for each in container.get("mountPoints") or ():
        volume, path = each.get("sourceVolume"), each.get("containerPath")
        if volume and path:
            mount = MountPoint(volume=volume, path=path, read_only=bool(each.get("readOnly")))
            found.append(mount)
    return tuple(found)


def _all_mounts(
    container: Mapping[str, Any], mounts: Mapping[str, tuple[MountPoint, ...]]
) -> tuple[MountPoint, ...]:
    """Return a container's mount points, and those of other containers (`volumesFrom`)."""
    found = {each.path: each for each in mounts[container["name"]]}
    for source in container.get("volumesFrom") or ():
        for each in mounts.get(source.get("sourceContainer"), ()):
            read_only = each.read_only or bool(source.get("readOnly"))
            found.setdefault(each.path, replace(each, read_only=read_only))
    return tuple(found.values())


def _health_check(block: Mapping[str, Any]) -> HealthCheck | None:
    command = arguments(tuple(block.get("command") or ()))
    if not command:
        return None
    check = HealthCheck(command=command, retries=integer(block.get("retries"), 3))
    if block.get("interval") is not None:
        check = replace(check, interval=float(block["interval"]))
    if block.get("timeout") is not None:
        check = replace(check, timeout=float(block["timeout"]))
    if block.get("startPeriod") is not None:
        check = replace(check, start_period=float(block["startPeriod"]))
    return check


def _secrets(
    secrets: Sequence[Mapping[str, str]], parameters: Callable[[str], str | None]
) -> dict[str, str]:
    values = {}
    missing = []
    for each in secrets:
        source = parameter_name(each["valueFrom"])
        value = parameters(source)
        if value is None:
            missing.append(source)
        else:
            values[each["name"]] = value
    if missing:
        raise TaskStartError(
            "ResourceInitializationError: unable to pull secrets or registry auth: "
            "execution resource retrieval "
            f"failed: {_not_retrieved(sorted(missing), parameters)}"
        )
    return values


def _not_retrieved(missing: Sequence[str], parameters: Callable[[str], str | None]) -> str:
    """Return ECS's error for secrets without a value.

    ECS requests parameters in one call, and names all missing ones; Secrets Manager's one by one,
    and stops at the first.
    """
    unknown = [each for each in missing if ":secretsmanager:" not in each]
    retried = "service call has been retried 1 time(s)"
    if unknown:
        return (
            f"unable to retrieve secrets from ssm: {retried}: invalid parameters: "
            f"{', '.join(unknown)}"
        )
    arn, key, stage, version = part_of_secret(missing[0])
    versioned = f"{arn}::{stage}:{version}" if stage or version else arn
    if key and parameters(versioned) is not None:
        why = f"retrieved secret from Secrets Manager did not contain json key {key}"
    elif parameters(arn) is not None:
        which = f"VersionId: {version}" if version else f"staging label: {stage}"
        why = (
            f"failed to fetch secret {arn} from secrets manager: "
            "ResourceNotFoundException: Secrets Manager can't find the specified secret "
            f"value for {which}"
        )
    else:
        why = (
            f"failed to fetch secret {arn} from secrets manager: "
            "ResourceNotFoundException: Secrets Manager can't find the specified secret."
        )
    return f"unable to retrieve secret from asm: {retried}: {why}"


def _log_stream(configuration: Mapping[str, Any], container: str, task_id: str) -> str | None:
    options = configuration.get("options") or {}
    if configuration.get("logDriver") != "awslogs" or "awslogs-group" not in options:
        return None
    prefix = options.get("awslogs-stream-prefix")
    stream = f"{prefix}/{container}/{task_id}" if prefix else task_id
    return f"{options['awslogs-group']}/{stream}"
