"""The language host: whose Python it runs, and how programs end under the real engine (file backend, no cloud)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.tools.conftest import write_stub
from tools.pulumi.install import LANGUAGE_HOST, OUR_HOST

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = "runtime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {}\n"
FLOW = "runtime: {{name: python, options: {{toolchain: pip, virtualenv: {}}}}}\n"


def which_python(project: Path, cwd: Path, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    """Starts the host in `cwd`; the stub Pythons print who they are and what they were asked to run."""
    for venv in (".venv", "my venv", "other"):
        write_stub(project / venv / "bin" / "python", f'echo "{venv}" "$@"')
    return subprocess.run(
        [OUR_HOST.absolute() / LANGUAGE_HOST, "127.0.0.1:1"],
        cwd=cwd,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        (BLOCK.format(".venv"), ".venv"),
        (BLOCK.format('"other"  # why'), "other"),
        (BLOCK.format("'other'"), "other"),
        (FLOW.format(".venv"), ".venv"),
        (FLOW.format('"other"'), "other"),
        ("# virtualenv: other\n" + BLOCK.format(".venv"), ".venv"),
        (BLOCK.format(".venv") + "config:\n  virtualenv: other\n", ".venv"),
    ],
)
def test_the_projects_virtual_environment_is_found(tmp_path: Path, runtime: str, expected: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: x\n{runtime}")
    program = tmp_path / "src" / "deep"
    program.mkdir(parents=True)
    for cwd in (tmp_path, program):
        assert which_python(tmp_path, cwd).stdout.split()[0] == expected


def test_an_absolute_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(BLOCK.format(tmp_path / "other"))
    assert which_python(tmp_path, tmp_path).stdout.startswith("other -u ")


def test_without_an_environment_the_python_on_path_runs_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    write_stub(tmp_path / "path" / "python3", "echo from-path")
    answer = which_python(tmp_path, tmp_path, path=f"{tmp_path}/path:/usr/bin:/bin")
    assert answer.stdout == "from-path\n"


def test_a_missing_environment_is_told_together_with_the_way_to_make_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(BLOCK.format("gone"))
    answer = which_python(tmp_path, tmp_path)
    assert answer.returncode == 1
    assert f"{tmp_path}/gone/bin/python" in answer.stderr
    assert "make setup" in answer.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a stack, whose program each test writes."""
    project = tmp_path_factory.mktemp("project")
    (project / "Pulumi.yaml").write_text("name: empty\n" + FLOW.format(Path(".venv").absolute()))
    (project / "state").mkdir()
    (project / "__main__.py").touch()
    return project


@pytest.fixture
def pulumi(project: Path, pulumi_cli: Path) -> Callable[..., subprocess.Popen[str]]:
    environment = os.environ | {
        # The host of this checkout, also where the CLI has another beside it.
        "PATH": f"{OUR_HOST.absolute()}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": (project / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_HOME": str(project / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [pulumi_cli, *arguments, "--non-interactive"],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    with start("stack", "select", "--create", "test") as select:
        select.communicate()
    return start


@pytest.fixture
def up(project: Path, pulumi: Callable[..., subprocess.Popen[str]]) -> Callable[[str], tuple[int, str]]:
    """Runs a program by `pulumi up`; returns exit code and output."""

    def run(program: str) -> tuple[int, str]:
        (project / "__main__.py").write_text(program)
        with pulumi("up", "--yes", "--skip-preview") as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output

    return run


def test_an_error_that_the_user_can_fix_is_told_once_and_without_a_traceback(
    up: Callable[[str], tuple[int, str]],
) -> None:
    code, output = up("import pulumi\nraise pulumi.RunError('port must be 1 to 65535')\n")
    assert code != 0
    diagnostics = output.partition("Diagnostics:")[2]
    assert diagnostics.count("port must be 1 to 65535") == 1
    assert "Traceback" not in output


def test_any_other_exception_is_told_with_its_traceback(up: Callable[[str], tuple[int, str]], project: Path) -> None:
    code, output = up("def deploy():\n    raise ValueError('boom')\ndeploy()\n")
    assert code != 0
    assert f'File "{project}/__main__.py", line 2, in deploy' in output
    assert "ValueError: boom" in output


def test_a_program_sees_what_python_would_show_it(up: Callable[[str], tuple[int, str]], project: Path) -> None:
    (project / "beside.py").write_text("NAME = 'found beside'\n")
    code, output = up("import os, sys, beside\nprint(__name__, os.getcwd(), sys.argv, beside.NAME)\n")
    assert code == 0, output
    assert f"__main__ {project} ['{project}/__main__.py'] found beside" in output


def start_waiting_program(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]]
) -> tuple[subprocess.Popen[str], int]:
    """Starts `up` of a program that doesn't end; returns the engine and the program's process id."""
    running = project / "running"
    running.unlink(missing_ok=True)
    (project / "__main__.py").write_text(
        "import os, pathlib, time\n"
        "pathlib.Path('running.new').write_text(str(os.getpid()))\n"
        "os.rename('running.new', 'running')\n"
        "time.sleep(120)\n"
    )
    engine = pulumi("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not running.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return engine, int(running.read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_program_ends_with_its_engine(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    engine, program = start_waiting_program(project, pulumi)
    with engine:
        engine.send_signal(number)
        engine.communicate(timeout=60)
    assert engine.returncode != 0
    try:
        psutil.Process(program).wait(timeout=10)
    except psutil.NoSuchProcess:
        pass
    finally:
        with pulumi("cancel", "--yes") as cancel:
            cancel.communicate()
