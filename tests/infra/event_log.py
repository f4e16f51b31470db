"""A service's events as ECS writes them, for tests of the code that reads them.

The order and the messages are those of public event lists: of a rolled-back deployment whose last
task is reported as unhealthy only after the rollback began, of one whose image can't be pulled, and
of AWS's own list of service events
(docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from infra.service.events import Event

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
TARGET_GROUP = (
    "arn:aws:elasticloadbalancing:eu-west-1:210987654321:targetgroup/alb-web/3f44f85710fe0297"
)
FAILED = "deployment failed: tasks failed to start."
STEADY = "has reached a steady state."
INCONSISTENT = "is unable to consistently start tasks successfully."


@dataclass
class EventLog:
    """One service's events, and when its deployments were created."""

    name: str = "dev-web"
    events: list[Event] = field(default_factory=list)
    """Newest first, as DescribeServices returns them."""

    created: dict[str, datetime] = field(default_factory=dict)
    now: datetime = BEGIN
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def write(self, message: str) -> None:
        """Add an event; the provider returns its time without the fraction of a second."""
        self.later(0.001)
        event = Event(
            f"e{next(self._numbers)}",
            self.now.replace(microsecond=0),
            f"(service {self.name}) {message}",
        )
        self.events.insert(0, event)

    def begin(self) -> str:
        """Create a deployment, and return its id."""
        self.later(1.5)
        deployment = f"ecs-svc/{1571272475813219000 + next(self._numbers)}"
        self.created[deployment] = self.now.replace(microsecond=0)
        return deployment

    def start(self, tasks: int = 1) -> list[str]:
        """Start tasks, and return their ids."""
        ids = [f"{0x795DEE6C000 + next(self._numbers):032x}" for _ in range(tasks)]
        self.later(2)
        self.write(f"has started {tasks} tasks: {' '.join(f'(task {each})' for each in ids)}.")
        return ids

    def unplaced(self, reason: str) -> None:
        self.later(20)
        self.write(f"was unable to place a task. Reason: {reason}.")

    def unhealthy(self, task: str, answer: str) -> None:
        self.later(20)
        reason = f"due to (reason {answer})."
        self.write(
            f"(task {task}) (port 80) is unhealthy in (target-group {TARGET_GROUP}) {reason}"
        )
        self.write(f"has stopped 1 running tasks: (task {task}).")
        self.write(f"deregistered 1 targets in (target-group {TARGET_GROUP})")

    def complete(self, deployment: str, *, steady: bool = True) -> None:
        self.later(30)
        self.write(f"registered 1 targets in (target-group {TARGET_GROUP})")
        self.write(f"(deployment {deployment}) deployment completed.")
        if steady:
            self.write(STEADY)

    def fail(self, deployment: str, end: str = FAILED) -> None:
        self.later(1)
        self.write(f"(deployment {deployment}) {end}")

    def fail_health_checks(self, answer: str) -> str:
        """Add a deployment whose two tasks fail their health checks, and return its id."""
        deployment = self.begin()
        for task in self.start(2):
            self.unhealthy(task, answer)
        self.fail(deployment)
        return deployment

    def roll_back(self) -> str:
        """Create the deployment of the last good version at once, and return its id."""
        deployment = f"ecs-svc/{1675294001379389000 + next(self._numbers)}"
        self.created[deployment] = self.now.replace(microsecond=0)
        self.write(f"rolling back to deployment {deployment}.")
        return deployment

    def ids(self) -> set[str]:
        return {event.id for event in self.events}
