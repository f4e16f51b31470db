"""Requirements of Pulumi's official language host on the environment and the program.

It is a Go program: sdk/python/cmd/pulumi-language-python and sdk/python/toolchain/pip.go in
pulumi/pulumi, at v3.255.0. It lists packages before each run, and starts its
`pulumi-language-python-exec` with the project's Python.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pulumi
import pulumi.runtime
import pytest
import yaml

pytestmark = pytest.mark.slow  # runs Python and pip as Pulumi's language host does

ROOT = Path(__file__).parents[2]


def environment() -> Path:
    """The virtual environment that Pulumi.yaml names."""
    options = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["runtime"]["options"]
    assert options["toolchain"] == "pip"
    return ROOT / str(options["virtualenv"])


def python(*arguments: str) -> str:
    """Start the project's Python as that host does, and return what it prints."""
    command = [str(environment() / "bin" / "python"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("options", [[], ["--not-required"]])
def test_pip_lists_the_packages_of_the_locked_environment(options: list[str]) -> None:
    found = json.loads(python("-m", "pip", "list", "--format", "json", *options))
    names = {re.sub(r"[-_.]+", "-", each["name"].lower()) for each in found}
    assert "fargate-web" in names
    if not options:
        assert {"pulumi", "pulumi-aws", "pulumi-awsx"} <= names
    assert all(each["version"] for each in found)


def test_versions_are_printed_in_the_form_that_the_host_parses() -> None:
    assert re.match(r"Python \d+\.\d+\.\d+", python("--version"))
    assert re.match(r"pip \d+(\.\d+)+ from ", python("-m", "pip", "--version"))


@pytest.mark.parametrize("name", ["aws", "awsx"])
def test_each_provider_package_names_its_plugin(name: str) -> None:
    module = importlib.util.find_spec(f"pulumi_{name}")
    assert module
    (folder,) = module.submodule_search_locations or []
    plugin = json.loads((Path(folder) / "pulumi-plugin.json").read_text())
    assert (plugin["resource"], plugin["name"]) == (True, name)
    assert plugin["version"] == importlib.metadata.version(f"pulumi-{name}")


def test_the_sdk_has_the_functions_that_the_hosts_executor_calls() -> None:
    for name in (
        "get_config_env",
        "get_config_secret_keys_env",
        "set_all_config",
        "configure",
        "run_in_stack",
    ):
        assert callable(getattr(pulumi.runtime, name))
    parameters = {
        "monitor",
        "engine",
        "project",
        "stack",
        "parallel",
        "dry_run",
        "organization",
        "root_directory",
    }
    assert parameters <= inspect.signature(pulumi.runtime.Settings.__init__).parameters.keys()
    assert issubclass(pulumi.RunError, Exception)


def test_no_engine_test_expects_a_host_to_print_no_traceback() -> None:
    """The official host prints one when the engine ends a run early.

    `Stack.own_frames` finds ours.
    """
    for path in sorted((ROOT / "tests" / "engine").glob("*.py")):
        assert '"Traceback" not in' not in path.read_text(), path


AS_THE_EXECUTOR = """\
import pathlib, runpy, sys
from gate.configurations import parameters_of
from localaws import mocks
sys.path[0] = "/"  # the folder of the executor, not of the program
sys.argv = ["."]
config = mocks.configuration(pathlib.Path(), "local")
account = mocks.Cloud(seed=1)
account.parameters = parameters_of(config)
recording = mocks.run(
    lambda: runpy.run_path(sys.argv[0], run_name="__main__"),
    project="fargate-web",
    stack="local",
    config=config,
    cloud=account,
    preview=True,
)
print(*(each.type for each in recording.registered))
"""


def test_the_program_runs_by_the_name_of_its_folder() -> None:
    """The executor gets "." as the program, and isn't in its folder."""
    answer = subprocess.run(
        [sys.executable, "-c", AS_THE_EXECUTOR],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "aws:ecs/service:Service" in answer.stdout
