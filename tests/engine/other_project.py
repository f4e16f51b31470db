"""Another project in the same account, and its import of a stack's resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.engine.stack import ROOT, WITHOUT_ASKING, Stack

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """\
name: other
runtime: {name: python, options: {toolchain: pip, virtualenv: .venv}}
config: {aws:region: {value: ap-northeast-1}}
"""

IDS = {"aws:ecs/service:Service": "ecs-cluster-local/local-web"}
"""Ids by which AWS's provider imports a resource, where they aren't the resource's own."""

A_WAIT = "aws:acm/certificateValidation:CertificateValidation"
"""A resource that doesn't exist at AWS, so that the provider can't import it."""


def other_project(folder: Path, stack: Stack, program: str) -> Stack:
    """Make another project, which deploys to the same local AWS."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "__main__.py").write_text(program)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Stack(stack.path, folder, passphrase=stack.passphrase)


def take_over(stack: Stack, tmp_path: Path, *, of_awsx: bool, after_preview: bool = False) -> None:
    """Import the stack's own resources, or those of awsx's VPC, and compare them.

    Args:
        stack: The stack.
        tmp_path: Folder for the project that imports them.
        of_awsx: Whether to import those of awsx's VPC.
        after_preview: Whether the other project's stack is previewed before.
    """
    other = other_project(tmp_path / "other", stack, "")
    made: list[dict[str, Any]] = []
    wanted: list[dict[str, str]] = []
    for each in stack.resources():
        token = each["type"]
        if not token.startswith("aws:") or token == A_WAIT:
            continue
        if ("awsx:ec2:Vpc$" in each["urn"]) is of_awsx:
            made.append(each)
            wanted.append(
                {"type": token, "name": f"r{len(made)}", "id": IDS.get(token, each["id"])}
            )
    assert len(made) > 8
    file = tmp_path / "wanted.json"
    file.write_text(json.dumps({"resources": wanted}))
    if after_preview:
        other.run("preview", "--non-interactive")
    output = other.run("import", "--file", str(file), *WITHOUT_ASKING, "--protect=false")
    assert "error:" not in output
    assert f"{len(made)} imported" in output
    imported = {(each["type"], each["id"]): each for each in other.resources() if "id" in each}
    for each in made:
        assert imported[each["type"], each["id"]]["outputs"] == each["outputs"], each["urn"]
