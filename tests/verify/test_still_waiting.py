"""Lines that show that a run still waits."""

import re
import time

import pytest

from tests.verify.fake_alb import FakeAlb, balancer_error, hello
from verify.checking.still_waiting import StillWaiting
from verify.exit_codes import ExitCode
from verify.main import main


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses of a run."""
    monkeypatch.setattr("verify.checking.run.StillWaiting", lambda show: StillWaiting(show, (0.1,)))
    monkeypatch.setattr(
        "verify.watching.watch.StillWaiting", lambda show, _pauses: StillWaiting(show, (0.1,))
    )


def lines_after(seconds: float, pauses: tuple[float, ...], printed_every: float = 60.0) -> int:
    shown: list[float] = []
    with StillWaiting(lambda: shown.append(time.monotonic()), pauses) as waiting:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(printed_every, max(0.0, end - time.monotonic())))
            waiting.printed()
    return len(shown)


def test_a_line_is_shown_after_each_pause_and_the_last_pause_repeats() -> None:
    assert 4 <= lines_after(0.6, (0.01, 0.1)) <= 7


def test_no_line_is_shown_while_others_are_printed() -> None:
    assert lines_after(0.5, (0.3,), printed_every=0.01) == 0


def test_nothing_is_shown_after_the_end() -> None:
    shown: list[int] = []
    with StillWaiting(lambda: shown.append(1), (0.05,)):
        pass
    time.sleep(0.1)
    assert shown == []


@pytest.mark.usefixtures("brief")
def test_a_slow_answer_is_waited_for_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeAlb(lambda _number, _request: [0.5, hello("a")]) as alb:
        arguments = [alb.authority, "--stable", "1", "--samples", "2"]
        assert main(arguments) == ExitCode.PASSED
    printed = capsys.readouterr().err
    assert "http     no result yet after 0 s\n" in printed
    assert "checks   1 of 2 requests measured so far\n" in printed


@pytest.mark.usefixtures("brief")
def test_a_reason_that_stays_is_shown_again(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeAlb(lambda _number, _request: [balancer_error(503)]) as alb:
        assert main([alb.authority, "--deadline", "2s"]) == ExitCode.BALANCER_ERROR
    assert "http     still waiting after 1 attempt: 503 from the load" in capsys.readouterr().err


@pytest.mark.usefixtures("brief")
def test_of_several_targets_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeAlb(lambda _number, _request: [0.5, hello("a")]) as alb:
        targets = f"{alb.authority}\nhttp://{alb.authority}/b"
        assert main([targets, "--all", "--deadline", "0"]) == ExitCode.PASSED
    assert f"[{alb.authority}] http     no result yet after 0 s (and 1 more)\n" in (
        capsys.readouterr().err
    )


@pytest.mark.usefixtures("brief")
def test_a_watch_in_which_nothing_happens_shows_its_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with FakeAlb(lambda _number, _request: [0.5, hello("a")]) as alb:
        arguments = ["watch", alb.authority, "--for", "300ms", "--rate", "5"]
        assert main(arguments) == ExitCode.PASSED
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r" +0\.[1-3] s 0 requests answered, [12] under way", lines[1])


@pytest.mark.usefixtures("brief")
def test_a_quiet_run_stays_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeAlb(lambda _number, _request: [0.3, hello("a")]) as alb:
        assert main([alb.authority, "--deadline", "0", "--quiet"]) == ExitCode.PASSED
    assert capsys.readouterr().err == ""
