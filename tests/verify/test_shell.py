"""What a shell sees of the real program: exit codes, streams, signals, terminals."""

import contextlib
import io
import itertools
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.interrupted_loading import interrupted_script
from tests.verify.fake_alb import FakeAlb, balancer_error, hello, page
from verify import VERSION
from verify.exit_codes import ExitCode
from verify.main import main

pytestmark = pytest.mark.slow  # each test runs the command as a user does

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from verify.main import entry_point; entry_point()"]
QUICK = ("--interval", "1ms")


def verify(
    *arguments: str, stdin: bytes | int = b"", program: list[str] = PROGRAM, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    with subprocess.Popen(
        [*program, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        out, err = running.communicate(stdin if isinstance(stdin, bytes) else None, timeout=20)
    return subprocess.CompletedProcess(running.args, running.returncode, out, err)


@contextlib.contextmanager
def begun(
    *arguments: str, until: bytes
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """Start a run, and wait for a line on stderr that matches.

    Yield the process, its stdout and its stderr.
    """
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout
        assert running.stderr
        for line in running.stderr:
            if re.search(until, line):
                break
        else:
            pytest.fail(f"the run printed no line like {until!r}")
        yield running, running.stdout, running.stderr


@pytest.fixture(scope="module")
def alb() -> Iterator[FakeAlb]:
    """A load balancer in front of two tasks, which answer in turn."""
    with FakeAlb(lambda number, _request: [hello(f"task-{number % 2}")]) as running:
        yield running


def test_the_address_of_a_stack_output_is_read_from_the_pipe_and_passes(alb: FakeAlb) -> None:
    done = verify("--expect-tasks", "2", *QUICK, stdin=f"{alb.authority}\n".encode())
    assert done.returncode == ExitCode.PASSED
    assert b"2 distinct; chance to miss one of 2" in done.stdout
    assert done.stderr.startswith(b"parse    http://127.0.0.1:")


def test_a_dash_reads_stdin_and_quiet_keeps_stderr_empty(alb: FakeAlb) -> None:
    done = verify(
        "-",
        "--quiet",
        "--format",
        "json",
        *QUICK,
        stdin=f'{{"albDns": "{alb.authority}"}}'.encode(),
    )
    assert done.returncode == ExitCode.PASSED
    assert json.loads(done.stdout)["verdict"] == "passed"
    assert done.stderr == b""


def test_every_line_is_checked_and_labelled_when_requested(alb: FakeAlb) -> None:
    with FakeAlb(lambda _number, _request: [balancer_error(404)]) as empty:
        lines = f"{alb.authority}\n{empty.authority}\n".encode()
        done = verify("--all", *QUICK, stdin=lines)
    assert done.returncode == ExitCode.BALANCER_ERROR
    assert done.stdout.count(b"http://127.0.0.1") == 2
    assert f"[{empty.authority}] connect  127.0.0.1".encode() in done.stderr


def test_several_formats_are_written_at_once(alb: FakeAlb, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("json", "junit", "tap")}
    done = verify(
        alb.authority, *(f"--format={name}={path}" for name, path in files.items()), *QUICK
    )
    assert done.returncode == ExitCode.PASSED
    assert done.stdout.endswith(b" s\n"), "the text still goes to stdout"
    assert json.loads(files["json"].read_bytes())["verdict"] == "passed"
    assert files["junit"].read_bytes().startswith(b"<?xml")
    assert files["tap"].read_bytes().startswith(b"TAP version 14\n")


def test_nothing_is_requested_when_a_report_cannot_be_written(alb: FakeAlb, tmp_path: Path) -> None:
    seen = len(alb.requests)
    done = verify(alb.authority, f"--format=json={tmp_path}/none/report.json")
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, b"")
    assert len(alb.requests) == seen


def test_a_report_that_cannot_be_written_loses_neither_the_others_nor_the_verdict(
    alb: FakeAlb, tmp_path: Path
) -> None:
    kept = tmp_path / "report.xml"
    formats = ("--format", "json=/dev/full", "--format", f"junit={kept}", "--format", "tap")
    done = verify(alb.authority, *formats, *QUICK)
    assert done.returncode == ExitCode.UNWRITTEN
    assert kept.read_bytes().startswith(b"<?xml")
    assert done.stdout.startswith(b"TAP version 14\n")
    assert done.stderr.endswith(b"verify: can't write json to /dev/full: No space left on device\n")
    failed = verify(alb.authority, *formats, "--status", "404", *QUICK)
    assert failed.returncode == ExitCode.FAILED, "what is wrong with the service counts more"


@pytest.mark.parametrize(
    ("stream", "code"), [("stdout", ExitCode.UNWRITTEN), ("stderr", ExitCode.PASSED)]
)
def test_a_full_disk_behind_a_stream_is_not_reported_as_a_bug(
    alb: FakeAlb, tmp_path: Path, stream: str, code: ExitCode
) -> None:
    with Path("/dev/full").open("wb") as full, (tmp_path / "other").open("wb") as other:
        streams = {"stdout": other, "stderr": other, stream: full}
        done = subprocess.run(
            [*PROGRAM, alb.authority, *QUICK],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=streams["stdout"],
            stderr=streams["stderr"],
            timeout=20,
            check=False,
        )
    assert done.returncode == code


@pytest.mark.parametrize(
    "name", ["stderr", "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2", "/dev/fd/7"]
)
def test_a_report_is_appended_to_a_stream(name: str, alb: FakeAlb, tmp_path: Path) -> None:
    script = f'exec 2>log 7>&2; echo before >&2; "$@" --format=tap={name}; echo after >&2'
    done = verify(
        alb.authority,
        "--quiet",
        *QUICK,
        program=["bash", "-c", f"cd {tmp_path}; {script}", "bash", *PROGRAM],
        PYTHONPATH=str(ROOT),
    )
    first, *report, last = (tmp_path / "log").read_text().splitlines()
    assert (first, report[0], last) == ("before", "TAP version 14", "after")
    assert done.stdout.endswith(b" s\n")


def test_a_steps_summary_is_added_to_and_any_other_file_is_replaced(
    alb: FakeAlb, tmp_path: Path
) -> None:
    for name in ("summary.md", "other.md"):
        (tmp_path / name).write_text("before\n")
    written = [f"--format=markdown={tmp_path}/summary.md", f"--format=html={tmp_path}/other.md"]
    for _ in range(2):
        verify(alb.authority, *QUICK, *written, GITHUB_STEP_SUMMARY=f"{tmp_path}/./summary.md")
    assert (tmp_path / "summary.md").read_text().startswith("before\n### ✅ verify passed: ")
    assert (tmp_path / "summary.md").read_text().count("### ") == 2
    assert (tmp_path / "other.md").read_text().count("<!DOCTYPE html>") == 1
    assert (tmp_path / "other.md").read_text().startswith("<!DOCTYPE html>")


def test_json_lines_on_stderr_stand_there_alone(alb: FakeAlb) -> None:
    done = verify(alb.authority, "--format", "jsonl=stderr", *QUICK)
    assert {json.loads(line)["kind"] for line in done.stderr.splitlines()} >= {"progress", "run"}


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("no/such", "can't write to no/such: No such file or directory\n  does its folder exist?"),
        (".", "can't write to .: Is a directory\n  give a file that this user may write"),
    ],
)
def test_a_file_that_cant_be_written_is_unusable_input(path: str, problem: str) -> None:
    done = verify("a.example", "--format", f"json={path}")
    assert (done.returncode, done.stderr.decode()) == (ExitCode.USAGE, f"verify: {problem}\n")


def test_a_stream_that_is_not_open_is_unusable_input() -> None:
    done = verify("a.example", "--format", "json=/dev/fd/77")
    assert done.returncode == ExitCode.USAGE
    assert b"can't write to /dev/fd/77: Bad file descriptor" in done.stderr


def test_the_version_goes_to_stdout_and_into_the_documents(alb: FakeAlb) -> None:
    done = verify("--version")
    assert (done.returncode, done.stdout) == (ExitCode.PASSED, f"verify {VERSION}\n".encode())
    done = verify(alb.authority, "--deadline", "0", "--format", "json", "--format", "jsonl=stderr")
    assert json.loads(done.stdout)["version"] == VERSION
    assert json.loads(done.stderr.splitlines()[-1])["version"] == VERSION


def test_a_failed_check_exits_with_1(alb: FakeAlb) -> None:
    assert verify(alb.authority, "--status", "404", *QUICK).returncode == ExitCode.FAILED


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ftp://a.example",),
        ("a.example", "b.example"),
        ("a.example", "--no-such-option"),
        ("a.example", "--timeout", "5 s"),
        ("192.0.2.1", "-6"),
        ("a.example", "-4", "--connect-to", "[::1]:80"),
    ],
    ids=[
        "empty stdin",
        "a bad target",
        "two targets",
        "an unknown option",
        "a bad value",
        "-6 and IPv4",
        "-4 and IPv6",
    ],
)
def test_unusable_input_exits_with_2_two_lines_on_stderr_and_nothing_on_stdout(
    arguments: tuple[str, ...],
) -> None:
    done = verify(*arguments)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, b"")
    assert done.stderr.startswith(b"verify: ")
    assert done.stderr.count(b"\n") == 2


