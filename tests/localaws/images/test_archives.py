"""Images from files, in each of the forms that tools write."""

from __future__ import annotations

import gzip
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from localaws.images import archives
from localaws.images.archives import Archive, ArchiveTableError, find, load, read
from localaws.images.errors import CannotPullError
from localaws.images.layout import BrokenLayoutError
from localaws.images.puller import Puller, Sources
from localaws.images.reference import parse
from tests.localaws.images.conftest import AMD64, ImageFiles, file_names, layer, member
from tests.localaws.images.docker_archives import add_member, docker_archive

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.images.puller import Image
    from tests.localaws.images.conftest import LoopbackRegistry, Pulls

pytestmark = pytest.mark.slow  # real processes

SHOP = ImageFiles([layer(member("a", b"lower")), layer(member(".wh.a"), member("b"))], {"Cmd": "x"})


def packed(folder: Path, file: Path) -> Path:
    """Pack the files of a folder; return the archive."""
    with tarfile.open(file, "w") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False)
    return file


async def pull(pulls: Pulls, name: str, *rows: Archive, platform: str = AMD64) -> Image:
    """Pull an image of a table with these rows, without a registry."""
    sources = Sources(registry=None, archives=lambda: rows, runs=lambda _: True)
    return await Puller(pulls.store, sources).pull(name, platform=platform)


async def test_an_oci_archive_is_an_image(pulls: Pulls, tmp_path: Path) -> None:
    file = packed(SHOP.write(tmp_path / "layout"), tmp_path / "shop.tar")
    image = await pull(pulls, "shop:1", Archive(("shop:*",), file))
    assert file_names(image.root) == ["b"]
    assert image.source == "archive"
    assert str(file) in image.note
    assert "docker.io/library/shop:1" in image.note


async def test_layers_in_zstd_are_refused_with_what_to_do(pulls: Pulls, tmp_path: Path) -> None:
    media_type = "application/vnd.oci.image.layer.v1.tar+zstd"
    image = ImageFiles([layer(member("a"))], media_type=media_type)
    file = packed(image.write(tmp_path / "layout"), tmp_path / "shop.tar")
    with pytest.raises(CannotPullError, match=r"zstd, which needs a registry: .*docker save"):
        await pull(pulls, "shop:1", Archive(("*",), file))


async def test_what_docker_save_writes_is_an_image(pulls: Pulls, tmp_path: Path) -> None:
    file = docker_archive(tmp_path / "shop.tar", {"shop:1": SHOP})
    image = await pull(pulls, "shop:1", Archive(("shop:*",), file))
    assert file_names(image.root) == ["b"]


async def test_what_crane_pull_writes_is_an_image(
    registry: LoopbackRegistry, pulls: Pulls, tmp_path: Path
) -> None:
    name = registry.push("shop:1", SHOP)
    registry.run("pull", name, str(tmp_path / "shop.tar"))
    image = await pull(pulls, name, Archive(("*/shop:1",), tmp_path / "shop.tar"))
    assert file_names(image.root) == ["b"]


async def test_of_several_images_in_a_file_the_one_with_the_name_is_taken(
    pulls: Pulls, tmp_path: Path
) -> None:
    other = ImageFiles([layer(member("other"))])
    file = docker_archive(tmp_path / "two.tar", {"other:1": other, "shop:1": SHOP})
    image = await pull(pulls, "shop:1", Archive(("*",), file))
    assert file_names(image.root) == ["b"]


async def test_a_file_without_the_named_image_is_an_error_that_lists_its_images(
    pulls: Pulls, tmp_path: Path
) -> None:
    file = docker_archive(tmp_path / "two.tar", {"other:1": SHOP, "shop:1": SHOP})
    with pytest.raises(CannotPullError, match="2 images, and none is third:1: other:1, shop:1"):
        await pull(pulls, "third:1", Archive(("*",), file))


async def test_a_root_file_system_is_an_image_without_a_command(
    pulls: Pulls, tmp_path: Path
) -> None:
    file = tmp_path / "root.tar"
    file.write_bytes(gzip.compress(layer(member("bin/app", b"x", mode=0o755), member("etc/b"))))
    image = await pull(pulls, "shop:1", Archive(("shop:1",), file))
    assert (image.root / "bin/app").read_bytes() == b"x"
    assert image.config.command == ()


async def test_an_archive_for_several_platforms_gives_the_one_of_the_task(
    pulls: Pulls, tmp_path: Path
) -> None:
    files = tmp_path / "layout"
    manifests = []
    for architecture in ("amd64", "arm64"):
        ImageFiles([layer(member(architecture))], architecture=architecture).write(files)
        (described,) = json.loads((files / "index.json").read_text())["manifests"]
        platform = {"os": "linux", "architecture": architecture}
        manifests.append({**described, "platform": platform})
    (files / "index.json").write_text(json.dumps({"manifests": manifests}))
    row = Archive(("*",), packed(files, tmp_path / "both.tar"))
    image = await pull(pulls, "x:1", row, platform="linux/arm64")
    assert file_names(image.root) == ["arm64"]
    (tmp_path / "scratch").mkdir()
    with pytest.raises(BrokenLayoutError, match="2 images, none of them for linux/s390x"):
        read(row.file, tmp_path / "scratch", platform="linux/s390x")


