"""Policy documents: IAM's grammar, and whether a document allows a request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.values import block, blocks, duplicates, given, listed, parsed, show, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from localaws.catalog.refusals import Refusals

_MALFORMED = "MalformedPolicyDocument"
_VERSIONS = ("2012-10-17", "2008-10-17")

_ELEMENTS = ("Version", "Id", "Statement")
_STATEMENT_ELEMENTS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")
"""The elements of a policy and of a statement, and the kinds of principals.

Source: IAM's policy grammar.
"""

IDENTITY = "an identity's policy"
TRUST = "a trust policy"
RESOURCE = "a resource's policy"
REPOSITORY = "a repository's policy"

_ELEMENTS_BY_KIND = {
    IDENTITY: (("Action", "Resource"), ("Principal", "NotPrincipal")),
    TRUST: (("Action", "Principal"), ("Resource", "NotResource")),
    RESOURCE: (("Action", "Resource", "Principal"), ()),
    # ECR takes no resource but the repository that has the policy.
    REPOSITORY: (("Action", "Principal"), ("Resource", "NotResource")),
}
"""The elements that each statement of a kind of policy needs, and those that it can't have. Instead
of a needed element it can have its opposite (`NotAction`).
"""

_BEGINNINGS = (
    (
        "Action",
        "iam.policy.action",
        r"\*$|[\w-]+:",
        "an action starts with its service, as in s3:GetObject",
    ),
    ("Resource", "iam.policy.resource", r"\*|arn:", "a resource is an ARN or *"),
)
"""Elements, each with the rule, a pattern for the start of a value, and the rule's message."""


def policy_rules(
    value: object, name: str, *, kind: str = IDENTITY, code: str = _MALFORMED
) -> Refusals:
    """Refuse a policy document that breaks IAM's grammar.

    Args:
        value: The input with the document.
        name: The input's name.
        kind: IDENTITY, TRUST, RESOURCE or REPOSITORY.
        code: The error code of the service that the policy belongs to.
    """
    if value is None or value is UNKNOWN:
        return
    document = parsed(value)
    if not isinstance(document, dict):
        yield Refusal(
            code, f"{name} must be a JSON object, got {show(value)}", "iam.policy.json", name
        )
        return
    for element in sorted(document.keys() - set(_ELEMENTS)):
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
    for index, statement in enumerate(listed(document.get("Statement", []))):
        for rule, message in _statement_flaws(statement, kind):
            yield Refusal(code, f"{name}: Statement {index}{message}", rule, name)
    if kind != RESOURCE:
        for message in _repeated_sids(found):
            yield Refusal(code, f"{name}: {message}", "iam.policy.sid", name)


def _repeated_sids(found: list[Mapping[str, object]]) -> Iterator[str]:
    sids = texts([statement.get("Sid") for statement in found])
    for sid in duplicates(filter(None, sids)):
        yield (
            f"Statement IDs (SID) in a single policy must be unique, {sid!r} appears "
            f"{sids.count(sid)} times"
        )


def resource_policy_rules(value: object, name: str, code: str) -> Refusals:
    """Refuse a malformed policy of a resource, such as a key or a bucket."""
    return policy_rules(value, name, kind=RESOURCE, code=code)


def optional_policy_rules(value: object, name: str, code: str) -> Refusals:
    """Refuse a malformed policy of a resource, except an empty text, which means no policy."""
    return iter(()) if value == "" else resource_policy_rules(value, name, code)


