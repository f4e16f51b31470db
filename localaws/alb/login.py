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
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit, urlunsplit

from localaws.alb.error_pages import SERVER, page
from localaws.alb.oidc_filter import ACTION, CALLBACK, IDENTITY_HEADERS, PROVIDER_FAILED
from localaws.alb.sessions import (
    MAX_SHARDS,
    Cipher,
    Signer,
    join_cookies,
    split_into_cookies,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

log = logging.getLogger(__name__)

COOKIE = "AWSELBAuthSessionCookie"
NONCE = "AWSALBAuthNonce"
DEFAULT_TIMEOUT = 604800
"""Seconds that a session lasts; the longest that AWS allows as well."""

LOGIN_TIMEOUT = 15 * 60
"""Seconds within which a user must have logged in."""

MAX_CLAIMS_BYTES = 11 * 1024
"""Bytes that claims and access token may have together."""

CLAIMS_LIFETIME = 120
"""Seconds for which the claims that a target gets are valid."""

_OK, _FOUND, _UNAUTHORIZED = 200, 302, 401


@dataclass(frozen=True, kw_only=True)
class Action:
    """An action that authenticates, of a listener's rule."""

    rule: str
    """The ARN of the rule, or of the listener for its default rule."""

    load_balancer: str
    """The ARN of the load balancer."""

    kind: str = ACTION
    """The type of the action."""

    config: Mapping[str, Any] = field(repr=False)
    """The action's block, `authenticateOidc` or `jwtValidation`."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookies, without their numbers."""
        return str(self.config.get("sessionCookieName") or COOKIE)

    @property
    def timeout(self) -> int:
        """Seconds that a session lasts."""
        return int(self.config.get("sessionTimeout") or DEFAULT_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the service needs of a client's request."""

    host: str
    path: str = field(repr=False)
    """With the query."""

    rule: str
    """The ARN of the rule that matches, if it authenticates; else empty."""

    cookies: Mapping[str, str] = field(repr=False)
    authorization: str = field(default="", repr=False)
    """The header of that name."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """The answer to Envoy.

    With status 200 Envoy forwards the request, with these headers added. With any other status this
    is what the client gets.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: str = ""


@dataclass(frozen=True)
class Reply:
    """The response of one of the provider's endpoints."""

    status: int
    body: bytes = field(repr=False)


class UnreachableError(Exception):
    """An endpoint of the identity provider doesn't answer."""


class _Session(TypedDict):
    """A user's session, as the cookies hold it."""

    app: list[str]
    """The provider and the client that the user logged in to, see `_app`."""

    access: str
    """The access token."""

    refresh: str
    """The refresh token; empty if the provider gave none."""

    expires: float
    """When the access token does, in seconds since the epoch."""

    ends: float
    """When the session does; a refresh doesn't change it."""

    claims: dict[str, Any]
    """The user info."""


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
    """Answers requests whose rule authenticates, or lets them pass."""

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
        # A key for each, so that a client can't pass the one off as the other.
        self._states, self._sessions = Cipher(), Cipher()
        self.signer = Signer()

    async def decide(self, request: Request) -> Response:
        """Let a request pass, or answer it."""
        try:
            if request.rule:
                return await self._authenticate(request, self._action(request.rule))
            if urlsplit(request.path).path == CALLBACK:
                return await self._finish_login(request)
        except (_RefusedError, UnreachableError) as error:
            status = error.status if isinstance(error, _RefusedError) else _UNAUTHORIZED
            log.warning("a user isn't logged in: %s", error)
            return refusal(status)
        # Envoy decides which filters run before it knows the rule of a request with large headers,
        # so requests of other rules come here, too.
        return Response(status=_OK)

    def _action(self, rule: str) -> Action:
        action = self._find(rule)
        if action is None:
            raise _RefusedError(_UNAUTHORIZED, "its rule no longer authenticates")
        return action

    async def _authenticate(self, request: Request, action: Action) -> Response:
        """Let a user pass who is logged in; else do as the action is configured."""
        session = self._session(request, action)
        cookies: list[tuple[str, str]] = []
        if session is not None and session["expires"] <= self._clock() and session["refresh"]:
            session = await self._refreshed(session, action)
            if session is not None:
                cookies = self._session_cookies(session, action, request)
        if session is not None:
            headers = (*self._identity_headers(session, action), *cookies)
            return Response(status=_OK, headers=headers)
        match action.config.get("onUnauthenticatedRequest") or "authenticate":
            case "allow":
                # Targets take these headers for the load balancer's, so a client's are removed.
                removed = ("x-envoy-auth-headers-to-remove", ",".join(IDENTITY_HEADERS))
                return Response(status=_OK, headers=(removed,))
            case "deny":
                return refusal(_UNAUTHORIZED)
        return self._send_to_provider(request, action)

    def _session(self, request: Request, action: Action) -> _Session | None:
        """Return the session that a request's cookies hold; None if there is none, or it ended."""
        encrypted = join_cookies(action.cookie, request.cookies)
        if not encrypted:
            return None
        content = self._sessions.decrypt(encrypted, self._clock(), DEFAULT_TIMEOUT)
        if content is None:
            return None
        session = cast("_Session", content)
        if session["app"] != _app(action) or session["ends"] <= self._clock():
            return None
        return session

    def _send_to_provider(self, request: Request, action: Action) -> Response:
        """Redirect a user to the provider's login."""
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
            "state": self._states.encrypt(state, self._clock()),
            **(action.config.get("authenticationRequestExtraParams") or {}),
        }
        endpoint = urlsplit(str(action.config["authorizationEndpoint"]))
        query = urlencode(parameters)
        if endpoint.query:
            query = f"{endpoint.query}&{query}"
        return Response(
            status=_FOUND,
            headers=(
                ("location", urlunsplit(endpoint._replace(query=query))),
                ("set-cookie", self._cookie(NONCE, nonce, LOGIN_TIMEOUT)),
                ("server", SERVER),
            ),
        )

    async def _finish_login(self, request: Request) -> Response:
        """Log in a user whom the provider sends back, and redirect to the URL they came for."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        state = self._states.decrypt(given.get("state", ""), self._clock(), LOGIN_TIMEOUT)
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
        tokens = await self._fetch_tokens(action, grant)
        subject = self._verified_subject(tokens, action)
        claims = await self._fetch_claims(action, str(tokens.get("access_token", "")))
        if claims.get("sub") != subject:
            raise _RefusedError(_UNAUTHORIZED, "the user info is another user's")
        session = self._new_session(tokens, claims, action)
        without_nonce = self._cookie(NONCE, "", 0)
        return Response(
            status=_FOUND,
            headers=(
                ("location", state["url"]),
                *self._session_cookies(session, action, request),
                ("set-cookie", without_nonce),
                ("server", SERVER),
            ),
        )

    def _new_session(
        self, tokens: Mapping[str, Any], claims: dict[str, Any], action: Action
    ) -> _Session:
        access = str(tokens["access_token"])
        if len(json.dumps(claims).encode()) + len(access.encode()) > MAX_CLAIMS_BYTES:
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

    async def _refreshed(self, session: _Session, action: Action) -> _Session | None:
        """Return a session with new tokens and claims; None if the provider ended it."""
        grant = {"grant_type": "refresh_token", "refresh_token": session["refresh"]}
        try:
            new_tokens = await self._fetch_tokens(action, grant)
            tokens = {"refresh_token": session["refresh"], **new_tokens}
            claims = await self._fetch_claims(action, str(tokens.get("access_token", "")))
            renewed = self._new_session(tokens, claims, action)
        except (_RefusedError, UnreachableError):
            return None
        if claims.get("sub") != session["claims"].get("sub"):
            return None
        return {**renewed, "ends": session["ends"]}

    async def _fetch_tokens(self, action: Action, grant: Mapping[str, str]) -> dict[str, Any]:
        client = quote_plus(str(action.config["clientId"]))
        secret = quote_plus(str(action.config.get("clientSecret") or ""))
        basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
        headers = {
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode(grant).encode()
        return await self._fetch_json(action, "POST", "tokenEndpoint", headers, body)

    async def _fetch_claims(self, action: Action, access_token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"}
        return await self._fetch_json(action, "GET", "userInfoEndpoint", headers, b"")

    async def _fetch_json(
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

    def _verified_subject(self, tokens: Mapping[str, Any], action: Action) -> str:
        """Return the subject of the ID token, whose other claims must fit the action."""
        claims = _id_token_claims(str(tokens.get("id_token") or ""))
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

    def _identity_headers(self, session: _Session, action: Action) -> list[tuple[str, str]]:
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
        return list(zip(IDENTITY_HEADERS, values, strict=True))

    def _session_cookies(
        self, session: _Session, action: Action, request: Request
    ) -> list[tuple[str, str]]:
        """Return the headers that have the client store a session."""
        left = int(session["ends"] - self._clock())
        cookies = split_into_cookies(action.cookie, self._sessions.encrypt(session, self._clock()))
        if len(cookies) > MAX_SHARDS:
            raise _RefusedError(_UNAUTHORIZED, "claims and tokens don't fit into cookies")
        headers: list[tuple[str, str]] = []
        for name, value in cookies.items():
            headers.append(("set-cookie", self._cookie(name, value, left)))
        # An earlier, longer session may have more cookies, which would be read with these.
        for number in range(len(cookies), MAX_SHARDS):
            name = f"{action.cookie}-{number}"
            if name in request.cookies:
                headers.append(("set-cookie", self._cookie(name, "", 0)))
        return headers

    def _cookie(self, name: str, value: str, seconds: int) -> str:
        expires = formatdate(self._clock() + seconds, usegmt=True)
        return f"{name}={value}; Expires={expires}; Path=/; Secure; HttpOnly"


def _app(action: Action) -> list[str]:
    """Return the issuer and the client, by which a session of another app isn't accepted."""
    return [str(action.config["issuer"]), str(action.config["clientId"])]


def refusal(status: int) -> Response:
    """Return an error response of the load balancer itself."""
    headers = (("server", SERVER), ("content-type", "text/html"))
    # Envoy replaces this status by 561, and adds the page then.
    body = "" if status == PROVIDER_FAILED else page(status)
    return Response(status=status, headers=headers, body=body)


def _id_token_claims(token: str) -> dict[str, Any] | None:
    """Return the claims of a token, whose signature isn't checked; None if it is no token."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{parts[1]}=="))
    except (IndexError, ValueError, binascii.Error):
        return None
    return claims if isinstance(claims, dict) else None
