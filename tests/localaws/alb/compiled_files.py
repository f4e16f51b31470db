"""Envoy's configuration files for a listener and its target group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from localaws.alb.compiler import compile_files
from localaws.alb.model import Listener, Rule, TargetGroup
from localaws.alb.targets import Endpoint

PREFIX = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
GROUP = f"{PREFIX}:targetgroup/web/0123456789abcdef"
FOLDER = Path("/project/.local/envoy")


def compiled(**group: Any) -> dict[str, list[dict[str, Any]]]:
    listener = Listener(
        arn=f"{PREFIX}:listener/app/web/1/2",
        endpoint=Endpoint("127.64.0.1", 80),
        port=80,
        rules=[Rule(actions=[{"type": "forward", "targetGroupArn": GROUP}])],
    )
    return compile_files(
        [listener], [TargetGroup(arn=GROUP, **{"health_check": {}, **group})], FOLDER
    )
