"""The folder that the Pulumi CLI has for its own files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localaws.daemon.state_directory import StateDirectory


def prepared(directory: StateDirectory) -> Path:
    """Return a folder for `PULUMI_HOME`, which has the user's plugins and takes no logs.

    The CLI writes all messages of a command, debug messages included, to a file in `logs`. Where it
    can't make that folder, it goes on without.
    """
    home = directory.path / "pulumi"
    home.mkdir(exist_ok=True)
    (home / "logs").touch()
    plugins = home / "plugins"
    if not plugins.exists():
        # Without the link, as for a user without a folder, the CLI makes `plugins` when needed.
        with suppress(OSError, RuntimeError):
            of_the_user = Path.home() / ".pulumi" / "plugins"
            of_the_user.mkdir(mode=0o700, parents=True, exist_ok=True)
            plugins.symlink_to(of_the_user)
    return home
