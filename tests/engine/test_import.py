"""What exists without Pulumi: adopted by the program, or imported into another stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.stack import ROOT, WITHOUT_ASKING, Stack

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """\
name: other
runtime: {name: python, options: {toolchain: pip, virtualenv: .venv}}
config: {aws:region: {value: ap-northeast-1}}
"""
ONE_LOG_GROUP = """\
import pulumi_aws as aws
aws.cloudwatch.LogGroup("g", name="/aws/ecs/ecs-cluster-local/local-web", retention_in_days=3)
"""
CLUSTER = """\
import pulumi_aws as aws
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
"""What another project made from this repository has, with which AWS hands the cluster out."""

IDS = {"aws:ecs/service:Service": "ecs-cluster-local/local-web"}
"""What AWS's provider imports by something else than the id."""


A_WAIT = "aws:acm/certificateValidation:CertificateValidation"
"""Nothing at AWS, and so nothing that the provider can import."""


def other_project(folder: Path, stack: Stack, program: str) -> Stack:
    """Another project that meets the same AWS."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "__main__.py").write_text(program)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Stack(stack.path, folder)


def test_a_log_group_that_existed_before_is_adopted_and_gets_its_retention(
    empty_stack: Stack, tmp_path: Path
) -> None:
    stack = empty_stack
    stack.run("stack", "ls")
    other_project(tmp_path / "other", stack, ONE_LOG_GROUP).up()
    output = stack.up()
    assert "1 imported" in output
    (group,) = [
        each
        for each in stack.resources()
        if each.get("id") == "/aws/ecs/ecs-cluster-local/local-web"
    ]
    assert group["outputs"]["retentionInDays"] == 14
    stack.up("--expect-no-changes")


def test_another_projects_cluster_is_not_shared_until_it_is_tagged_as_this_stacks(
    empty_stack: Stack, tmp_path: Path
) -> None:
    stack = empty_stack
    stack.run("stack", "ls")
    other = other_project(tmp_path / "other", stack, CLUSTER.replace("OWNER", "other"))
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
    (other.project / "__main__.py").write_text(CLUSTER.replace("OWNER", "fargate-web"))
    other.up()  # as the command in the message does
    stack.up()
    assert stack.outputs()["clusterName"] == "ecs-cluster-local"


@pytest.mark.parametrize("of_awsx", [False, True])
def test_everything_that_a_stack_made_can_be_imported_into_another(
    stack: Stack, tmp_path: Path, *, of_awsx: bool
) -> None:
    take_over(stack, tmp_path, of_awsx=of_awsx)


def take_over(stack: Stack, tmp_path: Path, *, of_awsx: bool) -> None:
    """Import what the stack made, or what awsx made for it, and compare."""
    other = other_project(tmp_path / "other", stack, "")
    made = [
        each
        for each in stack.resources()
        if each["type"].startswith("aws:")
        and each["type"] != A_WAIT
        and ("awsx:ec2:Vpc$" in each["urn"]) is of_awsx
    ]
    assert len(made) > 8
    wanted = [
        {"type": each["type"], "name": f"r{number}", "id": IDS.get(each["type"], each["id"])}
        for number, each in enumerate(made)
    ]
    file = tmp_path / "wanted.json"
    file.write_text(json.dumps({"resources": wanted}))
    if not of_awsx:
        other.run("preview", "--non-interactive")
    output = other.run("import", "--file", str(file), *WITHOUT_ASKING, "--protect=false")
    assert "error:" not in output
    assert f"{len(made)} imported" in output
    imported = {(each["type"], each["id"]): each for each in other.resources() if "id" in each}
    for each in made:
        assert imported[each["type"], each["id"]]["outputs"] == each["outputs"], each["urn"]
