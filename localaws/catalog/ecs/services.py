"""ECS: clusters, task definitions, services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import Resource, namesakes
from localaws.catalog.ec2.network import SECURITY_GROUP, SUBNET, vpc_of
from localaws.catalog.ecs.container_definitions import (
    TASK_DEFINITION,
    container_rules,
    declared_ports,
    port_names,
)
from localaws.catalog.ecs.fargate_sizes import size_rules
from localaws.catalog.elb.listeners import balancers_of
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, AutoName, Idempotent, Reference, ResourceType
from localaws.catalog.servicediscovery import SERVICE as REGISTRY
from localaws.catalog.servicediscovery import namespace_of
from localaws.catalog.values import (
    ARN,
    Limit,
    block,
    blocks,
    duplicates,
    given,
    known,
    length,
    matches,
    number,
    one_of,
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

CLUSTER = "aws:ecs/cluster:Cluster"
CAPACITY_PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
SERVICE = "aws:ecs/service:Service"
CAPACITY_PROVIDER = "aws:ecs/capacityProvider:CapacityProvider"

_INVALID = "InvalidParameterException"
FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
_NAME = matches(r"[0-9A-Za-z_-]{1,255}", "1 to 255 letters, digits, underscores and hyphens")


def _cluster_rules(inputs: Properties) -> Refusals:
    command = block(block(inputs.get("configuration")).get("executeCommandConfiguration"))
    if command.get("logging") == "OVERRIDE" and command.get("logConfiguration") is None:
        message = "executeCommandConfiguration.logging OVERRIDE needs a logConfiguration"
        yield Refusal(_INVALID, message, "ecs.cluster.exec-override", "configuration")


def _cluster_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("ecs", f"cluster/{inputs.get('name')}")
    return {"id": arn, "arn": arn}


def strategy_limits(path: str) -> tuple[Limit, ...]:
    """Return the limits of a capacity provider strategy at a path."""
    return (
        Limit(path, size(0, 20), "ecs.strategy.size", _INVALID),
        Limit(f"{path}[].base", within(0, 100000), "ecs.strategy.range"),
        Limit(f"{path}[].weight", within(0, 1000), "ecs.strategy.range"),
    )


def strategy_rules(inputs: Properties, path: str) -> Refusals:
    """Refuse a capacity provider strategy at a path by which ECS couldn't choose a provider."""
    items = blocks(inputs.get(path))
    if not items or not known(inputs[path]):
        return
    if len([item for item in items if (number(item.get("base")) or 0) > 0]) > 1:
        yield Refusal(
            _INVALID,
            f"{path}: only one item may have a base above 0",
            "ecs.strategy.one-base",
            path,
        )
    if len(items) > 1 and not any(number(item.get("weight")) for item in items):
        yield Refusal(
            _INVALID,
            f"{path}: at least one item needs a weight above 0",
            "ecs.strategy.weight",
            path,
        )
    providers = [item.get("capacityProvider") for item in items]
    of_fargate = [provider for provider in providers if provider in FARGATE_PROVIDERS]
    if 0 < len(of_fargate) < len(providers):
        message = f"{path}: a strategy has Fargate's capacity providers or others, not both"
        yield Refusal(_INVALID, message, "ecs.strategy.one-kind", path)


def uses_fargate(inputs: Properties) -> bool:
    """Return whether a service asks for Fargate, by its launch type or its strategy.

    A service with neither uses the default strategy of its cluster, which isn't looked up here.
    """
    providers = values_at(inputs, "capacityProviderStrategies[].capacityProvider")
    return inputs.get("launchType") == "FARGATE" or any(
        provider in FARGATE_PROVIDERS for provider in providers
    )


def _task_definition_rules(inputs: Properties) -> Refusals:
    yield from size_rules(inputs)
    fargate = "FARGATE" in texts(inputs.get("requiresCompatibilities"))
    mode = inputs.get("networkMode")
    if fargate and mode not in ("awsvpc", UNKNOWN):
        message = f"Fargate only supports network mode 'awsvpc', got {mode!r}"
        yield Refusal(
            "ClientException", message, "ecs.task-definition.fargate-network", "networkMode"
        )
    if fargate:
        yield from _fargate_rules(inputs)
    elif given(inputs, "ephemeralStorage") and known(inputs.get("requiresCompatibilities")):
        message = "ephemeralStorage is for Fargate only"
        yield Refusal(
            "ClientException", message, "ecs.task-definition.ephemeral-fargate", "ephemeralStorage"
        )
    names = texts(values_at(inputs, "volumes[].name"))
    for name in duplicates(names):
        message = f"Volume names must be unique, {name!r} appears {names.count(name)} times"
        yield Refusal("ClientException", message, "ecs.task-definition.volume-unique", "volumes")
    yield from _file_system_rules(inputs)
    yield from container_rules(inputs, fargate=fargate)


