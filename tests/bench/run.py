"""Measures what a user waits for, as ratios within one run, since machines differ and are noisy.

Every time is a median in seconds; the ratio says how many times its yardstick, measured a moment
before, it is.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from itertools import chain, count, repeat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from gate.configurations import record
from localaws import mocks
from tests.bench import client
from tests.bench.balancer import compared
from tests.engine.stack import BIN, ROOT, WITHOUT_ASKING, Stack
from tests.verify.fake_alb import FakeAlb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.verify.fake_alb import Script

_EMPTY_PROJECT = {
    "Pulumi.yaml": (
        "name: empty\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\n"
    ),
    "__main__.py": "import pulumi\n",
}


MANY = (1, 5, 20, 50)
"""Numbers of services in one stack."""

SEVERAL = (10, 30, 50)
"""Numbers of services in one stack of the program; no more fit behind a load balancer."""


@dataclass(frozen=True)
class Row:
    """One measurement."""

    what: str
    value: float
    unit: str = "s"
    yardstick: str = ""
    ratio: float | None = None

    def __str__(self) -> str:
        """One aligned line."""
        ratio = f"{self.ratio:7.2f} x {self.yardstick}" if self.ratio is not None else ""
        return f"{self.what:<46} {self.value:>9.2f} {self.unit:<6} {ratio}".rstrip()


def timed(run: Callable[[], object], times: int) -> float:
    """Median seconds of several runs."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def cpu_time(run: Callable[[], object], times: int) -> float:
    """Median seconds of this process in several runs, without the garbage of those before."""
    seconds = []
    for _ in range(times):
        gc.collect()
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def command(*words: str | Path, stdin: str = "") -> Callable[[], object]:
    """A child process, whatever it exits with."""
    return lambda: subprocess.run(
        words, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )


def starts(times: int) -> Iterator[Row]:
    """What a short command costs, against an interpreter that does nothing."""
    bare = timed(command(sys.executable, "-c", ""), times)
    yield Row("python, doing nothing", bare)
    for what, words, stdin in (
        ("verify --help", ("--help",), ""),
        ("verify, bad input", ("-",), "[secret]\n"),
        ("verify watch --help", ("watch", "--help"), ""),
    ):
        seconds = timed(command(BIN / "verify", *words, stdin=stdin), times)
        yield Row(what, seconds, yardstick="python", ratio=seconds / bare)
    seconds = timed(command(BIN / "pulumi-local", "--help"), times)
    yield Row("pulumi-local --help", seconds, yardstick="python", ratio=seconds / bare)


