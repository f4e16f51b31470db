"""Plans: what a file of checks may hold, its schema, and that every check is made and shown."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.verify.fake_alb import FakeAlb, page
from tests.verify.read_formats import metrics, tap_points
from tests.verify.schema import violations
from verify.cli.commands import CHECK, options_of
from verify.cli.parser import add_planned, parse_options, read_command_line
from verify.cli.plan import PlannedCheck, plan_of, read_plan, schema
from verify.errors import InputError
from verify.exit_codes import ExitCode
from verify.main import main
from verify.options.groups import Options, OutputOptions

DOCS = Path(__file__).parents[2] / "docs"
PUBLISHED = json.loads((DOCS / "verify-plan.schema.json").read_text(encoding="utf-8"))
MANUAL = (DOCS / "verify.md").read_text(encoding="utf-8")

ONE = '[[check]]\nname = "a"\n'
GOOD = {
    "a name only": '[[check]]\nname = "a"',
    "numbers and their texts": ONE
    + 'status = 204\ntimeout = 2.5\ndeadline = "2m"\nsamples = 4\nmax-body = 4096',
    "repeated and single": ONE
    + 'body-contains = ["x", "y"]\nexpect-header = "X-A=b"\nmax-latency = []',
    "switches": ONE + "retry-mismatch = true\neach-address = false\nipv4 = true",
    "defaults": (
        '[defaults]\nmiss-probability = 1e-6\nmin-tls = "1.2"\n[[check]]\nname = '
        '"a"\n[[check]]\nname = "b"'
    ),
    "no defaults": '[defaults]\n[[check]]\nname = "a"\nmethod = "PUT"\ndata = ""',
}

WRONG_SHAPES = {
    "nothing": ("", "there is no check"),
    "no check": ("[defaults]\nstable = 1", "there is no check"),
    "a check that is no list": ('[check]\nname = "a"', "there is no check"),
    "checks that are no tables": ("check = [1]", "there is no check"),
    "another table": ('[[checks]]\nname = "a"', "plan.toml: checks is unknown"),
    "defaults that are no table": (
        'defaults = 1\n[[check]]\nname = "a"',
        "plan.toml: defaults is no table",
    ),
    "a check without a name": ('[[check]]\npath = "/"', "plan.toml, check 1, name: it is missing"),
    "a name that is a number": ("[[check]]\nname = 1", "check 1, name: it can't be used"),
    "an empty name": ('[[check]]\nname = ""', "check 1, name: it can't be used"),
    "a name that is too long": (
        f'[[check]]\nname = "{"x" * 81}"',
        "check 1, name: it can't be used",
    ),
    "an unknown key": (ONE + "statsu = 200", "plan.toml, check 1 (a), statsu: no such key"),
    "an unknown default": (
        '[defaults]\nx = 1\n[[check]]\nname = "a"',
        "plan.toml, defaults, x: no such key",
    ),
    "a key of the run": (ONE + 'format = "json"', "check 1 (a), format: no such key"),
    "a plan in a plan": (ONE + 'plan = "b.toml"', "check 1 (a), plan: no such key"),
    "a name among the defaults": (
        '[defaults]\nname = "a"\n[[check]]\nname = "a"',
        "plan.toml, defaults, name: no such key",
    ),
    "a text for a switch": (
        ONE + 'retry-mismatch = "yes"',
        "retry-mismatch: a string, not a boolean",
    ),
    "a number for a switch": (
        ONE + "retry-mismatch = 1",
        "retry-mismatch: an integer, not a boolean",
    ),
    "a boolean for a text": (ONE + "path = true", "path: a boolean, not a string"),
    "a boolean for a number": (ONE + "stable = true", "stable: a boolean, not an integer"),
    "a text for a number": (ONE + 'stable = "3"', "stable: a string, not an integer"),
    "a fraction for a number": (ONE + "stable = 1.5", "stable: a number, not an integer"),
    "a table for a text": (ONE + "json = {a = 1}", "json: a table, not a string"),
    "a date for a time": (
        ONE + "timeout = 2026-01-01",
        "timeout: a date or time, not a number or a string",
    ),
    "several of one": (ONE + 'path = ["/", "/b"]', "path: an array, not a string"),
    "a wrong one of several": (
        ONE + 'body-contains = ["x", 1]',
        "body-contains: an integer, not a string",
    ),
    "no such choice": (ONE + 'min-tls = "1.1"', "min-tls: '1.1' is none of 1.2, 1.3"),
    "too many": (
        "".join(f'[[check]]\nname = "{n}"\n' for n in range(101)),
        "101 checks; allowed: 100",
    ),
}
"""What the schema refuses too."""

WRONG_VALUES = {
    "two of one name": (ONE + '[[check]]\nname = "a"', "check 2 (a), name: another check has it"),
    "an escape in a name": ('[[check]]\nname = "a\\u001b[2J"', "check 1, name: it can't be used"),
    "a log command in a name": (
        '[[check]]\nname = "::error::x"',
        "check 1, name: it can't be used",
    ),
    "a status that is none": (
        ONE + 'status = "ok"',
        "plan.toml, check 1 (a), status: 'ok' is no status",
    ),
    "a number out of bounds": (
        ONE + ('[[check]]\nname = "b"\nstable = 0'),
        "check 2 (b), stable: '0' is no whole",
    ),
    "a path that is none": (ONE + 'path = "b"', "check 1 (a), path: it must start with /"),
    "not a number": (ONE + "miss-probability = nan", "miss-probability: 'nan' is no probability"),
    "a file that isn't there": (
        ONE + 'data = "@/no/such/file"',
        "data: can't read a body from the file",
    ),
    "a wrong default": (
        '[defaults]\nbody-regex = "("\n' + ONE,
        "plan.toml, defaults, body-regex: not a regular",
    ),
    "contradictory keys": (
        ONE + 'data = "x"\njson = "{}"',
        "plan.toml, check 1 (a): --data and --json contradict",
    ),
    "a key that contradicts the target": (
        ONE + 'min-tls = "1.2"',
        "plan.toml, check 1 (a): --min-tls needs an https target",
    ),
    "no TOML": ("checks:\n  - name: a\n", "plan.toml is no TOML: "),
    "a key given twice": (ONE + 'name = "b"', "plan.toml is no TOML: "),
    "arrays too deep": ("a = " + "[" * 10_000, "plan.toml is no plan: it nests too deeply"),
}
"""What only the options themselves refuse."""


def options_with(check: PlannedCheck, arguments: list[str]) -> Options:
    line = read_command_line(arguments)
    whole = add_planned(line, check.given, check.inherited)
    assert (line.mistakes, whole.contradictions) == ([], ())
    return whole.options


def refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.chdir(tmp_path)
    Path("plan.toml").write_text(text)
    assert main(["http://127.0.0.1:1", "--plan", "plan.toml"]) == ExitCode.USAGE
    printed = capsys.readouterr().err
    assert re.fullmatch("((verify: .+\n)+  .+\n)+", printed), "each says what to do"
    return printed


WRONG: dict[str, tuple[str, str]] = {**WRONG_SHAPES, **WRONG_VALUES}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_plan_is_refused_with_the_keys_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, problem = WRONG[name]
    assert problem in refused(text, tmp_path, monkeypatch, capsys)


def test_a_mistyped_key_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(ONE + "expect-task = 2")
    (mistake,) = read_plan(str(tmp_path / "plan.toml")).mistakes
    assert mistake.hint == "did you mean expect-tasks?"


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"#" * 300_000])
def test_a_file_that_cant_be_read_is_refused(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "plan.toml").write_bytes(content)
    assert main(["127.0.0.1:1", "--plan", str(tmp_path / "plan.toml")]) == ExitCode.USAGE
    assert "plan" in capsys.readouterr().err


def test_the_published_schema_matches_the_code() -> None:
    assert schema() == PUBLISHED, "write it anew: json.dumps(verify.cli.plan.schema(), indent=2)"


@pytest.mark.parametrize("name", GOOD)
def test_the_schema_accepts_the_plans_that_the_code_accepts(name: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(GOOD[name])
    found = read_plan(str(tmp_path / "plan.toml"))
    assert found.mistakes == ()
    for check in found.checks:
        options_with(check, ["https://a.example"])
    assert list(violations(tomllib.loads(GOOD[name]), PUBLISHED, PUBLISHED)) == []


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_the_schema_refuses_the_plans_that_the_code_refuses(name: str) -> None:
    assert list(violations(tomllib.loads(WRONG_SHAPES[name][0]), PUBLISHED, PUBLISHED))


VALUES: list[Any] = [1, 1.5, "text", "2s", True, [], ["text"], [1], {"a": 1}]
"""One of each type."""


@pytest.mark.parametrize("key", PUBLISHED["properties"]["check"]["items"]["properties"])
def test_a_keys_type_is_refused_by_both_or_by_neither(key: str) -> None:
    for value in VALUES:
        good = not list(violations({"check": [{"name": "a", key: value}]}, PUBLISHED, PUBLISHED))
        found = plan_of({"check": [{"name": "a", key: value}]}, "plan.toml").mistakes
        problem = "".join(mistake.problem for mistake in found)
        of_the_wrong_type = re.search(r", not an? |is none of|can't be used", problem) is not None
        assert good != of_the_wrong_type, (key, value, problem)


def test_every_option_that_is_not_the_runs_is_a_key() -> None:
    flags = {option.flags[-1].removeprefix("--") for option in options_of(CHECK)}
    of_the_run = {"output-name", "all", "plan"}
    for option in vars(OutputOptions).values():
        if hasattr(option, "flags"):
            of_the_run.add(option.flags[-1].removeprefix("--"))
    keys = set(PUBLISHED["properties"]["defaults"]["properties"])
    assert keys == flags - of_the_run


def test_a_checks_own_key_overrides_the_command_line_which_overrides_a_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIFY_OPTIONS", "--stable 4 --body-contains everywhere")
    (tmp_path / "plan.toml").write_text(
        '[defaults]\nstable = 2\nsamples = 5\ntimeout = "7s"\nbody-contains = "default"\n'
        f'{ONE}samples = 6\n[[check]]\nname = "b"\nbody-contains = "own"\n'
    )
    first, second = (
        options_with(check, ["--timeout", "8s", "--samples", "9"])
        for check in read_plan(str(tmp_path / "plan.toml")).checks
    )
    assert (first.stable, first.samples, first.timeout) == (4, 6, 8)
    assert (second.stable, second.samples, second.timeout) == (4, 9, 8)
    assert first.body_contains == ("default", "everywhere")
    assert second.body_contains == ("everywhere", "own")


def test_the_manuals_plan_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("token.txt").write_text("Authorization: Bearer x")
    written = MANUAL.partition("    $ cat checks.toml\n")[2].partition("    $ pulumi")[0]
    Path("checks.toml").write_text(re.sub("^    ", "", written, flags=re.MULTILINE))
    first, second, third = read_plan("checks.toml").checks
    assert (first.name, second.name, third.name) == ("front page", "order, dry run", "old address")
    assert options_with(second, []).status.accepts(202)
    assert "`checks.toml, check 2 (order, dry run), status: 'ok' is no status`" in MANUAL


PLAN = """
[defaults]
interval = "1ms"
samples = 2

