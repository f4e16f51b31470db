"""This project's program under strict mocks, which keep and create every registered resource.

This shows what the program requests, and that AWS's rules, as the local AWS knows them, accept it.
tests/engine shows what Pulumi's engine does with it: previews, diffs and the order of deletion.
"""

from __future__ import annotations

import json
import runpy
import warnings
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from gate.configurations import parameters_of
from infra import startup
from infra.errors import SettingsError
from localaws import mocks
from localaws.mocks import Cloud, Recorder, Recording, Registered, word

# As the program imports it: whole sub-packages take seconds in each worker.
startup.import_in_parts("pulumi_aws")

with warnings.catch_warnings():
    # The SDK warns about its deprecated classes when a module is first used, even if a program uses
    # none of them.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_aws
    import pulumi_awsx

    LOADED = (pulumi_aws.ec2.Vpc, pulumi_aws.s3.Bucket, pulumi_awsx.ec2.Vpc)

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

# A resource that a test creates outside a run is never registered, and the test would pass.
mocks.only_in_runs()

__all__ = [
    "Recorder",
    "Recording",
    "Registered",
    "account_for",
    "by_name",
    "changes",
    "changes_by_name",
    "configuration",
    "container",
    "containers",
    "deployed",
    "identities",
    "inputs_of",
    "made",
    "named",
    "names",
    "needed_by",
    "refusal_by",
    "refusal_of",
    "run",
    "run_under",
    "schema",
    "statements",
    "word",
]


def schema() -> dict[str, dict[str, Any]]:
    """Return Pulumi.yaml's configuration schema."""
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

    `file` names the stack whose file is read, if it isn't the stack itself.
    """
    config = configuration(file or stack, changes)
    account = account_for(config, cloud or (after.cloud if after else None))
    return run_under(Recorder(account), stack, config, after=after)


def deployed(stack: str = "dev", *, file: str | None = None, **changes: Any) -> Recording:
    """Return a copy of a stack's first run in a new account, which each configuration has once.

    For tests of what follows that run, like a change or another stack in the account.
    """
    config = configuration(file or stack, changes)
    return deepcopy(_first_run(stack, tuple(sorted(config.items()))))


@cache
def _first_run(stack: str, config: tuple[tuple[str, str], ...]) -> Recording:
    texts = dict(config)
    return run_under(Recorder(account_for(texts)), stack, texts)


def account_for(config: Mapping[str, str], cloud: Cloud | None = None) -> Cloud:
    """Return an account, by default a new one, with every secret that a configuration names."""
    account = cloud or Cloud(seed=1)
    account.parameters = {**parameters_of(config), **account.parameters}
    return account


def made(cloud: Cloud, token: str) -> list[Resource]:
    """Return the resources of a type that a program created, so without the default VPC's."""
    return [each for each in cloud.all(token) if not each.made_by_aws]


def identities(recording: Recording) -> set[tuple[str, str]]:
    """Return the type and name of each registered resource."""
    return {(each.type, each.name) for each in recording.registered}


def named(recording: Recording, kind: str, prefix: str) -> list[Registered]:
    """Return the resources of a kind whose names begin with a prefix."""
    return [each for each in recording.all(kind) if each.name.startswith(prefix)]


def names(recording: Recording, kind: str) -> set[str]:
    """Return the names of the resources of a kind."""
    return {each.name for each in recording.all(kind)}


def by_name(recording: Recording, kind: str) -> dict[str, Registered]:
    """Return the resources of a kind by their names."""
    return {each.name: each for each in recording.all(kind)}


def inputs_of(recording: Recording, kind: str, name: str) -> set[Any]:
    """Return the values of one input in all resources of a kind that have it."""
    return {each.inputs[name] for each in recording.all(kind) if name in each.inputs}


def containers(recording: Recording, name: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the containers of the only task definition, or of that with a name, by their names."""
    definitions = recording.one("TaskDefinition", name).inputs["containerDefinitions"]
    return {each["name"]: each for each in json.loads(definitions)}


def container(recording: Recording) -> dict[str, Any]:
    """Return the only container of the only task definition."""
    (found,) = containers(recording).values()
    return found


def statements(resource: Registered, name: str = "policy") -> list[dict[str, Any]]:
    """Return the statements of the policy document that an input has."""
    found: list[dict[str, Any]] = json.loads(resource.inputs[name])["Statement"]
    return found


def needed_by(recording: Recording, resource: Registered) -> list[Registered]:
    """Return all that a resource depends on, directly and through others."""
    by_urn = {each.urn: each for each in recording.registered}
    found: dict[str, Registered] = {}
    following = list(resource.dependencies)
    while following:
        urn = following.pop()
        if urn not in found:
            found[urn] = by_urn[urn]
            following += by_urn[urn].dependencies
    return list(found.values())


def changes(recording: Recording) -> dict[str, str]:
    """Return the operation on each resource that a run changes, by its URN."""
    return {urn: done for urn, done in recording.operations.items() if done != "same"}


def changes_by_name(recording: Recording, kind: str) -> dict[str, str]:
    """Return the operation on each resource of a kind that a run changes, by its name."""
    found: dict[str, str] = {}
    for urn, operation in changes(recording).items():
        types, name = urn.split("::")[2:]
        if word(types) == kind:
            found[name] = operation
    return found


def refusal_of(
    stack: str = "dev", /, *, cloud: Cloud | None = None, **changes: Any
) -> SettingsError:
    """Return the error that stops a run before it registers anything.

    The account has every secret that the configuration names.
    """
    config = configuration(stack, changes)
    return refusal_by(Recorder(account_for(config, cloud)), config)


def refusal_by(engine: Recorder, config: Mapping[str, str]) -> SettingsError:
    """Return the error that stops a run under an engine before it registers anything."""
    with pytest.raises(SettingsError) as refused:
        run_under(engine, "dev", config)
    assert not engine.registered, "something was registered before the refusal"
    return refused.value


def run_under(
    recorder: Recorder,
    stack: str,
    config: Mapping[str, str],
    *,
    after: Recording | None = None,
    preview: bool | None = None,
) -> Recording:
    """Run the whole program under a recorder, which keeps the registrations of a run that fails.

    With `after`, the run changes the stack of that run, or previews the change unless `preview` is
    false.
    """
    only_preview = after is not None if preview is None else preview

    def program() -> None:
        runpy.run_path(str(ROOT_FOLDER / "__main__.py"))

    return recorder.run(
        program, project=PROJECT, stack=stack, config=config, preview=only_preview, after=after
    )
