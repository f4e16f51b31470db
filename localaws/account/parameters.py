"""The SSM parameters and secrets that exist beforehand, from a TOML file that the user edits."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

from localaws.catalog.account import SEEDED_SECRET, SeededParameter
from localaws.catalog.secretsmanager import SECRET, SECRET_VERSION, part_of_secret, seeded_suffix
from localaws.catalog.ssm import PARAMETER, names_of
from localaws.catalog.values import texts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localaws.catalog.account import Account

_SUFFIX = len("-AbCdEf")
"""What Secrets Manager adds to a name in its ARN."""

CURRENT = "AWSCURRENT"
"""The default stage of a secret's version."""

_AGES = {CURRENT: 0, "AWSPREVIOUS": 1}
"""How many versions are newer than the one with a stage that Secrets Manager itself moves."""

TYPES = ("String", "StringList", "SecureString", SEEDED_SECRET)


class BadParameters(Exception):  # noqa: N818 — it is the file that is bad
    """The file can't be used; the message says where and what is allowed, never a value."""


def load(path: Path) -> Mapping[str, SeededParameter]:
    """The parameters by name; none if there is no file.

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
        case {"type": str(kind), "value": str(value), **rest} if kind in TYPES and not rest:
            return SeededParameter(value, kind)
    raise BadParameters(
        f"{file}: '{name}' must be a text, or a table with `type` ({', '.join(TYPES)}) "
        "and `value`, both texts"
    )


def value_of(account: Account, name: str) -> str | None:
    """Return the value of a container's secret: a resource's, else a seeded one; None without any.

    Args:
        account: Where the resources are.
        name: A parameter's name or ARN, or a secret's ARN; `:key:stage:version` after the latter
            takes one field of its JSON, and another version than the current one.
    """
    if name.startswith("arn:") and ":secretsmanager:" in name:
        arn, key, stage, version = part_of_secret(name)
        text = _secret_text(account, arn, stage or CURRENT, version)
        return _field(text, key) if key and text is not None else text
    for each in names_of(name):
        managed, seeded = account.get(PARAMETER, each), account.parameters.get(each)
        if managed is not None:
            return str(managed.outputs.get("value") or managed.inputs["valueWo"])
        if seeded is not None and seeded.type != SEEDED_SECRET:
            return seeded.value
    return None


def seeded_secret(account: Account, name: str) -> str | None:
    """The name of the secret that exists beforehand and that a name or an ARN means."""
    asked = name.partition(":secret:")[2].partition(":")[0] or name
    for each, seeded in account.parameters.items():
        if seeded.type == SEEDED_SECRET and asked in (each, f"{each}-{seeded_suffix(each)}"):
            return each
    return None


def _secret_text(account: Account, arn: str, stage: str, version: str) -> str | None:
    """Return a version of a secret, by its ARN with or without the six characters at the end.

    What exists beforehand has one version, whose id is unknown.
    """
    found = next(
        (each for each in account.all(SECRET) if arn in (each.id, each.id[:-_SUFFIX])), None
    )
    if found is None:
        seeded = seeded_secret(account, arn)
        return (
            account.parameters[seeded].value
            if seeded and stage == CURRENT and not version
            else None
        )
    versions = [
        each for each in account.all(SECRET_VERSION) if each.computed["secretArn"] == found.id
    ]
    if version:
        chosen = [each for each in versions if each.computed["versionId"] == version]
    elif stage in _AGES:
        chosen = versions[::-1][_AGES[stage] :]
    else:
        chosen = [each for each in versions if stage in texts(each.inputs.get("versionStages"))][
            -1:
        ]
    inputs = chosen[0].inputs if chosen else {}
    return inputs.get("secretString") or inputs.get("secretStringWo")


def _field(text: str, key: str) -> str | None:
    """One field of a secret that is a JSON object; texts as they are, anything else as JSON."""
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return value if isinstance(value, str) else json.dumps(value)
