"""Read listeners, their rules and their certificates from the account's records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localaws.alb.edge import Front
from localaws.alb.model import Listener, Rule
from localaws.alb.targets import Endpoint
from localaws.alb.tls import Tls
from localaws.catalog.acm import CERTIFICATE, domains
from localaws.catalog.elb import tls_policies
from localaws.catalog.elb.listeners import (
    LISTENER,
    LISTENER_CERTIFICATE,
    LISTENER_RULE,
    RESPONSE_HEADERS,
)
from localaws.catalog.elb.load_balancers import LOAD_BALANCER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from localaws.alb.tls import Served
    from localaws.catalog.account import Account, Resource
    from localaws.machine.addresses import Addresses


def certificate_names(cloud: Account, addresses: Addresses) -> dict[str, tuple[str, ...]]:
    """Return the names that each certificate of a listener is for, by its ARN.

    Those of an imported certificate, or of one that isn't a resource, are unknown: it gets the
    load balancer's address.
    """
    known = {each.id: tuple(domains(each.inputs)) for each in cloud.all(CERTIFICATE)}
    found: dict[str, tuple[str, ...]] = {}
    for listener, load_balancer in _served(cloud):
        for arn in _certificates(cloud, listener):
            address = addresses.load_balancer(load_balancer.id).address
            found[arn] = known.get(arn) or (address,)
    return found


def listeners(
    cloud: Account,
    addresses: Addresses,
    certificates: Mapping[str, Served],
    fronts: Mapping[str, Front] | None = None,
    network: str = "",
) -> Iterator[Listener]:
    """Yield every listener of an application load balancer in a network, with its rules.

    Args:
        cloud: Where they are.
        addresses: Where this machine's clients find load balancers.
        certificates: A certificate for each ARN of `certificate_names`.
        fronts: Where load balancers listen, by ARN; those that are missing listen where clients
            find them.
        network: The network in which they listen.
    """
    for listener, load_balancer in _served(cloud):
        front = (fronts or {}).get(load_balancer.id, Front())
        if front.network != network:
            continue
        outputs = listener.outputs
        port = int(listener.outputs["port"])
        listen_address = addresses.load_balancer(load_balancer.id)
        tls = None
        if outputs.get("protocol") == "HTTPS":
            tls = _tls(cloud, listener, load_balancer, certificates)
        yield Listener(
            arn=listener.id,
            endpoint=Endpoint(listen_address.address, listen_address.port(port)),
            load_balancer=load_balancer.id,
            name=str(load_balancer.outputs.get("arnSuffix") or ""),
            accepts=tuple(Endpoint(each, port) for each in (*front.addresses, *front.leaving)),
            port=port,
            rules=[
                *_rules(cloud, listener),
                Rule(arn=listener.id, actions=outputs["defaultActions"]),
            ],
            idle_timeout=int(load_balancer.outputs.get("idleTimeout") or 60),
            forwarded_for=load_balancer.outputs.get("xffHeaderProcessingMode") or "append",
            tls=tls,
            keep_alive=int(load_balancer.outputs.get("clientKeepAlive") or 3600),
            drop_invalid_headers=load_balancer.outputs.get("dropInvalidHeaderFields") is True,
            client_port=load_balancer.outputs.get("enableXffClientPort") is True,
            response_headers=tuple(_response_headers(outputs)),
            server_header=outputs.get("routingHttpResponseServerEnabled") is not False,
            tls_headers=_tls_headers(outputs, load_balancer),
        )


def load_balancers_of_groups(cloud: Account) -> dict[str, str]:
    """Return by ARN the load balancer of each target group that gets requests from it.

    A target group has at most one (ELB's guide, "Target groups for your Application Load
    Balancers").
    """
    balancers: dict[str, str] = {}
    found: dict[str, str] = {}
    for listener in cloud.all(LISTENER):
        balancer = balancers[listener.id] = str(listener.outputs["loadBalancerArn"])
        groups = _groups_of(listener.outputs.get("defaultActions") or ())
        found |= dict.fromkeys(groups, balancer)
    for rule in cloud.all(LISTENER_RULE):
        balancer = balancers.get(str(rule.outputs.get("listenerArn")), "")
        groups = _groups_of(rule.outputs.get("actions") or ())
        found |= dict.fromkeys(groups, balancer)
    return found


def _groups_of(actions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the target groups that actions forward to."""
    for action in actions:
        if action.get("targetGroupArn"):
            yield action["targetGroupArn"]
        for group in (action.get("forward") or {}).get("targetGroups") or ():
            yield group["arn"]


def _served(cloud: Account) -> Iterator[tuple[Resource, Resource]]:
    """Yield the listeners that speak HTTP or HTTPS, each with its load balancer."""
    load_balancers = {resource.id: resource for resource in cloud.all(LOAD_BALANCER)}
    for listener in cloud.all(LISTENER):
        load_balancer = load_balancers.get(listener.outputs["loadBalancerArn"])
        protocol = listener.outputs.get("protocol", "HTTP")
        if load_balancer is not None and protocol in {"HTTP", "HTTPS"}:
            yield listener, load_balancer


def _rules(cloud: Account, listener: Resource) -> list[Rule]:
    mine = [each for each in cloud.all(LISTENER_RULE) if each.outputs["listenerArn"] == listener.id]
    ordered = sorted(mine, key=lambda rule: int(rule.outputs["priority"]))
    return list(map(_rule, ordered))


def _rule(record: Resource) -> Rule:
    return Rule(
        arn=record.id,
        actions=record.outputs["actions"],
        conditions=record.outputs.get("conditions") or (),
        transforms=record.outputs.get("transforms") or (),
    )


def _certificates(cloud: Account, listener: Resource) -> list[str]:
    """Return the ARNs of the certificates that a listener serves, its own first."""
    own = listener.outputs.get("certificateArn")
    if not own or listener.outputs.get("protocol") != "HTTPS":
        return []
    found = [own]
    for each in cloud.all(LISTENER_CERTIFICATE):
        arn = each.outputs["certificateArn"]
        if each.outputs["listenerArn"] == listener.id and arn not in found:
            found.append(arn)
    return found


def _tls(
    cloud: Account,
    listener: Resource,
    load_balancer: Resource,
    certificates: Mapping[str, Served],
) -> Tls:
    oldest, newest = tls_policies.versions(str(listener.outputs.get("sslPolicy"))) or ("1.2", "1.3")
    return Tls(
        certificates=tuple(certificates[arn] for arn in _certificates(cloud, listener)),
        oldest=oldest,
        newest=newest,
        http2=load_balancer.outputs.get("enableHttp2") is not False,
    )


def _response_headers(outputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in RESPONSE_HEADERS:
        value = outputs.get(f"routingHttpResponse{name}HeaderValue")
        if value:
            # `StrictTransportSecurity` is the header strict-transport-security.
            yield re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower(), str(value)


def _tls_headers(outputs: Mapping[str, Any], load_balancer: Resource) -> tuple[str, str] | None:
    if outputs.get("protocol") != "HTTPS":
        return None
    if load_balancer.outputs.get("enableTlsVersionAndCipherSuiteHeaders") is not True:
        return None
    version = outputs.get("routingHttpRequestXAmznTlsVersionHeaderName")
    cipher = outputs.get("routingHttpRequestXAmznTlsCipherSuiteHeaderName")
    return str(version or "x-amzn-tls-version"), str(cipher or "x-amzn-tls-cipher-suite")
