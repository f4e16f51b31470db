"""CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.kms import key_of, policy_of
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import Request, allows, resource_policy_rules
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, ResourceType, Unique
from localaws.catalog.values import ARN, Limit, exactly_one, given, length, matches, one_of, parsed

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

RETENTION_DAYS = (
    0,
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
"""How many days CloudWatch Logs can keep events; 0 means for ever.

Source: PutRetentionPolicy in the API reference, and the provider's validator.
"""

POLICIES_PER_REGION = 10
"""AWS's quota for resource policies."""

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
RESOURCE_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"


def _account_rules(inputs: Properties, account: Account, _current: Resource | None) -> Refusals:
    """Refuse a key whose policy doesn't allow CloudWatch Logs to use it.

    A key that isn't a resource is assumed to allow it.
    """
    key = key_of(account, inputs.get("kmsKeyId"))
    if key is None:
        return
    policy = parsed(policy_of(account, key))
    if not _allows_encryption(policy, key, f"log-group:{inputs.get('name')}", account.account_id):
        message = (
            "The specified KMS key does not exist or is not allowed to be used with log "
            f"group {inputs.get('name')}: "
            f"the policy of {key.id} must let logs.{key.region}.{_suffix(key)} use it"
        )
        yield Refusal("InvalidParameterException", message, "logs.group.key", "kmsKeyId")


_NEEDED_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")


def _suffix(key: Resource) -> str:
    """Return the suffix of CloudWatch Logs' principals in a key's region."""
    return partition_of(key.region).principal_suffix("logs")


def _allows_encryption(policy: object, key: Resource, group: str, account: str) -> bool:
    """Return whether a key's policy allows CloudWatch Logs to encrypt a log group."""
    suffix = _suffix(key)
    principals = frozenset(
        {("Service", f"logs.{suffix}"), ("Service", f"logs.{key.region}.{suffix}")}
    )
    arn = f"arn:{partition_of(key.region).name}:logs:{key.region}:{account}:{group}"
    context = {
        "kms:EncryptionContext:aws:logs:arn": arn,
        "aws:SourceAccount": account,
        "aws:SourceArn": arn,
    }
    for action in _NEEDED_ACTIONS:
        request = Request(
            principals=principals, action=action, resource=key.computed["arn"], context=context
        )
        if not allows(policy, request):
            return False
    return True


def _deletion_rules(group: Resource, _account: Account) -> Refusals:
    if group.inputs.get("deletionProtectionEnabled") is True:
        message = (
            f"log group {group.id} has deletion protection; set deletionProtectionEnabled to "
            "false first"
        )
        yield Refusal("OperationNotPermitted", message, "logs.group.deletion-protection")


def _computed(mint: Mint, inputs: Properties) -> Properties:
    return {"id": inputs.get("name"), "arn": mint.arn("logs", f"log-group:{inputs.get('name')}")}


def _resource_policy_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("policyName", "resourceArn"), "logs.resource-policy.one-name")
    yield from resource_policy_rules(
        inputs.get("policyDocument"), "policyDocument", "InvalidParameterException"
    )


def _resource_policy_account_rules(
    _inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    if current is None and len(account.all(RESOURCE_POLICY)) >= POLICIES_PER_REGION:
        message = f"Resource limit exceeded: {POLICIES_PER_REGION} resource policies exist"
        yield Refusal("LimitExceededException", message, "logs.resource-policy.quota")


def _resource_policy_computed(_mint: Mint, inputs: Properties) -> Properties:
    scope = "RESOURCE" if given(inputs, "resourceArn") else "ACCOUNT"
    return {
        "id": inputs.get("policyName") or inputs.get("resourceArn"),
        "policyScope": scope,
        "revisionId": "",
    }


TYPES = (
    ResourceType(
        token=LOG_GROUP,
        only_recorded="what tasks write is kept under the group's name for good",
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", "logGroupClass", "region"}),
        defaults={"retentionInDays": 0, "logGroupClass": "STANDARD", "skipDestroy": False},
        limits=(
            Limit(
                "name",
                matches(r"[\w.\-/#]{1,512}", "1 to 512 letters, digits and ._-/#"),
                "logs.group.name",
            ),
            Limit(
                "namePrefix",
                matches(r"[\w.\-/#]{1,483}", "1 to 483 letters, digits and ._-/#"),
                "logs.group.name",
            ),
            Limit("retentionInDays", one_of(*RETENTION_DAYS), "logs.group.retention"),
            Limit("kmsKeyId", ARN, "logs.group.key-arn"),
            Limit(
                "logGroupClass",
                one_of("STANDARD", "INFREQUENT_ACCESS", "DELIVERY"),
                "logs.group.class",
            ),
        ),
        unique=(
            Unique(
                ("name",),
                "ResourceAlreadyExistsException",
                "logs.group.unique",
                "The specified log group already exists: {name}",
            ),
        ),
        account_rules=_account_rules,
        computed=_computed,
        deletion_rules=_deletion_rules,
    ),
    ResourceType(
        token=RESOURCE_POLICY,
        only_recorded=NO_PERMISSION,
        replaces=frozenset({"policyName", "resourceArn", "region"}),
        json=frozenset({"policyDocument"}),
        limits=(
            Limit(
                "policyName",
                matches(r"\S.{0,254}", "1 to 255 characters"),
                "logs.resource-policy.name",
            ),
            Limit("policyDocument", length(1, 5120), "logs.resource-policy.size"),
        ),
        rules=_resource_policy_rules,
        account_rules=_resource_policy_account_rules,
        computed=_resource_policy_computed,
    ),
)
