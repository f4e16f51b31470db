"""The policy documents of `aws.iam.get_policy_document`. Pure functions."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ELEMENTS = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}
_PRINCIPALS = {"principals": "Principal", "notPrincipals": "NotPrincipal"}


def policy_json(args: Mapping[str, Any]) -> tuple[str, str]:
    """Return the document as indented and as minified JSON.

    The statements of the source documents come first, then the call's own, then those of the
    override documents. A statement replaces an earlier one with the same Sid.

    Raises:
        ValueError: A document isn't JSON, or a Sid occurs twice in the source documents or in the
            call's own statements.
    """
    sources = _documents(args, "sourcePolicyDocuments")
    overrides = _documents(args, "overridePolicyDocuments")
    source_statements = []
    for source in sources:
        source_statements += _statements(source)
    _reject_duplicate_sids(source_statements, "sourcePolicyDocuments")
    own = _own_document(args)
    _reject_duplicate_sids(own["Statement"], "statements")
    merged: dict[str, Any] = {}
    for document in (*sources, own, *overrides):
        statements = _merged(merged.get("Statement", []), _statements(document))
        merged = {**merged, **document, "Statement": statements}
    return json.dumps(merged, indent=2), json.dumps(merged, separators=(",", ":"))


def _own_document(args: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {"Version": args.get("version") or "2012-10-17"}
    if args.get("policyId"):
        own["Id"] = args["policyId"]
    own["Statement"] = [_statement(each, own["Version"]) for each in args.get("statements") or ()]
    return own


def _documents(args: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [_parsed(text, name) for text in args.get(name) or ()]


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


def _reject_duplicate_sids(statements: Iterable[Mapping[str, Any]], name: str) -> None:
    counts = Counter(each["Sid"] for each in statements if each.get("Sid"))
    duplicates = sorted(sid for sid, count in counts.items() if count > 1)
    if duplicates:
        raise ValueError(
            f"{name}: duplicate Sid {', '.join(duplicates)}; give each statement its own"
        )


def _merged(before: list[dict[str, Any]], after: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    merged = list(before)
    for statement in after:
        for index, earlier in enumerate(merged):
            if statement.get("Sid") and statement["Sid"] == earlier.get("Sid"):
                merged[index] = statement
                break
        else:
            merged.append(statement)
    return merged


def _statement(block: Mapping[str, Any], version: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": block["sid"]} if block.get("sid") else {}
    statement["Effect"] = block.get("effect") or "Allow"
    for name, element in _ELEMENTS.items():
        if block.get(name):
            statement[element] = _values(block[name], version)
    for name, element in _PRINCIPALS.items():
        if block.get(name):
            statement[element] = _principal(block[name], version)
    conditions: dict[str, dict[str, Any]] = {}
    for each in block.get("conditions") or ():
        values = _values(each["values"], version)
        conditions.setdefault(each["test"], {})[each["variable"]] = values
    return {**statement, "Condition": conditions} if conditions else statement


def _principal(blocks: Iterable[Mapping[str, Any]], version: str) -> object:
    found: dict[str, list[str]] = {}
    for each in blocks:
        found.setdefault(each["type"], []).extend(each["identifiers"])
    if found == {"*": ["*"]}:
        return "*"
    return {kind: _values(names, version) for kind, names in found.items()}


def _values(texts: Iterable[str], version: str) -> object:
    """Return a single text by itself, and several as a list, sorted as Terraform's provider does.

    Programs write policy variables as `&{...}`, because `${...}` is Terraform's interpolation. The
    oldest version of the policy language has no variables.
    """
    if version != "2008-10-17":
        texts = [text.replace("&{", "${") for text in texts]
    values = sorted(set(texts), reverse=True)
    return values[0] if len(values) == 1 else values
