"""Services as specifications for the scheduler. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.ecs.capacity_strategies import FARGATE_PROVIDERS
from localaws.catalog.ecs.task_definitions import task_definition_of
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.ec2.placement import Rules, Strategy
from localaws.ecs.instance_capacity import constraints_of
from localaws.ecs.registrations import registries
from localaws.ecs.scheduler.model import (
    Binding,
    Breaker,
    CapacityChoice,
    DeploymentAlarms,
    ServiceRevision,
    ServiceSpec,
    StrategyItem,
    Zone,
)
from localaws.ecs.task_definition import DEFAULT_STOP_TIMEOUT, integer, kept_for_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from localaws.catalog.account import Account, Resource
    from localaws.ecs.scheduler.model import ServiceState

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
    revision = _keep(state.requested, fingerprint) or _revision(service, resources, fingerprint)
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
        minimum_percent=integer(outputs.get("deploymentMinimumHealthyPercent"), 100),
        maximum_percent=integer(outputs.get("deploymentMaximumPercent"), 200),
        grace=integer(outputs.get("healthCheckGracePeriodSeconds"), 0),
        breaker=_breaker(outputs.get("deploymentCircuitBreaker") or {}),
        alarms=_alarms(outputs.get("alarms") or {}),
        rebalances=outputs.get("availabilityZoneRebalancing") == "ENABLED",
        capacity=capacity_of(service),
        revision=revision,
        drain_delays={group: _drain_delay(group, resources) for group in groups},
    )


def completed(state: ServiceState, service: Resource, resources: Account) -> ServiceState:
    """Add what tasks need today to revisions that an earlier version of the local AWS saved.

    Those lack network, sizes or registries. They get the service's own as it is now, and the rest
    of their task definitions where those still exist.
    """

    def complete(revision: ServiceRevision) -> ServiceRevision:
        if "registries" in revision.launch:
            return revision
        definition = task_definition_of(resources, revision.task_definition)
        kept = kept_for_tasks(definition.outputs) if definition else {}
        launch = {
            **_network(service, resources),
            **revision.launch,
            "taskDefinition": {**kept, **revision.launch["taskDefinition"]},
        }
        return replace(revision, launch=launch)

    deployments = [replace(each, revision=complete(each.revision)) for each in state.deployments]
    return replace(
        state,
        requested=state.requested and complete(state.requested),
        completed=state.completed and complete(state.completed),
        deployments=tuple(deployments),
    )


def capacity_of(service: Resource) -> CapacityChoice:
    """Return what tasks run on: by the service's launch type or strategy."""
    cluster = str(service.outputs.get("cluster") or "default").rpartition("/")[2]
    launch = service.outputs.get("launchType")
    strategy = service.outputs.get("capacityProviderStrategies")
    items = tuple(map(_strategy_item, strategy or ()))
    providers = {item.provider for item in items}
    on_fargate = launch == "FARGATE" or not providers.isdisjoint(FARGATE_PROVIDERS)
    return CapacityChoice(
        on_instances=not on_fargate,
        strategy=items,
        cluster=cluster,
        rules=_placement_rules(service.outputs),
    )


def _strategy_item(item: Mapping[str, Any]) -> StrategyItem:
    """Return an item of a strategy; a provider alone needs no weight."""
    return StrategyItem(
        provider=str(item.get("capacityProvider")).rpartition("/")[2],
        base=integer(item.get("base"), 0),
        weight=integer(item.get("weight"), 0),
    )


def _placement_rules(outputs: Mapping[str, Any]) -> Rules:
    strategies = map(_strategy, outputs.get("orderedPlacementStrategies") or ())
    return Rules(strategies=tuple(strategies), constraints=constraints_of(outputs))


def _strategy(described: Mapping[str, Any]) -> Strategy:
    return Strategy(str(described.get("type")), str(described.get("field") or ""))


