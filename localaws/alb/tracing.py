"""`X-Amzn-Trace-Id`: the id that a load balancer gives to a request that has none.

Envoy's X-Ray tracer makes ids of the right form (`1-` and eight hexadecimal digits of the time, `-`
and 24 random ones), at a small part of what a script costs for each request. It is configured to
sample nothing and to pass no context on.
"""

from __future__ import annotations

import json
from typing import Any

_TRACER = "type.googleapis.com/envoy.config.trace.v3.XRayConfig"

NOWHERE = "127.255.255.255"
"""A broadcast address: a socket may send there only with SO_BROADCAST set."""

_PORT = 2000
"""The daemon's usual one."""

TRACE_ID = {
    "header": {"key": "x-amzn-trace-id", "value": "Root=%TRACE_ID%"},
    "append_action": "ADD_IF_ABSENT",
}
"""The header that a request gets which has none."""


def tracing() -> dict[str, Any]:
    """Return Envoy's configuration of the tracer that makes the ids.

    The tracer can't do without the address of a daemon, to which it would write about requests that
    ask to be sampled: URLs, which no other program on this machine should get.
    """
    never = {"value": 0}
    sampling = {"version": 2, "default": {"fixed_target": 0, "rate": 0}, "rules": []}
    return {
        "client_sampling": never,
        "random_sampling": never,
        "overall_sampling": never,
        "no_context_propagation": True,
        "provider": {
            "name": "envoy.tracers.xray",
            "typed_config": {
                "@type": _TRACER,
                "daemon_endpoint": {"protocol": "UDP", "address": NOWHERE, "port_value": _PORT},
                "segment_name": "alb",
                "sampling_rule_manifest": {"inline_string": json.dumps(sampling)},
            },
        },
    }
