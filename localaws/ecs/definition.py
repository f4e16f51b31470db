"""Services and task definitions as specifications for scheduler and task runtime. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.ecs.services import CAPACITY_PROVIDERS, FARGATE_PROVIDERS, task_definition_of
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.secretsmanager import part_of_secret
from localaws.ecs.scheduler.model import Binding, Breaker, ServiceRevision, ServiceSpec, Zone
from localaws.ecs.tasks.container_health import arguments
from localaws.ecs.tasks.runtime import (
    Condition,
    ContainerSpec,
    HealthCheck,
    TaskSpec,
    TaskStartError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from localaws.catalog.account import Account, Resource
    from localaws.ecs.scheduler.model import ServiceState

DEFAULT_STOP_TIMEOUT = 30
DEFAULT_DRAIN_DELAY = 300
_SUBNET_FROM_OUTSIDE = "172.31.0.0/20"
"""Block assumed for a subnet that the local AWS doesn't hold: AWS's own default."""

# ECS's UpdateService marks these as starting a deployment; the others only change how the scheduler
# behaves.
_STARTS_A_DEPLOYMENT = (
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "platformVersion",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfiguration",
    "vpcLatticeConfigurations",
)
_DEPLOYS_NOT_EVEN_FORCED = {"tags", "tagsAll"}
"""The provider changes these without UpdateService."""


class MissingTaskDefinitionError(Exception):
    """A service names a task definition that isn't there."""


def service_spec(service: Resource, resources: Account, state: ServiceState) -> ServiceSpec:
    """Return the specification of a service.

    Args:
        service: The service.
        resources: Where the resources are that it names.
        state: Its state: a requested revision outlives its task definition.

    Raises:
        MissingTaskDefinitionError: Its task definition isn't there.
    """
    outputs = service.outputs
    fingerprint = _fingerprint(outputs)
    revision = _still(state.requested, fingerprint) or _revision(service, resources, fingerprint)
    # Tasks of superseded deployments drain too, so their target groups' delays count as long as the
    # groups exist.
    groups = {each.target_group for each in revision.bindings}
    for deployment in state.deployments:
        for each in deployment.revision.bindings:
            if resources.get(TARGET_GROUP, each.target_group):
                groups.add(each.target_group)
    return ServiceSpec(
        arn=service.id,
        name=outputs["name"],
        desired=int(outputs.get("desiredCount") or 0),
        minimum_percent=_integer(outputs.get("deploymentMinimumHealthyPercent"), 100),
        maximum_percent=_integer(outputs.get("deploymentMaximumPercent"), 200),
        grace=_integer(outputs.get("healthCheckGracePeriodSeconds"), 0),
        breaker=_breaker(outputs.get("deploymentCircuitBreaker") or {}),
        rebalances=outputs.get("availabilityZoneRebalancing") == "ENABLED",
        placeable=_on_fargate(service, resources),
        revision=revision,
        drain_delays={group: _drain_delay(group, resources) for group in groups},
    )


def _on_fargate(service: Resource, resources: Account) -> bool:
    """Whether tasks run on Fargate: by launch type or strategy, else by the cluster's default."""
    if strategies := service.inputs.get("capacityProviderStrategies"):
        return any(each.get("capacityProvider") in FARGATE_PROVIDERS for each in strategies)
    launch = service.inputs.get("launchType")
    if launch is not None:
        return bool(launch == "FARGATE")
    cluster = str(service.outputs.get("cluster") or "default").rpartition("/")[2]
    defaults = (
        each.inputs
        for each in resources.all(CAPACITY_PROVIDERS)
        if each.inputs.get("clusterName") == cluster
    )
    return any(each.get("defaultCapacityProviderStrategies") for each in defaults)


def task_spec(
    revision: ServiceRevision,
    task_id: str,
    private_address: str,
    parameters: Callable[[str], str | None],
) -> TaskSpec:
    """What the runtime must start for a task.

    Args:
        revision: What the task's deployment runs.
        task_id: The task's id.
        private_address: Its address in its subnet, which names its host.
        parameters: Values of parameters and secrets by name; None for one that doesn't exist.

    Raises:
        TaskStartError: A parameter is missing.
    """
    definition, region = revision.launch["taskDefinition"], revision.launch["region"]
    containers = json.loads(definition["containerDefinitions"])
    hostname = f"ip-{private_address.replace('.', '-')}.{region}.compute.internal"
    return TaskSpec(
        id=task_id,
        hostname=hostname,
        containers=tuple(_container(each, task_id, region, parameters) for each in containers),
    )


def parameter_name(value_from: str) -> str:
    """The name that a secret's `valueFrom` means: that of a parameter's ARN, else what it says."""
    _, is_parameter, name = value_from.partition(":parameter/")
    return f"/{name}" if is_parameter and value_from.startswith("arn:") else value_from


def _container(
    container: Mapping[str, Any], task_id: str, region: str, parameters: Callable[[str], str | None]
) -> ContainerSpec:
    name = container["name"]
    plain = {
        each["name"]: str(each.get("value", "")) for each in container.get("environment") or ()
    }
    return ContainerSpec(
        name=name,
        image=container["image"],
        command=(*(container.get("entryPoint") or ()), *(container.get("command") or ())),
        environment={
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **plain,
            **_secrets(container.get("secrets") or (), parameters),
        },
        ports=tuple(
            int(each["containerPort"])
            for each in container.get("portMappings") or ()
            if each.get("containerPort") is not None
        ),
        essential=bool(container.get("essential", True)),
        health_check=_health_check(container.get("healthCheck") or {}),
        depends_on={
            each["containerName"]: Condition(each["condition"])
            for each in container.get("dependsOn") or ()
        },
        working_directory=container.get("workingDirectory") or "/",
        log_stream=_log_stream(container.get("logConfiguration") or {}, name, task_id),
    )


