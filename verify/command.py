"""A command line from its words to an exit code: read the target, run the check, report."""

import errno
import io
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal, TextIO

from verify.checking.job import Job
from verify.cli.parser import (
    CHECK,
    WATCH,
    build_parser,
    first_given,
    options_of,
    parse_options,
    parse_planned,
)
from verify.cli.piped import MAX_BYTES, read_targets
from verify.errors import InputError
from verify.escaping import visible
from verify.exit_codes import ExitCode
from verify.options.groups import Options
from verify.options.target import Parsed
from verify.options.values import STREAMS, HostPort, Output

if TYPE_CHECKING:
    from verify.judging.report import Report


def run_command(arguments: Sequence[str] | None) -> int:
    """Check what the command line names, and return the exit code.

    Raises:
        KeyboardInterrupt: The run was interrupted where nothing was to be reported.
    """
    started = time.monotonic()
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parse_options(arguments)
        jobs = _jobs(options, arguments)
        with ExitStack() as closing:
            outputs = [(output, _opened(output, closing)) for output in _outputs(options)]
            return _check(jobs, options, started, outputs)
    except SystemExit:
        _write(sys.stdout, "")
        return ExitCode.PASSED
    except InputError as error:
        _write(sys.stderr, f"verify: {error.problem}\n  {error.hint}\n")
        return ExitCode.USAGE
    # The last line of defence: a bug has its own exit code
    except Exception as error:  # noqa: BLE001
        if "--debug" in arguments:
            import traceback  # noqa: PLC0415 — costs every run 10 ms, and is for bugs

            traceback.print_exc()
        name = type(error).__name__
        _write(
            sys.stderr,
            f"verify: internal error ({name}), please report it; --debug shows more\n",
        )
        return ExitCode.INTERNAL


def _jobs(options: Options, arguments: Sequence[str]) -> list[Job]:
    """Return a job for each target, or for each check of a plan on its one target."""
    if options.plan is None:
        targets = _targets(_read(options), options)
        _refuse_contradictions(targets, options)
        return [Job(parsed, options) for parsed in targets]
    from verify.cli.plan import read_plan  # noqa: PLC0415 — for few

    jobs = []
    planned = read_plan(options.plan)
    raw = _read(options)
    for each in planned:
        own = parse_planned(each, arguments)
        try:
            (parsed,) = _targets(raw, own)
            _refuse_contradictions((parsed,), own)
        except InputError as error:
            raise InputError(f"{each.location}: {error.problem}", error.hint) from None
        jobs.append(Job(parsed, own, each.name))
    return jobs


def _refuse_contradictions(targets: Sequence[Parsed], options: Options) -> None:
    needs_https = [one for one in options_of(CHECK) if one.needs_https]
    given = first_given(needs_https, options)
    if given and any(parsed.target.scheme == "http" for parsed in targets):
        raise InputError(
            f"{given} needs an https target", "give the URL with https://, or --scheme https"
        )
    if not options.family or options.proxy:
        return
    for parsed in targets:
        host = (options.connect_to and options.connect_to.host) or parsed.target.host
        with suppress(ValueError):  # a name, which may have addresses of any family
            if ip_address(host).version != options.family:
                raise InputError(f"-{options.family} contradicts {host}", "leave one of them out")


def _outputs(options: Options) -> list[Output]:
    """Return the configured outputs, and text on stdout unless another format goes there."""
    outputs = list(options.format)
    if not any(output.path is None for output in outputs):
        outputs.append(Output("text", None))
    return outputs


def _opened(output: Output, closing: ExitStack) -> TextIO | None:
    """Open the output's stream before the run.

    A wrong path is refused at once, and an old report isn't taken for this run's.
    """
    if output.path is None:
        return sys.stdout
    if output.path == f"{STREAMS}2":
        return sys.stderr
    try:
        if output.path.startswith(STREAMS):
            copy = os.dup(int(output.path.removeprefix(STREAMS)))
            return closing.enter_context(os.fdopen(copy, "w", encoding="utf-8", newline="\n"))
        mode: Literal["a", "w"] = "a" if _is_job_summary(output.path) else "w"
        # Pathlib costs every run 10 ms
        return closing.enter_context(open(output.path, mode, encoding="utf-8", newline="\n"))  # noqa: PTH123
    except OSError as error:
        hint = "give a file that this user may write"
        if error.errno == errno.ENOENT:
            hint = "does its folder exist?"
        raise InputError(
            f"can't write to {visible(output.path)}: {visible(error.strerror or '')}", hint
        ) from None


