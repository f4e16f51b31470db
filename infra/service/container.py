"""The container of a task, as ECS spells it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.aws import secret_names as secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.aws.environment import AwsEnvironment


@dataclass(frozen=True, kw_only=True)
class Container:
    """What runs in a task."""

    name: str
    """Its name, and prefix of its log streams."""

    image: str
    command: Sequence[str] = ()
    """Its command; none for the image's own."""

    port: int = 80
    """TCP port that it listens on."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Plain environment variables."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    """Environment variables whose values ECS reads at a task's start, from what `infra.secrets`
    lets these name.
    """

    user: str = ""
    """User, and perhaps group, that it runs as, by number; empty for the image's own."""

    dropped_capabilities: Sequence[str] = ()
    """Linux capabilities that it does without; one that runs as a `user` does without any."""

    writable_paths: Sequence[str] = ()
    """Folders that it may write to while its root file system is read-only, which it is without ECS
    Exec.
    """

    stop_timeout_seconds: int = 30
    """How long it may take to end after its stop signal, 2 to 120 s."""

    def scratch(self, *, ecs_exec: bool) -> dict[str, str]:
        """The empty volumes that its task needs, each with where it finds it.

        The agent of ECS Exec writes to the root file system, so with Exec that is writable and
        there are none.
        """
        paths = () if ecs_exec else self.writable_paths
        return {f"scratch-{number}": path for number, path in enumerate(paths, start=1)}

    def definition(
        self, place: AwsEnvironment, *, logs_to: object, ecs_exec: bool
    ) -> dict[str, Any]:
        """The container as ECS's API spells it; what is empty is left out."""
        whole = {
            "name": self.name,
            "image": self.image,
            "essential": True,
            "command": list(self.command),
            "portMappings": [
                {"containerPort": self.port, "hostPort": self.port, "protocol": "tcp"}
            ],
            "environment": [
                {"name": name, "value": value} for name, value in sorted(self.environment.items())
            ],
            "secrets": [
                {"name": name, "valueFrom": secrets.at(place, secret).value_from}
                for name, secret in sorted(self.secrets.items())
            ],
            "user": self.user,
            "readonlyRootFilesystem": not ecs_exec,
            "mountPoints": [
                {"sourceVolume": volume, "containerPath": path, "readOnly": False}
                for volume, path in self.scratch(ecs_exec=ecs_exec).items()
            ],
            "linuxParameters": {
                # Reaps what a shell leaves behind, and hands signals on.
                "initProcessEnabled": True,
                "capabilities": {
                    "drop": ["ALL"] if self.user else sorted(self.dropped_capabilities)
                },
            },
            "stopTimeout": self.stop_timeout_seconds,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": logs_to,
                    "awslogs-region": place.region,
                    "awslogs-stream-prefix": self.name,
                },
            },
        }
        return {key: value for key, value in whole.items() if value not in ("", [])}
