"""Every accepted input is in one table: it has an effect, or a run warns that it has none."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from typing import Any

import pytest

from localaws.catalog import CATALOG
from localaws.catalog.effects import DOCUMENTS, EFFECTS, ONLY_RECORDED, without_effect
from localaws.catalog.inputs import blocks_of
from localaws.catalog.service_models import members
from tests.localaws.catalog.sources import ROOT, input_paths

PAGE = (ROOT / "docs" / "local-data-plane.md").read_text()

ONLY_DEPLOY = {
    "volumeConfiguration",
    "vpcLatticeConfigurations",
}
"""Inputs of a service whose change starts a deployment, and which have no other effect."""

GENERATED_NAMES = re.compile(r"routingHttp(Request|Response)\w+")
"""Inputs whose names the code builds from parts."""

READ_BY_THE_CATALOG = {
    *("secretId", "validationMethod", "zoneId"),
    *("id", "isEnabled", "userData", "vpcSecurityGroupIds"),
}
"""Effective inputs that functions of the catalog read for the data plane: the state of a
certificate and of a rule, the secret of a version, the launch template of a group.
"""


AMBIGUOUS = {
    *("protocol", "certificateBody", "certificateChain", "quicServerId"),
    *("context", "loadBalancers", "placement", "unit"),
    "evaluationCriteria",  # read to report why such an alarm has no data
}
"""Inputs without effect whose names are also those of effective inputs of other types."""


@cache
def read_names() -> frozenset[str]:
    """Return every word in the string constants of the data plane's code."""
    modules = (
        "daemon/instance_support",
        "daemon/lifecycle",
        "machine/addresses",
        "account/cloud",
        "account/dns_names",
        "account/parameters",
        "protocol/aws",
        "catalog/acm",
        "catalog/ecr",
        "catalog/ecs/reservations",
        "catalog/ecs/service_connect",
        "catalog/elb/target_attachments",
        "catalog/ssm",
    )
    files = [ROOT / "localaws" / f"{name}.py" for name in modules]
    for folder in ("alarms", "alb", "ecr", "ecs", "scaling", "vpc"):
        files += (ROOT / "localaws" / folder).rglob("*.py")
    words: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.update(re.findall(r"\w+", node.value))
    return frozenset(words)


def leaves(token: str) -> set[str]:
    """Return the paths of the inputs that aren't blocks, and of the members of JSON inputs."""
    blocks = {block.path.removesuffix("[]") for block in blocks_of(token)}
    return (input_paths(token) - blocks - {DOCUMENTS.get(token)}) | set(members().get(token, ()))


def covers(path: str, leaf: str) -> bool:
    """Return whether a path is an input, or a block that it is inside."""
    return leaf == path or leaf.startswith((f"{path}.", f"{path}[]."))


@pytest.mark.parametrize("token", CATALOG)
def test_every_type_has_effects_or_is_only_recorded(token: str) -> None:
    assert (token in EFFECTS) != (token in ONLY_RECORDED)


def test_only_types_of_the_catalog_have_effects() -> None:
    assert EFFECTS.keys() | ONLY_RECORDED.keys() == CATALOG.keys()


@pytest.mark.parametrize("token", EFFECTS)
def test_every_input_is_in_exactly_one_table(token: str) -> None:
    effects = EFFECTS[token]
    without_effect_here = [*effects.without_effect, *effects.unmentioned]
    listed = [*effects.effective, *without_effect_here]
    assert len(listed) == len(set(listed)), "an input is in two tables"
    used = set()
    for leaf in leaves(token):
        paths = [path for path in without_effect_here if covers(path, leaf)]
        if leaf in effects.effective:
            paths.append(leaf)
        assert paths, f"put {leaf} into a table of localaws/catalog/effects/"
        assert len(paths) == 1, f"{leaf} is in two tables: {paths}"
        used.add(paths[0])
    assert used == set(listed), "a table has a path that is no input"


def last_name(path: str) -> str:
    return path.rpartition(".")[2].removesuffix("[]")


@pytest.mark.parametrize("token", EFFECTS)
def test_the_name_of_every_effective_input_occurs_in_the_data_planes_code(token: str) -> None:
    read_elsewhere = read_names() | READ_BY_THE_CATALOG
    for path in EFFECTS[token].effective:
        if not GENERATED_NAMES.fullmatch(path):
            assert last_name(path) in read_elsewhere, f"{path} is read nowhere"


