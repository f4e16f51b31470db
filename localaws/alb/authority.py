"""The local certificate authority: issues what HTTPS listeners serve.

Keys stay in files that only their owner may read. It is the `openssl` program that makes them and signs, so that the
local AWS needs no library for it.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

from localaws.alb.tls import Served

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CERTIFICATES = "certificates"
"""The authority's folder in the home directory."""

DAYS = 395
"""For how long a certificate is valid: as long as ACM's."""

RENEWED_SECONDS = 60 * 24 * 3600
"""A certificate that has less time left is issued anew, as ACM does 60 days before the end."""

_AUTHORITY_DAYS = 3650
_LONGEST_COMMON_NAME = 64
_PATIENCE_SECONDS = 30.0

_SETTINGS = """[req]
prompt = no
distinguished_name = subject
[subject]
CN = {name}
[authority]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {alternatives}
"""


class AuthorityError(Exception):
    """No certificate can be issued; the message says what is missing."""


class Authority:
    """Issues certificates for whatever names it is asked for, once."""

    def __init__(self, folder: Path) -> None:
        """Keep everything in `folder`, which is made when the first certificate is."""
        self._folder = folder
        self._issued: dict[tuple[str, ...], Served] = {}

    @property
    def certificate(self) -> Path:
        """What a client must trust; there once a certificate was issued."""
        return self._folder / "authority.pem"

    def issue(self, names: Sequence[str]) -> Served:
        """A certificate for these domain names or IPv4 addresses, the same one until it is about to end.

        Blocks for the tenth of a second that two runs of openssl take.

        Raises:
            AuthorityError: There is no openssl, or it fails.
        """
        wanted = tuple(names)
        if wanted not in self._issued:
            self._found()
            place = self._folder / hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
            served = Served(place.with_suffix(".pem"), place.with_suffix(".key"))
            if not (served.chain.exists() and self._lasts(served.chain)):
                self._sign(served, wanted)
            self._issued[wanted] = served
        return self._issued[wanted]

    def _found(self) -> None:
        """Make the authority itself, unless it is there."""
        if self.certificate.exists() and self._lasts(self.certificate):
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self._folder.glob("*.pem"):
            old.unlink()  # whatever the last authority signed
        settings = self._settings("Local AWS", "DNS:local")
        self._key(self._folder / "authority.key")
        self._openssl(
            *("req", "-x509", "-new", "-sha256", "-days", str(_AUTHORITY_DAYS), "-config", settings),
            *("-extensions", "authority", "-key", "authority.key", "-out", "authority.tmp"),
        )
        (self._folder / "authority.tmp").replace(self.certificate)

    def _sign(self, served: Served, names: tuple[str, ...]) -> None:
        alternatives = ", ".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
        settings = self._settings(names[0] if len(names[0]) <= _LONGEST_COMMON_NAME else "Local AWS", alternatives)
        self._key(served.key)
        self._openssl("req", "-new", "-config", settings, "-key", served.key.name, "-out", "request.tmp")
        self._openssl(
            *("x509", "-req", "-sha256", "-days", str(DAYS), "-set_serial", str(secrets.randbits(64))),
            *("-CA", "authority.pem", "-CAkey", "authority.key", "-extfile", settings, "-extensions", "server"),
            *("-in", "request.tmp", "-out", "signed.tmp"),
        )
        (self._folder / "signed.tmp").replace(served.chain)

    def _settings(self, name: str, alternatives: str) -> str:
        (self._folder / "settings.tmp").write_text(_SETTINGS.format(name=name, alternatives=alternatives))
        return "settings.tmp"

    def _key(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path.name)

    def _lasts(self, certificate: Path) -> bool:
        try:
            self._openssl("x509", "-noout", "-checkend", str(RENEWED_SECONDS), "-in", certificate.name)
        except _FailedError:
            return False
        return True

    def _openssl(self, *arguments: str) -> None:
        program = shutil.which("openssl")
        if program is None:
            raise AuthorityError(
                "the local certificate authority is the program openssl, which isn't on the PATH: install it "
                "(apt-get install openssl, brew install openssl), or leave HTTPS out of the local stack"
            )
        try:
            subprocess.run(  # noqa: S603 — a program of this machine, without a shell
                [program, *arguments], cwd=self._folder, capture_output=True, check=True, timeout=_PATIENCE_SECONDS
            )
        except subprocess.TimeoutExpired as hung:
            raise AuthorityError(f"openssl {arguments[0]} doesn't end") from hung
        except subprocess.CalledProcessError as failed:
            said = failed.stderr.decode(errors="replace").strip().splitlines()
            raise _FailedError(f"openssl {arguments[0]} fails: {said[-1] if said else failed.returncode}") from failed


class _FailedError(AuthorityError):
    """openssl said no."""


def _is_address(name: str) -> bool:
    return name.replace(".", "").isdecimal()
