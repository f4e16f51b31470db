"""docker and podman as sources, with stubs that answer as their clients do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localaws.images.engines import Engines
from localaws.images.errors import CannotPullError
from localaws.images.puller import Puller, Sources
from tests.localaws.images.conftest import AMD64, ImageFiles, file_names, layer, member
from tests.localaws.images.docker_archives import docker_archive

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.images.puller import Image
    from tests.localaws.images.conftest import Pulls

pytestmark = pytest.mark.slow  # real processes

IDENTITY = "ab" * 32


@pytest.fixture
def engine(pulls: Pulls, tmp_path: Path) -> Path:
    """The folder of PATH where a test puts its engines."""
    folder = tmp_path / "path"
    folder.mkdir()
    pulls.environment["PATH"] = f"{folder}:/usr/bin:/bin"
    return folder


def stub(folder: Path, name: str, **answers: str) -> None:
    """An engine that runs a script for each of its commands, and notes how it was called."""
    cases = "".join(f"{command}) {script} ;;\n" for command, script in answers.items())
    program = folder / name
    program.write_text(
        f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\ncase "$1" in\n{cases}*) exit 1 ;;\nesac\n'
    )
    program.chmod(0o755)


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


async def pull(pulls: Pulls, name: str) -> Image:
    sources = Sources(registry=None, engines=Engines(pulls.host, pulls.environment))
    return await Puller(pulls.store, sources).pull(name, platform=AMD64)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    image = ImageFiles([layer(member("local"))], {"Cmd": ["run"]})
    return docker_archive(tmp_path / "saved.tar", {"shop:dev": image})


@pytest.mark.parametrize("identity", [IDENTITY, f"sha256:{IDENTITY}"])
async def test_an_image_that_an_engine_has_is_taken_from_it(
    pulls: Pulls, engine: Path, saved: Path, identity: str
) -> None:
    stub(engine, "docker", info="exit 0", image=f"echo {identity}", save=f'cp {saved} "$3"')
    image = await pull(pulls, "shop:dev")
    assert file_names(image.root) == ["local"]
    assert image.config.command == ("run",)
    assert image.source == "docker"
    assert f"is docker's image sha256:{IDENTITY}" in image.note
    assert "failed to resolve ref docker.io/library/shop:dev" in image.note
    assert "docker image inspect --format {{.Id}} shop:dev" in calls(engine)


async def test_a_client_without_its_daemon_does_not_count(
    pulls: Pulls, engine: Path, saved: Path
) -> None:
    stub(engine, "docker", info="exit 1", image=f"echo {IDENTITY}")
    stub(engine, "podman", info="exit 0", image=f"echo {IDENTITY}", save=f'cp {saved} "$3"')
    assert "is podman's image" in (await pull(pulls, "shop:dev")).note
    assert [call for call in calls(engine) if call.startswith("docker")] == ["docker info"]


async def test_an_image_that_the_engine_lacks_is_pulled_by_it(
    pulls: Pulls, engine: Path, saved: Path
) -> None:
    there = engine / "there"
    stub(
        engine,
        "docker",
        info="exit 0",
        image=f"[ -e {there} ] && echo {IDENTITY}",
        pull=f"touch {there}",
        save=f'cp {saved} "$3"',
    )
    assert (await pull(pulls, "shop:dev")).source == "docker"
    assert "docker pull --platform linux/amd64 docker.io/library/shop:dev" in calls(engine)


async def test_an_image_that_no_engine_has_fails_with_the_registrys_reason(
    pulls: Pulls, engine: Path
) -> None:
    stub(engine, "docker", info="exit 0")
    with pytest.raises(CannotPullError, match="crane, which gets images from registries"):
        await pull(pulls, "shop:dev")


async def test_an_engine_that_cannot_save_is_reported(pulls: Pulls, engine: Path) -> None:
    stub(engine, "docker", info="exit 0", image=f"echo {IDENTITY}", save="echo broken >&2; exit 1")
    with pytest.raises(CannotPullError, match=r"failed to extract layer of .*shop:dev: broken"):
        await pull(pulls, "shop:dev")
