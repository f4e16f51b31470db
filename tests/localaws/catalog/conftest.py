"""An account with a small system in it, for tests of rules and lifecycles."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.catalog import Refused
from tests.localaws.catalog.scaling_cases import tracking

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.catalog import Resource

REGION = "eu-west-1"
ELB = f"arn:aws:elasticloadbalancing:{REGION}:123456789012"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
MISSING_TARGET_GROUP = f"{ELB}:targetgroup/none/0123456789abcdef"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"


class Account(Cloud):
    """A cloud with short calls to create resources, and minimal valid inputs for each type."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.made: dict[str, Resource] = {}

    def make(self, token: str, label: str = "", /, **inputs: Any) -> Resource:
        """Create a resource with exactly these inputs."""
        resource = self.create(
            token, f"urn:{token}:{label}:{len(self.made)}", inputs, region=REGION
        )
        self.acknowledge(resource.token, resource.id)
        resource = self._existing(resource.token, resource.id)
        self.made[label or resource.id] = resource
        return resource

    def minimal(self, token: str) -> dict[str, Any]:
        """Return the minimal inputs that AWS accepts for another resource of the type here."""
        return MINIMAL[token](self)

    def id(self, name: str) -> str:
        return self.made[name].id


def refusal(account: Account, token: str, identifier: str) -> tuple[str, str]:
    """Return the rule and the error code that refuse a deletion."""
    with pytest.raises(Refused) as refused:
        account.delete(token, identifier)
    return refused.value.refusals[0].rule, refused.value.refusals[0].code


def statement(**more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **more}]})


def image_rule(*, priority: int = 1, action: str = "expire", **selection: Any) -> dict[str, Any]:
    """A rule of an ECR lifecycle policy, about images without a tag by default."""
    return {
        "rulePriority": priority,
        "selection": {
            "tagStatus": "untagged",
            "countType": "imageCountMoreThan",
            "countNumber": 5,
            **selection,
        },
        "action": {"type": action},
    }


def image_lifecycle(*rules: dict[str, Any]) -> str:
    """An ECR lifecycle policy."""
    return json.dumps({"rules": rules or [image_rule()]})


TRUST = statement(Action="sts:AssumeRole", Principal={"Service": "ecs-tasks.amazonaws.com"})
GRANT = statement(Action="logs:PutLogEvents", Resource="*")


TEMPLATE = {"name": "template", "imageId": "ami-0123456789abc8664", "instanceType": "t3.small"}

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

LOG_DELIVERY_POLICY = statement(
    Action="logs:PutLogEvents", Resource="*", Principal={"Service": "delivery.logs.amazonaws.com"}
)


def bucket_policy(bucket: str, **more: Any) -> str:
    return statement(
        **{
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            **more,
        }
    )


def web_acl(name: str) -> dict[str, Any]:
    seen = {"cloudwatchMetricsEnabled": True, "metricName": name, "sampledRequestsEnabled": True}
    return {
        "name": name,
        "scope": "REGIONAL",
        "defaultAction": {"allow": {}},
        "visibilityConfig": seen,
    }


def containers(**more: Any) -> str:
    return json.dumps(
        [{"name": "web", "image": "nginx", "portMappings": [{"containerPort": 80}], **more}]
    )


def fargate(**more: Any) -> dict[str, Any]:
    """Return a valid Fargate task definition."""
    return {
        "family": "web",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": containers(),
        **more,
    }


def forward(arn: str) -> list[dict[str, Any]]:
    return [{"type": "forward", "targetGroupArn": arn}]


NOT_FOUND = [
    {"type": "fixed-response", "fixedResponse": {"contentType": "text/plain", "statusCode": "404"}}
]


def one_more_service(account: Account) -> str:
    """Create a service that isn't scaled yet, and return its resource id."""
    name = f"scaled-{len(account.made)}"
    more = {**account.minimal("aws:ecs/service:Service"), "name": name}
    account.make("aws:ecs/service:Service", **more)
    return f"service/main/{name}"


