"""The formats for machines, each read by something else: a schema, an XML and a TAP parser."""

import html
import json
import re
from collections import defaultdict
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.verify.read_formats import metrics, tap_points
from tests.verify.schema import PUBLISHED, violations
from tests.verify.simulated_run import run, two_tasks
from tests.verify.simulated_watch import down, good_rollout, watch
from verify.exit_codes import ExitCode
from verify.formats import FORMATS
from verify.formats.document import SCHEMA
from verify.formats.markdown import literal
from verify.judging.report import Report, Status
from verify.options.values import FORMAT_NAMES


def unnamed(_number: int, _request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="Welcome to nginx!")


REPORTS = {
    "passed": lambda: run(two_tasks, "--expect-tasks", "2"),
    "failed": lambda: run(
        two_tasks, "--status", "404", "--expect-header", "X-A=#\\", target="https://a.example"
    ),
    "unreachable": lambda: run(two_tasks, "--deadline", "5s", resolves_after=99),
    "inconclusive": lambda: run(unnamed, "--expect-tasks", "2"),
    "forgiven": lambda: run(unnamed, "--expect-tasks", "2", "--allow-inconclusive"),
    "interrupted": lambda: run(two_tasks, stop_after=0.001),
    "watched": lambda: watch(down(8.0, 9.0)),
    "watched without a command": lambda: watch(good_rollout, "--for", "6s", command_exit_code=None),
}


@pytest.fixture(scope="module", params=REPORTS)
def report(request: pytest.FixtureRequest) -> Report:
    made: Report = REPORTS[request.param]()
    return made


def test_the_formats_are_those_of_the_command_line() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES


def test_the_json_document_keeps_to_the_published_schema(report: Report) -> None:
    document = json.loads(FORMATS["json"]([report, report]))
    assert list(violations(document, PUBLISHED, PUBLISHED)) == []


def test_the_schema_and_the_document_have_the_same_version() -> None:
    assert PUBLISHED["properties"]["schema"]["const"] == SCHEMA
    assert PUBLISHED["$id"].endswith(f":{SCHEMA}")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "good"),
        (("exit_code",), -1),
        (("exit_code",), True),
        (("reports",), []),
        (("reports", 0, "target"), {}),
        (("reports", 0, "surprise"), 1),
        (("reports", 0, "samples", "tasks"), {"a": "b"}),
        (("reports", 0, "watch"), {}),
        (("reports", 0, "phases", 0, "duration_ms"), "1"),
        (("reports", 0, "started"), "yesterday"),
    ],
)
def test_the_schema_refuses_wrong_documents(path: tuple[str | int, ...], value: object) -> None:
    document = json.loads(FORMATS["json"]([REPORTS["passed"]()]))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert list(violations(document, PUBLISHED, PUBLISHED))


