"""Load balancers, listeners, rules and target groups -> Envoy's configuration. Pure.

A target group becomes two clusters. New targets start in `<name>/new`, which no route uses: one
passed check there, as on AWS, makes a target healthy and moves it to `<name>`, where the group's
thresholds hold. So a target that has yet to pass its first check gets no traffic, not even when the
load balancer fails open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from localaws.alb import transforms
from localaws.alb.conditions import PEER, matchers
from localaws.alb.error_pages import SERVER, page
from localaws.alb.limits import (
    ALLOWED_HEADERS,
    REQUEST_HEADERS_KIB,
    RESPONSE_HEADERS_KIB,
    SIZE,
    TOO_MANY_ADDRESSES,
)
from localaws.alb.lua_filter import ENABLED, closer_look, redirect, scripts
from localaws.alb.tls import Tls, transport_socket
from localaws.alb.tracing import TRACE_ID, tracing
from localaws.machine.addresses import FIRST_PRIVATE_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localaws.alb.targets import Endpoint

CONNECT_TIMEOUT = "10s"
"""How long an ALB waits for a target to accept a connection."""

_EXPRESSION_SIZE = "re2.max_program_size.error_level"

_HTTP_PORT = 80

INITIAL_CHECK_INTERVAL = 0.5
"""Seconds between checks of a target that hasn't passed one yet.

On AWS several load balancer nodes check a new target, each on its own clock; one pass is enough. A
single prober that met a server a moment before it listens would wait a whole interval (30 s by
default) instead.
"""

_TYPES = "type.googleapis.com/envoy"
_MANAGER = f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_HTTP_OPTIONS = f"{_TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions"
_HEADER_MUTATION = (
    f"{_TYPES}.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
)
_ANSWER_HEADERS = f"{_TYPES}.extensions.filters.http.header_mutation.v3.HeaderMutation"
_POLICIES = {"least_outstanding_requests": "LEAST_REQUEST", "weighted_random": "RANDOM"}


def _flagged(*flags: str) -> dict[str, Any]:
    return {"response_flag_filter": {"flags": list(flags)}}


def _status(code: int, when: Mapping[str, Any]) -> dict[str, Any]:
    """Match responses with this code that Envoy itself generates.

    The code alone isn't enough: a listener's fixed response may have the same one.
    """
    comparison = {"op": "EQ", "value": {"default_value": code, "runtime_key": "alb.none"}}
    filters = [{"status_code_filter": {"comparison": comparison}}, when]
    return {"and_filter": {"filters": filters}}


_WITHOUT_HEAD = {"header_filter": {"header": {"name": ":path", "present_match": False}}}
"""Requests whose headers never were complete."""

# Envoy's response flags -> the status of an ALB (ELB's guide, "Troubleshoot your Application Load
# Balancers"). The first match counts, so flags with several causes stand behind the precise ones.
_OWN_ANSWERS = (
    (_flagged("UH", "NC"), 503),  # no target is registered
    (_flagged("UF", "UC", "UR", "UPE", "LR", "UO"), 502),  # refused, reset or broken by the target
    (_status(408, _flagged("SI")), 408),  # the client stopped before its request was complete
    (_flagged("UT", "SI"), 504),  # no answer within the idle timeout
    (_flagged("DPE"), 400),
    (_status(431, _WITHOUT_HEAD), 400),  # too many bytes of headers
)


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """A target group and the targets in it that aren't draining."""

    arn: str
    health_check: Mapping[str, Any]
    algorithm: str = "round_robin"
    speed: float = 1
    """How fast the time between two checks passes."""

    checked: tuple[Endpoint, ...] = ()
    """Targets that have passed a check, or failed too many."""

    initial: tuple[Endpoint, ...] = ()
    """Targets in state `initial`: no check has decided about them yet."""

    source: str = ""
    """The address from which the load balancer connects to targets; empty for any."""

    def __hash__(self) -> int:
        """Of what has a hash; two groups that differ in their health checks only differ by `==`."""
        return hash((self.arn, self.algorithm, self.checked, self.initial, self.source))

    @property
    def interval(self) -> float:
        """Seconds between two checks."""
        return float(self.health_check.get("interval") or 30) / self.speed

    @property
    def expected_statuses(self) -> list[dict[str, int]]:
        """The codes of a passed check, `200-299,301`, as half-open ranges."""
        ranges = [
            part.strip().partition("-")
            for part in str(self.health_check.get("matcher") or "200").split(",")
        ]
        return [{"start": int(low), "end": int(high or low) + 1} for low, _, high in ranges]

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

    port: int
    """The port it has by name, which targets see in X-Forwarded-Port."""

    rules: Sequence[Rule]
    """By priority, the default rule last."""

    idle_timeout: int = 60
    """Seconds that either side may be silent."""

    forwarded_for: str = "append"
    """What happens to X-Forwarded-For: `append`, `preserve` or `remove`."""

    tls: Tls | None = None
    """None for a listener that speaks HTTP."""

    keep_alive: int = 3600
    """Seconds after which a client's connection ends with the next answer, however busy it is."""

    drop_invalid_headers: bool = False
    """Whether headers with an underscore in their names are kept from the targets."""

    client_port: bool = False
    """Whether X-Forwarded-For has the client's port."""

    response_headers: tuple[tuple[str, str], ...] = ()
    """What every answer says, whatever the target says of it."""

    server_header: bool = True
    """Whether answers say what made them."""

    tls_headers: tuple[str, str] | None = None
    """Request headers that carry the TLS version and the cipher to targets."""

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "https" if self.tls else "http"

    @property
    def dns_name(self) -> str:
        """The load balancer's name, which a request of HTTP/1.0 without a Host gets as its Host."""
        port = self.real_port(_HTTP_PORT)
        return self.endpoint.address if port == _HTTP_PORT else f"{self.endpoint.address}:{port}"

    @property
    def rewrites(self) -> bool:
        """Whether any rule has transforms."""
        return any(rule.transforms for rule in self.rules)

    def real_port(self, port: int) -> int:
        """Where a client finds another listener of this load balancer, named by its port."""
        return port + self.endpoint.port - self.port if port < FIRST_PRIVATE_PORT else port


