"""Watch a service at a constant rate while something changes.

The rate never follows the answers: a request goes out when it is due, however long those before it
take. So a slow answer hides nothing, and how long an outage lasted is known to within one interval.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from verify.checking.run import Progress, shown_url
from verify.checking.still_waiting import StillWaiting
from verify.checking.waiting import ProbeOnce
from verify.escaping import visible
from verify.judging.attempt import judge
from verify.judging.report import Report, counted, verdict
from verify.network.client import Client, new_client
from verify.network.event_loop import EventLoop
from verify.network.probe import Probe
from verify.network.resolve import chosen_resolver
from verify.network.threads import STOPPED_BY
from verify.options.groups import Options, Watch
from verify.options.target import Parsed
from verify.watching.record import LANES, Record

Command = Callable[[], Awaitable[int]]
"""Runs what changes the service, to its end; returns its exit code, or raises `OSError` where it
can't be run.
"""

_PAUSES = (5.0, 10.0, 15.0, 30.0)
"""Seconds without a line before one with the counts; a command prints its own lines."""

_LOOK_EVERY = 0.2
"""Seconds between looks for the file of `--until-file`."""


def watch(parsed: Parsed, options: Options, *, progress: Progress) -> Report:
    """Watch one target over the real network."""
    record = Record(options)
    child = _Child(record.watch.command)
    began = time.monotonic()
    waiting = StillWaiting(lambda: progress(_at(time.monotonic() - began), record.so_far), _PAUSES)

    def report_step(step: str, text: str) -> None:
        waiting.printed()
        progress(step, text)

    async def until_stopped() -> Report:
        watching = asyncio.create_task(over_the_network())

        def stop(number: signal.Signals) -> None:
            if record.stopped is not None or not child.forward(number):
                watching.cancel()
            record.stopped = STOPPED_BY[number]

        for number in STOPPED_BY:
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        return await watching

    async def over_the_network() -> Report:
        runtime = EventLoop()
        target = parsed.target
        resolver = chosen_resolver(target, options, runtime)
        clients: list[Client] = []
        probes: dict[str, ProbeOnce] = {}
        for lane in LANES:
            keep = lane == "kept"
            client = new_client(target, options, runtime, keep=keep)
            clients.append(client)
            probes[lane] = Probe(
                target, options, client=client, resolver=resolver, runtime=runtime, keep=keep
            )
        try:
            return await observe(
                parsed,
                options,
                record,
                probes,
                command=child.run if child.words else None,
                progress=report_step,
            )
        finally:
            for client in clients:
                await client.aclose()

    with waiting:
        return asyncio.run(until_stopped())


async def observe(
    parsed: Parsed,
    options: Options,
    record: Record,
    probes: Mapping[str, ProbeOnce],
    *,
    command: Command | None,
    progress: Progress,
) -> Report:
    """Send requests in every lane until the command or the time has ended.

    Cancelled, it reports what was seen so far.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    started = datetime.now(UTC)
    requests = "1 request" if record.watch.rate == 1 else f"{record.watch.rate:g} requests"
    lanes = counted(len(probes), "lane")
    progress("watch", f"{shown_url(parsed, options)}, {requests} a second in {lanes}")
    try:
        await _while_it_changes(
            options, record, probes, command=command, progress=progress, began=began
        )
    except asyncio.CancelledError:
        if record.stopped is None:
            raise
    results = tuple(record.results())
    # A command's failure has its own exit code, and only counts where the service did well. One
    # that could not be run has changed nothing, so the watch proves nothing.
    judged = [result for result in results if result.id != "command" or record.command_error]
    ended = verdict(judged, reached=record.reached, stopped=record.stopped)
    return Report(
        parsed=parsed,
        url=shown_url(parsed, options),
        started=started,
        seconds=clock() - began,
        checks=results,
        samples=record.samples(),
        timeline=lambda: record.timeline,
        verdict=ended,
        allow_inconclusive=options.allow_inconclusive,
        watched=record.watched(),
    )


async def _while_it_changes(
    options: Options,
    record: Record,
    probes: Mapping[str, ProbeOnce],
    *,
    command: Command | None,
    progress: Progress,
    began: float,
) -> None:
    requested, clock = record.watch, asyncio.get_running_loop().time
    finished = asyncio.Event()

    async def send(lane: str, number: int) -> None:
        outcome = await probes[lane](options.timeout)
        now = clock() - began
        for message in record.add(lane, number, judge(outcome, options, now)):
            progress(_at(now), f"{message} ({lane} connections)")

    async def send_at_rate(lane: str) -> None:
        due = began + LANES[lane] / requested.rate
        async with asyncio.TaskGroup() as requests:
            while not await _is_set_within(due - clock(), finished):
                number = record.due(lane)
                requests.create_task(send(lane, number))
                due = began + (number + 1 + LANES[lane]) / requested.rate

    async with asyncio.TaskGroup() as lanes:
        for lane in probes:
            lanes.create_task(send_at_rate(lane))
        before = requested.before
        if requested.lasting is not None:
            before = min(before, requested.lasting)
        await asyncio.sleep(before)
        record.change(clock() - began)
        if command:
            progress(_at(clock() - began), f"{requested.command[0]} starts")
            ran = await _run(command, record)
            record.command_ended_at = clock() - began
            progress(_at(clock() - began), record.command_text)
            await asyncio.sleep(requested.after if ran else 0)
        else:
            await _end_of_watch(requested, began)
        finished.set()


async def _is_set_within(seconds: float, event: asyncio.Event) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def _end_of_watch(requested: Watch, began: float) -> None:
    """Wait for the end of `--for`, or for the file of `--until-file`, else for a signal."""
    if requested.lasting is not None:
        await asyncio.sleep(began + requested.lasting - asyncio.get_running_loop().time())
        return
    while requested.until_file is None or not os.path.exists(requested.until_file):  # noqa: ASYNC110, ASYNC240, PTH110
        await asyncio.sleep(_LOOK_EVERY)


async def _run(command: Command, record: Record) -> bool:
    """Run the command to its end; False where it can't be run."""
    try:
        record.command_ended(await command())
    except OSError as error:
        record.command_failed(visible(error.strerror or str(error)))
        return False
    return True


def _at(seconds: float) -> str:
    return f"{seconds:6.1f} s"


class _Child:
    """The command: in a new process group, so that a signal reaches it once, from here."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        """Run it; what it prints goes to stderr, since stdout is the report's.

        Raises:
            OSError: It can't be run.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self.words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr or asyncio.subprocess.DEVNULL,
            process_group=0,
        )
        try:
            code = await self._process.wait()
        except asyncio.CancelledError:
            self.forward(signal.SIGTERM)
            raise
        return code if code >= 0 else 128 - code

    def forward(self, number: signal.Signals) -> bool:
        """Pass a signal on; False when nothing runs."""
        if self._process is None or self._process.returncode is not None:
            return False
        os.killpg(self._process.pid, number)
        return True
