"""Read a project's file and the files of its stacks, as Pulumi's CLI does.

What the CLI refuses is refused here too, with the file and the line, and so are dates and numbers
without quotes of which the CLI makes another text.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


class BadStackFile(Exception):  # noqa: N818 — it is the file that is bad
    """A project's or a stack's file can't be read; the message says why and what to do."""


class _Loader(yaml.SafeLoader):
    """Parse YAML as the CLI does, to which only true and false are flags (tried with v3.255)."""


_PROJECT_FILE: Final = "Pulumi.yaml"
_OF_A_STACK: Final = ("config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider")
"""Keys at the top of a stack's file; the CLI ignores all others, which can hold anchors."""

_OF_A_PROJECT: Final = ("config", "runtime")
"""Of the keys at the top of a project's file, those that a run can lack unnoticed.

Without `runtime` the CLI runs no program, so a run deletes all that the stack has (tried with
v3.255).
"""

_LIKENESS: Final = 0.8
"""From 0 to 1; `confg` has 0.9 of `config`."""

_OCTAL: Final = re.compile(r"[-+]?0[0-7]+")
_DECIMAL: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

_INTEGERS: Final = 2**63
"""The CLI keeps smaller numbers exactly, and others as floating-point numbers."""

_WITHOUT_EXPONENT: Final = 1e21
"""The CLI writes larger numbers with an exponent, which isn't read as a whole number."""

_BOOL: Final = "tag:yaml.org,2002:bool"
_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"

# A copy for each first letter: the parser's own lists are shared by all of its loaders.
_Loader.yaml_implicit_resolvers = {}
for _first, _resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items():
    _others = [each for each in _resolvers if each[0] != _BOOL]
    _Loader.yaml_implicit_resolvers[_first] = _others
_Loader.add_implicit_resolver(_BOOL, re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


def read_project(folder: Path) -> dict[str, Any]:
    """Return the contents of a project's file, which has a name.

    Raises:
        BadStackFile: It can't be read, has none, or has a misspelt key.
    """
    path = folder / _PROJECT_FILE
    document = _read(path)
    if not isinstance(document.get("name"), str):
        raise BadStackFile(f"{path.name}: no name; give the project one, like name: shop")
    return document


def configured(folder: Path, stack: str) -> dict[str, Any]:
    """Return what a run of a stack's program is configured with, by full key.

    These are the values of the stack's file, and of the project's where the stack has none.

    Raises:
        BadStackFile: One of the files is missing or can't be read.
    """
    document = read_project(folder)
    values: dict[str, Any] = {}
    for key, entry in (document.get("config") or {}).items():
        value = entry
        if isinstance(entry, dict):
            value = entry.get("default", entry.get("value"))
        if value is not None:
            values[full_key(document["name"], key)] = value
    return values | read_config(folder, stack)


def wrong_types(project: dict[str, Any], config: dict[str, Any]) -> list[str]:
    """Describe each value of a stack that hasn't the type which the project's file declares.

    The CLI names the key and the type of only one, and neither its value nor its file.

    Args:
        project: Contents of the project's file.
        config: The configuration in the stack's file by full key.
    """
    declared = project.get("config")
    if not isinstance(declared, dict):
        return []  # a project that the CLI refuses may have anything there
    flaws = []
    for key, entry in declared.items():
        full = full_key(project["name"], str(key))
        if full in config and isinstance(entry, dict):
            allowed = _allowed_instead(config[full], entry)
            if allowed:
                flaws.append(f"{full}: {json.dumps(config[full])}; allowed: {allowed}")
    return flaws


def _allowed_instead(value: object, declared: dict[str, Any]) -> str | None:
    """Describe a declared type that the CLI doesn't take a value for (tried with v3.255)."""
    if isinstance(value, dict) and value.keys() == {"secure"}:
        return None  # it is encrypted
    text = json.dumps(value).strip('"')
    fits, allowed = True, ""
    match declared.get("type"):
        case "string":
            fits = not isinstance(value, list | dict)
            allowed = "a text"
        case "integer":
            fits = re.fullmatch(r"[-+]?\d+", text) is not None
            allowed = "a whole number, without a unit"
        case "boolean":
            fits = text in {"true", "false"}
            allowed = "true or false"
        case "array":
            fits = isinstance(value, list)
            allowed = "a list, like [a, b]"
            if declared.get("items") == {"type": "string"} and isinstance(value, list):
                fits = all(isinstance(item, str) for item in value)
                allowed = "a list of texts; put numbers into quotes"
    return None if fits else allowed


def read_config(folder: Path, stack: str) -> dict[str, Any]:
    """Return the configuration in a stack's file by full key; an empty file has none.

    Raises:
        BadStackFile: There is no such file, or it can't be read.
    """
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.exists():
        raise BadStackFile(missing(folder, stack))
    config = _read(path).get("config") or {}
    project = "" if all(":" in key for key in config) else read_project(folder)["name"]
    values: dict[str, Any] = {}
    for key, value in config.items():
        full = full_key(project, key)
        full = full.replace(":config:", ":", 1)  # an older form, which the CLI still reads
        if full.count(":") > 1:
            raise BadStackFile(
                f"{path.name}: config.{key}; allowed: a namespace and a name, like shop:size"
            )
        # The CLI passes a key without a value as an empty text.
        values[full] = "" if value is None else value
    return values


def flaw_of_keys(file: str, names: Collection[object]) -> str | None:
    """Describe what is wrong with the keys at the top of a stack's or project's file; None if fine.

    A key stands for a similar one of the known keys only if that one is missing.

    Args:
        file: Name of the file.
        names: The keys at its top.
    """
    known = _OF_A_PROJECT if file == _PROJECT_FILE else _OF_A_STACK
    missing_keys = [each for each in known if each not in names]
    unknown = set(names).difference(known) if missing_keys else set()
    for name in sorted(map(str, unknown)):
        similar = _similar(name.lower(), missing_keys)
        if similar:
            return f"{file}: {name}, which Pulumi ignores; allowed: perhaps {similar}"
    if "runtime" in missing_keys and "name" in names:
        return (
            f"{file}: no runtime, without which Pulumi runs no program and deletes all that a "
            "stack has; give the project one, like runtime: python"
        )
    return None


def _similar(name: str, keys: Collection[str]) -> str | None:
    """Return the key that a misspelt name probably stands for; None if there is none."""
    import difflib  # noqa: PLC0415 — rarely needed, and each command waits for imports

    if name.startswith("config") and "config" in keys:
        return "config"
    return next(iter(difflib.get_close_matches(name, keys, n=1, cutoff=_LIKENESS)), None)


def full_key(project: str, key: str) -> str:
    """Return a key with its namespace, which is the project's name where it has none."""
    return key if ":" in key else f"{project}:{key}"


def stacks(folder: Path) -> list[str]:
    """Return the names of the stacks that have a file; a name may have dots."""
    files = [path.name for path in folder.glob("Pulumi.*.yaml")]
    return sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in files)


