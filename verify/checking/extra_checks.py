"""Extra checks of a stable service, besides the answers that are measured."""

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from verify.checking import redirect
from verify.checking.closed_ports import EarlyTries, closed_result
from verify.judging.attempt import Attempt, attempts_that_count, judge
from verify.judging.report import Result, Status
from verify.network.client import Client, new_client
from verify.network.outcome import Answer, Failure, Phase
from verify.network.probe import Probe
from verify.network.resolve import Resolver, chosen_resolver
from verify.network.runtime import Runtime
from verify.options import values
from verify.options.groups import Options
from verify.options.target import Target
from verify.options.values import HostPort

TRACE_MARK = "X-Verify-Trace"
"""A header with a random value, by which an echo of the request is recognised."""

TimeLeft = Callable[[], float]
"""Returns the seconds in which a request may still begin; 0 or fewer when there are none."""


async def run_extra_checks(
    probe: Probe,
    options: Options,
    answer: Answer,
    time_left: TimeLeft,
    *,
    tries: EarlyTries,
    runtime: Runtime,
) -> AsyncIterator[Result]:
    """Make all checks that were requested at the same time, and yield their results in order.

    Args:
        probe: Of the runtime.
        options: The options of the check.
        answer: The service's last.
        time_left: See `TimeLeft`.
        tries: Of the ports that must be closed.
        runtime: Threads or the running event loop.
    """
    checks: list[Coroutine[Any, Any, Result]] = []
    if options.each_address or options.min_addresses:
        checks.append(_check_addresses(probe, options, answer, time_left, runtime))
    if options.closed:
        checks.append(_check_closed(tries))
    if options.min_tls:
        versions = _check_tls_versions(probe, options, answer, time_left)
        checks.append(_on_event_loop(versions, runtime))
    if options.redirect_from:
        redirected = _check_redirect(probe, options, time_left, runtime)
        checks.append(_on_event_loop(redirected, runtime))
    if options.no_trace:
        traced = _check_trace(probe, options, time_left, runtime)
        checks.append(_on_event_loop(traced, runtime))
    running = [runtime.start(check) for check in checks]
    try:
        for started in running:
            yield await started.result()
    finally:
        for started in running:
            started.cancel()


async def _on_event_loop(check: Coroutine[Any, Any, Result], runtime: Runtime) -> Result:
    """Make a check that needs an event loop; start one if the requests are made without it."""
    if not runtime.blocking:
        return await check
    import asyncio  # noqa: PLC0415 — costs 40 ms, and is for few

    return asyncio.run(check)


async def _check_addresses(
    probe: Probe, options: Options, answer: Answer, time_left: TimeLeft, runtime: Runtime
) -> Result:
    addresses = sorted(answer.addresses)
    probed = addresses if options.each_address else []
    probing = [
        runtime.start(_probe_address(probe, address, options, time_left, runtime))
        for address in probed
    ]
    attempts = [await started.result() for started in probing]
    return address_result(dict(zip(probed, attempts, strict=True)), addresses, options)


async def _check_closed(tries: EarlyTries) -> Result:
    return closed_result(tries.ports, tries.control, await tries.states())


async def _check_tls_versions(
    probe: Probe, options: Options, answer: Answer, time_left: TimeLeft
) -> Result:
    from verify.checking import tls_versions  # noqa: PLC0415 — plain HTTP needs no ssl

    to = HostPort(answer.address, probe.host_port.port)
    return await tls_versions.versions_result(to, probe.target.host, options, time_left())


async def _check_redirect(
    probe: Probe, options: Options, time_left: TimeLeft, runtime: Runtime
) -> Result:
    target = probe.target
    plain = redirect.plain(target, options.redirect_from or 0)
    to = None
    if options.connect_to is not None:
        to = HostPort(options.connect_to.host, plain.port)
    # Headers, bodies and certificates may be secret, and this request is sent without TLS.
    without_secrets = options.replace(
        header=(), connect_to=to, method=None, data=None, json=None, cert=None, key=None
    )
    resolver = _resolver(probe, options, runtime)
    outcome = await _send_once(plain, without_secrets, resolver, time_left())
    return redirect.redirect_result(target, options.host or target.authority, plain, outcome)


