"""IAM: roles and their policies."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from localaws.catalog.account import namesakes
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.policies import TRUST, policy_rules
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import ARN, Limit, blocks, length, matches, text, texts, within

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"
INSTANCE_PROFILE = "aws:iam/instanceProfile:InstanceProfile"

POLICIES_PER_PRINCIPAL = 10
INLINE_POLICY_CHARACTERS = 10240
TRUST_POLICY_CHARACTERS = 2048
MANAGED_POLICY_CHARACTERS = 6144
"""AWS's default quotas; white space doesn't count."""

AWS_MANAGED = ":iam::aws:policy/"
"""A part of the ARNs of AWS's own policies, which are all assumed to exist."""

CREATED = "2024-01-01T00:00:00Z"
"""The creation date of every resource; the catalog has no clock."""


def characters(value: object) -> int:
    """Return the length of a policy without white space."""
    return len("".join(value.split())) if isinstance(value, str) else 0


def _role_rules(inputs: Properties) -> Refusals:
    yield from policy_rules(inputs.get("assumeRolePolicy"), "assumeRolePolicy", kind=TRUST)
    if characters(inputs.get("assumeRolePolicy")) > TRUST_POLICY_CHARACTERS:
        message = f"assumeRolePolicy is longer than {TRUST_POLICY_CHARACTERS} characters"
        yield Refusal("LimitExceeded", message, "iam.policy.size", "assumeRolePolicy")
    total = 0
    for policy in blocks(inputs.get("inlinePolicies")):
        total += characters(policy.get("policy"))
        for refusal in policy_rules(policy.get("policy"), "policy"):
            yield replace(refusal, property="inlinePolicies")
    if total > INLINE_POLICY_CHARACTERS:
        message = f"inlinePolicies are longer than {INLINE_POLICY_CHARACTERS} characters together"
        yield Refusal("LimitExceeded", message, "iam.policy.size", "inlinePolicies")


def _role_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    name = text(inputs.get("name"))
    for role in account.all(ROLE):
        is_other = current is None or role.id != current.id
        if name and is_other and role.id.lower() == name.lower():
            message = f"Role with name {name} already exists."
            yield Refusal("EntityAlreadyExists", message, "iam.role.unique", "name")
    arns = texts(inputs.get("managedPolicyArns"))
    for arn in arns:
        yield from attachable(account, arn, "managedPolicyArns")
    if len(arns) > POLICIES_PER_PRINCIPAL:
        message = f"Cannot exceed quota for PoliciesPerRole: {POLICIES_PER_PRINCIPAL}"
        yield Refusal("LimitExceeded", message, "iam.role.quota", "managedPolicyArns")


def attachable(account: Account, arn: object, name: str) -> Refusals:
    """Refuse a managed policy that doesn't exist; AWS's own policies all do."""
    if isinstance(arn, str) and AWS_MANAGED not in arn and account.get(POLICY, arn) is None:
        message = f"Policy {arn} does not exist or is not attachable."
        yield Refusal("NoSuchEntity", message, "iam.policy.exists", name)


def _named(mint: Mint, inputs: Properties, kind: str, unique_prefix: str) -> Properties:
    """Return the computed outputs of a role or an instance profile."""
    path, name = inputs.get("path") or "/", inputs.get("name")
    return {
        "id": name,
        "arn": mint.arn("iam", f"{kind}{path}{name}", region=""),
        "uniqueId": f"{unique_prefix}{mint.hex(17).upper()}",
        "createDate": CREATED,
    }


def _role_computed(mint: Mint, inputs: Properties) -> Properties:
    return _named(mint, inputs, "role", "AROA")


def _role_deletion_rules(role: Resource, account: Account) -> Refusals:
    if role.inputs.get("forceDetachPolicies") is True:
        return
    # The provider deletes all policies of a kind that the role itself lists.
    for token, what, own in (
        (ROLE_POLICY, "delete", "inlinePolicies"),
        (ATTACHMENT, "detach", "managedPolicyArns"),
    ):
        if not role.inputs.get(own) and account.where(token, "role", role.id):
            message = f"Cannot delete entity, must {what} all policies of role {role.id} first."
            yield Refusal("DeleteConflict", message, "iam.role.held")


def inline_policies_fit(
    inputs: Properties,
    account: Account,
    current: Resource | None,
    *,
    token: str,
    owner: str,
    limit: int,
    rule: str,
) -> Refusals:
    """Refuse an inline policy with which those of a role or user exceed IAM's size quota.

    Args:
        inputs: The policy's inputs.
        account: The account with the other policies.
        current: The policy before an update, or None for a new one.
        token: The type of inline policies of a role, or of a user.
        owner: The input with the role or user: `role` or `user`.
        limit: The quota for all policies, in characters without white space.
        rule: The rule's id.
    """
    total = characters(inputs.get("policy"))
    for other in namesakes(account, token, inputs, current, owner):
        total += characters(other.inputs.get("policy"))
    if total > limit:
        message = f"Maximum policy size of {limit} bytes exceeded for {owner} {inputs.get(owner)}"
        yield Refusal("LimitExceeded", message, rule, "policy")


def policy_can_be_attached(
    inputs: Properties,
    account: Account,
    current: Resource | None,
    *,
    token: str,
    owner: str,
    rule: str,
) -> Refusals:
    """Refuse a managed policy that doesn't exist, or that exceeds the quota of its role or user.

    Args:
        inputs: The attachment's inputs.
        account: The account with the other attachments.
        current: The attachment before an update, or None for a new one.
        token: The type of attachments to a role, or to a user.
        owner: The input with the role or user: `role` or `user`.
        rule: The rule's id.
    """
    yield from attachable(account, inputs.get("policyArn"), "policyArn")
    attached = account.where(token, owner, inputs.get(owner))
    if current is None and len(attached) >= POLICIES_PER_PRINCIPAL:
        message = f"Cannot exceed quota for PoliciesPer{owner.title()}: {POLICIES_PER_PRINCIPAL}"
        yield Refusal("LimitExceeded", message, rule, "policyArn")


