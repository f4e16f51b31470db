"""The container's secrets, its permissions in AWS, and customer managed keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from infra.aws import locality
from infra.aws.secret_names import ALLOWED, FORM, flaw
from infra.aws.statements import Statements
from infra.errors import Problem
from infra.settings.kinds import Map, Text, Texts
from infra.settings.service.container import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment

_PARTITION: Final = "arn:(aws|aws-cn|aws-us-gov)"
_KEY_ID: Final = "mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY: Final = rf"{_PARTITION}:kms:[a-z0-9-]+:[0-9]{{12}}:key/({_KEY_ID})"
_KEY_FORM: Final = "a KMS key's ARN, like arn:aws:kms:REGION:ACCOUNT:key/ID"


@dataclass(frozen=True, kw_only=True)
class SecretsSettings:
    """Secrets, keys and permissions."""

    secrets: Annotated[dict[str, str], Map(VARIABLE, Text(FORM, ALLOWED, longest=2048, flaw=flaw))]
    secret_key_arns: Annotated[tuple[str, ...], Texts(Text(_KEY, _KEY_FORM))]
    log_key_arn: Annotated[str, Text(f"({_KEY})?", f"{_KEY_FORM}; empty for AWS's own key")]
    exec_key_arn: Annotated[str, Text(f"({_KEY})?", f"{_KEY_FORM}; empty for none beyond TLS")]
    task_policy_statements: Annotated[tuple[dict[str, Any], ...], Statements()]
    permissions_boundary_arn: Annotated[
        str,
        Text(
            rf"({_PARTITION}:iam::([0-9]{{12}}|aws):policy/[\w+=,.@/-]{{1,512}})?",
            "a policy's ARN, like arn:aws:iam::ACCOUNT:policy/NAME; empty for none",
            longest=600,
        ),
    ]


def _variables_have_one_source(
    environment: dict[str, str], secrets: dict[str, str]
) -> Iterator[Problem]:
    for name in sorted(environment.keys() & secrets.keys()):
        yield Problem(
            "environment", f"{name}, which secrets has too", "a name that only one of the two has"
        )


def _keys_lock_something(
    secret_key_arns: tuple[str, ...], secrets: dict[str, str]
) -> Iterator[Problem]:
    if secret_key_arns and not secrets:
        yield Problem(
            "secretKeyArns",
            ", ".join(secret_key_arns),
            "none, unless secrets names what they encrypt",
        )


def _sessions_are_what_their_key_locks(exec_key_arn: str, *, ecs_exec: bool) -> Iterator[Problem]:
    if exec_key_arn and not ecs_exec:
        yield Problem("execKeyArn", exec_key_arn, "empty, unless ecsExec is true")


def _secrets_are_here(secrets: dict[str, str], place: AwsEnvironment) -> Iterator[Problem]:
    for arn, where in locality.foreign(place, secrets.values()):
        name = next(name for name, secret in secrets.items() if secret == arn)
        yield Problem(
            "secrets",
            f"{name}, {where}",
            "what this region keeps, else another one's failure stops tasks",
        )


def _keys_are_here(
    secret_key_arns: tuple[str, ...], log_key_arn: str, exec_key_arn: str, place: AwsEnvironment
) -> Iterator[Problem]:
    for key, arns in (
        ("secretKeyArns", secret_key_arns),
        ("logKeyArn", (log_key_arn,)),
        ("execKeyArn", (exec_key_arn,)),
    ):
        for arn, where in locality.foreign(place, arns):
            yield Problem(
                key,
                f"{arn}, {where}",
                "a key of this region, as AWS uses no other for what is here",
            )


def _the_boundary_is_here(
    permissions_boundary_arn: str, place: AwsEnvironment
) -> Iterator[Problem]:
    for arn, where in locality.foreign(place, (permissions_boundary_arn,)):
        yield Problem("permissionsBoundaryArn", f"{arn}, {where}", "a policy of this partition")


RELATIONS = (
    _variables_have_one_source,
    _keys_lock_something,
    _sessions_are_what_their_key_locks,
    _secrets_are_here,
    _keys_are_here,
    _the_boundary_is_here,
)
