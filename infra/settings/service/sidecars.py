"""Containers that run beside the service's own in each task."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, ClassVar, Final

from infra.errors import Problem
from infra.settings.collection_kinds import ListOf, Map, MapsByName
from infra.settings.kinds import Flag, OrNone, Text, Whole
from infra.settings.service.container import (
    CAPABILITIES,
    COMMAND,
    CONTAINER_NAME,
    ENVIRONMENT,
    FOLDERS,
    IMAGE,
    UNPRIVILEGED_PORT,
    USER,
    overlapping,
)
from infra.settings.service.logs import (
    LOG_OPTIONS,
    LOG_ROUTER,
    LOG_ROUTER_FILE,
    LOG_TO,
    option_problems,
)
from infra.settings.service.secrets import SECRETS, in_both, secrets_elsewhere
from infra.settings.service.volumes import MOUNTS
from infra.settings.topic import Entry, Topic, camel, entry_problems, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.aws.environment import AwsEnvironment
    from infra.settings.values import Texts

HEALTHY: Final = "HEALTHY"
_ENDED: Final = ("COMPLETE", "SUCCESS")
_DEPENDENCIES: Final = Map(
    CONTAINER_NAME,
    Text(f"START|{'|'.join(_ENDED)}|{HEALTHY}", "START, COMPLETE, SUCCESS or HEALTHY"),
)
_SHELL_FORMS: Final = ("CMD", "CMD-SHELL")

_HEALTH_CHECK: Final = (
    "health_check_interval_seconds",
    "health_check_timeout_seconds",
    "health_check_retries",
    "health_check_start_seconds",
)
_MIN_MEMORY_MIB: Final = 6
"""Source: ECS, ContainerDefinition."""

_DEFAULTS: Final = {
    "command": "[]",
    "port": "0",
    "user": "",
    "dropCapabilities": '["ALL"]',
    "writablePaths": "[]",
    "cpuUnits": "0",
    "memoryMib": "0",
    "essential": "true",
    "logRouter": "",
    "logRouterFile": "",
    "logTo": "",
    "healthCheckCommand": "[]",
    "healthCheckIntervalSeconds": "30",
    "healthCheckTimeoutSeconds": "5",
    "healthCheckRetries": "3",
    "healthCheckStartSeconds": "0",
}
"""Values that a sidecar has where the configuration sets none; of a health check, ECS's own."""


@dataclass(frozen=True, kw_only=True)
class Sidecar(Entry):
    """A container beside the service's own."""

    defaults: ClassVar[Mapping[str, str]] = _DEFAULTS

    image: str = key(IMAGE)
    command: tuple[str, ...] = key(COMMAND)
    port: int = key(Whole(0, 65535))
    environment: dict[str, str] = key(ENVIRONMENT)
    secrets: dict[str, str] = key(SECRETS)
    user: str | None = key(USER)
    drop_capabilities: tuple[str, ...] = key(CAPABILITIES)
    writable_paths: tuple[str, ...] = key(FOLDERS)
    mounts: dict[str, str] = key(MOUNTS)
    cpu_units: int = key(Whole(0, 32768))
    memory_mib: int = key(Whole(0, 249_856))
    essential: bool = key(Flag())
    depends_on: dict[str, str] = key(_DEPENDENCIES)
    log_router: str | None = key(LOG_ROUTER)
    log_router_file: str | None = key(LOG_ROUTER_FILE)
    log_to: str | None = key(LOG_TO)
    log_options: dict[str, str] = key(LOG_OPTIONS)
    log_secrets: dict[str, str] = key(SECRETS)
    health_check_command: tuple[str, ...] = key(
        ListOf(
            Text(r"(?s).+", "a text; CMD or CMD-SHELL first, no items for no check", longest=8192)
        )
    )
    health_check_interval_seconds: int = key(Whole(5, 300))
    health_check_timeout_seconds: int = key(Whole(2, 60))
    health_check_retries: int = key(Whole(1, 10))
    health_check_start_seconds: int = key(Whole(0, 300))

    def problems(self) -> Iterator[Problem]:
        """Check what the sidecar's values say together."""
        yield from self._health_check_is_a_command()
        yield from self._health_check_keys_are_used()
        yield from self._memory_is_enough()
        yield from in_both(self.part("environment"), self.part("secrets"))
        yield from self._user_may_listen()
        yield from self._file_is_of_a_router()
        yield from option_problems(self)
        yield from overlapping("writablePaths", self.part("writable_paths"))

    @relation("health_check_command")
    def _health_check_is_a_command(self) -> Iterator[Problem]:
        command = self.health_check_command
        if command and (command[0] not in _SHELL_FORMS or len(command) == 1):
            yield Problem(
                "healthCheckCommand",
                " ".join(command),
                f"{' or '.join(_SHELL_FORMS)}, and after it a command",
            )

    @relation("health_check_command")
    def _health_check_keys_are_used(self) -> Iterator[Problem]:
        if self.health_check_command:
            return
        for name in _HEALTH_CHECK:
            if name in self.unread:
                continue
            value = f"{getattr(self, name)}"
            if value != _DEFAULTS[camel(name)]:
                yield Problem(camel(name), value, "none without healthCheckCommand")

    @relation("memory_mib")
    def _memory_is_enough(self) -> Iterator[Problem]:
        if self.memory_mib and self.memory_mib < _MIN_MEMORY_MIB:
            yield Problem(
                "memoryMib",
                f"{self.memory_mib}",
                f"0 for no limit but the task's, or at least {_MIN_MEMORY_MIB}",
            )

    @relation("user", "port")
    def _user_may_listen(self) -> Iterator[Problem]:
        if self.user and 0 < self.port < UNPRIVILEGED_PORT:
            yield Problem(
                "port",
                f"{self.port}",
                f"with a user that isn't root, at least {UNPRIVILEGED_PORT}",
            )

    @relation("log_router", "log_router_file")
    def _file_is_of_a_router(self) -> Iterator[Problem]:
        if self.log_router_file and not self.log_router:
            yield Problem(
                "logRouterFile",
                f"{self.log_router_file} without logRouter",
                "empty, or any with logRouter",
            )


