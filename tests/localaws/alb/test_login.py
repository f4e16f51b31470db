"""Sessions over time, and what an identity provider may do wrong, with an injected clock."""

from __future__ import annotations

import base64
import json
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from localaws.alb.login import (
    COOKIE,
    DEFAULT_TIMEOUT,
    NONCE,
    Action,
    Login,
    Reply,
    Request,
    Response,
    UnreachableError,
    cookies_of,
)
from localaws.alb.oidc_filter import PROVIDER_FAILED
from localaws.alb.sessions import MAX_SHARDS, SHARD_LENGTH, join_cookies, split_into_cookies

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUER = "https://idp.test"
CONFIG = {
    "issuer": ISSUER,
    "authorizationEndpoint": f"{ISSUER}/authorize",
    "tokenEndpoint": f"{ISSUER}/token",
    "userInfoEndpoint": f"{ISSUER}/userinfo",
    "clientId": "app",
    "clientSecret": "secret",
}


UNREACHABLE = Action(
    rule="r", load_balancer="alb", config={**CONFIG, "tokenEndpoint": f"{ISSUER}/gone"}
)


def id_token(**claims: Any) -> str:
    """Return a token of these claims: an empty header, the claims, and no real signature."""
    payload = json.dumps({"iss": ISSUER, "aud": "app", "sub": "jo", "exp": 10**10, **claims})
    encoded = base64.urlsafe_b64encode(payload.encode()).decode().rstrip("=")
    return f"e30.{encoded}.x"


def header(response: Response, name: str) -> str | None:
    return dict(response.headers).get(name)


def state_of(to_provider: Response) -> str:
    """Return the parameter `state` with which a user is sent to the provider."""
    location = header(to_provider, "location")
    assert location
    return parse_qs(urlsplit(location).query)["state"][0]


class Harness:
    """A user, a provider and a clock."""

    def __init__(self, **config: Any) -> None:
        self.now = 1_000_000.0
        self.action = Action(rule="r", load_balancer="alb", config={**CONFIG, **config})
        self.tokens: dict[str, Any] = {"access_token": "a", "id_token": id_token()}
        self.claims: dict[str, Any] = {"sub": "jo"}
        self.replies: dict[str, Reply] = {}
        self.fetched: list[str] = []
        """What was requested of the provider: types of grants for tokens, and `userinfo`."""

        self.cookies: dict[str, str] = {}
        self.login = Login(
            lambda rule: self.action if rule == "r" else None, self._fetch, lambda: self.now
        )

    async def _fetch(
        self, action: Action, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        name = url.removeprefix(f"{ISSUER}/")
        self.fetched.append(parse_qs(body.decode()).get("grant_type", [name])[0])
        if name == "gone":
            raise UnreachableError("idp.test:443 can't be reached")
        content = self.tokens if name == "token" else self.claims
        return self.replies.get(name) or Reply(200, json.dumps(content).encode())

    async def get(self, path: str = "/page", rule: str = "r") -> Response:
        request = Request(host="a.test", path=path, rule=rule, cookies=self.cookies)
        response = await self.login.decide(request)
        for name, value in response.headers:
            if name == "set-cookie":
                self.cookies |= cookies_of(value)
        return response

    async def log_in(self, wait: float = 0) -> Response:
        """Begin a login; return the answer when the provider sends the user back after `wait`."""
        state = state_of(await self.get())
        self.now += wait
        query = urlencode({"code": "c", "state": state})
        return await self.get(f"/oauth2/idpresponse?{query}", rule="")


async def test_a_session_lasts_until_its_timeout() -> None:
    harness = Harness(sessionTimeout=600.0)
    assert header(await harness.log_in(), "location") == "https://a.test/page"
    harness.now += 599
    assert header(await harness.get(), "x-amzn-oidc-identity") == "jo"
    harness.now += 1
    assert (await harness.get()).status == 302
    assert harness.fetched == ["authorization_code", "userinfo"], "it has no refresh token"


async def test_a_session_without_a_timeout_lasts_seven_days() -> None:
    harness = Harness()
    await harness.log_in()
    harness.now += DEFAULT_TIMEOUT - 1
    assert (await harness.get()).status == 200
    harness.now += 1
    assert (await harness.get()).status == 302


async def test_neither_a_state_is_taken_for_a_session_nor_a_session_for_a_state() -> None:
    harness = Harness()
    state = state_of(await harness.get())
    harness.cookies["AWSELBAuthSessionCookie-0"] = state
    assert (await harness.get()).status == 302
    await harness.log_in()
    session = harness.cookies["AWSELBAuthSessionCookie-0"]
    query = urlencode({"code": "c", "state": session})
    assert (await harness.get(f"/oauth2/idpresponse?{query}", rule="")).status == 401


async def test_a_user_has_fifteen_minutes_to_log_in() -> None:
    assert (await Harness().log_in(wait=900)).status == 302
    assert (await Harness().log_in(wait=901)).status == 401


async def test_an_ended_access_token_is_refreshed_until_the_provider_or_the_session_ends_it() -> (
    None
):
    harness = Harness(sessionTimeout=600)
    harness.tokens |= {"expires_in": 100, "refresh_token": "again"}
    await harness.log_in()
    harness.now += 100
    harness.tokens["access_token"] = "b"
    harness.claims["name"] = "Jo"
    renewed = await harness.get()
    assert header(renewed, "x-amzn-oidc-accesstoken") == "b"
    assert harness.fetched[2:] == ["refresh_token", "userinfo"]
    assert header(renewed, "set-cookie")
    assert header(await harness.get(), "set-cookie") is None, "until it ends again"

    harness.now += 499
    assert (await harness.get()).status == 200
    harness.now += 1
    assert (await harness.get()).status == 302, "a refresh doesn't make the session longer"

    await harness.log_in()
    harness.now += 100
    harness.replies["token"] = Reply(400, b"{}")
    assert (await harness.get()).status == 302, "the user has logged out at the provider"


async def test_a_refresh_that_gives_another_user_ends_the_session() -> None:
    harness = Harness()
    harness.tokens |= {"expires_in": 100, "refresh_token": "again"}
    await harness.log_in()
    harness.now += 100
    harness.claims["sub"] = "eve"
    assert (await harness.get()).status == 302


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"tokens": {"access_token": "a"}}, 401),
        ({"tokens": {"access_token": "a", "id_token": "nonsense"}}, 401),
        ({"tokens": {"access_token": "a", "id_token": id_token(iss="https://eve.test")}}, 401),
        ({"tokens": {"access_token": "a", "id_token": id_token(aud=["other"])}}, 401),
        ({"tokens": {"access_token": "a", "id_token": id_token(exp=1)}}, 401),
        ({"claims": {"sub": "eve"}}, 401),
        ({"claims": {"sub": "jo", "more": "x" * 11 * 1024}}, 401),
        ({"replies": {"token": Reply(500, b"")}}, PROVIDER_FAILED),
        ({"replies": {"token": Reply(200, b"no json")}}, PROVIDER_FAILED),
        ({"replies": {"userinfo": Reply(403, b"{}")}}, PROVIDER_FAILED),
        ({"action": UNREACHABLE}, 401),
    ],
)
async def test_a_user_isnt_logged_in_if_the_provider_does_something_wrong(
    wrong: dict[str, Any], status: int
) -> None:
    harness = Harness()
    for name, value in wrong.items():
        setattr(harness, name, value)
    assert (await harness.log_in()).status == status
    assert (await harness.get()).status == 302


