"""Find the target in the bytes that a pipe or an argument delivers."""

import codecs
import json
import re
from collections.abc import Callable
from contextlib import suppress

from verify.errors import InputError, refuse
from verify.escaping import visible
from verify.options.target import Parsed, Target, parse_target, shown

MAX_BYTES = 64 * 1024
"""More than this is no host name, whatever it is; reading stops there."""

_SPACES = " \t\r\n"
_TABLE = re.compile(r"^Current stack outputs \(|^\s*OUTPUT\s+VALUE\s*$", re.MULTILINE)
_OUTPUT_AS_TEXT = re.compile(r"^Calling (__str__|\[toString\]) on an")
_BRACKETED_ADDRESS = re.compile(r"\[([^\]\s\",]*:[^\]\s\",]*|secret)\]?(:.*)?")
_LISTED_KEYS = 10


def read_targets(
    raw: bytes,
    *,
    several: bool = False,
    output_name: str | None = None,
    scheme: str | None = None,
    port: int | None = None,
    path: str | None = None,
) -> tuple[Parsed, ...]:
    """Find the target in the output of `pulumi stack output`, or in an argument.

    With `several` there may be one on each line.

    Raises:
        InputError: There is none, or more than one and not `several`.
        MistakesError: Several lines aren't targets.
    """
    text, notes = _decoded(raw)
    text = text.strip(_SPACES)
    if not text:
        raise InputError(
            "empty input: did `pulumi stack output NAME` fail?",
            "its error is on stderr; `set -o pipefail` makes the pipeline fail with it",
        )
    if _TABLE.search(text):
        raise InputError(
            "this is the table of all outputs",
            "give an output name, or --json, to `pulumi stack output`",
        )

    def parse(value: str) -> Parsed:
        parsed = parse_target(value, scheme=scheme, port=port, path=path)
        return Parsed(parsed.target, (*notes, *parsed.notes))

    is_array = text.startswith("[") and not _BRACKETED_ADDRESS.fullmatch(text)
    if text.startswith("{") or is_array:
        outputs = _json_object(text)
        if output_name:
            return (_named(outputs, output_name, parse),)
        return (_only_host(outputs, parse),)
    if output_name:
        raise InputError(
            "--output-name needs the JSON of all outputs", "pipe `pulumi stack output --json`"
        )
    if several:
        return _every_line(text, parse)
    return (parse(_unquoted(_only_line(text, notes))),)


def _every_line(text: str, parse: Callable[[str], Parsed]) -> tuple[Parsed, ...]:
    """Return the target on each line, each target once."""
    found: dict[Target, Parsed] = {}
    mistakes = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(_SPACES)
        if not stripped:
            continue
        try:
            parsed = parse(_unquoted(stripped))
        except InputError as error:
            mistakes.append(error.within(f"line {number}"))
        else:
            found[parsed.target] = parsed
    refuse(mistakes)
    return tuple(found.values())


def _decoded(raw: bytes) -> tuple[str, list[str]]:
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"the input is longer than {MAX_BYTES // 1024} KiB", "pipe one output, not a log"
        )
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "UTF-16" if utf16 else "UTF-8"
    try:
        text = raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the input is not {encoding}: byte {error.start} can't be decoded",
            "pipe the command's output as it is; in PowerShell set $OutputEncoding to UTF-8",
        ) from None
    return text, ["the input was UTF-16"] if utf16 else []


def _only_line(text: str, notes: list[str]) -> str:
    if _OUTPUT_AS_TEXT.search(text):
        return text.splitlines()[0]
    lines = _lines(text)
    if len(set(lines)) > 1:
        raise InputError(
            f"{len(lines)} lines, where one names the target", "pipe one output, or use --all"
        )
    if len(lines) > 1:
        notes.append(f"{len(lines)} identical lines were read as one")
    return lines[0]


def _lines(text: str) -> list[str]:
    stripped = [line.strip(_SPACES) for line in text.split("\n")]
    return [line for line in stripped if line]


def _unquoted(line: str) -> str:
    first = line[0]
    last = line[-1]
    if first not in "\"'" and last not in "\"'":
        return line
    if first != last or len(line) == 1:
        raise InputError(f"{shown(line)} has an unbalanced quote", "remove it, or quote both ends")
    if first == "'":
        return line[1:-1]
    try:
        return str(json.loads(line))
    except ValueError:
        raise InputError(f"{shown(line)} is not a JSON string", "remove the quotes") from None


def _json_object(text: str) -> dict[str, object]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}",
            "pipe the whole of `pulumi stack output --json`",
        ) from None
    except (ValueError, RecursionError):
        raise InputError(
            "JSON beyond what outputs look like", "pipe `pulumi stack output --json`"
        ) from None
    if not isinstance(document, dict):
        raise InputError(
            "a JSON array, not a host",
            "pipe `pulumi stack output NAME` or the object of all outputs",
        )
    return document


def _listed(keys: list[str]) -> str:
    if not keys:
        return "none"
    names = ", ".join(visible(key, 40) for key in keys[:_LISTED_KEYS])
    more = len(keys) - _LISTED_KEYS
    return f"{names} and {more} more" if more > 0 else names


def _named(outputs: dict[str, object], name: str, parse: Callable[[str], Parsed]) -> Parsed:
    if name not in outputs:
        raise InputError(
            f"there is no output '{visible(name, 40)}'",
            f"the outputs are: {_listed(list(outputs))}",
        )
    value = outputs[name]
    if value is None:
        raise InputError(
            f"the output '{visible(name, 40)}' is null",
            "it is not set; has the stack been deployed?",
        )
    if not isinstance(value, str):
        raise InputError(
            f"the output '{visible(name, 40)}' is not a string", "name an output that holds a host"
        )
    return parse(value)


def _only_host(outputs: dict[str, object], parse: Callable[[str], Parsed]) -> Parsed:
    hosts: dict[str, Parsed] = {}
    for key, value in outputs.items():
        if isinstance(value, str):
            with suppress(InputError):
                hosts[key] = parse(value)
    if not hosts:
        hint = "export the load balancer's DNS name"
        if "[secret]" in outputs.values():
            hint = "some are secret: add --show-secrets"
        raise InputError(
            f"no output is a host or a URL; the outputs are: {_listed(list(outputs))}", hint
        )
    if len({parsed.target for parsed in hosts.values()}) > 1:
        raise InputError(
            f"several outputs are a host or a URL: {_listed(list(hosts))}",
            "choose one with --output-name NAME",
        )
    return next(iter(hosts.values()))
