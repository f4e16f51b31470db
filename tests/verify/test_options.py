"""The command line: the values of each option, and that the documentation says the same."""

import re
import tomllib
from pathlib import Path

import pytest

from verify import VERSION
from verify.cli.commands import CHECK, WATCH, Command, build_parser
from verify.cli.parser import parse_options
from verify.errors import InputError, MistakesError
from verify.exit_codes import MEANINGS, ExitCode
from verify.options.values import Header

MANUAL = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("5m", 300),
        ("1h", 3600),
        ("2", 2),
        ("1.5s", 1.5),
        ("24h", 86400),
    ],
)
def test_a_duration_has_a_unit_or_means_seconds(text: str, seconds: float) -> None:
    assert parse_options(["--timeout", text]).timeout == seconds


@pytest.mark.parametrize("option", ["--timeout", "--deadline", "--interval", "--stable-for"])
@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "-1s",
        "NaN",
        "nan",
        "inf",
        "1e309",
        "1e3",
        "5 s",
        "",
        "s",
        "5d",
        "25h",
        "1_0",
        "\u0665",
        "0x5",
    ],
)
def test_an_invalid_duration_is_refused_and_the_option_is_named(option: str, text: str) -> None:
    with pytest.raises(InputError, match=rf"{option}: .*; a bare number means seconds$"):
        parse_options([f"{option}={text}"])


