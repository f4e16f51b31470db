"""Hosts of routes besides the domain: which get DNS records and certificates of the stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from infra.aws.routes import patterns
from infra.aws.routes.conditions import HOST
from infra.errors import Problem
from infra.settings.stack.https import LONGEST_COMMON_NAME, MOST_EXTRA_CERTIFICATES, NAME
from infra.settings.values import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.settings.stack import StackSettings

_ANY: Final = "*."
_INSTEAD: Final = "or other hosts with certificateArn or extraCertificateArns"


class Hosts(NamedTuple):
    """Names besides the domain, each of them a host or `*.` and a domain."""

    records: tuple[str, ...]
    """Those that get alias records."""

    certificates: tuple[str, ...]
    """Those that get a certificate from ACM; one for `*.` and a domain covers hosts in it."""


def of(settings: StackSettings, zone: str | None) -> Hosts:
    """Return the names that a stack's zone has, in addition to the domain.

    Args:
        settings: The stack's.
        zone: The zone's name; None where only its id is known, so that all names count as its own.
    """
    https = settings.https
    names: set[str] = set()
    if https.hosted_zone:
        names = {name for name in _further(settings) if _within(name, zone)}
    certificates = set()
    for name in names:
        # A wildcard's certificate covers the hosts in its domain.
        wildcard = certificates_for(name)[-1]
        if name == wildcard or wildcard not in names:
            certificates.add(name)
    return Hosts(
        records=tuple(sorted(names)) if https.host_records else (),
        certificates=tuple(sorted(certificates)) if https.issued else (),
    )


def problems(settings: StackSettings, zone: str | None) -> Iterator[Problem]:
    """Check that each host has a certificate, if the stack's are the only ones.

    What an existing certificate is for isn't known before a run.
    """
    https = settings.https
    if not https.issued or https.domain is None:
        return
    certificates = of(settings, zone).certificates
    yield from _certificates_can_be_issued(settings, certificates)
    yield from _certificates_are_few(settings, certificates)
    if not https.extra_certificate_arns:
        yield from _hosts_have_certificates(settings, https.domain, zone)


def _certificates_can_be_issued(
    settings: StackSettings, certificates: Sequence[str]
) -> Iterator[Problem]:
    for host, key in _further(settings).items():
        if host in certificates and len(host) > LONGEST_COMMON_NAME:
            yield Problem(
                key,
                f"host {host}, of {len(host)} characters",
                f"at most {LONGEST_COMMON_NAME}, as ACM issues no certificate for a longer one, "
                f"{_INSTEAD}",
            )


def _certificates_are_few(
    settings: StackSettings, certificates: Sequence[str]
) -> Iterator[Problem]:
    extra = settings.https.extra_certificate_arns
    if len(extra) + len(certificates) > MOST_EXTRA_CERTIFICATES:
        yield Problem(
            "extraCertificateArns",
            f"{len(extra)}, beside {counted(len(certificates), 'certificate')} for further hosts "
            "of routes",
            f"at most {MOST_EXTRA_CERTIFICATES} together; a host like *.example.com needs one for "
            "all hosts in example.com",
        )


def _hosts_have_certificates(
    settings: StackSettings, domain: str, zone: str | None
) -> Iterator[Problem]:
    """Check that the certificates that ACM issues cover the hosts of all routes."""
    served = [name for name in (domain, *_further(settings)) if _is_host(name)]
    for pattern, key in _patterns(settings).items():
        if _is_name(pattern):
            # The domain's own certificate serves a pattern that covers the domain.
            if not _within(pattern, zone) and not patterns.covers(pattern, domain):
                yield Problem(
                    key,
                    f"host {pattern}, which isn't in the zone {zone}",
                    f"hosts in hostedZone, {_INSTEAD}",
                )
        elif not any(patterns.covers(pattern, host) for host in served):
            yield Problem(
                key,
                f"host {pattern}, for which ACM issues no certificate",
                "a whole name, or *. and a domain, as * stands for the first label only, "
                f"{_INSTEAD}",
            )


def unknown(settings: StackSettings) -> Iterator[str]:
    """Yield the hosts that only an existing certificate can cover."""
    https = settings.https
    if https.certificate_arn or https.extra_certificate_arns:
        own = {https.domain, *of(settings, https.zone_name).certificates}
        for host in _patterns(settings):
            if own.isdisjoint(certificates_for(host)):
                yield host


def certificates_for(host: str) -> tuple[str, ...]:
    """Return the names of certificates that cover a host: its own, and that of its domain."""
    _, _, domain = host.partition(".")
    return (host,) if host.startswith(_ANY) else (host, f"{_ANY}{domain}")


def suffix(host: str) -> str:
    """Return the end of the logical names of a host's resources; no host has a `_`."""
    return host.replace("*", "_")


def _patterns(settings: StackSettings) -> dict[str, str]:
    """Return the keys that have host patterns, by the patterns."""
    found: dict[str, str] = {}
    for service in settings.services:
        for number, route in enumerate(service.routes.each):
            for host in route.conditions.values.get(HOST, ()):
                found.setdefault(host, service.path_of(service.routes.key_of(number)))
    return found


def _further(settings: StackSettings) -> dict[str, str]:
    """Return the keys of the hosts that DNS and a certificate can have, by the hosts."""
    found = _patterns(settings)
    for host in list(found):
        if not _is_name(host) or host == settings.https.domain:
            del found[host]
    return found


def _is_host(name: str) -> bool:
    return re.fullmatch(NAME, name) is not None


def _is_name(pattern: str) -> bool:
    """Return whether a pattern is a host, or `*.` and a domain, as in DNS and in certificates."""
    return _is_host(pattern.removeprefix(_ANY))


def _within(name: str, zone: str | None) -> bool:
    return zone is None or f".{name.removeprefix(_ANY)}".endswith(f".{zone}")
