"""Certificate Manager: certificates and their validation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from localaws.catalog.account import Resource, uuid
from localaws.catalog.properties import UNKNOWN
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import Reference, ResourceType
from localaws.catalog.route53.records import RECORD, zone_name
from localaws.catalog.values import (
    ARN,
    Limit,
    blocks,
    exactly_one,
    given,
    matches,
    one_of,
    text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.catalog.account import Account, Mint
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"

NAMES_PER_CERTIFICATE = 10
"""AWS's default quota, including the domain name."""

ISSUED_AT = "2024-01-01 00:00:00 +0000 UTC"
"""The issue date of every certificate; the catalog has no clock."""

_IMPORTED = ("privateKey", "privateKeyWo")
_ALGORITHMS = (
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
)
_DOMAIN = matches(
    r"(?=.{1,253}\Z)(\*\.)?([0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+[0-9A-Za-z-]{1,63}",
    (
        "a domain name of at most 253 characters, without a final dot, an asterisk only as "
        "its first label"
    ),
)


def domains(inputs: Properties) -> list[str]:
    """Return the domain names of a certificate, `domainName` first."""
    names = [text(inputs.get("domainName")), *texts(inputs.get("subjectAlternativeNames"))]
    return list(dict.fromkeys(filter(None, names)))


def _validation_option(account: str, domain: str) -> dict[str, str]:
    """Return the record that validates a domain.

    A wildcard has the same record as its parent domain. All certificates of an account have the
    same record for a domain.
    """
    parent = domain.removeprefix("*.")

    def label(part: str) -> str:
        return hashlib.sha256(f"{account}/{part}/{parent}".encode()).hexdigest()[:32]

    return {
        "domainName": domain,
        "resourceRecordName": f"_{label('name')}.{parent}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{label('value')}.acm-validations.aws.",
    }


def missing_records(account: Account, certificate: Resource) -> Sequence[str]:
    """Return the names of a certificate's validation records that don't exist."""
    published = set()
    for record in account.all(RECORD):
        for value in texts(record.inputs.get("records")):
            published.add((record.outputs.get("fqdn"), zone_name(value)))
    missing = []
    for option in blocks(certificate.computed.get("domainValidationOptions")):
        name, value = option["resourceRecordName"], option["resourceRecordValue"]
        if (zone_name(name), zone_name(value)) not in published:
            missing.append(name)
    return missing


def certificate_rules(
    account: Account, arn: object, region: str, name: str = "certificateArn"
) -> Refusals:
    """Refuse a certificate that a load balancer in this region can't serve.

    A certificate that isn't a resource is assumed to be issued.
    """
    parts = str(arn).split(":")
    # An ARN's fourth part is its region
    if len(parts) > 3 and parts[3] not in ("", region):  # noqa: PLR2004
        message = (
            f"Certificate '{arn}' not found: it is in {parts[3]}, the load balancer in {region}"
        )
        yield Refusal("CertificateNotFound", message, "elbv2.certificate.region", name)
    found = account.get(CERTIFICATE, arn)
    if found is not None and missing_records(account, found):
        message = (
            f"The certificate '{arn}' must have a fully-qualified domain name, a "
            "supported signature, and a "
            "supported key size: it isn't issued yet"
        )
        yield Refusal("UnsupportedCertificate", message, "elbv2.certificate.issued", name)


def _certificate_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, ("domainName", *_IMPORTED), "acm.certificate.source")
    if given(inputs, "domainName") and not given(
        inputs, "validationMethod", "certificateAuthorityArn"
    ):
        message = (
            "a certificate that is requested needs a validationMethod, or a certificateAuthorityArn"
        )
        yield Refusal("InvalidArgument", message, "acm.certificate.method", "validationMethod")
    if given(inputs, *_IMPORTED) and not given(inputs, "certificateBody"):
        message = "a certificate that is imported needs its certificateBody"
        yield Refusal("InvalidArgument", message, "acm.certificate.body", "certificateBody")
    names = domains(inputs)
    if len(names) > NAMES_PER_CERTIFICATE:
        message = f"a certificate is for at most {NAMES_PER_CERTIFICATE} names, got {len(names)}"
        yield Refusal(
            "LimitExceededException", message, "acm.certificate.quota", "subjectAlternativeNames"
        )


