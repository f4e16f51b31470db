"""Images for tests with containers: no registry can be reached, so each is a file.

Python's is put together from this Python and this machine's C library. Those of nginx are the
stand-in that set-up made, and the same with a configuration that needs no root.
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.images import layout, stand_in
from tests.infra.changes import ITS_COMMAND, NGINX, UNPRIVILEGED, UNPRIVILEGED_ARM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PYTHON = "python:3"
OF_ECR = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/team/nginx:1"

FOREIGN = "/usr/local/bin/foreign"
"""In Python's image: a program for another processor, as far as Linux can tell."""

_MODULES = (
    *("argparse", "encodings.ascii", "encodings.idna", "encodings.latin_1", "http.server", "json"),
    *("logging", "pathlib", "runpy", "signal", "site", "subprocess", "threading", "traceback"),
    "urllib.request",
)
"""What Python's image has of the standard library, with all that these modules import.

The whole library would be unpacked for each stack, and compressed where a stack pushes the image.
"""

_OPENSSL = ("ssl", "_hashlib")
"""Modules that need its libraries, a quarter of the image; others do without them."""

_UNPRIVILEGED = {"User": "101:101", "Cmd": ITS_COMMAND}
_UNPRIVILEGED_CONF = """\
worker_processes 1;
pid /dev/shm/nginx.pid;
error_log /dev/stderr notice;
events {}
http {
    access_log /dev/stdout;
    keepalive_timeout 75;
    client_body_temp_path /dev/shm/client;
    proxy_temp_path /dev/shm/proxy;
    fastcgi_temp_path /dev/shm/fastcgi;
    uwsgi_temp_path /dev/shm/uwsgi;
    scgi_temp_path /dev/shm/scgi;
    server {
        listen 8080;
        default_type text/html;
        location / {
            return 200 "<h1>Hello from $hostname</h1>\\n";
        }
    }
}
"""
"""Port 8080, no user to change to, and nothing written but to memory that each container has."""

_PROGRAMS = ("sh", "cat", "env", "mkdir", "sleep", "tail", "true", "false")


def table(folder: Path) -> Path:
    """Write a table of the images that tests use, and the files that it names; return it."""
    found = stand_in.find_layout()
    assert found, "there is no stand-in for nginx: run `make setup`"
    write_python(folder / "python.tar")
    with tarfile.open(folder / "nginx.tar", "w") as archive:
        archive.add(found.resolve(), arcname=".")
    with tarfile.open(folder / "unprivileged-files.tar", "w") as archive:
        add_file(archive, "etc/nginx/nginx.conf", _UNPRIVILEGED_CONF)
    layers = (*layout.read_oci(found).layers, folder / "unprivileged-files.tar")
    write_image(folder / "unprivileged.tar", _UNPRIVILEGED, *layers)
    # Linux can't tell that its programs are this machine's.
    write_image(folder / "arm.tar", _UNPRIVILEGED, *layers, architecture="arm64")
    rows = {
        PYTHON: "python.tar",
        OF_ECR: "nginx.tar",
        NGINX: "nginx.tar",
        UNPRIVILEGED: "unprivileged.tar",
        UNPRIVILEGED_ARM: "arm.tar",
    }
    return write_table(folder, rows)


def write_table(folder: Path, rows: Mapping[str, str]) -> Path:
    """Write a table of images and their files in a folder; return it."""
    text = "\n".join(
        f'[[archive]]\nmatch = ["{image}"]\nfile = "{file}"\n' for image, file in rows.items()
    )
    found = folder / "localaws-images.toml"
    found.write_text(text)
    return found


def write_processes(folder: Path, rows: Mapping[str, Sequence[str]]) -> Path:
    """Write a table of the commands that stand in for images in a folder; return it."""
    found = folder / "localaws-images.toml"
    texts = [
        f"[[image]]\nmatch = {json.dumps([image])}\ncommand = {json.dumps(list(command))}\n"
        for image, command in rows.items()
    ]
    found.write_text("\n".join(texts))
    return found


def write_image(
    tar: Path, config: Mapping[str, Any], *layers: Path, architecture: str = "amd64"
) -> None:
    """Write an image as `docker save` does.

    Args:
        tar: The archive to write.
        config: What the image says about its process: `User`, `Entrypoint`, `Cmd` and the like.
        layers: Archives of its files.
        architecture: The processor that it says it is built for.
    """
    described = {"os": "linux", "architecture": architecture, "config": config}
    manifest = [{"Config": "config.json", "Layers": [each.name for each in layers]}]
    with tarfile.open(tar, "w") as archive:
        for each in layers:
            archive.add(each, arcname=each.name, filter=_reset)
        for name, document in (("config.json", described), ("manifest.json", manifest)):
            text = json.dumps(document).encode()
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))


def add_file(layer: tarfile.TarFile, name: str, text: str, mode: int = 0o644) -> None:
    """Add a file to an image's layer, which everyone may read."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(text), mode
    layer.addfile(member, io.BytesIO(text.encode()))


def _reset(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take the time out of an archive's member, so that the same image is unpacked once."""
    member.mtime = 0
    return member


def write_python(tar: Path) -> None:
    """Write the root file system of a container with Python and a shell, and little else."""
    python = Path(sys.executable).resolve()
    library = Path(sysconfig.get_paths()["stdlib"])
    inside = Path("usr/local/lib", library.name)
    programs = {f"bin/{name}": _program(name) for name in _PROGRAMS}
    modules = _files_of_modules(library)
    with tarfile.open(tar, "w") as archive:
        for name in ("python", "python3"):
            archive.add(python, arcname=f"usr/local/bin/{name}")
        add_file(archive, FOREIGN.lstrip("/"), "no program", mode=0o755)
        for file in modules:
            archive.add(file, arcname=str(inside / file.relative_to(library)))
        for where, program in programs.items():
            archive.add(program, arcname=where)
        extensions = (each for each in modules if each.suffix == ".so")
        for needed in sorted(_libraries(python, *programs.values(), *extensions)):
            archive.add(needed.resolve(), arcname=str(needed).lstrip("/"))


def _files_of_modules(library: Path) -> list[Path]:
    """Return the files of the image's modules, and of those compiled, as far as they exist.

    A container that compiles them takes twice as long to start.
    """
    script = (
        f"import sys\nsys.modules.update(dict.fromkeys({_OPENSSL}))\n"
        f"import {', '.join(_MODULES)}\n"
        "for module in [*sys.modules.values()]:\n"
        "    print(getattr(module, '__file__', None) or '')"
    )
    listed = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    ).stdout
    found: list[Path] = []
    for line in listed.splitlines():
        file = Path(line)
        if not file.is_relative_to(library):
            continue
        found.append(file)
        if file.suffix == ".py":
            compiled = Path(importlib.util.cache_from_source(file))
            if compiled.exists():
                found.append(compiled)
    return found


def _program(name: str) -> Path:
    found = shutil.which(name)
    assert found, f"there is no {name}"
    return Path(found).resolve()


def _libraries(*programs: Path) -> set[Path]:
    """Return the shared libraries of some programs, where their loader looks for them."""
    listed = subprocess.run(
        ["ldd", *map(str, programs)], capture_output=True, text=True, check=False
    ).stdout
    return {Path(each) for each in re.findall(r"(?:=> |^\s)(/\S+) \(0x", listed, re.MULTILINE)}
