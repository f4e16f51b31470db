"""The file of `--plan`: several checks of one target, each with its own options, as TOML.

A key is an option's long name. What a key takes follows from the option's declaration, and so does
the published schema: docs/verify-plan.schema.json.
"""

import tomllib
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from verify.cli.words import Given
from verify.errors import InputError
from verify.escaping import visible
from verify.options.declaration import Option, declared
from verify.options.groups import (
    CoverageOptions,
    ExpectationOptions,
    IdentityOptions,
    SecurityOptions,
    TargetOptions,
    WaitingOptions,
)

MOST_CHECKS = 100
"""They run at the same time."""

_MAX_BYTES = 256 * 1024
_NAME_LENGTH = 80
_AS_TOML = "a plan is TOML, whatever its file is called: docs/verify.md has one"
_GROUPS = (
    TargetOptions,
    WaitingOptions,
    ExpectationOptions,
    IdentityOptions,
    CoverageOptions,
    SecurityOptions,
)
_OF_THE_RUN = ("--output-name", "--all", "--plan")
"""What reads the target, which all checks of a plan share."""

_TYPES = {
    "N": ("integer",),
    "P": ("number",),
    "PORT": ("integer",),
    "SIZE": ("integer", "string"),
    "TIME": ("number", "string"),
    "CODES": ("integer", "string"),
}
"""What a key may be in TOML and JSON, by the placeholder in its option's help; a string unless
listed.
"""

_MATCHES = {"integer": (int,), "number": (int, float), "string": (str,), "boolean": (bool,)}


class PlannedCheck(NamedTuple):
    """A check of a plan: where it stands in the file, and its options.

    Those of its defaults are separate, as they count less.
    """

    name: str
    location: str
    given: Given
    inherited: Given


class Plan(NamedTuple):
    """The checks of a plan, and all mistakes in it."""

    checks: tuple[PlannedCheck, ...]
    mistakes: tuple[InputError, ...]


def read_plan(path: str) -> Plan:
    """Read a plan, and every value in it.

    Raises:
        InputError: It can't be read, or isn't TOML.
    """
    shown = visible(path, 60)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 — pathlib costs every run 10 ms
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InputError(f"the plan {shown} is larger than 256 KiB", "is this the right file?")
        document = tomllib.loads(content.decode())
    except OSError as error:
        raise InputError(
            f"can't read the plan {shown}: {visible(error.strerror or '')}", "give a TOML file"
        ) from None
    except ValueError as error:  # of TOML and of UTF-8
        raise InputError(f"the plan {shown} is no TOML: {visible(str(error))}", _AS_TOML) from None
    except RecursionError:
        raise InputError(f"the plan {shown} is no plan: it nests too deeply", _AS_TOML) from None
    return plan_of(document, shown)


def plan_of(document: Mapping[str, Any], shown: str) -> Plan:
    """Return the plan that a document of TOML is; `shown` names its file."""
    mistakes = list(_wrong_tables(document, shown))
    defaults = document.get("defaults", {})
    if isinstance(defaults, dict):
        mistakes += _read_table(defaults, f"{shown}, defaults").mistakes
    else:
        defaults = {}
    checks: list[PlannedCheck] = []
    listed = document.get("check")
    if _is_list_of_tables(listed) and len(listed) <= MOST_CHECKS:
        for number, table in enumerate(listed, 1):
            taken = {check.name for check in checks}
            checks.append(_read_check(table, defaults, f"{shown}, check {number}", taken))
            mistakes += checks[-1].given.mistakes
    return Plan(tuple(checks), tuple(mistakes))


def _wrong_tables(document: Mapping[str, Any], shown: str) -> Iterator[InputError]:
    for key in document:
        if key not in ("defaults", "check"):
            yield InputError(
                f"{shown}: {visible(key)} is unknown",
                "a plan has [defaults] and one or more [[check]]",
            )
    if not isinstance(document.get("defaults", {}), dict):
        yield InputError(f"{shown}: defaults is no table", "begin it with a line [defaults]")
    listed = document.get("check")
    if not _is_list_of_tables(listed):
        yield InputError(f"{shown}: there is no check", "begin each check with a line [[check]]")
    elif len(listed) > MOST_CHECKS:
        yield InputError(
            f"{shown}: {len(listed)} checks; allowed: {MOST_CHECKS}", "make several plans of it"
        )


def _is_list_of_tables(listed: object) -> TypeGuard[list[dict[str, Any]]]:
    if not isinstance(listed, list) or not listed:
        return False
    return all(isinstance(each, dict) for each in listed)


