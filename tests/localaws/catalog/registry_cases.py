"""Refusals of repositories and their policies; `test_refusals.py` runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.localaws.catalog.conftest import image_lifecycle, image_rule

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"

_INVALID = "InvalidParameterException"
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-000000000000"
_FILTERS = [{"filter": "latest*", "filterType": "WILDCARD"}]


def _rules(refused: list[dict[str, Any]], accepted: list[dict[str, Any]]) -> Case:
    return (
        LIFECYCLE,
        "ecr.lifecycle-policy.rules",
        _INVALID,
        {"policy": image_lifecycle(*refused)},
        {"policy": image_lifecycle(*accepted)},
    )


def _encryption(**encryption: str) -> dict[str, Any]:
    return {"encryptionConfigurations": [encryption]}


_WITH_LISTS = (
    _rules([{**image_rule(), "rulePriority": [1]}], [image_rule(priority=1)]),
    _rules([image_rule(tagStatus=["untagged"])], [image_rule(tagStatus="untagged")]),
    _rules([image_rule(countType=["imageCountMoreThan"])], [image_rule()]),
    _rules([{**image_rule(), "action": {"type": ["expire"]}}], [image_rule(action="expire")]),
)
"""Values that are lists, which a dictionary or a set can't look up."""

REGISTRY_CASES: list[Case] = [
    (
        REPOSITORY,
        "ecr.repository.encryption",
        _INVALID,
        _encryption(encryptionType="AES256", kmsKey=_KEY),
        _encryption(encryptionType="KMS", kmsKey=_KEY),
    ),
    (
        REPOSITORY,
        "ecr.repository.encryption",
        _INVALID,
        _encryption(encryptionType="KMS", kmsKey="alias/mine"),
        _encryption(encryptionType="KMS"),
    ),
    (
        REPOSITORY,
        "ecr.repository.exclusion",
        _INVALID,
        {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"},
        {
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": _FILTERS,
        },
    ),
    (
        REPOSITORY,
        "ecr.repository.exclusion",
        _INVALID,
        {"imageTagMutability": "IMMUTABLE", "imageTagMutabilityExclusionFilters": _FILTERS},
        {"imageTagMutability": "IMMUTABLE"},
    ),
    (LIFECYCLE, "ecr.repository.exists", "RepositoryNotFoundException", {"repository": "no"}, {}),
    (POLICY, "ecr.repository.exists", "RepositoryNotFoundException", {"repository": "no"}, {}),
    (POLICY, "iam.policy.json", _INVALID, {"policy": "{"}, {}),
    (
        LIFECYCLE,
        "ecr.lifecycle-policy.rules",
        _INVALID,
        {"policy": image_lifecycle().replace("rules", "rule")},
        {"policy": image_lifecycle()},
    ),
    _rules([image_rule(priority=0)], [image_rule(priority=7)]),
    (
        LIFECYCLE,
        "ecr.lifecycle-policy.rules",
        _INVALID,
        {"policy": json.dumps({"rules": ["expire", image_rule()]})},
        {"policy": json.dumps({"rules": [image_rule()]})},
    ),
    *_WITH_LISTS,
    _rules([image_rule(), image_rule()], [image_rule(), image_rule(priority=2)]),
    _rules(
        [image_rule(tagStatus="tagged")],
        [image_rule(tagStatus="tagged", tagPatternList=["v*"])],
    ),
    _rules(
        [image_rule(tagStatus="tagged", tagPatternList=["*"], tagPrefixList=["v"])],
        [image_rule(tagStatus="tagged", tagPrefixList=["v"])],
    ),
    _rules([image_rule(tagStatus="some")], [image_rule(tagStatus="any")]),
    _rules([image_rule(tagPrefixList=["v"])], [image_rule()]),
    _rules(
        [image_rule(tagStatus="tagged", tagPatternList=["*a*b*c*d*"])],
        [image_rule(tagStatus="tagged", tagPatternList=["*a*b*c*d"])],
    ),
    _rules([image_rule(countUnit="days")], [image_rule()]),
    _rules(
        [image_rule(countType="sinceImagePushed")],
        [image_rule(countType="sinceImagePushed", countUnit="days")],
    ),
    _rules([image_rule(countType="newest")], [image_rule()]),
    _rules([image_rule(countNumber=0)], [image_rule(countNumber=1)]),
    _rules([image_rule(action="delete")], [image_rule(action="expire")]),
    _rules(
        [image_rule(tagStatus="any"), image_rule(priority=2)],
        [image_rule(tagStatus="any", priority=2), image_rule()],
    ),
    _rules(
        [image_rule(tagStatus="any"), image_rule(tagStatus="any", priority=2)],
        [image_rule(tagStatus="any")],
    ),
]
