"""A value to change each configuration key to, and the documented effect (docs/config.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.aws import fargate
from infra.settings import kinds

MANUAL = Path(__file__).parents[2] / "docs" / "config.md"
VERBS = {
    "replaces": ("replace",),
    "updates": ("update",),
    "recreates": ("create", "delete"),
    "creates": ("create",),
    "deletes": ("delete",),
}
"""The manual's verbs, and the engine's operations; a resource is recreated if it gets another name,
and so another URN.
"""

NEVER = "not on a running stack"
"""How the manual describes a change that is refused."""


@dataclass(frozen=True)
class Example:
    """A change of one key: the new value, and which of the STACKS it is tried on."""

    value: Any
    on: str = "plain"

    @property
    def given(self) -> dict[str, Any]:
        """The configuration of that stack."""
        return STACKS[self.on]


_KEY, _OTHER_KEY = (
    f"arn:aws:kms:ap-northeast-1:123456789012:key/{digit * 8}-0000-4000-8000-000000000000"
    for digit in "12"
)
_CERTIFICATE, _OTHER_CERTIFICATE, _THIRD_CERTIFICATE = (
    f"arn:aws:acm:ap-northeast-1:123456789012:certificate/00000000-0000-0000-0000-00000000000{digit}"
    for digit in "123"
)
_READ = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::shop/*",
}

UNPRIVILEGED = "public.ecr.aws/nginx/nginx-unprivileged@sha256:" + "0" * 64
"""nginx for a user without rights, which listens at port 8080."""

UNPRIVILEGED_ARM = "public.ecr.aws/nginx/nginx-unprivileged:1.29"
"""Another one, for another processor."""

NGINX = "public.ecr.aws/nginx/nginx@sha256:" + "0" * 64
"""nginx for a user with rights, by a digest that it doesn't have."""

ROUTER = "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable"
"""A log router, which doesn't run here."""

ITS_COMMAND = ["nginx", "-e", "stderr", "-g", "daemon off;"]
"""The command of the first two; the CLI's options can't make the default command an empty one."""

STACKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "hardened": {
        "image": UNPRIVILEGED,
        "command": ITS_COMMAND,
        "containerPort": 8080,
        "ecsExec": False,
        "memoryMib": 1024,
        "certificateArn": _CERTIFICATE,
        "accessLogs": True,
        "flowLogs": "reject",
        "sidecars": {
            "beside": {
                "image": NGINX,
                "command": ["sleep", "infinity"],
                "essential": False,
                "port": 8081,
            }
        },
        "serviceConnect": True,
        "connectContainer": "beside",
        # The CLI takes no empty map.
        "volumes": {"shared": {"efsFileSystemId": "", "efsAccessPointId": ""}},
        "mounts": {"shared": "/var/shared"},
        "stickinessSeconds": 60,
    },
    "routed": {
        "sidecars": {"router": {"image": ROUTER, "logRouter": "fluentbit"}},
        "logTo": "router",
        "logOptions": {"Name": "datadog"},
    },
    "routed-beside": {
        "sidecars": {
            "router": {"image": ROUTER, "logRouter": "fluentbit", "logRouterFile": "/extra.conf"},
            "beside": {"image": NGINX, "logTo": "router"},
        },
    },
    "fronted": {
        "sidecars": {"proxy": {"image": NGINX, "port": 8080}},
        "ingressContainer": "proxy",
        "serviceConnect": True,
    },
    "built": {"build": "tests/infra/app", "command": []},
    "scaled": {"maxCount": 4, "targetCpuPercent": 60},
    "named": {
        "domain": "shop.example.com",
        "hostedZone": "example.com",
        "hosts": ["api.shop.example.com"],
    },
    "spot": {"capacity": "fargate-spot"},
    "instances": {"capacity": "ec2", "network": "nat"},
    "alarmed": {"alarms": True, "maxLatencySeconds": "2"},
}
"""Configurations beyond a stack's file; they have what some keys require before they can change.
"""

