"""Compose what a task of a service consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.service.args import Task
from infra.service.container import (
    Container,
    ContainerHealthCheck,
    LogRouter,
    Mount,
    RoutedLogs,
    Volume,
)
from infra.settings.service.volumes import READ_ONLY, SMALLEST_STORAGE_GIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from infra.settings.service import ServiceSettings
    from infra.settings.service.logs import Routed
    from infra.settings.service.sidecars import Sidecar


def task_of(service: ServiceSettings, image: pulumi.Input[str]) -> Task:
    """Return the containers of a service's tasks, of which the service's own has this image."""
    own = _container(service, image)
    sidecars: dict[str, Container] = {}
    for name, sidecar in sorted(service.running_sidecars.items()):
        sidecars[name] = _sidecar(service, name, sidecar)
    volumes: list[Volume] = []
    for name, volume in sorted(service.mounted_volumes.items()):
        volumes.append(
            Volume(
                name=name,
                file_system_id=volume.efs_file_system_id,
                access_point_id=volume.efs_access_point_id,
            )
        )
    return Task(
        container=own,
        sidecars=list(sidecars.values()),
        ingress_container=sidecars.get(service.sidecars.ingress_container or "", own),
        volumes=volumes,
        cpu_units=service.container.cpu_units,
        memory_mib=service.container.memory_mib,
        ephemeral_storage_gib=_storage(service),
        cpu_architecture=service.container.cpu_architecture,
    )


def called_container(service: ServiceSettings, containers: Task) -> Container | None:
    """Return the container of a task that other services call; None where none does."""
    if not service.connect.service_connect:
        return None
    for sidecar in containers.sidecars:
        if sidecar.name == service.sidecars.connect_container:
            return sidecar
    return containers.container


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


def _sidecar(service: ServiceSettings, name: str, sidecar: Sidecar) -> Container:
    health_check = None
    if sidecar.health_check_command:
        health_check = ContainerHealthCheck(
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
