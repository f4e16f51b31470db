"""Read an image's configuration, and merge it with a container definition. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.machine.container import DEFAULT_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_STOP_SIGNAL = "SIGTERM"


@dataclass(frozen=True)
class ImageConfig:
    """The part of an image's configuration that ECS honours.

    ECS ignores an image's HEALTHCHECK: only the task definition's counts.
    """

    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    """As in the Dockerfile: a name or number, perhaps with `:group`; empty for root."""

    working_directory: str = ""
    """Absolute; empty for `/`."""

    stop_signal: str = DEFAULT_STOP_SIGNAL
    """A name such as SIGQUIT, or a number."""

    exposed_ports: tuple[str, ...] = ()
    """As the image writes them: `80/tcp`."""

    volumes: tuple[str, ...] = ()
    """Folders that the image declares as volumes."""


@dataclass(frozen=True)
class ContainerProcess:
    """The first process of a container."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    user: str
    working_directory: str


class NoCommandError(ValueError):
    """Neither the image nor the task definition has a command to run."""


def from_json(document: Mapping[str, Any]) -> ImageConfig:
    """Read the configuration file of an image (OCI's or Docker's)."""
    config = document.get("config") or {}
    environment = {}
    for entry in config.get("Env") or ():
        name, _, value = entry.partition("=")
        environment[name] = value
    return ImageConfig(
        entry_point=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment=environment,
        user=config.get("User") or "",
        working_directory=config.get("WorkingDir") or "",
        stop_signal=config.get("StopSignal") or DEFAULT_STOP_SIGNAL,
        exposed_ports=tuple(sorted(config.get("ExposedPorts") or ())),
        volumes=tuple(sorted(config.get("Volumes") or ())),
    )


def platform_of(document: Mapping[str, Any]) -> str:
    """Return the platform that an image's configuration file names; empty where it names none."""
    system, architecture = document.get("os"), document.get("architecture")
    return f"{system}/{architecture}" if system and architecture else ""


def merge(
    image: ImageConfig,
    *,
    entry_point: Sequence[str] = (),
    command: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    user: str = "",
    working_directory: str = "",
) -> ContainerProcess:
    """Combine an image's configuration with a container definition, by Docker's rules.

    A definition's entry point also drops the image's command; an empty list counts as none. The
    definition's variables win over the image's.

    Raises:
        NoCommandError: There is nothing to run.
    """
    if entry_point:
        argv = (*entry_point, *command)
    else:
        argv = (*image.entry_point, *(command or image.command))
    if not argv:
        raise NoCommandError(
            "no command specified: neither the image nor the task definition has an entry point "
            "or a command"
        )
    return ContainerProcess(
        argv=argv,
        environment={"PATH": DEFAULT_PATH, **image.environment, **(environment or {})},
        user=user or image.user,
        working_directory=working_directory or image.working_directory or "/",
    )
