"""Which tokens of services are valid, with an injected clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from localaws.alb.login import Action, Reply
from localaws.alb.oidc_filter import TOKEN_ACTION
from localaws.alb.token_checks import LIFETIME, PAUSE, TokenChecks, has_values

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
CONFIG = {"issuer": "https://idp.test", "jwksEndpoint": "https://idp.test/jwks"}
CLAIMS = {"iss": "https://idp.test", "exp": 2_000}


def public(key: rsa.RSAPrivateKey, name: str) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name}


class Harness:
    """A provider of keys, and a clock."""

    def __init__(self, **config: Any) -> None:
        self.now = 1_000.0
        self.action = Action(
            rule="r", load_balancer="alb", kind=TOKEN_ACTION, config={**CONFIG, **config}
        )
        self.reply = Reply(200, json.dumps({"keys": [public(KEY, "one")]}).encode())
        self.fetched = 0
        self.checks = TokenChecks(self._fetch, lambda: self.now)

    async def _fetch(
        self, action: Action, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        assert (method, url) == ("GET", CONFIG["jwksEndpoint"])
        self.fetched += 1
        return self.reply

    async def status(self, authorization: str) -> int:
        """Return the answer to a request with this header."""
        return (await self.checks.decide(authorization, self.action)).status

    async def with_claims(self, **claims: Any) -> int:
        """Return the answer to a token with these claims more, or without those that are None."""
        whole = {name: each for name, each in {**CLAIMS, **claims}.items() if each is not None}
        token = jwt.encode(whole, KEY, "RS256", headers={"kid": "one"})
        return await self.status(f"Bearer {token}")


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 200),
        ({"exp": 1_001, "nbf": 1_000, "iat": 1_000}, 200),
        ({"exp": 1_000}, 401),
        ({"exp": None}, 401),
        ({"iss": None}, 401),
        ({"iss": "https://eve.test"}, 401),
        ({"nbf": 1_001}, 401),
        ({"iat": 1_001}, 401),
        ({"aud": "any"}, 200),
    ],
)
async def test_a_token_is_valid_from_its_issuer_and_within_its_times(
    claims: dict[str, Any], status: int
) -> None:
    assert await Harness().with_claims(**claims) == status


async def test_only_a_signature_by_rs256_with_a_known_key_is_valid() -> None:
    harness = Harness()
    of_key_one = {"kid": "one"}
    for token in (
        jwt.encode(CLAIMS, OTHER_KEY, "RS256", headers=of_key_one),
        jwt.encode(CLAIMS, KEY, "RS512", headers=of_key_one),
        jwt.encode(CLAIMS, "k" * 64, "HS256", headers=of_key_one),
        jwt.encode(CLAIMS, "", "none", headers=of_key_one),
        jwt.encode(CLAIMS, KEY, "RS256"),  # without the key's name
        "nonsense",
        "",
    ):
        assert await harness.status(f"Bearer {token}") == 401
    right = jwt.encode(CLAIMS, KEY, "RS256", headers=of_key_one)
    assert await harness.status(f"bearer {right}") == 200
    for authorization in ("", "Basic YTpi", right):
        assert await harness.status(authorization) == 401


async def test_keys_are_fetched_again_when_they_are_old_or_one_is_missing() -> None:
    harness = Harness()
    for _ in range(2):
        assert await harness.with_claims() == 200
    assert harness.fetched == 1
    new = f"Bearer {jwt.encode(CLAIMS, OTHER_KEY, 'RS256', headers={'kid': 'two'})}"
    keys = [public(KEY, "one"), public(OTHER_KEY, "two")]
    harness.reply = Reply(200, json.dumps({"keys": keys}).encode())
    assert await harness.status(new) == 401, "too soon after the last time"
    harness.now += PAUSE
    assert await harness.status(new) == 200
    assert harness.fetched == 2
    harness.now += LIFETIME
    assert await harness.with_claims() == 200
    assert harness.fetched == 3


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b"{}"),
        Reply(200, b"nonsense"),
        Reply(200, b"[]"),
        Reply(200, json.dumps({"keys": [public(KEY, "one")] * 11}).encode()),
        Reply(200, json.dumps({"keys": [public(KEY, "one")], "more": "x" * 150_000}).encode() * 2),
        Reply(200, json.dumps({"keys": []}).encode()),
    ],
)
async def test_without_usable_keys_no_token_is_valid(reply: Reply) -> None:
    harness = Harness()
    harness.reply = reply
    assert await harness.with_claims() == 401


@pytest.mark.parametrize(
    ("form", "claim", "right"),
    [
        ("single-string", "a", True),
        ("single-string", "b", False),
        ("single-string", ["a"], False),
        ("string-array", ["b", "a"], True),
        ("string-array", "a", False),
        ("space-separated-values", "b a", True),
        ("space-separated-values", "ab", False),
        ("space-separated-values", None, False),
    ],
)
async def test_an_additional_claim_has_its_values(form: str, claim: object, *, right: bool) -> None:
    assert has_values(claim, form, ["a"]) is right
    wanted = [{"name": "scope", "format": form, "values": ["a"]}]
    status = await Harness(additionalClaims=wanted).with_claims(scope=claim)
    assert status == (200 if right else 401)


def test_a_list_must_have_all_values_that_are_required() -> None:
    assert not has_values("a", "space-separated-values", ["a", "b"])
    assert has_values("c b a", "space-separated-values", ["a", "b"])
