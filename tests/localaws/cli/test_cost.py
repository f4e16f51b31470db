"""`pulumi-local cost` in a project that can estimate its costs, and in one that can't."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.cli import cost
from localaws.cli.main import main
from localaws.daemon.state_directory import StateDirectory
from tests.second_user import AS_ANOTHER_USER, as_user

ROOT = Path(__file__).parents[3]


def deployed(directory: StateDirectory, outputs: dict[str, object]) -> None:
    folder = directory.backend / ".pulumi" / "stacks" / "shop"
    folder.mkdir(parents=True)
    stack = {"type": "pulumi:pulumi:Stack", "outputs": outputs}
    document = {"checkpoint": {"latest": {"resources": [stack]}}}
    (folder / "dev.json").write_text(json.dumps(document))


@pytest.fixture
def directory(open_folder: Path) -> StateDirectory:
    """A project whose module prints what it is given."""
    (open_folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (open_folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    module = open_folder / "infra" / "costs"
    module.mkdir(parents=True)
    for package in (module.parent, module):
        (package / "__init__.py").touch()
    program = "import sys; print(sys.argv[1:], sys.stdin.read()); sys.exit(7)"
    (module / "__main__.py").write_text(program)
    return StateDirectory.of(open_folder)


@pytest.mark.slow  # starts the command
def test_the_estimate_is_compared_with_the_deployed_stack(
    directory: StateDirectory, capfd: pytest.CaptureFixture[str]
) -> None:
    deployed(directory, {"albDns": "x", "monthlyCostUsd": {"total": 49.5}})
    assert cost.show(directory, "shop", "dev", "json") == 7, "the module's own exit code"
    out = capfd.readouterr().out
    assert "['--stack', 'dev', '--format', 'json', '--deployed', '-']" in out
    assert '{"total": 49.5}' in out


@pytest.mark.slow  # starts the command
@pytest.mark.parametrize("outputs", [None, {"albDns": "x"}])
def test_without_a_deployed_cost_nothing_is_compared(
    directory: StateDirectory,
    outputs: dict[str, object] | None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if outputs is not None:
        deployed(directory, outputs)
    cost.show(directory, "shop", "dev", "text")
    assert "--deployed" not in capfd.readouterr().out


@pytest.mark.slow  # starts the command
def test_the_projects_module_alone_reads_the_stack_file(
    directory: StateDirectory, capfd: pytest.CaptureFixture[str]
) -> None:
    (directory.project / "Pulumi.dev.yaml").write_text("config: [a]")
    assert cost.show(directory, "shop", "dev", "text") == 7
    assert capfd.readouterr().err == ""


@pytest.mark.slow  # starts the command
def test_the_reason_why_there_is_no_estimate_has_the_commands_name(
    directory: StateDirectory, capfd: pytest.CaptureFixture[str]
) -> None:
    module = directory.project / "infra" / "costs" / "__main__.py"
    module.write_text("import sys; sys.exit('wrong:\\n  - cpu')")
    assert cost.show(directory, "shop", "dev", "text") == 1
    assert capfd.readouterr().err == "pulumi-local: wrong:\n  - cpu\n"


@pytest.mark.slow  # starts the command
def test_an_interrupt_ends_the_estimate_without_a_traceback(directory: StateDirectory) -> None:
    module = directory.project / "infra" / "costs" / "__main__.py"
    module.write_text("import time; print('begun', flush=True); time.sleep(60)")
    with subprocess.Popen(
        [Path(sys.executable).with_name("pulumi-local"), "cost", "--stack", "dev"],
        cwd=directory.project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "begun\n"
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        # Its output ends once both processes have ended.
        _, printed = run.communicate(timeout=30)
    assert (run.returncode, printed) == (130, "")


@pytest.mark.slow  # a new Python, as another user
@AS_ANOTHER_USER
def test_beside_the_state_of_another_user_the_cost_is_estimated_and_not_compared(
    directory: StateDirectory,
) -> None:
    deployed(directory, {"monthlyCostUsd": {"total": 49.5}})
    directory.path.chmod(0o700)
    printed = as_user(
        65534,
        f"""
directory = StateDirectory(Path({str(directory.project)!r}), Path({str(directory.path)!r}))
sys.stderr = sys.stdout

def run(command, *, input, **_):
    print(command[-4:], input)
    return subprocess.CompletedProcess(command, 7)

cost.subprocess.run = run  # the other user may have no access to the interpreter
print(cost.show(directory, "shop", "dev", "text"))
""",
        imports="import os, subprocess, sys; from pathlib import Path; "
        "from localaws.cli import cost; "
        "from localaws.daemon.state_directory import StateDirectory",
    )
    reason = (
        f"pulumi-local: not compared with the deployed stack: {directory.path} belongs to the user "
        "root, and this runs as nobody: run it as that user, or set LOCALAWS_HOME to another "
        "folder for the local AWS's files"
    )
    assert printed.splitlines() == [reason, "['--stack', 'dev', '--format', 'text'] null", "7"]


def test_a_project_that_cannot_estimate_its_costs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    with pytest.raises(cost.NoEstimate, match=r"has no infra\.costs"):
        cost.show(StateDirectory.of(tmp_path), "shop", "dev", "text")


@pytest.mark.slow  # starts the command
@pytest.mark.parametrize(
    ("form", "row"), [("text", "NAT gateways"), ("markdown", "| NAT gateways |")]
)
def test_the_project_estimates_its_costs(
    form: str, row: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cost.show(StateDirectory.of(ROOT), None, "prod", form) == 0
    assert row in capfd.readouterr().out


@pytest.mark.slow  # starts the command
def test_help_has_the_exit_codes_of_the_estimate(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cost", "--help"])
    own = capfd.readouterr().out.split("exit codes:")[1]
    command = [sys.executable, "-m", "infra.costs", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("exit codes:")[1] == own
    assert "  3  the cost is estimated, and `up` refuses the stack" in own
