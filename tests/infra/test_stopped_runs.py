"""Runs that stopped after any single resource: the next preview, `up` and `destroy` work.

A quota, expired credentials or Ctrl-C can stop a run. The stacks that this leaves are produced by
deleting a whole stack one resource at a time, in the order of a destroy.
tests/engine/test_stopped_runs.py does the same under the real engine.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import pytest

from gate.configurations import CONFIGURATIONS
from infra.program import preflight
from localaws.account import invokes
from localaws.catalog import CATALOG, Refused
from localaws.mocks import Mistake
from tests.infra import recorder
from tests.infra.changes import STACKS
from tests.infra.recorder import Recorder, Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.aws.environment import AwsEnvironment
    from infra.settings import Settings
    from localaws.mocks import Cloud, Registered

pytestmark = pytest.mark.slow  # the program runs 400 times

CHECK = preflight.check


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
    """Return the whole stack of a profile."""
    return recorder.deployed(profile.stack, **profile.changes)


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
    for urn, each in resources.items():
        # A creation replaces what the engine doesn't know, so it would conflict with nothing. A
        # name that the engine chooses is another one then, but under mocks it is the same.
        if not named_by_the_engine(registered[urn]):
            cloud.acknowledge(each.token, each.id)
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


def named_by_the_engine(resource: Registered) -> bool:
    """Return whether a resource has a name that its program doesn't set."""
    autoname = CATALOG[resource.type].autoname
    return autoname is not None and autoname.property not in resource.inputs


def check(profile: Profile, whole: Recording, states: Iterator[Left]) -> None:
    """Preview what is left of a stack, and complete it, in each state that can make a difference.

    Two states are previewed and completed by the same run unless the program notices a difference,
    which it does only in the answers to its lookups. An `up` gets the same outputs from a resource
    that existed as from one that it creates. A preview of fewer resources knows fewer outputs, so
    of what the program does with outputs, it does less, with the same values, down to the preview
    of an empty account.

    The preflight refuses a run or returns nothing, so what is registered doesn't depend on its
    lookups. A state is previewed and completed where other lookups of the last `up` have other
    answers than they had then, and where nothing is left. Where only the preflight's have, only the
    preflight runs. One profile is previewed in all states.

    An account may also refuse what conflicts with a retained resource. A preview doesn't show that,
    so a state in which one more is retained is only completed.
    """
    completed: Completed | None = None
    for left, last_is_retained in states:
        differs = completed is None or not left.resources or completed.others.differ_in(left.cloud)
        shown: Recording | None = None
        if differs or profile is PROFILES["dev"]:
            shown = recorder.run(profile.stack, after=left, **profile.changes)
            check_operations(whole, left, shown)
        if differs or last_is_retained:
            completed = complete_what_is_left(profile, left)
            check_operations(whole, left, completed.run)
            assert shown is None or completed.run.operations == shown.operations
        elif completed and completed.preflight.differ_in(left.cloud):
            completed = completed._replace(preflight=run_preflight(profile, left))


def check_operations(whole: Recording, left: Recording, run: Recording) -> None:
    """Compare the operations of a run with what is missing."""
    state = f"with {len(left.resources)} of {len(whole.resources)} resources"
    existing = {urn for urn, done in run.operations.items() if done == "same"}
    assert existing == left.resources.keys(), state
    created = {urn for urn, done in run.operations.items() if done in {"create", "import"}}
    assert created == whole.resources.keys() - left.resources.keys(), state


class Lookups(NamedTuple):
    """Lookups of a run."""

    account: Cloud
    """The account as the run found it."""

    made: Sequence[tuple[str, Mapping[str, Any]]]

    def differ_in(self, other: Cloud) -> bool:
        """Return whether one of them has another answer in another account."""
        for token, args in self.made:
            if answer(self.account, token, args) != answer(other, token, args):
                return True
        return False


def answer(cloud: Cloud, token: str, args: Mapping[str, Any]) -> object:
    """Return the answer to a lookup, or the refusals."""
    try:
        return invokes.answer(cloud, token, args, args.get("region") or recorder.REGION)
    except Refused as refused:
        return refused.refusals


class Completed(NamedTuple):
    """A run that completed a stack."""

    run: Recording
    preflight: Lookups
    """Those of the last preflight, which may be that of a later run."""

    others: Lookups


class Watching(Recorder):
    """An engine under which the preflight's lookups are known."""

    preflight = slice(0)
    """Which of the lookups are the preflight's."""

    def run_up(self, profile: Profile, left: Recording, *, only_preflight: bool) -> Recording:
        """Run an `up`, which changes the account.

        Raises:
            PassedError: Only the preflight was to run, and it refused nothing.
        """

        def check(settings: Settings, environment: AwsEnvironment) -> None:
            first = len(self.invoked)
            CHECK(settings, environment)
            self.preflight = slice(first, len(self.invoked))
            if only_preflight:
                raise PassedError

        config = recorder.configuration(profile.stack, profile.changes)
        with patch.object(preflight, "check", check):
            return recorder.run_under(self, profile.stack, config, after=left, preview=False)


class PassedError(Exception):
    """The run ends where the preflight has passed."""


def complete_what_is_left(profile: Profile, left: Recording) -> Completed:
    """Run an `up`, which changes the account that it is given."""
    account = deepcopy(left.cloud)
    engine = Watching(left.cloud)
    run = engine.run_up(profile, left, only_preflight=False)
    others = [*run.invoked]
    del others[engine.preflight]
    return Completed(
        run,
        preflight=Lookups(account, run.invoked[engine.preflight]),
        others=Lookups(account, others),
    )


def run_preflight(profile: Profile, left: Recording) -> Lookups:
    """Run the program until its preflight has passed."""
    engine = Watching(left.cloud)
    with pytest.raises(PassedError):
        engine.run_up(profile, left, only_preflight=True)
    return Lookups(left.cloud, engine.invoked[engine.preflight])
