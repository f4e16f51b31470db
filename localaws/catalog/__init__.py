"""Which resource types exist, what AWS accepts, names, replaces and refuses. Pure: standard library only, no I/O."""

from __future__ import annotations

from localaws.catalog import logs
from localaws.catalog.model import UNKNOWN, Properties, Refusal, Refused, Resource, ResourceType

CATALOG: dict[str, ResourceType] = {kind.token: kind for kind in (*logs.TYPES,)}
"""Every resource type, by token."""

__all__ = ["CATALOG", "UNKNOWN", "Properties", "Refusal", "Refused", "Resource", "ResourceType"]
