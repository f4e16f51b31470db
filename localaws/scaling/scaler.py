"""The scaler: each minute it measures, evaluates each target, and sets desired counts."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from localaws.catalog.appautoscaling import SCHEDULED_ACTION
from localaws.catalog.ecs.services import SERVICE
from localaws.machine.files import read_what_can_be_made_anew, write_atomically
from localaws.scaling.model import Activity, Bounds, Observation, State
from localaws.scaling.step import step
from localaws.scaling.targets import targets_of
from localaws.speed import COMPRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from localaws.catalog.account import Account
    from localaws.scaling.metrics import Metrics
    from localaws.scaling.minutes import Minute
    from localaws.scaling.model import Target


class Services(Protocol):
    """The services as ECS describes them."""

    def describe(self, service_arn: str) -> dict[str, Any]:
        """Return a service as DescribeServices shows it; empty for one that isn't known."""


class Scaler:
    """Scales every scalable target of the account."""

    def __init__(
        self,
        account: Account,
        services: Services,
        metrics: Metrics,
        directory: Path,
        *,
        set_desired_count: Callable[[str, int], None],
        speed: float = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Know no state until `start`, and do nothing until `tick`.

        Args:
            account: Where the targets are.
            services: Returns how many tasks run.
            metrics: Measures the services.
            directory: The state directory, which holds `scaling.json`.
            set_desired_count: Changes a service, by its ARN.
            speed: How fast AWS's durations pass, apart from `COMPRESSION`.
            clock: Seconds since the epoch.
        """
        self._account = account
        self._services = services
        self._metrics = metrics
        self._file = directory / "scaling.json"
        self._set_desired_count = set_desired_count
        self._factor = COMPRESSION * speed
        self._clock = clock
        self._states: dict[str, State] = {}
        self._since: dict[str, datetime] = {}
        """When each scheduled action was seen first, by its ARN."""

    def start(self) -> None:
        """Go on from what was saved."""
        saved: dict[str, Any] = read_what_can_be_made_anew(
            self._file, dict, otherwise={}, then="scaling begins anew, without its past activities"
        )
        for name, document in saved.items():
            self._states[name] = _state(document)

    def status(self) -> list[dict[str, Any]]:
        """Return each target with its bounds, what it measured last, and its activities."""
        return list(map(self._target_status, targets_of(self._account, self._since)))

    def _target_status(self, target: Target) -> dict[str, Any]:
        state = self._states.get(target.resource_id, State())
        bounds = state.bounds or target.bounds
        points = self._metrics.of(target)
        policies: list[dict[str, Any]] = []
        for policy in target.policies:
            last = points.get(policy.metric, ())[-1:]
            policies.append(
                {
                    "name": policy.name,
                    "metric": policy.metric.kind,
                    "target": policy.target,
                    "last": round(last[0].value, 3) if last else None,
                }
            )
        return {
            "service": target.service,
            "minCapacity": bounds.minimum,
            "maxCapacity": bounds.maximum,
            "policies": policies,
            "activities": list(map(asdict, state.activities)),
        }

    async def tick(self, minute: Minute) -> None:
        """Do a minute's work."""
        self._note_new_actions()
        targets = targets_of(self._account, self._since)
        if targets:
            await self._metrics.count_requests()
        for target in targets:
            await self._metrics.measure(target, minute)
            self._step(target, minute)
        gone = self._states.keys() - {target.resource_id for target in targets}
        for resource_id in gone:
            del self._states[resource_id]
        if gone:
            self._save()

    def _step(self, target: Target, minute: Minute) -> None:
        """Bring a target one step forward, and set its service's desired count if that changes."""
        described = self._services.describe(target.service)
        service = self._account.get(SERVICE, target.service)
        if service is None or described.get("status") != "ACTIVE":
            return
        deployments = described["deployments"]
        seen = Observation(
            desired=int(service.outputs.get("desiredCount") or 0),
            running=described["runningCount"],
            deploying=any(each["rolloutState"] == "IN_PROGRESS" for each in deployments),
            minute=minute.number,
            points=self._metrics.of(target),
        )
        before = self._states.get(target.resource_id, State())
        state, count = step(target, before, seen, self._clock(), factor=self._factor)
        self._states[target.resource_id] = state
        # `checked_at` changes each minute and isn't saved.
        if replace(state, checked_at=None) != replace(before, checked_at=None):
            self._save()
        if count is not None:
            self._set_desired_count(target.service, count)

    def _note_new_actions(self) -> None:
        for action in self._account.all(SCHEDULED_ACTION):
            now = datetime.fromtimestamp(self._clock(), UTC)
            self._since.setdefault(action.outputs["arn"], now)

    def _save(self) -> None:
        documents: dict[str, Any] = {}
        for resource_id, state in self._states.items():
            documents[resource_id] = asdict(replace(state, checked_at=None))
        write_atomically(self._file, json.dumps(documents))


def _state(document: Mapping[str, Any]) -> State:
    bounds = {}
    for name in ("registered", "bounds"):
        bounds[name] = Bounds(**document[name]) if document[name] else None
    activities = tuple(Activity(**each) for each in document["activities"])
    return State(**{**document, **bounds, "activities": activities})