@pytest.mark.parametrize("token", EFFECTS)
def test_the_data_planes_code_reads_no_top_level_input_without_effect(token: str) -> None:
    read = read_names() - ONLY_DEPLOY - AMBIGUOUS
    for path in EFFECTS[token].without_effect:
        assert path not in read, f"{path} has an effect now"


def test_the_documentation_lists_the_same_inputs_without_effect() -> None:
    section = PAGE[PAGE.index("<!-- without effect -->") : PAGE.index("<!-- /without effect -->")]
    documented = {}
    for kind, row in re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE):
        documented[kind] = re.findall(r"`([^`]+)`", row)
    expected = {}
    for token, effects in EFFECTS.items():
        if effects.without_effect:
            expected[token.rpartition(":")[2]] = list(effects.without_effect)
    assert documented == expected


GROUP = "aws:lb/targetGroup:TargetGroup"
RULE = "aws:lb/listenerRule:ListenerRule"
SERVICE = "aws:ecs/service:Service"
LISTENER = "aws:lb/listener:Listener"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
RECORD = "aws:route53/record:Record"
POOL = {"userPoolArn": "arn", "userPoolClientId": "app", "userPoolDomain": "d"}
COGNITO = {"type": "authenticate-cognito", "authenticateCognito": POOL}


def containers(**more: Any) -> str:
    return json.dumps(
        [{"name": "web", "image": "nginx", "logConfiguration": {"logDriver": "awslogs"}, **more}]
    )


@pytest.mark.parametrize(
    ("token", "inputs", "paths"),
    [
        (RULE, {"actions": [COGNITO]}, ["actions[].authenticateCognito"]),
        (SERVICE, {"placementConstraints": []}, []),
        (
            GROUP,
            {"loadBalancingAnomalyMitigation": "on", "connectionTermination": True},
            ["connectionTermination", "loadBalancingAnomalyMitigation"],
        ),
        (
            GROUP,
            {"connectionTermination": False, "loadBalancingAnomalyMitigation": "off"},
            [],
        ),
        (GROUP, {"protocolVersion": "HTTP1"}, []),
        (GROUP, {"protocolVersion": "GRPC", "protocol": "HTTPS"}, ["protocol"]),
        (
            SERVICE,
            {
                "deploymentController": {"type": "ECS"},
                "alarms": {"enable": False, "alarmNames": []},
            },
            [],
        ),
        (SERVICE, {"deploymentController": {"type": "CODE_DEPLOY"}}, ["deploymentController.type"]),
        ("aws:s3/bucket:Bucket", {"bucket": "files"}, []),
        (GROUP, {"protocol": "HTTPS", "healthCheck": {"protocol": "HTTP"}}, ["protocol"]),
        (GROUP, {"protocol": "HTTP", "healthCheck": {"protocol": "TCP"}}, ["healthCheck.protocol"]),
        (LISTENER, {"mutualAuthentication": {"mode": "off"}}, []),
        (LISTENER, {"mutualAuthentication": {"mode": "verify"}}, ["mutualAuthentication"]),
        (DEFINITION, {"containerDefinitions": containers(user="app", mountPoints=[])}, []),
        (DEFINITION, {"containerDefinitions": containers(interactive=False, dockerLabels={})}, []),
        (
            DEFINITION,
            {
                "containerDefinitions": containers(
                    interactive=True, logConfiguration={"logDriver": "splunk"}
                )
            },
            [
                "containerDefinitions[].interactive",
                "containerDefinitions[].logConfiguration.logDriver",
            ],
        ),
        (
            DEFINITION,
            {
                "containerDefinitions": containers(
                    systemControls=[{"namespace": "net.core.somaxconn", "value": "1"}]
                )
            },
            ["containerDefinitions[].systemControls"],
        ),
        (DEFINITION, {"containerDefinitions": "not JSON"}, []),
        (RECORD, {"ttl": 60, "multivalueAnswerRoutingPolicy": False}, []),
        (
            RECORD,
            {"weightedRoutingPolicies": [{"weight": 1}], "healthCheckId": "check"},
            ["healthCheckId", "weightedRoutingPolicies"],
        ),
    ],
)
def test_an_input_is_reported_only_if_its_value_has_an_effect_on_aws(
    token: str, inputs: dict[str, Any], paths: list[str]
) -> None:
    assert without_effect(token, inputs) == paths
