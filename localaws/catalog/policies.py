"""Policy documents: their grammar, and what they allow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import block, blocks, given, listed, parsed, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from localaws.catalog.refusals import Refusals

_MALFORMED = "MalformedPolicyDocument"
_VERSIONS = ("2012-10-17", "2008-10-17")

_ELEMENTS = ("Version", "Id", "Statement")
_STATEMENT_ELEMENTS = (
    *(
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
    ),
    "Condition",
)
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")
"""The elements of a policy, of its statements, and the kinds of principals. Source: IAM's policy
grammar.
"""

IDENTITY = "an identity's policy"
TRUST = "a trust policy"
RESOURCE = "a resource's policy"
REPOSITORY = "a repository's policy"

_FIELDS = {
    IDENTITY: (("Action", "Resource"), ("Principal", "NotPrincipal")),
    TRUST: (("Action", "Principal"), ("Resource", "NotResource")),
    RESOURCE: (("Action", "Resource", "Principal"), ()),
    # ECR takes no resource but the repository that has the policy.
    REPOSITORY: (("Action", "Principal"), ("Resource", "NotResource")),
}
"""What each statement of a kind of policy has, or the opposite (`NotAction`), and what it doesn't
have.
"""

_FORMS = (
    (
        "Action",
        "iam.policy.action",
        r"\*$|[\w-]+:",
        "an action starts with its service, as in s3:GetObject",
    ),
    ("Resource", "iam.policy.resource", r"\*|arn:", "a resource is an ARN or *"),
)


def policy_rules(
    value: object, name: str, *, kind: str = IDENTITY, code: str = _MALFORMED
) -> Refusals:
    """What is wrong with a policy document.

    Args:
        value: The input.
        name: Its name.
        kind: Whose policy it is: one of `_FIELDS`.
        code: The error code of the service that keeps it.
    """
    if value is None or value is UNKNOWN:
        return
    document = parsed(value)
    if not isinstance(document, dict):
        yield Refusal(
            code, f"{name} must be a JSON object, got {show(value)}", "iam.policy.json", name
        )
        return
    for element in sorted(document.keys() - {*_ELEMENTS}):
        message = f"{name}: {element} is no element of a policy, which has {', '.join(_ELEMENTS)}"
        yield Refusal(code, message, "iam.policy.element", name)
    if document.get("Version", _VERSIONS[1]) not in _VERSIONS:
        message = (
            f"{name}: Version must be one of {', '.join(_VERSIONS)}, got "
            f"{show(document['Version'])}"
        )
        yield Refusal(code, message, "iam.policy.version", name)
    found = statements(document)
    if not found:
        yield Refusal(code, f"{name} needs at least one Statement", "iam.policy.statement", name)
    for index, statement in enumerate(found):
        for rule, message in _statement(statement, kind):
            yield Refusal(code, f"{name}: Statement {index}{message}", rule, name)
    if kind != RESOURCE:
        sids = [
            sid
            for sid in (statement.get("Sid") for statement in found)
            if sid and isinstance(sid, str)
        ]
        for sid in sorted({sid for sid in sids if sids.count(sid) > 1}):
            message = (
                f"{name}: Statement IDs (SID) in a single policy must be unique, {sid!r} "
                "appears twice"
            )
            yield Refusal(code, message, "iam.policy.sid", name)


def resource_policy_rules(value: object, name: str, code: str) -> Refusals:
    """Yield what is wrong with a resource's policy, such as a key's or a bucket's."""
    return policy_rules(value, name, kind=RESOURCE, code=code)


def optional_policy_rules(value: object, name: str, code: str) -> Refusals:
    """The same where an empty text means that there is no policy, as the provider takes it."""
    return iter(()) if value == "" else resource_policy_rules(value, name, code)


