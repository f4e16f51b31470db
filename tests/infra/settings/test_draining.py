"""How long a task may drain, stop, and delay a deployment or deletion; one number is enough."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.errors import SettingsError
from tests.infra.settings.loading import load, only_service

SECONDS = st.integers(2, 120)


@given(
    drain=SECONDS, stop=st.just(0) | SECONDS, delay=st.integers(0, 120), minutes=st.integers(1, 10)
)
def test_the_times_are_accepted_exactly_when_each_fits_into_the_next(
    drain: int, stop: int, delay: int, minutes: int
) -> None:
    changes: dict[str, Any] = {
        "drainSeconds": drain,
        "stopTimeoutSeconds": stop,
        "deregistrationDelaySeconds": delay,
        "steadyStateTimeoutMinutes": minutes,
    }
    draining = delay or drain
    stopping = stop or drain
    in_order = draining <= stopping and draining + stopping < minutes * 60
    try:
        deployment = only_service(load(**changes)).deployment
    except SettingsError:
        assert not in_order
    else:
        assert in_order
        assert deployment.deregistration_delay <= deployment.stop_timeout <= 120
        assert (
            deployment.deregistration_delay + deployment.stop_timeout
            < deployment.steady_state_timeout_minutes * 60
        )


@given(drain=SECONDS)
def test_drain_seconds_alone_sets_all_times(drain: int) -> None:
    deployment = only_service(load(drainSeconds=drain)).deployment
    assert deployment.deregistration_delay == deployment.stop_timeout == drain