EXAMPLES: dict[str, Example] = {
    "services": Example({"web": {"environment": {"MODE": "fast"}}}),
    "serviceName": Example("shop"),
    "containerName": Example("page"),
    "image": Example(UNPRIVILEGED_ARM),
    "build": Example({"context": "tests/infra/app", "target": "build"}, on="built"),
    "command": Example(ITS_COMMAND),
    "containerPort": Example(8080),
    "capacity": Example("fargate-spot"),
    "onDemandBase": Example(1, on="spot"),
    "requireImageDigest": Example(value=True, on="hardened"),
    "user": Example("101:101", on="hardened"),
    "dropCapabilities": Example(["ALL"]),
    "writablePaths": Example(["/tmp"], on="hardened"),
    "cpuUnits": Example(512, on="hardened"),
    "memoryMib": Example(1024),
    "ephemeralStorageGib": Example(30),
    "cpuArchitecture": Example("ARM64"),
    # Not nginx, which the image for another processor would have to be as well.
    "sidecars": Example({"beside": {"image": "python:3", "command": ["sleep", "infinity"]}}),
    "serviceConnect": Example(value=True),
    "logTo": Example("router", on="routed-beside"),
    "logOptions": Example({"Name": "null"}, on="routed"),
    "logSecrets": Example({"apikey": "/demo/local/message"}, on="routed"),
    "ingressContainer": Example("beside", on="hardened"),
    "connectContainer": Example("proxy", on="fronted"),
    "dependsOn": Example({"beside": "START"}, on="hardened"),
    "volumes": Example(
        {
            "shared": {
                "efsFileSystemId": "fs-0123456789abcdef0",
                "efsAccessPointId": "fsap-0123456789abcdef0",
            }
        },
        on="hardened",
    ),
    "mounts": Example({"shared": "/srv"}, on="hardened"),
    "environment": Example({"MODE": "fast"}),
    "secrets": Example({"OTHER": "/demo/local/message"}),
    "secretKeyArns": Example([_KEY]),
    "logKeyArn": Example(_KEY),
    "execKeyArn": Example(_KEY),
    "taskPolicyStatements": Example([_READ]),
    "permissionsBoundaryArn": Example("arn:aws:iam::123456789012:policy/boundary"),
    "desiredCount": Example(3),
    "minCount": Example(2, on="scaled"),
    "maxCount": Example(6, on="scaled"),
    "targetCpuPercent": Example(70, on="scaled"),
    "targetMemoryPercent": Example(80, on="scaled"),
    "targetRequestsPerMinute": Example(600, on="scaled"),
    "scaleInCooldownSeconds": Example(120, on="scaled"),
    "scaleOutCooldownSeconds": Example(30, on="scaled"),
    "schedules": Example(
        {"night": {"schedule": "cron(0 22 * * ? *)", "minCount": 1, "maxCount": 1}}, on="scaled"
    ),
    "minimumHealthyPercent": Example(100),
    "maximumPercent": Example(150),
    "healthCheckGraceSeconds": Example(90),
    "steadyStateTimeoutMinutes": Example(20),
    "drainSeconds": Example(20),
    "stopTimeoutSeconds": Example(45),
    "deregistrationDelaySeconds": Example(1),
    "healthCheckPath": Example("/index.html"),
    "healthCheckCodes": Example("200"),
    "healthCheckIntervalSeconds": Example(60),
    "healthCheckTimeoutSeconds": Example(4),
    "healthyThreshold": Example(5),
    "unhealthyThreshold": Example(5),
    "idleTimeoutSeconds": Example(50),
    "targetKeepAliveSeconds": Example(120),
    "clientKeepAliveSeconds": Example(600),
    "hosts": Example(["*.com"]),
    "paths": Example(["/", "/?*"]),
    "methods": Example(["GET", "HEAD"]),
    "headers": Example({"Host-Of-Proxy": "*"}),
    "query": Example({"version": ["1", "2"]}),
    "sourceCidrs": Example(["0.0.0.0/0"]),
    "routePriority": Example(7),
    "rewriteUrl": Example({"regex": "^/old/", "replace": "/new/"}),
    "rewriteHost": Example({"regex": "^www[.]", "replace": ""}),
    "targetProtocol": Example("HTTP2", on="hardened"),
    "loadBalancingAlgorithm": Example("least_outstanding_requests"),
    "slowStartSeconds": Example(60, on="hardened"),
    "stickinessSeconds": Example(3600),
    "stickinessCookie": Example("session", on="hardened"),
    "routes": Example([{"paths": ["/a/*"]}, {"paths": ["/*"]}]),
    "domain": Example("www.shop.example.com", on="named"),
    "hostedZone": Example("shop.example.com", on="named"),
    "hostRecords": Example(value=False, on="named"),
    "certificateArn": Example(_OTHER_CERTIFICATE, on="hardened"),
    "extraCertificateArns": Example([_THIRD_CERTIFICATE], on="hardened"),
    "tlsPolicy": Example("ELBSecurityPolicy-TLS13-1-3-2021-06", on="hardened"),
    "hstsSeconds": Example(3600, on="hardened"),
    "frameOptions": Example("SAMEORIGIN", on="hardened"),
    "internal": Example(value=True),
    "allowedCidrs": Example(["198.51.100.0/24"]),  # this machine's clients are in it
    "accessLogs": Example(value=True),
    "accessLogRetentionDays": Example(30, on="hardened"),
    "emptyLogsOnDestroy": Example(value=True, on="hardened"),
    "waf": Example("count"),
    "containerInsights": Example("enhanced"),
    "alarms": Example(value=True),
    "maxErrorPercent": Example(5, on="alarmed"),
    "maxLatencySeconds": Example("0.5", on="alarmed"),
    "rollbackOnAlarms": Example(value=True, on="alarmed"),
    "alarmEmails": Example(["ops@example.com"], on="alarmed"),
    "alarmSlackChannel": Example("T0123456789/C0123456789", on="alarmed"),
    "alarmTopicArn": Example("arn:aws:sns:ap-northeast-1:123456789012:pages", on="alarmed"),
    "dashboard": Example(value=True),
    "ecsExec": Example(value=False),
    "logRetentionDays": Example(30),
    "execLogRetentionDays": Example(30),
    "deletionProtection": Example(value=True),
    "network": Example("nat"),
    "dualStack": Example(value=True),
    "egress": Example(["10.0.0.0/8:5432"]),
    "flowLogs": Example("reject"),
    "flowLogRetentionDays": Example(90, on="hardened"),
    "monthlyCostLimitUsd": Example(1000),
    "instanceType": Example("t3.medium", on="instances"),
    "minInstances": Example(1, on="instances"),
    "maxInstances": Example(6, on="instances"),
    "instanceVolumeGib": Example(50, on="instances"),
    "targetCapacityPercent": Example(80, on="instances"),
    "instanceReservedMib": Example(128, on="instances"),
    "vpcCidr": Example("10.9.0.0/16"),
    "availabilityZoneCount": Example(3),
}
"""One line a key. Values differ from those of every stack's file."""

