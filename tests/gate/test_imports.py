"""Imports of the gate and of its modules."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gate.configurations import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PURE = (
    "findings",
    "graph",
    "patterns",
    "queries",
    "reachability",
    *(f"rules/{path.stem}" for path in sorted((ROOT / "gate/rules").glob("*.py"))),
    "scanners/cloudformation",
    "scanners/cloudformation_properties",
    "scanners/terraform",
    "scanners/type_names",
)
"""Modules without I/O: they may import each other, the types of recordings, and YAML."""


def imported(path: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("folder", ["infra", "verify", "localaws", "tools"])
def test_no_other_folder_imports_the_gate(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        # A file without the word imports nothing of that name, and needn't be parsed.
        if re.search(r"\bgate\b", path.read_text()):
            name = str(path.relative_to(ROOT))
            assert not [each for each in imported(name) if each.partition(".")[0] == "gate"], name


def test_the_gate_imports_of_other_folders_only_the_mocks_and_what_reads_stack_files() -> None:
    for path in (ROOT / "gate").rglob("*.py"):
        for each in imported(str(path.relative_to(ROOT))):
            if each.partition(".")[0] in {"infra", "verify", "localaws"}:
                assert each in {"localaws", "localaws.mocks", "localaws.stack_files"}, path.name


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_do_no_io(module: str) -> None:
    packages = {each.partition(".")[0] for each in imported(f"gate/{module}.py")}
    assert not packages & {"os", "socket", "subprocess", "tempfile", "tools", "pulumi"}


@pytest.mark.slow  # starts a Python
def test_outside_the_environment_the_gate_prints_in_one_line_what_to_do() -> None:
    without_packages = [sys.executable, "-S", "-m", "gate", "reachability"]
    ended = subprocess.run(
        without_packages, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("The gate failed to run: pulumi isn't installed for ")
    assert "`make setup` and then `.venv/bin/python -m gate`" in line
