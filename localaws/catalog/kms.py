"""Key Management Service: keys and their aliases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from localaws.catalog.account import Resource, others_with_same, uuid
from localaws.catalog.only_recorded import NO_ENCRYPTION
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import (
    Request,
    allows,
    optional_policy_rules,
    resource_policy_rules,
    statements,
)
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    Limit,
    block,
    given,
    length,
    listed,
    matches,
    one_of,
    parsed,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"

_USAGES = (
    "ENCRYPT_DECRYPT",
    "SIGN_VERIFY",
    "GENERATE_VERIFY_MAC",
    "KEY_AGREEMENT",
    "ENCAPSULATE_DECAPSULATE",
)


def _default_policy(mint: Mint) -> str:
    """Return KMS's default policy for a key: it allows the account everything, so IAM decides."""
    principal = {"AWS": f"arn:{partition_of(mint.region).name}:iam::{mint.account.account_id}:root"}
    statement = {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": principal}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**statement, "Action": "kms:*", "Resource": "*"}]}
    )


def _key_rules(inputs: Properties) -> Refusals:
    yield from optional_policy_rules(
        inputs.get("policy"), "policy", "MalformedPolicyDocumentException"
    )
    if given(inputs, "rotationPeriodInDays") and inputs.get("enableKeyRotation") in (None, False):
        message = "rotationPeriodInDays needs enableKeyRotation"
        yield Refusal("InvalidArgument", message, "kms.key.rotation", "rotationPeriodInDays")
    symmetric = inputs.get("customerMasterKeySpec") in (None, UNKNOWN, "SYMMETRIC_DEFAULT")
    if not symmetric and inputs.get("enableKeyRotation") is True:
        message = "only symmetric keys rotate by themselves"
        yield Refusal(
            "UnsupportedOperationException", message, "kms.key.rotation", "enableKeyRotation"
        )


def _key_account_rules(inputs: Properties, account: Account, _current: Resource | None) -> Refusals:
    """Refuse a policy under which the account couldn't change the key's policy again."""
    document = parsed(inputs.get("policy"))
    if inputs.get("bypassPolicyLockoutSafetyCheck") is True or not isinstance(document, dict):
        return
    if not _keeps_control(document, account.account_id):
        message = (
            "The new key policy will not allow you to update the key policy in the future: let "
            f"arn:aws:iam::{account.account_id}:root do kms:PutKeyPolicy or kms:*"
        )
        yield Refusal("MalformedPolicyDocumentException", message, "kms.key.lockout", "policy")


def _keeps_control(document: Mapping[str, object], account: str) -> bool:
    """Return whether a policy allows a principal of the account to replace it."""
    for statement in statements(document):
        principal = statement.get("Principal")
        for name in listed(block(principal).get("AWS", principal)):
            if name != "*" and account not in str(name):
                continue
            caller = frozenset({("AWS", str(name))})
            request = Request(principals=caller, action="kms:PutKeyPolicy", resource="*")
            if allows(document, request):
                return True
    return False


def _key_computed(mint: Mint, inputs: Properties) -> Properties:
    identifier = uuid(mint)
    if inputs.get("multiRegion") is True:
        identifier = f"mrk-{identifier}"
    computed = {
        "id": identifier,
        "keyId": identifier,
        "arn": mint.arn("kms", f"key/{identifier}"),
    }
    if not inputs.get("policy"):
        computed["policy"] = _default_policy(mint)
    return computed


def key_of(account: Account, name: object) -> Resource | None:
    """Return the key with an id or ARN, or with an alias that has this name or ARN."""
    for alias in account.all(ALIAS):
        if name in (alias.id, alias.computed.get("arn")):
            return account.find(KEY, alias.inputs.get("targetKeyId"))
    return account.find(KEY, name)


def policy_of(account: Account, key: Resource) -> object:
    """Return a key's policy: a `KeyPolicy` resource overrides the key's input."""
    for resource in account.all(KEY_POLICY):
        if key_of(account, resource.inputs.get("keyId")) == key:
            return resource.inputs.get("policy")
    return key.outputs.get("policy")


def _key_policy_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    yield from _key_account_rules(inputs, account, current)
    if others_with_same(account, KEY_POLICY, inputs, current, "keyId"):
        message = (
            f"{inputs.get('keyId')} has a KeyPolicy already, and one resource would "
            "overwrite the other"
        )
        yield Refusal("AlreadyExistsException", message, "kms.key-policy.unique", "keyId")


def _alias_computed(mint: Mint, inputs: Properties) -> Properties:
    name = inputs.get("name")
    key = mint.account.find(KEY, inputs.get("targetKeyId"))
    return {
        "id": name,
        "arn": mint.arn("kms", str(name)),
        "targetKeyArn": key.computed["arn"] if key else "",
    }


TYPES = (
    ResourceType(
        token=KEY,
        only_recorded=NO_ENCRYPTION,
        replaces=frozenset(
            {
                "customerMasterKeySpec",
                "keyUsage",
                "multiRegion",
                "customKeyStoreId",
                "xksKeyId",
                "region",
            }
        ),
        json=frozenset({"policy"}),
        defaults={
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "keyUsage": "ENCRYPT_DECRYPT",
            "description": "Managed by Pulumi",
            "enableKeyRotation": False,
            "isEnabled": True,
            "multiRegion": False,
        },
        limits=(
            Limit("deletionWindowInDays", within(7, 30), "kms.key.deletion-window"),
            Limit("description", length(0, 8192), "kms.key.description"),
            Limit("keyUsage", one_of(*_USAGES), "kms.key.usage"),
            Limit("rotationPeriodInDays", within(90, 2560), "kms.key.rotation"),
        ),
        rules=_key_rules,
        account_rules=_key_account_rules,
        computed=_key_computed,
        import_ids=lambda key: (key.id, key.computed["arn"]),
    ),
    ResourceType(
        token=ALIAS,
        only_recorded=NO_ENCRYPTION,
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", "region"}),
        limits=(
            Limit(
                "name",
                matches(
                    r"alias/(?!aws/)[\w/-]{1,250}",
                    "alias/ and letters, digits, /, _ and -, not starting aws/",
                ),
                "kms.alias.name",
            ),
        ),
        references=(
            Reference("targetKeyId", KEY, "NotFoundException", "kms.alias.key-exists", "gone"),
        ),
        unique=(
            Unique(
                ("name",),
                "AlreadyExistsException",
                "kms.alias.unique",
                "the alias {name} already exists",
            ),
        ),
        computed=_alias_computed,
    ),
    ResourceType(
        token=KEY_POLICY,
        only_recorded=NO_ENCRYPTION,
        replaces=frozenset({"keyId", "region"}),
        json=frozenset({"policy"}),
        references=(
            Reference("keyId", KEY, "NotFoundException", "kms.key-policy.key-exists", "gone"),
        ),
        rules=lambda inputs: resource_policy_rules(
            inputs.get("policy"), "policy", "MalformedPolicyDocumentException"
        ),
        account_rules=_key_policy_account_rules,
        computed=lambda _mint, inputs: {"id": inputs.get("keyId")},
    ),
)
