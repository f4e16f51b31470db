"""Why an image can't be pulled, in ECS's words."""

from __future__ import annotations


class CannotPullError(Exception):
    """An image can't be had; the text is what ECS writes after `CannotPullContainerError: `."""


class UnreachableRegistryError(CannotPullError):
    """The registry didn't answer at all, so nothing is known about the image."""
