"""Refusals of users, certificates, service-linked roles, trust stores, IP sets, health checks.

`test_refusals.py` runs them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.localaws.catalog.conftest import ELB

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

USER, USER_POLICY = "aws:iam/user:User", "aws:iam/userPolicy:UserPolicy"
USER_ATTACHMENT = "aws:iam/userPolicyAttachment:UserPolicyAttachment"
UPLOADED = "aws:iam/serverCertificate:ServerCertificate"
LINKED_ROLE = "aws:iam/serviceLinkedRole:ServiceLinkedRole"
TRUST_STORE, IP_SET = "aws:lb/trustStore:TrustStore", "aws:wafv2/ipSet:IpSet"
HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"
LISTENER, RECORD, ACL = (
    "aws:lb/listener:Listener",
    "aws:route53/record:Record",
    "aws:wafv2/webAcl:WebAcl",
)

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = PEM.replace("CERTIFICATE", "PRIVATE KEY")
VERIFYING = {
    "loadBalancerArn": "$balancer",
    "port": 8443,
    "protocol": "HTTPS",
    "certificateArn": "$certificate",
}


def rules_of(ip_set: str) -> list[dict[str, Any]]:
    """Return a web ACL's rule that refers to an IP set inside another statement."""
    seen = {"cloudwatchMetricsEnabled": False, "metricName": "m", "sampledRequestsEnabled": False}
    statement = {"notStatement": {"statements": [{"ipSetReferenceStatement": {"arn": ip_set}}]}}
    return [
        {
            "name": "r",
            "priority": 1,
            "action": {"block": {}},
            "statement": statement,
            "visibilityConfig": seen,
        }
    ]


