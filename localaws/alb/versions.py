"""Protocol versions of target groups: which requests they don't take, which get 464. Pure.

Source: "Protocol version" in ELB's guide to target groups
(elasticloadbalancing/latest/application/load-balancer-target-groups.html), and "HTTP 464" in its
guide to troubleshooting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from localaws.alb.model import Listener

PROTOCOL = "x-localaws-protocol"
"""Internal request header: the client's version of HTTP. Written before routing, removed before the
target sees it.
"""

_HTTP_2 = {"name": PROTOCOL, "string_match": {"exact": "HTTP/2"}}
_NOT_HTTP_2 = {**_HTTP_2, "invert_match": True}
_NOT_POST = {"name": ":method", "string_match": {"exact": "POST"}, "invert_match": True}
_GRPC = {
    "name": "content-type",
    "string_match": {"safe_regex": {"regex": r"application/grpc(?:[+;].*)?"}},
}

_REFUSED = (
    ([_NOT_HTTP_2], frozenset({"HTTP2", "GRPC"})),
    ([_NOT_POST], frozenset({"GRPC"})),
    ([_HTTP_2, _GRPC], frozenset({"HTTP1"})),
)
"""What requests are like, and the versions of groups that don't take them."""


def speaks_http_2(listener: Listener) -> bool:
    """Return whether clients may use HTTP/2: on a plain listener they can't."""
    return listener.tls is not None and listener.tls.http2


def refused(listener: Listener, versions: Collection[str]) -> list[list[dict[str, Any]]]:
    """Return the header matchers of each kind of request that none of these versions takes."""
    if not speaks_http_2(listener):
        return [[]] if versions and "HTTP1" not in versions else []
    return [matchers for matchers, refusing in _REFUSED if refusing.issuperset(versions)]
