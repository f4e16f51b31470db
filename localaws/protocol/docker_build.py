"""The images of package `docker-build`: what is built, and what a build leaves."""

from __future__ import annotations

import hashlib
import json
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.catalog.properties import UNKNOWN
from localaws.catalog.values import block, blocks, known, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IMAGE = "docker-build:index:Image"

_READ = frozenset(
    {
        *("buildArgs", "buildOnPreview", "cacheFrom", "cacheTo", "context", "dockerfile"),
        *("platforms", "push", "registries", "tags", "target"),
    }
)
"""Inputs that a local build reads, or can do without: a cache, and credentials of a registry that
is on this machine.
"""

INPUTS = _READ | {
    *("addHosts", "builder", "exec", "exports", "ignoreSecretsInDiffCalculation", "labels"),
    *("load", "network", "noCache", "pull", "secrets", "ssh"),
}
"""Every input of an image. Source: pulumi-docker-build 0.0.22."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """An image to build and push."""

    tags: tuple[str, ...]
    """Names that it is pushed by, each with a tag."""

    context: str
    """A folder, relative to the project's."""

    dockerfile: str
    """A file, relative to the project's folder."""

    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Build:
        """Read the inputs of an image."""
        context = str(block(inputs.get("context")).get("location") or ".")
        dockerfile = block(inputs.get("dockerfile")).get("location")
        return cls(
            tags=tuple(texts(inputs.get("tags"))),
            context=context,
            dockerfile=str(dockerfile or posixpath.join(context, "Dockerfile")),
            target=str(inputs.get("target") or ""),
            arguments={name: str(value) for name, value in block(inputs.get("buildArgs")).items()},
            platforms=tuple(texts(inputs.get("platforms"))),
        )


def problems(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the inputs of an image, or what the local AWS doesn't build."""
    for name in sorted(inputs.keys() - INPUTS):
        yield f"{name} is no input of an image"
    for name in sorted(inputs.keys() & (INPUTS - _READ)):
        if inputs[name] not in (None, False, [], {}, "", "default"):
            yield f"{name}: the local AWS builds images without it"
    if "push" not in inputs:
        yield "push is required"
    elif inputs["push"] is False:
        yield "push: the local AWS builds images to push them"
    if known(inputs.get("tags")) and not texts(inputs.get("tags")):
        yield "tags: an image that is pushed needs one"
    if "inline" in block(inputs.get("dockerfile")):
        yield "dockerfile.inline: the local AWS builds from a file"
    for index, registry in enumerate(blocks(inputs.get("registries"))):
        if registry.get("address") in (None, ""):
            yield f"registries[{index}] has no address"


def outputs(inputs: Mapping[str, Any], digest: object) -> dict[str, Any]:
    """Return what an image shows; its digest is unknown until it is built."""
    tags = texts(inputs.get("tags"))
    whole = isinstance(digest, str) and tags
    return {**inputs, "digest": digest, "ref": f"{tags[0]}@{digest}" if whole else UNKNOWN}


def made_up_digest(inputs: Mapping[str, Any]) -> str:
    """Return a digest for an image that isn't built, the same for the same build."""
    build = Build.of(inputs)
    parts = [build.context, build.dockerfile, build.target, sorted(build.arguments.items())]
    text = json.dumps([*parts, build.platforms])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
