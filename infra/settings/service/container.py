"""What runs in a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra.aws import fargate, images, naming
from infra.errors import Problem
from infra.settings.kinds import Choice, Flag, Map, Text, Texts, Whole, twins

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESERVED_VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA")
"""Credentials that must not stand in a task definition. Source: Security Hub, control ECS.8."""

VARIABLE: Final = Text(
    rf"(?!({'|'.join(_RESERVED_VARIABLES)})$)[A-Za-z_][A-Za-z0-9_]*",
    "an environment variable's name, no credential's",
)
"""The name of an environment variable."""

_CAPABILITIES: Final = (
    *(
        "ALL",
        "AUDIT_CONTROL",
        "AUDIT_WRITE",
        "BLOCK_SUSPEND",
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
    ),
    *(
        "FSETID",
        "IPC_LOCK",
        "IPC_OWNER",
        "KILL",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "MKNOD",
    ),
    *(
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
    ),
    *(
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_CHROOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
    ),
    *("SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"),
)
"""Source: ECS, KernelCapabilities."""

_ID: Final = "[1-9][0-9]{0,9}"
_UNPRIVILEGED_PORT: Final = 1024
"""From here on a process needs no capability to listen."""


@dataclass(frozen=True, kw_only=True)
class ContainerSettings:
    """The container, its size, and what it is told."""

    service_name: Annotated[
        str,
        Text(
            rf"[a-z](?:[a-z0-9-]{{0,{naming.LONGEST_SERVICE - 2}}}[a-z0-9])?",
            "lower-case letters, digits and inner hyphens, a letter first, at most "
            f"{naming.LONGEST_SERVICE} characters, because a target group's name ends at 32",
        ),
    ]
    container_name: Annotated[
        str, Text(r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores")
    ]
    image: Annotated[
        str,
        Text(
            r"(?!.*//)[a-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
            "an image's name, like public.ecr.aws/nginx/nginx:stable",
        ),
    ]
    command: Annotated[
        tuple[str, ...],
        Texts(
            Text(r"(?s).+", "a text that isn't empty; no items for the image's own", longest=8192)
        ),
    ]
    container_port: Annotated[int, Whole(1, 65535)]
    cpu_units: Annotated[int, Choice(tuple(fargate.MEMORY_MIB))]
    memory_mib: Annotated[int, Whole(512, 249856)]
    cpu_architecture: Annotated[str, Choice(("X86_64", "ARM64"))]
    require_image_digest: Annotated[bool, Flag()]
    user: Annotated[
        str,
        Text(
            rf"({_ID}(:(0|{_ID}))?)?",
            "a user's number but root's, perhaps with a group's, like 101 or 101:101",
        ),
    ]
    drop_capabilities: Annotated[
        tuple[str, ...],
        Texts(
            Text("|".join(_CAPABILITIES), "a Linux capability without CAP_, like NET_RAW, or ALL")
        ),
    ]
    writable_paths: Annotated[
        tuple[str, ...],
        Texts(Text(r"(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+", "a folder's absolute path, like /tmp")),
    ]
    environment: Annotated[dict[str, str], Map(VARIABLE, Text(r"(?s).*", "a text", longest=8192))]


def _memory_goes_with_cpu(cpu_units: int, memory_mib: int) -> Iterator[Problem]:
    sizes = fargate.MEMORY_MIB[cpu_units]
    if memory_mib not in sizes:
        yield Problem(
            "memoryMib",
            f"{memory_mib}",
            f"with cpuUnits {cpu_units}, one of {', '.join(map(str, sizes))}",
        )


def _the_image_stays_what_it_is(image: str, *, require_image_digest: bool) -> Iterator[Problem]:
    if require_image_digest and not images.is_pinned(image):
        yield Problem(
            "image",
            f"{image}, whose tag may be moved to something else",
            (
                f"NAME@DIGEST with what `{images.how_to_pin(image)}` prints, or any name "
                "with requireImageDigest false"
            ),
        )


def _who_is_not_root_listens_high(user: str, container_port: int) -> Iterator[Problem]:
    if user and container_port < _UNPRIVILEGED_PORT:
        yield Problem(
            "containerPort",
            f"{container_port}",
            f"with a user that isn't root, at least {_UNPRIVILEGED_PORT}",
        )


def _scratch_folders_are_apart(writable_paths: tuple[str, ...]) -> Iterator[Problem]:
    inside = [
        path
        for path in writable_paths
        if any(path.startswith(f"{other}/") for other in writable_paths)
    ]
    if wrong := [*inside, *twins(writable_paths)]:
        yield Problem(
            "writablePaths", ", ".join(wrong), "folders that are not in each other, each once"
        )


RELATIONS = (
    _memory_goes_with_cpu,
    _the_image_stays_what_it_is,
    _who_is_not_root_listens_high,
    _scratch_folders_are_apart,
)
