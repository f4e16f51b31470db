"""The file of services' states, whose format is independent of the names in the code."""

from __future__ import annotations

import copy
import json
from typing import Any

from localaws.ecs.saved_states import from_json, to_json
from localaws.ecs.scheduler.model import (
    Binding,
    Deployment,
    Event,
    Rollout,
    ServiceRevision,
    ServiceState,
    Status,
    StopCode,
    Task,
    Zone,
)


def saved_revision(number: int) -> dict[str, object]:
    return {
        "fingerprint": f"r{number}",
        "task_definition": f"web:{number}",
        "zones": [{"subnet": "subnet-a", "name": "eu-west-1a"}],
        "bindings": [{"target_group": "group", "container": "web", "port": 80}],
        "stop_timeout": 7,
        "launch": {"region": "eu-west-1"},
    }


SAVED: dict[str, Any] = {
    "deployments": [
        {
            "id": "ecs-svc/2",
            "revision": saved_revision(1),
            "created_at": 20.0,
            "updated_at": 21.0,
            "rollout": "COMPLETED",
            "asked_at": 10.0,
            "undoes": "ecs-svc/1",
            "failures": 1,
            "not_before": 22.0,
            "recovered_at": 23.0,
        }
    ],
    "asked": saved_revision(2),
    "completed": saved_revision(1),
    "tasks": [
        {
            "id": "t",
            "deployment": "ecs-svc/2",
            "task_definition": "web:1",
            "zone": {"subnet": "subnet-a", "name": "eu-west-1a"},
            "created_at": 20.0,
            "status": "STOPPED",
            "started_at": 20.5,
            "healthy_once": True,
            "deactivated_at": 24.0,
            "stopping_at": 25.0,
            "stopped_at": 26.0,
            "stop_code": "ServiceSchedulerInitiated",
            "stop_reason": "Scaling",
            "exit_codes": {"web": 143},
            "exit_reasons": {"web": "OutOfMemoryError"},
            "health_answer": "codes: [404]",
            "note": "local",
            "evens_zones": True,
        }
    ],
    "events": [{"id": "e", "at": 21.0, "message": "(service web) has reached a steady state."}],
    "told": {"has reached a steady state.": 21.0},
    "steady_since": 21.0,
}
"""A state as version 1 of the file contains it, with the names before fields were renamed."""


def revision(number: int) -> ServiceRevision:
    return ServiceRevision(
        fingerprint=f"r{number}",
        task_definition=f"web:{number}",
        zones=(ZONE,),
        bindings=(Binding(target_group="group", container="web", port=80),),
        stop_timeout=7,
        launch={"region": "eu-west-1"},
    )


ZONE = Zone(subnet="subnet-a", name="eu-west-1a")

STATE = ServiceState(
    deployments=(
        Deployment(
            id="ecs-svc/2",
            revision=revision(1),
            created_at=20.0,
            updated_at=21.0,
            rollout=Rollout.COMPLETED,
            requested_at=10.0,
            rolls_back="ecs-svc/1",
            failures=1,
            not_before=22.0,
            recovered_at=23.0,
        ),
    ),
    requested=revision(2),
    completed=revision(1),
    tasks=(
        Task(
            id="t",
            deployment="ecs-svc/2",
            task_definition="web:1",
            zone=ZONE,
            created_at=20.0,
            status=Status.STOPPED,
            started_at=20.5,
            healthy_once=True,
            deactivated_at=24.0,
            stopping_at=25.0,
            stopped_at=26.0,
            stop_code=StopCode.SERVICE_SCHEDULER_INITIATED,
            stop_reason="Scaling",
            exit_codes={"web": 143},
            exit_reasons={"web": "OutOfMemoryError"},
            health_answer="codes: [404]",
            note="local",
            evens_zones=True,
        ),
    ),
    events=(Event(id="e", at=21.0, message="(service web) has reached a steady state."),),
    reported_at={"has reached a steady state.": 21.0},
    steady_since=21.0,
)


def test_a_file_with_former_names_is_read() -> None:
    assert from_json(SAVED) == STATE


def test_a_state_is_written_with_the_former_names() -> None:
    (deployment,), (task,) = SAVED["deployments"], SAVED["tasks"]
    expected = {
        **SAVED,
        "deployments": [{**deployment, "ignored_alarms": [], "alarms": {}, "baking_since": None}],
        "tasks": [{**task, "capacity_provider": "", "instance": ""}],
    }
    assert json.loads(json.dumps(to_json(STATE))) == expected


def test_a_state_without_times_of_events_is_read() -> None:
    early = {name: value for name, value in SAVED.items() if name not in {"told", "steady_since"}}
    state = from_json(early)
    assert state.reported_at == {}
    assert state.steady_since is None


def test_a_state_without_reasons_of_containers_is_read() -> None:
    early = copy.deepcopy(SAVED)
    del early["tasks"][0]["exit_reasons"]
    assert from_json(early).tasks[0].exit_reasons == {}
