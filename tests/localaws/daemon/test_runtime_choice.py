"""Which runtime LOCALAWS_RUNTIME chooses, and how it is reported."""

from __future__ import annotations

import pytest

from localaws.daemon.runtime_choice import VARIABLE, BadRuntime, Choice, Runtime, choose
from localaws.machine.isolation import Finding, Isolation

ALLOWED = Finding(Isolation.ONE_ID, ("users",), {Isolation.ROOT: "this user isn't root"})
REFUSED = Finding(Isolation.NONE, (), {Isolation.ROOT: "no root", Isolation.ONE_ID: "no unshare"})


def never() -> Finding:
    pytest.fail("nothing is to be tried")


def test_containers_run_with_the_isolation_that_this_machine_allows() -> None:
    choice = choose(lambda: ALLOWED, {VARIABLE: "container"})
    assert (choice.runtime, choice.isolation) == (Runtime.CONTAINER, Isolation.ONE_ID)
    assert choice.sentence == "tasks run in the runtime `container` (one-id); not enforced: users"


def test_processes_need_nothing_and_say_what_they_do_not_enforce() -> None:
    choice = choose(never, {VARIABLE: "process"})
    assert choice.runtime is Runtime.PROCESS
    assert "not enforced: " in choice.sentence
    assert "security groups" in choice.sentence


def test_containers_that_are_required_and_impossible_are_an_error_that_says_why() -> None:
    with pytest.raises(BadRuntime, match=r"root: no root; one-id: no unshare.*Unset it to run"):
        choose(lambda: REFUSED, {VARIABLE: "container"})


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}, {VARIABLE: "auto"}])
def test_without_a_choice_containers_give_way_to_processes_and_that_is_said(
    environment: dict[str, str],
) -> None:
    assert choose(lambda: ALLOWED, environment).runtime is Runtime.CONTAINER
    choice = choose(lambda: REFUSED, environment)
    assert choice.runtime is Runtime.PROCESS
    assert "This machine can't run containers (root: no root; one-id: no unshare)" in (
        choice.sentence
    )


@pytest.mark.parametrize("value", ["docker", "Container", "none"])
def test_another_value_is_refused_with_those_that_are_allowed(value: str) -> None:
    with pytest.raises(
        BadRuntime, match=rf"{VARIABLE}: {value}; allowed: auto, container, process\. Change it"
    ):
        choose(never, {VARIABLE: value})


def test_a_choice_that_lacks_nothing_says_nothing_of_that() -> None:
    assert Choice(Runtime.CONTAINER, Isolation.ROOT).sentence == (
        "tasks run in the runtime `container` (root)"
    )