_OWN_CONTAINER: Final = "empty for the service's own container"


@dataclass(frozen=True, kw_only=True)
class SidecarSettings(Topic):
    """The sidecars of a service, and what they do for its container."""

    sidecars: Mapping[str, Texts | None] = key(
        MapsByName("a map from the name of each container to a map of a sidecar's keys")
    )
    depends_on: dict[str, str] = key(_DEPENDENCIES)
    ingress_container: str | None = key(OrNone(CONTAINER_NAME, _OWN_CONTAINER))
    connect_container: str | None = key(OrNone(CONTAINER_NAME, _OWN_CONTAINER))

    @cached_property
    def all(self) -> dict[str, Sidecar]:
        """The sidecars by name, whatever of them could be read."""
        found: dict[str, Sidecar] = {}
        for name, texts in (self.sidecars or {}).items():
            found[name] = Sidecar.of(f"sidecars.{name}", texts)
        return found

    @property
    def readable(self) -> dict[str, Sidecar]:
        """The sidecars of which every value could be read, by name."""
        return {name: sidecar for name, sidecar in self.all.items() if not sidecar.unread}

    def having(self, *names: str) -> dict[str, Sidecar]:
        """Return the sidecars of which these fields could be read, whatever others hold."""
        return {
            name: sidecar
            for name, sidecar in self.all.items()
            if sidecar.unread.keys().isdisjoint(names)
        }

    def problems(self) -> Iterator[Problem]:
        """Check each sidecar, and that requests come to its port."""
        yield from self._sidecars_are_right()
        yield from self._ports_get_requests()

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that secrets are in the stack's region."""
        for name, sidecar in self.readable.items():
            path = f"sidecars.{name}"
            yield from secrets_elsewhere(environment, f"{path}.secrets", sidecar.secrets)
            yield from secrets_elsewhere(environment, f"{path}.logSecrets", sidecar.log_secrets)

    @relation("sidecars")
    def _sidecars_are_right(self) -> Iterator[Problem]:
        yield from entry_problems("sidecars", self.sidecars, self.all, CONTAINER_NAME)

    @relation("sidecars", "ingress_container", "connect_container")
    def _ports_get_requests(self) -> Iterator[Problem]:
        for name, sidecar in self.having("port").items():
            if sidecar.port and name not in {self.ingress_container, self.connect_container}:
                yield Problem(
                    f"sidecars.{name}.port",
                    f"{sidecar.port}, to which no requests come",
                    f"0, or any with ingressContainer {name} or connectContainer {name}; "
                    "containers of a task reach each other without it",
                    unused=True,
                )


def dependency_problems(settings: SidecarSettings, container: str) -> Iterator[Problem]:
    """Check that containers wait for others, for what these can reach, and not for each other.

    Args:
        settings: The sidecars.
        container: Name of the service's own container.
    """
    waiting = {"dependsOn": (container, settings.part("depends_on"))}
    for name, sidecar in settings.all.items():
        waiting[f"sidecars.{name}.dependsOn"] = (name, sidecar.part("depends_on"))
    graph: dict[str, set[str]] = {}
    for path, (name, needed) in waiting.items():
        graph[name] = set(needed) - {name}
        for other, condition in needed.items():
            yield from _dependency_problems(settings, path, name, other, condition, container)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield Problem(
            "dependsOn",
            " -> ".join(reversed(error.args[1])),
            "containers that don't wait for each other",
        )


def _dependency_problems(  # noqa: PLR0917 — the parts of one dependency
    settings: SidecarSettings, path: str, name: str, other: str, condition: str, container: str
) -> Iterator[Problem]:
    sidecar = settings.having("health_check_command", "essential").get(other)
    others = sorted({container, *settings.sidecars} - {name})
    # The service's own container has no such check, and its end stops the task. A sidecar whose
    # values couldn't be read isn't judged.
    without_check = ends_the_task = other == container
    if sidecar is not None and other != container:
        without_check = not sidecar.health_check_command
        ends_the_task = sidecar.essential
    if other not in others:
        yield Problem(
            path,
            f"{other}, which is no other container of the task",
            f"one of {', '.join(others)}" if others else "none without sidecars",
        )
    elif condition == HEALTHY and without_check:
        yield Problem(
            path,
            f"{HEALTHY} of {other}, which has no healthCheckCommand",
            f"START, or {HEALTHY} of a sidecar with a healthCheckCommand",
        )
    elif condition in _ENDED and ends_the_task:
        yield Problem(
            path,
            f"{condition} of {other}, whose end stops the task",
            "the end of a sidecar with essential false",
        )
