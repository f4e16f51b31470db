"""Stacks for the engine tests; they are stopped whatever happens, and leave no process behind."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from localaws.daemon.runtime_choice import Runtime, choose
from localaws.machine import isolation
from tests.engine.fork_client import end_all
from tests.engine.images import table
from tests.engine.stack import BIN, Stack, runs_containers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def cli() -> None:
    """The engine is a part of what is tested: without it the tests fail, they don't skip."""
    found = shutil.which("pulumi", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    assert found, "there is no `pulumi`: run `make setup`"


@pytest.fixture(scope="session", autouse=True)
def images(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the images that tests use as files, where tasks run as containers of them.

    That is where users' tasks do. A machine that allows no containers fails the tests, unless
    `LOCALAWS_RUNTIME=process` says that processes will do.
    """
    choice = choose(isolation.find)
    assert not choice.why, (
        f"{choice.why}. These tests run tasks as containers, as most users' machines do: "
        "docs/containers.md says how to allow that. LOCALAWS_RUNTIME=process runs those tests on "
        "processes that need no container, and skips the others"
    )
    if choice.runtime is Runtime.CONTAINER:
        os.environ["LOCALAWS_IMAGES"] = str(table(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="session", autouse=True)
def preloaded() -> Iterator[None]:
    """End what serves the stacks of this worker by forks."""
    yield
    end_all()


@pytest.fixture(scope="session")
def containers() -> None:
    """Skip tests of what only containers do, where tasks run as processes."""
    if not runs_containers():
        pytest.skip("NOT TESTED: tasks run as processes")


@pytest.fixture
def empty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack without resources."""
    stack = Stack(tmp_path_factory.mktemp("state"))
    yield stack
    stack.run("stop")


@pytest.fixture(scope="session")
def stacks_of_this_worker() -> Iterator[list[Stack]]:
    """The local stacks that were deployed for several files, the newest last."""
    stacks: list[Stack] = []
    yield stacks
    for each in stacks:
        each.run("stop")


@pytest.fixture(scope="module")
def stack(stacks_of_this_worker: list[Stack], tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The deployed local stack; a test that changes it deploys the original again.

    The files that a worker runs share one, since a deployment takes seconds. Where a test has left
    it otherwise, as one that fails does, the next file gets another.
    """
    stacks = stacks_of_this_worker
    if not stacks or not stacks[-1].is_as_first_deployed():
        stacks.append(_deployed(tmp_path_factory))
    return stacks[-1]


@pytest.fixture(scope="module")
def new_stack(
    stacks_of_this_worker: list[Stack], tmp_path_factory: pytest.TempPathFactory
) -> Stack:
    """The deployed local stack, in an account where earlier runs have left nothing.

    The files that follow share it, too.
    """
    stacks = stacks_of_this_worker
    if not stacks or len(stacks[-1].state.runs()) > 1:
        stacks.append(_deployed(tmp_path_factory))
    return stacks[-1]


def _deployed(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    stack = Stack(tmp_path_factory.mktemp("state"))
    stack.up()
    return stack
