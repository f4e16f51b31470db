"""The check that tests which start long programs are marked as slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import child_pytest

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """\
import subprocess
import sys
from pathlib import Path
import pytest

PYTHON = Path(sys.executable)

@pytest.fixture
def started():
    subprocess.run([sys.executable, "-c", ""])

@pytest.fixture
def failed_to_start():
    try:
        subprocess.run([sys.executable, "-c", ""], cwd="/no/such/folder")
    except OSError:
        pass

@pytest.mark.slow
def test_marked(started): pass
def test_in_the_set_up(started): pass
def test_attempt(failed_to_start): pass
def test_in_the_call(): subprocess.run([sys.executable, "-c", ""])
def test_by_its_name(): subprocess.run([PYTHON.name, "-c", ""], env={"PATH": str(PYTHON.parent)})
def test_by_a_name_of_another(): subprocess.run(["true"], env={b"PATH": b"/usr/bin:/bin"})
def test_of_another_program(): subprocess.run(["true"])
def test_of_nothing(): pass
"""


@pytest.mark.slow  # it runs pytest
def test_a_test_that_starts_a_program_of_the_environment_fails_unless_it_is_marked(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_starts.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    printed = child_pytest.run(tmp_path, "-p", "tests.slow")
    assert "4 failed, 4 passed" in printed
    for test in ("test_in_the_set_up", "test_attempt", "test_in_the_call", "test_by_its_name"):
        assert f"FAILED test_starts.py::{test} - Failed: The test starts python" in printed
