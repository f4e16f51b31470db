"""Images from a container engine of this machine: docker or podman, where one answers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.images.programs import ProgramError, run
from localaws.machine.processes import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localaws.images.reference import Reference
    from localaws.machine.processes import Launcher

ENGINES = ("docker", "podman")
ANSWER_SECONDS = 10
SAVE_SECONDS = 900
PULL_SECONDS = 1800


@dataclass(frozen=True)
class EngineImage:
    """An image that an engine has."""

    engine: str
    identity: str
    """What identifies it: a digest."""


class Engines:
    """The engines of this machine; a client without its daemon doesn't count."""

    def __init__(self, launcher: Launcher, environment: Mapping[str, str]) -> None:
        """Use the engines on PATH.

        Args:
            launcher: Starts their clients, in the host's network.
            environment: Their environment.
        """
        self._launcher = launcher
        self._environment = environment

    async def find(self, reference: Reference, name: str, platform: str) -> EngineImage | None:
        """Return an image that an engine has or can pull.

        Args:
            reference: The image.
            name: The image as the task definition has it: a local build has no registry.
            platform: The platform to pull for.
        """
        for engine in ENGINES:
            if not await self._answers(engine):
                continue
            for each in dict.fromkeys((name, str(reference))):
                identity = await self._identity(engine, each)
                if identity:
                    return EngineImage(engine, identity)
            pull = [engine, "pull", "--platform", platform, str(reference)]
            if await self._output(pull, PULL_SECONDS) is None:
                continue
            identity = await self._identity(engine, str(reference))
            if identity:
                return EngineImage(engine, identity)
        return None

    async def save(self, image: EngineImage, file: Path) -> None:
        """Write an image into a file as `docker save` does.

        Raises:
            ProgramError: The engine can't.
            CannotStartError: The engine is gone.
        """
        argv = [image.engine, "save", "--output", str(file), image.identity]
        await run(self._launcher, argv, environment=self._environment, seconds=SAVE_SECONDS)

    async def _answers(self, engine: str) -> bool:
        if shutil.which(engine, path=self._environment.get("PATH")) is None:
            return False
        return await self._output([engine, "info"], ANSWER_SECONDS) is not None

    async def _identity(self, engine: str, name: str) -> str:
        argv = [engine, "image", "inspect", "--format", "{{.Id}}", name]
        answer = (await self._output(argv, ANSWER_SECONDS) or "").strip()
        if not answer or answer.startswith("sha256:"):
            return answer
        return f"sha256:{answer}"  # podman's has no algorithm

    async def _output(self, argv: list[str], seconds: float) -> str | None:
        try:
            return await run(self._launcher, argv, environment=self._environment, seconds=seconds)
        except (ProgramError, CannotStartError):
            return None
