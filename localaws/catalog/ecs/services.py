"""ECS: services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import Resource, others_with_same
from localaws.catalog.ec2.network import SECURITY_GROUP, SUBNET, vpc_of
from localaws.catalog.ecs.capacity_strategies import (
    CAPACITY_PROVIDERS,
    default_strategy,
    strategy_limits,
    strategy_rules,
    uses_fargate,
)
from localaws.catalog.ecs.clusters import CLUSTER, NAME, cluster_of, namespace_rules
from localaws.catalog.ecs.container_definitions import declared_ports, port_names
from localaws.catalog.ecs.scheduling import (
    default_percents,
    default_rebalancing,
    scheduling_rules,
)
from localaws.catalog.ecs.task_definitions import task_definition_of
from localaws.catalog.elb.listeners import balancers_of
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.servicediscovery import SERVICE as REGISTRY
from localaws.catalog.values import (
    ARN,
    Limit,
    block,
    blocks,
    given,
    known,
    length,
    matches,
    number,
    one_of,
    region_of_arn,
    show,
    size,
    texts,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

SERVICE = "aws:ecs/service:Service"

_INVALID = "InvalidParameterException"
_BALANCERS = "loadBalancers"
_REBALANCING = "availabilityZoneRebalancing"
_STRATEGY = "capacityProviderStrategies"


def _service_rules(inputs: Properties) -> Refusals:
    yield from strategy_rules(inputs, _STRATEGY)
    yield from scheduling_rules(inputs)
    yield from _region_rules(inputs)


def _region_rules(inputs: Properties) -> Refusals:
    """Refuse a cluster or a task definition of another region: ECS has those of its region only.

    Source: the error of ECS in reports of such calls.
    """
    region = inputs.get("region")
    if not isinstance(region, str):
        return
    for name in ("cluster", "taskDefinition"):
        found = region_of_arn(inputs.get(name))
        if found is not None and found != region:
            message = f"Invalid Region in ARN: {inputs[name]}; set {name} to one in {region}"
            yield Refusal(_INVALID, message, "ecs.service.region", name)


def _service_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    cluster = cluster_of(account, inputs.get("cluster"))
    if cluster is None:
        message = (
            f"Cluster not found: {inputs.get('cluster') or 'default'}; set cluster to an existing "
            "one"
        )
        yield Refusal("ClusterNotFoundException", message, "ecs.service.cluster-exists", "cluster")
        return
    yield from _name_rules(inputs, account, cluster, current)
    yield from _vpc_rules(inputs, account)
    yield from _strategy_change_rules(inputs, current)
    yield from _association_rules(inputs, account, cluster)
    yield from _registry_rules(inputs, account)
    connect = block(inputs.get("serviceConnectConfiguration"))
    if connect.get("enabled") is True:
        namespace = connect.get("namespace")
        yield from namespace_rules(account, namespace, "serviceConnectConfiguration")
    if given(inputs, "taskDefinition"):
        yield from _task_definition_rules(inputs, account, current)
    elif block(inputs.get("deploymentController")).get("type") != "EXTERNAL":
        message = (
            "TaskDefinition can not be blank: set taskDefinition, or the deployment controller "
            "EXTERNAL"
        )
        yield Refusal(_INVALID, message, "ecs.service.task-definition-required", "taskDefinition")


def _name_rules(
    inputs: Properties, account: Account, cluster: Resource, current: Resource | None
) -> Refusals:
    """Refuse a name that another service of the cluster has."""
    if not given(inputs, "name"):
        return
    for other in others_with_same(account, SERVICE, inputs, current, "name"):
        if cluster_of(account, other.inputs.get("cluster")) != cluster:
            continue
        if other.id in account.draining:
            message = (
                "Unable to Start a service that is still Draining: deploy again when its tasks "
                "have stopped, or choose another name"
            )
            yield Refusal(_INVALID, message, "ecs.service.draining", "name")
        else:
            message = (
                f"Creation of service was not idempotent: {other.id} exists; choose another name"
            )
            yield Refusal(_INVALID, message, "ecs.service.unique", "name")


def _task_definition_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    """Refuse a task definition that doesn't exist, or doesn't go with the service's inputs."""
    name = inputs["taskDefinition"]
    definition = task_definition_of(account, name)
    if definition is None:
        # A service can be changed after the task definition of its tasks was deregistered.
        if current is None or current.inputs.get("taskDefinition") != name:
            message = f"TaskDefinition not found: {name}"
            yield Refusal(
                "ClientException", message, "ecs.service.task-definition-exists", "taskDefinition"
            )
        return
    chosen = _service_updated(current, inputs) if current else _default_capacity(inputs, account)
    yield from _compatibility_rules({**inputs, **chosen}, definition.inputs, current)
    yield from _container_rules(inputs, definition.inputs)
    yield from _target_group_rules(inputs, definition.inputs, account, current)
    yield from _connect_rules(inputs, definition.inputs)


