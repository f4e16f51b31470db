"""The registered targets of all groups, and their health by the results of their checks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localaws.alb import slow_start, stickiness
from localaws.alb.model import TargetGroup
from localaws.alb.parts import cluster_name, initial_cluster_name
from localaws.alb.targets import TargetHealth, TargetState
from localaws.catalog.elb.target_groups import TARGET_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from localaws.alb.envoy import CheckResult
    from localaws.alb.targets import Endpoint
    from localaws.catalog.account import Account, Resource

_REGISTERING = TargetHealth(
    TargetState.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress"
)
_INITIAL = TargetHealth(
    TargetState.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress"
)
_HEALTHY = TargetHealth(TargetState.HEALTHY)
_DRAINING = TargetHealth(
    TargetState.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress"
)
UNUSED = TargetHealth(
    TargetState.UNUSED,
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
"""The health of the targets of a group that no listener and no rule forwards to."""

_NOT_REGISTERED = TargetHealth(
    TargetState.UNUSED, "Target.NotRegistered", "Target is not registered to the target group"
)
_TIMED_OUT = TargetHealth(TargetState.UNHEALTHY, "Target.Timeout", "Request timed out")
_FAILED = TargetHealth(TargetState.UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")


@dataclass
class Target:
    """A registered target."""

    registered_at: float
    checked: bool = False
    """Whether a check has decided about it: it is in the group's own cluster."""

    draining: bool = False
    unexplained: bool = False
    """Whether it failed, and the code of its answer is still to be requested, once."""

    warms_up: bool = False
    """Whether the next time that it becomes healthy may begin a slow start."""

    slow_since: float | None = None
    """When its slow start began; None for a target that isn't in one."""

    health: TargetHealth = _REGISTERING
    notify: Callable[[], None] = lambda: None
    """What to call when its health changes."""

    def set_health(self, health: TargetHealth) -> None:
        """Set its health, and notify of a change."""
        if health != self.health:
            self.health = health
            self.notify()

    def explain_failure(self, code: int) -> None:
        """Give the code of its answer as the reason why it is unhealthy."""
        self.set_health(
            replace(
                _FAILED,
                reason="Target.ResponseCodeMismatch",
                description=f"Health checks failed with these codes: [{code}]",
            )
        )


