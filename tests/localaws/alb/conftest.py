"""A real Envoy, and targets that answer with the requests that they got."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.certificate_authority import Authority
from localaws.alb.compiler import compile_files
from localaws.alb.envoy import Envoy
from localaws.alb.model import Listener, Rule, TargetGroup
from localaws.alb.parts import cluster_name
from localaws.alb.targets import Endpoint
from localaws.machine.addresses import Addresses
from localaws.machine.processes import Launcher
from localaws.machine.stream_server import StreamServer
from tests.localaws.http_client import plain_client
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import httpx

    from localaws.machine.addresses import ListenAddress

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"
OTHER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/other/2"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/2"
CHECK = {
    "path": "/health",
    "interval": 0.3,
    "timeout": 1,
    "healthyThreshold": 2,
    "unhealthyThreshold": 2,
}


@dataclass
class Echo:
    """A target that answers with the request that it got, or misbehaves.

    The answer is JSON: `request` is the request's line, `headers` its headers in lower case,
    `values` those as they came, and `target` the address of the target.
    """

    address: str
    port: int = 80
    status: int = 200
    mode: str = "answer"
    """`answer`, `reset` the connection, be `silent`, or be `strict`: 400 for a Host that isn't this
    target.
    """

    more_headers: str = ""
    """Lines of further headers, each with its end."""

    requests: list[str] = field(default_factory=list)
    """Request lines, without those of health checks."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                values = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
                headers = {name.lower(): value.lower() for name, value in values.items()}
                is_health_check = headers.get("user-agent") == "elb-healthchecker/2.0"
                if not is_health_check:
                    self.requests.append(lines[0])
                    if self.mode == "reset":
                        break
                    if self.mode == "silent":
                        await asyncio.sleep(60)
                status = self.status
                if self.mode == "strict" and headers.get("host") != f"{self.address}:{self.port}":
                    status = 400
                body = json.dumps(
                    {
                        "request": lines[0],
                        "headers": headers,
                        "values": values,
                        "target": self.address,
                    }
                )
                writer.write(
                    f"HTTP/1.1 {status} Fine\r\nServer: echo\r\n{self.more_headers}"
                    f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass


def forward(*groups: tuple[str, int]) -> Rule:
    """Make a default rule that forwards to target groups by these weights."""
    weighted = [{"arn": group, "weight": weight} for group, weight in groups]
    return Rule(actions=[{"type": "forward", "forward": {"targetGroups": weighted}}])


def on(condition: dict[str, Any], action: dict[str, Any]) -> Rule:
    """Make a rule of one condition and one action."""
    return Rule(conditions=[condition], actions=[action])


class Alb:
    """A load balancer with one listener, which a real Envoy serves, and its targets."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.addresses = Addresses(directory)
        listen_address = self.addresses.load_balancer("alb")
        self.endpoint = Endpoint(listen_address.address, listen_address.port(80))
        self.url = f"http://{listen_address.dns_name}"
        self._launcher = Launcher()
        self.envoy = Envoy(self._launcher, directory / "envoy")
        self.listener: dict[str, Any] = {}
        """Further attributes of the listener."""

        self.attributes: dict[str, dict[str, Any]] = {}
        """Further attributes of target groups, by ARN."""

        self.measured = False
        """Whether requests are counted for alarms."""

        self._servers: list[StreamServer] = []

    async def target(self, **how: Any) -> Echo:
        """Start a target at a new address."""
        listen_address = self.addresses.take_task([80])
        echo = Echo(listen_address.address, **{"port": listen_address.port(80), **how})
        await self.serve(echo.serve, echo.address, echo.port)
        return echo

    async def serve(self, handler: Handler, address: str, port: int) -> None:
        """Serve connections to an address and port until the end of the test."""
        server = StreamServer(handler)
        self._servers.append(server)
        await server.listen(address, port)

    async def apply(self, rules: list[Rule], groups: dict[str, list[Any]], **check: Any) -> None:
        """Configure the listener's rules, the targets of groups, and their health check."""
        listener = Listener(
            arn=LISTENER, endpoint=self.endpoint, port=80, rules=rules, **self.listener
        )
        targets: list[TargetGroup] = []
        for arn, echoes in groups.items():
            endpoints = tuple(Endpoint(echo.address, echo.port) for echo in echoes)
            targets.append(
                TargetGroup(
                    arn=arn,
                    health_check={**CHECK, **check},
                    checked=endpoints,
                    **self.attributes.get(arn, {}),
                )
            )
        folder = self.directory / "envoy"
        files = compile_files([listener], targets, folder, measured=self.measured)
        await self.envoy.apply(files)

    async def healthy(self, count: int, group: str = GROUP) -> None:
        """Wait until so many targets of a group are healthy."""

        async def enough() -> bool:
            healthy = 0
            for (name, _), target in (await self.envoy.health()).items():
                if name == cluster_name(group) and target.healthy:
                    healthy += 1
            return healthy == count

        await eventually(enough, f"{count} healthy targets")

    async def close(self) -> None:
        for server in self._servers:
            await server.close()
        await self.envoy.close()
        await self._launcher.close()


@asynccontextmanager
async def started_alb(directory: Path) -> AsyncIterator[Alb]:
    """Yield a load balancer with this state directory, and close it."""
    alb = Alb(directory)
    try:
        yield alb
    finally:
        await alb.close()


@pytest.fixture
async def alb(tmp_path: Path) -> AsyncIterator[Alb]:
    async with started_alb(tmp_path) as alb:
        yield alb


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with plain_client() as client:
        yield client


def https_url(load_balancer: ListenAddress) -> str:
    """Return the URL of port 443, or of the one that stands for it on this machine."""
    port = load_balancer.port(443)
    suffix = "" if port == 443 else f":{port}"
    return f"https://{load_balancer.address}{suffix}"


def server_context(directory: Path, name: str) -> ssl.SSLContext:
    """Return the TLS settings of a server for which the local authority issued a certificate."""
    certificate = Authority(directory).issue([name])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


async def raw(alb: Alb, request: str, time_limit: float = 2) -> tuple[str, str]:
    """Send raw bytes; return the status code and the rest once the connection is silent."""
    reader, writer = await asyncio.open_connection(alb.endpoint.address, alb.endpoint.port)
    answer = b""
    try:
        writer.write(request.encode())
        with suppress(TimeoutError):
            async with asyncio.timeout(time_limit):
                part = await reader.read(2**16)
                while part:
                    answer += part
                    part = await reader.read(2**16)
    finally:
        writer.close()
    status_line, _, rest = answer.decode().partition("\r\n")
    return status_line.split()[1], rest
