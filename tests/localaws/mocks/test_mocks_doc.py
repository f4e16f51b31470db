"""The examples of docs/strict-mocks.md pass, and fail when the program has a mistake."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from tests import child_pytest

pytestmark = pytest.mark.slow  # each test runs pytest, which imports pulumi-aws

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "strict-mocks.md").read_text()

PROGRAM = """\
import asyncio

import pulumi_aws as aws

def program():
    aws.cloudwatch.LogGroup("log", retention_in_days=7)

"""
MAIN = """\
import pulumi
import pulumi_aws as aws

size = pulumi.Config().require_int("size")
name = f"/{pulumi.get_project()}/{pulumi.get_stack()}"
aws.cloudwatch.LogGroup("log", name=name, retention_in_days=7)
pulumi.export("size", size)
"""
PROJECT = "name: shop\nruntime: python\nconfig: {size: {type: integer, default: 1}}\n"


def example(marker: str) -> str:
    match = re.search(rf"<!-- {marker}:.*?-->\n(.*?)<!-- /{marker} -->", PAGE, re.DOTALL)
    assert match, f"the page has no example {marker}"
    return textwrap.dedent(match[1])


def pytest_of(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on a test file in a separate project."""
    (folder / "test_example.py").write_text(test)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--rootdir",
            str(folder),
            "-p",
            "no:cacheprovider",
            "test_example.py",
        ],
        cwd=folder,
        env=child_pytest.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_example_is_five_lines_and_passes(tmp_path: Path) -> None:
    code = example("example")
    assert len([line for line in code.splitlines() if line]) <= 5
    run = pytest_of(tmp_path, PROGRAM + code)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("=7)", "=15)", r"InvalidArgument: .*15.*\[rule logs.group.retention\]"),
        ("=7)", "=14)", "assert 14 == 7"),
        ("retention_in_days", "retention_days", "unexpected keyword argument 'retention_days'"),
        (
            '"log",',
            '"log", name=str(aws.cloudwatch.LogGroup("other").arn),',
            "Calling __str__ on an Output",
        ),
        ("    aws", "    asyncio.sleep(0)\n    aws", "coroutine 'sleep' was never awaited"),
    ],
)
def test_the_example_fails_with_a_mistake_in_the_program(
    tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    assert right in PROGRAM
    run = pytest_of(tmp_path, PROGRAM.replace(right, wrong) + example("example"))
    assert run.returncode == 1, run.stdout
    assert re.search(message, run.stdout), run.stdout


def test_a_projects_files_run_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    (tmp_path / "__main__.py").write_text(MAIN)
    run = pytest_of(tmp_path, example("project"))
    assert run.returncode == 0, run.stdout + run.stderr


UNAWAITED = """\
async def check():
    assert False

def test_something():
    check()
"""


def test_an_unawaited_check_fails_its_test_only_with_the_pages_settings(
    tmp_path: Path,
) -> None:
    assert "1 passed, 1 warning" in pytest_of(tmp_path, UNAWAITED).stdout
    (tmp_path / "pyproject.toml").write_text(example("warnings"))
    run = pytest_of(tmp_path, UNAWAITED)
    assert run.returncode == 1, run.stdout
    assert "coroutine 'check' was never awaited" in run.stdout


def test_the_page_names_the_installed_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    names = " and ".join(f"`{each}`" for each in installed)
    assert f"the packages {names}" in " ".join(PAGE.split())
