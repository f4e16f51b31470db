"""Names of a container's secrets, and their forms in ECS and IAM. Pure.

A configuration names a secret in one of four ways:

    /demo/dev/message                      an SSM parameter of this account and region
    arn:aws:ssm:REGION:ACCOUNT:parameter/demo/message            an SSM parameter
    secretsmanager:demo/dev/db             a secret of this account and region
    arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf     a secret

A suffix after one of the last two chooses a part of the secret: `#KEY`, one key of the JSON object
in it, or ECS's own form, `:KEY:STAGE:VERSION`, each of which may be empty. A stage and a version
exclude each other. Source: Amazon ECS, "Pass Secrets Manager secrets through Amazon ECS
environment variables".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infra.aws.environment import AwsEnvironment

SECRETS_MANAGER: Final = "secretsmanager"
SSM: Final = "ssm"

_LEVEL: Final = r"[A-Za-z0-9_.-]+"
_ARN: Final = r"arn:(?:aws|aws-cn|aws-us-gov):{service}:[a-z0-9-]+:\d{{12}}:"
_PRINTABLE: Final = r'[!"$-9;-~]{1,256}'
"""A key or a stage: printable characters except `#` and the colon, which separate the parts."""

_VERSION: Final = r"[A-Za-z0-9-]{32,64}"
_PART: Final = rf"(?:#{_PRINTABLE}|:(?:{_PRINTABLE})?:(?:(?:{_PRINTABLE})?:|:{_VERSION}))?"

_SECRET: Final = r"[A-Za-z0-9/_+=.@!-]{1,512}"  # noqa: S105 — a pattern
"""`!` is in the names of secrets that AWS services create, like `rds!db-…`. Source: the
ValidationException of Secrets Manager.
"""

_SUFFIX: Final = r"-[A-Za-z0-9]{6}"

_LIKE_AN_ARN: Final = rf"[^:#]*{_SUFFIX}(?:[:#]|\Z)"
"""A name that ends like an ARN. Secrets Manager takes the partial ARN with such a name for the
complete ARN of another secret, on which the role has no permission.

Source: https://github.com/aws-samples/dify-self-hosted-on-aws/pull/35.
"""

FORM: Final = "|".join(
    (
        rf"(?!/?(?i:aws|ssm))/?{_LEVEL}(?:/{_LEVEL}){{0,14}}",
        rf"{_ARN.format(service=SSM)}parameter(?:/{_LEVEL}){{1,15}}",
        rf"{SECRETS_MANAGER}:(?!{_LIKE_AN_ARN}){_SECRET}{_PART}",
        rf"{_ARN.format(service=SECRETS_MANAGER)}secret:{_SECRET}{_SUFFIX}{_PART}",
    )
)
"""What a secret's name or ARN must match."""

ALLOWED: Final = (
    "an SSM parameter like /demo/dev/message, a Secrets Manager secret like "
    "secretsmanager:demo/db, one JSON key of it "
    "like secretsmanager:demo/db#password, a part of it as ECS writes it like "
    "secretsmanager:demo/db:password:AWSPREVIOUS:, or the whole ARN of either service in "
    "place of the name"
)

_ANY_SUFFIX: Final = "-??????"
"""Secrets Manager ends an ARN with six random characters, which can't be derived from the name."""

