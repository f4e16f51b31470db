"""Deploy a service of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws import image_build, images, naming
from infra.service.built_image import BuiltImage, BuiltImageArgs
from infra.service.container import Container
from infra.service.routing import BehindLoadBalancer
from infra.service.security_groups import VpcEndpoints
from infra.service.web_service import WebService, WebServiceArgs

if TYPE_CHECKING:
    import pulumi

    from infra.aws.environment import AwsEnvironment
    from infra.cluster.cluster import Cluster
    from infra.edge.ingress import LoadBalancedIngress
    from infra.network.endpoints import PrivateEndpoints
    from infra.network.vpc import Network
    from infra.service.routing import Route
    from infra.settings import Settings
    from infra.settings.service import ServiceSettings


def deploy_service(  # noqa: PLR0917 — one for each area that a service depends on
    settings: Settings,
    service: ServiceSettings,
    environment: AwsEnvironment,
    network: Network,
    endpoints: PrivateEndpoints | None,
    cluster: Cluster,
    ingress: LoadBalancedIngress,
    route: Route,
) -> WebService:
    """Register a service: its tasks, its target group and its listener rules."""
    container = service.container
    image, repository_arn = _image(service, environment, settings.tags)
    return WebService(
        service.name,
        WebServiceArgs(
            aws_environment=environment,
            service_name=naming.service(settings.stack, service.name),
            cluster_arn=cluster.arn,
            vpc_id=network.vpc_id,
            subnet_ids=network.task_subnet_ids,
            public_addresses=not settings.network.private_tasks,
            endpoints=_vpc_endpoints(endpoints),
            ipv6=settings.network.dual_stack,
            egress=settings.network.egress,
            front_end=BehindLoadBalancer(balancer=ingress, route=route, former_parent=ingress),
            container=_container(service, image),
            repository_arn=repository_arn,
            cpu_units=container.cpu_units,
            memory_mib=container.memory_mib,
            cpu_architecture=container.cpu_architecture,
            secret_key_arns=service.secrets.secret_key_arns,
            task_statements=service.secrets.task_policy_statements,
            permissions_boundary_arn=settings.keys.permissions_boundary_arn,
            desired_count=service.deployment.desired_count,
            minimum_healthy_percent=service.deployment.minimum_healthy_percent,
            maximum_percent=service.deployment.maximum_percent,
            health_check_grace_seconds=service.deployment.health_check_grace_seconds,
            steady_state_timeout_minutes=service.deployment.steady_state_timeout_minutes,
            log_group=naming.service_log_group(settings.stack, service.name),
            log_retention_days=settings.operation.log_retention_days,
            log_key_arn=settings.keys.log_key_arn,
            exec_log_group=settings.exec_log_group,
            exec_key_arn=settings.keys.exec_key_arn,
            tags=settings.tags,
        ),
    )


def _vpc_endpoints(endpoints: PrivateEndpoints | None) -> VpcEndpoints | None:
    if endpoints is None:
        return None
    return VpcEndpoints(
        security_group_id=endpoints.security_group_id, prefix_list_id=endpoints.s3_prefix_list_id
    )


def _image(
    service: ServiceSettings, environment: AwsEnvironment, tags: dict[str, str]
) -> tuple[pulumi.Input[str], pulumi.Input[str] | None]:
    """Return the name of the tasks' image, and its ECR repository; build it if configured."""
    container = service.container
    if container.build is None:
        private = images.private(container.image)
        return container.image, private.repository_arn(environment.partition) if private else None
    built = BuiltImage(
        service.name,
        BuiltImageArgs(
            build=container.build,
            platform=image_build.PLATFORMS[container.cpu_architecture],
            tags=tags,
        ),
    )
    return built.image, built.repository_arn


def _container(service: ServiceSettings, image: pulumi.Input[str]) -> Container:
    return Container(
        name=service.container.container_name,
        image=image,
        command=service.container.command,
        port=service.container.container_port,
        environment=service.container.environment,
        secrets=service.secrets.secrets,
        user=service.container.user,
        dropped_capabilities=service.container.drop_capabilities,
        writable_paths=service.container.writable_paths,
        stop_timeout_seconds=service.deployment.stop_timeout,
    )
