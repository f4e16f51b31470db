"""The secrets of a service, and the permissions of its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.aws import locality
from infra.aws.secret_names import ALLOWED, FORM, flaw
from infra.errors import Problem
from infra.settings.arns import KMS_KEY, keys_elsewhere
from infra.settings.kinds import ListOf, Map, Statements, Text
from infra.settings.service.container import VARIABLE
from infra.settings.topic import Topic, key, relation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment


@dataclass(frozen=True, kw_only=True)
class SecretsSettings(Topic):
    """Secrets, the keys that encrypt them, and permissions."""

    secrets: dict[str, str] = key(Map(VARIABLE, Text(FORM, ALLOWED, longest=2048, flaw=flaw)))
    secret_key_arns: tuple[str, ...] = key(ListOf(KMS_KEY))
    task_policy_statements: tuple[dict[str, Any], ...] = key(Statements())

    def problems(self) -> Iterator[Problem]:
        """Check that there are secrets for the keys."""
        yield from self._keys_encrypt_secrets()

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that secrets and keys are in the stack's region."""
        for name, secret in self.secrets.items():
            for _, where in locality.foreign(environment, [secret]):
                yield Problem(
                    "secrets",
                    f"{name}, {where}",
                    "a secret of this region; with another one, that region's outage would "
                    "keep new tasks from starting here",
                )
        yield from keys_elsewhere(environment, "secretKeyArns", self.secret_key_arns)

    @relation("secret_key_arns", "secrets")
    def _keys_encrypt_secrets(self) -> Iterator[Problem]:
        if self.secret_key_arns and not self.secrets:
            yield Problem(
                "secretKeyArns",
                ", ".join(self.secret_key_arns),
                "none, unless secrets names what they encrypt",
            )
