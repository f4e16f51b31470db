"""The Python that runs a program, by the official host's rules; uv and poetry are stubs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tools.conftest import SYSTEM_PATH, write_stub
from tools.pulumi.host.choose_python import (
    NoPythonError,
    Options,
    choose,
    installation,
    installing,
    of_project,
    plugin,
    ready,
)
from tools.pulumi.install import LANGUAGE_HOST, OUR_HOST

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = "name: x\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {}\n"
FLOW = "name: x\nruntime: {{name: python, options: {{toolchain: pip, virtualenv: {}}}}}\n"


@pytest.fixture(autouse=True)
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("PULUMI_PYTHON_CMD", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def options(root: Path, toolchain: str = "", virtualenv: str = "") -> Options:
    return Options(root / "Pulumi.yaml", root, toolchain, virtualenv)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Pulumi.yaml", BLOCK.format(".venv"), ("pip", ".venv")),
        ("Pulumi.yml", BLOCK.format(".venv"), ("pip", ".venv")),
        ("Pulumi.yaml", BLOCK.format('"other"  # why'), ("pip", "other")),
        ("Pulumi.yaml", BLOCK.format("'other'"), ("pip", "other")),
        ("Pulumi.yaml", BLOCK.format("my venv # why"), ("pip", "my venv")),
        ("Pulumi.yaml", BLOCK.format("'my venv'"), ("pip", "my venv")),
        ("Pulumi.yaml", FLOW.format(".venv"), ("pip", ".venv")),
        ("Pulumi.yaml", FLOW.format('"other"'), ("pip", "other")),
        ("Pulumi.yaml", "# virtualenv: other\n" + BLOCK.format(".venv"), ("pip", ".venv")),
        ("Pulumi.yaml", BLOCK.format(".venv") + "config:\n  virtualenv: other\n", ("pip", ".venv")),
        ("Pulumi.yaml", "config:\n  virtualenv: other\n" + BLOCK.format(".venv"), ("pip", ".venv")),
        ("Pulumi.yaml", "name: x\nruntime: python\nconfig: {toolchain: uv}\n", ("", "")),
        (
            "Pulumi.yaml",
            "name: x\nruntime:\n  name: python\n\n  options:\n    toolchain: uv\n",
            ("uv", ""),
        ),
        (
            "Pulumi.json",
            '{"name": "x", "runtime": {"name": "python", "options": {"virtualenv": "v"}}}',
            ("", "v"),
        ),
        ("Pulumi.json", '{"name": "x", "runtime": "python"}', ("", "")),
    ],
)
def test_a_projects_options_are_read_from_any_folder_in_it(
    root: Path, name: str, text: str, expected: tuple[str, str]
) -> None:
    (root / name).write_text(text)
    program = root / "src" / "deep"
    program.mkdir(parents=True)
    for folder in (root, program):
        found = of_project(folder)
        assert (found.toolchain, found.virtualenv) == expected
        assert (found.root, found.program) == (root, folder)


def test_pip_runs_the_programs_virtual_environment(root: Path, tmp_path: Path) -> None:
    assert choose(options(root, "pip", "venv")).python == f"{root}/venv/bin/python"
    other = f"{tmp_path}/other"
    assert choose(options(root, "pip", other)).python == f"{other}/bin/python"


def test_pip_without_a_virtual_environment_runs_the_python_on_path(
    root: Path, on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        NoPythonError, match=r"no python3 on PATH, and .*Pulumi\.yaml sets no `virtualenv`"
    ):
        choose(options(root))
    python = write_stub(on_path / "python", "exit")
    assert choose(options(root)).python == str(python)
    python3 = write_stub(on_path / "python3", "exit")
    assert choose(options(root)).python == str(python3)
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "python3.12")
    with pytest.raises(NoPythonError, match=r"no PULUMI_PYTHON_CMD=python3\.12 on PATH"):
        choose(options(root))
    wanted = write_stub(on_path / "python3.12", "exit")
    assert choose(options(root)).python == str(wanted)


@pytest.mark.parametrize(
    ("marker", "beside"), [("uv.lock", "parent"), ("pyproject.toml", "parent"), ("", "program")]
)
def test_uv_uses_the_environment_next_to_its_lock(
    root: Path, on_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str, beside: str
) -> None:
    write_stub(on_path / "uv", "exit")
    program = root / "infra"
    program.mkdir()
    if marker:
        (root / marker).touch()
    project = Options(program / "Pulumi.yaml", program, "uv")
    expected = root if beside == "parent" else program
    assert choose(project).environment == expected / ".venv"
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "elsewhere")
    assert choose(project).environment == expected / "elsewhere"
    assert choose(project._replace(virtualenv="own")).environment == program / "own"


def test_with_poetry_its_own_environment_is_used(root: Path, on_path: Path) -> None:
    with pytest.raises(NoPythonError, match=r"toolchain is poetry, which isn't on PATH"):
        choose(options(root, "poetry"))
    write_stub(
        on_path / "poetry",
        f'[ "$*" = "env info --path" ] && [ "$PWD" = {root} ] && echo /cache/its-env',
    )
    assert choose(options(root, "poetry")).python == "/cache/its-env/bin/python"
    write_stub(on_path / "poetry", "echo 'no environment yet' >&2; exit 1")
    with pytest.raises(
        NoPythonError, match=rf"\(no environment yet\)\. Run: \(cd {root} && poetry install\)"
    ):
        choose(options(root, "poetry"))
    write_stub(on_path / "poetry", "exit 1")
    with pytest.raises(NoPythonError, match=rf"no environment for {root}\. Run: "):
        choose(options(root, "poetry"))


@pytest.mark.parametrize(
    ("lock", "toolchain"), [("uv.lock", "uv"), ("poetry.lock", "poetry"), ("", "pip")]
)
def test_without_a_toolchain_option_the_lock_file_decides(
    root: Path, on_path: Path, lock: str, toolchain: str
) -> None:
    write_stub(on_path / "uv", "exit")
    write_stub(on_path / "poetry", "echo /cache/its-env")
    if lock:
        (root / lock).touch()
    assert choose(options(root, virtualenv="venv")).toolchain == toolchain


def test_an_unknown_toolchain_is_refused_with_the_allowed_ones(root: Path) -> None:
    with pytest.raises(
        NoPythonError,
        match=r"`toolchain: conda` in .*Pulumi\.yaml is unknown; allowed: pip, uv, poe",
    ):
        choose(options(root, "conda"))


def test_a_missing_environment_is_reported_with_its_option_and_how_to_create_it(root: Path) -> None:
    (root / "requirements.txt").touch()
    with pytest.raises(NoPythonError) as failure:
        ready(options(root, "pip", "gone"))
    message = str(failure.value)
    assert f"{root}/gone/bin/python isn't there" in message
    assert f"`virtualenv: gone` in {root}/Pulumi.yaml" in message
    install = f"{root}/gone/bin/python -m pip install -r {root}/requirements.txt"
    assert f"python3 -m venv {root}/gone && {install}" in message
    assert "make setup" not in message


def test_uv_updates_an_environment_before_each_run(root: Path, on_path: Path) -> None:
    write_stub(on_path / "uv", f'echo "$PWD $* $UV_PROJECT_ENVIRONMENT" >> {root}/calls')
    project = options(root, "uv")
    write_stub(root / ".venv" / "bin" / "python", "exit")
    ready(project)
    assert not (root / "calls").exists(), "there is no pyproject.toml to bring it up to date with"
    (root / "pyproject.toml").touch()
    ready(project)
    assert (root / "calls").read_text() == f"{root} sync --inexact {root}/.venv\n"
    write_stub(on_path / "uv", "echo 'no such version' >&2; exit 2")
    with pytest.raises(NoPythonError, match=r"`uv sync --inexact` failed in .*: no such version"):
        ready(project)


def test_each_toolchain_installs_with_its_usual_commands(root: Path, on_path: Path) -> None:
    write_stub(on_path / "uv", "exit")
    write_stub(on_path / "poetry", "echo /cache/its-env")

    def commands(project: Options, *, is_plugin: bool = False) -> list[str]:
        return [
            " ".join(each) for each in installation(choose(project), project, is_plugin=is_plugin)
        ]

    python = f"{root}/venv/bin/python"
    create = f"{sys.executable} -m venv {root}/venv"
    requirements = f"{python} -m pip install -r requirements.txt"
    assert commands(options(root, "uv")) == ["uv sync"]
    assert commands(options(root, "poetry")) == ["poetry install --no-ansi"]
    assert commands(options(root, "pip", "venv")) == [create]
    (root / "requirements.txt").touch()
    assert commands(options(root, "pip", "venv")) == [create, requirements]
    write_stub(root / "venv" / "bin" / "python", "exit")
    assert commands(options(root, "pip", "venv")) == [requirements]
    (root / "pyproject.toml").write_text(
        '[project]\nname = "mine"\n[build-system]\nbuild-backend = "x"\n'
    )
    assert commands(options(root, "pip", "venv"), is_plugin=True) == [
        f"{python} -m pip install {root}",
        requirements,
    ]


def test_uv_installs_into_the_chosen_environment(root: Path, on_path: Path) -> None:
    write_stub(on_path / "uv", "exit")
    inside = installing(
        choose(options(root, "uv", "own")), {"PATH": "/bin", "PYTHONHOME": "/elsewhere"}
    )
    assert inside == {
        "PATH": f"{root}/own/bin:/bin",
        "VIRTUAL_ENV": f"{root}/own",
        "UV_PROJECT_ENVIRONMENT": f"{root}/own",
    }


def test_a_plugin_needs_a_main_file_or_a_package(root: Path) -> None:
    with pytest.raises(NoPythonError, match=r"neither a __main__\.py nor a pyproject\.toml"):
        plugin(options(root))
    (root / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    assert plugin(options(root)) == ["-m", "pulumi.run.plugin", "mine"]
    (root / "__main__.py").touch()
    assert plugin(options(root)) == [str(root)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (LANGUAGE_HOST, "-u HOST/language_host.py 127.0.0.1:1"),
        ("pulumi-resource-pulumi-python", "-u -m pulumi.dynamic 127.0.0.1:1"),
    ],
)
def test_the_host_runs_the_chosen_python_in_its_activated_environment(
    root: Path, on_path: Path, command: str, expected: str
) -> None:
    (root / "Pulumi.yaml").write_text(BLOCK.format("own"))
    write_stub(root / "own" / "bin" / "python", 'echo "$VIRTUAL_ENV $@"')
    (on_path / "python3").symlink_to(sys.executable)
    answer = subprocess.run(
        [OUR_HOST.absolute() / command, "127.0.0.1:1"],
        cwd=root,
        env={"PATH": f"{on_path}:{SYSTEM_PATH}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == f"{root}/own {expected.replace('HOST', str(OUR_HOST.absolute()))}\n"
