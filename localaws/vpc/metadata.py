"""The task metadata endpoint, version 4, and the endpoint of task credentials. Pure.

A task is known by the address that it connects from, so it sees only itself.

Source: Amazon ECS Developer Guide, "Task metadata endpoint version 4 for tasks on Fargate" and
"Task IAM role".
"""

from __future__ import annotations

import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from localaws.vpc.routing import RESOLVER_ADDRESS, TASK_METADATA_ADDRESS, gateway_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.vpc.services import Metadata

_LIFETIME = timedelta(hours=6)
_RENEWED_BEFORE = timedelta(minutes=15)
_METADATA = re.compile(r"/v4/([^/]+)(/task|/stats|/task/stats|/taskWithTags)?/?")
_UNITS_PER_CPU = 1024
_CREDENTIALS = "/v2/credentials/"


@dataclass(frozen=True, kw_only=True)
class ContainerDescription:
    """What the endpoint shows of a container."""

    name: str
    image: str
    image_digest: str = ""
    cpu: int | None = None
    memory: int | None = None


@dataclass(frozen=True, kw_only=True)
class TaskDescription:
    """What the endpoint shows of a task."""

    arn: str
    cluster: str
    family: str
    revision: str
    zone: str
    """Its availability zone."""

    vpc: str
    address: str
    cidr: str
    """Its subnet's range."""

    ipv6: str = ""
    ipv6_cidr: str = ""
    cpu: int | None = None
    memory: int | None = None
    role: str = ""
    """The ARN of its task role; empty for none."""

    containers: tuple[ContainerDescription, ...] = ()

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    def runtime_id(self, container: str) -> str:
        """Return the id of one of its containers, as Fargate makes them."""
        return f"{self.id}-{zlib.crc32(container.encode()):010d}"


class TaskMetadata:
    """Answers tasks about themselves."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Know no task.

        Args:
            now: The time, by which credentials are renewed.
        """
        self._now = now
        self._tasks: dict[tuple[str, str], TaskDescription] = {}
        self._credentials: dict[tuple[str, str], dict[str, str]] = {}
        self._keys: dict[tuple[str, str], str] = {}

    def add(self, vpc: str, address: str, task: TaskDescription) -> None:
        """Answer for the task at an address of a VPC."""
        self._tasks[vpc, address] = task
        self._keys[vpc, address] = secrets.token_hex(16)

    def remove(self, vpc: str, address: str) -> None:
        """Answer no longer for a task."""
        for known in (self._tasks, self._credentials, self._keys):
            known.pop((vpc, address), None)

    def environment(self, vpc: str, address: str, container: str) -> dict[str, str]:
        """Return the variables by which a container's programs find the endpoints."""
        task = self._tasks[vpc, address]
        base = f"http://{TASK_METADATA_ADDRESS}"
        found = {"ECS_CONTAINER_METADATA_URI_V4": f"{base}/v4/{task.runtime_id(container)}"}
        if task.role:
            key = self._keys[vpc, address]
            found["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"{_CREDENTIALS}{key}"
        return found

    def answer(self, vpc: str, address: str, path: str) -> Metadata | None:
        """Return what the endpoint answers to a path; None for what isn't there."""
        task = self._tasks.get((vpc, address))
        if task is None:
            return None
        if path == f"{_CREDENTIALS}{self._keys[vpc, address]}":
            return self._of_role(vpc, address, task)
        found = _METADATA.fullmatch(path)
        if found is None:
            return None
        identifier, part = found.groups()
        for each in task.containers:
            if task.runtime_id(each.name) == identifier:
                return HTTPStatus.OK, _document(task, each, part or "")
        return None

    def _of_role(self, vpc: str, address: str, task: TaskDescription) -> Metadata | None:
        if not task.role:
            return None
        key, now = (vpc, address), self._now()
        there = self._credentials.get(key)
        if there is None or datetime.fromisoformat(there["Expiration"]) - now < _RENEWED_BEFORE:
            self._credentials[key] = _credentials(task.role, now + _LIFETIME)
        return HTTPStatus.OK, self._credentials[key]


def _credentials(role: str, expiration: datetime) -> dict[str, str]:
    """Return credentials that are made up: nothing on this machine takes or checks them."""
    return {
        "RoleArn": role,
        "AccessKeyId": f"ASIALOCAL{secrets.token_hex(6)[:11].upper()}",
        "SecretAccessKey": secrets.token_urlsafe(30),
        "Token": secrets.token_urlsafe(60),
        "Expiration": _time(expiration),
    }


def _document(task: TaskDescription, container: ContainerDescription, part: str) -> object:
    if part.startswith("/task") and part != "/task/stats":
        return _of_task(task)
    if part == "/stats":
        return {}  # statistics are not kept
    if part == "/task/stats":
        return {task.runtime_id(each.name): {} for each in task.containers}
    return _of_container(task, container)


def _of_task(task: TaskDescription) -> dict[str, Any]:
    return {
        "Cluster": task.cluster,
        "TaskARN": task.arn,
        "Family": task.family,
        "Revision": task.revision,
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Limits": _limits(None if task.cpu is None else task.cpu / _UNITS_PER_CPU, task.memory),
        "AvailabilityZone": task.zone,
        "LaunchType": "FARGATE",
        "Containers": [_of_container(task, each) for each in task.containers],
    }


def _of_container(task: TaskDescription, container: ContainerDescription) -> dict[str, Any]:
    runtime_id = task.runtime_id(container.name)
    prefix = task.cidr.partition("/")[2]
    return {
        "DockerId": runtime_id,
        "Name": container.name,
        "DockerName": container.name,
        "Image": container.image,
        "ImageID": container.image_digest,
        "Labels": {
            "com.amazonaws.ecs.cluster": task.cluster,
            "com.amazonaws.ecs.container-name": container.name,
            "com.amazonaws.ecs.task-arn": task.arn,
            "com.amazonaws.ecs.task-definition-family": task.family,
            "com.amazonaws.ecs.task-definition-version": task.revision,
        },
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Limits": _limits(container.cpu, container.memory),
        "Type": "NORMAL",
        "ContainerARN": f"{task.arn.replace(':task/', ':container/')}/{runtime_id}",
        "Networks": [
            {
                "NetworkMode": "awsvpc",
                "IPv4Addresses": [task.address],
                **_ipv6(task),
                "IPv4SubnetCIDRBlock": task.cidr,
                "SubnetGatewayIpv4Address": f"{gateway_address(task.cidr)}/{prefix}",
                "DomainNameServers": [RESOLVER_ADDRESS],
            }
        ],
    }


def _ipv6(task: TaskDescription) -> dict[str, Any]:
    if not task.ipv6:
        return {}
    return {"IPv6Addresses": [task.ipv6], "IPv6SubnetCIDRBlock": task.ipv6_cidr}


def _limits(cpu: float | None, memory: int | None) -> dict[str, float]:
    return {name: value for name, value in (("CPU", cpu), ("Memory", memory)) if value is not None}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
