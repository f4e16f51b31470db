"""`verify watch` counts and dates the requests that old tasks of a rollout cut off."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.images import write_processes
from tests.engine.stack import Stack
from tests.engine.watching import INTERVAL_MS, UP, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

TASK = Path(__file__).with_name("early_closer.py")


@pytest.fixture
def closer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path]]:
    """A stack whose tasks end at once, and the folder with their records."""
    records = tmp_path_factory.mktemp("records")
    command = ["{python}", "-I", str(TASK), "{address}", "{port}", str(records)]
    images = write_processes(tmp_path_factory.mktemp("images"), {"*nginx*": command})
    # A row of this table runs a program of this machine, which containers don't.
    environment = {"LOCALAWS_IMAGES": str(images), "LOCALAWS_RUNTIME": "process"}
    stack = Stack(tmp_path_factory.mktemp("state"), environment=environment)
    try:
        stack.up()
        yield stack, records
    finally:
        stack.run("stop")


def test_requests_that_old_tasks_cut_are_counted_and_dated_to_within_an_interval(
    closer: tuple[Stack, Path],
) -> None:
    stack, records = closer
    url = f"{stack.outputs()['serviceUrl'].rstrip('/')}/slow"
    report = watch(
        stack,
        url,
        "--expect-change",
        "--before",
        "3s",
        command=f"{UP} -c fargate-web:memoryMib=1024",
    )
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
