"""Every choice that a stack can make, read once, checked, frozen.

The defaults live in Pulumi.yaml, so `pulumi config` shows what will be deployed.
"""

from __future__ import annotations

import difflib
import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, get_type_hints

import pulumi
from pulumi.runtime import config

from infra import deployment, fargate, naming
from infra.allowed import Choice, Flag, Kind, Map, Network, Text, Texts, Whole
from infra.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Source: CloudWatch Logs, PutRetentionPolicy. 0, for ever, is left out: such a log is a bill that only grows."""

_PERCENT_MOST: Final = 400

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
_MATCHER: Final = r"[23][0-9]{2}|4[0-9]{2}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a stack deploys; docs/config.md says what each key means and what a change does."""

    project: str
    stack: str

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

    desired_count: Annotated[int, Whole(0, 5000)]
    minimum_healthy_percent: Annotated[int, Whole(0, 100)]
    # Spreading tasks evenly over the zones starts one before it stops another, and ECS refuses it at 100.
    maximum_percent: Annotated[int, Whole(101, _PERCENT_MOST)]
    health_check_grace_seconds: Annotated[int, Whole(0, 2_147_483_647)]
    steady_state_timeout_minutes: Annotated[int, Whole(1, 180)]
    drain_seconds: Annotated[int, Whole(*fargate.STOP_TIMEOUT_SECONDS)]

    health_check_path: Annotated[str, Text(r"/[!-~]*", "a path that begins with / and has no spaces", longest=1024)]
    health_check_codes: Annotated[
        str,
        Text(
            rf"({_MATCHER})(-({_MATCHER}))?(,({_MATCHER})(-({_MATCHER}))?)*",
            "HTTP codes from 200 to 499, like 200-399 or 200,301",
        ),
    ]
    health_check_interval_seconds: Annotated[int, Whole(5, 300)]
    health_check_timeout_seconds: Annotated[int, Whole(2, 120)]
    healthy_threshold: Annotated[int, Whole(2, 10)]
    unhealthy_threshold: Annotated[int, Whole(2, 10)]
    idle_timeout_seconds: Annotated[int, Whole(1, 4000)]

    container_insights: Annotated[str, Choice(("disabled", "enabled", "enhanced"))]
    ecs_exec: Annotated[bool, Flag()]
    log_retention_days: Annotated[int, Choice(_RETENTION_DAYS)]
    exec_log_retention_days: Annotated[int, Choice(_RETENTION_DAYS)]
    deletion_protection: Annotated[bool, Flag()]

    vpc_id: Annotated[str, Text(r"(vpc-[0-9a-f]{8,17})?", "a VPC's id, like vpc-0a1b2c3d; empty makes a VPC")]
    subnet_ids: Annotated[tuple[str, ...], Texts(Text(r"subnet-[0-9a-f]{8,17}", "a subnet's id, like subnet-0a1b2c3d"))]
    # The narrowest network, cut for the most zones, leaves each subnet the /27 that a load balancer needs.
    vpc_cidr: Annotated[str, Network(16, 24)]
    availability_zone_count: Annotated[int, Whole(2, 6)]

    @classmethod
    def load(cls) -> Self:
        """Read the selected stack's configuration.

        Raises:
            SettingsError: Something in it can't be deployed; it names every such key, its value and what is allowed.
        """
        namespace = f"{pulumi.get_project()}:"
        stored = {**config.get_config_env(), **config.CONFIG.get()}
        secret = {key for key in stored if config.is_config_secret(key)} | {*config.get_config_secret_keys_env()}
        return cls.of(
            {key.removeprefix(namespace): str(text) for key, text in stored.items() if key.startswith(namespace)},
            project=pulumi.get_project(),
            stack=pulumi.get_stack(),
            secret={key.removeprefix(namespace) for key in secret},
        )

    @classmethod
    def of(cls, texts: Mapping[str, str], *, project: str, stack: str, secret: Collection[str] = ()) -> Self:
        """Settings from configuration as Pulumi hands it over: text by camelCase key.

        Raises:
            SettingsError: As `load`.
        """
        values: dict[str, Any] = {}
        problems = [*_unknown(texts), *_misnamed(stack)]
        for name, kind in kinds().items():
            key = camel(name)
            text = texts.get(key, "{}" if isinstance(kind, Map) else None)
            if key in secret:
                problems.append(Problem(key, "an encrypted value", "plain text; name secrets of the task in `secrets`"))
            elif text is None:
                problems.append(Problem(key, "not set", kind.allowed))
            else:
                try:
                    values[name] = kind.read(text)
                except ValueError:
                    shown = kind.misplaced(text) if isinstance(kind, Map) else text or "empty"
                    problems.append(Problem(key, shown, kind.allowed))
        for relation in _RELATIONS:
            names = inspect.signature(relation).parameters
            if values.keys() >= names.keys():
                problems.extend(relation(**{name: values[name] for name in names}))
        if problems:
            raise SettingsError(problems)
        return cls(project=project, stack=stack, **values)


