"""The command line: from words to the options of a run, read once and checked."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from verify.cli.commands import CHECK, WATCH, Command, options_of
from verify.cli.words import Given, read_words
from verify.errors import InputError, refuse
from verify.escaping import visible
from verify.options.declaration import Option
from verify.options.groups import Options, Watch, WatchOptions
from verify.options.values import STREAMS, Output

_MAX_CONFIG = 64 * 1024
"""Characters; more is no list of options."""


class CommandLine(NamedTuple):
    """The options of a run, and the mistakes in them."""

    command: Command
    program: tuple[str, ...]
    """What `verify watch` runs."""

    sources: tuple[Given, ...]
    """What gives the options; a later one counts more."""

    options: Options
    """An option whose value can't be used is as if it weren't given."""

    contradictions: tuple[InputError, ...]

    @property
    def mistakes(self) -> list[InputError]:
        """All mistakes, in the order of the sources."""
        found: list[InputError] = []
        for source in self.sources:
            found += source.mistakes
        return [*found, *self.contradictions]

    @property
    def broken(self) -> set[str]:
        """Attributes of the options whose values can't be used."""
        return _broken(self.sources)


def parse_options(arguments: Sequence[str]) -> Options:
    """Return the options of a command line.

    Raises:
        InputError: An option is unknown, its value can't be used, or it contradicts another.
        MistakesError: There are several such mistakes.
        SystemExit: `--help` or `--version` was given, and has been printed.
    """
    line = read_command_line(arguments)
    refuse(line.mistakes)
    return line.options


def read_command_line(arguments: Sequence[str]) -> CommandLine:
    """Read the file of `--config`, the environment and the command line.

    Raises:
        SystemExit: `--help` or `--version` was given, and has been printed.
    """
    command = CHECK
    words = list(arguments)
    program = []
    if words[:1] == ["watch"]:
        command = WATCH
        end = words.index("--") if "--" in words else len(words)
        words, program = words[1:end], words[end + 1 :]
    own = read_words(words, command)
    if "--" in arguments and command is WATCH and not program:
        own.refuse("no command follows --", "name the command to watch, or leave -- out")
        own.broken.add("command")
    if len(own.operands) > 1:
        own.refuse("more than one target", f"`{command.prog} --help` lists the options")
        own.broken.add("target")
    environment = os.environ.get("VERIFY_OPTIONS", "")
    sources = [_read_text(environment, command, "VERIFY_OPTIONS"), own]
    for source in reversed(sources):
        if "config" in source.values:
            sources.insert(0, _read_config(source.values["config"][-1], command))
            break
    return _combined(command, program, sources)


def add_planned(line: CommandLine, own: Given, defaults: Given) -> CommandLine:
    """Return a command line with the options of a plan's check.

    The check's options count more than the command line's, and the plan's defaults less.
    """
    return _combined(line.command, line.program, [defaults, *line.sources, own])


def _read_config(path: str, command: Command) -> Given:
    shown = visible(path)
    try:
        # Pathlib costs every run 10 ms
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            text = file.read(_MAX_CONFIG)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        given = Given()
        given.refuse(
            f"can't read options from the file {shown}: {visible(str(reason))}",
            "give a file of text",
        )
        return given
    return _read_text(text, command, shown)


def _read_text(text: str, command: Command, location: str) -> Given:
    """Read options that are quoted as in a shell."""
    if not text.strip():
        return Given()
    import shlex  # noqa: PLC0415 — for few

    given = Given()
    try:
        given = read_words(shlex.split(text, comments=True), command)
    except ValueError as error:
        given.refuse(f"no options: {visible(str(error))}", "they are quoted as in a shell")
    if given.operands:
        given.refuse("a word is no option", "write options there, and give the target as always")
        given.operands.clear()
    given.mistakes = [mistake.within(location) for mistake in given.mistakes]
    return given