def test_the_counts_of_junit_are_those_of_its_test_cases(report: Report) -> None:
    (suite,) = ET.fromstring(FORMATS["junit"]([report]))
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases) == len(report.results)
    for attribute, element in (
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{element}"))
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("0", "0") or report.exit_code
    assert len({(case.attrib["classname"], case.attrib["name"]) for case in cases}) == len(cases)


class _Tags(HTMLParser):
    """A second reader of XML, which shares no code with the first."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


# What the schema of Jenkins' xUnit plugin (junit-10.xsd) allows: attributes that are needed,
# others, and children.
JUNIT = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests"},
        {"failures", "errors", "skipped", "time", "timestamp"},
        {"testcase"},
    ),
    "testcase": ({"name"}, {"classname", "time"}, {"failure", "error", "skipped"}),
    "failure": (set(), {"message", "type"}, set()),
    "error": (set(), {"message", "type"}, set()),
    "skipped": (set(), {"message", "type"}, set()),
}


def test_junit_is_valid_and_two_parsers_read_the_same(report: Report) -> None:
    written = FORMATS["junit"]([report, report])
    root = ET.fromstring(written)
    for element in root.iter():
        needed, allowed, children = JUNIT[element.tag]
        assert needed <= set(element.attrib) <= needed | allowed
        assert {child.tag for child in element} <= children
    other = _Tags()
    other.feed(written.partition("?>")[2])
    assert other.seen == [(element.tag, element.attrib) for element in root.iter()]


def test_tap_passes_when_the_run_passes(report: Report) -> None:
    points = tap_points(FORMATS["tap"]([report]))
    assert len(points) == len(report.results)
    assert all(points.values()) == (report.exit_code == 0)


def test_the_metrics_have_the_verdict_and_every_check(report: Report) -> None:
    found = metrics(FORMATS["prometheus"]([report]))
    instance = f'instance="{report.url}"'
    assert found["probe_success", instance] == (report.exit_code == 0)
    assert found["verify_exit_code", instance] == report.exit_code
    judged = [result for result in report.results if result.status is not Status.SKIP]
    assert sum(metric == "verify_check_status" for metric, _ in found) == len(judged)
    assert (("verify_availability", instance) in found) == (report.watched is not None)


def test_json_lines_have_the_contents_of_the_document(report: Report) -> None:
    (whole,) = json.loads(FORMATS["json"]([report]))["reports"]
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    kind = ""
    for text in FORMATS["jsonl"]([report]).splitlines():
        line = json.loads(text)
        assert line.pop("url") == report.url
        kind = line.pop("kind")
        by_kind[kind].append(line)
    assert kind == "run", "the last line is the run's"
    (run,) = by_kind["run"]
    assert run["exit_code"] == report.exit_code
    assert by_kind["phase"] == whole["phases"]
    assert by_kind["check"] == whole["checks"]
    watch = whole["watch"] or {"outages": [], "tasks": {}}
    assert by_kind["outage"] == watch["outages"]
    assert {line["task"] for line in by_kind["task"]} == set(watch["tasks"])


def test_every_format_for_machines_is_red_when_the_exit_code_is(report: Report) -> None:
    red = report.exit_code != 0
    assert (json.loads(FORMATS["json"]([report]))["exit_code"] != 0) == red
    assert (re.search("<(failure|error) ", FORMATS["junit"]([report])) is not None) == red
    assert ("not ok " in FORMATS["tap"]([report])) == red
    failed = f'\nprobe_success{{instance="{report.url}"}} 0\n'
    assert (failed in FORMATS["prometheus"]([report])) == red
    annotations = re.findall("^::error |^::warning ", FORMATS["github"]([report]), re.MULTILINE)
    assert bool(annotations) == (red or report.verdict is ExitCode.INCONCLUSIVE)


def test_a_summary_has_a_row_per_finding_with_as_many_cells_as_columns(report: Report) -> None:
    lines = FORMATS["markdown"]([report]).splitlines()
    assert ("✅" in lines[0]) == (report.exit_code == 0)
    start = lines.index("| Check | Result | Found | Expected | What to do |")
    rows = lines[start + 2 : lines.index("", start)]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [
        result.id for result in report.results
    ]
    assert all(row.count("|") == 6 for row in rows)


def test_a_summarys_table_is_apart_from_its_notes() -> None:
    # https://github.github.com/gfm/#tables-extension-: a line that follows an item of a list
    # belongs to it.
    report = run(two_tasks, "--header", "A: b", target="http://a.example/#fragment")
    lines = FORMATS["markdown"]([report]).splitlines()
    start = lines.index("| Check | Result | Found | Expected | What to do |")
    assert lines[start - 2].startswith("- ")
    assert lines[start - 1] == ""


def test_a_summary_counts_one_request_in_the_singular() -> None:
    report = run(two_tasks, "--deadline", "0")
    assert "Milliseconds of 1 request, 0 without an answer:" in FORMATS["markdown"]([report])


ACTIVE = (
    "a|b\\|c `x` <img src=x> *b* [l](https://e.example) www.e.example @someone #12 "
    "https://e.example ~~s~~ &amp; $x$"
)


def test_external_text_is_escaped_in_a_summary() -> None:
    shown = literal(ACTIVE)
    assert html.unescape(re.sub("</?code>", "", shown)) == ACTIVE
    assert not re.search(r"[|`*\[\]()@~\\$:]|www\.|#(?![0-9]+;)|&(?!#[0-9]+;)|<(?!/?code>)", shown)
    assert literal("") == ""


def test_an_annotation_is_one_line_per_finding(report: Report) -> None:
    lines = FORMATS["github"]([report]).splitlines()
    assert len(lines) == 1 + sum(
        result.status in (Status.FAIL, Status.UNKNOWN) for result in report.results
    )
    assert lines[0].startswith(f"::notice title=verify {report.verdict.name.lower()}::http")
