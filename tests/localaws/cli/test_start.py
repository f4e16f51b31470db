"""What `pulumi-local` imports before it becomes Pulumi, in each `up` and `preview`, or a status."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.interrupted_loading import interrupted_script

pytestmark = pytest.mark.slow  # a new Python

SLOW = {"asyncio", "grpc", "pulumi", "socket", "termios"}
"""What only other commands need, or the daemon."""

PROGRAM = """
import sys
before = set(sys.modules)  # of the interpreter and its environment
import localaws.cli.main
print(*set(sys.modules) - before)
import localaws.cli.status
print(*set(sys.modules) - before)
"""


def test_a_command_waits_for_no_import_that_only_other_commands_need() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    loaded, for_status = map(str.split, ran.stdout.splitlines())
    assert "localaws.cli.pulumi_command" in loaded
    assert not SLOW & {each.partition(".")[0] for each in loaded}
    own = {".".join(each.split(".")[:2]) for each in loaded if each.startswith("localaws.")}
    assert own <= {
        *("localaws.cli", "localaws.daemon", "localaws.machine"),
        # For the variables that a running daemon was started with.
        *("localaws.images", "localaws.speed", "localaws.user_error"),
    }
    parts = {".".join(each.split(".")[:2]) for each in for_status if each.startswith("localaws.")}
    assert parts - own <= {"localaws.protocol", "localaws.unknown"}


def console_script() -> str:
    document = Path(__file__).parents[3] / "pyproject.toml"
    scripts = tomllib.loads(document.read_text())["project"]["scripts"]
    return interrupted_script(scripts["pulumi-local"])


@pytest.mark.parametrize(
    "module",
    ["localaws.cli.main", "localaws.cli.pulumi_command", "argparse"],
)
def test_an_interrupt_while_the_command_is_loaded_is_130_without_a_trace(
    tmp_path: Path, module: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    ran = subprocess.run(
        [sys.executable, "-c", console_script(), module, "-C", tmp_path, "status"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_an_ignored_interrupt_stays_ignored_while_the_command_is_loaded() -> None:
    ignoring = f"import signal; signal.signal(2, signal.SIG_IGN)\n{console_script()}"
    ran = subprocess.run(
        [sys.executable, "-c", ignoring, "localaws.cli.arguments", "status", "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("usage: pulumi-local status")


def test_the_daemon_starts_without_packages_that_can_be_imported_later() -> None:
    program = """
import sys
import localaws.daemon.server
from localaws.protocol import messages
assert not {"pulumi", "cryptography", "dns", "h2", "jwt"} & {*sys.modules}
import pulumi
from pulumi.runtime.proto import provider_pb2
assert provider_pb2 is messages.provider_pb2
print(pulumi.Output.__name__)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "Output\n"), ran.stderr
