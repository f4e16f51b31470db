"""ECS: capacity providers, and their association with clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import is_current
from localaws.catalog.autoscaling import GROUP, has_tag
from localaws.catalog.ec2.network import SUBNET
from localaws.catalog.ecs.capacity_strategies import (
    CAPACITY_PROVIDERS,
    FARGATE_PROVIDERS,
    strategy_limits,
    strategy_rules,
)
from localaws.catalog.ecs.clusters import CLUSTER, cluster_of
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.values import (
    ARN,
    Allowed,
    Limit,
    block,
    exactly_one,
    known,
    matches,
    size,
    text,
    texts,
    within,
    without_none,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

CAPACITY_PROVIDER = "aws:ecs/capacityProvider:CapacityProvider"

MANAGED_TAG = "AmazonECSManaged"
"""The tag by which ECS finds the groups that it scales. It adds the tag itself, but the next update
of a program that doesn't declare it removes it.
"""

_INVALID = "InvalidParameterException"
_PROVIDER_NAME = matches(
    r"(?!aws|ecs|fargate)[0-9A-Za-z_-]{1,255}",
    "1 to 255 letters, digits, underscores and hyphens, not starting with aws, ecs or fargate",
)
_KINDS_OF_PROVIDERS = ("autoScalingGroupProvider", "managedInstancesProvider")


def _scaling_limit(name: str, allowed: Allowed) -> Limit:
    path = f"autoScalingGroupProvider.managedScaling.{name}"
    return Limit(path, allowed, "ecs.capacity-provider.scaling")


def _providers_rules(inputs: Properties) -> Refusals:
    path = "defaultCapacityProviderStrategies"
    providers = inputs.get("capacityProviders")
    yield from strategy_rules(inputs, path)
    for used in texts(values_at(inputs, f"{path}[].capacityProvider")):
        if known(providers) and used not in texts(providers):
            message = (
                f"{path} names {used!r}, which is not in capacityProviders "
                f"({', '.join(texts(providers)) or 'none'}): add it there"
            )
            yield Refusal(_INVALID, message, "ecs.strategy.provider-associated", path)


def _providers_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    for provider in texts(inputs.get("capacityProviders")):
        if provider not in FARGATE_PROVIDERS and account.find(CAPACITY_PROVIDER, provider) is None:
            message = (
                f"The specified capacity provider '{provider}' was not found: create it, or use "
                f"{' or '.join(FARGATE_PROVIDERS)}"
            )
            yield Refusal(
                _INVALID, message, "ecs.cluster-capacity-providers.exists", "capacityProviders"
            )
    if current is not None:
        kept = texts(inputs.get("capacityProviders"))
        for provider in sorted(set(texts(current.inputs.get("capacityProviders"))) - set(kept)):
            yield from _in_use(current, provider, account)


def _providers_deletion_rules(association: Resource, account: Account) -> Refusals:
    """Refuse what the provider does at the deletion: associating the cluster with none."""
    for provider in sorted(texts(association.inputs.get("capacityProviders"))):
        yield from _in_use(association, provider, account)


def _in_use(association: Resource, provider: str, account: Account) -> Refusals:
    """Refuse to remove a capacity provider from a cluster with services that use it."""
    cluster = cluster_of(account, association.inputs.get("clusterName"))
    for service in account.all(SERVICE):
        if cluster_of(account, service.inputs.get("cluster")) != cluster:
            continue
        used = texts(values_at(service.inputs, "capacityProviderStrategies[].capacityProvider"))
        if provider in map(_name, used):
            message = (
                "The specified capacity provider is in use and cannot be removed. "
                f"({provider} by {service.id}: delete that service, or change its strategy, first)"
            )
            yield Refusal(
                "ResourceInUseException",
                message,
                "ecs.cluster-capacity-providers.in-use",
                "capacityProviders",
            )


def _name(provider: str) -> str:
    """Return a capacity provider's name, given its name or its ARN."""
    return provider.rpartition("/")[2]


