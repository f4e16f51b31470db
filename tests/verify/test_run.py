"""Whole runs in virtual time over a fake transport, to the report and its exit code."""

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.verify.outcomes import failure
from tests.verify.simulated_run import found, run, slow_from, two_tasks
from verify.checking.extra_checks import trace_result
from verify.exit_codes import ExitCode
from verify.formats import FORMATS
from verify.formats.text import text
from verify.judging.report import WORST_FIRST, Report, Result, Status, percentile, verdict, worst
from verify.network.httpx_client import HttpxClient
from verify.network.outcome import Phase
from verify.options.groups import Options
from verify.options.target import Target


def shown(name: str, report: Report) -> str:
    return FORMATS[name]([report])


def failing(_number: int, _request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("connection reset by peer")


def test_a_service_with_both_tasks_passes() -> None:
    report = run(two_tasks, "--expect-tasks", "2")
    assert report.exit_code is ExitCode.PASSED
    assert report.samples.tasks == {"task-1": 6, "task-0": 5}
    assert report.samples.miss_probability == pytest.approx(2 / 2**11)
    assert found(report, "tasks").actual == "2 distinct; chance to miss one of 2: 0.00098"


def test_a_missing_task_fails_the_run() -> None:
    report = run(two_tasks, "--expect-tasks", "3")
    assert report.verdict is ExitCode.FAILED
    assert found(report, "tasks").status is Status.FAIL


def test_more_tasks_than_expected_pass_with_a_hint() -> None:
    report = run(two_tasks, "--expect-tasks", "1")
    assert report.exit_code is ExitCode.PASSED
    assert "rollout" in found(report, "tasks").hint


def test_a_sticky_load_balancer_is_noticed() -> None:
    def sticky(number: int, request: httpx.Request) -> httpx.Response:
        cookies = [
            ("set-cookie", "AWSALB=abc; Path=/"),
            ("set-cookie", "AWSALBCORS=abc; SameSite=None"),
        ]
        return httpx.Response(200, text=two_tasks(number, request).text, headers=cookies)

    report = run(sticky, "--expect-tasks", "2")
    assert report.exit_code is ExitCode.PASSED
    assert "stickiness is on (AWSALB, AWSALBCORS)" in found(report, "tasks").actual


def test_shares_more_uneven_than_chance_are_noticed() -> None:
    def uneven(number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f"Hello from task-{0 if number % 10 else 1}")

    report = run(uneven, "--expect-tasks", "2", "--samples", "60")
    assert report.exit_code is ExitCode.PASSED
    assert "more uneven than chance" in found(report, "tasks").actual


def test_tasks_that_do_not_name_themselves_are_inconclusive() -> None:
    report = run(
        lambda _number, _request: httpx.Response(200, text="Welcome to nginx!"),
        "--expect-tasks",
        "2",
    )
    assert report.exit_code is ExitCode.INCONCLUSIVE
    assert "--identity header:NAME" in found(report, "tasks").hint


def test_a_task_missing_among_unnamed_answers_is_inconclusive() -> None:
    def half(number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="Hello from a" if number % 2 else "")

    assert run(half, "--expect-tasks", "2").exit_code is ExitCode.INCONCLUSIVE


def test_inconclusive_can_be_allowed_without_hiding_it() -> None:
    report = run(
        lambda _number, _request: httpx.Response(200), "--expect-tasks", "2", "--allow-inconclusive"
    )
    assert (report.verdict, report.exit_code) == (ExitCode.INCONCLUSIVE, ExitCode.PASSED)


def test_many_tasks_are_counted_in_full_but_listed_in_part() -> None:
    def many(number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f"Hello from task-{number % 12}")

    report = run(many, "--expect-tasks", "12")
    assert len(report.samples.tasks) == 12
    assert shown("text", report).count("task-") == 10
    assert "and 2 more" in shown("text", report)


def test_tasks_without_an_expectation_are_shown_but_not_judged() -> None:
    report = run(two_tasks)
    assert report.samples.sent == 10
    assert found(report, "tasks").status is Status.OK
    assert report.samples.miss_probability is None


def test_a_name_that_resolves_late_is_waited_for_and_reported() -> None:
    progress: list[str] = []
    report = run(two_tasks, resolves_after=3, progress=progress)
    assert report.exit_code is ExitCode.PASSED
    assert "after 3 x the name does not resolve (yet)" in found(report, "resolve").actual
    assert progress == [
        "parse    http://a.example/",
        "resolve  waiting: the name does not resolve (yet): Name or service not known",
        "resolve  192.0.2.1 in 2 ms",
        "connect  192.0.2.1 in 4 ms",
        "http     200 in 16 ms",
        "stable   3 good answers in a row",
        "checks   measuring 10 requests",
    ]


def test_progress_names_a_single_request_in_the_singular() -> None:
    progress: list[str] = []
    run(two_tasks, "--samples", "1", progress=progress)
    assert progress[-1] == "checks   measuring 1 request"


def test_a_name_that_never_resolves_is_unreachable_and_the_phase_is_named() -> None:
    report = run(two_tasks, "--deadline", "1m", resolves_after=1000)
    assert report.verdict is ExitCode.UNREACHABLE
    assert found(report, "resolve").status is Status.FAIL
    assert found(report, "connect").status is Status.SKIP
    assert found(report, "resolve").attempts > 3
    assert 59 <= report.seconds <= 60


def test_only_503s_of_the_load_balancer_are_unreachable_and_attributed_to_it() -> None:
    report = run(
        lambda _number, _request: httpx.Response(503, headers={"server": "awselb/2.0"}),
        "--deadline",
        "30s",
    )
    assert report.verdict is ExitCode.UNREACHABLE
    result = found(report, "http")
    assert result.actual == "503 from the load balancer: no target is registered and healthy"
    assert "health check" in result.hint


def test_a_404_fails_at_once() -> None:
    report = run(lambda _number, _request: httpx.Response(404, headers={"server": "nginx"}))
    assert report.verdict is ExitCode.FAILED
    assert report.seconds < 1
    assert found(report, "status").actual == "404 from nginx (1 of 1 answers)"


def test_a_redirect_fails_and_shows_where_it_points() -> None:
    def moved(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(301, headers={"location": "https://b.example/?token=hunter2"})

    report = run(moved)
    assert report.verdict is ExitCode.FAILED
    assert found(report, "status").actual.startswith(
        "301 redirect to https://b.example/?token=hunter2 "
    )
    masked = run(moved, "--mask-query")
    assert found(masked, "status").actual.startswith("301 redirect to https://b.example/?*** ")


def test_a_masked_query_is_in_no_header_that_is_shown() -> None:
    def moved(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(301, headers={"location": "https://b.example/?token=hunter2"})

    expected = ("--status", "301", "--expect-header", "Location=https://c.example/")
    shown = run(moved, *expected)
    assert "Location: https://b.example/?token=hunter2" in repr(shown)
    masked = repr(run(moved, *expected, "--mask-query"))
    assert "Location: https://b.example/?***" in masked
    assert "hunter2" not in masked


def test_a_good_status_that_is_not_the_expected_one_is_named_in_its_phase() -> None:
    report = run(two_tasks, "--status", "204")
    assert found(report, "http").actual == "200, not 204: 'Hello from task-0'"


def test_answers_that_never_become_stable_fail() -> None:
    report = run(
        lambda number, _request: httpx.Response(200 if number % 2 else 502), "--deadline", "30s"
    )
    assert report.verdict is ExitCode.FAILED
    assert found(report, "stable").status is Status.FAIL


def test_a_request_that_fails_while_measuring_fails_the_run() -> None:
    def fails_once(number: int, request: httpx.Request) -> httpx.Response:
        return failing(number, request) if number == 7 else two_tasks(number, request)

    report = run(fails_once)
    assert report.verdict is ExitCode.FAILED
    assert report.samples.errors == 1
    assert found(report, "answers").actual == "9 of 10 requests answered; connection reset by peer"


def test_a_deadline_while_measuring_is_inconclusive() -> None:
    report = run(two_tasks, "--samples", "1000", "--deadline", "5s")
    assert report.exit_code is ExitCode.INCONCLUSIVE
    assert 4.4 < report.seconds <= 5
    assert "the run ended before the rest" in found(report, "answers").actual


TWO = ("192.0.2.1", "192.0.2.2")


def test_a_dead_address_among_two_is_found() -> None:
    report = run(two_tasks, "--each-address", addresses=TWO, dead="192.0.2.2")
    assert report.verdict is ExitCode.FAILED
    assert found(report, "addresses").actual == "1 of 2 fail; 192.0.2.2: connection refused"
    assert "availability zone" in found(report, "addresses").hint


def test_a_dead_address_without_an_expectation_is_in_a_hint() -> None:
    report = run(two_tasks, addresses=TWO, dead="192.0.2.2")
    assert report.exit_code is ExitCode.PASSED
    assert "could not connect to 192.0.2.2 and moved on" in found(report, "answers").hint


def test_an_address_without_targets_is_found() -> None:
    def empty_zone(number: int, request: httpx.Request) -> httpx.Response:
        if request.url.host == "192.0.2.2" and number > 2:
            return httpx.Response(503)
        return two_tasks(number, request)

    report = run(empty_zone, "--each-address", addresses=TWO)
    assert "192.0.2.2: 503" in found(report, "addresses").actual


def test_each_address_that_answers_passes_also_when_one_request_fails() -> None:
    def fails_once(number: int, request: httpx.Request) -> httpx.Response:
        return httpx.Response(502) if number == 3 else two_tasks(number, request)

    report = run(fails_once, "--each-address", "--min-addresses", "2", addresses=TWO)
    assert report.exit_code is ExitCode.PASSED
    assert found(report, "addresses").actual == "2: 192.0.2.1, 192.0.2.2"


def test_addresses_left_out_by_the_deadline_are_inconclusive_unless_one_is_dead() -> None:
    options = ("--each-address", "--deadline", "4s")
    report = run(two_tasks, *options, addresses=TWO, takes=slow_from(3))
    result = found(report, "addresses")
    assert (result.status, result.hint) == (Status.UNKNOWN, "raise --deadline")
    assert result.actual == "2 of 2 not asked in time: 192.0.2.1, 192.0.2.2"
    report = run(two_tasks, *options, addresses=TWO, takes=slow_from(5), dead="192.0.2.1")
    assert report.verdict is ExitCode.FAILED
    assert "; 192.0.2.1: connection refused" in found(report, "addresses").actual


def test_addresses_are_requested_at_the_same_time() -> None:
    def slowly(number: int) -> float:
        return 2.0 if 3 <= number < 5 else 0.01

    report = run(two_tasks, "--each-address", addresses=TWO, takes=slowly)
    assert found(report, "addresses").status is Status.OK
    assert report.seconds < 5.0, "two seconds of waiting, and two for both addresses"


def test_too_few_addresses_fail() -> None:
    report = run(two_tasks, "--min-addresses", "2")
    assert report.verdict is ExitCode.FAILED
    assert found(report, "addresses").actual == "1: 192.0.2.1"


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "0.0.0.0"]
)
def test_a_name_that_resolves_to_the_machine_itself_is_refused_before_anything_is_sent(
    address: str,
) -> None:
    report = run(failing, addresses=("192.0.2.1", address))
    assert report.verdict is ExitCode.UNREACHABLE
    assert "nothing was sent" in found(report, "resolve").actual
    assert found(report, "resolve").attempts == 1


def test_several_reports_are_one_document_with_the_worst_verdict() -> None:
    good = run(two_tasks)
    bad = run(two_tasks, "--each-address", addresses=TWO, dead="192.0.2.2")
    document = json.loads(FORMATS["json"]([good, bad]))
    assert [report["verdict"] for report in document["reports"]] == ["passed", "failed"]
    assert (document["verdict"], document["exit_code"]) == ("failed", 1)
    assert FORMATS["text"]([good, bad]).count("http://a.example/\n") == 2


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORST_FIRST), min_size=1))
def test_several_runs_pass_only_when_all_do(codes: list[ExitCode]) -> None:
    assert worst(codes) in codes
    assert (worst(codes) is ExitCode.PASSED) is (set(codes) == {ExitCode.PASSED})


