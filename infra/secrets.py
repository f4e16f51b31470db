"""Where a container's secrets are kept, and how ECS and IAM are told. Pure.

A secret is written in one of four ways, the last two with or without the name of one key of the JSON object in it:

    /demo/dev/message                                      an SSM parameter of this account and region
    arn:aws:ssm:REGION:ACCOUNT:parameter/demo/message      an SSM parameter
    secretsmanager:demo/dev/db#password                    a secret of this account and region
    arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf#password    a secret
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infra.iam import Place

_LEVEL: Final = r"[A-Za-z0-9_.-]+"
_ARN: Final = r"arn:(?:aws|aws-cn|aws-us-gov):{service}:[a-z0-9-]+:\d{{12}}:"
_KEY: Final = r'(?:#[!"$-9;-~]{1,256})?'
"""Printable, but for the colon that divides an ARN."""

_SECRET: Final = r"[A-Za-z0-9/_+=.@-]{1,512}"  # noqa: S105 — a pattern

FORM: Final = "|".join(
    (
        rf"(?!/?(?i:aws|ssm))/?{_LEVEL}(?:/{_LEVEL}){{0,14}}",
        rf"{_ARN.format(service='ssm')}parameter(?:/{_LEVEL}){{1,15}}",
        rf"secretsmanager:{_SECRET}{_KEY}",
        rf"{_ARN.format(service='secretsmanager')}secret:{_SECRET}-[A-Za-z0-9]{{6}}{_KEY}",
    )
)
"""What a secret's name or ARN must match."""

ALLOWED: Final = (
    "an SSM parameter like /demo/dev/message, a Secrets Manager secret like secretsmanager:demo/db or one JSON key of "
    "it like secretsmanager:demo/db#password, or the whole ARN of either"
)

_ANY_SUFFIX: Final = "-??????"
"""Secrets Manager ends an ARN with six characters of its own making, which a name doesn't tell."""


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One secret, as ECS and IAM spell it."""

    service: str
    """`ssm` or `secretsmanager`."""

    value_from: str
    """What a task definition says."""

    resource: str
    """What a policy grants."""


def at(place: Place, text: str) -> Secret:
    """What a secret's name or ARN means in a place."""
    name, _, key = text.partition("#")
    service = "secretsmanager" if re.match(r"arn:[^:]+:secretsmanager:|secretsmanager:", name) else "ssm"
    if name.startswith("arn:"):
        arn = resource = name
    elif service == "ssm":
        arn = resource = place.parameter(name)
    else:
        arn = place.arn("secretsmanager", f"secret:{name.removeprefix('secretsmanager:')}")
        resource = arn + _ANY_SUFFIX
    return Secret(service=service, value_from=f"{arn}:{key}::" if key else arn, resource=resource)
