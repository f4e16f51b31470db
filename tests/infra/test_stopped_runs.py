"""Runs that stopped after any single resource: the next preview, `up` and `destroy` work.

A quota, expired credentials, Ctrl-C: what they leave is made here by deleting a whole stack one
resource at a time, in the order in which a destroy does. tests/engine/test_stopped_runs.py does the
same under the real engine.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from gate.configurations import CONFIGURATIONS
from localaws.mocks import Mistake
from tests.infra import recorder
from tests.infra.changes import STACKS
from tests.infra.recorder import Recorder, Recording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localaws.mocks import Registered

pytestmark = pytest.mark.slow  # the program runs 1,200 times


class Profile(NamedTuple):
    """A configuration of the program."""

    stack: str
    changes: dict[str, Any]


# A protected stack isn't destroyed before an `up` takes the protection off.
_UNPROTECTED = {"deletionProtection": False}
PROFILES = {
    "dev": Profile("dev", {}),
    "prod": Profile("prod", _UNPROTECTED),
    **{name: Profile("dev", changes) for name, changes in STACKS.items() if changes},
    **{
        name: Profile(chosen.file, {**chosen.changes, **_UNPROTECTED})
        for name, chosen in CONFIGURATIONS.items()
        if chosen.changes
    },
    "public dual stack": Profile("dev", {"dualStack": True}),
}


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> Profile:
    return PROFILES[request.param]


def test_after_an_up_that_stopped_the_next_runs_work(profile: Profile) -> None:
    whole = complete(profile)
    for left in shrinking(whole, keep_retained=False):
        check(profile, whole, left)


def test_after_a_destroy_that_stopped_the_next_runs_work(profile: Profile) -> None:
    whole = complete(profile)
    for left in shrinking(whole, keep_retained=True):
        check(profile, whole, left)


def test_an_up_that_stops_again_and_again_makes_progress_each_time() -> None:
    whole, config = complete(PROFILES["dev"]), recorder.configuration("dev", {})
    left = replace(whole, cloud=recorder.account_for(config), resources={})
    for count in range(1, len(whole.resources)):
        run = Stopping(left.cloud)
        with pytest.raises(Mistake, match="the run stops here"):
            recorder.run_under(run, "dev", config, after=left, preview=False)
        left = replace(left, resources={**left.resources, **run.made})
        assert len(left.resources) == count
    check(PROFILES["dev"], whole, left)


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
    """The whole stack of a profile, deployed."""
    return recorder.run(profile.stack, **profile.changes)


def shrinking(whole: Recording, *, keep_retained: bool) -> Iterator[Recording]:
    """What is left after each single deletion; with what outlives its stack, or without.

    Before the first of those that outlive it, both are the same: that is left out where they stay.
    """
    registered = {each.urn: each for each in whole.registered}
    cloud, resources = deepcopy(whole.cloud), dict(whole.resources)
    differs = not keep_retained
    for urn in reversed([*whole.resources]):
        gone = resources.pop(urn)
        if keep_retained and registered[urn].retain_on_delete:
            differs = True
        else:
            cloud.delete(gone.token, gone.id)
        if differs:
            yield replace(whole, cloud=deepcopy(cloud), resources=dict(resources))
    assert differs, "nothing of this stack outlives it"


def check(profile: Profile, whole: Recording, left: Recording) -> None:
    """Preview what is left of a stack, and complete it."""
    state = f"with {len(left.resources)} of {len(whole.resources)} resources"
    shown = recorder.run(profile.stack, after=left, **profile.changes).operations
    assert {urn for urn, done in shown.items() if done == "same"} == left.resources.keys(), state
    missing = whole.resources.keys() - left.resources.keys()
    assert {urn for urn, done in shown.items() if done in {"create", "import"}} == missing, state
    config = recorder.configuration(profile.stack, profile.changes)
    done = recorder.run_under(
        Recorder(left.cloud), profile.stack, config, after=left, preview=False
    )
    assert done.operations == shown, state
