"""SSM parameters and secrets: those of the user's TOML file, and values for containers."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from localaws.catalog.account import SEEDED_SECRET, SeededParameter
from localaws.catalog.secretsmanager import (
    CURRENT,
    SECRET,
    SECRET_VERSION,
    part_of_secret,
    seeded_suffix,
)
from localaws.catalog.ssm import PARAMETER, names_of
from localaws.catalog.values import texts
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localaws.catalog.account import Account, Resource

_SUFFIX_LENGTH = len("-AbCdEf")
"""Length of the random suffix that Secrets Manager adds to a secret's name in its ARN."""

_AGES = {CURRENT: 0, "AWSPREVIOUS": 1}
"""Staging labels that Secrets Manager moves itself, and how many versions are newer than theirs."""

TYPES = ("String", "StringList", "SecureString", SEEDED_SECRET)


class BadParameters(UserError):  # noqa: N818 — it is the file that is bad
    """The file is invalid; the message names the entry and what is allowed, but no value."""


def load(path: Path) -> Mapping[str, SeededParameter]:
    """Return the file's parameters by name; empty if there is no file.

    Raises:
        BadParameters: The file isn't TOML, or an entry isn't a parameter.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadParameters(f"{path.name} is not valid TOML: {error}") from None
    return {name: _parameter(path.name, name, entry) for name, entry in document.items()}


def _parameter(file: str, name: str, entry: object) -> SeededParameter:
    match entry:
        case str():
            return SeededParameter(entry)
        case {"type": str(kind), "value": str(value), **others} if kind in TYPES and not others:
            return SeededParameter(value, kind)
    raise BadParameters(
        f"{file}: '{name}' must be a text, or a table with `type` ({', '.join(TYPES)}) "
        "and `value`, both texts"
    )


def value_of(account: Account, name: str) -> str | None:
    """Return the value of a container's secret, or None if there is no such secret.

    A resource takes precedence over a parameter or secret in the file.

    Args:
        account: The account with the resources.
        name: A parameter's name or ARN, or a secret's ARN. `:key:stage:version` after a secret's
            ARN selects a field of its JSON, and a version.
    """
    if name.startswith("arn:") and ":secretsmanager:" in name:
        arn, key, stage, version = part_of_secret(name)
        text = _secret_text(account, arn, stage or CURRENT, version)
        return _field(text, key) if key and text is not None else text
    for each in names_of(name):
        managed = account.get(PARAMETER, each)
        seeded = account.parameters.get(each)
        if managed is not None:
            return str(managed.outputs.get("value") or managed.inputs["valueWo"])
        if seeded is not None and seeded.type != SEEDED_SECRET:
            return seeded.value
    return None


def seeded_secret(account: Account, name: str) -> str | None:
    """Return the name of the file's secret with this name or ARN, or None."""
    wanted = name.partition(":secret:")[2].partition(":")[0] or name
    for each, seeded in account.parameters.items():
        if seeded.type == SEEDED_SECRET and wanted in (each, f"{each}-{seeded_suffix(each)}"):
            return each
    return None


def _secret_text(account: Account, arn: str, stage: str, version: str) -> str | None:
    """Return the text of a secret's version, by the secret's ARN with or without the suffix."""
    secret = _secret_resource(account, arn)
    if secret is None:
        seeded = seeded_secret(account, arn)
        # A secret of the file has one version, whose id is unknown.
        if seeded and stage == CURRENT and not version:
            return account.parameters[seeded].value
        return None
    chosen = _secret_version(account, secret, stage, version)
    if chosen is None:
        return None
    return chosen.inputs.get("secretString") or chosen.inputs.get("secretStringWo")


def _secret_resource(account: Account, arn: str) -> Resource | None:
    for each in account.all(SECRET):
        if arn in (each.id, each.id[:-_SUFFIX_LENGTH]):
            return each
    return None


def _secret_version(
    account: Account, secret: Resource, stage: str, version: str
) -> Resource | None:
    """Return a secret's version with this id, or without an id with this staging label."""
    newest_first = reversed(account.all(SECRET_VERSION))
    versions = [each for each in newest_first if each.computed["secretArn"] == secret.id]
    if version:
        for each in versions:
            if each.computed["versionId"] == version:
                return each
        return None
    # A version with other labels only leaves AWSCURRENT and AWSPREVIOUS where they are.
    age = _AGES.get(stage, 0)
    label = CURRENT if stage in _AGES else stage
    labelled = [each for each in versions if label in _stages(each)]
    return labelled[age] if age < len(labelled) else None


def _stages(version: Resource) -> list[str]:
    given = version.inputs.get("versionStages")
    return [CURRENT] if given is None else texts(given)


def _field(text: str, key: str) -> str | None:
    """Return a field of a secret that is a JSON object; a value other than a text as JSON."""
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return value if isinstance(value, str) else json.dumps(value)
