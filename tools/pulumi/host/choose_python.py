"""Choose the Python that runs a Pulumi program, by the rules of Pulumi's official language host.

Those rules are in pulumi/pulumi under sdk/python/toolchain: pip.go, uv.go and poetry.go. This file
runs with whichever Python is at hand and so needs nothing but the standard library of Python 3.8.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TOOLCHAINS = ("pip", "uv", "poetry")
PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")


class Options(NamedTuple):
    """The runtime options of a project or plugin that decide which Python runs it."""

    file: Path
    """Its Pulumi.yaml or PulumiPlugin.yaml."""

    program: Path
    """The folder of its code, `main` in Pulumi.yaml; often the same."""

    toolchain: str = ""
    virtualenv: str = ""

    @property
    def root(self) -> Path:
        """The folder that `virtualenv` is relative to."""
        return self.file.parent


class Chosen(NamedTuple):
    """A Python, and what a message about it has to say."""

    toolchain: str
    environment: Path | None
    """Its virtual environment; none for a Python on PATH."""

    python: str
    why: str
    """What chose it, after "chosen by"."""

    remedy: str
    """What installs the program's requirements there."""


class NoPythonError(Exception):
    """No Python can be chosen; the text says why and what to do."""


def choose(options: Options) -> Chosen:
    """Return the Python of a project, whether or not it exists.

    Raises:
        NoPythonError: The toolchain is unknown or not installed, or there is no Python on PATH.
    """
    toolchain = options.toolchain or _detected(options.program)
    if toolchain == "pip":
        return _of_pip(options)
    if toolchain == "uv":
        return _of_uv(options)
    if toolchain == "poetry":
        return _of_poetry(options)
    allowed = ", ".join(TOOLCHAINS)
    raise NoPythonError(
        f"`toolchain: {toolchain}` in {options.file} is unknown; allowed: {allowed}. Correct it."
    )


def ready(options: Options) -> Chosen:
    """Return the Python of a project once it can run the program.

    Raises:
        NoPythonError: None can be chosen, uv refuses to bring it up to date, or it isn't there.
    """
    chosen = choose(options)
    synchronise(chosen, options)
    if shutil.which(chosen.python) is None:
        raise NoPythonError(
            f"{chosen.python} isn't there, the Python chosen by {chosen.why}. "
            f"Create it by the project's own set-up, or by: {_create(chosen)}{chosen.remedy}"
        )
    return chosen


def activated(chosen: Chosen, outside: dict[str, str]) -> dict[str, str]:
    """Return `outside` as activating the chosen Python's virtual environment would leave it."""
    inside = dict(outside)
    if chosen.environment is not None:
        inside.pop("PYTHONHOME", None)
        inside["VIRTUAL_ENV"] = str(chosen.environment)
        inside["PATH"] = os.pathsep.join(
            filter(None, [str(chosen.environment / "bin"), outside.get("PATH")])
        )
    return inside


def installing(chosen: Chosen, outside: dict[str, str]) -> dict[str, str]:
    """Return the environment of the commands of `installation`."""
    inside = activated(chosen, outside)
    if chosen.toolchain == "uv":
        inside["UV_PROJECT_ENVIRONMENT"] = str(chosen.environment)
    return inside


def of_project(folder: Path) -> Options:
    """Read the project's options from its file; the engine passes them only to a running host."""
    for root in (folder, *folder.parents):
        for name in PROJECT_FILES:
            file = root / name
            if file.is_file():
                runtime = _runtime(file.read_text(encoding="utf-8"))
                return Options(
                    file, folder, runtime.get("toolchain", ""), runtime.get("virtualenv", "")
                )
    return Options(folder / PROJECT_FILES[0], folder)


def _runtime(text: str) -> dict[str, str]:
    """Find the runtime options in a project file; this Python may have no YAML parser."""
    try:
        runtime = json.loads(text).get("runtime")
        options = runtime.get("options") if isinstance(runtime, dict) else None
        return {key: str(value) for key, value in (options or {}).items()}
    except (ValueError, AttributeError):
        pass
    without_comments = re.sub(r"(?m)^\s*#.*\n?", "", text)
    block = re.search(r"(?m)^runtime:.*\n?(?:[ \t]+.*\n?|\n)*", without_comments)
    value = r"(?:\"(?P<double>[^\"\n]*)\"|'(?P<single>[^'\n]*)'|(?P<plain>[^\s,}#\"'][^,}#\n]*))"
    found = {}
    for key in ("toolchain", "virtualenv"):
        option = re.search(
            rf"(?:^|[\s{{,])['\"]?{key}['\"]?:[ \t]*{value}", block.group() if block else ""
        )
        if option:
            found[key] = next(each for each in option.groups() if each is not None).strip()
    return found


def _detected(program: Path) -> str:
    """Return the toolchain of a project that names none."""
    if _above(program, "uv.lock"):
        return "uv"
    return "poetry" if _above(program, "poetry.lock") else "pip"


def _above(folder: Path, name: str) -> Path | None:
    """Return the nearest folder, from `folder` upwards, that has such a file."""
    return next((each for each in (folder, *folder.parents) if (each / name).exists()), None)


