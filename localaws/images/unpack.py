"""Unpack an image's layers into a folder. A script that runs behind the launcher.

There it is root of its namespaces, so files can belong to the users that the image names. It
confines itself to the folder by chroot: the kernel resolves each link of the image inside the
folder, as it will in the container, so no layer can write outside.
"""

from __future__ import annotations

import argparse

# Nothing can be imported once this process sees only the image's files; tarfile imports these late.
import bz2  # noqa: F401
import lzma  # noqa: F401
import os
import posixpath
import shutil
import stat
import sys
import tarfile
import zlib
from contextlib import suppress
from typing import IO

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""How a layer deletes what lower layers have: one name, or all of a folder
(https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts).
"""

CAPABILITY = "security.capability"
"""The extended attribute with a program's capabilities, as `ping` has it in some images."""


class HostileLayerError(Exception):
    """A layer names something outside the image."""


def inside(name: str) -> str:
    """Return a name in a layer as a path relative to the image's root; empty for the root itself.

    Raises:
        HostileLayerError: It is absolute or climbs by `..`.
    """
    if name.startswith("/") or ".." in name.split("/"):
        raise HostileLayerError(f"the image has a file outside its root: {name}")
    cleaned = posixpath.normpath(name)
    return "" if cleaned == "." else cleaned


def apply_layer(file: IO[bytes], *, one_id: bool) -> None:
    """Apply one layer, plain or compressed, to the current folder.

    Args:
        file: The layer.
        one_id: Whether there is only one user and group here, to which every file then belongs.
    """
    written: set[str] = set()
    with tarfile.open(fileobj=file, mode="r|*", encoding="utf-8", errorlevel=2) as layer:
        # Every member is checked here; the attribute, unlike the argument, is known to each 3.11.
        layer.extraction_filter = staticmethod(lambda member, _path: member)
        for member in layer:
            path = inside(member.name)
            if not path or member.ischr() or member.isblk():
                continue  # the container's devices are the runtime's
            folder, _, name = path.rpartition("/")
            if name == OPAQUE:
                _empty(folder, written)
                continue
            if name.startswith(WHITEOUT):
                hidden = posixpath.join(folder, name.removeprefix(WHITEOUT))
                if hidden not in written:
                    _remove(hidden)
                continue
            if one_id:
                member.uid = member.gid = 0
            _extract(layer, member, path)
            _note(path, written)


def _note(path: str, written: set[str]) -> None:
    """Note a path and the folders above it, which this layer's own whiteouts spare."""
    while path and path not in written:
        written.add(path)
        path = posixpath.dirname(path)


def _extract(layer: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    if not (member.isdir() and _is_folder(path)):
        _remove(path)  # writing into a file of a lower layer would change its other names too
    folder = posixpath.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - pathlib costs start-up time
    if member.islnk():
        target = inside(member.linkname)
        os.link(target, path, follow_symlinks=False)
        return
    member.name = path
    layer.extract(member, "", numeric_owner=True)
    capability = member.pax_headers.get(f"SCHILY.xattr.{CAPABILITY}")
    if capability is not None and member.isreg():
        with suppress(OSError):  # not every file system and not every kernel takes it
            os.setxattr(path, CAPABILITY, capability.encode("utf-8", "surrogateescape"))


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _remove(path: str) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(path)  # noqa: PTH108


def _empty(folder: str, written: set[str]) -> None:
    """Remove what lower layers have in a folder, and keep what this layer has put there."""
    if not _is_folder(folder or "."):
        return
    for name in os.listdir(folder or "."):  # noqa: PTH208
        path = posixpath.join(folder, name)
        if path not in written:
            _remove(path)
        elif _is_folder(path):
            _empty(path, written)


def main() -> None:
    """Unpack the layers that the arguments name, the lowest first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--one-id", action="store_true")
    parser.add_argument("root")
    parser.add_argument("layers", nargs="*")
    options = parser.parse_args()
    files = [open(path, "rb") for path in options.layers]  # noqa: PTH123, SIM115
    os.umask(0o022)
    os.chroot(options.root)
    os.chdir("/")
    try:
        for file in files:
            apply_layer(file, one_id=options.one_id)
    except (HostileLayerError, OSError, tarfile.TarError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        sys.exit(f"{getattr(error, 'filename', None) or 'layer'}: {reason}")


if __name__ == "__main__":
    main()