def _combined(command: Command, program: Sequence[str], sources: Sequence[Given]) -> CommandLine:
    values = _values(command, sources)
    watch = None
    if command is WATCH:
        watching = {name: values.pop(name) for name in WatchOptions.names()}
        bounds = {watching["max_errors"], watching["min_availability"], watching["max_outage"]}
        if bounds == {None}:
            watching["max_errors"] = 0
        watch = Watch(**watching, command=tuple(program))
        values = {**_values(CHECK, ()), **values}  # watching has no option for some
    options = Options(**values, watch=watch)
    return CommandLine(
        command,
        tuple(program),
        tuple(sources),
        options,
        tuple(_contradictions(options, _broken(sources))),
    )


def _values(command: Command, sources: Sequence[Given]) -> dict[str, Any]:
    """Return the value of each option: the last one given, or all of a repeatable one."""
    operands: list[str] = []
    for source in sources:
        operands += source.operands
    values: dict[str, Any] = {"target": operands[0] if operands else None}
    for option in options_of(command):
        given: list[Any] = []
        for source in sources:
            given += source.values.get(option.name, ())
        if not given:
            values[option.name] = option.unset
        else:
            values[option.name] = tuple(given) if option.repeatable else given[-1]
    return values


def _broken(sources: Sequence[Given]) -> set[str]:
    found: set[str] = set()
    for source in sources:
        found |= source.broken
    return found


def _contradictions(options: Options, broken: set[str]) -> Iterator[InputError]:
    """Yield the options that contradict each other; those that can't be used are left out."""
    yield from _contradictory_requests(options, broken)
    if options.watch:
        yield from _contradictory_ends(options.watch, broken)
    if share_an_output(options.format):
        yield InputError(
            "two formats for one output", "give each its own file: --format json=report.json"
        )
    if options.plan is not None and options.all:
        yield InputError(
            "--all and --plan contradict each other", "a plan has checks of one target"
        )
    needs_time = [one for one in options_of(CHECK) if one.needs_time]
    too_long = given_flags(needs_time, options)
    if options.deadline == 0 and too_long:
        yield InputError(
            "--deadline 0 is a single attempt",
            f"give the run time, or drop what needs more: {', '.join(too_long)}",
        )


def share_an_output(outputs: Sequence[Output]) -> bool:
    """Return whether two outputs are written to the same file or stream."""
    paths = [output.path and os.path.realpath(output.path) for output in outputs]
    return len(set(paths)) < len(paths)


def has_json_on_stderr(options: Options) -> bool:
    """Return whether lines of JSON are written to stderr, among which no other text may be."""
    return Output("jsonl", f"{STREAMS}2") in options.format


def _contradictory_requests(options: Options, broken: set[str]) -> Iterator[InputError]:
    if options.data is not None and options.json is not None:
        yield InputError("--data and --json contradict each other", "a request has one body")
    if not broken & {"cert", "key"}:
        if options.key and not options.cert:
            yield InputError("--key needs --cert", "give the certificate that the key belongs to")
        if options.cert:
            from verify.options.client_certificate import load  # noqa: PLC0415 — costs 20 ms, and is for few

            try:
                load(options.cert, options.key)
            except InputError as error:
                yield error
    if options.proxy:
        for flag in given_flags([one for one in options_of(CHECK) if one.needs_direct], options):
            reason = "only the proxy connects to the service"
            if flag == "--closed":
                reason = "it connects without the proxy"
            yield InputError(f"{flag} contradicts --proxy: {reason}", "leave one of them out")


def _contradictory_ends(watch: Watch, broken: set[str]) -> Iterator[InputError]:
    if watch.until_exit and not watch.command and "command" not in broken:
        yield InputError(
            "--until-exit needs a command", "write it last: verify watch --until-exit -- COMMAND"
        )
    ends = (watch.lasting is not None, watch.until_file is not None, bool(watch.command))
    if ends.count(True) > 1:
        yield InputError(
            "--for, --until-file and a command contradict each other", "give one end to the watch"
        )


def given_flags(candidates: Sequence[Option[Any]], options: Options) -> list[str]:
    """Return the names of those of some options that were given."""
    return [option.flags[-1] for option in candidates if getattr(options, option.name)]
