"""Find configured certificates that ACM hasn't issued."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

import pulumi_aws as aws

from infra.errors import Problem
from infra.program.lookups import Lookup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings import Settings

_NOT_ISSUED: Final = (
    "PENDING_VALIDATION",
    "VALIDATION_TIMED_OUT",
    "FAILED",
    "EXPIRED",
    "REVOKED",
    "INACTIVE",
)
_KEY_TYPES: Final = (
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
)
"""All of ACM's; a lookup that names none finds RSA keys of up to 2048 bits only."""

_NOT_ONE_FOUND: Final = "no ACM Certificate|multiple ACM Certificates|different ACM certificate"


def lookups(settings: Settings) -> Iterator[Lookup]:
    """Yield the lookups of the certificates that may be the configured one.

    A lookup matches a certificate's main domain name only, so one whose main name is neither the
    domain nor the wildcard that covers it isn't found.
    """
    domain = settings.https.domain
    if not settings.https.certificate_arn or not domain:
        return
    _, _, parent_domain = domain.partition(".")
    for name in (domain, f"*.{parent_domain}"):
        subject = f"Whether the certificate of {name} is issued"
        yield Lookup(subject, partial(_unissued, settings, name))


def _unissued(settings: Settings, name: str) -> Iterator[Problem]:
    try:
        found = aws.acm.get_certificate(
            domain=name, statuses=_NOT_ISSUED, key_types=_KEY_TYPES, most_recent=True
        )
    except Exception as error:
        # No such certificate is the good case. The lookup also fails if it finds several; then
        # nothing is checked.
        if re.search(_NOT_ONE_FOUND, str(error)):
            return
        raise
    configured = {
        "certificateArn": (settings.https.certificate_arn,),
        "extraCertificateArns": settings.https.extra_certificate_arns,
    }
    for key, arns in configured.items():
        if found.arn in arns:
            yield Problem(
                key,
                f"{found.arn}, whose status is {found.status}",
                "one that is issued; `aws acm describe-certificate` shows the records by which ACM "
                "validates it, a few minutes after they are in DNS; one that failed or expired "
                "must be requested again",
            )
