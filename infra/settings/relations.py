"""Checks of values across the topics of a stack."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from infra.aws import images
from infra.aws.instances import TYPES
from infra.aws.locality import partition_of
from infra.aws.naming import INSTANCES_SUFFIX, INTERNAL_SUFFIX, SPOT_SUFFIX
from infra.errors import Problem
from infra.settings import routing, weights
from infra.settings.service import connect
from infra.settings.service.capacity import EC2
from infra.settings.service.targets import HTTP1
from infra.settings.stack.network import ENDPOINTS, MODES, PUBLIC
from infra.settings.topic import relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment
    from infra.settings.service import ServiceSettings
    from infra.settings.stack import StackSettings


_SUFFIXES: Final = {
    INTERNAL_SUFFIX: "internal",
    SPOT_SUFFIX: "capacity fargate-spot",
    INSTANCES_SUFFIX: "capacity ec2",
    f"{INTERNAL_SUFFIX}{SPOT_SUFFIX}": "internal and capacity fargate-spot",
    f"{INTERNAL_SUFFIX}{INSTANCES_SUFFIX}": "internal and capacity ec2",
}
"""Suffixes of ECS services' names, and the settings that add them."""


def problems(settings: StackSettings) -> Iterator[Problem]:
    """Check every relation that the account and region don't decide."""
    yield from exec_key_is_used(settings)
    yield from ipv6_ranges_need_an_ipv6_load_balancer(settings)
    yield from routing.problems(settings)
    yield from weights.problems(settings)
    yield from ecs_services_have_different_names(settings)
    yield from services_call_others(settings)
    yield from client_secrets_are_used(settings)
    yield from instances_are_used(settings)
    yield from instances_are_private(settings)
    yield from instances_have_ipv4_destinations(settings)
    yield from instances_are_enough(settings)
    yield from recipients_are_used(settings)
    for service in settings.services:
        yield from load_balancer_closes_connections_first(settings, service)
        yield from service.named(target_protocol_suits_the_listener(settings, service))
        yield from service.named(logins_are_possible(settings, service))
        yield from service.named(images_are_pulled_through_an_endpoint(settings, service))
        yield from service.named(tasks_run_on_the_instances_processor(settings, service))
        yield from service.named(tasks_fit_an_instance(settings, service))


def problems_in(settings: StackSettings, environment: AwsEnvironment) -> Iterator[Problem]:
    """Check every relation that the account and region decide."""
    for service in settings.services:
        yield from service.named(
            images_are_in_the_partition_and_region(settings, service, environment)
        )


@relation("idle_timeout_seconds", "target_keep_alive_seconds")
def load_balancer_closes_connections_first(
    settings: StackSettings, service: ServiceSettings
) -> Iterator[Problem]:
    """Check that the container keeps idle connections longer than the load balancer does."""
    idle = settings.edge.idle_timeout_seconds
    kept = service.container.target_keep_alive_seconds
    key = service.path_of("targetKeepAliveSeconds")
    if idle >= kept:
        yield Problem(
            "idleTimeoutSeconds",
            f"{idle}",
            f"less than {key}, {kept}: if the container closes an idle "
            "connection first, a request sent at that moment is answered 502",
        )


@relation("target_protocol", "domain", "certificate_arn")
def target_protocol_suits_the_listener(
    settings: StackSettings, service: ServiceSettings
) -> Iterator[Problem]:
    """Check that a load balancer with HTTP/2 or gRPC to its targets has an HTTPS listener."""
    protocol = service.targets.target_protocol
    if protocol != HTTP1 and not settings.https.https:
        yield Problem(
            "targetProtocol",
            f"{protocol} without HTTPS",
            f"{HTTP1}, or {protocol} with domain or certificateArn, as AWS refuses it behind a "
            "plain HTTP listener",
        )


@relation(
    "oidc",
    "routes",
    "target_protocol",
    "service_name",
    "oidc_client_secrets",
    "domain",
    "certificate_arn",
)
def logins_are_possible(settings: StackSettings, service: ServiceSettings) -> Iterator[Problem]:
    """Check that AWS lets a load balancer authenticate clients for a service."""
    if not service.routes.authenticates:
        return
    if not settings.https.https:
        yield Problem(
            "oidc", "without HTTPS", "only with domain or certificateArn, as AWS requires HTTPS"
        )
    if service.targets.target_protocol != HTTP1:
        yield Problem(
            "oidc",
            f"with targetProtocol {service.targets.target_protocol}",
            f"only with {HTTP1}: AWS takes no other action beside forward to such targets",
        )
    if service.name not in settings.login.oidc_client_secrets:
        yield Problem(
            "oidc",
            f"without a client secret of {service.name}",
            "only with one, encrypted: `pulumi config set --secret --path "
            f"oidcClientSecrets.{service.name}`",
        )


