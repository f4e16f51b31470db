"""Each rule of the gate is broken by a change that weakens a stack."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from gate import graph, rules
from gate.configurations import ROOT, record
from gate.rules import load_balancer
from infra.aws.statements import WITHOUT_RESOURCE
from infra.settings import kinds
from infra.settings.kinds import Choice
from localaws import mocks
from tests.gate.changes import (
    ALL_TRAFFIC,
    FROM_ANYWHERE,
    all_of,
    container,
    having,
    lacking,
    log_option,
    statement,
)
from tests.gate.conftest import node, weakened, without
from tests.infra.arns import MATCHING_EVERY_RESOURCE, SPECIFIC
from tests.infra.conftest import EXTRA_CERTIFICATE
from tests.infra.logins import CLIENT_SECRETS, OIDC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gate.graph import Graph
    from tests.gate.changes import Change


DEV_LOGS = "arn:aws:logs:ap-northeast-1:123456789012"
"""The logs of dev's account and region: the stack has two groups under /aws/ecs."""

BALANCERS = "arn:aws:elasticloadbalancing:x:123456789012"


def itself(title: str, change: Change) -> tuple[str, str, Change]:
    """Return a case in which the changed resource itself breaks the rule."""
    return title, title, change


def from_network(cidr: str) -> Change:
    """Let a rule of a security group allow a network instead of another group."""
    return all_of(having(cidrIpv4=cidr), lacking("referencedSecurityGroupId"))


def execution_allows(action: str, arn: str) -> tuple[str, str, Change]:
    """Return a case in which the execution role may do something."""
    return itself("RolePolicy web-execution", statement(Action=action, Resource=arn))


def bucket_allows(principal: object, **condition: dict[str, str]) -> tuple[str, str, Change]:
    """Return a case in which the access logs' bucket allows a principal, on a condition."""
    changed = statement(Principal=principal, Condition=condition)
    return itself("BucketPolicy access-logs", changed)


def repository_expires(**selection: Any) -> tuple[str, str, Change]:
    """Return a case in which the images of a selection expire."""
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    policy = json.dumps({"rules": [rule]})
    return "Repository web", "LifecyclePolicy web", having(policy=policy)


