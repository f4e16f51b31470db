"""Stacks as earlier versions of the program deployed them: recorded and read here.

`recordings/VERSION/STACK.json` holds a stack's own configuration and every resource that the
program made of it under the strict mocks. `recordings/VERSION/checkpoint.json` is the state that
Pulumi's engine kept of the stack `local` in the local AWS.

At a release, before it is tagged, record it:

    .venv/bin/python -m tests.infra.upgrade.deployed VERSION

Earlier versions stay, so that a stack can skip versions. Remove one only together with the aliases
that it needs, and with a line in CHANGELOG.md that names the version to upgrade to first.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gate import configurations
from localaws import mocks
from localaws.catalog import Resource
from localaws.mocks import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "recordings"
CHECKPOINT = "checkpoint.json"
PROJECT = "fargate-web"

VOLATILE = ("created", "modified", "sourcePosition", "stackTrace")
"""Entries of the engine's state that differ from run to run and have no effect."""


@dataclass(frozen=True)
class Deployed:
    """A stack that an earlier version of the program deployed."""

    stack: str
    config: Mapping[str, Any]
    """What its stack file holds, by whole keys; for others today's defaults hold."""

    components: tuple[str, ...]
    """URNs."""

    resources: tuple[Resource, ...]

    def configuration(self, folder: Path) -> dict[str, str]:
        """Return what the CLI hands to today's program, through files in a `folder`.

        A key that is refused since then, as it has no effect (docs/adr/0055), is left out, as the
        user removes it before the upgrade (CHANGELOG.md).
        """
        config = dict(self.config)
        if config.get(f"{PROJECT}:ecsExec") is False:
            config.pop(f"{PROJECT}:execLogRetentionDays", None)
        write_project(folder, self.stack, config)
        return mocks.configuration(folder, self.stack)

    def recording(self, config: Mapping[str, str]) -> Recording:
        """Return the stack as the run that deployed it, in an account with nothing else."""
        cloud = mocks.Cloud(seed=1)
        cloud.parameters = configurations.parameters_of(config)
        made = {resource.urn: resource for resource in self.resources}
        return Recording([], {}, [], cloud, PROJECT, self.stack, made, {})


def write_project(folder: Path, stack: str, config: Mapping[str, Any]) -> None:
    """Write today's project file, and a stack file with a recorded configuration."""
    shutil.copy(configurations.ROOT / "Pulumi.yaml", folder)
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": dict(config)}))


def versions() -> list[Path]:
    """Return the folder of each recorded version."""
    return sorted(each for each in FOLDER.iterdir() if each.is_dir())


def read(file: Path) -> Deployed:
    """Read a recorded stack."""
    document = json.loads(file.read_text())
    return Deployed(
        stack=file.stem,
        config=document["config"],
        components=tuple(document["components"]),
        resources=tuple(Resource(**each) for each in document["resources"]),
    )


def record(stack: str) -> Deployed:
    """Return a configuration of the gate's as today's program deploys it."""
    chosen = configurations.CONFIGURATIONS[stack]
    file = configurations.ROOT / f"Pulumi.{chosen.file}.yaml"
    changes = {f"{PROJECT}:{key}": value for key, value in chosen.changes.items()}
    recording = configurations.recording(stack)
    return Deployed(
        stack=stack,
        config={**yaml.safe_load(file.read_text())["config"], **changes},
        components=tuple(each.urn for each in recording.registered if not each.custom),
        resources=tuple(recording.resources.values()),
    )


def write(deployed: Deployed, file: Path) -> None:
    """Write a recorded stack, with one line for each resource."""
    names = [each.name for each in fields(Resource)]
    rows: list[str] = []
    for each in deployed.resources:
        row = {name: getattr(each, name) for name in names}
        rows.append(json.dumps(row, sort_keys=True))
    lines = ",\n".join(rows)
    head = {"config": deployed.config, "components": sorted(deployed.components)}
    text = json.dumps(head, indent=1).removesuffix("\n}")
    file.write_text(f'{text},\n "resources": [\n{lines}\n]}}\n')


def checkpoint() -> str:
    """Deploy the stack `local` with the engine, and return its state for `pulumi stack import`."""
    # Only this needs the engine.
    from tests.engine.stack import Stack  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), passphrase=True)
        try:
            stack.up()
            state = json.loads(stack.run("stack", "export"))
        finally:
            stack.run("stop")
    for resource in state["deployment"]["resources"]:
        for name in VOLATILE:
            resource.pop(name, None)
    return json.dumps(state, indent=1, sort_keys=True) + "\n"


def main(version: str) -> None:
    """Record every configuration of the gate's, and the engine's state of `local`, as `version`."""
    folder = FOLDER / version
    folder.mkdir(parents=True, exist_ok=True)
    for stack in configurations.CONFIGURATIONS:
        deployed = record(stack)
        ordered = sorted(deployed.resources, key=lambda each: each.urn)
        write(replace(deployed, resources=tuple(ordered)), folder / f"{stack}.json")
    (folder / CHECKPOINT).write_text(checkpoint())


if __name__ == "__main__":
    main(sys.argv[1])
