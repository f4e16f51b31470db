"""Images as users bring them: each is rolled out over the one before it, and verified.

One stack for all, whose program adds a sidecar and a health check to the task, which the
repository's program has no keys for. A test starts from what the one before it deployed, so that
each deployment is a roll-out from one image to the next; run by itself, it deploys that first.
"""

from __future__ import annotations

import json
import shlex
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from localaws.images import stand_in
from localaws.images.registry import find_crane
from localaws.machine import isolation
from localaws.machine.isolation import Isolation
from tests.engine.images import add_file, write_image, write_python, write_table
from tests.engine.requests import get
from tests.engine.service import TASK_DEFINITION
from tests.engine.stack import ROOT, Stack, copy_project, settings
from tests.engine.status import status_of, tasks
from tests.engine.waiting import eventually
from tests.engine.watching import UP, watch

if TYPE_CHECKING:
    from collections.abc import Iterator


GO = "shop.example.com/registry:1"
PYTHON = "shop.example.com/app:1"
NGINX = "public.ecr.aws/nginx/nginx:stable"
APP: dict[str, Any] = {"image": PYTHON, "containerPort": 8000}
USER, GROUP = 1234, 2345

PROGRAM = """\
\"\"\"The repository's program, with what `containers.json` adds to the task.\"\"\"

import json
from pathlib import Path

import pulumi

from infra.program import deploy
from infra.settings import Settings

ADDED = json.loads(Path(__file__).with_name("containers.json").read_text())


def add_containers(arguments):
    if arguments.type_ != "aws:ecs/taskDefinition:TaskDefinition" or not ADDED:
        return None
    (name,) = (each for each in arguments.props if each.startswith("container"))
    definitions = pulumi.Output.from_input(arguments.props[name]).apply(extend)
    properties = {**arguments.props, name: definitions}
    return pulumi.ResourceTransformationResult(properties, arguments.opts)


def extend(text):
    (web,) = json.loads(text)
    return json.dumps([{**web, **ADDED["web"]}, *ADDED["sidecars"]])


pulumi.runtime.register_stack_transformation(add_containers)
for output, value in deploy(Settings.load()).items():
    pulumi.export(output, value)
"""

SERVER = """\
import http.server
import json
import os
import socket


def answer(path):
    if path == "/sidecar":
        import urllib.request

        sidecar = urllib.request.urlopen("http://localhost:5000/v2/", timeout=5)
        return sidecar.headers["Docker-Distribution-API-Version"]
    with open("page") as page:
        return page.read() + json.dumps({
            "user": os.getuid(),
            "group": os.getgid(),
            "home": os.environ["HOME"],
            "folder": os.getcwd(),
            "checked": os.path.exists("checked"),
        })


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = answer(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


with open("page", "w") as page:
    page.write(f"<h1>Hello from {socket.gethostname()}</h1>\\n")
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""

CHECK = (
    "echo yes > checked && exec python3 -c '"
    'from socket import *; s = create_connection(("localhost", 8000)); '
    's.send(b"GET / HTTP/1.0\\r\\n\\r\\n"); assert b" 200 " in s.recv(99)'
    "'"
)
"""Needs the image's shell, and the container's user, working directory and network.

