"""What a service's events report: of the latest deployment, and never of an earlier one."""

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
    """Of a service that runs its first version."""
    log = EventLog()
    first = log.begin()
    log.start(2)
    log.complete(first)
    return log


def fail_for(log: EventLog, answer: str) -> str:
    """A deployment whose two tasks fail their health checks; its id."""
    deployment = log.begin()
    for task in log.start(2):
        log.unhealthy(task, answer)
    log.fail(deployment)
    return deployment


def shown(log: EventLog) -> list[str]:
    return last_failure(log.events)


def test_a_failure_that_was_rolled_back_is_reported_without_routine_and_names(
    log: EventLog,
) -> None:
    failed = fail_for(log, NOT_FOUND)
    rollback = log.roll_back()
    log.start(2)
    assert in_progress(log.events, log.created[rollback]) == [], (
        "of the rollback, there is nothing to report"
    )
    log.complete(rollback)
    failure, unhealthy = shown(log)
    assert failure == f"(deployment {failed}) {FAILED}"
    assert unhealthy.startswith("(task ")
    assert NOT_FOUND in unhealthy
    assert in_progress(log.events) == []


def test_an_earlier_failure_without_a_rollback_is_not_the_latest_ones() -> None:
    log = EventLog()
    first = log.begin()
    log.start(2)
    log.unplaced(NO_IMAGE)
    log.write(INCONSISTENT)
    log.fail(first)
    second = fail_for(log, NOT_FOUND)
    for created in ({second: log.created[second]}, {}):
        messages = last_failure(log.events, created)
        assert NOT_FOUND in messages[1]
        assert not [
            event
            for event in messages
            if first in event or NO_IMAGE in event or INCONSISTENT in event
        ]
    assert last_failure(log.events, known=log.ids()) == [], "nothing failed since"
    assert has_failed(first, log.events)
    assert has_failed(second, log.events)
    assert not has_failed("ecs-svc/9", log.events)


def test_an_old_task_that_fails_meanwhile_is_not_the_new_versions(log: EventLog) -> None:
    old, *_ = log.start(1)
    log.write("has reached a steady state.")
    deployment = log.begin()
    log.start(1)
    log.unhealthy(old, "Request timed out")
    log.unplaced(NO_IMAGE)
    assert [NO_IMAGE in event for event in in_progress(log.events, log.created[deployment])] == [
        True
    ]
    log.fail(deployment)
    assert not [event for event in shown(log) if "Request timed out" in event]


def test_a_task_that_is_reported_only_after_the_rollback_began_counts(log: EventLog) -> None:
    deployment = log.begin()
    late, *_ = log.start(1)
    log.fail(deployment)
    rollback = log.roll_back()
    log.unhealthy(late, NOT_FOUND)
    log.start(1)
    log.complete(rollback)
    assert any(NOT_FOUND in event for event in shown(log))


def test_of_tasks_that_an_event_counts_but_does_not_name_all_count(log: EventLog) -> None:
    deployment = log.begin()
    log.write("has started 2 tasks: (task 795dee6c).")
    log.unhealthy("031fcc30", NOT_FOUND)
    log.fail(deployment)
    assert any(NOT_FOUND in event for event in shown(log))


def test_where_the_list_no_longer_reaches_back_all_tasks_count(log: EventLog) -> None:
    fail_for(log, NOT_FOUND)
    log.events = [event for event in log.events if "has started" not in event.message][:4]
    assert any(NOT_FOUND in event for event in shown(log))


def test_a_rollback_that_fails_too_is_one_more_line(log: EventLog) -> None:
    failed = fail_for(log, NOT_FOUND)
    rollback = log.roll_back()
    for task in log.start(2):
        log.unhealthy(task, "Health checks failed with these codes: [503]")
    log.fail(rollback)
    messages = shown(log)
    assert messages[:2] == [f"(deployment {rollback}) {FAILED}", f"(deployment {failed}) {FAILED}"]
    assert NOT_FOUND in messages[2]
    assert not [event for event in messages if "503" in event]