def deadlines(_: int) -> Iterator[Row]:
    """Measure how late a run ends after a deadline of a second, with servers that never finish."""
    servers: dict[str, Script] = {
        "trickles": lambda _number, _request: chain.from_iterable((b"H", 0.02) for _ in count()),
        "hangs": lambda _number, _request: [60.0],
        "floods": lambda _number, _request: repeat(b"x" * 65536),
        "loops in 1xx": lambda _number, _request: repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    }
    for what, script in servers.items():
        with FakeAlb(script) as alb:
            words = (
                BIN / "verify",
                alb.authority,
                "--deadline",
                "1s",
                "--quiet",
                "--format",
                "json",
            )
            done = subprocess.run(
                words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        (report,) = json.loads(done.stdout)["reports"]
        started, ended = (datetime.fromisoformat(report[key]) for key in ("started", "ended"))
        over = (ended - started).total_seconds() - 1
        yield Row(
            f"past the deadline, a server that {what}",
            max(over, 0) * 1000,
            "ms",
            "deadline",
            1 + over,
        )


def check(times: int, folder: Path) -> Iterator[Row]:
    """Verify as a client: what its requests cost beside hey's, its start, and its memory."""
    for part in (client.against_hey(times, folder), client.start(times, folder), client.memory()):
        for what, value, unit, yardstick, ratio in part:
            yield Row(what, value, unit, yardstick, ratio)


def evaluation(times: int) -> Iterator[Row]:
    """The program alone, under mocks, against importing its SDK."""
    floor = timed(command(sys.executable, "-c", "import pulumi, pulumi_aws, pulumi_awsx"), times)
    yield Row("import of the SDKs", floor)
    seconds = timed(command(sys.executable, "-c", "import infra.program, infra.settings"), times)
    yield Row("import of the program", seconds, yardstick="SDKs", ratio=seconds / floor)
    # `__main__.py` imports the SDK in parts, unless it is imported already.
    run = "from gate.configurations import recording; recording('dev')"
    whole = timed(command(sys.executable, "-c", f"import pulumi_aws; {run}"), times)
    yield Row("run of dev, the SDK's packages imported whole", whole)
    seconds = timed(command(sys.executable, "-c", run), times)
    yield Row("run of dev, its modules as used", seconds, yardstick="whole", ratio=seconds / whole)


def several(times: int) -> Iterator[Row]:
    """Measure runs of the program for stacks of several services, under mocks.

    The time of a stack without the second and further services is taken off, and what is left is
    divided by their number: a ratio that grows is a cost that grows with what is there. It is CPU
    time, as the differences are smaller than what others on the machine take.
    """
    _registered(1)  # imports the program
    alone = cpu_time(partial(_registered, 1), times)
    yield Row("run for one service", alone)
    each_of_few: float | None = None
    for many in SEVERAL:
        seconds = (cpu_time(partial(_registered, many), times) - alone) / (many - 1)
        each_of_few = each_of_few or seconds
        yield Row(
            f"a further service, of {many} in a stack",
            seconds * 1000,
            "ms",
            f"one of {SEVERAL[0]}",
            seconds / each_of_few,
        )


def _registered(services: int) -> None:
    """Run the program for a stack of so many services, and check that it registers them."""
    named = {
        f"service-{number}": {"paths": [f"/{number}", f"/{number}/*"]} for number in range(services)
    }
    config = mocks.configuration(ROOT, "dev", services=named)
    assert len(record("dev", config).all("TaskDefinition")) == services


def _stack_of_a_user(state: Path, project: Path, **more: str) -> Stack:
    """Return a stack whose runs start all that a user's do, as Go collects its garbage there."""
    variables = {"GOGC": "100", "LOCALAWS_SPEED": "1", **more}
    return Stack(
        state,
        project,
        environment=variables,
        forks=False,
        forks_commands=False,
        passphrase=True,
    )


def engine(times: int, folder: Path) -> Iterator[Row]:
    """Compare the engine's runs with those of an empty program; then measure samples."""
    project = folder / "empty"
    project.mkdir()
    for name, text in _EMPTY_PROJECT.items():
        (project / name).write_text(text)
    (project / ".venv").symlink_to(ROOT / ".venv")
    # As `pulumi up` runs it, whose engine starts the language host
    empty = _stack_of_a_user(folder / "empty-state", project, PULUMI_DEBUG_LANGUAGES="")
    early = _stack_of_a_user(folder / "empty-state", project)
    stack = _stack_of_a_user(folder / "state", ROOT)
    try:
        empty.up()
        floor = timed(empty.up, times)
        yield Row("up of an empty program, again", floor)
        seconds = timed(early.up, times)
        yield Row("the same, its language host before the CLI", seconds)
        floor_preview = timed(lambda: empty.run("preview", "--non-interactive"), times)
        yield Row("preview of an empty program", floor_preview)

        start = time.perf_counter()
        stack.run("up", "--yes", "--non-interactive")
        first = time.perf_counter() - start
        verified = stack.shell("pulumi-local stack output albDns | verify --expect-tasks 2")
        done = time.perf_counter() - start
        if verified.returncode != 0:
            raise SystemExit(f"the deployment did not verify:\n{verified.stdout}{verified.stderr}")
        yield Row(
            "first up, its preview included", first, yardstick="empty up", ratio=first / floor
        )
        yield Row("first up to verified", done, yardstick="empty up", ratio=done / floor)
        seconds = timed(stack.up, times)
        yield Row("up without changes", seconds, yardstick="empty up", ratio=seconds / floor)
        seconds = timed(lambda: stack.run("preview", "--non-interactive"), times)
        yield Row(
            "preview without changes",
            seconds,
            yardstick="empty preview",
            ratio=seconds / floor_preview,
        )
        for name in ("dev", "prod"):
            preview = partial(stack.run, "preview", "--stack", name, "--non-interactive")
            seconds = timed(preview, times)
            yield Row(
                f"preview of {name}",
                seconds,
                yardstick="empty preview",
                ratio=seconds / floor_preview,
            )
        yield from samples(stack.outputs()["serviceUrl"], times)
    finally:
        stack.run("stop")
        empty.run("stop")


def services(_: int, folder: Path) -> Iterator[Row]:
    """What a service costs among others, in seconds that a user waits and in the daemon's CPU time.

    Everything is divided by the number of services, and compared with a stack of one, which alone
    pays for what all share: a ratio that grows from 5 to 50 services is a cost that grows with what
    is there.
    """
    alone: dict[str, float] = {}
    for many in MANY:
        for what, value, unit in _of_each(many, folder / f"{many}-services"):
            ratio = value / alone.setdefault(what, value)
            yield Row(f"{what}, each of {many}", value, unit, "one alone", ratio)


def _of_each(many: int, folder: Path) -> Iterator[tuple[str, float, str]]:
    """Measure a stack of so many services: yield a name, the value per service, its unit."""
    project = folder / "project"
    shutil.copytree(Path(__file__).with_name("many_services"), project)
    (project / ".venv").symlink_to(ROOT / ".venv")
    stack = _stack_of_a_user(folder / "state", project)
    number = ("--config-path", "-c", f"many-services:count={many}")
    try:
        stack.run("stack", "ls")  # starts the daemon
        daemon = psutil.Process(stack.address.pid)
        for what, words in (
            ("up of services", ("up", *number)),
            ("up without changes", ("up", *number, "--expect-no-changes")),
            ("destroy", ("destroy",)),
        ):
            busy = sum(daemon.cpu_times()[:2])
            start = time.perf_counter()
            stack.run(words[0], *WITHOUT_ASKING, *words[1:])
            yield what, (time.perf_counter() - start) / many, "s"
            yield (
                f"daemon's CPU in {what}",
                (sum(daemon.cpu_times()[:2]) - busy) / many * 1000,
                "ms",
            )
    finally:
        stack.run("stop")


_LOADERS = {
    "hey": ("hey", "-n", "1000", "-c", "10", "-disable-keepalive"),
    "ab": ("ab", "-q", "-n", "1000", "-c", "10"),
}


def samples(url: str, times: int) -> Iterator[Row]:
    """Compare a thousand measured requests, ten at a time, with those of a load tool."""
    found = next(((name, words) for name, words in _LOADERS.items() if shutil.which(name)), None)
    name = f"{found[0]}" if found else "http.client: neither hey nor ab is here"
    floor = timed(command(*found[1], url) if found else lambda: fresh_requests(url), times)
    yield Row(f"1,000 requests by {name}", floor)
    options = ("--samples", "1000", "--concurrency", "10", "--interval", "1ms", "--quiet")
    seconds = timed(command(BIN / "verify", url, *options), times)
    yield Row(
        "1,000 samples by verify, its start included",
        seconds,
        yardstick=name.partition(":")[0],
        ratio=seconds / floor,
    )


def fresh_requests(url: str, requests: int = 1000, at_a_time: int = 10) -> None:
    """As many requests as a load tool makes, from threads, each on its own connection."""
    parts = urlsplit(url)
    assert parts.hostname, url

    def ask(_: int) -> None:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port or 80, timeout=5)
        connection.request("GET", "/", headers={"Connection": "close"})
        connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(at_a_time) as threads:
        list(threads.map(ask, range(requests)))