DEV_WEAKENED: dict[str, list[tuple[str, str, Change]]] = {
    "containers-drop-capabilities": [
        itself("TaskDefinition web", container(linuxParameters=None)),
        itself("TaskDefinition web", container(linuxParameters={"capabilities": {"drop": []}})),
    ],
    "stop-timeout-covers-draining": [
        ("Service web", "TargetGroup alb-web", having(deregistrationDelay=121.0)),
        ("Service web", "TaskDefinition web", container(stopTimeout=2)),
    ],
    "egress-is-restricted": [
        itself("SecurityGroupEgressRule web-https", ALL_TRAFFIC),
        itself("SecurityGroupEgressRule web-https", having(fromPort=0.0)),
        itself("SecurityGroupEgressRule web-from-ingress-80", FROM_ANYWHERE),
        itself("SecurityGroupEgressRule web-from-ingress-80", having(fromPort=0.0, toPort=65535.0)),
        itself(
            "SecurityGroupEgressRule web-https",
            having(cidrIpv4="0.0.0.0/1", fromPort=0.0, toPort=65535.0),
        ),
        itself(
            "SecurityGroupEgressRule web-https",
            all_of(having(cidrIpv6="2000::/3", fromPort=22.0, toPort=22.0), lacking("cidrIpv4")),
        ),
    ],
    "exec-excludes-read-only-root": [
        itself("TaskDefinition web", container(readonlyRootFilesystem=True))
    ],
    "exec-is-logged-or-off": [
        ("Service web", "Cluster cluster", lacking("configuration")),
        ("Service web", "RolePolicy web-task", statement(Action=["s3:GetObject"])),
        itself("Service web", having(enableExecuteCommand=False)),
    ],
    "images-are-pinned": [
        itself("TaskDefinition web", container(image="nginx")),
        itself("TaskDefinition web", container(image="nginx:1.29.1")),
    ],
    "log-groups-exist-before-tasks": [
        itself("TaskDefinition web", log_option("awslogs-group", "/elsewhere")),
        itself("TaskDefinition web", log_option("awslogs-create-group", "true")),
    ],
    "names-fit": [itself("TargetGroup alb-web", having(name="fixed"))],
    "no-plain-text-secrets": [
        itself(
            "TaskDefinition web",
            container(environment=[{"name": "DB_PASSWORD", "value": "hunter2"}]),
        ),
        itself(
            "TaskDefinition web",
            container(environment=[{"name": "DB", "value": "postgres://app:hunter2@db/app"}]),
        ),
        itself("TaskDefinition web", container(secrets=[{"name": "X", "valueFrom": "hunter2"}])),
        itself("TaskDefinition web", log_option("apikey", "hunter2")),
        itself(
            "TaskDefinition web",
            container(
                logConfiguration={
                    "logDriver": "awsfirelens",
                    "secretOptions": [{"name": "apikey", "valueFrom": "hunter2"}],
                }
            ),
        ),
    ],
    "subnets-assign-no-public-addresses": [
        itself("Subnet network-public-1", having(mapPublicIpOnLaunch=True))
    ],
    "only-load-balancers-are-public": [
        itself("SecurityGroupIngressRule alb-http", having(fromPort=22.0, toPort=22.0)),
        itself("SecurityGroupIngressRule alb-http", having(toPort=443.0)),
        itself("SecurityGroupIngressRule alb-http", ALL_TRAFFIC),
        ("SecurityGroupIngressRule alb-http", "LoadBalancer alb", having(internal=True)),
        itself("SecurityGroupIngressRule web-from-ingress-80", FROM_ANYWHERE),
        itself("SecurityGroupIngressRule web-from-ingress-80", from_network("0.0.0.0/1")),
        itself("SecurityGroupIngressRule web-from-ingress-80", from_network("128.0.0.0/1")),
    ],
    "role-policies-name-their-resources": [
        itself("RolePolicy web-execution", statement(Resource="*")),
        itself("RolePolicy web-execution", statement(Action="ssm:*")),
        itself("RolePolicy web-execution", statement(Action="ssm:Get*")),
        itself("RolePolicy web-execution", statement(NotAction="iam:*")),
        itself("RolePolicy web-task", statement(Action=["ssmmessages:*"])),
        itself("RolePolicy web-task", statement(Action=["s3:ListAllMyBuckets"])),
        itself("RolePolicy web-execution", statement(Action="ssm:GetParameter?")),
        *(execution_allows(action, arn) for action, arn in MATCHING_EVERY_RESOURCE),
        execution_allows("logs:PutLogEvents", f"{DEV_LOGS}:log-group:/aws/ecs/*"),
        execution_allows("logs:PutLogEvents", "arn:aws:logs:*:123456789012:log-group:/demo:*"),
        execution_allows("s3:GetObject", "shop/*"),
    ],
    "private-tasks-are-in-private-subnets": [
        (
            "Subnet network-public-1",
            "Service web",
            lambda inputs: inputs["networkConfiguration"].update(assignPublicIp=False),
        )
    ],
    "traffic-moves-after-services-are-steady": [
        itself(
            "ListenerRule alb-attachment-48689",
            having(conditions=[{"sourceIp": {"values": [source, "192.0.2.0/32"]}}]),
        )
        for source in ("0.0.0.0/0", "192.0.0.0/16", "2001:db8::/32")
    ],
    "rollbacks-are-automatic": [
        itself("Service web", having(deploymentCircuitBreaker={"enable": True, "rollback": False})),
        itself("Service web", lacking("deploymentCircuitBreaker")),
        itself("Service web", having(waitForSteadyState=False)),
    ],
    "no-inline-security-group-rules": [
        itself("SecurityGroup web", having(ingress=[])),
        itself("DefaultSecurityGroup network-default", having(egress=[{"a": 1}])),
    ],
    "tasks-allow-only-the-load-balancer": [
        itself("SecurityGroupIngressRule web-from-ingress-80", FROM_ANYWHERE),
        itself(
            "SecurityGroupIngressRule web-from-ingress-80",
            all_of(having(cidrIpv4="10.0.0.0/16"), lacking("referencedSecurityGroupId")),
        ),
        itself("SecurityGroupIngressRule web-from-ingress-80", having(fromPort=0.0)),
        itself("SecurityGroupIngressRule web-from-ingress-80", having(ipProtocol="udp")),
    ],
    "tasks-are-isolated-from-their-host": [
        itself("TaskDefinition web", having(networkMode="host")),
        itself("TaskDefinition web", having(pidMode="host")),
        itself("TaskDefinition web", container(privileged=True)),
    ],
    "trust-policies-name-the-account": [
        itself(
            "Role web-task",
            having(
                assumeRolePolicy='{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}'
            ),
        )
    ],
}
"""By rule: the resource that is found, the resource of dev that is changed, and the change."""

