"""What is accepted is done, or the run says that it isn't: every input is on exactly one list."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
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

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "local-data-plane.md").read_text()

ONLY_DEPLOY = {
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfiguration",
    "vpcLatticeConfigurations",
}
"""Inputs of a service that are read, but only to see that a change of them starts a deployment."""

PUT_TOGETHER = re.compile(r"routingHttp(Request|Response)\w+")
"""Inputs whose names the code puts together from tables."""

READ_BY_THE_CATALOG = {"secretId", "validationMethod", "zoneId"}
"""Effective inputs that what runs asks the catalog about: whether a certificate is issued, whose a
version is.
"""


@cache
def read_names() -> frozenset[str]:
    """Every word in a text of the code that runs things."""
    files = [
        path for folder in ("alb", "ecs") for path in (ROOT / "localaws" / folder).rglob("*.py")
    ]
    modules = (
        "daemon/lifecycle",
        "machine/addresses",
        "account/cloud",
        "account/dns_names",
        "account/parameters",
        "protocol/aws",
        "catalog/acm",
        "catalog/elb/target_attachments",
        "catalog/ssm",
    )
    files += [ROOT / "localaws" / f"{name}.py" for name in modules]
    texts = (
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
    )
    return frozenset(
        word for text in texts if isinstance(text, str) for word in re.findall(r"\w+", text)
    )


def leaves(token: str) -> set[str]:
    """Every input of a type that holds no other one, and the members of one that is JSON."""
    paths = {
        f"{block.path}.{name}".lstrip(".") for block in blocks_of(token) for name in block.names
    }
    blocks = {block.path.removesuffix("[]") for block in blocks_of(token)}
    return (paths - blocks - {DOCUMENTS.get(token)}) | {*members().get(token, ())}


def covers(path: str, leaf: str) -> bool:
    return leaf == path or leaf.startswith((f"{path}.", f"{path}[]."))


@pytest.mark.parametrize("token", CATALOG)
def test_every_input_is_on_one_of_the_lists_and_no_list_has_another(token: str) -> None:
    assert (token in EFFECTIVE) != (token in RECORDED)
    if token in RECORDED:
        assert token not in WITHOUT_EFFECT.keys() | UNMENTIONED.keys()
        return
    kept = [*WITHOUT_EFFECT.get(token, ()), *UNMENTIONED.get(token, ())]
    listed = [*EFFECTIVE[token], *kept]
    assert len(listed) == len(set(listed)), "an input is on two lists"
    places = {
        leaf: [path for path in listed if path == leaf or (path in kept and covers(path, leaf))]
        for leaf in leaves(token)
    }
    assert [leaf for leaf, paths in places.items() if not paths] == [], (
        "say what the local AWS does with it"
    )
    assert [leaf for leaf, paths in places.items() if len(paths) > 1] == []
    assert {path for paths in places.values() for path in paths} == {*listed}, (
        "a list has what is no input"
    )


@pytest.mark.parametrize("token", EFFECTIVE)
def test_inputs_listed_with_an_effect_are_read_and_those_without_are_not(token: str) -> None:
    names = {
        path.rpartition(".")[2] for path in EFFECTIVE[token] if not PUT_TOGETHER.fullmatch(path)
    }
    assert names - read_names() - READ_BY_THE_CATALOG == set()
    whole = {path for path in WITHOUT_EFFECT.get(token, ()) if re.fullmatch(r"\w+", path)}
    shared = {
        "protocol",
        "certificateBody",
        "certificateChain",
        "quicServerId",
    }  # names that another type's input has
    assert (whole - shared) & (read_names() - ONLY_DEPLOY) == set(), "it has an effect now"


def test_the_lists_are_of_types_that_there_are() -> None:
    assert EFFECTIVE.keys() | RECORDED.keys() == CATALOG.keys()
    assert WITHOUT_EFFECT.keys() | UNMENTIONED.keys() <= EFFECTIVE.keys()


def test_the_documentation_has_the_same_list() -> None:
    section = PAGE[PAGE.index("<!-- without effect -->") : PAGE.index("<!-- /without effect -->")]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))
    expected = {token.rpartition(":")[2]: [*paths] for token, paths in WITHOUT_EFFECT.items()}
    assert {kind: re.findall(r"`([^`]+)`", row) for kind, row in rows.items()} == expected


GROUP, RULE, SERVICE = (
    "aws:lb/targetGroup:TargetGroup",
    "aws:lb/listenerRule:ListenerRule",
    "aws:ecs/service:Service",
)
LISTENER, DEFINITION = "aws:lb/listener:Listener", "aws:ecs/taskDefinition:TaskDefinition"
STICKY = {
    "type": "forward",
    "forward": {"targetGroups": [], "stickiness": {"enabled": True, "duration": 60}},
}


def containers(**more: Any) -> str:
    return json.dumps(
        [{"name": "web", "image": "nginx", "logConfiguration": {"logDriver": "awslogs"}, **more}]
    )


@pytest.mark.parametrize(
    ("token", "inputs", "paths"),
    [
        (RULE, {"actions": [STICKY]}, ["actions[].forward.stickiness"]),
        (SERVICE, {"placementConstraints": []}, []),
        (
            GROUP,
            {"slowStart": 30, "stickiness": {"type": "lb_cookie"}},
            ["slowStart", "stickiness"],
        ),
        (GROUP, {"slowStart": 0.0, "stickiness": {"type": "lb_cookie", "enabled": False}}, []),
        (GROUP, {"protocolVersion": "HTTP1"}, []),
        (GROUP, {"protocolVersion": "GRPC"}, ["protocolVersion"]),
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
def test_only_what_asks_for_something_is_mentioned(
    token: str, inputs: dict[str, Any], paths: list[str]
) -> None:
    assert without_effect(token, inputs) == paths