def _capacity_provider_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _KINDS_OF_PROVIDERS, "ecs.capacity-provider.one-kind")
    group = block(inputs.get("autoScalingGroupProvider"))
    managed = block(inputs.get("managedInstancesProvider"))
    cluster = inputs.get("cluster")
    if managed and cluster is None:
        message = "cluster is required when using managed_instances_provider"
        yield Refusal("InvalidArgument", message, "ecs.capacity-provider.cluster", "cluster")
    if group and cluster not in (None, "", UNKNOWN):
        message = "cluster must not be set when using auto_scaling_group_provider"
        yield Refusal("InvalidArgument", message, "ecs.capacity-provider.cluster", "cluster")
    yield from _protection_rules(group)


def _protection_rules(group: Properties) -> Refusals:
    """Refuse to protect instances from a scale-in that ECS doesn't do."""
    scaling = group.get("managedScaling")
    if group.get("managedTerminationProtection") != "ENABLED" or scaling is UNKNOWN:
        return
    status = block(scaling).get("status")
    if status in (None, "DISABLED"):
        message = (
            "The managed termination protection setting is invalid: it needs managedScaling with "
            f"status ENABLED, got {status}"
        )
        yield Refusal(
            "ClientException",
            message,
            "ecs.capacity-provider.protection",
            "autoScalingGroupProvider",
        )


def _capacity_provider_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    name = inputs.get("name")
    if current is None and account.find(CAPACITY_PROVIDER, name) is not None:
        message = (
            "The specified capacity provider already exists. To change the configuration of an "
            f"existing capacity provider, update the capacity provider. ({name})"
        )
        yield Refusal("ClientException", message, "ecs.capacity-provider.unique", "name")
    settings = block(inputs.get("autoScalingGroupProvider"))
    group = account.find(GROUP, text(settings.get("autoScalingGroupArn")))
    if group is not None:
        yield from _group_rules(settings, group, account, current)


def _group_rules(
    settings: Properties, group: Resource, account: Account, current: Resource | None
) -> Refusals:
    """Refuse an Auto Scaling group with which a capacity provider can't work."""
    property_ = "autoScalingGroupProvider"
    for other in account.all(CAPACITY_PROVIDER):
        used = block(other.inputs.get(property_)).get("autoScalingGroupArn")
        same_group = account.find(GROUP, text(used)) == group
        if same_group and not is_current(other, current):
            message = (
                "The specified Auto Scaling group ARN is already being used by another capacity "
                "provider. Specify a unique Auto Scaling group ARN and try again."
            )
            yield Refusal("ClientException", message, "ecs.capacity-provider.one-group", property_)
    protects = settings.get("managedTerminationProtection") == "ENABLED"
    if protects and group.outputs.get("protectFromScaleIn") is not True:
        message = (
            "The managed termination protection setting for the capacity provider is invalid. To "
            "enable managed termination protection for a capacity provider, the Auto Scaling "
            "group must have instance protection from scale in enabled."
        )
        yield Refusal("ClientException", message, "ecs.capacity-provider.protection", property_)
    scales = block(settings.get("managedScaling")).get("status") != "DISABLED"
    if settings.get("managedScaling") and scales and not has_tag(group.inputs, MANAGED_TAG):
        message = (
            f"declare the tag {MANAGED_TAG} (propagateAtLaunch: true) on the Auto Scaling group "
            f"{group.id}: ECS adds it, the next update of the group would remove it, and without "
            "it ECS can't scale the group"
        )
        yield Refusal("InvalidArgument", message, "ecs.capacity-provider.tag", property_)


def _capacity_provider_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("ecs", f"capacity-provider/{inputs.get('name')}")
    return {"id": arn, "arn": arn}