@pytest.mark.parametrize("option", ["--timeout", "--interval"])
def test_zero_seconds_are_refused_where_they_would_mean_never(option: str) -> None:
    with pytest.raises(InputError, match=rf"{option}: '0' is no duration: .*, more than 0 and up"):
        parse_options([option, "0"])


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("200", [200], [201, 404]),
        ("2xx", [200, 299], [199, 300]),
        ("200-399", [200, 302, 399], [400]),
        ("200,301-302,4xx", [200, 301, 302, 404], [201, 303, 500]),
    ],
)
def test_a_status_is_a_code_a_class_a_range_or_a_list(
    text: str, good: list[int], bad: list[int]
) -> None:
    statuses = parse_options(["--status", text]).status
    assert all(map(statuses.accepts, good))
    assert not any(map(statuses.accepts, bad))


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--expect-json", "/a"),
        ("--expect-json", "a=1"),
        ("--expect-json", "/a~=1"),
        ("--max-latency", "p95"),
        ("--max-latency", "p80=1s"),
        ("--max-latency", "p95=0"),
        ("--connect-to", "a.example"),
        ("--connect-to", "a.example:0"),
        ("--resolver", "ns.example"),
        ("--resolver", "192.0.2.1:"),
        ("--resolver", "192.0.2.1:65536"),
        ("--resolver", "[::1"),
        ("--status", "ok"),
        ("--status", "600"),
        ("--status", "300-200"),
        ("--status", "200,"),
        ("--status", ""),
        ("--port", "0"),
        ("--port", "65536"),
        ("--scheme", "ftp"),
        ("--path", "health"),
        ("--path", "/a b"),
        ("--path", "/a\r\nX: y"),
        ("--method", "delete"),
        ("--header", "no colon"),
        ("--header", "X: a\r\nY: b"),
        ("--header", "X: \u00e9"),
        ("--header", "Host: b.example"),
        ("--header", "Content-Length: 1"),
        ("--header", "@/no/such/file"),
        ("--host", "a b"),
        ("--resolve", "a.example:80"),
        ("--resolve", "a.example:80:b.example"),
        ("--resolve", "a.example:0:192.0.2.1"),
        ("--resolve", ":80:192.0.2.1"),
        ("--resolve", "a.example:80:169.254.169.254"),
        ("--min-addresses", "0"),
        ("--closed", "192.0.2.1"),
        ("--closed", "192.0.2.1:0"),
        ("--closed", "a_b.example:22"),
        ("--closed", "169.254.169.254:80"),
        ("--closed", "a.example/x:22"),
        ("--closed", "::1"),
        ("--closed", "22"),
        ("--stable", "0"),
        ("--body-contains", ""),
        ("--body-regex", ""),
        ("--body-regex", "("),
        ("--allow-inconclusive", "x"),
        ("--expect-header", "~x"),
        ("--expect-header", "X~("),
        ("--max-body", "0"),
        ("--max-body", "1GiB"),
        ("--max-body", "-1"),
        ("--expect-tasks", "0"),
        ("--expect-tasks", "201"),
        ("--expect-tasks", "two"),
        ("--identity", "cookie:a"),
        ("--identity", "header:"),
        ("--identity", "body-regex:("),
        ("--identity", "json:host"),
        ("--identity", "json:/a~2"),
        ("--miss-probability", "0"),
        ("--miss-probability", "1"),
        ("--miss-probability", "nan"),
        ("--samples", "0"),
        ("--format", "yaml"),
        ("--format", "json="),
        ("--format", "=report.json"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_and_the_option_is_named(
    option: str, text: str
) -> None:
    with pytest.raises(InputError, match=option) as refused:
        parse_options([f"{option}={text}"])
    assert (refused.value.problem + refused.value.hint).isprintable()


@pytest.mark.parametrize(
    ("text", "host_port"),
    [
        (":22", ("", 22)),
        ("A.example:8080", ("a.example", 8080)),
        ("web:8080", ("web", 8080)),
        ("192.0.2.1:80", ("192.0.2.1", 80)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_a_host_and_port_may_be_a_port_of_the_target(text: str, host_port: tuple[str, int]) -> None:
    assert parse_options(["--closed", text]).closed == (host_port,)


def test_a_header_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("Authorization: Bearer hunter2\n", encoding="utf-8")
    options = parse_options(["--header", f"@{tmp_path / 'token'}", "--header", "X-A:b"])
    assert options.header == (
        Header("Authorization", "Bearer hunter2", from_file=True),
        Header("X-A", "b"),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--header", "hunter2"],
        ["--header", "A: hunter2\n"],
        ["--heder", "A: hunter2"],
        ["--heder=hunter2"],
    ],
)
def test_a_refused_secret_is_not_shown(arguments: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        parse_options(["a.example", *arguments])
    assert "hunter2" not in refused.value.problem + refused.value.hint


@pytest.mark.parametrize(
    "option", ["--expect-tasks", "--samples", "--stable-for", "--each-address"]
)
def test_a_single_attempt_contradicts_options_that_need_more(option: str) -> None:
    words = [option] if option == "--each-address" else [option, "2"]
    with pytest.raises(InputError, match="single attempt"):
        parse_options(["a.example", "--deadline", "0", *words])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--until-exit"],
        ["--until-exit", "--"],
        ["--for", "5m", "--", "true"],
        ["--rate", "0"],
        ["--rate", "101"],
        ["--rate", "fast"],
        ["--for", "0"],
        ["--min-availability", "101"],
        ["--min-availability", "nan"],
        ["--max-errors", "-1"],
        ["--deadline", "5m"],
        ["a.example", "b.example"],
    ],
)
def test_invalid_arguments_of_watch_are_refused(arguments: list[str]) -> None:
    with pytest.raises(InputError):
        parse_options(["watch", *arguments])


def test_a_watch_accepts_no_failed_request_without_a_bound() -> None:
    strict = parse_options(["watch"]).watch
    bounded = parse_options(["watch", "--max-outage", "1s"]).watch
    assert strict
    assert bounded
    assert (strict.max_errors, bounded.max_errors) == (0, None)


def test_all_words_after_two_dashes_are_the_command() -> None:
    options = parse_options(
        ["watch", "a.example", "--until-exit", "--", "pulumi", "up", "--yes", "--", "--rate", "0"]
    )
    assert options.target == "a.example"
    assert options.watch
    assert options.watch.command == ("pulumi", "up", "--yes", "--", "--rate", "0")


@pytest.mark.parametrize("formats", [("text", "json"), ("tap=a", "json=a")])
@pytest.mark.parametrize("command", [(), ("watch",)])
def test_two_formats_need_two_outputs(command: tuple[str, ...], formats: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="one output"):
        parse_options([*command, *(f"--format={name}" for name in formats)])


def test_options_are_not_abbreviated() -> None:
    with pytest.raises(InputError, match="--dead"):
        parse_options(["--dead", "1s"])


def test_every_option_is_in_the_manual_with_its_own_help() -> None:
    rows = dict(
        re.findall(r"^\| `(?:-[0-9], )?(--[a-z0-9-]+)[^`]*` \| (.+) \|$", MANUAL, re.MULTILINE)
    )
    options: dict[str, str] = {}
    for command in (CHECK, WATCH):
        for action in build_parser(command)._actions:
            if action.option_strings and action.dest != "help":
                options[action.option_strings[-1]] = " ".join((action.help or "").split())
    assert rows == options


def test_the_manuals_exit_codes_are_the_programs() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", MANUAL, re.MULTILINE))
    assert rows == {str(int(code)): meaning for code, meaning in MEANINGS.items()}
    assert set(MEANINGS) == set(ExitCode)


@pytest.mark.parametrize("command", [CHECK, WATCH])
def test_help_begins_with_what_a_time_is(command: Command) -> None:
    above_the_options = build_parser(command).format_help().partition("--timeout")[0]
    assert "A TIME is 500ms, 10s, 5m or 1h; a bare number means seconds." in above_the_options


def test_help_lists_examples_and_every_exit_code() -> None:
    text = build_parser(CHECK).format_help()
    assert "pulumi stack output albDns | verify" in text
    for code, meaning in MEANINGS.items():
        assert f"{code.value:>3}  {meaning}" in text


def test_the_numbers_that_a_pipeline_relies_on_stay() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "PASSED": 0,
        "FAILED": 1,
        "USAGE": 2,
        "UNREACHABLE": 3,
        "INCONCLUSIVE": 4,
        "NO_NAME": 30,
        "NO_CONNECTION": 31,
        "NO_TLS": 32,
        "BAD_CERTIFICATE": 33,
        "BALANCER_ERROR": 34,
        "APPLICATION_ERROR": 35,
        "WRONG_REDIRECT": 36,
        "WRONG_VERSION": 37,
        "INTERNAL": 70,
        "UNWRITTEN": 74,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize(
    ("text", "host_port"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:DB8::1", ("2001:db8::1", 53)),
        ("[::1]", ("::1", 53)),
        ("[::1]:5353", ("::1", 5353)),
    ],
)
def test_a_name_server_is_an_address_and_maybe_a_port(
    text: str, host_port: tuple[str, int]
) -> None:
    assert parse_options(["--resolver", text]).resolver == host_port


def test_the_command_line_wins_over_the_environment_and_that_over_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "options").write_text(
        "# ours\n--deadline 1m --interval 2s\n--body-contains 'a b'\n--timeout 3s\n"
    )
    monkeypatch.setenv("VERIFY_OPTIONS", f"--config {tmp_path}/options --interval 4s --timeout 5s")
    options = parse_options(["--timeout", "6s", "--body-contains", "c"])
    assert (options.deadline, options.interval, options.timeout) == (60, 4, 6)
    assert options.body_contains == ("a b", "c"), "what may be repeated adds up"


def test_a_watch_reads_the_same_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "options").write_text("--rate 5")
    monkeypatch.setenv("VERIFY_OPTIONS", "--max-outage 1s")
    watch = parse_options(
        ["watch", "--config", str(tmp_path / "options"), "--", "true", "--config"]
    ).watch
    assert watch
    assert (watch.rate, watch.max_outage, watch.command) == (5, 1, ("true", "--config"))