def _registry_rules(inputs: Properties, account: Account) -> Refusals:
    """Refuse a registry with two ports, or without the port that an SRV record needs.

    Source: ECS's API reference, ServiceRegistry.
    """
    configured = block(inputs.get("serviceRegistries"))
    names = ("containerName", "containerPort")
    of_container = given(configured, *names)
    if len(of_container) == 1 or (of_container and given(configured, "port")):
        message = (
            "serviceRegistries must have containerName with containerPort, or port, or none of them"
        )
        yield Refusal(_INVALID, message, "ecs.service.registry-port", "serviceRegistries")
    registry = account.find(REGISTRY, configured.get("registryArn"))
    if registry is None or of_container or given(configured, "port"):
        return
    records = blocks(block(registry.outputs.get("dnsConfig")).get("dnsRecords"))
    if any(each.get("type") == "SRV" for each in records):
        message = (
            f"serviceRegistries needs port, or containerName with containerPort: {registry.id} has "
            "records of type SRV"
        )
        yield Refusal(_INVALID, message, "ecs.service.registry-port", "serviceRegistries")


def _strategy_change_rules(inputs: Properties, current: Resource | None) -> Refusals:
    """Refuse another strategy without a forced deployment.

    Source: capacityProviderStrategyCustomizeDiff in service.go of the Terraform provider.
    """
    if current is None or not known(inputs.get(_STRATEGY)):
        return
    changes = _strategy(current.inputs) != _strategy(inputs)
    if changes and inputs.get("forceNewDeployment") is not True:
        message = (
            "force_new_deployment should be true when capacity_provider_strategy is being "
            "updated: set forceNewDeployment to true"
        )
        yield Refusal("InvalidArgument", message, "ecs.service.strategy-change", _STRATEGY)


def _strategy(inputs: Properties) -> list[tuple[str, float, float]]:
    """Return a service's strategy without regard to the order of its items."""
    items = []
    for item in blocks(inputs.get(_STRATEGY)):
        base, weight = number(item.get("base")) or 0, number(item.get("weight")) or 0
        items.append((str(item.get("capacityProvider")), base, weight))
    return sorted(items)


def _association_rules(inputs: Properties, account: Account, cluster: Resource) -> Refusals:
    """Refuse capacity providers that aren't associated with the service's cluster."""
    associated = set()
    for association in account.all(CAPACITY_PROVIDERS):
        if account.find(CLUSTER, association.inputs.get("clusterName")) == cluster:
            associated.update(texts(association.inputs.get("capacityProviders")))
    for provider in texts(values_at(inputs, f"{_STRATEGY}[].capacityProvider")):
        if provider.rpartition("/")[2] not in associated:
            message = (
                "The specified capacity provider strategy cannot contain a capacity provider "
                "that is not associated with the cluster. Associate the capacity provider with "
                f"the cluster and try again. (got {provider})"
            )
            yield Refusal(_INVALID, message, "ecs.service.strategy-associated", _STRATEGY)