def _capacity_provider_derived(inputs: Properties) -> Properties:
    """Return an Auto Scaling group's block with ECS's defaults."""
    configured = without_none(block(inputs.get("autoScalingGroupProvider")))
    if not configured:
        return {}
    defaults = {"managedDraining": "ENABLED", "managedTerminationProtection": "DISABLED"}
    scaling = block(configured.get("managedScaling"))
    if scaling:
        # The Terraform provider sends 0, not ECS's default of 300, for a warm-up that isn't set.
        configured["managedScaling"] = {"instanceWarmupPeriod": 0, **scaling}
    return {"autoScalingGroupProvider": {**defaults, **configured}}


def _replaces_capacity_provider(name: str, old: Properties, new: Properties) -> bool:
    """Return whether a change replaces a provider: it does if the group or the kind changes."""
    before, after = block(old.get(name)), block(new.get(name))
    if name == "autoScalingGroupProvider":
        return before.get("autoScalingGroupArn") != after.get("autoScalingGroupArn")
    if name == "managedInstancesProvider":
        return bool(before) != bool(after) or _capacity_option(before) != _capacity_option(after)
    return False


def _capacity_option(managed_instances: Properties) -> object:
    return block(managed_instances.get("instanceLaunchTemplate")).get("capacityOptionType")


TYPES = (
    ResourceType(
        token=CAPACITY_PROVIDERS,
        replaces=frozenset({"clusterName", "region"}),
        unordered=frozenset({"capacityProviders", "defaultCapacityProviderStrategies"}),
        limits=(
            Limit("capacityProviders", size(0, 20), "ecs.strategy.size", _INVALID),
            *strategy_limits("defaultCapacityProviderStrategies"),
        ),
        references=(
            Reference(
                "clusterName",
                CLUSTER,
                "ClusterNotFoundException",
                "ecs.service.cluster-exists",
                "gone",
            ),
            # Fargate's capacity providers aren't resources, so an account rule checks existence.
            Reference(
                "capacityProviders[]",
                CAPACITY_PROVIDER,
                "",
                "ecs.cluster-capacity-providers.exists",
                "held",
            ),
        ),
        rules=_providers_rules,
        account_rules=_providers_account_rules,
        computed=lambda _mint, inputs: {"id": inputs.get("clusterName")},
        deletion_rules=_providers_deletion_rules,
    ),
    ResourceType(
        token=CAPACITY_PROVIDER,
        autoname=AutoName(),
        replaces=frozenset({"name", "cluster", "region"}),
        replaces_if=_replaces_capacity_provider,
        derived=_capacity_provider_derived,
        limits=(
            Limit("name", _PROVIDER_NAME, "ecs.capacity-provider.name"),
            Limit("autoScalingGroupProvider.autoScalingGroupArn", ARN, "ecs.capacity-provider.arn"),
            Limit(
                "managedInstancesProvider.infrastructureRoleArn", ARN, "ecs.capacity-provider.arn"
            ),
            _scaling_limit("instanceWarmupPeriod", within(0, 10000)),
            _scaling_limit("maximumScalingStepSize", within(1, 10000)),
            _scaling_limit("minimumScalingStepSize", within(1, 10000)),
            _scaling_limit("targetCapacity", within(1, 100)),
        ),
        references=(
            Reference(
                "cluster", CLUSTER, "ClusterNotFoundException", "ecs.service.cluster-exists", "held"
            ),
            Reference(
                "autoScalingGroupProvider.autoScalingGroupArn",
                GROUP,
                "ClientException",
                "ecs.capacity-provider.group-exists",
            ),
            Reference(
                "managedInstancesProvider.instanceLaunchTemplate.networkConfiguration.subnets[]",
                SUBNET,
                _INVALID,
                "ecs.service.subnet-exists",
                "held",
            ),
        ),
        rules=_capacity_provider_rules,
        account_rules=_capacity_provider_account_rules,
        computed=_capacity_provider_computed,
        held=("ResourceInUseException", "ecs.capacity-provider.held"),
        # Clusters refer to it by its name.
        import_ids=lambda provider: (provider.id, provider.id.rpartition("/")[2]),
    ),
)
