"""Runs the Pulumi CLI with the local AWS as provider and a state backend on this machine.

Configuration and state of the other stacks (dev, prod) stay untouched.
"""

from __future__ import annotations

import argparse
import os
import pwd
import re
import shutil
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from localaws.cli import early_host, pulumi_home
from localaws.cli.pulumi_state import StackState
from localaws.daemon.file_permissions import UMASK
from localaws.machine.files import write_atomically
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from localaws.daemon.state_directory import Address, StateDirectory

DEFAULT_STACK = "local"

_WRITES_CONFIG = frozenset(
    {
        *("up", "update", "preview", "pre", "refresh"),
        *("destroy", "down", "dn", "import", "watch"),
    }
)
"""Commands that add an encryption salt to the stack's configuration file; they get a copy of it."""

_CHECKS_TYPES = frozenset({"up", "update", "preview", "pre", "watch"})
"""Commands that the CLI refuses if a value in the stack's file has another type than declared."""

_RUNS_PROGRAM = frozenset({"up", "update", "preview", "pre"})
"""Commands that run the program, once or twice."""

_WANTS_STACK = _WRITES_CONFIG | {"config", "stack"}
"""Commands that need a stack to be there."""

_REFUSED_WHILE_LOCKED = _WRITES_CONFIG | {"stack"}
"""Commands that the CLI may refuse while a run has locked the stack."""

_OPTIONS_WITH_VALUE = (
    *("-C", "--cwd", "--color", "-v", "--verbose", "-s", "--stack"),
    *("--memprofilerate", "--otel-traces", "--profiling", "--tracing"),
)

_REMOVES = ("rm", "remove", "delete")
"""Subcommands of `stack` that also delete the stack's configuration file."""

_KEEP_FILE = "--preserve-config"
"""The option by which they keep it."""

_CREATES = frozenset({"new", "init", "create", "setup", "select", "ls", "list"})
"""Subcommands of `stack` that can create a stack or concern all of them."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
"""A name that Pulumi allows for a project and a stack; the CLI reports others."""


class BadConfig(UserError):  # noqa: N818 — it is the file that is bad
    """A stack's configuration file can't be read; the message says why and what to do."""


class NoSuchUser(UserError):  # noqa: N818 — names the finding
    """The CLI can't find out who runs it; the message says what to do."""


class NoSpace(UserError):  # noqa: N818 — names the finding
    """The state directory has no room for what a run writes; the message says what to do."""


class NoCli(UserError):  # noqa: N818 — names the finding
    """There is no Pulumi CLI."""


_LEAST_SPACE = 4 * 1024 * 1024
"""Bytes that a run needs at least: it writes 0.4 MB with one service, and logs come on top."""

_STATES_WRITTEN = 8
"""How often a run may write its state in full: Pulumi keeps the state before and after each
operation, a backup and a copy in its history, and the local AWS its own records of about that size.
"""


def run(
    directory: StateDirectory, address: Address, command: str, arguments: Sequence[str]
) -> NoReturn:
    """Become `pulumi ARGUMENTS`.

    Raises:
        NoCli: There is no Pulumi CLI to become.
        BadState: Pulumi's state is damaged beyond repair.
        DaemonFailed: The local AWS doesn't answer.
        BadConfig: The stack's configuration file can't be read.
        NoSpace: The state directory is nearly full.
    """
    cli = executable()
    if command in _WANTS_STACK:
        # For the state, which the CLI writes: with its empty passphrase its secrets are readable.
        os.umask(UMASK)
    environment = _environment(directory, address, os.environ)
    early = _early_host(command, cli, directory, environment)
    options = given(arguments)
    stack = (options.stack or environment["PULUMI_STACK"]).rsplit("/", 1)[-1]
    chosen = list(arguments)
    state = _state(directory, stack) if command in _WANTS_STACK | {"cancel"} else None
    if state is not None:
        if command in _WRITES_CONFIG:
            check_space(directory, state)
        state.repair(_print_message, partial(_discard_unrecorded, address))
        if command in _WANTS_STACK:
            _ensure_stack(directory, state)
            if not state.file.exists() and not _may_create(chosen):
                _print_missing(directory, stack)
    if command in _WRITES_CONFIG and not options.config_file:
        copy = _config_copy(directory, stack, None if state is None else state.salt())
        chosen += ["--config-file", str(copy)]
    if state is not None:
        # Only now: what the copy is refused for isn't printed twice.
        _print_causes(directory, state, command, options.config_file)
    if command == "stack":
        chosen = _keeping_stack_file(chosen)
    if command == "install" and "--no-plugins" not in chosen:
        # It ignores the variable that keeps others from downloading the real plugins.
        chosen.append("--no-plugins")
    environment |= early.variables() if early else {}
    sys.stdout.flush()
    os.execve(cli, ["pulumi", *chosen], environment)  # noqa: S606 — it replaces this process


