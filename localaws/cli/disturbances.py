"""`pulumi-local interrupt` and `fail`: what AWS or its hardware does to tasks at any time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from localaws.daemon.functions import FAIL_INSTANCE, INTERRUPT, call
from localaws.daemon.state_directory import Address

if TYPE_CHECKING:
    from localaws.daemon.state_directory import StateDirectory

_FUNCTIONS = {
    "interrupt": (INTERRUPT, "task", "interrupted task"),
    "fail": (FAIL_INSTANCE, "instance", "ended instance"),
}
"""By command: the daemon's function, its argument, and what it has done."""


def disturb(directory: StateDirectory, command: str, target: str) -> int:
    """Take back a task's spare capacity, or end an EC2 instance; return the exit status.

    Args:
        directory: The state directory.
        command: `interrupt` or `fail`.
        target: The beginning of the task's or instance's id.

    Raises:
        DaemonFailed: The local AWS doesn't answer.
    """
    function, argument, done = _FUNCTIONS[command]
    address = Address.read(directory)
    if address is None:
        problem = "the local AWS is not running; `pulumi-local up` starts it"
    else:
        answer = call(address, function, {argument: target})
        if "problem" not in answer:
            print(done, answer[argument])
            return 0
        problem = answer["problem"]
    print(f"pulumi-local: {problem}", file=sys.stderr)
    return 1
