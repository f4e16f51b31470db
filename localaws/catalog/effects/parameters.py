"""The effects of the inputs of parameters and secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.effects.model import Effects
from localaws.catalog.effects.reasons import (
    CATALOG_ONLY,
    EVERYWHERE,
    NAME,
    REGION,
    TEXT,
    WRITE_ONLY,
)
from localaws.catalog.only_recorded import NO_ENCRYPTION, NO_PERMISSION
from localaws.catalog.secretsmanager import SECRET, SECRET_VERSION
from localaws.catalog.ssm import PARAMETER

if TYPE_CHECKING:
    from collections.abc import Mapping

EFFECTS: Mapping[str, Effects] = {
    PARAMETER: Effects(
        effective=("insecureValue", "name", "value", "valueWo"),
        unmentioned={
            **EVERYWHERE,
            "allowedPattern": CATALOG_ONLY,
            "arn": "the provider ignores it",
            "dataType": CATALOG_ONLY,
            "description": TEXT,
            "keyId": NO_ENCRYPTION,
            "overwrite": CATALOG_ONLY,
            "tier": CATALOG_ONLY,
            "type": CATALOG_ONLY,
            "valueWoVersion": WRITE_ONLY,
        },
    ),
    SECRET: Effects(
        effective=(),
        unmentioned={
            **EVERYWHERE,
            "description": TEXT,
            "forceOverwriteReplicaSecret": CATALOG_ONLY,
            "kmsKeyId": NO_ENCRYPTION,
            "name": NAME,
            "namePrefix": CATALOG_ONLY,
            "policy": NO_PERMISSION,
            "recoveryWindowInDays": "a destroyed stack's name is free at once",
            "replicas": "secrets are replicated to no other region",
            "type": CATALOG_ONLY,
        },
    ),
    SECRET_VERSION: Effects(
        effective=("secretId", "secretString", "secretStringWo", "versionStages"),
        unmentioned={
            "region": REGION,
            "secretBinary": "a container gets texts only, here as on AWS",
            "secretStringWoVersion": WRITE_ONLY,
        },
    ),
}
