"""Get an image by its name: from a file, a registry, or a stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from localaws.images import archives, config, layout, mirrors, platforms, stand_in
from localaws.images.errors import CannotPullError, UnreachableRegistryError
from localaws.images.programs import ProgramError
from localaws.images.reference import InvalidReferenceError, parse
from localaws.images.registry import no_platform
from localaws.machine.processes import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from localaws.images.archives import Archive
    from localaws.images.config import ImageConfig
    from localaws.images.engines import EngineImage, Engines
    from localaws.images.layout import LayeredImage
    from localaws.images.reference import Reference
    from localaws.images.registry import Registry
    from localaws.images.store import Store, StoredImage

    Fetch = Callable[[Path], Awaitable[LayeredImage]]
    """Writes an image's files into a scratch folder."""

Source = Literal["registry", "stand-in", "archive", "docker"]

WAYS_OUT = (
    f"ways to run it without this registry: a mirror in {mirrors.VARIABLE}, or a file in "
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


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where images come from."""

    registry: Registry | None
    """Gets images from registries; None where there is no crane."""

    engines: Engines | None = None
    """Container engines of this machine."""

    archives: Callable[[], tuple[Archive, ...]] = tuple
    """Reads the project's table of files, which may change at any time."""

    stand_in: Path | None = None
    """The OCI layout of the image that stands in for nginx, if there is one."""

    runs: Callable[[str], bool] = platforms.can_run
    """Whether this machine runs a platform's programs."""


class Puller:
    """Gets images into a store."""

    def __init__(
        self, store: Store, sources: Sources, report: Callable[[str], None] = lambda _line: None
    ) -> None:
        """Combine a store with where images come from.

        Args:
            store: The unpacked images of the isolation in use.
            sources: Where images come from.
            report: Takes a line now and then while a pull takes long.
        """
        self._store = store
        self._sources = sources
        self._report = report
        self._under_way: dict[tuple[str, str], _SharedPull] = {}

    async def pull(self, name: str, *, platform: str) -> Image:
        """Return an image, which is downloaded and unpacked if it isn't here yet.

        Pulls of the same image that are made at once, as by the tasks of a service, are one.

        A tag is resolved anew each time, as ECS does for each deployment: a registry that can't be
        reached is an error also for an image whose tag was pulled before. A digest that is here
        needs no registry.

        Args:
            name: The image, as the task definition has it.
            platform: The platform that it must be for, as `linux/amd64`.

        Raises:
            CannotPullError: It can't be had; the text is ECS's.
        """
        key = (name, platform)
        shared = self._under_way.get(key)
        if shared is None:
            task = asyncio.create_task(self._pull(name, platform))
            shared = self._under_way[key] = _SharedPull(task)
            task.add_done_callback(lambda _: self._under_way.pop(key))
        return await shared.wait()

    async def _pull(self, name: str, platform: str) -> Image:
        try:
            reference = parse(name)
            archive = archives.find(self._sources.archives(), name, reference)
        except (InvalidReferenceError, archives.ArchiveTableError) as error:
            raise CannotPullError(str(error)) from error
        if archive is not None:
            return await self._from_archive(archive, name, reference, platform)
        if not self._sources.runs(platform):
            raise CannotPullError(
                f"{reference} is wanted for {platform}, and this machine runs "
                f"{platforms.of_this_machine()}: change the task definition's cpuArchitecture, or "
                "register an emulator with binfmt_misc (Debian's qemu-user-static does)"
            )
        try:
            return await self._from_registry(reference, platform)
        except CannotPullError as error:
            return await self._otherwise(name, reference, platform, error)

    async def _otherwise(
        self, name: str, reference: Reference, platform: str, reason: CannotPullError
    ) -> Image:
        """Return what this machine has for an image that its registry doesn't give."""
        engines = self._sources.engines
        if engines is not None:
            found = await engines.find(reference, name, platform)
            if found is not None:
                return await self._from_engine(engines, found, reference, platform, reason)
        if not isinstance(reason, UnreachableRegistryError):
            raise reason
        if self._sources.stand_in is not None and stand_in.can_stand_for(reference):
            return await self._from_stand_in(self._sources.stand_in, reference, reason)
        words = f"{reason}; {WAYS_OUT}"
        last = self._store.resolved(str(reference), platform)
        if last:
            words += f"; when it was last pulled it was {reference.at(last)}, which is here"
        raise CannotPullError(words) from reason

    async def _from_registry(self, reference: Reference, platform: str) -> Image:
        exact = reference.digest
        digest = self._store.resolved(exact, platform) if exact else ""
        stored = self._store.find(digest) if digest else None
        if stored is None:
            registry = self._sources.registry
            if registry is None:
                raise UnreachableRegistryError(
                    f"failed to resolve ref {reference}: crane, which gets images from "
                    "registries, is not installed: run `make setup`"
                )
            digest = await registry.resolve(reference, platform)
            exact_reference = reference.at(digest)

            async def fetch(scratch: Path) -> LayeredImage:
                return await _download(registry, exact_reference, platform, scratch)

            stored = await self._stored(digest, exact_reference, fetch)
            for known in {digest, exact or str(reference)}:
                self._store.remember(known, platform, digest)
        return _image(stored, digest, "registry", platform)

    async def _from_archive(
        self, archive: Archive, name: str, reference: Reference, platform: str
    ) -> Image:
        file = archive.file
        try:
            digest = await asyncio.to_thread(archives.digest_of, file)
        except OSError as error:
            raise CannotPullError(
                f"failed to read {file}, which localaws-images.toml names for {reference}: "
                f"{error.strerror}"
            ) from error

        async def fetch(scratch: Path) -> LayeredImage:
            return await asyncio.to_thread(
                archives.read, file, scratch, platform=platform, name=name
            )

        stored = await self._stored(digest, reference, fetch)
        note = f"{reference} is the file {file}"
        return _image(stored, digest, "archive", platform, note)

    async def _from_engine(
        self,
        engines: Engines,
        found: EngineImage,
        reference: Reference,
        platform: str,
        reason: CannotPullError,
    ) -> Image:
        async def fetch(scratch: Path) -> LayeredImage:
            file = scratch / "saved.tar"
            await engines.save(found, file)
            return await asyncio.to_thread(archives.read, file, scratch, platform=platform)

        stored = await self._stored(found.identity, reference, fetch)
        note = f"{reference} is {found.engine}'s image {found.identity}: {reason}"
        return _image(stored, found.identity, "docker", platform, note)

    async def _from_stand_in(
        self, files: Path, reference: Reference, reason: CannotPullError
    ) -> Image:
        digest = layout.digest_of(files)

        async def fetch(_scratch: Path) -> LayeredImage:
            return await asyncio.to_thread(layout.read_oci, files)

        stored = await self._stored(digest, reference, fetch)
        labels = (stored.config.get("config") or {}).get("Labels") or {}
        made_of = labels.get(stand_in.LABEL, "nginx")
        # The last clause has the cause; those before it repeat the name and the request.
        cause = str(reason).rpartition(": ")[2]
        note = f"{reference} is a stand-in ({made_of}): its registry can't be reached ({cause})"
        return _image(stored, digest, "stand-in", "", note)

    async def _stored(self, digest: str, reference: Reference, fetch: Fetch) -> StoredImage:
        """Return an image of the store, which is fetched and unpacked first if need be."""
        stored = self._store.find(digest)
        if stored is not None:
            return stored
        try:
            async with self._store.filling(digest) as scratch:
                stored = self._store.find(digest)
                if stored is not None:
                    return stored  # another process pulled the same image meanwhile
                with self._reporting(f"pulling {reference}", scratch):
                    files = scratch / "fetched"
                    files.mkdir()
                    image = await fetch(files)
                    return await self._store.add(digest, scratch, image.layers, image.config)
        except (ProgramError, CannotStartError, layout.BrokenLayoutError, OSError) as error:
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
        elapsed: float = 0
        for due in itertools.chain(REPORTS, itertools.count(REPORTS[-1] + 60, 60)):
            await asyncio.sleep(due - elapsed)
            elapsed = due
            size = await asyncio.to_thread(_size_of, folder)
            self._report(f"{what}: {elapsed:.0f} s, {size / 1e6:.0f} MB so far")


class _SharedPull:
    """A pull that several callers wait for; it is cancelled with the last of them."""

    def __init__(self, task: asyncio.Task[Image]) -> None:
        self._task = task
        self._callers = 0

    async def wait(self) -> Image:
        self._callers += 1
        try:
            return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            if self._callers == 1 and not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task])  # it has cleaned up when this returns
            raise
        finally:
            self._callers -= 1


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return the user's folder for images, in the project's cache by the XDG rules."""
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "fargate-web" / "images"


async def _download(
    registry: Registry, reference: Reference, platform: str, scratch: Path
) -> LayeredImage:
    await registry.download(reference, platform, scratch)
    image = layout.read_oci(scratch, platform)
    if image.zstd:
        flat = scratch / "flat.tar"
        await registry.flatten(reference, platform, flat)
        return layout.LayeredImage(image.config, (flat,))
    return image


def _image(
    stored: StoredImage, digest: str, source: Source, platform: str, note: str = ""
) -> Image:
    """Return a stored image, if it is built for the platform; empty means any.

    Raises:
        CannotPullError: It is built for another one.
    """
    built_for = config.platform_of(stored.config)
    if platform and built_for and built_for != platform:
        raise no_platform(platform)
    return Image(stored.root, config.from_json(stored.config), digest, source, note)


def _size_of(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size
    return size
