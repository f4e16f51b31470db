"""The language host: its protocol, and how programs end under the real engine."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
import subprocess
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING, cast
from unittest.mock import Mock

import grpc
import psutil
import pytest
from google.protobuf import message_factory
from pulumi.runtime.proto import language_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeStub

from tools.pulumi.host.language_host_children import Children
from tools.pulumi.install import LANGUAGE_HOST, OUR_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow  # starts the language host, and Python under it, for each test

FLOW = "runtime: {{name: python, options: {{toolchain: pip, virtualenv: {}}}}}\n"


def test_a_python_without_the_sdk_is_reported_with_its_option_and_what_to_install(
    tmp_path: Path,
) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "Pulumi.yaml").write_text("name: x\n" + FLOW.format("bare"))
    answer = subprocess.run(
        [OUR_HOST.absolute() / LANGUAGE_HOST, "127.0.0.1:1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == (
        f"{tmp_path}/bare/bin/python can't run a Pulumi program: No module named 'grpc'. "
        f"It was chosen by `virtualenv: bare` in {tmp_path}/Pulumi.yaml. "
        "Install the program's requirements there, by the project's own set-up or by: "
        f"{tmp_path}/bare/bin/python -m pip install -r {tmp_path}/requirements.txt\n"
    )


@contextlib.contextmanager
def running_host(project: Path, *arguments: str, **variables: str) -> Iterator[int]:
    """Run a language host during the block, and yield its port."""
    with subprocess.Popen(
        [OUR_HOST.absolute() / LANGUAGE_HOST, *arguments],
        cwd=project,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def host(project: Path) -> Iterator[grpc.Channel]:
    """A gRPC channel to a language host, as the engine opens it."""
    with (
        running_host(project) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield channel


def test_what_is_answered_without_the_sdk_is_what_the_sdk_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(OUR_HOST.absolute()))
    known = importlib.import_module("language_host").KNOWN_ANSWERS
    server = importlib.import_module("language_host_server").FolderLanguageServer([], None)
    assert known == {name: getattr(server, name)(None, None).SerializeToString() for name in known}


def test_a_host_whose_sdk_is_broken_answers_what_needs_none_and_refuses_to_run_a_program(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "pulumi.py").write_text("raise ImportError('half of it is missing')\n")
    with (
        running_host(project, PYTHONPATH=str(tmp_path)) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = LanguageRuntimeStub(channel)
        assert stub.About(language_pb2.AboutRequest()).version
        with pytest.raises(grpc.RpcError, match="run a Pulumi program: half of it is missing"):
            stub.Run(language_pb2.RunRequest())


REFUSED = {
    "Run": language_pb2.RunRequest(attach_debugger=True),
    "RunPlugin": language_pb2.RunPluginRequest(kind="analyzer"),
    "GenerateProject": language_pb2.GenerateProjectRequest(),
    "GeneratePackage": language_pb2.GeneratePackageRequest(),
    "Pack": language_pb2.PackRequest(),
    "Link": language_pb2.LinkRequest(),
}
ONLY_OFFICIAL = "only Pulumi's official language host for Python "


@pytest.mark.parametrize(
    "method", language_pb2.DESCRIPTOR.services_by_name["LanguageRuntime"].methods_by_name
)
def test_every_call_of_the_protocol_is_served_or_refused_with_what_to_install(
    host: grpc.Channel, method: str
) -> None:
    known = language_pb2.DESCRIPTOR.services_by_name["LanguageRuntime"].methods_by_name[method]
    request = REFUSED.get(method, message_factory.GetMessageClass(known.input_type)())
    stub = LanguageRuntimeStub(host)
    try:
        answer = getattr(stub, method)(request)
        answers = list(answer) if known.server_streaming else [answer]
        refusal = next((each.error for each in answers if method == "Run"), "")
    except grpc.RpcError as error:
        refusal = cast("grpc.Call", error).details() or ""
    assert refusal.startswith(ONLY_OFFICIAL) is (method in REFUSED), refusal
    assert refusal.endswith("install Pulumi from pulumi.com/docs/install") is (method in REFUSED)


def test_generated_code_is_a_comment_that_names_the_official_host(host: grpc.Channel) -> None:
    answer = LanguageRuntimeStub(host).GenerateProgram(language_pb2.GenerateProgramRequest())
    (code,) = answer.source.values()
    assert ONLY_OFFICIAL.encode() in code
    assert all(line.startswith(b"# ") for line in code.splitlines())


def test_a_plugin_that_cannot_run_is_refused_with_the_reason(
    host: grpc.Channel, tmp_path: Path
) -> None:
    info = language_pb2.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path))
    with pytest.raises(grpc.RpcError) as refusal:
        list(
            LanguageRuntimeStub(host).RunPlugin(
                language_pb2.RunPluginRequest(info=info, kind="resource")
            )
        )
    details = cast("grpc.Call", refusal.value).details() or ""
    assert f"{tmp_path}/venv/bin/python isn't there" in details
    assert f"`virtualenv: venv` in {tmp_path}/PulumiPlugin.yaml" in details


def test_output_and_exit_code_of_a_plugin_reach_the_engine(
    host: grpc.Channel, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text(
        "import os, sys\nprint(sys.argv[1:], os.environ['GIVEN'])\nsys.exit(os.getcwd())\n"
    )
    info = language_pb2.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path))
    info.options.update({"virtualenv": str(Path(".venv").absolute())})
    request = language_pb2.RunPluginRequest(
        info=info, kind="resource", pwd="/", args=["127.0.0.1:1"], env=["GIVEN=a=b"]
    )
    answers = list(LanguageRuntimeStub(host).RunPlugin(request))
    assert b"".join(each.stdout for each in answers) == b"['127.0.0.1:1'] a=b\n"
    assert b"".join(each.stderr for each in answers) == b"/\n"
    assert answers[-1].exitcode == 1


def test_a_plugin_ends_when_its_call_is_cancelled(host: grpc.Channel, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(
        "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(120)\n"
    )
    info = language_pb2.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path))
    info.options.update({"virtualenv": str(Path(".venv").absolute())})
    call = LanguageRuntimeStub(host).RunPlugin(
        language_pb2.RunPluginRequest(info=info, kind="resource", pwd="/")
    )
    plugin = psutil.Process(int(next(call).stdout))
    call.cancel()
    plugin.wait(timeout=30)


def test_a_plugin_whose_output_is_no_longer_read_leaves_no_zombie(tmp_path: Path) -> None:
    running = Children().run(
        ["sh", "-c", "echo $$; exec sleep 60"], tmp_path, {}, Mock(), response=dict
    )
    pid = int(next(running)["stdout"])
    running.close()
    assert not psutil.pid_exists(pid)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a stack; each test writes its program."""
    project = tmp_path_factory.mktemp("project")
    (project / ".venv").symlink_to(Path(".venv").absolute())
    (project / "Pulumi.yaml").write_text("name: empty\n" + FLOW.format(".venv"))
    (project / "state").mkdir()
    (project / "__main__.py").touch()
    return project


