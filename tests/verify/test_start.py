"""What a passing check loads: importing is most of what its start costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.verify.fake_alb import FakeAlb, hello
from verify.exit_codes import ExitCode

pytestmark = pytest.mark.slow  # a new Python for each test

ROOT = Path(__file__).parents[2]
HEAVY = {
    *(
        "anyio",
        "asyncio",
        "certifi",
        "dns",
        "h11",
        "httpcore",
        "httpx",
        "idna",
        "logging",
        "rich",
        "ssl",
    ),
    *(
        "dataclasses",
        "difflib",
        "email",
        "html",
        "inspect",
        "pathlib",
        "shlex",
        "subprocess",
        "traceback",
        "xml",
    ),
}
"""Modules that a plain check needs nothing of, and that cost a millisecond or more each."""

PROGRAM = """
import sys
before = set(sys.modules)  # of the interpreter and its environment
from verify.main import main
code = main(sys.argv[1:])
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
sys.exit(code)
"""


def loaded(*arguments: str) -> set[str]:
    """The top-level modules that a run has loaded, which passed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--quiet", "--interval", "1ms"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == ExitCode.PASSED, done.stdout + done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "more", [(), ("--concurrency", "3"), ("--format", "json"), ("--expect-json", "/a=1")]
)
def test_a_plain_check_loads_only_what_it_needs(more: tuple[str, ...]) -> None:
    body = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'
    with FakeAlb(lambda _number, _request: [body]) as alb:
        assert not loaded(alb.authority, *more) & HEAVY


def test_an_option_that_needs_an_event_loop_loads_one() -> None:
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        assert {"asyncio", "httpx"} <= loaded(alb.authority, "--no-trace")
        assert "httpx" not in loaded("a.example", "--connect-to", alb.authority)
