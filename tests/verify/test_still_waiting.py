"""Lines that show that a run still waits."""

import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.verify.fake_alb import FakeAlb, balancer_error, hello
from verify.checking.still_waiting import StillWaiting
from verify.exit_codes import ExitCode
from verify.main import main

PAUSE = 0.1

BUSY = 10.0
"""Seconds after which a server goes on without a line, as on a machine that is very busy."""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Shorten the pauses of a run; return an event that is set once a line was shown."""
    event = threading.Event()

    def brief(show: Callable[[], None], _pauses: object = None) -> StillWaiting:
        def show_and_set() -> None:
            show()
            event.set()

        return StillWaiting(show_and_set, (PAUSE,))

    monkeypatch.setattr("verify.checking.run.StillWaiting", brief)
    monkeypatch.setattr("verify.watching.watch.StillWaiting", brief)
    return event


def after_a_line(shown: threading.Event, answer: bytes) -> Iterator[bytes]:
    """Yield an answer once the run that waits for it has shown another line."""
    shown.clear()
    shown.wait(BUSY)
    yield answer


def test_a_line_is_shown_after_each_pause_and_the_last_pause_repeats() -> None:
    times: list[float] = []
    fourth = threading.Event()

    def show() -> None:
        times.append(time.monotonic())
        if len(times) == 4:
            fourth.set()

    began = time.monotonic()
    with StillWaiting(show, (0.01, 0.05)):
        assert fourth.wait(BUSY)
    for number, shown in enumerate(times[:4]):
        assert shown - began >= 0.01 + number * 0.05


def test_no_line_is_shown_while_others_are_printed() -> None:
    shown: list[int] = []
    with StillWaiting(lambda: shown.append(1), (0.15,)) as waiting:
        end = time.monotonic() + 0.25
        while time.monotonic() < end:
            time.sleep(0.01)
            waiting.printed()
    assert shown == []


def test_nothing_is_shown_after_the_end() -> None:
    shown: list[int] = []
    with StillWaiting(lambda: shown.append(1), (BUSY,)) as waiting:
        pass
    waiting._thread.join(BUSY / 2)
    assert not waiting._thread.is_alive()
    assert shown == []


def test_a_slow_answer_is_waited_for_aloud(
    shown: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: after_a_line(shown, hello("a"))) as alb:
        arguments = [alb.authority, "--stable", "1", "--samples", "2"]
        assert main(arguments) == ExitCode.PASSED
    printed = capsys.readouterr().err
    assert "http     no result yet after 0 s\n" in printed
    assert "checks   1 of 2 requests measured so far\n" in printed


def test_a_reason_that_stays_is_shown_again(
    shown: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: [balancer_error(503)]) as alb:
        arguments = [alb.authority, "--interval", "30s", "--deadline", "500ms"]
        assert main(arguments) == ExitCode.BALANCER_ERROR
    assert shown.is_set()
    assert "http     still waiting after 1 attempt: 503 from the load" in capsys.readouterr().err


def test_of_several_targets_one_is_named(
    shown: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: after_a_line(shown, hello("a"))) as alb:
        targets = f"{alb.authority}\nhttp://{alb.authority}/b"
        assert main([targets, "--all", "--deadline", "0"]) == ExitCode.PASSED
    assert f"[{alb.authority}] http     no result yet after 0 s (and 1 more)\n" in (
        capsys.readouterr().err
    )


def test_a_watch_in_which_nothing_happens_shows_its_counts(
    shown: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: after_a_line(shown, hello("a"))) as alb:
        arguments = ["watch", alb.authority, "--for", "300ms", "--rate", "5"]
        assert main(arguments) == ExitCode.PASSED
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r" +0\.[1-3] s 0 requests answered, [12] under way", lines[1])


def test_a_quiet_run_stays_quiet(
    shown: threading.Event, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeAlb(lambda _number, _request: after_a_line(shown, hello("a"))) as alb:
        assert main([alb.authority, "--deadline", "0", "--quiet"]) == ExitCode.PASSED
    assert capsys.readouterr().err == ""
