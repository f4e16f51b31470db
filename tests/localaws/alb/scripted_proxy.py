"""A load balancer with a proxy whose health checks have the results that a test sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.alb.edge import LocalEdge
from localaws.alb.envoy import CheckResult, EnvoyError
from localaws.alb.load_balancers import LoadBalancers
from localaws.alb.parts import cluster_name, initial_cluster_name
from localaws.alb.targets import Endpoint, TargetState
from localaws.alb.tls import Served
from localaws.alb.traffic import Traffic
from localaws.catalog.account import Resource
from localaws.catalog.elb.listeners import LISTENER
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.catalog.elb.target_groups import TARGET_GROUP
from localaws.machine.addresses import Addresses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
ALB = f"{PREFIX}:loadbalancer/app/web/1"
HTTP = f"{PREFIX}:listener/app/web/1/2"
GROUP = f"{PREFIX}:targetgroup/web/3"
TARGET = Endpoint("127.99.0.1", 80)
PASS = CheckResult(healthy=True, timed_out=False)
FAIL = CheckResult(healthy=False, timed_out=False)

INITIAL, CHECKED = initial_cluster_name(GROUP), cluster_name(GROUP)
"""The cluster in which new targets are checked, and that which gets requests."""


class FewResources(Cloud):
    """A load balancer with a listener and a target group."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[tuple[str, str], dict[str, Any]] = {
            (LOAD_BALANCER, ALB): {"arn": ALB, "idleTimeout": 60.0},
            (LISTENER, HTTP): {
                "loadBalancerArn": ALB,
                "port": 80.0,
                "protocol": "HTTP",
                "defaultActions": [{"type": "forward", "targetGroupArn": GROUP}],
            },
            (TARGET_GROUP, GROUP): {
                "arn": GROUP,
                "healthCheck": {"interval": 30, "unhealthyThreshold": 3, "matcher": "200-399"},
            },
        }

    def all(self, token: str) -> list[Resource]:
        return [
            Resource(kind, identifier, "", "eu-west-1", outputs, {})
            for (kind, identifier), outputs in self.outputs.items()
            if kind == token
        ]

    def get(self, token: str, identifier: object) -> Resource | None:
        for each in self.all(token):
            if each.id == identifier:
                return each
        return None


def endpoints_in(files: Mapping[str, Any], cluster: str) -> list[dict[str, Any]]:
    """Return the endpoints of a cluster in a configuration."""
    for resources in files.values():
        for resource in resources:
            if resource.get("cluster_name") == cluster:
                endpoints: list[dict[str, Any]] = resource["endpoints"][0]["lb_endpoints"]
                return endpoints
    pytest.fail(f"there is no cluster {cluster}")


class ScriptedProxy:
    """A proxy whose health checks have the results that a test sets."""

    def __init__(self) -> None:
        self.verdicts: dict[tuple[str, Endpoint], CheckResult] = {}
        self.applied: list[Mapping[str, Any]] = []
        self.state = "new"
        self.refuses: set[str] = set()
        """Listeners that it can't open."""

        self.opened: frozenset[str] = frozenset()
        """The names of the addresses at which it listens."""

    async def apply(self, files: Mapping[str, Any]) -> None:
        names = {each["name"] for each in files["listeners.json"]}
        refused = {each for each in names if each.partition("@")[0] in self.refuses}
        self.opened = frozenset(names - refused)
        if refused:
            raise EnvoyError("cannot bind")
        self.applied.append(files)
        self.state = "running"

    async def health(self) -> Mapping[tuple[str, Endpoint], CheckResult]:
        return self.verdicts

    async def requests(self) -> Mapping[str, int]:
        return {}

    async def traffic(self) -> Traffic:
        return Traffic()

    async def listening(self) -> frozenset[str]:
        return self.opened

    async def close(self) -> None:
        self.state = "closed"

    def endpoints(self, cluster: str) -> list[dict[str, Any]]:
        """Return the endpoints of a cluster in the last configuration."""
        return endpoints_in(self.applied[-1], cluster)


class Harness:
    """A load balancer with a scripted proxy, an answer to requests of its target, and a clock."""

    def __init__(self, directory: Any) -> None:
        self.cloud = FewResources()
        self.proxy = ScriptedProxy()
        self.now = 0.0
        self.status = 404
        """The target's answer, where the load balancer itself requests the health check's path."""

        self.requests = 0
        """How many such requests there were."""

        self.issued: list[tuple[str, ...]] = []
        """The names in each certificate that was issued."""

        self.attached: dict[tuple[str, Endpoint], str] = {}
        """Targets that the program registers, with why each can't be reached; empty if it can."""

        self.addresses = Addresses(directory)
        self.load_balancer = LoadBalancers(
            self.cloud,
            self.addresses,
            lambda _: self.proxy,
            lambda _: directory,
            edge=LocalEdge(self._status_of),
            issue=self._issue,
            attached=lambda: dict(self.attached),
            clock=lambda: self.now,
        )

    def _issue(self, names: Sequence[str]) -> Served:
        self.issued.append(tuple(names))
        return Served(Path("/project/.local/ca/1.pem"), Path("/project/.local/ca/1.key"))

    async def _status_of(self, address: str, port: int, path: str) -> int:
        assert (address, port, path) == (TARGET.address, TARGET.port, "/")
        self.requests += 1
        return self.status

    async def check(self, verdict: CheckResult, cluster: str) -> TargetState:
        """Have the proxy check the target in a cluster; return its state after the next sync."""
        if not self.proxy.applied:
            await self.load_balancer.sync()  # without a configuration the proxy checks nothing
        self.proxy.verdicts = {(cluster, TARGET): verdict}
        return await self.sync()

    async def sync(self) -> TargetState:
        """Sync, and return the target's state."""
        await self.load_balancer.sync()
        return self.load_balancer.health(GROUP, TARGET).state

    def target_count(self, cluster: str) -> int:
        """Return how many targets the proxy has in a cluster."""
        return len(self.proxy.endpoints(cluster))
