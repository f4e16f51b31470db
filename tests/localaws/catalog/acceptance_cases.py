"""Cases in which the catalog once differed from AWS, from the provider's acceptance tests.

`test_refusals.py` runs them.
"""

from __future__ import annotations

import json
from typing import Any

from tests.localaws.catalog.refusal_case import Case, cases

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
CLUSTER = "aws:ecs/cluster:Cluster"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
KEY = "aws:kms/key:Key"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
POLICY = "aws:iam/policy:Policy"
RECORD = "aws:route53/record:Record"
ROLE = "aws:iam/role:Role"
RULE = "aws:lb/listenerRule:ListenerRule"
SERVICE = "aws:ecs/service:Service"
TARGETS = "aws:lb/targetGroup:TargetGroup"


def network_check(**more: Any) -> dict[str, Any]:
    return {"protocol": "TCP", "healthCheck": {"protocol": "TCP", "interval": 10, **more}}


def lifecycle(**filtered: Any) -> dict[str, Any]:
    rule = {"id": "all", "status": "Enabled", "expiration": {"days": 90}, "filter": filtered}
    return {"rules": [rule]}


def moved(storage: str) -> dict[str, Any]:
    transition = {"days": 30, "storageClass": storage}
    return {
        "rules": [{"id": "all", "status": "Enabled", "filter": {}, "transitions": [transition]}]
    }


def interface(name: str, **more: Any) -> dict[str, Any]:
    return {"vpcEndpointType": "Interface", "serviceName": name, **more}


def forward(*groups: str) -> dict[str, Any]:
    block = {"targetGroups": [{"arn": each} for each in groups]}
    return {"actions": [{"type": "forward", "targetGroupArn": "$target", "forward": block}]}


