"""ARNs that a configuration may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.aws import locality
from infra.errors import Problem
from infra.settings.kinds import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.aws.environment import AwsEnvironment

_PARTITION: Final = "arn:(aws|aws-cn|aws-us-gov)"
_KEY_ID: Final = "mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

KMS_KEY: Final = Text(
    rf"{_PARTITION}:kms:[a-z0-9-]+:[0-9]{{12}}:key/({_KEY_ID})",
    "a KMS key's ARN, like arn:aws:kms:REGION:ACCOUNT:key/ID",
)
POLICY: Final = Text(
    rf"{_PARTITION}:iam::([0-9]{{12}}|aws):policy/[\w+=,.@/-]{{1,512}}",
    "a policy's ARN, like arn:aws:iam::ACCOUNT:policy/NAME",
    longest=600,
)
CERTIFICATE: Final = Text(
    r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}",
    "an ACM certificate's ARN, like arn:aws:acm:REGION:ACCOUNT:certificate/ID",
)
TOPIC: Final = Text(
    rf"{_PARTITION}:sns:[a-z0-9-]+:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}",
    "the ARN of a standard SNS topic, like arn:aws:sns:REGION:ACCOUNT:NAME",
    longest=400,
)
"""CloudWatch publishes to standard topics only, not to FIFO ones. Source: PutMetricAlarm."""


def keys_elsewhere(environment: AwsEnvironment, key: str, arns: Iterable[str]) -> Iterator[Problem]:
    """Find KMS keys of another region or partition than the stack's."""
    for arn, where in locality.foreign(environment, arns):
        yield Problem(
            key,
            f"{arn}, {where}",
            "a key of this region, as AWS encrypts a region's resources with its own keys only",
        )
