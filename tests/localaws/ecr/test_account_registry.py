"""Building images and pushing them to the account's repositories, by a builder that is a script."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog.ecr import REPOSITORY
from localaws.daemon.connection_guard import Guard
from localaws.ecr import builders
from localaws.ecr.builders import CannotBuildError, HostPrograms
from localaws.ecr.registry import AccountRegistry
from localaws.images.programs import ProgramError
from localaws.images.reference import parse
from localaws.images.registry import Registry, find_crane
from localaws.machine.processes import Launcher
from localaws.protocol.docker_build import Build

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

URL = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop"
FAKE = Path(__file__).with_name("fake_builder.py")
BUILD = Build(
    tags=(f"{URL}:v1",), context="app", dockerfile="app/Dockerfile", platforms=("linux/amd64",)
)


@pytest.fixture
def crane() -> str:
    found = find_crane()
    assert found is not None, "`make setup` gets it"
    return found


@pytest.fixture
def cloud() -> Cloud:
    account = Cloud(seed=1)
    account.create(
        REPOSITORY,
        "urn:shop",
        {"name": "shop", "imageTagMutability": "IMMUTABLE"},
        region="eu-west-1",
    )
    return account


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an application, and podman's stand-in as the only builder on PATH."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text('FROM scratch\nCOPY . /app\nCMD ["/app/run"]\n')
    (tmp_path / "app" / "run").write_text("#!/bin/sh\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    podman = programs / "podman"
    podman.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(FAKE)])} "$@"\n')
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@asynccontextmanager
async def serving(
    cloud: Cloud, project: Path, crane: str | None
) -> AsyncIterator[tuple[AccountRegistry, Launcher]]:
    launcher = Launcher()
    registry = AccountRegistry(
        cloud, project / "registry", project, HostPrograms(launcher, dict(os.environ)), crane
    )
    socket = str(project / "r.sock")
    await registry.server.start(socket)
    guard = Guard(socket)
    registry.listens_on(await guard.start())
    try:
        yield registry, launcher
    finally:
        await guard.close()
        await registry.server.close()
        await launcher.close()


@pytest.mark.slow  # real processes
async def test_an_image_is_built_pushed_and_pulled_by_its_digest(
    cloud: Cloud, project: Path, crane: str
) -> None:
    async with serving(cloud, project, crane) as (registry, launcher):
        digest = await registry.build_and_push(BUILD)
        assert registry.has(f"{URL}:v1", digest)
        client = Registry(launcher, crane, dict(os.environ), mirrors=registry.mirrors)
        image = parse(f"{URL}@{digest}")
        assert await client.resolve(image, "linux/amd64") == digest
        await client.download(image, "linux/amd64", project / "layout")
    assert (project / "layout" / "index.json").exists()


@pytest.mark.slow  # real processes
async def test_a_tag_that_exists_is_refused_before_anything_is_built(
    cloud: Cloud, project: Path, crane: str
) -> None:
    async with serving(cloud, project, crane) as (registry, _):
        digest = await registry.build_and_push(BUILD)
        (project / "app" / "Dockerfile").write_text("FROM scratch\nRUN false\n")
        with pytest.raises(CannotBuildError, match="ImageTagAlreadyExistsException: The image"):
            await registry.build_and_push(BUILD)
        with pytest.raises(CannotBuildError, match="podman couldn't build app: STEP: RUN fal"):
            await registry.build_and_push(BUILD, current=digest)


@pytest.mark.slow  # real processes
async def test_a_build_that_comes_to_the_same_image_needs_no_push(
    cloud: Cloud, project: Path, crane: str
) -> None:
    async with serving(cloud, project, crane) as (registry, _):
        digest = await registry.build_and_push(BUILD)
        assert await registry.build_and_push(BUILD, current=digest) == digest
        (project / "app" / "run").write_text("changed")
        with pytest.raises(CannotBuildError, match="already exists in the 'shop' repository"):
            await registry.build_and_push(BUILD, current=digest)


@pytest.mark.slow  # real processes
async def test_a_repository_with_images_is_deleted_by_force_only(
    cloud: Cloud, project: Path, crane: str
) -> None:
    async with serving(cloud, project, crane) as (registry, _):
        repository = cloud.all(REPOSITORY)[0]
        assert registry.not_empty(repository) == ""
        await registry.build_and_push(BUILD)
        why_not = registry.not_empty(repository)
        assert "RepositoryNotEmptyException: The repository with name 'shop'" in why_not
        forced = cloud.update(REPOSITORY, "shop", {**repository.inputs, "forceDelete": True})
        assert registry.not_empty(forced) == ""
        registry.remove(forced)
        assert not list((project / "registry").iterdir())


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/other:v1", "has none with the URL"),
        ("docker.io/library/shop:v1", "its account's ECR repositories only"),
    ],
)
async def test_images_are_pushed_to_repositories_that_there_are(
    cloud: Cloud, project: Path, crane: str, tag: str, message: str
) -> None:
    async with serving(cloud, project, crane) as (registry, _):
        request = Build(tags=(tag,), context="app", dockerfile="app/Dockerfile")
        with pytest.raises(CannotBuildError, match=message):
            await registry.build_and_push(request)


async def test_without_crane_or_a_builder_the_error_explains_what_to_do(
    cloud: Cloud, project: Path, crane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(project / "empty"))

    async def main(crane: str | None) -> None:
        async with serving(cloud, project, crane) as (registry, _):
            await registry.build_and_push(BUILD)

    with pytest.raises(CannotBuildError) as error:
        await main(crane)
    for part in (
        "docker isn't installed; podman isn't installed; buildah isn't installed",
        "start Docker, or install podman or buildah",
        "`image`",
    ):
        assert part in str(error.value)
    with pytest.raises(CannotBuildError, match=r"crane.* is not installed: run `make setup`"):
        await main(None)


class Recorded:
    """Programs of which some fail, and their arguments."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.commands: list[list[str]] = []

    async def run(self, argv: Sequence[str], seconds: float) -> str:
        assert seconds > 0
        self.commands.append(list(argv))
        if argv[0] in self.failing:
            raise ProgramError(f"Cannot connect to {argv[0]}\nand more")
        return ""


