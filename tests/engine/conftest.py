"""Stacks for the engine tests; they are stopped whatever happens, and leave no process behind."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

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
def runtime() -> None:
    """Run tasks as processes but where a test or the environment says otherwise.

    Most of these tests start a service with another port or program than nginx's own.
    """
    os.environ.setdefault("LOCALAWS_RUNTIME", "process")


@pytest.fixture(scope="session", autouse=True)
def images(runtime: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the images that tests use as files, where tasks run as containers of them."""
    if runs_containers():
        os.environ["LOCALAWS_IMAGES"] = str(table(tmp_path_factory.mktemp("images")))


@pytest.fixture
def empty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack without resources."""
    stack = Stack(tmp_path_factory.mktemp("home"))
    yield stack
    stack.run("stop")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed local stack; a test that changes it deploys the original again."""
    stack = Stack(tmp_path_factory.mktemp("home"))
    try:
        stack.up()
        yield stack
    finally:
        stack.run("stop")
