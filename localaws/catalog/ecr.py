"""Elastic Container Registry: repositories, and the policies of each."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from localaws.catalog.only_recorded import NO_PERMISSION
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import REPOSITORY as REPOSITORY_KIND
from localaws.catalog.policies import policy_rules
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.values import (
    ARN,
    Limit,
    block,
    blocks,
    given,
    known,
    listed,
    number,
    parsed,
    show,
    size,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE_POLICY = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"

_INVALID = "InvalidParameterException"
_NOT_FOUND = "RepositoryNotFoundException"

_COUNTED = "imageCountMoreThan"
_AGED = ("sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
_MOST_WILDCARDS = 4
"""In a pattern of tags. Source: Amazon ECR, lifecycle policy properties."""


def immutable(repository: Resource, tag: str) -> bool:
    """Return whether a tag of the repository stays at the image that it was pushed for."""
    mutability = str(repository.outputs.get("imageTagMutability"))
    excluded = False
    for each in blocks(repository.inputs.get("imageTagMutabilityExclusionFilters")):
        pattern = re.escape(str(each.get("filter"))).replace(r"\*", ".*")
        if re.fullmatch(pattern, tag):
            excluded = True
    return mutability.startswith("IMMUTABLE") != excluded


def repository_of(account: Account, url: str) -> Resource | None:
    """Return the repository of that URL, which is the name of its images without their tags."""
    found = account.where(REPOSITORY, "repositoryUrl", url)
    return found[0] if found else None


def _computed(mint: Mint, inputs: Properties) -> Properties:
    name = inputs.get("name")
    account = mint.account.account_id
    domain = f"{mint.region}.{partition_of(mint.region).suffix}"
    return {
        "id": name,
        "arn": mint.arn("ecr", f"repository/{name}"),
        "registryId": account,
        "repositoryUrl": f"{account}.dkr.ecr.{domain}/{name}",
    }


def _of_a_repository(mint: Mint, inputs: Properties) -> Properties:
    return {"id": inputs.get("repository"), "registryId": mint.account.account_id}


def _repository_rules(inputs: Properties) -> Refusals:
    for index, encryption in enumerate(blocks(inputs.get("encryptionConfigurations"))):
        if given(encryption, "kmsKey") and encryption.get("encryptionType") in (None, "AES256"):
            message = (
                f"encryptionConfigurations[{index}] has a kmsKey, which needs the encryptionType "
                "KMS or KMS_DSSE"
            )
            yield Refusal(
                _INVALID, message, "ecr.repository.encryption", "encryptionConfigurations"
            )
    mutability = inputs.get("imageTagMutability")
    filters = inputs.get("imageTagMutabilityExclusionFilters")
    if not known(mutability, filters):
        return
    needs_filters = str(mutability).endswith("_WITH_EXCLUSION")
    if needs_filters != bool(blocks(filters)):
        message = (
            f"imageTagMutability is {mutability}: MUTABLE_WITH_EXCLUSION and "
            "IMMUTABLE_WITH_EXCLUSION need imageTagMutabilityExclusionFilters, and only they do"
        )
        yield Refusal(_INVALID, message, "ecr.repository.exclusion", "imageTagMutability")


def _lifecycle_rules(inputs: Properties) -> Refusals:
    document = parsed(inputs.get("policy"))
    if not known(document):
        return
    for flaw in _document_flaws(document):
        message = (
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
            f"'Lifecycle policy validation failure: {flaw}'"
        )
        yield Refusal(_INVALID, message, "ecr.lifecycle-policy.rules", "policy")


def _document_flaws(document: Any) -> Iterator[str]:
    """Yield what ECR refuses of a lifecycle policy.

    Source: Amazon ECR, lifecycle policy properties and policy template.
    """
    items = listed(block(document).get("rules"))
    rules = blocks(items)
    if not rules:
        yield "it needs rules, a list of at least one"
        return
    if len(rules) < len(items):
        yield "each of the rules must be an object"
    yield from _priority_flaws(rules)
    for rule in rules:
        where = f"rule {show(rule.get('rulePriority'))}: "
        selection = block(rule.get("selection"))
        for flaw in (*_tag_flaws(selection), *_count_flaws(selection), *_action_flaws(rule)):
            yield where + flaw


def _priority_flaws(rules: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield flaws of the rules' priorities, of which a rule for any image has the highest."""
    times: Counter[float] = Counter()
    of_any = []
    for rule in rules:
        priority = number(rule.get("rulePriority"))
        if priority is None or priority < 1 or not priority.is_integer():
            got = show(rule.get("rulePriority"))
            yield f"rulePriority must be a whole number from 1, got {got}"
            continue
        times[priority] += 1
        if block(rule.get("selection")).get("tagStatus") == "any":
            of_any.append(priority)
    for priority, count in times.items():
        if count > 1:
            yield f"rulePriority {show(priority)} is used by {count} rules; each needs its own"
    if len(of_any) > 1:
        yield "only one rule can have the tagStatus any"
    elif of_any and of_any[0] != max(times):
        yield "the rule with the tagStatus any must have the highest rulePriority"


