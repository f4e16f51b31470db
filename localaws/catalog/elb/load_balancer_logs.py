"""Elastic Load Balancing: the logs of load balancers, and what the buckets for them must allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import Request, allows
from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.s3 import BUCKET, BUCKET_POLICY, ENCRYPTION, companion
from localaws.catalog.values import Limit, block, matches, parsed

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

ELB_ACCOUNTS = {
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ap-southeast-3": "589379963580",
    "ca-central-1": "985666609251",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
}
"""The AWS account that writes the access logs of each region's load balancers. In newer regions
only a service principal writes them.

Source: AWS's guide to Application Load Balancer access logs.
"""

_PREFIX = matches(
    r"(?!/)(?!.*AWSLogs).*(?<!/)", "a prefix without AWSLogs and without slashes at its ends"
)
_TEST_FILES = {
    "accessLogs": "ELBAccessLogTestFile",
    "connectionLogs": "ELBConnectionLogTestFile",
    "healthCheckLogs": "ELBHealthCheckLogTestFile",
}
"""The file that a load balancer writes to each bucket for logs, to check its permissions."""

_WRITERS = {
    "application": (
        "logdelivery.elasticloadbalancing.amazonaws.com",
        "logdelivery.elb.amazonaws.com",
    ),
    "network": ("delivery.logs.amazonaws.com",),
}
"""The services that write the logs of each type of load balancer.

Source: AWS's guides to their access logs.
"""

_ENCRYPTION = {
    "application": {"AES256"},
    "network": {"AES256", "aws:kms"},
    "gateway": {"AES256"},
}
"""The encryption that a bucket for the logs of each type of load balancer can have.

Source: AWS's guides to their access logs.
"""

LOG_LIMITS = tuple(
    Limit(f"{name}.prefix", _PREFIX, "elbv2.load-balancer.log-prefix") for name in _TEST_FILES
)


def log_rules(inputs: Properties, account: Account) -> Refusals:
    """Refuse logs to a bucket to which the load balancer can't write.

    A bucket that isn't a resource is assumed to allow them.
    """
    for name, file in _TEST_FILES.items():
        logs = block(inputs.get(name))
        bucket = account.get(BUCKET, logs.get("bucket"))
        if bucket is None or logs.get("enabled") is not True:
            continue
        prefix = f"{logs['prefix']}/" if logs.get("prefix") else ""
        key = f"{bucket.computed['arn']}/{prefix}AWSLogs/{account.account_id}/{file}"
        allowed = _ENCRYPTION[_kind(inputs)]
        if not _algorithms(bucket, account) <= allowed:
            algorithms = " or ".join(sorted(allowed))
            reason = (
                f"Load balancers of type {_kind(inputs)} write only to buckets with encryption "
                f"{algorithms}"
            )
        elif not _allows_writing(inputs, bucket, key, account):
            reason = (
                f"Please check S3bucket permission: allow s3:PutObject on {key} in the bucket's "
                "policy"
            )
        else:
            continue
        yield Refusal(
            "InvalidConfigurationRequest",
            f"Access Denied for bucket: {bucket.id}. {reason}",
            "elbv2.load-balancer.log-bucket",
            name,
        )


def _kind(inputs: Properties) -> str:
    return str(inputs.get("loadBalancerType") or "application")


def _algorithms(bucket: Resource, account: Account) -> set[str]:
    """Return the algorithms with which a bucket encrypts, as far as a program sets them."""
    encryption = companion(account, ENCRYPTION, bucket.id)
    path = "rules[].applyServerSideEncryptionByDefault.sseAlgorithm"
    return set(values_at(encryption, path))


def _allows_writing(inputs: Properties, bucket: Resource, key: str, account: Account) -> bool:
    """Return whether the bucket's policy allows the load balancer to write an object."""
    policy = parsed(companion(account, BUCKET_POLICY, bucket.id).get("policy"))
    request = Request(
        principals=_writers(inputs, bucket.region),
        action="s3:PutObject",
        resource=key,
        context={
            "s3:x-amz-acl": "bucket-owner-full-control",
            "aws:SecureTransport": "true",
            "aws:SourceAccount": account.account_id,
        },
    )
    return allows(policy, request)


def _writers(inputs: Properties, region: str) -> frozenset[tuple[str, str]]:
    """Return the principals that write a load balancer's logs."""
    principals = {("Service", each) for each in _WRITERS.get(_kind(inputs), ())}
    account = ELB_ACCOUNTS.get(region)
    if _kind(inputs) == "application" and account:
        root = f"arn:{partition_of(region).name}:iam::{account}:root"
        principals |= {("AWS", account), ("AWS", root)}
    return frozenset(principals)
