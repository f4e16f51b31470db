"""The account's registry: serves its repositories on this machine, and fills them by building."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.catalog.ecr import REPOSITORY, immutable, repository_of
from localaws.ecr.builders import BUILD_SECONDS, CannotBuildError, build
from localaws.ecr.image_store import ImageStore
from localaws.ecr.registry_server import RegistryServer, tag_exists
from localaws.images.mirrors import Mirror
from localaws.images.programs import ProgramError
from localaws.machine.processes import CannotStartError

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Resource
    from localaws.ecr.builders import Programs
    from localaws.protocol.docker_build import Build


@dataclass(frozen=True)
class _AccountRepositories:
    """The account's repositories, as the registry needs them."""

    account: Account

    @property
    def account_id(self) -> str:
        """The account."""
        return self.account.account_id

    def exists(self, repository: str) -> bool:
        """Return whether there is a repository of that name."""
        return self.account.get(REPOSITORY, repository) is not None

    def is_immutable(self, repository: str, tag: str) -> bool:
        """Return whether a tag of a repository stays at its image."""
        found = self.account.get(REPOSITORY, repository)
        return found is not None and immutable(found, tag)


class AccountRegistry:
    """The images of the account's ECR repositories."""

    def __init__(
        self, account: Account, folder: Path, project: Path, programs: Programs, crane: str | None
    ) -> None:
        """Serve the repositories of an account.

        Args:
            account: Has the repositories.
            folder: Where images are kept.
            project: The folder that the paths of builds are relative to.
            programs: Runs builders and crane.
            crane: Pushes what was built; None where there is none.
        """
        self._account = account
        self._store = ImageStore(folder)
        self._project = project
        self._programs = programs
        self._crane = crane
        self.server = RegistryServer(self._store, _AccountRepositories(account))
        """Answers registry clients."""

        self.mirrors: dict[str, Mirror] = {}
        """Where the account's registries are found on this machine, by host."""

        self._port = 0
        account.on_change.append(self._update_mirrors)

    def listens_on(self, port: int) -> None:
        """Note the port of 127.0.0.1 that the registry listens on."""
        self._port = port
        self._update_mirrors()

    def _update_mirrors(self) -> None:
        """Map the host of each repository's registry, one for each region, to this machine."""
        if not self._port:
            return
        for repository in self._account.all(REPOSITORY):
            host = str(repository.outputs.get("repositoryUrl")).partition("/")[0]
            self.mirrors[host] = Mirror(f"127.0.0.1:{self._port}")

    async def build_and_push(self, request: Build, *, current: str = "") -> str:
        """Build an image and push it by each of its tags; return its digest.

        With *current*, the digest that the tags mean now, an unchanged image isn't pushed again.

        Raises:
            CannotBuildError: It can't be built, or its repository doesn't take it.
        """
        targets = [self._target(name, current) for name in request.tags]
        if self._crane is None:
            raise CannotBuildError(
                "crane, which pushes images to the local registry, is not installed: run "
                "`make setup`"
            )
        with tempfile.TemporaryDirectory(prefix="fargate-web-build-") as scratch:
            archive = Path(scratch) / "image.tar"
            await build(
                self._programs,
                request,
                project=self._project,
                name=f"localhost/fargate-web/{targets[0].repository}:{targets[0].tag}",
                archive=archive,
            )
            if current and current == await self._digest(self._crane, archive):
                return current
            for target in targets:
                await self._push(self._crane, archive, target)
        digest = self._store.tags(targets[0].repository).get(targets[0].tag)
        assert digest is not None, "what crane pushed is there"
        return digest

    def not_empty(self, repository: Resource) -> str:
        """Return why a repository can't be deleted, in ECR's words; empty if it can."""
        if repository.inputs.get("forceDelete") or self._store.is_empty(repository.id):
            return ""
        return (
            f"ECR Repository ({repository.id}) not empty, consider using force_delete: "
            f"RepositoryNotEmptyException: The repository with name '{repository.id}' in registry "
            f"with id '{self._account.account_id}' cannot be deleted because it still contains "
            "images"
        )

    def remove(self, repository: Resource) -> None:
        """Delete the images of a repository that is deleted."""
        self._store.remove(repository.id)

    def has(self, tag: str, digest: str) -> bool:
        """Return whether a name with a tag still means the image that was pushed by it."""
        url, _, name = tag.rpartition(":")
        found = repository_of(self._account, url)
        return found is not None and self._store.tags(found.id).get(name) == digest

    def _target(self, name: str, current: str) -> _Target:
        """Return where a name with a tag is pushed to.

        Raises:
            CannotBuildError: There is no such repository here, or the tag can't be pushed.
        """
        url, _, tag = name.rpartition(":")
        found = repository_of(self._account, url)
        if found is None:
            raise CannotBuildError(
                f"{name}: the local AWS pushes to its account's ECR repositories only, and has "
                f"none with the URL {url}"
            )
        if not current and immutable(found, tag) and tag in self._store.tags(found.id):
            # Before the build, which may take long.
            raise CannotBuildError(f"ImageTagAlreadyExistsException: {tag_exists(found.id, tag)}")
        return _Target(found.id, tag)

    async def _digest(self, crane: str, archive: Path) -> str:
        """Return the digest that an archive's image gets when it is pushed."""
        try:
            digest = await self._programs.run([crane, "digest", "--tarball", str(archive)], 60)
        except (ProgramError, CannotStartError) as error:
            raise CannotBuildError(f"the image can't be read: {error}") from error
        return digest.strip()

    async def _push(self, crane: str, archive: Path, target: _Target) -> None:
        name = f"127.0.0.1:{self._port}/{target.repository}:{target.tag}"
        try:
            await self._programs.run([crane, "push", str(archive), name], BUILD_SECONDS)
        except (ProgramError, CannotStartError) as error:
            raise CannotBuildError(f"the image wasn't pushed to {name}: {error}") from error


@dataclass(frozen=True)
class _Target:
    """A tag in a repository."""

    repository: str
    tag: str