@pytest.mark.parametrize(("concurrency", "seconds"), [("1", 16.0), ("10", 1.6)])
def test_as_many_requests_as_configured_are_measured_at_a_time(
    concurrency: str, seconds: float
) -> None:
    report = run(two_tasks, "--samples", "1000", "--stable", "1", "--concurrency", concurrency)
    assert report.exit_code is ExitCode.PASSED
    assert report.samples.sent == 1000
    assert report.seconds == pytest.approx(seconds, abs=0.05)


def test_a_deadline_of_zero_checks_one_answer() -> None:
    report = run(two_tasks, "--deadline", "0", "--body-contains", "Hello from task-0")
    assert report.exit_code is ExitCode.PASSED
    assert report.seconds == pytest.approx(0.016)
    assert found(report, "stable").status is Status.SKIP


@pytest.mark.parametrize(
    ("option", "value", "identifier"),
    [
        ("--body-contains", "Hello", "body-contains"),
        ("--body-regex", "task-[0-9]", "body-regex"),
        ("--expect-header", "X-Version", "header-x-version"),
        ("--expect-header", "X-Version=2", "header-x-version"),
        ("--expect-header", "X-Version~^[0-9]$", "header-x-version"),
        ("--status", "200,301", "status"),
    ],
)
def test_an_expectation_holds_or_fails_the_run(option: str, value: str, identifier: str) -> None:
    def good(number: int, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=two_tasks(number, request).text, headers={"x-version": "2"})

    def late(number: int, request: httpx.Request) -> httpx.Response:
        return httpx.Response(204, text="no") if number > 8 else good(number, request)

    held = run(good, option, value)
    assert (held.exit_code, found(held, identifier).status) == (ExitCode.PASSED, Status.OK)
    failed = run(late, option, value)
    assert (failed.verdict, found(failed, identifier).status) == (ExitCode.FAILED, Status.FAIL)
    assert "4 of 10 answers" in found(failed, identifier).actual


