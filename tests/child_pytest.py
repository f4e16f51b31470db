"""A pytest that a test runs as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).parents[1]),
    "PYTHONDONTWRITEBYTECODE": "1",
    # Hypothesis and others are half of a start of pytest.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


def run(folder: Path, *arguments: str) -> str:
    """Run pytest on the tests of a folder to its end, and return what it prints."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("--rootdir", str(folder), "-rA", *arguments),
        ],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.stdout
