"""S3: buckets, and their settings that are separate resources."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from localaws.catalog.account import Resource, others_with_same
from localaws.catalog.only_recorded import NO_FILE
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import optional_policy_rules, resource_policy_rules, statements
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    Allowed,
    Limit,
    block,
    blocks,
    duplicates,
    given,
    length,
    listed,
    one_of,
    parsed,
    size,
    text,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

BUCKET = "aws:s3/bucket:Bucket"
PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP_CONTROLS = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"

HOSTED_ZONES = {
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "us-east-1": "Z3AQBSTGFYJSTF",
}
"""The Route 53 zone of each region's buckets, as far as known."""


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value) is not None
        and ".." not in value
        and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", value) is None
    )


_NAME = Allowed("3 to 63 lower-case letters, digits, dots and hyphens, and no IP address", _is_name)


def _bucket_computed(mint: Mint, inputs: Properties) -> Properties:
    name = inputs.get("bucket")
    partition = partition_of(mint.region)
    return {
        "id": name,
        "arn": f"arn:{partition.name}:s3:::{name}",
        "bucketDomainName": f"{name}.s3.{partition.suffix}",
        "bucketRegionalDomainName": f"{name}.s3.{mint.region}.{partition.suffix}",
        "bucketRegion": mint.region,
        "hostedZoneId": HOSTED_ZONES.get(mint.region, "Z00000000000000"),
    }


def companion(account: Account, token: str, bucket: object) -> Properties:
    """Return the inputs of a bucket's setting of this type; empty if it has none."""
    found = account.where(token, "bucket", bucket)
    return found[0].inputs if found else {}


def _bucket_rules(inputs: Properties) -> Refusals:
    if given(inputs, "acl", "grants"):
        message = (
            "The bucket does not allow ACLs; leave acl and grants out, or set bucket "
            "ownership first"
        )
        yield Refusal(
            "AccessControlListNotSupported",
            message,
            "s3.bucket.acl",
            given(inputs, "acl", "grants")[0],
        )
    yield from optional_policy_rules(inputs.get("policy"), "policy", "MalformedPolicy")