@pytest.fixture(scope="module")
def pulumi(project: Path, pulumi_cli: Path) -> Callable[..., subprocess.Popen[str]]:
    """A function that starts a command of the CLI in the project, whose stack is selected."""
    home = project / "home"
    home.mkdir()
    (home / "logs").touch()  # an eighth of a command's time is its log, written where it can be
    own = {
        # The host of this checkout, also where the CLI has another beside it.
        "PATH": f"{OUR_HOST.absolute()}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": (project / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [pulumi_cli, *arguments, "--non-interactive"],
            cwd=project,
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    with start("stack", "select", "--create", "test") as select:
        select.communicate()
    return start


@pytest.fixture
def up(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]]
) -> Callable[[str], tuple[int, str]]:
    """A function that runs a program with `pulumi up`, and returns exit code and output."""

    def run(program: str) -> tuple[int, str]:
        (project / "__main__.py").write_text(program)
        with pulumi("up", "--yes", "--skip-preview") as process:
            output, _ = process.communicate(timeout=60)
        return process.returncode, output

    return run


def test_an_error_that_the_user_can_fix_is_reported_once_and_without_a_traceback(
    up: Callable[[str], tuple[int, str]],
) -> None:
    code, output = up("import pulumi\nraise pulumi.RunError('port must be 1 to 65535')\n")
    assert code != 0
    diagnostics = output.partition("Diagnostics:")[2]
    assert diagnostics.count("port must be 1 to 65535") == 1
    assert "Traceback" not in output


def test_any_other_exception_is_reported_with_its_traceback(
    up: Callable[[str], tuple[int, str]], project: Path
) -> None:
    code, output = up("def deploy():\n    raise ValueError('boom')\ndeploy()\n")
    assert code != 0
    assert f'File "{project}/__main__.py", line 2, in deploy' in output
    assert "ValueError: boom" in output


PRINTS_ITS_SURROUNDINGS = """\
import os, sys, beside
print(__name__, os.getcwd(), sys.argv, beside.NAME)
print(sys.executable, os.environ["VIRTUAL_ENV"], os.environ["PATH"].split(":")[0])
print("with site:", not sys.flags.no_site, "unbuffered:", sys.stdout.write_through)
"""