SCALED = {
    "resourceId": "service/main/web",
    "scalableDimension": "ecs:service:DesiredCount",
    "serviceNamespace": "ecs",
}

MINIMAL: dict[str, Callable[[Account], dict[str, Any]]] = {
    "aws:appautoscaling/policy:Policy": lambda _: {
        **SCALED,
        "name": "one-more",
        "policyType": "TargetTrackingScaling",
        "targetTrackingScalingPolicyConfiguration": tracking(),
    },
    "aws:appautoscaling/scheduledAction:ScheduledAction": lambda _: {
        **SCALED,
        "name": "one-more",
        "schedule": "cron(0 8 * * ? *)",
        "scalableTargetAction": {"minCapacity": 1},
    },
    "aws:appautoscaling/target:Target": lambda a: {
        **SCALED,
        "resourceId": one_more_service(a),
        "minCapacity": 1,
        "maxCapacity": 4,
    },
    "aws:acm/certificate:Certificate": lambda _: {
        "domainName": "app.example.test",
        "validationMethod": "DNS",
    },
    "aws:acm/certificateValidation:CertificateValidation": lambda a: {
        "certificateArn": a.id("certificate")
    },
    "aws:autoscaling/group:Group": lambda a: {
        "name": "one-more",
        "minSize": 0,
        "maxSize": 2,
        "launchTemplate": {"id": a.id("template"), "version": "1"},
        "vpcZoneIdentifiers": [a.id("subnet-a"), a.id("subnet-b")],
    },
    "aws:ec2/launchTemplate:LaunchTemplate": lambda _: {**TEMPLATE, "name": "one-more"},
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration": lambda _: {
        "configurationName": "one-more",
        "iamRoleArn": "arn:aws:iam::123456789012:role/chat",
        "slackChannelId": "C0123456789",
        "slackTeamId": "T0123456789",
    },
    "aws:cloudwatch/dashboard:Dashboard": lambda _: {
        "dashboardName": "one-more",
        "dashboardBody": json.dumps({"widgets": []}),
    },
    "aws:cloudwatch/eventRule:EventRule": lambda _: {
        "name": "one-more",
        "eventPattern": json.dumps({"source": ["aws.ecs"]}),
    },
    "aws:cloudwatch/eventTarget:EventTarget": lambda a: {
        "rule": a.id("event-rule"),
        "arn": a.id("topic"),
    },
    "aws:cloudwatch/logGroup:LogGroup": lambda _: {"name": "/one/more"},
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": lambda _: {
        "policyName": "one-more",
        "policyDocument": LOG_DELIVERY_POLICY,
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": lambda _: {
        "name": "one-more",
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 3,
        "metricName": "HTTPCode_Target_5XX_Count",
        "namespace": "AWS/ApplicationELB",
        "period": 60,
        "statistic": "Sum",
        "threshold": 10,
    },
    "aws:ec2/defaultSubnet:DefaultSubnet": lambda _: {"availabilityZone": "eu-west-1b"},
    "aws:ec2/defaultVpc:DefaultVpc": lambda _: {},
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": lambda a: {"vpcId": a.id("vpc")},
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": lambda a: {
        "defaultNetworkAclId": a.made["vpc"].outputs["defaultNetworkAclId"]
    },
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": lambda a: {"vpcId": a.id("vpc")},
    "aws:ec2/eip:Eip": lambda _: {},
    "aws:ec2/flowLog:FlowLog": lambda a: {
        "vpcId": a.id("vpc"),
        "trafficType": "ALL",
        "logDestinationType": "s3",
        "logDestination": "arn:aws:s3:::main-logs",
    },
    "aws:ec2/internetGateway:InternetGateway": lambda _: {},
    "aws:ec2/natGateway:NatGateway": lambda a: {
        "subnetId": a.id("subnet-a"),
        "connectivityType": "private",
    },
    "aws:ec2/networkAcl:NetworkAcl": lambda a: {"vpcId": a.id("vpc")},
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": lambda a: {
        "networkAclId": a.made["vpc"].outputs["defaultNetworkAclId"],
        "subnetId": a.id("subnet-b"),
    },
    "aws:ec2/networkAclRule:NetworkAclRule": lambda a: {
        "networkAclId": a.made["vpc"].outputs["defaultNetworkAclId"],
        "ruleNumber": 200,
        "ruleAction": "deny",
        "protocol": "tcp",
        "fromPort": 80,
        "toPort": 80,
        "cidrBlock": "192.0.2.0/24",
    },
    "aws:ec2/route:Route": lambda a: {
        "routeTableId": a.id("table"),
        "destinationCidrBlock": "192.168.0.0/16",
        "gatewayId": a.id("gateway"),
    },
    "aws:ec2/routeTable:RouteTable": lambda a: {"vpcId": a.id("vpc")},
    "aws:ec2/routeTableAssociation:RouteTableAssociation": lambda a: {
        "routeTableId": a.id("table"),
        "subnetId": a.id("subnet-b"),
    },
    "aws:ec2/securityGroup:SecurityGroup": lambda a: {"name": "one-more", "vpcId": a.id("vpc")},
    "aws:ec2/securityGroupRule:SecurityGroupRule": lambda a: {
        "type": "ingress",
        "securityGroupId": a.id("group"),
        "protocol": "tcp",
        "fromPort": 8443,
        "toPort": 8443,
        "cidrBlocks": ["10.0.0.0/8"],
    },
    "aws:ec2/subnet:Subnet": lambda a: {"vpcId": a.id("vpc"), "cidrBlock": "10.0.9.0/24"},
    "aws:ec2/vpc:Vpc": lambda _: {"cidrBlock": "10.9.0.0/16"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda a: {
        "vpcId": a.id("vpc"),
        "serviceName": f"com.amazonaws.{REGION}.s3",
    },
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lambda a: {
        "repository": a.id("repository"),
        "policy": image_lifecycle(),
    },
    "aws:ecr/repository:Repository": lambda _: {"name": "one/more"},
    "aws:ecr/repositoryPolicy:RepositoryPolicy": lambda a: {
        "repository": a.id("repository"),
        "policy": statement(
            Effect="Allow", Principal={"AWS": "123456789012"}, Action="ecr:BatchGetImage"
        ),
    },
    "aws:ecs/capacityProvider:CapacityProvider": lambda a: {
        "name": "one-more",
        "autoScalingGroupProvider": {"autoScalingGroupArn": a.id("scaling-arn")},
    },
    "aws:ecs/cluster:Cluster": lambda _: {"name": "one-more"},
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": lambda _: {
        "clusterName": "main",
        "capacityProviders": ["FARGATE"],
    },
    "aws:ecs/service:Service": lambda a: {
        "name": "one-more",
        "cluster": a.id("cluster"),
        "taskDefinition": a.id("definition"),
        "launchType": "FARGATE",
        "networkConfiguration": {"subnets": [a.id("subnet-a")]},
    },
    "aws:ecs/taskDefinition:TaskDefinition": lambda _: fargate(family="one-more"),
    "aws:efs/accessPoint:AccessPoint": lambda a: {"fileSystemId": a.id("files")},
    "aws:efs/fileSystem:FileSystem": lambda _: {},
    "aws:efs/fileSystemPolicy:FileSystemPolicy": lambda a: {
        "fileSystemId": a.id("files"),
        "policy": statement(
            Action="elasticfilesystem:ClientMount",
            Resource="*",
            Principal={"AWS": "arn:aws:iam::123456789012:root"},
        ),
    },
    "aws:efs/mountTarget:MountTarget": lambda a: {
        "fileSystemId": a.id("files"),
        "subnetId": a.id("subnet-a"),
    },
    "aws:iam/instanceProfile:InstanceProfile": lambda _: {"name": "one-more", "role": "tasks"},
    "aws:iam/policy:Policy": lambda _: {"name": "one-more", "policy": GRANT},
    "aws:iam/role:Role": lambda _: {"name": "one-more", "assumeRolePolicy": TRUST},
    "aws:iam/rolePolicy:RolePolicy": lambda _: {
        "name": "one-more",
        "role": "tasks",
        "policy": GRANT,
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda _: {
        "role": "tasks",
        "policyArn": "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    },
    "aws:iam/serverCertificate:ServerCertificate": lambda _: {
        "name": "one-more",
        "certificateBody": PEM,
        "privateKey": PEM.replace("CERTIFICATE", "PRIVATE KEY"),
    },
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": lambda _: {
        "awsServiceName": "rds.amazonaws.com"
    },
    "aws:iam/user:User": lambda _: {"name": "one-more"},
    "aws:iam/userPolicy:UserPolicy": lambda _: {
        "name": "one-more",
        "user": "deployer",
        "policy": GRANT,
    },
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": lambda _: {
        "user": "deployer",
        "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    },
    "aws:kms/alias:Alias": lambda a: {"name": "alias/one/more", "targetKeyId": a.id("key")},
    "aws:kms/keyPolicy:KeyPolicy": lambda a: {
        "keyId": a.id("key"),
        "policy": statement(
            Action="kms:*", Resource="*", Principal={"AWS": "arn:aws:iam::123456789012:root"}
        ),
    },
    "aws:kms/key:Key": lambda _: {},
    "aws:lb/listener:Listener": lambda a: {
        "loadBalancerArn": a.id("balancer"),
        "port": 81,
        "defaultActions": NOT_FOUND,
    },
    "aws:lb/listenerCertificate:ListenerCertificate": lambda a: {
        "listenerArn": a.id("secure-listener"),
        "certificateArn": a.id("certificate"),
    },
    "aws:lb/listenerRule:ListenerRule": lambda a: {
        "listenerArn": a.id("listener"),
        "actions": NOT_FOUND,
        "conditions": [{"pathPattern": {"values": ["/more"]}}],
    },
    "aws:lb/loadBalancer:LoadBalancer": lambda a: {
        "name": "one-more",
        "subnets": [a.id("subnet-a"), a.id("subnet-b")],
    },
    "aws:lb/targetGroup:TargetGroup": lambda a: {
        "name": "one-more",
        "port": 80,
        "protocol": "HTTP",
        "targetType": "ip",
        "vpcId": a.id("vpc"),
    },
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": lambda a: {
        "targetGroupArn": a.id("target"),
        "targetId": "10.0.1.9",
    },
    "aws:lb/trustStore:TrustStore": lambda _: {
        "name": "one-more",
        "caCertificatesBundleS3Bucket": "main-logs",
        "caCertificatesBundleS3Key": "ca.pem",
    },
    "aws:route53/healthCheck:HealthCheck": lambda _: {"type": "HTTPS", "fqdn": "app.example.test"},
    "aws:route53/record:Record": lambda a: {
        "zoneId": a.id("zone"),
        "name": "one.more.test",
        "type": "A",
        "ttl": 60,
        "records": ["192.0.2.1"],
    },
    "aws:route53/zone:Zone": lambda _: {"name": "one-more.test"},
    "aws:s3/bucket:Bucket": lambda _: {"bucket": "one-more"},
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lambda _: {
        "bucket": "main-logs",
        "rules": [{"id": "all", "status": "Enabled", "filter": {}, "expiration": {"days": 90}}],
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": lambda _: {
        "bucket": "main-logs",
        "rule": {"objectOwnership": "BucketOwnerEnforced"},
    },
    "aws:s3/bucketPolicy:BucketPolicy": lambda _: {
        "bucket": "main-logs",
        "policy": bucket_policy("main-logs"),
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": lambda _: {"bucket": "main-logs"},
    ENCRYPTION: lambda _: {
        "bucket": "main-logs",
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
    },
    "aws:s3/bucketVersioning:BucketVersioning": lambda _: {
        "bucket": "main-logs",
        "versioningConfiguration": {"status": "Enabled"},
    },
    "aws:secretsmanager/secret:Secret": lambda _: {"name": "one/more"},
    "aws:secretsmanager/secretVersion:SecretVersion": lambda a: {
        "secretId": a.id("secret"),
        "secretString": "hello",
    },
    "aws:servicediscovery/httpNamespace:HttpNamespace": lambda _: {"name": "one-more"},
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": lambda a: {
        "name": "one-more.internal",
        "vpc": a.id("vpc"),
    },
    "aws:servicediscovery/service:Service": lambda a: {
        "name": "one-more",
        "namespaceId": a.id("internal"),
    },
    "aws:sns/topic:Topic": lambda _: {"name": "one-more"},
    "aws:sns/topicPolicy:TopicPolicy": lambda a: {
        "arn": a.id("topic"),
        "policy": statement(
            Action="sns:Publish",
            Resource=a.id("topic"),
            Principal={"Service": "events.amazonaws.com"},
        ),
    },
    "aws:sns/topicSubscription:TopicSubscription": lambda a: {
        "topic": a.id("topic"),
        "protocol": "email",
        "endpoint": "one.more@example.test",
    },
    "aws:ssm/parameter:Parameter": lambda _: {
        "name": "/one/more",
        "type": "String",
        "value": "hello",
    },
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": lambda a: {
        "securityGroupId": a.id("group"),
        "ipProtocol": "-1",
        "cidrIpv4": "0.0.0.0/0",
    },
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": lambda a: {
        "securityGroupId": a.id("group"),
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "cidrIpv4": "10.0.0.0/8",
    },
    "aws:wafv2/ipSet:IpSet": lambda _: {
        "name": "one-more",
        "scope": "REGIONAL",
        "ipAddressVersion": "IPV4",
    },
    "aws:wafv2/webAcl:WebAcl": lambda _: web_acl("one-more"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": lambda a: {
        "webAclArn": a.made["acl"].computed["arn"],
        "resourceArn": a.id("balancer"),
    },
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": lambda a: {
        "resourceArn": a.made["acl"].computed["arn"],
        "logDestinationConfigs": [
            f"arn:aws:logs:{REGION}:123456789012:log-group:aws-waf-logs-main"
        ],
    },
}
"""For each type, the least that AWS accepts for one more resource in the account below."""