def _companion_rules(
    token: str, inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    """Refuse a second setting of a type for a bucket.

    AWS accepts it, but then each deployment would overwrite the other's setting.
    """
    if others_with_same(account, token, inputs, current, "bucket"):
        kind = token.rpartition(":")[2]
        message = (
            f"{inputs.get('bucket')} has a {kind} already, and one resource would overwrite "
            "the other"
        )
        yield Refusal("OperationAborted", message, "s3.companion.unique", "bucket")


def _policy_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _companion_rules(BUCKET_POLICY, inputs, account, current)
    document = parsed(inputs.get("policy"))
    if not isinstance(document, dict):
        return
    access_block = companion(account, PUBLIC_ACCESS_BLOCK, inputs.get("bucket"))
    # A new bucket blocks all public access.
    blocks_public = not access_block or access_block.get("blockPublicPolicy") is True
    bucket = account.get(BUCKET, inputs.get("bucket"))
    arn = str(bucket.computed["arn"] if bucket else f"arn:aws:s3:::{inputs.get('bucket')}")
    for statement in statements(document):
        if blocks_public and _is_public(statement):
            message = "Access Denied: the bucket blocks public policies (blockPublicPolicy)"
            yield Refusal("AccessDenied", message, "s3.bucket-policy.public", "policy")
        yield from _policy_resources(statement, arn)


def _is_public(statement: Properties) -> bool:
    if statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    return principal == "*" or "*" in listed(block(principal).get("AWS"))


def _policy_resources(statement: Properties, arn: str) -> Refusals:
    for resource in listed(statement.get("Resource")):
        if resource is not None and resource != arn and not str(resource).startswith(f"{arn}/"):
            message = f"Policy has invalid resource: {resource} isn't {arn} or in it"
            yield Refusal("MalformedPolicy", message, "s3.bucket-policy.resource", "policy")


def _versioning_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _companion_rules(VERSIONING, inputs, account, current)
    before = block(current.inputs.get("versioningConfiguration")).get("status") if current else None
    if before in ("Enabled", "Suspended") and _versioning(inputs) == "Disabled":
        message = "versioning can't go back from Enabled to Disabled, only to Suspended"
        yield Refusal(
            "IllegalVersioningConfigurationException",
            message,
            "s3.versioning.back",
            "versioningConfiguration",
        )


def _versioning(inputs: Properties) -> object:
    return block(inputs.get("versioningConfiguration")).get("status")


def _encryption_rules(inputs: Properties) -> Refusals:
    for rule in blocks(inputs.get("rules")):
        default = block(rule.get("applyServerSideEncryptionByDefault"))
        if text(default.get("kmsMasterKeyId")) and default.get("sseAlgorithm") == "AES256":
            message = "kmsMasterKeyId goes with sseAlgorithm aws:kms, not with AES256"
            yield Refusal("InvalidArgument", message, "s3.encryption.key", "rules")


def _lifecycle_rules(inputs: Properties) -> Refusals:
    rules = blocks(inputs.get("rules"))
    names = [text(rule.get("id")) for rule in rules]
    for name in duplicates(filter(None, names)):
        message = f"Rule ID must be unique. Found same ID for more than one rule: {name}"
        yield Refusal("InvalidArgument", message, "s3.lifecycle.unique", "rules")
    actions = (
        "abortIncompleteMultipartUpload",
        "expiration",
        "noncurrentVersionExpiration",
        "noncurrentVersionTransitions",
        "transitions",
    )
    for index, rule in enumerate(rules):
        if not given(rule, *actions):
            message = f"rules[{index}] must do something: one of {', '.join(actions)}"
            yield Refusal("InvalidRequest", message, "s3.lifecycle.action", "rules")


def _companion(token: str, **more: Any) -> ResourceType:
    """Return the type of a setting that a bucket has at most once; its id is the bucket's name.

    `more` are the fields of `ResourceType` in which the type differs from the others.
    """
    common = ResourceType(
        token=token,
        only_recorded=NO_FILE,
        replaces=frozenset({"bucket", "region"}),
        references=(Reference("bucket", BUCKET, "NoSuchBucket", "s3.bucket.exists", "gone"),),
        account_rules=partial(_companion_rules, token),
        computed=lambda _mint, inputs: {"id": inputs.get("bucket")},
        overwrites=True,
    )
    return replace(common, **more)


_REPLACING_WITH_OWNER = frozenset({"bucket", "expectedBucketOwner", "region"})

TYPES = (
    ResourceType(
        token=BUCKET,
        only_recorded=NO_FILE,
        autoname=AutoName("bucket", 63, lower=True),
        replaces=frozenset(
            {"bucket", "bucketPrefix", "bucketNamespace", "objectLockEnabled", "region"}
        ),
        json=frozenset({"policy"}),
        defaults={"forceDestroy": False, "objectLockEnabled": False, "requestPayer": "BucketOwner"},
        limits=(
            Limit("bucket", _NAME, "s3.bucket.name"),
            Limit("bucketPrefix", length(1, 37), "s3.bucket.name"),
        ),
        unique=(
            Unique(
                ("bucket",),
                "BucketAlreadyExists",
                "s3.bucket.unique",
                "The requested bucket name {bucket} is not available",
            ),
        ),
        rules=_bucket_rules,
        computed=_bucket_computed,
    ),
    _companion(
        PUBLIC_ACCESS_BLOCK,
        defaults=dict.fromkeys(
            ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
            False,
        ),
    ),
    _companion(
        OWNERSHIP_CONTROLS,
        limits=(
            Limit(
                "rule.objectOwnership",
                one_of("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"),
                "s3.ownership.value",
            ),
        ),
    ),
    _companion(
        VERSIONING,
        replaces=_REPLACING_WITH_OWNER,
        limits=(
            Limit(
                "versioningConfiguration.status",
                one_of("Enabled", "Suspended", "Disabled"),
                "s3.versioning.status",
            ),
        ),
        account_rules=_versioning_account_rules,
    ),
    _companion(
        ENCRYPTION,
        replaces=_REPLACING_WITH_OWNER,
        limits=(
            Limit("rules", size(1, 1), "s3.encryption.one"),
            Limit(
                "rules[].applyServerSideEncryptionByDefault.sseAlgorithm",
                one_of("AES256", "aws:kms", "aws:kms:dsse"),
                "s3.encryption.algorithm",
            ),
        ),
        rules=_encryption_rules,
    ),
    _companion(
        LIFECYCLE,
        replaces=_REPLACING_WITH_OWNER,
        limits=(
            Limit("rules", size(1, 1000), "s3.lifecycle.size"),
            Limit("rules[].id", length(1, 255), "s3.lifecycle.id"),
            Limit("rules[].status", one_of("Enabled", "Disabled"), "s3.lifecycle.status"),
        ),
        rules=_lifecycle_rules,
    ),
    _companion(
        BUCKET_POLICY,
        json=frozenset({"policy"}),
        rules=lambda inputs: resource_policy_rules(
            inputs.get("policy"), "policy", "MalformedPolicy"
        ),
        account_rules=_policy_account_rules,
    ),
)