def _policy_rules(inputs: Properties) -> Refusals:
    yield from policy_rules(inputs.get("policy"), "policy")
    if characters(inputs.get("policy")) > MANAGED_POLICY_CHARACTERS:
        message = f"policy is longer than {MANAGED_POLICY_CHARACTERS} characters"
        yield Refusal("LimitExceeded", message, "iam.policy.size", "policy")


def _policy_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    name = str(inputs.get("name"))
    for policy in account.all(POLICY):
        is_other = current is None or policy.id != current.id
        if is_other and policy.id.rpartition("/")[2].lower() == name.lower():
            message = f"A policy called {name} already exists. Duplicate names are not allowed."
            yield Refusal("EntityAlreadyExists", message, "iam.policy.unique", "name")


def _policy_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("iam", f"policy{inputs.get('path') or '/'}{inputs.get('name')}", region="")
    return {"id": arn, "arn": arn, "policyId": f"ANPA{mint.hex(17).upper()}", "attachmentCount": 0}


def _profile_computed(mint: Mint, inputs: Properties) -> Properties:
    return _named(mint, inputs, "instance-profile", "AIPA")


def name_of(longest: int) -> str:
    """Return a regular expression that matches IAM's names of at most that length."""
    return rf"[\w+=,.@-]{{1,{longest}}}"


WORDS = "letters, digits and _+=,.@-"
PATH = matches(r"/|/[\x21-\x7e]{1,510}/", "a path such as / or /service/")


def inline_policy(token: str, owner: Reference, *, limit: int, rule: str) -> ResourceType:
    """Return the type of the policies inside roles or users.

    Args:
        token: The type's token.
        owner: The property that names the role or user.
        limit: How many characters all policies of one owner may have.
        rule: The id of the rule that checks it.
    """
    name = owner.property
    return ResourceType(
        token=token,
        recorded=NO_PERMISSION,
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", name}),
        json=frozenset({"policy"}),
        limits=(Limit("name", matches(name_of(128), f"1 to 128 {WORDS}"), "iam.role-policy.name"),),
        references=(owner,),
        rules=lambda inputs: policy_rules(inputs.get("policy"), "policy"),
        account_rules=partial(inline_policies_fit, token=token, owner=name, limit=limit, rule=rule),
        computed=lambda _mint, inputs: {"id": f"{inputs.get(name)}:{inputs.get('name')}"},
    )


def policy_attachment(token: str, owner: Reference, *, rule: str) -> ResourceType:
    """Return the type of the attachments of policies to roles or users.

    Args:
        token: The type's token.
        owner: The property that names the role or user.
        rule: The id of the rule that checks how many one owner has.
    """
    name = owner.property
    return ResourceType(
        token=token,
        recorded=NO_PERMISSION,
        replaces=frozenset({name, "policyArn"}),
        delete_first=True,
        limits=(Limit("policyArn", ARN, "iam.role-policy-attachment.arn"),),
        references=(owner, Reference("policyArn", POLICY, "", "iam.policy.exists", "held")),
        account_rules=partial(policy_can_be_attached, token=token, owner=name, rule=rule),
        computed=lambda mint, inputs: {"id": f"{inputs.get(name)}-{mint.digits(26)}"},
        import_ids=lambda each: (f"{each.inputs[name]}/{each.inputs['policyArn']}",),
    )


_ROLE = Reference("role", ROLE, "NoSuchEntity", "iam.role.exists", "gone")

TYPES = (
    ResourceType(
        token=ROLE,
        recorded=NO_PERMISSION,
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
            Limit("name", matches(name_of(64), f"1 to 64 {WORDS}"), "iam.role.name"),
            Limit("namePrefix", matches(name_of(38), f"1 to 38 {WORDS}"), "iam.role.name"),
            Limit("description", length(0, 1000), "iam.role.description"),
            Limit("maxSessionDuration", within(3600, 43200), "iam.role.session"),
            Limit("path", PATH, "iam.role.path"),
            Limit("permissionsBoundary", ARN, "iam.role.boundary"),
        ),
        rules=_role_rules,
        account_rules=_role_account_rules,
        held=("DeleteConflict", "iam.role.held"),
        computed=_role_computed,
        deletion_rules=_role_deletion_rules,
    ),
    inline_policy(ROLE_POLICY, _ROLE, limit=INLINE_POLICY_CHARACTERS, rule="iam.policy.size"),
    policy_attachment(ATTACHMENT, _ROLE, rule="iam.role.quota"),
    ResourceType(
        token=POLICY,
        recorded=NO_PERMISSION,
        autoname=AutoName(longest=128),
        replaces=frozenset({"name", "namePrefix", "path", "description"}),
        json=frozenset({"policy"}),
        defaults={"path": "/"},
        limits=(
            Limit("name", matches(name_of(128), f"1 to 128 {WORDS}"), "iam.policy.name"),
            Limit("path", PATH, "iam.role.path"),
        ),
        rules=_policy_rules,
        account_rules=_policy_account_rules,
        computed=_policy_computed,
        held=("DeleteConflict", "iam.policy.held"),
    ),
    ResourceType(
        token=INSTANCE_PROFILE,
        recorded=NO_PERMISSION,
        autoname=AutoName(longest=128),
        replaces=frozenset({"name", "namePrefix", "path"}),
        defaults={"path": "/"},
        limits=(
            Limit("name", matches(name_of(128), f"1 to 128 {WORDS}"), "iam.instance-profile.name"),
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