def _fargate_rules(inputs: Properties) -> Refusals:
    forbidden = []
    if inputs.get("placementConstraints"):
        forbidden.append(("placementConstraints", "have placement constraints"))
    if inputs.get("ipcMode"):
        forbidden.append(("ipcMode", "have an IPC mode"))
    if inputs.get("pidMode") == "host":
        forbidden.append(("pidMode", "have their host's processes"))
    for volume in blocks(inputs.get("volumes")):
        if volume.get("hostPath") or volume.get("dockerVolumeConfiguration"):
            forbidden.append(("volumes", "use host paths or docker volumes"))
            break
    for name, what in forbidden:
        message = f"Fargate task definitions can't {what}"
        yield Refusal("ClientException", message, "ecs.task-definition.fargate-forbids", name)


def _file_system_rules(inputs: Properties) -> Refusals:
    """Refuse volumes on EFS that contradict their access point or IAM authorization.

    Source: `EFSAuthorizationConfig` in the ECS API reference.
    """
    for efs in blocks(values_at(inputs, "volumes[].efsVolumeConfiguration")):
        authorization = efs.get("authorizationConfig")
        if not isinstance(authorization, dict):
            continue
        access_point = authorization.get("accessPointId")
        encrypted = efs.get("transitEncryption") in ("ENABLED", UNKNOWN)
        if (access_point or authorization.get("iam") == "ENABLED") and not encrypted:
            message = (
                "transitEncryption must be ENABLED for an EFS volume with an access point or "
                "IAM authorization"
            )
            yield Refusal(
                "ClientException", message, "ecs.task-definition.efs-encryption", "volumes"
            )
        root = efs.get("rootDirectory")
        if access_point and root not in (None, "", "/", UNKNOWN):
            message = (
                "When using an EFS access point, the root directory must either be set "
                "to '/' or be omitted, "
                f"got {root!r}"
            )
            yield Refusal("ClientException", message, "ecs.task-definition.efs-root", "volumes")


def _task_definition_computed(mint: Mint, inputs: Properties) -> Properties:
    family = inputs.get("family")
    without_revision = mint.arn("ecs", f"task-definition/{family}")
    revision = mint.count(f"{mint.region}/task-definition/{family}")
    arn = f"{without_revision}:{revision}"
    return {"id": arn, "arn": arn, "arnWithoutRevision": without_revision, "revision": revision}


def task_definition_of(account: Account, name: object) -> Resource | None:
    """Return the task definition with an ARN or `family:revision`, or the newest of a family."""
    family, _, wanted = str(name).rpartition("/")[2].partition(":")
    revisions = {}
    for each in account.where(TASK_DEFINITION, "family", family):
        revision = int(each.outputs["revision"])
        if wanted in ("", str(revision)):
            revisions[revision] = each
    return revisions[max(revisions)] if revisions else None


def cluster_of(account: Account, name: object) -> Resource | None:
    """Return the cluster with an ARN or name; None means the cluster called `default`."""
    return account.find(CLUSTER, "default" if name is None else name)


_BALANCERS = "loadBalancers"


def _service_rules(inputs: Properties) -> Refusals:
    yield from strategy_rules(inputs, "capacityProviderStrategies")
    yield from _deployment_rules(inputs)
    yield from _launch_rules(inputs)
    if given(inputs, "healthCheckGracePeriodSeconds") and not inputs.get(_BALANCERS):
        message = (
            "Health check grace period is only valid for services configured to use load balancers"
        )
        yield Refusal(
            _INVALID, message, "ecs.service.grace-needs-balancer", "healthCheckGracePeriodSeconds"
        )


