"""GitHub's workflows, as far as their text can be checked; no test runs them."""

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
JOBS: dict[str, dict[str, Any]] = {}
for workflow_name, workflow_text in WORKFLOWS.items():
    for job_name, description in yaml.safe_load(workflow_text)["jobs"].items():
        JOBS[f"{workflow_name}/{job_name}"] = description

FIRST_ON_NODE_24 = {
    "actions/cache": 5,
    "actions/checkout": 5,
    "actions/setup-python": 6,
    "actions/upload-artifact": 6,
    "aws-actions/configure-aws-credentials": 6,
    "pulumi/actions": 7,
}
"""The first major version of each action whose action.yml has `using: node24`; GitHub retires Node
20.
"""


def test_every_action_is_pinned_to_a_commit_of_a_version_that_runs_on_node_24() -> None:
    pins = set()
    for line in "\n".join(WORKFLOWS.values()).splitlines():
        if "uses:" in line:
            pin = re.search(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (v(\d+)\.\d+\.\d+)$", line)
            assert pin, line
            action, commit, version, major = pin.groups()
            assert int(major) >= FIRST_ON_NODE_24[action], line
            pins.add((action, commit, version))
    assert len(pins) == len(FIRST_ON_NODE_24), (
        "an action is pinned to two commits, or only the table has it"
    )


@pytest.mark.parametrize("name", JOBS)
def test_every_job_installs_the_pinned_pulumi_cli_before_each_set_up(name: str) -> None:
    installed = 0
    for step in JOBS[name]["steps"]:
        if step.get("uses", "").startswith("pulumi/actions@"):
            assert step["with"] == {"pulumi-version": text(pinned())}
            installed += 1
        elif step.get("run") in ("make setup", "bash .ci/run"):
            assert installed == 1, "the CLI is installed once before each set-up"
            installed = 0
    assert installed == 0, "a set-up follows each installation"


def test_only_the_deployment_waits_for_an_environment() -> None:
    assert [name for name, job in JOBS.items() if "environment" in job] == ["deploy/deploy"]


@pytest.mark.parametrize(
    ("workflow", "row"), [("preview", "`preview`, job `aws`"), ("deploy", "`deploy`")]
)
def test_the_manual_lists_the_variables_and_secrets_of_a_workflow(workflow: str, row: str) -> None:
    needed = set(re.findall(r"\b(?:vars|secrets)\.([A-Z_]+)", WORKFLOWS[workflow]))
    assert len(needed) == 5
    manual = Path("docs/setup.md").read_text()
    (needs,) = [line.split("|")[3] for line in manual.splitlines() if line.startswith(f"| {row} |")]
    assert needed == set(re.findall(r"`([A-Z_]{8,})`", needs))
