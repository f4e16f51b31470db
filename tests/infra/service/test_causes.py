"""Find the causes of failed deployments in ECS's messages, and not those of earlier failures.

tests/engine shows the same for the local ECS's messages.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

import pytest

from infra.service.causes import CAUSES, failed_containers, likely
from infra.service.rollout_report import LiveService, explanation, mismatch
from tests.infra.event_log import FAILED as FAILED_TO_START
from tests.infra.event_log import TARGET_GROUP, EventLog
from tests.infra.recorder import ROOT_FOLDER, schema


@dataclass(frozen=True)
class Message:
    """A message of ecs_words.toml, which explains the kinds."""

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
FAMILY = "arn:aws:ecs:eu-west-1:210987654321:task-definition/dev-web"
WANTED = f"{FAMILY}:3"
GOOD = f"{FAMILY}:1"


def _message(part: str) -> Message:
    return next(message for message in MESSAGES if part in message.words)


NO_IMAGE = _message("@sha256:digest: not found")
NOT_FOUND = _message("codes: [404]")


def message_with_another_cause(message: Message) -> Message:
    return NO_IMAGE if message == NOT_FOUND else NOT_FOUND


def report(log: EventLog, message: Message) -> str:
    """Write the events of a deployment's two tasks, and return the end of the provider's error."""
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
            return f"\n      task {tasks[0][:8]} stopped: {message.words}"
    return ""


def failed_twice(message: Message, *, rolled_back: bool) -> tuple[LiveService, str, set[str]]:
    """Return a service of which two deployments failed, the second one with this message.

    Returns:
        The service, the provider's error about the second failure, and the ids of the events before
        that deployment.
    """
    log = EventLog()
    running = GOOD
    if rolled_back:
        good = log.begin()
        log.start(2)
        log.complete(good)
    earlier = log.begin()
    report(log, message_with_another_cause(message))
    log.fail(earlier)
    if rolled_back:
        log.complete(log.roll_back())
    earlier_events = log.ids()
    primary = log.begin()
    details = report(log, message)
    if message.kind in {"under way", "waiting"}:
        error = message.words if message.kind == "waiting" else "waiting for completion"
        running = WANTED
    else:
        error = ROLLED_BACK + details
        log.fail(primary, message.words if message.kind == "failed" else FAILED_TO_START)
        if rolled_back:
            primary = log.roll_back()
            log.complete(primary)
        else:
            running = WANTED
    live = LiveService(
        cluster="c",
        name="dev-web",
        status="ACTIVE",
        task_definition=running,
        tasks="dev-web:3 has 0 of 2",
        events=log.events,
        primary=primary,
        created={primary: log.created[primary]},
    )
    return live, error, earlier_events


@pytest.mark.parametrize(
    "rolled_back", [True, False], ids=["rolled back", "nothing to roll back to"]
)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.words[-40:])
def test_the_second_of_two_failures_is_explained_by_its_own_cause(
    message: Message, *, rolled_back: bool
) -> None:
    live, error, earlier = failed_twice(message, rolled_back=rolled_back)
    explanations = [explanation(WANTED, live, [error], earlier=earlier, log_group="/web")]
    # A later run has the events only, and not the provider's error.
    if message.kind in {"reason", "event", "health", "failed"}:
        explanations.append(mismatch(WANTED, live, log_group="/web") or "")
    for each in explanations:
        (cause,) = re.findall(r"^likely cause: (.*)$", each, re.MULTILINE)
        assert message.cause in cause
        assert message_with_another_cause(message).words not in each


def test_every_known_cause_has_a_message_with_its_source() -> None:
    found: set[str] = set()
    for message in MESSAGES:
        assert message.source, message.words
        cause = likely([message.words])
        if cause:
            found.add(cause.pattern)
    assert found == {cause.pattern for cause in CAUSES}


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
        "fire alarm detected.",
        "botocore: unable to assume the role reader",
    ],
)
def test_output_of_the_application_is_not_taken_for_a_message_of_ecs(last_words: str) -> None:
    stopped = (
        "task 1 stopped: Essential container in task exited (nginx exited with 1)\ntask 1 "
        f"wrote last:\n{last_words}"
    )
    cause = likely([stopped])
    assert cause is not None
    assert cause.sentence.startswith("The container ends by itself")


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        ("nginx exited with 137, helper exited with 1", "The container ends by itself"),
        ("helper exited with 255, nginx exited with 137", "The container ends by itself"),
        ("nginx exited with 137, helper exited with 127", "The container's command can't be run"),
        ("nginx exited with 0, helper exited with 137", "The container was killed because it used"),
        ("nginx exited with 137, helper exited with 143", "The container was killed because it"),
    ],
)
def test_exit_code_137_after_another_containers_failure_is_not_a_lack_of_memory(
    ends: str, sentence: str
) -> None:
    cause = likely([f"task 1 stopped: Essential container in task exited ({ends})"])
    assert cause is not None
    assert cause.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("exits", "named"),
    [
        ("nginx exited with 137, helper exited with 1", ["helper"]),
        ("helper exited with 255, nginx exited with 0, other exited with 3", ["helper", "other"]),
        ("a exited with 137: OutOfMemoryError: Container killed, b exited with 143", ["a"]),
        ("nginx exited with 0, helper exited with 137", []),
        ("nginx exited with 1", []),
    ],
)
def test_of_several_containers_those_that_made_the_task_fail_are_named(
    exits: str, named: list[str]
) -> None:
    error = f"task 1 stopped: Essential container in task exited ({exits})\n      task 1 wrote"
    assert failed_containers(["deployment failed", error]) == named


def test_an_explanation_names_the_container_that_failed_of_several() -> None:
    log = EventLog()
    primary = log.begin()
    log.fail(primary)
    live = LiveService(
        cluster="c",
        name="dev-web",
        status="ACTIVE",
        task_definition=GOOD,
        tasks="dev-web:1 has 2 of 2",
        events=log.events,
    )
    stopped = "Essential container in task exited"
    error = f"task 1 stopped: {stopped} (nginx exited with 137, router exited with 127)"
    lines = explanation(WANTED, live, [error], log_group="/web").splitlines()
    cause = lines.index("likely cause: The container's command can't be run.")
    assert lines[cause + 1] == (
        "container: router, of several in a task; keys of a sidecar are in `sidecars`"
    )
    alone = f"task 1 stopped: {stopped} (nginx exited with 127)"
    assert "container: " not in explanation(WANTED, live, [alone], log_group="/web")
    assert "containers[].[name,exitCode,reason]" in "\n".join(lines)


def test_an_unknown_message_has_no_cause() -> None:
    assert likely(["(service dev-web) is not AZ balanced."]) is None
    assert likely([]) is None


def test_the_most_specific_message_decides_whatever_its_position() -> None:
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
    rows: list[str] = []
    for cause in CAUSES:
        sentence = re.sub(r"{(\w+)}", lambda group: group[1].upper(), cause.sentence)
        rows.append(f"| {sentence} | {cause.advice} |")
    assert table == rows
