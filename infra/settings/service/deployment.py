"""The number of tasks, and how new ones replace old ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.aws import fargate, rolling
from infra.errors import Problem
from infra.settings.kinds import Whole
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

_HIGHEST_PERCENT: Final = 400
_MIN_STOP, _MAX_STOP = fargate.STOP_TIMEOUT_SECONDS


@dataclass(frozen=True, kw_only=True)
class DeploymentSettings(Topic):
    """Numbers of tasks, and times of a deployment."""

    desired_count: int = key(Whole(0, 5000))
    minimum_healthy_percent: int = key(Whole(0, 100))
    # Spreading tasks evenly over the zones starts one before it stops another, and ECS refuses it
    # at 100.
    maximum_percent: int = key(Whole(101, _HIGHEST_PERCENT))
    health_check_grace_seconds: int = key(Whole(0, 2_147_483_647))
    steady_state_timeout_minutes: int = key(Whole(1, 180))
    drain_seconds: int = key(Whole(_MIN_STOP, _MAX_STOP))
    stop_timeout_seconds: int = key(Whole(0, _MAX_STOP))
    deregistration_delay_seconds: int = key(Whole(0, _MAX_STOP))

    @property
    def stop_timeout(self) -> int:
        """Seconds between a task's stop signal and its end."""
        return self.stop_timeout_seconds or self.drain_seconds

    @property
    def deregistration_delay(self) -> int:
        """Seconds that a deregistered target has to finish its requests."""
        return self.deregistration_delay_seconds or self.drain_seconds

    def problems(self) -> Iterator[Problem]:
        """Check that a deployment can replace tasks, and in time."""
        yield from self._deployments_can_progress()
        yield from self._tasks_stop_after_draining()
        yield from self._steady_state_is_within_reach()

    @relation("desired_count", "minimum_healthy_percent", "maximum_percent")
    def _deployments_can_progress(self) -> Iterator[Problem]:
        desired, minimum = self.desired_count, self.minimum_healthy_percent
        if rolling.can_progress(desired, minimum, self.maximum_percent):
            return
        enough = self.maximum_percent
        while enough < _HIGHEST_PERCENT and not rolling.can_progress(desired, minimum, enough):
            enough += 1
        yield Problem(
            "maximumPercent",
            f"{self.maximum_percent}",
            f"with desiredCount {desired} and minimumHealthyPercent {minimum}, at least {enough}, "
            "else no deployment could start or stop a task",
        )

    @relation("drain_seconds", "stop_timeout_seconds", "deregistration_delay_seconds")
    def _tasks_stop_after_draining(self) -> Iterator[Problem]:
        if 0 < self.stop_timeout_seconds < _MIN_STOP:
            yield Problem(
                "stopTimeoutSeconds",
                f"{self.stop_timeout_seconds}",
                f"0, for drainSeconds, or from {_MIN_STOP}",
            )
        # AWS's documents disagree on whether the stop signal waits for the end of the draining, so
        # each time must be long enough by itself.
        elif self.deregistration_delay > self.stop_timeout and self.deregistration_delay_seconds:
            yield Problem(
                "deregistrationDelaySeconds",
                f"{self.deregistration_delay}",
                f"at most the {self.stop_timeout} s that a task has to stop",
            )
        elif self.deregistration_delay > self.stop_timeout:
            yield Problem(
                "stopTimeoutSeconds",
                f"{self.stop_timeout}",
                f"at least the {self.deregistration_delay} s that drainSeconds lets a task drain",
            )

    @relation(
        "steady_state_timeout_minutes",
        "drain_seconds",
        "stop_timeout_seconds",
        "deregistration_delay_seconds",
    )
    def _steady_state_is_within_reach(self) -> Iterator[Problem]:
        # If the stop signal does wait, a task first drains and then stops.
        leaving = self.stop_timeout + self.deregistration_delay
        if self.steady_state_timeout_minutes * 60 <= leaving:
            yield Problem(
                "steadyStateTimeoutMinutes",
                f"{self.steady_state_timeout_minutes}",
                f"more than the {leaving} s that a task may drain and then stop, else no "
                "old task is gone in time",
            )