def _vpc_rules(inputs: Properties, account: Account) -> Refusals:
    network = block(inputs.get("networkConfiguration"))
    vpcs = {vpc_of(account, subnet) for subnet in texts(network.get("subnets"))}
    for identifier in texts(network.get("securityGroups")):
        group = account.find(SECURITY_GROUP, identifier)
        if group:
            vpcs.add(group.outputs.get("vpcId"))
    if len(vpcs) > 1:
        message = (
            "subnets and security groups must be in one VPC, got "
            f"{', '.join(sorted(map(str, vpcs)))}"
        )
        yield Refusal(_INVALID, message, "ecs.service.one-vpc", "networkConfiguration")


def _compatibility_rules(
    inputs: Properties, definition: Properties, current: Resource | None
) -> Refusals:
    """Refuse a task definition with another network mode, capacity or role than a service needs."""
    awsvpc = definition.get("networkMode") == "awsvpc"
    if awsvpc and not inputs.get("networkConfiguration"):
        message = (
            "Network Configuration must be provided when networkMode 'awsvpc' is specified: set "
            "networkConfiguration"
        )
        yield Refusal(_INVALID, message, "ecs.service.network-required", "networkConfiguration")
    if not awsvpc and inputs.get("networkConfiguration"):
        message = (
            "Network Configuration is not valid for the given networkMode of this task "
            "definition: leave networkConfiguration out, or use networkMode awsvpc"
        )
        yield Refusal(_INVALID, message, "ecs.service.network-forbidden", "networkConfiguration")
    compatibilities = texts(definition.get("requiresCompatibilities"))
    if uses_fargate(inputs) and "FARGATE" not in compatibilities:
        message = (
            "Task definition does not support launch_type FARGATE: add FARGATE to its "
            "requiresCompatibilities"
        )
        yield Refusal(_INVALID, message, "ecs.service.compatible", "taskDefinition")
    if inputs.get("enableExecuteCommand") is True and not definition.get("taskRoleArn"):
        operation = "updated" if current else "created"
        message = (
            f"The service couldn't be {operation} because a valid taskRoleArn is not being used. "
            "Specify a valid task role in your task definition and try again"
        )
        yield Refusal(_INVALID, message, "ecs.service.exec-role", "enableExecuteCommand")


def _container_rules(inputs: Properties, definition: Properties) -> Refusals:
    """Refuse load balancing to containers or ports that the task definition doesn't have."""
    ports = declared_ports(definition)
    for balancer in blocks(inputs.get(_BALANCERS)):
        name = balancer.get("containerName")
        port = number(balancer.get("containerPort"))
        if name not in ports:
            message = (
                f"The container {name} does not exist in the task definition; it has "
                f"{', '.join(ports)}"
            )
            yield Refusal(_INVALID, message, "ecs.service.container-exists", _BALANCERS)
        elif port not in ports[name]:
            declared = ", ".join(map(show, ports[name])) or "none"
            message = (
                f"The container {name} did not have a container port {show(port)} defined; it "
                f"declares {declared}"
            )
            yield Refusal(_INVALID, message, "ecs.service.port-exists", _BALANCERS)


def _target_group_rules(
    inputs: Properties, definition: Properties, account: Account, current: Resource | None
) -> Refusals:
    """Refuse target groups with the wrong target type, or without a load balancer.

    An update that leaves them as they are isn't refused, even if their listener is gone.
    """
    if current is not None and current.inputs.get(_BALANCERS) == inputs.get(_BALANCERS):
        return
    mode = definition.get("networkMode") or "bridge"
    for arn in values_at(inputs, f"{_BALANCERS}[].targetGroupArn"):
        group = account.get(TARGET_GROUP, arn)
        if group is None:
            continue
        target_type = group.outputs.get("targetType")
        needed = "ip" if mode == "awsvpc" else "instance"
        if (target_type == "ip") != (needed == "ip"):
            message = (
                f"The provided target group {group.id} has target type {target_type}, which is "
                f"incompatible with the {mode} network mode specified in the task definition; it "
                f"must have target type {needed}"
            )
            yield Refusal(_INVALID, message, "ecs.service.target-type", _BALANCERS)
        if not balancers_of(account, group.id):
            message = (
                f"The target group with targetGroupArn {group.id} does not have an "
                "associated load balancer: create a listener or listener rule that forwards to it "
                "before the service, with dependsOn"
            )
            yield Refusal(_INVALID, message, "ecs.service.target-group-attached", _BALANCERS)


