"""Processes whose time and memory are measured."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a process ended: its code, the seconds it took, and its peak memory in KiB."""

    code: int
    seconds: float
    peak: int


MEASURED = """
import resource, sys
from pathlib import Path
from verify.main import main
code = main(sys.argv[1:])
status = Path("/proc/self/status")
if status.exists():
    # What the system counts for a process on its end includes the one that started it.
    peak = int(status.read_text().partition("VmHWM:")[2].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(peak)
sys.exit(code)
"""
"""Runs verify, and then prints the most memory that its process ever held, in KiB."""


def measured(program: str, *arguments: str) -> Done:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )
    return Done(done.returncode, time.monotonic() - began, int(done.stdout.splitlines()[-1]))


WATCHED = (
    """
import sys
from verify import main
def watch(arguments):
    from verify.judging.attempt import judge
    from verify.cli.parser import parse_options
    from verify.network.outcome import Answer, Timings
    from verify.watching.watch import Record
    options = parse_options(["watch", "a.example", "--rate", "100"])
    record = Record(options)
    address, timings = "192.0.2.1", Timings(total=0.0)
    answer = Answer(200, (), b"Hello from a", False, address, (address,), timings)
    attempt = judge(answer, options, 0.0)
    for number in range(int(arguments[0])):
        timed = answer._replace(body=b"", timings=Timings(total=0.001 + number * 1e-6))
        lane = ("fresh", "kept")[number % 2]
        ended = attempt._replace(ended=number / 200, outcome=timed)
        assert all(record.add(lane, record.due(lane), ended))
    assert record.samples().sent == int(arguments[0]), list(record.results())
main.main = watch
"""
    + MEASURED
)
"""Counts as many requests as a watch sees in ever so long, in the time that counting takes."""
