"""A real Envoy, and targets that say what they were asked."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from localaws.addresses import Addresses
from localaws.alb.envoy import Envoy
from localaws.ecs.processes import Launcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@dataclass
class Echo:
    """A target that answers with the request it got, or misbehaves."""

    address: str
    port: int = 80
    status: int = 200
    mode: str = "answer"
    """`answer`, `reset` the connection, be `silent`, or be `strict`: 400 for a Host that isn't this target."""

    requests: list[str] = field(default_factory=list)
    """Request lines, without those of health checks."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                lines = head.split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                check = headers.get("user-agent") == "elb-healthchecker/2.0"
                if not check:
                    self.requests.append(lines[0])
                    if self.mode == "reset":
                        break
                    if self.mode == "silent":
                        await asyncio.sleep(60)
                stranger = self.mode == "strict" and headers.get("host") != f"{self.address}:{self.port}"
                status = 400 if stranger else self.status
                body = json.dumps({"request": lines[0], "headers": headers, "target": self.address})
                writer.write(
                    f"HTTP/1.1 {status} Fine\r\nServer: echo\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class Stage:
    """Where a load balancer's test plays."""

    addresses: Addresses
    envoy: Envoy
    home: Path
    servers: list[asyncio.Server] = field(default_factory=list)

    async def target(self, **how: Any) -> Echo:
        place = self.addresses.take_task([80])
        echo = Echo(place.address, **{"port": place.port(80), **how})
        self.servers.append(await asyncio.start_server(echo.serve, echo.address, echo.port))
        return echo


@asynccontextmanager
async def stage(home: Path) -> AsyncIterator[Stage]:
    launcher = Launcher()
    envoy = Envoy(launcher, home)
    here = Stage(Addresses(home), envoy, home)
    try:
        yield here
    finally:
        for server in here.servers:
            server.close()
        await envoy.close()
        await launcher.close()


@pytest.fixture
def on_stage() -> Any:
    """To be entered with a home directory."""
    return stage
