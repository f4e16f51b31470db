"""What the local registry keeps, gives and refuses, as a client of it sees that."""

from __future__ import annotations

import hashlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from localaws.ecr.image_store import ImageStore
from localaws.ecr.registry_server import RegistryServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


BLOB = b"x" * 100_000
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Shops:
    """One repository with immutable tags, and one whose tags move."""

    account_id = "123456789012"

    def exists(self, repository: str) -> bool:
        return repository in {"shop", "team/shop"}

    def is_immutable(self, repository: str, tag: str) -> bool:
        return repository == "shop" and tag != "latest"


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@asynccontextmanager
async def connected(store: ImageStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a server that has these images."""
    server = RegistryServer(store, Shops())
    socket = str(tmp_path / "r.sock")
    await server.start(socket)
    # Without TLS no certificates are needed, which take longer to load than a test takes.
    transport = httpx.AsyncHTTPTransport(uds=socket, verify=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
            yield client
    finally:
        await server.close()


@pytest.fixture
async def client(store: ImageStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with connected(store, tmp_path) as client:
        yield client


async def push_blob(client: httpx.AsyncClient, content: bytes, repository: str = "shop") -> None:
    begun = await client.post(f"/v2/{repository}/blobs/uploads/")
    assert begun.status_code == 202
    answer = await client.put(
        begun.headers["location"], params={"digest": digest(content)}, content=content
    )
    assert answer.status_code == 201


def manifest(blob: bytes = BLOB) -> bytes:
    described = {"mediaType": "a/b", "size": len(blob), "digest": digest(blob)}
    return json.dumps({"schemaVersion": 2, "config": described, "layers": [described]}).encode()


async def push(
    client: httpx.AsyncClient, tag: str, repository: str = "shop", body: bytes | None = None
) -> httpx.Response:
    await push_blob(client, BLOB, repository)
    return await client.put(
        f"/v2/{repository}/manifests/{tag}",
        content=body or manifest(),
        headers={"Content-Type": MANIFEST},
    )


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


async def test_what_was_pushed_is_pulled_by_tag_and_by_digest(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v2/")).json() == {}
    assert (await push(client, "v1")).headers["docker-content-digest"] == digest(manifest())
    for reference in ("v1", digest(manifest())):
        answer = await client.get(f"/v2/shop/manifests/{reference}")
        assert answer.content == manifest()
        assert answer.headers["content-type"] == MANIFEST
        head = await client.head(f"/v2/shop/manifests/{reference}")
        assert head.headers["docker-content-digest"] == digest(manifest())
        assert (head.content, head.headers["content-length"]) == (b"", str(len(manifest())))
    blob = await client.get(f"/v2/shop/blobs/{digest(BLOB)}")
    assert blob.content == BLOB
    assert (await client.get("/v2/shop/tags/list")).json() == {"name": "shop", "tags": ["v1"]}


async def test_images_survive_the_server(store: ImageStore, tmp_path: Path) -> None:
    async with connected(store, tmp_path) as client:
        await push(client, "v1")
    async with connected(ImageStore(tmp_path / "images"), tmp_path) as client:
        pulled = await client.get("/v2/shop/manifests/v1")
    assert pulled.content == manifest()


async def test_a_blob_can_come_in_parts_of_unknown_length(client: httpx.AsyncClient) -> None:
    async def chunks() -> Any:
        for start in range(0, len(BLOB), 30_000):
            yield BLOB[start : start + 30_000]

    begun = await client.post("/v2/shop/blobs/uploads/")
    sent = await client.patch(begun.headers["location"], content=chunks())
    assert sent.headers["range"] == f"0-{len(BLOB) - 1}"
    status = await client.get(sent.headers["location"])
    assert (status.status_code, status.headers["range"]) == (204, f"0-{len(BLOB) - 1}")
    done = await client.put(sent.headers["location"], params={"digest": digest(BLOB)})
    assert done.status_code == 201
    at_once = await client.post(
        "/v2/shop/blobs/uploads/", params={"digest": digest(b"y")}, content=b"y"
    )
    assert at_once.status_code == 201
    assert (await client.head(f"/v2/shop/blobs/{digest(b'y')}")).status_code == 200


async def test_an_immutable_tag_is_refused_with_the_message_of_ecr_even_for_the_same_image(
    client: httpx.AsyncClient, store: ImageStore
) -> None:
    await push(client, "v1")
    for body in (manifest(), manifest() + b" "):
        answer = await push(client, "v1", body=body)
        assert code(answer) == (400, "TAG_INVALID")
        assert answer.json()["errors"][0]["message"] == (
            "The image tag 'v1' already exists in the 'shop' repository and cannot be "
            "overwritten because the tag is immutable."
        )
    assert (await push(client, "v2")).status_code == 201, "another tag of the same image"
    assert (await push(client, digest(manifest()))).status_code == 201, "no tag"
    assert store.tags("shop") == dict.fromkeys(("v1", "v2"), digest(manifest()))


@pytest.mark.parametrize(("repository", "tag"), [("shop", "latest"), ("team/shop", "v1")])
async def test_tags_move_where_they_may(
    client: httpx.AsyncClient, store: ImageStore, repository: str, tag: str
) -> None:
    await push(client, tag, repository)
    assert (await push(client, tag, repository, manifest() + b" ")).status_code == 201
    assert store.tags(repository) == {tag: digest(manifest() + b" ")}


async def test_a_repository_that_is_not_there_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/other/blobs/uploads/")
    assert code(answer) == (404, "NAME_UNKNOWN")
    assert "The repository with name 'other' does not exist in the registry with id" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", f"/v2/shop/blobs/{digest(b'other')}", (404, "BLOB_UNKNOWN")),
        ("GET", "/v2/shop/blobs/%2e%2e", (404, "BLOB_UNKNOWN")),
        ("GET", "/v2/shop/manifests/v9", (404, "MANIFEST_UNKNOWN")),
        ("GET", f"/v2/shop/manifests/{digest(b'other')}", (404, "MANIFEST_UNKNOWN")),
        ("DELETE", f"/v2/shop/blobs/{digest(BLOB)}", (405, "UNSUPPORTED")),
        ("POST", "/v2/shop/manifests/v1", (405, "UNSUPPORTED")),
        ("PUT", "/v2/shop/tags/list", (405, "UNSUPPORTED")),
        ("PATCH", f"/v2/shop/blobs/uploads/{'0' * 32}", (404, "BLOB_UPLOAD_UNKNOWN")),
        ("PATCH", "/v2/shop/blobs/uploads/%2e%2e", (404, "BLOB_UPLOAD_UNKNOWN")),
        ("GET", "/v1/_ping", (404, "UNSUPPORTED")),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, method: str, path: str, expected: tuple[int, str]
) -> None:
    await push(client, "v1")
    answer = await client.request(method, path, content=b"body")
    assert (await client.get("/v2/")).status_code == 200, "the connection goes on"
    assert code(answer) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (manifest(b"never pushed"), (400, "MANIFEST_BLOB_UNKNOWN")),
        (b"not JSON", (400, "MANIFEST_INVALID")),
        (b"[]", (400, "MANIFEST_INVALID")),
        (
            json.dumps({"manifests": [{"digest": digest(b"other")}]}).encode(),
            (400, "MANIFEST_BLOB_UNKNOWN"),
        ),
        (b" " * (2**22 + 1), (413, "SIZE_INVALID")),
    ],
)
async def test_a_manifest_names_what_is_there(
    client: httpx.AsyncClient, store: ImageStore, body: bytes, expected: tuple[int, str]
) -> None:
    assert code(await push(client, "v1", body=body)) == expected
    assert store.is_empty("shop")


async def test_content_has_the_digest_that_names_it(client: httpx.AsyncClient) -> None:
    begun = await client.post("/v2/shop/blobs/uploads/")
    wrong = {"digest": digest(b"other")}
    answer = await client.put(begun.headers["location"], params=wrong, content=BLOB)
    assert code(answer) == (400, "DIGEST_INVALID")
    assert code(await push(client, digest(b"other"))) == (400, "DIGEST_INVALID")


async def test_a_deleted_image_takes_its_tags_along(client: httpx.AsyncClient) -> None:
    await push(client, "v1")
    assert (await client.delete(f"/v2/shop/manifests/{digest(manifest())}")).status_code == 202
    assert (await client.get("/v2/shop/manifests/v1")).status_code == 404
    assert (await push(client, "v1")).status_code == 201, "the tag is free again"


async def test_repositories_are_apart_and_end_with_their_images(
    client: httpx.AsyncClient, store: ImageStore
) -> None:
    await push(client, "v1", "team/shop")
    assert (await client.get("/v2/shop/manifests/v1")).status_code == 404
    assert (await client.get(f"/v2/shop/blobs/{digest(BLOB)}")).status_code == 404
    assert not store.is_empty("team/shop")
    store.remove("team/shop")
    assert store.is_empty("team/shop")
    assert store.blob("team/shop", digest(BLOB)) is None