def _deployment_rules(inputs: Properties) -> Refusals:
    daemon = inputs.get("schedulingStrategy") == "DAEMON"
    minimum = _percent(inputs, "deploymentMinimumHealthyPercent", 0.0 if daemon else 100.0)
    maximum = _percent(inputs, "deploymentMaximumPercent", 100.0 if daemon else 200.0)
    if maximum is not None and not daemon:
        if maximum < 100:  # noqa: PLR2004 — percent
            message = f"deploymentMaximumPercent must be at least 100, got {maximum:g}"
            yield Refusal(
                _INVALID, message, "ecs.service.maximum-percent", "deploymentMaximumPercent"
            )
        elif minimum is not None and maximum <= minimum:
            message = (
                f"deploymentMaximumPercent {maximum:g} must be above "
                f"deploymentMinimumHealthyPercent {minimum:g}: "
                "otherwise no deployment could start or stop a task"
            )
            yield Refusal(
                _INVALID, message, "ecs.service.blocked-deployments", "deploymentMaximumPercent"
            )
    if inputs.get("availabilityZoneRebalancing") == "ENABLED":
        yield from _rebalancing_rules(inputs, maximum)
    controller = block(inputs.get("deploymentController")).get("type")
    for name in given(inputs, "deploymentCircuitBreaker", "alarms"):
        if controller in ("CODE_DEPLOY", "EXTERNAL"):
            message = f"{name} needs the deployment controller ECS, got {controller}"
            yield Refusal(_INVALID, message, "ecs.service.controller", name)
    if daemon:
        yield from _daemon_rules(inputs)


def _daemon_rules(inputs: Properties) -> Refusals:
    if uses_fargate(inputs):
        message = "schedulingStrategy DAEMON isn't supported on Fargate; allowed: REPLICA"
        yield Refusal(_INVALID, message, "ecs.service.daemon", "schedulingStrategy")
    # The provider sends neither a count of 0 nor an empty list.
    forbidden = {
        "desiredCount": number(inputs.get("desiredCount")),
        "orderedPlacementStrategies": blocks(inputs.get("orderedPlacementStrategies")),
    }
    for name, value in forbidden.items():
        if value:
            message = f"{name} can't be set for schedulingStrategy DAEMON"
            yield Refusal(_INVALID, message, "ecs.service.daemon", name)


def _percent(inputs: Properties, name: str, default: float) -> float | None:
    """Return an input's value, None while it is unknown, or its default if it isn't set."""
    return number(inputs[name]) if given(inputs, name) else default


_ZONE = "attribute:ecs.availability-zone"


def _rebalancing_rules(inputs: Properties, maximum: float | None) -> Refusals:
    """Refuse settings that rebalancing across zones doesn't work with.

    Source: ECS's guide to service rebalancing.
    """
    problems = []
    if maximum == 100:  # noqa: PLR2004 — percent
        problems.append("needs a deploymentMaximumPercent above 100")
    if inputs.get("schedulingStrategy") == "DAEMON":
        problems.append("doesn't work with schedulingStrategy DAEMON")
    if inputs.get("launchType") == "EXTERNAL":
        problems.append("doesn't work with launchType EXTERNAL")
    strategies = inputs.get("orderedPlacementStrategies")
    if blocks(strategies) and known(strategies):
        first = blocks(strategies)[0]
        if first.get("type") != "spread" or str(first.get("field")).lower() != _ZONE:
            problems.append(f"needs a spread over {_ZONE} as the first strategy")
    constraints = texts(values_at(inputs, "placementConstraints[].expression"))
    if any(_ZONE in each for each in constraints):
        problems.append(f"doesn't work with a constraint on {_ZONE}")
    for problem in problems:
        message = f"availabilityZoneRebalancing {problem}"
        yield Refusal(_INVALID, message, "ecs.service.rebalancing", "availabilityZoneRebalancing")


def _launch_rules(inputs: Properties) -> Refusals:
    launch, strategy = inputs.get("launchType"), inputs.get("capacityProviderStrategies")
    if isinstance(launch, str) and strategy and strategy is not UNKNOWN:
        message = "launchType and capacityProviderStrategies exclude each other"
        yield Refusal(_INVALID, message, "ecs.service.launch-or-strategy", "launchType")
    if uses_fargate(inputs):
        yield from _fargate_placement_rules(inputs)
    if isinstance(launch, str) and launch != "FARGATE":
        if given(inputs, "platformVersion"):
            message = f"launchType {launch} takes no platformVersion"
            yield Refusal(_INVALID, message, "ecs.service.fargate-only", "platformVersion")
        if block(inputs.get("networkConfiguration")).get("assignPublicIp") is True:
            message = f"launchType {launch} takes no assignPublicIp"
            yield Refusal(_INVALID, message, "ecs.service.fargate-only", "networkConfiguration")


