"""State files of version 1."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from localaws.catalog import CATALOG

if TYPE_CHECKING:
    from localaws.account.cloud import Cloud


def in_version_1(cloud: Cloud) -> str:
    """Return the state file that version 1 would have written."""
    resources: list[dict[str, Any]] = []
    for token in CATALOG:
        resources += map(asdict, cloud.all(token))
    return json.dumps({"version": 1, "counters": dict(cloud.counters), "resources": resources})
