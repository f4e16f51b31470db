"""Mocks that say no: run a Pulumi program in a unit test against what AWS accepts and refuses."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from localaws.account.cloud import Cloud
from localaws.catalog import UNKNOWN
from localaws.catalog.account import SeededParameter
from localaws.catalog.tokens import canonical
from localaws.mocks.engine import Recorder
from localaws.mocks.mistake import Mistake
from localaws.mocks.recording import Recording, Registered, word
from localaws.mocks.running import only_in_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pulumi.runtime import Mocks

__all__ = [
    "UNKNOWN",
    "Cloud",
    "Mistake",
    "Recorder",
    "Recording",
    "Registered",
    "SeededParameter",
    "as_text",
    "canonical",
    "configuration",
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
    """Run a Pulumi program, or an async one, until everything that it began has ended.

    `config` has whole keys (`shop:size`, `aws:region`); the region is us-east-1 where it names
    none. `cloud` is the account, and what exists in it; `others` answers for other packages than
    `aws` and `awsx`. In a `preview`, outputs that only a deployment brings are unknown, and nothing
    is made; one `after` another run says in `operations` what changes. What isn't done after
    `seconds` never will be.

    Raises:
        Mistake: AWS would refuse something, or Pulumi would misunderstand it; an assertion, so that
            a test fails by it.
    """
    texts = {key: as_text(value) for key, value in (config or {}).items()}
    recorder = Recorder(cloud or (after.cloud if after else Cloud(seed=1)), others)
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
    """Return the configuration of a program: defaults, the stack's file, then `changes`.

    Keys of `changes` are the project's own, without its name.
    """
    document = _parsed((folder / "Pulumi.yaml").read_text())
    own = _parsed((folder / f"Pulumi.{stack}.yaml").read_text()).get("config") or {}
    whole = {
        _whole(document["name"], key): entry
        for key, entry in (document.get("config") or {}).items()
    }
    defaults = {key: _default(entry) for key, entry in whole.items()}
    changed = {_whole(document["name"], key): value for key, value in changes.items()}
    merged = {**defaults, **own, **changed}
    return {key: as_text(value) for key, value in merged.items() if value is not None}


def as_text(value: Any) -> str:
    """A value of a YAML file as the CLI hands it to the program."""
    return value if isinstance(value, str) else json.dumps(value)


@cache
def _parsed(text: str) -> Any:
    """Parse YAML, once for each text: a suite reads few files often, and parsing is slow."""
    return yaml.safe_load(text)


def _whole(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _default(entry: Any) -> Any:
    """Return the value of a configuration entry: a schema's default, or the value itself."""
    return entry.get("default", entry.get("value")) if isinstance(entry, dict) else entry
