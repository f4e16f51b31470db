"""Deploy a service of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.aws import image_build, images, naming
from infra.aws.egress import Destination
from infra.program.task import called_container, task_of
from infra.service.args import (
    Callee,
    Deployment,
    Permissions,
    ServiceConnect,
    TaskNetwork,
    WebServiceArgs,
)
from infra.service.built_image import BuiltImage, BuiltImageArgs
from infra.service.load_balancer import LoadBalancerFrontEnd, Sharer
from infra.service.scaling import Scaling, ScheduledBounds
from infra.service.web_service import WebService

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pulumi

    from infra.aws.environment import AwsEnvironment
    from infra.program.alarms import StackAlarms
    from infra.program.areas import Areas
    from infra.program.capacity import ClusterCapacity
    from infra.service.args import Task
    from infra.service.routing import Route
    from infra.settings.service import ServiceSettings
    from infra.settings.service.deployment import DeploymentSettings
    from infra.settings.service.scaling import ScalingSettings

_NFS: Final = 2049
"""Port of the mount targets of EFS."""


def deploy_service(
    service: ServiceSettings,
    areas: Areas,
    *,
    capacity: ClusterCapacity,
    deployed: Mapping[str, WebService],
    route: Route,
    alarms: StackAlarms | None,
) -> WebService:
    """Register a service: its tasks, its target group and its listener rules.

    The services that it calls, and those that get a share of its requests, are `deployed` already.
    """
    settings = areas.settings
    image, repository_arn = _image(service, areas.environment, settings.tags)
    task = task_of(service, image)
    return WebService(
        service.name,
        WebServiceArgs(
            aws_environment=areas.environment,
            service_name=naming.service(settings.stack, service.name),
            cluster_arn=areas.cluster.arn,
            capacity=capacity.of(service),
            task=task,
            permissions=_permissions(service, areas, repository_arn),
            network=_network(service, areas),
            front_end=LoadBalancerFrontEnd(
                balancer=areas.ingress,
                route=route,
                sharers={name: _sharer(deployed[name]) for name in service.shares_with},
                former_parent=areas.ingress,
            ),
            service_connect=_service_connect(service, areas, task, deployed),
            deployment=_deployment(service.deployment, service.scaling),
            scaling=_scaling(service.scaling),
            alarms=alarms.of(service) if alarms else None,
            log_group=areas.log_groups.args(
                naming.service_log_group(settings.stack, service.name),
                retention_days=settings.operation.log_retention_days,
            ),
            exec_log_group=settings.exec_log_group,
            exec_key_arn=settings.keys.exec_key_arn,
            tags=settings.tags,
        ),
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


def _permissions(
    service: ServiceSettings, areas: Areas, repository_arn: pulumi.Input[str] | None
) -> Permissions:
    repository_arns = [repository_arn] if repository_arn is not None else []
    for sidecar in service.running_sidecars.values():
        private = images.private(sidecar.image)
        if private:
            repository_arns.append(private.repository_arn(areas.environment.partition))
    return Permissions(
        repository_arns=repository_arns,
        secret_key_arns=service.secrets.secret_key_arns,
        task_statements=service.secrets.task_policy_statements,
        permissions_boundary_arn=areas.settings.keys.permissions_boundary_arn,
    )


def _network(service: ServiceSettings, areas: Areas) -> TaskNetwork:
    return TaskNetwork(
        vpc_id=areas.network.vpc_id,
        subnet_ids=areas.network.task_subnet_ids,
        public_addresses=not areas.settings.network.private_tasks,
        endpoints=areas.vpc_endpoints,
        ipv6=areas.settings.network.dual_stack,
        egress=_egress(service, areas),
    )


def _egress(service: ServiceSettings, areas: Areas) -> list[Destination]:
    """Return what tasks may connect to: what is configured, and the mount targets of EFS."""
    egress = list(areas.settings.network.egress)
    efs = any(volume.efs_file_system_id for volume in service.mounted_volumes.values())
    mount_targets = Destination(areas.network.cidr, _NFS, _NFS)
    if efs and mount_targets not in egress:
        egress.append(mount_targets)
    return egress


def _sharer(deployed: WebService) -> Sharer:
    assert deployed.target_group_arn is not None, "each service is behind the load balancer"
    return Sharer(
        target_group_arn=deployed.target_group_arn,
        service=deployed.ecs_service,
        hooks=deployed.before_requests,
    )


def _service_connect(
    service: ServiceSettings, areas: Areas, task: Task, deployed: Mapping[str, WebService]
) -> ServiceConnect | None:
    calls = list(_callees(service, areas, deployed))
    called = called_container(service, task)
    if called is None and not calls:
        return None
    namespace_arn = areas.cluster.namespace_arn
    assert namespace_arn is not None, "the cluster has a namespace if a service can be called"
    return ServiceConnect(namespace_arn=namespace_arn, calls=calls, called_container=called)


def _callees(
    service: ServiceSettings, areas: Areas, deployed: Mapping[str, WebService]
) -> Iterator[Callee]:
    """Yield the services that a service calls."""
    for other in areas.settings.services:
        if other.name not in service.connect.calls:
            continue
        group = deployed[other.name].security_group_id
        assert group is not None, "settings refuse calls of tasks on instances"
        yield Callee(
            name=other.name,
            security_group_id=group,
            port=other.connect_port,
            service=deployed[other.name].ecs_service,
        )


def _deployment(settings: DeploymentSettings, scaling: ScalingSettings) -> Deployment:
    return Deployment(
        desired_count=scaling.within(settings.desired_count),
        minimum_healthy_percent=settings.minimum_healthy_percent,
        maximum_percent=settings.maximum_percent,
        health_check_grace_seconds=settings.health_check_grace_seconds,
        steady_state_timeout_minutes=settings.steady_state_timeout_minutes,
    )


def _scaling(settings: ScalingSettings) -> Scaling | None:
    if not settings.on:
        return None
    schedules: dict[str, ScheduledBounds] = {}
    for name, action in settings.actions.items():
        schedules[name] = ScheduledBounds(
            schedule=action.schedule,
            timezone=action.timezone,
            minimum=action.min_count,
            maximum=action.max_count,
        )
    return Scaling(
        minimum=settings.min_count,
        maximum=settings.max_count,
        cpu_percent=settings.target_cpu_percent,
        memory_percent=settings.target_memory_percent,
        requests_per_minute=settings.target_requests_per_minute,
        scale_in_cooldown_seconds=settings.scale_in_cooldown_seconds,
        scale_out_cooldown_seconds=settings.scale_out_cooldown_seconds,
        schedules=schedules,
    )
