"""Find the Pulumi CLI, or install it into the cache."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tools.cache import exclusively, filled_whole
from tools.executables import find_on_path
from tools.pulumi import sources
from tools.pulumi.versions import GO_MODULE, MINIMUM, pinned
from tools.running import CommandFailedError, say
from tools.versions import KnownVersions, NotUsableError, Version, ask, go_needed, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.setup_context import SetupContext

    Source = Callable[[SetupContext, Version, Path], None]

LANGUAGE_HOST = "pulumi-language-python"
OUR_HOST = Path(__file__).parent / "host"
OUR_HOST_FILES = (
    "choose_python.py",
    "language_host_children.py",
    "language_host_server.py",
    "language_host_early.py",
    "language_host.py",
    "language_host_start.py",
    "pulumi-resource-pulumi-python",
    LANGUAGE_HOST,
)
"""Each after what it uses, as they are put there one after the other. The program can't import
a module of this folder by such a name.
"""

SOURCES: Sequence[Source] = (sources.release, sources.go_modules)


class NoPulumiError(Exception):
    """There is no Pulumi CLI and none can be installed; the text has what was tried."""


def find_or_install(
    context: SetupContext, own_links: Path, from_sources: Sequence[Source] = SOURCES
) -> Path:
    """Return a Pulumi CLI that can run this project's program.

    Args:
        context: Cache, environment and tools to work with.
        own_links: The folder with the link that set-up itself makes; a `pulumi` there is not the
            user's.
        from_sources: Sources to try in order, if the user has none.

    Raises:
        NoPulumiError: There is none and none can be installed.
        PermissionError: None can be installed, as the link to it couldn't be made.
    """
    known = KnownVersions(context.cache / "pulumi" / "versions.json")
    found, rejected = find_on_path(
        "pulumi", context, own_links, lambda candidate: _objection(candidate, context, known)
    )
    if found:
        return found
    version = pinned()
    target = context.cache / "pulumi" / text(version)
    binary = target / "bin" / "pulumi"
    if not (_is(binary, version, known) and _host_is_current(target)):
        if own_links.exists() and not os.access(own_links, os.W_OK):
            # Building a CLI takes minutes, after which the link to it couldn't be made.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(own_links))
        try:
            with exclusively(target.parent):
                if not _is(binary, version, known):
                    _install_from(target, version, context, from_sources, rejected)
                if not _host_is_current(target):
                    _install_host(target / "bin")
        except OSError as error:
            raise NoPulumiError(
                f"{error}. Set XDG_CACHE_HOME to a folder that can be written."
            ) from error
    return binary


def _objection(candidate: Path, context: SetupContext, known: KnownVersions) -> str | None:
    try:
        version = known.of(candidate)
    except NotUsableError as reason:
        return str(reason)
    if version < MINIMUM:
        return f"{candidate} is {text(version)}; {text(MINIMUM)} or later is needed"
    if not (context.tool(LANGUAGE_HOST) or (candidate.resolve().parent / LANGUAGE_HOST).exists()):
        return f"{candidate} comes without {LANGUAGE_HOST}"
    return None


def _is(binary: Path, version: Version, known: KnownVersions) -> bool:
    try:
        return known.of(binary) == version
    except NotUsableError:
        return False


def _install_from(
    target: Path,
    version: Version,
    context: SetupContext,
    from_sources: Sequence[Source],
    rejected: list[str],
) -> None:
    for reason in rejected:
        say(f"Not used: {reason}.")
    if target.exists():
        say(f"{target} is incomplete or broken; installing it anew.")
    failed = []
    for source in from_sources:
        try:
            with filled_whole(target) as partial:
                source(context, version, partial)
                _expect(partial / "bin" / "pulumi", version)
                _install_host(partial / "bin")
        except (CommandFailedError, NotUsableError) as error:
            failed.append(str(error))
        else:
            say(f"The Pulumi CLI {text(version)} is in {target}.")
            return
    tried = "\n  ".join([*(rejected or ["none on PATH"]), *failed])
    raise NoPulumiError(
        f"There is no usable Pulumi CLI, and none could be installed:\n  {tried}\n"
        f"Put Pulumi {text(MINIMUM)} or later on PATH (pulumi.com/docs/install),\n"
        f"or Go {text(go_needed(GO_MODULE))} or later where a Go module proxy can be reached, and "
        "run this again."
    )


def _expect(binary: Path, version: Version) -> None:
    installed = ask(binary)
    if installed != version:
        raise NotUsableError(f"{binary} is {text(installed)}, not the wanted {text(version)}")


def is_official(host: Path) -> bool:
    """Return whether a language host is Pulumi's own, which is a binary; ours is a script.

    Raises:
        OSError: It can't be read.
    """
    with host.open("rb") as file:
        return file.read(2) != b"#!"


def _host_is_current(target: Path) -> bool:
    """Return whether there is the official language host, or this checkout's version of ours."""
    installed = target / "bin"
    try:
        if is_official(installed / LANGUAGE_HOST):
            return True
        for name in OUR_HOST_FILES:
            if (installed / name).read_bytes() != (OUR_HOST / name).read_bytes():
                return False
    except OSError:
        return False
    return True


def _install_host(folder: Path) -> None:
    """Copy our language host next to a CLI that has none, or an older one of ours."""
    if _host_is_current(folder.parent):
        return
    for name in OUR_HOST_FILES:
        fresh = folder / f"{name}.{os.getpid()}"
        shutil.copy(OUR_HOST / name, fresh)
        fresh.replace(folder / name)
