"""EventBridge: rules for events, and their targets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from localaws.catalog.account import is_current, others_with_same
from localaws.catalog.properties import UNKNOWN, items_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType
from localaws.catalog.values import (
    ARN,
    Limit,
    block,
    given,
    length,
    listed,
    matches,
    one_of,
    parsed,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
DEFAULT_BUS = "default"

_INVALID = "ValidationException"
_PATTERN = "InvalidEventPatternException"
LONGEST_PATTERN = 4096
"""Source: the provider."""
TARGETS_OF_A_RULE = 5
"""Source: EventBridge's quotas."""
INPUT_PATHS = 100
"""Source: InputTransformer in EventBridge's API model."""

_NAME = matches(r"[.\w-]{1,64}", "1 to 64 letters, digits, ., - and _")

FILTERS = (
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
)
"""The content filters of patterns.

Source: "Comparison operators in event patterns" in EventBridge's guide.
"""

MATCHED = tuple(each for each in FILTERS if each != "cidr")
"""Those that the local AWS matches."""

_IN_ANYTHING_BUT = ("equals-ignore-case", "prefix", "suffix", "wildcard")

PATH_STEP = r"\.([\w-]+)|\[(\d+)\]"
"""A step of an input path that the local AWS follows: a name or a position."""

_FOLLOWED = re.compile(rf"\$({PATH_STEP})*")

PREDEFINED = (
    "aws.events.event",
    "aws.events.event.ingestion-time",
    "aws.events.event.json",
    "aws.events.rule-arn",
    "aws.events.rule-name",
)
"""The placeholders of a template that need no input path. Source: EventBridge's guide."""


def pattern_flaws(pattern: object, path: str = "") -> Iterator[str]:
    """Yield what is wrong in an event pattern: objects whose innermost values are arrays."""
    if not isinstance(pattern, dict):
        yield "Event pattern is not valid. Reason: Filter is not an object"
        return
    if not pattern:
        yield f"Event pattern is not valid. Reason: Empty object {path}".rstrip()
    for name, value in pattern.items():
        inside = f"{path}.{name}" if path else name
        if name == "$or":
            if not isinstance(value, list) or len(value) < 2:  # noqa: PLR2004 — AWS's minimum
                yield "Event pattern is not valid. Reason: $or needs an array of two or more"
                continue
            for each in value:
                yield from pattern_flaws(each, path)
        elif isinstance(value, dict):
            yield from pattern_flaws(value, inside)
        elif not isinstance(value, list):
            yield (
                f'Event pattern is not valid. Reason: "{inside}" must be an object or an array, '
                f"got {show(value)}"
            )
        elif not value:
            yield f'Event pattern is not valid. Reason: Empty arrays are not allowed ("{inside}")'
        else:
            yield from _match_flaws(value, inside)


def _match_flaws(values: list[Any], path: str) -> Iterator[str]:
    for value in values:
        if isinstance(value, list):
            yield f'Event pattern is not valid. Reason: "{path}" has an array in an array'
        if not isinstance(value, dict):
            continue
        names = list(value)
        if len(names) != 1 or names[0] not in FILTERS:
            yield (
                f'Event pattern is not valid. Reason: Unrecognized match type in "{path}": '
                f"{', '.join(names)}; allowed: one of {', '.join(FILTERS)}"
            )
        elif not _is_matched(names[0], value[names[0]]):
            yield (
                f'"{path}": the local AWS doesn\'t match {json.dumps(value)}; it matches values '
                f"and {', '.join(MATCHED)}"
            )


def _is_matched(kind: str, argument: object) -> bool:
    """Return whether the local AWS matches a content filter with this argument."""
    if kind == "exists":
        return isinstance(argument, bool)
    if kind == "numeric":
        return _is_range(argument)
    if kind == "anything-but":
        return _is_exclusion(argument)
    if kind in {"prefix", "suffix"} and isinstance(argument, dict):
        argument = argument.get("equals-ignore-case")
    return kind in MATCHED and isinstance(argument, str)


def _is_exclusion(argument: object) -> bool:
    """Return whether it is a value, a list of them, or another filter of texts."""
    if not isinstance(argument, dict):
        return all(isinstance(each, (str, int, float)) for each in listed(argument))
    if len(argument) != 1:
        return False
    ((kind, inner),) = argument.items()
    return kind in _IN_ANYTHING_BUT and _are_texts(inner)


def _are_texts(value: object) -> bool:
    return all(isinstance(each, str) for each in listed(value))


def _is_range(argument: object) -> bool:
    """Return whether it is a list of comparisons, each before a number."""
    if not isinstance(argument, list) or not argument or len(argument) % 2:
        return False
    numbers = all(isinstance(each, (int, float)) for each in argument[1::2])
    return numbers and all(each in ("=", "<", "<=", ">", ">=") for each in argument[::2])


