"""The EC2 instances of a stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.aws import instances
from infra.errors import Problem
from infra.settings.kinds import Text, Whole
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.instances import InstanceType

_SMALLEST_VOLUME: Final = 30
"""Size of the image's own snapshot in GiB. Source: aws/containers-roadmap, issue 134."""


@dataclass(frozen=True, kw_only=True)
class InstanceSettings(Topic):
    """The instances that run the tasks of services with capacity ec2."""

    instance_type: str = key(Text(r"[a-z0-9]+\.[a-z0-9]+", "an instance type, like t3.small"))
    min_instances: int = key(Whole(0, 500))
    max_instances: int = key(Whole(1, 500))
    instance_volume_gib: int = key(Whole(_SMALLEST_VOLUME, 16_384))
    target_capacity_percent: int = key(Whole(1, 100))
    instance_reserved_mib: int = key(Whole(0, 65_536))

    @property
    def type(self) -> InstanceType:
        """What an instance offers; `problems` refuses a type that isn't known."""
        return instances.TYPES[self.instance_type]

    def problems(self) -> Iterator[Problem]:
        """Check the type, and the numbers of instances."""
        yield from self._type_is_known()
        yield from self._bounds_are_in_order()

    @relation("instance_type")
    def _type_is_known(self) -> Iterator[Problem]:
        if self.instance_type not in instances.TYPES:
            yield Problem(
                "instanceType",
                self.instance_type,
                f"a type whose size this program knows: {instances.families()}",
            )

    @relation("min_instances", "max_instances")
    def _bounds_are_in_order(self) -> Iterator[Problem]:
        if self.min_instances > self.max_instances:
            yield Problem(
                "maxInstances",
                f"{self.max_instances}",
                f"at least minInstances, {self.min_instances}",
            )