async def test_an_archive_for_another_processor_is_refused_with_the_message_of_ecs(
    pulls: Pulls, tmp_path: Path
) -> None:
    image = ImageFiles([layer(member("a"))], architecture="arm64")
    file = docker_archive(tmp_path / "shop.tar", {"shop:1": image})
    with pytest.raises(CannotPullError, match="descriptor matching platform 'linux/amd64'"):
        await pull(pulls, "shop:1", Archive(("*",), file))


async def test_a_changed_file_is_a_new_image(pulls: Pulls, tmp_path: Path) -> None:
    file = tmp_path / "root.tar"
    row = Archive(("*",), file)
    puller = Puller(pulls.store, Sources(registry=None, archives=lambda: (row,)))
    file.write_bytes(layer(member("old")))
    before = await puller.pull("x:1", platform=AMD64)
    file.write_bytes(layer(member("new")))
    after = await puller.pull("x:1", platform=AMD64)
    assert file_names(after.root) == ["new"]
    assert before.root != after.root


async def test_a_missing_file_is_named_together_with_the_table(
    pulls: Pulls, tmp_path: Path
) -> None:
    with pytest.raises(CannotPullError, match=r"gone\.tar, which localaws-images\.toml names for"):
        await pull(pulls, "shop:1", Archive(("*",), tmp_path / "gone.tar"))


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive" * 100, gzip.compress(b"no archive" * 100)],
    ids=["empty", "text", "compressed text"],
)
async def test_a_file_that_is_no_archive_is_reported_in_one_sentence(
    pulls: Pulls, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.tar").write_bytes(content)
    with pytest.raises(CannotPullError, match=r"bad\.tar: no image archive") as refusal:
        await pull(pulls, "shop:1", Archive(("*",), tmp_path / "bad.tar"))
    (sentence,) = str(refusal.value).splitlines()
    assert "allowed: what `docker save`" in sentence
    assert sentence.endswith("gzip, bzip2 or xz")


@pytest.mark.parametrize("path", ["../../escaped", "blobs/sha256/../../../escaped"])
def test_an_archive_writes_nothing_outside_the_scratch_folder(tmp_path: Path, path: str) -> None:
    with tarfile.open(tmp_path / "hostile.tar", "w") as tar:
        add_member(tar, "oci-layout", b"{}")
        add_member(tar, "index.json", b"{}")
        add_member(tar, path, b"x")
    scratch = tmp_path / "a" / "scratch"
    scratch.mkdir(parents=True)
    with pytest.raises(BrokenLayoutError):
        read(tmp_path / "hostile.tar", scratch, platform=AMD64)
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize(
    "manifest", [[], {}, [{"Config": "x"}], [{"Config": "gone", "Layers": []}]]
)
def test_a_manifest_that_makes_no_sense_is_reported(tmp_path: Path, manifest: Any) -> None:
    with tarfile.open(tmp_path / "odd.tar", "w") as tar:
        add_member(tar, "manifest.json", json.dumps(manifest).encode())
    with pytest.raises(BrokenLayoutError, match=r"odd\.tar: no image archive"):
        read(tmp_path / "odd.tar", tmp_path, platform=AMD64)


def test_the_table_names_files_beside_it(tmp_path: Path) -> None:
    own = tmp_path / "localaws-images.toml"
    assert load(own) == ()
    own.write_text('[[image]]\nmatch = ["x"]\n[[archive]]\nmatch = ["shop:*"]\nfile = "a/b.tar"\n')
    (row,) = load(own)
    assert row == Archive(("shop:*",), tmp_path / "a/b.tar")
    assert find((row,), "shop:1", parse("shop:1")) == row
    assert find((row,), "docker.io/library/shop:1", parse("shop:1")) is None
    full = Archive(("docker.io/library/shop:*",), tmp_path)
    assert find((full,), "shop:1", parse("shop:1")) == full


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[archive", "localaws-images.toml: "),
        ("archive = 1", "not iterable"),
        ("archive = [1]", "an archive is a row"),
        ('[[archive]]\nfile = "x"', "needs match, a list of patterns"),
        ('[[archive]]\nmatch = "x"\nfile = "x"', "needs match, a list of patterns"),
        ('[[archive]]\nmatch = ["x"]', "needs file, a path"),
        ('[[archive]]\nmatch = ["x"]\nfile = ""', "needs file, a path"),
        ('[[archive]]\nmatch = ["x"]\nfiles = "x"', "has files; known are file, match"),
    ],
)
async def test_a_table_that_cannot_be_read_is_named_with_the_reason(
    pulls: Pulls, tmp_path: Path, text: str, reason: str
) -> None:
    own = tmp_path / "localaws-images.toml"
    own.write_text(text)
    with pytest.raises(ArchiveTableError) as refusal:
        load(own)
    assert str(own) in str(refusal.value)
    assert reason in str(refusal.value)
    sources = Sources(registry=None, archives=lambda: archives.load(own))
    with pytest.raises(CannotPullError, match=r"localaws-images\.toml"):
        await Puller(pulls.store, sources).pull("x:1", platform=AMD64)
