"""Elastic Container Registry: repositories.

An image is a name in the local AWS, so nothing is stored in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.partitions import partition_of
from localaws.catalog.resource_type import AutoName, ResourceType, Unique

if TYPE_CHECKING:
    from localaws.catalog.account import Mint
    from localaws.catalog.properties import Properties

REPOSITORY = "aws:ecr/repository:Repository"


def _computed(mint: Mint, inputs: Properties) -> Properties:
    name, account = inputs.get("name"), mint.account.account_id
    domain = f"{mint.region}.{partition_of(mint.region).suffix}"
    return {
        "id": name,
        "arn": mint.arn("ecr", f"repository/{name}"),
        "registryId": account,
        "repositoryUrl": f"{account}.dkr.ecr.{domain}/{name}",
    }


TYPES = (
    ResourceType(
        token=REPOSITORY,
        recorded="repositories hold no images",
        autoname=AutoName(longest=256, lower=True),
        replaces=frozenset({"name", "encryptionConfigurations", "region"}),
        defaults={"imageTagMutability": "MUTABLE", "forceDelete": False},
        unique=(
            Unique(
                ("name",),
                "RepositoryAlreadyExistsException",
                "ecr.repository.unique",
                "The repository with name '{name}' already exists",
            ),
        ),
        computed=_computed,
    ),
)
