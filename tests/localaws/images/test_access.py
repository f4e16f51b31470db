"""Registries that want credentials, are behind a mirror, or don't answer."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import socket
import threading
from typing import TYPE_CHECKING, ClassVar

import pytest

from localaws.images.errors import CannotPullError
from localaws.images.mirrors import parse as parse_mirrors
from localaws.images.puller import Puller, Sources
from localaws.images.registry import Registry
from tests.localaws.images.conftest import AMD64, ImageFiles, layer, member

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from localaws.images.puller import Image
    from tests.localaws.images.conftest import LoopbackRegistry, Pulls

pytestmark = pytest.mark.slow  # real processes

SHOP = ImageFiles([layer(member("a"))], {"Cmd": ["x"]})
CREDENTIALS = base64.b64encode(b"shopper:s3cr3t").decode()


class AuthenticatingProxy(http.server.BaseHTTPRequestHandler):
    """Forwards to a registry the requests that have the right credentials."""

    protocol_version = "HTTP/1.1"
    registry: ClassVar[str]
    """The address of the registry."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != f"Basic {CREDENTIALS}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="shop"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        connection = http.client.HTTPConnection(self.registry, timeout=10)
        headers = {"Accept": self.headers.get("Accept", "*/*")}
        connection.request(self.command, self.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name in ("Content-Type", "Docker-Content-Digest"):
            if value := answer.getheader(name):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    do_HEAD = do_GET  # noqa: N815 - what the standard library calls it

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def protected(registry: LoopbackRegistry) -> Iterator[str]:
    """The address of a registry that wants a password."""
    handler = type("Handler", (AuthenticatingProxy,), {"registry": registry.address})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


async def pull(pulls: Pulls, name: str, registry: Registry | None = None) -> Image:
    sources = Sources(registry=registry or pulls.registry())
    return await Puller(pulls.store, sources).pull(name, platform=AMD64)


def log_in(folder: Path, address: str) -> None:
    folder.mkdir()
    config = {"auths": {address: {"auth": CREDENTIALS}}}
    (folder / "config.json").write_text(json.dumps(config))


async def test_without_credentials_a_registry_denies_access(
    registry: LoopbackRegistry, protected: str, pulls: Pulls
) -> None:
    registry.push("shop:1", SHOP)
    with pytest.raises(CannotPullError) as denied:
        await pull(pulls, f"{protected}/shop:1")
    words = str(denied.value)
    assert words.startswith(
        f"failed to resolve ref {protected}/shop:1: pull access denied, repository does not exist "
        "or may require authorization: server message: "
    )


@pytest.mark.parametrize("where", [".docker", "elsewhere"])
async def test_dockers_credentials_are_used_and_never_shown(
    registry: LoopbackRegistry, protected: str, pulls: Pulls, tmp_path: Path, where: str
) -> None:
    registry.push("shop:1", SHOP)
    log_in(tmp_path / where, protected)
    if where != ".docker":
        pulls.environment["DOCKER_CONFIG"] = str(tmp_path / where)
    assert (await pull(pulls, f"{protected}/shop:1")).config.command == ("x",)
    with pytest.raises(CannotPullError) as missing:
        await pull(pulls, f"{protected}/shop:gone")
    assert "not found" in str(missing.value)
    for secret in ("s3cr3t", CREDENTIALS):
        assert secret not in str(missing.value)


async def test_credentials_of_a_helper_are_used(
    registry: LoopbackRegistry, protected: str, pulls: Pulls, tmp_path: Path
) -> None:
    registry.push("shop:1", SHOP)
    helper = tmp_path / "path" / "docker-credential-shop"
    helper.parent.mkdir()
    helper.write_text(
        '#!/bin/sh\ncat > /dev/null\necho \'{"Username": "shopper", "Secret": "s3cr3t"}\'\n'
    )
    helper.chmod(0o755)
    (tmp_path / ".docker").mkdir()
    config = {"credHelpers": {protected: "shop"}}
    (tmp_path / ".docker" / "config.json").write_text(json.dumps(config))
    pulls.environment["PATH"] = f"{helper.parent}:/usr/bin:/bin"
    assert (await pull(pulls, f"{protected}/shop:1")).config.command == ("x",)


def mirrored(pulls: Pulls, text: str) -> Registry:
    return Registry(pulls.host, pulls.crane, pulls.environment, mirrors=parse_mirrors(text))


async def test_an_image_comes_from_the_mirror_of_its_registry(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    registry.push("cache/team/shop:1", SHOP)
    through = mirrored(pulls, f"registry.example={registry.address}/cache")
    image = await pull(pulls, "registry.example/team/shop:1", through)
    assert image.digest == registry.digest("cache/team/shop:1")


async def test_what_a_mirror_lacks_is_reported_by_the_images_own_name(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    through = mirrored(pulls, f"registry.example={registry.address}")
    with pytest.raises(CannotPullError) as missing:
        await pull(pulls, "registry.example/team/shop:gone", through)
    full = "registry.example/team/shop:gone"
    assert str(missing.value).startswith(f"failed to resolve ref {full}: {full}: not found")
    assert registry.address in str(missing.value), "and the mirror that lacks it"


async def test_a_registry_that_never_answers_is_a_timeout(pulls: Pulls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = f"127.0.0.1:{silent.getsockname()[1]}/shop:1"
        slow = Registry(pulls.host, pulls.crane, pulls.environment, resolve_seconds=0.5)
        with pytest.raises(CannotPullError, match=r"failed to do request: .*i/o timeout.*mirror"):
            await pull(pulls, name, slow)


async def test_a_tag_that_was_pulled_before_is_an_error_that_names_its_digest(
    registry: LoopbackRegistry, pulls: Pulls
) -> None:
    registry.push("shop:1", SHOP)
    name = "registry.example/shop:1"
    there = mirrored(pulls, f"registry.example={registry.address}")
    gone = mirrored(pulls, "registry.example=127.0.0.1:1")
    image = await Puller(pulls.store, Sources(registry=there)).pull(name, platform=AMD64)
    with pytest.raises(CannotPullError) as refused:
        await Puller(pulls.store, Sources(registry=gone)).pull(name, platform=AMD64)
    exact = f"registry.example/shop@{image.digest}"
    assert f"it was {exact}, which is here" in str(refused.value)
    again = await Puller(pulls.store, Sources(registry=gone)).pull(exact, platform=AMD64)
    assert again.digest == image.digest
