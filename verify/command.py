"""A command line from its words to an exit code: read the target, run the check, report."""

import errno
import io
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Literal, TextIO

from verify.checking.job import Job
from verify.cli.parser import has_json_on_stderr, read_command_line, share_an_output
from verify.errors import InputError
from verify.escaping import visible
from verify.exit_codes import ExitCode
from verify.jobs import find_jobs
from verify.options.groups import Options
from verify.options.values import STREAMS, Output
from verify.streams import write

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
        line = read_command_line(arguments)
        jobs, mistakes = find_jobs(line)
        with ExitStack() as closing:
            outputs = _opened_outputs(line.options, closing, mistakes)
            if mistakes:
                return _refuse(mistakes, line.options, outputs)
            return _check(jobs, line.options, started, outputs)
    except SystemExit:  # after --help or --version
        return ExitCode.PASSED
    # The last line of defence: a bug has its own exit code
    except Exception as error:  # noqa: BLE001
        if "--debug" in arguments:
            import traceback  # noqa: PLC0415 — costs every run 10 ms, and is for bugs

            traceback.print_exc()
        name = type(error).__name__
        write(
            sys.stderr,
            f"verify: internal error ({name}), please report it; --debug shows more\n",
        )
        return ExitCode.INTERNAL


def _outputs(options: Options) -> list[Output]:
    """Return the configured outputs, and text on stdout unless another format goes there."""
    outputs = list(options.format)
    if not any(output.path is None for output in outputs):
        outputs.append(Output("text", None))
    return outputs


def _opened_outputs(
    options: Options, closing: ExitStack, mistakes: list[InputError]
) -> list[tuple[Output, TextIO | None]]:
    """Open every output; one that can't be opened is one more mistake."""
    opened: list[tuple[Output, TextIO | None]] = []
    if share_an_output(options.format):
        return opened
    for output in _outputs(options):
        try:
            opened.append((output, _opened(output, closing)))
        except InputError as error:
            mistakes.append(error)
    return opened


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


def _refuse(
    mistakes: Sequence[InputError],
    options: Options,
    outputs: Sequence[tuple[Output, TextIO | None]],
) -> int:
    """Report mistakes in the input, for people on stderr and in the format of each output."""
    if not has_json_on_stderr(options):
        write(sys.stderr, _listed(mistakes))
    lost: dict[Output, str] = {}
    for output, stream in outputs:
        if output.format == "text" and stream in (sys.stdout, sys.stderr):
            continue
        from verify.formats.mistakes import MISTAKES  # noqa: PLC0415 — for few

        form = MISTAKES.get(output.format, _listed)
        reason = write(stream, form(mistakes))
        if reason:
            lost[output] = reason
    _report_unwritten(lost)
    return ExitCode.USAGE


def _listed(mistakes: Sequence[InputError]) -> str:
    """Return mistakes for people, with the same hint once for those in a row that share it."""
    text = ""
    for number, mistake in enumerate(mistakes):
        text += f"verify: {mistake.problem}\n"
        following = mistakes[number + 1 : number + 2]
        if not following or following[0].hint != mistake.hint:
            text += f"  {mistake.hint}\n"
    return text


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

    text_on_stderr = not options.quiet and not has_json_on_stderr(options)
    lost: dict[Output, str] = {}

    def report(output: Output, stream: TextIO | None, text: str) -> None:
        reason = write(stream, text)
        if reason:
            lost[output] = reason

    def progress(job: Job, step: str, text: str) -> None:
        name = job.name or (job.parsed.target.authority if options.all else "")
        label = f"[{name}] " if name else ""
        if text_on_stderr:
            write(sys.stderr, f"{label}{step:<8} {text}\n")
        for output, stream in outputs:
            if output.format == "jsonl":
                url = shown_url(job.parsed, options)
                report(output, stream, progress_line(url, step, text, name=job.name))

    reports: Sequence[Report]
    if options.watch:
        from verify.watching.watch import watch  # noqa: PLC0415

        reports = [watch(jobs[0].parsed, options, progress=partial(progress, jobs[0]))]
    else:
        reports = run(jobs, progress=progress, spent=time.monotonic() - started)
    coloured = partial(as_text, colour=True)
    for output, stream in outputs:
        takes_colour = output.format == "text" and _takes_colour(stream)
        form = coloured if takes_colour else FORMATS[output.format]
        report(output, stream, form(reports))
    _report_unwritten(lost)
    return exit_code(reports) or (ExitCode.UNWRITTEN if lost else ExitCode.PASSED)


def _report_unwritten(lost: Mapping[Output, str]) -> None:
    for output, reason in lost.items():
        path = visible(output.path or "stdout")
        write(sys.stderr, f"verify: can't write {output.format} to {path}: {reason}\n")


def _takes_colour(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that shows colours; https://no-color.org."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()
