"""All local load balancers: what the cloud says of them, who is registered, who is healthy."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from localaws.alb.compiler import (
    TargetGroup,
    cluster_name,
    compile_files,
    initial_cluster_name,
)
from localaws.alb.envoy import EnvoyError
from localaws.alb.health_probe import status_of
from localaws.alb.listeners import certificate_names, listeners
from localaws.alb.targets import TargetHealth, TargetState
from localaws.catalog.acm import CERTIFICATE
from localaws.catalog.elb.listeners import LISTENER, LISTENER_CERTIFICATE, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
    from pathlib import Path

    from localaws.alb.envoy import Verdict
    from localaws.alb.targets import Endpoint
    from localaws.alb.tls import Served
    from localaws.catalog.account import Account
    from localaws.machine.addresses import Addresses


_COMPILED = (
    LOAD_BALANCER,
    LISTENER,
    LISTENER_RULE,
    LISTENER_CERTIFICATE,
    CERTIFICATE,
    TARGET_GROUP,
)
"""The types of resources that the proxy's configuration is made of."""

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
_UNUSED = TargetHealth(
    TargetState.UNUSED,
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
_NOT_REGISTERED = TargetHealth(
    TargetState.UNUSED, "Target.NotRegistered", "Target is not registered to the target group"
)
_TIMED_OUT = TargetHealth(TargetState.UNHEALTHY, "Target.Timeout", "Request timed out")
_NOT_HERE = TargetHealth(TargetState.UNHEALTHY, "Target.Timeout")
_FAILED = TargetHealth(TargetState.UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")


class Proxy(Protocol):
    """What the balancer needs of Envoy."""

    async def apply(self, files: Mapping[str, Any]) -> None:
        """Take a configuration; returns when it holds."""

    async def health(self) -> Mapping[tuple[str, Endpoint], Verdict]:
        """What the health checks say, by cluster and endpoint."""

    async def listening(self) -> Container[str]:
        """ARNs of the listeners that take connections."""

    async def close(self) -> None:
        """Stop, until the next `apply`."""


@dataclass
class _Target:
    registered_at: float
    checked: bool = False
    draining: bool = False
    unexplained: bool = False
    """Whether it failed, and its code is still to be requested, once."""

    health: TargetHealth = _REGISTERING
    notify: Callable[[], None] = lambda: None
    """What to call when its health changes."""

    def becomes(self, health: TargetHealth) -> None:
        """Note its health."""
        changes, self.health = health != self.health, health
        if changes:
            self.notify()


class LoadBalancers:
    """Keeps the proxy's configuration in step with the cloud and the registered targets."""

    def __init__(
        self,
        cloud: Account,
        addresses: Addresses,
        proxy: Proxy,
        folder: Path,
        *,
        issue: Callable[[Sequence[str]], Served],
        attached: Callable[[], Mapping[tuple[str, Endpoint], str]] = dict,
        clock: Callable[[], float] = time.monotonic,
        speed: float = 1,
        status_of: Callable[[str, int, str], Awaitable[int | None]] = status_of,
    ) -> None:
        """Start with no targets.

        Args:
            cloud: Where load balancers, listeners, rules and target groups are.
            addresses: Where load balancers listen.
            proxy: What carries the requests.
            folder: Where its files live.
            issue: Makes a certificate for some names, or finds the one it made.
            attached: Finds the targets that a program registers by itself, by target group, and why
                one isn't reached here.
            clock: Seconds since some point in time.
            speed: How fast the time between two health checks passes.
            status_of: Asks a target for the status it answers with.
        """
        self._cloud = cloud
        self._addresses = addresses
        self._proxy = proxy
        self._folder = folder
        self._issue = issue
        self._attached = attached
        self._clock = clock
        self._speed = speed
        self._status_of = status_of
        self._targets: dict[str, dict[Endpoint, _Target]] = {}
        self._followed: Mapping[tuple[str, Endpoint], str] = {}
        """What `attached` found last."""

        self._compiled: tuple[object, Mapping[str, Any]] = (None, {})
        """What was compiled last, and of what."""

        self._applied: Mapping[str, Any] | None = None
        self._listen_errors: dict[str, str] = {}
        """By ARN why listeners take no connections."""

        self._present: set[str] = set()
        self._syncing = asyncio.Lock()

    def register(
        self, target_group: str, endpoint: Endpoint, notify: Callable[[], None] = lambda: None
    ) -> None:
        """Add a target, or take back one that is draining; `sync` makes it so.

        Args:
            target_group: Where to add it.
            endpoint: Where it listens.
            notify: What to call when its health changes.
        """
        self._targets.setdefault(target_group, {})[endpoint] = _Target(self._clock(), notify=notify)

    def deregister(self, target_group: str, endpoint: Endpoint) -> None:
        """Send a target no more requests; what it is answering may finish. `sync` makes it so."""
        target = self._targets.get(target_group, {}).get(endpoint)
        if target is not None:
            target.draining, target.health = True, _DRAINING

    def forget(self, target_group: str, endpoint: Endpoint) -> None:
        """The target is gone; its draining is over."""
        self._targets.get(target_group, {}).pop(endpoint, None)

    def health(self, target_group: str, endpoint: Endpoint) -> TargetHealth:
        """The target's health as of the last `sync`."""
        target = self._targets.get(target_group, {}).get(endpoint)
        return target.health if target else _NOT_REGISTERED

    def targets(self, target_group: str) -> Mapping[Endpoint, TargetHealth]:
        """All targets of a group and their health."""
        return {
            endpoint: target.health
            for endpoint, target in self._targets.get(target_group, {}).items()
        }

    async def sync(self) -> None:
        """Read the health checks' results, then have the proxy take what has changed.

        Raises:
            EnvoyError: It doesn't.
        """
        async with self._syncing:
            self._follow_attached()
            if any(
                not target.draining
                for targets in self._targets.values()
                for target in targets.values()
            ):
                self._judge(await self._proxy.health())
                await self._explain()
            self._release_addresses()
            files = self._files()
            if not files["listeners.json"]:
                await self._proxy.close()
                self._applied = None
                self._listen_errors = {}
            elif files != self._applied:
                await self._apply(files)

    def attached(self) -> list[dict[str, str]]:
        """Return the targets that a program registered itself, as DescribeTargetHealth does."""
        in_use, found = self._groups_in_use(), []
        for (group, endpoint), why_not in self._followed.items():
            health = self.health(group, endpoint)
            if why_not:
                health = replace(_NOT_HERE, description=why_not) if group in in_use else _UNUSED
            target = f"{endpoint.address}:{endpoint.port}" if endpoint.port else endpoint.address
            found.append(
                {
                    "targetGroupArn": group,
                    "target": target,
                    "state": health.state,
                    "reason": health.reason,
                    "description": health.description,
                }
            )
        return found

    def listen_error(self, listener: str) -> str:
        """Return why a listener refused to listen at the last `sync`; empty if it listens."""
        return self._listen_errors.get(listener, "")

    async def close(self) -> None:
        """Stop the proxy."""
        await self._proxy.close()

    async def _apply(self, files: Mapping[str, Any]) -> None:
        """Have the proxy take its configuration, and note which listeners it couldn't open."""
        try:
            await self._proxy.apply(files)
        except EnvoyError as error:
            listening = await self._proxy.listening()
            names = (each["name"] for each in files["listeners.json"])
            self._listen_errors = {name: str(error) for name in names if name not in listening}
            raise
        self._applied, self._listen_errors = files, {}

    def _follow_attached(self) -> None:
        """Follow the targets that the program itself registers and deregisters."""
        before = {target for target, why_not in self._followed.items() if not why_not}
        self._followed = self._attached()
        now = {target for target, why_not in self._followed.items() if not why_not}
        for group, endpoint in sorted(now - before, key=repr):
            self.register(group, endpoint)
        for group, endpoint in before - now:
            self.forget(group, endpoint)

    def _release_addresses(self) -> None:
        """Free the addresses of load balancers that were deleted."""
        present = {resource.id for resource in self._cloud.all(LOAD_BALANCER)}
        for gone in self._present - present:
            self._addresses.forget_load_balancer(gone)
        self._present = present

    def _judge(self, verdicts: Mapping[tuple[str, Endpoint], Verdict]) -> None:
        in_use = self._groups_in_use()
        for group in self._groups():
            for endpoint, target in self._targets.get(group.arn, {}).items():
                if target.draining:
                    continue
                if group.arn not in in_use:
                    target.becomes(_UNUSED)
                    continue
                room = (
                    cluster_name(group.arn) if target.checked else initial_cluster_name(group.arn)
                )
                target.becomes(self._verdict(group, target, verdicts.get((room, endpoint))))

    def _verdict(
        self, group: TargetGroup, target: _Target, verdict: Verdict | None
    ) -> TargetHealth:
        """Return a target's health; its first result moves it to the group's own cluster."""
        if verdict is None:
            return target.health if target.checked else _REGISTERING
        if verdict.healthy:
            # In the group's own cluster the first check decides at once; the target is in service
            # after that one.
            health = _HEALTHY if target.checked else _INITIAL
            target.checked = True
            return health
        if not target.checked:
            if self._clock() - target.registered_at < group.unhealthy_threshold * group.interval:
                return _INITIAL
            target.checked = True
        if verdict.timed_out:
            return _TIMED_OUT
        if target.health.state is TargetState.UNHEALTHY:
            return target.health
        target.unexplained = True
        return _FAILED

    async def _explain(self) -> None:
        """Request the health check page of targets that just failed, for the code in the reason.

        Envoy reports only that a check failed; DescribeTargetHealth reports the code.
        """
        failed = []
        for group in self._groups():
            for endpoint, target in self._targets.get(group.arn, {}).items():
                if target.unexplained:
                    target.unexplained = False
                    failed.append((group, endpoint, target))
        codes = await asyncio.gather(*(self._ask(group, endpoint) for group, endpoint, _ in failed))
        for (group, _, target), code in zip(failed, codes, strict=True):
            if code is None or _is_expected(code, group):
                continue  # it fails some checks and passes others: no code explains that
            target.becomes(
                replace(
                    _FAILED,
                    reason="Target.ResponseCodeMismatch",
                    description=f"Health checks failed with these codes: [{code}]",
                )
            )

    async def _ask(self, group: TargetGroup, endpoint: Endpoint) -> int | None:
        port = group.health_port or endpoint.port
        return await self._status_of(
            endpoint.address, port, str(group.health_check.get("path") or "/")
        )

    def _files(self) -> Mapping[str, Any]:
        """Return the proxy's files, compiled again only when one of their sources has changed."""
        targets = [
            (group, endpoint, target.checked, target.draining)
            for group, members in self._targets.items()
            for endpoint, target in members.items()
        ]
        source = (targets, [self._cloud.all(token) for token in _COMPILED])
        if source != self._compiled[0]:
            self._compiled = (source, self._compile())
        return self._compiled[1]

    def _compile(self) -> Mapping[str, Any]:
        used = self._groups_in_use()
        groups = [group for group in self._groups() if group.arn in used]
        names = certificate_names(self._cloud, self._addresses)
        certificates = {arn: self._issue(names[arn]) for arn in names}
        return compile_files(
            list(listeners(self._cloud, self._addresses, certificates)), groups, self._folder
        )

    def _groups(self) -> list[TargetGroup]:
        groups = []
        for resource in self._cloud.all(TARGET_GROUP):
            checked: list[Endpoint] = []
            initial: list[Endpoint] = []
            for endpoint, target in self._targets.get(resource.id, {}).items():
                if not target.draining:
                    (checked if target.checked else initial).append(endpoint)
            groups.append(
                TargetGroup(
                    arn=resource.id,
                    health_check=resource.outputs.get("healthCheck") or {},
                    algorithm=resource.outputs.get("loadBalancingAlgorithmType") or "",
                    checked=tuple(checked),
                    initial=tuple(initial),
                    speed=self._speed,
                )
            )
        return groups

    def _groups_in_use(self) -> set[str]:
        """Target groups that some listener or rule sends requests to."""
        found = set()
        for token, key in ((LISTENER, "defaultActions"), (LISTENER_RULE, "actions")):
            for resource in self._cloud.all(token):
                for action in resource.outputs.get(key) or ():
                    found.add(action.get("targetGroupArn"))
                    for group in (action.get("forward") or {}).get("targetGroups") or ():
                        found.add(group["arn"])
        return found


def _is_expected(code: int, group: TargetGroup) -> bool:
    return any(each["start"] <= code < each["end"] for each in group.expected_statuses)
