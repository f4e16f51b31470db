"""How the mistakes in the input look in the formats for machines; nothing else was found then."""

import json
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, SubElement

from verify import VERSION
from verify.errors import InputError
from verify.exit_codes import ExitCode
from verify.formats.document import SCHEMA
from verify.formats.github import annotation
from verify.formats.html import mistakes_page
from verify.formats.junit import written
from verify.formats.markdown import literal, table

_RUN = {
    "version": VERSION,
    "verdict": ExitCode.USAGE.name.lower(),
    "exit_code": int(ExitCode.USAGE),
}


def _json(mistakes: Sequence[InputError]) -> str:
    found = list(map(_object, mistakes))
    return json.dumps({"schema": SCHEMA, **_RUN, "mistakes": found, "reports": []}, indent=2) + "\n"


def _jsonl(mistakes: Sequence[InputError]) -> str:
    lines = [{"kind": "mistake", **_object(mistake)} for mistake in mistakes]
    return "".join(f"{json.dumps(line)}\n" for line in [*lines, {"kind": "run", **_RUN}])


def _object(mistake: InputError) -> dict[str, object]:
    return {"problem": mistake.problem, "hint": mistake.hint}


def _junit(mistakes: Sequence[InputError]) -> str:
    root = Element("testsuites")
    count = str(len(mistakes))
    suite = SubElement(root, "testsuite", name="verify", tests=count, failures="0", errors=count)
    for number, mistake in enumerate(mistakes, 1):
        case = SubElement(suite, "testcase", classname="verify.input", name=f"mistake {number}")
        SubElement(case, "error", message=mistake.problem).text = mistake.hint
    return written(root)


def _tap(mistakes: Sequence[InputError]) -> str:
    lines = ["TAP version 14", f"1..{len(mistakes)}"]
    for number, mistake in enumerate(mistakes, 1):
        lines += [f"not ok {number} - verify mistake {number}", "  ---"]
        lines += [f"  {key}: {json.dumps(value)}" for key, value in _object(mistake).items()]
        lines.append("  ...")
    return "\n".join([*lines, ""])


def _github(mistakes: Sequence[InputError]) -> str:
    text = ""
    for mistake in mistakes:
        message = f"{mistake.problem}\n{mistake.hint}"
        text += f"{annotation('error', 'verify input', message)}\n"
    return text


def _prometheus(_mistakes: Sequence[InputError]) -> str:
    """Return what says that nothing was checked; a mistake is no metric."""
    return (
        "# TYPE probe_success gauge\nprobe_success{} 0\n"
        f"# TYPE verify_exit_code gauge\nverify_exit_code{{}} {_RUN['exit_code']}\n"
    )


def _markdown(mistakes: Sequence[InputError]) -> str:
    rows = [(literal(mistake.problem), literal(mistake.hint)) for mistake in mistakes]
    heading = f"### ❌ verify {_RUN['verdict']}: nothing was sent"
    return "\n".join([heading, "", *table(("Mistake", "What to do"), rows), ""])


MISTAKES: dict[str, Callable[[Sequence[InputError]], str]] = {
    "json": _json,
    "jsonl": _jsonl,
    "junit": _junit,
    "tap": _tap,
    "github": _github,
    "prometheus": _prometheus,
    "markdown": _markdown,
    "html": mistakes_page,
}