@relation("oidc_client_secrets")
def client_secrets_are_used(settings: StackSettings) -> Iterator[Problem]:
    """Check that client secrets are those of services whose clients log in."""
    if not settings.readable_in_all_services("service_name", "oidc", "routes"):
        return
    logins = {service.name for service in settings.services if service.routes.authenticates}
    unused = sorted(settings.login.oidc_client_secrets.keys() - logins)
    if unused and settings.services:
        allowed = "none without oidc of some service"
        if logins:
            allowed = f"those of services with oidc, {', '.join(sorted(logins))}"
        yield Problem(
            "oidcClientSecrets", f"that of {', '.join(unused)}, which has no effect", allowed
        )


@relation("exec_key_arn", "ecs_exec")
def exec_key_is_used(settings: StackSettings) -> Iterator[Problem]:
    """Check that a key for ECS Exec sessions is configured only with ECS Exec."""
    if settings.keys.exec_key_arn and not settings.operation.ecs_exec:
        yield Problem("execKeyArn", settings.keys.exec_key_arn, "empty, unless ecsExec is true")


@relation("allowed_cidrs", "internal", "dual_stack")
def ipv6_ranges_need_an_ipv6_load_balancer(settings: StackSettings) -> Iterator[Problem]:
    """Check that IPv6 ranges are allowed only at a load balancer with IPv6 addresses."""
    if settings.ipv6_clients:
        return
    ipv6 = [cidr for cidr in settings.edge.allowed_cidrs if ":" in cidr]
    if ipv6:
        yield Problem(
            "allowedCidrs",
            ", ".join(ipv6),
            "IPv4 ranges, unless the load balancer has dualStack and isn't internal",
        )


def ecs_services_have_different_names(settings: StackSettings) -> Iterator[Problem]:
    """Check that no service's name is another one's with a suffix that its ECS service may get.

    The suffix is added when the other one gets another load balancer or capacity, while its former
    ECS service still runs.
    """
    names: set[str] = set()
    for service in settings.services:
        if "service_name" not in service.unread:
            names.add(service.name)
    for name in sorted(names):
        for suffix, reason in _SUFFIXES.items():
            if f"{name}{suffix}" in names:
                yield Problem(
                    f"services.{name}{suffix}",
                    f"a service beside {name}",
                    f"another name: with {reason}, the ECS service of {name} has this one",
                )


@relation(
    "instance_type",
    "min_instances",
    "max_instances",
    "instance_volume_gib",
    "target_capacity_percent",
    "instance_reserved_mib",
)
def instances_are_used(settings: StackSettings) -> Iterator[Problem]:
    """Check that instances are configured only for a service that runs on them."""
    if not settings.services or not settings.readable_in_all_services("capacity"):
        return
    if settings.services_on_instances:
        return
    yield from settings.instances.without_effect(
        *settings.instances.kinds(), allowed=f"only with capacity {EC2} of some service"
    )


@relation("alarm_emails", "alarm_slack_channel", "alarm_topic_arn")
def recipients_are_used(settings: StackSettings) -> Iterator[Problem]:
    """Check that recipients are configured only where some service has alarms."""
    if not settings.services or not settings.readable_in_all_services("alarms"):
        return
    if settings.services_with_alarms:
        return
    chosen = settings.notifications
    for key, value in (
        ("alarmEmails", ", ".join(chosen.alarm_emails)),
        ("alarmSlackChannel", chosen.alarm_slack_channel),
        ("alarmTopicArn", chosen.alarm_topic_arn),
    ):
        if value:
            yield Problem(
                key, f"{value}, where no service has alarms", "empty, or alarms set to true"
            )


@relation("network")
def instances_are_private(settings: StackSettings) -> Iterator[Problem]:
    """Check that instances are in private subnets."""
    if settings.services_on_instances and settings.network.network == PUBLIC:
        private = [each for each in MODES if each != PUBLIC]
        yield Problem(
            "network",
            PUBLIC,
            f"with capacity {EC2}, one of {', '.join(private)}: tasks on instances have no public "
            "addresses, and instances should have none",
        )


@relation("egress")
def instances_have_ipv4_destinations(settings: StackSettings) -> Iterator[Problem]:
    """Check that tasks on instances are sent to IPv4 addresses only."""
    ipv6 = [str(each) for each in settings.network.egress if each.is_ipv6]
    if settings.services_on_instances and ipv6:
        yield Problem(
            "egress",
            ", ".join(ipv6),
            f"IPv4 destinations with capacity {EC2}, as containers on an instance have IPv4 "
            "addresses only",
        )


