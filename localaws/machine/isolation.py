"""How processes are kept apart from this machine: which namespaces it lets this user have."""

from __future__ import annotations

from enum import StrEnum

_NAMESPACES = (
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation=private",
)


class Isolation(StrEnum):
    """How far processes of a launcher are apart from this machine."""

    NONE = "none"
    """Not at all: they share its network, files and process IDs."""

    ROOT = "root"
    """Namespaces that root made."""

    SUBORDINATE_IDS = "subordinate-ids"
    """Namespaces in a user namespace with the user's subordinate ids of /etc/subuid."""

    ONE_ID = "one-id"
    """Namespaces in a user namespace in which every process is the user."""


def unshare_command(isolation: Isolation) -> list[str]:
    """Return what starts a program with process ID 1 in namespaces of its own."""
    if isolation == Isolation.NONE:
        return []
    users = {
        Isolation.ROOT: [],
        Isolation.SUBORDINATE_IDS: ["--user", "--map-root-user", "--map-auto"],
        Isolation.ONE_ID: ["--user", "--map-root-user"],
    }
    return ["unshare", *users[isolation], *_NAMESPACES]
