"""The choice of the runtime by LOCALAWS_RUNTIME, and its report."""

from __future__ import annotations

import pytest

from localaws.daemon.runtime_choice import VARIABLE, BadRuntime, Choice, Runtime, choose
from localaws.machine.isolation import Finding, Isolation

ALLOWED = Finding(Isolation.ONE_ID, ("users",), {Isolation.ROOT: "this user isn't root"})
REFUSED = Finding(Isolation.NONE, (), {Isolation.ROOT: "no root", Isolation.ONE_ID: "no unshare"})


def never() -> Finding:
    pytest.fail("containers were tried")


def test_containers_run_with_the_isolation_that_this_machine_allows() -> None:
    choice = choose(lambda: ALLOWED, {VARIABLE: "container"})
    assert (choice.runtime, choice.isolation) == (Runtime.CONTAINER, Isolation.ONE_ID)
    assert choice.sentence == "tasks run in the runtime `container` (one-id); not enforced: users"


def test_processes_need_no_trial_of_containers_and_report_what_they_do_not_enforce() -> None:
    choice = choose(never, {VARIABLE: "process"})
    assert choice.runtime is Runtime.PROCESS
    assert "not enforced: " in choice.sentence
    assert "security groups" in choice.sentence


def test_required_containers_that_are_impossible_are_an_error_with_the_reason() -> None:
    with pytest.raises(BadRuntime, match=r"root: no root; one-id: no unshare.*Unset it to run"):
        choose(lambda: REFUSED, {VARIABLE: "container"})


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}, {VARIABLE: "auto"}])
def test_without_a_choice_processes_replace_impossible_containers_and_the_report_has_the_reason(
    environment: dict[str, str],
) -> None:
    assert choose(lambda: ALLOWED, environment).runtime is Runtime.CONTAINER
    choice = choose(lambda: REFUSED, environment)
    assert choice.runtime is Runtime.PROCESS
    assert "This machine can't run containers (root: no root; one-id: no unshare)" in (
        choice.sentence
    )


@pytest.mark.parametrize("value", ["docker", "Container", "none"])
def test_another_value_is_refused_with_the_allowed_ones(value: str) -> None:
    with pytest.raises(
        BadRuntime, match=rf"{VARIABLE}: {value}; allowed: auto, container, process\. Change it"
    ):
        choose(never, {VARIABLE: value})


def test_a_runtime_that_enforces_everything_is_reported_without_exceptions() -> None:
    assert Choice(Runtime.CONTAINER, Isolation.ROOT).sentence == (
        "tasks run in the runtime `container` (root)"
    )
