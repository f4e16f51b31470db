"""A registry for the local AWS's ECR repositories, which refuses what ECR refuses.

It speaks the part of the OCI distribution specification that Docker, podman, buildah, skopeo and
crane use to push and pull. Source: opencontainers/distribution-spec, version 1.1.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import h11

from localaws.ecr.image_store import Manifest
from localaws.machine.stream_server import StreamServer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from localaws.ecr.image_store import ImageStore

log = logging.getLogger(__name__)

_CHUNK = 2**16
_LONGEST_MANIFEST = 2**22
"""Source: Docker's registry, which ECR's quota is equal to."""

_ROUTES = re.compile(
    r"/v2/(?P<repository>.+?)/"
    r"(?:blobs/uploads/(?P<upload>[^/]*)|blobs/(?P<blob>[^/]+)|manifests/(?P<manifest>[^/]+)"
    r"|tags/(?P<tags>list))"
)


class Repositories(Protocol):
    """The repositories that there are."""

    @property
    def account_id(self) -> str:
        """Twelve digits."""

    def exists(self, repository: str) -> bool:
        """Return whether there is a repository of that name."""

    def is_immutable(self, repository: str, tag: str) -> bool:
        """Return whether a tag of a repository stays at its image."""


@dataclass
class _Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None
    """A file to send instead of a body."""


class _Refusal(Exception):  # noqa: N818 — an answer, not a fault of this program
    """An error of the specification."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer = _Answer(status, {"Content-Type": "application/json"}, body)


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    repository: str = ""

    async def to_file(self, path: Path) -> int:
        """Append the body to a file; return the file's size."""
        with path.open("ab") as file:
            async for chunk in self.chunks:
                file.write(chunk)
            return file.tell()

    async def body(self) -> bytes:
        """Return the body.

        Raises:
            _Refusal: It is longer than any manifest.
        """
        whole = b""
        async for chunk in self.chunks:
            whole += chunk
            if len(whole) > _LONGEST_MANIFEST:
                raise _Refusal(413, "SIZE_INVALID", "the manifest is longer than 4 MiB")
        return whole


