"""Checks of a service's task: its containers together, and its capacity."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.service.capacity import EC2
from infra.settings.service.container import overlapping, unpinned
from infra.settings.service.logs import NAMED_OUTPUT, OUTPUT, ROUTER_PORTS, lost
from infra.settings.service.secrets import in_both
from infra.settings.service.sidecars import dependency_problems
from infra.settings.service.volumes import READ_ONLY, SMALLEST_STORAGE_GIB
from infra.settings.topic import relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.service.capacity import CapacitySettings
    from infra.settings.service.connect import ConnectSettings
    from infra.settings.service.container import ContainerSettings
    from infra.settings.service.logs import LogSettings, Routed
    from infra.settings.service.secrets import SecretsSettings
    from infra.settings.service.sidecars import SidecarSettings
    from infra.settings.service.volumes import VolumeSettings

_MOST_CONTAINERS: Final = 10
"""Source: Amazon ECS endpoints and quotas, "Containers per task definition", not adjustable."""


def problems(
    *,
    container: ContainerSettings,
    capacity: CapacitySettings,
    secrets: SecretsSettings,
    sidecars: SidecarSettings,
    volumes: VolumeSettings,
    logs: LogSettings,
    connect: ConnectSettings,
) -> Iterator[Problem]:
    """Check the containers of a service's task, and what they need of its capacity."""
    yield from _variables_have_one_source(container, secrets)
    yield from _keys_encrypt_secrets(secrets, sidecars, logs)
    yield from _containers_are_few(sidecars)
    yield from _containers_have_names_of_their_own(container, sidecars)
    yield from _containers_wait_for_others(container, sidecars)
    yield from _sidecars_leave_something(container, sidecars)
    yield from _sidecars_are_pinned(container, sidecars)
    yield from _ports_are_apart(container, sidecars)
    yield from _log_routers_are_few(sidecars)
    yield from _output_goes_to_a_router(sidecars, logs)
    yield from _routers_get_output(sidecars, logs)
    yield from _routed_logs_have_an_output(sidecars, logs)
    yield from _log_router_has_its_ports(container, sidecars)
    yield from _requests_come_to_ports(container, sidecars)
    yield from _mounts_have_volumes_and_folders(container, sidecars, volumes)
    yield from _volumes_are_mounted(sidecars, volumes)
    yield from _called_container_is_offered(sidecars, connect)
    yield from _port_names_differ(container, sidecars, connect)
    yield from _sidecars_share_a_network(capacity, sidecars)
    yield from _calls_have_a_security_group(capacity, connect)
    yield from _efs_has_a_security_group(capacity, volumes)
    yield from _storage_is_the_instances(capacity, volumes)


def _variables_have_one_source(
    container: ContainerSettings, secrets: SecretsSettings
) -> Iterator[Problem]:
    yield from in_both(container.part("environment"), secrets.part("secrets"))


@relation("secret_key_arns", "secrets", "sidecars", "log_secrets")
def _keys_encrypt_secrets(
    secrets: SecretsSettings, sidecars: SidecarSettings, logs: LogSettings
) -> Iterator[Problem]:
    found = [secrets.secrets, logs.log_secrets]
    known = sidecars.having("secrets", "log_secrets")
    for each in known.values():
        found += [each.secrets, each.log_secrets]
    unread = sidecars.sidecars.keys() - known.keys()
    if secrets.secret_key_arns and not any(found) and not unread:
        yield Problem(
            "secretKeyArns",
            ", ".join(secrets.secret_key_arns),
            "none, unless secrets names what they encrypt",
            unused=True,
        )


