"""The secrets of a service, and the permissions of its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.aws import locality
from infra.aws.secret_names import ALLOWED, FORM, flaw
from infra.errors import Problem
from infra.settings.arns import KMS_KEY, keys_elsewhere
from infra.settings.collection_kinds import ListOf, Map
from infra.settings.kinds import Text
from infra.settings.service.container import VARIABLE
from infra.settings.statements_kind import Statements
from infra.settings.topic import Topic, key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infra.aws.environment import AwsEnvironment

SECRETS: Final = Map(VARIABLE, Text(FORM, ALLOWED, longest=2048, flaw=flaw))


@dataclass(frozen=True, kw_only=True)
class SecretsSettings(Topic):
    """Secrets, the keys that encrypt them, and permissions."""

    secrets: dict[str, str] = key(SECRETS)
    secret_key_arns: tuple[str, ...] = key(ListOf(KMS_KEY))
    task_policy_statements: tuple[dict[str, Any], ...] = key(Statements())

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that secrets and keys are in the stack's region."""
        yield from secrets_elsewhere(environment, "secrets", self.secrets)
        yield from keys_elsewhere(environment, "secretKeyArns", self.secret_key_arns)


def in_both(environment: Iterable[str], secrets: Iterable[str]) -> Iterator[Problem]:
    """Refuse variables of a container that have a value and a secret."""
    for name in sorted(set(environment) & set(secrets)):
        yield Problem(
            "environment", f"{name}, which secrets has too", "a name that only one of the two has"
        )


def secrets_elsewhere(
    environment: AwsEnvironment, key: str, secrets: Mapping[str, str]
) -> Iterator[Problem]:
    """Find secrets of another region or partition than the stack's."""
    for name, secret in secrets.items():
        for _, where in locality.foreign(environment, [secret]):
            yield Problem(
                key,
                f"{name}, {where}",
                "a secret of this region; with another one, that region's outage would keep new "
                "tasks from starting here",
            )