[[check]]
name = "front"
body-contains = "front"

[[check]]
name = "orders"
path = "/orders"
json = "{}"
status = 202

[[check]]
name = "old"
path = "/old"
expect-tasks = 1
"""


def service(_number: int, request: bytes) -> list[bytes]:
    method, path = request.split(b" ")[:2]
    if (method, path) == (b"POST", b"/orders"):
        return [page("ordered", 202)]
    return [page("the old page", 404)] if path == b"/old" else [page("the front page")]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path


def test_every_check_is_made_and_the_most_severe_one_counts(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(service) as alb:
        arguments = [alb.authority, "--quiet", "--plan", f"{written}/plan.toml"]
        assert main([*arguments, "--status", "404,200"]) == ExitCode.INCONCLUSIVE
        report = capsys.readouterr().out
        assert "old: http" in report
        assert len(re.findall("^(passed|inconclusive) after", report, re.MULTILINE)) == 3
        assert main(arguments) == ExitCode.FAILED
        assert main([*arguments, "--body-regex", "t"]) == ExitCode.WRONG_VERSION
    assert "front: http" in capsys.readouterr().out


def test_every_format_shows_every_check_by_its_name(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = ("json", "junit", "tap", "github", "prometheus", "markdown", "html", "jsonl", "text")
    with FakeAlb(service) as alb:
        words = [f"--format={name}={written}/{name}" for name in formats]
        assert main([alb.authority, "--plan", f"{written}/plan.toml", *words]) == ExitCode.FAILED
    found = {name: (written / name).read_text() for name in formats}
    urls = {"front": "/", "orders": "/orders", "old": "/old"}
    labels = [f"{name}: http://{alb.authority}{path}" for name, path in urls.items()]
    document = json.loads(found["json"])
    assert [(report["name"], report["verdict"]) for report in document["reports"]] == [
        ("front", "passed"),
        ("orders", "passed"),
        ("old", "failed"),
    ]
    assert document["exit_code"] == ExitCode.FAILED
    assert [suite.attrib["name"] for suite in ET.fromstring(found["junit"])] == [
        f"verify {each}" for each in labels
    ]
    assert {point.rpartition(" ")[0] for point in tap_points(found["tap"])} == set(labels)
    samples = metrics(found["prometheus"])
    for name, path in urls.items():
        url = f"http://{alb.authority}{path}"
        label = f"{name}: {url}"
        if name != "old":
            assert f"::{label} passed after" in found["github"]
        assert ("probe_success", f'instance="{url}",name="{name}"') in samples
        assert f"{name}&#58; http" in found["markdown"]
        assert found["html"].count(label) == 2, "in the list of results, and above its own"
        assert f"\n{label}\n" in f"\n{found['text']}"
    assert sum(metric == "probe_success" for metric, _ in samples) == len(urls)
    lines = [json.loads(line) for line in found["jsonl"].splitlines()]
    assert {line["name"] for line in lines} == set(urls)
    assert [line["name"] for line in lines if line["kind"] == "run"] == list(urls)
    assert "[orders] stable" in capsys.readouterr().err


def test_a_plan_reads_its_target_from_stdin_once(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, request: service(0, request)) as alb:
        (written / "target").write_text(alb.authority)
        with (written / "target").open() as target:
            monkeypatch.setattr("sys.stdin", target)
            assert main(["--quiet", "--plan", f"{written}/plan.toml"]) == ExitCode.FAILED
    assert "orders: http" in capsys.readouterr().out


def test_a_plan_and_several_targets_contradict_each_other(written: Path) -> None:
    with pytest.raises(InputError, match="--all and --plan contradict each other"):
        parse_options(["--all", "--plan", f"{written}/plan.toml"])
