"""Registries that are reached under another name. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localaws.images.reference import is_host, is_repository
from localaws.user_error import UserError

if TYPE_CHECKING:
    from localaws.images.reference import Reference

VARIABLE = "LOCALAWS_REGISTRY_MIRROR"

_ALLOWED = (
    "allowed: REGISTRY=MIRROR[/PREFIX], several separated by commas, as in "
    "public.ecr.aws=127.0.0.1:5101,docker.io=mirror.example.com/hub; http:// before a mirror that "
    "has no TLS"
)


class MirrorError(UserError):
    """The mirrors can't be understood; the message has the entry and what is allowed."""


@dataclass(frozen=True)
class Mirror:
    """Where a registry's images are pulled from."""

    host: str
    prefix: str = ""
    """A part of the path before each repository."""

    insecure: bool = False
    """Whether it may be used without TLS; one on loopback always may."""


def parse(text: str) -> dict[str, Mirror]:
    """Read the value of the variable.

    Raises:
        MirrorError: An entry can't be understood.
    """
    mirrors: dict[str, Mirror] = {}
    for entry in filter(None, re.split(r"[,\s]+", text)):
        registry, equals, target = entry.partition("=")
        if not equals:
            raise MirrorError(f"{VARIABLE}: {entry} has no =; {_ALLOWED}")
        if not is_host(registry):
            raise MirrorError(
                f"{VARIABLE}: {entry}: {registry or 'an empty name'} is no registry; {_ALLOWED}"
            )
        if registry in mirrors:
            raise MirrorError(f"{VARIABLE}: {entry}: {registry} has two mirrors; {_ALLOWED}")
        mirrors[registry] = _mirror(entry, target)
    return mirrors


def _mirror(entry: str, target: str) -> Mirror:
    address = target.removeprefix("http://")
    host, slash, prefix = address.partition("/")
    if not is_host(host):
        raise MirrorError(
            f"{VARIABLE}: {entry}: {host or 'an empty name'} is no registry; {_ALLOWED}"
        )
    if slash and not is_repository(prefix):
        raise MirrorError(
            f"{VARIABLE}: {entry}: {prefix or 'an empty name'} is no part of a repository; "
            f"{_ALLOWED}"
        )
    return Mirror(host, prefix, insecure=address != target)


def apply(mirror: Mirror, reference: Reference) -> Reference:
    """Return the name that an image has in a mirror."""
    parts = (mirror.prefix, reference.repository)
    return replace(reference, registry=mirror.host, repository="/".join(filter(None, parts)))
