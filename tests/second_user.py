"""Try the ports and files of a local AWS as another user of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ANOTHER_USER = 65534

AS_ANOTHER_USER = pytest.mark.skipif(
    os.geteuid() != 0,
    reason=(
        "NOT TESTED that another user is refused: only root can become one; run this test as root"
    ),
)

_BECOME = """
os.setgroups([])
os.setgid({user})
os.setuid({user})
assert os.geteuid() == {user}
"""

_TRY = """
ports, directory = {ports}, {directory!r}

def ask(port, function, **args):
    with grpc.insecure_channel(f"127.0.0.1:{{port}}") as channel:
        request = provider_pb2.InvokeRequest(tok=function)
        request.args.update(args)
        try:
            answer = provider_pb2_grpc.ResourceProviderStub(channel).Invoke(request, timeout=20)
        except grpc.RpcError as error:
            return error.code().name
        return json_format.MessageToDict(getattr(answer, "return"))

def readable():
    for folder, folders, files in os.walk(directory):
        for name in files:
            try:
                open(os.path.join(folder, name), "rb").close()
            except OSError:
                continue
            yield name

print(json.dumps({{
    "answers": [
        ask(port, "aws:ssm/getParameter:getParameter", name="/demo/local/db_password")
        for port in ports
    ],
    "status": [ask(port, "localaws:index:status") for port in ports],
    "files": sorted(readable()),
}}))
"""


def as_user(user: int, script: str, *, imports: str = "import os, socket") -> str:
    """What a script prints that runs as this user.

    Everything is imported before the process changes its user: the other one may have no access to
    the interpreter's folder.
    """
    found = subprocess.run(
        [sys.executable, "-c", f"{imports}\n{_BECOME.format(user=user)}\n{script}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def tries(
    ports: list[int], directory: Path, *, user: int = ANOTHER_USER
) -> dict[str, list[object]]:
    """Return what another user gets: each port's answer or gRPC code, and the readable files."""
    imports = "import grpc, json, os; from google.protobuf import json_format"
    stubs = "from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc"
    script = _TRY.format(ports=ports, directory=str(directory))
    return dict(json.loads(as_user(user, script, imports=f"{imports}; {stubs}")))


@contextmanager
def folder_open_to_others() -> Iterator[Path]:
    """Create a temporary folder that other users can enter.

    `tmp_path` is in a folder that each pytest of this user closes to others when it starts, so it
    can't be opened for the time of a test. TMPDIR may be closed to others, too.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