def test_a_load_balancer_without_targets_exits_with_34() -> None:
    with FakeAlb(lambda _number, _request: [balancer_error(503)]) as empty:
        done = verify(empty.authority, "--deadline", "0")
    assert done.returncode == ExitCode.BALANCER_ERROR
    assert b"no target is registered and healthy" in done.stdout


def test_tasks_without_a_name_exit_with_4(alb: FakeAlb) -> None:
    done = verify(alb.authority, "--expect-tasks", "2", "--identity", "header:X-Served-By", *QUICK)
    assert done.returncode == ExitCode.INCONCLUSIVE


def test_an_open_port_exits_with_1_and_the_report_names_it(alb: FakeAlb) -> None:
    closed = verify(alb.authority, "--closed", ":1", "--closed", "127.0.0.2:1", *QUICK)
    assert closed.returncode == ExitCode.PASSED
    assert b"127.0.0.1:1 refused, 127.0.0.2:1 refused" in closed.stdout
    opened = verify(alb.authority, "--closed", alb.authority, *QUICK)
    assert opened.returncode == ExitCode.FAILED
    assert f"{alb.authority} open".encode() in opened.stdout


WATCH = ("watch", "--rate", "20", "--before", "200ms", "--after", "100ms")


def test_a_watched_commands_exit_code_and_output_come_through_and_stdout_is_the_reports(
    alb: FakeAlb,
) -> None:
    done = verify(*WATCH, alb.authority, "--until-exit", "--", "sh", "-c", "echo printed; exit 7")
    assert done.returncode == 7
    assert b"printed" in done.stderr
    assert b"printed" not in done.stdout
    assert b"sh ended with 7" in done.stdout
    assert done.stdout.endswith(b", but sh ended with 7 (exit 7)\n")


