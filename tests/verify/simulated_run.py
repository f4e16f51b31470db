"""Checks in virtual time over a fake transport."""

import asyncio
import random
import socket
from collections.abc import Callable

import httpx

from tests.verify.virtual_time import run_in_virtual_time
from verify.checking.evidence import Evidence
from verify.checking.run import check
from verify.cli.parser import parse_options
from verify.exit_codes import ExitCode
from verify.judging.report import Report, Result
from verify.network.event_loop import EventLoop
from verify.network.httpx_client import HttpxClient
from verify.options.target import parse_target

Handler = Callable[[int, httpx.Request], httpx.Response]


def two_tasks(number: int, _request: httpx.Request) -> httpx.Response:
    """Answer as one of two tasks in turn."""
    return httpx.Response(200, text=f"<h1>Hello from task-{number % 2}</h1>")


def slow_from(number: int, *, before: float = 0.01) -> Callable[[int], float]:
    """Return durations of requests: from this number on, each takes longer than any run."""
    return lambda each: 60.0 if each >= number else before


def run(
    handler: Handler,
    *arguments: str,
    target: str = "a.example",
    resolves_after: int = 0,
    progress: list[str] | None = None,
    stop_after: float | None = None,
    addresses: tuple[str, ...] = ("192.0.2.1",),
    dead: str = "",
    takes: float | Callable[[int], float] = 0.01,
) -> Report:
    """Check a service once: 2 ms to resolve, 4 to connect, `takes` seconds to answer.

    The check is interrupted after `stop_after` seconds. Nothing listens at the `dead` address.
    """
    lookups, requests = 0, 0
    steps = [] if progress is None else progress

    async def resolver(_host: str) -> tuple[str, ...]:
        nonlocal lookups
        lookups += 1
        await asyncio.sleep(0.002)
        if lookups <= resolves_after:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return addresses

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal requests
        number = requests
        requests += 1
        trace = request.extensions["trace"]
        await trace("connection.connect_tcp.started", {})
        await asyncio.sleep(0.004)
        if request.url.host == dead:
            raise httpx.ConnectError("connection refused")
        await trace("connection.connect_tcp.complete", {})
        await asyncio.sleep(takes(number) if callable(takes) else takes)
        return handler(number, request)

    async def main() -> Report:
        evidence = Evidence()
        task = asyncio.current_task()
        assert task is not None

        def stop() -> None:
            evidence.stopped = ExitCode.INTERRUPTED
            task.cancel()

        if stop_after is not None:
            asyncio.get_running_loop().call_later(stop_after, stop)
        return await check(
            parse_target(target),
            parse_options(arguments),
            evidence=evidence,
            client=HttpxClient(httpx.MockTransport(answer), scheme="http", name="a.example"),
            resolver=resolver,
            runtime=EventLoop(),
            progress=lambda step, text: steps.append(f"{step:<8} {text}"),
            rng=random.Random(1),
        )

    return run_in_virtual_time(main())


def found(report: Report, identifier: str) -> Result:
    """Return the only result with this id."""
    results = [result for result in (*report.phases, *report.checks) if result.id == identifier]
    assert len(results) == 1, identifier
    return results[0]