def statements(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the statements of a policy; a single statement doesn't need to be in a list."""
    found = document.get("Statement")
    return [found] if isinstance(found, dict) else blocks(found)


def _statement_flaws(statement: object, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the rules that a statement breaks, each with the end of the message."""
    if not isinstance(statement, dict):
        yield "iam.policy.type", f" must be an object, got {show(statement)}"
        return
    yield from _element_flaws(statement, kind)
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        yield "iam.policy.effect", f": Effect must be Allow or Deny, got {show(effect)}"
    sid = statement.get("Sid")
    if sid is not None and not _is_sid(sid, kind):
        yield "iam.policy.sid", f": Sid must be letters and digits, got {show(sid)}"
    for name, rule, pattern, words in _BEGINNINGS:
        for each in [*listed(statement.get(name)), *listed(statement.get(f"Not{name}"))]:
            if isinstance(each, str) and not re.match(pattern, each):
                yield rule, f": {words}, got {show(each)}"
            elif each is not None and not isinstance(each, str):
                message = f": {name} must be text or a list of texts, got {show(each)}"
                yield "iam.policy.type", message
    for name in ("Principal", "NotPrincipal"):
        yield from _principal_flaws(statement.get(name), name)
    condition = statement.get("Condition")
    if condition is not None and not _is_condition(condition):
        message = f": Condition must be {{operator: {{key: value}}}}, got {show(condition)}"
        yield "iam.policy.type", message


def _is_sid(value: object, kind: str) -> bool:
    if not isinstance(value, str):
        return False
    return kind == RESOURCE or re.fullmatch("[0-9A-Za-z]*", value) is not None


def _is_condition(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


def _element_flaws(statement: Mapping[str, object], kind: str) -> Iterator[tuple[str, str]]:
    for element in sorted(statement.keys() - set(_STATEMENT_ELEMENTS)):
        yield (
            "iam.policy.element",
            f": {element} is no element, there are {', '.join(_STATEMENT_ELEMENTS)}",
        )
    needed, forbidden = _ELEMENTS_BY_KIND[kind]
    for name in needed:
        if bool(statement.get(name)) == bool(statement.get(f"Not{name}")):
            yield "iam.policy.fields", f" needs exactly one of {name} and Not{name}"
    for name in given(statement, *forbidden):
        yield "iam.policy.fields", f": {kind} has no {name}"


def _principal_flaws(principal: object, name: str) -> Iterator[tuple[str, str]]:
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
    """A request to AWS, as policies see it."""

    principals: frozenset[tuple[str, str]]
    """The names by which policies can allow the caller, each with the kind of principal:
    `("Service", "logs.eu-west-1.amazonaws.com")`.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    """The condition keys whose values are known; their names aren't case-sensitive."""


def allows(document: object, request: Request) -> bool:
    """Return whether a resource's policy allows a request: a statement does, and none denies it.

    A condition that can't be evaluated here is assumed to be met in a statement that allows, and
    not to be met in one that denies.
    """
    allowed = False
    for statement in statements(block(document)):
        if not _applies_to(statement, request):
            continue
        conditions_met = _conditions_met(statement, request)
        if statement.get("Effect") == "Deny" and conditions_met is True:
            return False
        if statement.get("Effect") == "Allow" and conditions_met is not False:
            allowed = True
    return allowed


def _applies_to(statement: Mapping[str, object], request: Request) -> bool:
    """Return whether a statement is about the request's principal, action and resource."""

    def has_principal(value: object) -> bool:
        return _is_principal(value, request.principals)

    def has_action(value: object) -> bool:
        patterns = [str(each).lower() for each in listed(value)]
        return _matches_any(request.action.lower(), patterns)

    def has_resource(value: object) -> bool:
        return _matches_any(request.resource, map(str, listed(value)))

    return (
        _element_matches(statement, "Principal", has_principal)
        and _element_matches(statement, "Action", has_action)
        and _element_matches(statement, "Resource", has_resource)
    )


def _element_matches(
    statement: Mapping[str, object], name: str, matches: Callable[[object], bool]
) -> bool:
    """Return whether an element matches, or whether its opposite (`NotAction`) doesn't."""
    if statement.get(name) is not None:
        return matches(statement[name])
    opposite = statement.get(f"Not{name}")
    return opposite is not None and not matches(opposite)


def _is_principal(value: object, principals: frozenset[tuple[str, str]]) -> bool:
    if not isinstance(value, dict):
        return value == "*"
    if "*" in listed(value.get("AWS")):
        return True
    return any(name in listed(value.get(kind)) for kind, name in principals)


def _matches_any(value: str, patterns: Iterable[str]) -> bool:
    # In a policy brackets are ordinary characters.
    return any(fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in patterns)


def _conditions_met(statement: Mapping[str, object], request: Request) -> bool | None:
    """Return whether all conditions of a statement are met; None if that is unknown."""
    context = {key.lower(): value for key, value in request.context.items()}
    unknown = False
    for operator, pairs in block(statement.get("Condition")).items():
        for key, values in block(pairs).items():
            met = _condition_met(operator, context.get(key.lower()), values)
            if met is False:
                return False
            if met is None:
                unknown = True
    return None if unknown else True


def _condition_met(operator: str, actual: str | None, values: object) -> bool | None:
    if actual is None:
        return None
    name = operator.removesuffix("IfExists")
    negated = "Not" in name
    wanted = list(map(str, listed(values)))
    match name.replace("Not", ""):
        case "StringEquals":
            met = actual in wanted
        case "Bool":
            met = actual in [each.lower() for each in wanted]
        case "StringLike" | "ArnEquals" | "ArnLike":
            met = _matches_any(actual, wanted)
        case _:
            return None
    return met is not negated