@pytest.fixture
def account() -> Account:
    """A VPC with two public subnets, a load balancer with a target group, and its service."""
    return deepcopy(_whole_account())


@cache
def _whole_account() -> Account:
    """Make the account, which takes ten times as long as a copy of it."""
    made = Account()
    vpc = made.make("aws:ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16").id
    gateway = made.make("aws:ec2/internetGateway:InternetGateway", "gateway", vpcId=vpc).id
    subnets = [
        made.make(
            "aws:ec2/subnet:Subnet",
            f"subnet-{zone}",
            vpcId=vpc,
            cidrBlock=f"10.0.{number}.0/24",
            availabilityZone=f"{REGION}{zone}",
        ).id
        for number, zone in enumerate("ab")
    ]
    table = made.make("aws:ec2/routeTable:RouteTable", "table", vpcId=vpc).id
    made.make(
        "aws:ec2/route:Route",
        "route",
        routeTableId=table,
        destinationCidrBlock="0.0.0.0/0",
        gatewayId=gateway,
    )
    made.make(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "association",
        routeTableId=table,
        subnetId=subnets[0],
    )
    group = made.make("aws:ec2/securityGroup:SecurityGroup", "group", name="web", vpcId=vpc).id
    made.make(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "ingress",
        securityGroupId=group,
        ipProtocol="tcp",
        fromPort=80,
        toPort=80,
        cidrIpv4="0.0.0.0/0",
    )
    balancer = made.make(
        "aws:lb/loadBalancer:LoadBalancer",
        "balancer",
        name="web",
        subnets=subnets,
        securityGroups=[group],
    ).id
    target = made.make(
        "aws:lb/targetGroup:TargetGroup", "target", **{**made.minimal(TARGET_GROUP), "name": "web"}
    ).id
    listener = made.make(
        "aws:lb/listener:Listener",
        "listener",
        loadBalancerArn=balancer,
        port=80,
        defaultActions=NOT_FOUND,
    ).id
    made.make(
        "aws:lb/listenerRule:ListenerRule",
        "rule",
        listenerArn=listener,
        priority=10,
        actions=forward(target),
        conditions=[{"pathPattern": {"values": ["/*"]}}],
    )
    made.make("aws:iam/role:Role", "role", assumeRolePolicy=TRUST, name="tasks")
    cluster = made.make("aws:ecs/cluster:Cluster", "cluster", name="main").id
    definition = made.make("aws:ecs/taskDefinition:TaskDefinition", "definition", **fargate()).id
    made.make(
        "aws:ecs/service:Service",
        "service",
        name="web",
        cluster=cluster,
        taskDefinition=definition,
        launchType="FARGATE",
        desiredCount=2,
        networkConfiguration={
            "subnets": subnets,
            "securityGroups": [group],
            "assignPublicIp": True,
        },
        loadBalancers=[{"targetGroupArn": target, "containerName": "web", "containerPort": 80}],
    )
    made.make("aws:appautoscaling/target:Target", "scaled", **SCALED, minCapacity=1, maxCapacity=4)
    policy = {**made.minimal("aws:appautoscaling/policy:Policy"), "name": "cpu"}
    made.make("aws:appautoscaling/policy:Policy", "policy", **policy)
    action = made.minimal("aws:appautoscaling/scheduledAction:ScheduledAction")
    made.make("aws:appautoscaling/scheduledAction:ScheduledAction", **{**action, "name": "night"})
    label = f"{balancer.partition(':loadbalancer/')[2]}/{target.rpartition(':')[2]}"
    made.made["request-label"] = replace(made.made["target"], id=label)
    made.make("aws:cloudwatch/logGroup:LogGroup", "logs", name="/web")
    made.make("aws:s3/bucket:Bucket", "bucket", bucket="main-logs")
    made.make("aws:kms/key:Key", "key")
    made.make("aws:ecr/repository:Repository", "repository", name="shop")
    made.make("aws:secretsmanager/secret:Secret", "secret", name="main")
    made.make("aws:wafv2/webAcl:WebAcl", "acl", **web_acl("main"))
    made.make("aws:ec2/eip:Eip", "address")
    _add_https(made)
    for label, kind, more in (
        ("function-group", "lambda", dict.fromkeys(("port", "protocol", "vpcId"))),
        ("instance-group", "instance", {}),
        ("balancer-group", "alb", {"protocol": "TCP"}),
        ("quic-group", "ip", {"protocol": "QUIC"}),
    ):
        inputs = {**made.minimal(TARGET_GROUP), "name": label, "targetType": kind, **more}
        made.make(
            TARGET_GROUP,
            label,
            **{name: value for name, value in inputs.items() if value is not None},
        )
    _add_file_systems_and_namespaces(made)
    _add_users_and_edges(made)
    return made


