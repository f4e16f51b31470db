"""What only the runtime `process` does: all other tests run tasks as users' machines do.

One stack on a machine that refuses namespaces, as far as the local AWS can tell: its `unshare`
fails as that of a locked container does. A test starts from what the one before it left running.
"""

from __future__ import annotations

import json
import os
import shlex
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.images import write_processes
from tests.engine.requests import get
from tests.engine.stack import BIN, Stack, settings
from tests.engine.traffic import tasks
from tests.engine.watching import INTERVAL_MS, UP, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSAL = "unshare: unshare failed: Operation not permitted"
SHOP = "shop.example.com/api:1"
SERVER = Path(__file__).with_name("early_closer.py")
NOTE = "local AWS: the container can't listen on port"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tasks of the shop that cut requests record them."""
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, records: Path) -> Iterator[Stack]:
    """The local stack on such a machine, which the first test deploys."""
    programs = tmp_path_factory.mktemp("programs")
    unshare = programs / "unshare"
    unshare.write_text(f"#!/bin/sh\necho '{REFUSAL}' >&2\nexit 1\n")
    unshare.chmod(0o755)
    command = ["{python}", "-I", str(SERVER), "{address}", "{port}", str(records)]
    environment = {
        "LOCALAWS_RUNTIME": "auto",
        "LOCALAWS_IMAGES": str(write_processes(programs, {SHOP: command})),
        "PATH": f"{programs}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    stack = Stack(tmp_path_factory.mktemp("state"), environment=environment)
    yield stack
    stack.run("stop")


def test_what_was_refused_and_is_not_enforced_is_reported_by_up_and_status(stack: Stack) -> None:
    output = stack.up()
    sentence = json.loads(stack.run("status", "--json"))["runtime"]
    assert sentence.startswith("tasks run in the runtime `process`; not enforced: images")
    assert "security groups, routes and public addresses" in sentence
    assert "This machine can't run containers (" in sentence
    assert REFUSAL in sentence
    assert sentence in stack.run("status")
    assert output.count(sentence) == 1


def test_what_needs_a_container_or_a_vpc_is_refused(stack: Stack) -> None:
    way_out = "set LOCALAWS_RUNTIME=container"
    for command in (("exec", "--", "true"), ("internet", "--", "true")):
        assert way_out in stack.run(*command, fails=True)


def test_a_program_of_the_table_of_images_is_rolled_out_without_a_failed_request(
    stack: Stack,
) -> None:
    url = stack.outputs()["serviceUrl"]
    before = tasks(url)
    command = shlex.quote(f"{UP} {shlex.join(settings({'image': SHOP}))}")
    report = watch(stack, url, "--expect-change", command=f"sh -c {command}")
    assert report["exit_code"] == 0, report
    assert report["watch"]["failures"] == {}
    run = stack.shell(f"verify {url} --expect-tasks 2 --deadline 20")
    assert run.returncode == 0, run.stdout + run.stderr
    assert not before & tasks(url), "old tasks still answer"


def test_requests_that_old_tasks_cut_are_counted_and_dated_to_within_an_interval(
    stack: Stack, records: Path
) -> None:
    url = f"{stack.outputs()['serviceUrl']}/slow"
    options = shlex.join(settings({"image": SHOP, "memoryMib": 1024}))
    report = watch(stack, url, "--expect-change", "--before", "3s", command=f"{UP} {options}")
    cut: list[float] = []
    for file in records.iterdir():
        cut += json.loads(file.read_text())
    cut.sort()
    assert len(cut) > 1, "the rollout has cut nothing, so nothing is shown"
    watched = report["watch"]
    reason = "502 from the load balancer: a target closed the connection or sent no valid answer"
    assert watched["failures"] == {reason: len(cut)}
    assert (report["fault"], report["exit_code"]) == ("balancer_error", 34)
    began = datetime.fromisoformat(report["started"]).timestamp()
    first = min(outage["start_ms"] for outage in watched["outages"])
    last = (
        max(outage["start_ms"] + outage["length_ms"] for outage in watched["outages"]) - INTERVAL_MS
    )
    assert abs(first - (cut[0] - began) * 1000) <= INTERVAL_MS
    assert abs(last - (cut[-1] - began) * 1000) <= INTERVAL_MS


def test_an_image_without_a_row_is_refused_with_the_row_to_add_and_the_old_tasks_go_on(
    stack: Stack,
) -> None:
    output = stack.up(image="shop.example.com/other:1", fails=True)
    assert "CannotPullContainerError" in output
    assert 'add a row [[image]] with match = ["shop.example.com/other:1"]' in output
    assert get(stack.outputs()["serviceUrl"]).status_code == 200


def test_a_container_that_listens_on_all_addresses_is_explained_as_no_fault_on_aws(
    stack: Stack,
) -> None:
    """Tasks share this machine's network: the other task needs the port at its own address."""
    everywhere = ["sh", "-c", "exec python3 -m http.server $PORT"]
    output = stack.up(image="python:3", command=everywhere, fails=True)
    assert "likely cause: The container listens on 0.0.0.0, as it should on AWS" in output
    assert NOTE in stack.run("status")
    assert NOTE in stack.run("logs", "--no-follow")