def cluster_name(target_group_arn: str) -> str:
    """What Envoy calls a target group."""
    return target_group_arn.rpartition(":targetgroup/")[2] or target_group_arn


def initial_cluster_name(target_group_arn: str) -> str:
    """Return Envoy's name for the cluster of a target group's targets in state `initial`."""
    return f"{cluster_name(target_group_arn)}/new"


def compile_files(
    listeners: Sequence[Listener], groups: Sequence[TargetGroup], folder: Path
) -> dict[str, list[dict[str, Any]]]:
    """Envoy's dynamic resources by file name, in the order in which Envoy must get them.

    Args:
        listeners: All of them, of all load balancers.
        groups: Every target group.
        folder: Where the files will be; they refer to each other.
    """
    files: dict[str, list[dict[str, Any]]] = {}
    clusters: list[dict[str, Any]] = []
    for group in groups:
        endpoints, of_group = _group(group, folder)
        files |= endpoints
        clusters += of_group
    files["clusters.json"] = clusters
    for listener in listeners:
        files[_file("routes", listener.arn)] = [_routes(listener)]
    files["listeners.json"] = [_listener(listener, folder) for listener in listeners]
    return files


@lru_cache(maxsize=1024)
def _group(
    group: TargetGroup, folder: Path
) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
    """Return a target group's endpoints by file name, and its clusters.

    An unchanged group gets the same objects again, so comparing two configurations is quick.
    """
    rooms = (
        (
            cluster_name(group.arn),
            group.checked,
            group.interval,
            int(group.health_check.get("healthyThreshold") or 5),
        ),
        (
            initial_cluster_name(group.arn),
            group.initial,
            min(group.interval, INITIAL_CHECK_INTERVAL / group.speed),
            1,
        ),
    )
    files, clusters = {}, []
    for name, endpoints, interval, passes in rooms:
        files[_file("endpoints", name)] = [_load_assignment(name, endpoints, group.health_port)]
        clusters.append(_cluster(name, group, folder, interval=interval, passes=passes))
    return files, clusters


def bootstrap(folder: Path, admin_socket: str) -> dict[str, Any]:
    """The configuration that Envoy starts with: where everything else is."""

    def watch(name: str) -> dict[str, Any]:
        return {"path_config_source": {"path": str(folder / name)}, "resource_api_version": "V3"}

    return {
        "node": {"id": "local-alb", "cluster": "local-alb"},
        "admin": {"address": {"pipe": {"path": admin_socket, "mode": 0o600}}},
        "dynamic_resources": {
            "cds_config": watch("clusters.json"),
            "lds_config": watch("listeners.json"),
        },
        # Else expressions of a hundred characters are refused.
        "layered_runtime": {
            "layers": [{"name": "limits", "static_layer": {_EXPRESSION_SIZE: 2**30}}]
        },
    }


