"""The console script: it handles an interrupt before it imports anything of the command."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it: to import `typing` takes longer than all of this
if TYPE_CHECKING:
    from typing import NoReturn

_INTERRUPTED = 130
"""The exit code of a shell's command that SIGINT ended."""


def entry_point() -> NoReturn:
    """Run as the console script `pulumi-local`."""
    try:
        _load()
        from localaws.cli import main  # noqa: PLC0415 — within the reach of the handler below

        main.entry_point()
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


def _load() -> None:
    """Import the command; an interrupt meanwhile ends the process, without a traceback."""
    import os  # noqa: PLC0415 — as above
    import signal  # noqa: PLC0415

    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored
    if raises:
        # An exception isn't enough: some imports turn it into another.
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))
    import localaws.cli.main  # noqa: F401, PLC0415

    if raises:
        signal.signal(signal.SIGINT, signal.default_int_handler)
