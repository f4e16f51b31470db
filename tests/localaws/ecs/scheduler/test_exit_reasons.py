"""Reasons of ended containers that their exit codes don't show."""

from __future__ import annotations

import json

from localaws.ecs.saved_states import from_json, to_json
from localaws.ecs.scheduler.description import describe
from localaws.ecs.scheduler.model import Process, TaskObservation
from localaws.ecs.scheduler.waiter import why_stopped
from tests.localaws.ecs.simulated_service import SimulatedService, spec

REASON = "OutOfMemoryError: Container killed due to memory usage"


def test_a_containers_reason_is_saved_and_described_and_part_of_its_tasks_reason() -> None:
    service = SimulatedService(spec(desired=1))
    service.run(3)
    first = service.state.tasks[0]
    service.observations[first.id] = TaskObservation(
        process=Process.ENDED,
        exit_codes={"web": 137, "log": 0},
        exit_reasons={"web": REASON},
    )
    service.settle()
    state = from_json(json.loads(json.dumps(to_json(service.state))))
    described = describe(service.spec, state, {})["tasks"][0]
    assert described["containers"] == [
        {"name": "web", "exitCode": 137, "reason": REASON},
        {"name": "log", "exitCode": 0},
    ]
    assert f"(web exited with 137: {REASON}, log exited with 0)" in why_stopped(state)
