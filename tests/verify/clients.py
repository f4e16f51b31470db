"""The clients of a run: one table of server behaviours holds for each of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from verify.cli.parser import parse_options
from verify.network.client import Client, new_client
from verify.network.event_loop import EventLoop
from verify.network.httpx_client import new_httpx_client
from verify.network.outcome import Answer, Failure
from verify.network.probe import Probe
from verify.network.resolve import Resolver, chosen_resolver, system_resolver
from verify.network.runtime import Runtime, completed
from verify.network.threads import Threads
from verify.options.groups import Options
from verify.options.target import Target, parse_target

CLIENTS = ("threads", "event loop", "httpx")
by_each_client = pytest.mark.parametrize("by", CLIENTS)
look_up = partial(system_resolver, runtime=EventLoop())
"""The system's resolver, on an event loop."""


def new_runtime_and_client(by: str, target: Target, options: Options) -> tuple[Runtime, Client]:
    """Return a client by its name, and the runtime that it works on."""
    runtime = Threads() if by == "threads" else EventLoop()
    if by == "httpx":
        return runtime, new_httpx_client(target, options)
    return runtime, new_client(target, options, runtime)


def probe(
    target: str,
    *arguments: str,
    by: str = "event loop",
    limit: float = 5.0,
    client: Client | None = None,
    resolver: Resolver | None = None,
    times: int = 1,
) -> Sequence[Answer | Failure]:
    """Probe a target `times` times, one after the other, and return the outcomes."""
    parsed = parse_target(target).target
    options = parse_options(arguments)
    runtime, usual = new_runtime_and_client(by, parsed, options)
    chosen = client or usual

    async def each() -> list[Answer | Failure]:
        probe_once = Probe(
            parsed,
            options,
            client=chosen,
            resolver=resolver or chosen_resolver(parsed, options, runtime),
            runtime=runtime,
        )
        outcomes = [await probe_once(limit) for _ in range(times)]
        await chosen.aclose()
        return outcomes

    return completed(each()) if runtime.blocking else asyncio.run(each())


@asynccontextmanager
async def kept(target: Target, resolver: Resolver, *, keep: bool = True) -> AsyncIterator[Probe]:
    """Yield a probe that keeps its connection."""
    options = parse_options([])
    runtime = EventLoop()
    client = new_client(target, options, runtime, keep=keep)
    yield Probe(target, options, client=client, resolver=resolver, runtime=runtime, keep=keep)
    await client.aclose()
