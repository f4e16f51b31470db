"""The local certificate authority: issues the certificates of HTTPS listeners.

Keys are files that only their owner may read.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localaws.alb.certificate_files import authority_file
from localaws.alb.tls import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LIFETIME = timedelta(days=395)
"""For how long a certificate is valid: as long as ACM's."""

RENEWED = timedelta(days=60)
"""A certificate that has less time left is issued anew, as ACM does."""

_AUTHORITY_LIFETIME = timedelta(days=3650)
_CLOCKS_DIFFER = timedelta(minutes=5)
_NAME = "Local AWS"
_LONGEST_COMMON_NAME = 64
_USAGES = (
    *(
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    ),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class Authority:
    """Issues one certificate for each requested set of names."""

    def __init__(
        self, directory: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep everything in a folder of `directory`, created with the first certificate.

        Args:
            directory: The state directory, `.local/`.
            now: The time, with its zone.
        """
        self._file = authority_file(directory)
        self._now = now
        self._issued: dict[tuple[str, ...], Served] = {}

    def issue(self, names: Sequence[str]) -> Served:
        """Return a certificate for domain names or IPv4 addresses, kept until it nears its end."""
        wanted = tuple(names)
        if wanted not in self._issued:
            digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
            file = self._file.with_name(digest[:16])
            served = Served(file.with_suffix(".pem"), file.with_suffix(".key"))
            authority, key = self._authority()
            if self._kept(served) is None:
                self._sign(served, wanted, authority, key)
            self._issued[wanted] = served
        return self._issued[wanted]

    def _authority(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Return the authority's certificate and key, and make them where there are none."""
        own = Served(self._file, self._file.with_suffix(".key"))
        kept = self._kept(own)
        if kept is not None:
            return kept
        own.chain.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in own.chain.parent.glob("*.pem"):
            old.unlink()  # clients no longer trust what the last authority signed
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(_NAME)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        unsigned = self._begun(subject, subject, key, constraints, _AUTHORITY_LIFETIME)
        certificate = unsigned.add_extension(
            _usage("key_cert_sign", "crl_sign"), critical=True
        ).sign(key, hashes.SHA256())
        _write(own, certificate, key)
        return certificate, key

    def _sign(
        self,
        served: Served,
        names: tuple[str, ...],
        authority: x509.Certificate,
        signer: ec.EllipticCurvePrivateKey,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        common = names[0] if len(names[0]) <= _LONGEST_COMMON_NAME else _NAME
        constraints = x509.BasicConstraints(ca=False, path_length=None)
        certificate = (
            self._begun(_name(common), authority.subject, key, constraints, LIFETIME)
            .add_extension(_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName(list(map(_alternative, names))), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        _write(served, certificate, key)

    def _begun(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        constraints: x509.BasicConstraints,
        lifetime: timedelta,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(
                subject_name=subject, issuer_name=issuer, public_key=key.public_key()
            )
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now() - _CLOCKS_DIFFER)
            .not_valid_after(self._now() + lifetime)
            .add_extension(constraints, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )

    def _kept(self, served: Served) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
        """Return what an earlier run left, unless it is damaged or about to expire."""
        try:
            certificate = x509.load_pem_x509_certificate(served.chain.read_bytes())
            key = serialization.load_pem_private_key(served.key.read_bytes(), password=None)
        except (OSError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return None
        if key.public_key() != certificate.public_key():
            return None
        if certificate.not_valid_after_utc - self._now() <= RENEWED:
            return None
        return certificate, key


def _write(served: Served, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Write the key first, so that a certificate is never without its key."""
    served.key.touch(mode=0o600)
    served.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    served.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in _USAGES})


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.IPv4Address(name))
    except ValueError:
        return x509.DNSName(name)
