"""Find configured secrets that don't exist, without reading the value of one that does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import pulumi_aws as aws

from infra.aws.secret_names import SSM, resolve
from infra.errors import Problem
from infra.program.lookups import Lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infra.aws.environment import AwsEnvironment
    from infra.aws.secret_names import Secret
    from infra.settings.service import ServiceSettings

_NO_VERSION: Final = 999_999_999
"""A version that no parameter has: SSM keeps the newest hundred, numbered from 1."""

_NO_SUCH_VERSION: Final = "ParameterVersionNotFound"
_MISSING: Final = "couldn't find resource"
"""The provider's error for a parameter or secret that doesn't exist or is being deleted. Source:
its `retry` package.
"""


def lookups(service: ServiceSettings, environment: AwsEnvironment) -> Iterator[Lookup]:
    """Yield a lookup of each secret of a service's containers."""
    for key, secrets in service.secrets_of_containers.items():
        variables = _variables_by_secret(secrets, environment)
        for secret, names in variables.items():
            kind = "SSM parameter" if secret.service == SSM else "Secrets Manager secret"
            yield Lookup(
                f"The {kind} {secret.name}",
                partial(_missing, secret, key, ", ".join(names), environment),
            )


def _variables_by_secret(
    secrets: Mapping[str, str], environment: AwsEnvironment
) -> dict[Secret, list[str]]:
    """Return the variables that get a secret or a part of it, by the whole secret.

    So each secret is looked up once. Those of other accounts and regions are left out: a lookup
    there needs that account's permission, and a secret of another region is refused anyway.
    """
    variables: dict[Secret, list[str]] = {}
    for variable, text in secrets.items():
        secret = resolve(environment, text)
        _, _, _, region, account, *_ = secret.resource.split(":")
        if (region, account) == (environment.region, environment.account):
            whole_secret = replace(secret, value_from="")
            variables.setdefault(whole_secret, []).append(variable)
    return variables


def _missing(
    secret: Secret, key: str, variables: str, environment: AwsEnvironment
) -> Iterator[Problem]:
    if secret.service == SSM:
        exists = _parameter_exists(secret.name)
        kind = "parameter of SSM"
        create = f"ssm put-parameter --type SecureString --name {secret.name} --value VALUE"
    else:
        exists = _secret_exists(secret.name)
        kind = "secret of Secrets Manager"
        create = f"secretsmanager create-secret --name {secret.name} --secret-string VALUE"
    if not exists:
        yield Problem(
            key,
            f"{variables}, {secret.name}, which is no {kind} in {environment.account}, "
            f"{environment.region}",
            f"one that exists; `aws {create} --region {environment.region}` creates it; with the "
            "local AWS, add a row to local.parameters.toml",
        )


def _parameter_exists(name: str) -> bool:
    """Return whether a parameter exists, by AWS's error for a version that it doesn't have."""
    for path in _paths(name):
        try:
            aws.ssm.get_parameter(name=f"{path}:{_NO_VERSION}", with_decryption=False)
        except Exception as error:
            if _NO_SUCH_VERSION in str(error):
                return True
            if _MISSING not in str(error):
                raise
    # A stack isn't refused because of this error alone, which AWS may come to use for something
    # else. Only if it does is there a value that this reads.
    return _found(partial(aws.ssm.get_parameter, name=name, with_decryption=False))


def _paths(name: str) -> list[str]:
    """Return the paths that a parameter's name or ARN may mean."""
    _, is_arn, path = name.rpartition(":parameter/")
    if not is_arn:
        return [name]
    if "/" in path:
        return [f"/{path}"]
    # The ARN of a name with one level is the same with and without a slash before it.
    return [path, f"/{path}"]


def _secret_exists(name: str) -> bool:
    """Look up the secret's description, which doesn't include its value."""
    is_arn = name.startswith("arn:")
    return _found(
        partial(
            aws.secretsmanager.get_secret,
            arn=name if is_arn else None,
            name=None if is_arn else name,
        )
    )


def _found(lookup: Callable[[], object]) -> bool:
    try:
        lookup()
    except Exception as error:
        if _MISSING in str(error):
            return False
        raise
    return True
