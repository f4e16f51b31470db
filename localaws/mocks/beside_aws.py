"""What programs make beside AWS's resources: values that the state keeps, and images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localaws.catalog import UNKNOWN
from localaws.mocks.mistake import Mistake
from localaws.protocol import docker_build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.mocks.recording import Registered

STASH = "pulumi:index:Stash"

TYPES = frozenset({STASH, docker_build.IMAGE})
"""Types that are made here."""


@dataclass(frozen=True)
class BesideAws:
    """Makes resources of TYPES."""

    earlier: Mapping[str, Registered] = field(default_factory=dict)
    """What the run before registered, by URN."""

    preview: bool = False

    def make(self, resource: Registered) -> tuple[str, dict[str, Any]]:
        """Make a resource; return its id, empty if unknown, and its outputs.

        Raises:
            Mistake: The provider would refuse it.
        """
        before = self.earlier.get(resource.urn)
        exists = before is not None or not self.preview
        identifier = resource.name if exists else ""
        if resource.type == STASH:
            # A stash keeps its first value.
            kept = before.inputs if before else resource.inputs
            return identifier, {**resource.inputs, "output": kept.get("input")}
        complaints = tuple(docker_build.problems(resource.inputs))
        if complaints:
            raise Mistake(f"{resource.type} '{resource.name}'", *complaints)
        digest = docker_build.made_up_digest(resource.inputs) if exists else UNKNOWN
        return identifier, docker_build.outputs(resource.inputs, digest)
