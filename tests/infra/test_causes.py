"""Causes of failed deployments, told from ECS's own words.

What the local ECS says is proven in tests/engine.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from infra.causes import CAUSES, likely
from tests.infra.recorder import ROOT_FOLDER, schema

SAID = tomllib.loads(Path(__file__).with_name("ecs_words.toml").read_text())["said"]
UNHEALTHY = (
    "(service dev-web) (task 795dee6c) (port 80) is unhealthy in (target-group "
    "arn:aws:elasticloadbalancing:eu-west-1:210987654321:targetgroup/alb-web/3f44f85710fe0297) due to "
    "(reason Health checks failed)"
)
FAILED = "(service dev-web) (deployment ecs-svc/1571272475813219068) deployment failed: tasks failed to start."


@pytest.mark.parametrize(("words", "cause"), [(each["words"], each["cause"]) for each in SAID])
def test_ecs_words_tell_the_cause(words: str, cause: str) -> None:
    found = likely(["a word about nothing", words])
    assert found is not None
    assert cause in found.sentence


def test_every_known_cause_has_words_that_tell_it() -> None:
    untold = {cause.pattern for cause in CAUSES if not any(re.search(cause.pattern, each["words"]) for each in SAID)}
    assert not untold


@pytest.mark.parametrize(
    "last_words",
    [
        "invalid parameters: --port",
        "json: invalid character 'p' looking for beginning of value",
        "User: arn:aws:sts::210987654321:assumed-role/task is not authorized to perform: ssm:GetParameter",
        "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
        "java.lang.OutOfMemoryError: Java heap space",
        "worker 3 exited with 137",
        "botocore: unable to assume the role reader",
    ],
)
def test_what_the_application_says_is_not_taken_for_what_ecs_says(last_words: str) -> None:
    stopped = (
        f"task 1 stopped: Essential container in task exited (nginx exited with 1)\ntask 1 wrote last:\n{last_words}"
    )
    cause = likely([stopped])
    assert cause is not None
    assert cause.sentence.startswith("The container ends by itself")


def test_what_nobody_knows_gets_no_cause() -> None:
    assert likely(["(service dev-web) is not AZ balanced."]) is None
    assert likely([]) is None


def test_the_more_telling_words_count_wherever_they_stand() -> None:
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
    blanks = [(re.sub(r"{(\w+)}", lambda blank: blank[1].upper(), cause.sentence), cause.advice) for cause in CAUSES]
    assert table == [f"| {sentence} | {advice} |" for sentence, advice in blanks]
