"""Names of images, as Docker and ECS read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

DOCKER_HUB = "docker.io"

_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::(?P<port>[0-9]{1,5}))?"
_LAST_PORT = 65535
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidReferenceError(ValueError):
    """A text names no image; the message says which part is wrong."""


@dataclass(frozen=True)
class Reference:
    """The parts of an image's name; a missing registry is Docker Hub, a missing tag `latest`."""

    registry: str
    repository: str
    tag: str
    digest: str = ""
    """The digest that the name ends with; the tag has no effect then."""

    def __str__(self) -> str:
        """Return the full name, as ECS writes it in its errors."""
        name = f"{self.registry}/{self.repository}"
        return f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag}"

    def at(self, digest: str) -> Reference:
        """Return the name of one exact image of the same repository."""
        return Reference(self.registry, self.repository, self.tag, digest)


def parse(text: str) -> Reference:
    """Read an image's name.

    Raises:
        InvalidReferenceError: It is no name of an image.
    """
    name, _, digest = text.partition("@")
    if digest and not _DIGEST.fullmatch(digest):
        raise InvalidReferenceError(
            f"{text}: invalid reference format: {digest} is no digest (sha256: and 64 hex digits)"
        )
    registry, repository = _split_registry(name)
    repository, colon, tag = repository.partition(":")
    if not is_repository(repository):
        raise InvalidReferenceError(
            f"{text}: invalid reference format: a repository's name is of lower-case letters, "
            f"digits and single separators, which {repository or 'an empty one'} is not"
        )
    if colon and not _TAG.fullmatch(tag):
        raise InvalidReferenceError(
            f"{text}: invalid reference format: a tag is up to 128 letters, digits, _, . and -, "
            f"which {tag or 'an empty one'} is not"
        )
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(registry, repository, tag or "latest", digest)


def is_host(text: str) -> bool:
    """Return whether a text can be a registry: a host, perhaps with a port."""
    host = re.fullmatch(_HOST, text)
    return host is not None and int(host["port"] or 0) <= _LAST_PORT


def is_repository(text: str) -> bool:
    """Return whether a text can be a repository's name, or the first parts of one."""
    return _REPOSITORY.fullmatch(text) is not None


def _split_registry(name: str) -> tuple[str, str]:
    """Split a name where Docker does: a first part with a dot or a port is a registry."""
    first, slash, rest = name.partition("/")
    if slash and is_host(first) and ("." in first or ":" in first or first == "localhost"):
        return (DOCKER_HUB if first == "index.docker.io" else first), rest
    return DOCKER_HUB, name
