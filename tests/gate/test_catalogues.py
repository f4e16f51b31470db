"""checkov and cfn-lint can fail: a rule of each family finds a weakened resource.

Both run once for all changes, as their start takes most of the time. Changes to different inputs
share a graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gate.findings import Finding
from gate.scanners import running
from tests.gate.changes import container, having, lacking, statement
from tests.gate.conftest import node, weakened, without

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gate.graph import Graph
    from tests.gate.changes import Change

pytestmark = pytest.mark.slow  # the program runs for every stack, and once more for each change

STACK = "everything"
WORLD_READS = (
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", '
    '"Resource": "*"}]}'
)
ANYBODY = (
    '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}'
)
DEFAULT_OPEN = [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]
FROM_ANYWHERE = "SecurityGroupIngressRule alb-http"

WEAKENED: dict[str, tuple[str, Change]] = {
    # The network.
    "CKV_AWS_23": ("SecurityGroupEgressRule web-https", lacking("description")),
    "CKV_AWS_24": (FROM_ANYWHERE, having(fromPort=22.0, toPort=22.0)),
    "CKV_AWS_25": (FROM_ANYWHERE, having(fromPort=3389.0, toPort=3389.0)),
    "CKV_AWS_130": ("Subnet network-public-1", having(mapPublicIpOnLaunch=True)),
    # The load balancer.
    "CKV_AWS_2": ("Listener alb-http", having(defaultActions=[{"type": "fixed-response"}])),
    "CKV_AWS_91": ("LoadBalancer alb", having(accessLogs={"bucket": "", "enabled": False})),
    "CKV_AWS_103": ("Listener alb-https", having(sslPolicy="ELBSecurityPolicy-2016-08")),
    "CKV_AWS_131": ("LoadBalancer alb", having(dropInvalidHeaderFields=False)),
    "CKV_AWS_150": ("LoadBalancer alb", having(enableDeletionProtection=False)),
    "CKV_AWS_261": ("TargetGroup alb-web", lacking("healthCheck")),
    "CKV_AWS_328": ("LoadBalancer alb", having(desyncMitigationMode="monitor")),
    # ECS.
    "CKV_AWS_65": (
        "Cluster cluster",
        having(settings=[{"name": "containerInsights", "value": "disabled"}]),
    ),
    "CKV_AWS_332": ("Service web", having(platformVersion="1.3.0")),
    "CKV_AWS_333": (
        "Service web",
        lambda inputs: inputs["networkConfiguration"].update(assignPublicIp=True),
    ),
    "CKV_AWS_336": ("TaskDefinition web", container(readonlyRootFilesystem=None)),
    # Permissions.
    "CKV_AWS_60": ("Role web-execution", having(assumeRolePolicy=ANYBODY)),
    "CKV_AWS_62": ("RolePolicy web-execution", statement(Action="*", Resource="*")),
    "CKV_AWS_355": (
        "RolePolicy web-execution",
        statement(Action="ssm:GetParameters", Resource="*"),
    ),
    # Logs and their storage.
    "CKV_AWS_66": ("LogGroup web", lacking("retentionInDays")),
    "CKV_AWS_158": ("LogGroup web", lacking("kmsKeyId")),
    "CKV_AWS_338": ("LogGroup web", having(retentionInDays=14.0)),
    "CKV_AWS_54": ("BucketPublicAccessBlock access-logs", having(blockPublicPolicy=False)),
    "CKV_AWS_70": ("BucketPolicy access-logs", having(policy=WORLD_READS)),
    # The firewall.
    "CKV_AWS_192": ("WebAcl waf", lacking("rules")),
    # Validity.
    "E3002": ("Cluster cluster", having(flavour="vanilla")),
    "E3030": ("LogGroup flow-logs", having(retentionInDays=15.0)),
    "E3047": ("TaskDefinition web", having(cpu="256", memory="8192")),
    "E3052": ("Service web", lacking("networkConfiguration")),
    "E3053": (
        "TaskDefinition web",
        container(portMappings=[{"containerPort": 8080, "hostPort": 80}]),
    ),
    "E3676": ("Listener alb-https", lacking("certificateArn")),
    "E3680": ("LoadBalancer alb", lambda inputs: inputs.update(subnets=inputs["subnets"][:1])),
}
"""By a rule of each family: the resource that is changed and must be found, and the change."""

MISSING: dict[str, tuple[str, str]] = {
    "CKV2_AWS_6": ("Bucket access-logs", "BucketPublicAccessBlock access-logs"),
    "CKV2_AWS_11": ("Vpc network", "FlowLog flow-logs"),
    "CKV2_AWS_28": ("LoadBalancer alb", "WebAclAssociation waf"),
    "CKV2_AWS_31": ("WebAcl waf", "WebAclLoggingConfiguration waf"),
    "CKV2_AWS_61": ("Bucket access-logs", "BucketLifecycleConfiguration access-logs"),
    "CKV_AWS_21": ("Bucket access-logs", "BucketVersioning access-logs"),
}
"""By a rule about two resources: the one that is reported, and the one that is removed for it."""

FEWER = "batch1"
"""The batch from which they are removed."""


def touched(graph: Graph, title: str, change: Change) -> set[tuple[str, str]]:
    """Return the inputs that a change changes."""
    before = node(graph, title).inputs
    after = node(weakened(graph, {title: [change]}), title).inputs
    names = before.keys() | after.keys()
    return {(title, name) for name in names if before.get(name) != after.get(name)}


def divide(graph: Graph) -> list[list[str]]:
    """Divide the table's rules into few batches, each of which changes an input at most once."""
    batches: list[list[str]] = []
    inputs_of_batches: list[set[tuple[str, str]]] = []
    for rule, (title, change) in WEAKENED.items():
        inputs = touched(graph, title, change)
        for batch, changed in zip(batches, inputs_of_batches, strict=True):
            if changed.isdisjoint(inputs):
                batch.append(rule)
                changed.update(inputs)
                break
        else:
            batches.append([rule])
            inputs_of_batches.append(set(inputs))
    return batches