def _file(kind: str, name: str) -> str:
    return f"{kind}-{re.sub(r'[^A-Za-z0-9-]', '_', name)}.json"


def _cluster(
    name: str, group: TargetGroup, folder: Path, *, interval: float, passes: int
) -> dict[str, Any]:
    return {
        "@type": f"{_TYPES}.config.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {
            "service_name": name,
            "eds_config": {
                "path_config_source": {"path": str(folder / _file("endpoints", name))},
                "resource_api_version": "V3",
            },
        },
        "connect_timeout": CONNECT_TIMEOUT,
        **_bound_to(group.source),
        "lb_policy": _POLICIES.get(group.algorithm, "ROUND_ROBIN"),
        # Fail open: all targets get requests when none is healthy, and only then.
        # Else what health checks say reaches the routing up to a second after it reaches us.
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}, "update_merge_window": "0s"},
        # Else a target that was deregistered gets requests until a health check fails.
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
                "explicit_http_config": {"http_protocol_options": {}},
                "common_http_protocol_options": {
                    "max_headers_count": ALLOWED_HEADERS,
                    "max_response_headers_kb": RESPONSE_HEADERS_KIB,
                },
            }
        },
        "health_checks": [_health_check(group, interval=interval, passes=passes)],
    }


def _bound_to(source: str) -> dict[str, Any]:
    """Have connections to targets come from an address, so that security groups know them by it."""
    if not source:
        return {}
    return {"upstream_bind_config": {"source_address": {"address": source, "port_value": 0}}}


def _health_check(group: TargetGroup, *, interval: float, passes: int) -> dict[str, Any]:
    check = group.health_check
    pause = f"{round(interval, 3)}s"
    return {
        "timeout": f"{float(check.get('timeout') or 5)}s",
        "interval": pause,
        # Envoy checks clusters without traffic once a minute by default.
        "no_traffic_interval": pause,
        "no_traffic_healthy_interval": pause,
        "healthy_threshold": passes,
        "unhealthy_threshold": group.unhealthy_threshold,
        "reuse_connection": False,
        "http_health_check": {
            "path": check.get("path") or "/",
            "expected_statuses": group.expected_statuses,
            # Any status outside `expected_statuses` and this list makes a target unhealthy at the
            # first failure.
            "retriable_statuses": [{"start": 100, "end": 600}],
            "request_headers_to_add": [_header("user-agent", "ELB-HealthChecker/2.0")],
            "codec_client_type": "HTTP1",
        },
    }


def _load_assignment(
    name: str, endpoints: Sequence[Endpoint], health_port: int | None
) -> dict[str, Any]:
    return {
        "@type": f"{_TYPES}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": name,
        "endpoints": [
            {"lb_endpoints": [{"endpoint": _endpoint(each, health_port)} for each in endpoints]}
        ],
    }


def _endpoint(endpoint: Endpoint, health_port: int | None) -> dict[str, Any]:
    """A target, and what its health checks send as Host: its address and the port that is checked.

    Envoy would send the cluster's name, which is no host's: strict servers answer that with 400.
    """
    check: dict[str, Any] = {"hostname": f"{endpoint.address}:{health_port or endpoint.port}"}
    if health_port:
        check["port_value"] = health_port
    return {"address": _address(endpoint), "health_check_config": check}


def _address(endpoint: Endpoint) -> dict[str, Any]:
    return {"socket_address": {"address": endpoint.address, "port_value": endpoint.port}}


