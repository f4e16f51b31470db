"""What `pulumi-local` hands to the CLI; that the CLI then works is shown by the engine tests."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localaws.cli import logs, pulumi_command, pulumi_state
from localaws.cli import main as cli
from localaws.cli.pulumi_state import StackState
from localaws.daemon.state_directory import Address, StateDirectory
from localaws.machine.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

ADDRESS = Address(pid=1, aws_port=11, awsx_port=12, docker_build_port=13, code="c")
FAKE_CLI = """#!/bin/sh
for word; do echo "$word"; done
"""


@pytest.fixture
def directory(tmp_path: Path) -> StateDirectory:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return StateDirectory.of(tmp_path, {})


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["up", "--yes"], "up"),
        (["-C", "x", "preview"], "preview"),
        (["--cwd=x", "stack", "output"], "stack"),
        (["--color", "never", "logs"], "logs"),
        (["--help"], None),
        ([], None),
        (["-C"], None),
    ],
)
def test_the_command_is_found_behind_global_options(
    arguments: list[str], command: str | None
) -> None:
    assert cli._command(arguments) == command


@pytest.mark.parametrize(
    ("arguments", "stack"),
    [
        (["up", "-s", "a"], "a"),
        (["up", "-sa"], "a"),
        (["up", "--stack=b"], "b"),
        (["up", "--show-sames"], None),
    ],
)
def test_an_options_value_is_found_in_every_spelling(
    arguments: list[str], stack: str | None
) -> None:
    assert pulumi_command.given(arguments).stack == stack


@pytest.mark.parametrize(
    "arguments", [["-C", "x", "up"], ["up", "-C", "x"], ["up", "-Cx"], ["stack", "--cwd=x", "ls"]]
)
def test_the_folder_is_found_on_both_sides_of_the_command(arguments: list[str]) -> None:
    assert pulumi_command.given(arguments).cwd == Path("x")


@pytest.mark.parametrize(
    "arguments", [["-C", "{}", "logs", "--no-follow"], ["logs", "--no-follow", "-C", "{}"]]
)
def test_our_own_commands_take_the_folder_on_both_sides_too(
    directory: StateDirectory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    monkeypatch.delenv("LOCALAWS_HOME", raising=False)
    (directory.logs / "group").mkdir(parents=True)
    (directory.logs / "group" / "task").write_text("hello\n")
    assert cli.main([argument.format(directory.project) for argument in arguments]) == 0
    assert capsys.readouterr().out == "task | hello\n"


def test_logs_that_nothing_writes_any_more_are_followed_with_a_notice(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALAWS_HOME", raising=False)
    followed = []
    monkeypatch.setattr(logs, "follow", lambda *_, forever: followed.append(forever))
    assert cli.main(["-C", str(directory.project), "logs"]) == 0
    assert "nothing new comes until `pulumi-local up` starts it" in capsys.readouterr().err
    assert followed == [True]


def test_the_engine_is_sent_to_the_daemon_and_its_state_stays_here(
    directory: StateDirectory,
) -> None:
    environment = pulumi_command._environment(
        directory,
        ADDRESS,
        {
            "PULUMI_BACKEND_URL": "s3://team",
            "PULUMI_DIY_BACKEND_GZIP": "true",
            "PULUMI_HOME": "/pulumi",
        },
    )
    assert environment["PULUMI_DEBUG_PROVIDERS"] == "aws:11,awsx:12,docker-build:13"
    assert environment["PULUMI_BACKEND_URL"] == directory.backend.as_uri()
    assert environment["PULUMI_DIY_BACKEND_GZIP"] == "false", "the state is read here, too"
    assert environment["PULUMI_STACK"] == "local"
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true", (
        "the real provider is a large download"
    )


def test_the_callers_stack_and_folder_win_over_ours(directory: StateDirectory) -> None:
    outside = {"PULUMI_STACK": "dev", "PULUMI_HOME": "/pulumi"}
    environment = pulumi_command._environment(directory, ADDRESS, outside)
    assert {name: environment[name] for name in outside} == outside
    assert not (directory.path / "pulumi").exists()


def test_the_cli_has_a_folder_in_the_state_directory(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(directory.path / "user"))
    environment = pulumi_command._environment(directory, ADDRESS, {})
    assert environment["PULUMI_HOME"] == str(directory.path / "pulumi")


def salted(directory: StateDirectory, salt: str) -> StackState:
    """Return the stack `dev` as a run left it that encrypted by this salt."""
    state = StackState(directory.backend, "p", "dev")
    state.file.parent.mkdir(parents=True)
    secrets = {"type": "passphrase", "state": {"salt": salt}}
    state.file.write_text(json.dumps({"checkpoint": {"latest": {"secrets_providers": secrets}}}))
    return state


def test_the_configuration_copy_follows_the_file_and_has_the_salt_of_the_state(
    directory: StateDirectory,
) -> None:
    source = directory.project / "Pulumi.dev.yaml"
    for number in (1, 2):
        source.write_text(f"config:\n  p:a: {number}\n")
        copy = pulumi_command._config_copy(directory, "dev", "v1:abc:d")
        assert copy.read_text() == f"config:\n  p:a: {number}\nencryptionsalt: v1:abc:d\n"
    assert source.read_text() == "config:\n  p:a: 2\n"


def test_a_salt_of_the_files_own_is_used(directory: StateDirectory) -> None:
    (directory.project / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:own\n")
    copy = pulumi_command._config_copy(directory, "dev", "v1:old")
    assert copy.read_text() == "encryptionsalt: v1:own\n"


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize("of_state", [None, "v1:abc:d"])
def test_a_salt_that_the_file_no_longer_has_is_not_kept(
    directory: StateDirectory, tmp_path: Path, of_state: str | None
) -> None:
    source = directory.project / "Pulumi.dev.yaml"
    source.write_text("config: {}\n")
    copy = directory.path / "config" / "Pulumi.dev.yaml"
    copy.parent.mkdir(parents=True)
    copy.write_text("config:\n  p:a:\n    secure: v1:x\nencryptionsalt: v1:other\n")
    if of_state is not None:
        salted(directory, of_state)
    passed(directory, tmp_path, "preview", "-s", "dev")
    added = "" if of_state is None else f"encryptionsalt: {of_state}\n"
    assert copy.read_text() == f"config: {{}}\n{added}"


def test_a_state_without_a_passphrase_has_no_salt(directory: StateDirectory) -> None:
    state = salted(directory, "v1:abc:d")
    assert state.salt() == "v1:abc:d"
    for text in ('{"checkpoint": {"stack": "a/p/dev"}}', '{"checkpoint": {"latest": {}}}'):
        state.file.write_text(text)
        assert state.salt() is None
    state.file.unlink()
    assert state.salt() is None


def test_a_stack_without_a_file_gets_an_empty_configuration(directory: StateDirectory) -> None:
    assert not pulumi_command._config_copy(directory, "mine", None).read_text()


def run_pulumi(
    directory: StateDirectory, command: str, arguments: Sequence[str], setting: str = ""
) -> subprocess.CompletedProcess[str]:
    """Become the CLI in another process, after the Python code `setting`."""
    code = (
        "from pathlib import Path; from localaws.cli.main import pulumi_command as c;"
        "from localaws.daemon.state_directory import Address, StateDirectory;"
        f"{setting}"
        f"directory = StateDirectory.of(Path({str(directory.project)!r}), {{}});"
        f"c.run(directory, Address(1, 11, 12, 'c'), {command!r}, {list(arguments)!r})"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def fake_cli(folder: Path) -> Path:
    """Write a CLI that prints its arguments."""
    fake = folder / "bin" / "pulumi"
    fake.parent.mkdir()
    fake.write_text(FAKE_CLI)
    fake.chmod(0o755)
    return fake


def passed(
    directory: StateDirectory,
    tmp_path: Path,
    command: str,
    *more: str,
    arguments: Sequence[str] = (),
) -> list[str]:
    """Return what the CLI is started with, by the command and more, or by all arguments."""
    fake = fake_cli(tmp_path)
    given = arguments or [command, *more]
    ran = run_pulumi(directory, command, given, f"c.executable = lambda: {str(fake)!r};")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_a_configuration_file_that_is_not_utf_8_is_named_with_what_to_do(
    directory: StateDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = directory.project / "Pulumi.dev.yaml"
    source.write_bytes("config:\n  p:a: Zürich\n".encode("latin-1"))
    monkeypatch.setattr(sys, "argv", ["pulumi-local"])
    monkeypatch.setattr(cli, "main", lambda _: pulumi_command._config_copy(directory, "dev", None))
    with pytest.raises(SystemExit, match="1"):
        cli.entry_point()
    assert f"pulumi-local: {source} isn't UTF-8 text" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "filename", "printed"),
    [
        (
            errno.EROFS,
            "/x/daemon.log",
            (
                "/x/daemon.log: Read-only file system. Set LOCALAWS_HOME to a folder that this "
                "user can write to"
            ),
        ),
        (
            errno.ENOSPC,
            None,
            (
                "[Errno 28] No space left on device. Free some space there, and run the same "
                "command again"
            ),
        ),
        (errno.ENOTDIR, "/x", "/x: Not a directory"),
    ],
)
def test_an_error_of_a_file_is_printed_with_what_to_do(
    number: int,
    filename: str | None,
    printed: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        raise OSError(number, os.strerror(number), filename)

    monkeypatch.setattr(cli, "main", fail)
    with pytest.raises(SystemExit, match="1"):
        cli.entry_point()
    assert capsys.readouterr().err == f"pulumi-local: {printed}\n"


def with_space(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch, *, state_kib: int, free_kib: int
) -> StackState:
    """Return a state of a size, in a state directory with so much space left."""
    state = StackState(directory.backend, "p", "local")
    if state_kib:
        state.file.parent.mkdir(parents=True)
        state.file.write_bytes(bytes(state_kib * 1024))
    usage = {directory.path: (10**9, 0, free_kib * 1024)}
    monkeypatch.setattr("shutil.disk_usage", usage.get)
    return state


@pytest.mark.parametrize(("state_kib", "needed"), [(0, "4.0"), (100, "4.0"), (1024, "8.0")])
def test_a_run_without_room_for_what_it_writes_is_refused(
    directory: StateDirectory,
    monkeypatch: pytest.MonkeyPatch,
    state_kib: int,
    needed: str,
) -> None:
    """Pulumi would try to write its state again for a minute or two without a word."""
    state = with_space(directory, monkeypatch, state_kib=state_kib, free_kib=3072)
    with pytest.raises(
        pulumi_command.NoSpace,
        match=rf"{directory.path} has 3\.0 MiB left, and a run may write {needed} MiB there, .*"
        "Free some space there",
    ):
        pulumi_command.check_space(directory, state)


@pytest.mark.parametrize(("state_kib", "free_kib"), [(0, 4096), (100, 4096), (1024, 8192)])
def test_a_run_with_room_for_what_it_writes_is_not_refused(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch, state_kib: int, free_kib: int
) -> None:
    state = with_space(directory, monkeypatch, state_kib=state_kib, free_kib=free_kib)
    pulumi_command.check_space(directory, state)


def test_a_file_system_without_a_size_has_room(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: (0, 0, 0))
    pulumi_command.check_space(directory, StackState(directory.backend, "p", "local"))


def run_until_the_cli(
    directory: StateDirectory, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run a command on stack `dev`, up to where this process becomes the CLI."""

    class Became(Exception):  # noqa: N818 — no error
        """This process is the CLI now."""

    def become(*_: object) -> None:
        raise Became

    monkeypatch.setattr(pulumi_command, "executable", lambda: "pulumi")
    monkeypatch.setattr(os, "umask", int)
    monkeypatch.setattr(os, "execve", become)
    with pytest.raises(Became):
        pulumi_command.run(directory, ADDRESS, command, [command, "-s", "dev"])


