"""Secrets Manager: secrets and the versions of their values."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from localaws.catalog.account import uuid
from localaws.catalog.policies import optional_policy_rules
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import Allowed, Limit, exactly_one, length, matches, number

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105 — a type token
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105 — a type token

CURRENT = "AWSCURRENT"
"""The staging label of the version that a secret's value is; a new version gets it by default."""

_ARN_FIELDS = 7
"""The number of fields, separated by colons, in a secret's ARN."""

_VALUES = ("secretString", "secretBinary", "secretStringWo")


def seeded_suffix(name: str) -> str:
    """Return the six characters after a seeded secret's name in its ARN."""
    return hashlib.sha256(name.encode()).hexdigest()[:6]


def part_of_secret(value_from: str) -> tuple[str, str, str, str]:
    """Split the `valueFrom` of a secret into its ARN, key, stage and version.

    All but the ARN are empty if they are left out.
    """
    fields = value_from.split(":")
    key, stage, version = [*fields[_ARN_FIELDS:], "", "", ""][:3]
    return ":".join(fields[:_ARN_FIELDS]), key, stage, version


def _is_recovery_window(value: object) -> bool:
    days = number(value)
    return days is not None and (days == 0 or 7 <= days <= 30)  # noqa: PLR2004 — days


def _secret_rules(inputs: Properties) -> Refusals:
    yield from optional_policy_rules(
        inputs.get("policy"), "policy", "MalformedPolicyDocumentException"
    )


def _secret_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("secretsmanager", f"secret:{inputs.get('name')}-{mint.hex(6)}")
    return {"id": arn, "arn": arn}


def _version_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _VALUES, "secretsmanager.version.one-value")


def _version_computed(mint: Mint, inputs: Properties) -> Properties:
    secret = mint.account.find(SECRET, inputs.get("secretId"))
    arn = secret.id if secret else ""
    version = uuid(mint)
    return {
        "id": f"{arn}|{version}",
        "arn": arn,
        "secretArn": arn,
        "versionId": version,
        "hasSecretStringWo": inputs.get("secretStringWo") is not None,
    }


TYPES = (
    ResourceType(
        token=SECRET,
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", "region"}),
        json=frozenset({"policy"}),
        defaults={"recoveryWindowInDays": 30, "forceOverwriteReplicaSecret": False},
        limits=(
            Limit(
                "name",
                matches(r"[\w/+=.@-]{1,512}", "1 to 512 letters, digits and /_+=.@-"),
                "secretsmanager.secret.name",
            ),
            Limit("description", length(0, 2048), "secretsmanager.secret.description"),
            Limit(
                "recoveryWindowInDays",
                Allowed("0, or a number of days from 7 to 30", _is_recovery_window),
                "secretsmanager.secret.recovery-window",
            ),
        ),
        unique=(
            Unique(
                ("name",),
                "ResourceExistsException",
                "secretsmanager.secret.unique",
                "The operation failed because the secret {name} already exists.",
            ),
        ),
        rules=_secret_rules,
        computed=_secret_computed,
        import_ids=lambda secret: (secret.id, str(secret.outputs["name"])),
    ),
    ResourceType(
        token=SECRET_VERSION,
        defaults={"versionStages": [CURRENT]},
        replaces=frozenset(
            {"secretId", "secretString", "secretBinary", "secretStringWoVersion", "region"}
        ),
        references=(
            Reference(
                "secretId",
                SECRET,
                "ResourceNotFoundException",
                "secretsmanager.version.secret-exists",
                "gone",
            ),
        ),
        rules=_version_rules,
        computed=_version_computed,
    ),
)
