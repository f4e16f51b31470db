"""Rules of IAM about other resources: names that are in use, and roles with policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.localaws.catalog.iam_cases import ATTACHMENT, POLICY, ROLE
from tests.localaws.catalog.operations import refused
from tests.localaws.catalog.ordinary_cases import PROFILE

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def test_a_role_is_taken_out_of_its_instance_profile_and_deleted(account: Account) -> None:
    """The Terraform provider removes it from profiles first (`deleteRole` in iam/role.go)."""
    profile = account.make(PROFILE, name="instances", role="tasks")
    account.delete(ROLE, "tasks")
    assert account.get(PROFILE, profile.id) is not None


def test_a_role_that_lists_managed_policies_is_deleted_with_all_attachments(
    account: Account,
) -> None:
    """Source: `deleteRole` in iam/role.go of the Terraform provider, argument `hasManaged`."""
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    role = account.make(
        ROLE, **{**account.minimal(ROLE), "name": "mixed", "managedPolicyArns": [read_only]}
    )
    account.make(ATTACHMENT, role="mixed", policyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    account.delete(ROLE, role.id)
    assert not account.where(ATTACHMENT, "role", "mixed")


def test_names_of_instance_profiles_are_unique(account: Account) -> None:
    inputs = account.minimal(PROFILE)
    account.make(PROFILE, **inputs)
    taken = ("iam.instance-profile.unique", "EntityAlreadyExists")
    assert refused(account.make, PROFILE, **inputs) == {taken}


@pytest.mark.parametrize("more", [{"name": "ONE-MORE"}, {"path": "/team/"}])
def test_a_policys_name_is_unique_whatever_its_path_and_case(
    account: Account, more: dict[str, str]
) -> None:
    inputs = account.minimal(POLICY)
    account.make(POLICY, **inputs)
    taken = {("iam.policy.unique", "EntityAlreadyExists")}
    assert refused(account.make, POLICY, **{**inputs, **more}) == taken


def test_a_role_with_policies_can_be_deleted_only_with_force(account: Account) -> None:
    policy = account.make(POLICY, **account.minimal(POLICY)).id
    attachment = account.make(ATTACHMENT, role="tasks", policyArn=policy)
    assert ("iam.role.held", "DeleteConflict") in refused(account.delete, ROLE, "tasks")
    assert ("iam.policy.held", "DeleteConflict") in refused(account.delete, POLICY, policy)
    assert ("iam.policy.unique", "EntityAlreadyExists") in refused(
        account.make, POLICY, **account.minimal(POLICY)
    )
    account.update(ROLE, "tasks", {**account.made["role"].inputs, "forceDetachPolicies": True})
    account.delete(ROLE, "tasks")
    assert account.get(ATTACHMENT, attachment.id) is None
