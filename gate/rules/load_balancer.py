"""Rules about load balancers, their listeners and target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.queries import has_rules
from gate.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.graph import Graph, Node

RECOMMENDED_TLS: Final = frozenset(
    {
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-3-FIPS-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    }
)
"""TLS 1.2 with forward secrecy and authenticated ciphers only, or later. Source: Security Hub,
control ELB.17.
"""

_LONGEST_NAME: Final = 32


@rule
def http_only_redirects_beside_https(graph: Graph) -> Iterator[Node]:
    """Require that a plain listener beside an HTTPS one does nothing but redirect permanently."""
    listeners = graph.all("Listener")
    if not any(each.inputs["protocol"] == "HTTPS" for each in listeners):
        return
    for listener in listeners:
        if listener.inputs["protocol"] != "HTTP":
            continue
        only_redirects = all(map(_redirects, listener.inputs["defaultActions"]))
        if not only_redirects or has_rules(graph, listener):
            yield listener


@rule
def tls_policy_is_recommended(graph: Graph) -> Iterator[Node]:
    """Require a security policy that Security Hub recommends, and no default."""
    for listener in graph.all("Listener"):
        secure = listener.inputs["protocol"] == "HTTPS"
        if secure and listener.inputs.get("sslPolicy") not in RECOMMENDED_TLS:
            yield listener


@rule
def names_fit(graph: Graph) -> Iterator[Node]:
    """Require names that AWS takes, and a generated one for a target group."""
    for node in [*graph.all("LoadBalancer"), *graph.all("TargetGroup")]:
        name = node.outputs["name"]
        too_long = len(name) > _LONGEST_NAME
        reserved = name.strip("-") != name or name.startswith("internal-")
        # With a fixed name a replacement would have to delete the old group first, while a rule
        # still uses it.
        fixed = node.kind == "TargetGroup" and "name" in node.inputs
        if too_long or reserved or fixed:
            yield node


def _redirects(action: dict[str, dict[str, str]]) -> bool:
    redirect = action.get("redirect", {})
    return redirect.get("protocol") == "HTTPS" and redirect["statusCode"] == "HTTP_301"
