"""Install a Pulumi CLI for a user who has none: Pulumi's release, else a build of Go modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tools.cache import remove
from tools.pulumi.versions import GO_MODULE
from tools.running import CommandFailedError, run, say
from tools.setup_context import build_go
from tools.versions import text

if TYPE_CHECKING:
    from tools.setup_context import SetupContext
    from tools.versions import Version

INSTALLER = "https://get.pulumi.com"
CONNECT_SECONDS = 5
"""How long set-up waits for a network that drops packets before it tries the next source."""

COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"


def release(context: SetupContext, version: Version, folder: Path) -> None:
    """Install Pulumi's release into `folder`/bin, with Pulumi's installer.

    Its options and a temporary HOME keep it from changing the user's ~/.pulumi and shell profile.

    Raises:
        CommandFailedError: There is no curl, no connection to the server, or no release for this
            machine.
    """
    curl = context.tool("curl")
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
        environment=context.environment,
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
            **context.environment,
            "HOME": str(temporary_home),
        },
        timeout_seconds=900,
    )
    remove(temporary_home)


def go_modules(context: SetupContext, version: Version, folder: Path) -> None:
    """Build the CLI into `folder`/bin from the modules that go.mod and go.sum pin.

    Raises:
        CommandFailedError: There is no Go, no connection to the module proxy, or the build failed.
    """
    stamp = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{text(version)}"
    build_go(
        context,
        GO_MODULE,
        {COMMAND: folder / "bin" / "pulumi"},
        what=f"the Pulumi CLI {text(version)}",
        cost="six to eight minutes on two cores, and 4 GB of disk for the build",
        ldflags=f"-s -w {stamp}",
    )