def test_a_watch_reads_its_target_from_the_pipe_and_the_command_does_not(alb: FakeAlb) -> None:
    done = verify(*WATCH, "--", "cat", stdin=alb.authority.encode())
    assert done.returncode == ExitCode.PASSED
    assert b" old" in done.stdout


def test_a_killed_command_has_a_shells_exit_code(alb: FakeAlb) -> None:
    done = verify(*WATCH, alb.authority, "--quiet", "--", "sh", "-c", "kill -9 $$")
    assert (done.returncode, done.stderr) == (137, b"")


def test_a_command_that_does_not_exist_is_unusable_input(alb: FakeAlb) -> None:
    seen = len(alb.requests)
    done = verify(*WATCH, alb.authority, "--", "no-such-program")
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, b"")
    assert len(alb.requests) == seen


def test_a_command_that_cannot_be_executed_has_exit_code_126(alb: FakeAlb, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"\0")
    (tmp_path / "broken").chmod(0o755)
    done = verify(*WATCH, alb.authority, "--format", "json=stderr", "--", str(tmp_path / "broken"))
    assert done.returncode == 126
    assert b"broken could not be run: Exec format error" in done.stdout
    assert re.search(rb"\nfailed after [0-9.]+ s \(exit 126\)\n$", done.stdout)
    assert b'"verdict": "failed"' in done.stderr