def _add_users_and_edges(made: Account) -> None:
    """Create a user, and resources that load balancers, web ACLs and records can refer to."""
    for token, label, more in (
        ("aws:iam/user:User", "user", {"name": "deployer"}),
        ("aws:iam/serverCertificate:ServerCertificate", "uploaded", {"name": "uploaded"}),
        (
            "aws:iam/serviceLinkedRole:ServiceLinkedRole",
            "linked-role",
            {"awsServiceName": "elasticloadbalancing.amazonaws.com"},
        ),
        ("aws:lb/trustStore:TrustStore", "clients", {"name": "clients"}),
        ("aws:route53/healthCheck:HealthCheck", "check", {}),
        ("aws:wafv2/ipSet:IpSet", "offices", {"name": "offices"}),
        ("aws:sns/topic:Topic", "topic", {"name": "alarms"}),
        ("aws:cloudwatch/eventRule:EventRule", "event-rule", {"name": "deployments"}),
        ("aws:cloudwatch/dashboard:Dashboard", "dashboard", {"dashboardName": "main"}),
        (SLACK, "slack", {"configurationName": "main", "slackChannelId": "C1"}),
    ):
        made.make(token, label, **{**made.minimal(token), **more})
    for label in ("offices", "uploaded"):
        resource = made.made[label]
        made.made[f"{label}-arn"] = replace(resource, id=resource.outputs["arn"])