def _revision(service: Resource, resources: Account, fingerprint: str) -> ServiceRevision:
    outputs = service.outputs
    definition = _task_definition(outputs["taskDefinition"], resources)
    network = outputs.get("networkConfiguration") or {}
    zones = []
    cidrs = {}
    for subnet in network.get("subnets") or ():
        found = resources.get(SUBNET, subnet)
        known = found.outputs if found else {}
        zones.append(Zone(subnet=subnet, name=known.get("availabilityZone", subnet)))
        cidrs[subnet] = known.get("cidrBlock") or _SUBNET_FROM_OUTSIDE
    zones.sort(key=lambda zone: (zone.name, zone.subnet))
    containers = json.loads(definition["containerDefinitions"])
    stop_timeouts = [integer(each.get("stopTimeout"), DEFAULT_STOP_TIMEOUT) for each in containers]
    return ServiceRevision(
        fingerprint=fingerprint,
        task_definition=definition["arn"],
        zones=tuple(zones) or (Zone(subnet="", name=""),),
        bindings=tuple(_bindings(outputs)),
        stop_timeout=max(stop_timeouts),
        launch={
            "taskDefinition": kept_for_tasks(definition),
            "cidrs": cidrs or {"": _SUBNET_FROM_OUTSIDE},
            "region": service.region,
            **_network(service, resources),
        },
    )


def _network(service: Resource, resources: Account) -> dict[str, Any]:
    """Return what a revision keeps of its service's network, registries and cluster."""
    network = service.outputs.get("networkConfiguration") or {}
    vpcs = {}
    for subnet in network.get("subnets") or ():
        found = resources.get(SUBNET, subnet)
        if found:
            vpcs[subnet] = found.outputs.get("vpcId") or ""
    return {
        "network": {
            "vpcs": vpcs,
            "securityGroups": list(network.get("securityGroups") or ()),
            "assignPublicIp": network.get("assignPublicIp") is True,
        },
        "registries": registries(service.outputs),
        "cluster": str(service.outputs.get("cluster") or "default"),
    }


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


def _keep(current: ServiceRevision | None, fingerprint: str) -> ServiceRevision | None:
    """Return the current revision if it covers the fingerprint, and else None."""
    if current is None or not current.covers(fingerprint):
        return None
    if current.fingerprint == fingerprint:
        return current
    return replace(current, fingerprint=fingerprint)


def _fingerprint(outputs: Mapping[str, Any]) -> str:
    """Return a hash that differs when a new deployment is due.

    With forceNewDeployment any change, one of `triggers` included, is due.
    """
    runs = _hash(outputs, _STARTS_A_DEPLOYMENT)
    if not outputs.get("forceNewDeployment"):
        return runs
    forced = _hash(outputs, outputs.keys() - _DEPLOYS_NOT_EVEN_FORCED)
    return f"{runs}+{forced}"


def _hash(outputs: Mapping[str, Any], keys: Iterable[str]) -> str:
    chosen = {key: outputs.get(key) for key in keys}
    document = json.dumps(_unordered(chosen), sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()[:16]


def _unordered(value: object) -> object:
    """Sort all lists within a value: another order of subnets or groups is no change."""
    if isinstance(value, dict):
        return {key: _unordered(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(map(_unordered, value), key=repr)
    return value


def _breaker(block: Mapping[str, Any]) -> Breaker:
    return Breaker(enable=bool(block.get("enable")), rollback=bool(block.get("rollback")))


def _alarms(block: Mapping[str, Any]) -> DeploymentAlarms:
    """Return what watches deployments; alarms that aren't enabled watch nothing."""
    names = block.get("alarmNames") or () if block.get("enable") else ()
    return DeploymentAlarms(names=tuple(sorted(names)), rollback=bool(block.get("rollback")))


def _drain_delay(target_group: str, resources: Account) -> float:
    found = resources.get(TARGET_GROUP, target_group)
    return integer(found.outputs.get("deregistrationDelay") if found else None, DEFAULT_DRAIN_DELAY)