async def commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *failing: str
) -> list[list[str]]:
    """The commands of a build where all three builders are installed, and some don't work."""
    for name in ("docker", "podman", "buildah"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    programs = Recorded(*failing)
    request = Build(
        tags=(f"{URL}:v1",),
        context="app",
        dockerfile="app/D",
        target="service",
        arguments={"A": "1 2"},
        platforms=("linux/arm64",),
    )
    await builders.build(programs, request, project=Path("/p"), name="n:1", archive=Path("/a.tar"))
    return programs.commands


BUILT: list[Any] = [
    *("build", "--file", "/p/app/D", "--tag", "n:1", "--platform", "linux/arm64"),
    *("--target", "service", "--build-arg", "A=1 2", "/p/app"),
]


async def test_docker_is_the_first_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await commands(tmp_path, monkeypatch) == [
        ["docker", "version", "--format", "{{.Server.Version}}"],
        ["docker", *BUILT],
        ["docker", "save", "--output", "/a.tar", "n:1"],
    ]


async def test_podman_is_next_where_docker_has_no_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await commands(tmp_path, monkeypatch, "docker"))[1:] == [
        ["podman", "info"],
        ["podman", *BUILT],
        ["podman", "save", "--format", "docker-archive", "--output", "/a.tar", "n:1"],
    ]


async def test_buildah_is_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await commands(tmp_path, monkeypatch, "docker", "podman"))[2:] == [
        ["buildah", "info"],
        ["buildah", *BUILT],
        ["buildah", "push", "n:1", "docker-archive:/a.tar"],
    ]


async def test_builders_that_do_not_work_are_named_with_their_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotBuildError, match="docker can't build: Cannot connect to docker; pod"):
        await commands(tmp_path, monkeypatch, "docker", "podman", "buildah")
