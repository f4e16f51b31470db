"""What is accepted is done, or the run says that it isn't: each input that what runs doesn't read is on a list."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from localaws.catalog.effects import UNMENTIONED, WITHOUT_EFFECT, without_effect
from localaws.catalog.inputs import INPUTS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "local-data-plane.md").read_text()

BY_PATTERN = re.compile(r"routingHttp(Request|Response)\w+")
"""Headers of a listener, whose names are put together from tables."""


ONLY_DEPLOY = {"serviceConnectConfiguration", "serviceRegistries", "volumeConfiguration", "vpcLatticeConfigurations"}
"""Inputs of a service that are read, but only to see that a change of them starts a deployment."""


def read_names() -> set[str]:
    """Every word in a text of the code that runs things."""
    files = [path for folder in ("alb", "ecs") for path in (ROOT / "localaws" / folder).rglob("*.py")]
    files += [ROOT / "localaws" / f"{name}.py" for name in ("lifecycle", "addresses", "cloud", "provider")]
    texts = (
        node.value for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)
    )
    return {word for text in texts if isinstance(text, str) for word in re.findall(r"\w+", text)}


@pytest.mark.parametrize("token", WITHOUT_EFFECT)
def test_every_input_that_nothing_reads_is_on_one_of_the_lists(token: str) -> None:
    unread = {name for name in INPUTS[token][0].names - (read_names() - ONLY_DEPLOY) if not BY_PATTERN.fullmatch(name)}
    whole = {path for path in WITHOUT_EFFECT[token] if re.fullmatch(r"\w+", path)}
    assert unread == whole | UNMENTIONED[token].keys()
    assert not whole & UNMENTIONED[token].keys()


@pytest.mark.parametrize("token", WITHOUT_EFFECT)
def test_every_path_is_one_of_the_types_inputs(token: str) -> None:
    paths = {f"{block.path}.{name}".lstrip(".") for block in INPUTS[token] for name in block.names}
    assert WITHOUT_EFFECT[token].keys() | UNMENTIONED[token].keys() <= paths


def test_the_documentation_has_the_same_list() -> None:
    section = PAGE[PAGE.index("<!-- without effect -->") : PAGE.index("<!-- /without effect -->")]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))
    expected = {token.rpartition(":")[2]: [*paths] for token, paths in WITHOUT_EFFECT.items()}
    assert {kind: re.findall(r"`([^`]+)`", row) for kind, row in rows.items()} == expected


GROUP, RULE, SERVICE = "aws:lb/targetGroup:TargetGroup", "aws:lb/listenerRule:ListenerRule", "aws:ecs/service:Service"
REWRITE = {"type": "url-rewrite", "urlRewriteConfig": {"rewrite": {"regex": "^/a", "replace": "/"}}}
STICKY = {"type": "forward", "forward": {"targetGroups": [], "stickiness": {"enabled": True, "duration": 60}}}


@pytest.mark.parametrize(
    ("token", "inputs", "paths"),
    [
        (RULE, {"transforms": [REWRITE]}, ["transforms"]),
        (RULE, {"transforms": []}, []),
        (RULE, {"actions": [STICKY]}, ["actions[].forward.stickiness"]),
        (GROUP, {"slowStart": 30, "stickiness": {"type": "lb_cookie"}}, ["slowStart", "stickiness"]),
        (GROUP, {"slowStart": 0.0, "stickiness": {"type": "lb_cookie", "enabled": False}}, []),
        (GROUP, {"protocolVersion": "HTTP1"}, []),
        (GROUP, {"protocolVersion": "GRPC"}, ["protocolVersion"]),
        (SERVICE, {"deploymentController": {"type": "ECS"}, "alarms": {"enable": False, "alarmNames": []}}, []),
        (SERVICE, {"deploymentController": {"type": "CODE_DEPLOY"}}, ["deploymentController.type"]),
        ("aws:s3/bucket:Bucket", {"bucket": "files"}, []),
    ],
)
def test_only_what_asks_for_something_is_mentioned(token: str, inputs: dict[str, Any], paths: list[str]) -> None:
    assert without_effect(token, inputs) == paths
