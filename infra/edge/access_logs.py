"""The bucket of a load balancer's access log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pulumi
import pulumi_aws as aws

from infra.aws import naming
from infra.outputs import of_created

if TYPE_CHECKING:
    from infra.aws.environment import AwsEnvironment


_WRITERS: Final = {
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
}
"""Accounts of Elastic Load Balancing that write access logs, by region of China and GovCloud. AWS's
guides name them; S3 may not accept the service principal there.

Source: Amazon ELB, access logs for your Application Load Balancer; terraform-provider-aws,
aws_elb_service_account.
"""


@dataclass(kw_only=True)
class AccessLogsArgs:
    """Arguments of AccessLogs."""

    aws_environment: AwsEnvironment
    """Account and region of the load balancers that write here."""

    retention_days: int
    """How long a log is kept, from 1 day."""

    empty_on_destroy: bool
    """Whether a destroy deletes the bucket with its logs; otherwise it stays, with its protection.
    """

    tags: dict[str, str]
    """Tags of the bucket."""


class AccessLogs(pulumi.ComponentResource):
    """A bucket that only the account's load balancers write to, private to the account.

    It is encrypted with S3's own keys, the only ones that Elastic Load Balancing writes with.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket. It resolves once load balancers may write to the bucket: AWS tests that
    when a load balancer is configured with it.
    """

    def __init__(
        self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:AccessLogs", name, None, opts)
        # On every resource here: a bucket that stays must not lose its encryption and policies.
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=not args.empty_on_destroy)
        # Without a fixed name: names are unique in all of AWS, so the next deployment couldn't use
        # the name of a bucket that was kept.
        bucket = aws.s3.Bucket(
            name,
            force_destroy=args.empty_on_destroy,
            tags=naming.of_component(args.tags, name),
            opts=kept,
        )
        closed = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=kept,
        )
        aws.s3.BucketOwnershipControls(
            name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=kept
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=kept,
        )
        versions = aws.s3.BucketVersioning(
            name, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=kept
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {},
                    "expiration": {"days": args.retention_days},
                    "noncurrent_version_expiration": {"noncurrent_days": 1},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            # The rule about noncurrent versions needs versioning.
            opts=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(depends_on=[versions])),
        )
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=pulumi.Output.json_dumps(_policy(bucket.arn, args.aws_environment)),
            # S3 refuses concurrent changes of a bucket's public access.
            opts=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(depends_on=[closed])),
        )
        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})


def _policy(bucket_arn: pulumi.Output[str], aws_environment: AwsEnvironment) -> dict[str, Any]:
    """Return a policy that lets this account's load balancers write logs, and requires TLS of all.

    AWS's guide allows the service to write under the account's own prefix without a condition, and
    the service writes there for load balancers of that account only. Public reports differ on
    whether a write has the load balancer's ARN as its source, so the condition on this account and
    region applies only if the write has one.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "LoadBalancersWrite",
                "Effect": "Allow",
                "Principal": _writers(aws_environment),
                "Action": "s3:PutObject",
                "Resource": of_created(
                    bucket_arn, lambda arn: f"{arn}/AWSLogs/{aws_environment.account}/*"
                ),
                "Condition": {
                    "ArnLikeIfExists": {
                        "aws:SourceArn": aws_environment.arn(
                            "elasticloadbalancing", "loadbalancer/*"
                        )
                    }
                },
            },
            {
                "Sid": "OnlyEncrypted",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, of_created(bucket_arn, lambda arn: f"{arn}/*")],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def _writers(aws_environment: AwsEnvironment) -> dict[str, str]:
    """Return the principal that writes access logs: the service, or its account."""
    account = _WRITERS.get(aws_environment.region)
    if account:
        return {"AWS": f"arn:{aws_environment.partition}:iam::{account}:root"}
    return {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