def document(version: str = "Version", **statement: Any) -> str:
    return json.dumps({version: "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def grant(**more: Any) -> dict[str, Any]:
    return {"policy": document(**{"Action": "s3:GetObject", "Resource": "*", **more})}


def trust(version: str = "Version", **more: Any) -> dict[str, Any]:
    service = {"Service": "ecs-tasks.amazonaws.com"}
    return {
        "assumeRolePolicy": document(
            version, **{"Action": "sts:AssumeRole", "Principal": service, **more}
        )
    }


def tcp(*networks: str, ipv6: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return inline rules for one port."""
    sources = {
        "cidrBlocks": list(networks),
        "ipv6CidrBlocks": list(ipv6),
        "securityGroups": list(groups),
    }
    return {"ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80, **sources}]}


def placed(*strategies: tuple[str, str], **more: Any) -> dict[str, Any]:
    ordered = [{"type": kind, "field": field} for kind, field in strategies]
    launch = {"launchType": "EC2", "availabilityZoneRebalancing": "ENABLED"}
    return {**launch, "orderedPlacementStrategies": ordered, **more}


def task(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a Fargate task of 256 CPU units and 512 MiB with several containers."""
    named = [
        {"name": f"c{number}", "image": "nginx", **each} for number, each in enumerate(containers)
    ]
    return {"containerDefinitions": json.dumps(named), **more}


TO_ROUTER = {"logConfiguration": {"logDriver": "awsfirelens"}}
ROUTER = {"firelensConfiguration": {"type": "fluentbit"}}


def router(kind: str, value: str) -> dict[str, Any]:
    """Return a log router with further configuration."""
    options = {"config-file-type": kind, "config-file-value": value}
    return {"firelensConfiguration": {"type": "fluentbit", "options": options}}


def lines(limit: object) -> dict[str, Any]:
    """Return a container whose output waits for its log router up to a limit."""
    options = {"log-driver-buffer-limit": limit}
    return {"logConfiguration": {"logDriver": "awsfirelens", "options": options}}


NETWORKS = tuple(f"10.{number}.0.0/16" for number in range(61))
ZONE = "attribute:ecs.availability-zone"
ON_ZONE = [{"type": "memberOf", "expression": f"{ZONE} in [eu-west-1a]"}]
INVALID = "InvalidParameterException"

CLIENT = "ClientException"
OPEN_FILES = {"name": "nofile", "softLimit": 1024, "hardLimit": 4096}

ACCEPTANCE_CASES: list[Case] = [
    (
        LIFECYCLE,
        "catalog.input",
        "InvalidArgument",
        lifecycle(and_={"prefix": "logs/"}),
        lifecycle(**{"and": {"prefix": "logs/", "tags": {"a": "b"}}}),
    ),
    (
        TARGETS,
        "elbv2.target-group.health-timeout",
        "ValidationError",
        network_check(timeout=11),
        network_check(),
    ),
    (
        TARGETS,
        "elbv2.target-group.health-timeout",
        "ValidationError",
        {"healthCheck": {"interval": 10, "timeout": 10}},
        network_check(timeout=10),
    ),
    (
        TARGETS,
        "elbv2.target-group.health-tcp",
        "InvalidArgument",
        network_check(path="/"),
        {"protocol": "TCP", "healthCheck": {"path": "/"}},
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.region",
        "InvalidServiceName",
        interface("com.amazonaws.vpce.us-east-1.vpce-svc-0e123abc123198abc"),
        interface("com.amazonaws.vpce.eu-west-1.vpce-svc-0e123abc123198abc"),
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.region",
        "InvalidServiceName",
        interface("com.amazonaws.us-east-1.logs"),
        interface("com.amazonaws.us-east-1.logs", serviceRegion="us-east-1"),
    ),
    (
        ENDPOINT,
        "ec2.vpc-endpoint.region",
        "InvalidServiceName",
        interface("com.amazonaws.us-gov-west-1.logs"),
        interface("com.amazonaws.route53"),
    ),
    (
        ENDPOINT,
        "iam.policy.json",
        "InvalidPolicyDocument",
        {"policy": "open"},
        {"policy": ""},
    ),
    (BUCKET, "iam.policy.json", "MalformedPolicy", {"policy": "[]"}, {"policy": ""}),
    (KEY, "iam.policy.json", "MalformedPolicyDocumentException", {"policy": "{"}, {"policy": ""}),
    (BALANCER, "elbv2.load-balancer.name", "InvalidArgument", {"name": "-"}, {"name": ""}),
    (
        ROLE,
        "iam.role.boundary",
        "InvalidArgument",
        {"permissionsBoundary": "none"},
        {"permissionsBoundary": ""},
    ),
    (
        RULE,
        "elbv2.action.forward-target",
        "InvalidArgument",
        forward("$target", "$target"),
        forward("$target"),
    ),
    (
        RULE,
        "elbv2.condition.value",
        "InvalidArgument",
        {"conditions": [{"queryStrings": [{"key": "k" * 129, "value": "v"}]}]},
        {"conditions": [{"queryStrings": [{"key": "", "value": "v"}]}]},
    ),
    (RECORD, "route53.record.zone-exists", "NoSuchHostedZone", {"zoneId": "/hostedzone/Z0"}, {}),
    (
        INGRESS,
        "ec2.security-group.exists",
        "InvalidGroup.NotFound",
        {"cidrIpv4": None, "referencedSecurityGroupId": "sg-0123456789abcdef0"},
        {"cidrIpv4": None, "referencedSecurityGroupId": "210987654321/sg-0123456789abcdef0"},
    ),
    (
        GROUP,
        "ec2.security-group.exists",
        "InvalidGroup.NotFound",
        tcp(groups=("sg-0123456789abcdef0",)),
        tcp(groups=("210987654321/sg-0123456789abcdef0",)),
    ),
    (
        GROUP,
        "ec2.security-group-rule.quota",
        "RulesPerSecurityGroupLimitExceeded",
        tcp(*NETWORKS),
        tcp(*NETWORKS[:60], ipv6=("::/0",)),
    ),
    (
        GROUP,
        "ec2.security-group-rule.quota",
        "RulesPerSecurityGroupLimitExceeded",
        tcp(*NETWORKS[:60], groups=("$group",)),
        tcp(*NETWORKS[:59], groups=("$group",)),
    ),
    (
        POLICY,
        "iam.policy.type",
        "MalformedPolicyDocument",
        grant(Resource=[["*"]]),
        grant(Resource=["*"]),
    ),
    (
        POLICY,
        "iam.policy.type",
        "MalformedPolicyDocument",
        grant(Action=[5]),
        grant(Action=["s3:*"]),
    ),
    (
        POLICY,
        "iam.policy.type",
        "MalformedPolicyDocument",
        grant(Condition={"Bool": "x"}),
        grant(Condition={}),
    ),
    (
        POLICY,
        "iam.policy.sid",
        "MalformedPolicyDocument",
        grant(Sid="read it"),
        grant(Sid="ReadIt1"),
    ),
    (POLICY, "iam.policy.element", "MalformedPolicyDocument", grant(Actions="s3:*"), grant()),
    (ROLE, "iam.policy.element", "MalformedPolicyDocument", trust("Vers"), trust()),
    (
        ROLE,
        "iam.policy.element",
        "MalformedPolicyDocument",
        trust(Principal={"Services": "x"}),
        trust(Principal="*"),
    ),
    (
        SERVICE,
        "ecs.service.rebalancing",
        INVALID,
        placed(("binpack", "memory"), networkConfiguration={"subnets": ["$subnet-a"]}),
        placed(("spread", ZONE), ("binpack", "memory")),
    ),
    (SERVICE, "ecs.service.rebalancing", INVALID, placed(("spread", "instanceId")), placed()),
    (SERVICE, "ecs.service.rebalancing", INVALID, placed(placementConstraints=ON_ZONE), placed()),
    (SERVICE, "ecs.service.rebalancing", INVALID, placed(launchType="EXTERNAL"), placed()),
    (SERVICE, "ecs.service.rebalancing", INVALID, placed(schedulingStrategy="DAEMON"), placed()),
    (DEFINITION, "ecs.container.firelens", CLIENT, task(TO_ROUTER), task(TO_ROUTER, ROUTER)),
    (DEFINITION, "ecs.container.firelens", CLIENT, task(ROUTER, {}), task(ROUTER, TO_ROUTER)),
    (
        DEFINITION,
        "ecs.container.firelens-file",
        CLIENT,
        task(TO_ROUTER, router("s3", "arn:aws:s3:::main-logs/extra.conf")),
        task(TO_ROUTER, router("file", "/extra.conf")),
    ),
    *cases(
        DEFINITION,
        "ecs.container.firelens-buffer",
        CLIENT,
        (task(lines("536870912"), ROUTER), task(lines("536870911"), ROUTER)),
        (task(lines("many"), ROUTER), task(lines("0"), ROUTER)),
        (task(lines(10), ROUTER), task(lines("10"), ROUTER)),
    ),
    (
        DEFINITION,
        "ecs.container.firelens-one",
        CLIENT,
        task(ROUTER, ROUTER, TO_ROUTER),
        task(ROUTER, {}, TO_ROUTER),
    ),
    (
        DEFINITION,
        "ecs.container.cpu-sum",
        CLIENT,
        task({"cpu": 200}, {"cpu": 57}),
        task({"cpu": 200}, {"cpu": 56}),
    ),
    (
        DEFINITION,
        "ecs.container.memory-sum",
        CLIENT,
        task({"memory": 300}, {"memory": 213}),
        task({"memory": 300}, {"memory": 512, "memoryReservation": 212}),
    ),
    (
        DEFINITION,
        "ecs.container.memory-sum",
        CLIENT,
        task({"memory": 513, "memoryReservation": 100}),
        task({"memory": 512, "memoryReservation": 100}),
    ),
    (
        DEFINITION,
        "catalog.model",
        CLIENT,
        task({"ulimits": [{**OPEN_FILES, "name": "files"}]}),
        task({"ulimits": [OPEN_FILES]}),
    ),
    (
        CLUSTER,
        "catalog.model",
        INVALID,
        {"tags": {str(n): "x" for n in range(51)}},
        {"tags": {"a": "b"}},
    ),
    (LIFECYCLE, "catalog.model", "MalformedXML", moved("COLD"), moved("GLACIER")),
]
