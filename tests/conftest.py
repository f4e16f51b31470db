"""What holds for every test."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.second_user import folder_open_to_others

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["tests.leftovers", "tests.slow", "tests.workers"]

# How long an example takes says something about the machine's other work, and nothing about the
# code.
settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("shared machine"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shared machine"))

# A shell lets what it runs in the background ignore interrupts, and children inherit that; some
# tests interrupt theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What imports and collection make stays: looking for garbage in it is a twelfth of their time.
gc.disable()


def pytest_collection_finish() -> None:
    """Have the garbage collector leave out what was imported, and run less often.

    Each is a sixth of a run of the program under mocks, whose resources refer to each other until
    it ends.
    """
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the Pulumi CLI write nothing into the user's folder, and no log of each command.

    It writes every message of a command, debug messages included, into a file under `logs`, which
    is an eighth of its CPU time. Where it can't, it goes on without.
    """
    folder = tmp_path_factory.mktemp("pulumi")
    (folder / "logs").touch()
    os.environ["PULUMI_HOME"] = str(folder)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that other users can enter, unlike `tmp_path`."""
    with folder_open_to_others() as folder:
        yield folder
