"""What exists without Pulumi: adopted by the program, or imported into another stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.other_project import other_project, take_over

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.stack import Stack

PROGRAM = """\
import pulumi_aws as aws
aws.cloudwatch.LogGroup("g", name="/aws/ecs/ecs-cluster-local/local-web", retention_in_days=3)
log = {
    "cloud_watch_log_group_name": "/aws/ecs/ecs-cluster-local/exec",
    "cloud_watch_encryption_enabled": False,
}
aws.ecs.Cluster(
    "c",
    name="ecs-cluster-local",
    settings=[{"name": "containerInsights", "value": "disabled"}],
    configuration={
        "execute_command_configuration": {"logging": "OVERRIDE", "log_configuration": log}
    },
    tags={"Project": "OWNER", "Stack": "local"},
)
"""
"""A service's log group, and what another project made from this repository has, with which AWS
hands the cluster out.
"""


def test_another_projects_cluster_is_shared_once_it_is_tagged_and_a_log_group_is_adopted_at_once(
    empty_stack: Stack, tmp_path: Path
) -> None:
    stack = empty_stack
    stack.run("stack", "ls")
    other = other_project(tmp_path / "other", stack, PROGRAM.replace("OWNER", "other"))
    other.up()
    before = stack.made()
    refusal = stack.up(fails=True)
    assert (
        "the cluster ecs-cluster-local exists already and belongs to project other, stack local"
        in refusal
    )
    assert "aws ecs tag-resource" in refusal
    assert not stack.own_frames(refusal)
    assert stack.made() == before, "nothing was made or changed"
    (other.project / "__main__.py").write_text(PROGRAM.replace("OWNER", "fargate-web"))
    other.up()  # as the command in the message does
    output = stack.up()
    assert "1 imported" in output
    assert stack.outputs()["clusterName"] == "ecs-cluster-local"
    by_id = {each.get("id"): each for each in stack.resources()}
    group = by_id["/aws/ecs/ecs-cluster-local/local-web"]
    assert group["outputs"]["retentionInDays"] == 14
    stack.up("--expect-no-changes")


@pytest.mark.parametrize("of_awsx", [False, True])
def test_everything_that_a_stack_made_can_be_imported_into_another(
    stack: Stack, tmp_path: Path, *, of_awsx: bool
) -> None:
    take_over(stack, tmp_path, of_awsx=of_awsx, after_preview=not of_awsx)
