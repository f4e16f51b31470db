"""Running a program to its end through a launcher, so that it can't outlive the daemon."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.machine.processes import Launcher


class ProgramError(Exception):
    """A program failed or took too long; the text is what it wrote about it."""


async def run(
    launcher: Launcher,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    seconds: float,
) -> str:
    """Run a program to its end and return its standard output.

    Args:
        launcher: What starts it; it also decides where the program runs.
        argv: The program and its arguments.
        environment: Its whole environment.
        seconds: After which it is killed.

    Raises:
        ProgramError: It ended with an error or was killed.
        CannotStartError: It can't be run.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = await launcher.start_process(
            argv,
            env=environment,
            cwd=Path("/"),
            stdout=output.fileno(),
            stderr=errors.fileno(),
        )
        try:
            code = await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            raise ProgramError(f"not done after {seconds:.0f} s: i/o timeout") from None
        finally:
            if not process.ended.done():
                process.signal(signal.SIGKILL)
                with suppress(asyncio.CancelledError):
                    await process.wait()  # it writes no more once the caller cleans up
        errors.seek(0)
        complaint = errors.read().decode(errors="replace").strip()
        if code != 0:
            raise ProgramError(complaint or f"{argv[0]} ended with {code}")
        output.seek(0)
        return output.read().decode(errors="replace").strip()