def _rule_rules(inputs: Properties) -> Refusals:
    if not given(inputs, "eventPattern", "scheduleExpression"):
        message = "one of eventPattern and scheduleExpression must be given"
        yield Refusal("InvalidArgument", message, "events.rule.trigger", "eventPattern")
    for first, second, rule in (
        ("isEnabled", "state", "events.rule.state"),
        ("name", "namePrefix", "events.rule.name"),
    ):
        if len(given(inputs, first, second)) > 1:
            message = f"{first} and {second} exclude each other"
            yield Refusal("InvalidArgument", message, rule, first)
    other_bus = inputs.get("eventBusName") not in (None, UNKNOWN, DEFAULT_BUS)
    if other_bus and given(inputs, "scheduleExpression"):
        message = "ScheduleExpression is supported only on the default event bus."
        yield Refusal(_INVALID, message, "events.rule.schedule", "scheduleExpression")
    schedule = inputs.get("scheduleExpression")
    if isinstance(schedule, str) and not re.fullmatch(r"(cron|rate)\(.+\)", schedule):
        message = "Parameter ScheduleExpression is not valid: allowed: cron(...) and rate(...)"
        yield Refusal(_INVALID, f"{message}, got {show(schedule)}", "events.rule.schedule")
    pattern = inputs.get("eventPattern")
    if pattern in (None, "", UNKNOWN):
        return
    document = parsed(pattern)
    if document is None:
        message = f"eventPattern contains an invalid JSON: {show(pattern)}"
        yield Refusal("InvalidArgument", message, "events.rule.pattern", "eventPattern")
        return
    if len(json.dumps(document, separators=(",", ":"))) > LONGEST_PATTERN:
        message = f"eventPattern cannot be longer than {LONGEST_PATTERN} characters"
        yield Refusal("InvalidArgument", message, "events.rule.pattern", "eventPattern")
    for flaw in pattern_flaws(document):
        yield Refusal(_PATTERN, flaw, "events.rule.pattern", "eventPattern")


def _rule_account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    for each in others_with_same(account, RULE, inputs, current, "name"):
        if _bus(each.inputs) == _bus(inputs):
            message = f"the rule {each.id} exists already: another one would overwrite it"
            yield Refusal(_INVALID, message, "events.rule.unique", "name")


def _bus(inputs: Properties) -> str:
    return inputs.get("eventBusName") or DEFAULT_BUS


def _rule_id(inputs: Properties) -> str:
    """Return the provider's id: the name, on another bus after the bus's."""
    bus = _bus(inputs)
    name = inputs.get("name")
    return f"{name}" if bus == DEFAULT_BUS else f"{bus}/{name}"


def _rule_of(target: Properties) -> str:
    """Return the id of a target's rule."""
    return _rule_id({**target, "name": target.get("rule")})


def _rule_computed(mint: Mint, inputs: Properties) -> Properties:
    return {"id": _rule_id(inputs), "arn": mint.arn("events", f"rule/{_rule_id(inputs)}")}


def _rule_derived(inputs: Properties) -> Properties:
    """Return both forms of whether the rule is on, of which a program gives one or none."""
    if inputs.get("state") is not None:
        return {"isEnabled": inputs["state"] != "DISABLED"}
    enabled = inputs.get("isEnabled") is not False
    found: dict[str, Any] = {"state": "ENABLED" if enabled else "DISABLED"}
    if inputs.get("isEnabled") is None:
        found["isEnabled"] = enabled
    return found


def _target_rules(inputs: Properties) -> Refusals:
    inputs_given = given(inputs, "input", "inputPath", "inputTransformer")
    if len(inputs_given) > 1:
        message = f"{' and '.join(inputs_given)} exclude each other"
        yield Refusal("InvalidArgument", message, "events.target.input", inputs_given[0])
    value = inputs.get("input")
    if value not in (None, "", UNKNOWN) and parsed(value) is None and value != "null":
        message = f"input must be JSON, got {show(value)}"
        yield Refusal("InvalidArgument", message, "events.target.input", "input")
    for name, path in items_at(inputs, "inputPath"):
        if isinstance(path, str) and not _FOLLOWED.fullmatch(path):
            yield _not_followed(name, path)
    yield from _transformer_rules(inputs)


def _transformer_rules(inputs: Properties) -> Refusals:
    transformer = block(inputs.get("inputTransformer"))
    paths = block(transformer.get("inputPaths"))
    if len(paths) > INPUT_PATHS:
        message = f"inputTransformer.inputPaths must have at most {INPUT_PATHS} items"
        yield Refusal("InvalidArgument", message, "events.target.paths", "inputTransformer")
    for name, path in paths.items():
        if not re.fullmatch(r"(?!AWS)[\w-]+", name, re.ASCII):
            message = (
                f"a name in inputPaths has letters, digits, - and _, and no AWS before: {name}"
            )
            yield Refusal("InvalidArgument", message, "events.target.paths", "inputTransformer")
        if isinstance(path, str) and not path.startswith("$"):
            message = f"Invalid InputPath: {name}: {show(path)} doesn't start with $"
            yield Refusal(_INVALID, message, "events.target.paths", "inputTransformer")
        elif isinstance(path, str) and not _FOLLOWED.fullmatch(path):
            yield _not_followed("inputTransformer", path)
    template = transformer.get("inputTemplate")
    if isinstance(template, str) and transformer.get("inputPaths") is not UNKNOWN:
        for flaw in template_flaws(template, paths):
            yield Refusal(_INVALID, flaw, "events.target.template", "inputTransformer")


