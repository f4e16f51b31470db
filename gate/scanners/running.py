"""Run checkov and cfn-lint, each once for all stacks: their start takes most of the time."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gate.findings import Finding
from gate.scanners import cloudformation, terraform
from tools.cache import cache_root
from tools.gate import find_or_install
from tools.uv import find_or_fetch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from gate.graph import Graph

TIMEOUT_SECONDS: Final = 300
NOT_OURS: Final = {
    "W3010": "zones are written out because the program has looked up which ones the region has",
}
"""Rules of cfn-lint's about how a template is written; this one is generated."""

_WITHOUT_GARBAGE_COLLECTION: Final = "import gc\n\ngc.disable()\n"
"""What a scanner's Python runs first. It lives for seconds, of which it would look for garbage in
what it has imported for a sixth.
"""

_ENDED_WITH_FINDINGS: Final = 1
_LINT_EXIT_CODES: Final = frozenset({0, 2, 4, 6, 8, 10, 12, 14})
"""cfn-lint: the sum of 2 for errors, 4 for warnings and 8 for information. With 1 and other codes
cfn-lint itself failed.
"""


class ScannerError(Exception):
    """A scanner failed, or didn't check every resource."""


def find() -> Path:
    """Return the folder with the scanners, which are installed if they are missing.

    Raises:
        NoScannersError: They can't be installed.
    """
    root = cache_root(os.environ)
    return find_or_install(root, lambda: find_or_fetch(root, os.environ.get("PATH")))


def scan(scanners: Path, graphs: Mapping[str, Graph]) -> set[Finding]:
    """Return what both scanners find in the graphs, which are given by the stacks' names.

    Raises:
        ScannerError: One failed, or didn't check every resource.
    """
    with tempfile.TemporaryDirectory(prefix="gate-") as name:
        folder = Path(name)
        (folder / "sitecustomize.py").write_text(_WITHOUT_GARBAGE_COLLECTION)
        (folder / "plan.json").write_text(json.dumps(terraform.plan(graphs)))
        for stack, graph in graphs.items():
            (folder / f"{stack}.template.json").write_text(
                json.dumps(cloudformation.template(graph))
            )
        templates = sorted(str(each) for each in folder.glob("*.template.json"))
        checkov: list[str | Path] = [
            scanners / "checkov",
            *("-f", "plan.json"),
            *("--framework", "terraform_plan"),
            "--skip-download",
            *("--output", "json"),
        ]
        lint: list[str | Path] = [
            scanners / "cfn-lint",
            *("--format", "json"),
            *("--regions", _REGION),
            *("--ignore-checks", *NOT_OURS),
            *("--template", *templates),
        ]
        with (
            _running(checkov, folder) as security,
            _running(lint, folder) as validity,
        ):
            found = _checkov(_report_of(security, {0, _ENDED_WITH_FINDINGS}), graphs)
            return found | _lint(_report_of(validity, _LINT_EXIT_CODES), graphs)


_REGION: Final = "ap-northeast-1"
"""Whose resource types cfn-lint looks up; those that the program uses are in every region."""


@contextmanager
def _running(command: Sequence[str | Path], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a scanner, and end it with the block."""
    # HOME and the working folder have no settings of a user in them, which could change what the
    # tools find.
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(folder),
    }
    with subprocess.Popen(  # noqa: S603 — the scanners are pinned by hash
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _report_of(process: subprocess.Popen[str], good: Collection[int]) -> Any:
    """Wait for a scanner to end, and return its report."""
    assert isinstance(process.args, list)
    name = Path(process.args[0]).name
    try:
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise ScannerError(f"{name} wasn't done after {TIMEOUT_SECONDS} s") from None
    try:
        report = json.loads(output)
    except ValueError:
        report = None
    if process.returncode not in good or report is None:
        raise ScannerError(
            f"{name} ended with {process.returncode}:\n{errors[-2000:] or output[-2000:]}"
        )
    return report


def _checkov(report: Any, graphs: Mapping[str, Graph]) -> set[Finding]:
    resources = {}
    for stack, graph in graphs.items():
        for node in graph.nodes:
            resources[terraform.address(stack, node)] = (stack, node.title)
    # Without any resource in the plan, the report is a list.
    checked = report["summary"]["resource_count"] if isinstance(report, dict) else 0
    if checked != len(resources) or not isinstance(report, dict):
        raise ScannerError(f"checkov looked at {checked} of {len(resources)} resources")
    if report["summary"]["parsing_errors"]:
        raise ScannerError(f"checkov couldn't read {report['results']['parsing_errors']}")
    found = set()
    for each in report["results"]["failed_checks"]:
        stack, title = resources[each["resource"]]
        found.add(Finding(stack, each["check_id"], title))
    return found


def _lint(report: Any, graphs: Mapping[str, Graph]) -> set[Finding]:
    found = set()
    for match in report:
        stack = Path(match["Filename"]).name.partition(".")[0]
        found.add(Finding(stack, match["Rule"]["Id"], _title_of_match(graphs[stack], match)))
    return found


def _title_of_match(graph: Graph, match: Mapping[str, Any]) -> str:
    """Return the title of the resource that a match of cfn-lint concerns, or the template."""
    path = match["Location"]["Path"] or []
    if path[:1] == ["Resources"] and path[1:]:
        return cloudformation.title_of(graph, path[1])
    return "the template"
