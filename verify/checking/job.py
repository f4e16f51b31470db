"""One of the checks that a run makes at the same time."""

from typing import NamedTuple

from verify.options.groups import Options
from verify.options.target import Parsed


class Job(NamedTuple):
    """A target with what is expected of it, and in a plan the check's name."""

    parsed: Parsed
    options: Options
    name: str = ""
