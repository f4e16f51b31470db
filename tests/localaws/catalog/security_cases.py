"""Refusals of certificates, DNS, WAF, buckets, endpoints, keys and secrets.

`test_refusals.py` runs them.
"""

from __future__ import annotations

import json
from typing import Any

from tests.localaws.catalog.conftest import ELB
from tests.localaws.catalog.refusal_case import Case, Inputs, cases

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"
LISTENER = "aws:lb/listener:Listener"
LISTENER_CERTIFICATE = "aws:lb/listenerCertificate:ListenerCertificate"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
ACL = "aws:wafv2/webAcl:WebAcl"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
ACL_LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
BUCKET = "aws:s3/bucket:Bucket"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
EGRESS_ONLY = "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
SECRET = "aws:secretsmanager/secret:Secret"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"

ROLE_ARN = "arn:aws:iam::123456789012:role/tasks"
ELSEWHERE = "arn:aws:acm:us-east-1:123456789012:certificate/0"
BEFOREHAND = "arn:aws:acm:eu-west-1:123456789012:certificate/0"
LOG_GROUP_ARN = "arn:aws:logs:eu-west-1:123456789012:log-group"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:main-0a1b2c"


def policy(**more: Any) -> str:
    """Return a resource's policy with one statement."""
    principal = {"AWS": "arn:aws:iam::123456789012:root"}
    return json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": principal, "Resource": "*", **more}]}
    )


def containers(**more: Any) -> dict[str, Any]:
    """Return inputs with one container."""
    return {
        "executionRoleArn": ROLE_ARN,
        "containerDefinitions": json.dumps([{"name": "web", "image": "x", **more}]),
    }


ENCRYPTED_ACCESS_POINT = {
    "transitEncryption": "ENABLED",
    "authorizationConfig": {"accessPointId": "fsap-1"},
}