def _fargate_placement_rules(inputs: Properties) -> Refusals:
    for name in ("orderedPlacementStrategies", "placementConstraints"):
        if inputs.get(name):
            message = f"{name} isn't supported on Fargate"
            yield Refusal(_INVALID, message, "ecs.service.fargate-placement", name)


def _namespace_rules(account: Account, namespace: object, name: str) -> Refusals:
    if namespace not in (None, "") and namespace_of(account, namespace) is None:
        message = f"The namespace {namespace} was not found"
        yield Refusal("NamespaceNotFoundException", message, "ecs.service.namespace-exists", name)


def _cluster_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    namespace = block(inputs.get("serviceConnectDefaults")).get("namespace")
    yield from _namespace_rules(account, namespace, "serviceConnectDefaults")


def _service_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    cluster = cluster_of(account, inputs.get("cluster"))
    if cluster is None:
        message = f"Cluster not found: {inputs.get('cluster') or 'default'}"
        yield Refusal("ClusterNotFoundException", message, "ecs.service.cluster-exists", "cluster")
        return
    for twin in namesakes(account, SERVICE, inputs, current, "name"):
        if given(inputs, "name") and cluster_of(account, twin.inputs.get("cluster")) == cluster:
            if twin.id in account.draining:
                message = "Unable to Start a service that is still Draining"
                yield Refusal(_INVALID, message, "ecs.service.draining", "name")
            else:
                message = f"Creation of service was not idempotent: {twin.id} exists"
                yield Refusal(_INVALID, message, "ecs.service.unique", "name")
    yield from _service_network_rules(inputs, account)
    yield from _service_strategy_rules(inputs, account, cluster, current)
    yield from _registry_rules(inputs, account)
    connect = block(inputs.get("serviceConnectConfiguration"))
    if connect.get("enabled") is True:
        yield from _namespace_rules(
            account, connect.get("namespace"), "serviceConnectConfiguration"
        )
    if not given(inputs, "taskDefinition"):
        if block(inputs.get("deploymentController")).get("type") != "EXTERNAL":
            message = "TaskDefinition can not be blank"
            yield Refusal(
                _INVALID, message, "ecs.service.task-definition-required", "taskDefinition"
            )
        return
    definition = task_definition_of(account, inputs.get("taskDefinition"))
    if definition is not None:
        yield from _service_definition_rules(inputs, definition.inputs, account, current)
    elif current is None or current.inputs.get("taskDefinition") != inputs.get("taskDefinition"):
        message = f"TaskDefinition not found: {inputs.get('taskDefinition')}"
        yield Refusal(
            "ClientException", message, "ecs.service.task-definition-exists", "taskDefinition"
        )


def _registry_rules(inputs: Properties, account: Account) -> Refusals:
    """Refuse a registry without the port that a record of type SRV needs, or with two.

    Source: ECS's API reference, ServiceRegistry.
    """
    configured = block(inputs.get("serviceRegistries"))
    names = ("containerName", "containerPort")
    of_container = given(configured, *names)
    if len(of_container) == 1 or (of_container and given(configured, "port")):
        message = "serviceRegistries takes containerName with containerPort, or port"
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


def _service_strategy_rules(
    inputs: Properties, account: Account, cluster: Resource, current: Resource | None
) -> Refusals:
    """Refuse a strategy that the cluster's association or the Terraform provider doesn't allow."""
    path = "capacityProviderStrategies"
    changed = current is not None and _strategy(current.inputs) != _strategy(inputs)
    if changed and known(inputs.get(path)) and inputs.get("forceNewDeployment") is not True:
        # Source: capacityProviderStrategyCustomizeDiff in service.go of the Terraform provider.
        message = (
            "force_new_deployment should be true when capacity_provider_strategy is being updated"
        )
        yield Refusal("InvalidArgument", message, "ecs.service.strategy-change", path)
    associated = set()
    for association in account.all(CAPACITY_PROVIDERS):
        if account.find(CLUSTER, association.inputs.get("clusterName")) == cluster:
            associated.update(texts(association.inputs.get("capacityProviders")))
    for item in blocks(inputs.get(path)):
        provider = item.get("capacityProvider")
        if isinstance(provider, str) and provider.rpartition("/")[2] not in associated:
            message = (
                "The specified capacity provider strategy cannot contain a capacity provider "
                "that is not associated with the cluster. Associate the capacity provider with "
                f"the cluster and try again. (got {provider})"
            )
            yield Refusal(_INVALID, message, "ecs.service.strategy-associated", path)


