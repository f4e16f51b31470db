"""Which Python the environment gets. The system's Pythons are stubs."""

from __future__ import annotations

import sys
import sysconfig
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.tools.conftest import write_stub
from tools.interpreter import QUERY, optimized, own

if TYPE_CHECKING:
    from pathlib import Path

SAME_VERSION = f"python3.{sys.version_info.minor}"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The folder of a system without a Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """This Python as version managers compile it."""
    monkeypatch.setattr(sys, "prefix", "/opt/python")
    monkeypatch.setattr(sys, "base_prefix", "/opt/python")
    configured(monkeypatch, "'--prefix=/opt/python' '--enable-shared'")


def configured(monkeypatch: pytest.MonkeyPatch, options: str | None) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", {"CONFIG_ARGS": options}.get)


@pytest.mark.usefixtures("compiled")
def test_the_systems_python_is_taken_where_this_one_was_built_without_optimizations(
    system: Path, printed: list[str]
) -> None:
    write_stub(system / "python3", "echo 3.14.1")
    same = write_stub(system / SAME_VERSION, "echo 3.11.2")
    assert optimized(system) == same
    (line,) = printed
    assert line == (
        f"The environment gets {same} (3.11.2): {own()} was built without optimizations. "
        "To choose one yourself: make setup PYTHON=python3"
    )


@pytest.mark.usefixtures("compiled")
def test_the_systems_default_is_taken_where_it_has_another_version(
    system: Path, printed: list[str]
) -> None:
    default = write_stub(system / "python3", "echo 3.14.1")
    assert optimized(system) == default
    assert len(printed) == 1


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("ending", ["exit 1", "kill -9 $$", None])
def test_a_system_without_a_usable_python_changes_nothing(
    system: Path, printed: list[str], ending: str | None
) -> None:
    if ending:
        write_stub(system / SAME_VERSION, ending)
    assert optimized(system) == own()
    assert not printed


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    ("name", "value"),
    [("version_info", (3, 10, 12)), ("implementation", SimpleNamespace(name="pypy"))],
)
def test_a_python_that_cannot_run_the_project_is_not_usable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(sys, name, value)
    with pytest.raises(SystemExit) as ended:
        exec(QUERY, {})
    assert ended.value.code == 1


def test_this_python_answers_the_query(capsys: pytest.CaptureFixture[str]) -> None:
    exec(QUERY, {})
    assert capsys.readouterr().out == f"{sys.version.split()[0]}\n"


@pytest.mark.usefixtures("compiled")
def test_a_python_that_was_built_with_optimizations_is_kept(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stub(system / "python3", "echo 3.14.1")
    configured(monkeypatch, "'--enable-optimizations' '--with-lto'")
    assert optimized(system) == own()


@pytest.mark.usefixtures("compiled")
def test_the_systems_python_is_kept_whatever_it_says_of_its_build(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stub(system / "python3", "echo 3.14.1")
    monkeypatch.setattr(sys, "prefix", str(system.parent))
    monkeypatch.setattr(sys, "base_prefix", str(system.parent))
    assert optimized(system) == own()


@pytest.mark.usefixtures("compiled")
def test_the_python_of_an_active_environment_is_kept(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stub(system / "python3", "echo 3.14.1")
    monkeypatch.setattr(sys, "prefix", "/a/virtual/environment")
    assert optimized(system) == own()
