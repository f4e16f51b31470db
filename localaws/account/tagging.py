"""How a provider's `defaultTags` and `ignoreTags` change the tags of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localaws.catalog.values import known
from localaws.unknown import UNKNOWN, Unknown

ALL_TAGS = "tagsAll"
"""The property with all of a resource's tags. It is an input, as in the real provider, so that the
engine sees it change.
"""


@dataclass(frozen=True)
class Tagging:
    """A provider's default tags, and the tags that it ignores.

    As in pulumi-aws's provider/tags.go: a resource's own tags override the default ones, and then
    ignored tags are removed.
    """

    default: Mapping[str, str] | Unknown = field(default_factory=dict)
    ignored_keys: frozenset[str] = frozenset()
    ignored_prefixes: tuple[str, ...] = ()

    def all(self, tags: object) -> dict[str, str] | Unknown:
        """Return all tags of a resource with these own `tags`; UNKNOWN if any tag is unknown."""
        own = tags or {}
        if isinstance(self.default, Unknown) or not isinstance(own, Mapping) or not known(own):
            return UNKNOWN
        merged = {**self.default, **own}
        return {name: value for name, value in merged.items() if not self._ignores(name)}

    def _ignores(self, name: str) -> bool:
        return name in self.ignored_keys or name.startswith(self.ignored_prefixes)


NO_TAGGING = Tagging()