def _is_job_summary(path: str) -> bool:
    """Return whether a file is GitHub Actions' job summary, to which each command adds."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return bool(summary) and os.path.realpath(path) == os.path.realpath(summary or "")


def _check(
    jobs: Sequence[Job],
    options: Options,
    started: float,
    outputs: Sequence[tuple[Output, TextIO | None]],
) -> int:
    # Bad input and --help mustn't pay for httpx and asyncio.
    from verify.checking.run import run, shown_url  # noqa: PLC0415
    from verify.formats import FORMATS  # noqa: PLC0415
    from verify.formats.lines import progress_line  # noqa: PLC0415
    from verify.formats.text import text as as_text  # noqa: PLC0415
    from verify.judging.report import exit_code  # noqa: PLC0415

    text_on_stderr = not options.quiet and not _lines_on_stderr(outputs)
    lost: dict[Output, str] = {}

    def write(output: Output, stream: TextIO | None, text: str) -> None:
        reason = _write(stream, text)
        if reason:
            lost[output] = reason

    def progress(job: Job, step: str, text: str) -> None:
        name = job.name or (job.parsed.target.authority if options.all else "")
        label = f"[{name}] " if name else ""
        if text_on_stderr:
            _write(sys.stderr, f"{label}{step:<8} {text}\n")
        for output, stream in outputs:
            if output.format == "jsonl":
                url = shown_url(job.parsed, options)
                write(output, stream, progress_line(url, step, text, name=job.name))

    reports: Sequence[Report]
    if options.watch:
        _refuse_unknown_program(options.watch.command)
        from verify.watching.watch import watch  # noqa: PLC0415

        reports = [watch(jobs[0].parsed, options, progress=partial(progress, jobs[0]))]
    else:
        reports = run(jobs, progress=progress, spent=time.monotonic() - started)
    coloured = partial(as_text, colour=True)
    for output, stream in outputs:
        takes_colour = output.format == "text" and _takes_colour(stream)
        form = coloured if takes_colour else FORMATS[output.format]
        write(output, stream, form(reports))
    _report_unwritten(lost)
    return exit_code(reports) or (ExitCode.UNWRITTEN if lost else ExitCode.PASSED)


def _report_unwritten(lost: Mapping[Output, str]) -> None:
    for output, reason in lost.items():
        path = visible(output.path or "stdout")
        _write(sys.stderr, f"verify: can't write {output.format} to {path}: {reason}\n")


def _lines_on_stderr(outputs: Sequence[tuple[Output, TextIO | None]]) -> bool:
    """Return whether lines of JSON are written to stderr, among which no other text may be."""
    return any(output.format == "jsonl" and stream is sys.stderr for output, stream in outputs)


def _takes_colour(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")


def _refuse_unknown_program(command: Sequence[str]) -> None:
    from shutil import which  # noqa: PLC0415 — for watching only

    if command and which(command[0]) is None:
        raise InputError(
            f"there is no program '{visible(command[0], 60)}'",
            "what follows -- is run without a shell",
        )


def _read(options: Options) -> bytes:
    """Read the text that names the target, from the argument or from stdin."""
    if options.target not in (None, "-"):
        return os.fsencode(options.target or "")
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "no target", build_parser(WATCH if options.watch else CHECK).format_usage().strip()
        )
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _targets(raw: bytes, options: Options) -> tuple[Parsed, ...]:
    found = read_targets(
        raw,
        several=options.all,
        output_name=options.output_name,
        scheme=options.scheme,
        port=options.port,
        path=options.path,
    )
    if options.proxy is None:
        return found
    note = (
        f"every request goes through the proxy {HostPort(options.proxy.host, options.proxy.port)}"
    )
    return tuple(parsed._replace(notes=(*parsed.notes, note)) for parsed in found)


def _write(stream: TextIO | None, text: str) -> str:
    """Write and flush; return the reason of a failure, or an empty text.

    A reader that closed the pipe (`verify | head`) is no failure.
    """
    if stream is None:
        return ""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # What is still in the buffer would fail again when the stream is closed.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        if isinstance(error, BrokenPipeError):
            return ""
        return visible(error.strerror or type(error).__name__)
    return ""