def _of_pip(options: Options) -> Chosen:
    if options.virtualenv:
        environment = options.root / options.virtualenv
        python = str(environment / "bin" / "python")
        why = f"`virtualenv: {options.virtualenv}` in {options.file}"
        return Chosen("pip", environment, python, why, _pip_install(python, options.program))
    wanted = os.environ.get("PULUMI_PYTHON_CMD")
    names = [wanted] if wanted else ["python3", "python"]
    for name in names:
        found = shutil.which(name)
        if found:
            why = f"PATH, as {options.file} sets no `virtualenv`"
            if wanted:
                why = f"PULUMI_PYTHON_CMD={wanted}"
            return Chosen("pip", None, found, why, _pip_install(found, options.program))
    missing = f"PULUMI_PYTHON_CMD={wanted}" if wanted else "python3"
    raise NoPythonError(
        f"There is no {missing} on PATH, and {options.file} sets no `virtualenv`. Install Python."
    )


def _pip_install(python: str, program: Path) -> str:
    requirements = program / "requirements.txt"
    return f"{python} -m pip install {f'-r {requirements}' if requirements.exists() else 'pulumi'}"


def _of_uv(options: Options) -> Chosen:
    _need("uv")
    beside = (
        _above(options.program, "uv.lock")
        or _above(options.program, "pyproject.toml")
        or options.program
    )
    elsewhere = os.environ.get("UV_PROJECT_ENVIRONMENT")
    if options.virtualenv:
        environment = options.root / options.virtualenv
        why = f"`virtualenv: {options.virtualenv}` in {options.file}"
    elif elsewhere:
        environment = beside / elsewhere
        why = f"UV_PROJECT_ENVIRONMENT={elsewhere}"
    else:
        environment = beside / ".venv"
        why = f"toolchain uv, for {beside}"
    return Chosen(
        "uv",
        environment,
        str(environment / "bin" / "python"),
        why,
        f"(cd {options.program} && uv sync)",
    )


def _of_poetry(options: Options) -> Chosen:
    _need("poetry")
    remedy = f"(cd {options.program} && poetry install)"
    found = subprocess.run(
        ["poetry", "env", "info", "--path"],  # noqa: S607 - the user's own
        cwd=options.program,
        capture_output=True,
        text=True,
        check=False,
    )
    path = found.stdout.strip()
    if found.returncode != 0 or not path:
        reason = f" ({found.stderr.strip()})" if found.stderr.strip() else ""
        raise NoPythonError(
            f"Poetry has no environment for {options.program}{reason}. Run: {remedy}"
        )
    environment = Path(path)
    why = f"toolchain poetry, for {options.program}"
    return Chosen("poetry", environment, str(environment / "bin" / "python"), why, remedy)


def _need(tool: str) -> None:
    if shutil.which(tool) is None:
        raise NoPythonError(
            f"The project's toolchain is {tool}, which isn't on PATH. Install {tool}."
        )


def _create(chosen: Chosen) -> str:
    return f"python3 -m venv {chosen.environment} && " if chosen.toolchain == "pip" else ""


def synchronise(chosen: Chosen, options: Options) -> None:
    """Have uv bring a project's environment up to date, as `uv run` does before each run.

    Raises:
        NoPythonError: uv refused.
    """
    if chosen.toolchain != "uv" or _above(options.program, "pyproject.toml") is None:
        return
    done = subprocess.run(
        ["uv", "sync", "--inexact"],  # noqa: S607 - the user's own
        cwd=options.program,
        env=installing(chosen, dict(os.environ)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NoPythonError(
            f"`uv sync --inexact` failed in {options.program}: {done.stderr.strip()}"
        )


def installation(chosen: Chosen, options: Options, *, is_plugin: bool) -> list[list[str]]:
    """Return the commands that install the requirements, to run in the program's folder."""
    if chosen.toolchain == "uv":
        return [["uv", "sync"]]
    if chosen.toolchain == "poetry":
        return [["poetry", "install", "--no-ansi"]]
    commands = []
    if chosen.environment is not None and shutil.which(chosen.python) is None:
        commands.append([sys.executable, "-m", "venv", str(chosen.environment)])
    pip = [chosen.python, "-m", "pip", "install"]
    if is_plugin and _pyproject(options.root).get("build-system"):
        commands.append([*pip, str(options.program)])
    if (options.program / "requirements.txt").exists():
        commands.append([*pip, "-r", "requirements.txt"])
    return commands


def plugin(options: Options) -> list[str]:
    """Return Python's arguments for a plugin: its `__main__.py` or pyproject.toml's package.

    Raises:
        NoPythonError: It has neither.
    """
    if (options.root / "__main__.py").exists():
        return [str(options.program)]
    project = _pyproject(options.root).get("project")
    if isinstance(project, dict) and project.get("name"):
        return ["-m", "pulumi.run.plugin", str(project["name"])]
    raise NoPythonError(
        f"{options.root} isn't a plugin that can run: it has neither a __main__.py nor a "
        "pyproject.toml with a project's name. Add one of them."
    )


def _pyproject(folder: Path) -> dict[str, object]:
    try:
        import tomllib  # noqa: PLC0415 - only plugins need it, and the launcher may be an older Python

        return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (ImportError, FileNotFoundError):
        return {}
