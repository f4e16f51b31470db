"""All mistakes in the input at once: on stderr for people, and in every format."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.verify.fake_alb import FakeAlb, hello
from tests.verify.read_formats import metrics, tap_points
from tests.verify.schema import PUBLISHED, violations
from verify.cli.parser import parse_options
from verify.errors import MistakesError
from verify.exit_codes import ExitCode
from verify.formats.mistakes import MISTAKES
from verify.main import main
from verify.options.values import FORMAT_NAMES

MANUAL = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")

PLAN = """
colour = 1

[defaults]
stable = 0
no-such = 1

[[check]]
path = "x"

[[check]]
name = "orders"
status = "ok"
body-regex = ["(", "fine", ")"]
data = "a"
json = "{}"

[[check]]
name = "orders"
json = "{}"
data = "a"
min-tls = "1.2"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VERIFY_OPTIONS", raising=False)
    return tmp_path


def problems(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return re.findall("^verify: (.*)$", capsys.readouterr().err, re.MULTILINE)


def test_every_mistake_in_a_plan_is_reported_with_its_location(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("plan.toml").write_text(PLAN)
    assert main(["http://127.0.0.1:1", "--plan", "plan.toml"]) == ExitCode.USAGE
    assert problems(capsys) == [
        "plan.toml: colour is unknown",
        "plan.toml, defaults, stable: '0' is no whole number from 1 to 1000",
        "plan.toml, defaults, no-such: no such key in a check",
        "plan.toml, check 1, name: it is missing",
        "plan.toml, check 1, path: it must start with /",
        (
            "plan.toml, check 2 (orders), status: 'ok' is no status: write 200, 2xx, 200-399, or a "
            "list such as 200,301"
        ),
        (
            "plan.toml, check 2 (orders), body-regex: not a regular expression: missing ), "
            "unterminated subpattern at position 0"
        ),
        (
            "plan.toml, check 2 (orders), body-regex: not a regular expression: unbalanced "
            "parenthesis at position 0"
        ),
        "plan.toml, check 3 (orders), name: another check has it",
        "plan.toml, check 2 (orders): --data and --json contradict each other",
        "plan.toml, check 3 (orders): --data and --json contradict each other",
        "plan.toml, check 3 (orders): --min-tls needs an https target",
    ]


def test_every_mistake_on_the_command_line_is_reported_with_its_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("verify.options").write_text("--interval soon\n--stable 0 # none\n")
    monkeypatch.setenv("VERIFY_OPTIONS", "--timeout 5x --proxy ftp://a.example:1")
    assert (
        main(
            [
                "arn:aws:a",
                "--config=verify.options",
                "--scheme=ftp",
                "--port",
                "--statsu=200",
                "--samples=many",
                "--samples=9",
            ]
        )
        == ExitCode.USAGE
    )
    duration = (
        "is no duration: write 500ms, 10s, 5m or 1h, more than 0 and up to 24h; a bare number "
        "means seconds"
    )
    assert problems(capsys) == [
        f"verify.options: argument --interval: 'soon' {duration}",
        "verify.options: argument --stable: '0' is no whole number from 1 to 1000",
        f"VERIFY_OPTIONS: argument --timeout: '5x' {duration}",
        (
            "VERIFY_OPTIONS: argument --proxy: a proxy is spoken to in plain HTTP; ftp:// is not "
            "supported"
        ),
        "argument --scheme: 'ftp' is none of http, https",
        "argument --port: a value is missing",
        "argument --samples: 'many' is no whole number from 1 to 100000",
        "unknown option: --statsu",
    ]


def test_options_targets_plans_and_outputs_are_refused_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("plan.toml").write_text('[[check]]\nname = "a"\nx = 1\n[[check]]\nname = "b"\n')
    arguments = ["--plan=plan.toml", "--stable=0", "--format=json=no/such", "--format=tap=no/other"]
    assert main(["a_b.example", *arguments]) == ExitCode.USAGE
    assert problems(capsys) == [
        "argument --stable: '0' is no whole number from 1 to 1000",
        "plan.toml, check 1 (a), x: no such key in a check",
        "'a_b.example' is not a host name: it has an underscore",
        "can't write to no/such: No such file or directory",
        "can't write to no/other: No such file or directory",
    ]


def test_several_contradictions_are_reported_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data=a", "--json={}", "--deadline=0", "--samples=3", "--proxy=a:1", "--closed=:1"]
    assert main(["http://a.example", *given, "--min-tls=1.2", "-6", "-4"]) == ExitCode.USAGE
    assert problems(capsys) == [
        "--data and --json contradict each other",
        "--closed contradicts --proxy: it connects without the proxy",
        "--min-tls contradicts --proxy: only the proxy connects to the service",
        "--deadline 0 is a single attempt",
        "--min-tls needs an https target",
    ]


def test_a_watch_until_a_file_that_exists_already_is_refused(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """It would end at once, and pass without having seen anything change."""
    (folder / "done").touch()
    assert main(["watch", "http://a.example", "--until-file=done"]) == ExitCode.USAGE
    (problem,) = problems(capsys)
    assert problem == (
        "argument --until-file: the file done exists already, so the watch would end at once: "
        "remove it first"
    )


def test_a_watch_without_the_command_after_the_dashes_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A shell's variable may have been empty; the watch would go on until an interrupt."""
    assert main(["watch", "http://a.example", "--"]) == ExitCode.USAGE
    assert problems(capsys) == ["no command follows --"]


@pytest.mark.parametrize(
    ("arguments", "mistakes"),
    [
        (["web", "--port=0"], 1),
        (["a.example", "--scheme=htps", "--min-tls=1.2"], 1),
        (["a.example", "--cert=none.pem", "--key=none.key"], 2),
        (["a.example", "--deadline=soon", "--samples=3"], 1),
        (["watch", "a.example", "--for=soon", "--until-file=a"], 1),
        (["--hedaer", "X: a", "b_b.example"], 1),
        (["b_b.example", "--hedaer", "X: a"], 2),
        (["--hedaer=X: a", "b_b.example"], 2),
        (["--body-contains", "-x", "a.example"], 1),
        (["b_b.example", "--quiet=yes", "--cert=none.pem"], 1),
        (["a.example", "-4x", "--stable=0"], 1),
        (["--stable=0", "a.example", "--quiet=yes"], 2),
        (["a.example", "--no such=secret"], 1),
        (["a.example", "--no-such", "--"], 1),
        (["--", "-x"], 1),
    ],
)
def test_a_mistake_has_no_further_mistakes_as_consequences(
    arguments: list[str], mistakes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == ExitCode.USAGE
    assert len(problems(capsys)) == mistakes


def test_every_line_that_is_no_target_is_reported_with_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["a.example\n\nb_c.example\n'd.example\n", "--all"]) == ExitCode.USAGE
    assert problems(capsys) == [
        "line 3: 'b_c.example' is not a host name: it has an underscore",
        "line 4: ''d.example' has an unbalanced quote",
    ]


def test_hints_that_mistakes_share_are_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a.example", "-x", "-y", "--scheme=a", "--stabel=3"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "verify: argument --scheme: 'a' is none of http, https",
        "  --scheme http,https: http, unless the target or port 443 implies https",
        "verify: unknown option: -x",
        "verify: unknown option: -y",
        "  `verify --help` lists the options",
        "verify: unknown option: --stabel",
        "  did you mean --stable? `verify --help` lists the options",
    ]


def test_stdin_is_not_read_where_options_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)  # reading it is an internal error, with exit code 70
    monkeypatch.setattr("verify.jobs._read", None)
    assert main(["--stable=0"]) == ExitCode.USAGE


def test_help_is_shown_in_spite_of_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stable=0", "--help"]) == ExitCode.PASSED
    assert capsys.readouterr().out.startswith("usage: verify [OPTION]...")


HOSTILE = '\x1b[31m::error::"<b>&|'


def test_every_format_has_every_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(MISTAKES) == set(FORMAT_NAMES) - {"text"}
    arguments = [f"--format={name}=report.{name}" for name in FORMAT_NAMES]
    given = ["--stable=0", f"--status={HOSTILE}"]
    assert main(["a.example", "--quiet", *arguments, *given]) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    found = {name: Path(f"report.{name}").read_text(encoding="utf-8") for name in FORMAT_NAMES}
    assert found["text"] == printed.err
    first = {
        "problem": "argument --stable: '0' is no whole number from 1 to 1000",
        "hint": "--stable N: good answers in a row that count as stable (3)",
    }
    document = json.loads(found["json"])
    assert list(violations(document, PUBLISHED, PUBLISHED)) == []
    assert (document["verdict"], document["exit_code"]) == ("usage", ExitCode.USAGE)
    assert document["mistakes"][0] == first
    assert [line["problem"] for line in document["mistakes"]] == re.findall(
        "verify: (.*)", printed.err
    )
    lines = [json.loads(line) for line in found["jsonl"].splitlines()]
    assert lines[0] == {"kind": "mistake", **first}
    assert [line["kind"] for line in lines] == ["mistake", "mistake", "run"]
    assert lines[-1]["exit_code"] == ExitCode.USAGE
    (suite,) = ET.fromstring(found["junit"])
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("2", "2")
    assert [error.attrib["message"] for error in suite.iter("error")] == [
        mistake["problem"] for mistake in document["mistakes"]
    ]
    assert len(tap_points(found["tap"])) == 2
    assert json.dumps(first["problem"]) in found["tap"]
    assert f"::error title=verify input::{first['problem']}%0A" in found["github"]
    assert found["github"].count("::error") == 2
    assert metrics(found["prometheus"])[("verify_exit_code", "")] == ExitCode.USAGE
    assert "no whole number from 1 to 1000" in found["markdown"]
    assert first["problem"] in found["html"]
    for name, text in found.items():
        assert "\x1b" not in text, name
        assert not re.search("^.+::error::", text, re.MULTILINE), name
    for name in ("junit", "markdown", "html"):
        assert "<b>" not in found[name], name


def test_one_format_on_stdout_has_the_mistakes_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a_b.example", "--format", "json"]) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert json.loads(printed.out)["mistakes"][0]["problem"] in printed.err


def test_lines_of_json_on_stderr_stand_there_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a_b.example", "--format", "jsonl=stderr"]) == ExitCode.USAGE
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().err.splitlines()]
    assert kinds == ["mistake", "run"]


