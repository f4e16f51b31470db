"""The error of a wait for what was changed, deployed or deleted."""

from __future__ import annotations


# The outcome of a deployment, not a fault of this program
class NotSettled(Exception):  # noqa: N818
    """Something isn't as configured, or not in time; the message has the known reasons."""
