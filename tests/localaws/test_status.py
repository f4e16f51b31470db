"""What `pulumi-local status` shows of a service; tests/engine has the command itself."""

from __future__ import annotations

from typing import Any

from localaws.status import table


def task(number: int, status: str, reason: str = "") -> dict[str, Any]:
    place = {"healthStatus": "UNKNOWN", "availabilityZone": "eu-west-1a", "endpoint": ""}
    return {"taskId": f"{number:032}", "lastStatus": status, "stoppedReason": reason, **place}


def test_of_many_stopped_tasks_the_last_are_shown_and_of_the_others_all() -> None:
    tasks = [task(0, "RUNNING"), *(task(number, "STOPPED", f"reason {number}") for number in range(1, 30))]
    service = {
        "serviceName": "web",
        "progress": "1 of 1 tasks healthy",
        "deployments": [],
        "events": [],
        "tasks": tasks,
    }
    shown = table({"services": [service], "names": {}}).splitlines()
    assert len(shown) == 1 + 1 + 5
    assert "RUNNING" in shown[1]
    assert shown[-1].endswith("reason 29")