def _add_file_systems_and_namespaces(made: Account) -> None:
    """Create a file system with a mount target, and namespaces, one of them with a service."""
    made.make("aws:efs/fileSystem:FileSystem", "files", creationToken="files")
    made.make("aws:efs/fileSystem:FileSystem", "more-files", availabilityZoneName="eu-west-1b")
    made.make(
        "aws:efs/mountTarget:MountTarget",
        "mount",
        fileSystemId=made.id("files"),
        subnetId=made.id("subnet-b"),
        ipAddress="10.0.1.77",
    )
    _add_instances(made)
    vpc = made.id("vpc")
    internal = made.make(
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
        "internal",
        name="internal",
        vpc=vpc,
    ).id
    made.make("aws:servicediscovery/httpNamespace:HttpNamespace", "http", name="http")
    registry = made.make(
        "aws:servicediscovery/service:Service", "registry", name="web", namespaceId=internal
    )
    made.made["registry-arn"] = replace(registry, id=registry.outputs["arn"])
    with_ports = made.make(
        "aws:servicediscovery/service:Service",
        "srv-registry",
        name="ports",
        dnsConfig={"namespaceId": internal, "dnsRecords": [{"type": "SRV", "ttl": 10}]},
    )
    made.made["srv-registry-arn"] = replace(with_ports, id=with_ports.outputs["arn"])
    other = made.make("aws:ec2/vpc:Vpc", "other-vpc", cidrBlock="10.8.0.0/16").id
    made.make(
        "aws:ec2/subnet:Subnet",
        "other-subnet",
        vpcId=other,
        cidrBlock="10.8.1.0/24",
        availabilityZone=f"{REGION}c",
    )
    made.make("aws:ec2/securityGroup:SecurityGroup", "other-group", name="other", vpcId=other)


