"""Scale a service: target, state, observation, time -> state, and another desired count. Pure.

Source: Application Auto Scaling User Guide, "Target tracking scaling policies" and "Scheduled
scaling"; Amazon ECS Developer Guide, "Automatically scale your service", for deployments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from localaws.scaling.model import IN_POINTS, IN_SHARE, OUT_POINTS

if TYPE_CHECKING:
    from localaws.scaling.model import Bounds, Observation, Policy, ScheduledAction, State, Target


@dataclass(frozen=True)
class _Wish:
    """What a policy wants."""

    count: int
    because: str


def step(
    target: Target, state: State, seen: Observation, now: float, *, factor: float
) -> tuple[State, int | None]:
    """Return the target's next state, and the desired count to set, if it is another one.

    Args:
        target: The scalable target.
        state: Its state.
        seen: What is seen of its service.
        now: Seconds since the epoch.
        factor: How many times as fast AWS's durations pass.
    """
    state, bounds = _bounds(target, state, now)
    held = bounds.hold(seen.desired)
    if state.bounds != bounds:
        state = replace(state, bounds=bounds)
        if held != seen.desired:
            reason = f"the capacity must be from {bounds.minimum} to {bounds.maximum}"
            return state.note(now, _set_to(held, reason)), held
    wishes = [_wish(policy, seen) for policy in target.policies]
    known = [wish for wish in wishes if wish is not None]
    out = _most([wish for wish in known if wish.count > seen.desired])
    if out is not None and target.scales_out:
        count = bounds.hold(out.count)
        if count > seen.desired:
            state = replace(state, scaled_out_at=now).note(now, _set_to(count, out.because))
            return state, count
        return state, None
    wish = _scale_in(target, wishes, seen, state, now, factor)
    if wish is None:
        return state, None
    count = bounds.hold(wish.count)
    if count >= seen.desired:
        return state, None
    return replace(state, scaled_in_at=now).note(now, _set_to(count, wish.because)), count


def _bounds(target: Target, state: State, now: float) -> tuple[State, Bounds]:
    """Return the bounds that hold now: the program's, changed by the actions due since then."""
    bounds = state.bounds or target.bounds
    if state.registered != target.bounds:
        # A registration sets both bounds, whatever an action made of them.
        bounds = target.bounds
        state = replace(state, registered=target.bounds)
    since = state.checked_at if state.checked_at is not None else now
    due: list[tuple[datetime, ScheduledAction]] = []
    for action in target.actions:
        moment = _last_due(action, since, now)
        if moment is not None:
            due.append((moment, action))
    state = replace(state, checked_at=now)
    # What fell into a suspension is lost, as on AWS.
    if not target.follows_schedules:
        return state, bounds
    for _, action in sorted(due, key=lambda each: each[0]):
        minimum = bounds.minimum if action.minimum is None else action.minimum
        maximum = bounds.maximum if action.maximum is None else action.maximum
        bounds = replace(bounds, minimum=min(minimum, maximum), maximum=max(minimum, maximum))
        words = f"scheduled action {action.name}: from {bounds.minimum} to {bounds.maximum} tasks"
        state = state.note(now, words)
    return state, bounds


def _last_due(action: ScheduledAction, since: float, now: float) -> datetime | None:
    """Return when an action was due last after one moment and until another."""
    last = None
    moment, end = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(now, UTC)
    while (due := action.schedule.next_after(moment, action.since)) is not None and due <= end:
        within = (action.starts_at is None or action.starts_at <= due) and (
            action.ends_at is None or due <= action.ends_at
        )
        if within:
            last = due
        moment = due
    return last


def _wish(policy: Policy, seen: Observation) -> _Wish | None:
    """Return the count that a policy's metric asks for; None without enough data.

    It starts from the running tasks, not from the desired count, so that a count that is on its way
    isn't added to.
    """
    points = seen.points.get(policy.metric, ())
    recent = [point.value for point in points if point.minute > seen.minute - OUT_POINTS]
    if len(recent) == OUT_POINTS and min(recent) > policy.target and seen.running:
        proportional = math.ceil(seen.running * recent[-1] / policy.target)
        return _Wish(max(proportional, seen.running + 1), _because(policy, recent[-1]))
    long = [point.value for point in points if point.minute > seen.minute - IN_POINTS]
    threshold = IN_SHARE * policy.target
    if len(long) == IN_POINTS and max(long) < threshold:
        # The highest of these minutes must stay below the threshold with the tasks that are left.
        enough = math.ceil(seen.running * max(long) / threshold)
        return _Wish(min(enough, seen.desired), _because(policy, long[-1]))
    return _Wish(seen.desired, "")


def _scale_in(  # noqa: PLR0917 — everything that can forbid it
    target: Target,
    wishes: list[_Wish | None],
    seen: Observation,
    state: State,
    now: float,
    factor: float,
) -> _Wish | None:
    """Return the count to scale in to; None unless every policy that scales in wants fewer."""
    if seen.deploying or not target.scales_in:
        return None
    votes: list[_Wish] = []
    for policy, wish in zip(target.policies, wishes, strict=True):
        if not policy.scales_in:
            continue
        if wish is None or wish.count >= seen.desired:
            return None
        if _cools(state.scaled_in_at, policy.scale_in_cooldown, now, factor):
            return None
        if _cools(state.scaled_out_at, policy.scale_out_cooldown, now, factor):
            return None
        votes.append(wish)
    return _most(votes)


def _cools(at: float | None, cooldown: float, now: float, factor: float) -> bool:
    return at is not None and now < at + cooldown / factor


def _most(wishes: list[_Wish]) -> _Wish | None:
    return max(wishes, key=lambda wish: wish.count, default=None)


def _because(policy: Policy, value: float) -> str:
    shown = f"{value:.3g}{policy.metric.unit}"
    target = f"{policy.target:g}{policy.metric.unit}"
    return f"{policy.metric.kind} of {shown} for a target of {target}, policy {policy.name}"


def _set_to(count: int, reason: str) -> str:
    return f"set desired count to {count}: {reason}"
