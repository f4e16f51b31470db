"""What the load balancer keeps of a user, encrypted in cookies, and signs for targets.

The keys are made when the local AWS starts and are in no file: users log in again after a restart.
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

SHARD = 4000
"""Characters of a cookie's value: browsers limit a cookie to 4096 bytes, with name and attributes.
"""

MOST_SHARDS = 4
"""ELB's guide limits claims and access token to 11K, which four shards can hold."""

_COORDINATE = 32
"""Bytes of each half of a signature."""


class Vault:
    """Encrypts what clients keep, and reads it again."""

    def __init__(self) -> None:
        self._fernet = Fernet(Fernet.generate_key())

    def close(self, content: Mapping[str, Any], now: float) -> str:
        """Return an encrypted text."""
        text = zlib.compress(json.dumps(content).encode())
        return self._fernet.encrypt_at_time(text, int(now)).decode()

    def open(self, text: str, now: float, longest: int) -> dict[str, Any] | None:
        """Return what was encrypted at most `longest` seconds ago; None for anything else."""
        try:
            content = self._fernet.decrypt_at_time(text.encode(), longest, int(now))
        except InvalidToken:
            return None
        found: dict[str, Any] = json.loads(zlib.decompress(content))
        return found


def shards(name: str, value: str) -> dict[str, str]:
    """Return the cookies that a value is divided into."""
    parts = [value[at : at + SHARD] for at in range(0, len(value), SHARD)]
    return {f"{name}-{number}": part for number, part in enumerate(parts)}


def joined(name: str, cookies: Mapping[str, str]) -> str:
    """Return the value that cookies were divided from; empty without any."""
    parts = []
    for number in range(MOST_SHARDS):
        part = cookies.get(f"{name}-{number}")
        if part is None:
            break
        parts.append(part)
    return "".join(parts)


class Signer:
    """Signs users' claims, as a JSON web token with ES256 whose parts are padded.

    Padded, as ELB's guide says of `x-amzn-oidc-data`, which no common library writes.
    """

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = str(uuid.uuid4())

    @property
    def public_key(self) -> bytes:
        """What verifies the signatures, in PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """Return a token with these claims."""
        whole = {"typ": "JWT", "kid": self.key_id, "alg": "ES256", **header}
        signed = f"{_encoded(json.dumps(whole).encode())}.{_encoded(json.dumps(claims).encode())}"
        signature = self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        halves = [half.to_bytes(_COORDINATE) for half in decode_dss_signature(signature)]
        return f"{signed}.{_encoded(b''.join(halves))}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode()
