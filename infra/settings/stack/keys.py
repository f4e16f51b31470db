"""Customer managed keys, and the boundary of the stack's roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.aws import locality
from infra.errors import Problem
from infra.settings.arns import KMS_KEY, POLICY, keys_elsewhere
from infra.settings.kinds import OrNone
from infra.settings.topic import Topic, key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment


@dataclass(frozen=True, kw_only=True)
class KeySettings(Topic):
    """Keys of logs and sessions, and the permissions boundary."""

    log_key_arn: str | None = key(OrNone(KMS_KEY, "empty for AWS's own key"))
    exec_key_arn: str | None = key(OrNone(KMS_KEY, "empty for none beyond TLS"))
    permissions_boundary_arn: str | None = key(OrNone(POLICY, "empty for none"))

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that the keys are in the stack's region, and the boundary in its partition."""
        for name, arn in (("logKeyArn", self.log_key_arn), ("execKeyArn", self.exec_key_arn)):
            if arn:
                yield from keys_elsewhere(environment, name, [arn])
        if self.permissions_boundary_arn:
            for arn, where in locality.foreign(environment, [self.permissions_boundary_arn]):
                yield Problem(
                    "permissionsBoundaryArn", f"{arn}, {where}", "a policy of this partition"
                )
