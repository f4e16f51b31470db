"""Users' logins and tokens at all load balancers: decided here, asked for by the proxies."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from localaws.alb.https_client import fetch
from localaws.alb.login import Action, Login
from localaws.alb.login_service import LoginService
from localaws.alb.model import Listener, Rule
from localaws.alb.oidc_filter import ACTION, PUBLIC_KEYS, TOKEN_ACTION
from localaws.alb.targets import Endpoint
from localaws.alb.token_checks import TokenChecks
from localaws.catalog.elb.listeners import LISTENER, LISTENER_RULE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from ssl import SSLContext

    from localaws.alb.edge import Edge, Front
    from localaws.alb.https_client import Streams
    from localaws.alb.login import Reply, Request, Response
    from localaws.catalog.account import Account
    from localaws.machine.addresses import Addresses

_BLOCKS = {ACTION: "authenticateOidc", TOKEN_ACTION: "jwtValidation"}
_HTTP = 80


class Logins:
    """Decides which requests pass the rules that authenticate users."""

    def __init__(
        self,
        cloud: Account,
        edge: Edge,
        front: Callable[[str], Front],
        folder: Callable[[str], Path],
        trust: Callable[[], SSLContext],
    ) -> None:
        """Serve no proxy yet.

        Args:
            cloud: Where listeners and rules are.
            edge: Where identity providers are connected to from.
            front: Returns where a load balancer listens, by its ARN.
            folder: Where the files of a network's proxy are.
            trust: Makes the settings with which identity providers are connected to.
        """
        self._cloud = cloud
        self._edge = edge
        self._front = front
        self._folder = folder
        self._trust = trust
        self._login = Login(partial(_login_action, cloud), self._fetch, time.time)
        self._token_checks = TokenChecks(self._fetch, time.time)
        self._services: dict[str, LoginService] = {}
        """Those that proxies ask, by network."""

    async def serve(self, network: str) -> None:
        """Answer a network's proxy."""
        if network not in self._services:
            self._services[network] = LoginService(self._folder(network), self._decide)
        await self._services[network].start()

    async def stop(self, network: str) -> None:
        """Answer a network's proxy no longer."""
        service = self._services.pop(network, None)
        if service is not None:
            await service.close()

    async def close(self) -> None:
        """Answer no proxy any more."""
        for service in self._services.values():
            await service.close()

    def public_keys(self, addresses: Addresses) -> Listener:
        """Serve what AWS has at `public-keys.auth.elb.<region>.amazonaws.com`, by key id."""
        signer = self._login.signer
        listen_address = addresses.load_balancer(PUBLIC_KEYS)
        key = {
            "contentType": "text/plain",
            "statusCode": "200",
            "messageBody": signer.public_key.decode(),
        }
        missing = {"contentType": "text/plain", "statusCode": "404"}
        return Listener(
            arn=PUBLIC_KEYS,
            endpoint=Endpoint(listen_address.address, listen_address.port(_HTTP)),
            port=_HTTP,
            rules=[
                Rule(
                    conditions=[{"pathPattern": {"values": [f"/{signer.key_id}"]}}],
                    actions=[{"type": "fixed-response", "fixedResponse": key}],
                ),
                Rule(actions=[{"type": "fixed-response", "fixedResponse": missing}]),
            ],
        )

    async def _decide(self, request: Request) -> Response:
        """Let a request of a rule that authenticates pass, or answer it."""
        action = _login_action(self._cloud, request.rule)
        if action is not None and action.kind == TOKEN_ACTION:
            return await self._token_checks.decide(request.authorization, action)
        return await self._login.decide(request)

    async def _fetch(
        self, action: Action, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        """Send a request to an identity provider from where the load balancer is."""
        front = self._front(action.load_balancer)

        async def connect(host: str, port: int) -> Streams:
            return await self._edge.connect(front, host, port, self._trust())

        return await fetch(connect, method, url, headers, body)


def _login_action(cloud: Account, arn: str) -> Action | None:
    """Return the action of a rule that authenticates, by the rule's ARN or its listener's."""
    rule, listener = cloud.get(LISTENER_RULE, arn), cloud.get(LISTENER, arn)
    if rule is not None:
        actions = rule.outputs["actions"]
        listener = cloud.get(LISTENER, rule.outputs["listenerArn"])
    elif listener is not None:
        actions = listener.outputs["defaultActions"]
    if listener is None:
        return None
    for action in actions:
        kind = action["type"]
        if kind in _BLOCKS:
            return Action(
                rule=arn,
                load_balancer=str(listener.outputs["loadBalancerArn"]),
                kind=kind,
                config=action[_BLOCKS[kind]],
            )
    return None