def test_a_signal_reaches_the_watched_command_once_and_the_report_is_still_written(
    alb: FakeAlb,
) -> None:
    script = "trap 'echo tidying up >&2; exit 3' INT; echo ready >&2; while :; do sleep 0.05; done"
    with begun(*WATCH, alb.authority, "--", "sh", "-c", script, until=rb"^ready$") as (
        running,
        output,
        errors,
    ):
        running.send_signal(signal.SIGINT)
        printed, report = errors.read(), output.read()
    assert running.returncode == ExitCode.INTERRUPTED
    assert printed.count(b"tidying up") == 1
    assert b"sh ended with 3" in report


def test_json_lines_are_printed_during_the_run_and_the_report_at_its_end(alb: FakeAlb) -> None:
    with begun(*WATCH, alb.authority, "--for", "5s", "--format", "jsonl", until=b"task-1") as (
        running,
        output,
        _,
    ):
        early = json.loads(output.readline())
        running.send_signal(signal.SIGINT)
        *_, last = [json.loads(line) for line in output]
    assert (early["kind"], early["step"], early["url"]) == (
        "progress",
        "watch",
        f"http://{alb.authority}/",
    )
    assert (last["kind"], last["exit_code"]) == ("run", ExitCode.INTERRUPTED)


def test_a_watch_without_an_end_continues_until_a_signal(alb: FakeAlb) -> None:
    with begun(*WATCH, alb.authority, until=rb"task-1") as (running, output, _):
        running.send_signal(signal.SIGTERM)
        report = output.read()
    assert running.returncode == ExitCode.TERMINATED
    assert re.search(rb"0 of \d+ requests? failed", report), report


def test_a_watch_ends_when_a_file_is_there(alb: FakeAlb, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with begun(*WATCH, alb.authority, "--until-file", str(done), until=rb"task-1") as (
        running,
        output,
        _,
    ):
        done.touch()
        report = output.read()
    assert running.returncode == ExitCode.PASSED
    assert b" old" in report


def test_a_target_is_requested_elsewhere_under_its_name(alb: FakeAlb) -> None:
    seen = len(alb.requests)
    elsewhere = ("--connect-to", alb.authority)
    done = verify(
        "http://shop.example/cart", *elsewhere, "--each-address", "--closed", ":1", *QUICK
    )
    assert done.returncode == ExitCode.PASSED
    for request in alb.requests[seen:]:
        if request:  # connecting to the closed port sends none
            assert request.startswith(b"GET /cart ")
            assert b"Host: shop.example\r\n" in request


def test_trace_is_sent_only_on_request(alb: FakeAlb) -> None:
    seen = len(alb.requests)
    done = verify(alb.authority, "--no-trace", *QUICK)
    assert done.returncode == ExitCode.PASSED
    assert b"TRACE is answered with 200, but nothing of the request is echoed" in done.stdout
    assert sum(request.startswith(b"TRACE ") for request in alb.requests[seen:]) == 1


def test_an_internal_error_exits_with_70_and_shows_a_trace_only_with_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("verify.checking.run.run", None)
    assert main(["127.0.0.1"]) == ExitCode.INTERNAL
    printed = capsys.readouterr().err
    assert "TypeError" in printed
    assert "Traceback" not in printed
    assert main(["127.0.0.1", "--debug"]) == ExitCode.INTERNAL
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)],
)
def test_a_signal_ends_the_run_with_a_report_of_what_was_measured(
    alb: FakeAlb, number: signal.Signals, code: ExitCode
) -> None:
    with begun(alb.authority, "--interval", "10s", until=rb"^http ") as (running, output, _):
        running.send_signal(number)
        report = output.read()
    assert running.returncode == code
    assert b"ok    http" in report
    assert code.name.lower().encode() in report