def missing(folder: Path, stack: str) -> str:
    """Return the message that a stack has no file, with the stacks that have one."""
    return (
        f"--stack {stack}: there is no Pulumi.{stack}.yaml; there is "
        f"{', '.join(stacks(folder)) or 'no stack'}"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadStackFile(
            f"{path.name} isn't UTF-8 text ({error}): save it in that encoding"
        ) from None
    except OSError as error:
        raise BadStackFile(f"{path.name} can't be read: {error.strerror}") from None
    document = _parsed(path.name, text)
    flaw = flaw_of_keys(path.name, document)
    if flaw:
        raise BadStackFile(flaw)
    return document


@cache
def _parsed(name: str, text: str) -> dict[str, Any]:
    """Parse a file; cached, because a suite reads the same few files often and parsing is slow."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        flaws = sorted(_flaws(node))
        if flaws:
            raise BadStackFile("\n".join(f"{name}, line {line}: {flaw}" for line, flaw in flaws))
        document = loader.construct_document(node) if node else {}
        json.dumps(document)
    except yaml.YAMLError as error:
        raise BadStackFile(f"{name}{_described(error)}; correct its YAML there") from None
    except (TypeError, ValueError) as error:
        raise BadStackFile(f"{name} has a value that isn't one of JSON: {error}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise BadStackFile(f"{name} is {_kind(document)}; allowed: a map, like config: {{}}")
    config = document.get("config")
    if not isinstance(config, dict | None):
        raise BadStackFile(
            f"{name}: config is {_kind(config)}; allowed: a map of keys with their project, like "
            "shop:size: 3"
        )
    for key in config or ():
        if not isinstance(key, str):
            raise BadStackFile(f"{name}: config.{key}; allowed: a text as a key, like shop:size")
    return document


def _kind(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    return f"the text {value}" if isinstance(value, str) else f"the value {value}"


def _described(error: yaml.YAMLError) -> str:
    """Describe a flaw of YAML in one line, after the name of its file."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        line = f", line {error.problem_mark.line + 1}: {error.problem}"
        if error.context and error.context_mark:
            line += f", {error.context} from line {error.context_mark.line + 1}"
        return line
    return ": " + " ".join(str(error).split())


def _flaws(root: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Yield each key that a map has twice, and each text that isn't kept, with its line."""
    waiting = [root]
    seen = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            flaw = _flaw_of_scalar(node)
            if flaw:
                yield node.start_mark.line + 1, flaw
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            yield from _repeated_keys(node)
            waiting += [value for _, value in node.value]


def _flaw_of_scalar(node: yaml.ScalarNode) -> str | None:
    """Describe a value without quotes of which the CLI makes another text; None for all others."""
    text = node.value
    if node.tag == _TIMESTAMP:
        # It becomes 2024-01-01 00:00:00 +0000 UTC (tried with v3.255).
        return f"{text}, which Pulumi makes a time of; put it into quotes"
    number = _whole_number(text)
    if number in (None, text):
        return None
    return f"{text}, which Pulumi reads as {number}; write that, or put a text into quotes"


def _whole_number(text: str) -> str | None:
    """Return the whole number that the CLI reads from a value without quotes (tried with v3.255).

    It doesn't return one with a fraction, which is refused as a text and as a whole number.
    """
    digits = text.replace("_", "")
    try:
        number: float = int(digits, 8 if _OCTAL.fullmatch(digits) else 0)
    except ValueError:
        if not _DECIMAL.fullmatch(digits):
            return None
        number = float(digits)
    if isinstance(number, int) and abs(number) < _INTEGERS:
        return str(number)
    number = float(number)
    if number.is_integer() and abs(number) < _WITHOUT_EXPONENT:
        from decimal import Decimal  # noqa: PLC0415 — as above

        return str(Decimal(repr(number)).quantize(1))
    return None


def _repeated_keys(node: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line + 1
        first = lines.get((key.tag, key.value))
        if first is not None:
            yield line, f"{key.value} again, after line {first}; give it once"
        lines[key.tag, key.value] = line
