"""Compare verify as a client with hey: processor time, reported latency and memory."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.balancer import Proxy, free_port, plain
from tests.engine.stack import BIN, ROOT
from tests.verify.fake_alb import FakeAlb
from tests.verify.floods import FLOODS
from tests.verify.measuring import MEASURED, WATCHED, measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEY = "github.com/rakyll/hey@v0.1.5"
CONCURRENCIES = (1, 10, 50)
MIB = 1024


class Measure(NamedTuple):
    """What was measured, and how many times its yardstick that is."""

    what: str
    value: float
    unit: str
    yardstick: str
    ratio: float


def against_hey(times: int, folder: Path) -> Iterator[Measure]:
    """Measure a thousand requests on separate connections; processor time includes start-up."""
    load_tool = find_hey(folder)
    for many in CONCURRENCIES:
        with page_server(0, folder) as url:
            runs = [(hey(load_tool, url, many)[0], verify(url, many)[0]) for _ in range(times)]
        theirs, ours = (statistics.median(each) for each in zip(*runs, strict=True))
        what = f"CPU of 1,000 samples, {many} at a time (aim 2)"
        yield Measure(what, ours * 1000, "ms", "hey", ours / theirs)
    with page_server(20, folder) as url:
        runs = [(hey(load_tool, url, 50)[1], verify(url, 50)[1]) for _ in range(times)]
    theirs, ours = (statistics.median(each) for each in zip(*runs, strict=True))
    yield Measure(
        "p50 at 50, of answers in 20 ms (aim 0.9 to 1.1)", ours, "ms", "hey", ours / theirs
    )


def start(times: int, folder: Path) -> Iterator[Measure]:
    """A check of one attempt, which passes: all that it takes.

    On a busy machine the processor time tells more.
    """
    words: list[str | Path] = [BIN / "verify", "--deadline", "0", "--quiet"]
    waited = []
    used = []
    with page_server(0, folder) as url:
        for _ in range(5 * times):
            began = time.perf_counter()
            used.append(run([*words, url])[0])
            waited.append(time.perf_counter() - began)
    for what, seconds in (("a passing check", waited), ("CPU of a passing check", used)):
        median = statistics.median(seconds)
        yield Measure(f"{what} (aim 1)", median * 1000, "ms", "100 ms", median / 0.1)


def memory() -> Iterator[Measure]:
    """The most memory of a watch with a million requests, and against servers that flood."""
    peak = measured(WATCHED, "1000000").peak / MIB
    yield Measure(
        "memory of a watch's 1,000,000 requests (aim 1)", peak, "MiB", "30 MiB", peak / 30
    )
    for name in ("a body of 1 GiB", "endless chunks"):
        with FakeAlb(FLOODS[name]) as alb:
            options = ("--deadline", "0", "--timeout", "60s", "--max-body", "64MiB")
            peak = measured(MEASURED, alb.authority, *options).peak / MIB
        yield Measure(
            f"memory at --max-body 64MiB, {name} (aim 1)", peak, "MiB", "100 MiB", peak / 100
        )


def find_hey(folder: Path) -> Path:
    """The load tool on PATH, or built there; Go's module cache makes that quick the second time."""
    if found := shutil.which("hey"):
        return Path(found)
    go = shutil.which("go")
    if go is None:
        raise SystemExit(
            "neither hey nor go is on PATH: verify is measured against hey, which Go builds"
        )
    subprocess.run([go, "install", HEY], env={**os.environ, "GOBIN": str(folder)}, check=True)
    return folder / "hey"


@contextmanager
def page_server(milliseconds: int, folder: Path) -> Iterator[str]:
    """Run a server that uses little CPU and answers after the given delay; yield its URL."""
    port = free_port()
    action = {
        "direct_response": {"status": 200, "body": {"inline_string": "<h1>Hello from bench</h1>"}}
    }
    server = Proxy(folder, port, plain(port, action, milliseconds=milliseconds))
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.stop()


def hey(program: Path, url: str, many: int) -> tuple[float, float]:
    """Seconds of processor time, and milliseconds of the median."""
    used, printed = run([program, "-n", "1000", "-c", str(many), "-disable-keepalive", url])
    median = re.search(r"50%+ in ([0-9.]+) secs", printed)
    assert median, printed
    return used, float(median[1]) * 1000


def verify(url: str, many: int) -> tuple[float, float]:
    """Seconds of processor time, and milliseconds of the median."""
    options = ("--samples", "1000", "--interval", "1ms", "--quiet", "--format", "json")
    used, printed = run([BIN / "verify", url, "--concurrency", str(many), *options])
    (report,) = json.loads(printed)["reports"]
    return used, float(report["samples"]["latency_ms"]["p50"])


def run(words: Sequence[str | Path]) -> tuple[float, str]:
    """Seconds of processor time of a program that ends well, and what it printed."""
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    with subprocess.Popen(
        words,
        cwd=ROOT,
        # an installed verify has its byte code, and this one gets it by the first run
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, printed
    return usage.ru_utime + usage.ru_stime, printed