@pytest.mark.parametrize("environment", [".venv", "elsewhere"])
def test_a_program_runs_as_if_python_had_started_it(
    up: Callable[[str], tuple[int, str]], project: Path, environment: str
) -> None:
    """Where another Python finds the project's, and where the project's own does."""
    (project / "elsewhere").unlink(missing_ok=True)
    (project / "elsewhere").symlink_to(Path(".venv").absolute())
    (project / "beside.py").write_text("NAME = 'found beside'\n")
    file = project / "Pulumi.yaml"
    before = file.read_text()
    file.write_text(before.replace("virtualenv: .venv", f"virtualenv: {environment}"))
    try:
        code, output = up(PRINTS_ITS_SURROUNDINGS)
    finally:
        file.write_text(before)
    assert code == 0, output
    folder = project / environment
    assert f"__main__ {project} ['{project}/__main__.py'] found beside" in output
    assert f"{folder}/bin/python {folder} {folder}/bin\n" in output
    assert "with site: True unbuffered: True" in output


def test_a_programs_log_messages_keep_their_severity(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]]
) -> None:
    (project / "__main__.py").write_text("import pulumi\npulumi.log.warn('careful')\n")
    with pulumi("preview", "--json") as preview:
        output, _ = preview.communicate(timeout=60)
    found = json.loads(output[output.index("{\n") :])["diagnostics"]
    assert [each["severity"] for each in found if "careful" in each["message"]] == ["warning"]


def test_messages_reach_an_engine_that_attaches_to_a_host_that_runs(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "__main__.py").write_text("import pulumi\npulumi.log.warn('careful')\n")
    with running_host(project) as port:
        monkeypatch.setenv("PULUMI_DEBUG_LANGUAGES", f"python:{port}")
        with pulumi("preview") as preview:
            output, _ = preview.communicate(timeout=60)
    assert "warning: careful" in output


PRINTS = """\
import builtins, os, sys
print("to standard output, by", os.getpid())
print("to standard error", file=sys.stderr)
os.system("echo by a child")
print("preloaded:", hasattr(builtins, "preloaded"))
print("ran before:", hasattr(builtins, "has_run"))
builtins.has_run = True
print("without an end", end="")
"""


def test_a_host_that_starts_before_the_engine_passes_output_on_and_runs_each_program_anew(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "__main__.py").write_text(PRINTS)
    (project / "preload.py").write_text(
        "import builtins, sys\n"
        "print('more than a pipe holds', '.' * 100_000)\n"
        "builtins.preloaded = True\n"
        "sys.exit('an error')\n"
    )
    try:
        with running_host(project, "--early") as port:
            monkeypatch.setenv("PULUMI_DEBUG_LANGUAGES", f"python:{port}")
            with pulumi("up", "--yes") as command:
                output, _ = command.communicate(timeout=60)
    finally:
        (project / "preload.py").unlink()
    assert command.returncode == 0, output
    preview, update = output.split("Updating")
    for run in (preview, update):
        for text in ("to standard error", "by a child", "ran before: False", "without an end"):
            assert f"    {text}\n" in run.partition("Diagnostics:")[2], output
    assert "more than a pipe holds" in preview
    assert "preloaded: True" in preview, "in spite of the error after it"
    assert "preloaded: False" in update
    (first,) = set(re.findall(r"by (\d+)", preview))
    (second,) = set(re.findall(r"by (\d+)", update))
    assert first != second


def test_a_host_that_starts_before_the_engine_reports_why_a_program_fails(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "__main__.py").write_text("print('before')\nraise ValueError('boom')\n")
    with running_host(project, "--early") as port:
        monkeypatch.setenv("PULUMI_DEBUG_LANGUAGES", f"python:{port}")
        with pulumi("preview") as command:
            output, _ = command.communicate(timeout=60)
    assert command.returncode != 0
    assert "    before\n" in output
    assert f'File "{project}/__main__.py", line 2, in <module>' in output
    assert "ValueError: boom" in output


COUNTS_MESSAGES = """\
import pulumi
from pulumi.runtime.settings import get_engine
engine = get_engine()
send = engine.Log
severities = set()
def count(request):
    severities.add(request.severity)
    return send(request)
engine.Log = count
pulumi.log.debug("for debugging")
pulumi.log.info("for everyone")
print(f"sent: {sorted(severities)}")
"""


@pytest.mark.parametrize(("options", "sent"), [((), "[1]"), (("--debug",), "[0, 1]")])
def test_debug_messages_are_sent_only_to_an_engine_that_shows_them(
    project: Path,
    pulumi: Callable[..., subprocess.Popen[str]],
    options: tuple[str, ...],
    sent: str,
) -> None:
    (project / "__main__.py").write_text(COUNTS_MESSAGES)
    with pulumi("preview", *options) as preview:
        output, _ = preview.communicate(timeout=60)
    assert f"sent: {sent}" in output
    assert "for everyone" in output
    assert ("for debugging" in output) is bool(options)