def positions(arguments: Sequence[str]) -> Iterator[int]:
    """Yield the index of each argument that is neither an option nor the value of one."""
    is_value = False
    for index, argument in enumerate(arguments):
        if not is_value and not argument.startswith("-"):
            yield index
        is_value = not is_value and argument in _OPTIONS_WITH_VALUE


def _keeping_stack_file(arguments: Sequence[str]) -> list[str]:
    """Add the option by which `stack rm` keeps the stack's configuration file.

    The file belongs to the project, as do those of its stacks on AWS; here only the state is
    removed.
    """
    chosen = list(arguments)
    words = list(positions(chosen))
    removes = len(words) > 1 and chosen[words[1]] in _REMOVES
    if removes and not any(each.startswith(_KEEP_FILE) for each in chosen):
        chosen.insert(words[1] + 1, _KEEP_FILE)
    return chosen


def given(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the CLI's options that matter here, at any position and in every spelling."""
    parser = argparse.ArgumentParser(
        prog="pulumi-local",
        usage="pulumi-local [-C FOLDER] COMMAND [-s STACK] [ARGUMENT]...",
        add_help=False,
        allow_abbrev=False,
    )
    parser.add_argument("-C", "--cwd", type=Path, default=Path())
    parser.add_argument("-s", "--stack")
    parser.add_argument("--config-file")
    return parser.parse_known_args(arguments)[0]


def check_user(command: str | None) -> None:
    """Refuse a user that the CLI can't look up, before anything is started.

    A container that was started with its own user ID has such a user. Whether the CLI accepts
    it depends on how the CLI was built, so this tries a command that needs the user only.

    Raises:
        NoSuchUser: The CLI can't look the user up.
        NoCli: There is no Pulumi CLI.
    """
    uid, gid = os.getuid(), os.getgid()
    if command not in _WANTS_STACK or _in_passwd(uid):
        return
    import tempfile  # noqa: PLC0415 — rarely needed, and each command waits for imports

    with tempfile.TemporaryDirectory() as backend:
        asked = ask(
            "whoami",
            "--non-interactive",
            environment={
                **os.environ,
                "PULUMI_BACKEND_URL": Path(backend).as_uri(),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
        )
    reason = asked.stderr.strip()
    if "unknown userid" in reason:
        home = os.environ.get("HOME", "/")
        raise NoSuchUser(
            f"user ID {uid} isn't in /etc/passwd, where this `pulumi` looks its user up. Add a "
            f"line as root, in the container's image for example: `echo 'pulumi:x:{uid}:{gid}::"
            f"{home}:/bin/sh' >> /etc/passwd`. Or run this as a user who has one"
        )
    if "user: Current requires" in reason:
        raise NoSuchUser(
            f"user ID {uid} isn't in /etc/passwd, so `pulumi` needs the environment variables "
            "USER and HOME: set them to any name and to a folder that this user can write to"
        )


def _in_passwd(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def ask(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the CLI to its end, without input, and return what it printed.

    Raises:
        NoCli: There is no Pulumi CLI.
    """
    return subprocess.run(  # noqa: S603 — the CLI that set-up linked, or that on PATH
        [executable(), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def executable() -> str:
    """Return the path of the CLI that set-up linked beside this Python, else of that on PATH.

    Raises:
        NoCli: There is neither.
    """
    own = Path(sys.executable).parent
    found = shutil.which("pulumi", path=f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if found is None:
        raise NoCli(
            "there is no `pulumi`, neither beside this Python nor on PATH: run `make setup`"
        )
    return found


def _environment(
    directory: StateDirectory, address: Address, outside: Mapping[str, str]
) -> dict[str, str]:
    """Return the caller's environment, with the local AWS attached instead of the real provider."""
    directory.backend.mkdir(parents=True, exist_ok=True)
    return {
        "PULUMI_STACK": DEFAULT_STACK,
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **outside,
        "PULUMI_HOME": outside.get("PULUMI_HOME") or str(pulumi_home.prepared(directory)),
        "PULUMI_BACKEND_URL": directory.backend.as_uri(),
        "PULUMI_DIY_BACKEND_GZIP": "false",  # `pulumi_state` reads its files
        # The engine would download the real plugins, 700 MB, although it attaches to the daemon
        # instead.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_PROVIDERS": (
            f"aws:{address.aws_port},awsx:{address.awsx_port},"
            f"docker-build:{address.docker_build_port}"
        ),
    }


def _early_host(
    command: str, cli: str, directory: StateDirectory, environment: Mapping[str, str]
) -> early_host.EarlyHost | None:
    """Start a language host for a command that runs a program in Python."""
    runtime = (_project(directory) or {}).get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if command not in _RUNS_PROGRAM or language != "python":
        return None
    return early_host.start(cli, directory.project, environment)


def _state(directory: StateDirectory, stack: str) -> StackState | None:
    """Return where a stack's state is; None if the project has no name."""
    name = project_name(directory)
    return None if name is None else StackState(directory.backend, name, stack)


def _ensure_stack(directory: StateDirectory, state: StackState) -> None:
    """Create a missing stack that is the default one or has a configuration file.

    Any other name is probably misspelt, and the CLI reports it.
    """
    if state.stack != DEFAULT_STACK and not _config_file(directory, state.stack).exists():
        return
    if _NAME.fullmatch(state.project) and _NAME.fullmatch(state.stack):
        state.create()


def check_space(directory: StateDirectory, state: StackState) -> None:
    """Refuse a run for which the state directory has no room.

    With a full disk Pulumi tries to write its state again for a minute or two without a word, and
    then leaves a part of the stack.

    Raises:
        NoSpace: It has too little.
    """
    written = _STATES_WRITTEN * state.file.stat().st_size if state.file.exists() else 0
    needed = max(_LEAST_SPACE, written)
    total, _, free = shutil.disk_usage(directory.path)
    if total > 0 and free < needed:  # some file systems have no size
        raise NoSpace(
            f"{directory.path} has {_mebibytes(free)} left, and a run may write "
            f"{_mebibytes(needed)} there, most of it Pulumi's state. Free some space there, and "
            "run the same command again"
        )


def _mebibytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"


def _may_create(arguments: Sequence[str]) -> bool:
    """Whether a command may create the stack, or concerns all of them."""
    words = [arguments[index] for index in positions(arguments)]
    return words[0] == "stack" and len(words) > 1 and words[1] in _CREATES


def _print_missing(directory: StateDirectory, stack: str) -> None:
    """Name the stacks that have a file, for one that has neither a file nor a state."""
    if not _config_file(directory, stack).exists():
        # Brings YAML, and is rarely needed.
        from localaws.stack_files import missing  # noqa: PLC0415

        _print_message(missing(directory.project, stack))


def _print_causes(
    directory: StateDirectory, state: StackState, command: str, another_file: str | None
) -> None:
    """Print why the CLI may refuse a command, where its own message says less.

    Of a flaw in a stack's file it leaves out the file's name. It decides whether to refuse the
    file: it reads some that are refused here. What it says of a lock names another command.
    """
    reads_file = another_file is None and command in _WANTS_STACK
    if reads_file and _config_file(directory, state.stack).exists():
        # Brings YAML, as the project's name does
        from localaws.stack_files import BadStackFile, read_config, wrong_types  # noqa: PLC0415

        try:
            config = read_config(directory.project, state.stack)
            if command in _CHECKS_TYPES:
                for flaw in wrong_types(_project(directory) or {}, config):
                    _print_message(f"Pulumi.{state.stack}.yaml: {flaw}")
        except BadStackFile as flaw:
            _print_message(str(flaw))
    if command in _REFUSED_WHILE_LOCKED:
        for notice in state.lock_notices():
            _print_message(notice)


def _config_file(directory: StateDirectory, stack: str) -> Path:
    return directory.project / f"Pulumi.{stack}.yaml"


def _config_copy(directory: StateDirectory, stack: str, salt: str | None) -> Path:
    """Copy the stack's configuration file, and add the salt of the state if it has none.

    Without a salt the CLI would make another one in each run. The salt that it added to an earlier
    copy isn't kept: only a state has secrets that need it, and the file may have dropped its own.
    """
    source = _config_file(directory, stack)
    copy = directory.path / "config" / source.name
    try:
        text = source.read_text(encoding="utf-8") if source.exists() else ""
    except UnicodeDecodeError as error:
        raise BadConfig(f"{source} isn't UTF-8 text ({error}): save it in that encoding") from None
    _check_keys(source.name, re.findall(r"^([A-Za-z][\w-]*)\s*:", text, re.MULTILINE))
    if salt is not None and not re.search(r"^encryptionsalt: ", text, re.MULTILINE):
        text = f"{text.rstrip()}\nencryptionsalt: {salt}\n"
    write_atomically(copy, text.lstrip())
    return copy


def _discard_unrecorded(address: Address, urns: Sequence[str], recorded: Sequence[str]) -> None:
    # Brings gRPC, half a second
    from localaws.daemon.functions import DISCARD_UNRECORDED, call  # noqa: PLC0415

    call(address, DISCARD_UNRECORDED, {"urns": list(urns), "recorded": list(recorded)})


def _print_message(message: str) -> None:
    sys.stderr.write(f"pulumi-local: {message}\n")


def project_name(directory: StateDirectory) -> str | None:
    """Return the project's name; None if Pulumi.yaml has none, which the CLI then reports.

    Raises:
        BadConfig: A key is misspelt or missing without which the CLI would ignore what it is for.
    """
    document = _project(directory)
    if document is None:
        return None
    _check_keys("Pulumi.yaml", document)
    return str(document["name"])


def _project(directory: StateDirectory) -> dict[str, Any] | None:
    """Return the contents of Pulumi.yaml; None if it can't be read or has no name."""
    return _parsed((directory.project / "Pulumi.yaml").read_bytes())


@cache
def _parsed(text: bytes) -> dict[str, Any] | None:
    """Return the contents of a Pulumi.yaml; cached, because a run needs its name and its types."""
    import yaml  # noqa: PLC0415 — only needed when a run may have to make the stack

    # The loader in C takes a tenth of the time, but isn't everywhere.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(text, loader)  # noqa: S506 — both are safe
    except yaml.YAMLError:
        return None
    return document if isinstance(document, dict) and "name" in document else None


def _check_keys(file: str, names: Collection[object]) -> None:
    # Brings YAML, as the project's name does
    from localaws.stack_files import flaw_of_keys  # noqa: PLC0415

    flaw = flaw_of_keys(file, names)
    if flaw:
        raise BadConfig(flaw)
