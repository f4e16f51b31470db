"""Runs that stopped after any single resource: the next preview, `up` and `destroy` work.

A quota, expired credentials or Ctrl-C can stop a run. The stacks that this leaves are produced by
deleting a whole stack one resource at a time, in the order of a destroy.
tests/engine/test_stopped_runs.py does the same under the real engine.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from gate.configurations import CONFIGURATIONS
from localaws.account import invokes
from localaws.catalog import Refused
from localaws.mocks import Mistake
from tests.infra import recorder
from tests.infra.changes import STACKS
from tests.infra.recorder import Recorder, Recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.mocks import Cloud, Registered

pytestmark = pytest.mark.slow  # the program runs 700 times


class Profile(NamedTuple):
    """A configuration of the program."""

    stack: str
    changes: dict[str, Any]


# A protected stack isn't destroyed before an `up` takes the protection off.
_UNPROTECTED = {"deletionProtection": False}
PROFILES = {
    "dev": Profile("dev", {}),
    "prod": Profile("prod", _UNPROTECTED),
    "public dual stack": Profile("dev", {"dualStack": True}),
}
# A configuration without changes is dev or prod again.
for name, changes in STACKS.items():
    if changes:
        PROFILES[name] = Profile("dev", changes)
for name, chosen in CONFIGURATIONS.items():
    if chosen.changes:
        PROFILES[name] = Profile(chosen.file, {**chosen.changes, **_UNPROTECTED})


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> Profile:
    return PROFILES[request.param]


def test_after_an_up_that_stopped_the_next_runs_work(profile: Profile) -> None:
    whole = complete(profile)
    check(profile, whole, shrinking(whole, keep_retained=False))


def test_after_a_destroy_that_stopped_the_next_runs_work(profile: Profile) -> None:
    whole = complete(profile)
    check(profile, whole, shrinking(whole, keep_retained=True))


def test_an_up_that_stops_after_each_resource_makes_progress_each_time() -> None:
    whole, config = complete(PROFILES["dev"]), recorder.configuration("dev", {})
    left = replace(whole, cloud=recorder.account_for(config), resources={})
    for count in range(1, len(whole.resources)):
        run = Stopping(left.cloud)
        with pytest.raises(Mistake, match="the run stops here"):
            recorder.run_under(run, "dev", config, after=left, preview=False)
        left = replace(left, resources={**left.resources, **run.made})
        assert len(left.resources) == count
    check(PROFILES["dev"], whole, iter([Left(left, last_is_retained=False)]))


class Stopping(Recorder):
    """An engine that makes one more resource and then fails."""

    @property
    def made(self) -> dict[str, Any]:
        return self._account.made

    def _make(self, resource: Registered, request: Any) -> tuple[str, dict[str, Any]]:
        if self.made:
            raise Mistake(resource.urn, "the run stops here")
        return super()._make(resource, request)


def complete(profile: Profile) -> Recording:
    """Deploy the whole stack of a profile."""
    return recorder.run(profile.stack, **profile.changes)


class Left(NamedTuple):
    """What is left of a stack."""

    stack: Recording
    last_is_retained: bool
    """Whether the resource that was removed last still exists in the account."""


def shrinking(whole: Recording, *, keep_retained: bool) -> Iterator[Left]:
    """Yield what is left after each single deletion, with or without retained resources.

    Until the first retained resource is reached, both are the same, so the states with retained
    resources begin there.
    """
    registered = {each.urn: each for each in whole.registered}
    cloud, resources = deepcopy(whole.cloud), dict(whole.resources)
    differs = not keep_retained
    for urn in reversed([*whole.resources]):
        gone = resources.pop(urn)
        retained = keep_retained and registered[urn].retain_on_delete
        if retained:
            differs = True
        else:
            cloud.delete(gone.token, gone.id)
        if differs:
            left = replace(whole, cloud=deepcopy(cloud), resources=dict(resources))
            yield Left(left, last_is_retained=retained)
    assert differs, "nothing of this stack outlives it"


def check(profile: Profile, whole: Recording, states: Iterator[Left]) -> None:
    """Preview what is left of a stack, and complete it, in each state that can make a difference.

    Two states are previewed and completed by the same run unless the program notices a difference,
    or an account may refuse what the other accepts. It notices one only in the answers to its
    lookups. An `up` gets the same outputs from a resource that existed as from one that it creates.
    A preview of fewer resources knows fewer outputs, so of what the program does with outputs, it
    does less, with the same values, down to the preview of an empty account. An account refuses
    what conflicts with a retained resource. So a state is tried where the lookups of the last `up`
    have other answers than they had then, where one more resource is retained, and where nothing
    is left. One profile is previewed in all states.
    """
    completed: Completed | None = None
    for left, last_is_retained in states:
        differs = (
            completed is None
            or last_is_retained
            or not left.resources
            or completed.would_differ_in(left.cloud)
        )
        if not differs and profile is not PROFILES["dev"]:
            continue
        state = f"with {len(left.resources)} of {len(whole.resources)} resources"
        shown = recorder.run(profile.stack, after=left, **profile.changes).operations
        existing = {urn for urn, done in shown.items() if done == "same"}
        assert existing == left.resources.keys(), state
        created = {urn for urn, done in shown.items() if done in {"create", "import"}}
        assert created == whole.resources.keys() - left.resources.keys(), state
        if differs:
            completed = complete_what_is_left(profile, left)
            assert completed.run.operations == shown, state


class Completed(NamedTuple):
    """A run that completed a stack."""

    account: Cloud
    """The account as the run found it."""

    run: Recording

    def would_differ_in(self, other: Cloud) -> bool:
        """Whether a lookup of the run has another answer in another account."""
        return any(
            answer(self.account, token, args) != answer(other, token, args)
            for token, args in self.run.invoked
        )


def answer(cloud: Cloud, token: str, args: Any) -> object:
    """Return the answer to a lookup, or the refusals."""
    try:
        return invokes.answer(cloud, token, args, args.get("region") or recorder.REGION)
    except Refused as refused:
        return refused.refusals


def complete_what_is_left(profile: Profile, left: Recording) -> Completed:
    """Run an `up`, which changes the account that it is given."""
    account = deepcopy(left.cloud)
    config = recorder.configuration(profile.stack, profile.changes)
    run = recorder.run_under(Recorder(left.cloud), profile.stack, config, after=left, preview=False)
    return Completed(account, run)
