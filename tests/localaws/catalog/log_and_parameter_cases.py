"""Refusals of log groups and parameters; `test_refusals.py` runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.localaws.catalog.refusal_case import Case

LOGS = "aws:cloudwatch/logGroup:LogGroup"
PARAMETER = "aws:ssm/parameter:Parameter"

LOG_AND_PARAMETER_CASES: tuple[Case, ...] = (
    (LOGS, "logs.group.name", "InvalidArgument", {"name": "/my logs"}, {"name": "/my.logs#1"}),
    (LOGS, "logs.group.unique", "ResourceAlreadyExistsException", {"name": "/web"}, {}),
    (
        LOGS,
        "logs.group.retention",
        "InvalidArgument",
        {"retentionInDays": 15},
        {"retentionInDays": 14.0},
    ),
    (
        LOGS,
        "logs.group.class",
        "InvalidArgument",
        {"logGroupClass": "COLD"},
        {"logGroupClass": "INFREQUENT_ACCESS"},
    ),
    (PARAMETER, "ssm.parameter.name", "InvalidArgument", {"name": "/a b"}, {"name": "/a/b"}),
    (
        PARAMETER,
        "ssm.parameter.type",
        "InvalidArgument",
        {"type": "Secret"},
        {"type": "SecureString"},
    ),
    (PARAMETER, "ssm.parameter.tier", "InvalidArgument", {"tier": "Cheap"}, {"tier": "Advanced"}),
    (
        PARAMETER,
        "ssm.parameter.data-type",
        "InvalidArgument",
        {"dataType": "json"},
        {"dataType": "text"},
    ),
    (
        PARAMETER,
        "ssm.parameter.one-value",
        "InvalidArgument",
        {"insecureValue": "x"},
        {"value": None, "insecureValue": "x"},
    ),
    (
        PARAMETER,
        "ssm.parameter.hierarchy",
        "ValidationException",
        {"name": "demo/message"},
        {"name": "message"},
    ),
    (
        PARAMETER,
        "ssm.parameter.levels",
        "HierarchyLevelLimitExceededException",
        {"name": "/a" * 16},
        {"name": "/a" * 15},
    ),
    (
        PARAMETER,
        "ssm.parameter.reserved",
        "ValidationException",
        {"name": "/aws/x"},
        {"name": "/my/aws"},
    ),
    (PARAMETER, "ssm.parameter.empty", "ValidationException", {"value": ""}, {}),
    (
        PARAMETER,
        "ssm.parameter.size",
        "ValidationException",
        {"value": "a" * 4097},
        {"value": "a" * 4097, "tier": "Advanced"},
    ),
    (
        PARAMETER,
        "ssm.parameter.pattern",
        "ParameterPatternMismatchException",
        {"allowedPattern": "^[0-9]+$"},
        {"allowedPattern": "^[a-z]+$"},
    ),
    (
        PARAMETER,
        "ssm.parameter.pattern",
        "InvalidAllowedPatternException",
        {"allowedPattern": "("},
        {},
    ),
)