def test_a_failure_counts_until_another_deployment_than_its_rollback_completes(
    log: EventLog,
) -> None:
    fail_for(log, NOT_FOUND)
    rollback = log.roll_back()
    log.complete(rollback)
    assert shown(log)
    good = log.begin()
    assert shown(log)
    log.complete(good)
    assert not shown(log)


def test_a_rollback_that_was_replaced_before_it_completed_is_not_waited_for(log: EventLog) -> None:
    fail_for(log, NOT_FOUND)
    log.roll_back()
    log.complete(log.begin())
    assert not shown(log)


def test_a_repeated_steady_state_hides_no_failure(log: EventLog) -> None:
    fail_for(log, NOT_FOUND)
    log.complete(log.roll_back())
    log.later(6 * 3600)
    log.write("has reached a steady state.")
    assert any(NOT_FOUND in event for event in shown(log))


def test_events_that_differ_in_the_task_only_are_shown_once_the_newest_first() -> None:
    log = EventLog()
    first, second = log.start(2)
    log.unhealthy(first, NOT_FOUND)
    log.unhealthy(second, NOT_FOUND)
    (event,) = in_progress(log.events)
    assert second in event


def test_zones_and_what_else_is_routine_are_not_shown(log: EventLog) -> None:
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


class Himessages:
    """A service's himessages: deployments that complete or fail, each with its reason."""

    def __init__(self) -> None:
        self.log = EventLog()
        self.known: set[str] = set()
        """Ids of the events that were there before the last deployment."""

        self.listed: list[str] = []
        self.reason = ""
        self._good = False
        """Whether there is a version to roll back to; a rollback uses it up until it completes."""

        self._running: list[str] = []
        self._numbers = 0

    def deploy(self, outcome: str, kind: Kind, *, old_task_fails: bool) -> str:
        """Play one deployment, and return how it ended.

        That depends on whether there is something to roll back to.
        """
        log = self.log
        self.known = log.ids()
        self._numbers += 1
        self.reason = f"reason-{self._numbers};"
        deployment = log.begin()
        tasks = log.start(2)
        if old_task_fails and self._running:
            log.unhealthy(self._running[0], "reason-old;")
        if outcome == "completes":
            log.complete(deployment)
            self._good, self._running, self.listed = True, tasks, [deployment]
            return outcome
        kind(log, tasks, self.reason)
        self.listed = [deployment]
        if outcome == "goes on":
            return outcome
        log.fail(deployment)
        if outcome == "fails" or not self._good:
            return "fails"
        rollback = log.roll_back()
        self._good, self._running = False, log.start(2)
        self.listed = [rollback]
        if outcome == "is rolled back":
            log.complete(rollback)
            self._good = True
        else:
            log.unhealthy(self._running[0], "reason-rollback;")
            log.fail(rollback)
        return outcome

    def reasons(self, *, known: bool) -> set[str]:
        created = {each: self.log.created[each] for each in self.listed}
        before = self.known if known else ()
        messages = last_failure(self.log.events, created, known=before)
        return set(re.findall(r"reason-\w+;", "\n".join(messages)))


STEPS = st.tuples(st.sampled_from(OUTCOMES), st.sampled_from(KINDS), st.booleans())


@given(st.lists(STEPS, min_size=1, max_size=6))
def test_whatever_happened_before_only_the_last_deployments_reason_is_shown(
    steps: list[tuple[str, Kind, bool]],
) -> None:
    himessages = Himessages()
    before = ""
    for outcome, kind, old_task_fails in steps:
        ended = himessages.deploy(outcome, kind, old_task_fails=old_task_fails)
        expected = {himessages.reason}
        if ended == "completes":
            assert himessages.reasons(known=False) == himessages.reasons(known=True) == set()
        elif ended == "goes on":
            messages = in_progress(
                himessages.log.events, himessages.log.created[himessages.listed[0]]
            )
            assert set(re.findall(r"reason-\w+;", "\n".join(messages))) == expected
            assert himessages.reasons(known=True) == set()
        else:
            assert himessages.reasons(known=True) == expected
            # Nothing marks where a deployment ended that another one replaced, except in the run
            # that replaced it.
            if before != "goes on" or ended == "fails":
                assert himessages.reasons(known=False) == expected
        before = ended
