"""Watches of simulated rollouts in virtual time."""

import asyncio
from collections.abc import Callable
from functools import cache

from tests.verify.outcomes import answer, failure
from tests.verify.virtual_time import run_in_virtual_time
from verify.checking.waiting import ProbeOnce
from verify.cli.parser import parse_options
from verify.exit_codes import ExitCode
from verify.judging.report import Report
from verify.network.outcome import Answer, Failure, Phase
from verify.options.groups import Options
from verify.options.target import parse_target
from verify.watching.record import LANES, Record
from verify.watching.watch import observe

Service = Callable[[float, str], Answer | Failure]
"""The outcome of a request, by the time at which it arrives and its lane."""

HELLO_OLD, HELLO_NEW = answer(body=b"Hello from old-1"), answer(body=b"Hello from new-1")
EMPTY_GROUP = answer(503, server="awselb/2.0")
EARLY_CLOSE = answer(502, server="awselb/2.0")
STARTS, ENDS = 5.0, 15.0
"""Seconds: when the simulated command starts, and when it has ended."""


@cache
def parsed(words: tuple[str, ...]) -> Options:
    return parse_options(["watch", *words])


def watch(
    service: Service,
    *arguments: str,
    takes: float = 0.005,
    command_exit_code: int | None = 0,
    stop_after: float | None = None,
    progress: list[str] | None = None,
    cannot_run: OSError | None = None,
) -> Report:
    """Watch a service while a command of ten seconds changes it, or as the arguments say."""
    command_given = command_exit_code is not None
    words = ["--before", f"{STARTS}", *arguments]
    if command_given:
        words += ["--", "deploy", "--now"]
    options = parsed(tuple(words))
    steps = [] if progress is None else progress

    def probe_of(lane: str) -> ProbeOnce:
        async def probe(limit: float) -> Answer | Failure:
            outcome = service(asyncio.get_running_loop().time(), lane)
            await asyncio.sleep(min(takes, limit))
            return outcome if takes <= limit else failure(Phase.HTTP)

        return probe

    async def command() -> int:
        if cannot_run:
            raise cannot_run
        await asyncio.sleep(ENDS - STARTS)
        return command_exit_code or 0

    async def main() -> Report:
        record = Record(options)
        task = asyncio.current_task()
        assert task is not None

        def stop() -> None:
            record.stopped = ExitCode.INTERRUPTED
            task.cancel()

        if stop_after is not None:
            asyncio.get_running_loop().call_later(stop_after, stop)
        return await observe(
            parse_target("a.example"),
            options,
            record,
            {lane: probe_of(lane) for lane in LANES},
            command=command if command_given else None,
            progress=lambda step, text: steps.append(f"{step:<8} {text}"),
        )

    return run_in_virtual_time(main())


def good_rollout(now: float, lane: str) -> Answer:
    """Answer well during a rollout: old and new tasks in turn for a while, then new ones."""
    if now > 12:
        return HELLO_NEW
    is_turn_of_new = int(now * 10) % 2
    return HELLO_NEW if now > 9 and is_turn_of_new else HELLO_OLD


def down(
    start: float, end: float, with_answer: Answer | Failure = EMPTY_GROUP, only: str = ""
) -> Service:
    """Return a rollout with an outage from `start` to `end`, in all lanes or `only` in one."""

    def service(now: float, lane: str) -> Answer | Failure:
        if start <= now < end and only in ("", lane):
            return with_answer
        return good_rollout(now, lane)

    return service
