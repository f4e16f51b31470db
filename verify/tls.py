"""What a TLS listener shows: its certificate, why it was refused, and which old versions it still speaks."""

import asyncio
import ssl
import time
import warnings
from collections.abc import Iterator, Sequence
from enum import StrEnum

from verify.escaping import visible
from verify.exit_codes import ExitCode
from verify.options import Options
from verify.outcome import Answer, TlsSeen
from verify.report import Result, Status

_SOON = 30
"""Days; AWS renews its own certificates 60 days before their end, so fewer left means that renewing has failed."""

_SHOWN_NAMES = 3
_OLDER = {
    "1.2": (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1),
    "1.3": (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2),
}
_OWN_REFUSALS = {"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "UNSUPPORTED_PROTOCOL", "INTERNAL_ERROR"}
"""This machine's OpenSSL won't offer such a version, so nothing is known of the server."""

_CHAIN = (
    "the certificate's chain ends at no authority that is trusted here",
    "does the listener send the intermediate certificates? a private authority is given with --cacert",
)
# https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error
_REFUSALS = {
    9: ("the certificate is not valid yet", "is this machine's clock right?"),
    10: ("the certificate has expired", "renew it; a certificate of ACM's renews itself while its DNS record is there"),
    18: _CHAIN,
    19: _CHAIN,
    20: _CHAIN,
    21: _CHAIN,
    62: (
        "the certificate is for other names",
        "does its subjectAltName cover this name? the load balancer's own DNS name never is",
    ),
    64: ("the certificate is for other addresses", "give the name that it was made for, with --resolve if need be"),
}


_ALERTS = {
    "CERTIFICATE_REQUIRED": "the listener wants a client certificate (mutual TLS), and verify has none to show",
    "ALERT_HANDSHAKE_FAILURE": "does the listener want a client certificate (mutual TLS), or ciphers that this machine "
    "refuses? verify has no certificate to show",
    "NO_APPLICATION_PROTOCOL": "the listener speaks only HTTP/2, and verify HTTP/1.1: does a gRPC service listen here?",
    "UNRECOGNIZED_NAME": "the listener serves no such name: see --host, --connect-to and --resolve",
}
"""By a part of OpenSSL's names for alerts, https://www.rfc-editor.org/rfc/rfc8446#section-6.2 has what each means."""


class Offer(StrEnum):
    """What came of offering one version only."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "could not be tried"


def refusal(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """Why a certificate is refused, and what to do."""
    reason, hint = _REFUSALS.get(error.verify_code, ("the certificate is refused", "is it valid, and for this name?"))
    return f"{reason}: {visible(error.verify_message)}", hint


def alert_hint(error: ssl.SSLError) -> str:
    """What to do about the alert by which a server ended it; nothing where no hint fits better than the phase's."""
    text = str(error).upper().replace(" ", "_")  # a name where OpenSSL's are known to Python, else its words
    return next((hint for words, hint in _ALERTS.items() if words in text), "")


def seen(connection: ssl.SSLObject) -> TlsSeen:
    """What a connection was made with."""
    certificate = connection.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 1970 GMT")))
    names = [visible(str(name[1]), 80) for name in certificate.get("subjectAltName", ()) if isinstance(name, tuple)]
    return TlsSeen(
        connection.version() or "", tuple(names), (ends - time.time()) / 86400, (connection.cipher() or ("",))[0]
    )


def certificate_results(answers: Sequence[Answer], options: Options) -> Iterator[Result]:
    """How long the certificate that ends first still lasts: several may be seen while one replaces the other."""
    shown = [answer.tls for answer in answers if answer.tls]
    if not shown:
        return
    first = min(shown, key=lambda one: one.days_left)
    names = ", ".join(first.names[:_SHOWN_NAMES]) + (", ..." if len(first.names) > _SHOWN_NAMES else "")
    good = first.days_left >= options.min_days_left
    yield Result(
        id="certificate",
        status=Status.OK if good else Status.FAIL,
        actual=f"{first.days_left:.0f} days left, {first.version}, for {names}",
        expected=f"at least {options.min_days_left} days left",
        hint="renewing may have failed: is its validation record still in DNS?" if first.days_left < _SOON else "",
        fault=ExitCode.BAD_CERTIFICATE,
        attempts=len(shown),
    )


async def versions_result(address: str, port: int, host: str, options: Options, time_left: float) -> Result:
    """Whether versions older than asked for are refused. That the service answers by a newer one is known already."""
    versions = _OLDER[options.min_tls or "1.2"]
    limit = min(options.timeout, time_left / len(versions))
    offers = {version: await _offer(address, port, host, version, limit) for version in versions}
    status = Status.OK
    if Offer.ACCEPTED in offers.values():
        status = Status.FAIL
    elif Offer.UNKNOWN in offers.values():
        status = Status.UNKNOWN
    return Result(
        id="tls-versions",
        status=status,
        actual=", ".join(f"{_name(version)} {offer}" for version, offer in offers.items()),
        expected=f"nothing below TLS {options.min_tls}",
        hint="choose a newer security policy for the listener" if status is Status.FAIL else "",
        attempts=len(offers),
    )


def _name(version: ssl.TLSVersion) -> str:
    return version.name.replace("v1_", " 1.").replace("v1", " 1.0")


async def _offer(address: str, port: int, host: str, version: ssl.TLSVersion, limit: float) -> Offer:
    try:
        async with asyncio.timeout(limit):
            _, writer = await asyncio.open_connection(address, port, ssl=_only(version), server_hostname=host)
    except ssl.SSLError as error:
        return Offer.UNKNOWN if error.reason in _OWN_REFUSALS else Offer.REFUSED
    except ConnectionResetError:
        return Offer.REFUSED
    except OSError:
        return Offer.UNKNOWN
    writer.transport.abort()
    return Offer.ACCEPTED


def _only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks one version, however weak, and looks at no certificate: it sends nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context
