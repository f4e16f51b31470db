"""Which resource types exist, what AWS accepts, names, replaces and refuses.

Pure: standard library only, no I/O.
"""

from __future__ import annotations

from localaws.catalog import (
    acm,
    cloudwatch,
    ec2_default_network,
    ec2_flow_logs,
    ec2_network,
    ec2_security_groups,
    ecr,
    ecs,
    efs,
    health_checks,
    iam,
    iam_users,
    kms,
    listeners,
    load_balancers,
    logs,
    route53,
    s3,
    secretsmanager,
    servicediscovery,
    ssm,
    target_attachments,
    target_groups,
    trust_stores,
    vpc_endpoints,
    wafv2,
)
from localaws.catalog.model import UNKNOWN, Properties, Refusal, Refused, Resource, ResourceType

CATALOG: dict[str, ResourceType] = {
    kind.token: kind
    for module in (
        *(
            ec2_network,
            ec2_default_network,
            ec2_security_groups,
            vpc_endpoints,
            ec2_flow_logs,
            load_balancers,
            target_groups,
            listeners,
            target_attachments,
            trust_stores,
        ),
        *(
            acm,
            route53,
            wafv2,
            ecs,
            iam,
            logs,
            ssm,
            secretsmanager,
            kms,
            s3,
            cloudwatch,
            ecr,
            efs,
            servicediscovery,
            iam_users,
            health_checks,
        ),
    )
    for kind in module.TYPES
}
"""Every resource type, by token."""

PATIENCE_SECONDS = {
    "acm.certificate.held": 1200,
    "acm.validation.issued": 4500,
    "ec2.internet-gateway.held": 1200,
    "ec2.security-group.held": 900,
    "ec2.subnet.held": 1200,
    "ec2.vpc.held": 300,
    "ecs.cluster.held": 600,
    "ecs.service.cluster-exists": 240,
    "ecs.service.target-group-attached": 240,
    "elbv2.target-group.held": 120,
    "elbv2.target.balancer-listens": 600,
    "elbv2.trust-store.held": 120,
    "iam.role.held": 120,
    "iam.server-certificate.held": 900,
    "wafv2.ip-set.held": 300,
    "wafv2.web-acl.held": 300,
}
"""For how long AWS's provider repeats a call that was refused by one of these rules; by the others
it fails at once.
"""

__all__ = [
    "CATALOG",
    "PATIENCE_SECONDS",
    "UNKNOWN",
    "Properties",
    "Refusal",
    "Refused",
    "Resource",
    "ResourceType",
]
