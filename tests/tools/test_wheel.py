"""The project's wheel, installed with pipx, has `verify` and installs nothing of Pulumi."""

from __future__ import annotations

import os
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from tools.cache import cache_root
from tools.uv import find_or_fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow  # installs the wheel into a separate environment

ROOT = Path(__file__).parents[2]
PIPX = "pipx==1.18.4"


class Greeting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands that pipx installed."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = find_or_fetch(cache_root(os.environ), os.environ.get("PATH"))
    subprocess.run(
        [uv, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True, timeout=300
    )
    (wheel,) = folder.glob("*.whl")
    # pipx chooses uv where it is on the PATH; pip and its own environment take ten times as long.
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(uv.parent), os.environ.get("PATH", os.defpath)]),
        "PIPX_HOME": str(folder / "pipx"),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_DEFAULT_BACKEND": "uv",
    }
    pipx = [str(uv), "tool", "run", "--quiet", "--from", PIPX, "pipx"]
    subprocess.run(
        [*pipx, "install", "--quiet", str(wheel)], env=environment, check=True, timeout=300
    )
    return folder / "bin"


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Greeting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(command: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without this environment on its PATH."""
    return subprocess.run(
        [command, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_the_wheel_has_every_file_of_its_packages(installed: Path) -> None:
    (wheel,) = installed.parent.glob("*.whl")
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "localaws", "verify"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(listed) <= packed


def test_the_catalogs_tables_are_read_from_the_installed_wheel(installed: Path) -> None:
    python = (installed / "verify").resolve().parent / "python"
    code = (
        "from localaws.catalog import CATALOG\n"
        "kind = CATALOG['aws:ecs/cluster:Cluster']\n"
        "print([refusal.rule for refusal in kind.check({'nme': 'web'}, 'eu-west-1')])\n"
    )
    checked = run(python, "-c", code, folder=installed)
    assert checked.stdout == "['catalog.input']\n", checked.stderr


def test_verify_works_without_pulumi_installed(installed: Path, url: str, tmp_path: Path) -> None:
    environment = (installed / "verify").resolve().parents[1]
    packages = [path.name for path in environment.rglob("site-packages/*")]
    assert "httpx" in packages
    for package in packages:
        assert not package.startswith(("pulumi", "grpc", "envoy", "cryptography"))
    passed = run(installed / "verify", url, folder=tmp_path)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "10 x 200" in passed.stdout
    failed = run(installed / "verify", url, "--status", "204", "--deadline", "2s", folder=tmp_path)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    watched = run(installed / "verify", "watch", url, "--", "sleep", "1", folder=tmp_path)
    assert watched.returncode == 0, watched.stdout + watched.stderr


def test_pulumi_local_names_what_to_install(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: web\nruntime: python\n")
    refused = run(installed / "pulumi-local", "up", "--yes", folder=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("pulumi-local: pulumi, pulumi_aws, pulumi_awsx, ")
    assert "in a clone of fargate-web: pip install '.[local]'" in refused.stderr
    assert not (tmp_path / ".local").exists()
    assert run(installed / "pulumi-local", "--help", folder=tmp_path).returncode == 0