def _strategy(inputs: Properties) -> list[tuple[str, float, float]]:
    """Return a service's strategy without regard to the order of its items."""
    items = []
    for item in blocks(inputs.get("capacityProviderStrategies")):
        base, weight = number(item.get("base")) or 0, number(item.get("weight")) or 0
        items.append((str(item.get("capacityProvider")), base, weight))
    return sorted(items)


def _service_network_rules(inputs: Properties, account: Account) -> Refusals:
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


def _service_definition_rules(
    inputs: Properties, definition: Properties, account: Account, current: Resource | None
) -> Refusals:
    awsvpc = definition.get("networkMode") == "awsvpc"
    if awsvpc and not inputs.get("networkConfiguration"):
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified"
        yield Refusal(_INVALID, message, "ecs.service.network-required", "networkConfiguration")
    if not awsvpc and inputs.get("networkConfiguration"):
        message = (
            "Network Configuration is not valid for the given networkMode of this task definition"
        )
        yield Refusal(_INVALID, message, "ecs.service.network-forbidden", "networkConfiguration")
    compatibilities = texts(definition.get("requiresCompatibilities"))
    if uses_fargate(inputs) and "FARGATE" not in compatibilities:
        message = "Task definition does not support launch_type FARGATE"
        yield Refusal(_INVALID, message, "ecs.service.compatible", "taskDefinition")
    if inputs.get("enableExecuteCommand") is True and not definition.get("taskRoleArn"):
        done = "updated" if current else "created"
        message = (
            f"The service couldn't be {done} because a valid taskRoleArn is not being used. "
            "Specify a valid task role in your task definition and try again"
        )
        yield Refusal(_INVALID, message, "ecs.service.exec-role", "enableExecuteCommand")
    yield from _service_balancer_rules(inputs, definition, account, current)
    yield from _connect_rules(inputs, definition)


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
                f"portName {each} is no name of a port mapping in the task definition; it names "
                f"{', '.join(names) or 'none'}"
            )
            yield Refusal(_INVALID, message, "ecs.service.port-name", "serviceConnectConfiguration")


def _service_balancer_rules(
    inputs: Properties, definition: Properties, account: Account, current: Resource | None
) -> Refusals:
    ports, awsvpc = declared_ports(definition), definition.get("networkMode") == "awsvpc"
    unchanged = current is not None and current.inputs.get(_BALANCERS) == inputs.get(_BALANCERS)
    for balancer in blocks(inputs.get(_BALANCERS)):
        name, port = balancer.get("containerName"), number(balancer.get("containerPort"))
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
        group = account.get(TARGET_GROUP, balancer.get("targetGroupArn"))
        if group is None or unchanged:
            continue
        kind = group.outputs.get("targetType")
        if (kind == "ip") != awsvpc:
            message = (
                f"The provided target group {group.id} has target type {kind}, which is "
                "incompatible with the "
                f"{definition.get('networkMode') or 'bridge'} network mode specified in "
                "the task definition"
            )
            yield Refusal(_INVALID, message, "ecs.service.target-type", _BALANCERS)
        if not balancers_of(account, group.id):
            message = (
                f"The target group with targetGroupArn {group.id} does not have an "
                "associated load balancer"
            )
            yield Refusal(_INVALID, message, "ecs.service.target-group-attached", _BALANCERS)


def _service_computed(mint: Mint, inputs: Properties) -> Properties:
    cluster = str(inputs.get("cluster") or "default").rpartition("/")[2]
    arn = mint.arn("ecs", f"service/{cluster}/{inputs.get('name')}")
    chosen = {"id": arn, "arn": arn}
    default = cluster_of(mint.account, None)
    if not given(inputs, "cluster") and default is not None:
        chosen["cluster"] = default.id
    return chosen


def _service_derived(inputs: Properties) -> Properties:
    daemon = inputs.get("schedulingStrategy") == "DAEMON"
    defaults: dict[str, object] = {
        "deploymentMinimumHealthyPercent": 0 if daemon else 100,
        "deploymentMaximumPercent": 100 if daemon else 200,
    }
    if not inputs.get("capacityProviderStrategies"):
        defaults["launchType"] = "EC2"
    if inputs.get("launchType") == "FARGATE":
        defaults["platformVersion"] = "LATEST"
    return {name: value for name, value in defaults.items() if not given(inputs, name)}


