"""Set up a checkout: uv, the environment, the Pulumi CLI, the programs of the local VPC.

`make setup` runs it.

Each step is skipped when its result exists and was made from the present inputs, so the run after
an interrupted one goes on where that stopped. It needs nothing but a Python: `python3 -m
tools.setup`. The environment gets that Python; with `--any-python` it keeps the one that it has,
and a new environment may get a faster one (`tools/interpreter.py`).
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python is what this line is for
    sys.exit(
        f"Python 3.11 or later is needed; {sys.executable} is {sys.version.split()[0]}. "
        "Try: make PYTHON=python3.12"
    )

import argparse
import hashlib
import json
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import NoReturn

from tools.cache import cache_root, remove, replace_link
from tools.crane.install import NoCraneError, find_or_build
from tools.interpreter import optimized, own
from tools.network_programs import find_or_fetch as find_network_programs
from tools.pulumi.install import NoPulumiError, find_or_install
from tools.running import CommandFailedError, run, say
from tools.setup_context import SetupContext, remove_temporary_go
from tools.stand_in.install import NoStandInError, find_or_make
from tools.uv import NoUvError, find_or_fetch

ROOT = Path(__file__).resolve().parent.parent
INPUTS = ("pyproject.toml", "requirements.txt")
PACKAGES = ("infra", "localaws", "verify")
SCRIPTS = ("python", "pytest", "verify", "pulumi-local")
"""Commands without which an environment isn't complete."""

INTERRUPTED = 130


def inputs_of(root: Path) -> str:
    """Identify what the environment is made from: the inputs, and the path in its scripts."""
    texts = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in INPUTS}
    return json.dumps({**texts, "at": str(root)}, indent=1)


def environment_is_current(root: Path, python: Path | None = None) -> bool:
    """Return whether the environment is complete, from the present inputs.

    Args:
        root: The checkout.
        python: The Python that it must have; None for any.
    """
    try:
        complete = (root / ".venv" / "set-up.json").read_text() == inputs_of(root)
    except OSError:
        return False
    return complete and has_commands(root) and has_python(root, python)


def can_be_updated(root: Path, python: Path | None = None) -> bool:
    """Return whether the requirements can be brought into the environment that exists.

    uv leaves the commands of packages that are installed as they are. So where a command is missing
    or the checkout was moved, all of them have to be written again: their first lines name the
    environment's Python by its path.

    Args:
        root: The checkout.
        python: The Python that the environment must have; None for any.
    """
    venv = root / ".venv"
    if not ((venv / "pyvenv.cfg").exists() and has_python(root, python)):
        return False
    try:
        stamp = json.loads((venv / "set-up.json").read_text())
    except FileNotFoundError:
        return True  # set-up was interrupted here
    except ValueError:
        return False
    here = isinstance(stamp, dict) and stamp.get("at") == str(root)
    return here and has_commands(root)


def has_python(root: Path, python: Path | None) -> bool:
    """Return whether the environment has this Python, or any if that is None."""
    present = root / ".venv" / "bin" / "python"
    return present.exists() and python in (None, present.resolve())


def has_commands(root: Path) -> bool:
    """Return whether the environment has each command without which it isn't complete."""
    return all((root / ".venv" / "bin" / script).exists() for script in SCRIPTS)


def create_environment(root: Path, uv: Path, named: Path | None = None) -> None:
    """Create `.venv`, or bring it to the locked requirements.

    Args:
        root: The checkout.
        uv: The uv that does it.
        named: The environment's Python; None for the one that it has, or a fast one.

    Raises:
        CommandFailedError: A step failed.
    """
    venv = root / ".venv"
    python = venv / "bin" / "python"
    stamp = venv / "set-up.json"
    environment = dict(os.environ)
    # uv would install into another environment that is active.
    environment.pop("VIRTUAL_ENV", None)
    environment.pop("CONDA_PREFIX", None)
    do = partial(run, cwd=root, environment=environment)
    # mypy would go on reporting a module as missing that a new requirement has brought.
    remove(root / ".mypy_cache")
    if can_be_updated(root, named):
        stamp.unlink(missing_ok=True)
    else:
        # Set-up may run in the environment that it removes, whose Python is a link to this one.
        base = named or optimized()
        # First the file by which uv and the next set-up know an environment.
        (venv / "pyvenv.cfg").unlink(missing_ok=True)
        remove(venv)
        say("Creating the Python environment .venv.")
        do([uv, "venv", "--quiet", "--python", base, venv], what="creating .venv")
    say("Installing the locked requirements (about a minute where nothing is cached).")
    do(
        [
            *(uv, "pip", "sync", "--python", python),
            *("--require-hashes", "--compile-bytecode", "requirements.txt"),
        ],
        what="installing requirements",
    )
    do(
        [uv, "pip", "install", "--python", python, "--no-deps", "--editable", "."],
        what="installing the project",
    )
    # Where PYTHONDONTWRITEBYTECODE is set, every command would compile the project's own modules
    # again.
    do([python, "-m", "compileall", "-q", *PACKAGES], what="compiling the project")
    stamp.write_text(inputs_of(root))


def set_up(root: Path, named: Path | None) -> None:
    """Take each step whose result is missing.

    Args:
        root: The checkout.
        named: The Python that the environment must have; None for any.
    """
    cache = cache_root(os.environ)
    uv = partial(find_or_fetch, cache, os.environ.get("PATH"))
    if not environment_is_current(root, named):
        create_environment(root, uv(), named)
    links = root / ".venv" / "bin"
    context = SetupContext(cache=cache, environment=os.environ, uv=uv)
    replace_link(links / "pulumi", find_or_install(context, own_links=links))
    for name, program in find_network_programs(cache, os.environ).items():
        replace_link(links / name, program)
    prepare_images(root, context)
    remove_temporary_go(context)


def prepare_images(root: Path, context: SetupContext) -> None:
    """Get what the local AWS needs for container images; without it, set-up is complete too."""
    links = root / ".venv" / "bin"
    try:
        replace_link(links / "crane", find_or_build(context, own_links=links))
    except NoCraneError as error:
        say(f"No image can be pulled from a registry. {error}")
    shared = root / ".venv" / "share" / "fargate-web"
    shared.mkdir(parents=True, exist_ok=True)
    try:
        replace_link(shared / "nginx-stand-in", find_or_make(context))
    except NoStandInError as error:
        say(str(error))


def main() -> NoReturn:
    """Run set-up for this checkout.

    Exit 0 when it is complete, 1 with a message when it can't be, 130 on Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.setup", description="Set up a checkout.")
    parser.add_argument(
        "--any-python",
        action="store_true",
        help="keep the environment's Python; a new environment may get a faster one than this",
    )
    any_python = parser.parse_args().any_python
    # Ends a terminated set-up the way Ctrl-C does: through the clean-up of whatever is running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        set_up(ROOT, None if any_python else own())
    except PermissionError as error:
        sys.exit(
            f"Set-up failed. {error}. If another user set up this checkout, use a clone of your own"
        )
    except (CommandFailedError, NoUvError, NoPulumiError, OSError) as error:
        sys.exit(f"Set-up failed. {error}")
    except KeyboardInterrupt:
        say("Set-up was interrupted; run it again to go on.")
        sys.exit(INTERRUPTED)
    say(f"Set-up is complete ({time.monotonic() - started:.1f} s).")
    sys.exit(0)


if __name__ == "__main__":
    main()
