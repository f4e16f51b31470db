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
class _Proposal:
    """The desired count that a policy would set, and why."""

    count: int
    reason: str


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
    if state.bounds != bounds:
        # Only a change of the bounds moves a count by itself: it may be set beyond them by hand.
        state = replace(state, bounds=bounds)
        within = bounds.nearest(seen.desired)
        if within != seen.desired:
            reason = f"the capacity must be from {bounds.minimum} to {bounds.maximum}"
            return state.note(now, _set_to(within, reason)), within
    proposals = [_propose(policy, seen) for policy in target.policies]
    # Any policy can scale out; all that scale in must agree to scale in.
    out = _scale_out(target, proposals, seen)
    if out is not None:
        count = bounds.nearest(out.count)
        if count <= seen.desired:
            return state, None
        return replace(state, scaled_out_at=now).note(now, _set_to(count, out.reason)), count
    scale_in = _scale_in(target, proposals, seen, state, now, factor)
    if scale_in is None:
        return state, None
    count = bounds.nearest(scale_in.count)
    if count >= seen.desired:
        return state, None
    return replace(state, scaled_in_at=now).note(now, _set_to(count, scale_in.reason)), count


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
    end = datetime.fromtimestamp(now, UTC)
    due = action.schedule.next_after(datetime.fromtimestamp(since, UTC), action.since)
    while due is not None and due <= end:
        if _is_effective(action, due):
            last = due
        due = action.schedule.next_after(due, action.since)
    return last


def _is_effective(action: ScheduledAction, moment: datetime) -> bool:
    """Return whether a moment lies between an action's start and end, where it has them."""
    if action.starts_at is not None and moment < action.starts_at:
        return False
    return action.ends_at is None or moment <= action.ends_at


def _propose(policy: Policy, seen: Observation) -> _Proposal | None:
    """Return the desired count that a policy's metric calls for; None without enough data.

    It starts from the running tasks, not from the desired count, so that a count that is on its way
    isn't added to.
    """
    last_values = _last_values(policy, seen, OUT_POINTS)
    if len(last_values) == OUT_POINTS and min(last_values) > policy.target and seen.running:
        proportional = math.ceil(seen.running * last_values[-1] / policy.target)
        return _Proposal(max(proportional, seen.running + 1), _reason(policy, last_values[-1]))
    last_values = _last_values(policy, seen, IN_POINTS)
    threshold = IN_SHARE * policy.target
    if len(last_values) == IN_POINTS and max(last_values) < threshold:
        # The highest of these minutes must stay below the threshold with the tasks that are left.
        enough = math.ceil(seen.running * max(last_values) / threshold)
        return _Proposal(min(enough, seen.desired), _reason(policy, last_values[-1]))
    return _Proposal(seen.desired, "")


def _last_values(policy: Policy, seen: Observation, minutes: int) -> list[float]:
    """Return the values of a policy's metric in the last minutes; fewer where some are missing."""
    points = seen.points.get(policy.metric, ())
    return [point.value for point in points if point.minute > seen.minute - minutes]


def _scale_out(
    target: Target, proposals: list[_Proposal | None], seen: Observation
) -> _Proposal | None:
    """Return the largest count that a policy scales out to, if any does."""
    if not target.scales_out:
        return None
    largest = _largest([each for each in proposals if each is not None])
    if largest is None or largest.count <= seen.desired:
        return None
    return largest


def _scale_in(  # noqa: PLR0917 — everything that can forbid it
    target: Target,
    proposals: list[_Proposal | None],
    seen: Observation,
    state: State,
    now: float,
    factor: float,
) -> _Proposal | None:
    """Return the count to scale in to; None unless every policy that scales in proposes fewer."""
    if seen.deploying or not target.scales_in:
        return None
    lower: list[_Proposal] = []
    for policy, proposal in zip(target.policies, proposals, strict=True):
        if not policy.scales_in:
            continue
        if proposal is None or proposal.count >= seen.desired:
            return None
        if _cools_down(state.scaled_in_at, policy.scale_in_cooldown, now, factor):
            return None
        if _cools_down(state.scaled_out_at, policy.scale_out_cooldown, now, factor):
            return None
        lower.append(proposal)
    # The largest of them: no policy's metric may rise above its target by the scale-in.
    return _largest(lower)


def _cools_down(since: float | None, cooldown: float, now: float, factor: float) -> bool:
    """Return whether a cooldown that began at a moment, if it began, isn't over."""
    return since is not None and now < since + cooldown / factor


def _largest(proposals: list[_Proposal]) -> _Proposal | None:
    return max(proposals, key=lambda each: each.count, default=None)


def _reason(policy: Policy, value: float) -> str:
    shown = f"{value:.3g}{policy.metric.unit}"
    target = f"{policy.target:g}{policy.metric.unit}"
    return f"{policy.metric.kind} of {shown} for a target of {target}, policy {policy.name}"


def _set_to(count: int, reason: str) -> str:
    return f"set desired count to {count}: {reason}"
