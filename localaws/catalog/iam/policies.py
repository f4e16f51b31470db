"""IAM: managed policies, and the types of inline policies and attachments of roles and users."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from localaws.catalog.account import others_with_same
from localaws.catalog.iam.names import PATH, iam_name, is_taken, path_and_name
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.policies import policy_rules
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.values import ARN, Limit

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

POLICY = "aws:iam/policy:Policy"

ATTACHED_POLICIES = 10
"""The managed policies of a role or a user. Source: IAM's default quotas."""

MANAGED_POLICY_CHARACTERS = 6144
"""Source: IAM's quotas; white space doesn't count, as in all of them."""

_AWS_MANAGED = ":iam::aws:policy/"
"""A part of the ARNs of AWS's own policies, which are all assumed to exist."""


def characters(policy: object) -> int:
    """Return the length of a policy document without white space."""
    return len("".join(policy.split())) if isinstance(policy, str) else 0


def managed_policy_rules(account: Account, arn: object, name: str) -> Refusals:
    """Refuse a managed policy that doesn't exist, in the input with that name."""
    if not isinstance(arn, str) or _AWS_MANAGED in arn:
        return
    if account.get(POLICY, arn) is None:
        message = (
            f"Policy {arn} does not exist or is not attachable: use the ARN of an existing policy"
        )
        yield Refusal("NoSuchEntity", message, "iam.policy.exists", name)


def _inline_policy_rules(
    inputs: Properties,
    account: Account,
    current: Resource | None,
    *,
    token: str,
    owner: str,
    limit: int,
    rule: str,
) -> Refusals:
    """Refuse an inline policy with which those of a role or user exceed IAM's size quota."""
    total = characters(inputs.get("policy"))
    for other in others_with_same(account, token, inputs, current, owner):
        total += characters(other.inputs.get("policy"))
    if total > limit:
        message = (
            f"Maximum policy size of {limit} bytes exceeded for {owner} {inputs.get(owner)}: its "
            f"inline policies have {total} without white space; shorten one, or move it into a "
            "managed policy"
        )
        yield Refusal("LimitExceeded", message, rule, "policy")


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
        only_recorded=NO_PERMISSION,
        autoname=AutoName(),
        replaces=frozenset({"name", "namePrefix", name}),
        json=frozenset({"policy"}),
        limits=(Limit("name", iam_name(128), "iam.role-policy.name"),),
        references=(owner,),
        rules=lambda inputs: policy_rules(inputs.get("policy"), "policy"),
        account_rules=partial(
            _inline_policy_rules, token=token, owner=name, limit=limit, rule=rule
        ),
        computed=lambda _mint, inputs: {"id": f"{inputs.get(name)}:{inputs.get('name')}"},
    )


def _attachment_rules(
    inputs: Properties,
    account: Account,
    current: Resource | None,
    *,
    token: str,
    owner: str,
    rule: str,
) -> Refusals:
    """Refuse a managed policy that doesn't exist, or that exceeds the quota of its role or user."""
    yield from managed_policy_rules(account, inputs.get("policyArn"), "policyArn")
    attached = account.where(token, owner, inputs.get(owner))
    if current is None and len(attached) >= ATTACHED_POLICIES:
        message = (
            f"Cannot exceed quota for PoliciesPer{owner.title()}: {ATTACHED_POLICIES}; combine "
            "policies, or use inline ones"
        )
        yield Refusal("LimitExceeded", message, rule, "policyArn")


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
        only_recorded=NO_PERMISSION,
        replaces=frozenset({name, "policyArn"}),
        delete_first=True,
        limits=(Limit("policyArn", ARN, "iam.role-policy-attachment.arn"),),
        references=(owner, Reference("policyArn", POLICY, "", "iam.policy.exists", "held")),
        account_rules=partial(_attachment_rules, token=token, owner=name, rule=rule),
        computed=lambda mint, inputs: {"id": f"{inputs.get(name)}-{mint.digits(26)}"},
        import_ids=lambda each: (f"{each.inputs[name]}/{each.inputs['policyArn']}",),
    )


def _policy_rules(inputs: Properties) -> Refusals:
    yield from policy_rules(inputs.get("policy"), "policy")
    length = characters(inputs.get("policy"))
    if length > MANAGED_POLICY_CHARACTERS:
        message = (
            f"policy must have at most {MANAGED_POLICY_CHARACTERS} characters without white space, "
            f"got {length}"
        )
        yield Refusal("LimitExceeded", message, "iam.policy.size", "policy")


def _policy_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    if is_taken(account, POLICY, inputs, current):
        message = (
            f"A policy called {inputs.get('name')} already exists. Duplicate names are not "
            "allowed: choose another one"
        )
        yield Refusal("EntityAlreadyExists", message, "iam.policy.unique", "name")


def _policy_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("iam", f"policy{path_and_name(inputs)}", region="")
    return {"id": arn, "arn": arn, "policyId": f"ANPA{mint.hex(17).upper()}", "attachmentCount": 0}


TYPES = (
    ResourceType(
        token=POLICY,
        only_recorded=NO_PERMISSION,
        autoname=AutoName(longest=128),
        replaces=frozenset({"name", "namePrefix", "path", "description"}),
        json=frozenset({"policy"}),
        defaults={"path": "/"},
        limits=(
            Limit("name", iam_name(128), "iam.policy.name"),
            Limit("path", PATH, "iam.role.path"),
        ),
        rules=_policy_rules,
        account_rules=_policy_account_rules,
        computed=_policy_computed,
        held=("DeleteConflict", "iam.policy.held"),
    ),
)
