"""The programs of this machine that the local AWS uses, and where it looks for them.

Set-up links those that PATH lacks beside this environment's Python, as it does with the Pulumi CLI.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where administration programs are; a user's PATH often lacks them, as on Debian."""


def search_path() -> str:
    """Return the PATH with which programs are looked up: the user's, the system's, then ours."""
    own = Path(sys.executable).parent
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM, str(own)])


def find(name: str) -> Path | None:
    """Return the path of a program, if this machine has it."""
    found = shutil.which(name, path=search_path())
    return None if found is None else Path(found)
