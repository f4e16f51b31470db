"""The account and region that a stack is deployed to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GLOBAL_SUFFIX: Final = "amazonaws.com"
"""The domain of AWS's services outside China. The service principals used here have it in every
partition.
"""


@dataclass(frozen=True, kw_only=True)
class AwsEnvironment:
    """An account and region, with what they decide in names and ARNs."""

    partition: str
    region: str
    account: str
    dns_suffix: str = GLOBAL_SUFFIX
    """The domain of AWS's services; `amazonaws.com.cn` in China."""

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def parameter(self, name: str) -> str:
        """Return the ARN of an SSM parameter; a slash at the beginning of its name is optional."""
        return self.arn("ssm", f"parameter/{name.removeprefix('/')}")

    def log_streams(self, group: str) -> str:
        """Return the ARN pattern of a log group's streams."""
        return self.arn("logs", f"log-group:{group}:*")
