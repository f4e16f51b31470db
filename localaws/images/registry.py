"""Images from registries, by crane (github.com/google/go-containerregistry)."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.images.errors import CannotPullError, UnreachableRegistryError
from localaws.images.mirrors import apply
from localaws.images.programs import ProgramError, run
from localaws.machine.processes import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.images.mirrors import Mirror
    from localaws.images.reference import Reference
    from localaws.machine.processes import Launcher

RESOLVE_SECONDS = 30
DOWNLOAD_SECONDS = 1800

_UNREACHABLE = (
    "no such host",
    "server misbehaving",
    "connection refused",
    "i/o timeout",
    "deadline exceeded",
    "Client.Timeout exceeded",
    "network is unreachable",
    "no route to host",
    "TLS handshake timeout",
)


def find_crane() -> str | None:
    """Return the crane that set-up linked beside this Python, or one on PATH."""
    own = Path(sys.executable).parent
    return shutil.which("crane", path=f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}")


class Registry:
    """Resolves and downloads, with the credentials of Docker's configuration as crane reads it."""

    def __init__(
        self,
        launcher: Launcher,
        crane: str,
        environment: Mapping[str, str],
        *,
        mirrors: Mapping[str, Mirror] | None = None,
        resolve_seconds: float = RESOLVE_SECONDS,
    ) -> None:
        """Use one crane.

        Args:
            launcher: Starts crane in the host's network, which registries are reached from.
            crane: The program.
            environment: Its environment: HOME or DOCKER_CONFIG for credentials, proxies, PATH for
                credential helpers.
            mirrors: Registries that are reached under another name; it may change at any time.
            resolve_seconds: How long a registry may take to answer for a tag.
        """
        self._mirrors = {} if mirrors is None else mirrors
        self._resolve_seconds = resolve_seconds
        self._launcher = launcher
        self._crane = crane
        self._environment = environment

    async def resolve(self, reference: Reference, platform: str) -> str:
        """Return the digest of the image that a name means on a platform now.

        Raises:
            CannotPullError: There is none, or the registry refuses or can't be reached.
        """
        return await self._run(["digest"], reference, [], platform, self._resolve_seconds)

    async def download(self, reference: Reference, platform: str, folder: Path) -> None:
        """Write an image, its layers apart, into a folder as an OCI layout.

        Raises:
            CannotPullError: It can't be had.
        """
        command = ["pull", "--format=oci"]
        await self._run(command, reference, [str(folder)], platform, DOWNLOAD_SECONDS)

    async def flatten(self, reference: Reference, platform: str, tar: Path) -> None:
        """Write an image's file system as one tar, which needs no decompression here.

        Raises:
            CannotPullError: It can't be had.
        """
        await self._run(["export"], reference, [str(tar)], platform, DOWNLOAD_SECONDS)

    async def _run(
        self,
        command: list[str],
        reference: Reference,
        arguments: list[str],
        platform: str,
        seconds: float,
    ) -> str:
        argv = [self._crane, *command, "--platform", platform]
        mirror = self._mirrors.get(reference.registry)
        if mirror is not None and mirror.insecure:
            argv.append("--insecure")
        called = reference if mirror is None else apply(mirror, reference)
        try:
            return await run(
                self._launcher,
                [*argv, str(called), *arguments],
                environment=self._environment,
                seconds=seconds,
            )
        except CannotStartError as error:
            raise CannotPullError(f"failed to resolve ref {reference}: {error}") from error
        except ProgramError as error:
            raise failure(str(error), reference, platform) from error


def failure(complaint: str, reference: Reference, platform: str) -> CannotPullError:
    """Return ECS's error for what crane reported.

    The words are those of stopped tasks that users of ECS have published, for example
    https://github.com/aws/containers-roadmap/issues/1120; crane's sentence follows in parentheses
    where it has more details.
    """
    lines = [line for line in complaint.splitlines() if line.startswith("Error:")]
    sentence = (lines[-1] if lines else complaint).removeprefix("Error:").strip()
    resolve = f"failed to resolve ref {reference}"
    if "no child with platform" in sentence:
        return no_platform(platform)
    if re.search(r"MANIFEST_UNKNOWN|NAME_UNKNOWN|404 Not Found", sentence):
        return CannotPullError(f"{resolve}: {reference}: not found ({sentence})")
    if re.search(r"UNAUTHORIZED|DENIED|401 Unauthorized", sentence):
        return CannotPullError(
            f"{resolve}: pull access denied, repository does not exist or may require "
            f"authorization: server message: {sentence}"
        )
    if "no space left on device" in sentence:
        return CannotPullError(f"failed to copy {reference}: {sentence}")
    for words in _UNREACHABLE:
        if words in sentence:
            return UnreachableRegistryError(f"{resolve}: failed to do request: {sentence}")
    return CannotPullError(f"{resolve}: {sentence}")


def no_platform(platform: str) -> CannotPullError:
    """Return ECS's error for an image that isn't built for a platform."""
    return CannotPullError(
        f"image Manifest does not contain descriptor matching platform '{platform}'"
    )
