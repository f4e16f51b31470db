"""Writes the policy documents that programs put together with `aws.iam.get_policy_document`.

Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LISTS = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}
_PRINCIPALS = {"principals": "Principal", "notPrincipals": "NotPrincipal"}


def written(args: Mapping[str, Any]) -> tuple[str, str]:
    """The document as JSON, indented and not.

    Statements follow those of the source documents; one with the Sid of an earlier one takes its
    place, and those of the override documents do so with all.

    Raises:
        ValueError: A document isn't JSON, or source documents, or the document's own statements,
            have one Sid twice.
    """
    sources = [
        _parsed(text, "sourcePolicyDocuments") for text in args.get("sourcePolicyDocuments") or ()
    ]
    overrides = [
        _parsed(text, "overridePolicyDocuments")
        for text in args.get("overridePolicyDocuments") or ()
    ]
    _no_twins((each for source in sources for each in _statements(source)), "sourcePolicyDocuments")
    own: dict[str, Any] = {"Version": args.get("version") or "2012-10-17"}
    if args.get("policyId"):
        own["Id"] = args["policyId"]
    own["Statement"] = [_statement(each, own["Version"]) for each in args.get("statements") or ()]
    _no_twins(own["Statement"], "statements")
    merged: dict[str, Any] = {}
    for document in (*sources, own, *overrides):
        before = merged.get("Statement", [])
        merged = {**merged, **document, "Statement": _merged(before, _statements(document))}
    return json.dumps(merged, indent=2), json.dumps(merged, separators=(",", ":"))


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text) if text else {}
    except ValueError as error:
        raise ValueError(f"{name}: not JSON: {error}") from None
    if not isinstance(document, dict):
        # One kind of error
        raise ValueError(f"{name}: must be JSON objects, got {text[:40]!r}")  # noqa: TRY004
    return document


def _statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = document.get("Statement") or []
    return [found] if isinstance(found, dict) else list(found)


def _no_twins(statements: Iterable[Mapping[str, Any]], name: str) -> None:
    sids = [each["Sid"] for each in statements if each.get("Sid")]
    if twice := sorted({sid for sid in sids if sids.count(sid) > 1}):
        raise ValueError(f"{name}: duplicate Sid {', '.join(twice)}; give each statement its own")


def _merged(before: list[dict[str, Any]], after: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    merged = list(before)
    for statement in after:
        same = [
            at
            for at, each in enumerate(merged)
            if statement.get("Sid") and each.get("Sid") == statement["Sid"]
        ]
        if same:
            merged[same[0]] = statement
        else:
            merged.append(statement)
    return merged


def _statement(block: Mapping[str, Any], version: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": block["sid"]} if block.get("sid") else {}
    statement["Effect"] = block.get("effect") or "Allow"
    for name, element in _LISTS.items():
        if block.get(name):
            statement[element] = _few(_variables(each, version) for each in block[name])
    for name, element in _PRINCIPALS.items():
        if block.get(name):
            statement[element] = _principal(block[name], version)
    conditions: dict[str, dict[str, Any]] = {}
    for each in block.get("conditions") or ():
        values = _few(_variables(value, version) for value in each["values"])
        conditions.setdefault(each["test"], {})[each["variable"]] = values
    return {**statement, "Condition": conditions} if conditions else statement


def _principal(blocks: Iterable[Mapping[str, Any]], version: str) -> object:
    found: dict[str, list[str]] = {}
    for each in blocks:
        found.setdefault(each["type"], []).extend(
            _variables(name, version) for name in each["identifiers"]
        )
    if found == {"*": ["*"]}:
        return "*"
    return {kind: _few(names) for kind, names in found.items()}


def _few(texts: Iterable[str]) -> object:
    """Return one text by itself, several as a sorted list: order means nothing in a policy."""
    several = sorted({*texts}, reverse=True)
    return several[0] if len(several) == 1 else several


def _variables(text: str, version: str) -> str:
    """Write policy variables as `${...}`; programs have `&{...}`, as `${...}` is Terraform's.

    The oldest version of the policy language has none.
    """
    return text.replace("&{", "${") if version != "2008-10-17" else text
