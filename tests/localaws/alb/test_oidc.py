"""Users log in at a real Envoy, with a provider that speaks OpenID Connect over TLS."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from localaws.alb.certificate_authority import Authority
from localaws.alb.certificate_files import authority_file
from localaws.alb.load_balancers import LoadBalancers
from localaws.alb.targets import Endpoint, TargetState
from localaws.catalog.elb.listeners import LISTENER, LISTENER_RULE
from tests.localaws.alb.conftest import https_url, server_context
from tests.localaws.alb.identity_provider import SECRET, USER, IdentityProvider
from tests.localaws.alb.scripted_proxy import ALB, GROUP, HTTP, FewResources
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localaws.alb.conftest import Alb

pytestmark = pytest.mark.slow  # a real Envoy

FORWARD = {"type": "forward", "targetGroupArn": GROUP}
REDIRECT = {"type": "redirect", "redirect": {"statusCode": "HTTP_302", "path": "/elsewhere"}}


def cloud(provider: IdentityProvider) -> FewResources:
    """Rules of several apps, each of which is a client of the provider."""
    made = FewResources()
    made.outputs[LISTENER, HTTP] = {
        "loadBalancerArn": ALB,
        "port": 443.0,
        "protocol": "HTTPS",
        "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1",
        "defaultActions": [FORWARD],
    }
    extra = {"authenticationRequestExtraParams": {"prompt": "login"}, "scope": "openid email"}
    apps = {
        "app": (provider.config("app", **extra), FORWARD),
        "other": (provider.config("other", sessionCookieName="Other"), FORWARD),
        "rival": (provider.config("rival"), FORWARD),
        "denied": (provider.config("app", onUnauthenticatedRequest="deny"), FORWARD),
        "allowed": (provider.config("app", onUnauthenticatedRequest="allow"), FORWARD),
        "moved": (provider.config("app"), REDIRECT),
    }
    for number, (name, (config, last)) in enumerate(apps.items(), start=1):
        made.outputs[LISTENER_RULE, f"arn:rule/{name}"] = {
            "listenerArn": HTTP,
            "priority": number,
            "conditions": [{"pathPattern": {"values": [f"/{name}*"]}}],
            "actions": [{"type": "authenticate-oidc", "authenticateOidc": config}, last],
        }
    claim = {"name": "scope", "format": "space-separated-values", "values": ["read"]}
    made.outputs[LISTENER_RULE, "arn:rule/service"] = {
        "listenerArn": HTTP,
        "priority": 50,
        "conditions": [{"pathPattern": {"values": ["/service*"]}}],
        "actions": [
            {
                "type": "jwt-validation",
                "jwtValidation": {
                    "issuer": provider.issuer,
                    "jwksEndpoint": f"{provider.issuer}/jwks",
                    "additionalClaims": [claim],
                },
            },
            FORWARD,
        ],
    }
    return made


class Browser:
    """A client with cookies, which follows a login step by step."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self.url = url
        self.client = httpx.AsyncClient(verify=context)

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        url = path if path.startswith("https:") else f"{self.url}{path}"
        return await self.client.get(url, headers=headers)

    async def sent_back(self, path: str) -> httpx.Response:
        """Return the load balancer's answer once the provider has sent the user back."""
        to_provider = await self.get(path)
        assert to_provider.status_code == 302
        back = await self.get(to_provider.headers["location"])
        return await self.get(back.headers["location"])

    async def log_in(self, path: str) -> httpx.Response:
        """Return the answer to the first request, after a complete login."""
        done = await self.sent_back(path)
        assert (done.status_code, done.headers["location"]) == (302, f"{self.url}{path}")
        return await self.get(path)


async def test_users_log_in_and_targets_get_their_claims(
    alb: Alb, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "localaws")
    served = await asyncio.to_thread(server_context, tmp_path, "127.0.0.1")
    trusted = ssl.create_default_context(cafile=authority_file(tmp_path))
    with IdentityProvider(served) as provider:
        balancers = LoadBalancers(
            cloud(provider),
            alb.addresses,
            lambda _: alb.envoy,
            lambda _: tmp_path / "envoy",
            issue=Authority(tmp_path).issue,
            speed=10,
            trust=lambda: trusted,
        )
        echo = await alb.target()
        target = Endpoint(echo.address, echo.port)
        balancers.register(GROUP, target)

        async def healthy() -> bool:
            await balancers.sync()
            return balancers.health(GROUP, target).state is TargetState.HEALTHY

        await eventually(healthy, "a healthy target")
        url = https_url(alb.addresses.load_balancer(ALB))
        try:
            for check in (_log_in, _several_apps, _without_login, _refused, _tokens):
                async with Browser(url, trusted) as one, Browser(url, trusted) as two:
                    await check(one, two, provider, balancers)
        finally:
            await balancers.close()
    files = [each for each in (tmp_path / "envoy").iterdir() if each.is_file()]
    assert len(files) > 3
    for text in (caplog.text, *(each.read_text() for each in files)):
        assert SECRET not in text
        assert "the-access-token" not in text


