"""How fast AWS's durations pass here: `LOCALAWS_SPEED`, read when the daemon starts.

A speed of 5 makes a health check interval of 5 seconds one of 1 second. What has passed is real
time all the same, and timestamps are the machine's.

Time-outs stay as they are: they bound how long a process of this machine may take, which a higher
speed doesn't make faster.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "LOCALAWS_SPEED"
FASTEST = 10.0
"""Beyond it health checks would keep a machine busy."""

COMPRESSION = 60
"""How many times faster than on AWS the durations of a fleet of instances, of the scaler and of
alarms pass at a speed of 1: a minute is a second. Schedules follow the machine's clock.
"""


class BadSpeed(UserError):  # noqa: N818 — it is the value that is bad
    """The variable holds no speed; the message says what it may hold."""


def speed(environment: Mapping[str, str] = os.environ) -> float:
    """Read how many seconds of AWS's durations pass in a second; 1 where nothing is set.

    Raises:
        BadSpeed: The variable's value isn't a number from 1 to `FASTEST`.
    """
    text = environment.get(VARIABLE) or "1"
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1 <= found <= FASTEST:
        raise BadSpeed(
            f"{VARIABLE}: {text}; allowed: a number from 1 to {FASTEST:g}. Change it, or unset it "
            "for AWS's own durations"
        )
    return found
