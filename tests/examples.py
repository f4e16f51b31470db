"""How many examples Hypothesis tries in a test whose number isn't the usual one."""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def examples(number: int, **more: Any) -> settings:
    """Try this many examples, but in the profile `fast` no more than is usual there."""
    usual = settings.get_profile("fast").max_examples
    if settings.get_current_profile_name() == "fast":
        number = min(number, usual)
    return settings(max_examples=number, **more)
