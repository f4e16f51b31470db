"""Find crane, which gets images from registries, or build it into the cache."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tools.cache import exclusively, filled_whole
from tools.executables import find_on_path
from tools.retries import at_most_hourly
from tools.running import CommandFailedError, say
from tools.setup_context import build_go
from tools.versions import KnownVersions, NotUsableError, Version, ask, from_go_mod, go_needed, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.setup_context import SetupContext

    Build = Callable[[SetupContext, Version, Path], None]

GO_MODULE = Path(__file__).parent
COMMAND = "github.com/google/go-containerregistry/cmd/crane"

MINIMUM = (0, 20, 0)
"""The oldest crane that is used from PATH; the tests of images passed with it."""


class NoCraneError(Exception):
    """There is no crane and none could be built; the text says why, and what to do."""


def pinned() -> Version:
    """Return the version that set-up builds where none is found: go.mod's."""
    return from_go_mod(GO_MODULE, r"github\.com/google/go-containerregistry v(\S+)")


def from_go_modules(context: SetupContext, version: Version, binary: Path) -> None:
    """Build crane from the modules that go.mod and go.sum pin.

    Raises:
        CommandFailedError: There is no Go, no connection to the module proxy, or the build failed.
    """
    build_go(
        context,
        GO_MODULE,
        {COMMAND: binary},
        what=f"crane {text(version)}",
        cost="about a minute",
        static=True,
        timeout_seconds=1800,
    )


def find_or_build(context: SetupContext, own_links: Path, build: Build = from_go_modules) -> Path:
    """Return a crane that can be used.

    Args:
        context: Cache, environment and tools to work with.
        own_links: The folder with the link that set-up itself makes.
        build: Makes one where the user has none.

    Raises:
        NoCraneError: There is none and none could be built.
    """
    known = KnownVersions(context.cache / "crane" / "versions.json")

    def objection(candidate: Path) -> str | None:
        try:
            version = known.of(candidate)
        except NotUsableError as reason:
            return str(reason)
        if version < MINIMUM:
            return f"{candidate} is {text(version)}; {text(MINIMUM)} or later is needed"
        return None

    found, rejected = find_on_path("crane", context, own_links, objection)
    if found:
        return found
    version = pinned()
    binary = context.cache / "crane" / text(version) / "bin" / "crane"
    if objection(binary) is None:
        return binary
    for reason in rejected:
        say(f"Not used: {reason}.")
    try:
        with exclusively(context.cache / "crane"):
            if objection(binary) is not None:
                at_most_hourly(
                    context.cache / "crane" / "failed",
                    partial(_build, context, version, binary, build),
                )
    except (CommandFailedError, NotUsableError, OSError) as error:
        raise NoCraneError(
            f"There is no usable crane, and none could be built:\n  {error}\n"
            f"Put crane {text(MINIMUM)} or later on PATH "
            "(github.com/google/go-containerregistry),\n"
            f"or Go {text(go_needed(GO_MODULE))} or later where a Go module proxy can be reached, "
            "and run this again."
        ) from error
    return binary


def _build(context: SetupContext, version: Version, binary: Path, build: Build) -> None:
    with filled_whole(binary.parent.parent) as folder:
        fresh = folder / "bin" / "crane"
        build(context, version, fresh)
        built = ask(fresh)
        if built != version:
            raise NotUsableError(f"{fresh} is {text(built)}, not the wanted {text(version)}")
    say(f"crane {text(version)} is in {binary.parent.parent}.")