def _add_instances(made: Account) -> None:
    """Create launch templates, Auto Scaling groups, and a capacity provider of one of them."""
    for label, more in (
        ("template", {}),
        ("template-arm", {"imageId": "ami-0123456789abcda64"}),
        ("template-group", {"vpcSecurityGroupIds": [made.id("group")]}),
    ):
        inputs = {**TEMPLATE, **more, "name": label}
        made.make("aws:ec2/launchTemplate:LaunchTemplate", label, **inputs)
    managed: dict[str, Any] = {
        "protectFromScaleIn": True,
        "tags": [{"key": "AmazonECSManaged", "value": "true", "propagateAtLaunch": True}],
    }
    for label, settings in (("scaling", managed), ("busy", managed), ("plain", {})):
        inputs = {**made.minimal("aws:autoscaling/group:Group"), **settings, "name": label}
        group = made.make("aws:autoscaling/group:Group", label, **inputs)
        made.made[f"{label}-arn"] = replace(group, id=group.outputs["arn"])
    made.make(
        "aws:ecs/capacityProvider:CapacityProvider",
        "instances",
        name="instances",
        autoScalingGroupProvider={"autoScalingGroupArn": made.id("busy-arn")},
    )
    made.make(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "providers",
        clusterName="main",
        capacityProviders=["instances", "FARGATE", "FARGATE_SPOT"],
    )


def _add_https(made: Account) -> None:
    """Create a zone, a validated certificate, and a listener that serves it."""
    zone = made.make("aws:route53/zone:Zone", "zone", name="example.test").id
    certificate = made.make(
        "aws:acm/certificate:Certificate",
        "certificate",
        domainName="app.example.test",
        validationMethod="DNS",
    )
    for option in certificate.computed["domainValidationOptions"]:
        made.make(
            "aws:route53/record:Record",
            "proof",
            zoneId=zone,
            name=option["resourceRecordName"],
            type=option["resourceRecordType"],
            ttl=60,
            records=[option["resourceRecordValue"]],
        )
    made.make(
        "aws:lb/listener:Listener",
        "secure-listener",
        loadBalancerArn=made.id("balancer"),
        port=443,
        protocol="HTTPS",
        certificateArn=certificate.id,
        defaultActions=NOT_FOUND,
    )
