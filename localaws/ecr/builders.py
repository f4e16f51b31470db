"""The programs that build an image from a Dockerfile: docker, podman or buildah."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from localaws.images.programs import ProgramError, run
from localaws.machine.processes import CannotStartError
from localaws.protocol.docker_build_provider import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from localaws.machine.processes import Launcher
    from localaws.protocol.docker_build import Build

ANSWER_SECONDS = 20
BUILD_SECONDS = 1800

_REMEDY: Final = (
    "start Docker, or install podman or buildah (`apt install buildah`); or take `build` out and "
    "name an image that exists in `image` (docs/images.md says which ones the local AWS can run)"
)


class CannotBuildError(ImageError):
    """An image can't be built here; the message says why and what to do."""


class Programs(Protocol):
    """Runs programs to their end."""

    async def run(self, argv: Sequence[str], seconds: float) -> str:
        """Run one, and return its standard output.

        Raises:
            ProgramError: It failed or took too long.
            CannotStartError: It can't be run.
        """


@dataclass(frozen=True)
class HostPrograms:
    """Runs programs with this machine's network, and the environment of the daemon."""

    launcher: Launcher
    environment: Mapping[str, str]

    async def run(self, argv: Sequence[str], seconds: float) -> str:
        """Run a program, and return its standard output."""
        return await run(self.launcher, argv, environment=self.environment, seconds=seconds)


@dataclass(frozen=True)
class _Tool:
    """One program, and how it is used."""

    name: str
    probe: tuple[str, ...]
    """Arguments that only work if it can build."""

    save: Callable[[str, Path], tuple[str, ...]]
    """Arguments that write an image, by name, into an archive as `docker save` does."""


_TOOLS: Final = (
    _Tool(
        "docker",
        ("version", "--format", "{{.Server.Version}}"),
        lambda name, file: ("save", "--output", str(file), name),
    ),
    _Tool(
        "podman",
        ("info",),
        lambda name, file: ("save", "--format", "docker-archive", "--output", str(file), name),
    ),
    _Tool("buildah", ("info",), lambda name, file: ("push", name, f"docker-archive:{file}")),
)
"""In the order in which they are tried."""


async def build(
    programs: Programs, request: Build, *, project: Path, name: str, archive: Path
) -> None:
    """Build an image and write it into an archive.

    Args:
        programs: Runs the builder.
        request: What is built; its paths are relative to the project.
        project: The project's folder.
        name: What the builder calls the image.
        archive: The file to write.

    Raises:
        CannotBuildError: There is no builder, or the build failed.
    """
    tool = await _find(programs)
    try:
        await programs.run([tool.name, *_arguments(request, project, name)], BUILD_SECONDS)
        await programs.run([tool.name, *tool.save(name, archive)], BUILD_SECONDS)
    except (ProgramError, CannotStartError) as error:
        raise CannotBuildError(f"{tool.name} couldn't build {request.context}: {error}") from error


def _arguments(request: Build, project: Path, name: str) -> list[str]:
    """Return the arguments of a build, which the three programs have in common."""
    arguments = ["build", "--file", str(project / request.dockerfile), "--tag", name]
    for platform in request.platforms:
        arguments += ["--platform", platform]
    if request.target:
        arguments += ["--target", request.target]
    for key, value in request.arguments.items():
        arguments += ["--build-arg", f"{key}={value}"]
    return [*arguments, str(project / request.context)]


async def _find(programs: Programs) -> _Tool:
    """Return the first program that can build here.

    Raises:
        CannotBuildError: None can; the message says what each of them lacks.
    """
    lacks = []
    for tool in _TOOLS:
        if shutil.which(tool.name, path=os.environ.get("PATH", os.defpath)) is None:
            lacks.append(f"{tool.name} isn't installed")
            continue
        try:
            await programs.run([tool.name, *tool.probe], ANSWER_SECONDS)
        except (ProgramError, CannotStartError) as error:
            lacks.append(f"{tool.name} can't build: {str(error).splitlines()[0]}")
        else:
            return tool
    raise CannotBuildError(f"no program here builds images ({'; '.join(lacks)}): {_REMEDY}")
