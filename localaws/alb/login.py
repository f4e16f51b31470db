"""Logs users in with an identity provider, by OpenID Connect's authorization code flow.

Source: "Authenticate users using an Application Load Balancer" in ELB's guide
(elasticloadbalancing/latest/application/listener-authenticate-users.html), and the codes 401 and
561 in its guide to troubleshooting.

An ALB knows no keys of the provider's, so the signature of an ID token isn't verified: it comes
from the token endpoint itself, over TLS. Its issuer, audience, expiry and subject are.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import secrets
from dataclasses import dataclass, field
from email.utils import formatdate
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from localaws.alb.error_pages import SERVER, page
from localaws.alb.oidc_filter import ACTION, CALLBACK, IDENTITY_HEADERS, PROVIDER_FAILED
from localaws.alb.sessions import MOST_SHARDS, Signer, Vault, joined, shards

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

log = logging.getLogger(__name__)

COOKIE = "AWSELBAuthSessionCookie"
NONCE = "AWSALBAuthNonce"
DEFAULT_TIMEOUT = 604800
"""Seconds of a session."""

LOGIN_TIMEOUT = 15 * 60
"""Seconds within which a user must have logged in."""

MOST_CLAIMS = 11 * 1024
"""Bytes that claims and access token may have together."""

CLAIMS_LIFETIME = 120
"""Seconds for which the claims that a target gets are valid."""

_OK, _FOUND, _UNAUTHORIZED = 200, 302, 401


@dataclass(frozen=True, kw_only=True)
class Action:
    """An action that authenticates: whose it is, and its configuration."""

    rule: str
    """The ARN of the rule, or of the listener for its default rule."""

    load_balancer: str
    """ARN."""

    kind: str = ACTION
    """Its type."""

    config: Mapping[str, Any] = field(repr=False)
    """The block of its type, `authenticateOidc` or `jwtValidation`."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookies, without their numbers."""
        return str(self.config.get("sessionCookieName") or COOKIE)

    @property
    def timeout(self) -> int:
        """Seconds of a session."""
        return int(self.config.get("sessionTimeout") or DEFAULT_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the service needs of a client's request."""

    host: str
    path: str = field(repr=False)
    """With the query."""

    rule: str
    """The ARN of the rule that it met, if that one authenticates."""

    cookies: Mapping[str, str] = field(repr=False)
    authorization: str = field(default="", repr=False)
    """The header."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """What to do with a request: 200 lets it pass, with these headers; else they are the answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: str = ""


@dataclass(frozen=True)
class Reply:
    """What an endpoint of the provider answered."""

    status: int
    body: bytes = field(repr=False)


class UnreachableError(Exception):
    """An endpoint of the identity provider doesn't answer."""


class _RefusedError(Exception):
    """The user can't be logged in."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def cookies_of(header: str) -> dict[str, str]:
    """Return the cookies of a request by name."""
    try:
        return {name: each.value for name, each in SimpleCookie(header).items()}
    except CookieError:
        return {}


class Login:
    """Decides about requests of rules that authenticate."""

    def __init__(
        self,
        find: Callable[[str], Action | None],
        fetch: Callable[[Action, str, str, Mapping[str, str], bytes], Awaitable[Reply]],
        clock: Callable[[], float],
    ) -> None:
        """Start with new keys.

        Args:
            find: Finds the action of a rule, by its ARN.
            fetch: Sends a request to the provider from where the action's load balancer is: method,
                URL, headers, body. Raises `UnreachableError`.
            clock: Seconds since the epoch.
        """
        self._find = find
        self._fetch = fetch
        self._clock = clock
        self._vault = Vault()
        self.signer = Signer()

    async def decide(self, request: Request) -> Response:
        """Let a request pass, or answer it."""
        try:
            if request.rule:
                return await self._admit(request, self._action(request.rule))
            if urlsplit(request.path).path == CALLBACK:
                return await self._take_back(request)
        except (_RefusedError, UnreachableError) as error:
            status = error.status if isinstance(error, _RefusedError) else _UNAUTHORIZED
            log.warning("a user isn't logged in: %s", error)
            return refusal(status)
        # Envoy settles which filters run before it knows the rule of a request with large headers.
        return Response(status=_OK)

    def _action(self, rule: str) -> Action:
        action = self._find(rule)
        if action is None:
            raise _RefusedError(_UNAUTHORIZED, "its rule authenticates no more")
        return action

    async def _admit(self, request: Request, action: Action) -> Response:
        """Let a user pass who is logged in; else do as the action is configured."""
        session = self._session(request, action)
        cookies: list[tuple[str, str]] = []
        if session is not None and session["expires"] <= self._clock() and session["refresh"]:
            session = await self._refreshed(session, action)
            if session is not None:
                cookies = self._session_cookies(session, action, request)
        if session is not None:
            return Response(status=_OK, headers=(*self._identity(session, action), *cookies))
        match action.config.get("onUnauthenticatedRequest") or "authenticate":
            case "allow":
                # What a client sends under these names never is the load balancer's.
                removed = ("x-envoy-auth-headers-to-remove", ",".join(IDENTITY_HEADERS))
                return Response(status=_OK, headers=(removed,))
            case "deny":
                return refusal(_UNAUTHORIZED)
        return self._send_to_provider(request, action)

    def _session(self, request: Request, action: Action) -> dict[str, Any] | None:
        sealed = joined(action.cookie, request.cookies)
        session = self._vault.open(sealed, self._clock(), DEFAULT_TIMEOUT) if sealed else None
        if session is None or session["app"] != _app(action) or session["ends"] <= self._clock():
            return None
        return session

    def _send_to_provider(self, request: Request, action: Action) -> Response:
        nonce = secrets.token_urlsafe(16)
        state = {
            "rule": action.rule,
            "url": f"https://{request.host}{request.path}",
            "nonce": nonce,
        }
        parameters = {
            "client_id": str(action.config["clientId"]),
            "redirect_uri": f"https://{request.host}{CALLBACK}",
            "response_type": "code",
            "scope": str(action.config.get("scope") or "openid"),
            "state": self._vault.close(state, self._clock()),
            **(action.config.get("authenticationRequestExtraParams") or {}),
        }
        endpoint = urlsplit(str(action.config["authorizationEndpoint"]))
        query = "&".join(filter(None, (endpoint.query, urlencode(parameters))))
        return Response(
            status=_FOUND,
            headers=(
                ("location", urlunsplit(endpoint._replace(query=query))),
                ("set-cookie", self._cookie(NONCE, nonce, LOGIN_TIMEOUT)),
                ("server", SERVER),
            ),
        )

    async def _take_back(self, request: Request) -> Response:
        """Log in a user whom the provider sends back, and redirect to where they began."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        state = self._vault.open(given.get("state", ""), self._clock(), LOGIN_TIMEOUT)
        if state is None:
            raise _RefusedError(_UNAUTHORIZED, "the state is none, or older than 15 minutes")
        if not secrets.compare_digest(state["nonce"], request.cookies.get(NONCE, "")):
            raise _RefusedError(_UNAUTHORIZED, "the login began in another browser")
        action = self._action(state["rule"])
        if "error" in given:
            denied = given["error"] == "access_denied"
            status = _UNAUTHORIZED if denied else PROVIDER_FAILED
            raise _RefusedError(status, "the identity provider refused")
        grant = {
            "grant_type": "authorization_code",
            "code": given.get("code", ""),
            "redirect_uri": f"https://{request.host}{CALLBACK}",
        }
        tokens = await self._tokens(action, grant)
        subject = self._verified(tokens, action)
        claims = await self._claims(action, str(tokens.get("access_token", "")))
        if claims.get("sub") != subject:
            raise _RefusedError(_UNAUTHORIZED, "the user info is another user's")
        session = self._new_session(tokens, claims, action)
        gone = self._cookie(NONCE, "", 0)
        return Response(
            status=_FOUND,
            headers=(
                ("location", state["url"]),
                *self._session_cookies(session, action, request),
                ("set-cookie", gone),
                ("server", SERVER),
            ),
        )

    def _new_session(
        self, tokens: Mapping[str, Any], claims: Mapping[str, Any], action: Action
    ) -> dict[str, Any]:
        access = str(tokens["access_token"])
        if len(json.dumps(claims).encode()) + len(access.encode()) > MOST_CLAIMS:
            raise _RefusedError(_UNAUTHORIZED, "claims and access token have more than 11 KiB")
        now = self._clock()
        return {
            "app": _app(action),
            "access": access,
            "refresh": tokens.get("refresh_token") or "",
            "expires": now + float(tokens.get("expires_in") or action.timeout),
            "ends": now + action.timeout,
            "claims": claims,
        }

    async def _refreshed(self, session: Mapping[str, Any], action: Action) -> dict[str, Any] | None:
        """Return a session with new claims; None if the provider ended it."""
        grant = {"grant_type": "refresh_token", "refresh_token": session["refresh"]}
        try:
            tokens = {"refresh_token": session["refresh"], **await self._tokens(action, grant)}
            claims = await self._claims(action, str(tokens.get("access_token", "")))
            renewed = self._new_session(tokens, claims, action)
        except (_RefusedError, UnreachableError):
            return None
        if claims.get("sub") != session["claims"].get("sub"):
            return None
        return {**renewed, "ends": session["ends"]}

    async def _tokens(self, action: Action, grant: Mapping[str, str]) -> dict[str, Any]:
        config = action.config
        pair = urlencode({str(config["clientId"]): str(config.get("clientSecret") or "")})
        basic = base64.b64encode(pair.replace("=", ":", 1).encode()).decode()
        headers = {
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return await self._json(action, "POST", "tokenEndpoint", headers, urlencode(grant).encode())

    async def _claims(self, action: Action, access: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access}"}
        return await self._json(action, "GET", "userInfoEndpoint", headers, b"")

    async def _json(
        self, action: Action, method: str, endpoint: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, Any]:
        url = str(action.config[endpoint])
        reply = await self._fetch(
            action, method, url, {**headers, "Accept": "application/json"}, body
        )
        if reply.status != _OK:
            raise _RefusedError(PROVIDER_FAILED, f"{endpoint} answers {reply.status}")
        try:
            found = json.loads(reply.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise _RefusedError(PROVIDER_FAILED, f"{endpoint} answers no JSON object")
        return found

    def _verified(self, tokens: Mapping[str, Any], action: Action) -> str:
        """Return the subject of the ID token."""
        claims = _claims_of(str(tokens.get("id_token") or ""))
        if claims is None:
            raise _RefusedError(_UNAUTHORIZED, "tokenEndpoint gives no ID token")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != action.config["issuer"]:
            raise _RefusedError(_UNAUTHORIZED, "the ID token is another issuer's")
        if action.config["clientId"] not in audiences:
            raise _RefusedError(_UNAUTHORIZED, "the ID token is for another client")
        if float(claims.get("exp") or 0) <= self._clock():
            raise _RefusedError(_UNAUTHORIZED, "the ID token has expired")
        return str(claims.get("sub"))

    def _identity(self, session: Mapping[str, Any], action: Action) -> tuple[tuple[str, str], ...]:
        """Return the headers that name the user to targets."""
        expires = int(self._clock()) + CLAIMS_LIFETIME
        issuer = action.config["issuer"]
        header = {
            "iss": issuer,
            "client": action.config["clientId"],
            "signer": action.load_balancer,
            "exp": expires,
        }
        claims = {**session["claims"], "exp": expires, "iss": issuer}
        values = (
            session["access"],
            str(session["claims"].get("sub")),
            self.signer.sign(header, claims),
        )
        return tuple(zip(IDENTITY_HEADERS, values, strict=True))

    def _session_cookies(
        self, session: Mapping[str, Any], action: Action, request: Request
    ) -> list[tuple[str, str]]:
        left = int(session["ends"] - self._clock())
        cookies = shards(action.cookie, self._vault.close(session, self._clock()))
        if len(cookies) > MOST_SHARDS:
            raise _RefusedError(_UNAUTHORIZED, "claims and tokens don't fit into cookies")
        lines = [self._cookie(name, value, left) for name, value in cookies.items()]
        # What a longer session had more of would be read with this one.
        unused = [f"{action.cookie}-{number}" for number in range(len(cookies), MOST_SHARDS)]
        lines += [self._cookie(name, "", 0) for name in unused if name in request.cookies]
        return [("set-cookie", line) for line in lines]

    def _cookie(self, name: str, value: str, seconds: int) -> str:
        expires = formatdate(self._clock() + seconds, usegmt=True)
        return f"{name}={value}; Expires={expires}; Path=/; Secure; HttpOnly"


def _app(action: Action) -> list[str]:
    """Return the issuer and client of a session: another app's tokens must not be used for it."""
    return [str(action.config["issuer"]), str(action.config["clientId"])]


def refusal(status: int) -> Response:
    """Return a load balancer's own answer."""
    headers = (("server", SERVER), ("content-type", "text/html"))
    # Envoy replaces this status by 561, and adds the page then.
    body = "" if status == PROVIDER_FAILED else page(status)
    return Response(status=status, headers=headers, body=body)


def _claims_of(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{parts[1]}=="))
    except (IndexError, ValueError, binascii.Error):
        return None
    return claims if isinstance(claims, dict) else None