def efs_volume(**more: Any) -> dict[str, Any]:
    """Return inputs with a volume on a file system."""
    return {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", **more}}


def rule(**more: Any) -> dict[str, Any]:
    """Return a web ACL's rule that limits the rate of requests."""
    seen = {"cloudwatchMetricsEnabled": True, "metricName": "rate", "sampledRequestsEnabled": True}
    rate = {"rateBasedStatement": {"limit": 1000, "aggregateKeyType": "IP"}}
    found = {
        "name": "rate",
        "priority": 1,
        "statement": rate,
        "action": {"block": {}},
        "visibilityConfig": seen,
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


MANAGED = {
    "managedRuleGroupStatement": {"name": "AWSManagedRulesCommonRuleSet", "vendorName": "AWS"}
}


def managed(**more: Any) -> dict[str, Any]:
    """Return a web ACL's rule that evaluates a group of AWS's rules."""
    return rule(statement=MANAGED, action=None, overrideAction={"none": {}}, **more)


def response_headers(name: str, wrong: str, right: str) -> tuple[Inputs, Inputs]:
    """Return inputs with a refused and with an accepted value of a header of responses."""
    key = f"routingHttpResponse{name}HeaderValue"
    return {key: wrong}, {key: right}


HTTPS = {"port": 8443, "protocol": "HTTPS", "certificateArn": "$certificate"}
INTERFACE = {"vpcEndpointType": "Interface", "serviceName": "com.amazonaws.eu-west-1.logs"}
ALIAS_TARGET = {
    "name": "no-such-1.eu-west-1.elb.amazonaws.com",
    "zoneId": "Z32O12XQLNTSW2",
    "evaluateTargetHealth": True,
}

CERTIFICATES: list[Case] = [
    (CERTIFICATE, "acm.certificate.source", "InvalidArgument", {"privateKey": "k"}, {}),
    (
        CERTIFICATE,
        "acm.certificate.domain",
        "InvalidArgument",
        {"domainName": "app.example.test."},
        {"domainName": "*.example.test"},
    ),
    (
        CERTIFICATE,
        "acm.certificate.domain",
        "InvalidArgument",
        {"subjectAlternativeNames": ["app.*.test"]},
        {"subjectAlternativeNames": ["*.app.example.test"]},
    ),
    (CERTIFICATE, "acm.certificate.method", "InvalidArgument", {"validationMethod": None}, {}),
    (CERTIFICATE, "acm.certificate.method", "InvalidArgument", {"validationMethod": "PHONE"}, {}),
    (
        CERTIFICATE,
        "acm.certificate.algorithm",
        "InvalidArgument",
        {"keyAlgorithm": "RSA"},
        {"keyAlgorithm": "RSA_4096"},
    ),
    (
        CERTIFICATE,
        "acm.certificate.authority",
        "InvalidArgument",
        {"certificateAuthorityArn": "mine"},
        {},
    ),
    (
        CERTIFICATE,
        "acm.certificate.body",
        "InvalidArgument",
        {"domainName": None, "validationMethod": None, "privateKey": "k"},
        {"domainName": None, "validationMethod": None, "privateKey": "k", "certificateBody": "b"},
    ),
    (
        CERTIFICATE,
        "acm.certificate.quota",
        "LimitExceededException",
        {"subjectAlternativeNames": [f"{number}.example.test" for number in range(10)]},
        {"subjectAlternativeNames": [f"{number}.example.test" for number in range(9)]},
    ),
    (
        VALIDATION,
        "acm.validation.arn",
        "InvalidArgument",
        {"certificateArn": "app.example.test"},
        {},
    ),
    (
        VALIDATION,
        "acm.validation.certificate-exists",
        "ResourceNotFoundException",
        {"certificateArn": BEFOREHAND},
        {},
    ),
    (
        VALIDATION,
        "acm.validation.records",
        "InvalidArgument",
        {"validationRecordFqdns": ["_0.app.example.test"]},
        {},
    ),
    (
        LISTENER,
        "elbv2.certificate.region",
        "CertificateNotFound",
        {**HTTPS, "certificateArn": ELSEWHERE},
        HTTPS,
    ),
    (
        LISTENER,
        "elbv2.listener.tls-policy",
        "SSLPolicyNotFound",
        {**HTTPS, "sslPolicy": "ELBSecurityPolicy-TLS13-1-4-2021-06"},
        {**HTTPS, "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"},
    ),
    (LISTENER, "elbv2.listener.tls-only", "ValidationError", {"certificateArn": BEFOREHAND}, {}),
    (
        LISTENER,
        "elbv2.listener.tls-only",
        "ValidationError",
        {"routingHttpRequestXAmznTlsVersionHeaderName": "X-Tls"},
        {**HTTPS, "routingHttpRequestXAmznTlsVersionHeaderName": "X-Tls"},
    ),
    (
        LISTENER,
        "elbv2.listener.request-header",
        "ValidationError",
        {**HTTPS, "routingHttpRequestXAmznTlsVersionHeaderName": "X Tls"},
        HTTPS,
    ),
    *cases(
        LISTENER,
        "elbv2.listener.response-header",
        "ValidationError",
        response_headers(
            "StrictTransportSecurity", "for ever", "max-age=31536000; includeSubDomains; preload"
        ),
        response_headers("XContentTypeOptions", "sniff", "nosniff"),
        response_headers("XFrameOptions", "NEVER", "SAMEORIGIN"),
        response_headers("AccessControlMaxAge", "86401", "86400"),
        response_headers("AccessControlAllowMethods", "GET,FETCH", "GET,PUT"),
        response_headers("AccessControlAllowCredentials", "false", "true"),
    ),
    (
        LISTENER_CERTIFICATE,
        "elbv2.listener-certificate.arn",
        "InvalidArgument",
        {"certificateArn": "mine"},
        {},
    ),
    (
        LISTENER_CERTIFICATE,
        "elbv2.listener-certificate.listener-exists",
        "ListenerNotFound",
        {"listenerArn": f"{ELB}:listener/app/none/0/0"},
        {},
    ),
    (
        LISTENER_CERTIFICATE,
        "elbv2.listener-certificate.tls-only",
        "ValidationError",
        {"listenerArn": "$listener"},
        {"certificateArn": BEFOREHAND},
    ),
]

NAMES: list[Case] = [
    (ZONE, "route53.zone.name", "InvalidArgument", {"name": "a..test"}, {"name": "a.test."}),
    (
        ZONE,
        "route53.zone.comment",
        "InvalidArgument",
        {"comment": "x" * 257},
        {"comment": "x" * 256},
    ),
    (RECORD, "route53.record.name", "InvalidArgument", {"name": "a..test"}, {"name": "*.one"}),
    (RECORD, "route53.record.type", "InvalidArgument", {"type": "ALIAS"}, {"type": "TXT"}),
    (RECORD, "route53.record.ttl", "InvalidArgument", {"ttl": None}, {"ttl": 0}),
    (
        RECORD,
        "route53.record.ttl",
        "InvalidArgument",
        {"records": None, "aliases": [{**ALIAS_TARGET, "zoneId": "Z0"}]},
        {"records": None, "ttl": None, "aliases": [{**ALIAS_TARGET, "zoneId": "Z0"}]},
    ),
    (RECORD, "route53.record.one-value", "InvalidArgument", {"records": None}, {}),
    (
        RECORD,
        "route53.record.routing",
        "InvalidArgument",
        {"weightedRoutingPolicies": [{"weight": 1}]},
        {"weightedRoutingPolicies": [{"weight": 1}], "setIdentifier": "blue"},
    ),
    (
        RECORD,
        "route53.record.routing",
        "InvalidArgument",
        {
            "weightedRoutingPolicies": [{"weight": 1}],
            "multivalueAnswerRoutingPolicy": True,
            "setIdentifier": "a",
        },
        {"multivalueAnswerRoutingPolicy": True, "setIdentifier": "a"},
    ),
    (
        RECORD,
        "route53.record.value",
        "InvalidChangeBatch",
        {"records": ["192.0.2.1", "web.example.test"]},
        {"records": ["192.0.2.1", "192.0.2.2"]},
    ),
    (
        RECORD,
        "route53.record.value",
        "InvalidChangeBatch",
        {"type": "AAAA", "records": ["192.0.2.1"]},
        {"type": "AAAA", "records": ["2001:db8::1"]},
    ),
    (
        ZONE,
        "route53.zone.vpc-exists",
        "InvalidVPCId",
        {"vpcs": [{"vpcId": "vpc-0"}]},
        {"vpcs": [{"vpcId": "$vpc"}]},
    ),
    (RECORD, "route53.record.zone-exists", "NoSuchHostedZone", {"zoneId": "Z0123"}, {}),
    (
        RECORD,
        "route53.record.cname-apex",
        "InvalidChangeBatch",
        {"name": "example.test", "type": "CNAME"},
        {},
    ),
    (
        RECORD,
        "route53.record.alias-target",
        "InvalidChangeBatch",
        {"records": None, "ttl": None, "aliases": [ALIAS_TARGET]},
        {},
    ),
]

EDGE: list[Case] = [
    (ACL, "wafv2.web-acl.name", "InvalidArgument", {"name": "my acl"}, {"name": "my-acl"}),
    (ACL, "wafv2.web-acl.scope", "InvalidArgument", {"scope": "LOCAL"}, {"scope": "REGIONAL"}),
    (
        ACL,
        "wafv2.web-acl.cloudfront-region",
        "WAFInvalidParameterException",
        {"scope": "CLOUDFRONT"},
        {"scope": "CLOUDFRONT", "region": "us-east-1"},
    ),
    (
        ACL,
        "wafv2.web-acl.description",
        "InvalidArgument",
        {"description": ""},
        {"description": "main"},
    ),
    (ACL, "wafv2.web-acl.unique", "WAFDuplicateItemException", {"name": "main"}, {}),
    (
        ACL,
        "wafv2.web-acl.default-action",
        "InvalidArgument",
        {"defaultAction": {"allow": {}, "block": {}}},
        {"defaultAction": {"block": {}}},
    ),
    (
        ACL,
        "wafv2.web-acl.rules",
        "InvalidArgument",
        {"rules": [rule()], "ruleJson": "[]"},
        {"rules": [rule()]},
    ),
    (
        ACL,
        "wafv2.web-acl.capacity",
        "WAFLimitsExceededException",
        {"rules": [managed(name=f"g{number}", priority=number) for number in range(8)]},
        {"rules": [managed()]},
    ),
    (ACL, "wafv2.rule.name", "InvalidArgument", {"rules": [rule(name="a b")]}, {}),
    (
        ACL,
        "wafv2.rule.priority",
        "InvalidArgument",
        {"rules": [rule(priority=-1)]},
        {"rules": [rule(priority=0)]},
    ),
    (
        ACL,
        "wafv2.rule.rate",
        "WAFInvalidParameterException",
        {"rules": [rule(statement={"rateBasedStatement": {"limit": 9}})]},
        {"rules": [rule(statement={"rateBasedStatement": {"limit": 10}})]},
    ),
    (
        ACL,
        "wafv2.rule.unique",
        "WAFDuplicateItemException",
        {"rules": [rule(), rule(name="other")]},
        {"rules": [rule(), rule(name="other", priority=2)]},
    ),
    (ACL, "catalog.required", "InvalidArgument", {"rules": [rule(visibilityConfig=None)]}, {}),
    (ACL, "wafv2.rule.action", "InvalidArgument", {"rules": [rule(action=None)]}, {}),
    (
        ACL,
        "wafv2.rule.group-action",
        "WAFInvalidParameterException",
        {"rules": [rule(statement=MANAGED)]},
        {"rules": [rule(statement=MANAGED, action=None, overrideAction={"none": {}})]},
    ),
    (
        ACL,
        "wafv2.rule.group-action",
        "WAFInvalidParameterException",
        {"rules": [rule(action=None, overrideAction={"none": {}})]},
        {},
    ),
    (
        ACL,
        "wafv2.metric",
        "InvalidArgument",
        {"rules": [rule(visibilityConfig={"metricName": "a b"})]},
        {},
    ),
    (ASSOCIATION, "wafv2.association.arn", "InvalidArgument", {"webAclArn": "main"}, {}),
    (
        ASSOCIATION,
        "wafv2.association.resource-exists",
        "WAFNonexistentItemException",
        {"resourceArn": f"{ELB}:loadbalancer/app/none/0"},
        {},
    ),
    (
        ASSOCIATION,
        "wafv2.association.web-acl-exists",
        "WAFNonexistentItemException",
        {"webAclArn": "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/none/0"},
        {},
    ),
    (ACL_LOGGING, "wafv2.logging.arn", "InvalidArgument", {"resourceArn": "main"}, {}),
    (
        ACL_LOGGING,
        "wafv2.logging.web-acl-exists",
        "WAFNonexistentItemException",
        {"resourceArn": "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/none/0"},
        {},
    ),
    (
        ACL_LOGGING,
        "wafv2.logging.name",
        "WAFInvalidParameterException",
        {"logDestinationConfigs": [f"{LOG_GROUP_ARN}:/waf/main:*"]},
        {"logDestinationConfigs": [f"{LOG_GROUP_ARN}:aws-waf-logs-x:*"]},
    ),
    (
        ACL_LOGGING,
        "wafv2.logging.name",
        "WAFInvalidParameterException",
        {"logDestinationConfigs": ["arn:aws:s3:::main-logs/waf"]},
        {"logDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-main/waf"]},
    ),
    (
        ACL_LOGGING,
        "wafv2.logging.one",
        "WAFInvalidParameterException",
        {"logDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-a", "arn:aws:s3:::aws-waf-logs-b"]},
        {},
    ),
    (ACL_LOGGING, "wafv2.logging.redacted", "InvalidArgument", {"redactedFields": [{}] * 101}, {}),
]

