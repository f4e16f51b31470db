"""The configurations that the gate checks: the stack files, and options that they leave off."""

from __future__ import annotations

import ast
import json
import re
import runpy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pulumi

from gate import graph
from localaws import mocks
from localaws.mocks import canonical
from localaws.stack_files import BadStackFile, read_project, stacks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.mocks import Recording

ROOT: Final = Path(__file__).resolve().parent.parent


class NotRecordedError(Exception):
    """A configuration can't be recorded; the text says which and why."""


@dataclass(frozen=True)
class Configuration:
    """A stack file, and what is changed in it."""

    file: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the project's, without its name."""


VALUE_OF_A_SECRET: Final = "correct-horse-battery-staple"  # noqa: S105 — nothing is locked by it
"""The value of every secret in the recorded account, by which a test finds one that is shown."""

_REGION_AND_ACCOUNT: Final = "ap-northeast-1:123456789012"
_KEY: Final = f"arn:aws:kms:{_REGION_AND_ACCOUNT}:key/00000000-0000-0000-0000-000000000001"
_PRIVATE_IMAGE: Final = {
    "image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/shop@sha256:" + "0" * 64,
    "requireImageDigest": True,
    "command": [],
    "containerPort": 8080,
    "user": "101:101",
}
EVERYTHING: Final = {
    **_PRIVATE_IMAGE,
    "network": "nat-per-zone",
    "dualStack": True,
    "flowLogs": "all",
    "flowLogRetentionDays": 365,
    "domain": "shop.example.com",
    "hostedZone": "example.com",
    "hostRecords": True,
    "extraCertificateArns": [
        f"arn:aws:acm:{_REGION_AND_ACCOUNT}:certificate/00000000-0000-0000-0000-000000000001"
    ],
    "accessLogs": True,
    "waf": "block",
    "containerInsights": "enhanced",
    "alarms": True,
    "maxLatencySeconds": "2",
    "rollbackOnAlarms": True,
    "alarmEmails": ["ops@example.com"],
    "alarmSlackChannel": "T0123456789/C0123456789",
    "dashboard": True,
    "maxCount": 6,
    "targetCpuPercent": 60,
    "targetRequestsPerMinute": 1000,
    "schedules": {"night": {"schedule": "cron(0 22 * * ? *)", "maxCount": 2}},
    "ecsExec": False,
    "logRetentionDays": 365,
    "logKeyArn": _KEY,
    "secrets": {
        "MESSAGE": "/shop/message",
        "PASSWORD": "secretsmanager:shop/database#password",
    },
    "secretKeyArns": [_KEY],
    "taskPolicyStatements": [{"Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop/*"}],
    "egress": ["10.0.0.0/8:5432"],
    "sidecars": {
        "proxy": {
            "image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/proxy@sha256:" + "1" * 64,
            "secrets": {"TOKEN": "secretsmanager:shop/token"},
            "user": "102",
            "mounts": {"files": "/files"},
            "healthCheckCommand": ["CMD", "true"],
        },
        "router": {
            "image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/router@sha256:" + "2" * 64,
            "user": "103",
            "logRouter": "fluentbit",
            "logRouterFile": "/extra.conf",
        },
    },
    "logTo": "router",
    "logOptions": {"Name": "datadog"},
    "logSecrets": {"apikey": "secretsmanager:shop/datadog"},
    "dependsOn": {"proxy": "HEALTHY"},
    "volumes": {
        "files": {"efsFileSystemId": "fs-01234567", "efsAccessPointId": "fsap-01234567"},
        "shared": {},
    },
    "mounts": {"shared": "/shared"},
    "ephemeralStorageGib": 40,
    "serviceConnect": True,
    "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
}
"""What a stack can switch on for safety, all at once, for the internet."""

_BUILT_IMAGE: Final = {"build": {"context": "gate/example_app", "args": {"VERSION": "1"}}}
_SEALED: Final = {
    **{key: value for key, value in EVERYTHING.items() if key != "image"},
    **_BUILT_IMAGE,
    "network": "endpoints",
    "dualStack": False,
    "internal": True,
    "ecsExec": True,
    "execLogRetentionDays": 365,
    "execKeyArn": _KEY,
}
"""The same settings without any route to the internet, with ECS Exec and an image that is built."""

_SPOT: Final = {**EVERYTHING, "capacity": "fargate-spot", "onDemandBase": 1}
"""Everything on Fargate's spare capacity, with one task on Fargate itself."""

_SEVERAL: Final = {
    **EVERYTHING,
    "serviceConnect": False,
    "services": {
        "api": {
            "hosts": ["api.example.com"],
            "paths": ["/api", "/api/*"],
            "serviceConnect": True,
        },
        "web": {"calls": ["api"], "weights": {"web": 90, "api": 10}, "weightStickinessSeconds": 60},
    },
}
"""The same settings for two services, of which one calls the other and shares requests with it."""

