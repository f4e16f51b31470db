"""Listeners, their rules and target groups, as Envoy's configuration is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localaws.machine.addresses import FIRST_PRIVATE_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.alb.stickiness import Stickiness
    from localaws.alb.targets import Endpoint
    from localaws.alb.tls import Tls

_HTTP_PORT = 80


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """A target group and the targets in it that aren't draining."""

    arn: str
    health_check: Mapping[str, Any]
    version: str = "HTTP1"
    """The protocol version of requests to its targets: `HTTP1`, `HTTP2` or `GRPC`."""

    failing: tuple[Endpoint, ...] = ()
    """The checked targets of a group with version GRPC that aren't healthy."""

    algorithm: str = "round_robin"
    stickiness: Stickiness | None = None
    """None for a group that doesn't keep clients at their targets."""

    speed: float = 1
    """How fast the time between two checks passes."""

    checked: tuple[Endpoint, ...] = ()
    """Targets that have passed a check, or failed too many."""

    slow_start: float = 0
    """Seconds in which a new target's share of requests grows; 0 for none."""

    warming: tuple[tuple[Endpoint, int], ...] = ()
    """The weights of the checked targets that are in slow start."""

    initial: tuple[Endpoint, ...] = ()
    """Targets in state `initial`: no check has decided about them yet."""

    source: str = ""
    """The address from which the load balancer connects to targets; empty for any."""

    def __hash__(self) -> int:
        """Hash what is hashable: groups that differ in their health checks only are unequal."""
        return hash(
            (self.arn, self.algorithm, self.checked, self.warming, self.initial, self.source)
        )

    @property
    def interval(self) -> float:
        """Seconds between two checks."""
        return float(self.health_check.get("interval") or 30) / self.speed

    @property
    def timeout(self) -> float:
        """Seconds after which a check without an answer has failed."""
        return float(self.health_check.get("timeout") or 5)

    @property
    def expected_statuses(self) -> list[dict[str, int]]:
        """The codes of a passed check, `200-299,301`, as half-open ranges."""
        found = []
        for part in str(self.health_check.get("matcher") or "200").split(","):
            low, _, high = part.strip().partition("-")
            found.append({"start": int(low), "end": int(high or low) + 1})
        return found

    @property
    def health_port(self) -> int | None:
        """Port to check, where it isn't the one that gets the requests."""
        port = str(self.health_check.get("port") or "traffic-port")
        return None if port == "traffic-port" else int(float(port))

    @property
    def unhealthy_threshold(self) -> int:
        """Failed checks in a row that make a target unhealthy."""
        return int(self.health_check.get("unhealthyThreshold") or 2)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What to do with the requests that meet all conditions; the default rule has none."""

    arn: str = ""
    """Its ARN, or the listener's for the default rule."""

    actions: Sequence[Mapping[str, Any]]
    conditions: Sequence[Mapping[str, Any]] = ()
    transforms: Sequence[Mapping[str, Any]] = ()
    """What it rewrites in the requests that it forwards."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One port of a load balancer."""

    arn: str
    endpoint: Endpoint
    """Where this machine's clients find it."""

    accepts: tuple[Endpoint, ...] = ()
    """Where the proxy listens, if it doesn't listen there itself."""

    load_balancer: str = ""
    """ARN."""

    name: str = ""
    """What CloudWatch calls its load balancer; empty for one whose requests aren't counted."""

    port: int
    """The port it has by name, which targets see in X-Forwarded-Port."""

    rules: Sequence[Rule]
    """By priority, the default rule last."""

    idle_timeout: int = 60
    """Seconds that either side may be silent."""

    forwarded_for: str = "append"
    """What the load balancer does with X-Forwarded-For: `append`, `preserve` or `remove`."""

    tls: Tls | None = None
    """None for a listener that speaks HTTP."""

    keep_alive: int = 3600
    """Seconds after which a client's connection ends with the next answer, however busy it is."""

    drop_invalid_headers: bool = False
    """Whether headers with an underscore in their names are kept from the targets."""

    client_port: bool = False
    """Whether X-Forwarded-For has the client's port."""

    response_headers: tuple[tuple[str, str], ...] = ()
    """Headers of every answer, in place of the target's."""

    server_header: bool = True
    """Whether answers have the header Server."""

    tls_headers: tuple[str, str] | None = None
    """Request headers that carry the TLS version and the cipher to targets."""

    @property
    def opened(self) -> dict[str, Endpoint]:
        """Where the proxy listens, by the name that each address has there."""
        return {f"{self.arn}@{each.address}": each for each in self.accepts or (self.endpoint,)}

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "https" if self.tls else "http"

    @property
    def dns_name(self) -> str:
        """The load balancer's name, which a request of HTTP/1.0 without a Host gets as its Host."""
        port = self.real_port(_HTTP_PORT)
        return self.endpoint.address if port == _HTTP_PORT else f"{self.endpoint.address}:{port}"

    def real_port(self, port: int) -> int:
        """Return where a client finds another listener of this load balancer, named by its port."""
        return port + self.endpoint.port - self.port if port < FIRST_PRIVATE_PORT else port
