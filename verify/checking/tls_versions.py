"""Which old versions of TLS a listener still accepts."""

import asyncio
import ssl
import warnings
from enum import StrEnum

from verify.judging.report import Result, Status
from verify.options.client_certificate import load
from verify.options.groups import Options
from verify.options.values import HostPort

_OLDER = {
    "1.2": (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1),
    "1.3": (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2),
}
_OWN_REFUSALS = {
    "NO_PROTOCOLS_AVAILABLE",
    "NO_CIPHERS_AVAILABLE",
    "UNSUPPORTED_PROTOCOL",
    "INTERNAL_ERROR",
}
"""This machine's OpenSSL won't offer such a version, so nothing is known of the server."""


class Offer(StrEnum):
    """The result of offering one version only."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "could not be tried"


async def versions_result(to: HostPort, host: str, options: Options, time_left: float) -> Result:
    """Judge whether versions older than the wanted one are refused.

    The service is known to answer by a newer one.
    """
    versions = _OLDER[options.min_tls or "1.2"]
    limit = min(options.timeout, time_left)
    offering = [_offer(to, host, version, options, limit) for version in versions]
    found = await asyncio.gather(*offering)
    offers = dict(zip(versions, found, strict=True))
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


async def _offer(
    to: HostPort, host: str, version: ssl.TLSVersion, options: Options, limit: float
) -> Offer:
    try:
        async with asyncio.timeout(limit):
            _, writer = await asyncio.open_connection(
                *to, ssl=_only(version, options), server_hostname=host
            )
    except ssl.SSLError as error:
        return Offer.UNKNOWN if error.reason in _OWN_REFUSALS else Offer.REFUSED
    except ConnectionResetError:
        return Offer.REFUSED
    except OSError:
        return Offer.UNKNOWN
    writer.transport.abort()
    return Offer.ACCEPTED


def _only(version: ssl.TLSVersion, options: Options) -> ssl.SSLContext:
    """Return a client that speaks one version, however weak, and checks no certificate.

    It sends nothing but its certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    if options.cert:  # without it, a listener that wants one would seem to refuse the version
        load(options.cert, options.key, context)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context