def test_an_interrupt_while_reading_stdin_is_130_without_a_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: object) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Interrupted())))
    assert main([]) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "")


INTERRUPTED_WHILE_LOADING = interrupted_script("verify.main:entry_point")


@pytest.mark.parametrize("module", ["verify.command", "verify.options.groups", "verify.cli.words"])
def test_an_interrupt_while_the_check_is_loaded_is_130_without_a_trace(module: str) -> None:
    done = verify(module, "a.example", program=[sys.executable, "-c", INTERRUPTED_WHILE_LOADING])
    assert (done.returncode, done.stderr, done.stdout) == (ExitCode.INTERRUPTED, b"", b"")


def test_an_ignored_interrupt_stays_ignored_while_the_check_is_loaded(alb: FakeAlb) -> None:
    ignoring = f"import signal; signal.signal(2, signal.SIG_IGN)\n{INTERRUPTED_WHILE_LOADING}"
    program = [sys.executable, "-c", ignoring, "verify.options.groups"]
    assert verify(alb.authority, *QUICK, program=program).returncode == ExitCode.PASSED


@pytest.mark.parametrize(("option", "lines"), [(("--stable", "1"), 1), (("--quiet",), 0)])
def test_a_pipe_that_does_not_end_is_shown(
    alb: FakeAlb, option: tuple[str, ...], lines: int
) -> None:
    script = f'(echo {alb.authority}; sleep 2.5) | "$@"'
    done = verify(*option, *QUICK, program=["sh", "-c", script, "sh", *PROGRAM])
    assert done.returncode == ExitCode.PASSED
    assert done.stderr.count(b"parse    waiting for the target on stdin\n") == lines


def test_a_terminal_as_stdin_shows_the_usage_instead_of_hanging() -> None:
    leader, follower = pty.openpty()
    done = verify(stdin=follower)
    os.close(leader)
    os.close(follower)
    assert done.returncode == ExitCode.USAGE
    assert b"usage: verify" in done.stderr


def test_with_a_target_argument_stdin_is_not_read(alb: FakeAlb) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"b.example\n")
    done = verify(alb.authority, "--deadline", "0", stdin=reader)
    assert done.returncode == ExitCode.PASSED
    assert os.read(reader, 100) == b"b.example\n"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("lines", ["cat hosts |", "<hosts"])
def test_a_shell_that_reads_names_in_a_loop_has_each_of_them_checked(
    lines: str, alb: FakeAlb, tmp_path: Path
) -> None:
    with FakeAlb(lambda _number, _request: [page("", 404)]) as other:
        (tmp_path / "hosts").write_text(f"{alb.authority}\n{other.authority}\n{alb.authority}\n")
        loop = 'while read -r host; do "$@" "$host" --deadline 0 --quiet >&2; echo "$host $?"; done'
        script = f"cat hosts | {loop}" if "cat" in lines else f"{loop} <hosts"
        done = subprocess.run(
            ["bash", "-c", script, "bash", *PROGRAM],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stdout.splitlines() == [
        f"{alb.authority} 0",
        f"{other.authority} 1",
        f"{alb.authority} 0",
    ], done.stderr


def test_an_argument_needs_no_end_of_stdin(alb: FakeAlb) -> None:
    reader, writer = os.pipe()
    done = verify(alb.authority, *QUICK, stdin=reader)
    os.close(reader)
    os.close(writer)
    assert done.returncode == ExitCode.PASSED


def test_a_closed_pipe_does_not_change_the_verdict(alb: FakeAlb) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, alb.authority, *QUICK],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=20,
        check=False,
    )
    os.close(writer)
    assert done.returncode == ExitCode.PASSED
    assert b"Broken" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_closed_stream_does_not_change_the_verdict(alb: FakeAlb, closed: str) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM]
    assert verify(alb.authority, "--deadline", "0", program=shell).returncode == ExitCode.PASSED