@cache
def kinds() -> dict[str, Kind]:
    """What each setting may be, by field name."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}


def camel(name: str) -> str:
    """The configuration key of a field."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _unknown(texts: Mapping[str, str]) -> Iterator[Problem]:
    known = [camel(name) for name in kinds()]
    for key in sorted(texts.keys() - set(known)):
        close = difflib.get_close_matches(key, known, n=1)
        yield Problem(key, "an unknown key", f"perhaps {close[0]}" if close else ", ".join(known))


def _misnamed(stack: str) -> Iterator[Problem]:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", stack):
        yield Problem(
            "stack", stack, "a stack name of at most 100 letters, digits, - and _, as it becomes part of ECS's names"
        )


def _memory_goes_with_cpu(cpu_units: int, memory_mib: int) -> Iterator[Problem]:
    sizes = fargate.MEMORY_MIB[cpu_units]
    if memory_mib not in sizes:
        yield Problem("memoryMib", f"{memory_mib}", f"with cpuUnits {cpu_units}, one of {', '.join(map(str, sizes))}")


def _check_ends_before_the_next(
    health_check_interval_seconds: int, health_check_timeout_seconds: int
) -> Iterator[Problem]:
    if health_check_timeout_seconds >= health_check_interval_seconds:
        yield Problem(
            "healthCheckTimeoutSeconds",
            f"{health_check_timeout_seconds}",
            f"less than healthCheckIntervalSeconds, {health_check_interval_seconds}",
        )


def _deployments_can_progress(
    desired_count: int, minimum_healthy_percent: int, maximum_percent: int
) -> Iterator[Problem]:
    if not deployment.can_progress(desired_count, minimum_healthy_percent, maximum_percent):
        enough = next(
            percent
            for percent in range(maximum_percent, _PERCENT_MOST + 1)
            if deployment.can_progress(desired_count, minimum_healthy_percent, percent)
        )
        yield Problem(
            "maximumPercent",
            f"{maximum_percent}",
            f"with desiredCount {desired_count} and minimumHealthyPercent {minimum_healthy_percent}, at least "
            f"{enough}, else no deployment could start or stop a task",
        )


def _steady_state_is_within_reach(steady_state_timeout_minutes: int, drain_seconds: int) -> Iterator[Problem]:
    # A task drains for that long, and then has as long again to stop.
    if steady_state_timeout_minutes * 60 <= 2 * drain_seconds:
        yield Problem(
            "steadyStateTimeoutMinutes",
            f"{steady_state_timeout_minutes}",
            f"more than twice drainSeconds, {drain_seconds}, else no old task is gone in time",
        )


def _variables_have_one_source(environment: dict[str, str], secrets: dict[str, str]) -> Iterator[Problem]:
    for name in sorted(environment.keys() & secrets.keys()):
        yield Problem("environment", f"{name}, which secrets has too", "a name that only one of the two has")


def _subnets_belong_to_a_vpc(vpc_id: str, subnet_ids: tuple[str, ...]) -> Iterator[Problem]:
    if subnet_ids and not vpc_id:
        yield Problem("subnetIds", ", ".join(subnet_ids), "none, unless vpcId names their VPC")


_RELATIONS: Final[tuple[Callable[..., Iterator[Problem]], ...]] = (
    _memory_goes_with_cpu,
    _check_ends_before_the_next,
    _deployments_can_progress,
    _steady_state_is_within_reach,
    _variables_have_one_source,
    _subnets_belong_to_a_vpc,
)
"""What values must be to each other; the parameters of each name the settings it looks at."""
