"""The container definitions of a task. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.aws import secret_names as secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.aws.environment import AwsEnvironment


@dataclass(kw_only=True)
class ContainerHealthCheck:
    """A command in a container that shows whether it is healthy."""

    command: Sequence[str]
    """`CMD` or `CMD-SHELL`, and the command."""

    interval_seconds: int
    timeout_seconds: int
    retries: int
    start_seconds: int
    """Time after the start during which failures don't count; 0 for none."""

    def definition(self) -> dict[str, Any]:
        """Return the health check in the form of ECS's API."""
        members = {
            "command": list(self.command),
            "interval": self.interval_seconds,
            "timeout": self.timeout_seconds,
            "retries": self.retries,
        }
        if self.start_seconds:
            members["startPeriod"] = self.start_seconds
        return members


@dataclass(kw_only=True)
class Volume:
    """A volume of a task: an access point of EFS, or else empty when the task starts."""

    name: str
    file_system_id: str | None = None
    access_point_id: str | None = None


@dataclass(kw_only=True)
class Mount:
    """A folder of a container in which a volume of the task is."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(kw_only=True)
class LogRouter:
    """A container of Fluent Bit that routes the output of others (FireLens)."""

    file: str | None
    """File of its image with further configuration."""

    def definition(self) -> dict[str, Any]:
        """Return it in the form of ECS's API."""
        if self.file is None:
            return {"type": "fluentbit"}
        # Fargate takes a file of the image only, none from S3.
        options = {"config-file-type": "file", "config-file-value": self.file}
        return {"type": "fluentbit", "options": options}


@dataclass(kw_only=True)
class RoutedLogs:
    """How a log router outputs what a container prints."""

    options: Mapping[str, str]
    """Options of Fluent Bit's output, and FireLens's own."""

    secrets: Mapping[str, str]
    """Options whose values ECS reads when a task starts, as a container's secrets."""


@dataclass(kw_only=True)
class Container:
    """A container of a task; what a stack configures has no defaults here."""

    name: str
    """Its name, and prefix of its log streams."""

    image: object
    """Its name, or an Output of it."""

    command: Sequence[str]
    """Its command; empty for the image's own."""

    log_router: LogRouter | None = None
    """What it does as the log router of its task; None for another container."""

    routed_logs: RoutedLogs | None = None
    """How the log router gets its output; None where that goes to the log group."""

    port: int | None
    """TCP port that it listens on; None for one that only its own task connects to."""

    port_name: str | None = None
    """Name of that port in the task; None for none."""

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

    mounts: Sequence[Mount] = ()
    """Volumes that it shares with other containers or tasks."""

    depends_on: Mapping[str, str] = field(default_factory=dict)
    """Conditions of other containers that it waits for, by their names."""

    health_check: ContainerHealthCheck | None = None
    essential: bool = True
    """Whether its end stops the task."""

    cpu_units: int | None = None
    """CPU that it has a right to; None for what the others leave."""

    memory_mib: int | None = None
    """Memory above which it is killed; None for the task's."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Docker labels."""

    scratch_prefix: str = "scratch"
    """Beginning of the names of the volumes in its writable folders, unique in the task."""

    def scratch(self, *, ecs_exec: bool) -> dict[str, str]:
        """Return the path of each empty volume that the container needs, by the volume's name.

        With ECS Exec there are none: its agent writes to the root file system, so that is writable.
        """
        paths = () if ecs_exec else self.writable_paths
        return {
            f"{self.scratch_prefix}-{number}": path for number, path in enumerate(paths, start=1)
        }

    def _mount_points(self, *, ecs_exec: bool) -> Iterator[dict[str, Any]]:
        for volume, path in self.scratch(ecs_exec=ecs_exec).items():
            yield {"sourceVolume": volume, "containerPath": path, "readOnly": False}
        for mount in self.mounts:
            yield {
                "sourceVolume": mount.volume,
                "containerPath": mount.path,
                "readOnly": mount.read_only,
            }

    def definition(
        self,
        aws_environment: AwsEnvironment,
        *,
        logs_to: object,
        ecs_exec: bool,
        dynamic_host_port: bool = False,
    ) -> dict[str, Any]:
        """Return the container in the form of ECS's API, without empty values.

        With `dynamic_host_port`, the agent on an instance chooses the host port.
        """
        members = {
            "name": self.name,
            "image": self.image,
            "essential": self.essential,
            "command": list(self.command),
            "portMappings": self._port_mappings(dynamic_host_port=dynamic_host_port),
            "environment": [
                {"name": name, "value": value} for name, value in sorted(self.environment.items())
            ],
            "secrets": _values_from(aws_environment, self.secrets),
            "user": self.user,
            "readonlyRootFilesystem": not ecs_exec,
            "mountPoints": list(self._mount_points(ecs_exec=ecs_exec)),
            "linuxParameters": {
                # Reaps a shell's orphans, and forwards signals.
                "initProcessEnabled": True,
                "capabilities": {
                    "drop": ["ALL"] if self.user else sorted(self.dropped_capabilities)
                },
            },
            "stopTimeout": self.stop_timeout_seconds,
            "firelensConfiguration": self.log_router.definition() if self.log_router else None,
            "logConfiguration": self._log_configuration(aws_environment, logs_to),
            "dependsOn": [
                {"containerName": name, "condition": condition}
                for name, condition in sorted(self.depends_on.items())
            ],
            "healthCheck": self.health_check.definition() if self.health_check else None,
            "cpu": self.cpu_units,
            "memory": self.memory_mib,
            "dockerLabels": dict(self.labels) or None,
        }
        return {key: value for key, value in members.items() if value not in (None, [])}

    @property
    def all_secrets(self) -> list[str]:
        """What ECS reads for the container before it starts."""
        of_logs = self.routed_logs.secrets.values() if self.routed_logs else ()
        return [*self.secrets.values(), *of_logs]

    def _log_configuration(
        self, aws_environment: AwsEnvironment, logs_to: object
    ) -> dict[str, Any]:
        logs = self.routed_logs
        if logs is None:
            options = {
                "awslogs-group": logs_to,
                "awslogs-region": aws_environment.region,
                "awslogs-stream-prefix": self.name,
            }
            return {"logDriver": "awslogs", "options": options}
        members: dict[str, Any] = {"logDriver": "awsfirelens"}
        if logs.options:
            members["options"] = dict(logs.options)
        if logs.secrets:
            members["secretOptions"] = _values_from(aws_environment, logs.secrets)
        return members

    def _port_mappings(self, *, dynamic_host_port: bool) -> list[dict[str, Any]]:
        if self.port is None:
            return []
        host_port = 0 if dynamic_host_port else self.port
        mapping = {"containerPort": self.port, "hostPort": host_port, "protocol": "tcp"}
        if self.port_name:
            mapping["name"] = self.port_name
        return [mapping]


def _values_from(aws_environment: AwsEnvironment, named: Mapping[str, str]) -> list[dict[str, str]]:
    """Return secrets by name in the form of ECS's API."""
    found = []
    for name, secret in sorted(named.items()):
        value_from = secrets.resolve(aws_environment, secret).value_from
        found.append({"name": name, "valueFrom": value_from})
    return found
