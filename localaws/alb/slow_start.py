"""Slow start: the share of requests that a new target gets, by the time it has been healthy. Pure.

Source: "Slow start mode" in ELB's guide to target groups
(elasticloadbalancing/latest/application/edit-target-group-attributes.html): the share grows
linearly; a target enters slow start when it becomes healthy, and not without a healthy target that
isn't in slow start; so the first targets of an empty group get their full share at once.

Envoy's own slow start has no such exception, and can't be observed or run faster.
"""

from __future__ import annotations

FULL = 100
"""The weight of a target that isn't in slow start."""


def weight(elapsed: float, window: float) -> int:
    """Return the weight of a target, `elapsed` of `window` seconds after its slow start began."""
    if elapsed >= window:
        return FULL
    return max(1, int(FULL * elapsed / window))