@pytest.mark.parametrize("option", ["--help", "--version"])
@pytest.mark.parametrize("closed", [">&-", "> /dev/full"])
def test_help_without_a_stream_is_not_reported_as_a_bug(option: str, closed: str) -> None:
    done = verify(option, program=["sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM])
    assert (done.returncode, done.stderr) == (ExitCode.PASSED, b"")


def test_closed_stdin_without_an_argument_is_unusable_input() -> None:
    done = verify(program=["sh", "-c", 'exec "$@" <&-', "sh", *PROGRAM])
    assert done.returncode == ExitCode.USAGE


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colour_unless_no_color_is_set(
    alb: FakeAlb,
    environment: dict[str, str],
    *,
    coloured: bool,
) -> None:
    leader, follower = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    subprocess.run(
        [*PROGRAM, alb.authority, "--deadline", "0"],
        cwd=ROOT,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        timeout=20,
        check=True,
    )
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # Linux reports the closed end of a terminal as an error
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)
    assert (b"\x1b[" in shown) == coloured


def test_an_ascii_terminal_gets_escapes_instead_of_an_error() -> None:
    with FakeAlb(lambda _number, _request: [page("Hello from h\u00f6st")]) as alb:
        done = verify(
            alb.authority,
            "--deadline",
            "0",
            "--body-equals",
            "x",
            PYTHONIOENCODING="ascii",
            LC_ALL="C",
        )
    assert done.returncode == ExitCode.WRONG_VERSION
    assert b"Hello from h\\xf6st" in done.stdout


def test_a_server_that_trickles_does_not_hold_the_run_beyond_its_deadline() -> None:
    with FakeAlb(lambda _number, _request: itertools.cycle([b"H", 0.02])) as alb:
        began = time.monotonic()
        done = verify(alb.authority, "--deadline", "1s")
        took = time.monotonic() - began
    assert done.returncode == ExitCode.UNREACHABLE
    assert took < 3, "of which most is the interpreter's start on a busy machine"


ENDLESS = ("--body-regex", "(x+x+)+y")


def test_a_regular_expression_without_end_holds_neither_the_deadline_nor_a_signal() -> None:
    with FakeAlb(lambda _number, _request: [page("x" * 50)]) as alb:
        # A run that never ended would raise TimeoutExpired here.
        done = verify(alb.authority, *ENDLESS, "--deadline", "5s", *QUICK)
        assert done.returncode == ExitCode.INCONCLUSIVE
        with begun(alb.authority, *ENDLESS, "--samples", "100000", until=rb"^parse") as (
            running,
            output,
            _,
        ):
            running.send_signal(signal.SIGTERM)
            output.read()
    assert running.returncode == ExitCode.TERMINATED


def loaded_by(arguments: list[str], modules: set[str]) -> bytes:
    """Return the line of output that names those of these modules that a run loads."""
    code = (
        "import sys; from verify.main import main; main(sys.argv[1:]);"
        f"print('loaded:', *({modules!r} & sys.modules.keys()))"
    )
    done = verify(*arguments, program=[sys.executable, "-c", code])
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["ftp://a.example"], ["--help"], ["bad_name.example"]])
def test_bad_input_and_help_load_no_http_client(arguments: list[str]) -> None:
    assert loaded_by(arguments, {"httpx", "asyncio", "inspect"}) == b"loaded:"


def test_a_run_loads_nothing_of_pulumi_or_of_this_project(alb: FakeAlb) -> None:
    loaded = loaded_by([alb.authority, "--deadline", "0"], {"pulumi", "infra", "localaws"})
    assert loaded == b"loaded:"
