"""The variables of a pytest that a test runs as a child process."""

from pathlib import Path

ENVIRONMENT = {
    "PYTHONPATH": str(Path(__file__).parents[1]),
    "PYTHONDONTWRITEBYTECODE": "1",
    # Hypothesis and others are half of a start of pytest.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
