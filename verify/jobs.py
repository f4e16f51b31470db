"""What a run checks: the targets of its input, or the checks of its plan, and their options."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from verify.checking.job import Job
from verify.cli.commands import CHECK, options_of, usage_of
from verify.cli.parser import CommandLine, add_planned, given_flags, has_json_on_stderr
from verify.cli.piped import MAX_BYTES, read_targets
from verify.errors import InputError, MistakesError, refuse
from verify.escaping import visible
from verify.options.groups import Options
from verify.options.target import Parsed
from verify.options.values import HostPort
from verify.streams import write

_READS_TARGET = {"target", "output_name", "scheme", "port", "path", "all"}
"""Attributes of the options that decide how the target is read."""

_SOON = 2.0
"""Seconds after which a line shows that stdin has not ended."""


class _Check(NamedTuple):
    """The options of one check, and in a plan its name and where it stands."""

    line: CommandLine
    name: str = ""
    location: str = ""


_Found = list[tuple[_Check, InputError]]
"""Mistakes, with the checks that they are in."""


def find_jobs(line: CommandLine) -> tuple[list[Job], list[InputError]]:
    """Return a job for each target, or for each check of a plan on its one target.

    With them come all mistakes in the options, the plan and the target. Once there are some, stdin
    isn't read: what is piped there may take its time.
    """
    mistakes = line.mistakes
    if line.options.watch:
        mistakes += _unknown_program(line.options.watch.command)
    checks = [_Check(line)]
    if line.options.plan is not None:
        checks, wrong = _planned(line, line.options.plan)
        mistakes += wrong
    if mistakes and line.options.target in (None, "-"):
        return [], mistakes
    try:
        raw = _read(line)
    except InputError as error:
        return [], [*mistakes, error]
    jobs: list[Job] = []
    found: _Found = []
    for check in checks:
        if check.line.broken & _READS_TARGET:
            continue
        options = check.line.options
        try:
            targets = _targets(raw, options)
            refuse(list(_contradictions(targets, options)))
        except InputError as error:
            found.append((check, error))
        except MistakesError as several:
            found += [(check, error) for error in several.mistakes]
        else:
            jobs += [Job(parsed, options, check.name) for parsed in targets]
    return jobs, [*mistakes, *_located(found, len(checks))]


def _planned(line: CommandLine, path: str) -> tuple[list[_Check], list[InputError]]:
    """Return the checks of a plan, and all mistakes in it."""
    from verify.cli.plan import read_plan  # noqa: PLC0415 — for few

    try:
        plan = read_plan(path)
    except InputError as error:
        return [], [error]
    known = {mistake.problem for mistake in line.contradictions}
    checks: list[_Check] = []
    found: _Found = []
    for planned in plan.checks:
        whole = add_planned(line, planned.given, planned.inherited)
        check = _Check(whole, planned.name, planned.location)
        checks.append(check)
        found += [(check, one) for one in whole.contradictions if one.problem not in known]
    return checks, [*plan.mistakes, *_located(found, len(checks))]


def _located(found: _Found, checks: int) -> list[InputError]:
    """Return mistakes with the locations of their checks.

    One that all checks have, such as an unusable target, comes once and without a location.
    """
    times = Counter(mistake.problem for _, mistake in found)
    located: dict[str, InputError] = {}
    for check, mistake in found:
        shared = checks > 1 and times[mistake.problem] == checks
        shown = mistake if shared else mistake.within(check.location)
        located[shown.problem] = shown
    return list(located.values())


def _contradictions(targets: Sequence[Parsed], options: Options) -> Iterator[InputError]:
    """Yield what the options contradict in the targets."""
    needs_https = [one for one in options_of(CHECK) if one.needs_https]
    if any(parsed.target.scheme == "http" for parsed in targets):
        for flag in given_flags(needs_https, options):
            hint = "give the URL with https://, or --scheme https"
            yield InputError(f"{flag} needs an https target", hint)
    if not options.family or options.proxy:
        return
    for parsed in targets:
        host = parsed.target.host
        if options.connect_to is not None and options.connect_to.host:
            host = options.connect_to.host
        with suppress(ValueError):  # a name, which may have addresses of any family
            if ip_address(host).version != options.family:
                yield InputError(f"-{options.family} contradicts {host}", "leave one of them out")


def _unknown_program(command: Sequence[str]) -> Iterator[InputError]:
    from shutil import which  # noqa: PLC0415 — for watching only

    if command and which(command[0]) is None:
        yield InputError(
            f"there is no program '{visible(command[0], 60)}'",
            "what follows -- is run without a shell",
        )


def _read(line: CommandLine) -> bytes:
    """Read the text that names the target, from the argument or from stdin."""
    target = line.options.target
    if target not in (None, "-"):
        return os.fsencode(target or "")
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("no target", usage_of(line.command))
    from threading import Timer  # noqa: PLC0415 — a target as argument needs none

    text = "parse    waiting for the target on stdin\n"
    notice = Timer(_SOON, write, (sys.stderr, text))
    notice.daemon = True
    if not line.options.quiet and not has_json_on_stderr(line.options):
        notice.start()
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    finally:
        notice.cancel()


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