def _certificate_computed(mint: Mint, inputs: Properties) -> Properties:
    arn = mint.arn("acm", f"certificate/{uuid(mint)}")
    private = given(inputs, "certificateAuthorityArn")
    options = []
    if inputs.get("validationMethod") == "DNS" and not private:
        account = mint.account.account_id
        options = [_validation_option(account, domain) for domain in domains(inputs)]
    return {
        "id": arn,
        "arn": arn,
        "domainValidationOptions": options,
        "validationEmails": [],
        "status": "PENDING_VALIDATION" if options else "ISSUED",
        "type": "IMPORTED" if given(inputs, *_IMPORTED) else "AMAZON_ISSUED",
        "notBefore": "",
        "notAfter": "",
        "pendingRenewal": False,
        "renewalEligibility": "INELIGIBLE",
        "renewalSummaries": [],
    }


def _certificate_derived(inputs: Properties) -> Properties:
    if UNKNOWN in (inputs.get("domainName"), inputs.get("subjectAlternativeNames")):
        return {}
    return {"subjectAlternativeNames": domains(inputs)}


def _listed_records_rules(fqdns: Sequence[str], certificate: Resource) -> Refusals:
    listed = {zone_name(fqdn) for fqdn in fqdns}
    for option in blocks(certificate.computed.get("domainValidationOptions")):
        record = option["resourceRecordName"]
        if zone_name(record) not in listed:
            message = f"missing {option['domainName']} DNS validation record: {record}"
            yield Refusal(
                "InvalidArgument", message, "acm.validation.records", "validationRecordFqdns"
            )


def _validation_account_rules(
    inputs: Properties, account: Account, _current: Resource | None
) -> Refusals:
    certificate = account.get(CERTIFICATE, inputs.get("certificateArn"))
    if certificate is None:
        return
    if certificate.computed.get("type") != "AMAZON_ISSUED":
        message = (
            f"Certificate {certificate.id} has type {certificate.computed.get('type')}, no "
            "validation necessary"
        )
        yield Refusal("InvalidArgument", message, "acm.validation.kind", "certificateArn")
    if given(inputs, "validationRecordFqdns"):
        yield from _listed_records_rules(texts(inputs["validationRecordFqdns"]), certificate)
    missing = missing_records(account, certificate)
    if missing:
        message = (
            f"certificate {certificate.id} is PENDING_VALIDATION: DNS lacks "
            f"{', '.join(sorted(set(missing)))}"
        )
        yield Refusal("timeout", message, "acm.validation.issued", "certificateArn")


TYPES = (
    ResourceType(
        token=CERTIFICATE,
        replaces=frozenset(
            {
                "domainName",
                "subjectAlternativeNames",
                "validationMethod",
                "keyAlgorithm",
                "certificateAuthorityArn",
                "validationOptions",
                "region",
            }
        ),
        unordered=frozenset({"subjectAlternativeNames", "validationOptions"}),
        defaults={"keyAlgorithm": "RSA_2048"},
        limits=(
            Limit("domainName", _DOMAIN, "acm.certificate.domain"),
            Limit("subjectAlternativeNames[]", _DOMAIN, "acm.certificate.domain"),
            Limit("validationMethod", one_of("DNS", "EMAIL", "HTTP"), "acm.certificate.method"),
            Limit("keyAlgorithm", one_of(*_ALGORITHMS), "acm.certificate.algorithm"),
            Limit("certificateAuthorityArn", ARN, "acm.certificate.authority"),
        ),
        rules=_certificate_rules,
        derived=_certificate_derived,
        computed=_certificate_computed,
        held=("ResourceInUseException", "acm.certificate.held"),
    ),
    ResourceType(
        token=VALIDATION,
        only_recorded="it waits for the certificate, which is what is read",
        replaces=frozenset({"certificateArn", "validationRecordFqdns", "region"}),
        unordered=frozenset({"validationRecordFqdns"}),
        limits=(Limit("certificateArn", ARN, "acm.validation.arn"),),
        references=(
            Reference(
                "certificateArn",
                CERTIFICATE,
                "ResourceNotFoundException",
                "acm.validation.certificate-exists",
                "gone",
            ),
        ),
        account_rules=_validation_account_rules,
        computed=lambda mint, _inputs: {"id": f"{ISSUED_AT} {mint.hex(4)}"},
    ),
)