It runs every second, and importing Python's HTTP client would take longer than all else.
"""


@pytest.fixture(scope="module")
def stack(containers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A project with images as files, of which the Go server's is deployed."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder, "Pulumi.yaml", "local.parameters.toml")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "containers.json").write_text("{}")
    config = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    # Of `/` the Go server says 404, so that one path suits all images.
    changed = {"image": GO, "command": [], "containerPort": 5000, "healthCheckCodes": "200-404"}
    config["config"].update({f"fargate-web:{key}": value for key, value in changed.items()})
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(config))
    environment = {"LOCALAWS_IMAGES": str(images(folder))}
    stack = Stack(tmp_path_factory.mktemp("state"), folder, environment)
    try:
        stack.up()
        yield stack
    finally:
        stack.run("stop")


def images(folder: Path) -> Path:
    """Write the images and their table; return that."""
    crane, nginx = find_crane(), stand_in.find_layout()
    assert crane, "there is no crane: run `make setup`"
    assert nginx, "there is no stand-in for nginx: run `make setup`"
    go = {
        "User": "nonroot:nonroot",
        "Entrypoint": ["/crane", "registry", "serve"],
        "Cmd": ["--address", "0.0.0.0:5000"],
    }
    with tarfile.open(folder / "go-files.tar", "w") as layer:
        layer.add(Path(crane).resolve(), arcname="crane")
        add_users(layer, "nonroot")
    write_image(folder / "go.tar", go, folder / "go-files.tar")
    write_python(folder / "python-files.tar")
    with tarfile.open(folder / "app-files.tar", "w") as layer:
        add_users(layer, "app")
        add_file(layer, "app/server.py", SERVER)
        data = tarfile.TarInfo("var/lib/app")
        data.type, data.mode, data.uid, data.gid = tarfile.DIRTYPE, 0o700, USER, GROUP
        layer.addfile(data)
    python = {
        "User": "app",
        "WorkingDir": "/var/lib/app",
        "Entrypoint": ["python3", "-u"],
        "Cmd": ["/app/server.py"],
    }
    files = ("python-files.tar", "app-files.tar")
    write_image(folder / "app.tar", python, *(folder / each for each in files))
    return write_table(folder, {GO: "go.tar", PYTHON: "app.tar"})


def add_users(layer: tarfile.TarFile, name: str) -> None:
    """Add the files by which an image names its user."""
    add_file(layer, "etc/passwd", f"{name}:x:{USER}:{GROUP}::/var/lib/app:/bin/sh\n")
    add_file(layer, "etc/group", f"{name}:x:{GROUP}:\n")


def page(stack: Stack, path: str = "/") -> str:
    answer = get(stack.outputs()["serviceUrl"] + path, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.text


def facts(stack: Stack) -> dict[str, Any]:
    """Return what the Python server reports about its task."""
    return dict(json.loads(page(stack).splitlines()[1]))


def identity(user: int, group: int) -> tuple[int, int]:
    """A user and group as a container sees them, which in a namespace with one id are root."""
    return (0, 0) if isolation.find().isolation is Isolation.ONE_ID else (user, group)


def roll_out(stack: Stack, path: str, *options: str, **config: object) -> None:
    """Deploy another image, and see that no request fails and that only its tasks answer."""
    url = stack.outputs()["serviceUrl"] + path
    command = shlex.quote(f"{UP} {shlex.join(settings(config))}")
    report = watch(stack, url, *options, command=f"sh -c {command}")
    assert report["exit_code"] == 0, report
    assert report["watch"]["failures"] == {}
    verify(stack)


def start_from_python(stack: Stack) -> None:
    """Deploy the Python server, unless it runs already."""
    definitions = stack.resources_of(TASK_DEFINITION)
    if not any(PYTHON in each["outputs"]["containerDefinitions"] for each in definitions):
        stack.up(**APP)


def verify(stack: Stack) -> None:
    """See that two tasks answer, and neither of them at its own public address."""
    shown = [each["shownAt"] for each in tasks(stack)]
    assert len(shown) == 2
    options = " ".join(f"--closed {each}" for each in shown)
    url = stack.outputs()["serviceUrl"]
    run = stack.shell(f"verify {url} --expect-tasks 2 --deadline 20 --interval 0.2 {options}")
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_go_server_without_a_shell_in_its_image_runs_as_its_user(stack: Stack) -> None:
    url = stack.outputs()["serviceUrl"]
    closed = " ".join(f"--closed {each['shownAt']}" for each in tasks(stack))
    run = stack.shell(f"verify {url}/v2/ --status 200 --deadline 20 --interval 0.2 {closed}")
    assert run.returncode == 0, run.stdout + run.stderr
    missing = stack.shell("pulumi-local exec -- sh")
    assert 'exec: "sh": executable file not found in $PATH' in missing.stderr


def test_a_python_server_that_writes_to_its_root_replaces_it_and_runs_as_the_images_user(
    stack: Stack,
) -> None:
    roll_out(stack, "/v2/", **APP)
    found = facts(stack)
    assert (found["user"], found["group"]) == identity(USER, GROUP)
    assert (found["home"], found["folder"]) == ("/var/lib/app", "/var/lib/app")


def test_a_read_only_root_stops_it_with_its_own_words_and_the_old_tasks_go_on(
    stack: Stack,
) -> None:
    start_from_python(stack)
    output = stack.up(ecsExec=False, **APP, fails=True)
    assert "OSError: [Errno 30] Read-only file system: 'page'" in output
    assert "writablePaths" in output
    verify(stack)


def test_the_stacks_user_a_health_check_command_and_a_sidecar_share_one_task(
    stack: Stack,
) -> None:
    start_from_python(stack)
    more = {
        "web": {
            "healthCheck": {"command": ["CMD-SHELL", CHECK], "interval": 5, "startPeriod": 10},
            "dependsOn": [{"containerName": "registry", "condition": "START"}],
        },
        "sidecars": [{"name": "registry", "image": GO, "essential": False}],
    }
    (stack.project / "containers.json").write_text(json.dumps(more))
    try:
        roll_out(stack, "/", "--expect-change", user=f"{USER}:{GROUP}", **APP)
    finally:
        (stack.project / "containers.json").write_text("{}")
    assert page(stack, "/sidecar") == "registry/2.0"
    eventually(lambda: facts(stack)["checked"], "a health check in the container")
    found = facts(stack)
    assert (found["user"], found["group"]) == identity(USER, GROUP)
    eventually(
        lambda: [each["healthStatus"] for each in tasks(stack)] == ["HEALTHY"] * 2,
        "the health of both tasks",
    )


def test_nginx_with_the_articles_command_replaces_it(stack: Stack) -> None:
    start_from_python(stack)
    command = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["command"]["default"]
    roll_out(stack, "/", "--expect-change", image=NGINX, command=list(command), containerPort=80)
    assert any("stand-in" in each for each in status_of(stack)["images"])
