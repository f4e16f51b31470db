"""Getting an image by its name: from a registry, or what stands in for it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from localaws.images import config, layout, platforms, stand_in
from localaws.images.errors import CannotPullError, UnreachableRegistryError
from localaws.images.programs import ProgramError
from localaws.images.reference import InvalidReferenceError, parse
from localaws.images.registry import no_platform
from localaws.machine.processes import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from localaws.images.config import ImageConfig
    from localaws.images.layout import LayeredImage
    from localaws.images.reference import Reference
    from localaws.images.registry import Registry
    from localaws.images.store import Store, StoredImage

Source = Literal["registry", "stand-in", "archive", "docker"]

WAYS_OUT = (
    "ways to run it without this registry: a mirror in LOCALAWS_REGISTRY_MIRROR, or a file in "
    "localaws-images.toml (docs/images.md)"
)

REPORTS = (2, 10, 30)
"""After how many seconds a pull reports that it is at work; from then on once a minute."""


@dataclass(frozen=True)
class Image:
    """An image that a container can start from."""

    root: Path
    """The folder with its files, which nothing may write to."""

    config: ImageConfig
    digest: str
    source: Source
    note: str = ""
    """What a user must know about where it came from; empty for a registry's image."""


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return the user's folder for images, in the project's cache by the XDG rules."""
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "fargate-web" / "images"


class Puller:
    """Gets images into a store."""

    def __init__(
        self,
        store: Store,
        registry: Registry | None,
        *,
        report: Callable[[str], None] = lambda _line: None,
        stand_in_layout: Path | None = None,
    ) -> None:
        """Combine a store with where images come from.

        Args:
            store: The unpacked images of the isolation in use.
            registry: Gets images from registries; None where there is no crane.
            report: Takes a line now and then while a pull takes long.
            stand_in_layout: The image that stands in for nginx, if there is one.
        """
        self._store = store
        self._registry = registry
        self._report = report
        self._stand_in = stand_in_layout

    async def pull(self, name: str, *, platform: str) -> Image:
        """Return an image, which is downloaded and unpacked if it isn't here yet.

        A tag is resolved anew each time, as ECS does for each deployment: a registry that can't be
        reached is an error also for an image whose tag was pulled before. A digest that is here
        needs no registry.

        Args:
            name: The image, as the task definition has it.
            platform: The platform that it must be for, as `linux/amd64`.

        Raises:
            CannotPullError: It can't be had; the text is ECS's.
        """
        try:
            reference = parse(name)
        except InvalidReferenceError as error:
            raise CannotPullError(str(error)) from error
        try:
            return await self._from_registry(reference, platform)
        except UnreachableRegistryError as error:
            if self._stand_in is not None and stand_in.can_stand_for(reference):
                return await self._from_stand_in(self._stand_in, reference, error)
            raise CannotPullError(f"{error}; {WAYS_OUT}") from error

    async def _from_registry(self, reference: Reference, platform: str) -> Image:
        digest = self._store.resolved(reference.digest, platform) if reference.digest else ""
        stored = self._store.find(digest) if digest else None
        if stored is None:
            if self._registry is None:
                raise UnreachableRegistryError(
                    f"failed to resolve ref {reference}: crane, which gets images from "
                    "registries, is not installed: run `make setup`"
                )
            digest = await self._registry.resolve(reference, platform)
            stored = self._store.find(digest) or await self._download(
                self._registry, reference.at(digest), platform
            )
            if reference.digest:
                self._store.remember(reference.digest, platform, digest)
        if (built_for := config.platform_of(stored.config)) and built_for != platform:
            raise no_platform(platform)
        return Image(stored.root, config.from_json(stored.config), digest, "registry")

    async def _download(
        self, registry: Registry, reference: Reference, platform: str
    ) -> StoredImage:
        digest = reference.digest
        async with self._store.filling(digest) as scratch:
            if (stored := self._store.find(digest)) is not None:
                return stored  # another pull of the same image was at work
            with self._reporting(f"pulling {reference}", scratch):
                files = scratch / "layout"
                await registry.download(reference, platform, files)
                image = layout.read_oci(files)
                if image.zstd:
                    flat = scratch / "flat.tar"
                    await registry.flatten(reference, platform, flat)
                    image = layout.LayeredImage(image.config, (flat,))
                return await self._unpack(digest, scratch, image, reference)

    async def _from_stand_in(
        self, files: Path, reference: Reference, reason: UnreachableRegistryError
    ) -> Image:
        digest = layout.digest_of(files)
        stored = self._store.find(digest)
        if stored is None:
            async with self._store.filling(digest) as scratch:
                stored = self._store.find(digest) or await self._unpack(
                    digest, scratch, layout.read_oci(files), reference
                )
        labels = (stored.config.get("config") or {}).get("Labels") or {}
        made_of = labels.get("fargate-web.stand-in", "nginx")
        note = f"{reference} is a stand-in, {made_of}, as its registry can't be reached: {reason}"
        return Image(stored.root, config.from_json(stored.config), digest, "stand-in", note)

    async def _unpack(
        self, digest: str, scratch: Path, image: LayeredImage, reference: Reference
    ) -> StoredImage:
        try:
            return await self._store.add(digest, scratch, image.layers, image.config)
        except (ProgramError, CannotStartError, OSError) as error:
            raise CannotPullError(f"failed to extract layer of {reference}: {error}") from error

    @contextlib.contextmanager
    def _reporting(self, what: str, folder: Path) -> Iterator[None]:
        """Report, while the block runs, how long it has taken and how much is there."""
        reporter = asyncio.create_task(self._report_progress(what, folder))
        try:
            yield
        finally:
            reporter.cancel()

    async def _report_progress(self, what: str, folder: Path) -> None:
        elapsed = 0
        while True:
            due = next((each for each in REPORTS if each > elapsed), elapsed + 60)
            await asyncio.sleep(due - elapsed)
            elapsed = due
            size = await asyncio.to_thread(_size_of, folder)
            self._report(f"{what}: {elapsed} s, {size / 1e6:.0f} MB so far")


def _size_of(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size
    return size


def platform_for(cpu_architecture: str | None) -> str:
    """Return the platform to pull for a task definition.

    Raises:
        CannotPullError: This machine can't run it.
    """
    wanted = platforms.of_task(cpu_architecture)
    if not platforms.can_run(wanted):
        raise CannotPullError(
            f"the task definition's cpuArchitecture needs {wanted}, and this machine runs "
            f"{platforms.of_this_machine()}; set cpuArchitecture, or register an emulator "
            "(qemu-user-static by binfmt_misc)"
        )
    return wanted
