"""All local load balancers: keeps the proxies in step with the cloud and the targets."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from localaws.alb.clusters import clusters_of
from localaws.alb.compiler import compile_files
from localaws.alb.edge import Front, LocalEdge
from localaws.alb.envoy import CheckResult, EnvoyError
from localaws.alb.grpc_checks import GrpcChecks, Plan
from localaws.alb.health_probe import TIMEOUT
from localaws.alb.listeners import (
    certificate_names,
    listeners,
    load_balancers_of_groups,
)
from localaws.alb.oidc_filter import PUBLIC_KEYS, asks, shows_logins
from localaws.alb.parts import cluster_name, initial_cluster_name
from localaws.alb.target_registry import UNUSED, TargetRegistry
from localaws.alb.targets import Endpoint, TargetHealth, TargetState
from localaws.alb.traffic import Traffic, is_measured
from localaws.catalog.acm import CERTIFICATE
from localaws.catalog.cloudwatch import ALARM
from localaws.catalog.elb.listeners import LISTENER, LISTENER_CERTIFICATE, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from ssl import SSLContext

    from localaws.alb.edge import Edge
    from localaws.alb.logins import Logins
    from localaws.alb.model import Listener, Rule, TargetGroup
    from localaws.alb.target_registry import Target
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
    ALARM,
)
"""The types of resources that the proxy's configuration is made of."""

_NOT_HERE = TargetHealth(TargetState.UNHEALTHY, "Target.Timeout")
"""The health of a target that the local AWS doesn't reach."""


class NotSynchronizedError(Exception):
    """Some load balancers don't serve what they should; the message has the reason of each."""


class Proxy(Protocol):
    """What the balancer needs of Envoy."""

    async def apply(self, files: Mapping[str, Any]) -> None:
        """Apply a configuration; return once it is in effect."""

    async def health(self) -> Mapping[tuple[str, Endpoint], CheckResult]:
        """Return the health checks' results, by cluster and endpoint."""

    async def requests(self) -> Mapping[str, int]:
        """Return the requests to targets since the proxy started, by cluster."""

    async def traffic(self) -> Traffic:
        """Return what was counted for alarms since the proxy started."""

    async def listening(self) -> frozenset[str]:
        """Return the names of the addresses at which listeners take connections."""

    async def close(self) -> None:
        """Stop, until the next `apply`."""


@dataclass(frozen=True)
class _Configuration:
    """What the proxy of one network serves."""

    listeners: tuple[Listener, ...]
    files: Mapping[str, Any]