BUCKETS: list[Case] = [
    (BUCKET, "s3.bucket.name", "InvalidArgument", {"bucket": "Logs"}, {"bucket": "my.logs-2"}),
    (BUCKET, "s3.bucket.name", "InvalidArgument", {"bucket": "10.0.0.1"}, {"bucket": "10.0.0.1a"}),
    (BUCKET, "s3.bucket.unique", "BucketAlreadyExists", {"bucket": "main-logs"}, {}),
    (BUCKET, "s3.bucket.acl", "AccessControlListNotSupported", {"acl": "private"}, {}),
    (OWNERSHIP, "s3.bucket.exists", "NoSuchBucket", {"bucket": "none"}, {}),
    (OWNERSHIP, "s3.ownership.value", "InvalidArgument", {"rule": {"objectOwnership": "Mine"}}, {}),
    (
        VERSIONING,
        "s3.versioning.status",
        "InvalidArgument",
        {"versioningConfiguration": {"status": "On"}},
        {"versioningConfiguration": {"status": "Suspended"}},
    ),
    (ENCRYPTION, "s3.encryption.one", "InvalidArgument", {"rules": []}, {}),
    (
        ENCRYPTION,
        "s3.encryption.algorithm",
        "InvalidArgument",
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES128"}}]},
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]},
    ),
    (
        ENCRYPTION,
        "s3.encryption.key",
        "InvalidArgument",
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "AES256",
                        "kmsMasterKeyId": "k",
                    }
                }
            ]
        },
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": "k",
                    }
                }
            ]
        },
    ),
    (LIFECYCLE, "s3.lifecycle.size", "InvalidArgument", {"rules": []}, {}),
    (
        LIFECYCLE,
        "s3.lifecycle.id",
        "InvalidArgument",
        {"rules": [{"id": "", "expiration": {"days": 1}}]},
        {},
    ),
    (
        LIFECYCLE,
        "s3.lifecycle.status",
        "InvalidArgument",
        {"rules": [{"status": "On", "expiration": {"days": 1}}]},
        {},
    ),
    (
        LIFECYCLE,
        "s3.lifecycle.action",
        "InvalidRequest",
        {"rules": [{"id": "all", "status": "Enabled"}]},
        {},
    ),
    (
        LIFECYCLE,
        "s3.lifecycle.unique",
        "InvalidArgument",
        {"rules": [{"id": "all", "status": "Enabled", "expiration": {"days": 1}}] * 2},
        {},
    ),
    (
        BUCKET_POLICY,
        "s3.bucket-policy.resource",
        "MalformedPolicy",
        {"policy": policy(Action="s3:*", Resource="arn:aws:s3:::other/*")},
        {
            "policy": policy(
                Action="s3:*", Resource=["arn:aws:s3:::main-logs", "arn:aws:s3:::main-logs/*"]
            )
        },
    ),
    (
        BUCKET_POLICY,
        "s3.bucket-policy.public",
        "AccessDenied",
        {
            "policy": policy(
                Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::main-logs/*"
            )
        },
        {
            "policy": policy(
                Effect="Deny", Principal="*", Action="s3:*", Resource="arn:aws:s3:::main-logs/*"
            )
        },
    ),
    (BUCKET_POLICY, "iam.policy.json", "MalformedPolicy", {"policy": "x"}, {}),
    (BUCKET_POLICY, "iam.policy.statement", "MalformedPolicy", {"policy": '{"Statement": []}'}, {}),
    (
        BUCKET_POLICY,
        "iam.policy.effect",
        "MalformedPolicy",
        {"policy": policy(Action="s3:*", Effect="allow")},
        {},
    ),
    (
        BUCKET_POLICY,
        "iam.policy.fields",
        "MalformedPolicy",
        {"policy": policy(Action="s3:*", Principal=None)},
        {},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.log-bucket",
        "InvalidConfigurationRequest",
        {"accessLogs": {"bucket": "main-logs", "enabled": True}},
        {"accessLogs": {"bucket": "main-logs", "enabled": False}},
    ),
    (
        BALANCER,
        "elbv2.load-balancer.log-prefix",
        "InvalidArgument",
        {"accessLogs": {"bucket": "another-accounts", "enabled": True, "prefix": "/web"}},
        {"accessLogs": {"bucket": "another-accounts", "enabled": True, "prefix": "web"}},
    ),
]

NETWORK: list[Case] = [
    (
        VPC,
        "ec2.vpc.ipv6",
        "InvalidArgument",
        {"assignGeneratedIpv6CidrBlock": True, "ipv6IpamPoolId": "ipam-pool-0"},
        {"assignGeneratedIpv6CidrBlock": True},
    ),
    (VPC, "ec2.vpc.ipv6", "InvalidArgument", {"ipv6CidrBlock": "2001:db8::/56"}, {}),
    (SUBNET, "ec2.subnet.ipv6-cidr", "InvalidArgument", {"ipv6CidrBlock": "2001:db8::/65"}, {}),
    (SUBNET, "ec2.subnet.range", "InvalidSubnet.Range", {"ipv6CidrBlock": "2001:db8::/64"}, {}),
    (
        SUBNET,
        "ec2.subnet.ipv6-assign",
        "InvalidParameterValue",
        {"assignIpv6AddressOnCreation": True},
        {},
    ),
    (
        EGRESS_ONLY,
        "ec2.egress-only-gateway.vpc-exists",
        "InvalidVpcID.NotFound",
        {"vpcId": "vpc-0"},
        {},
    ),
    (
        EGRESS,
        "ec2.security-group-rule.prefix-list",
        "InvalidPrefixListID.NotFound",
        {"cidrIpv4": None, "prefixListId": "s3"},
        {"cidrIpv4": None, "prefixListId": "pl-6da54004"},
    ),
    (FLOW_LOG, "ec2.flow-log.one-source", "InvalidArgument", {"subnetId": "$subnet-a"}, {}),
    (FLOW_LOG, "ec2.flow-log.source-exists", "InvalidVpcId.NotFound", {"vpcId": "vpc-0"}, {}),
    (
        FLOW_LOG,
        "ec2.flow-log.source-exists",
        "InvalidSubnetId.NotFound",
        {"vpcId": None, "subnetId": "subnet-0"},
        {"vpcId": None, "subnetId": "$subnet-a"},
    ),
    (FLOW_LOG, "ec2.flow-log.destination", "InvalidArgument", {"logDestination": None}, {}),
    (FLOW_LOG, "ec2.flow-log.destination", "InvalidArgument", {"logDestination": "main-logs"}, {}),
    (
        FLOW_LOG,
        "ec2.flow-log.destination-type",
        "InvalidArgument",
        {"logDestinationType": "file"},
        {},
    ),
    (
        FLOW_LOG,
        "ec2.flow-log.interval",
        "InvalidArgument",
        {"maxAggregationInterval": 30},
        {"maxAggregationInterval": 60},
    ),
    (
        FLOW_LOG,
        "ec2.flow-log.traffic",
        "InvalidArgument",
        {"trafficType": "NONE"},
        {"trafficType": "REJECT"},
    ),
    (FLOW_LOG, "ec2.flow-log.traffic", "InvalidParameter", {"trafficType": None}, {}),
    (
        FLOW_LOG,
        "ec2.flow-log.role",
        "InvalidParameter",
        {"logDestinationType": None, "logDestination": f"{LOG_GROUP_ARN}:/flows"},
        {
            "logDestinationType": None,
            "logDestination": f"{LOG_GROUP_ARN}:/flows",
            "iamRoleArn": "arn:aws:iam::123456789012:role/beforehand",
        },
    ),
    (FLOW_LOG, "ec2.flow-log.role", "InvalidParameter", {"iamRoleArn": ROLE_ARN}, {}),
    (
        FLOW_LOG,
        "ec2.flow-log.role",
        "InvalidParameter",
        {"logDestinationType": None, "logDestination": f"{LOG_GROUP_ARN}:/flows"},
        # Whom the role trusts shows only when logs are delivered.
        {
            "logDestinationType": None,
            "logDestination": f"{LOG_GROUP_ARN}:/flows",
            "iamRoleArn": ROLE_ARN,
        },
    ),
    (ENDPOINT, "ec2.vpc-endpoint.vpc-exists", "InvalidVpcId.NotFound", {"vpcId": "vpc-0"}, {}),
    (ENDPOINT, "ec2.vpc-endpoint.service", "InvalidArgument", {"serviceName": None}, {}),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.region",
        "InvalidServiceName",
        {"serviceName": "com.amazonaws.us-east-1.s3"},
        {"serviceName": "com.amazonaws.eu-west-1.dynamodb"},
    ),
    (ENDPOINT, "ec2.vpc-endpoint.type", "InvalidArgument", {"vpcEndpointType": "Tunnel"}, {}),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.address-type",
        "InvalidArgument",
        {"ipAddressType": "both"},
        {"ipAddressType": "ipv4"},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.gateway-service",
        "InvalidParameter",
        {"serviceName": "com.amazonaws.eu-west-1.logs"},
        INTERFACE,
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.kind",
        "InvalidParameter",
        {"subnetIds": ["$subnet-a"]},
        {"subnetIds": []},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.kind",
        "InvalidParameter",
        {**INTERFACE, "routeTableIds": ["$table"]},
        {**INTERFACE, "subnetIds": ["$subnet-a"]},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.subnet-exists",
        "InvalidSubnetId.NotFound",
        {**INTERFACE, "subnetIds": ["s"]},
        {},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.group-exists",
        "InvalidSecurityGroupId.NotFound",
        {**INTERFACE, "securityGroupIds": ["sg-0"]},
        {**INTERFACE, "securityGroupIds": ["$group"]},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.table-exists",
        "InvalidRouteTableId.NotFound",
        {"routeTableIds": ["rtb-0"]},
        {},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.subnet-per-zone",
        "DuplicateSubnetsInSameZone",
        {**INTERFACE, "subnetIds": ["$subnet-a", "$subnet-a"]},
        {**INTERFACE, "subnetIds": ["$subnet-a", "$subnet-b"]},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.private-dns",
        "InvalidParameter",
        {**INTERFACE, "privateDnsEnabled": True},
        INTERFACE,
    ),
    (
        ENDPOINT,
        "iam.policy.json",
        "InvalidPolicyDocument",
        {"policy": "x"},
        {"policy": policy(Action="*")},
    ),
]

KEYS: list[Case] = [
    (
        KEY,
        "kms.key.deletion-window",
        "InvalidArgument",
        {"deletionWindowInDays": 6},
        {"deletionWindowInDays": 7},
    ),
    (
        KEY,
        "kms.key.description",
        "InvalidArgument",
        {"description": "x" * 8193},
        {"description": "x" * 8192},
    ),
    (KEY, "kms.key.usage", "InvalidArgument", {"keyUsage": "ALL"}, {"keyUsage": "ENCRYPT_DECRYPT"}),
    (
        KEY,
        "kms.key.rotation",
        "InvalidArgument",
        {"rotationPeriodInDays": 90},
        {"rotationPeriodInDays": 90, "enableKeyRotation": True},
    ),
    (
        KEY,
        "kms.key.rotation",
        "UnsupportedOperationException",
        {"customerMasterKeySpec": "RSA_2048", "enableKeyRotation": True},
        {"customerMasterKeySpec": "RSA_2048"},
    ),
    (
        KEY,
        "kms.key.lockout",
        "MalformedPolicyDocumentException",
        {"policy": policy(Action="kms:Decrypt")},
        {"policy": policy(Action="kms:*")},
    ),
    (KEY, "iam.policy.json", "MalformedPolicyDocumentException", {"policy": "x"}, {}),
    (ALIAS, "kms.alias.name", "InvalidArgument", {"name": "main"}, {"name": "alias/main"}),
    (ALIAS, "kms.alias.name", "InvalidArgument", {"name": "alias/aws/s3"}, {}),
    (ALIAS, "kms.alias.key-exists", "NotFoundException", {"targetKeyId": "none"}, {}),
    (LOGS, "logs.group.key-arn", "InvalidArgument", {"kmsKeyId": "alias/logs"}, {}),
    (
        LOG_POLICY,
        "logs.resource-policy.one-name",
        "InvalidArgument",
        {"resourceArn": f"{LOG_GROUP_ARN}:/x"},
        {},
    ),
    (
        LOG_POLICY,
        "logs.resource-policy.name",
        "InvalidArgument",
        {"policyName": ""},
        {"policyName": "a b"},
    ),
    (
        LOG_POLICY,
        "logs.resource-policy.size",
        "InvalidArgument",
        {"policyDocument": policy(Action="logs:PutLogEvents", Sid="x" * 5120)},
        {},
    ),
    (LOG_POLICY, "iam.policy.json", "InvalidParameterException", {"policyDocument": "x"}, {}),
    (SECRET, "secretsmanager.secret.name", "InvalidArgument", {"name": "a b"}, {"name": "a/b@c"}),
    (
        SECRET,
        "secretsmanager.secret.description",
        "InvalidArgument",
        {"description": "x" * 2049},
        {},
    ),
    (
        SECRET,
        "secretsmanager.secret.recovery-window",
        "InvalidArgument",
        {"recoveryWindowInDays": 1},
        {"recoveryWindowInDays": 0},
    ),
    (SECRET, "secretsmanager.secret.unique", "ResourceExistsException", {"name": "main"}, {}),
    (
        SECRET_VERSION,
        "secretsmanager.version.one-value",
        "InvalidArgument",
        {"secretBinary": "eA=="},
        {},
    ),
    (
        SECRET_VERSION,
        "secretsmanager.version.secret-exists",
        "ResourceNotFoundException",
        {"secretId": "none"},
        {},
    ),
]

CONTAINERS: list[Case] = [
    (
        DEFINITION,
        "ecs.container.secret",
        "ClientException",
        containers(secrets=[{"name": "A", "valueFrom": f"{SECRET_ARN}:key"}]),
        containers(
            secrets=[
                {"name": "A", "valueFrom": f"{SECRET_ARN}:key::"},
                {"name": "B", "valueFrom": SECRET_ARN},
            ]
        ),
    ),
    (
        DEFINITION,
        "ecs.container.secret-unique",
        "ClientException",
        containers(
            secrets=[{"name": "A", "valueFrom": "/a"}], environment=[{"name": "A", "value": "b"}]
        ),
        containers(
            secrets=[{"name": "A", "valueFrom": "/a"}], environment=[{"name": "B", "value": "b"}]
        ),
    ),
    (
        DEFINITION,
        "ecs.container.type",
        "ClientException",
        containers(readonlyRootFilesystem="yes"),
        {},
    ),
    (
        DEFINITION,
        "ecs.container.user",
        "ClientException",
        containers(user="a b"),
        containers(user="1000:1000"),
    ),
    (
        DEFINITION,
        "ecs.container.capability",
        "ClientException",
        containers(linuxParameters={"capabilities": {"drop": ["EVERYTHING"]}}),
        containers(linuxParameters={"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True}),
    ),
    (
        DEFINITION,
        "ecs.container.fargate-capability",
        "ClientException",
        containers(linuxParameters={"capabilities": {"add": ["NET_ADMIN"]}}),
        containers(linuxParameters={"capabilities": {"add": ["SYS_PTRACE"]}}),
    ),
    (
        DEFINITION,
        "ecs.container.fargate-forbids",
        "ClientException",
        containers(linuxParameters={"sharedMemorySize": 64}),
        {},
    ),
    (DEFINITION, "ecs.container.awsvpc-forbids", "ClientException", containers(hostname="web"), {}),
    (
        DEFINITION,
        "ecs.container.volume",
        "ClientException",
        containers(mountPoints=[{"sourceVolume": "tmp", "containerPath": "/tmp"}]),
        {
            **containers(mountPoints=[{"sourceVolume": "tmp", "containerPath": "/tmp"}]),
            "volumes": [{"name": "tmp"}],
        },
    ),
    (
        DEFINITION,
        "ecs.container.mount",
        "ClientException",
        {
            **containers(mountPoints=[{"sourceVolume": "tmp", "containerPath": "tmp"}]),
            "volumes": [{"name": "tmp"}],
        },
        {"volumes": [{"name": "tmp"}]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.volume-unique",
        "ClientException",
        {"volumes": [{"name": "tmp"}, {"name": "tmp"}]},
        {"volumes": [{"name": "tmp"}, {"name": "run"}]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.efs-encryption",
        "ClientException",
        {
            "volumes": [
                efs_volume(
                    transitEncryption="DISABLED", authorizationConfig={"accessPointId": "fsap-1"}
                )
            ]
        },
        {"volumes": [efs_volume(transitEncryption="DISABLED")]},
    ),
    (
        DEFINITION,
        "ecs.task-definition.efs-encryption",
        "ClientException",
        {"volumes": [efs_volume(authorizationConfig={"iam": "ENABLED"})]},
        {
            "volumes": [
                efs_volume(transitEncryption="ENABLED", authorizationConfig={"iam": "ENABLED"})
            ]
        },
    ),
    (
        DEFINITION,
        "ecs.task-definition.efs-root",
        "ClientException",
        {"volumes": [efs_volume(**ENCRYPTED_ACCESS_POINT, rootDirectory="/data")]},
        {"volumes": [efs_volume(**ENCRYPTED_ACCESS_POINT, rootDirectory="/")]},
    ),
]

SECURITY_CASES: list[Case] = [*CERTIFICATES, *NAMES, *EDGE, *BUCKETS, *NETWORK, *KEYS, *CONTAINERS]