@pytest.mark.parametrize("text", ["--timeout '5s", "a.example", "--no-such", "--timeout 5 s"])
def test_a_file_or_an_environment_that_holds_no_options_is_unusable(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "options").write_text(text)
    with pytest.raises(InputError):
        parse_options(["b.example", "--config", str(tmp_path / "options")])
    monkeypatch.setenv("VERIFY_OPTIONS", text)
    with pytest.raises(InputError):
        parse_options(["b.example"])


def test_a_file_of_options_that_is_not_there_is_unusable(tmp_path: Path) -> None:
    file = tmp_path / "none"
    with pytest.raises(InputError) as raised:
        parse_options(["--config", str(file)])
    assert raised.value.problem == (
        f"can't read options from the file {file}: No such file or directory"
    )


def test_a_file_of_certificates_that_is_not_there_is_no_wrong_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"certificates from the file .*: No such file"):
        parse_options(["--cacert", str(tmp_path / "none")])
    (tmp_path / "text").write_text("text")
    with pytest.raises(InputError, match="is no PEM file of certificates"):
        parse_options(["--cacert", str(tmp_path / "text")])


def test_an_option_without_a_value_is_refused_with_one() -> None:
    with pytest.raises(InputError) as raised:
        parse_options(["--allow-inconclusive=x"])
    assert raised.value.problem == "argument --allow-inconclusive: it takes no value"


def test_a_value_that_looks_like_an_option_needs_an_equals_sign() -> None:
    with pytest.raises(InputError) as raised:
        parse_options(["--body-contains", "-x"])
    assert "--body-contains=" in raised.value.hint
    assert parse_options(["--body-contains=-x"]).body_contains == ("-x",)


@pytest.mark.parametrize(("words", "command"), [([], "verify"), (["watch"], "verify watch")])
def test_a_wrong_option_points_to_the_help_of_its_own_command(
    words: list[str], command: str
) -> None:
    with pytest.raises(InputError) as raised:
        parse_options([*words, "--no-such-option"])
    assert raised.value.hint == f"`{command} --help` lists the options"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--expect-task", "2"], "did you mean --expect-tasks? `verify --help` lists the options"),
        (["--heder=A: hunter2"], "did you mean --header? `verify --help` lists the options"),
        (
            ["watch", "--max-error", "2"],
            "did you mean --max-errors? `verify watch --help` lists the options",
        ),
        (["--rate", "5"], "--rate is an option of `verify watch`"),
        (["watch", "--deadline", "5"], "--deadline is an option of `verify`"),
        (["-x"], "`verify --help` lists the options"),
    ],
)
def test_a_mistyped_option_is_guessed(words: list[str], hint: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_options(words)
    assert refused.value.hint == hint


def test_an_option_that_is_mistyped_twice_is_reported_once() -> None:
    with pytest.raises(MistakesError) as refused:
        parse_options(["--expect-taks", "2", "--expect-taks=2", "--other"])
    assert [(one.problem, one.hint) for one in refused.value.mistakes] == [
        (
            "unknown option: --expect-taks",
            "did you mean --expect-tasks? `verify --help` lists the options",
        ),
        ("unknown option: --other", "`verify --help` lists the options"),
    ]


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads(
        (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    assert project["version"] == VERSION
    for words in ([], ["watch"]):
        with pytest.raises(SystemExit):
            parse_options([*words, "--version"])
        assert capsys.readouterr().out == f"verify {VERSION}\n"
