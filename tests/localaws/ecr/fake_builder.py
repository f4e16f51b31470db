"""Stands in for podman or docker in tests: writes an image of a simple Dockerfile.

`FROM` may name an OCI layout's folder, or an image whose root file system the variable FAKE_BASES
names as an archive; any other base is empty. `COPY . FOLDER` adds the context's files, and
`COPY FILE PATH` one of them; `USER` and `CMD` say how it runs. `save` writes the archive. Nothing
is run, and no name is resolved.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

BASES: dict[str, str] = json.loads(os.environ.get("FAKE_BASES", "{}"))
BUILT = Path(os.environ.get("TMPDIR", "/tmp")) / "fake-builder"


def main(arguments: list[str]) -> int:
    command, *rest = arguments
    if command == "info":
        return 0
    if command == "build":
        parser = argparse.ArgumentParser()
        for option in ("--file", "--tag", "--platform", "--target"):
            parser.add_argument(option)
        parser.add_argument("--build-arg", action="append", default=[])
        parser.add_argument("context", type=Path)
        chosen = parser.parse_args(rest)
        BUILT.mkdir(parents=True, exist_ok=True)
        build(chosen, BUILT / hashlib.sha256(chosen.tag.encode()).hexdigest())
        return 0
    if command == "save":
        parser = argparse.ArgumentParser()
        parser.add_argument("--format", choices=["docker-archive"])
        parser.add_argument("--output", type=Path, required=True)
        parser.add_argument("name")
        chosen = parser.parse_args(rest)
        built = BUILT / hashlib.sha256(chosen.name.encode()).hexdigest()
        chosen.output.write_bytes(built.read_bytes())
        return 0
    sys.stderr.write(f"Error: unrecognized command `podman {command}`\n")
    return 125


def build(chosen: argparse.Namespace, archive: Path) -> None:
    layers: list[bytes] = []
    config: dict[str, Any] = {"architecture": chosen.platform.partition("/")[2], "os": "linux"}
    own: dict[str, Any] = {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}
    for line in Path(chosen.file).read_text().splitlines():
        instruction, _, value = line.partition(" ")
        if instruction == "FROM" and Path(value).is_dir():
            layers, own = base(Path(value), own)
        elif instruction == "FROM" and value in BASES:
            layers = [Path(BASES[value]).read_bytes()]
            own = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]}
        elif instruction == "COPY":
            layers.append(files(chosen.context, *value.split()))
        elif instruction == "USER":
            own = {**own, "User": value}
        elif instruction == "CMD":
            own = {**own, "Cmd": json.loads(value)}
        elif instruction == "RUN":
            sys.stderr.write(f"STEP: {line}\nError: building: exit status 1\n")
            raise SystemExit(1)
    own["Env"] = [*own["Env"], *chosen.build_arg]
    config["config"] = own
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config["rootfs"] = {"type": "layers", "diff_ids": digests}
    config["history"] = [{"created_by": "fake"} for _ in layers]
    with tarfile.open(archive, "w") as tar:
        text = json.dumps(config).encode()
        name = f"{hashlib.sha256(text).hexdigest()}.json"
        add(tar, name, text)
        names = [f"{number}/layer.tar" for number in range(len(layers))]
        for layer_name, layer in zip(names, layers, strict=True):
            add(tar, layer_name, layer)
        manifest = [{"Config": name, "RepoTags": [chosen.tag], "Layers": names}]
        add(tar, "manifest.json", json.dumps(manifest).encode())


def base(layout: Path, own: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
    """The layers, unpacked, and the configuration of an image in an OCI layout."""

    def blob(descriptor: dict[str, Any]) -> bytes:
        digest: str = descriptor["digest"]
        return (layout / "blobs" / digest.replace(":", "/")).read_bytes()

    manifest = json.loads(blob(json.loads((layout / "index.json").read_text())["manifests"][0]))
    while "manifests" in manifest:
        manifest = json.loads(blob(manifest["manifests"][0]))
    layers = []
    for each in manifest["layers"]:
        content = blob(each)
        layers.append(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    return layers, {**own, **json.loads(blob(manifest["config"])).get("config", {})}


def files(context: Path, source: str, target: str) -> bytes:
    """A layer with a file of a context, or with all."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        if source != ".":
            add(tar, target.lstrip("/"), (context / source).read_bytes())
        paths = sorted(context.rglob("*")) if source == "." else []
        for path in paths:
            if path.is_file():
                member = f"{target.strip('/')}/{path.relative_to(context)}".lstrip("/")
                add(tar, member, path.read_bytes(), mode=path.stat().st_mode & 0o777)
    return content.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = mode
    tar.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