def _health_check(block: Mapping[str, Any]) -> HealthCheck | None:
    command = arguments(tuple(block.get("command") or ()))
    seconds = {"interval": "interval", "timeout": "timeout", "startPeriod": "start_period"}
    given = {
        ours: float(block[theirs])
        for theirs, ours in seconds.items()
        if block.get(theirs) is not None
    }
    return (
        HealthCheck(command=command, retries=_integer(block.get("retries"), 3), **given)
        if command
        else None
    )


def _secrets(
    secrets: Sequence[Mapping[str, str]], parameters: Callable[[str], str | None]
) -> dict[str, str]:
    values = {each["name"]: parameters(parameter_name(each["valueFrom"])) for each in secrets}
    missing = sorted(
        parameter_name(each["valueFrom"]) for each in secrets if values[each["name"]] is None
    )
    if missing:
        raise TaskStartError(
            "ResourceInitializationError: unable to pull secrets or registry auth: "
            "execution resource retrieval "
            f"failed: {_not_retrieved(missing, parameters)}"
        )
    return {name: value for name, value in values.items() if value is not None}


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


def _revision(service: Resource, resources: Account, fingerprint: str) -> ServiceRevision:
    outputs = service.outputs
    definition = _task_definition(outputs["taskDefinition"], resources)
    network = outputs.get("networkConfiguration") or {}
    subnets = {subnet: resources.get(SUBNET, subnet) for subnet in network.get("subnets") or ()}
    zones = [
        Zone(subnet=subnet, name=found.outputs["availabilityZone"] if found else subnet)
        for subnet, found in subnets.items()
    ]
    cidrs = {
        subnet: (found.outputs.get("cidrBlock") if found else None) or _SUBNET_FROM_OUTSIDE
        for subnet, found in subnets.items()
    }
    containers = json.loads(definition["containerDefinitions"])
    return ServiceRevision(
        fingerprint=fingerprint,
        task_definition=definition["arn"],
        zones=tuple(sorted(zones, key=lambda zone: (zone.name, zone.subnet)))
        or (Zone(subnet="", name=""),),
        bindings=tuple(_bindings(outputs)),
        stop_timeout=max(
            _integer(each.get("stopTimeout"), DEFAULT_STOP_TIMEOUT) for each in containers
        ),
        launch={
            "taskDefinition": {
                key: definition[key] for key in ("arn", "family", "containerDefinitions")
            },
            "cidrs": cidrs or {"": _SUBNET_FROM_OUTSIDE},
            "region": service.region,
        },
    )


def _bindings(outputs: Mapping[str, Any]) -> Iterator[Binding]:
    for each in outputs.get("loadBalancers") or ():
        if each.get("targetGroupArn"):
            yield Binding(
                target_group=each["targetGroupArn"],
                container=each["containerName"],
                port=int(each["containerPort"]),
            )


def _task_definition(named: str, resources: Account) -> Mapping[str, Any]:
    """Return the outputs of a task definition by ARN, `family:revision` or family."""
    found = task_definition_of(resources, named)
    if found is None:
        raise MissingTaskDefinitionError(
            f"Unable to describe task definition {named}: it doesn't exist"
        )
    return found.outputs


def _still(current: ServiceRevision | None, fingerprint: str) -> ServiceRevision | None:
    """Return the current revision if it covers the fingerprint, forced or not any more."""
    if current is None or not current.covers(fingerprint):
        return None
    return (
        current if current.fingerprint == fingerprint else replace(current, fingerprint=fingerprint)
    )


def _fingerprint(outputs: Mapping[str, Any]) -> str:
    """Return a hash that differs when a new deployment is due.

    With forceNewDeployment any change, one of `triggers` included, is due.
    """
    runs = _hash({key: outputs.get(key) for key in _STARTS_A_DEPLOYMENT})
    if not outputs.get("forceNewDeployment"):
        return runs
    return (
        f"{runs}+{_hash({key: outputs[key] for key in outputs.keys() - _DEPLOYS_NOT_EVEN_FORCED})}"
    )


def _hash(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(_unordered(parts), sort_keys=True).encode()).hexdigest()[:16]


def _unordered(value: object) -> object:
    """Sort all lists within a value: another order of subnets or groups is no change."""
    if isinstance(value, dict):
        return {key: _unordered(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(map(_unordered, value), key=repr)
    return value


def _breaker(block: Mapping[str, Any]) -> Breaker:
    return Breaker(enable=bool(block.get("enable")), rollback=bool(block.get("rollback")))


def _drain_delay(target_group: str, resources: Account) -> float:
    found = resources.get(TARGET_GROUP, target_group)
    return _integer(
        found.outputs.get("deregistrationDelay") if found else None, DEFAULT_DRAIN_DELAY
    )


def _integer(value: object, default: int) -> int:
    """A number that Pulumi may bring as integer, float or string."""
    return default if value is None or value == "" else int(float(str(value)))
