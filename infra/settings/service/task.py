"""Checks of all containers of a service's task together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from infra.errors import Problem
from infra.settings.service.container import overlapping, unpinned
from infra.settings.service.sidecars import dependency_problems
from infra.settings.service.volumes import READ_ONLY, SMALLEST_STORAGE_GIB
from infra.settings.topic import relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.settings.service.capacity import CapacitySettings
    from infra.settings.service.connect import ConnectSettings
    from infra.settings.service.container import ContainerSettings
    from infra.settings.service.secrets import SecretsSettings
    from infra.settings.service.sidecars import SidecarSettings
    from infra.settings.service.volumes import VolumeSettings


def problems(
    container: ContainerSettings,
    secrets: SecretsSettings,
    sidecars: SidecarSettings,
    volumes: VolumeSettings,
) -> Iterator[Problem]:
    """Check the containers of a service's task."""
    yield from _variables_have_one_source(container, secrets)
    yield from _keys_encrypt_secrets(secrets, sidecars)
    yield from _containers_have_names_of_their_own(container, sidecars)
    yield from _containers_wait_for_others(container, sidecars)
    yield from _sidecars_leave_something(container, sidecars)
    yield from _sidecars_are_pinned(container, sidecars)
    yield from _volumes_are_mounted(container, sidecars, volumes)


@relation("environment", "secrets")
def _variables_have_one_source(
    container: ContainerSettings, secrets: SecretsSettings
) -> Iterator[Problem]:
    for name in sorted(container.environment.keys() & secrets.secrets.keys()):
        yield Problem(
            "environment",
            f"{name}, which secrets has too",
            "a name that only one of the two has",
        )


@relation("secret_key_arns", "secrets", "sidecars")
def _keys_encrypt_secrets(secrets: SecretsSettings, sidecars: SidecarSettings) -> Iterator[Problem]:
    any_secret = secrets.secrets or any(each.secrets for each in sidecars.readable.values())
    if secrets.secret_key_arns and not any_secret:
        yield Problem(
            "secretKeyArns",
            ", ".join(secrets.secret_key_arns),
            "none, unless secrets names what they encrypt",
        )


@relation("container_name", "sidecars")
def _containers_have_names_of_their_own(
    container: ContainerSettings, sidecars: SidecarSettings
) -> Iterator[Problem]:
    name = container.container_name
    if name in sidecars.sidecars:
        yield Problem(
            f"sidecars.{name}",
            f"{name}, which is containerName too",
            "a name that no other container of the task has",
        )


@relation("container_name", "sidecars", "depends_on")
def _containers_wait_for_others(
    container: ContainerSettings, sidecars: SidecarSettings
) -> Iterator[Problem]:
    yield from dependency_problems(sidecars, container.container_name)


@relation("cpu_units", "memory_mib", "sidecars")
def _sidecars_leave_something(
    container: ContainerSettings, sidecars: SidecarSettings
) -> Iterator[Problem]:
    """Check that the limits of the sidecars leave CPU and memory of the task."""
    totals: Counter[str] = Counter()
    for sidecar in sidecars.readable.values():
        totals.update(cpuUnits=sidecar.cpu_units, memoryMib=sidecar.memory_mib)
    for key, most in (
        ("cpuUnits", container.cpu_units),
        ("memoryMib", container.memory_mib),
    ):
        if totals[key] >= most:
            yield Problem(
                "sidecars",
                f"{key} of {totals[key]} in all",
                f"less than the task's {key}, {most}, as its own container needs some too",
            )


@relation("require_image_digest", "sidecars")
def _sidecars_are_pinned(
    container: ContainerSettings, sidecars: SidecarSettings
) -> Iterator[Problem]:
    if not container.require_image_digest:
        return
    for name, sidecar in sidecars.readable.items():
        yield from unpinned(f"sidecars.{name}.image", sidecar.image)


@relation("volumes", "mounts", "writable_paths", "sidecars")
def _volumes_are_mounted(
    container: ContainerSettings, sidecars: SidecarSettings, volumes: VolumeSettings
) -> Iterator[Problem]:
    """Check that each volume is in some container, and each mount has a volume and a folder."""
    mounted: dict[str, tuple[Mapping[str, str], Sequence[str]]] = {
        "mounts": (volumes.mounts, container.writable_paths)
    }
    for name, sidecar in sidecars.readable.items():
        mounted[f"sidecars.{name}.mounts"] = (sidecar.mounts, sidecar.writable_paths)
    used: set[str] = set()
    for path, (mounts, scratch) in mounted.items():
        used.update(mounts)
        for name in sorted(mounts.keys() - volumes.volumes.keys()):
            yield Problem(path, f"{name}, which is no volume", "a name that volumes has")
        folders = [folder.removesuffix(READ_ONLY) for folder in mounts.values()]
        if folders:
            yield from overlapping(path, [*folders, *scratch])
    unread = sidecars.sidecars.keys() - sidecars.readable.keys()
    for name in sorted(volumes.volumes.keys() - used):
        if not unread:
            yield Problem(
                f"volumes.{name}",
                "a volume that no container has",
                "one that mounts of some container names",
            )


@relation("capacity", "service_connect", "calls", "volumes", "ephemeral_storage_gib")
def instances_lack(
    connect: ConnectSettings, volumes: VolumeSettings, capacity: CapacitySettings
) -> Iterator[Problem]:
    """Check that tasks on instances need neither a security group nor storage of their own."""
    if not capacity.on_instances:
        return
    reason = f"with capacity {capacity.capacity}"
    for key, value in (
        ("serviceConnect", "true" if connect.service_connect else ""),
        ("calls", ", ".join(connect.calls)),
    ):
        if value:
            yield Problem(
                key, value, f"none {reason}, where all tasks share the instances' security group"
            )
    for name, volume in volumes.all.items():
        if volume.efs_file_system_id:
            yield Problem(
                f"volumes.{name}",
                "an access point of EFS",
                f"a volume that is deleted with the task {reason}, where all tasks share the "
                "instances' security group",
            )
    if volumes.ephemeral_storage_gib != SMALLEST_STORAGE_GIB:
        yield Problem(
            "ephemeralStorageGib",
            f"{volumes.ephemeral_storage_gib}",
            f"{SMALLEST_STORAGE_GIB} {reason}, where tasks use the instances' disks",
        )