@pytest.fixture(scope="module")
def batches(graphs: Mapping[str, Graph]) -> list[list[str]]:
    return divide(graphs[STACK])


@pytest.fixture(scope="module")
def found(graphs: Mapping[str, Graph], commands: Path, batches: list[list[str]]) -> set[Finding]:
    """Scan the stack as it is and once with each batch of changes, the last with fewer resources.

    Each graph takes two seconds.
    """
    base = fewer = graphs[STACK]
    for _, title in MISSING.values():
        fewer = without(fewer, title)
    opened = {"DefaultSecurityGroup network-default": [having(ingress=DEFAULT_OPEN)]}
    scanned = {STACK: base}
    of_batches = (base, weakened(fewer, opened))
    for number, (batch, graph) in enumerate(zip(batches, of_batches, strict=True)):
        changes: dict[str, list[Change]] = {}
        for rule in batch:
            title, change = WEAKENED[rule]
            changes.setdefault(title, []).append(change)
        scanned[f"batch{number}"] = weakened(graph, changes)
    return running.scan(commands, scanned)


@pytest.mark.parametrize("rule", WEAKENED)
def test_a_weakened_resource_is_found(
    found: set[Finding], batches: list[list[str]], rule: str
) -> None:
    (number,) = [number for number, batch in enumerate(batches) if rule in batch]
    title, _ = WEAKENED[rule]
    assert Finding(f"batch{number}", rule, title) in found
    assert Finding(STACK, rule, title) not in found


@pytest.mark.parametrize("rule", MISSING)
def test_a_missing_resource_is_reported_at_the_resource_that_needs_it(
    found: set[Finding], rule: str
) -> None:
    title, _ = MISSING[rule]
    assert Finding(FEWER, rule, title) in found
    assert Finding(STACK, rule, title) not in found


def test_an_open_default_group_is_found_at_its_network(found: set[Finding]) -> None:
    assert Finding(FEWER, "CKV2_AWS_12", "Vpc network") in found
    assert Finding(STACK, "CKV2_AWS_12", "Vpc network") not in found
