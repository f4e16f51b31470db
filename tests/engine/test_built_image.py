"""An image is built, pushed, pulled and run, by the real engine; podman is a script that builds.

`tests/localaws/ecr/fake_builder.py` writes a real image; what a real builder does with a Dockerfile
is not shown here.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from localaws.images import stand_in
from tests.engine.requests import get
from tests.engine.stack import BIN, ROOT, Stack, copy_project, operations_on_types
from tests.engine.traffic import Traffic
from tests.infra.changes import promised

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (
    "mkdir -p /usr/share/nginx/html && cp /site/page.txt /usr/share/nginx/html/index.html "
    "&& exec nginx -g 'daemon off;'"
)


@pytest.fixture(scope="module")
def stack(containers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A project with an application, whose image the stack builds; nothing is deployed yet."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder, "Pulumi.yaml", "__main__.py", "local.parameters.toml")
    config = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    built = {"build": "app", "command": [], "requireImageDigest": True}
    config["config"].update({f"fargate-web:{key}": value for key, value in built.items()})
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(config))
    nginx = stand_in.find_layout()
    assert nginx is not None, "`make setup` gets it"
    app = folder / "app"
    app.mkdir()
    (app / "Dockerfile").write_text(
        f'FROM {nginx}\nARG VERSION\nCOPY . /site\nCMD ["sh", "-c", "{COMMAND}"]\n'
    )
    (app / ".dockerignore").write_text("*.md\n")
    (app / "page.txt").write_text("first page")
    programs = tmp_path_factory.mktemp("programs")
    builder = shlex.join([sys.executable, str(ROOT / "tests/localaws/ecr/fake_builder.py")])
    (programs / "podman").write_text(f'#!/bin/sh\nexec {builder} "$@"\n')
    (programs / "podman").chmod(0o755)
    environment = {
        "PATH": f"{BIN}{os.pathsep}{programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "TMPDIR": str(programs),
    }
    stack = Stack(tmp_path_factory.mktemp("state"), folder, environment)
    yield stack
    stack.run("stop")


def page(stack: Stack) -> str:
    return get(stack.outputs()["serviceUrl"], timeout=10).text


def test_a_built_image_runs_and_its_files_decide_when_it_is_built_again(stack: Stack) -> None:
    source = stack.project / "app" / "page.txt"
    stack.run("up", "--yes", "--non-interactive")  # with a preview, before there is a repository
    assert stack.resources_of("aws:ecr/repository:Repository")
    assert page(stack) == "first page"
    assert stack.preview(build={"context": "app", "args": {"VERSION": "2"}}) == promised("build")
    source.write_text("second page")
    with Traffic(stack.outputs()["serviceUrl"]) as traffic:
        assert operations_on_types(stack.up_steps()) == promised("build")
    assert set(traffic.answers) == {"200"}, traffic.answers
    assert page(stack) == "second page"
    # The same files as before, of which ECR has an image whose tag is immutable.
    source.write_text("first page")
    stack.up()
    assert page(stack) == "first page"
    (stack.project / "app" / "notes.md").write_text("ignored")
    stack.run("stop")
    stack.up("--expect-no-changes")
    assert page(stack) == "first page"
    stack.destroy()
    assert not any((stack.path / "registry").iterdir())