class LoadBalancers:
    """Keeps the proxies' configuration in step with the cloud and the registered targets."""

    def __init__(
        self,
        cloud: Account,
        addresses: Addresses,
        proxy: Callable[[str], Proxy],
        folder: Callable[[str], Path],
        *,
        edge: Edge | None = None,
        issue: Callable[[Sequence[str]], Served],
        attached: Callable[[], Mapping[tuple[str, Endpoint], str]] = dict,
        clock: Callable[[], float] = time.monotonic,
        speed: float = 1,
        trust: Callable[[], SSLContext] = ssl.create_default_context,
    ) -> None:
        """Start with no targets.

        Args:
            cloud: Where load balancers, listeners, rules and target groups are.
            addresses: Where this machine's clients find load balancers.
            proxy: Makes what carries the requests of the load balancers in a network.
            folder: Where that proxy's files are.
            edge: Where load balancers listen; by default where clients find them.
            issue: Makes a certificate for some names, or finds the one it made.
            attached: Finds the targets that a program registers by itself, by target group, and why
                one isn't reached here.
            clock: Seconds since some point in time.
            speed: How fast the time between two health checks passes.
            trust: Makes the settings with which identity providers are connected to.
        """
        self._cloud = cloud
        self._addresses = addresses
        self._proxy = proxy
        self._proxies: dict[str, Proxy] = {}
        """Those that run, by network."""

        self._folder = folder
        self._edge = edge or LocalEdge()
        self._fronts: dict[str, Front] = {}
        """Where each load balancer listens, by ARN; those without any address are missing."""

        self._address_errors: Mapping[str, str] = {}
        """By ARN why load balancers lack an address."""

        self._refusals: dict[str, str] = {}
        """By network why its proxy didn't take its configuration."""

        self._failure = ""
        """Why the last `sync` didn't get so far; empty where it did."""

        self._issue = issue
        self._attached = attached
        self._clock = clock
        self._grpc = GrpcChecks()
        self._registry = TargetRegistry(cloud, clock=clock, speed=speed)
        self._trust = trust
        self._logins: Logins | None = None
        """Since a rule has first authenticated users."""

        self._followed: Mapping[tuple[str, Endpoint], str] = {}
        """What `attached` found last."""

        self._compiled: tuple[object, Mapping[str, _Configuration]] = (None, {})
        """What was compiled last by network, and of what."""

        self._applied: dict[str, _Configuration] = {}
        """What each network's proxy has taken."""

        self._to_show: set[str] = set()
        """The networks whose proxies have listeners that are yet to be shown."""

        self._listen_errors: dict[str, str] = {}
        """By ARN why listeners take no connections."""

        self._present: set[str] = set()
        self._syncing = asyncio.Lock()

    def register(
        self, target_group: str, endpoint: Endpoint, notify: Callable[[], None] = lambda: None
    ) -> None:
        """Add a target, or one that is draining again, with effect from the next `sync`.

        Args:
            target_group: Where to add it.
            endpoint: Where it listens.
            notify: What to call when its health changes.
        """
        self._registry.register(target_group, endpoint, notify)

    def deregister(self, target_group: str, endpoint: Endpoint) -> None:
        """Send a target no new requests, with effect from the next `sync`; those in flight end."""
        self._registry.deregister(target_group, endpoint)

    def forget(self, target_group: str, endpoint: Endpoint) -> None:
        """Forget a target that is gone: its draining is over."""
        self._registry.forget(target_group, endpoint)

    def health(self, target_group: str, endpoint: Endpoint) -> TargetHealth:
        """Return a target's health as of the last `sync`."""
        return self._registry.health(target_group, endpoint)

    def targets(self, target_group: str) -> Mapping[Endpoint, TargetHealth]:
        """Return all targets of a group and their health."""
        return self._registry.health_of_all(target_group)

    async def sync(self) -> None:
        """Read the health checks' results, then have the proxies apply what has changed.

        Raises:
            NotSynchronizedError: Some of them don't, or a load balancer has no address. All others
                have what has changed.
        """
        async with self._syncing:
            try:
                await self._sync()
            except Exception as error:
                self._failure = str(error) or repr(error)
                raise
            self._failure = ""
            failures = [*self._address_errors.values(), *self._refusals.values()]
            if failures:
                raise NotSynchronizedError("; ".join(dict.fromkeys(failures)))
            # Only now: until then the proxies use the addresses that are to be released.
            if await self._edge.release():
                self._compiled = (None, {})

    async def _sync(self) -> None:
        gone = self._register_attached()
        self._follow_grpc()
        # Health comes before the configuration, which depends on it: a target's first result
        # moves it to the group's own cluster.
        if self._registry.has_targets_in_use:
            results = await self._check_results()
            self._registry.update_health(results, load_balancers_of_groups(self._cloud))
            await self._explain_failures()
        self._release_addresses()
        await self._apply_configurations()
        if gone:
            # Only now: a proxy that got changed rules and an emptied target group at once
            # could still route to that group, and clients would see 503.
            for group, endpoint in gone:
                self.forget(group, endpoint)
            await self._apply_configurations()

    async def _apply_configurations(self) -> None:
        """Have each network's proxy take its configuration, and note why some didn't."""
        wanted = await self._configurations()
        for network in self._proxies.keys() - wanted.keys():
            await self._stop_proxy(network)
        self._listen_errors = {}
        self._refusals = {}
        for network, configuration in wanted.items():
            if configuration != self._applied.get(network) or network in self._to_show:
                try:
                    await self._apply(network, configuration)
                except Exception as error:  # noqa: BLE001 — the other networks' proxies get theirs
                    self._refusals[network] = str(error) or repr(error)

    def _started_logins(self) -> Logins:
        """Return the logins, whose keys are made at the first call."""
        if self._logins is None:
            # Brings `cryptography` and PyJWT, and few rules authenticate.
            from localaws.alb.logins import Logins  # noqa: PLC0415

            self._logins = Logins(self._cloud, self._edge, self._front, self._folder, self._trust)
        return self._logins

    async def _stop_proxy(self, network: str) -> None:
        await self._proxies.pop(network).close()
        if self._logins is not None:
            await self._logins.stop(network)
        self._applied.pop(network, None)
        self._to_show.discard(network)

    def attached(self) -> list[dict[str, str]]:
        """Return the targets that a program registered itself, as DescribeTargetHealth does."""
        in_use = load_balancers_of_groups(self._cloud)
        found = []
        for (group, endpoint), why_not in self._followed.items():
            health = self.health(group, endpoint)
            if why_not and group in in_use:
                health = replace(_NOT_HERE, description=why_not)
            elif why_not:
                health = UNUSED
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

    def where(self) -> list[dict[str, str]]:
        """Return where each load balancer of a VPC is found: in there, and on the internet."""
        found = []
        for each in self._cloud.all(LOAD_BALANCER):
            front = self._front(each.id)
            outside = self._edge.outside(each)
            here = list(outside.values()) or [self._addresses.load_balancer(each.id).dns_name]
            if front.addresses:
                found.append(
                    {
                        "name": str(each.outputs.get("name")),
                        "addresses": ", ".join(front.addresses),
                        "publicAddress": ", ".join(outside),
                        "shownAt": ", ".join(here),
                    }
                )
        return found

    def address_error(self, load_balancer: str) -> str:
        """Return why a load balancer lacks an address, as of the last `sync`; else empty."""
        return self._address_errors.get(load_balancer, "")

    def problem(self, load_balancer: str) -> str:
        """Return why a load balancer may not serve as its records are, as of the last `sync`."""
        if self._failure or load_balancer in self._address_errors:
            return self._failure or self._address_errors[load_balancer]
        return self._refusals.get(self._front(load_balancer).network, "")

    def listen_error(self, listener: str) -> str:
        """Return why clients can't connect to a listener, as of the last `sync`; else empty."""
        if listener in self._listen_errors:
            return self._listen_errors[listener]
        for configuration in self._applied.values():
            for each in configuration.listeners:
                if each.arn == listener:
                    return self._edge.why_not_shown(each)
        return ""

    @property
    def public_keys_url(self) -> str:
        """The URL of the keys that verify the claims which targets get; empty if nothing has it."""
        for configuration in self._applied.values():
            for listener in configuration.listeners:
                if listener.arn == PUBLIC_KEYS:
                    return f"http://{listener.dns_name}/"
        return ""

    async def close(self) -> None:
        """Stop the proxies."""
        await self._grpc.close()
        if self._logins is not None:
            await self._logins.close()
        for proxy in self._proxies.values():
            await proxy.close()

    async def requests(self) -> dict[str, int]:
        """Return the requests to each target group's targets since its proxy started, by ARN."""
        by_cluster: dict[str, int] = {}
        for proxy in list(self._proxies.values()):
            by_cluster |= await proxy.requests()
        found: dict[str, int] = {}
        for each in self._cloud.all(TARGET_GROUP):
            names = (cluster_name(each.id), initial_cluster_name(each.id))
            found[each.id] = sum(by_cluster.get(name, 0) for name in names)
        return found

    async def traffic(self) -> Traffic:
        """Return what was counted of the load balancers that alarms read."""
        found = Traffic()
        for proxy in list(self._proxies.values()):
            found.add(await proxy.traffic())
        return found

    def count_targets(self, target_group: str) -> tuple[int, int]:
        """Return how many targets of a group are healthy, and how many unhealthy."""
        states = [each.state for each in self.targets(target_group).values()]
        return states.count(TargetState.HEALTHY), states.count(TargetState.UNHEALTHY)

    async def _check_results(self) -> dict[tuple[str, Endpoint], CheckResult]:
        """Return the results of all targets' health checks, by cluster and endpoint."""
        found: dict[tuple[str, Endpoint], CheckResult] = {}
        for proxy in self._proxies.values():
            found |= await proxy.health()
        # A proxy reports a target healthy that it doesn't check, such as those of gRPC.
        unchecked: set[str] = set()
        for group in self._registry.groups():
            if group.version == "GRPC":
                unchecked |= {cluster_name(group.arn), initial_cluster_name(group.arn)}
        checked = {key: result for key, result in found.items() if key[0] not in unchecked}
        return checked | self._grpc.health()

    async def _apply(self, network: str, configuration: _Configuration) -> None:
        """Have a proxy take its configuration, and note which listeners it couldn't open."""
        if _authenticates(configuration.listeners):
            await self._started_logins().serve(network)
        if network not in self._proxies:
            self._proxies[network] = self._proxy(network)
        proxy = self._proxies[network]
        try:
            await proxy.apply(configuration.files)
        except EnvoyError as error:
            listening = await proxy.listening()
            for listener in configuration.listeners:
                if not listener.opened.keys() <= listening:
                    self._listen_errors[listener.arn] = str(error)
            raise
        before = self._applied.get(network)
        self._applied[network] = configuration
        # What is shown is tried anew, which the next resource may wait for.
        if before is None or before.listeners != configuration.listeners:
            self._to_show.add(network)
        if network in self._to_show:
            await self._edge.show(configuration.listeners)
            self._to_show.remove(network)

    def _front(self, load_balancer: str) -> Front:
        """Return where a load balancer listens; one that has no address yet has the default."""
        return self._fronts.get(load_balancer, Front())

    def _register_attached(self) -> set[tuple[str, Endpoint]]:
        """Register the new targets of the program itself; return those that it deregistered."""
        before = _reached(self._followed)
        self._followed = self._attached()
        now = _reached(self._followed)
        for group, endpoint in sorted(now - before, key=repr):
            self.register(group, endpoint)
        return before - now

    def _release_addresses(self) -> None:
        """Free the addresses of load balancers that were deleted."""
        present = {resource.id for resource in self._cloud.all(LOAD_BALANCER)}
        for gone in self._present - present:
            self._addresses.forget_load_balancer(gone)
        self._present = present

    async def _explain_failures(self) -> None:
        """Request the health check page of targets that just failed, for the code in the reason.

        Envoy reports only that a check failed; DescribeTargetHealth reports the code.
        """
        explanations = []
        for group, endpoint, target in self._registry.take_unexplained():
            explanations.append(self._explain(group, endpoint, target))
        await asyncio.gather(*explanations)

    async def _explain(self, group: TargetGroup, endpoint: Endpoint, target: Target) -> None:
        code = await self._probe(group, endpoint, TIMEOUT)
        if code is None or _is_expected(code, group):
            return  # it fails some checks and passes others: no code explains that
        target.explain_failure(code)

    async def _probe(self, group: TargetGroup, endpoint: Endpoint, time_limit: float) -> int | None:
        """Send one health check from where the load balancer is; return the answer's status."""
        balancer = load_balancers_of_groups(self._cloud).get(group.arn, "")
        port = group.health_port or endpoint.port
        path = str(group.health_check.get("path") or "/")
        return await self._edge.status_of(
            self._front(balancer),
            endpoint.address,
            port,
            path,
            version=group.version,
            time_limit=time_limit,
        )

    def _follow_grpc(self) -> None:
        """Have the targets of groups with version GRPC checked, which no proxy does."""
        plans = {}
        in_use = load_balancers_of_groups(self._cloud)
        for group in self._registry.groups():
            if group.version != "GRPC" or group.arn not in in_use:
                continue
            for cluster in clusters_of(group):
                for endpoint in cluster.endpoints:
                    plans[cluster.name, endpoint] = Plan(
                        interval=cluster.interval,
                        passes=cluster.passes,
                        failures=group.unhealthy_threshold,
                        check=partial(self._check_grpc, group.arn, endpoint),
                        notify=self._registry.get(group.arn, endpoint).notify,
                    )
        self._grpc.follow(plans)

    async def _check_grpc(self, arn: str, endpoint: Endpoint) -> CheckResult:
        """Call a target's method of health checks once."""
        for group in self._registry.groups():
            if group.arn == arn:
                began = self._clock()
                status = await self._probe(group, endpoint, group.timeout)
                return CheckResult(
                    healthy=status is not None and _is_expected(status, group),
                    timed_out=status is None and self._clock() - began >= group.timeout,
                )
        return CheckResult(healthy=False, timed_out=False)

    async def _configurations(self) -> Mapping[str, _Configuration]:
        """Return what each network's proxy is to serve, compiled again when a source changed."""
        source = (self._registry.groups(), [self._cloud.all(token) for token in _COMPILED])
        if source != self._compiled[0]:
            await self._follow_load_balancers()
            # One without an address gets it as soon as there is one, with no change of a source.
            self._compiled = (None if self._address_errors else source, self._compile())
        return self._compiled[1]

    async def _follow_load_balancers(self) -> None:
        load_balancers = self._cloud.all(LOAD_BALANCER)
        self._address_errors = await self._edge.follow(load_balancers)
        self._fronts = {}
        for each in load_balancers:
            front = self._edge.front(each)
            if front.addresses or each.id not in self._address_errors:
                self._fronts[each.id] = front

    def _compile(self) -> dict[str, _Configuration]:
        names = certificate_names(self._cloud, self._addresses)
        certificates = {arn: self._issue(names[arn]) for arn in names}
        balancers = load_balancers_of_groups(self._cloud)
        groups: dict[str, list[TargetGroup]] = {}
        for group in self._registry.groups():
            if group.arn in balancers:
                front = self._front(balancers[group.arn])
                bound = replace(group, source=front.source)
                groups.setdefault(front.network, []).append(bound)
        found = {}
        for network in dict.fromkeys(front.network for front in self._fronts.values()):
            served = tuple(
                listeners(self._cloud, self._addresses, certificates, self._fronts, network)
            )
            if any(map(shows_logins, served)):
                served = (*served, self._started_logins().public_keys(self._addresses))
            if served:
                files = compile_files(
                    served,
                    groups.get(network, []),
                    self._folder(network),
                    measured=is_measured(self._cloud),
                )
                found[network] = _Configuration(served, files)
        return found


def _authenticates(served: Iterable[Listener]) -> bool:
    """Return whether a rule of these listeners authenticates users."""
    rules: list[Rule] = []
    for listener in served:
        rules += listener.rules
    return any(map(asks, rules))


def _reached(
    attached: Mapping[tuple[str, Endpoint], str],
) -> set[tuple[str, Endpoint]]:
    """Return the registered targets that are reached here."""
    return {target for target, why_not in attached.items() if not why_not}


def _is_expected(code: int, group: TargetGroup) -> bool:
    return any(each["start"] <= code < each["end"] for each in group.expected_statuses)
