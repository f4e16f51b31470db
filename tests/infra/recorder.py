"""This project's program under strict mocks, which keep and create every registered resource.

This proves what the program requests and that AWS's rules, as the local AWS knows them, accept it.
It can't prove what Pulumi's engine makes of it (previews, diffs, order of deletion); tests/engine
does.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gate.configurations import parameters_of
from localaws import mocks
from localaws.mocks import Cloud, Recorder, Recording, Registered, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog import Resource

ROOT_FOLDER = Path(__file__).parents[2]
PROJECT = "fargate-web"
REGION = "ap-northeast-1"
STACKS = ("dev", "prod", "local")

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

# What a test made beside a run would never be registered, and the test would pass.
mocks.only_in_runs()

__all__ = [
    "Recorder",
    "Recording",
    "Registered",
    "account_for",
    "configuration",
    "made",
    "run",
    "run_under",
    "schema",
    "word",
]


def schema() -> dict[str, dict[str, Any]]:
    """Pulumi.yaml's configuration schema."""
    config: dict[str, Any] = yaml.safe_load((ROOT_FOLDER / "Pulumi.yaml").read_text())["config"]
    return config


def configuration(stack: str, changes: Mapping[str, Any]) -> dict[str, str]:
    """Return what the CLI passes: defaults, overridden by the stack's file, then by `changes`."""
    return mocks.configuration(ROOT_FOLDER, stack, **changes)


def run(
    stack: str = "dev",
    *,
    cloud: Cloud | None = None,
    file: str | None = None,
    after: Recording | None = None,
    **changes: Any,
) -> Recording:
    """Run the whole program for a stack, with some keys changed.

    `file` is the stack whose file it is, where that isn't the stack itself.
    """
    config = configuration(file or stack, changes)
    account = account_for(config, cloud or (after.cloud if after else None))
    return run_under(Recorder(account), stack, config, after=after)


def account_for(config: Mapping[str, str], cloud: Cloud | None = None) -> Cloud:
    """Return an account, by default a new one, with every secret that a configuration names."""
    account = cloud or Cloud(seed=1)
    account.parameters = {**parameters_of(config), **account.parameters}
    return account


def made(cloud: Cloud, token: str) -> list[Resource]:
    """The resources of a type that a program made: without the default VPC and what is in it."""
    return [each for each in cloud.all(token) if each.urn]


def run_under(
    recorder: Recorder,
    stack: str,
    config: Mapping[str, str],
    *,
    after: Recording | None = None,
    preview: bool | None = None,
) -> Recording:
    """Run the whole program under a recorder, which keeps what was registered when the run fails.

    With `after`, it changes what that run made, or previews the change unless `preview` is false.
    """
    only_preview = after is not None if preview is None else preview

    def program() -> None:
        runpy.run_path(str(ROOT_FOLDER / "__main__.py"))

    return recorder.run(
        program, project=PROJECT, stack=stack, config=config, preview=only_preview, after=after
    )
