"""Runs that stopped after any single resource: the next preview, `up` and `destroy` work.

A quota, expired credentials or Ctrl-C can stop a run. The stacks that this leaves are produced by
deleting a whole stack one resource at a time, in the order of a destroy.
tests/engine/test_stopped_runs.py does the same under the real engine.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self
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

pytestmark = pytest.mark.slow  # the program runs 200 times

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


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_after_an_up_or_a_destroy_that_stopped_the_next_runs_work(profile: Profile) -> None:
    whole = complete(profile)
    known = Known.of(profile, whole)
    check(profile, whole, shrinking(whole, keep_retained=False), known)
    check(profile, whole, shrinking(whole, keep_retained=True), known)


def test_an_up_that_stops_after_each_resource_makes_progress_each_time() -> None:
    whole = complete(PROFILES["dev"])
    config = recorder.configuration("dev", {})
    left = replace(whole, cloud=recorder.account_for(config), resources={})
    for count in range(1, len(whole.resources)):
        run = Stopping(left.cloud)
        with pytest.raises(Mistake, match="the run stops here"):
            recorder.run_under(run, "dev", config, after=left, preview=False)
        left = replace(left, resources={**left.resources, **run.made})
        assert len(left.resources) == count
    check(PROFILES["dev"], whole, iter([Left(left, may_conflict=True)]), Known([], []))


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
    may_conflict: bool
    """Whether the account has resources with which a creation may conflict for the last time."""


def shrinking(whole: Recording, *, keep_retained: bool) -> Iterator[Left]:
    """Yield what is left after each single deletion, with or without retained resources.

    Until the first retained resource is reached, both are the same, so the states with retained
    resources begin there.

    To create a retained resource once more may conflict with it as long as what it needs is in the
    stack. All that were retained meanwhile conflict in the last such state, and the rest where
    nothing is left.
    """
    registered = {each.urn: each for each in whole.registered}
    cloud, resources = deepcopy(whole.cloud), dict(whole.resources)
    for urn, each in resources.items():
        # A creation replaces what the engine doesn't know, so it would conflict with nothing. A
        # name that the engine chooses is another one then, but under mocks it is the same.
        if not named_by_the_engine(registered[urn]):
            cloud.acknowledge(each.token, each.id)
    differs = not keep_retained
    needed: set[str] = set()
    urns = list(reversed(list(whole.resources)))
    for urn, following in zip(urns, [*urns[1:], None], strict=True):
        gone = resources.pop(urn)
        if keep_retained and registered[urn].retain_on_delete:
            differs = True
            needed.update(each.urn for each in recorder.needed_by(whole, registered[urn]))
        else:
            cloud.delete(gone.token, gone.id)
        if differs:
            left = replace(whole, cloud=deepcopy(cloud), resources=dict(resources))
            may_conflict = following in needed or (keep_retained and following is None)
            yield Left(left, may_conflict)
            if may_conflict:
                needed.clear()
    assert differs, "nothing of this stack outlives it"


def named_by_the_engine(resource: Registered) -> bool:
    """Return whether a resource has a name that its program doesn't set."""
    autoname = CATALOG[resource.type].autoname
    return autoname is not None and autoname.property not in resource.inputs


def check(profile: Profile, whole: Recording, states: Iterator[Left], known: Known) -> None:
    """Preview what is left of a stack, and complete it, in each state that can make a difference.

    Two states are completed by the same run unless the program notices a difference, which it does
    only in the answers to its lookups. An `up` gets the same outputs from a resource that existed
    as from one that it creates. The preflight refuses a run or returns nothing, so what is
    registered doesn't depend on its lookups. A state is completed where all other lookups together
    have answers that no run had yet. Where only the preflight's have, only the preflight runs. An
    account may also refuse what conflicts with a retained resource.

    A preview of fewer resources knows fewer outputs, so of what the program does with outputs, it
    does less, with the same values, down to the preview of an empty account. It is previewed where
    one resource is missing and where nothing is left, and in all states of one profile.
    """
    for left, may_conflict in states:
        missing = len(whole.resources) - len(left.resources)
        shown: Recording | None = None
        if missing == 1 or not left.resources or profile is PROFILES["dev"]:
            shown = recorder.run(profile.stack, after=left, **profile.changes)
            check_operations(whole, left, shown)
        if may_conflict or all_differ(known.runs, left.cloud):
            completed = complete_what_is_left(profile, left, known)
            check_operations(whole, left, completed)
            assert shown is None or completed.operations == shown.operations
        elif all_differ(known.preflights, left.cloud):
            run_preflight(profile, left, known)


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


class Known(NamedTuple):
    """What runs of one profile looked up, and the accounts that answered it."""

    preflights: list[Lookups]
    runs: list[Lookups]
    """What the program looked up besides."""

    @classmethod
    def of(cls, profile: Profile, whole: Recording) -> Self:
        """Return what the run in a new account looked up."""
        account = recorder.account_for(recorder.configuration(profile.stack, profile.changes))
        lookups = Lookups(account, whole.invoked)
        return cls([lookups], [lookups])


def all_differ(lookups: Sequence[Lookups], account: Cloud) -> bool:
    """Return whether an account answers no run as it was answered, most likely the last one."""
    return all(each.differ_in(account) for each in reversed(lookups))


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


def complete_what_is_left(profile: Profile, left: Recording, known: Known) -> Recording:
    """Run an `up`, which changes the account that it is given."""
    account = deepcopy(left.cloud)
    engine = Watching(left.cloud)
    run = engine.run_up(profile, left, only_preflight=False)
    others = list(run.invoked)
    del others[engine.preflight]
    known.preflights.append(Lookups(account, run.invoked[engine.preflight]))
    known.runs.append(Lookups(account, others))
    return run


def run_preflight(profile: Profile, left: Recording, known: Known) -> None:
    """Run the program until its preflight has passed."""
    engine = Watching(left.cloud)
    with pytest.raises(PassedError):
        engine.run_up(profile, left, only_preflight=True)
    known.preflights.append(Lookups(left.cloud, engine.invoked[engine.preflight]))
