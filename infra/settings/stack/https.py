"""Encryption on the way from the clients, and the name they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from infra.errors import Problem
from infra.settings.kinds import Choice, Text, Texts, Whole, twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.environment import AwsEnvironment

_TLS_POLICIES: Final = (
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
)
"""Source: Security Hub, control ELB.17. The popular `ELBSecurityPolicy-TLS13-1-2-2021-06` is not
among them.
"""

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = rf"({_LABEL}\.)+(?![0-9]+$){_LABEL}"
_CERTIFICATE: Final = r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}"

_LONGEST_COMMON_NAME: Final = 64
"""Source: ACM, RequestCertificate. A certificate of one's own may name a longer domain as an
alternative name.
"""

_MOST_EXTRA_CERTIFICATES: Final = 25
"""Source: Elastic Load Balancing's quotas."""

_TWO_YEARS: Final = 63_072_000


@dataclass(frozen=True, kw_only=True)
class HttpsSettings:
    """Certificate, name and what browsers are told."""

    domain: Annotated[
        str,
        Text(
            rf"({_NAME})?",
            "a domain name in lower case, like app.example.com; empty for none",
            longest=253,
        ),
    ]
    hosted_zone: Annotated[
        str,
        Text(
            rf"({_NAME}|Z[A-Z0-9]{{1,31}})?",
            "a Route 53 zone's name or id, like example.com or Z0123456789ABC; empty for none",
        ),
    ]
    certificate_arn: Annotated[
        str, Text(rf"({_CERTIFICATE})?", "an ACM certificate's ARN; empty for none")
    ]
    extra_certificate_arns: Annotated[
        tuple[str, ...], Texts(Text(_CERTIFICATE, "an ACM certificate's ARN"))
    ]
    tls_policy: Annotated[str, Choice(_TLS_POLICIES)]
    hsts_seconds: Annotated[int, Whole(0, _TWO_YEARS)]
    frame_options: Annotated[str, Choice(("DENY", "SAMEORIGIN", "none"))]

    @property
    def https(self) -> bool:
        """Whether clients are served over HTTPS, and plain HTTP only leads there."""
        return bool(self.domain or self.certificate_arn)


def _a_domain_has_a_certificate(
    domain: str, hosted_zone: str, certificate_arn: str
) -> Iterator[Problem]:
    if domain and not (hosted_zone or certificate_arn):
        yield Problem(
            "domain",
            domain,
            (
                "none, unless hostedZone says where to prove whose it is, or certificateArn "
                "names its certificate"
            ),
        )
    if domain and not certificate_arn and len(domain) > _LONGEST_COMMON_NAME:
        yield Problem(
            "domain",
            f"{len(domain)} characters",
            (
                f"at most {_LONGEST_COMMON_NAME}, as ACM issues no certificate for a longer "
                "one; certificateArn can"
            ),
        )


def _a_zone_holds_the_domain(domain: str, hosted_zone: str) -> Iterator[Problem]:
    if hosted_zone and not domain:
        yield Problem(
            "hostedZone",
            hosted_zone,
            "none, unless domain says which name in it leads to the service",
        )
    elif "." in hosted_zone and not f".{domain}".endswith(f".{hosted_zone}"):
        yield Problem("hostedZone", hosted_zone, f"the zone that domain, {domain}, is in")


def _extra_certificates_add_to_one(
    domain: str, certificate_arn: str, extra_certificate_arns: tuple[str, ...]
) -> Iterator[Problem]:
    if extra_certificate_arns and not (domain or certificate_arn):
        yield Problem(
            "extraCertificateArns",
            ", ".join(extra_certificate_arns),
            "none, unless there is domain or certificateArn",
        )
    if again := twins([certificate_arn, *extra_certificate_arns]):
        yield Problem(
            "extraCertificateArns",
            ", ".join(again),
            "each certificate once, certificateArn's not again",
        )
    if len(extra_certificate_arns) > _MOST_EXTRA_CERTIFICATES:
        yield Problem(
            "extraCertificateArns",
            f"{len(extra_certificate_arns)} of them",
            f"at most {_MOST_EXTRA_CERTIFICATES}",
        )


def _certificates_are_where_the_load_balancer_is(
    certificate_arn: str, extra_certificate_arns: tuple[str, ...], place: AwsEnvironment
) -> Iterator[Problem]:
    here = place.arn("acm", "certificate/")
    keyed = [
        ("certificateArn", certificate_arn),
        *(("extraCertificateArns", arn) for arn in extra_certificate_arns),
    ]
    for key, arn in keyed:
        if arn and not arn.startswith(here):
            yield Problem(
                key,
                arn,
                (
                    f"a certificate of {here}…, as a load balancer uses those of its own "
                    "region and account only"
                ),
            )


RELATIONS = (
    _a_domain_has_a_certificate,
    _a_zone_holds_the_domain,
    _extra_certificates_add_to_one,
    _certificates_are_where_the_load_balancer_is,
)
