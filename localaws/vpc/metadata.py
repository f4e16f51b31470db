"""The task metadata endpoint, version 4, and the endpoint of task credentials. Pure.

A task is known by the address that it connects from, so it sees only itself. The tasks of an EC2
instance share its address, and each is known by the path: as on AWS, where it has to be guessed.

Source: Amazon ECS Developer Guide, "Task metadata endpoint version 4 for tasks on Fargate" and
"Task IAM role".
"""

from __future__ import annotations

import re
import secrets
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from localaws.catalog.values import without_none
from localaws.vpc.routing import RESOLVER_ADDRESS, TASK_METADATA_ADDRESS, gateway_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    runtime_id: str = ""
    """On an EC2 instance, Docker's id of it."""

    address: str = ""
    """On an EC2 instance, its address on the bridge."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Docker labels of its definition."""


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
    launch_type: str = "FARGATE"

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    def runtime_id(self, container: str) -> str:
        """Return the id of one of its containers, on Fargate as that makes them."""
        for each in self.containers:
            if each.name == container and each.runtime_id:
                return each.runtime_id
        return f"{self.id}-{zlib.crc32(container.encode()):010d}"


@dataclass
class _Known:
    """A task that may ask."""

    task: TaskDescription
    path: str
    """The path of its credentials."""

    credentials: dict[str, str] = field(default_factory=dict)


class TaskMetadata:
    """Answers tasks about themselves."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Know no task.

        Args:
            now: The time, by which credentials are renewed.
        """
        self._now = now
        self._tasks: dict[tuple[str, str], dict[str, _Known]] = {}
        """By VPC and address, then by the task's ARN."""

    def add(self, task: TaskDescription) -> None:
        """Answer for a task at its address."""
        known = _Known(task, f"{_CREDENTIALS}{secrets.token_hex(16)}")
        self._tasks.setdefault((task.vpc, task.address), {})[task.arn] = known

    def remove(self, task: TaskDescription) -> None:
        """Answer no longer for a task."""
        there = self._tasks.get((task.vpc, task.address), {})
        there.pop(task.arn, None)
        if not there:
            self._tasks.pop((task.vpc, task.address), None)

    def environment(self, task: TaskDescription, container: str) -> dict[str, str]:
        """Return the variables by which a container's programs find the endpoints."""
        base = f"http://{TASK_METADATA_ADDRESS}"
        found = {"ECS_CONTAINER_METADATA_URI_V4": f"{base}/v4/{task.runtime_id(container)}"}
        if task.role:
            path = self._tasks[task.vpc, task.address][task.arn].path
            found["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = path
        return found

    def answer(self, vpc: str, address: str, path: str) -> Metadata | None:
        """Return what the endpoint answers to a path; None for what isn't there."""
        there = self._tasks.get((vpc, address), {}).values()
        for known in there:
            if path == known.path and known.task.role:
                return self._of_role(known)
        found = _METADATA.fullmatch(path)
        if found is None:
            return None
        identifier, part = found.groups()
        for known in there:
            for each in known.task.containers:
                if known.task.runtime_id(each.name) == identifier:
                    return HTTPStatus.OK, _document(known.task, each, part or "")
        return None

    def _of_role(self, known: _Known) -> Metadata:
        there = known.credentials
        now = self._now()
        if not there or datetime.fromisoformat(there["Expiration"]) - now < _RENEWED_BEFORE:
            known.credentials = _credentials(known.task.role, now + _LIFETIME)
        return HTTPStatus.OK, known.credentials


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
        "LaunchType": task.launch_type,
        "Containers": [_of_container(task, each) for each in task.containers],
    }


def _of_container(task: TaskDescription, container: ContainerDescription) -> dict[str, Any]:
    runtime_id = task.runtime_id(container.name)
    return {
        "DockerId": runtime_id,
        "Name": container.name,
        "DockerName": container.name,
        "Image": container.image,
        "ImageID": container.image_digest,
        "Labels": {
            **container.labels,
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
        "Networks": [_network(task, container)],
    }


def _network(task: TaskDescription, container: ContainerDescription) -> dict[str, Any]:
    if container.address:
        return {"NetworkMode": "bridge", "IPv4Addresses": [container.address]}
    prefix = task.cidr.partition("/")[2]
    return {
        "NetworkMode": "awsvpc",
        "IPv4Addresses": [task.address],
        **_ipv6(task),
        "IPv4SubnetCIDRBlock": task.cidr,
        "SubnetGatewayIpv4Address": f"{gateway_address(task.cidr)}/{prefix}",
        "DomainNameServers": [RESOLVER_ADDRESS],
    }


def _ipv6(task: TaskDescription) -> dict[str, Any]:
    if not task.ipv6:
        return {}
    return {"IPv6Addresses": [task.ipv6], "IPv6SubnetCIDRBlock": task.ipv6_cidr}


def _limits(cpu: float | None, memory: int | None) -> dict[str, float]:
    return without_none({"CPU": cpu, "Memory": memory})


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