def test_a_report_of_an_earlier_run_does_not_remain() -> None:
    with FakeAlb(lambda _number, _request: [hello("a")]) as alb:
        assert main([alb.authority, "--deadline=0", "--format=json=report"]) == ExitCode.PASSED
    assert main(["a_b.example", "--format=json=report"]) == ExitCode.USAGE
    assert json.loads(Path("report").read_text())["verdict"] == "usage"


def test_formats_that_share_an_output_write_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a.example", "--format=json=a", "--format=tap=./a"]) == ExitCode.USAGE
    assert problems(capsys) == ["two formats for one output"]
    assert not Path("a").exists()


def test_a_caller_gets_all_mistakes_in_one_error() -> None:
    with pytest.raises(MistakesError, match=r"--stable.*\n.*--samples") as raised:
        parse_options(["--stable=0", "--samples=0"])
    assert len(raised.value.mistakes) == 2


def test_the_manual_shows_what_a_run_prints(capsys: pytest.CaptureFixture[str]) -> None:
    command = "    $ verify web_1.example.com --stable 0 --statsu 204\n"
    printed = MANUAL.partition(command)[2].partition("\n\n")[0]
    assert main(command.split()[2:]) == ExitCode.USAGE
    assert capsys.readouterr().err == re.sub("^    ", "", f"{printed}\n", flags=re.MULTILINE)
