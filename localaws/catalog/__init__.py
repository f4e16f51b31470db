"""The resource types that the local AWS knows, and AWS's rules for each.

Pure functions over plain values: standard library only, no I/O.
"""

from __future__ import annotations

from localaws.catalog import (
    acm,
    appautoscaling,
    autoscaling,
    chatbot,
    cloudwatch,
    dashboards,
    ecr,
    efs,
    events,
    kms,
    logs,
    s3,
    secretsmanager,
    servicediscovery,
    sns,
    ssm,
    wafv2,
)
from localaws.catalog.account import Resource
from localaws.catalog.ec2 import (
    default_network,
    flow_logs,
    gateways,
    launch_templates,
    network_acls,
    routes,
    security_group_rules,
    security_groups,
    subnets,
    vpc_endpoints,
    vpcs,
)
from localaws.catalog.ecs import capacity_providers, clusters, services, task_definitions
from localaws.catalog.elb import (
    listener_rules,
    listeners,
    load_balancers,
    target_attachments,
    target_groups,
    trust_stores,
)
from localaws.catalog.iam import (
    policies,
    roles,
    server_certificates,
    service_linked_roles,
    users,
)
from localaws.catalog.properties import UNKNOWN, Properties
from localaws.catalog.refusals import Refusal, Refused
from localaws.catalog.resource_type import ResourceType
from localaws.catalog.route53 import health_checks, records

_MODULES = (
    vpcs,
    subnets,
    gateways,
    routes,
    default_network,
    security_groups,
    security_group_rules,
    network_acls,
    vpc_endpoints,
    flow_logs,
    launch_templates,
    autoscaling,
    load_balancers,
    target_groups,
    listeners,
    listener_rules,
    target_attachments,
    trust_stores,
    acm,
    records,
    wafv2,
    clusters,
    task_definitions,
    services,
    appautoscaling,
    capacity_providers,
    roles,
    policies,
    logs,
    ssm,
    secretsmanager,
    kms,
    s3,
    cloudwatch,
    dashboards,
    sns,
    events,
    chatbot,
    ecr,
    efs,
    servicediscovery,
    users,
    server_certificates,
    service_linked_roles,
    health_checks,
)

CATALOG: dict[str, ResourceType] = {}
"""Every resource type, by token."""

for _module in _MODULES:
    CATALOG.update((_kind.token, _kind) for _kind in _module.TYPES)

MAX_RETRY_SECONDS = {
    "acm.certificate.held": 1200,
    "acm.validation.issued": 4500,
    "ec2.internet-gateway.held": 1200,
    "ec2.security-group.held": 900,
    "ec2.subnet.held": 1200,
    "ec2.vpc.held": 300,
    "ecs.cluster-capacity-providers.in-use": 600,
    "ecs.cluster.held": 600,
    "ecs.service.cluster-exists": 240,
    "ecs.service.target-group-attached": 240,
    "elbv2.target-group.held": 120,
    "elbv2.target.balancer-listens": 600,
    "elbv2.trust-store.held": 120,
    "events.rule.held": 300,
    "iam.role.held": 120,
    "iam.server-certificate.held": 900,
    "wafv2.ip-set.held": 300,
    "wafv2.web-acl.held": 300,
}
"""How long AWS's provider retries a call that one of these rules refuses. After a refusal by any
other rule it fails at once.
"""

__all__ = [
    "CATALOG",
    "MAX_RETRY_SECONDS",
    "UNKNOWN",
    "Properties",
    "Refusal",
    "Refused",
    "Resource",
    "ResourceType",
]
