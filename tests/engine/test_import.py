"""What exists without Pulumi: adopted by the program, or imported into another stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.stack import ROOT, Stack

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
IDS = {"aws:ecs/service:Service": "ecs-cluster-local/local-web"}
"""What AWS's provider imports by something else than the id."""


def other_project(folder: Path, stack: Stack, program: str) -> Stack:
    """Another project that meets the same AWS."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "__main__.py").write_text(program)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Stack(stack.path, folder)


def test_a_log_group_that_existed_before_is_adopted_and_gets_its_retention(empty_stack: Stack, tmp_path: Path) -> None:
    stack = empty_stack
    stack.run("stack", "ls")
    other_project(tmp_path / "other", stack, ONE_LOG_GROUP).up()
    output = stack.up()
    assert "1 imported" in output
    (group,) = [each for each in stack.resources() if each.get("id") == "/aws/ecs/ecs-cluster-local/local-web"]
    assert group["outputs"]["retentionInDays"] == 14
    stack.up("--expect-no-changes")


@pytest.mark.parametrize("of_awsx", [False, True])
def test_everything_that_a_stack_made_can_be_imported_into_another(
    stack: Stack, tmp_path: Path, *, of_awsx: bool
) -> None:
    other = other_project(tmp_path / "other", stack, "")
    made = [
        each
        for each in stack.resources()
        if each["type"].startswith("aws:") and ("awsx:ec2:Vpc$" in each["urn"]) is of_awsx
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
    options = ("--yes", "--non-interactive", "--skip-preview", "--generate-code=false", "--protect=false")
    output = other.run("import", "--file", str(file), *options)
    assert f"{len(made)} imported" in output
    by_id = {each["id"]: each for each in other.resources() if "id" in each}
    for each in made:
        imported = by_id[each["id"]]
        assert imported["outputs"] == each["outputs"], each["urn"]