async def test_an_audience_may_be_one_of_several() -> None:
    harness = Harness()
    harness.tokens["id_token"] = id_token(aud=["other", "app"])
    assert (await harness.log_in()).status == 302


MANY_CLAIMS = str(list(range(1800)))
"""More than fits into one cookie, although a session is compressed."""


async def test_many_claims_take_several_cookies_of_which_all_are_needed() -> None:
    harness = Harness()
    harness.claims["more"] = MANY_CLAIMS
    assert (await harness.log_in()).status == 302
    assert f"{COOKIE}-1" in harness.cookies
    assert (await harness.get()).status == 200
    del harness.cookies[f"{COOKIE}-1"]
    assert (await harness.get()).status == 302


async def test_a_shorter_session_deletes_the_further_cookies_of_a_longer_one() -> None:
    harness = Harness()
    harness.claims["more"] = MANY_CLAIMS
    await harness.log_in()
    del harness.claims["more"]
    harness.now += DEFAULT_TIMEOUT
    await harness.log_in()
    assert harness.cookies[f"{COOKIE}-1"] == ""
    del harness.cookies[f"{COOKIE}-1"]  # as a browser does, for its date is past
    assert (await harness.get()).status == 200


async def test_tokens_that_all_cookies_together_cannot_hold_are_refused() -> None:
    harness = Harness()
    incompressible = random.Random(1).randbytes(MAX_SHARDS * SHARD_LENGTH)
    harness.tokens["refresh_token"] = base64.b64encode(incompressible).decode()
    assert (await harness.log_in()).status == 401


async def test_a_session_is_valid_for_its_client_only_and_unchanged() -> None:
    harness = Harness()
    await harness.log_in()
    session = harness.cookies[f"{COOKIE}-0"]
    harness.action = Action(rule="r", load_balancer="alb", config={**CONFIG, "clientId": "other"})
    assert (await harness.get()).status == 302
    harness.action = Action(rule="r", load_balancer="alb", config=CONFIG)
    assert (await harness.get()).status == 200
    another_character = "A" if session[50] != "A" else "B"
    harness.cookies[f"{COOKIE}-0"] = session[:50] + another_character + session[51:]
    assert (await harness.get()).status == 302
    other = Harness()
    other.cookies[f"{COOKIE}-0"] = session
    assert (await other.get()).status == 302, "another load balancer has another key"


async def test_a_login_that_another_browser_began_isnt_finished() -> None:
    harness = Harness()
    state = state_of(await harness.get())
    back = f"/oauth2/idpresponse?{urlencode({'code': 'c', 'state': state})}"
    harness.cookies[NONCE] = "another"
    assert (await harness.get(back, rule="")).status == 401
    assert harness.fetched == []


async def test_a_deleted_rule_refuses_requests_and_one_without_login_allows_all() -> None:
    harness = Harness()
    assert (await harness.get(rule="gone")).status == 401
    assert await harness.get(rule="") == Response(status=200)


def test_values_are_divided_and_join_cookies() -> None:
    value = "".join(chr(65 + number % 26) for number in range(SHARD_LENGTH * MAX_SHARDS - 1))
    parts = split_into_cookies("S", value)
    assert list(parts) == ["S-0", "S-1", "S-2", "S-3"]
    assert join_cookies("S", parts) == value
    assert join_cookies("S", {}) == ""


async def test_a_representation_shows_no_secret() -> None:
    harness = Harness()
    await harness.log_in()
    shown = repr(
        [
            harness.action,
            Request(host="a", path="/?code=c0de", rule="", cookies=harness.cookies),
            await harness.get(),
            Reply(200, b"the-token"),
        ]
    )
    for secret in ("'secret'", "c0de", "the-token", "x-amzn-oidc-accesstoken", *harness.cookies):
        assert secret not in shown