@relation("sidecars")
def _containers_are_few(sidecars: SidecarSettings) -> Iterator[Problem]:
    most = _MOST_CONTAINERS - 1
    if len(sidecars.sidecars) > most:
        yield Problem(
            "sidecars",
            f"{len(sidecars.sidecars)} of them",
            f"at most {most}, as ECS takes {_MOST_CONTAINERS} containers in a task, of which one "
            "is the service's own",
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


@relation("container_name", "sidecars")
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
    for sidecar in sidecars.having("cpu_units", "memory_mib").values():
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
    for name, sidecar in sidecars.having("image").items():
        yield from unpinned(f"sidecars.{name}.image", sidecar.image)


@relation("container_port", "sidecars")
def _ports_are_apart(container: ContainerSettings, sidecars: SidecarSettings) -> Iterator[Problem]:
    """Check that no two containers of a task, which share its address, have the same port."""
    owners = {container.container_port: "containerPort"}
    for name, sidecar in sidecars.having("port").items():
        path = f"sidecars.{name}.port"
        if sidecar.port in owners:
            yield Problem(
                path,
                f"{sidecar.port}, which is {owners[sidecar.port]} too",
                "a port that no other container of the task has",
            )
        elif sidecar.port:
            owners[sidecar.port] = path


@relation("sidecars")
def _log_routers_are_few(sidecars: SidecarSettings) -> Iterator[Problem]:
    """Check that a task has one log router at most.

    Source: ECS developer guide, "Example Amazon ECS task definition: Route logs to FireLens".
    """
    routers = _log_routers(sidecars)
    if len(routers) > 1:
        yield Problem("sidecars", f"logRouter of {' and '.join(routers)}", "one per task")


@relation("sidecars", "log_to")
def _output_goes_to_a_router(sidecars: SidecarSettings, logs: LogSettings) -> Iterator[Problem]:
    """Check that containers name a log router, which doesn't route its own output."""
    routers = _log_routers(sidecars)
    # A sidecar whose key couldn't be read may be meant as a router.
    possible = {*routers, *(sidecars.sidecars.keys() - sidecars.having("log_router").keys())}
    for path, named in _output_of(sidecars, logs).items():
        if named and named not in possible:
            allowed = "empty, as no sidecar has logRouter"
            if routers:
                allowed = f"empty, or {' or '.join(routers)}"
            yield Problem(path, f"{named}, which is no sidecar with logRouter", allowed)
    for name, sidecar in sidecars.having("log_to").items():
        if name in routers and sidecar.log_to:
            yield Problem(
                f"sidecars.{name}.logTo",
                f"{sidecar.log_to} of a log router",
                "empty, so that its own output shows why it fails",
            )


@relation("sidecars", "log_to", "ingress_container", "connect_container")
def _routers_get_output(sidecars: SidecarSettings, logs: LogSettings) -> Iterator[Problem]:
    """Check that a log router gets the output of some container, if all could be read."""
    if sidecars.having("log_to").keys() != sidecars.sidecars.keys():
        return
    used = set(_output_of(sidecars, logs).values())
    needed = {sidecars.ingress_container, sidecars.connect_container, *sidecars.part("depends_on")}
    for sidecar in sidecars.all.values():
        needed.update(sidecar.part("depends_on"))
    for name in _log_routers(sidecars):
        if name not in used:
            yield Problem(
                f"sidecars.{name}.logRouter",
                "a log router that gets no container's output",
                f"empty, or logTo {name} of some container",
                # A task leaves such a default out, unless something else needs it.
                unused=name not in needed,
            )


def _log_routers(sidecars: SidecarSettings) -> list[str]:
    """Return the names of the log routers, as far as they could be read."""
    known = sidecars.having("log_router")
    return sorted(name for name, sidecar in known.items() if sidecar.log_router)


def _output_of(sidecars: SidecarSettings, logs: LogSettings) -> dict[str, str | None]:
    """Return where each container's output goes, by the path of the key, as far as it was read."""
    routers: dict[str, str | None] = {"logTo": logs.log_to}
    for name, sidecar in sidecars.having("log_to").items():
        routers[f"sidecars.{name}.logTo"] = sidecar.log_to
    return routers


@relation("sidecars", "log_to", "log_options", "log_secrets")
def _routed_logs_have_an_output(sidecars: SidecarSettings, logs: LogSettings) -> Iterator[Problem]:
    """Check that a log router outputs what it gets, by options or by a file of its image.

    Without either, the configuration that ECS writes has no output for a container's lines.
    """
    routed: dict[str, Routed] = {"": logs}
    readable = sidecars.having("log_router", "log_to", "log_options", "log_secrets")
    for name, sidecar in readable.items():
        if not sidecar.log_router:
            routed[f"sidecars.{name}."] = sidecar
    routers = sidecars.having("log_router", "log_router_file")
    for path, each in routed.items():
        router = routers.get(each.log_to or "")
        if router and router.log_router and not router.log_router_file and lost(each):
            yield Problem(
                f"{path}logOptions",
                f"no {OUTPUT} for {each.log_to}, which would drop the output",
                f"{NAMED_OUTPUT}, or sidecars.{each.log_to}.logRouterFile with outputs",
            )


@relation("container_port", "sidecars")
def _log_router_has_its_ports(
    container: ContainerSettings, sidecars: SidecarSettings
) -> Iterator[Problem]:
    if not any(each.log_router for each in sidecars.having("log_router").values()):
        return
    ports = {"containerPort": container.container_port}
    for name, sidecar in sidecars.having("port").items():
        ports[f"sidecars.{name}.port"] = sidecar.port
    for path, port in ports.items():
        if port in ROUTER_PORTS:
            yield Problem(path, f"{port}, where the log router listens", "another port")


@relation("container_name", "sidecars", "ingress_container", "connect_container")
def _requests_come_to_ports(
    container: ContainerSettings, sidecars: SidecarSettings
) -> Iterator[Problem]:
    """Check that requests come to containers that have a port."""
    known = sidecars.having("port")
    allowed = [container.container_name]
    without = {name for name, sidecar in known.items() if not sidecar.port}
    allowed += sorted(sidecars.sidecars.keys() - without)
    named = {
        "ingressContainer": sidecars.ingress_container,
        "connectContainer": sidecars.connect_container,
    }
    for key, container_name in named.items():
        if container_name and container_name not in allowed:
            yield Problem(
                key,
                f"{container_name}, which is no container with a port",
                f"one of {', '.join(allowed)}; a sidecar's port is its key `port`",
            )


@relation("service_connect", "connect_container")
def _called_container_is_offered(
    sidecars: SidecarSettings, connect: ConnectSettings
) -> Iterator[Problem]:
    """Check that a container which other services are to call is in a service that they can."""
    if sidecars.connect_container and not connect.service_connect:
        yield Problem(
            "connectContainer",
            f"{sidecars.connect_container} without serviceConnect",
            "empty, or any with serviceConnect",
            unused=True,
        )


@relation("service_name", "sidecars", "service_connect", "connect_container")
def _port_names_differ(
    container: ContainerSettings, sidecars: SidecarSettings, connect: ConnectSettings
) -> Iterator[Problem]:
    """Check the names of ports in a task: the service's for what others call, else a sidecar's.

    Source: ECS API reference, `PortMapping`.
    """
    for name, sidecar in sidecars.having("port").items():
        called = connect.service_connect and name == sidecars.connect_container
        if not sidecar.port or called:
            continue
        if not re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,63}", name):
            yield Problem(
                f"sidecars.{name}",
                f"{name}, which names its port",
                "with a port, at most 64 lower-case letters, digits, underscores and inner hyphens",
            )
        if connect.service_connect and name == container.service_name:
            yield Problem(
                f"sidecars.{name}",
                f"{name}, which names its port, and is the name by which others call the service",
                "with a port and serviceConnect, another name, or connectContainer with this one",
            )


