"""Systems Manager: parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, ResourceType
from localaws.catalog.values import Limit, exactly_one, given, matches, number, one_of, text

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

PARAMETER = "aws:ssm/parameter:Parameter"
DEEPEST = 15
LONGEST_VALUE = {"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}
"""In bytes, by tier. Source: PutParameter in the API reference."""

_VALUES = ("value", "insecureValue", "valueWo")


def parameter_arn(name: str) -> str:
    """Return the resource part of a parameter's ARN: a name's leading slash isn't repeated."""
    return f"parameter/{name.removeprefix('/')}"


def names_of(arn: str) -> tuple[str, ...]:
    """Return the names that a parameter with this ARN, or name, can have.

    The ARN of a name with only one level is the same with and without a leading slash.
    """
    path = arn.rpartition(":parameter/")[2].removeprefix("/")
    return (f"/{path}",) if "/" in path else (f"/{path}", path)


def _rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _VALUES, "ssm.parameter.one-value")
    name = text(inputs.get("name")) or ""
    if "/" in name and not name.startswith("/"):
        message = f"a parameter name with levels must start with a slash, got {name!r}"
        yield Refusal("ValidationException", message, "ssm.parameter.hierarchy", "name")
    if name.count("/") > DEEPEST:
        message = f"a parameter name has at most {DEEPEST} levels, got {name.count('/')}"
        yield Refusal(
            "HierarchyLevelLimitExceededException", message, "ssm.parameter.levels", "name"
        )
    if re.match(r"/?(aws|ssm)", name, re.IGNORECASE):
        message = f"a parameter name can't start with aws or ssm, got {name!r}"
        yield Refusal("ValidationException", message, "ssm.parameter.reserved", "name")
    value = None
    for each in _VALUES:
        if value is None:
            value = text(inputs.get(each))
    if value == "":
        yield Refusal(
            "ValidationException",
            "a parameter's value can't be empty",
            "ssm.parameter.empty",
            "value",
        )
    tier = inputs.get("tier")
    longest = 0 if tier is UNKNOWN else LONGEST_VALUE.get(text(tier) or "Standard", 0)
    if value is not None and longest and len(value.encode()) > longest:
        message = f"a value may have {longest} bytes in this tier, got {len(value.encode())}"
        yield Refusal("ValidationException", message, "ssm.parameter.size", "value")
    yield from _pattern(inputs, value)


def _pattern(inputs: Properties, value: str | None) -> Refusals:
    pattern = text(inputs.get("allowedPattern"))
    if not pattern or value is None:
        return
    try:
        matching = re.search(pattern, value) is not None
    except re.error as error:
        message = f"allowedPattern {pattern!r} is no regular expression: {error}"
        yield Refusal(
            "InvalidAllowedPatternException", message, "ssm.parameter.pattern", "allowedPattern"
        )
        return
    if not matching:
        message = f"the value doesn't match allowedPattern {pattern!r}"
        yield Refusal(
            "ParameterPatternMismatchException", message, "ssm.parameter.pattern", "value"
        )


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    name = inputs.get("name")
    exists = account.get(PARAMETER, name) is not None or name in account.parameters
    if current is None and exists and inputs.get("overwrite") is not True:
        message = f"The parameter {name} already exists. To overwrite it, set overwrite to true."
        yield Refusal("ParameterAlreadyExists", message, "ssm.parameter.unique", "name")


def _computed(mint: Mint, inputs: Properties) -> Properties:
    computed: dict[str, object] = {"id": inputs.get("name"), "version": 1}
    if not given(inputs, "arn"):
        computed["arn"] = mint.arn("ssm", parameter_arn(str(inputs.get("name"))))
    return computed


def _updated(current: Resource, inputs: Properties) -> Properties:
    version = int(number(current.computed.get("version")) or 1)
    if any(current.inputs.get(name) != inputs.get(name) for name in (*_VALUES, "type")):
        version += 1
    return {"version": version}


def _derived(inputs: Properties) -> Properties:
    if given(inputs, "insecureValue") and not given(inputs, "value"):
        return {"value": inputs["insecureValue"]}
    return {}


TYPES = (
    ResourceType(
        token=PARAMETER,
        autoname=AutoName(),
        replaces=frozenset({"name", "dataType", "region"}),
        replaces_if=lambda name, old, new: (
            name == "tier" and old.get(name) == "Advanced" and new.get(name) in (None, "Standard")
        ),
        defaults={"tier": "Standard", "dataType": "text"},
        derived=_derived,
        updated=_updated,
        limits=(
            Limit(
                "name",
                matches(r"[\w.\-/]{1,1011}", "1 to 1011 letters, digits and ._-/"),
                "ssm.parameter.name",
            ),
            Limit("type", one_of("String", "StringList", "SecureString"), "ssm.parameter.type"),
            Limit(
                "tier", one_of("Standard", "Advanced", "Intelligent-Tiering"), "ssm.parameter.tier"
            ),
            Limit(
                "dataType",
                one_of("text", "aws:ec2:image", "aws:ssm:integration"),
                "ssm.parameter.data-type",
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
    ),
)
