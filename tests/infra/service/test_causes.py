"""Causes of failed deployments, found in what ECS reports about them, and not about earlier ones.

What the local ECS reports is proven in tests/engine.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

import pytest

from infra.service.causes import CAUSES, likely
from infra.service.rollout import Live, explanation, mismatch
from tests.infra.event_log import TARGET_GROUP, EventLog
from tests.infra.recorder import ROOT_FOLDER, schema


@dataclass(frozen=True)
class Message:
    """One of ecs_words.toml, which explains the kinds."""

    kind: str
    words: str
    cause: str
    source: str


MESSAGES = [
    Message(**each)
    for each in tomllib.loads((ROOT_FOLDER / "tests/infra/ecs_words.toml").read_text())["message"]
]
ROLLED_BACK = (
    "updating ECS Service (arn:aws:ecs:eu-west-1:210987654321:service/c/dev-web): "
    "waiting for completion: "
    "Service deployment rolled back because the circuit breaker threshold was exceeded"
)
FAILED = (
    "(service dev-web) (deployment ecs-svc/1571272475813219068) deployment failed: tasks "
    "failed to start."
)
UNHEALTHY = (
    "(service dev-web) (task 795dee6c) (port 80) is unhealthy in (target-group "
    f"{TARGET_GROUP}) due to "
    "(reason Health checks failed)."
)
WANTED, GOOD = (
    f"arn:aws:ecs:eu-west-1:210987654321:task-definition/dev-web:{number}" for number in (3, 1)
)
NO_IMAGE, NOT_FOUND = (
    next(message for message in MESSAGES if part in message.words)
    for part in ("@sha256:digest: not found", "codes: [404]")
)


def report(log: EventLog, message: Message) -> list[str]:
    """Write the events of a deployment's two tasks; and return the rest of the provider's error."""
    tasks = log.start(2)
    match message.kind:
        case "reason":
            log.unplaced(message.words.removesuffix("."))
        case "event" | "under way":
            log.write(message.words)
        case "health":
            for task in tasks:
                log.unhealthy(task, message.words)
        case "stopped":
            return [f"; task {tasks[0][:8]} stopped: {message.words}"]
    return []


def life(message: Message, *, rolled_back: bool) -> tuple[Live, list[str], set[str]]:
    """A service whose deployment fails for one cause after another one failed for another.

    Returns:
        The service, the provider's errors, and the ids of the events that were there before.
    """
    log = EventLog()
    running = GOOD
    if rolled_back:
        good = log.begin()
        log.start(2)
        log.complete(good)
    earlier = log.begin()
    report(log, NO_IMAGE if message == NOT_FOUND else NOT_FOUND)
    log.fail(earlier)
    if rolled_back:
        log.complete(log.roll_back())
    known = log.ids()
    primary = log.begin()
    details = report(log, message)
    if message.kind in {"under way", "waiting"}:
        errors, running = (
            [message.words if message.kind == "waiting" else "waiting for completion"],
            WANTED,
        )
    else:
        errors = [ROLLED_BACK + "".join(details)]
        log.fail(primary)
        if rolled_back:
            primary = log.roll_back()
            log.complete(primary)
        else:
            running = WANTED
    created = {primary: log.created[primary]}
    live = Live(
        "c", "dev-web", "ACTIVE", running, "dev-web:3 has 0 of 2", log.events, primary, created
    )
    return live, errors, known


@pytest.mark.parametrize(
    "rolled_back", [True, False], ids=["rolled back", "nothing to roll back to"]
)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.words[-40:])
def test_the_second_of_two_failures_is_explained_by_its_own_cause(
    message: Message, *, rolled_back: bool
) -> None:
    live, errors, known = life(message, rolled_back=rolled_back)
    explanations = [explanation(WANTED, live, errors, known=known, log_group="/web")]
    if message.kind in {"reason", "event", "health", "failed"}:  # a later run knows of events only
        explanations.append(mismatch(WANTED, live, log_group="/web") or "")
    for each in explanations:
        (cause,) = re.findall(r"^likely cause: (.*)$", each, re.MULTILINE)
        assert message.cause in cause
        assert (NO_IMAGE if message == NOT_FOUND else NOT_FOUND).words not in each


def test_every_known_cause_has_a_message_with_its_source() -> None:
    found = {cause.pattern for each in MESSAGES if (cause := likely([each.words]))}
    assert found == {cause.pattern for cause in CAUSES}
    assert all(each.source for each in MESSAGES)


@pytest.mark.parametrize(
    "last_words",
    [
        "invalid parameters: --port",
        "json: invalid character 'p' looking for beginning of value",
        (
            "User: arn:aws:sts::210987654321:assumed-role/task is not authorized to perform: "
            "ssm:GetParameter"
        ),
        "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
        "java.lang.OutOfMemoryError: Java heap space",
        "worker 3 exited with 137",
        "botocore: unable to assume the role reader",
    ],
)
def test_what_the_application_prints_is_not_taken_for_what_ecs_reports(last_words: str) -> None:
    stopped = (
        "task 1 stopped: Essential container in task exited (nginx exited with 1)\ntask 1 "
        f"wrote last:\n{last_words}"
    )
    cause = likely([stopped])
    assert cause is not None
    assert cause.sentence.startswith("The container ends by itself")


def test_an_unknown_message_gets_no_cause() -> None:
    assert likely(["(service dev-web) is not AZ balanced."]) is None
    assert likely([]) is None


def test_the_more_specific_message_counts_in_any_position() -> None:
    cause = likely([FAILED, UNHEALTHY, "CannotPullContainerError: not found"])
    assert cause is not None
    assert cause.sentence.startswith("The image doesn't exist")


def test_advice_names_configuration_keys_that_exist() -> None:
    keys = {"environment", "secrets", *schema()}
    for cause in CAUSES:
        named = re.findall(r"`([a-z][A-Za-z]+)`", f"{cause.sentence} {cause.advice}")
        assert keys.issuperset(named), cause.pattern


def test_the_manual_lists_every_cause() -> None:
    manual = (ROOT_FOLDER / "docs/deployments.md").read_text()
    table = manual.partition("<!-- causes:")[2].partition("<!-- /causes -->")[0].splitlines()[3:]
    blanks = [
        (re.sub(r"{(\w+)}", lambda blank: blank[1].upper(), cause.sentence), cause.advice)
        for cause in CAUSES
    ]
    assert table == [f"| {sentence} | {advice} |" for sentence, advice in blanks]
