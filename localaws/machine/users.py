"""Resolve the user of a container's process, `USER` of an image, in the image's own files.

The rules and the errors' words are Docker's (github.com/moby/sys, user.GetExecUser).
"""

from __future__ import annotations

from typing import NamedTuple


class UnknownUserError(Exception):
    """The image has no such user or group; the text is Docker's."""


class User(NamedTuple):
    """A user as the kernel knows it."""

    uid: int
    gid: int
    further_groups: tuple[int, ...]
    home: str


def find_user(name: str, passwd: str, group: str) -> User:
    """Resolve `user[:group]`, each a name or a number.

    Args:
        name: As a Dockerfile's USER or a task definition's `user` has it; empty is root.
        passwd: The text of the image's /etc/passwd.
        group: The text of the image's /etc/group.

    Raises:
        UnknownUserError: A name that the files don't have.
    """
    user_name, _, group_name = (name or "0").partition(":")
    groups = _rows(group, fields=4, numbers=(2,))
    entry = _find_entry(user_name, passwd)
    if entry is not None:
        uid = int(entry[2])
        gid = int(entry[3])
        home = entry[5]
    elif user_name.isdecimal():
        uid = int(user_name)
        gid = 0
        home = "/"
    else:
        raise UnknownUserError(
            f"unable to find user {user_name}: no matching entries in passwd file"
        )
    if group_name:
        return User(uid, _find_group(group_name, groups), (), home or "/")
    further: list[int] = []
    if entry is not None:
        further += (int(row[2]) for row in groups if entry[0] in row[3].split(","))
    return User(uid, gid, tuple(further), home or "/")


def _find_entry(name: str, passwd: str) -> list[str] | None:
    for row in _rows(passwd, fields=6, numbers=(2, 3)):
        if name in (row[0], row[2]):
            return row
    return None


def _find_group(name: str, groups: list[list[str]]) -> int:
    for row in groups:
        if name in (row[0], row[2]):
            return int(row[2])
    if name.isdecimal():
        return int(name)
    raise UnknownUserError(f"unable to find group {name}: no matching entries in group file")


def _rows(text: str, *, fields: int, numbers: tuple[int, ...]) -> list[list[str]]:
    """Return the lines with at least so many fields, those at *numbers* being numbers."""
    rows = []
    for line in text.splitlines():
        row = line.split(":")
        if len(row) >= fields and all(row[index].isdecimal() for index in numbers):
            rows.append(row)
    return rows