class RegistryServer:
    """Answers registry clients on a Unix socket."""

    def __init__(self, store: ImageStore, repositories: Repositories) -> None:
        """Keep images in a store, for the repositories that there are."""
        self._store = store
        self._repositories = repositories
        self._server = StreamServer(self._serve)

    async def start(self, socket: str) -> None:
        """Listen."""
        await self._server.listen_unix(socket)

    async def close(self) -> None:
        """Stop listening, and close every connection."""
        await self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while await self._serve_one(connection, reader, writer):
                connection.start_next_cycle()
        except (h11.RemoteProtocolError, ConnectionError) as error:
            log.debug("a registry client's connection failed: %s", error)

    async def _serve_one(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one request; return whether another may follow on the connection."""
        event = await _next_event(connection, reader, writer)
        if not isinstance(event, h11.Request):
            return False
        url = urlsplit(event.target.decode())
        request = _Request(
            method=event.method.decode(),
            path=unquote(url.path),
            query={name: values[0] for name, values in parse_qs(url.query).items()},
            headers={name.decode().lower(): value.decode() for name, value in event.headers},
            chunks=_chunks(connection, reader, writer),
        )
        try:
            answer = await self._answer(request)
        except _Refusal as refusal:
            answer = refusal.answer
        # What the answer left unread would be taken for the next request.
        async for _ in request.chunks:
            pass
        await _send(connection, writer, answer, without_body=request.method == "HEAD")
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE

    async def _answer(self, request: _Request) -> _Answer:
        if request.path in {"/v2", "/v2/"}:
            return _Answer(200, {"Content-Type": "application/json"}, b"{}")
        route = _ROUTES.fullmatch(request.path)
        if route is None:
            raise _Refusal(404, "UNSUPPORTED", f"{request.path} is no path of a registry")
        repository = route["repository"]
        if not self._repositories.exists(repository):
            raise _Refusal(
                404,
                "NAME_UNKNOWN",
                f"The repository with name '{repository}' does not exist in the registry with id "
                f"'{self._repositories.account_id}'",
            )
        for name, handle in self._handlers().items():
            if route[name] is not None:
                return await handle(request, repository, route[name])
        raise AssertionError(route)

    def _handlers(self) -> Mapping[str, Callable[[_Request, str, str], Awaitable[_Answer]]]:
        return {
            "upload": self._upload,
            "blob": self._blob,
            "manifest": self._manifest,
            "tags": self._tags,
        }

    async def _upload(self, request: _Request, repository: str, name: str) -> _Answer:
        """Receive a blob, at once or in parts."""
        if request.method == "POST" and not name:
            name = self._store.new_upload(repository)
        path = self._store.upload(repository, name)
        if path is None:
            raise _Refusal(404, "BLOB_UPLOAD_UNKNOWN", f"there is no upload {name or 'here'}")
        if request.method not in {"POST", "PATCH", "PUT", "GET"}:
            raise _unsupported(request)
        size = await request.to_file(path)
        digest = request.query.get("digest")
        if digest is None or request.method not in {"POST", "PUT"}:
            status = {"GET": 204}.get(request.method, 202)
            location = f"/v2/{repository}/blobs/uploads/{name}"
            headers = {"Location": location, "Range": f"0-{max(size - 1, 0)}"}
            return _Answer(status, {**headers, "Docker-Upload-UUID": name})
        if not self._store.finish(repository, path, digest):
            raise _Refusal(400, "DIGEST_INVALID", f"the blob's content isn't {digest}")
        location = f"/v2/{repository}/blobs/{digest}"
        return _Answer(201, {"Location": location, "Docker-Content-Digest": digest})

    async def _blob(self, request: _Request, repository: str, digest: str) -> _Answer:
        path = self._store.blob(repository, digest)
        if path is None:
            raise _Refusal(404, "BLOB_UNKNOWN", f"there is no blob {digest}")
        if request.method not in {"GET", "HEAD"}:
            raise _unsupported(request)
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest}
        return _Answer(200, headers, file=path)

    async def _manifest(self, request: _Request, repository: str, reference: str) -> _Answer:
        if request.method == "PUT":
            return await self._put_manifest(request, repository, reference)
        found = self._store.manifest(repository, reference)
        if found is None:
            raise _Refusal(404, "MANIFEST_UNKNOWN", "Requested image not found")
        headers = {"Content-Type": found.media_type, "Docker-Content-Digest": found.digest}
        if request.method in {"GET", "HEAD"}:
            return _Answer(200, headers, found.body)
        if request.method == "DELETE":
            self._store.delete(repository, found.digest)
            return _Answer(202)
        raise _unsupported(request)

    async def _put_manifest(self, request: _Request, repository: str, reference: str) -> _Answer:
        media_type = request.headers.get("content-type", "")
        manifest = Manifest(media_type, await request.body())
        missing = self._missing(repository, manifest)
        if missing:
            raise _Refusal(400, "MANIFEST_BLOB_UNKNOWN", f"the image lacks {', '.join(missing)}")
        tag = None if reference.startswith("sha256:") else reference
        if tag is None and reference != manifest.digest:
            raise _Refusal(400, "DIGEST_INVALID", f"the manifest's content isn't {reference}")
        if (
            tag is not None
            and tag in self._store.tags(repository)
            and self._repositories.is_immutable(repository, tag)
        ):
            # ECR refuses it even for the same image.
            raise _Refusal(400, "TAG_INVALID", tag_exists(repository, tag))
        self._store.put(repository, manifest, tag)
        location = f"/v2/{repository}/manifests/{manifest.digest}"
        return _Answer(201, {"Location": location, "Docker-Content-Digest": manifest.digest})

    def _missing(self, repository: str, manifest: Manifest) -> list[str]:
        """Return the digests that a manifest names and the repository lacks.

        Raises:
            _Refusal: It is no manifest.
        """
        try:
            document = json.loads(manifest.body)
            blobs = [document.get("config", {}), *document.get("layers", [])]
            images = document.get("manifests", [])
            blob_digests = [each["digest"] for each in blobs if each]
            image_digests = [each["digest"] for each in images]
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise _Refusal(400, "MANIFEST_INVALID", f"it is no image manifest: {error}") from error
        missing = [each for each in blob_digests if self._store.blob(repository, each) is None]
        missing += [
            each for each in image_digests if self._store.manifest(repository, each) is None
        ]
        return missing

    async def _tags(self, request: _Request, repository: str, _: str) -> _Answer:
        if request.method not in {"GET", "HEAD"}:
            raise _unsupported(request)
        body: Any = {"name": repository, "tags": sorted(self._store.tags(repository))}
        return _Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())


def tag_exists(repository: str, tag: str) -> str:
    """Return ECR's sentence about an immutable tag.

    Source: the message of its ImageTagAlreadyExistsException, as pushes to it show it, for example
    https://github.com/osscontainertools/kaniko/pull/204.
    """
    return (
        f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be "
        "overwritten because the tag is immutable."
    )


def _unsupported(request: _Request) -> _Refusal:
    return _Refusal(405, "UNSUPPORTED", f"{request.method} isn't supported here")


async def _next_event(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Any:
    """Return the next part of a request."""
    while True:
        event = connection.next_event()
        if event is not h11.NEED_DATA:
            return event
        if connection.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            writer.write(connection.send(go_on) or b"")
        connection.receive_data(await reader.read(_CHUNK))


async def _chunks(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[bytes]:
    """Yield the body of a request."""
    while isinstance(event := await _next_event(connection, reader, writer), h11.Data):
        yield bytes(event.data)


async def _send(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    answer: _Answer,
    *,
    without_body: bool,
) -> None:
    size = answer.file.stat().st_size if answer.file else len(answer.body)
    headers = {
        "Docker-Distribution-API-Version": "registry/2.0",
        "Content-Length": str(size),
        **answer.headers,
    }
    head = h11.Response(status_code=answer.status, headers=list(headers.items()))
    writer.write(connection.send(head) or b"")
    if not without_body and answer.file:
        with answer.file.open("rb") as file:
            while chunk := file.read(_CHUNK):
                writer.write(connection.send(h11.Data(data=chunk)) or b"")
                await writer.drain()
    elif not without_body and answer.body:
        writer.write(connection.send(h11.Data(data=answer.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