@relation("instance_type", "instance_reserved_mib", "max_instances")
def instances_are_enough(settings: StackSettings) -> Iterator[Problem]:
    """Check that the most instances hold the tasks of all services."""
    needed = 0.0
    if not settings.readable_in_all_services("desired_count", "max_count"):
        return
    for service in settings.services_on_instances:
        fitting = _tasks_on_an_instance(settings, service)
        if not fitting:
            return
        needed += max(service.deployment.desired_count, service.scaling.max_count) / fitting
    instances = settings.instances
    if needed > instances.max_instances:
        yield Problem(
            "maxInstances",
            f"{instances.max_instances}",
            f"at least {math.ceil(needed)}, as otherwise the tasks of all services never fit on "
            f"instances of type {instances.instance_type}",
        )


@relation("instance_type", "capacity", "cpu_architecture")
def tasks_run_on_the_instances_processor(
    settings: StackSettings, service: ServiceSettings
) -> Iterator[Problem]:
    """Check that instances have the processor that a service's image is built for."""
    instances, wanted = settings.instances, service.container.cpu_architecture
    if not service.capacity.on_instances or instances.instance_type not in TYPES:
        return
    if instances.type.cpu_architecture != wanted:
        yield Problem(
            "cpuArchitecture",
            wanted,
            f"{instances.type.cpu_architecture} with instanceType {instances.instance_type}, or "
            "another type",
        )


@relation("instance_type", "instance_reserved_mib", "capacity", "cpu_units", "memory_mib")
def tasks_fit_an_instance(settings: StackSettings, service: ServiceSettings) -> Iterator[Problem]:
    """Check that one task fits on an empty instance: else none starts, and nothing scales."""
    instances = settings.instances
    if not service.capacity.on_instances or instances.instance_type not in TYPES:
        return
    if not _tasks_on_an_instance(settings, service):
        offered, reserved = instances.type, instances.instance_reserved_mib
        yield Problem(
            "instanceType",
            f"{instances.instance_type}, which has {offered.cpu_units} CPU units and, beside the "
            f"reserve, {offered.memory_mib - reserved} MiB for tasks",
            f"a type on which a task with cpuUnits {service.container.cpu_units} and memoryMib "
            f"{service.container.memory_mib} fits",
        )


def _tasks_on_an_instance(settings: StackSettings, service: ServiceSettings) -> int:
    """Return how many of a service's tasks fit on an instance; 0 if that isn't known."""
    instances = settings.instances
    unread = {"capacity", "cpu_units", "memory_mib"} & service.unread.keys()
    if unread or instances.instance_type not in TYPES:
        return 0
    return instances.type.tasks(
        cpu_units=service.container.cpu_units,
        memory_mib=service.container.memory_mib,
        reserved_mib=instances.instance_reserved_mib,
    )


def services_call_others(settings: StackSettings) -> Iterator[Problem]:
    """Check the calls between services, if those of all could be read."""
    if not settings.readable_in_all_services("service_name", "service_connect", "calls"):
        return
    services = {service.name: service.connect for service in settings.services}
    paths = {service.name: service.path_of("calls") for service in settings.services}
    yield from connect.problems(services, paths)


@relation("network", "image", "build", "sidecars")
def images_are_pulled_through_an_endpoint(
    settings: StackSettings, service: ServiceSettings
) -> Iterator[Problem]:
    """Check that images come from ECR if tasks reach VPC endpoints only."""
    if not settings.network.endpoints:
        return
    for key, image in service.pulled_images.items():
        if images.private(image) is None:
            yield Problem(
                key,
                f"{image}, in a registry that has no endpoint in a VPC",
                f"with network {ENDPOINTS} an image in this region's private ECR, which can cache "
                "other registries' images",
            )


def images_are_in_the_partition_and_region(
    settings: StackSettings, service: ServiceSettings, environment: AwsEnvironment
) -> Iterator[Problem]:
    """Check that ECR images are in the stack's partition, and with endpoints in its region."""
    for key, image in service.pulled_images.items():
        found = images.private(image)
        if found is None:
            continue
        partition = partition_of(found.region)
        if partition != environment.partition:
            yield Problem(
                key,
                f"{image}, in the partition {partition}",
                f"one in {environment.partition}, as no role reaches another partition's ECR",
            )
        elif settings.network.endpoints and found.region != environment.region:
            yield Problem(
                key,
                f"{image}, in {found.region}",
                f"with network {ENDPOINTS} one in {environment.region}",
            )
