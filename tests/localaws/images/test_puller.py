"""Pulls from a registry on loopback by the real crane, into a real store."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from localaws.images.errors import CannotPullError, UnreachableRegistryError
from localaws.images.platforms import of_this_machine
from localaws.images.puller import Image, Puller, Sources
from localaws.images.reference import parse
from localaws.images.registry import Registry, failure
from tests.localaws.images.conftest import AMD64, ImageFiles, file_names, folder, layer, member

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localaws.images.conftest import LoopbackRegistry, Pulls

pytestmark = pytest.mark.slow  # real processes

SHOP = ImageFiles(
    [layer(folder("srv"), member("srv/a", b"one")), layer(member("srv/.wh.a"), member("srv/b"))],
    {"Cmd": ["/srv/b"], "Env": ["MODE=image"], "User": "7:8"},
)


def other(content: bytes) -> ImageFiles:
    return ImageFiles([layer(member("a", content))])


async def pull(
    pulls: Pulls, *names: str, platform: str = AMD64, puller: Puller | None = None
) -> Image:
    """Pull images one after the other, and return the last."""
    for name in names:
        image = await (puller or pulls.puller()).pull(name, platform=platform)
    return image


async def refusal(pulls: Pulls, name: str, **options: Any) -> str:
    with pytest.raises(CannotPullError) as refused:
        await pull(pulls, name, **options)
    return str(refused.value)


class CountingRegistry(Registry):
    """Counts what is resolved and downloaded."""

    resolved = 0
    downloads = 0

    async def resolve(self, *arguments: Any) -> str:
        self.resolved += 1
        return await super().resolve(*arguments)

    async def download(self, *arguments: Any) -> None:
        self.downloads += 1
        await super().download(*arguments)


def closed_port() -> int:
    """A port of loopback where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_pulled_image_has_the_files_and_the_configuration(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    image = await pull(pulls, registry.push("shop:1", SHOP))
    assert file_names(image.root / "srv") == ["b"]
    assert image.config.command == ("/srv/b",)
    assert image.config.environment == {"MODE": "image"}
    assert image.config.user == "7:8"
    assert (image.source, image.note) == ("registry", "")
    assert image.digest == registry.digest("shop:1")


async def test_nothing_but_the_image_stays_in_the_store(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    image = await pull(pulls, registry.push("shop:1", SHOP))
    left = {path.name for path in pulls.store.folder.iterdir() if not path.name.endswith(".lock")}
    assert left == {image.digest.replace(":", "-"), "resolved"}
    assert pulls.store.folder.stat().st_mode & 0o77 == 0, "images may hold private code"


async def test_an_image_is_downloaded_once_also_under_another_name(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    counting = pulls.registry_of(CountingRegistry)
    names = [registry.push("shop:1", SHOP), registry.push("store:2", SHOP)]
    await pull(pulls, *names, names[0], puller=pulls.puller(counting))
    assert counting.downloads == 1


async def test_pulls_of_the_same_image_at_once_download_it_once(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("shop:1", SHOP)
    counting = pulls.registry_of(CountingRegistry)
    first, second = pulls.puller(counting), pulls.puller(counting)
    images = await asyncio.gather(
        *(each.pull(name, platform=AMD64) for each in (first, first, second))
    )
    assert len({image.root for image in images}) == 1
    assert counting.downloads == 1


async def test_pulls_of_the_same_name_at_once_ask_the_registry_once(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("shop:1", SHOP)
    counting = pulls.registry_of(CountingRegistry)
    puller = pulls.puller(counting)
    await asyncio.gather(*(puller.pull(name, platform=AMD64) for _ in range(50)))
    assert counting.resolved == 1
    await puller.pull(name, platform=AMD64)
    assert counting.resolved == 2, "a later one resolves the tag anew"


async def test_of_two_callers_of_a_pull_one_may_be_cancelled(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("shop:1", SHOP)
    puller = pulls.puller()
    first, second = (asyncio.create_task(puller.pull(name, platform=AMD64)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    image = await second
    assert (image.root / "srv/b").exists()


async def test_callers_of_a_pull_that_fails_all_get_the_reason(pulls: Pulls) -> None:
    puller = pulls.puller()
    outcomes = await asyncio.gather(
        *(puller.pull("No Image", platform=AMD64) for _ in range(3)),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [CannotPullError] * 3


async def test_a_tag_that_moved_gives_the_new_image(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("moving:tag", other(b"old"))
    puller = pulls.puller()
    before = await puller.pull(name, platform=AMD64)
    registry.push("moving:tag", other(b"new"))
    after = await puller.pull(name, platform=AMD64)
    assert (after.root / "a").read_bytes() == b"new"
    assert (before.root / "a").read_bytes() == b"old", "tasks of the old deployment still use it"


async def test_a_digest_that_is_here_needs_no_registry_and_a_tag_does(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("shop:1", SHOP)
    exact = f"{registry.address}/shop@{registry.digest('shop:1')}"
    pulled = await pulls.puller().pull(exact, platform=AMD64)
    offline = Puller(pulls.store, Sources(registry=None))
    assert await offline.pull(exact, platform=AMD64) == pulled
    with pytest.raises(CannotPullError, match="crane, which gets images"):
        await offline.pull(name, platform=AMD64)
    assert pulled.digest in exact


async def test_the_platform_chooses_among_the_images_of_an_index(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push_index(
        "both:1",
        [
            ImageFiles([layer(member("amd64"))], architecture="amd64"),
            ImageFiles([layer(member("arm64"))], architecture="arm64"),
        ],
    )
    index = f"{registry.address}/both@{registry.digest('both:1')}"
    for architecture in ("amd64", "arm64", "amd64"):
        for each in (name, index):
            image = await pulls.puller().pull(each, platform=f"linux/{architecture}")
            assert file_names(image.root) == [architecture]
    offline = Puller(pulls.store, Sources(registry=None, runs=lambda _: True))
    image = await offline.pull(index, platform="linux/arm64")
    assert file_names(image.root) == ["arm64"]


NO_PLATFORM = "image Manifest does not contain descriptor matching platform 'linux/s390x'"


async def test_an_index_without_the_platform_is_refused_with_the_message_of_ecs(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push_index("one:1", [SHOP])
    assert await refusal(pulls, name, platform="linux/s390x") == NO_PLATFORM


async def test_an_image_for_another_platform_is_refused_with_the_same_message(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    assert (
        await refusal(pulls, registry.push("shop:1", SHOP), platform="linux/s390x") == NO_PLATFORM
    )


async def test_a_platform_that_this_machine_does_not_run_is_refused_with_what_to_do(
    pulls: Pulls, stand_in: Path
) -> None:
    puller = pulls.puller(stand_in=stand_in, runs=lambda platform: platform == of_this_machine())
    words = await refusal(pulls, "nginx", platform="linux/riscv64", puller=puller)
    assert f"wanted for linux/riscv64, and this machine runs {of_this_machine()}" in words
    assert "cpuArchitecture" in words
    assert "qemu-user-static" in words


async def test_what_a_registry_lacks_is_not_found(registry: LoopbackRegistry, pulls: Pulls) -> None:
    registry.push("shop:1", SHOP)
    for name in ("shop:stabel", "never/there:1"):
        full = f"{registry.address}/{name}"
        assert (await refusal(pulls, full)).startswith(
            f"failed to resolve ref {full}: {full}: not found"
        )


async def test_a_registry_that_cannot_be_reached_is_reported_with_what_to_do(
    pulls: Pulls,
) -> None:
    name = f"127.0.0.1:{closed_port()}/shop:1"
    words = await refusal(pulls, name)
    assert words.startswith(f"failed to resolve ref {name}: failed to do request: ")
    assert "connection refused" in words
    for option in ("LOCALAWS_REGISTRY_MIRROR", "localaws-images.toml", "docs/images.md"):
        assert option in words


async def test_an_invalid_name_is_refused_before_anything_runs(pulls: Pulls) -> None:
    assert "invalid reference format" in await refusal(pulls, "No Image")


async def test_a_hostile_image_is_refused_and_leaves_nothing(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    words = await refusal(pulls, registry.push("hostile:1", ImageFiles([layer(member("../out"))])))
    assert "failed to extract layer" in words
    assert "outside its root: ../out" in words
    assert not [path for path in pulls.store.folder.iterdir() if path.is_dir()]


def half_written(folder: Path) -> None:
    (folder / "index.json").write_text("{")


class StoppingRegistry(Registry):
    """Stops in the middle of a download, for ever."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.stopped = asyncio.Event()

    async def download(self, _reference: object, _platform: str, folder: Path) -> None:
        half_written(folder)
        self.stopped.set()
        await asyncio.Event().wait()


async def test_a_cancelled_pull_leaves_nothing_that_counts_as_an_image(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("shop:1", SHOP)
    stopping = pulls.registry_of(StoppingRegistry)
    task = asyncio.create_task(pulls.puller(stopping).pull(name, platform=AMD64))
    await asyncio.wait_for(stopping.stopped.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [path for path in pulls.store.folder.iterdir() if path.is_dir()]
    image = await pulls.puller().pull(name, platform=AMD64)
    assert (image.root / "srv/b").exists()


KILLED = """
import asyncio, sys
from pathlib import Path
from localaws.images.store import Store
from localaws.machine.isolation import Isolation
from localaws.machine.processes import Launcher

async def main():
    launcher = Launcher(Isolation(sys.argv[2]))
    async with Store(Path(sys.argv[1]), launcher).filling(sys.argv[3]) as scratch:
        (scratch / "image" / "root").mkdir(parents=True)
        print("filling", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_a_killed_pull_left_is_no_image_and_blocks_no_other_pull(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("shop:1", SHOP)
    digest = registry.digest("shop:1")
    arguments = [str(pulls.store.folder.parent), str(pulls.behind.isolation)]
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments, digest], stdout=subprocess.PIPE
    ) as other_daemon:
        assert other_daemon.stdout
        assert other_daemon.stdout.readline() == b"filling\n"
        other_daemon.send_signal(signal.SIGKILL)
    assert pulls.store.find(digest) is None
    assert (await pull(pulls, name)).digest == digest


def damage(image: Image) -> None:
    (image.root.parent / "config.json").write_text("{")


async def test_an_image_whose_configuration_was_damaged_is_pulled_anew(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    name = registry.push("shop:1", SHOP)
    damage(await pulls.puller().pull(name, platform=AMD64))
    image = await pulls.puller().pull(name, platform=AMD64)
    assert image.config.command == ("/srv/b",)


async def test_a_layer_that_python_cannot_decompress_is_flattened_by_crane(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    class ZstdRegistry(Registry):
        """Gives layers that are compressed by zstd."""

        async def download(self, reference: Any, platform: str, folder: Path) -> None:
            await super().download(reference, platform, folder)
            blobs = folder / "blobs/sha256"
            (manifest,) = (path for path in blobs.iterdir() if b'"layers":' in path.read_bytes())
            document = json.loads(manifest.read_text())
            for each in document["layers"]:
                each["mediaType"] = "application/vnd.oci.image.layer.v1.tar+zstd"
                blob = blobs / each["digest"].removeprefix("sha256:")
                blob.write_bytes(b"\x28\xb5\x2f\xfd")  # how zstd begins
            manifest.write_text(json.dumps(document))

    zstd = pulls.registry_of(ZstdRegistry)
    name = registry.push("shop:1", SHOP)
    image = await pull(pulls, name, puller=pulls.puller(zstd))
    assert file_names(image.root / "srv") == ["b"]


async def test_a_pull_that_takes_long_reports_its_progress(
    registry: LoopbackRegistry, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localaws.images.puller.REPORTS", (0.01, 0.02))
    name = registry.push("shop:1", SHOP)

    reported = asyncio.Event()

    class SlowRegistry(Registry):
        async def download(self, *arguments: Any) -> None:
            await super().download(*arguments)
            await asyncio.wait_for(reported.wait(), 30)

    def report(line: str) -> None:
        pulls.reports.append(line)
        reported.set()

    slow = pulls.registry_of(SlowRegistry)
    puller = Puller(pulls.store, Sources(registry=slow), report)
    await pull(pulls, name, puller=puller)
    assert pulls.reports[0].startswith(f"pulling {registry.address}/shop@sha256:")
    assert "MB so far" in pulls.reports[0]


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    labels = {"fargate-web.stand-in": "nginx 1.2 and busybox 3"}
    files = ImageFiles([layer(member("usr/sbin/nginx"))], {"Cmd": ["nginx"], "Labels": labels})
    files.architecture = of_this_machine().partition("/")[2]
    return files.write(tmp_path / "stand-in")


class UnreachableRegistry(Registry):
    """A registry whose name can't be resolved."""

    async def resolve(self, *_: Any) -> str:
        raise UnreachableRegistryError("no such host")


def unreachable(pulls: Pulls) -> UnreachableRegistry:
    return pulls.registry_of(UnreachableRegistry)


@pytest.mark.parametrize(
    "name", ["public.ecr.aws/nginx/nginx:stable", "nginx", "public.ecr.aws/docker/library/nginx:1"]
)
async def test_without_its_registry_nginx_gets_the_stand_in_and_a_note(
    pulls: Pulls, stand_in: Path, name: str
) -> None:
    puller = pulls.puller(unreachable(pulls), stand_in=stand_in)
    image = await pull(pulls, name, name, puller=puller)
    assert (image.root / "usr/sbin/nginx").exists()
    assert image.source == "stand-in"
    for words in (str(parse(name)), "is a stand-in", "nginx 1.2 and busybox 3", "no such host"):
        assert words in image.note


@pytest.mark.parametrize(
    "name",
    [
        "public.ecr.aws/nginx/nginx@sha256:" + "0" * 64,
        "public.ecr.aws/nginx/unit:1",
        "shop.example.com/nginx:1",
    ],
)
async def test_the_stand_in_stands_for_no_exact_and_no_other_image(
    pulls: Pulls, stand_in: Path, name: str
) -> None:
    puller = pulls.puller(unreachable(pulls), stand_in=stand_in)
    assert "no such host" in await refusal(pulls, name, puller=puller)


async def test_a_tag_that_the_registry_lacks_gets_no_stand_in(pulls: Pulls, stand_in: Path) -> None:
    class EmptyRegistry(Registry):
        async def resolve(self, reference: Any, platform: str) -> str:
            raise failure("Error: MANIFEST_UNKNOWN", reference, platform)

    empty = pulls.registry_of(EmptyRegistry)
    puller = pulls.puller(empty, stand_in=stand_in)
    assert "not found" in await refusal(pulls, "nginx:typo", puller=puller)


async def test_credentials_and_proxies_reach_crane_and_nothing_is_added(
    pulls: Pulls, tmp_path: Path
) -> None:
    stub = tmp_path / "crane"
    stub.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\necho sha256:1\n")
    stub.chmod(0o755)
    pulls.environment["DOCKER_CONFIG"] = "/elsewhere"
    registry = Registry(pulls.host, str(stub), pulls.environment)
    assert await registry.resolve(parse("nginx"), AMD64) == "sha256:1"
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert {name: seen[name] for name in pulls.environment} == pulls.environment
    assert seen.keys() - pulls.environment.keys() <= {"PWD", "OLDPWD", "SHLVL", "_"}
    assert os.environ.get("DOCKER_CONFIG") != "/elsewhere"