def _connect_rules(inputs: Properties, definition: Properties) -> Refusals:
    """Refuse an endpoint of Service Connect for a port that the task definition doesn't name.

    Source: ECS API reference, `ServiceConnectService`; the message isn't ECS's own.
    """
    connect = block(inputs.get("serviceConnectConfiguration"))
    if connect.get("enabled") is not True or not known(definition.get("containerDefinitions")):
        return
    names = port_names(definition)
    for each in texts(values_at(connect, "services[].portName")):
        if each not in names:
            message = (
                f"serviceConnectConfiguration has portName {each!r}, which no port mapping of the "
                f"task definition has; allowed: {', '.join(names) or 'none'}. Name the port "
                "mapping, or use one of these"
            )
            yield Refusal(_INVALID, message, "ecs.service.port-name", "serviceConnectConfiguration")


def _service_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("ecs", f"service/{_cluster_name(inputs)}/{inputs.get('name')}")
    chosen: dict[str, object] = {"id": arn, "arn": arn, **_default_capacity(inputs, mint.account)}
    default = cluster_of(mint.account, None)
    if not given(inputs, "cluster") and default is not None:
        chosen["cluster"] = default.id
    if not given(inputs, _REBALANCING):
        chosen[_REBALANCING] = default_rebalancing(inputs)
    return chosen


def _cluster_name(inputs: Properties) -> str:
    return str(inputs.get("cluster") or "default").rpartition("/")[2]


def _default_capacity(inputs: Properties, account: Account) -> Properties:
    """Return the cluster's default strategy for a service with neither launch type nor strategy.

    The service keeps it, whatever becomes the cluster's default later.

    Source: ECS's API reference, `capacityProviderStrategy` of CreateService. The provider reads the
    launch type of a service with a strategy as an empty text (resourceServiceRead in service.go).
    """
    if given(inputs, "launchType") or inputs.get(_STRATEGY):
        return {}
    if inputs.get("cluster") is UNKNOWN:
        return {"launchType": UNKNOWN, _STRATEGY: UNKNOWN}
    strategy = default_strategy(account, _cluster_name(inputs))
    return {"launchType": "", _STRATEGY: strategy} if strategy else {}


def _service_derived(inputs: Properties) -> Properties:
    defaults: dict[str, object] = {**default_percents(inputs)}
    defaults["launchType"] = "" if inputs.get(_STRATEGY) else "EC2"
    if inputs.get("launchType") == "FARGATE":
        defaults["platformVersion"] = "LATEST"
    return {name: value for name, value in defaults.items() if not given(inputs, name)}


def _service_updated(service: Resource, inputs: Properties) -> Properties:
    """Return the outputs that an update keeps, because its inputs don't set them.

    The provider sends a scaled service's count only if the input has changed.
    """
    kept: dict[str, object] = {}
    if not given(inputs, _REBALANCING):
        kept[_REBALANCING] = service.outputs.get(_REBALANCING)
    scaled = service.computed.get("desiredCount")
    if scaled is not None and inputs.get("desiredCount") == service.inputs.get("desiredCount"):
        kept["desiredCount"] = scaled
    strategy = service.computed.get(_STRATEGY)
    if strategy and not inputs.get(_STRATEGY):
        kept |= {"launchType": "", _STRATEGY: strategy}
    return kept


def _import_service(service: Resource) -> Sequence[str]:
    return (service.id.partition(":service/")[2],)


_PLATFORM = matches(r"LATEST|1\.[0-4]\.0", "LATEST or a version such as 1.4.0")