def _tag_flaws(selection: Properties) -> Iterator[str]:
    status = selection.get("tagStatus")
    lists = given(selection, "tagPrefixList", "tagPatternList")
    if status not in ("tagged", "untagged", "any"):
        yield f"tagStatus must be tagged, untagged or any, got {show(status)}"
    elif status == "tagged" and len(lists) != 1:
        yield "tagStatus tagged needs either tagPrefixList or tagPatternList"
    elif status != "tagged" and lists:
        yield f"tagStatus {status} can't have {lists[0]}"
    for pattern in texts(selection.get("tagPatternList")):
        if pattern.count("*") > _MOST_WILDCARDS:
            yield f"the tag pattern {pattern} has more than {_MOST_WILDCARDS} wildcards"


def _count_flaws(selection: Properties) -> Iterator[str]:
    kind, unit = selection.get("countType"), selection.get("countUnit")
    if kind not in (_COUNTED, *_AGED):
        yield f"countType must be one of {', '.join((_COUNTED, *_AGED))}, got {show(kind)}"
    elif kind == _COUNTED and unit is not None:
        yield f"countType {_COUNTED} can't have a countUnit"
    elif kind != _COUNTED and unit != "days":
        yield f"countType {kind} needs the countUnit days, got {show(unit)}"
    count = number(selection.get("countNumber"))
    if count is None or count < 1 or not count.is_integer():
        yield f"countNumber must be a whole number from 1, got {show(selection.get('countNumber'))}"


def _action_flaws(rule: Properties) -> Iterator[str]:
    kind = block(rule.get("action")).get("type")
    if kind not in ("expire", "transition"):
        yield f"the action's type must be expire or transition, got {show(kind)}"


def _repository_policy_rules(inputs: Properties) -> Refusals:
    yield from policy_rules(inputs.get("policy"), "policy", kind=REPOSITORY_KIND, code=_INVALID)


_OF_REPOSITORY = Reference(
    "repository", REPOSITORY, _NOT_FOUND, "ecr.repository.exists", when_deleted="gone"
)


def _only_one(kind: str) -> Unique:
    return Unique(
        ("repository",),
        "AlreadyExistsException",
        "ecr.policy.unique",
        f"{{repository}} has a {kind} already, and one resource would overwrite the other",
    )


TYPES = (
    ResourceType(
        token=REPOSITORY,
        autoname=AutoName(longest=256, lower=True),
        replaces=frozenset({"name", "encryptionConfigurations", "region"}),
        defaults={"imageTagMutability": "MUTABLE", "forceDelete": False},
        limits=(
            Limit("encryptionConfigurations", size(0, 1), "ecr.repository.encryption", _INVALID),
            Limit("encryptionConfigurations[].kmsKey", ARN, "ecr.repository.encryption", _INVALID),
        ),
        unique=(
            Unique(
                ("name",),
                "RepositoryAlreadyExistsException",
                "ecr.repository.unique",
                "The repository with name '{name}' already exists",
            ),
        ),
        rules=_repository_rules,
        computed=_computed,
    ),
    ResourceType(
        token=LIFECYCLE_POLICY,
        only_recorded="images never expire",
        # The provider replaces it for another policy, too.
        replaces=frozenset({"repository", "policy", "region"}),
        json=frozenset({"policy"}),
        references=(_OF_REPOSITORY,),
        unique=(_only_one("LifecyclePolicy"),),
        rules=_lifecycle_rules,
        computed=_of_a_repository,
    ),
    ResourceType(
        token=REPOSITORY_POLICY,
        only_recorded=NO_PERMISSION,
        replaces=frozenset({"repository", "region"}),
        json=frozenset({"policy"}),
        references=(_OF_REPOSITORY,),
        unique=(_only_one("RepositoryPolicy"),),
        rules=_repository_policy_rules,
        computed=_of_a_repository,
    ),
)
