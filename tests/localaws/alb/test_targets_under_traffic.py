"""Targets that a program registers itself, behind a real Envoy that gets requests meanwhile."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from localaws.alb.targets import Endpoint, TargetState
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.elb.listeners import LISTENER
from localaws.catalog.elb.target_attachments import TARGET_ATTACHMENT
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.daemon.data_plane import data_plane
from localaws.machine.addresses import Addresses
from tests.localaws.ecs.conftest import Web
from tests.localaws.ecs.plane import traffic
from tests.localaws.waiting import TIMEOUT, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from localaws.daemon.data_plane import DataPlane

pytestmark = pytest.mark.slow  # a real Envoy, and many changes of its configuration

_TURNS = 40


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def web() -> Web:
    return Web()


@contextmanager
def server() -> Iterator[Endpoint]:
    """Serve on this machine until the end of the block."""
    serving = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    try:
        yield Endpoint("127.0.0.1", serving.server_port)
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


class Groups:
    """Two target groups, to one of which the listener forwards, with a server for each."""

    def __init__(self, web: Web, plane: DataPlane, servers: list[Endpoint]) -> None:
        self.web, self.plane = web, plane
        self.servers: dict[str, Endpoint] = {}
        group = web.get(TARGET_GROUP, web.group)
        assert group
        for name, endpoint in zip(("one", "two"), servers, strict=True):
            web.put(TARGET_GROUP, name, **{**group.outputs, "arn": name, "targetType": "ip"})
            self.servers[name] = endpoint

    def forward(self, to: str) -> None:
        """Forward all requests to a group; the other one stays in use, as AWS checks it then."""
        groups = [{"arn": name, "weight": int(name == to)} for name in self.servers]
        action = {"type": "forward", "forward": {"targetGroups": groups}}
        self.web.put(LISTENER, self.web.listener, defaultActions=[action])

    async def register(self, group: str) -> None:
        """Register a group's server, and wait until it is healthy."""
        endpoint = self.servers[group]
        attachment = {"targetGroupArn": group, "targetId": endpoint.address, "port": endpoint.port}
        self.web.put(TARGET_ATTACHMENT, group, **attachment)
        balancers = self.plane.load_balancers

        async def is_healthy() -> bool:
            await balancers.sync()  # the next pass may be two seconds away
            return balancers.health(group, endpoint).state is TargetState.HEALTHY

        await eventually(is_healthy, "its first check")

    def forward_only(self, to: str, *, leaving: str) -> None:
        """Forward to a group, and deregister the target of the other one at the same time."""
        self.forward(to)
        self.web.remove(TARGET_ATTACHMENT, leaving)


async def test_no_request_is_lost_when_a_rule_and_the_targets_of_its_old_group_change_at_once(
    web: Web, tmp_path: Path
) -> None:
    directory = tmp_path / ".local"
    web.remove(SERVICE, web.service)
    addresses = Addresses(directory)
    plane = data_plane(web, directory, parameters=lambda _: None, addresses=addresses)
    with ExitStack() as stack:
        groups = Groups(web, plane, [stack.enter_context(server()) for _ in range(2)])
        groups.forward("one")
        await plane.start()
        try:
            await groups.register("one")
            await plane.controller.apply(timeout=TIMEOUT)
            url = f"http://{addresses.load_balancer(web.load_balancer).dns_name}"
            async with traffic(url) as statuses:
                for turn in range(_TURNS):
                    old, new = ("one", "two") if turn % 2 == 0 else ("two", "one")
                    await groups.register(new)
                    groups.forward_only(new, leaving=old)
                    await plane.controller.apply(timeout=TIMEOUT)
        finally:
            await plane.close()
    assert statuses.keys() == {200}, statuses
    assert statuses[200] > _TURNS
