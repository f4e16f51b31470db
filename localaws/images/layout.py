"""Images as files: an OCI layout, as crane and `skopeo` write it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class BrokenLayoutError(Exception):
    """The files are no image; the message says what is missing or wrong."""


@dataclass(frozen=True)
class LayeredImage:
    """An image that is ready to be unpacked."""

    config: Mapping[str, Any]
    """The image's configuration file, as JSON."""

    layers: tuple[Path, ...]
    """Tar files, plain or compressed, the lowest first."""

    zstd: bool = False
    """Whether a layer is compressed in a way that this Python can't read."""


def read_oci(folder: Path, platform: str = "") -> LayeredImage:
    """Read an image from an OCI layout.

    Args:
        folder: The layout.
        platform: The platform to choose where it holds several.

    Raises:
        BrokenLayoutError: It holds no image, or none for the platform.
    """
    try:
        manifest = _load(folder / "index.json")
        while "manifests" in manifest:
            manifest = _load(_blob(folder, _choose(manifest["manifests"], platform)["digest"]))
        config = _load(_blob(folder, manifest["config"]["digest"]))
        descriptors = manifest["layers"]
        layers = tuple(_blob(folder, each["digest"]) for each in descriptors)
        zstd = any(each.get("mediaType", "").endswith("zstd") for each in descriptors)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise BrokenLayoutError(f"{folder}: no image in OCI layout: {error!r}") from error
    return LayeredImage(config, layers, zstd)


def digest_of(folder: Path) -> str:
    """Return the digest of the one image in an OCI layout.

    Raises:
        BrokenLayoutError: It isn't one.
    """
    try:
        return str(_load(folder / "index.json")["manifests"][0]["digest"])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise BrokenLayoutError(f"{folder}: no image in OCI layout: {error!r}") from error


def _choose(descriptors: list[dict[str, Any]], platform: str) -> dict[str, Any]:
    if len(descriptors) == 1:
        return descriptors[0]
    for each in descriptors:
        built_for = each.get("platform") or {}
        if f"{built_for.get('os')}/{built_for.get('architecture')}" == platform:
            return each
    raise ValueError(f"{len(descriptors)} images, none of them for {platform or 'no platform'}")


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _blob(folder: Path, digest: str) -> Path:
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or not value.isalnum():
        raise BrokenLayoutError(f"{folder}: {digest} is no digest")
    return folder / "blobs" / algorithm / value
