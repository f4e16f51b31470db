"""A test's own number of examples holds in `make test`, and is limited in `make test-fast`."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.examples import examples


@pytest.mark.parametrize(("profile", "tried"), [("shared machine", [400, 5]), ("fast", [10, 5])])
def test_only_the_profile_fast_limits_the_number_of_examples(
    profile: str, tried: list[int]
) -> None:
    before = settings.get_current_profile_name()
    settings.load_profile(profile)
    try:
        assert [examples(number).max_examples for number in (400, 5)] == tried
    finally:
        settings.load_profile(before)
