"""Read Auto Scaling groups and their capacity providers from the account's records. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.autoscaling import GROUP, template_of
from localaws.catalog.ec2.launch_templates import security_groups_of
from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.ecs.capacity_providers import CAPACITY_PROVIDER
from localaws.catalog.values import block, blocks, number, text, texts
from localaws.ec2.fleet import Group, ManagedScaling, Refresh, Template
from localaws.ec2.host_ports import port_range
from localaws.ec2.instance_types import UnknownInstanceTypeError, instance_type
from localaws.ecs.registration import (
    DEFAULT_CLUSTER,
    agent_settings,
    why_not_registered,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.catalog.account import Account, Resource
    from localaws.catalog.properties import Properties


def problem_of(record: Resource, account: Account) -> str:
    """Return why a group can launch nothing here though AWS would; empty if it can."""
    inputs = record.inputs
    if not texts(inputs.get("vpcZoneIdentifiers")):
        return "the local AWS launches instances in subnets only: set vpcZoneIdentifiers"
    template = template_of(account, inputs)
    if template is None:
        return (
            "the local AWS launches instances from a launch template only: set launchTemplate, not "
            "launchConfiguration or mixedInstancesPolicy"
        )
    kind = text(template.outputs.get("instanceType"))
    if not kind:
        return "the local AWS launches instances of one type only: set the template's instanceType"
    try:
        instance_type(kind)
        port_range(agent_settings(template.outputs).get("ECS_DYNAMIC_HOST_PORT_RANGE", ""))
        reserve = agent_settings(template.outputs).get("ECS_RESERVED_MEMORY", "0")
        if not reserve.isdecimal():
            return f"ECS_RESERVED_MEMORY={reserve}; allowed: MiB, such as 64"
    except (UnknownInstanceTypeError, ValueError) as error:
        return str(error)
    return ""


def groups(account: Account) -> Iterator[Group]:
    """Yield the account's groups, but for those that can launch nothing here."""
    for record in account.all(GROUP):
        if not problem_of(record, account):
            yield _group(record, account)


def _group(record: Resource, account: Account) -> Group:
    inputs = record.outputs
    template = template_of(account, record.inputs)
    assert template is not None, "`problem_of` has checked it"
    subnets = texts(record.inputs.get("vpcZoneIdentifiers"))
    is_public = {each: _is_public(template.outputs, account, each) for each in subnets}
    provider = _provider_of(record, account)
    settings = block(provider.outputs.get("autoScalingGroupProvider")) if provider else {}
    return Group(
        name=record.id,
        minimum=int(number(inputs.get("minSize")) or 0),
        maximum=int(number(inputs.get("maxSize")) or 0),
        subnets=tuple((each, _zone(account, each)) for each in subnets),
        template=_template(template, record, public=any(is_public.values())),
        why_not_registered=why_not_registered(
            template.outputs, subnets, account, public=all(is_public.values())
        ),
        desired=_desired(record.inputs),
        provider=str(provider.outputs.get("name")) if provider else "",
        scaling=_scaling(settings),
        protects=inputs.get("protectFromScaleIn") is True,
        termination_protection=settings.get("managedTerminationProtection") == "ENABLED",
        managed_draining=settings.get("managedDraining") == "ENABLED",
        refresh=_refresh(inputs),
        deleted=record.id in account.draining,
        forced=inputs.get("forceDelete") is True,
    )


def _desired(inputs: Properties) -> int | None:
    declared = number(inputs.get("desiredCapacity"))
    return None if declared is None else int(declared)


def _zone(account: Account, subnet: str) -> str:
    found = account.get(SUBNET, subnet)
    return str(found.outputs.get("availabilityZone")) if found else subnet


def _is_public(template: Properties, account: Account, subnet: str) -> bool:
    """Whether an instance has a public address: as its template says, else as its subnet does."""
    for interface in blocks(template.get("networkInterfaces")):
        chosen = text(interface.get("associatePublicIpAddress"))
        if chosen:
            return chosen == "true"
    found = account.get(SUBNET, subnet)
    return found is not None and found.outputs.get("mapPublicIpOnLaunch") is True


def _template(template: Resource, group: Resource, *, public: bool) -> Template:
    settings = agent_settings(template.outputs)
    kind = instance_type(str(template.outputs.get("instanceType")))
    return Template(
        version=f"{template.id}:{_version(template, block(group.inputs.get('launchTemplate')))}",
        instance_type=kind.name,
        cpu=kind.cpu_units,
        memory=kind.memory_mib - int(settings.get("ECS_RESERVED_MEMORY") or 0),
        architecture=kind.architecture,
        cluster=settings.get("ECS_CLUSTER") or DEFAULT_CLUSTER,
        security_groups=tuple(security_groups_of(template.outputs)),
        ports=port_range(settings.get("ECS_DYNAMIC_HOST_PORT_RANGE", "")),
        public=public,
    )


def _version(template: Resource, chosen: Properties) -> int:
    """Return the number of the version that a group names."""
    wanted = str(chosen.get("version") or "$Default")
    latest = int(number(template.computed.get("latestVersion")) or 1)
    if wanted == "$Latest":
        return latest
    if wanted == "$Default":
        return int(number(template.computed.get("defaultVersion")) or 1)
    return int(float(wanted))


def _provider_of(group: Resource, account: Account) -> Resource | None:
    """Return the capacity provider that a group belongs to."""
    for each in account.all(CAPACITY_PROVIDER):
        settings = block(each.outputs.get("autoScalingGroupProvider"))
        if account.find(GROUP, text(settings.get("autoScalingGroupArn"))) == group:
            return each
    return None


def _scaling(provider: Properties) -> ManagedScaling | None:
    """Return how a provider scales; None where it doesn't."""
    block_ = block(provider.get("managedScaling"))
    if not block_ or block_.get("status") == "DISABLED":
        return None
    return ManagedScaling(
        target=int(number(block_.get("targetCapacity")) or 100),
        minimum_step=int(number(block_.get("minimumScalingStepSize")) or 1),
        maximum_step=int(number(block_.get("maximumScalingStepSize")) or 10000),
        warm_up=number(block_.get("instanceWarmupPeriod")) or 0,
    )


def _refresh(inputs: Properties) -> Refresh | None:
    configured = block(inputs.get("instanceRefresh"))
    if not configured:
        return None
    preferences = block(configured.get("preferences"))
    least = number(preferences.get("minHealthyPercentage"))
    return Refresh(
        minimum_healthy_percent=90 if least is None else int(least),
        maximum_healthy_percent=int(number(preferences.get("maxHealthyPercentage")) or 100),
        protected=text(preferences.get("scaleInProtectedInstances")) or "Ignore",
    )
