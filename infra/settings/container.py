"""What runs in a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra import fargate, naming
from infra.allowed import Choice, Map, Text, Texts, Whole
from infra.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESERVED_VARIABLES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA")
"""Credentials that must not stand in a task definition. Source: Security Hub, control ECS.8."""

_VARIABLE: Final = Text(
    rf"(?!({'|'.join(_RESERVED_VARIABLES)})$)[A-Za-z_][A-Za-z0-9_]*", "an environment variable's name, no credential's"
)
_PARAMETER: Final = Text(
    r"(?!/?(?i:aws|ssm))/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,14}",
    "the name of an SSM parameter, like /demo/dev/message",
    longest=1011,
)


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
    container_name: Annotated[str, Text(r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores")]
    image: Annotated[
        str,
        Text(
            r"(?!.*//)[a-z0-9][A-Za-z0-9._:/-]*(@sha256:[0-9a-f]{64})?",
            "an image's name, like public.ecr.aws/nginx/nginx:stable",
        ),
    ]
    command: Annotated[
        tuple[str, ...], Texts(Text(r"(?s).+", "a text that isn't empty; no items for the image's own", longest=8192))
    ]
    container_port: Annotated[int, Whole(1, 65535)]
    cpu_units: Annotated[int, Choice(tuple(fargate.MEMORY_MIB))]
    memory_mib: Annotated[int, Whole(512, 122880)]
    cpu_architecture: Annotated[str, Choice(("X86_64", "ARM64"))]
    environment: Annotated[dict[str, str], Map(_VARIABLE, Text(r"(?s).*", "a text", longest=8192))]
    secrets: Annotated[dict[str, str], Map(_VARIABLE, _PARAMETER)]


def _memory_goes_with_cpu(cpu_units: int, memory_mib: int) -> Iterator[Problem]:
    sizes = fargate.MEMORY_MIB[cpu_units]
    if memory_mib not in sizes:
        yield Problem("memoryMib", f"{memory_mib}", f"with cpuUnits {cpu_units}, one of {', '.join(map(str, sizes))}")


def _variables_have_one_source(environment: dict[str, str], secrets: dict[str, str]) -> Iterator[Problem]:
    for name in sorted(environment.keys() & secrets.keys()):
        yield Problem("environment", f"{name}, which secrets has too", "a name that only one of the two has")


RELATIONS = (_memory_goes_with_cpu, _variables_have_one_source)