async def _log_in(
    browser: Browser, _: Browser, provider: IdentityProvider, balancers: LoadBalancers
) -> None:
    page = "/app/cart?item=1&item=2"
    first = await browser.get(page)
    location = urlsplit(first.headers["location"])
    parameters = {name: values[0] for name, values in parse_qs(location.query).items()}
    state = parameters.pop("state")
    assert (first.status_code, first.headers["server"]) == (302, "awselb/2.0")
    assert f"https://{location.netloc}{location.path}" == f"{provider.issuer}/authorize"
    assert parameters == {
        "tenant": "1",
        "client_id": "app",
        "redirect_uri": f"{browser.url}/oauth2/idpresponse",
        "response_type": "code",
        "scope": "openid email",
        "prompt": "login",
    }
    assert "item" not in state, "it is encrypted"

    answer = await browser.log_in(page)
    assert answer.json()["request"] == f"GET {page} HTTP/1.1"
    headers = answer.json()["headers"]
    assert headers["x-amzn-oidc-accesstoken"] == "the-access-token"
    assert headers["x-amzn-oidc-identity"] == USER["sub"]
    assert not [name for name in headers if "localaws" in name]
    token = answer.json()["values"]["x-amzn-oidc-data"]
    async with httpx.AsyncClient(base_url=balancers.public_keys_url) as client:
        key = await client.get(_kid(token))
        assert (await client.get("another")).status_code == 404
    claims = jwt.decode(token, key.text, algorithms=["ES256"])
    assert {name: claims[name] for name in USER} == USER
    header = jwt.get_unverified_header(token)
    assert header["signer"] == ALB
    assert (header["client"], header["iss"]) == ("app", provider.issuer)
    assert all(len(part) % 4 == 0 for part in token.split(".")), "with padding"

    large = {f"X-{number}": "a" * 9000 for number in range(2)}
    answer = await browser.get("/app/large", **large)
    assert answer.json()["headers"]["x-amzn-oidc-identity"] == USER["sub"]
    answer = await browser.get("/elsewhere", **large)
    assert "x-amzn-oidc-identity" not in answer.json()["headers"], "another rule's request"

    cookie = browser.client.cookies["AWSELBAuthSessionCookie-0"]
    assert "the-access-token" not in cookie
    browser.client.cookies.delete("AWSELBAuthSessionCookie-0")
    assert (await browser.get(page)).status_code == 302, "an application deletes it to log out"


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def _several_apps(browser: Browser, *_: object) -> None:
    await browser.log_in("/app")
    await browser.log_in("/other")
    for path in ("/app", "/other"):
        assert (await browser.get(path)).status_code == 200, "each has another cookie"
    await browser.log_in("/rival")
    assert (await browser.get("/app")).status_code == 302, "the rival's cookie has its name"
    assert (await browser.get("/other")).status_code == 200


async def _without_login(browser: Browser, *_: object) -> None:
    assert (await browser.get("/denied")).status_code == 401
    forged = {"x-amzn-oidc-identity": "admin", "x-amzn-oidc-data": "a.b.c"}
    answer = await browser.get("/allowed", **forged)
    assert answer.status_code == 200
    unwanted = ("x-amzn-oidc", "x-envoy")
    assert not [name for name in answer.json()["headers"] if name.startswith(unwanted)]
    moved = await browser.get("/moved")
    assert urlsplit(moved.headers["location"]).path == "/authorize", "first they log in"
    assert (await browser.log_in("/moved")).headers["location"].endswith("/elsewhere")
    for path in ("/denied", "/allowed"):
        answer = await browser.get(path, **forged)
        assert answer.json()["headers"]["x-amzn-oidc-identity"] == USER["sub"]
    assert (await browser.get("/denied", **{"x-localaws-rule": "arn:rule/allowed"})).is_success


async def _refused(
    browser: Browser, stranger: Browser, provider: IdentityProvider, _: object
) -> None:
    to_provider = await browser.get("/app")
    back = (await browser.get(to_provider.headers["location"])).headers["location"]
    assert (await stranger.get(back)).status_code == 401, "another browser's login"
    assert (await browser.get(f"{browser.url}/oauth2/idpresponse")).status_code == 401
    for error, status in (("access_denied", 401), ("server_error", 561)):
        provider.error = error
        answer = await stranger.sent_back("/app")
        assert (answer.status_code, answer.headers["server"]) == (status, "awselb/2.0")
    provider.error, provider.token_status = "", 201
    assert (await stranger.sent_back("/app")).status_code == 561
    provider.token_status = 200
    answer = await browser.get(back)
    assert answer.status_code == 302
    again = await browser.get(back)
    assert again.status_code == 401, "the nonce is gone"


async def _tokens(
    client: Browser, _: Browser, provider: IdentityProvider, balancers: LoadBalancers
) -> None:
    del balancers
    token = f"Bearer {provider.token()}"
    answer = await client.get("/service/1", Authorization=token)
    assert answer.json()["values"]["authorization"] == token, "the target gets it as it is"
    other = f"Bearer {provider.token(scope='write')}"
    for headers in ({}, {"Authorization": other}, {"Authorization": "Basic YTpi"}):
        answer = await client.get("/service/1", **headers)
        assert (answer.status_code, answer.headers["server"]) == (401, "awselb/2.0")
    fetched = [path for path, _ in provider.requests if path == "/jwks"]
    assert fetched == ["/jwks"], "once for all requests"
