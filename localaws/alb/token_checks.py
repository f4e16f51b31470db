"""Checks the JSON web tokens that clients of services send.

Sources: "Verify JWTs using an Application Load Balancer" in ELB's guide
(elasticloadbalancing/latest/application/listener-verify-jwt.html), and the API's
JwtValidationActionConfig. Only RS256 counts; `iss` and `exp` are required, `nbf` and `iat` checked
where a token has them. A key set has at most 150 KB and 10 keys.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from localaws.alb.login import Action, Reply, Response, UnreachableError, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

log = logging.getLogger(__name__)

MOST_KEYS = 10
LARGEST_SET = 150 * 1024

LIFETIME = 300
"""Seconds for which a key set is used without another look."""

PAUSE = 30
"""Seconds until a key set is fetched again for a key that it lacks."""

_OK, _UNAUTHORIZED = 200, 401


@dataclass(frozen=True)
class _KeySet:
    keys: Mapping[str, jwt.PyJWK]
    fetched_at: float


class _RefusedError(Exception):
    """A token isn't valid."""


class TokenChecks:
    """Lets requests pass that have a valid token."""

    def __init__(
        self,
        fetch: Callable[[Action, str, str, Mapping[str, str], bytes], Awaitable[Reply]],
        clock: Callable[[], float],
    ) -> None:
        """Know no keys yet.

        Args:
            fetch: Sends a request from where the action's load balancer is, see `Login`.
            clock: Seconds since the epoch.
        """
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, _KeySet] = {}

    async def decide(self, authorization: str, action: Action) -> Response:
        """Let a request with this header pass, or refuse it."""
        try:
            await self._verify(_token_in(authorization), action)
        except (_RefusedError, UnreachableError, jwt.PyJWTError) as error:
            log.warning("a request isn't forwarded: %s", error)
            return refusal(_UNAUTHORIZED)
        return Response(status=_OK)

    async def _verify(self, token: str, action: Action) -> None:
        key_id = str(jwt.get_unverified_header(token).get("kid") or "")
        key = await self._key(key_id, action)
        # Times are compared below, by the clock of this object.
        options: Any = {
            "require": ["exp", "iss"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_aud": False,
        }
        issuer = str(action.config["issuer"])
        claims = jwt.decode(token, key, algorithms=["RS256"], issuer=issuer, options=options)
        self._verify_times(claims)
        for each in action.config.get("additionalClaims") or ():
            if not has_values(claims.get(each["name"]), each["format"], each["values"]):
                raise _RefusedError(f"claim {each['name']} lacks a value")

    def _verify_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        if _number(claims, "exp") <= now:
            raise _RefusedError("its token has expired")
        for name in ("nbf", "iat"):
            if name in claims and _number(claims, name) > now:
                raise _RefusedError(f"its token is valid later only, by {name}")

    async def _key(self, key_id: str, action: Action) -> jwt.PyJWK:
        endpoint = str(action.config["jwksEndpoint"])
        now = self._clock()
        known = self._known.get(endpoint)
        if known is None or _is_outdated(known, key_id, now):
            known = self._known[endpoint] = _KeySet(await self._keys(action, endpoint), now)
        if key_id not in known.keys:
            raise _RefusedError("jwksEndpoint has no key with the id of its token's")
        return known.keys[key_id]

    async def _keys(self, action: Action, endpoint: str) -> dict[str, jwt.PyJWK]:
        reply = await self._fetch(action, "GET", endpoint, {"Accept": "application/json"}, b"")
        if reply.status != _OK or len(reply.body) > LARGEST_SET:
            raise _RefusedError(f"jwksEndpoint answers {reply.status}, {len(reply.body)} bytes")
        try:
            keys = json.loads(reply.body)["keys"]
        except (ValueError, LookupError, TypeError):
            keys = None
        if not isinstance(keys, list) or len(keys) > MOST_KEYS:
            raise _RefusedError(f"jwksEndpoint has no list of at most {MOST_KEYS} keys")
        found = {}
        for each in jwt.PyJWKSet(keys).keys:
            found[str(each.key_id or "")] = each
        return found


def _is_outdated(known: _KeySet, key_id: str, now: float) -> bool:
    """Return whether a key set is to be fetched again, for a token that a key signed."""
    age = now - known.fetched_at
    # A new key may have been added, but tokens with made-up ids must not cause a fetch each.
    return age >= LIFETIME or (key_id not in known.keys and age >= PAUSE)


def _token_in(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise _RefusedError("it has no token")
    return token.strip()


def _number(claims: Mapping[str, Any], name: str) -> float:
    try:
        return float(claims[name])
    except (TypeError, ValueError):
        raise _RefusedError(f"claim {name} is no number") from None


def has_values(claim: object, form: str, values: Sequence[str]) -> bool:
    """Return whether a claim of a form has all of these values."""
    match form:
        case "single-string":
            return claim in values
        case "string-array":
            found = claim if isinstance(claim, list) else []
        case _:
            found = claim.split(" ") if isinstance(claim, str) else []
    return all(each in found for each in values)
