"""IAM: roles, their policies, and instance profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from localaws.catalog.iam.names import CREATED, PATH, iam_name, is_taken, path_and_name
from localaws.catalog.iam.policies import (
    ATTACHED_POLICIES,
    characters,
    inline_policy,
    managed_policy_rules,
    policy_attachment,
)
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.policies import TRUST, policy_rules
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import ARN, Limit, blocks, length, texts, within

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
INSTANCE_PROFILE = "aws:iam/instanceProfile:InstanceProfile"

TRUST_POLICY_CHARACTERS = 2048
INLINE_POLICY_CHARACTERS = 10240
"""The characters of a role's trust policy, and of all of its inline policies.

Source: IAM's default quotas; white space doesn't count.
"""


def _role_rules(inputs: Properties) -> Refusals:
    trust_policy = inputs.get("assumeRolePolicy")
    yield from policy_rules(trust_policy, "assumeRolePolicy", kind=TRUST)
    if characters(trust_policy) > TRUST_POLICY_CHARACTERS:
        message = (
            f"assumeRolePolicy must have at most {TRUST_POLICY_CHARACTERS} characters without "
            f"white space, got {characters(trust_policy)}"
        )
        yield Refusal("LimitExceeded", message, "iam.policy.size", "assumeRolePolicy")
    total = 0
    for policy in blocks(inputs.get("inlinePolicies")):
        total += characters(policy.get("policy"))
        for refusal in policy_rules(policy.get("policy"), "policy"):
            yield replace(refusal, property="inlinePolicies")
    if total > INLINE_POLICY_CHARACTERS:
        message = (
            f"inlinePolicies must have at most {INLINE_POLICY_CHARACTERS} characters together, "
            f"without white space, got {total}"
        )
        yield Refusal("LimitExceeded", message, "iam.policy.size", "inlinePolicies")


def _role_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if is_taken(account, ROLE, inputs, current):
        message = f"Role with name {inputs.get('name')} already exists: choose another name"
        yield Refusal("EntityAlreadyExists", message, "iam.role.unique", "name")
    arns = texts(inputs.get("managedPolicyArns"))
    for arn in arns:
        yield from managed_policy_rules(account, arn, "managedPolicyArns")
    if len(arns) > ATTACHED_POLICIES:
        message = (
            f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_POLICIES}, got {len(arns)}; "
            "combine policies, or use inline ones"
        )
        yield Refusal("LimitExceeded", message, "iam.role.quota", "managedPolicyArns")


def _computed(mint: Mint, inputs: Properties, kind: str, unique_prefix: str) -> Properties:
    """Return the outputs that AWS chooses for a role or an instance profile."""
    return {
        "id": inputs.get("name"),
        "arn": mint.arn("iam", f"{kind}{path_and_name(inputs)}", region=""),
        "uniqueId": f"{unique_prefix}{mint.hex(17).upper()}",
        "createDate": CREATED,
    }


def _role_computed(mint: Mint, inputs: Properties) -> Properties:
    return _computed(mint, inputs, "role", "AROA")


def _profile_computed(mint: Mint, inputs: Properties) -> Properties:
    return _computed(mint, inputs, "instance-profile", "AIPA")


def _role_deletion_rules(role: Resource, account: Account) -> Refusals:
    """Refuse to delete a role with policies, unless the provider deletes or detaches them first."""
    if role.inputs.get("forceDetachPolicies") is True:
        return
    # The provider removes all policies of a kind if the role's inputs list some of that kind.
    for token, action, listed_in in (
        (ROLE_POLICY, "delete", "inlinePolicies"),
        (ATTACHMENT, "detach", "managedPolicyArns"),
    ):
        if not role.inputs.get(listed_in) and account.where(token, "role", role.id):
            message = f"Cannot delete entity, must {action} all policies of role {role.id} first."
            yield Refusal("DeleteConflict", message, "iam.role.held")


_OWNER = Reference("role", ROLE, "NoSuchEntity", "iam.role.exists", "gone")

TYPES = (
    ResourceType(
        token=ROLE,
        only_recorded=NO_PERMISSION,
        autoname=AutoName(longest=64),
        replaces=frozenset({"name", "namePrefix", "path"}),
        unordered=frozenset({"managedPolicyArns", "inlinePolicies"}),
        json=frozenset({"assumeRolePolicy"}),
        defaults={
            "path": "/",
            "maxSessionDuration": 3600,
            "forceDetachPolicies": False,
            "description": "",
        },
        limits=(
            Limit("name", iam_name(64), "iam.role.name"),
            Limit("namePrefix", iam_name(38), "iam.role.name"),
            Limit("description", length(0, 1000), "iam.role.description"),
            Limit("maxSessionDuration", within(3600, 43200), "iam.role.session"),
            Limit("path", PATH, "iam.role.path"),
            Limit("permissionsBoundary", ARN, "iam.role.boundary"),
        ),
        rules=_role_rules,
        account_rules=_role_account_rules,
        computed=_role_computed,
        deletion_rules=_role_deletion_rules,
    ),
    inline_policy(ROLE_POLICY, _OWNER, limit=INLINE_POLICY_CHARACTERS, rule="iam.policy.size"),
    policy_attachment(ATTACHMENT, _OWNER, rule="iam.role.quota"),
    ResourceType(
        token=INSTANCE_PROFILE,
        only_recorded=NO_PERMISSION,
        autoname=AutoName(longest=128),
        replaces=frozenset({"name", "namePrefix", "path"}),
        defaults={"path": "/"},
        limits=(
            Limit("name", iam_name(128), "iam.instance-profile.name"),
            Limit("path", PATH, "iam.role.path"),
        ),
        # When a role is deleted, the provider first removes it from its instance profiles.
        references=(Reference("role", ROLE, "NoSuchEntity", "iam.role.exists"),),
        unique=(
            Unique(
                ("name",),
                "EntityAlreadyExists",
                "iam.instance-profile.unique",
                "Instance Profile {name} already exists.",
            ),
        ),
        computed=_profile_computed,
    ),
)