@pytest.mark.parametrize(
    ("rank", "good"), [("p50=16ms", True), ("max=15ms", False), ("mean=1s", True)]
)
def test_a_latency_is_bounded_by_its_rank(rank: str, *, good: bool) -> None:
    report = run(two_tasks, "--max-latency", rank)
    assert report.verdict is (ExitCode.PASSED if good else ExitCode.FAILED)
    result = found(report, f"latency-{rank.partition('=')[0]}")
    assert result.actual.endswith(" 16 ms")


@pytest.mark.parametrize(
    ("takes", "shown"), [(0.4936, "500 ms"), (0.9939, "1 s"), (5.006, "5.01 s")]
)
def test_a_time_is_shown_without_an_exponent(takes: float, shown: str) -> None:
    report = run(two_tasks, "--max-latency", "max=10s", "--stable", "1", takes=takes)
    assert found(report, "latency-max").actual == f"max {shown}"
    assert found(report, "stable").actual == "1 good answer in a row"


def test_without_an_answer_no_latency_is_judged() -> None:
    def gone(number: int, request: httpx.Request) -> httpx.Response:
        return two_tasks(number, request) if number < 3 else failing(number, request)

    report = run(gone, "--max-latency", "p95=1s")
    assert found(report, "latency-p95").status is Status.SKIP
    assert report.verdict is ExitCode.FAILED


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ("/version=2", ""),
        ("/ready/0=true", ""),
        ("/a~1b=x=y", ""),
        ("/version=3", "'2' at /version"),
        ("/ready=true", "no value at /ready"),
        ("=2", "no value at the document's root"),
    ],
)
def test_a_value_of_a_json_body_is_compared(wanted: str, seen: str) -> None:
    def status(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"version": 2, "ready": [True], "a/b": "x=y"})

    report = run(status, "--expect-json", wanted)
    assert report.exit_code is (ExitCode.WRONG_VERSION if seen else ExitCode.PASSED)
    assert seen in found(report, "json").actual


@pytest.mark.parametrize(
    ("wanted", "body", "equal"),
    [
        ("1", "1.0", True),
        ("1.0", "1", True),
        ("1e2", "100", True),
        ("-0", "0", True),
        ("0.10", "0.1", True),
        ("12345678901234567890", "12345678901234567890", True),
        ("12345678901234567891", "12345678901234567890", False),
        ("1", "1.5", False),
        ("1.0", '"1"', False),
        ("1", '"1"', True),
        ("1", "true", False),
        ("true", "1", False),
        ("01", "1", False),
        ("NaN", "NaN", True),
        ("[" * 100_000, "1", False),
    ],
)
def test_numbers_of_json_are_compared_by_value_and_strings_by_their_text(
    wanted: str, body: str, *, equal: bool
) -> None:
    def status(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f'{{"n": {body}}}')

    report = run(status, "--expect-json", f"/n={wanted}")
    assert report.exit_code is (ExitCode.PASSED if equal else ExitCode.WRONG_VERSION)


@pytest.mark.parametrize(
    ("answered", "status"),
    [
        (lambda _request: httpx.Response(405), Status.OK),
        (lambda _request: httpx.Response(200, text="a page for every method"), Status.OK),
        (lambda request: httpx.Response(200, text=str(request.headers)), Status.FAIL),
        (lambda request: httpx.Response(405, text=str(request.headers)), Status.FAIL),
        (lambda _request: httpx.Response(200, text="x" * (1 << 20) + "and more"), Status.UNKNOWN),
        (httpx.ConnectError("connection refused"), Status.UNKNOWN),
    ],
)
def test_trace_must_echo_nothing(
    answered: Callable[[httpx.Request], httpx.Response] | Exception, status: Status
) -> None:
    def handler(number: int, request: httpx.Request) -> httpx.Response:
        if request.method != "TRACE":
            return two_tasks(number, request)
        if isinstance(answered, Exception):
            raise answered
        return answered(request)

    def refuse(target: Target, _options: Options) -> HttpxClient:
        transport = httpx.MockTransport(lambda request: handler(0, request))
        return HttpxClient(transport, scheme=target.scheme, name=target.host)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("verify.network.httpx_client.new_httpx_client", refuse)
        report = run(two_tasks, "--no-trace")
    assert found(report, "trace").status is status


def test_a_connection_closed_after_trace_counts_as_a_refusal() -> None:
    assert trace_result(failure(Phase.HTTP), "mark").status is Status.OK
    late = failure(Phase.HTTP)._replace(timed_out=True)
    assert trace_result(late, "mark").status is Status.UNKNOWN, "to hang is not to refuse"


def test_a_whole_body_is_compared_without_the_white_space_around_it() -> None:
    def ok(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="ok\n")

    assert run(ok, "--body-equals", "ok").exit_code is ExitCode.PASSED
    assert run(ok, "--body-equals", "o").verdict is ExitCode.FAILED
    assert run(ok, "--body-equals", "o", "--max-body", "1").verdict is ExitCode.FAILED, (
        "a cut body equals nothing"
    )


def test_an_interrupted_run_reports_what_it_measured() -> None:
    report = run(two_tasks, "--samples", "1000", stop_after=4.0)
    assert report.exit_code is ExitCode.INTERRUPTED
    assert 50 < report.samples.sent < 1000


@pytest.mark.parametrize(
    ("arguments", "checks"),
    [
        (("--stable", "100"), ["stable"]),
        (("--samples", "1000", "--expect-tasks", "3"), ["answers", "tasks"]),
        (("--samples", "1000", "--expect-tasks", "2", "--identity", "header:X"), ["tasks"]),
    ],
)
def test_an_interrupted_run_gives_no_hints_as_the_interruption_is_the_reason(
    arguments: tuple[str, ...], checks: list[str]
) -> None:
    report = run(two_tasks, *arguments, stop_after=4.0)
    assert report.exit_code is ExitCode.INTERRUPTED
    for each in checks:
        result = found(report, each)
        assert (result.status, result.hint) == (Status.UNKNOWN, ""), each
        assert "deadline" not in result.actual


def test_an_interrupt_before_the_first_answer_still_gives_a_report() -> None:
    report = run(two_tasks, stop_after=0.001)
    assert report.exit_code is ExitCode.INTERRUPTED
    for render in FORMATS.values():
        assert "interrupted" in render([report])


@pytest.mark.parametrize(
    ("arguments", "stop_after", "phases"),
    [
        ((), 0.001, {"resolve": "no result after 0.001 s, when the run was stopped"}),
        (
            ("--stable", "1"),
            0.005,
            {"connect": "no result after 0.005 s, when the run was stopped"},
        ),
        ((), 6.0, {"connect": "passed", "http": "no result after 6 s, when the run was stopped"}),
    ],
)
def test_an_interrupted_run_names_the_phase_that_it_was_in(
    arguments: tuple[str, ...], stop_after: float, phases: dict[str, str]
) -> None:
    report = run(two_tasks, *arguments, stop_after=stop_after, takes=slow_from(0))
    for name, actual in phases.items():
        assert found(report, name).actual == actual


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        ((), 404, "http     failed: 404"),
        (("--deadline", "0"), 503, "http     failed: 503"),
        (("--deadline", "3s"), 503, "http     waiting: 503"),
    ],
)
def test_a_run_shows_that_it_waits_only_where_it_tries_again(
    arguments: tuple[str, ...], status: int, last: str
) -> None:
    progress: list[str] = []
    run(lambda _number, _request: httpx.Response(status), *arguments, progress=progress)
    assert progress[-1] == last


def test_a_missing_task_among_few_samples_may_be_chance() -> None:
    def one(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="Hello from a")

    few = found(run(one, "--expect-tasks", "2", "--samples", "4"), "tasks")
    assert few.status is Status.FAIL
    assert few.hint == (
        "do all tasks run and pass the health check? or was one missed by chance? "
        "--miss-probability 0.001 needs --samples 11"
    )
    enough = found(run(one, "--expect-tasks", "2", "--samples", "11"), "tasks")
    assert enough.hint == "do all tasks run and pass the health check?"


