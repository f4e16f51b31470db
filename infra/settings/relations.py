"""Checks of values across the topics of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws import images
from infra.aws.locality import partition_of
from infra.aws.naming import INTERNAL_SUFFIX
from infra.errors import Problem
from infra.settings import routing
from infra.settings.stack.network import ENDPOINTS
from infra.settings.topic import relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment
    from infra.settings.service import ServiceSettings
    from infra.settings.stack import StackSettings


def problems(settings: StackSettings) -> Iterator[Problem]:
    """Check every relation that the account and region don't decide."""
    yield from exec_key_has_sessions_to_encrypt(settings)
    yield from ipv6_clients_have_an_address_to_connect_to(settings)
    yield from routing.problems(settings)
    yield from service_names_stay_apart(settings)
    for service in settings.services:
        yield from load_balancer_closes_connections_first(settings, service)
        yield from service.named(image_is_pulled_through_an_endpoint(settings, service))


def problems_in(settings: StackSettings, environment: AwsEnvironment) -> Iterator[Problem]:
    """Check every relation that the account and region decide."""
    for service in settings.services:
        yield from service.named(image_is_within_reach(settings, service, environment))


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


@relation("exec_key_arn", "ecs_exec")
def exec_key_has_sessions_to_encrypt(settings: StackSettings) -> Iterator[Problem]:
    """Check that a key for ECS Exec sessions is configured only with ECS Exec."""
    if settings.keys.exec_key_arn and not settings.operation.ecs_exec:
        yield Problem("execKeyArn", settings.keys.exec_key_arn, "empty, unless ecsExec is true")


@relation("allowed_cidrs", "internal", "dual_stack")
def ipv6_clients_have_an_address_to_connect_to(settings: StackSettings) -> Iterator[Problem]:
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


def service_names_stay_apart(settings: StackSettings) -> Iterator[Problem]:
    """Check that no service has the name under which another one's is behind an internal ALB."""
    names = {service.name for service in settings.services if "service_name" not in service.unread}
    for name in sorted(names):
        if f"{name}{INTERNAL_SUFFIX}" in names:
            yield Problem(
                f"services.{name}{INTERNAL_SUFFIX}",
                f"a service beside {name}",
                f"another name: with internal, the ECS service of {name} has this one",
            )


@relation("network", "image", "build", "sidecars")
def image_is_pulled_through_an_endpoint(
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


def image_is_within_reach(
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