async def _check_trace(
    probe: Probe, options: Options, time_left: TimeLeft, runtime: Runtime
) -> Result:
    mark = os.urandom(8).hex()
    header = (*options.header, values.Header(TRACE_MARK, mark))
    marked = options.replace(method="TRACE", data=None, json=None, header=header)
    resolver = _resolver(probe, options, runtime)
    return trace_result(await _send_once(probe.target, marked, resolver, time_left()), mark)


def _resolver(probe: Probe, options: Options, runtime: Runtime) -> Resolver:
    """Return the run's resolver for an event loop, which one of threads would block."""
    if not runtime.blocking:
        return probe.resolver
    from verify.network.event_loop import EventLoop  # noqa: PLC0415 — imports asyncio

    return chosen_resolver(probe.target, options, EventLoop())


async def _send_once(
    target: Target, options: Options, resolver: Resolver, time_left: float
) -> Answer | Failure:
    """Send one request that differs from the run's own, on a client made for it."""
    from verify.network.event_loop import EventLoop  # noqa: PLC0415 — imports asyncio

    runtime = EventLoop()
    client: Client
    if options.proxy:
        client = new_client(target, options, runtime)
    else:
        from verify.network.httpx_client import new_httpx_client  # noqa: PLC0415 — costs 100 ms

        client = new_httpx_client(target, options)
    try:
        probe = Probe(target, options, client=client, resolver=resolver, runtime=runtime)
        return await probe(min(options.timeout, time_left))
    finally:
        await client.aclose()


def trace_result(outcome: Answer | Failure, mark: str) -> Result:
    """Judge whether the answer to TRACE echoes the request, by the mark that it carried.

    A closed connection is a refusal. The result is unknown where no request could be sent, or no
    answer came in time.
    """
    status, hint = Status.OK, ""
    if isinstance(outcome, Failure):
        actual = outcome.reason
        if outcome.timed_out or outcome.phase is not Phase.HTTP:
            status, hint = Status.UNKNOWN, outcome.hint
    else:
        actual = f"TRACE is answered with {outcome.status}"
        if mark in outcome.text:
            status, hint = Status.FAIL, "a server that echoes requests shows credentials to scripts"
            actual = f"{actual}, and the request is echoed"
        elif outcome.truncated:
            status = Status.UNKNOWN
            hint = "raise --max-body: the request may be echoed after what was read"
        elif outcome.status < 400:  # noqa: PLR2004 — HTTP's own boundary
            actual = f"{actual}, but nothing of the request is echoed"
    return Result(
        id="trace",
        status=status,
        actual=actual,
        expected="the request is not echoed",
        hint=hint,
        attempts=1,
    )


async def _probe_address(
    probe: Probe, address: str, options: Options, time_left: TimeLeft, runtime: Runtime
) -> Attempt | None:
    """Probe one address until it answers well, at most `--stable` times."""
    attempts: list[Attempt] = []
    for turn in range(options.stable):
        if time_left() <= 0:
            break
        await runtime.sleep(min(options.interval, time_left()) if turn else 0)
        outcome = await probe(min(options.timeout, time_left()), address)
        attempt = judge(outcome, options, 0.0)
        attempts.append(attempt)
        if attempt.stopped_in is None:
            break
    return next(reversed(attempts_that_count(attempts)), None)


def address_result(
    alone: dict[str, Attempt | None], addresses: Sequence[str], options: Options
) -> Result:
    """Judge whether the name has enough addresses, and whether each of them answers."""
    late = []
    failures = []
    for address, attempt in alone.items():
        if attempt is None or attempt.cut:
            late.append(address)
        elif attempt.stopped_in:
            failures.append(f"{address}: {attempt.text}")
    status = Status.OK
    actual = f"{len(addresses)}: {', '.join(addresses)}"
    hint = ""
    if late:
        status, hint = Status.UNKNOWN, "raise --deadline"
        actual = f"{len(late)} of {len(addresses)} not asked in time: {', '.join(late)}"
    if len(addresses) < (options.min_addresses or 0):
        status, hint = Status.FAIL, "is the load balancer in as many subnets as it should be?"
    if failures:
        status = Status.FAIL
        actual = f"{len(failures)} of {len(addresses)} fail; {'; '.join(failures)}"
        hint = (
            "each address is one availability zone's: its subnet's route, network ACL and targets?"
        )
    wanted = "every address answers by itself"
    if options.min_addresses:
        wanted = f"at least {options.min_addresses}"
    return Result(
        id="addresses",
        status=status,
        actual=actual,
        expected=wanted,
        hint=hint,
        attempts=len(alone),
    )
