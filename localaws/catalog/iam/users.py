"""IAM: users and their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.iam.names import PATH, iam_name, is_taken, path_and_name
from localaws.catalog.iam.policies import inline_policy, policy_attachment
from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.values import ARN, Limit

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

USER = "aws:iam/user:User"
USER_POLICY = "aws:iam/userPolicy:UserPolicy"
USER_ATTACHMENT = "aws:iam/userPolicyAttachment:UserPolicyAttachment"

INLINE_POLICY_CHARACTERS = 2048
"""The characters of all inline policies of a user. Source: IAM's quotas; white space doesn't count.
"""


def _computed(mint: Mint, inputs: Properties) -> Properties:
    return {
        "id": inputs.get("name"),
        "arn": mint.arn("iam", f"user{path_and_name(inputs)}", region=""),
        "uniqueId": f"AIDA{mint.hex(17).upper()}",
    }


def _updated(current: Resource, inputs: Properties) -> Properties:
    """Return the ARN, which changes when a user is renamed or moved to another path."""
    account = str(current.computed["arn"]).partition(":user/")[0]
    return {"arn": f"{account}:user{path_and_name(inputs)}"}


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    if is_taken(account, USER, inputs, current):
        message = f"User with name {inputs.get('name')} already exists: choose another name"
        yield Refusal("EntityAlreadyExists", message, "iam.user.unique", "name")


def _deletion_rules(user: Resource, account: Account) -> Refusals:
    for token, action in (
        (USER_POLICY, "delete policies"),
        (USER_ATTACHMENT, "detach all policies"),
    ):
        users = [each.inputs.get("user") for each in account.all(token)]
        # A user that was renamed keeps its id here.
        if user.id in users or user.outputs.get("name") in users:
            message = f"Cannot delete entity, must {action} first."
            yield Refusal("DeleteConflict", message, "iam.user.held")


_OWNER = Reference("user", USER, "NoSuchEntity", "iam.user.exists")

TYPES = (
    ResourceType(
        token=USER,
        only_recorded=NO_PERMISSION,
        autoname=AutoName(longest=64),
        defaults={"path": "/", "forceDestroy": False},
        limits=(
            Limit("name", iam_name(64), "iam.user.name"),
            Limit("path", PATH, "iam.role.path"),
            Limit("permissionsBoundary", ARN, "iam.role.boundary"),
        ),
        account_rules=_account_rules,
        computed=_computed,
        updated=_updated,
        deletion_rules=_deletion_rules,
        # A user that was renamed keeps its id here.
        import_ids=lambda user: (str(user.outputs.get("name")),),
    ),
    inline_policy(USER_POLICY, _OWNER, limit=INLINE_POLICY_CHARACTERS, rule="iam.user.policy-size"),
    policy_attachment(USER_ATTACHMENT, _OWNER, rule="iam.user.quota"),
)
