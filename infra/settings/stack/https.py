"""HTTPS: the domain, its certificates, and the headers for browsers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.errors import Problem
from infra.settings.arns import CERTIFICATE
from infra.settings.collection_kinds import ListOf
from infra.settings.kinds import Choice, Flag, OrNone, Text, Whole
from infra.settings.topic import Topic, key, relation
from infra.settings.values import duplicates

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
NAME: Final = rf"({_LABEL}\.)+(?![0-9]+$){_LABEL}"

LONGEST_COMMON_NAME: Final = 64
"""Source: ACM, RequestCertificate. An imported certificate may have a longer domain as an
alternative name.
"""

MOST_EXTRA_CERTIFICATES: Final = 25
"""Source: Elastic Load Balancing's quotas."""

_TWO_YEARS: Final = 63_072_000


@dataclass(frozen=True, kw_only=True)
class HttpsSettings(Topic):
    """The domain, its certificates, and the headers for browsers."""

    domain: str | None = key(
        OrNone(
            Text(NAME, "a domain name in lower case, like app.example.com", longest=253),
            "empty for none",
        )
    )
    hosted_zone: str | None = key(
        OrNone(
            Text(
                rf"{NAME}|Z[A-Z0-9]{{1,31}}",
                "a Route 53 zone's name or id, like example.com or Z0123456789ABC",
            ),
            "empty for none",
        )
    )
    host_records: bool = key(Flag())
    certificate_arn: str | None = key(OrNone(CERTIFICATE, "empty for none"))
    extra_certificate_arns: tuple[str, ...] = key(ListOf(CERTIFICATE))
    tls_policy: str = key(Choice(_TLS_POLICIES))
    hsts_seconds: int = key(Whole(0, _TWO_YEARS))
    frame_options: str | None = key(Choice(("DENY", "SAMEORIGIN", "none"), none="none"))

    @property
    def https(self) -> bool:
        """Whether the service is served over HTTPS, and plain HTTP only redirects to it."""
        return self.domain is not None or self.certificate_arn is not None

    @property
    def issued(self) -> bool:
        """Whether ACM issues the certificate of the domain."""
        return self.hosted_zone is not None and self.certificate_arn is None

    @property
    def zone_name(self) -> str | None:
        """Name of the hosted zone; None where there is none, or only its id is known."""
        return self.hosted_zone if self.hosted_zone and "." in self.hosted_zone else None

    def problems(self) -> Iterator[Problem]:
        """Check that domain, zone and certificates belong together."""
        yield from self._domain_has_a_certificate()
        yield from self._domain_fits_into_an_issued_certificate()
        yield from self._zone_holds_the_domain()
        yield from self._https_uses_its_keys()
        yield from self._zone_has_the_records_of_hosts()
        yield from self._extra_certificates_have_a_first_one()
        yield from self._extra_certificates_are_few()

    def problems_in(self, environment: AwsEnvironment) -> Iterator[Problem]:
        """Check that the certificates are in the load balancer's account and region."""
        certificates = [("extraCertificateArns", arn) for arn in self.extra_certificate_arns]
        if self.certificate_arn:
            certificates.insert(0, ("certificateArn", self.certificate_arn))
        start = environment.arn("acm", "certificate/")
        for name, arn in certificates:
            if not arn.startswith(start):
                yield Problem(
                    name,
                    arn,
                    f"a certificate of {start}…, as a load balancer only uses certificates of its "
                    "region and account",
                )

    @relation("domain", "hosted_zone", "certificate_arn")
    def _domain_has_a_certificate(self) -> Iterator[Problem]:
        if self.domain and not (self.hosted_zone or self.certificate_arn):
            yield Problem(
                "domain",
                self.domain,
                "only with hostedZone (to validate an ACM certificate) or certificateArn (an "
                "existing one)",
            )

    @relation("domain", "certificate_arn")
    def _domain_fits_into_an_issued_certificate(self) -> Iterator[Problem]:
        if not self.domain or self.certificate_arn:
            return
        if len(self.domain) > LONGEST_COMMON_NAME:
            yield Problem(
                "domain",
                f"{len(self.domain)} characters",
                f"at most {LONGEST_COMMON_NAME}, as ACM issues no certificate for a longer one; "
                "any length with certificateArn",
            )

    @relation("domain", "hosted_zone")
    def _zone_holds_the_domain(self) -> Iterator[Problem]:
        if self.hosted_zone is None:
            return
        if self.domain is None:
            yield Problem("hostedZone", self.hosted_zone, "only with domain, a name in the zone")
        # Which domain a zone known by its id holds is looked up later.
        elif self.zone_name and not f".{self.domain}".endswith(f".{self.zone_name}"):
            yield Problem(
                "hostedZone", self.hosted_zone, f"the zone that domain, {self.domain}, is in"
            )

    @relation("domain", "certificate_arn", "tls_policy", "hsts_seconds", "frame_options")
    def _https_uses_its_keys(self) -> Iterator[Problem]:
        if not self.https:
            yield from self.without_effect(
                "tls_policy",
                "hsts_seconds",
                "frame_options",
                allowed="only with HTTPS, which domain or certificateArn switches on",
            )

    @relation("hosted_zone", "host_records")
    def _zone_has_the_records_of_hosts(self) -> Iterator[Problem]:
        if self.hosted_zone is None:
            yield from self.without_effect(
                "host_records", allowed="only with hostedZone, the zone of the records"
            )

    @relation("domain", "certificate_arn", "extra_certificate_arns")
    def _extra_certificates_have_a_first_one(self) -> Iterator[Problem]:
        if self.extra_certificate_arns and not self.https:
            yield Problem(
                "extraCertificateArns",
                ", ".join(self.extra_certificate_arns),
                "none, unless there is domain or certificateArn",
            )

    @relation("certificate_arn", "extra_certificate_arns")
    def _extra_certificates_are_few(self) -> Iterator[Problem]:
        if repeated := duplicates([self.certificate_arn, *self.extra_certificate_arns]):
            yield Problem(
                "extraCertificateArns",
                ", ".join(repeated),
                "each certificate once, certificateArn's not again",
            )
        if len(self.extra_certificate_arns) > MOST_EXTRA_CERTIFICATES:
            yield Problem(
                "extraCertificateArns",
                f"{len(self.extra_certificate_arns)} of them",
                f"at most {MOST_EXTRA_CERTIFICATES}",
            )