def long_policy(characters: int) -> str:
    """Return a policy with that many characters, not counting white space."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    missing = characters - len("".join(json.dumps(document).split()))
    statement["Resource"] += "a" * missing
    return json.dumps(document)


EDGE_CASES: list[Case] = [
    (
        USER,
        "iam.user.name",
        "InvalidArgument",
        {"name": "one more"},
        {"name": "one.more@example.test"},
    ),
    (USER, "iam.user.unique", "EntityAlreadyExists", {"name": "Deployer"}, {"name": "deployer-2"}),
    (USER, "iam.role.path", "InvalidArgument", {"path": "people"}, {"path": "/people/"}),
    (USER_POLICY, "iam.user.exists", "NoSuchEntity", {"user": "none"}, {}),
    (USER_POLICY, "iam.policy.json", "MalformedPolicyDocument", {"policy": "none"}, {}),
    (
        USER_POLICY,
        "iam.user.policy-size",
        "LimitExceeded",
        {"policy": long_policy(2049)},
        {"policy": long_policy(2048)},
    ),
    (USER_ATTACHMENT, "iam.user.exists", "NoSuchEntity", {"user": "none"}, {}),
    (
        USER_ATTACHMENT,
        "iam.policy.exists",
        "NoSuchEntity",
        {"policyArn": "arn:aws:iam::123456789012:policy/none"},
        {},
    ),
    (UPLOADED, "iam.server-certificate.name", "InvalidArgument", {"name": "one more"}, {}),
    (UPLOADED, "iam.server-certificate.unique", "EntityAlreadyExists", {"name": "uploaded"}, {}),
    (
        UPLOADED,
        "iam.server-certificate.pem",
        "MalformedCertificate",
        {"certificateBody": "MIIB"},
        {},
    ),
    (UPLOADED, "iam.server-certificate.pem", "MalformedCertificate", {"privateKey": PEM}, {}),
    (
        UPLOADED,
        "iam.server-certificate.pem",
        "MalformedCertificate",
        {"certificateChain": KEY},
        {"certificateChain": PEM},
    ),
    (
        LINKED_ROLE,
        "iam.service-linked-role.service",
        "InvalidArgument",
        {"awsServiceName": "ecs"},
        {"awsServiceName": "ecs.amazonaws.com"},
    ),
    (
        LINKED_ROLE,
        "iam.service-linked-role.suffix",
        "InvalidInput",
        {"awsServiceName": "ecs.amazonaws.com", "customSuffix": "mine"},
        {"awsServiceName": "autoscaling.amazonaws.com", "customSuffix": "mine"},
    ),
    (
        LINKED_ROLE,
        "iam.service-linked-role.unique",
        "InvalidInput",
        {"awsServiceName": "elasticloadbalancing.amazonaws.com"},
        {"awsServiceName": "ecs.amazonaws.com"},
    ),
    (
        TRUST_STORE,
        "elbv2.trust-store.name",
        "InvalidArgument",
        {"name": "-store"},
        {"name": "store"},
    ),
    (TRUST_STORE, "elbv2.trust-store.unique", "DuplicateTrustStoreName", {"name": "clients"}, {}),
    (
        TRUST_STORE,
        "elbv2.trust-store.bundle",
        "InvalidArgument",
        {"caCertificatesBundleS3Key": ""},
        {},
    ),
    (
        LISTENER,
        "elbv2.trust-store.exists",
        "TrustStoreNotFound",
        {
            **VERIFYING,
            "mutualAuthentication": {
                "mode": "verify",
                "trustStoreArn": f"{ELB}:truststore/none/1",
            },
        },
        {**VERIFYING, "mutualAuthentication": {"mode": "verify", "trustStoreArn": "$clients"}},
    ),
    (
        LISTENER,
        "elbv2.trust-store.required",
        "ValidationError",
        {**VERIFYING, "mutualAuthentication": {"mode": "verify"}},
        {**VERIFYING, "mutualAuthentication": {"mode": "passthrough"}},
    ),
    (
        LISTENER,
        "elbv2.listener.verification",
        "InvalidArgument",
        {
            **VERIFYING,
            "mutualAuthentication": {"mode": "passthrough", "trustStoreArn": "$clients"},
        },
        {
            **VERIFYING,
            "mutualAuthentication": {"mode": "off", "ignoreClientCertificateExpiry": False},
        },
    ),
    (IP_SET, "wafv2.ip-set.name", "InvalidArgument", {"name": "one more"}, {}),
    (IP_SET, "wafv2.ip-set.scope", "InvalidArgument", {"scope": "GLOBAL"}, {}),
    (IP_SET, "wafv2.ip-set.version", "InvalidArgument", {"ipAddressVersion": "4"}, {}),
    (
        IP_SET,
        "wafv2.ip-set.description",
        "InvalidArgument",
        {"description": ""},
        {"description": "offices"},
    ),
    (
        IP_SET,
        "wafv2.ip-set.address",
        "WAFInvalidParameterException",
        {"addresses": ["0.0.0.0/0"]},
        {"addresses": ["0.0.0.0/1", "192.0.2.44/32"]},
    ),
    (
        IP_SET,
        "wafv2.ip-set.address",
        "WAFInvalidParameterException",
        {"addresses": ["192.0.2.44"]},
        {},
    ),
    (
        IP_SET,
        "wafv2.ip-set.address",
        "WAFInvalidParameterException",
        {"addresses": ["2001:db8::/32"]},
        {"addresses": ["2001:db8::/32"], "ipAddressVersion": "IPV6"},
    ),
    (
        IP_SET,
        "wafv2.ip-set.region",
        "WAFInvalidParameterException",
        {"scope": "CLOUDFRONT"},
        {"scope": "CLOUDFRONT", "region": "us-east-1"},
    ),
    (IP_SET, "wafv2.ip-set.unique", "WAFDuplicateItemException", {"name": "offices"}, {}),
    (
        ACL,
        "wafv2.rule.ip-set-exists",
        "WAFNonexistentItemException",
        {"rules": rules_of("arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/none/1")},
        {"rules": rules_of("$offices-arn")},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.endpoint",
        "InvalidInput",
        {"fqdn": None},
        {"ipAddress": "8.8.8.8"},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.needs",
        "InvalidInput",
        {"type": "TCP"},
        {"type": "TCP", "port": 5432},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.needs",
        "InvalidInput",
        {"type": "CALCULATED"},
        {"type": "CALCULATED", "childHealthchecks": ["$check"], "childHealthThreshold": 1},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.exists",
        "InvalidInput",
        {"type": "CALCULATED", "childHealthchecks": ["none"]},
        {"type": "CALCULATED", "childHealthchecks": ["$check"]},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.children",
        "InvalidArgument",
        {"childHealthThreshold": 257},
        {"childHealthThreshold": 256},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.search",
        "InvalidInput",
        {"searchString": "ok"},
        {"searchString": "ok", "type": "HTTPS_STR_MATCH"},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.public",
        "InvalidInput",
        {"ipAddress": "10.0.0.1"},
        {"ipAddress": "2606:4700:4700::1111"},
    ),
    (HEALTH_CHECK, "route53.health-check.address", "InvalidArgument", {"ipAddress": "a.b"}, {}),
    (
        HEALTH_CHECK,
        "route53.health-check.threshold",
        "InvalidArgument",
        {"failureThreshold": 11},
        {"failureThreshold": 10},
    ),
    (HEALTH_CHECK, "route53.health-check.fqdn", "InvalidArgument", {"fqdn": "a" * 256}, {}),
    (HEALTH_CHECK, "route53.health-check.port", "InvalidArgument", {"port": 65536}, {"port": 8443}),
    (
        HEALTH_CHECK,
        "route53.health-check.reference",
        "InvalidArgument",
        {"referenceName": "a" * 28},
        {"referenceName": "a" * 27},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.regions",
        "InvalidArgument",
        {"regions": ["us-east-1", "us-west-1"]},
        {"regions": ["us-east-1", "us-west-1", "eu-west-1"]},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.interval",
        "InvalidArgument",
        {"requestInterval": 20},
        {"requestInterval": 10},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.path",
        "InvalidArgument",
        {"resourcePath": "/" * 256},
        {"resourcePath": "/healthz"},
    ),
    (
        HEALTH_CHECK,
        "route53.health-check.arn",
        "InvalidArgument",
        {"routingControlArn": "control"},
        {},
    ),
    (
        RECORD,
        "route53.record.health-check-exists",
        "NoSuchHealthCheck",
        {"healthCheckId": "00000000-0000-0000-0000-000000000000"},
        {"healthCheckId": "$check"},
    ),
]
