"""The resources that AccessLogs register."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.aws.environment import AwsEnvironment
from infra.edge.access_logs import AccessLogs, AccessLogsArgs
from localaws import mocks
from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording

PROTECTION = (
    "BucketPublicAccessBlock",
    "BucketOwnershipControls",
    "BucketServerSideEncryptionConfiguration",
    "BucketVersioning",
    "BucketLifecycleConfiguration",
    "BucketPolicy",
)


def test_access_logs_consist_of_a_bucket_and_its_settings(edge: Recording) -> None:
    kinds = {"Bucket", *PROTECTION}
    assert edge.children(edge.component("AccessLogs")) == {(kind, "access-logs") for kind in kinds}
    assert {edge.one(kind).inputs["bucket"] for kind in PROTECTION} == {edge.id(edge.one("Bucket"))}
    assert "bucket" not in edge.one("Bucket").inputs, "bucket names are unique in all of AWS"


def test_access_logs_work_without_the_program() -> None:
    def program() -> None:
        args = AccessLogsArgs(
            aws_environment=AwsEnvironment(
                partition="aws", region="us-east-1", account="123456789012"
            ),
            retention_days=1,
            empty_on_destroy=False,
            tags={},
        )
        pulumi.export("bucket", AccessLogs("requests", args).bucket)

    run = mocks.run(program)
    assert run.exports["bucket"] == run.id(run.one("Bucket"))
    assert run.exports["bucket"].startswith("requests-")


def test_the_bucket_is_not_public(edge: Recording) -> None:
    closed = dict(edge.one("BucketPublicAccessBlock").inputs)
    del closed["bucket"]
    assert closed == dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    )
    assert edge.one("BucketOwnershipControls").inputs["rule"] == {
        "objectOwnership": "BucketOwnerEnforced"
    }


def test_the_bucket_has_the_only_encryption_that_load_balancers_can_write_to(
    edge: Recording,
) -> None:
    assert edge.one("BucketServerSideEncryptionConfiguration").inputs["rules"] == [
        {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    ]


def test_only_load_balancers_of_this_account_and_region_write_and_only_over_tls(
    edge: Recording,
) -> None:
    arn = f"arn:aws:s3:::{edge.id(edge.one('Bucket'))}"
    write, deny = recorder.statements(edge.one("BucketPolicy"))
    assert write == {
        "Sid": "LoadBalancersWrite",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{arn}/AWSLogs/123456789012/*",
        "Condition": {
            "ArnLikeIfExists": {
                "aws:SourceArn": (
                    "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/*"
                )
            }
        },
    }
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Resource"] == [arn, f"{arn}/*"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_logs_expire_and_overwritten_versions_expire_the_next_day() -> None:
    run = recorder.run("dev", accessLogs=True, accessLogRetentionDays=400)
    (rule,) = run.one("BucketLifecycleConfiguration").inputs["rules"]
    assert (rule["status"], rule["filter"], rule["expiration"]) == ("Enabled", {}, {"days": 400})
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 1}
    assert run.one("BucketVersioning").urn in run.one("BucketLifecycleConfiguration").dependencies
    assert run.one("BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_the_load_balancer_uses_the_bucket_after_its_policy_exists(edge: Recording) -> None:
    assert edge.one("BucketPolicy").urn in edge.one("LoadBalancer").dependencies
    assert edge.one("BucketPublicAccessBlock").urn in edge.one("BucketPolicy").dependencies


def test_a_destroy_keeps_the_bucket_and_its_protection_or_empties_it(edge: Recording) -> None:
    emptied = recorder.run("dev", accessLogs=True, emptyLogsOnDestroy=True)
    for recording, empty in ((edge, False), (emptied, True)):
        assert recording.one("Bucket").inputs["forceDestroy"] is empty
        retained = {recording.one(kind).retain_on_delete for kind in ("Bucket", *PROTECTION)}
        assert retained == {not empty}


def test_prod_has_an_access_log_and_dev_has_none(prod: Recording, dev: Recording) -> None:
    assert prod.one("LoadBalancer").inputs["accessLogs"]["enabled"] is True
    assert not dev.all("Bucket")
