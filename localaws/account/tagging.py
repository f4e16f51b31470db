"""How a provider's `defaultTags` and `ignoreTags` change the tags of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localaws.catalog import UNKNOWN
from localaws.catalog.properties import Unknown
from localaws.catalog.values import known

ALL_TAGS = "tagsAll"
"""The property that holds the result. The real provider puts it into the inputs, so the engine sees
it change.
"""


@dataclass(frozen=True)
class Tagging:
    """What one provider does to tags.

    As in pulumi-aws's provider/tags.go: the resource's own win over the default ones, then those to
    ignore go.
    """

    default: Mapping[str, str] | Unknown = field(default_factory=dict)
    ignored_keys: frozenset[str] = frozenset()
    ignored_prefixes: tuple[str, ...] = ()

    def all(self, tags: object) -> dict[str, str] | Unknown:
        """Every tag of a resource, given its own; not known while one of them isn't."""
        own = tags or {}
        if isinstance(self.default, Unknown) or not isinstance(own, Mapping) or not known(own):
            return UNKNOWN
        return {
            name: value
            for name, value in {**self.default, **own}.items()
            if not self._ignores(name)
        }

    def _ignores(self, name: str) -> bool:
        return name in self.ignored_keys or name.startswith(self.ignored_prefixes)


NO_TAGGING = Tagging()
