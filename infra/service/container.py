"""The container definition of a task. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.aws import secret_names as secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.aws.environment import AwsEnvironment


@dataclass(frozen=True, kw_only=True)
class Container:
    """The container of a task; what a stack configures has no defaults here."""

    name: str
    """Its name, and prefix of its log streams."""

    image: object
    """Its name, or an Output of it."""

    command: Sequence[str]
    """Its command; empty for the image's own."""

    port: int
    """TCP port that it listens on."""

    environment: Mapping[str, str]
    """Plain environment variables."""

    secrets: Mapping[str, str]
    """Environment variables whose values ECS reads when a task starts, from the SSM parameters or
    secrets that these name (`infra.aws.secret_names`).
    """

    user: str | None
    """User, and optionally group, that it runs as, by number; None for the image's own."""

    dropped_capabilities: Sequence[str]
    """Linux capabilities that are dropped; with a `user`, all of them are."""

    writable_paths: Sequence[str]
    """Folders that it may write to while its root file system is read-only. With ECS Exec, the
    whole file system is writable.
    """

    stop_timeout_seconds: int
    """Time from the stop signal to the kill, 2 to 120 s."""

    def scratch(self, *, ecs_exec: bool) -> dict[str, str]:
        """Return the path of each empty volume that the task needs, by the volume's name.

        With ECS Exec there are none: its agent writes to the root file system, so that is writable.
        """
        paths = () if ecs_exec else self.writable_paths
        return {f"scratch-{number}": path for number, path in enumerate(paths, start=1)}

    def definition(
        self, aws_environment: AwsEnvironment, *, logs_to: object, ecs_exec: bool
    ) -> dict[str, Any]:
        """Return the container in the form of ECS's API, without empty values."""
        members = {
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
                {"name": name, "valueFrom": secrets.resolve(aws_environment, secret).value_from}
                for name, secret in sorted(self.secrets.items())
            ],
            "user": self.user,
            "readonlyRootFilesystem": not ecs_exec,
            "mountPoints": [
                {"sourceVolume": volume, "containerPath": path, "readOnly": False}
                for volume, path in self.scratch(ecs_exec=ecs_exec).items()
            ],
            "linuxParameters": {
                # Reaps a shell's orphans, and forwards signals.
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
                    "awslogs-region": aws_environment.region,
                    "awslogs-stream-prefix": self.name,
                },
            },
        }
        return {key: value for key, value in members.items() if value not in (None, [])}
