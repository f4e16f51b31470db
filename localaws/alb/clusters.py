"""Target groups -> Envoy's clusters and their endpoints. Pure.

A target group becomes two clusters. New targets start in `<name>/new`, which no route uses: one
passed check there, as on AWS, makes a target healthy and moves it to `<name>`, where the group's
thresholds hold. So a target that has yet to pass its first check gets no traffic, not even when the
load balancer fails open.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws.alb.limits import ALLOWED_HEADERS, RESPONSE_HEADERS_KIB
from localaws.alb.parts import (
    address,
    cluster_name,
    file_name,
    header,
    initial_cluster_name,
)
from localaws.alb.slow_start import FULL

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.alb.model import TargetGroup
    from localaws.alb.targets import Endpoint

CONNECT_TIMEOUT = "10s"
"""How long an ALB waits for a target to accept a connection."""

INITIAL_CHECK_INTERVAL = 0.1
"""Seconds between checks of a target that hasn't passed one yet.

On AWS several load balancer nodes check a new target, each on its own clock; one pass is enough. A
single prober that met a server a moment before it listens would wait a whole interval (30 s by
default) instead. Most servers listen some tenths of a second after their start.
"""

_TYPES = "type.googleapis.com/envoy"
_HTTP_OPTIONS = f"{_TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions"
_LEAST_REQUEST = f"{_TYPES}.extensions.load_balancing_policies.least_request.v3.LeastRequest"


class GroupCluster(NamedTuple):
    """One of a target group's two clusters."""

    name: str
    endpoints: tuple[Endpoint, ...]
    """The targets in it."""

    interval: float
    """Seconds between two checks of a target."""

    passes: int
    """Passed checks in a row that make a target healthy."""


def clusters_of(group: TargetGroup) -> tuple[GroupCluster, GroupCluster]:
    """Return a target group's own cluster, and that of its targets in state `initial`."""
    own = GroupCluster(
        cluster_name(group.arn),
        group.checked,
        group.interval,
        int(group.health_check.get("healthyThreshold") or 5),
    )
    initial = GroupCluster(
        initial_cluster_name(group.arn),
        group.initial,
        min(group.interval, INITIAL_CHECK_INTERVAL / group.speed),
        passes=1,
    )
    return own, initial


@lru_cache(maxsize=1024)
def compile_group(
    group: TargetGroup, folder: Path
) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
    """Return a target group's endpoints by file name, and its clusters.

    An unchanged group gets the same objects again, so comparing two configurations is quick.
    """
    files = {}
    clusters = []
    for each in clusters_of(group):
        files[file_name("endpoints", each.name)] = [_load_assignment(each, group)]
        clusters.append(_cluster(each, group, folder))
    return files, clusters


def _cluster(cluster: GroupCluster, group: TargetGroup, folder: Path) -> dict[str, Any]:
    endpoints_file = folder / file_name("endpoints", cluster.name)
    protocol = "http_protocol_options" if group.version == "HTTP1" else "http2_protocol_options"
    return {
        "@type": f"{_TYPES}.config.cluster.v3.Cluster",
        "name": cluster.name,
        "type": "EDS",
        "eds_cluster_config": {
            "service_name": cluster.name,
            "eds_config": {
                "path_config_source": {"path": str(endpoints_file)},
                "resource_api_version": "V3",
            },
        },
        "connect_timeout": CONNECT_TIMEOUT,
        **_bound_to(group.source),
        **_policy(group.algorithm),
        "common_lb_config": {
            # Fail open: all targets get requests when none is healthy, and only then.
            "healthy_panic_threshold": {"value": 1},
            # By default a health check's result changes the routing up to a second later.
            "update_merge_window": "0s",
            # Has Envoy report which targets it has yet to check, instead of as failing ones.
            "ignore_new_hosts_until_first_hc": True,
        },
        # By default a target that was deregistered gets requests until a health check fails.
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": 2**20,
                    "max_pending_requests": 2**20,
                    "max_requests": 2**20,
                    "max_retries": 0,
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _HTTP_OPTIONS,
                "explicit_http_config": {protocol: {}},
                "common_http_protocol_options": {
                    "max_headers_count": ALLOWED_HEADERS,
                    "max_response_headers_kb": RESPONSE_HEADERS_KIB,
                },
            }
        },
        **_health_checks(group, cluster),
    }


def _policy(algorithm: str) -> dict[str, Any]:
    """Choose the target of a request as the algorithm does."""
    if algorithm == "least_outstanding_requests":
        # By default it compares two targets at random.
        policy = {"@type": _LEAST_REQUEST, "selection_method": "FULL_SCAN"}
        extension = {
            "name": "envoy.load_balancing_policies.least_request",
            "typed_config": policy,
        }
        return {"load_balancing_policy": {"policies": [{"typed_extension_config": extension}]}}
    return {"lb_policy": "RANDOM" if algorithm == "weighted_random" else "ROUND_ROBIN"}


def _bound_to(source: str) -> dict[str, Any]:
    """Have connections to targets come from an address, so that security groups know them by it."""
    if not source:
        return {}
    return {"upstream_bind_config": {"source_address": {"address": source, "port_value": 0}}}


def _health_checks(group: TargetGroup, cluster: GroupCluster) -> dict[str, Any]:
    """Have Envoy check the targets, unless that takes calls of gRPC."""
    if group.version == "GRPC":
        return {}
    check = group.health_check
    pause = f"{round(cluster.interval, 3)}s"
    http = {
        "timeout": f"{group.timeout}s",
        "interval": pause,
        # Envoy checks clusters without traffic once a minute by default.
        "no_traffic_interval": pause,
        "no_traffic_healthy_interval": pause,
        "healthy_threshold": cluster.passes,
        "unhealthy_threshold": group.unhealthy_threshold,
        "reuse_connection": False,
        "http_health_check": {
            "path": check.get("path") or "/",
            "expected_statuses": group.expected_statuses,
            # Any status outside `expected_statuses` and this list makes a target unhealthy at the
            # first failure.
            "retriable_statuses": [{"start": 100, "end": 600}],
            "request_headers_to_add": [header("user-agent", "ELB-HealthChecker/2.0")],
            "codec_client_type": group.version,
        },
    }
    return {"health_checks": [http]}


def _load_assignment(cluster: GroupCluster, group: TargetGroup) -> dict[str, Any]:
    weights = dict(group.warming)
    members: list[dict[str, Any]] = []
    for each in cluster.endpoints:
        member: dict[str, Any] = {"endpoint": _endpoint(each, group.health_port)}
        if each in group.failing:
            member["health_status"] = "UNHEALTHY"
        if weights:
            member["load_balancing_weight"] = weights.get(each, FULL)
        members.append(member)
    return {
        "@type": f"{_TYPES}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster.name,
        "endpoints": [{"lb_endpoints": members}],
    }


def _endpoint(endpoint: Endpoint, health_port: int | None) -> dict[str, Any]:
    """Describe a target; its health checks send its address and the checked port as Host.

    Envoy would send the cluster's name, which is no host's: strict servers answer that with 400.
    """
    check: dict[str, Any] = {"hostname": f"{endpoint.address}:{health_port or endpoint.port}"}
    if health_port:
        check["port_value"] = health_port
    return {"address": address(endpoint), "health_check_config": check}