_SECRET_ARN: Final = rf"{_ARN.format(service=SECRETS_MANAGER)}secret:"
_OF_SECRETS_MANAGER: Final = rf"(?:{SECRETS_MANAGER}:|{_SECRET_ARN})"
FLAWS: Final = (
    (r"|\s.*|.*\s", "empty, or begins or ends with a space"),
    (
        r"arn:[^:]*:(?!ssm:|secretsmanager:).*",
        "an ARN of another service than ssm and secretsmanager",
    ),
    (
        rf"(?:arn:[^:]*:{SSM}:|/)[^#]*#.*",
        "a #KEY after what isn't in Secrets Manager (secretsmanager:NAME#KEY)",
    ),
    (rf"arn:[^:]*:{SSM}:.*", "an ARN, but not like arn:aws:ssm:REGION:ACCOUNT:parameter/NAME"),
    (
        rf"(?!{_SECRET_ARN})arn:.*",
        "an ARN, but not like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf",
    ),
    (
        rf"{_SECRET_ARN}(?![^:#]*{_SUFFIX}(?:[:#].*)?\Z).*",
        "a secret's ARN without the hyphen and six characters that Secrets Manager ends it with",
    ),
    (
        rf"{_OF_SECRETS_MANAGER}(?!{_SECRET}(?:[:#].*)?\Z).*",
        "a secret whose name isn't 1 to 512 letters, digits and /_+=.@!-",
    ),
    (
        rf"{SECRETS_MANAGER}:{_LIKE_AN_ARN}.*",
        (
            "a secret whose name ends like an ARN, with a hyphen and six characters, and so "
            "must be given by its ARN"
        ),
    ),
    (rf"{_OF_SECRETS_MANAGER}[^:#]*:.*#.*", "a secret with # in what follows its name"),
    (
        rf"{_OF_SECRETS_MANAGER}[^:#]*#.*",
        "a secret whose #KEY is empty, or has a space, a colon or # in it",
    ),
    (
        rf"{_OF_SECRETS_MANAGER}[^:]*(?!(?::[^:]*){{3}}\Z):.*",
        "a secret that isn't followed by exactly :KEY:STAGE:VERSION, each of which may be empty",
    ),
    (
        rf"{_OF_SECRETS_MANAGER}[^:]*:[^:]*:[^:]+:[^:]+",
        "a secret with both a stage and a version, of which ECS takes one",
    ),
    (
        rf"{_OF_SECRETS_MANAGER}.*",
        (
            "a secret whose key or stage has a space in it, or whose version isn't 32 to 64 "
            "letters, digits and hyphens"
        ),
    ),
    (
        r"(?i:/?(?:aws|ssm)).*",
        "a parameter's name that begins with aws or ssm, which AWS keeps for itself",
    ),
    (r"(?:[^/]*/){16,}.*", "a parameter's name with more than 15 levels"),
    (
        r".*",
        (
            "no ARN, no secretsmanager:NAME, and no parameter's name, which is letters, "
            "digits and _.- between slashes"
        ),
    ),
)
"""Patterns of refused texts, each with what is wrong; the first that matches counts."""


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One secret, in the forms that ECS and IAM require."""

    service: str
    """`ssm` or `secretsmanager`."""

    name: str
    """Name or ARN for a lookup in its service, as the configuration has it."""

    value_from: str
    """`valueFrom` in a task definition."""

    resource: str
    """`Resource` in a policy."""


def resolve(environment: AwsEnvironment, text: str) -> Secret:
    """Resolve a secret's name or ARN, which must match `FORM`, in an account and region."""
    whole, part = _split(text)
    service = service_of(text)
    name = whole.removeprefix(f"{SECRETS_MANAGER}:")
    if whole.startswith("arn:"):
        arn = resource = whole
    elif service == SSM:
        arn = resource = environment.parameter(whole)
    else:
        arn = environment.arn(SECRETS_MANAGER, f"secret:{name}")
        resource = arn + _ANY_SUFFIX
    return Secret(
        service=service, name=name, value_from=f"{arn}:{part}" if part else arn, resource=resource
    )


def service_of(text: str) -> str:
    """Return the service that keeps a secret, by its name or ARN: `ssm` or `secretsmanager`."""
    of_secrets_manager = re.match(r"arn:[^:]+:secretsmanager:|secretsmanager:", text)
    return SECRETS_MANAGER if of_secrets_manager else SSM


def flaw(text: str) -> str:
    """Return why a text doesn't match `FORM`, without repeating it: it may be the secret itself."""
    return next(words for pattern, words in FLAWS if re.fullmatch(pattern, text, re.DOTALL))


def _split(text: str) -> tuple[str, str]:
    """Split a text into the secret and the chosen part, in ECS's form; empty for the whole."""
    name, _, key = text.partition("#")
    if key:
        return name, f"{key}::"
    # An ARN has colons itself: the secret's name is its seventh field.
    length = 7 if text.startswith("arn:") else 2
    fields = text.split(":")
    part = ":".join(fields[length:])
    return ":".join(fields[:length]), part if part.strip(":") else ""
