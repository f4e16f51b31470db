"""The arithmetic of rolling deployments."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.rolling import can_progress


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "progresses"),
    [
        (1, 100, 150, False),
        (1, 100, 200, True),
        (1, 50, 199, False),
        (1, 0, 100, True),
        (2, 50, 100, True),
        (2, 51, 149, False),
        (2, 100, 150, True),
        (3, 100, 133, False),
        (3, 100, 134, True),
        (0, 100, 100, True),
    ],
)
def test_a_deployment_progresses_if_one_task_can_be_added_or_stopped(
    desired: int, minimum: int, maximum: int, *, progresses: bool
) -> None:
    assert can_progress(desired, minimum, maximum) is progresses


@given(st.integers(1, 5000), st.integers(0, 100), st.integers(100, 400))
def test_the_result_agrees_with_exact_arithmetic(desired: int, minimum: int, maximum: int) -> None:
    must_run = ceil(Fraction(desired * minimum, 100))
    may_exist = floor(Fraction(desired * maximum, 100))
    assert can_progress(desired, minimum, maximum) == (may_exist > desired or must_run < desired)


@given(st.integers(0, 5000))
def test_deployments_with_the_default_percentages_always_progress(desired: int) -> None:
    assert can_progress(desired, 50, 200)
