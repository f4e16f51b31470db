"""Users' sessions, encrypted in their cookies, and the signature of their claims for targets.

The keys are made when a rule first authenticates users, and are in no file: users log in again
after a restart of the local AWS.
"""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARD_LENGTH = 4000
"""Characters of a cookie's value: browsers limit a cookie to 4096 bytes, with name and attributes.
"""

MAX_SHARDS = 4
"""Cookies of a session: ELB's guide limits claims and access token to 11K, which fit into four."""

_COORDINATE = 32
"""Bytes of each half of a signature."""


class Cipher:
    """Encrypts what clients store for the load balancer, and decrypts it."""

    def __init__(self) -> None:
        self._fernet = Fernet(Fernet.generate_key())

    def encrypt(self, content: Mapping[str, Any], now: float) -> str:
        """Return a text of the content that only `decrypt` can read."""
        text = zlib.compress(json.dumps(content).encode())
        return self._fernet.encrypt_at_time(text, int(now)).decode()

    def decrypt(self, text: str, now: float, max_age: int) -> dict[str, Any] | None:
        """Return what was encrypted at most `max_age` seconds ago; None for anything else."""
        try:
            content = self._fernet.decrypt_at_time(text.encode(), max_age, int(now))
        except InvalidToken:
            return None
        found: dict[str, Any] = json.loads(zlib.decompress(content))
        return found


def split_into_cookies(name: str, value: str) -> dict[str, str]:
    """Return cookies that hold a value together: NAME-0, NAME-1 and so on."""
    cookies: dict[str, str] = {}
    for start in range(0, len(value), SHARD_LENGTH):
        cookies[f"{name}-{len(cookies)}"] = value[start : start + SHARD_LENGTH]
    return cookies


def join_cookies(name: str, cookies: Mapping[str, str]) -> str:
    """Return the value that `split_into_cookies` split; empty where there are no such cookies."""
    value = ""
    for number in range(MAX_SHARDS):
        part = cookies.get(f"{name}-{number}")
        if part is None:
            break
        value += part
    return value


class Signer:
    """Signs users' claims, as a JSON web token with ES256 whose parts are padded.

    ELB's guide says so of `x-amzn-oidc-data`. Common libraries write no padding.
    """

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = str(uuid.uuid4())

    @property
    def public_key(self) -> bytes:
        """The key that verifies the signatures, in PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Return a token with these claims."""
        whole = {"typ": "JWT", "kid": self.key_id, "alg": "ES256", **header}
        signed = f"{_encoded(json.dumps(whole).encode())}.{_encoded(json.dumps(claims).encode())}"
        # A token has the two numbers of a signature without the ASN.1 around them.
        first, second = decode_dss_signature(
            self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        )
        signature = first.to_bytes(_COORDINATE) + second.to_bytes(_COORDINATE)
        return f"{signed}.{_encoded(signature)}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode()
