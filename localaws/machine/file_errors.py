"""What errors of files mean to a user, and what to do about them."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

_REMEDIES = {
    errno.EROFS: "Set LOCALAWS_HOME to a folder that this user can write to",
    errno.ENOSPC: "Free some space there, and run the same command again",
    errno.EDQUOT: "Free some of this user's space there, and run the same command again",
}
"""What to do, by the errors' numbers."""


def described(error: OSError) -> str:
    """Describe an error of a file by its name, one of its permissions by its owner."""
    if error.filename is not None and isinstance(error, PermissionError):
        return refusal(Path(error.filename))
    text = str(error) if error.filename is None else f"{error.filename}: {error.strerror}"
    return f"{text}. {_REMEDIES[error.errno]}" if error.errno in _REMEDIES else text


def refusal(path: Path) -> str:
    """Describe why this user can't use a path, and what to do, by its owner.

    A path that can't be looked at, or doesn't exist, is described by the folder that it is in.
    """
    try:
        owner = _user(path.stat().st_uid)
    except (FileNotFoundError, PermissionError):
        return refusal(path.parent)
    user = _user(os.geteuid())
    if owner == user:
        return f"{path} has a mode that keeps its owner {user} out: run `chmod u+rwX {path}`"
    return f"{path} belongs to the user {owner}, and this runs as {user}: run it as that user"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