def statements(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The statements of a policy, which may be one by itself."""
    found = document.get("Statement")
    return [found] if isinstance(found, dict) else blocks(found)


def _statement(statement: Mapping[str, object], kind: str) -> Iterator[tuple[str, str]]:
    """Rules that a statement breaks, and how."""
    yield from _elements(statement, kind)
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield (
            "iam.policy.effect",
            f": Effect must be Allow or Deny, got {show(statement.get('Effect'))}",
        )
    sid = statement.get("Sid")
    if sid is not None and not (
        isinstance(sid, str) and (kind == RESOURCE or re.fullmatch("[0-9A-Za-z]*", sid))
    ):
        yield "iam.policy.sid", f": Sid must be letters and digits, got {show(sid)}"
    for name, rule, pattern, words in _FORMS:
        for each in (
            each for element in (name, f"Not{name}") for each in listed(statement.get(element))
        ):
            if isinstance(each, str) and not re.match(pattern, each):
                yield rule, f": {words}, got {show(each)}"
            elif each is not None and not isinstance(each, str):
                yield (
                    "iam.policy.type",
                    f": {name} must be text or a list of texts, got {show(each)}",
                )
    for name in ("Principal", "NotPrincipal"):
        yield from _principal(statement.get(name), name)
    condition = statement.get("Condition")
    if condition is not None and not (
        isinstance(condition, dict) and all(isinstance(each, dict) for each in condition.values())
    ):
        yield (
            "iam.policy.type",
            f": Condition must be {{operator: {{key: value}}}}, got {show(condition)}",
        )


def _elements(statement: Mapping[str, object], kind: str) -> Iterator[tuple[str, str]]:
    for element in sorted(statement.keys() - {*_STATEMENT_ELEMENTS}):
        yield (
            "iam.policy.element",
            f": {element} is no element, there are {', '.join(_STATEMENT_ELEMENTS)}",
        )
    needed, forbidden = _FIELDS[kind]
    for name in needed:
        if sum(bool(statement.get(each)) for each in (name, f"Not{name}")) != 1:
            yield "iam.policy.fields", f" needs exactly one of {name} and Not{name}"
    for name in given(statement, *forbidden):
        yield "iam.policy.fields", f": {kind} has no {name}"


def _principal(principal: object, name: str) -> Iterator[tuple[str, str]]:
    if principal is None or principal == "*":
        return
    if not isinstance(principal, dict):
        yield "iam.policy.type", f": {name} must be * or an object, got {show(principal)}"
        return
    for kind, value in principal.items():
        if kind not in _PRINCIPALS:
            yield "iam.policy.element", f": {name} has {', '.join(_PRINCIPALS)}, got {show(kind)}"
        if not all(isinstance(each, str) for each in listed(value)):
            yield (
                "iam.policy.type",
                f": {name}.{kind} must be text or a list of texts, got {show(value)}",
            )


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a principal asks for."""

    principals: frozenset[tuple[str, str]]
    """Its names as policies spell them, each with its kind:
    `("Service", "logs.eu-west-1.amazonaws.com")`.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    """The condition keys whose values are known."""


def allows(document: object, request: Request) -> bool:
    """Whether a resource's policy allows a request: some statement does, and none denies it.

    A condition that can't be decided here counts as met where the statement allows, as not met
    where it denies.
    """
    found = [each for each in statements(block(document)) if _is_about(each, request)]
    allowed = any(
        each.get("Effect") == "Allow" and _holds(each, request) is not False for each in found
    )
    denied = any(each.get("Effect") == "Deny" and _holds(each, request) is True for each in found)
    return allowed and not denied


def _is_about(statement: Mapping[str, object], request: Request) -> bool:
    return (
        _meets(statement, "Principal", lambda value: _names(value, request.principals))
        and _meets(
            statement, "Action", lambda value: _like(request.action.lower(), value, lower=True)
        )
        and _meets(statement, "Resource", lambda value: _like(request.resource, value))
    )


def _meets(statement: Mapping[str, object], name: str, matches: Callable[[object], bool]) -> bool:
    if statement.get(name) is not None:
        return matches(statement[name])
    opposite = statement.get(f"Not{name}")
    return opposite is not None and not matches(opposite)


def _names(value: object, principals: frozenset[tuple[str, str]]) -> bool:
    if not isinstance(value, dict):
        return value == "*"
    return "*" in listed(value.get("AWS")) or any(
        name in listed(value.get(kind)) for kind, name in principals
    )


def _like(wanted: str, patterns: object, *, lower: bool = False) -> bool:
    texts = (
        str(each).lower() if lower else str(each) for each in listed(patterns) if each is not None
    )
    # In a policy brackets are ordinary characters.
    return any(fnmatchcase(wanted, each.replace("[", "[[]")) for each in texts)


def _holds(statement: Mapping[str, object], request: Request) -> bool | None:
    """Whether the conditions of a statement are met; None where that can't be decided."""
    verdicts = [
        _operator(operator, request.context.get(key), value)
        for operator, pairs in block(statement.get("Condition")).items()
        for key, value in block(pairs).items()
    ]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _operator(operator: str, actual: str | None, wanted: object) -> bool | None:
    if actual is None:
        return None
    name = operator.removesuffix("IfExists")
    negated = "Not" in name
    values = [str(each).lower() if name == "Bool" else str(each) for each in listed(wanted)]
    match name.replace("Not", ""):
        case "StringEquals" | "Bool":
            met = actual in values
        case "StringLike" | "ArnEquals" | "ArnLike":
            met = _like(actual, values)
        case _:
            return None
    return met is not negated
