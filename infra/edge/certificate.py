"""A certificate that ACM issues and renews by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.aws import naming
from infra.outputs import of_created


@dataclass(kw_only=True)
class CertificateArgs:
    """Arguments of a Certificate."""

    domain: str
    """The only name in it, at most 64 characters, perhaps `*.` and a domain. A change creates the
    new certificate before the old one is deleted.
    """

    zone_id: pulumi.Input[str]
    """Public Route 53 zone of the domain, where ACM looks up the record that proves ownership."""

    tags: dict[str, str]
    """Tags of the certificate."""


class Certificate(pulumi.ComponentResource):
    """A certificate, and the DNS record by which ACM validates it at every renewal.

    The record stays when the component is deleted.
    """

    arn: pulumi.Output[str]
    """ARN of the certificate. It resolves once ACM has issued it, as a listener requires."""

    def __init__(
        self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:Certificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        certificate = aws.acm.Certificate(
            name,
            domain_name=args.domain,
            validation_method="DNS",
            key_algorithm="RSA_2048",
            options={"certificate_transparency_logging_preference": "ENABLED"},
            tags=naming.of_component(args.tags, name),
            opts=child,
        )
        proofs = certificate.domain_validation_options
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=args.zone_id,
            name=of_created(proofs, lambda found: found[0].resource_record_name),
            type=of_created(proofs, lambda found: found[0].resource_record_type),
            records=[of_created(proofs, lambda found: found[0].resource_record_value)],
            ttl=300,
            # ACM requires the same record for every certificate of a name in one account, and
            # checks it again at each renewal. So the record may exist already for another
            # certificate, and another certificate may need this one after a destroy.
            allow_overwrite=True,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        issued = aws.acm.CertificateValidation(
            name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            # ACM takes minutes. If it takes longer, the domain most likely isn't delegated to this
            # zone, and waiting doesn't help.
            opts=pulumi.ResourceOptions(
                parent=self, custom_timeouts=pulumi.CustomTimeouts(create="20m")
            ),
        )
        self.arn = issued.certificate_arn
        self.register_outputs({"arn": self.arn})
