"""Environment variables that the daemon reads once, when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.daemon import runtime_choice
from localaws.images import mirrors
from localaws.speed import VARIABLE as SPEED

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULTS: Mapping[str, str] = {
    runtime_choice.VARIABLE: "auto",
    mirrors.VARIABLE: "",
    SPEED: "1",
    "LOCALAWS_IMAGES": "",
    "DOCKER_CONFIG": "",
}
"""The variables, each with the value that an unset one stands for."""


def of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return those variables that an environment sets to a value that isn't empty."""
    return {name: environment[name] for name in DEFAULTS if environment.get(name)}


def without_effect(environment: Mapping[str, str], started_with: Mapping[str, str]) -> list[str]:
    """Return the variables that a caller sets to another value than the running daemon has.

    A variable that only the daemon's environment sets isn't among them: its value holds until the
    daemon stops.
    """
    return [
        name
        for name, value in of(environment).items()
        if value != started_with.get(name, DEFAULTS[name])
    ]
