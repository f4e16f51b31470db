"""Strict mocks: run a Pulumi program in a unit test, against the rules of the local AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localaws.account.cloud import Cloud
from localaws.alb.explanation import described
from localaws.catalog import UNKNOWN
from localaws.catalog.account import SeededParameter
from localaws.catalog.tokens import canonical
from localaws.mocks.encrypted import SECRET as ENCRYPTED
from localaws.mocks.engine import Recorder
from localaws.mocks.mistake import Mistake
from localaws.mocks.recording import Recording, Registered, word
from localaws.mocks.running import only_in_runs
from localaws.stack_files import configured, full_key, read_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pulumi.runtime import Mocks

__all__ = [
    "ENCRYPTED",
    "UNKNOWN",
    "Cloud",
    "Mistake",
    "Recorder",
    "Recording",
    "Registered",
    "SeededParameter",
    "canonical",
    "config_text",
    "configuration",
    "described",
    "only_in_runs",
    "run",
    "word",
]


def run(
    program: Callable[[], object],
    *,
    project: str = "project",
    stack: str = "test",
    config: Mapping[str, Any] | None = None,
    cloud: Cloud | None = None,
    preview: bool = False,
    after: Recording | None = None,
    others: Mocks | None = None,
    seconds: float = 60,
) -> Recording:
    """Run a Pulumi program until all of its outputs and coroutines have finished.

    Args:
        program: A function, plain or async.
        project: The project's name.
        stack: The stack's name.
        config: Values by full key (`shop:size`, `aws:region`). The default region is us-east-1.
        cloud: The account, with the resources that exist beforehand.
        preview: Create nothing; outputs that only a deployment produces are UNKNOWN.
        after: An earlier run. This run is a preview of the change since then; its `operations`
            list the changes.
        others: Mocks for packages other than `aws`, `awsx` and `docker-build`.
        seconds: How long the program may wait for an output or a coroutine.

    Raises:
        Mistake: AWS would refuse something, or Pulumi would silently do something else than the
            program says. It is an AssertionError, so the test fails.
    """
    texts = {key: config_text(value) for key, value in (config or {}).items()}
    if cloud is None:
        cloud = after.cloud if after else Cloud(seed=1)
    recorder = Recorder(cloud, others)
    return recorder.run(
        program,
        project=project,
        stack=stack,
        config=texts,
        preview=preview or after is not None,
        after=after,
        seconds=seconds,
    )


def configuration(folder: Path, stack: str, **changes: Any) -> dict[str, str]:
    """Return a stack's configuration: the project's defaults, the stack's file, then `changes`.

    The keys of `changes` are the project's own, without its name. A program that `run` runs gets
    the text `[secret]` for each encrypted value, `{"secure": …}`.

    Raises:
        BadStackFile: One of the files is missing or can't be read.
    """
    values = configured(folder, stack)
    project = read_project(folder)["name"]
    for key, value in changes.items():
        values[full_key(project, key)] = value
    return {key: config_text(value) for key, value in values.items() if value is not None}


def config_text(value: Any) -> str:
    """Return a value of a YAML file in the form in which the CLI passes it to the program."""
    return value if isinstance(value, str) else json.dumps(value)
