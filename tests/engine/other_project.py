"""Another project in the same account, and its import of a stack's resources."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.engine.stack import ROOT, WITHOUT_ASKING, Stack

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """\
name: other
runtime: {name: python, options: {toolchain: pip, virtualenv: .venv}}
config: {aws:region: {value: ap-northeast-1}}
"""

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
