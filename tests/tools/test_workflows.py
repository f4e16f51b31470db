"""The workflows of GitHub as far as their text shows it; nothing here runs them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.pulumi.versions import pinned
from tools.versions import text

WORKFLOWS = {
    path.stem: path.read_text() for path in sorted(Path(".github/workflows").glob("*.yml"))
}
JOBS = {
    f"{name}/{job}": described
    for name, words in WORKFLOWS.items()
    for job, described in yaml.safe_load(words)["jobs"].items()
}

FIRST_ON_NODE_24 = {
    "actions/cache": 5,
    "actions/checkout": 5,
    "actions/setup-python": 6,
    "actions/upload-artifact": 6,
    "aws-actions/configure-aws-credentials": 6,
    "pulumi/actions": 7,
}
"""The first major version of each action whose action.yml says `using: node24`; GitHub retires Node
20.
"""


def steps(job: dict[str, Any], action: str) -> list[int]:
    """Where in a job an action is used."""
    return [
        at for at, step in enumerate(job["steps"]) if step.get("uses", "").startswith(f"{action}@")
    ]


def test_every_action_is_pinned_to_a_commit_of_a_version_that_runs_on_node_24() -> None:
    pins = set()
    for words in WORKFLOWS.values():
        for line in words.splitlines():
            if "uses:" in line:
                pin = re.search(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v(\d+)\.\d+\.\d+)$", line)
                assert pin, line
                assert int(pin[4]) >= FIRST_ON_NODE_24[pin[1]], line
                pins.add(pin.groups()[:3])
    assert len(pins) == len(FIRST_ON_NODE_24), (
        "an action stands at two commits, or in the table only"
    )


@pytest.mark.parametrize("name", JOBS)
def test_every_job_that_sets_up_has_pulumis_own_cli_by_then(name: str) -> None:
    job = JOBS[name]
    runs = [step.get("run", "") for step in job["steps"]]
    sets_up = [at for at, run in enumerate(runs) if run in ("make setup", "bash .ci/run")]
    installs = steps(job, "pulumi/actions")
    assert len(sets_up) == len(installs)
    for at, installed in zip(sets_up, installs, strict=True):
        assert installed < at
        assert job["steps"][installed]["with"] == {"pulumi-version": text(pinned())}


def test_no_job_of_a_pull_request_waits_for_an_environment() -> None:
    assert [name for name, job in JOBS.items() if "environment" in job] == ["deploy/deploy"]


@pytest.mark.parametrize(
    ("workflow", "row"), [("preview", "`preview`, job `aws`"), ("deploy", "`deploy`")]
)
def test_the_manual_lists_what_a_workflow_needs_to_be_given(workflow: str, row: str) -> None:
    needed = set(re.findall(r"\b(?:vars|secrets)\.([A-Z_]+)", WORKFLOWS[workflow]))
    assert len(needed) == 5
    manual = Path("docs/setup.md").read_text()
    (needs,) = [line.split("|")[3] for line in manual.splitlines() if line.startswith(f"| {row} |")]
    assert needed == set(re.findall(r"`([A-Z_]{8,})`", needs))
