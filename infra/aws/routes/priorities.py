"""Priorities of listener rules, derived from their conditions (docs/adr/0042). Pure.

A listener's rules have different priorities at all times, also in the middle of a deployment, and
a deployment changes one rule at a time. So each rule is named by its priority, which makes a second
rule with the same one impossible, and conditions have the same priority in every configuration, so
that none moves when others come, go or swap their services.

Rules whose conditions require more characters of a request come first, and among those the ones
without `*`; that puts `/api/v2/*` before `/api/*`. Rules that are equal in both are distinguished
by a hash.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infra.aws.routes.conditions import Conditions

LAST: Final = 50_000
"""Priority of the rule for all requests; every other rule is tried before it."""

ATTACHMENTS: Final = range(40_000, LAST)
"""Priorities of the rules that attach target groups to a load balancer."""

CONFIGURED: Final = range(1, 1000)
"""Priorities that a configuration can choose; they come before all that are derived."""

DERIVED: Final = range(CONFIGURED.stop, ATTACHMENTS.start)
"""Priorities that come from conditions."""

LEVELS: Final = 64
"""Numbers of required characters that are distinguished; larger ones count as the largest."""

_WIDTH: Final = len(DERIVED) // (2 * LEVELS)
"""How many priorities there are for rules that are equal in characters and exactness."""

_ROUNDS: Final = (
    range(_WIDTH * 3 // 4),
    range(_WIDTH * 3 // 4, _WIDTH * 15 // 16),
    range(_WIDTH * 15 // 16, _WIDTH),
)
"""Parts of that width: where two rules hash to one priority of a part, both take the next part."""


def derived(rules: Iterable[Conditions]) -> dict[str, int]:
    """Return the priorities of rules, by the texts of their conditions.

    A priority that two rules want stays free: otherwise one of them would have to move when the
    other comes or goes, and for a moment its requests would go elsewhere.
    """
    waiting = {each.text: _first_priority(each) for each in rules}
    found: dict[str, int] = {}
    for offsets in _ROUNDS:
        wanted = {}
        for text, first in waiting.items():
            wanted[text] = first + offsets[_hash(text) % len(offsets)]
        alone = _alone(wanted)
        found |= alone
        waiting = {text: first for text, first in waiting.items() if text not in alone}
    for text in sorted(waiting):
        first = waiting[text]
        found[text] = _free(range(first + _WIDTH - 1, first - 1, -1), found.values())
    return found


def of_attachments(services: Iterable[str]) -> dict[str, int]:
    """Return the priorities of services' attachments, by the services' names.

    Their order doesn't matter, as no request matches an attachment.
    """
    wanted = {name: ATTACHMENTS[crc32(name.encode()) % len(ATTACHMENTS)] for name in services}
    found = _alone(wanted)
    for name in sorted(wanted.keys() - found.keys()):
        start = _hash(name) % len(ATTACHMENTS)
        others = [*ATTACHMENTS[start:], *ATTACHMENTS[:start]]
        found[name] = _free(others, [*found.values(), *wanted.values()])
    return found


def _first_priority(conditions: Conditions) -> int:
    level = LEVELS - 1 - min(conditions.fixed_characters, LEVELS - 1)
    return DERIVED[(2 * level + (0 if conditions.exact else 1)) * _WIDTH]


def _hash(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8])


def _alone(wanted: dict[str, int]) -> dict[str, int]:
    """Return the entries whose number no other entry has."""
    count = Counter(wanted.values())
    return {text: number for text, number in wanted.items() if count[number] == 1}


def _free(numbers: Sequence[int], used: Iterable[int]) -> int:
    taken = set(used)
    return next(number for number in numbers if number not in taken)
