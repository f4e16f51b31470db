"""Deploy a service of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.aws import image_build, images, naming
from infra.aws.egress import Destination
from infra.service.built_image import BuiltImage, BuiltImageArgs
from infra.service.container import Container, LogRouter, Mount, RoutedLogs, Volume
from infra.service.container import HealthCheck as CommandCheck
from infra.service.routing import BehindLoadBalancer, Sharer
from infra.service.scaling import Scaling, ScheduledBounds
from infra.service.security_groups import Callee
from infra.service.web_service import WebService, WebServiceArgs
from infra.settings.service.volumes import READ_ONLY, SMALLEST_STORAGE_GIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pulumi

    from infra.aws.environment import AwsEnvironment
    from infra.network.vpc import Network
    from infra.program.alarms import StackAlarms
    from infra.program.areas import Areas
    from infra.program.capacity import ClusterCapacity
    from infra.service.routing import Route
    from infra.settings import Settings
    from infra.settings.service import ServiceSettings
    from infra.settings.service.logs import Routed
    from infra.settings.service.scaling import ScalingSettings
    from infra.settings.service.sidecars import Sidecar

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
    settings, environment, network = areas.settings, areas.environment, areas.network
    container = service.container
    image, repository_arn = _image(service, environment, settings.tags)
    repository_arns = [repository_arn] if repository_arn is not None else []
    for sidecar in service.running_sidecars.values():
        private = images.private(sidecar.image)
        if private:
            repository_arns.append(private.repository_arn(environment.partition))
    containers: dict[str, Container] = {}
    for name, sidecar in sorted(service.running_sidecars.items()):
        containers[name] = _sidecar(service, name, sidecar)
    own = _container(service, image)
    ingress_container = containers.get(service.sidecars.ingress_container or "", own)
    connected = None
    if service.connect.service_connect:
        connected = containers.get(service.sidecars.connect_container or "", own)
    return WebService(
        service.name,
        WebServiceArgs(
            aws_environment=environment,
            service_name=naming.service(settings.stack, service.name),
            cluster_arn=areas.cluster.arn,
            capacity=capacity.of(service),
            vpc_id=network.vpc_id,
            subnet_ids=network.task_subnet_ids,
            public_addresses=not settings.network.private_tasks,
            endpoints=areas.vpc_endpoints,
            ipv6=settings.network.dual_stack,
            egress=_egress(settings, service, network),
            namespace_arn=areas.cluster.namespace_arn,
            calls=[*_callees(settings, service, deployed)],
            front_end=BehindLoadBalancer(
                balancer=areas.ingress,
                route=route,
                sharers={name: _sharer(deployed[name]) for name in service.shares_with},
                former_parent=areas.ingress,
            ),
            container=own,
            sidecars=[*containers.values()],
            ingress_container=ingress_container,
            connected_container=connected,
            volumes=[*_volumes(service)],
            repository_arns=repository_arns,
            cpu_units=container.cpu_units,
            memory_mib=container.memory_mib,
            ephemeral_storage_gib=_storage(service),
            cpu_architecture=container.cpu_architecture,
            secret_key_arns=service.secrets.secret_key_arns,
            task_statements=service.secrets.task_policy_statements,
            permissions_boundary_arn=settings.keys.permissions_boundary_arn,
            desired_count=service.scaling.within(service.deployment.desired_count),
            scaling=_scaling(service.scaling),
            alarms=alarms.of(service) if alarms else None,
            minimum_healthy_percent=service.deployment.minimum_healthy_percent,
            maximum_percent=service.deployment.maximum_percent,
            health_check_grace_seconds=service.deployment.health_check_grace_seconds,
            steady_state_timeout_minutes=service.deployment.steady_state_timeout_minutes,
            log_group=naming.service_log_group(settings.stack, service.name),
            existing_log_groups=areas.existing_log_groups,
            log_retention_days=settings.operation.log_retention_days,
            log_key_arn=settings.keys.log_key_arn,
            exec_log_group=settings.exec_log_group,
            exec_key_arn=settings.keys.exec_key_arn,
            tags=settings.tags,
        ),
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
        port_name=service.name if _is_called(service, None) else None,
        environment=service.container.environment,
        secrets=service.secrets.secrets,
        user=service.container.user,
        dropped_capabilities=service.container.drop_capabilities,
        writable_paths=service.container.writable_paths,
        stop_timeout_seconds=service.deployment.stop_timeout,
        mounts=_mounts(service.volumes.mounts),
        depends_on=service.sidecars.depends_on,
        routed_logs=_routed_logs(service.logs),
    )


def _volumes(service: ServiceSettings) -> Iterator[Volume]:
    for name, volume in sorted(service.mounted_volumes.items()):
        yield Volume(
            name=name,
            file_system_id=volume.efs_file_system_id,
            access_point_id=volume.efs_access_point_id,
        )


def _callees(
    settings: Settings, service: ServiceSettings, deployed: Mapping[str, WebService]
) -> Iterator[Callee]:
    """Yield the services that a service calls."""
    for other in settings.services:
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


def _sharer(deployed: WebService) -> Sharer:
    assert deployed.target_group_arn is not None, "each service is behind the load balancer"
    return Sharer(
        target_group_arn=deployed.target_group_arn,
        service=deployed.ecs_service,
        hooks=deployed.before_requests,
    )


def _sidecar(service: ServiceSettings, name: str, sidecar: Sidecar) -> Container:
    health_check = None
    if sidecar.health_check_command:
        health_check = CommandCheck(
            command=sidecar.health_check_command,
            interval_seconds=sidecar.health_check_interval_seconds,
            timeout_seconds=sidecar.health_check_timeout_seconds,
            retries=sidecar.health_check_retries,
            start_seconds=sidecar.health_check_start_seconds,
        )
    return Container(
        name=name,
        image=sidecar.image,
        command=sidecar.command,
        port=sidecar.port or None,
        port_name=service.name if _is_called(service, name) else name,
        environment=sidecar.environment,
        secrets=sidecar.secrets,
        user=sidecar.user,
        dropped_capabilities=sidecar.drop_capabilities,
        writable_paths=sidecar.writable_paths,
        stop_timeout_seconds=service.deployment.stop_timeout,
        mounts=_mounts(sidecar.mounts),
        depends_on=sidecar.depends_on,
        log_router=LogRouter(file=sidecar.log_router_file) if sidecar.log_router else None,
        routed_logs=_routed_logs(sidecar),
        health_check=health_check,
        essential=sidecar.essential,
        cpu_units=sidecar.cpu_units or None,
        memory_mib=sidecar.memory_mib or None,
        scratch_prefix=f"scratch-{name}",
    )


def _routed_logs(logs: Routed) -> RoutedLogs | None:
    if not logs.log_to:
        return None
    return RoutedLogs(options=logs.log_options, secrets=logs.log_secrets)


def _is_called(service: ServiceSettings, sidecar: str | None) -> bool:
    """Return whether other services call a sidecar, or None for the service's own container."""
    if not service.connect.service_connect:
        return False
    called = service.sidecars.connect_container
    if called == service.container.container_name:
        called = None
    return called == sidecar


def _mounts(mounts: Mapping[str, str]) -> list[Mount]:
    return [
        Mount(volume=name, path=path.removesuffix(READ_ONLY), read_only=path.endswith(READ_ONLY))
        for name, path in mounts.items()
    ]


def _storage(service: ServiceSettings) -> int | None:
    """Return the size of a task's storage if it isn't the one that every task has."""
    size = service.volumes.ephemeral_storage_gib
    return None if size == SMALLEST_STORAGE_GIB else size


def _egress(settings: Settings, service: ServiceSettings, network: Network) -> list[Destination]:
    """Return what tasks may connect to: what is configured, and the mount targets of EFS."""
    egress = [*settings.network.egress]
    efs = any(volume.efs_file_system_id for volume in service.mounted_volumes.values())
    mount_targets = Destination(network.cidr, _NFS, _NFS)
    if efs and mount_targets not in egress:
        egress.append(mount_targets)
    return egress
