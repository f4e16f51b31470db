"""When the environment is current, and when set-up must run again. uv is a stub."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.conftest import write_stub
from tools import setup, uv
from tools.interpreter import own
from tools.running import CommandFailedError
from tools.setup import SCRIPTS, create_environment, environment_is_current
from tools.uv import NoUvError, find_or_fetch

STUB_UV = """
case "$1" in
venv)
    [ -x "$4" ] || { echo "no Python at $4" >&2; exit 1; }
    for last; do :; done
    mkdir -p "$last/bin"; touch "$last/pyvenv.cfg"
    for name in SCRIPTS; do
        printf '#!/bin/sh\\n' > "$last/bin/$name"; chmod 755 "$last/bin/$name"
      done
    ln -sf "$4" "$last/bin/python" ;;
pip) [ ! -e broken ] || { echo "no such package" >&2; exit 1; } ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    for name in setup.INPUTS:
        (root / name).write_text(name)
    return root


@pytest.fixture(autouse=True)
def stub_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have set-up run in a Python that compiles nothing."""
    python = write_stub(tmp_path / "python3.11", "exit 0")
    monkeypatch.setattr(sys, "executable", str(python))


@pytest.fixture
def stub_uv(tmp_path: Path) -> Path:
    return write_stub(tmp_path / "uv", STUB_UV.replace("SCRIPTS", " ".join(SCRIPTS)))


def test_a_fresh_checkout_is_not_set_up(root: Path) -> None:
    assert not environment_is_current(root)


def test_after_a_failed_installation_the_environment_is_not_current(
    root: Path, stub_uv: Path
) -> None:
    create_environment(root, stub_uv)
    (root / "broken").touch()
    with pytest.raises(CommandFailedError, match="no such package"):
        create_environment(root, stub_uv)
    assert not environment_is_current(root)


def test_a_created_environment_is_current(root: Path, stub_uv: Path) -> None:
    create_environment(root, stub_uv)
    assert environment_is_current(root)


@pytest.mark.parametrize("name", setup.INPUTS)
def test_a_changed_input_makes_it_stale(root: Path, stub_uv: Path, name: str) -> None:
    create_environment(root, stub_uv)
    (root / name).write_text("changed")
    assert not environment_is_current(root)


def test_new_requirements_remove_what_mypy_remembers_of_missing_modules(
    root: Path, stub_uv: Path
) -> None:
    (root / ".mypy_cache" / "3.11").mkdir(parents=True)
    create_environment(root, stub_uv)
    assert not (root / ".mypy_cache").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_missing_command_makes_it_stale_and_is_installed_again(
    root: Path, stub_uv: Path, script: str
) -> None:
    create_environment(root, stub_uv)
    (root / ".venv" / "bin" / script).unlink()
    assert not environment_is_current(root)
    create_environment(root, stub_uv)
    assert environment_is_current(root)


def test_a_checkout_that_was_moved_is_set_up_again(root: Path, stub_uv: Path) -> None:
    create_environment(root, stub_uv)
    here = root.rename(root.with_name("elsewhere"))
    assert not environment_is_current(here)
    script = here / ".venv" / "bin" / "of-a-requirement"
    script.write_text(f"#!{root}/.venv/bin/python\n")
    create_environment(here, stub_uv)
    assert environment_is_current(here)
    assert not script.exists(), "its first line names a Python that is gone"


def test_the_environments_own_python_replaces_it(
    root: Path, stub_uv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_environment(root, stub_uv)
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(sys.executable)
    (root / ".venv" / "bin" / "pytest").unlink()
    monkeypatch.setattr(sys, "executable", str(python))
    create_environment(root, stub_uv)
    assert environment_is_current(root)


def test_a_python_that_was_named_replaces_the_environments(
    root: Path, stub_uv: Path, tmp_path: Path
) -> None:
    named = write_stub(tmp_path / "python3.12", "exit 0")
    create_environment(root, stub_uv, named)
    assert environment_is_current(root)
    assert environment_is_current(root, named)
    assert not environment_is_current(root, own())
    installed = root / ".venv" / "installed"
    installed.touch()
    create_environment(root, stub_uv, own())
    assert environment_is_current(root, own())
    assert not installed.exists(), "it is for another version of Python"


def test_the_environment_keeps_its_python_if_none_is_named(
    root: Path, stub_uv: Path, tmp_path: Path
) -> None:
    named = write_stub(tmp_path / "python3.12", "exit 0")
    create_environment(root, stub_uv, named)
    (root / "requirements.txt").write_text("changed")
    create_environment(root, stub_uv)
    assert environment_is_current(root, named)


def test_an_interrupted_set_up_continues_in_the_same_environment(root: Path, stub_uv: Path) -> None:
    create_environment(root, stub_uv)
    (root / ".venv" / "set-up.json").unlink()
    installed = root / ".venv" / "installed"
    installed.touch()
    create_environment(root, stub_uv)
    assert environment_is_current(root)
    assert installed.exists()


@pytest.mark.parametrize("name", setup.INPUTS)
def test_a_changed_input_is_installed_into_the_same_environment(
    root: Path, stub_uv: Path, name: str
) -> None:
    create_environment(root, stub_uv)
    installed = root / ".venv" / "installed"
    installed.touch()
    (root / name).write_text("changed")
    create_environment(root, stub_uv)
    assert environment_is_current(root)
    assert installed.exists()


@pytest.mark.parametrize("stamp", ["", "{}", "[]", '{"at": "'])
def test_an_environment_with_a_damaged_stamp_is_made_anew(
    root: Path, stub_uv: Path, stamp: str
) -> None:
    create_environment(root, stub_uv)
    (root / ".venv" / "set-up.json").write_text(stamp)
    installed = root / ".venv" / "installed"
    installed.touch()
    create_environment(root, stub_uv)
    assert environment_is_current(root)
    assert not installed.exists()


def test_uv_on_path_is_used(tmp_path: Path) -> None:
    mine = write_stub(tmp_path / "path" / "uv", "exit 1")
    assert find_or_fetch(tmp_path / "cache", str(mine.parent)) == mine


def test_uv_is_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: list[str]
) -> None:
    def pip_install(command: list[str | Path], **_: object) -> None:
        if "--target" in command:
            write_stub(Path(command[command.index("--target") + 1]) / "bin" / "uv", "exit 0")

    monkeypatch.setattr(uv, "run", pip_install)
    first = find_or_fetch(tmp_path, "")
    assert find_or_fetch(tmp_path, "") == first
    assert len(printed) == 1


def test_if_uv_cannot_be_fetched_the_error_names_each_attempt_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: list[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(uv, "PIP_WITHOUT_INSTALLATION", "http://127.0.0.1:1/pip.pyz")
    with pytest.raises(NoUvError) as failure:
        find_or_fetch(tmp_path, "")
    message = str(failure.value)
    for reason in ("has no pip", "no ensurepip", "fetching pip from", "Install uv", "python3-pip"):
        assert reason in message
    assert printed


def make(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, also where `make test` runs the tests."""
    from_outside = {"PYTHON", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
    return subprocess.run(
        ["make", *arguments],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in from_outside},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("usable", [True, False])
def test_make_runs_set_up_by_the_environments_python_only_where_that_starts(
    root: Path, *, usable: bool
) -> None:
    (root / "Makefile").write_text(Path("Makefile").read_text())
    links = root / ".venv" / "bin"
    links.mkdir(parents=True)
    (links.parent / "set-up.json").touch()
    (links / "python").symlink_to(sys.executable if usable else root / "removed")
    shown = make("-n", "setup", cwd=root)
    python = ".venv/bin/python" if usable else "python3"
    assert shown.stdout == f"{python} -m tools.setup --any-python\n"


def test_the_environment_gets_the_python_that_make_names() -> None:
    shown = make("-n", "setup", "PYTHON=python3.12")
    assert shown.stdout == "python3.12 -m tools.setup\n"


def test_a_checkout_that_another_user_set_up_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", ".venv/bin/python")

    monkeypatch.setattr(setup, "set_up", denied)
    monkeypatch.setattr(sys, "argv", ["setup"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        setup.main()
    assert str(ended.value) == (
        "Set-up failed. [Errno 13] Permission denied: '.venv/bin/python'. If another user set up "
        "this checkout, use a clone of your own"
    )


@pytest.mark.parametrize("failing", ["up", "status", "stack", None])
def test_the_demo_fails_if_a_command_before_its_check_fails(
    tmp_path: Path, failing: str | None
) -> None:
    write_stub(tmp_path / "pulumi-local", f'[ "$1" != "{failing}" ] || exit 3; echo 127.0.0.1:80')
    write_stub(tmp_path / "verify", 'cat > /dev/null; echo "checked with $*"')
    ended = make("-o", "setup", "demo", f"BIN={tmp_path}")
    assert (ended.returncode == 0) is (failing is None), ended.stderr
    if failing in ("up", "status"):
        assert "checked" not in ended.stdout
    else:
        assert "--closed 127.0.0.1:80" in ended.stdout


def test_make_lists_every_target() -> None:
    makefile = Path("Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    answer = make().stdout
    assert re.findall(r"^make ([\w-]+) ", answer, re.MULTILINE) == phony[1].split()
    assert re.findall(r"^([a-z-]+):", makefile, re.MULTILINE) == phony[1].split()
