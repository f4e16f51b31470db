"""A running data plane with handles for tests: real tasks behind a real Envoy."""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import threading
from collections import Counter
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psutil

from localaws.daemon.data_plane import data_plane
from localaws.machine.addresses import Addresses
from tests.localaws.waiting import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localaws.ecs.scheduler.model import Timing
    from localaws.ecs.services.controller import Controller
    from tests.localaws.ecs.conftest import Web

PARAMETERS = {"/demo/message": "hello-from-a-parameter", "/demo/password": "correct-horse-battery"}


@dataclass
class Plane:
    """A running data plane."""

    controller: Controller
    web: Web
    url: str
    directory: Path
    reports: list[str] = field(default_factory=list)

    async def settle(self, timeout: float = TIMEOUT) -> None:  # noqa: ASYNC109 — passed on
        await self.controller.waits.settle(
            self.web.service, timeout=timeout, report=self.reports.append
        )

    async def drain(self) -> None:
        self.web.draining.add(self.web.service)
        await self.controller.waits.drain(
            self.web.service, timeout=TIMEOUT, report=self.reports.append
        )

    def describe(self) -> dict[str, Any]:
        return self.controller.descriptions.describe(self.web.service)

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        return [task for task in self.describe().get("tasks", ()) if task["lastStatus"] == status]

    def has_event(self, part: str) -> bool:
        return any(part in event["message"] for event in self.describe().get("events", ()))


@asynccontextmanager
async def plane(
    web: Web, directory: Path, *, speed: float = 1, timing: Timing | None = None
) -> AsyncIterator[Plane]:
    listen_addresses = Addresses(directory)
    running = data_plane(
        web,
        directory,
        parameters=PARAMETERS.get,
        addresses=listen_addresses,
        speed=speed,
        timing=timing,
    )
    await running.start()
    try:
        yield Plane(
            running.controller,
            web,
            f"http://{listen_addresses.load_balancer(web.load_balancer).dns_name}",
            directory,
        )
    finally:
        await running.close()


def processes(directory: Path) -> list[psutil.Process]:
    """Return the processes of a state directory, by the paths and addresses in their commands."""
    block = ipaddress.ip_network(
        f"{Addresses(directory).load_balancer('any').address}/22", strict=False
    )

    def belongs(word: str) -> bool:
        with suppress(ValueError):
            return ipaddress.ip_address(word) in block
        return word.startswith(str(directory))

    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if any(map(belongs, command)):
            found.append(process)
    return found


def stored(directory: Path) -> str:
    """Return the contents of all files in a directory, one after the other."""
    contents = ""
    for path in directory.rglob("*"):
        if path.is_file():
            contents += path.read_text(errors="replace")
    return contents


CLIENTS = 3
PAUSE_SECONDS = 0.02
"""How long a client waits between an answer and its next request.

That makes about 130 requests a second. Without a pause, the clients take the CPU time from the
deployment that they watch. A fault that loses requests for a millisecond in each rollout would
still be seen about 13 times in a hundred rollouts.
"""


@asynccontextmanager
async def traffic(url: str) -> AsyncIterator[Counter[int]]:
    """Send requests from several clients during the block; yield the statuses of the answers.

    Each client is a thread with its own connection, which it keeps. With httpx, the requests
    took half of the CPU time of the process that runs the data plane.
    """
    statuses: Counter[int] = Counter()
    over = threading.Event()
    parts = urlsplit(url)
    assert parts.hostname

    def send_requests(host: str) -> None:
        with closing(http.client.HTTPConnection(host, parts.port, timeout=5)) as connection:
            while not over.is_set():
                connection.request("GET", parts.path or "/")
                answer = connection.getresponse()
                answer.read()
                statuses[answer.status] += 1
                over.wait(PAUSE_SECONDS)

    clients = [
        asyncio.create_task(asyncio.to_thread(send_requests, parts.hostname))
        for _ in range(CLIENTS)
    ]
    try:
        yield statuses
    finally:
        over.set()
        await asyncio.gather(*clients)


def exit_codes(task: dict[str, Any]) -> list[int]:
    return [container["exitCode"] for container in task["containers"]]


SERVER = """
import os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep({delay})
        self.send_response({status})
        self.end_headers()
    def log_message(self, *args):
        pass
time.sleep({pause})
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def server(status: int, *, pause: float = 0, delay: float = 0) -> dict[str, Any]:
    """Return a container that answers late with a status, after a pause at its start."""
    program = SERVER.format(status=status, pause=pause, delay=delay)
    return {"image": "python:3", "command": ["python", "-c", program]}
