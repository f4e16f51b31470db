"""The services of a stack that has several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.settings.collection_kinds import MapsByName
from infra.settings.topic import Topic, key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.values import Texts


@dataclass(frozen=True, kw_only=True)
class ServiceMap(Topic):
    """The services by name, each with the keys that differ from the stack's."""

    services: Mapping[str, Texts | None] = key(
        MapsByName(
            "a map from the name of each service to a map of the keys that a service has, whose "
            "defaults are the stack's own; none for one service of the stack's own keys",
            may_be_empty=False,
        )
    )