def _service_updated(service: Resource, inputs: Properties) -> Properties:
    """Keep a scaled service's count: the provider sends the input only if it has changed."""
    scaled = service.computed.get("desiredCount")
    if scaled is None or inputs.get("desiredCount") != service.inputs.get("desiredCount"):
        return {}
    return {"desiredCount": scaled}


def _import_service(service: Resource) -> Sequence[str]:
    return (service.id.partition(":service/")[2],)


_PLATFORM = matches(r"LATEST|1\.[0-4]\.0", "LATEST or a version such as 1.4.0")
_SYSTEM = matches(
    r"LINUX|WINDOWS_SERVER_\w+", "LINUX, or a release of Windows such as WINDOWS_SERVER_2022_CORE"
)

TYPES = (
    ResourceType(
        token=CLUSTER,
        autoname=AutoName(),
        replaces=frozenset({"name", "region"}),
        unordered=frozenset({"settings"}),
        limits=(
            Limit("name", _NAME, "ecs.cluster.name"),
            Limit("settings[].name", one_of("containerInsights"), "ecs.cluster.setting"),
            Limit(
                "settings[].value",
                one_of("enhanced", "enabled", "disabled"),
                "ecs.cluster.setting",
                _INVALID,
            ),
            Limit(
                "configuration.executeCommandConfiguration.logging",
                one_of("NONE", "DEFAULT", "OVERRIDE"),
                "ecs.cluster.exec-logging",
            ),
        ),
        rules=_cluster_rules,
        account_rules=_cluster_account_rules,
        idempotent=Idempotent(
            frozenset({"configuration", "serviceConnectDefaults", "settings"}),
            _INVALID,
            "ecs.cluster.unique",
        ),
        computed=_cluster_computed,
        held=("ClusterContainsServicesException", "ecs.cluster.held"),
        import_ids=lambda cluster: (cluster.id.rpartition("/")[2],),
    ),
    ResourceType(
        token=TASK_DEFINITION,
        replaces=AllExcept("tags", "skipDestroy", "trackLatest"),
        unordered=frozenset({"requiresCompatibilities", "volumes", "placementConstraints"}),
        json=frozenset({"containerDefinitions"}),
        defaults={"skipDestroy": False, "trackLatest": False, "enableFaultInjection": False},
        derived=lambda inputs: {} if given(inputs, "networkMode") else {"networkMode": "bridge"},
        limits=(
            Limit("family", _NAME, "ecs.task-definition.family"),
            Limit(
                "networkMode",
                one_of("awsvpc", "bridge", "host", "none"),
                "ecs.task-definition.network-mode",
            ),
            Limit("ipcMode", one_of("host", "none", "task"), "ecs.task-definition.modes"),
            Limit("pidMode", one_of("host", "task"), "ecs.task-definition.modes"),
            Limit(
                "requiresCompatibilities[]",
                one_of("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"),
                "ecs.task-definition.compatibility",
            ),
            Limit("executionRoleArn", ARN, "ecs.task-definition.role"),
            Limit("taskRoleArn", ARN, "ecs.task-definition.role"),
            Limit("ephemeralStorage.sizeInGib", within(21, 200), "ecs.task-definition.ephemeral"),
            Limit("placementConstraints", size(0, 10), "ecs.task-definition.constraints"),
            Limit(
                "runtimePlatform.cpuArchitecture",
                one_of("X86_64", "ARM64"),
                "ecs.task-definition.platform",
            ),
            Limit("runtimePlatform.operatingSystemFamily", _SYSTEM, "ecs.task-definition.platform"),
        ),
        rules=_task_definition_rules,
        computed=_task_definition_computed,
    ),
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
            "availabilityZoneRebalancing": "DISABLED",
        },
        derived=_service_derived,
        updated=_service_updated,
        limits=(
            Limit("name", _NAME, "ecs.service.name", _INVALID),
            Limit("desiredCount", within(0, 5000), "ecs.service.desired-count", _INVALID),
            Limit("launchType", one_of("EC2", "FARGATE", "EXTERNAL"), "ecs.service.launch-type"),
            Limit("schedulingStrategy", one_of("REPLICA", "DAEMON"), "ecs.service.scheduling"),
            Limit(
                "propagateTags",
                one_of("SERVICE", "TASK_DEFINITION", "NONE"),
                "ecs.service.propagate-tags",
            ),
            Limit(
                "availabilityZoneRebalancing",
                one_of("ENABLED", "DISABLED"),
                "ecs.service.rebalancing",
            ),
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
            *strategy_limits("capacityProviderStrategies"),
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
