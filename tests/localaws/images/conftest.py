"""A registry on loopback, images made of small layers, and a puller with its own store."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from localaws.images.puller import Puller, Sources
from localaws.images.registry import Registry, find_crane
from localaws.images.store import Store
from localaws.machine.isolation import Isolation
from localaws.machine.processes import Launcher
from tests.localaws.machine.conftest import launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["launcher"]

AMD64 = "linux/amd64"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def member(name: str, content: bytes = b"", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Make a member of a layer: a file, unless its attributes make it something else."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, content


def folder(name: str, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE, mode=0o755, **attributes)


def symlink(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hardlink(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Pack members as a layer that isn't compressed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@dataclass
class ImageFiles:
    """An image to be written as an OCI layout."""

    layers: Sequence[bytes]
    config: Mapping[str, Any] = field(default_factory=dict)
    architecture: str = "amd64"
    media_type: str = LAYER

    def write(self, folder: Path) -> Path:
        """Write the layout and return its folder."""
        diff_ids = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in self.layers]
        config = {
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        layers = [
            _blob(folder, gzip.compress(each, mtime=0), self.media_type) for each in self.layers
        ]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _blob(folder, json.dumps(config).encode(), CONFIG),
            "layers": layers,
        }
        manifests = [_blob(folder, json.dumps(manifest).encode(), MANIFEST)]
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
        return folder


def _blob(folder: Path, content: bytes, media_type: str) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    path = folder / "blobs" / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


@dataclass(frozen=True)
class LoopbackRegistry:
    """A registry that runs."""

    address: str
    crane: str
    scratch: Path

    def push(self, name: str, image: ImageFiles) -> str:
        """Push an image, and return its full name."""
        reference = f"{self.address}/{name}"
        files = image.write(self.scratch / re.sub(r"\W", "-", name))
        self.run("push", str(files), reference)
        shutil.rmtree(files)
        return reference

    def push_index(self, name: str, images: Sequence[ImageFiles]) -> str:
        """Push an image for several platforms, and return its full name."""
        parts = []
        for number, image in enumerate(images):
            parts += ["-m", self.push(f"{name}-{number}", image)]
        self.run("index", "append", "-t", f"{self.address}/{name}", *parts)
        return f"{self.address}/{name}"

    def digest(self, name: str) -> str:
        return self.run("digest", f"{self.address}/{name}")

    def run(self, *arguments: str) -> str:
        answer = subprocess.run(
            [self.crane, *arguments], capture_output=True, text=True, timeout=30, check=False
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()


@pytest.fixture(scope="session")
def crane() -> str:
    found = find_crane()
    if found is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("there is no crane: run `make setup`")
    return found


@pytest.fixture(scope="module")
def registry(crane: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackRegistry]:
    scratch = tmp_path_factory.mktemp("registry")
    log = scratch / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [crane, "registry", "serve", "--address", "127.0.0.1:0"], stderr=output, stdout=output
        )
    try:
        yield LoopbackRegistry(f"127.0.0.1:{_port(server, log)}", crane, scratch)
    finally:
        server.kill()
        server.wait()


def _port(server: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the registry has written its port."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"serving on port (\d+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.02)
    pytest.fail(f"the registry didn't start: {log.read_text()}")


def file_names(folder: Path) -> list[str]:
    """Return the names in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


AnyRegistry = TypeVar("AnyRegistry", bound=Registry)


@dataclass
class Pulls:
    """A store of images, and pullers that fill it."""

    store: Store
    host: Launcher
    """Runs programs in the network of this machine."""

    behind: Launcher
    """Unpacks images in the isolation that containers have."""

    crane: str
    environment: dict[str, str]
    """What programs get; it has no credentials until a test adds some."""

    reports: list[str] = field(default_factory=list)
    """What the pullers reported."""

    def registry(self) -> Registry:
        return self.registry_of(Registry)

    def registry_of(self, kind: type[AnyRegistry]) -> AnyRegistry:
        return kind(self.host, self.crane, self.environment)

    def puller(self, registry: Registry | None = None, **sources: Any) -> Puller:
        """Make a puller for any platform, with a registry and other sources."""
        sources = {"runs": lambda _platform: True, **sources}
        return Puller(
            self.store,
            Sources(registry=registry or self.registry(), **sources),
            self.reports.append,
        )


@pytest.fixture
async def pulls(crane: str, tmp_path: Path) -> AsyncIterator[Pulls]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(tmp_path)}
    behind = Launcher(Isolation.ROOT if os.geteuid() == 0 else Isolation.ONE_ID)
    host = Launcher()
    yield Pulls(Store(tmp_path / "store", behind), host, behind, crane, environment)
    await host.close()
    await behind.close()
