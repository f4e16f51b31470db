"""A service grows under load and shrinks again, without a failed request and without drift."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

from localaws.cli.status import fetch
from tests.engine.service import service_of
from tests.engine.stack import BIN, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.stack import Stack

# At the suite's speed a minute lasts a fifth of a second. Of fifty requests a second each of four
# tasks gets 2.5 in it, more than twice the target, so that a busy machine's pauses don't scale in.
SCALED: dict[str, Any] = {
    "minCount": 2,
    "maxCount": 4,
    "targetRequestsPerMinute": 1,
    "scaleInCooldownSeconds": 60,
}


def eventually(condition: Callable[[], bool], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_service_scales_with_its_requests_and_no_run_undoes_it(stack: Stack) -> None:
    """A deployment under load keeps the scaled count, and a refresh shows no drift."""
    stack.up(**SCALED)
    url = stack.outputs()["serviceUrl"]
    done = stack.directory.path / "watched"
    watching = [str(BIN / "verify"), "watch", url, "--rate", "25", "--until-file", str(done)]
    with subprocess.Popen(watching, stdout=subprocess.PIPE, text=True) as watch:
        eventually(lambda: service_of(stack)["desiredCount"] == 4)
        stack.up(**SCALED, drainSeconds=3)
        during = service_of(stack)
        again = settings({**SCALED, "drainSeconds": 3})
        stack.run("preview", "--non-interactive", "--refresh", "--expect-no-changes", *again)
        done.touch()
        report, _ = watch.communicate(timeout=60)
    assert during["desiredCount"] == during["runningCount"] == 4
    assert watch.returncode == 0, report
    eventually(lambda: service_of(stack)["desiredCount"] == 2)
    status = fetch(stack.directory)
    assert status
    (scaling,) = status["scaling"]
    latest = scaling["activities"][0]["message"]
    assert latest.startswith("set desired count to 2: requests per task"), latest
    stack.up()
    assert service_of(stack)["desiredCount"] == 2, "without scaling, the count stays as it is"