def _read_check(
    table: Mapping[str, Any], defaults: Mapping[str, Any], location: str, taken: Container[str]
) -> PlannedCheck:
    name = table.get("name")
    wrong = _wrong_name(name)
    if wrong is None:
        location = f"{location} ({name})"
        if name in taken:
            wrong = InputError("another check has it", "give each check a different name")
    own = {key: value for key, value in table.items() if key != "name"}
    given = _read_table(own, location)
    if wrong is not None:
        given.mistakes.insert(0, wrong.within(f"{location}, name"))
    inherited = {key: value for key, value in defaults.items() if key not in own}
    return PlannedCheck(str(name), location, given, _read_table(inherited, location))


def _wrong_name(name: object) -> InputError | None:
    if isinstance(name, str) and name.strip() and visible(name, _NAME_LENGTH) == name:
        return None
    what = "is missing" if name is None else "can't be used"
    return InputError(
        f"it {what}", f'write name = "...", up to {_NAME_LENGTH} characters in a line'
    )


def _read_table(table: Mapping[str, object], location: str) -> Given:
    """Read the options of a table; each mistake has its key's location."""
    options, given = planned_options(), Given()
    for key, value in table.items():
        where = f"{location}, {visible(key)}"
        if key not in options:
            given.refuse(f"{where}: no such key in a check", _suggestion(key, options))
            continue
        option = options[key]
        values = value if isinstance(value, list) and option.repeatable else [value]
        for each in values:
            _read_value(each, option, where, given)
    return given


def _read_value(value: object, option: Option[Any], where: str, given: Given) -> None:
    allowed = _types(option)
    if not any(_is_of(value, kind) for kind in allowed):
        several = ", or an array of them" if option.repeatable else ""
        wanted = " or ".join(map(_with_article, allowed))
        problem = f"{where}: {_kind(value)}, not {wanted}"
        given.refuse(problem, f"{option.help}{several}", option)
    elif option.constant is not None:
        if value:
            given.add(option, option.constant)
    else:
        try:
            given.add(option, option.parse(str(value)))
        except ValueError as error:
            given.refuse(f"{where}: {error}", option.help, option)


def _is_of(value: object, kind: str) -> bool:
    if isinstance(value, bool):  # which Python takes for an integer too
        return kind == "boolean"
    return isinstance(value, _MATCHES[kind])


def _kind(value: object) -> str:
    kinds = {
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        list: "array",
        dict: "table",
    }
    return _with_article(kinds.get(type(value), "date or time"))


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _suggestion(key: str, options: Mapping[str, object]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 — for mistakes only

    close = get_close_matches(key, options, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return "keys are the options of `verify --help`, without the dashes"


def planned_options() -> dict[str, Option[Any]]:
    """Return the options that a check of a plan may have, by the names of their keys."""
    found = {}
    for group in _GROUPS:
        for option in declared(group):
            flag = option.flags[-1]
            if flag not in _OF_THE_RUN:
                found[flag.removeprefix("--")] = option
    return found


def _types(option: Option[Any]) -> Sequence[str]:
    """Return the types of an option's value, by their names in JSON Schema."""
    if option.constant is not None:
        return ("boolean",)
    return _TYPES.get(option.metavar, ("string",))


def schema() -> dict[str, object]:
    """Return the published JSON Schema of a plan, as TOML parsers read it."""
    keys = {key: _key_schema(option) for key, option in planned_options().items()}
    name = {
        "description": "What reports call the check.",
        "type": "string",
        "minLength": 1,
        "maxLength": _NAME_LENGTH,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:fargate-web:verify-plan:1",
        "title": "The file of `verify --plan`",
        "description": (
            "In TOML. A key is an option of `verify --help` without its dashes, with a value "
            "as there."
        ),
        "type": "object",
        "required": ["check"],
        "additionalProperties": False,
        "properties": {
            "defaults": {
                "description": "For every check that doesn't have the key itself.",
                "type": "object",
                "additionalProperties": False,
                "properties": keys,
            },
            "check": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_CHECKS,
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": False,
                    "properties": {"name": name, **keys},
                },
            },
        },
    }


def _key_schema(option: Option[Any]) -> dict[str, object]:
    allowed = _types(option)
    one: dict[str, object] = {"type": allowed[0] if len(allowed) == 1 else list(allowed)}
    if option.choices:
        one["enum"] = list(option.choices)
    if not option.repeatable:
        return {"description": option.help, **one}
    return {"description": option.help, "anyOf": [one, {"type": "array", "items": one}]}