REFUSED = {"network", "availabilityZoneCount", "vpcCidr"}
"""Keys whose change here is refused on a running stack."""

ELSEWHERE = {
    *("vpcId", "vpcTags", "subnetIds", "subnetTags", "taskSubnetIds", "taskSubnetTags"),
    *("calls", "oidc", "oidcClientSecrets", "weights", "weightStickinessSeconds"),
}
"""Keys that need an account with something in it, another service or an encrypted value: tested
beside what sets it up.
"""


def keys() -> set[str]:
    """Return every configuration key."""
    return set(kinds())


def task_sizes() -> list[tuple[int, int]]:
    """Return every pair of CPU units and memory that Fargate offers."""
    pairs: list[tuple[int, int]] = []
    for cpu, offered in fargate.MEMORY_MIB.items():
        pairs += [(cpu, memory) for memory in offered]
    return pairs


def documented() -> dict[str, str]:
    """Return the manual's column on the effect of a change, by key."""
    text = MANUAL.read_text()
    table = text[text.index("<!-- keys:") : text.index("<!-- /keys -->")]
    effects: dict[str, str] = {}
    for row in re.findall(r"^\| (`.*) \|$", table, re.MULTILINE):
        key, _, _, _, effect = re.split(r"\s*\|\s*", row)
        effects[key.strip("`")] = effect
    return effects


def promised(key: str) -> set[tuple[str, str]]:
    """Return the documented operations of a change of that key, with types (their last words).

    A cell begins with `nothing`, or with phrases like `replaces A, B; updates C`, up to a colon.
    """
    phrases = re.findall(
        rf"\b({'|'.join(VERBS)}) ((?:`\w+`(?:, )?)+)", documented()[key].partition(":")[0]
    )
    operations: set[tuple[str, str]] = set()
    for verb, types in phrases:
        for operation in VERBS[verb]:
            operations.update((operation, kind) for kind in re.findall(r"\w+", types))
    return operations


def as_documented(done: set[tuple[str, str]]) -> str:
    """Return the phrases for these operations, as docs/config.md writes them."""
    left = set(done)
    phrases: list[str] = []
    for verb, operations in VERBS.items():
        types: list[str] = []
        for kind in sorted({kind for _, kind in left}):
            pairs = {(operation, kind) for operation in operations}
            if pairs <= left:
                left -= pairs
                types.append(f"`{kind}`")
        if types:
            phrases.append(f"{verb} {', '.join(types)}")
    return "; ".join(phrases) or "nothing"
