"""The file systems that the containers of a task share, and the size of a task's own one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final

from infra.errors import Problem
from infra.settings.collection_kinds import Map, MapsByName
from infra.settings.kinds import OrNone, Text, Whole
from infra.settings.service.container import FOLDER
from infra.settings.topic import Entry, Topic, entry_problems, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.values import Texts

READ_ONLY: Final = ":ro"
"""Suffix of a mount that can't be written to."""

SMALLEST_STORAGE_GIB: Final = 20
"""Ephemeral storage of each Fargate task. Source: Amazon ECS, Fargate task ephemeral storage."""

_VOLUME: Final = Text(
    "(?!scratch-)[a-z0-9][a-z0-9-]{0,62}",
    "at most 63 lower-case letters, digits and hyphens, not scratch- first, as the volumes of "
    "writablePaths",
)
MOUNTS: Final = Map(
    _VOLUME,
    Text(f"{FOLDER}({READ_ONLY})?", f"a folder's absolute path, or one with {READ_ONLY} after it"),
)
"""Folders of a container by the volumes that are there."""


@dataclass(frozen=True, kw_only=True)
class Volume(Entry):
    """A volume of a task: empty when the task starts, or an access point of EFS."""

    defaults: ClassVar[Mapping[str, str]] = {"efsFileSystemId": "", "efsAccessPointId": ""}

    efs_file_system_id: str | None = key(
        OrNone(
            Text("fs-[0-9a-f]{8,40}", "an EFS file system's id, like fs-0123456789abcdef0"),
            "empty for a volume that is deleted with the task",
        )
    )
    efs_access_point_id: str | None = key(
        OrNone(
            Text("fsap-[0-9a-f]{8,40}", "an EFS access point's id, like fsap-0123456789abcdef0"),
            "empty for a volume that is deleted with the task",
        )
    )

    def problems(self) -> Iterator[Problem]:
        """Check that a file system and its access point are named together."""
        yield from self._has_both_or_none()

    @relation("efs_file_system_id", "efs_access_point_id")
    def _has_both_or_none(self) -> Iterator[Problem]:
        # Without an access point the tasks could write to every folder of the file system.
        if bool(self.efs_file_system_id) != bool(self.efs_access_point_id):
            yield Problem(
                "",
                "only one of efsFileSystemId and efsAccessPointId",
                "both, or none for a volume that is deleted with the task",
            )


@dataclass(frozen=True, kw_only=True)
class VolumeSettings(Topic):
    """Volumes, where the service's container has them, and the task's own storage."""

    volumes: Mapping[str, Texts | None] = key(
        MapsByName(
            "a map from the name of each volume to a map with efsFileSystemId and "
            "efsAccessPointId, or an empty map for one that is deleted with the task"
        )
    )
    mounts: dict[str, str] = key(MOUNTS)
    ephemeral_storage_gib: int = key(Whole(SMALLEST_STORAGE_GIB, 200))

    @cached_property
    def all(self) -> dict[str, Volume]:
        """The volumes by name."""
        found: dict[str, Volume] = {}
        for name, texts in (self.volumes or {}).items():
            found[name] = Volume.of(f"volumes.{name}", texts)
        return found

    def problems(self) -> Iterator[Problem]:
        """Check each volume."""
        yield from self._volumes_are_right()

    @relation("volumes")
    def _volumes_are_right(self) -> Iterator[Problem]:
        yield from entry_problems("volumes", self.volumes, self.all, _VOLUME)
