"""The console script: it handles an interrupt before it imports anything of the check."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it: to import `typing` takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130
"""`ExitCode.INTERRUPTED`, which isn't imported yet."""


def entry_point() -> None:
    """Run as the console script `verify`."""
    try:
        _load()
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    raise SystemExit(main())


def _load() -> None:
    """Import the check; an interrupt meanwhile ends the process, without a traceback."""
    import os  # noqa: PLC0415 — these are imported within the reach of the handler above
    import signal  # noqa: PLC0415

    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored
    if raises:
        # An exception isn't enough: some imports turn it into another.
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))
    import verify.command  # noqa: F401, PLC0415

    if raises:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, the process's by default, and return the exit code."""
    from verify.command import run_command  # noqa: PLC0415

    try:
        return run_command(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED
