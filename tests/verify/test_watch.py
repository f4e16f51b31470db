"""Watching simulated rollouts in virtual time: what happened is what is measured."""

import json
import random
import textwrap
from pathlib import Path

import pytest

from tests.verify.outcomes import answer, failure
from tests.verify.simulated_watch import (
    EARLY_CLOSE,
    EMPTY_GROUP,
    HELLO_OLD,
    STARTS,
    Service,
    down,
    good_rollout,
    watch,
)
from verify.exit_codes import ExitCode
from verify.formats import FORMATS
from verify.judging.report import Report, Result, Status
from verify.network.outcome import Answer, Failure, Phase
from verify.watching.record import LANES


def found(report: Report, identifier: str) -> Result:
    (result,) = [result for result in report.checks if result.id == identifier]
    return result


def longest(report: Report) -> float:
    assert report.watched
    return max((outage.length for outage in report.watched.outages), default=0.0)


def test_a_correct_rollout_has_no_failed_request_and_a_change() -> None:
    report = watch(good_rollout, "--expect-change")
    assert report.exit_code == ExitCode.PASSED
    assert report.samples.sent == 2 * 10 * 17, "two lanes, ten a second, two seconds after the end"
    assert found(report, "errors").actual == "0 of 340 requests failed"
    assert found(report, "available").actual == "100 % of the requests were answered well"
    assert found(report, "outage").actual == "none"
    assert found(report, "tasks").actual == "1 old, last seen at 12.0 s; 1 new, first seen at 9.1 s"


@pytest.mark.parametrize(
    "wrong", [EMPTY_GROUP, EARLY_CLOSE, failure()], ids=["an empty group", "502", "refused"]
)
@pytest.mark.parametrize(("start", "end"), [(8.0, 9.0), (6.03, 6.48), (10.0, 10.2)])
def test_an_outage_is_measured_to_within_one_interval(
    wrong: Answer | Failure, start: float, end: float
) -> None:
    report = watch(down(start, end, wrong))
    assert report.verdict is ExitCode.FAILED
    assert abs(longest(report) - (end - start)) <= 0.1 + 1e-9
    assert report.watched
    assert {outage.lane for outage in report.watched.outages} == set(LANES)


def test_an_outage_that_only_kept_connections_see_is_found() -> None:
    report = watch(down(9.0, 10.0, failure(Phase.HTTP), only="kept"))
    assert report.verdict is ExitCode.FAILED
    assert report.watched
    assert (report.watched.lanes["fresh"].failed, report.watched.lanes["kept"].failed) == (0, 10)
    assert "(kept connections)" in found(report, "outage").actual


def test_a_task_that_closes_early_fails_every_other_request() -> None:
    def service(now: float, lane: str) -> Answer:
        is_second_request = int(now * 10) % 2
        return EARLY_CLOSE if 9 <= now < 11 and is_second_request else good_rollout(now, lane)

    report = watch(service)
    assert report.verdict is ExitCode.FAILED
    reason = "502 from the load balancer: a target closed the connection"
    assert reason in found(report, "errors").actual
    assert longest(report) == pytest.approx(0.1), "each failed request is a separate outage"


def test_slow_answers_do_not_slow_the_requests_down() -> None:
    report = watch(good_rollout, takes=4.0)
    assert report.samples.sent == 340
    assert report.exit_code == ExitCode.PASSED
    assert report.samples.latency["p50"] == pytest.approx(0), "the simulated answers carry no times"


def test_an_outage_of_a_service_that_hangs_is_counted_from_when_requests_were_due() -> None:
    hung = watch(good_rollout, "--timeout", "3s", takes=30.0)
    assert hung.verdict is ExitCode.UNREACHABLE
    assert longest(hung) == pytest.approx(17.0)


def test_a_service_that_was_never_there_is_unreachable() -> None:
    assert watch(lambda _now, _lane: EMPTY_GROUP).verdict is ExitCode.UNREACHABLE


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ((), ExitCode.BALANCER_ERROR),
        (("--max-errors", "19"), ExitCode.BALANCER_ERROR),
        (("--max-errors", "20"), ExitCode.PASSED),
        (("--min-availability", "94.2"), ExitCode.BALANCER_ERROR),
        (("--min-availability", "94.1"), ExitCode.PASSED),
        (("--max-outage", "900ms"), ExitCode.BALANCER_ERROR),
        (("--max-outage", "1s"), ExitCode.PASSED),
        (("--max-outage", "1s", "--max-errors", "3"), ExitCode.BALANCER_ERROR),
    ],
)
def test_failures_are_limited_by_number_share_or_length(
    bounds: tuple[str, ...], code: ExitCode
) -> None:
    assert watch(down(8.0, 9.0), *bounds).exit_code == code


def test_a_bound_that_was_not_given_is_reported_but_not_judged() -> None:
    report = watch(down(8.0, 9.0), "--max-outage", "1s")
    assert found(report, "outage").status is Status.OK
    assert found(report, "errors").status is Status.SKIP
    assert "20 of 340 requests failed" in found(report, "errors").actual


def test_an_availability_just_below_a_hundred_is_not_rounded_up() -> None:
    report = watch(
        down(8.0, 8.01), "--for", "2m", "--min-availability", "99.9", command_exit_code=None
    )
    assert report.exit_code == ExitCode.PASSED
    assert found(report, "available").actual == "99.958 % of the requests were answered well"


def test_a_rollout_that_changed_nothing_fails_where_a_change_is_expected() -> None:
    report = watch(lambda _now, _lane: HELLO_OLD, "--expect-change")
    assert report.verdict is ExitCode.FAILED
    assert found(report, "tasks").actual == "1 old; 0 new"


def test_a_slow_answer_to_a_request_from_before_the_change_is_no_new_task() -> None:
    report = watch(lambda _now, _lane: HELLO_OLD, "--expect-change", takes=STARTS + 1)
    assert found(report, "tasks").actual == "1 old; 0 new"
    assert report.exit_code == ExitCode.FAILED


def test_a_watch_in_which_no_request_has_ended_judges_nothing() -> None:
    report = watch(good_rollout, command_exit_code=None, takes=8.0, stop_after=4.0)
    for name in ("errors", "available", "outage"):
        assert found(report, name).status is Status.SKIP
        assert found(report, name).actual == "no request has ended"


def test_a_watch_ends_in_time_however_low_its_rate() -> None:
    report = watch(good_rollout, "--for", "6s", "--rate", "0.1", command_exit_code=None)
    assert report.seconds < 6.1
    assert report.samples.sent == 2, "one on each lane, at 0 s and at 5 s"


def test_a_change_that_no_answer_can_show_is_inconclusive() -> None:
    assert watch(lambda _now, _lane: answer(), "--expect-change").exit_code == ExitCode.INCONCLUSIVE
    assert watch(lambda _now, _lane: answer()).exit_code == ExitCode.PASSED


def test_names_that_are_new_with_every_answer_show_no_change() -> None:
    number = iter(range(10_000))
    report = watch(
        lambda _now, _lane: answer(body=b"Hello from %d" % next(number)), "--expect-change"
    )
    assert report.exit_code == ExitCode.INCONCLUSIVE
    assert "is it a request's id?" in found(report, "tasks").hint


def test_answers_on_which_an_expression_takes_too_long_are_inconclusive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("verify.judging.regexes.SECONDS", 0.1)
    report = watch(lambda _now, _lane: answer(body=b"a" * 40 + b"b"), "--body-regex", "(a+)+$")
    assert report.exit_code == ExitCode.INCONCLUSIVE
    undecided = found(report, "undecided").actual
    assert "340 of 340 answers could not be judged; body-regex: no result" in undecided


def test_a_command_that_cannot_be_run_makes_a_watch_inconclusive() -> None:
    for service in (good_rollout, down(1.0, 2.0)):
        report = watch(service, cannot_run=PermissionError(13, "Permission denied"))
        assert report.verdict is ExitCode.FAILED
        assert found(report, "command").actual == "deploy could not be run: Permission denied"
        assert "passed" not in FORMATS["text"]([report])
        expected = 126 if service is good_rollout else ExitCode.BALANCER_ERROR
        assert report.exit_code == expected
        assert report.seconds < STARTS + 1, "there is nothing to wait for"


def test_the_commands_exit_code_is_returned_only_when_the_service_passes() -> None:
    assert watch(good_rollout, command_exit_code=255).exit_code == 255
    report = watch(down(8.0, 9.0), command_exit_code=255)
    assert report.verdict is ExitCode.FAILED
    assert found(report, "command").actual == "deploy ended with 255"


def test_a_wrong_body_is_a_failed_request() -> None:
    report = watch(good_rollout, "--body-contains", "old-1")
    assert report.verdict is ExitCode.FAILED
    assert "'Hello from new-1', not 'old-1' in the body" in found(report, "errors").actual


def test_without_a_command_it_watches_for_the_given_time() -> None:
    report = watch(good_rollout, "--for", "11s", "--expect-change", command_exit_code=None)
    assert report.exit_code == ExitCode.PASSED
    assert report.seconds == pytest.approx(11, abs=0.15)


def test_an_interrupted_watch_reports_its_measurements() -> None:
    report = watch(good_rollout, command_exit_code=None, stop_after=6.0)
    assert report.exit_code == ExitCode.INTERRUPTED
    assert 100 < report.samples.sent <= 120


def test_progress_reports_each_outage_its_end_and_each_new_task_once() -> None:
    progress: list[str] = []
    watch(down(8.0, 9.0), progress=progress)
    failing = "failing: 503 from the load balancer: no target is registered and healthy"
    assert [line.partition(" s ")[2] or line for line in progress] == [
        "watch    http://a.example/, 10 requests a second in 2 lanes",
        "task old-1 (fresh connections)",
        "deploy starts",
        f"{failing} (fresh connections)",
        f"{failing} (kept connections)",
        "good again after 1 s (fresh connections)",
        "good again after 1 s (kept connections)",
        "new task new-1 (fresh connections)",
        "deploy ended with 0",
    ]


def test_progress_stops_reporting_outages_of_a_service_that_keeps_flapping() -> None:
    progress: list[str] = []
    watch(
        lambda now, _lane: EMPTY_GROUP if int(now * 10) % 2 else HELLO_OLD,
        "--rate",
        "20",
        "--for",
        "60s",
        command_exit_code=None,
        progress=progress,
    )
    assert 1000 <= len(progress) < 1010


def test_the_manuals_report_is_that_of_such_a_watch() -> None:
    printed = FORMATS["text"]([watch(down(8.0, 9.0), "--expect-change")])
    manual = (Path(__file__).parents[2] / "docs" / "verify.md").read_text(encoding="utf-8")
    assert textwrap.indent(printed, "    ") in manual


def test_the_json_document_describes_the_watch() -> None:
    (report,) = json.loads(FORMATS["json"]([watch(down(8.0, 9.0))]))["reports"]
    watched = report["watch"]
    assert watched["longest_outage_ms"] == 1000
    assert watched["outages"][0] == {"lane": "fresh", "start_ms": 8000, "length_ms": 1000}
    command = {"program": "deploy", "exit_code": 0, "error": "", "ended_ms": 15_000}
    assert watched["command"] == command, "arguments may hold secrets"
    assert watched["tasks"]["new-1"]["old"] is False
    assert watched["failures"] == {
        "503 from the load balancer: no target is registered and healthy": 20
    }


def test_new_tasks_and_reasons_in_every_answer_do_not_fill_the_memory() -> None:
    number = iter(range(100_000))

    def service(_now: float, lane: str) -> Answer | Failure:
        made_up = next(number)
        if lane == "kept":
            return Failure(phase=Phase.HTTP, reason=f"garbage {made_up}", hint="")
        return answer(body=b"Hello from task-%d" % made_up)

    watched = watch(service, "--rate", "100").watched
    assert watched
    assert len(watched.tasks) == 1000
    assert len(watched.failures) == 1001


class Cutting:
    """A good rollout in which a target cuts a share of the requests for a while."""

    def __init__(self, seed: int, only: str) -> None:
        self._random = random.Random(seed)
        self._start, self._share = self._random.uniform(1, 6), self._random.uniform(0.2, 0.8)
        self._end = self._start + self._random.uniform(0.5, 4)
        self._lanes = (only,) if only else LANES
        self.cut: list[float] = []
        """When each request that was cut arrived."""

    def __call__(self, now: float, lane: str) -> Answer:
        affected = self._start <= now < self._end and lane in self._lanes
        if affected and self._random.random() < self._share:
            self.cut.append(now)
            return EARLY_CLOSE
        return good_rollout(now, lane)


@pytest.mark.slow  # fifty rollouts for each
@pytest.mark.parametrize(
    "only",
    ["", "kept", "fresh"],
    ids=["a target that closes early", "a short keep-alive", "a dead address"],
)
def test_every_request_that_a_broken_target_cut_is_counted_and_dated(only: str) -> None:
    for seed in range(50):
        service = Cutting(seed, only)
        report = watch(service, "--for", "11s", command_exit_code=None)
        assert report.watched
        assert sum(report.watched.failures.values()) == len(service.cut)
        assert (report.fault is ExitCode.BALANCER_ERROR) == bool(service.cut)
        if service.cut:
            outages = report.watched.outages
            start = min(outage.start for outage in outages)
            end = max(outage.start + outage.length for outage in outages)
            assert abs(start - service.cut[0]) <= 0.1 + 1e-9
            assert abs(end - service.cut[-1]) <= 0.1 + 1e-9


@pytest.mark.slow  # a thousand rollouts
def test_no_verdict_of_a_thousand_seeded_rollouts_is_wrong() -> None:
    interval = 1.0
    for seed in range(1000):
        rng = random.Random(seed)
        length = rng.choice([0.0, rng.uniform(0, 4)])
        start = rng.uniform(1, 6)
        report = watch(
            down(start, start + length), "--rate", "1", "--for", "11s", command_exit_code=None
        )
        assert abs(longest(report) - length) <= interval + 1e-9, seed
        assert length or report.exit_code == ExitCode.PASSED, f"a false alarm: {seed}"
        assert length < interval or report.verdict is ExitCode.FAILED, f"a missed outage: {seed}"


@pytest.mark.parametrize(
    ("service", "options", "fault"),
    [
        (down(8.0, 9.0), (), ExitCode.BALANCER_ERROR),
        (down(8.0, 9.0, failure()), (), ExitCode.NO_CONNECTION),
        (
            down(8.0, 9.0, answer(500, server="nginx")),
            ("--max-outage", "500ms"),
            ExitCode.APPLICATION_ERROR,
        ),
        (good_rollout, ("--body-contains", "old-1"), ExitCode.WRONG_VERSION),
        (lambda _now, _lane: EMPTY_GROUP, (), ExitCode.BALANCER_ERROR),
        (lambda _now, _lane: HELLO_OLD, ("--expect-change",), None),
    ],
)
def test_a_watch_reports_the_fault_of_its_most_frequent_failure(
    service: Service, options: tuple[str, ...], fault: ExitCode | None
) -> None:
    report = watch(service, *options)
    assert report.fault is fault
    assert report.exit_code == (fault or ExitCode.FAILED)
