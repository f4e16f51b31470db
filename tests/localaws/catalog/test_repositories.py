"""Names of image repositories, and their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.localaws.catalog.operations import refused
from tests.localaws.catalog.ordinary_cases import REPOSITORY

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account


def test_names_of_repositories_are_unique(account: Account) -> None:
    inputs = account.minimal(REPOSITORY)
    account.make(REPOSITORY, **inputs)
    taken = ("ecr.repository.unique", "RepositoryAlreadyExistsException")
    assert refused(account.make, REPOSITORY, **inputs) == {taken}


@pytest.mark.parametrize(
    "token",
    ["aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy"],
)
def test_a_repository_has_one_policy_of_a_kind_which_is_deleted_with_it(
    account: Account, token: str
) -> None:
    first = account.make(token, **account.minimal(token))
    assert refused(account.make, token, **account.minimal(token)) == {
        ("ecr.policy.unique", "AlreadyExistsException")
    }
    account.delete(REPOSITORY, account.id("repository"))
    assert account.get(token, first.id) is None