def _addresses(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return where a listener accepts connections, as Envoy has it: one address, and others."""
    first, *others = map(_address, endpoints)
    more = [{"address": each} for each in others]
    return {"address": first, **({"additional_addresses": more} if more else {})}


def _header(name: str, value: str, *, append: bool = False) -> dict[str, Any]:
    action = "APPEND_IF_EXISTS_OR_ADD" if append else "OVERWRITE_IF_EXISTS_OR_ADD"
    return {"header": {"key": name, "value": value}, "append_action": action}


def _listener(listener: Listener, folder: Path) -> dict[str, Any]:
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "alb",
        # HTTP/2 is negotiated in TLS, as by an ALB: on a plain listener it is no HTTP.
        "codec_type": "AUTO" if listener.tls else "HTTP1",
        "http_protocol_options": {
            "accept_http_10": True,
            "default_host_for_http_10": listener.dns_name,
        },
        "max_request_headers_kb": REQUEST_HEADERS_KIB,
        "rds": {
            "route_config_name": listener.arn,
            "config_source": {
                "path_config_source": {"path": str(folder / _file("routes", listener.arn))},
                "resource_api_version": "V3",
            },
        },
        "common_http_protocol_options": {
            "idle_timeout": f"{listener.idle_timeout}s",
            "max_connection_duration": f"{listener.keep_alive}s",
            "max_headers_count": ALLOWED_HEADERS,
            "headers_with_underscores_action": "DROP_HEADER"
            if listener.drop_invalid_headers
            else "ALLOW",
        },
        "stream_idle_timeout": f"{listener.idle_timeout}s",
        "server_header_transformation": "PASS_THROUGH",
        # A connection that is to be closed, as one that was idle, waits for requests on their way,
        # and then for the client to close it first: five seconds and one by default.
        "drain_timeout": "0.1s",
        "delayed_close_timeout": "0.5s",
        # A connection whose time is over takes one more request, and its answer says that it ends
        # (ELB's guide, "HTTP client keepalive duration"). Else it is closed between two requests,
        # or into one.
        "http1_safe_max_connection_duration": True,
        "generate_request_id": False,
        "tracing": tracing(),
        "skip_xff_append": True,
        "normalize_path": False,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "early_header_mutation_extensions": [
            {
                "name": "for-routing",
                "typed_config": {
                    "@type": _HEADER_MUTATION,
                    "mutations": [
                        {"append": _header(SIZE, "%REQUEST_HEADERS_BYTES%")},
                        *_peer(listener),
                    ],
                },
            }
        ],
        "http_filters": [
            *_answer_headers(listener),
            scripts(),
            *(transforms.filters() if listener.rewrites else ()),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": f"{_TYPES}.extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                    # Counters of statuses by cluster, which nothing reads, cost each request CPU
                    # time.
                    "dynamic_stats": False,
                },
            },
        ],
        "local_reply_config": {
            "mappers": [_own_answer(when, status) for when, status in _OWN_ANSWERS]
        },
    }
    return {
        "@type": f"{_TYPES}.config.listener.v3.Listener",
        "name": listener.arn,
        **_addresses(listener.accepts or (listener.endpoint,)),
        # Else two of them on one address share its connections in silence, and those of the one
        # that ends are reset.
        "enable_reuse_port": False,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ],
                **({"transport_socket": transport_socket(listener.tls)} if listener.tls else {}),
            }
        ],
    }


def _peer(listener: Listener) -> list[dict[str, Any]]:
    """Write the client's address into a header where a condition needs it."""
    if not any("sourceIp" in condition for rule in listener.rules for condition in rule.conditions):
        return []
    return [{"append": _header(PEER, "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%")}]


def _answer_headers(listener: Listener) -> list[dict[str, Any]]:
    """A filter for what every answer says, also those that no target gave."""
    mutations: list[dict[str, Any]] = [
        {"append": _header(name, value.replace("%", "%%"))}
        for name, value in listener.response_headers
    ]
    if not listener.server_header:
        mutations.append({"remove": "server"})
    if not mutations:
        return []
    config = {"@type": _ANSWER_HEADERS, "mutations": {"response_mutations": mutations}}
    return [{"name": "envoy.filters.http.header_mutation", "typed_config": config}]


def _own_answer(when: Mapping[str, Any], status: int) -> dict[str, Any]:
    return {
        "filter": when,
        "status_code": status,
        "headers_to_add": [_header("server", SERVER)],
        "body_format_override": {
            "text_format_source": {"inline_string": page(status)},
            "content_type": "text/html",
        },
    }


def _routes(listener: Listener) -> dict[str, Any]:
    ours = [
        _header("x-forwarded-proto", listener.scheme),
        _header("x-forwarded-port", str(listener.port)),
        TRACE_ID,
    ]
    removed = [PEER, SIZE]
    # The attribute routing.http.xff_header_processing.mode; `preserve` changes nothing.
    if listener.forwarded_for == "append":
        client = (
            f"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS{'' if listener.client_port else '_WITHOUT_PORT'}%"
        )
        ours.append(_header("x-forwarded-for", client, append=True))
    elif listener.forwarded_for == "remove":
        removed.append("x-forwarded-for")
    if listener.tls_headers:
        values = ("%DOWNSTREAM_TLS_VERSION%", "%DOWNSTREAM_TLS_CIPHER%")
        ours += [
            _header(name, value) for name, value in zip(listener.tls_headers, values, strict=True)
        ]
    crowded = {
        "match": {"prefix": "/", "headers": [TOO_MANY_ADDRESSES]},
        **_answer(463, page(463), "text/html"),
    }
    # The first match counts: limits on headers come before all rules, as an ALB refuses a request
    # before it looks at its rules. Rules are sorted by priority, and the default rule is last.
    routes = [
        closer_look([transforms.SCRIPT] if listener.rewrites else []),
        crowded,
        *(_route(rule, listener) for rule in listener.rules),
    ]
    return {
        "@type": f"{_TYPES}.config.route.v3.RouteConfiguration",
        "name": listener.arn,
        "request_headers_to_add": ours,
        "request_headers_to_remove": removed,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
    }


def _route(rule: Rule, listener: Listener) -> dict[str, Any]:
    match = {"prefix": "/", "headers": matchers(rule.conditions)}
    # Authentication actions come before the one that answers, which ELB requires to be the last.
    action = max(rule.actions, key=lambda each: each.get("order") or 0)
    rewriting = (
        transforms.rewriting(rule.transforms, ENABLED) if action["type"] == "forward" else {}
    )
    return {
        "match": match,
        **rewriting,
        **_ACTIONS.get(action["type"], _not_emulated)(action, listener),
    }


def _forward(action: Mapping[str, Any], _: Listener) -> dict[str, Any]:
    groups = (action.get("forward") or {}).get("targetGroups") or [
        {"arn": action.get("targetGroupArn")}
    ]
    weights = {cluster_name(group["arn"]): int(group.get("weight", 1)) for group in groups}
    clusters = [{"name": name, "weight": weight} for name, weight in weights.items() if weight]
    if not clusters:  # all weights may be 0; Envoy refuses that, an ALB answers with 503
        return _answer(503, page(503), "text/html")
    # To choose among one costs Envoy more than to take it.
    where = (
        {"cluster": clusters[0]["name"]}
        if len(clusters) == 1
        else {"weighted_clusters": {"clusters": clusters}}
    )
    # The idle timeout is the only limit that an ALB sets on an answer.
    return {"route": {**where, "timeout": "0s"}}


def _redirect(action: Mapping[str, Any], listener: Listener) -> dict[str, Any]:
    wanted = action["redirect"]
    protocol = (
        str(wanted.get("protocol") or "#{protocol}").replace("#{protocol}", listener.scheme).lower()
    )
    port = listener.real_port(
        int(str(wanted.get("port") or "#{port}").replace("#{port}", str(listener.port)))
    )
    suffix = "" if (protocol, port) in {("http", 80), ("https", 443)} else f":{port}"
    host, path = wanted.get("host") or "#{host}", wanted.get("path") or "/#{path}"
    location = f"{protocol}://{host}{suffix}{path}?{wanted.get('query', '#{query}')}"
    return redirect(location, wanted["statusCode"].removeprefix("HTTP_"))


def _fixed_response(action: Mapping[str, Any], _: Listener) -> dict[str, Any]:
    fixed = action["fixedResponse"]
    return _answer(
        int(fixed.get("statusCode") or 200), fixed.get("messageBody") or "", fixed["contentType"]
    )


def _answer(status: int, body: str, content_type: str) -> dict[str, Any]:
    return {
        "direct_response": {"status": status, "body": {"inline_string": body}},
        "response_headers_to_add": [
            _header("server", SERVER),
            _header("content-type", content_type),
        ],
    }


def _not_emulated(action: Mapping[str, Any], _: Listener) -> dict[str, Any]:
    return _answer(
        501, f"The local ALB doesn't emulate actions of type {action['type']}.\n", "text/plain"
    )


_ACTIONS = {"forward": _forward, "redirect": _redirect, "fixed-response": _fixed_response}