_CALLED_BY_COMPONENTS: Final = ("aws:ecr/getAuthorizationToken:getAuthorizationToken",)
"""Functions that the program's source doesn't name: `awsx.ecr.Image` calls it."""

CONFIGURATIONS: Final[Mapping[str, Configuration]] = {
    **{stack: Configuration(stack) for stack in stacks(ROOT)},
    "everything": Configuration("prod", EVERYTHING),
    "sealed": Configuration("prod", _SEALED),
    "spot": Configuration("prod", _SPOT),
    "several": Configuration("prod", _SEVERAL),
}
"""By the stack's name."""


@cache
def recording(stack: str) -> Recording:
    """Return what the program registers with a configuration of the table; don't change it.

    Raises:
        NotRecordedError: The stack's file can't be read, the program refuses the configuration, or
            AWS would, as far as the local AWS knows.
    """
    chosen = CONFIGURATIONS[stack]
    try:
        return record(stack, mocks.configuration(ROOT, chosen.file, **chosen.changes))
    except (pulumi.RunError, mocks.Mistake, BadStackFile) as reason:
        raise NotRecordedError(f"{stack} can't be deployed: {reason}") from reason


def record(stack: str, config: Mapping[str, str], account: mocks.Cloud | None = None) -> Recording:
    """Return what the program registers with a configuration, in a given or a new account.

    Raises:
        pulumi.RunError: The program refuses the configuration.
        Mistake: AWS would refuse something.
    """
    project = read_project(ROOT)["name"]
    cloud = account or mocks.Cloud(seed=1)
    cloud.parameters = {**parameters_of(config), **cloud.parameters}
    return mocks.run(
        lambda: runpy.run_path(str(ROOT / "__main__.py")),
        project=project,
        stack=stack,
        config=config,
        cloud=cloud,
    )


def parameters_of(config: Mapping[str, str]) -> dict[str, mocks.SeededParameter]:
    """Return the parameters and secrets that a configuration names, which must exist first.

    A value of another form names none: the program refuses it.
    """
    found: dict[str, mocks.SeededParameter] = {}
    for key, text in config.items():
        name = key.rpartition(":")[2]
        if name in {"secrets", "logSecrets", "services", "sidecars"}:
            try:
                value = json.loads(text)
            except ValueError:
                continue
            found.update(map(_seeded, _secrets_in({name: value})))
    return found


def _secrets_in(keys: object) -> Iterator[str]:
    """Yield the secrets that keys name, and those of services and sidecars among them."""
    for name in ("secrets", "logSecrets"):
        for secret in _entries(keys, name):
            if isinstance(secret, str | int):
                yield str(secret)
    for name in ("services", "sidecars"):
        for inner in _entries(keys, name):
            yield from _secrets_in(inner)


def _entries(keys: object, name: str) -> list[object]:
    """Return the values of the map that a key holds; none where it holds no map."""
    found = keys.get(name) if isinstance(keys, dict) else None
    return list(found.values()) if isinstance(found, dict) else []


def _seeded(text: str) -> tuple[str, mocks.SeededParameter]:
    """Return a parameter or secret for a name or ARN, without the part that the name chooses."""
    parameter_arn = re.fullmatch(r"arn:.*:parameter(/.+)", text)
    # After a secret's name, `#` or a colon separates the key, the staging label and the version.
    secret = re.fullmatch(r"(?:secretsmanager:|arn:.*:secret:)([^:#]+).*", text)
    if parameter_arn:
        name = parameter_arn[1]
        kind = "SecureString"
    elif secret:
        name = secret[1]
        kind = "SecretsManager"
    else:
        name, kind = text, "SecureString"
    return name, mocks.SeededParameter(VALUE_OF_A_SECRET, kind)


@cache
def calls() -> tuple[frozenset[str], frozenset[str]]:
    """Return the AWS types that some configuration registers, and the functions it can call.

    Which functions a run calls depends on what exists, so they are read from the program's source.

    Raises:
        NotRecordedError: As `recording`.
    """
    types: set[str] = set()
    for stack in CONFIGURATIONS:
        for registered in recording(stack).registered:
            token = canonical(registered.type)
            if token.startswith("aws:"):
                types.add(token)
    functions = set(_CALLED_BY_COMPONENTS)
    for path in sorted((ROOT / "infra").rglob("*.py")):
        functions.update(_functions(ast.parse(path.read_text())))
    return frozenset(types), frozenset(functions)


def _functions(tree: ast.AST) -> Iterator[str]:
    """Yield the tokens of the functions that a module names, as `aws.ec2.get_vpc`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("get_"):
            continue
        package, _, module = ast.unparse(node.value).partition(".")
        if package == "aws":
            # Python's get_load_balancer_output is getLoadBalancer in tokens.
            first, *rest = node.attr.removesuffix("_output").split("_")
            name = first + "".join(map(str.capitalize, rest))
            yield canonical(f"aws:{module or 'index'}/{name}:{name}")


@cache
def graph_of(stack: str) -> graph.Graph:
    """Return the graph of a configuration of the table."""
    return graph.build(recording(stack))
