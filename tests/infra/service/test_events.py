"""Select the events of a service's latest deployment, and never those of an earlier one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.service.events import has_failed, in_progress, last_failure
from tests.infra.event_log import FAILED, INCONSISTENT, EventLog

if TYPE_CHECKING:
    from collections.abc import Callable

    Kind = Callable[[EventLog, list[str], str], None]

NOT_FOUND = "Health checks failed with these codes: [404]"
NO_IMAGE = (
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): shop:stabel: "
    "not found"
)


@pytest.fixture
def log() -> EventLog:
    """The events of a service that runs its first version."""
    log = EventLog()
    first = log.begin()
    log.start(2)
    log.complete(first)
    return log


def reported(log: EventLog) -> list[str]:
    """Return the messages that are reported about the last failure."""
    return last_failure(log.events)


def test_a_failure_that_was_rolled_back_is_reported_without_routine_events(
    log: EventLog,
) -> None:
    failed = log.fail_health_checks(NOT_FOUND)
    rollback = log.roll_back()
    log.start(2)
    assert in_progress(log.events, log.created[rollback]) == [], (
        "the rollback itself has nothing to report"
    )
    log.complete(rollback)
    failure, unhealthy = reported(log)
    assert failure == f"(deployment {failed}) {FAILED}"
    assert unhealthy.startswith("(task ")
    assert NOT_FOUND in unhealthy
    assert in_progress(log.events) == []


def test_events_of_an_earlier_failure_are_not_reported_for_the_latest_one() -> None:
    log = EventLog()
    first = log.begin()
    log.start(2)
    log.unplaced(NO_IMAGE)
    log.write(INCONSISTENT)
    log.fail(first)
    second = log.fail_health_checks(NOT_FOUND)
    for created in ({second: log.created[second]}, {}):
        messages = last_failure(log.events, created)
        assert NOT_FOUND in messages[1]
        for message in messages:
            assert first not in message
            assert NO_IMAGE not in message
            assert INCONSISTENT not in message
    assert last_failure(log.events, earlier=log.ids()) == [], "nothing failed since"
    assert has_failed(first, log.events)
    assert has_failed(second, log.events)
    assert not has_failed("ecs-svc/9", log.events)


def test_an_old_task_that_fails_during_a_deployment_is_not_reported_for_it(log: EventLog) -> None:
    old, *_ = log.start(1)
    log.write("has reached a steady state.")
    deployment = log.begin()
    log.start(1)
    log.unhealthy(old, "Request timed out")
    log.unplaced(NO_IMAGE)
    (message,) = in_progress(log.events, log.created[deployment])
    assert NO_IMAGE in message
    log.fail(deployment)
    assert "Request timed out" not in "\n".join(reported(log))


def test_a_failed_task_is_reported_although_its_event_follows_the_rollback(log: EventLog) -> None:
    deployment = log.begin()
    late, *_ = log.start(1)
    log.fail(deployment)
    rollback = log.roll_back()
    log.unhealthy(late, NOT_FOUND)
    log.start(1)
    log.complete(rollback)
    assert NOT_FOUND in "\n".join(reported(log))


def test_every_task_is_reported_if_an_event_counts_more_tasks_than_it_names(
    log: EventLog,
) -> None:
    deployment = log.begin()
    log.write("has started 2 tasks: (task 795dee6c).")
    log.unhealthy("031fcc30", NOT_FOUND)
    log.fail(deployment)
    assert NOT_FOUND in "\n".join(reported(log))


def test_every_task_is_reported_if_the_starts_of_tasks_are_no_longer_listed(
    log: EventLog,
) -> None:
    log.fail_health_checks(NOT_FOUND)
    log.events = [event for event in log.events if "has started" not in event.message][:4]
    assert NOT_FOUND in "\n".join(reported(log))


def test_a_rollback_that_fails_too_is_reported_without_the_reasons_of_its_tasks(
    log: EventLog,
) -> None:
    failed = log.fail_health_checks(NOT_FOUND)
    rollback = log.roll_back()
    for task in log.start(2):
        log.unhealthy(task, "Health checks failed with these codes: [503]")
    log.fail(rollback)
    messages = reported(log)
    assert messages[:2] == [f"(deployment {rollback}) {FAILED}", f"(deployment {failed}) {FAILED}"]
    assert NOT_FOUND in messages[2]
    assert "503" not in "\n".join(messages)


def test_a_failure_is_reported_until_a_later_deployment_completes(
    log: EventLog,
) -> None:
    log.fail_health_checks(NOT_FOUND)
    rollback = log.roll_back()
    log.complete(rollback)
    assert reported(log)
    good = log.begin()
    assert reported(log)
    log.complete(good)
    assert not reported(log)


def test_a_deployment_that_replaced_an_unfinished_rollback_ends_the_report(log: EventLog) -> None:
    log.fail_health_checks(NOT_FOUND)
    log.roll_back()
    log.complete(log.begin())
    assert not reported(log)


def test_a_repeated_steady_state_hides_no_failure(log: EventLog) -> None:
    log.fail_health_checks(NOT_FOUND)
    log.complete(log.roll_back())
    log.later(6 * 3600)
    log.write("has reached a steady state.")
    assert NOT_FOUND in "\n".join(reported(log))


def test_the_newest_of_events_that_differ_only_in_the_task_is_reported() -> None:
    log = EventLog()
    first, second = log.start(2)
    log.unhealthy(first, NOT_FOUND)
    log.unhealthy(second, NOT_FOUND)
    (event,) = in_progress(log.events)
    assert second in event


def test_routine_events_are_not_reported(log: EventLog) -> None:
    deployment = log.begin()
    log.start(1)
    log.write("stopped 2 pending tasks.")
    log.write("has begun draining connections on 2 tasks.")
    log.write("is AZ balanced with 1 tasks in eu-west-1a, 1 tasks in eu-west-1b.")
    log.write("is not AZ balanced with 2 tasks in eu-west-1a. AZ Rebalancing in progress.")
    assert in_progress(log.events, log.created[deployment]) == []


def test_a_service_without_events_reports_nothing() -> None:
    assert last_failure([]) == in_progress([]) == []


def unplaced(log: EventLog, _: list[str], reason: str) -> None:
    log.unplaced(f"CannotPullContainerError: {reason}")


def unhealthy(log: EventLog, tasks: list[str], reason: str) -> None:
    for task in tasks:
        log.unhealthy(task, reason)


def inconsistent(log: EventLog, _: list[str], reason: str) -> None:
    log.write(f"{INCONSISTENT} {reason}")


KINDS = (unplaced, unhealthy, inconsistent)
OUTCOMES = ("completes", "fails", "is rolled back", "is rolled back, which fails", "goes on")


class History:
    """A service's history: deployments that complete or fail, each with its reason."""

    def __init__(self) -> None:
        self.log = EventLog()
        self.earlier: set[str] = set()
        """Ids of the events before the last deployment."""

        self.listed: list[str] = []
        """Ids of the deployments that ECS still lists."""

        self.reason = ""
        """Reason of the last deployment's failure."""

        self._has_good_version = False
        """Whether there is a version to roll back to. A failed rollback leaves none."""

        self._running: list[str] = []
        self._numbers = 0

    def deploy(self, outcome: str, kind: Kind, *, old_task_fails: bool) -> str:
        """Add one deployment, and return its outcome.

        It differs from `outcome` if there is no version to roll back to.
        """
        log = self.log
        self.earlier = log.ids()
        self._numbers += 1
        self.reason = f"reason-{self._numbers};"
        deployment = log.begin()
        tasks = log.start(2)
        if old_task_fails and self._running:
            log.unhealthy(self._running[0], "reason-old;")
        if outcome == "completes":
            log.complete(deployment)
            self._has_good_version = True
            self._running = tasks
            self.listed = [deployment]
            return outcome
        kind(log, tasks, self.reason)
        self.listed = [deployment]
        if outcome == "goes on":
            return outcome
        log.fail(deployment)
        if outcome == "fails" or not self._has_good_version:
            return "fails"
        rollback = log.roll_back()
        self._has_good_version = False
        self._running = log.start(2)
        self.listed = [rollback]
        if outcome == "is rolled back":
            log.complete(rollback)
            self._has_good_version = True
        else:
            log.unhealthy(self._running[0], "reason-rollback;")
            log.fail(rollback)
        return outcome

    def reasons(self, *, use_earlier: bool) -> set[str]:
        """Return the reasons that are reported, with or without the ids of the earlier events."""
        created = {each: self.log.created[each] for each in self.listed}
        earlier = self.earlier if use_earlier else ()
        messages = last_failure(self.log.events, created, earlier=earlier)
        return set(re.findall(r"reason-\w+;", "\n".join(messages)))


STEPS = st.tuples(st.sampled_from(OUTCOMES), st.sampled_from(KINDS), st.booleans())


@given(st.lists(STEPS, min_size=1, max_size=6))
def test_only_the_last_deployments_reason_is_reported_after_any_history(
    steps: list[tuple[str, Kind, bool]],
) -> None:
    history = History()
    previous = ""
    for outcome, kind, old_task_fails in steps:
        ended = history.deploy(outcome, kind, old_task_fails=old_task_fails)
        expected = {history.reason}
        if ended == "completes":
            assert history.reasons(use_earlier=False) == history.reasons(use_earlier=True) == set()
        elif ended == "goes on":
            messages = in_progress(history.log.events, history.log.created[history.listed[0]])
            assert set(re.findall(r"reason-\w+;", "\n".join(messages))) == expected
            assert history.reasons(use_earlier=True) == set()
        else:
            assert history.reasons(use_earlier=True) == expected
            # No event marks the end of a deployment that another one replaced; only the run that
            # replaced it has the ids of its events.
            if previous != "goes on" or ended == "fails":
                assert history.reasons(use_earlier=False) == expected
        previous = ended
