"""Every accepted input is on one list: it has an effect, or a run warns that it has none."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from typing import Any

import pytest

from localaws.catalog import CATALOG
from localaws.catalog.effects import (
    DOCUMENTS,
    EFFECTIVE,
    RECORDED,
    UNMENTIONED,
    WITHOUT_EFFECT,
    without_effect,
)
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


@cache
def read_names() -> frozenset[str]:
    """Return every word in the string constants of the data plane's code."""
    folders = ("alarms", "alb", "ecr", "ecs", "scaling")
    files = [path for each in folders for path in (ROOT / "localaws" / each).rglob("*.py")]
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
    files += [ROOT / "localaws" / f"{name}.py" for name in modules]
    words: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.update(re.findall(r"\w+", node.value))
    return frozenset(words)


def leaves(token: str) -> set[str]:
    """Return the paths of the inputs that aren't blocks, and of the members of JSON inputs."""
    blocks = {block.path.removesuffix("[]") for block in blocks_of(token)}
    return (input_paths(token) - blocks - {DOCUMENTS.get(token)}) | {*members().get(token, ())}


def covers(path: str, leaf: str) -> bool:
    return leaf == path or leaf.startswith((f"{path}.", f"{path}[]."))


@pytest.mark.parametrize("token", CATALOG)
def test_every_input_is_on_exactly_one_list(token: str) -> None:
    assert (token in EFFECTIVE) != (token in RECORDED)
    if token in RECORDED:
        assert token not in WITHOUT_EFFECT.keys() | UNMENTIONED.keys()
        return
    without_effect_here = [*WITHOUT_EFFECT.get(token, ()), *UNMENTIONED.get(token, ())]
    listed = [*EFFECTIVE[token], *without_effect_here]
    assert len(listed) == len(set(listed)), "an input is on two lists"
    used = set()
    for leaf in leaves(token):
        paths = [path for path in without_effect_here if covers(path, leaf)]
        if leaf in EFFECTIVE[token]:
            paths.append(leaf)
        assert paths, f"put {leaf} on a list"
        assert len(paths) == 1, f"{leaf} is on two lists"
        used.add(paths[0])
    assert used == set(listed), "a list has a path that is no input"


@pytest.mark.parametrize("token", EFFECTIVE)
def test_the_data_plane_reads_exactly_the_inputs_listed_as_effective(token: str) -> None:
    effective = [path for path in EFFECTIVE[token] if not GENERATED_NAMES.fullmatch(path)]
    names = {path.rpartition(".")[2] for path in effective}
    assert names - read_names() - READ_BY_THE_CATALOG == set()
    top_level = {path for path in WITHOUT_EFFECT.get(token, ()) if re.fullmatch(r"\w+", path)}
    # An effective input of another type has the same name.
    ambiguous = {
        *("protocol", "certificateBody", "certificateChain", "quicServerId"),
        *("context", "loadBalancers", "placement", "unit"),
        "evaluationCriteria",  # read to report why such an alarm has no data
    }
    assert (top_level - ambiguous) & (read_names() - ONLY_DEPLOY) == set(), "it has an effect now"


def test_the_lists_have_only_types_of_the_catalog() -> None:
    assert EFFECTIVE.keys() | RECORDED.keys() == CATALOG.keys()
    assert WITHOUT_EFFECT.keys() | UNMENTIONED.keys() <= EFFECTIVE.keys()


def test_the_documentation_lists_the_same_inputs_without_effect() -> None:
    section = PAGE[PAGE.index("<!-- without effect -->") : PAGE.index("<!-- /without effect -->")]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))
    expected = {token.rpartition(":")[2]: [*paths] for token, paths in WITHOUT_EFFECT.items()}
    assert {kind: re.findall(r"`([^`]+)`", row) for kind, row in rows.items()} == expected


GROUP = "aws:lb/targetGroup:TargetGroup"
RULE = "aws:lb/listenerRule:ListenerRule"
SERVICE = "aws:ecs/service:Service"
LISTENER = "aws:lb/listener:Listener"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
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
    ],
)
def test_an_input_is_reported_only_if_its_value_has_an_effect_on_aws(
    token: str, inputs: dict[str, Any], paths: list[str]
) -> None:
    assert without_effect(token, inputs) == paths