def _not_followed(name: str, path: str) -> Refusal:
    message = (
        f"{name}: the local AWS follows paths of names and positions such as $.resources[0], got "
        f"{show(path)}"
    )
    return Refusal(_INVALID, message, "events.target.paths", name)


def template_flaws(template: str, paths: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong in an input template: JSON, or lines of texts in quotes."""
    for name in re.findall(r"<([\w.-]+)>", template):
        if name not in paths and name not in PREDEFINED:
            yield f"InputTemplate contains invalid placeholder {name}."
    # Inside of a text a placeholder is replaced by text, elsewhere by JSON.
    parts = re.split(r'("(?:[^"\\]|\\.)*")', template)
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"<[\w.-]+>", "null", parts[index])
    filled = "".join(parts)
    if parsed(filled) is not None:
        return
    for line in filled.splitlines():
        if line.strip() and not isinstance(parsed(line), str):
            yield (
                "Invalid InputTemplate: it must be JSON, or each line a text in quotes, got "
                f"{show(line)}"
            )


def _target_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    rule = account.find(RULE, _rule_of(inputs))
    if rule is None:
        message = f"Rule {inputs.get('rule')} does not exist on EventBus {_bus(inputs)}."
        yield Refusal("ResourceNotFoundException", message, "events.target.rule-exists", "rule")
        return
    others: list[Resource] = []
    for each in account.where(TARGET, "rule", inputs.get("rule")):
        same_bus = _bus(each.inputs) == _bus(inputs)
        if same_bus and not is_current(each, current):
            others.append(each)
    if len(others) >= TARGETS_OF_A_RULE:
        message = f"The requested resource exceeds the maximum number allowed: {TARGETS_OF_A_RULE}"
        yield Refusal("LimitExceededException", message, "events.target.count", "rule")
    wanted = inputs.get("targetId")
    if wanted is not None and wanted in [each.outputs.get("targetId") for each in others]:
        message = f"the rule has a target {wanted} already: another one would overwrite it"
        yield Refusal(_INVALID, message, "events.target.unique", "targetId")


def _target_computed(mint: Mint, inputs: Properties) -> Properties:
    own = inputs.get("targetId")
    identifier = own if own is not None else f"terraform-{mint.digits(17)}{mint.hex(9)}"
    rule = _rule_of(inputs).replace("/", "-")
    return {"id": f"{rule}-{identifier}", "targetId": identifier}


def _target_import_ids(target: Resource) -> tuple[str, ...]:
    return (f"{_rule_of(target.inputs)}/{target.outputs['targetId']}",)


def _rule_deletion_rules(rule: Resource, account: Account) -> Refusals:
    for each in account.where(TARGET, "rule", rule.outputs.get("name")):
        if _bus(each.inputs) == _bus(rule.inputs):
            message = f"Rule can't be deleted since it has targets. ({each.id})"
            yield Refusal(_INVALID, message, "events.rule.held")


TYPES = (
    ResourceType(
        token=RULE,
        autoname=AutoName(longest=64),
        replaces=frozenset({"eventBusName", "name", "namePrefix", "region"}),
        json=frozenset({"eventPattern"}),
        defaults={"eventBusName": DEFAULT_BUS, "forceDestroy": False},
        derived=_rule_derived,
        limits=(
            Limit("name", _NAME, "events.rule.name"),
            Limit("namePrefix", _NAME, "events.rule.name"),
            Limit("description", length(0, 512), "events.rule.description"),
            Limit("roleArn", ARN, "events.rule.role"),
            Limit(
                "state",
                one_of("DISABLED", "ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
                "events.rule.state",
            ),
        ),
        rules=_rule_rules,
        account_rules=_rule_account_rules,
        deletion_rules=_rule_deletion_rules,
        computed=_rule_computed,
    ),
    ResourceType(
        token=TARGET,
        replaces=frozenset({"eventBusName", "rule", "targetId", "region"}),
        defaults={"eventBusName": DEFAULT_BUS, "forceDestroy": False},
        limits=(
            Limit("arn", ARN, "events.target.arn"),
            Limit("roleArn", ARN, "events.target.role"),
            Limit("targetId", _NAME, "events.target.id"),
            Limit("input", length(0, 8192), "events.target.input"),
            Limit("inputPath", length(0, 256), "events.target.input"),
            Limit("inputTransformer.inputTemplate", length(1, 8192), "events.target.template"),
        ),
        references=(Reference("rule", RULE, "", "events.target.rule-exists"),),
        rules=_target_rules,
        account_rules=_target_account_rules,
        computed=_target_computed,
        import_ids=_target_import_ids,
    ),
)
