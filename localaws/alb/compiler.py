"""Compile load balancers, listeners, rules and target groups to Envoy's configuration. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from localaws.alb import oidc_filter
from localaws.alb.clusters import compile_group
from localaws.alb.conditions import PEER
from localaws.alb.error_pages import SERVER, page
from localaws.alb.limits import (
    ALLOWED_HEADERS,
    REQUEST_HEADERS_KIB,
    SIZE,
)
from localaws.alb.lua_filter import limits
from localaws.alb.parts import address, cluster_name, file_name, header
from localaws.alb.routes import ROUTE_FILTERS, compile_routes
from localaws.alb.tls import transport_socket
from localaws.alb.tracing import tracing
from localaws.alb.traffic import RUNTIME, loggers, runtime
from localaws.alb.versions import PROTOCOL, speaks_http_2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localaws.alb.model import Listener, TargetGroup

CLUSTERS = "clusters.json"
"""The file that names all clusters."""

_RUNTIME = "runtime.json"
_EXPRESSION_SIZE = "re2.max_program_size.error_level"

_TYPES = "type.googleapis.com/envoy"
_MANAGER = f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_HEADER_MUTATION = (
    f"{_TYPES}.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
)
_ANSWER_HEADERS = f"{_TYPES}.extensions.filters.http.header_mutation.v3.HeaderMutation"

_ROUTER: Final = {
    "name": "envoy.filters.http.router",
    "typed_config": {
        "@type": f"{_TYPES}.extensions.filters.http.router.v3.Router",
        "suppress_envoy_headers": True,
        # Counters of statuses by cluster, which nothing reads, cost each request CPU time.
        "dynamic_stats": False,
    },
}


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
    (_status(oidc_filter.PROVIDER_FAILED, _flagged("UAEX")), 561),
    (_flagged("DPE"), 400),
    (_status(431, _WITHOUT_HEAD), 400),  # too many bytes of headers
)


def compile_files(
    listeners: Sequence[Listener],
    groups: Sequence[TargetGroup],
    folder: Path,
    *,
    measured: bool = False,
) -> dict[str, list[dict[str, Any]]]:
    """Return Envoy's dynamic resources by file name, in the order in which Envoy must get them.

    Args:
        listeners: All of them, of all load balancers.
        groups: Every target group.
        folder: Where the files will be; they refer to each other.
        measured: Whether requests are counted for alarms.
    """
    files: dict[str, list[dict[str, Any]]] = {_RUNTIME: [runtime(measured=measured)]}
    clusters: list[dict[str, Any]] = []
    for group in groups:
        endpoints, of_group = compile_group(group, folder)
        files |= endpoints
        clusters += of_group
    files[CLUSTERS] = clusters
    by_cluster = {cluster_name(group.arn): group for group in groups}
    compiled: list[dict[str, Any]] = []
    for listener in listeners:
        files[file_name("routes", listener.arn)] = [compile_routes(listener, by_cluster)]
        compiled += _listeners(listener, folder)
    files["listeners.json"] = compiled
    return files


def bootstrap(folder: Path, admin_socket: str) -> dict[str, Any]:
    """Return the configuration that Envoy starts with: where everything else is."""
    return {
        "node": {"id": "local-alb", "cluster": "local-alb"},
        "admin": {"address": {"pipe": {"path": admin_socket, "mode": 0o600}}},
        "static_resources": {"clusters": [oidc_filter.cluster()]},
        "dynamic_resources": {
            "cds_config": _watched(folder / CLUSTERS),
            "lds_config": _watched(folder / "listeners.json"),
        },
        # Else a timer merges histograms every five seconds, whether they are read or not.
        "stats_flush_on_admin": True,
        # Else expressions of a hundred characters are refused.
        "layered_runtime": {
            "layers": [
                {"name": "limits", "static_layer": {_EXPRESSION_SIZE: 2**30}},
                {
                    "name": RUNTIME,
                    "rtds_layer": {"name": RUNTIME, "rtds_config": _watched(folder / _RUNTIME)},
                },
            ]
        },
    }


def _watched(file: Path) -> dict[str, Any]:
    """Return a source of configuration: a file, which Envoy reads again when it is replaced."""
    return {"path_config_source": {"path": str(file)}, "resource_api_version": "V3"}


def _listeners(listener: Listener, folder: Path) -> list[dict[str, Any]]:
    """Return what Envoy has for a listener: one at each of its addresses.

    Envoy refuses a listener with other addresses while it has one with some of them.
    """
    chain: dict[str, Any] = {
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": _connection_manager(listener, folder),
            }
        ]
    }
    if listener.tls:
        chain["transport_socket"] = transport_socket(listener.tls)
    common = {
        "@type": f"{_TYPES}.config.listener.v3.Listener",
        # Else two of them on one address share its connections in silence, and those of the one
        # that ends are reset.
        "enable_reuse_port": False,
        "filter_chains": [chain],
    }
    found: list[dict[str, Any]] = []
    for name, endpoint in listener.opened.items():
        found.append({"name": name, "address": address(endpoint), **common})
    return found


def _connection_manager(listener: Listener, folder: Path) -> dict[str, Any]:
    """Return what a listener does with connections and requests, apart from TLS."""
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "alb",
        **_protocol_options(listener),
        **_end_of_connections(listener),
        "rds": {
            "route_config_name": listener.arn,
            "config_source": _watched(folder / file_name("routes", listener.arn)),
        },
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": False,
        "tracing": tracing(),
        "skip_xff_append": True,
        "normalize_path": False,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "early_header_mutation_extensions": [_headers_for_routing(listener)],
        "http_filters": [*_answer_headers(listener), limits(), *ROUTE_FILTERS, _ROUTER],
        "local_reply_config": {
            "mappers": [_own_answer(when, status) for when, status in _OWN_ANSWERS]
        },
    }
    if listener.name:
        manager["access_log"] = loggers(listener.name)
    return manager


def _protocol_options(listener: Listener) -> dict[str, Any]:
    """Return the versions of HTTP, and the bounds of headers and connections."""
    return {
        # HTTP/2 is negotiated in TLS, as by an ALB: on a plain listener it is no HTTP.
        "codec_type": "AUTO" if listener.tls else "HTTP1",
        "http_protocol_options": {
            "accept_http_10": True,
            "default_host_for_http_10": listener.dns_name,
        },
        "max_request_headers_kb": REQUEST_HEADERS_KIB,
        "common_http_protocol_options": {
            "idle_timeout": f"{listener.idle_timeout}s",
            "max_connection_duration": f"{listener.keep_alive}s",
            "max_headers_count": ALLOWED_HEADERS,
            "headers_with_underscores_action": (
                "DROP_HEADER" if listener.drop_invalid_headers else "ALLOW"
            ),
        },
    }


def _end_of_connections(listener: Listener) -> dict[str, Any]:
    return {
        "stream_idle_timeout": f"{listener.idle_timeout}s",
        # A connection that is to be closed, as one that was idle, waits for requests on their way,
        # and then for the client to close it first: five seconds and one by default.
        "drain_timeout": "0.1s",
        "delayed_close_timeout": "0.5s",
        # A connection whose time is over takes one more request, and its answer says that it ends
        # (ELB's guide, "HTTP client keepalive duration"). Else it is closed between two requests,
        # or into one.
        "http1_safe_max_connection_duration": True,
    }


def _headers_for_routing(listener: Listener) -> dict[str, Any]:
    """Return what adds the headers by which routes are chosen, before they are."""
    mutations = [
        {"append": header(SIZE, "%REQUEST_HEADERS_BYTES%")},
        *_peer(listener),
        *_protocol(listener),
    ]
    return {
        "name": "for-routing",
        "typed_config": {"@type": _HEADER_MUTATION, "mutations": mutations},
    }


def _peer(listener: Listener) -> list[dict[str, Any]]:
    """Write the client's address into a header where a condition needs it."""
    for rule in listener.rules:
        for condition in rule.conditions:
            if "sourceIp" in condition:
                address = "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"
                return [{"append": header(PEER, address)}]
    return []


def _protocol(listener: Listener) -> list[dict[str, Any]]:
    """Write the client's version of HTTP into a header where there are several."""
    return [{"append": header(PROTOCOL, "%PROTOCOL%")}] if speaks_http_2(listener) else []


def _answer_headers(listener: Listener) -> list[dict[str, Any]]:
    """Return the filter for headers of every answer, also of those that no target gave."""
    mutations: list[dict[str, Any]] = [
        {"append": header(name, value.replace("%", "%%"))}
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
        "headers_to_add": [header("server", SERVER)],
        "body_format_override": {
            "text_format_source": {"inline_string": page(status)},
            "content_type": "text/html",
        },
    }