TYPES = (
    ResourceType(
        token=SERVICE,
        autoname=AutoName(),
        replaces=frozenset(
            {"name", "cluster", "launchType", "schedulingStrategy", "iamRole", "region"}
        ),
        unordered=frozenset(
            {
                "capacityProviderStrategies",
                "loadBalancers",
                "placementConstraints",
                "networkConfiguration.subnets",
                "networkConfiguration.securityGroups",
            }
        ),
        defaults={
            "desiredCount": 0,
            "schedulingStrategy": "REPLICA",
            "enableEcsManagedTags": False,
            "enableExecuteCommand": False,
            "forceNewDeployment": False,
            "waitForSteadyState": False,
        },
        derived=_service_derived,
        updated=_service_updated,
        limits=(
            Limit("name", NAME, "ecs.service.name", _INVALID),
            Limit("desiredCount", within(0, 5000), "ecs.service.desired-count", _INVALID),
            Limit("launchType", one_of("EC2", "FARGATE", "EXTERNAL"), "ecs.service.launch-type"),
            Limit("schedulingStrategy", one_of("REPLICA", "DAEMON"), "ecs.service.scheduling"),
            Limit(
                "propagateTags",
                one_of("SERVICE", "TASK_DEFINITION", "NONE"),
                "ecs.service.propagate-tags",
            ),
            Limit(_REBALANCING, one_of("ENABLED", "DISABLED"), "ecs.service.rebalancing"),
            Limit("platformVersion", _PLATFORM, "ecs.service.platform", "PlatformUnknownException"),
            Limit("healthCheckGracePeriodSeconds", within(0, 2**31 - 1), "ecs.service.grace"),
            Limit(
                "deploymentMinimumHealthyPercent",
                within(0, 200),
                "ecs.service.minimum-percent",
                _INVALID,
            ),
            Limit(
                "deploymentMaximumPercent",
                within(0, 10000),
                "ecs.service.maximum-percent",
                _INVALID,
            ),
            Limit(
                "deploymentController.type",
                one_of("ECS", "CODE_DEPLOY", "EXTERNAL"),
                "ecs.service.controller",
            ),
            Limit(
                "deploymentConfiguration.strategy",
                one_of("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"),
                "ecs.service.strategy",
            ),
            Limit("alarms.alarmNames[]", length(1, 255), "ecs.service.alarm-name", _INVALID),
            Limit("loadBalancers", size(0, 5), "ecs.service.balancers", _INVALID),
            Limit("loadBalancers[].containerPort", within(0, 65536), "ecs.service.container-port"),
            Limit("loadBalancers[].targetGroupArn", ARN, "ecs.service.target-group-arn"),
            Limit("serviceRegistries.registryArn", ARN, "ecs.service.registry-arn"),
            Limit("networkConfiguration.subnets", size(1, 16), "ecs.service.subnets", _INVALID),
            Limit(
                "networkConfiguration.securityGroups", size(0, 5), "ecs.service.groups", _INVALID
            ),
            Limit("orderedPlacementStrategies", size(0, 5), "ecs.service.placement"),
            Limit(
                "orderedPlacementStrategies[].type",
                one_of("random", "spread", "binpack"),
                "ecs.service.placement",
            ),
            Limit("placementConstraints", size(0, 10), "ecs.service.placement"),
            *strategy_limits(_STRATEGY),
        ),
        references=(
            Reference(
                "cluster", CLUSTER, "ClusterNotFoundException", "ecs.service.cluster-exists", "held"
            ),
            Reference(
                "networkConfiguration.subnets[]",
                SUBNET,
                _INVALID,
                "ecs.service.subnet-exists",
                "held",
            ),
            Reference(
                "networkConfiguration.securityGroups[]",
                SECURITY_GROUP,
                _INVALID,
                "ecs.service.group-exists",
                "held",
            ),
            Reference(
                "loadBalancers[].targetGroupArn",
                TARGET_GROUP,
                _INVALID,
                "ecs.service.target-group-exists",
            ),
            Reference(
                "serviceRegistries.registryArn",
                REGISTRY,
                _INVALID,
                "ecs.service.registry-exists",
                "held",
            ),
        ),
        rules=_service_rules,
        account_rules=_service_account_rules,
        computed=_service_computed,
        import_ids=_import_service,
    ),
)
