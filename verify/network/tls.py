"""The certificate of a TLS listener: what it shows, and why it was refused."""

import errno
import time
from typing import TYPE_CHECKING

from verify.escaping import visible
from verify.network.outcome import TlsSeen
from verify.options.groups import Options
from verify.options.target import Target

if TYPE_CHECKING:
    import ssl

_CHAIN = (
    "the certificate's chain ends at no authority that is trusted here",
    (
        "does the listener send the intermediate certificates? a private authority is given "
        "with --cacert"
    ),
)
# https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error
_REFUSALS = {
    9: ("the certificate is not valid yet", "is this machine's clock right?"),
    10: (
        "the certificate has expired",
        "renew it; a certificate of ACM's renews itself while its DNS record is there",
    ),
    18: _CHAIN,
    19: _CHAIN,
    20: _CHAIN,
    21: _CHAIN,
    62: (
        "the certificate is for other names",
        "does its subjectAltName cover this name? the load balancer's own DNS name never is",
    ),
    64: (
        "the certificate is for other addresses",
        "give the name that it was made for, with --resolve if need be",
    ),
}


_ALERTS = {
    "CERTIFICATE_REQUIRED": (
        "the listener wants a client certificate (mutual TLS): give one with --cert and --key"
    ),
    "ALERT_HANDSHAKE_FAILURE": (
        "does the listener want a client certificate (mutual TLS), or ciphers that this machine "
        "refuses? a certificate is given with --cert and --key"
    ),
    "ALERT_UNKNOWN_CA": (
        "the listener refuses the client certificate of --cert: is its authority in the "
        "listener's trust store, and is the chain in the file?"
    ),
    "ALERT_BAD_CERTIFICATE": (
        "the listener refuses the client certificate of --cert: does its trust store hold the "
        "certificate's authority, and is it one for clients?"
    ),
    "ALERT_CERTIFICATE_EXPIRED": (
        "the listener refuses the client certificate of --cert, which has expired"
    ),
    "ALERT_CERTIFICATE_REVOKED": (
        "the listener refuses the client certificate of --cert, which was revoked"
    ),
    "ALERT_UNSUPPORTED_CERTIFICATE": (
        "the listener refuses the client certificate of --cert: is it one for clients?"
    ),
    "ALERT_CERTIFICATE_UNKNOWN": (
        "the listener refuses the client certificate of --cert: see the listener's log"
    ),
    "NO_APPLICATION_PROTOCOL": (
        "the listener speaks only HTTP/2, and verify HTTP/1.1: does a gRPC service listen here?"
    ),
    "UNRECOGNIZED_NAME": "the listener serves no such name: see --host, --connect-to and --resolve",
}
"""By a part of OpenSSL's names for alerts, https://www.rfc-editor.org/rfc/rfc8446#section-6.2 has
what each means.
"""


def tls_context(target: Target, options: Options) -> "ssl.SSLContext | None":
    """Return the TLS settings for a target; None for plain HTTP, which needn't load ssl."""
    if target.scheme != "https":
        return None
    import ssl  # noqa: PLC0415 — plain HTTP needs none of it

    import certifi  # noqa: PLC0415

    context = ssl.create_default_context(cafile=options.cacert or certifi.where())
    context.set_alpn_protocols(["http/1.1"])  # a server that speaks only HTTP/2 then says so
    # As in browsers and curl, only subjectAltName counts.
    context.hostname_checks_common_name = False
    if options.cert:
        from verify.options.client_certificate import load  # noqa: PLC0415 — for few

        load(options.cert, options.key, context)
    return context


def refusal(error: "ssl.SSLCertVerificationError") -> tuple[str, str]:
    """Return why a certificate is refused, and what to do."""
    reason, hint = _REFUSALS.get(
        error.verify_code, ("the certificate is refused", "is it valid, and for this name?")
    )
    return f"{reason}: {visible(error.verify_message)}", hint


def alert_hint(error: "ssl.SSLError") -> str:
    """Return what to do about the alert with which a server ended the handshake.

    Empty where no hint fits better than the phase's.
    """
    # The error has OpenSSL's name where Python knows it, and else OpenSSL's words.
    text = str(error).upper().replace(" ", "_")
    for name, hint in _ALERTS.items():
        if name in text:
            return hint
    return ""


def seen(connection: "ssl.SSLSocket | ssl.SSLObject") -> TlsSeen:
    """Return the protocol, cipher and certificate of a connection."""
    import ssl  # noqa: PLC0415 — a connection that is secured has loaded it

    certificate = connection.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "Jan  1 00:00:00 1970 GMT")))
    names: tuple[str, ...] = ()
    for name in certificate.get("subjectAltName", ()):
        if isinstance(name, tuple):  # of a kind, such as DNS, and the name
            names += (visible(str(name[1]), 80),)
    return TlsSeen(
        connection.version() or "",
        names,
        (ends - time.time()) / 86400,
        (connection.cipher() or ("",))[0],
    )


def received(connection: "ssl.SSLSocket", most: int) -> bytes:
    """Read what is there, nothing at the end of the stream, whether TLS announced it or not.

    Python takes a reset for such an end too, unless it is to raise both; OpenSSL 3 tells them
    apart.
    """
    import ssl  # noqa: PLC0415 — a connection that is secured has loaded it

    try:
        return connection.recv(most)
    except ssl.SSLEOFError as error:
        if ssl.OPENSSL_VERSION_INFO >= (3,) and error.reason != "UNEXPECTED_EOF_WHILE_READING":
            raise ConnectionResetError(errno.ECONNRESET, "connection reset") from error
        return b""