@pytest.mark.parametrize(
    ("command", "variables", "shown"),
    [
        (
            ["pulumi", "up", "--yes", "--stack", "dev", "-c", "a:b=-d"],
            {"PULUMI_DEBUG_X": ""},
            False,
        ),
        (["pulumi", "up", "-yd"], {}, True),
        (["pulumi", "-v=9", "up"], {}, True),
        (["pulumi", "up", "--logtostderr"], {}, True),
        (["pulumi", "up"], {"PULUMI_OPTION_DEBUG": "true"}, True),
        ([], {}, True),  # an engine that attached to this host, or another system than Linux
    ],
)
def test_an_engine_that_may_show_debug_messages_gets_them(
    monkeypatch: pytest.MonkeyPatch, command: list[str], variables: dict[str, str], *, shown: bool
) -> None:
    monkeypatch.syspath_prepend(str(OUR_HOST.absolute()))
    server = importlib.import_module("language_host_server")
    assert server.shows_debug_messages(command, variables) is shown


PROVIDER = """\
import sys
import pulumi
from pulumi.provider import ConstructResult, Provider, main
class Mine(Provider):
    def __init__(self):
        super().__init__("1.0.0")
    def construct(self, name, resource_type, inputs, options=None):
        urn = pulumi.ComponentResource(resource_type, name, {}, options).urn
        return ConstructResult(urn, {"greeting": "hello"})
main(Mine(), sys.argv[1:])
"""
OF_PROVIDERS = """\
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider
class Thing(pulumi.ComponentResource):
    greeting: pulumi.Output[str]
class Doubling(ResourceProvider):
    def create(self, props):
        return CreateResult("it", {"number": 2 * props["number"]})
class Double(Resource):
    number: pulumi.Output[int]
thing = Thing("mine:index:Thing", "thing", {"greeting": None}, remote=True)
pulumi.export("of a plugin", thing.greeting)
pulumi.export("of a dynamic provider", Double(Doubling(), "double", {"number": 21}).number)
"""


def test_a_program_can_use_providers_written_in_python(
    up: Callable[[str], tuple[int, str]], project: Path
) -> None:
    plugin = project / "provider"
    plugin.mkdir()
    (plugin / "__main__.py").write_text(PROVIDER)
    (plugin / "PulumiPlugin.yaml").write_text(FLOW.format(Path(".venv").absolute()))
    file = project / "Pulumi.yaml"
    alone = file.read_text()
    file.write_text(alone + "plugins: {providers: [{name: mine, path: provider}]}\n")
    try:
        code, output = up(OF_PROVIDERS)
        assert code == 0, output
        assert '"hello"' in output
        assert "42" in output
        code, output = up("")
        assert code == 0, output
    finally:
        file.write_text(alone)


def test_pulumi_install_installs_the_projects_requirements(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]]
) -> None:
    (project / "requirements.txt").write_text("# nothing\n")
    with pulumi("install") as install:
        output, _ = install.communicate(timeout=120)
    assert install.returncode == 0, output
    assert f"{project}/.venv/bin/python -m pip install -r requirements.txt\n" in output
    (project / "requirements.txt").write_text("./missing\n")
    with pulumi("install") as install:
        output, _ = install.communicate(timeout=120)
    assert install.returncode != 0
    assert "failed with exit code 1" in output
    assert "missing" in output


def start_waiting_program(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]]
) -> tuple[subprocess.Popen[str], int]:
    """Start `up` of a program that doesn't end; return the engine and the program's process id."""
    running = project / "running"
    running.unlink(missing_ok=True)
    (project / "__main__.py").write_text(
        "import os, pathlib, time\n"
        "pathlib.Path('running.new').write_text(str(os.getpid()))\n"
        "os.rename('running.new', 'running')\n"
        "time.sleep(120)\n"
    )
    engine = pulumi("up", "--yes", "--skip-preview")
    deadline = time.monotonic() + 60
    while not running.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return engine, int(running.read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_program_ends_with_its_engine(
    project: Path, pulumi: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    engine, program = start_waiting_program(project, pulumi)
    with engine:
        engine.send_signal(number)
        engine.communicate(timeout=60)
    assert engine.returncode != 0
    try:
        psutil.Process(program).wait(timeout=10)
    except psutil.NoSuchProcess:
        pass
    finally:
        with pulumi("cancel", "--yes") as cancel:
            cancel.communicate()
