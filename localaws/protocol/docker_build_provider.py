"""The Pulumi provider protocol for package `docker-build`: images that are built on this machine.

As with the real provider, another build is an update, which deletes nothing, and a password that
changes is no change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import grpc
from google.protobuf import empty_pb2

from localaws.catalog import UNKNOWN
from localaws.protocol import docker_build
from localaws.protocol.build_files import context_hash
from localaws.protocol.docker_build import Build
from localaws.protocol.messages import provider_pb2
from localaws.protocol.property_values import from_wire, to_wire
from localaws.protocol.unconfigured import UnconfiguredProvider
from localaws.protocol.urns import Urn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Context = grpc.aio.ServicerContext[Any, Any]

_HASH = "contextHash"


class ImageError(Exception):
    """An image can't be built or pushed; the message says why and what to do."""


class Images(Protocol):
    """Builds images and keeps them."""

    async def build_and_push(self, request: Build, *, current: str = "") -> str:
        """Build an image, push it by its tags unless its digest is the current one; return that.

        Raises:
            ImageError: It can't be.
        """

    def has(self, tag: str, digest: str) -> bool:
        """Return whether a name with a tag means that image."""


class DockerBuildProvider(UnconfiguredProvider):
    """Builds and pushes images for Pulumi's engine."""

    def __init__(self, images: Images, project: Path, *, version: str) -> None:
        """Build below a project's folder, as docker-build `version`."""
        super().__init__(version=version, takes_references=False)
        self._images = images
        self._project = project

    async def Check(
        self, request: provider_pb2.CheckRequest, _context: Context
    ) -> provider_pb2.CheckResponse:
        """Say what is wrong with the inputs, or what the local AWS doesn't build."""
        inputs = from_wire(request.news)
        reasons = list(docker_build.problems(inputs))
        if Urn.of(request.urn).type != docker_build.IMAGE:
            reasons = [f"the local docker-build has {docker_build.IMAGE} only"]
        elif not reasons:
            reasons = list(self._missing(Build.of(inputs)))
        failures = [provider_pb2.CheckFailure(reason=reason) for reason in reasons]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def Diff(
        self, request: provider_pb2.DiffRequest, _context: Context
    ) -> provider_pb2.DiffResponse:
        """Compare inputs and files with those of the last build."""
        old, new = from_wire(request.olds), from_wire(request.news)
        differing = [
            name
            for name in sorted((old.keys() | new.keys()) & docker_build.INPUTS)
            if _without_password(old.get(name)) != _without_password(new.get(name))
        ]
        if old.get(_HASH) != self._context_hash(Build.of(new)):
            differing.append(_HASH)
        none, some = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=some if differing else none, diffs=differing)

    async def Create(
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        """Build an image and push it; a preview builds nothing."""
        inputs = from_wire(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=self._state(inputs, UNKNOWN))
        digest = await self._built(inputs, context, what="creating")
        return provider_pb2.CreateResponse(id=digest, properties=self._state(inputs, digest))

    async def Update(
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        """Build an image again and push it."""
        inputs, old = from_wire(request.news), from_wire(request.olds)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=self._state(inputs, UNKNOWN))
        same_tags = inputs.get("tags") == old.get("tags")
        digest = await self._built(
            inputs, context, what="updating", current=str(old["digest"]) if same_tags else ""
        )
        return provider_pb2.UpdateResponse(properties=self._state(inputs, digest))

    async def Read(
        self, request: provider_pb2.ReadRequest, _context: Context
    ) -> provider_pb2.ReadResponse:
        """Return an image as it was built, while some tag of it is in its repository."""
        state = from_wire(request.properties)
        build = Build.of(state)
        digest = str(state.get("digest"))
        if not any(self._images.has(tag, digest) for tag in build.tags):
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    async def Delete(
        self, _request: provider_pb2.DeleteRequest, _context: Context
    ) -> empty_pb2.Empty:
        """Leave the image in its repository.

        The real provider tries to delete it there, with credentials that expire after 12 hours, and
        goes on if it can't.
        """
        return empty_pb2.Empty()

    async def _built(
        self, inputs: Mapping[str, Any], context: Context, *, what: str, current: str = ""
    ) -> str:
        try:
            return await self._images.build_and_push(Build.of(inputs), current=current)
        except ImageError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, f"{what} the image: {error}")
            raise AssertionError from error  # abort raises

    def _state(self, inputs: Mapping[str, Any], digest: object) -> Any:
        shown = docker_build.outputs(inputs, digest)
        return to_wire({**shown, _HASH: self._context_hash(Build.of(inputs))})

    def _missing(self, build: Build) -> list[str]:
        """Return which of a build's paths don't exist."""
        missing = []
        if not (self._project / build.context).is_dir():
            missing.append(f"context.location: {build.context} is no folder in {self._project}")
        elif not (self._project / build.dockerfile).is_file():
            missing.append(f"dockerfile.location: {build.dockerfile} is no file in {self._project}")
        return missing

    def _context_hash(self, build: Build) -> str:
        return context_hash(self._project / build.context, self._project / build.dockerfile)


def _without_password(value: object) -> object:
    """Return a value without passwords, which differ from run to run."""
    if isinstance(value, list):
        return list(map(_without_password, value))
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if name != "password"}
    return value
