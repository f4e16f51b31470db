"""A separate stack for a test: the repository's program, temporary state, the real engine."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.account.cloud import Cloud
from localaws.catalog import CATALOG
from localaws.cli.pulumi_command import DEFAULT_STACK, project_name
from localaws.cli.pulumi_state import StackState
from localaws.daemon.runtime_choice import Runtime, choose
from localaws.daemon.state_directory import Address, StateDirectory
from localaws.machine import isolation
from localaws.mocks import word
from localaws.mocks.urns import STACK
from tests.engine import key_service
from tests.engine.preloaded_command import preloaded_command
from tests.engine.preloaded_host import is_usable, preloaded_host
from tests.infra import recorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from localaws.catalog import Resource

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SPEED = "5"
"""How fast AWS's durations pass in these tests; docs/local-data-plane.md says which."""

TIME_LIMIT_SECONDS = 240.0
_ASK_FOR_A_HOST = frozenset({"up", "preview", "refresh", "destroy", "import"})
WITHOUT_ASKING = ("--yes", "--non-interactive", "--skip-preview")


@dataclass(frozen=True)
class Stack:
    """The local stack in a state directory that nothing else uses."""

    path: Path
    project: Path = ROOT
    environment: dict[str, str] = field(default_factory=dict)
    forks: bool = True
    """Whether a fork serves its runs (preloaded_host.py), where it may."""

    forks_commands: bool = True
    """Whether commands run to their end and the daemon are forks (preloaded_command.py)."""

    passphrase: bool = False
    """Whether a passphrase encrypts its secrets, as users' by default, or a key service."""

    @property
    def directory(self) -> StateDirectory:
        return StateDirectory(self.project, self.path)

    @property
    def address(self) -> Address:
        address = Address.read(self.directory)
        assert address is not None, "no daemon is running"
        return address

    @property
    def variables(self) -> dict[str, str]:
        own = {
            "LOCALAWS_HOME": str(self.path),
            "LOCALAWS_SPEED": SPEED,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            # An Output in an f-string is an error, not a warning inside a resource's name.
            "PULUMI_ERROR_OUTPUT_STRING": "true",
            # A credential file must not make a difference, and the real provider must find none.
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
            # The CLI lives for seconds, and needs 220 MB at most if it never collects its garbage.
            "GOGC": "off",
            # It has the option `--event-log` then.
            "PULUMI_DEBUG_COMMANDS": "true",
        }
        outside = {name: value for name, value in os.environ.items() if _is_passed_on(name)}
        secrets = {} if self.passphrase else key_service.variables()
        return {**outside, **own, **secrets, **self.environment}

    @property
    def event_log(self) -> Path:
        """The file to which a run with the option `--event-log` writes the engine's events."""
        return self.path / "events.json"

    @property
    def state(self) -> StackState:
        """The files of the engine's state."""
        name = project_name(self.directory)
        assert name is not None
        stack = self.variables.get("PULUMI_STACK", DEFAULT_STACK)
        return StackState(self.directory.backend, name, stack)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start `pulumi-local`, and return its process at once."""
        self._create_for(arguments)
        return subprocess.Popen(
            [BIN / "pulumi-local", *arguments],
            cwd=self.project,
            stdout=subprocess.PIPE,
            text=True,
            **{
                "env": self.variables,
                "stdin": subprocess.DEVNULL,
                "stderr": subprocess.STDOUT,
                **more,
            },
        )

    def _create_for(self, arguments: Sequence[str]) -> None:
        """Create the stack for a command that would, with the key service."""
        if not self.passphrase and arguments[0] in _ASK_FOR_A_HOST:
            key_service.create(self.state)

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run `pulumi-local` to its end, and return its output and errors together."""
        ended = self.attempt(*arguments)
        assert (ended.returncode != 0) is fails, (
            f"pulumi-local {' '.join(arguments)}:\n{ended.stdout}\n{self.last_words()}"
        )
        return ended.stdout

    def attempt(self, *arguments: str, merged: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `pulumi-local` to its end, and return how it ended.

        Args:
            arguments: Its arguments.
            merged: Whether what it writes to standard error is part of its output.
        """
        with self.with_host(arguments) as variables:
            if self.forks_commands:
                self._create_for(arguments)
                return preloaded_command().run(
                    arguments,
                    folder=self.project,
                    environment=variables,
                    merged=merged,
                    timeout=TIME_LIMIT_SECONDS,
                )
            errors = subprocess.STDOUT if merged else subprocess.PIPE
            process = self.start(*arguments, env=variables, stderr=errors)
            try:
                output, separate = process.communicate(timeout=TIME_LIMIT_SECONDS)
            finally:
                process.kill()
        return subprocess.CompletedProcess(arguments, process.returncode, output, separate)

    def up(self, *arguments: str, fails: bool = False, **config: object) -> str:
        """Deploy with some settings changed, and return the output."""
        return self.run("up", *WITHOUT_ASKING, *settings(config), *arguments, fails=fails)

    def up_steps(self, **config: object) -> list[dict[str, Any]]:
        """Deploy, and return what the engine did, as `steps` returns what it would do.

        A preview before the deployment would show the same, in a separate run.
        """
        self.run("up", *WITHOUT_ASKING, "--event-log", str(self.event_log), *settings(config))
        return self.logged_steps()

    def logged_steps(self) -> list[dict[str, Any]]:
        """Return what the engine did in the last run with the option `--event-log`."""
        steps: list[dict[str, Any]] = []
        for line in self.event_log.read_text().splitlines():
            event = json.loads(line).get("resourcePreEvent")
            if event is None:
                continue
            step = event["metadata"]
            # A replacement is three steps of the engine, of which a preview shows the logical one.
            if step.get("logical") and step["op"] != "same":
                steps.append(
                    {
                        "op": step["op"],
                        "urn": step["urn"],
                        "diffReasons": step.get("diffs"),
                        "oldState": step["old"],
                        "newState": step["new"],
                    }
                )
        return steps

    def destroy(self) -> str:
        """Delete everything but what outlives a stack, and return the output."""
        return self.run("destroy", *WITHOUT_ASKING)

    def needs_nothing(self, **config: object) -> None:
        """Fail unless a run with these settings changed would have nothing to do."""
        self.run("preview", "--non-interactive", "--expect-no-changes", *settings(config))

    def preview(self, **config: object) -> set[tuple[str, str]]:
        """Return the operations of a preview, and on which types of AWS (their last words)."""
        return operations_on_types(self.steps(**config))

    def steps(self, **config: object) -> list[dict[str, Any]]:
        """Return the changes that `pulumi preview --json` prints, one for each resource."""
        document = self._document("preview", "--json", "--non-interactive", *settings(config))
        return [each for each in document["steps"] if each["op"] != "same"]

    def outputs(self) -> dict[str, Any]:
        """Return what `pulumi stack output --json` prints; none of these programs has a secret."""
        (of_stack,) = self.resources_of(STACK)
        return dict(of_stack.get("outputs", {}))

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the file of the engine's state, as `pulumi stack export` does.

        A start of the CLI costs half a second, and most tests look more than once.
        """
        state = json.loads(self.state.file.read_text())
        return list((state["checkpoint"].get("latest") or {}).get("resources") or [])

    def resources_of(self, token: str) -> list[dict[str, Any]]:
        """Return the resources of a type in the engine's state."""
        return [each for each in self.resources() if each["type"] == token]

    def recorded(self) -> tuple[list[dict[str, Any]], list[Resource]]:
        """Return the resources of the engine's state and those of the account.

        A run that changes nothing may write the state in another order.
        """
        of_state = sorted(self.resources(), key=lambda each: (each["urn"], each.get("id", "")))
        return of_state, self.made()

    def is_as_first_deployed(self) -> bool:
        """Return whether the last run was an `up` that succeeded, configured like the first one."""
        runs = self.state.runs()
        if not runs:
            return False
        first, last = runs[0], runs[-1]
        return (last["kind"], last["result"]) == ("update", "succeeded") and (
            last["config"] == first["config"]
        )

    def made(self) -> list[Resource]:
        """Return the resources that programs made in the local AWS, without the default VPC."""
        cloud = Cloud(self.directory.resources)
        found: list[Resource] = []
        for token in CATALOG:
            found += recorder.made(cloud, token)
        return found

    def made_of(self, token: str) -> list[Resource]:
        """Return the resources of a type that programs made in the local AWS."""
        return recorder.made(Cloud(self.directory.resources), token)

    def _document(self, *arguments: str) -> dict[str, Any]:
        """Return the JSON that `pulumi-local` prints to its standard output."""
        found = self.attempt(*arguments, merged=False)
        assert found.returncode == 0, found.stdout + found.stderr
        return dict(json.loads(found.stdout))

    @contextlib.contextmanager
    def with_host(self, arguments: Sequence[str]) -> Iterator[dict[str, str]]:
        """Serve a command that asks for a language host once; yield the command's variables."""
        asks = self.forks and arguments[0] in _ASK_FOR_A_HOST and is_usable()
        # A project with a program of its own links the packages that the host has imported.
        if asks and (self.project / ".venv").resolve() == (ROOT / ".venv").resolve():
            with preloaded_host().serving(("pulumi", *arguments), self.variables) as variables:
                yield variables
        else:
            yield self.variables

    def own_frames(self, output: str) -> list[str]:
        """Return the frames of the repository's or the project's code in an output's tracebacks.

        Frames of the language host's own are no fault: Pulumi's official one ends the program by a
        KeyboardInterrupt.
        """
        folders = "|".join(re.escape(str(folder)) for folder in (ROOT, self.project))
        return re.findall(rf'File "(?:{folders})/(?!\.venv/).*', output)

    def last_words(self) -> str:
        """Return the end of the daemon's log."""
        log = self.directory.daemon_log
        return log.read_text(errors="replace")[-4000:] if log.exists() else ""

    def shell(
        self,
        command: str,
        *,
        timeout: float = TIME_LIMIT_SECONDS,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a line as a user would type it, with `pipefail`."""
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.project,
            env=self.variables if variables is None else variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )


def _is_passed_on(name: str) -> bool:
    """Return whether stacks get a variable of this process, unlike what configures a deployment."""
    return name == "PULUMI_HOME" or not name.startswith(("PULUMI_", "AWS_", "VAULT_"))


def deployed(stack: Stack, **config: Any) -> Iterator[Stack]:
    """Deploy a stack with some settings changed, yield it, and stop its daemon at the end."""
    try:
        stack.up(**config)
        yield stack
    finally:
        stack.run("stop")


def copy_project(folder: Path, *files: str) -> None:
    """Make a folder a project with some of the repository's files, and its program and packages."""
    for name in files:
        shutil.copy(ROOT / name, folder / name)
    for name in (".venv", "infra"):
        (folder / name).symlink_to(ROOT / name)


def runs_containers() -> bool:
    """Return whether tasks run as containers in these tests, as LOCALAWS_RUNTIME says."""
    return choose(isolation.find).runtime is Runtime.CONTAINER


def settings(config: Mapping[str, object]) -> list[str]:
    """Return a configuration as the CLI's options."""
    options = ["--config-path"]
    for key, value in config.items():
        for path, text in _leaves(f"fargate-web:{key}", value):
            options += ["-c", f"{path}={text}"]
    return options


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the paths and texts of a value, as the CLI takes lists and maps."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(f"{path}[{number}]", each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(f"{path}.{name}", each)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


def cloud_and_engine_agree(stack: Stack) -> bool:
    """Return whether every resource in the engine's state exists in the local AWS."""
    known = {each["id"] for each in stack.resources() if each["type"].startswith("aws:")}
    return known <= {each.id for each in stack.made()}


def operations_on_types(steps: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return the operations of steps, and on which types of AWS (their last words)."""
    done: set[tuple[str, str]] = set()
    for step in steps:
        token = token_of(step["urn"])
        if token.startswith("aws:"):
            done.add((step["op"], word(token)))
    return done


def token_of(urn: str) -> str:
    """Return the type of a resource, without those of the components that it is in."""
    return urn.split("::")[2].rpartition("$")[2]


def operations(output: str) -> Counter[str]:
    """Return how many resources the engine created, updated and so on, by its summary."""
    verbs = "created|updated|replaced|deleted|unchanged|imported"
    summary = output.rsplit("Resources:", 1)[-1]
    found: Counter[str] = Counter()
    for count, verb in re.findall(rf"(\d+) ({verbs})$", summary, re.MULTILINE):
        found[verb] = int(count)
    return found
