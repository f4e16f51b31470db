"""How many tasks run, and how new ones replace old ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra.aws import fargate
from infra.aws import rolling as deployment
from infra.errors import Problem
from infra.settings.kinds import Whole

if TYPE_CHECKING:
    from collections.abc import Iterator

_PERCENT_MOST: Final = 400


@dataclass(frozen=True, kw_only=True)
class DeploymentSettings:
    """Numbers of tasks and times of a deployment."""

    desired_count: Annotated[int, Whole(0, 5000)]
    minimum_healthy_percent: Annotated[int, Whole(0, 100)]
    # Spreading tasks evenly over the zones starts one before it stops another, and ECS refuses it
    # at 100.
    maximum_percent: Annotated[int, Whole(101, _PERCENT_MOST)]
    health_check_grace_seconds: Annotated[int, Whole(0, 2_147_483_647)]
    steady_state_timeout_minutes: Annotated[int, Whole(1, 180)]
    drain_seconds: Annotated[int, Whole(*fargate.STOP_TIMEOUT_SECONDS)]
    stop_timeout_seconds: Annotated[int, Whole(0, fargate.STOP_TIMEOUT_SECONDS[1])]
    deregistration_delay_seconds: Annotated[int, Whole(0, fargate.STOP_TIMEOUT_SECONDS[1])]

    @property
    def stop_timeout(self) -> int:
        """Seconds between a task's stop signal and its end."""
        return self.stop_timeout_seconds or self.drain_seconds

    @property
    def deregistration_delay(self) -> int:
        """Seconds for which a leaving target may finish its requests."""
        return self.deregistration_delay_seconds or self.drain_seconds


def _deployments_can_progress(
    desired_count: int, minimum_healthy_percent: int, maximum_percent: int
) -> Iterator[Problem]:
    if not deployment.can_progress(desired_count, minimum_healthy_percent, maximum_percent):
        enough = next(
            percent
            for percent in range(maximum_percent, _PERCENT_MOST + 1)
            if deployment.can_progress(desired_count, minimum_healthy_percent, percent)
        )
        yield Problem(
            "maximumPercent",
            f"{maximum_percent}",
            f"with desiredCount {desired_count} and minimumHealthyPercent "
            f"{minimum_healthy_percent}, at least "
            f"{enough}, else no deployment could start or stop a task",
        )


def _a_task_stops_after_it_drained(
    drain_seconds: int, stop_timeout_seconds: int, deregistration_delay_seconds: int
) -> Iterator[Problem]:
    least = fargate.STOP_TIMEOUT_SECONDS[0]
    if 0 < stop_timeout_seconds < least:
        yield Problem(
            "stopTimeoutSeconds", f"{stop_timeout_seconds}", f"0, for drainSeconds, or from {least}"
        )
        return
    # Sources disagree on whether the stop signal waits for the end of the draining, so each must be
    # right by itself.
    stop, delay = (
        stop_timeout_seconds or drain_seconds,
        deregistration_delay_seconds or drain_seconds,
    )
    if delay > stop and deregistration_delay_seconds:
        yield Problem(
            "deregistrationDelaySeconds",
            f"{delay}",
            f"at most the {stop} s that a task has to stop",
        )
    elif delay > stop:
        yield Problem(
            "stopTimeoutSeconds",
            f"{stop}",
            f"at least the {delay} s that drainSeconds lets a task drain",
        )


def _steady_state_is_within_reach(
    steady_state_timeout_minutes: int,
    drain_seconds: int,
    stop_timeout_seconds: int,
    deregistration_delay_seconds: int,
) -> Iterator[Problem]:
    # A task drains for that long, and then has as long again to stop.
    leaving = (stop_timeout_seconds or drain_seconds) + (
        deregistration_delay_seconds or drain_seconds
    )
    if steady_state_timeout_minutes * 60 <= leaving:
        yield Problem(
            "steadyStateTimeoutMinutes",
            f"{steady_state_timeout_minutes}",
            (
                f"more than the {leaving} s that a task may drain and then stop, else no old "
                "task is gone in time"
            ),
        )


RELATIONS = (
    _deployments_can_progress,
    _a_task_stops_after_it_drained,
    _steady_state_is_within_reach,
)