EVERYTHING_WEAKENED: dict[str, list[tuple[str, str, Change]]] = {
    "containers-run-as-non-root": [
        itself("TaskDefinition web", container(user=None)),
        itself("TaskDefinition web", container(user="0:101")),
        itself("TaskDefinition web", container(user="root")),
    ],
    "http-only-redirects-beside-https": [
        itself("Listener alb-http", having(defaultActions=[{"type": "fixed-response"}])),
        itself(
            "Listener alb-http",
            having(
                defaultActions=[
                    {"type": "redirect", "redirect": {"protocol": "HTTP", "statusCode": "HTTP_301"}}
                ]
            ),
        ),
    ],
    "only-load-balancers-are-public": [
        itself("SecurityGroupIngressRule alb-http", having(toPort=443.0))
    ],
    "resource-policies-name-their-principals": [
        bucket_allows("*"),
        bucket_allows({"AWS": "*"}),
        bucket_allows({"AWS": ["arn:aws:iam::123456789012:root", "*"]}),
        bucket_allows("*", Bool={"aws:SecureTransport": "true"}),
        bucket_allows("*", StringNotEquals={"aws:SourceAccount": "123456789012"}),
        bucket_allows("*", ArnLikeIfExists={"aws:SourceArn": f"{BALANCERS}:*"}),
    ],
    "tls-policy-is-recommended": [
        itself("Listener alb-https", having(sslPolicy="ELBSecurityPolicy-2016-08")),
        itself("Listener alb-https", having(sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")),
        itself("Listener alb-https", having(sslPolicy="ELBSecurityPolicy-TLS13-1-2-PQ-2025-09")),
        itself(
            "Listener alb-https", having(sslPolicy="ELBSecurityPolicy-TLS13-1-2-FIPS-PQ-2025-09")
        ),
        itself("Listener alb-https", lacking("sslPolicy")),
    ],
}
"""The same for the configuration with everything on."""

SEALED_WEAKENED = {
    "repositories-keep-what-runs": [
        itself("Repository web", having(imageTagMutability="MUTABLE")),
        itself("Repository web", having(imageScanningConfiguration={"scanOnPush": False})),
        itself("Repository web", lacking("imageScanningConfiguration")),
        repository_expires(tagStatus="any", countType="imageCountMoreThan", countNumber=1),
        repository_expires(
            tagStatus="tagged",
            tagPatternList=["*"],
            countType="sinceImagePushed",
            countUnit="days",
            countNumber=30,
        ),
    ]
}
"""The same for the configuration whose image is built."""

REMOVED = {
    "target-groups-are-attached-before-services": "ListenerRule alb-attachment-48689",
    "permissions-outlive-services": "RolePolicy web-task",
}
"""By a rule about order: a resource that dev's service or its task definition must depend on."""

EC2_WEAKENED: dict[str, list[tuple[str, str, Change]]] = {
    "instances-allow-only-the-load-balancer": [
        itself("SecurityGroupIngressRule instances-from-ingress", having(fromPort=0.0)),
        itself("SecurityGroupIngressRule instances-from-ingress", having(toPort=65535.0)),
        itself("SecurityGroupIngressRule instances-from-ingress", ALL_TRAFFIC),
        itself("SecurityGroupIngressRule instances-from-ingress", FROM_ANYWHERE),
    ],
    "instances-have-no-public-addresses": [
        itself(
            "LaunchTemplate instances",
            having(networkInterfaces=[{"associatePublicIpAddress": "true"}]),
        ),
        itself("LaunchTemplate instances", having(networkInterfaces=[{}])),
        itself("LaunchTemplate instances", lacking("networkInterfaces")),
    ],
    "instance-metadata-is-out-of-reach": [
        itself("LaunchTemplate instances", lacking("metadataOptions")),
        itself(
            "LaunchTemplate instances",
            having(metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2.0}),
        ),
        itself(
            "LaunchTemplate instances",
            having(metadataOptions={"httpTokens": "optional", "httpPutResponseHopLimit": 1.0}),
        ),
    ],
    "services-name-their-capacity": [
        itself("Service web-ec2", lacking("capacityProviderStrategies")),
        itself(
            "Service web-ec2",
            all_of(lacking("capacityProviderStrategies"), having(launchType="EC2")),
        ),
    ],
    "targets-fit-the-network": [
        ("Service web-ec2", "TargetGroup alb-web", having(targetType="ip")),
        ("Service web-ec2", "TaskDefinition web", having(networkMode="awsvpc")),
    ],
    "egress-is-restricted": [
        itself("SecurityGroupEgressRule instances-from-ingress", having(toPort=65535.0))
    ],
    "trust-policies-name-the-account": [
        # Instances may use the role, and so may another account.
        itself(
            "Role instances",
            having(
                assumeRolePolicy='{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
                '"Principal": {"Service": "ec2.amazonaws.com", "AWS": "210987654321"}}]}'
            ),
        )
    ],
}
"""The same for a stack on instances."""

SEVERAL_WEAKENED = {
    "tasks-allow-only-the-load-balancer": [
        # Its tasks have no endpoint any more, or the callers take no part.
        (
            "SecurityGroupIngressRule web-calls-api-8080",
            "Service api",
            lacking("serviceConnectConfiguration"),
        ),
        (
            "SecurityGroupIngressRule web-calls-api-8080",
            "Service web",
            lacking("serviceConnectConfiguration"),
        ),
        itself("SecurityGroupIngressRule web-calls-api-8080", having(fromPort=22.0)),
    ]
}
"""The same for a stack whose services call each other."""

PROD_WEAKENED: dict[str, list[tuple[str, str, Change]]] = {
    "alarms-have-recipients": [
        itself("MetricAlarm web-errors", lacking("alarmActions")),
        (
            "MetricAlarm web-running-tasks",
            "TopicSubscription alarms-ops@example.com",
            having(topic="arn:aws:sns:ap-northeast-1:123456789012:elsewhere"),
        ),
    ],
    "topic-policies-name-their-sources": [
        itself("TopicPolicy alarms", statement(Condition={})),
        itself(
            "TopicPolicy alarms",
            statement(Condition={"StringNotEquals": {"aws:SourceAccount": "123456789012"}}),
        ),
        itself("TopicPolicy alarms", statement(Principal="*", Condition={})),
    ],
}
"""The same for a stack whose alarms are e-mailed."""


def broken_by(rule: str, stack: Graph) -> list[str]:
    """Return the titles of the resources at which a rule is broken."""
    return [each.title for each in rules.RULES[rule](stack)]


CASES = []
"""A rule and its number in the table; the stack and the table's three values."""

for stack, table in (
    ("dev", DEV_WEAKENED),
    ("everything", EVERYTHING_WEAKENED),
    ("sealed", SEALED_WEAKENED),
    ("ec2", EC2_WEAKENED),
    ("several", SEVERAL_WEAKENED),
    ("prod", PROD_WEAKENED),
):
    for rule, changes in table.items():
        for number, change in enumerate(changes):
            CASES.append(pytest.param(rule, (stack, *change), id=f"{rule}-{number}"))


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_every_weakened_stack_breaks_its_rule(
    graphs: Mapping[str, Graph], rule: str, case: tuple[str, str, str, Change]
) -> None:
    stack, found_at, changed_title, change = case
    before = graphs[stack]
    after = weakened(before, {changed_title: [change]})
    assert found_at in broken_by(rule, after)
    if rule != "images-are-pinned":  # dev's image isn't pinned
        assert not broken_by(rule, before)


def test_only_the_caller_needs_the_rules_between_two_services(graphs: Mapping[str, Graph]) -> None:
    changed = copy.deepcopy(graphs["several"])
    caller = node(changed, "Service web")
    for title in ("SecurityGroupIngressRule", "SecurityGroupEgressRule"):
        caller.sources.remove(node(changed, f"{title} web-calls-api-8080"))
        assert broken_by("permissions-outlive-services", changed) == ["Service web"]


@pytest.mark.parametrize(("rule", "title"), REMOVED.items())
def test_a_service_without_a_needed_dependency_is_found(
    graphs: Mapping[str, Graph], rule: str, title: str
) -> None:
    changed = copy.deepcopy(graphs["dev"])
    needed = node(changed, title)
    for each in ("Service web", "TaskDefinition web"):
        if needed in node(changed, each).sources:
            node(changed, each).sources.remove(needed)
    assert broken_by(rule, changed) == ["Service web"]
    assert not broken_by(rule, graphs["dev"])


def test_a_target_group_without_a_listener_or_rule_is_found(graphs: Mapping[str, Graph]) -> None:
    unattached = without(graphs["dev"], "ListenerRule alb-attachment-48689")
    assert broken_by("target-groups-are-attached-before-services", unattached) == ["Service web"]


def test_instances_in_public_subnets_are_found(graphs: Mapping[str, Graph]) -> None:
    changed = copy.deepcopy(graphs["ec2"])
    subnet, group = node(changed, "Subnet network-public-1"), node(changed, "Group instances")
    group.sources.append(subnet)
    inputs: Any = group.registered.inputs
    inputs["vpcZoneIdentifiers"] = [subnet.outputs["id"]]
    for cached in ("_by_value", "_identifiers_inside"):
        vars(group).pop(cached, None)
    assert broken_by("private-tasks-are-in-private-subnets", changed) == [subnet.title]
    assert not broken_by("private-tasks-are-in-private-subnets", graphs["ec2"])


def test_a_repository_without_a_lifecycle_policy_is_found(graphs: Mapping[str, Graph]) -> None:
    without_policy = without(graphs["sealed"], "LifecyclePolicy web")
    assert broken_by("repositories-keep-what-runs", without_policy) == ["Repository web"]


def test_a_listener_rule_that_does_not_depend_on_the_service_is_found(
    graphs: Mapping[str, Graph],
) -> None:
    changed = copy.deepcopy(graphs["dev"])
    serving = node(changed, "ListenerRule alb-50000")
    serving.sources.remove(node(changed, "Service web"))
    assert broken_by("traffic-moves-after-services-are-steady", changed) == [serving.title]


def test_a_load_balancer_may_reach_the_internet_only_by_https_and_only_for_logins() -> None:
    config = mocks.configuration(
        ROOT,
        "dev",
        certificateArn=EXTRA_CERTIFICATE,
        oidc=OIDC,
        oidcClientSecrets=CLIENT_SECRETS,
    )
    registered = graph.build(record("dev", config))
    egress = node(registered, "SecurityGroupEgressRule alb-login")
    assert broken_by("egress-is-restricted", registered) == []
    changed = weakened(registered, {egress.title: [having(fromPort=80.0, toPort=80.0)]})
    assert broken_by("egress-is-restricted", changed) == [egress.title]
    rule_inputs: Any = node(registered, "ListenerRule alb-50000").inputs
    del rule_inputs["actions"][0]  # the login
    assert broken_by("egress-is-restricted", registered) == [egress.title]


def test_names_that_aws_would_refuse_are_found(graphs: Mapping[str, Graph]) -> None:
    for name in ("a" * 33, "-alb", "internal-alb"):
        changed = copy.deepcopy(graphs["dev"])
        made: Any = node(changed, "LoadBalancer alb").outputs
        made["name"] = name
        assert broken_by("names-fit", changed) == ["LoadBalancer alb"], name


def test_permissions_that_a_stack_may_configure_are_no_finding(graphs: Mapping[str, Graph]) -> None:
    for allowed in (
        statement(Action="s3:GetObject", Resource=SPECIFIC),
        statement(Action=sorted(WITHOUT_RESOURCE), Resource="*"),
    ):
        changed = weakened(graphs["dev"], {"RolePolicy web-execution": [allowed]})
        assert not broken_by("role-policies-name-their-resources", changed)


def test_any_principal_is_allowed_with_a_condition_on_the_source_account(
    graphs: Mapping[str, Graph],
) -> None:
    with_condition = statement(
        Principal="*", Condition={"StringEquals": {"aws:sourceaccount": "123456789012"}}
    )
    changed = weakened(graphs["everything"], {"BucketPolicy access-logs": [with_condition]})
    assert not broken_by("resource-policies-name-their-principals", changed)


def test_a_stack_may_choose_the_recommended_tls_policies_and_no_others() -> None:
    kind = kinds()["tlsPolicy"]
    assert isinstance(kind, Choice)
    assert set(kind.choices) == load_balancer.RECOMMENDED_TLS


def test_every_rule_has_a_case_in_which_it_fails() -> None:
    found = {
        *DEV_WEAKENED,
        *EVERYTHING_WEAKENED,
        *SEALED_WEAKENED,
        *EC2_WEAKENED,
        *PROD_WEAKENED,
        *REMOVED,
    }
    assert found == set(rules.RULES)


def test_the_configuration_with_everything_on_breaks_no_rule(graphs: Mapping[str, Graph]) -> None:
    everything = graphs["everything"]
    assert {each.rule for each in rules.findings("everything", everything)} == set()
