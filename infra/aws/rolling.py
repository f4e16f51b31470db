"""The arithmetic of ECS's rolling deployment. Pure."""

from __future__ import annotations

from typing import Final

BAKE_MINUTES: Final = 5
"""The most that ECS goes on watching alarms once no old task is left; the deployment is in progress
until then. Source: "less than 5 minutes", How CloudWatch alarms detect Amazon ECS deployment
failures, ECS Developer Guide.
"""


def can_progress(desired: int, minimum_percent: int, maximum_percent: int) -> bool:
    """Return whether a deployment can replace a task: start one more, or first stop one.

    ECS rounds the number that must keep running up, and the number that may exist down.
    """
    # -(-a // b) is a / b rounded up.
    must_run = -(-desired * minimum_percent // 100)
    may_exist = desired * maximum_percent // 100
    return desired == 0 or may_exist > desired or must_run < desired


def deletion_minutes(stop_timeout_seconds: int) -> int:
    """Return the minutes that deleting a service may take: its tasks drain, then stop.

    Ten minutes more are for AWS's work before and after, which is a guess.
    """
    drain_and_stop = -(-2 * stop_timeout_seconds // 60)
    return 10 + drain_and_stop
