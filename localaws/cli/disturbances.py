"""`pulumi-local interrupt`, `fail` and `alarm`: cause what on AWS may happen at any time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from localaws.daemon.functions import FAIL_INSTANCE, INTERRUPT, SET_ALARM_STATE, call
from localaws.daemon.state_directory import Address

if TYPE_CHECKING:
    from localaws.daemon.state_directory import StateDirectory

_FUNCTIONS = {
    "interrupt": (INTERRUPT, "task", "interrupted task {task}"),
    "fail": (FAIL_INSTANCE, "instance", "ended instance {instance}"),
    "alarm": (
        SET_ALARM_STATE,
        "alarm",
        "alarm {alarm} is in {state}; its next evaluation, in a second, restores its own state",
    ),
}
"""By command: the daemon's function, its argument, and what is printed about it."""


def disturb(directory: StateDirectory, command: str, target: str, **more: str) -> int:
    """Take back a task's spare capacity, end an EC2 instance, or set an alarm's state.

    Args:
        directory: The state directory.
        command: `interrupt`, `fail` or `alarm`.
        target: The beginning of the task's or instance's id, or the alarm's name.
        more: The daemon's other arguments: an alarm's `state`.

    Returns:
        The exit status.

    Raises:
        DaemonFailed: The local AWS doesn't answer.
    """
    function, argument, done = _FUNCTIONS[command]
    address = Address.read(directory)
    if address is None:
        problem = "the local AWS is not running; `pulumi-local up` starts it"
    else:
        answer = call(address, function, {argument: target, **more})
        if "problem" not in answer:
            print(done.format(**{**more, argument: answer[argument]}))
            return 0
        problem = answer["problem"]
    print(f"pulumi-local: {problem}", file=sys.stderr)
    return 1
