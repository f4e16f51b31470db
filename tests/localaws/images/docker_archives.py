"""Archives of images as `docker save` writes them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

from tests.localaws.images.conftest import ImageFiles, member

if TYPE_CHECKING:
    from pathlib import Path


def docker_archive(file: Path, images: dict[str, ImageFiles]) -> Path:
    """Write what `docker save` writes: a manifest, configurations, and layers."""
    manifest = []
    with tarfile.open(file, "w") as tar:
        for number, (name, image) in enumerate(images.items()):
            layers = [f"{number}-{each}/layer.tar" for each in range(len(image.layers))]
            for path, content in zip(layers, image.layers, strict=True):
                add_member(tar, path, content)
            config = {"architecture": image.architecture, "os": "linux", "config": image.config}
            add_member(tar, f"{number}.json", json.dumps(config).encode())
            manifest.append({"Config": f"{number}.json", "RepoTags": [name], "Layers": layers})
        add_member(tar, "manifest.json", json.dumps(manifest).encode())
    return file


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info, _ = member(name, content)
    tar.addfile(info, io.BytesIO(content))