def balancer(times: int, folder: Path) -> Iterator[Row]:
    """What the local load balancer adds to a bare Envoy."""
    for what, unit, value, ratio in compared(times, folder):
        yield Row(what, value, unit, "bare Envoy", ratio)


def tests(_: int) -> Iterator[Row]:
    """How long the tests take that start no engine."""
    folders = [
        str(path)
        for path in (ROOT / "tests").iterdir()
        if path.name in {"infra", "verify", "localaws"}
    ]
    bare = timed(command(sys.executable, "-c", ""), 1)
    for folder in sorted(folders):
        seconds = timed(command(BIN / "pytest", "-q", folder), 1)
        yield Row(f"tests/{Path(folder).name}", seconds, yardstick="python", ratio=seconds / bare)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        help=(
            "starts, deadlines, check, evaluation, several, engine, balancer, services, tests; "
            "all if none is named"
        ),
    )
    parser.add_argument("--times", type=int, default=3, help="runs behind each median (default 3)")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        parts: dict[str, Callable[[], Iterator[Row]]] = {
            "starts": lambda: starts(chosen.times),
            "deadlines": lambda: deadlines(chosen.times),
            "check": lambda: check(chosen.times, Path(folder)),
            "evaluation": lambda: evaluation(chosen.times),
            "several": lambda: several(chosen.times),
            "engine": lambda: engine(chosen.times, Path(folder)),
            "balancer": lambda: balancer(chosen.times, Path(folder)),
            "services": lambda: services(chosen.times, Path(folder)),
            "tests": lambda: tests(chosen.times),
        }
        unknown = set(chosen.parts) - parts.keys()
        if unknown:
            parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
        rows = []
        for part in chosen.parts or parts:
            for row in parts[part]():
                rows.append(row)
                if not chosen.json:
                    print(row, flush=True)
        if chosen.json:
            print(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