@relation("volumes", "sidecars")
def _mounts_have_volumes_and_folders(
    container: ContainerSettings, sidecars: SidecarSettings, volumes: VolumeSettings
) -> Iterator[Problem]:
    """Check that each mount has a volume, and a folder that is apart from others."""
    mounted = {"mounts": (volumes.part("mounts"), container.part("writable_paths"))}
    for name, sidecar in sidecars.all.items():
        mounted[f"sidecars.{name}.mounts"] = (
            sidecar.part("mounts"),
            sidecar.part("writable_paths"),
        )
    for path, (mounts, scratch) in mounted.items():
        for name in sorted(mounts.keys() - volumes.volumes.keys()):
            yield Problem(path, f"{name}, which is no volume", "a name that volumes has")
        folders = [folder.removesuffix(READ_ONLY) for folder in mounts.values()]
        if folders:
            yield from overlapping(path, [*folders, *scratch])


@relation("volumes", "mounts", "sidecars")
def _volumes_are_mounted(sidecars: SidecarSettings, volumes: VolumeSettings) -> Iterator[Problem]:
    """Check that each volume is in some container."""
    readable = sidecars.having("mounts")
    if sidecars.sidecars.keys() - readable.keys():
        return
    used = set(volumes.mounts)
    for sidecar in readable.values():
        used.update(sidecar.mounts)
    for name in sorted(volumes.volumes.keys() - used):
        yield Problem(
            f"volumes.{name}",
            "a volume that no container has",
            "a volume that the key mounts of some container names",
            unused=True,
        )


@relation("capacity", "sidecars")
def _sidecars_share_a_network(
    capacity: CapacitySettings, sidecars: SidecarSettings
) -> Iterator[Problem]:
    if capacity.on_instances and sidecars.sidecars:
        yield Problem(
            "sidecars",
            ", ".join(sorted(sidecars.sidecars)),
            f"none with capacity {EC2}: on an instance's bridge each container has a network of "
            "its own, so that they don't find each other on localhost",
        )


@relation("capacity", "service_connect", "calls")
def _calls_have_a_security_group(
    capacity: CapacitySettings, connect: ConnectSettings
) -> Iterator[Problem]:
    if not capacity.on_instances:
        return
    for key, value in (
        ("serviceConnect", "true" if connect.service_connect else ""),
        ("calls", ", ".join(connect.calls)),
    ):
        if value:
            yield Problem(
                key,
                value,
                f"none with capacity {EC2}, where all tasks share the instances' security group",
            )


@relation("capacity", "volumes")
def _efs_has_a_security_group(
    capacity: CapacitySettings, volumes: VolumeSettings
) -> Iterator[Problem]:
    if not capacity.on_instances:
        return
    for name, volume in volumes.all.items():
        if volume.efs_file_system_id:
            yield Problem(
                f"volumes.{name}",
                "an access point of EFS",
                f"a volume that is deleted with the task, with capacity {EC2}, where all tasks "
                "share the instances' network interfaces and security group",
            )


@relation("capacity", "ephemeral_storage_gib")
def _storage_is_the_instances(
    capacity: CapacitySettings, volumes: VolumeSettings
) -> Iterator[Problem]:
    if capacity.on_instances and volumes.ephemeral_storage_gib != SMALLEST_STORAGE_GIB:
        yield Problem(
            "ephemeralStorageGib",
            f"{volumes.ephemeral_storage_gib}",
            f"{SMALLEST_STORAGE_GIB} with capacity {EC2}, whose tasks use the instance's volume "
            "(instanceVolumeGib)",
        )
