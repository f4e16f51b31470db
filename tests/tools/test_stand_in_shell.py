"""The stand-in's own shell, where Go and the modules that it is built from are on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.stand_in.install import GO_SHELL, HERE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # it is compiled


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go on PATH")
    binary = tmp_path_factory.mktemp("shell") / "sh"
    offline = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    built = subprocess.run(
        [go, "build", "-buildvcs=false", "-mod=readonly", "-o", binary, GO_SHELL],
        cwd=HERE,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "GOPROXY=off" in built.stderr or "GOTOOLCHAIN=local" in built.stderr:
        pytest.skip("its modules aren't here: run `go mod download` in tools/stand_in")
    assert built.returncode == 0, built.stderr
    return binary


def run(shell: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shell, *arguments],
        env={"PATH": os.defpath, "GREETING": "hello"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_exec_replaces_the_shell_itself(shell: Path) -> None:
    with subprocess.Popen(
        [shell, "-c", 'exec cat "/proc/self/stat"'], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.read().split()[0] == str(process.pid)


def test_exec_hands_over_exported_variables_the_folder_and_redirections(
    shell: Path, tmp_path: Path
) -> None:
    script = (
        f"HIDDEN=1; export SEEN=2; cd {tmp_path}; "
        "exec sh -c 'echo \"$HIDDEN$SEEN$GREETING\"; pwd -P' > out"
    )
    answer = run(shell, "-c", script)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert (tmp_path / "out").read_text() == f"2hello\n{tmp_path.resolve()}\n"


def test_a_script_gets_its_arguments(shell: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('exec echo "$#" "$@"\n')
    assert run(shell, str(script), "one", "two words").stdout == "2 one two words\n"
    assert run(shell, "-c", 'echo "$1"', "name", "first").stdout == "first\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-c", "exit 3"), 3),
        (("-ec", "false; exit 5"), 1),
        (("-c", "exec no-such-program"), 127),
        (("-c", "if"), 2),
        (("/no/such/script",), 2),
    ],
)
def test_it_ends_as_a_shell_does(shell: Path, arguments: tuple[str, ...], code: int) -> None:
    answer = run(shell, *arguments)
    assert answer.returncode == code
    assert bool(answer.stderr) == (code in {2, 127})