@pytest.mark.parametrize("command", ["preview", "config", "stack"])
def test_a_damaged_stack_file_is_named_with_its_line_before_the_cli_refuses_it(
    directory: StateDirectory,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (directory.project / "Pulumi.dev.yaml").write_text("config:\n\tp:a: 1\n")
    run_until_the_cli(directory, command, monkeypatch)
    assert capsys.readouterr().err == (
        "pulumi-local: Pulumi.dev.yaml, line 2: found character '\\t' that cannot start any token; "
        "correct its YAML there\n"
    )


@pytest.mark.parametrize(("command", "named"), [("up", True), ("refresh", False)])
def test_wrong_types_are_named_with_the_file_before_the_cli_refuses_one(
    directory: StateDirectory,
    command: str,
    named: bool,  # noqa: FBT001 — a case
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (directory.project / "Pulumi.yaml").write_text(
        "name: p\nruntime: python\nconfig: { a: { type: integer }, b: { type: boolean } }\n"
    )
    (directory.project / "Pulumi.dev.yaml").write_text("config: { p:a: 5s, p:b: yes }\n")
    run_until_the_cli(directory, command, monkeypatch)
    printed = (
        'pulumi-local: Pulumi.dev.yaml: p:a: "5s"; allowed: a whole number, without a unit\n'
        'pulumi-local: Pulumi.dev.yaml: p:b: "yes"; allowed: true or false\n'
    )
    assert capsys.readouterr().err == (printed if named else "")


@pytest.mark.parametrize("text", [b"confg:\n  p:a: 1\n", b"config:\n  p:a: \xff\n"])
def test_what_is_refused_in_a_stack_file_is_not_printed_before(
    directory: StateDirectory,
    text: bytes,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (directory.project / "Pulumi.dev.yaml").write_bytes(text)
    monkeypatch.setattr(pulumi_command, "executable", lambda: "pulumi")
    monkeypatch.setattr(os, "umask", int)
    with pytest.raises(pulumi_command.BadConfig):
        pulumi_command.run(directory, ADDRESS, "preview", ["preview", "-s", "dev"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("key", ["confg", "runtim"])
def test_a_misspelt_key_at_the_top_of_the_projects_file_is_refused(
    directory: StateDirectory, key: str
) -> None:
    (directory.project / "Pulumi.yaml").write_text(f"name: p\n{key}: {{}}\n")
    with pytest.raises(
        pulumi_command.BadConfig, match=rf"^Pulumi\.yaml: {key}, which Pulumi ignores"
    ):
        pulumi_command.project_name(directory)


def test_a_misspelt_key_at_the_top_of_a_stack_file_is_refused(directory: StateDirectory) -> None:
    (directory.project / "Pulumi.dev.yaml").write_text("confg:\n  config: 1\n")
    with pytest.raises(pulumi_command.BadConfig, match=r"^Pulumi\.dev\.yaml: confg, which Pulumi"):
        pulumi_command._config_copy(directory, "dev", None)


def test_a_copy_that_is_not_utf_8_is_replaced(directory: StateDirectory) -> None:
    (directory.project / "Pulumi.dev.yaml").write_text("config: {}\n")
    copy = pulumi_command._config_copy(directory, "dev", None)
    copy.write_bytes(b"config: {}\nencryptionsalt: \xff\n")
    assert pulumi_command._config_copy(directory, "dev", None).read_text() == "config: {}\n"


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize("command", ["preview", "config", "down", "dn"])
def test_a_new_stack_is_made_without_touching_the_projects_files(
    directory: StateDirectory, tmp_path: Path, command: str
) -> None:
    (directory.project / "Pulumi.dev.yaml").write_text("config: {}\n")
    before = sorted(path.name for path in directory.project.iterdir())
    copy = directory.path / "config" / "Pulumi.dev.yaml"
    more = [] if command == "config" else ["--config-file", str(copy)]
    assert passed(directory, tmp_path, command, "-s", "dev") == [command, "-s", "dev", *more]
    assert (directory.backend / ".pulumi/stacks/p/dev.json").exists()
    assert sorted(path.name for path in directory.project.iterdir()) == sorted(
        [*before, ".local", "bin"]
    )


def ensure_stack(directory: StateDirectory, stack: str) -> None:
    """Make a stack as each command does that needs one, if the project has a name."""
    if (state := pulumi_command._state(directory, stack)) is not None:
        pulumi_command._ensure_stack(directory, state)


def test_a_stack_that_exists_stays_as_it_is(directory: StateDirectory) -> None:
    state = StackState(directory.backend, "p", "local")
    ensure_stack(directory, "local")
    assert json.loads(state.file.read_text())["checkpoint"] == {"stack": "organization/p/local"}
    state.file.write_text("deployed")
    ensure_stack(directory, "local")
    state.create()
    assert state.file.read_text() == "deployed"
    assert [each.name for each in state.file.parent.iterdir()] == ["local.json"]


def test_a_stack_that_another_command_makes_meanwhile_stays_as_it_is(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StackState(directory.backend, "p", "local")

    def deploy_meanwhile(path: Path, text: str) -> None:
        write_atomically(path, text)
        state.file.parent.mkdir(parents=True, exist_ok=True)
        state.file.write_text("deployed")

    monkeypatch.setattr(pulumi_state, "write_atomically", deploy_meanwhile)
    state.create()
    assert state.file.read_text() == "deployed"
    assert [each.name for each in state.file.parent.iterdir()] == ["local.json"]


@pytest.mark.parametrize(("project", "stack"), [("p p", "local"), ("p", "a b"), ("p" * 101, "dev")])
def test_a_name_that_the_cli_refuses_is_left_to_it_to_report(
    directory: StateDirectory, project: str, stack: str
) -> None:
    (directory.project / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
    (directory.project / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    ensure_stack(directory, stack)
    assert not directory.backend.exists()


NOT_LOOKED_UP = (
    "user ID 12345 isn't in /etc/passwd, where this `pulumi` looks its user up. Add a line as "
    "root, in the container's image for example: `echo 'pulumi:x:12345:99::/work:/bin/sh' >> "
    "/etc/passwd`. Or run this as a user who has one"
)
NO_VARIABLES = (
    "user ID 12345 isn't in /etc/passwd, so `pulumi` needs the environment variables USER and "
    "HOME: set them to any name and to a folder that this user can write to"
)


def without_passwd_entry(
    monkeypatch: pytest.MonkeyPatch, folder: Path, printed: str, code: int = 255
) -> None:
    """Run as a user ID of a container that was started with it, with a CLI that prints this."""
    fake = folder / "bin" / "pulumi"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho '{printed}' >&2\nexit {code}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake.with_name("python")))
    monkeypatch.setattr("os.getuid", lambda: 12345)
    monkeypatch.setattr("os.getgid", lambda: 99)
    monkeypatch.setattr("localaws.cli.pulumi_command.pwd.getpwuid", {}.__getitem__)
    monkeypatch.setenv("HOME", "/work")
    monkeypatch.delenv("LOCALAWS_HOME", raising=False)


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("error: user: unknown userid 12345", NOT_LOOKED_UP),
        ("error: user: Current requires cgo or $USER set in environment", NO_VARIABLES),
    ],
)
def test_a_user_whom_the_cli_cannot_look_up_is_refused_before_anything_starts(  # noqa: PLR0917 — cases and fixtures
    directory: StateDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    printed: str,
    message: str,
) -> None:
    without_passwd_entry(monkeypatch, tmp_path, printed)
    monkeypatch.setattr(cli, "ensure", lambda *_: pytest.fail("the local AWS was started"))
    monkeypatch.setattr(sys, "argv", ["pulumi-local", "-C", str(directory.project), "up"])
    with pytest.raises(SystemExit, match="1"):
        cli.entry_point()
    assert capsys.readouterr().err == f"pulumi-local: {message}\n"


@pytest.mark.parametrize(("printed", "code"), [("", 0), ("error: no backend", 255)])
def test_a_user_outside_of_passwd_is_accepted_if_the_cli_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, code: int
) -> None:
    without_passwd_entry(monkeypatch, tmp_path, printed, code)
    pulumi_command.check_user("up")


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize("options", [(), ("--no-plugins",)])
def test_install_downloads_no_provider(
    directory: StateDirectory, tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert passed(directory, tmp_path, "install", *options) == ["install", "--no-plugins"]


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize(
    ("arguments", "added_at"),
    [
        (["stack", "rm", "--yes"], 2),
        (["stack", "rm", "local"], 2),
        (["-C", "x", "stack", "-s", "rm", "remove", "--force"], 6),
        (["stack", "--stack=local", "delete", "--", "local"], 3),
        (["stack", "rm", "--preserve-config=false"], None),
        (["stack", "rm", "--yes", "--preserve-config"], None),
        (["stack", "ls"], None),
        (["stack", "select", "rm"], None),
        (["stack", "-s", "rm"], None),
        (["stack"], None),
    ],
)
def test_stack_rm_keeps_the_projects_stack_file(
    directory: StateDirectory, tmp_path: Path, arguments: list[str], added_at: int | None
) -> None:
    expected = list(arguments)
    if added_at is not None:
        expected.insert(added_at, "--preserve-config")
    assert passed(directory, tmp_path, "stack", arguments=arguments) == expected


@pytest.mark.slow  # starts the Pulumi CLI
def test_the_cli_then_removes_the_state_alone(directory: StateDirectory) -> None:
    file = directory.project / "Pulumi.local.yaml"
    file.write_text("config: {}\n")
    ran = run_pulumi(directory, "stack", ["-C", str(directory.project), "stack", "rm", "--yes"])
    assert ran.returncode == 0, ran.stderr
    assert "'local' has been removed" in ran.stdout
    assert file.read_text() == "config: {}\n"


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize(
    ("command", "may_be_refused"), [("up", True), ("stack", True), ("cancel", False)]
)
def test_a_killed_runs_lock_is_reported_with_the_command_that_removes_it_here(
    command: str, directory: StateDirectory, tmp_path: Path, *, may_be_refused: bool
) -> None:
    lock = directory.backend / ".pulumi/locks/organization/p/local/1.json"
    nowhere = 2**31  # more than any process's id
    write_atomically(lock, json.dumps({"pid": nowhere, "hostname": os.uname().nodename}))
    fake = fake_cli(tmp_path)
    ran = run_pulumi(directory, command, [command], f"c.executable = lambda: {str(fake)!r};")
    message = (
        "pulumi-local: a run that was killed has left the stack locked: `pulumi-local cancel --yes "
        "--stack local` removes the lock\n"
    )
    assert (ran.returncode, ran.stderr) == (0, message if may_be_refused else "")


@pytest.mark.slow  # a new Python
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["up", "--stack", "nope"], True),
        (["-C", "x", "config", "-s", "nope"], True),
        (["stack", "-s", "nope"], True),
        (["stack", "rm", "-s", "nope"], True),
        (["stack", "init", "-s", "nope"], False),
        (["stack", "select", "-s", "nope", "--create"], False),
        (["cancel", "-s", "nope"], False),
        (["up"], False),
        (["up", "-s", "dev"], False),
        (["up", "-s", "deployed"], False),
    ],
)
def test_a_stack_without_a_file_is_named_beside_those_that_have_one(
    directory: StateDirectory, tmp_path: Path, arguments: list[str], *, named: bool
) -> None:
    for stack in ("dev", "prod"):
        (directory.project / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    StackState(directory.backend, "p", "deployed").create()
    (command,) = {"up", "config", "stack", "cancel"} & set(arguments)
    fake = fake_cli(tmp_path)
    ran = run_pulumi(directory, command, arguments, f"c.executable = lambda: {str(fake)!r};")
    message = "pulumi-local: --stack nope: there is no Pulumi.nope.yaml; there is dev, prod\n"
    assert (ran.returncode, ran.stderr) == (0, message if named else "")


def test_a_misspelt_stack_is_not_made(directory: StateDirectory) -> None:
    ensure_stack(directory, "pord")
    assert not directory.backend.exists()


@pytest.mark.parametrize("text", ["", "runtime: python", "name: [", "- a", "name: \udcff"])
def test_what_is_wrong_with_pulumi_yaml_is_left_to_the_cli_to_say(
    directory: StateDirectory, text: str
) -> None:
    (directory.project / "Pulumi.yaml").write_text(text, errors="surrogateescape")
    ensure_stack(directory, "local")
    assert not directory.backend.exists()


def test_without_a_cli_nothing_is_started(
    directory: StateDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(cli, "ensure", lambda *_: pytest.fail("the local AWS was started"))
    with pytest.raises(pulumi_command.NoCli):
        cli.main(["-C", str(directory.project), "preview"])


def test_no_cli_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pulumi_command.NoCli, match="make setup"):
        pulumi_command.executable()
