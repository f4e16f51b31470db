"""What `pulumi-local` imports before it becomes Pulumi, in each `up` and `preview`."""

from __future__ import annotations

import subprocess
import sys

SLOW = {"asyncio", "grpc", "pulumi", "socket", "termios"}
"""What only other commands need, or the daemon."""

PROGRAM = """
import sys
before = set(sys.modules)  # of the interpreter and its environment
import localaws.cli.main
print(*set(sys.modules) - before)
"""


def test_a_command_of_pulumi_waits_for_no_import_that_only_other_commands_need() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = ran.stdout.split()
    assert "localaws.cli.pulumi_command" in loaded
    assert not SLOW & {each.partition(".")[0] for each in loaded}
    own = {".".join(each.split(".")[:2]) for each in loaded if each.startswith("localaws.")}
    assert own <= {
        *("localaws.cli", "localaws.daemon", "localaws.machine"),
        # For the variables that a running daemon was started with.
        *("localaws.images", "localaws.speed", "localaws.user_error"),
    }


def test_the_daemon_starts_without_pulumis_sdk_which_can_be_imported_later() -> None:
    program = """
import sys
import localaws.daemon.server
from localaws.protocol import messages
assert "pulumi" not in sys.modules
import pulumi
from pulumi.runtime.proto import provider_pb2
assert provider_pb2 is messages.provider_pb2
print(pulumi.Output.__name__)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "Output\n"), ran.stderr
