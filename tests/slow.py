"""What the mark `slow` means, and a check that tests which start long programs have it.

`make test-fast` leaves out the tests with this mark. One that starts Python, the Pulumi CLI or
another program of the environment, as the launcher of tasks is, takes a tenth of a second and more
before it shows anything. Programs that a test writes itself, or which the system has, start sooner;
so does the process that matches regular expressions, which all tests of a worker share.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from verify.judging import regexes

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(sys.executable).parent

_ENGINE = Path(__file__).parent / "engine"
"""Which `make test-fast` leaves out as a folder."""

_started: list[str] = []
"""The programs of the environment that were started since the set-up of the present test began."""


class _Noticed(subprocess.Popen[Any]):
    """A process of which the program is kept before it starts.

    An audit hook would be called for every event, and each call of `id` is one: copies of accounts
    alone have millions.
    """

    def __init__(self, args: Any, *more: Any, **named: Any) -> None:
        words = [args] if isinstance(args, str | bytes | os.PathLike) else list(args)
        # A bare name is searched for in PATH, that of the new process if it gets another one.
        path = os.pathsep.join(os.get_exec_path(named.get("env")))
        program = shutil.which(os.fsdecode(named.get("executable") or words[0]), path=path)
        if program and Path(program).parent == PROGRAMS and regexes._WORKER not in words:
            _started.append(Path(program).name)
        super().__init__(args, *more, **named)


def pytest_configure() -> None:
    subprocess.Popen = _Noticed  # type: ignore[misc]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    _started.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that starts a program of the environment without being marked."""
    yield
    if _started and not item.get_closest_marker("slow") and _ENGINE not in item.path.parents:
        pytest.fail(
            f"The test starts {_started[0]}: mark it as slow, with this as the reason.",
            pytrace=False,
        )
