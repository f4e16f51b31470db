"""Images from files: what `docker save` writes, OCI archives, and tars of a root file system.

A project's `localaws-images.toml` names them:

    [[archive]]
    match = ["shop.example.com/api:*"]     # * is any text
    file = "api.tar"                       # relative to this file
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from localaws.images.layout import BrokenLayoutError, LayeredImage, read_oci

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.images.reference import Reference

_KEYS = {"match", "file"}

_ALLOWED = (
    "allowed: what `docker save`, `podman save` or `crane pull` writes, an OCI archive, or a tar "
    "of a root file system, plain or compressed with gzip, bzip2 or xz"
)


class ArchiveTableError(Exception):
    """The table of archives can't be read; the message has the file and the mistake."""


@dataclass(frozen=True)
class Archive:
    """A file, and the images that it is."""

    match: tuple[str, ...]
    file: Path


def load(own_file: Path) -> tuple[Archive, ...]:
    """Read a project's table of archives, which may be missing.

    Raises:
        ArchiveTableError: It isn't as it should be.
    """
    try:
        text = own_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    try:
        return tuple(_archive(row, own_file) for row in tomllib.loads(text).get("archive", ()))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ArchiveTableError(f"{own_file}: {error}") from error


def _archive(row: Any, own_file: Path) -> Archive:
    if not isinstance(row, dict):
        raise TypeError("an archive is a row: [[archive]]")
    unknown = ", ".join(sorted(row.keys() - _KEYS))
    known = ", ".join(sorted(_KEYS))
    if unknown:
        raise TypeError(f"an archive row has {unknown}; known are {known}")
    match, file = row.get("match"), row.get("file")
    if not isinstance(match, list) or not all(isinstance(each, str) for each in match):
        raise TypeError('an archive row needs match, a list of patterns such as ["shop:*"]')
    if not isinstance(file, str) or not file:
        raise TypeError('an archive row needs file, a path such as "shop.tar"')
    return Archive(tuple(match), own_file.parent / file)


def find(archives: tuple[Archive, ...], name: str, reference: Reference) -> Archive | None:
    """Return the first archive whose patterns match an image's name, as written or in full."""
    for archive in archives:
        for pattern in archive.match:
            if fnmatchcase(name, pattern) or fnmatchcase(str(reference), pattern):
                return archive
    return None


def digest_of(file: Path) -> str:
    """Return what identifies a file in the store: its content, whatever it claims to be.

    Raises:
        OSError: It can't be read.
    """
    with file.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"


def read(file: Path, scratch: Path, *, platform: str, name: str = "") -> LayeredImage:
    """Read an image from a file, writing what must be unpacked next into a scratch folder.

    Args:
        file: The archive, plain or compressed.
        scratch: An empty folder.
        platform: The platform to choose where there are several.
        name: The image to choose where `docker save` wrote several.

    Raises:
        BrokenLayoutError: It isn't an image.
        OSError: It can't be read, or the scratch folder is full.
    """
    try:
        with tarfile.open(file) as tar:
            names = {member.name.removeprefix("./"): member for member in tar if member.isfile()}
            if "manifest.json" in names:
                return _read_docker(tar, names, scratch, name)
            if "index.json" in names and "oci-layout" in names:
                for path, member in names.items():
                    if path == "index.json" or path.startswith("blobs/sha256/"):
                        _copy(tar, member, scratch / path)
                return _without_zstd(read_oci(scratch, platform))
    except (tarfile.TarError, EOFError) as error:
        # After its first line tarfile lists what each compression's reader found
        reason = (str(error).splitlines() or ["it ends too early"])[0].rstrip(":")
        raise BrokenLayoutError(f"{file}: no image archive ({reason}); {_ALLOWED}") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BrokenLayoutError(f"{file}: no image archive: {error}") from error
    # A root file system has no command, so the task definition must have one.
    return LayeredImage(config={}, layers=(file,))


def _without_zstd(image: LayeredImage) -> LayeredImage:
    if image.zstd:
        raise ValueError(
            "its layers are compressed with zstd, which needs a registry: push it to one, or "
            "write it with `docker save`"
        )
    return image


def _read_docker(
    tar: tarfile.TarFile, names: dict[str, tarfile.TarInfo], scratch: Path, name: str
) -> LayeredImage:
    images = json.loads(_content(tar, names["manifest.json"]))
    chosen = _choose(images, name)
    layers = []
    for number, path in enumerate(chosen["Layers"]):
        layer = scratch / f"layer-{number}"
        _copy(tar, names[path], layer)
        layers.append(layer)
    config = json.loads(_content(tar, names[chosen["Config"]]))
    return LayeredImage(config, tuple(layers))


def _choose(images: list[dict[str, Any]], name: str) -> dict[str, Any]:
    if len(images) == 1:
        return images[0]
    for image in images:
        if name in (image.get("RepoTags") or ()):
            return image
    tags: list[str] = []
    for image in images:
        tags += image.get("RepoTags") or ()
    raise ValueError(f"it has {len(images)} images, and none is {name}: {', '.join(tags)}")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file, f"{member.name} is a file"
    return file.read()


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    file = tar.extractfile(member)
    assert file, f"{member.name} is a file"
    if ".." in target.parts:
        raise ValueError(f"{member.name} is outside the archive")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as copy:
        shutil.copyfileobj(file, copy)
