"""An ALB's limits on the headers of requests and responses.

Sources: "HTTP headers" among the quotas of Application Load Balancers
(elasticloadbalancing/latest/application/ load-balancer-limits.html), and the codes 400, 408, 414,
463 and 502 in the guide to their troubleshooting (load-balancer-troubleshooting.html). That guide
names a long request line under both 400 and 414; here it gets 414. Whether the end of a line counts
isn't documented; here it doesn't.
"""

from __future__ import annotations

from typing import Any

LINE_BYTES = 16 * 1024
"""What the request line, and each single header, may hold."""

REQUEST_HEADERS_KIB = 64
"""What all of a request's headers may hold together."""

RESPONSE_HEADERS_KIB = 32
"""What all of a response's headers may hold together; a response with more is answered with 502."""

FORWARDED_ADDRESSES = 30
"""How many addresses the X-Forwarded-For of a request may have; one with more is answered with 463.
"""

ALLOWED_HEADERS = 2**16
"""Of a request or a response: an ALB limits their size only. Envoy's default is 100."""

SIZE = "x-localaws-size"
"""Internal request header: the bytes of all headers. Written before routing, removed before the
target sees it.
"""

TOO_MANY_ADDRESSES: dict[str, Any] = {
    "name": "x-forwarded-for",
    "string_match": {"safe_regex": {"regex": f"(?:[^,]*,){{{FORWARDED_ADDRESSES}}}.*"}},
}
"""Matches the header of a request that has come through too many proxies."""
