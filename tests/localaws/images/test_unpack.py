"""Layers become a folder: real files, unpacked by the script as it runs behind the launcher."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from localaws.images.store import UNPACK
from tests.localaws.images.conftest import folder, hardlink, layer, member, symlink

pytestmark = pytest.mark.slow  # a new Python for each image

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has several users")


def unpack(root: Path, *layers: bytes, one_id: bool = False) -> subprocess.CompletedProcess[str]:
    files = []
    for number, content in enumerate(layers):
        file = root.parent / f"layer-{number}"
        file.write_bytes(content)
        files.append(str(file))
    root.mkdir()
    prefix = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    options = ["--one-id"] if one_id or prefix else []
    return subprocess.run(
        [*prefix, sys.executable, "-I", "-S", UNPACK, *options, root, *files],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root to be made, in its own folder, so that a test sees what is written beside it."""
    (tmp_path / "inner").mkdir()
    return tmp_path / "inner" / "root"


def unpacked(root: Path, *layers: bytes, one_id: bool = False) -> set[str]:
    """Unpack, and return every path below the root."""
    answer = unpack(root, *layers, one_id=one_id)
    assert answer.returncode == 0, answer.stderr
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_a_later_layer_replaces_and_adds(root: Path) -> None:
    lower = layer(folder("etc"), member("etc/a", b"old"), member("etc/b", b"kept"))
    upper = layer(member("etc/a", b"new"), member("srv/deep/c", b"more"))
    files = {"etc/a", "etc/b", "srv/deep/c"}
    assert unpacked(root, lower, upper) == {"etc", "srv", "srv/deep", *files}
    assert (root / "etc/a").read_bytes() == b"new"
    assert (root / "etc/b").read_bytes() == b"kept"


def test_a_whiteout_removes_what_lower_layers_have(root: Path) -> None:
    lower = layer(member("gone"), folder("all"), member("all/x"), member("kept"))
    upper = layer(member(".wh.gone"), member(".wh.all"), member(".wh.never-there"))
    assert unpacked(root, lower, upper) == {"kept"}


def test_a_layer_may_hide_a_name_and_bring_it_anew(root: Path) -> None:
    lower = layer(folder("app"), member("app/old"))
    upper = layer(folder("app"), member("app/new"), member(".wh.app"))
    assert "app/new" in unpacked(root, lower, upper)


@pytest.mark.parametrize("order", ["marker first", "marker last"])
def test_an_opaque_folder_loses_only_what_lower_layers_have(root: Path, order: str) -> None:
    lower = layer(folder("app/sub"), member("app/old"), member("app/sub/old"), member("kept"))
    marker, new = member("app/.wh..wh..opq"), member("app/sub/new")
    members = (marker, new) if order == "marker first" else (new, marker)
    upper = layer(*members)
    assert unpacked(root, lower, upper) == {"app", "app/sub", "app/sub/new", "kept"}


def test_a_replaced_file_leaves_its_other_names_alone(root: Path) -> None:
    lower = layer(member("a", b"one"), hardlink("b", "a"))
    upper = layer(member("a", b"two"))
    assert unpacked(root, lower, upper) == {"a", "b"}
    assert (root / "b").read_bytes() == b"one", "written through, both would have changed"


def test_hard_links_stay_links_also_to_symbolic_ones(root: Path) -> None:
    unpacked(root, layer(member("a", b"x"), hardlink("b", "./a"), symlink("s", "/nowhere")))
    assert (root / "a").stat().st_ino == (root / "b").stat().st_ino
    again = layer(hardlink("t", "s"))
    second = root.parent / "second"
    assert unpack(second, layer(symlink("s", "/nowhere")), again).returncode == 0
    assert (second / "t").readlink() == Path("/nowhere")


def test_modes_survive_setuid_and_sticky_included(root: Path) -> None:
    unpacked(
        root,
        layer(
            member("su", b"x", mode=0o4755),
            folder("tmp"),
            member("secret", b"x", mode=0o600),
        ),
        layer(member("tmp", type=tarfile.DIRTYPE, mode=0o1777)),
    )
    modes = {name: stat.S_IMODE((root / name).stat().st_mode) for name in ("su", "tmp", "secret")}
    assert modes == {"su": 0o4755, "tmp": 0o1777, "secret": 0o600}


@needs_root
def test_files_belong_to_the_users_that_the_image_names(root: Path) -> None:
    unpacked(root, layer(member("a", uid=7, gid=8), folder("d", uid=101, gid=101)))
    assert ((root / "a").stat().st_uid, (root / "a").stat().st_gid) == (7, 8)
    assert (root / "d").stat().st_uid == 101


@needs_root
def test_numbers_of_users_count_and_not_their_names(root: Path) -> None:
    passwd = member("etc/passwd", b"web:x:55:55::/:/bin/sh\n")
    group = member("etc/group", b"web:x:55:\n")
    unpacked(root, layer(passwd, group, member("a", uid=7, gid=8, uname="web", gname="web")))
    assert ((root / "a").stat().st_uid, (root / "a").stat().st_gid) == (7, 8)


def test_where_there_is_one_user_every_file_is_theirs(root: Path) -> None:
    unpacked(root, layer(member("a", uid=7, gid=8)), one_id=True)
    assert (root / "a").stat().st_uid == os.geteuid()


def test_device_nodes_are_left_out(root: Path) -> None:
    found = unpacked(
        root,
        layer(
            folder("dev"),
            member("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
            member("dev/sda", type=tarfile.BLKTYPE, devmajor=1, devminor=3),
            member("pipe", type=tarfile.FIFOTYPE),
        ),
    )
    assert found == {"dev", "pipe"}


@pytest.mark.parametrize(
    "hostile",
    [
        member("../escaped"),
        member("a/../../escaped"),
        member("/escaped"),
        hardlink("a", "../outside"),
        hardlink("a", "/etc/passwd"),
        member("../.wh.outside"),
    ],
)
def test_a_name_outside_the_image_is_refused_and_named(
    root: Path, hostile: tuple[tarfile.TarInfo, bytes]
) -> None:
    outside = root.parent / "outside"
    outside.write_text("precious")
    answer = unpack(root, layer(hostile))
    assert answer.returncode == 1
    assert "the image has a file outside its root: " in answer.stderr
    assert "Traceback" not in answer.stderr
    assert outside.read_text() == "precious"
    assert not (root.parent / "escaped").exists()


@pytest.mark.parametrize("climb", ["/", "../../../../.."])
def test_a_link_out_of_the_image_is_followed_inside_it(root: Path, climb: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    same = str(outside).removeprefix("/")
    lower = layer(folder(same), symlink("x/out", f"{climb}{outside}"))
    found = unpacked(root, lower, layer(member("x/out/planted", b"x")))
    assert not list(outside.iterdir())
    assert f"{same}/planted" in found, "resolved as it will be in the container"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_layers_may_be_compressed(root: Path, compress: type[bytes]) -> None:
    assert unpacked(root, compress(layer(member("a")))) == {"a"}


@pytest.mark.parametrize(
    "broken",
    [b"no archive at all" * 100, gzip.compress(layer(member("a", b"x" * 100_000)))[:-60]],
    ids=["text", "cut"],
)
def test_a_damaged_layer_is_reported_in_one_sentence(root: Path, broken: bytes) -> None:
    answer = unpack(root, broken)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert "Traceback" not in answer.stderr


def test_names_that_are_not_utf_8_are_kept(root: Path) -> None:
    unpacked(root, layer(member("caf\udce9")))
    assert [os.fsencode(path) for path in root.iterdir()] == [os.fsencode(root) + b"/caf\xe9"]