def test_an_interrupted_attempt_does_not_replace_an_earlier_result() -> None:
    def unhealthy(_number: int, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, headers={"server": "awselb/2.0"})

    report = run(unhealthy, stop_after=6.0, takes=slow_from(2))
    assert found(report, "http").actual.startswith("503 from the load balancer")


def test_a_query_can_be_kept_out_of_every_format() -> None:
    progress: list[str] = []
    report = run(
        two_tasks, "--mask-query", target="http://a.example/?token=hunter2", progress=progress
    )
    for output in (*progress, *(render([report]) for render in FORMATS.values())):
        assert "hunter2" not in output
    assert "http://a.example/?***" in shown("text", report)


def test_the_manuals_report_is_that_of_such_a_run() -> None:
    def warming_up(number: int, request: httpx.Request) -> httpx.Response:
        if number > 1:
            return two_tasks(number, request)
        return httpx.Response(503, headers={"server": "awselb/2.0"})

    target = "http://web-1234.eu-west-1.elb.amazonaws.com/"
    printed = shown("text", run(warming_up, "--expect-tasks", "2", target=target, resolves_after=4))
    manual = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")
    assert textwrap.indent(printed, "    ") in manual


def test_colour_is_only_added_when_requested() -> None:
    report = run(two_tasks)
    assert "\x1b[32mok" in text([report], colour=True)
    assert "\x1b" not in shown("text", report)


printable_bytes = st.binary(max_size=60) | st.sampled_from(
    [b"\x1b]0;x\x07", b"\n::set-output name=a::b", b"##[group]x"]
)


@examples(40)
@given(
    body=printable_bytes, value=printable_bytes, status=st.sampled_from([200, 204, 302, 404, 503])
)
def test_no_format_passes_on_a_control_character_or_a_log_command_of_an_answer(
    body: bytes, value: bytes, status: int
) -> None:
    headers = [(b"location", value), (b"server", value), (b"x-task", value)]
    options = (
        "--deadline",
        "3s",
        "--expect-header",
        "X-Task=1",
        "--body-equals",
        "1",
        "--identity",
        "header:X-Task",
    )
    report = run(
        lambda _number, _request: httpx.Response(status, content=body, headers=headers), *options
    )
    json.loads(shown("json", report))
    ET.fromstring(shown("junit", report))
    for name in FORMATS:
        for line in shown(name, report).split("\n"):
            assert line.isprintable()
            assert name == "github" or not re.search("::[A-Za-z]", line)
            assert "##[" not in line
    for line in shown("github", report).splitlines():
        assert re.fullmatch(
            "::(notice|warning|error) title=verify[^:,]*::((?!::[A-Za-z]).)*", line
        ), line


@examples(30)
@given(
    st.lists(
        st.sampled_from([b"Hello from a", b"Hello from b", b"", b"Hello from "]),
        min_size=1,
        max_size=9,
    )
)
def test_tasks_and_nameless_answers_add_up_to_the_answers(bodies: list[bytes]) -> None:
    report = run(lambda number, _request: httpx.Response(200, content=bodies[number % len(bodies)]))
    samples = report.samples
    assert sum(samples.tasks.values()) + samples.unidentified + samples.errors == samples.sent == 10


results = st.lists(st.sampled_from(list(Status))).map(
    lambda found: [Result(id="x", status=status) for status in found]
)


@settings(deadline=None)
@given(given_results=results, reached=st.booleans())
def test_more_failures_never_improve_a_verdict(
    given_results: list[Result], *, reached: bool
) -> None:
    before = verdict(given_results, reached=reached)
    after = verdict([*given_results, Result(id="y", status=Status.FAIL)], reached=reached)
    assert after is not ExitCode.PASSED
    assert after is not ExitCode.INCONCLUSIVE
    assert before is ExitCode.UNREACHABLE or after is ExitCode.FAILED
    assert verdict([*given_results, Result(id="y", status=Status.OK)], reached=reached) is before


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([50, 90, 95, 99]))
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: int) -> None:
    ordered = sorted(values)
    rank = percentile(ordered, percent)
    below = sum(value <= rank for value in ordered)
    assert below * 100 >= percent * len(ordered)
    assert sum(value < rank for value in ordered) * 100 < percent * len(ordered)