class TargetRegistry:
    """Every registered target, and the groups as the proxies' configuration is made of them."""

    def __init__(self, cloud: Account, *, clock: Callable[[], float], speed: float) -> None:
        """Start with no targets.

        Args:
            cloud: Where the target groups are.
            clock: Seconds since some point in time.
            speed: How fast the time between two health checks passes.
        """
        self._cloud = cloud
        self._clock = clock
        self._speed = speed
        self._targets: dict[str, dict[Endpoint, Target]] = {}

    def register(
        self, target_group: str, endpoint: Endpoint, notify: Callable[[], None] = lambda: None
    ) -> None:
        """Add a target, or one that is draining again; changes of its health call `notify`."""
        members = self._targets.setdefault(target_group, {})
        members[endpoint] = Target(self._clock(), warms_up=_has_warm_target(members), notify=notify)

    def deregister(self, target_group: str, endpoint: Endpoint) -> None:
        """Let a target drain."""
        target = self._members(target_group).get(endpoint)
        if target is not None:
            target.draining, target.health = True, _DRAINING

    def forget(self, target_group: str, endpoint: Endpoint) -> None:
        """Forget a target that is gone: its draining is over."""
        self._targets.get(target_group, {}).pop(endpoint, None)

    def get(self, target_group: str, endpoint: Endpoint) -> Target:
        """Return a registered target."""
        return self._targets[target_group][endpoint]

    def health(self, target_group: str, endpoint: Endpoint) -> TargetHealth:
        """Return a target's health."""
        target = self._members(target_group).get(endpoint)
        return target.health if target else _NOT_REGISTERED

    def health_of_all(self, target_group: str) -> dict[Endpoint, TargetHealth]:
        """Return the health of all targets of a group."""
        members = self._members(target_group)
        return {endpoint: target.health for endpoint, target in members.items()}

    @property
    def has_targets_in_use(self) -> bool:
        """Whether a target isn't draining."""
        for members in self._targets.values():
            for target in members.values():
                if not target.draining:
                    return True
        return False

    def groups(self) -> list[TargetGroup]:
        """Return the cloud's target groups with their targets that aren't draining."""
        return list(map(self._group, self._cloud.all(TARGET_GROUP)))

    def update_health(
        self,
        results: Mapping[tuple[str, Endpoint], CheckResult],
        in_use: Container[str],
    ) -> None:
        """Set each target's health.

        Args:
            results: The results of all health checks, by cluster and endpoint.
            in_use: The groups that get requests, by ARN.
        """
        for group in self.groups():
            for endpoint, target in self._members(group.arn).items():
                if target.draining:
                    continue
                if group.arn not in in_use:
                    target.set_health(UNUSED)
                    continue
                cluster = initial_cluster_name(group.arn)
                if target.checked:
                    cluster = cluster_name(group.arn)
                health = self._health_after(results.get((cluster, endpoint)), group, target)
                self._follow_slow_start(group, target, health)
                target.set_health(health)

    def take_unexplained(self) -> Iterator[tuple[TargetGroup, Endpoint, Target]]:
        """Yield the targets that just failed a check, each once."""
        for group in self.groups():
            for endpoint, target in self._members(group.arn).items():
                if target.unexplained:
                    target.unexplained = False
                    yield group, endpoint, target

    def _members(self, target_group: str) -> Mapping[Endpoint, Target]:
        return self._targets.get(target_group, {})

    def _health_after(
        self, result: CheckResult | None, group: TargetGroup, target: Target
    ) -> TargetHealth:
        """Return a target's health; its first result moves it to the group's own cluster."""
        if result is None:
            return target.health if target.checked else _REGISTERING
        if result.healthy:
            # In the group's own cluster the first check decides at once; the target is in service
            # after that one.
            health = _HEALTHY if target.checked else _INITIAL
            target.checked = True
            return health
        if not target.checked:
            if self._clock() - target.registered_at < group.unhealthy_threshold * group.interval:
                return _INITIAL
            target.checked = True
        if result.timed_out:
            return _TIMED_OUT
        if target.health.state is TargetState.UNHEALTHY:
            return target.health
        target.unexplained = True
        return _FAILED

    def _follow_slow_start(self, group: TargetGroup, target: Target, health: TargetHealth) -> None:
        """Begin or end a target's slow start, as its health changes and time passes."""
        was_healthy = target.health.state is TargetState.HEALTHY
        is_healthy = health.state is TargetState.HEALTHY
        if not is_healthy:
            target.slow_since = None
            target.warms_up = target.warms_up or was_healthy
            return
        if not was_healthy:
            if target.warms_up and group.slow_start and _has_warm_target(self._members(group.arn)):
                target.slow_since = self._clock()
            return
        if target.slow_since is not None:
            is_over = self._clock() - target.slow_since >= group.slow_start
            target.slow_since = None if is_over else target.slow_since

    def _group(self, resource: Resource) -> TargetGroup:
        version = str(resource.outputs.get("protocolVersion") or "HTTP1")
        window = float(resource.outputs.get("slowStart") or 0) / self._speed
        checked: list[Endpoint] = []
        initial: list[Endpoint] = []
        failing: list[Endpoint] = []
        warming: list[tuple[Endpoint, int]] = []
        for endpoint, target in self._members(resource.id).items():
            if target.draining:
                continue
            if target.checked:
                checked.append(endpoint)
            else:
                initial.append(endpoint)
            if target.health.state is TargetState.UNHEALTHY and version == "GRPC":
                failing.append(endpoint)
            if target.slow_since is not None and window:
                elapsed = self._clock() - target.slow_since
                warming.append((endpoint, slow_start.weight(elapsed, window)))
        return TargetGroup(
            arn=resource.id,
            health_check=resource.outputs.get("healthCheck") or {},
            algorithm=resource.outputs.get("loadBalancingAlgorithmType") or "",
            version=version,
            failing=tuple(failing),
            stickiness=stickiness.read(resource.outputs),
            slow_start=window,
            warming=tuple(warming),
            checked=tuple(checked),
            initial=tuple(initial),
            speed=self._speed,
        )


def _has_warm_target(members: Mapping[Endpoint, Target]) -> bool:
    """Return whether a group has a healthy target that isn't in slow start."""
    for each in members.values():
        if each.health.state is TargetState.HEALTHY and each.slow_since is None:
            return True
    return False
