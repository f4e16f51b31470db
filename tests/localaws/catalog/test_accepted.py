"""Inputs that look wrong, and that AWS or its provider accepts all the same.

Each row has the reason; a rule that refuses one of them stops a user who did nothing wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.localaws.catalog.ecs_cases import DEFINITION, SERVICE, containers
from tests.localaws.catalog.load_balancer_cases import RULE, TARGETS
from tests.localaws.catalog.network_cases import ROUTE, TABLE
from tests.localaws.catalog.operations import minimal_with
from tests.localaws.catalog.security_cases import ENDPOINT, RECORD

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

_NOT_SENT = "the provider sends it for HTTP and HTTPS groups only, and warns of others"
_NOT_SENT_FOR_LAMBDA = "the provider leaves it out for Lambda functions, with a warning"
_VPN_GATEWAY = "a VPN gateway, which is no type of the catalog"

ACCEPTED: list[tuple[str, str, dict[str, Any]]] = [
    (_NOT_SENT, TARGETS, {"protocol": "TCP", "protocolVersion": "HTTP2"}),
    (_NOT_SENT, TARGETS, {"targetType": "alb", "protocol": "TCP", "protocolVersion": "GRPC"}),
    (_NOT_SENT_FOR_LAMBDA, TARGETS, {"targetType": "lambda", "protocolVersion": "HTTP2"}),
    (
        "the provider sends stickiness for target types instance and ip only",
        TARGETS,
        {"targetType": "alb", "protocol": "TCP", "stickiness": {"type": "lb_cookie"}},
    ),
    (
        "only application load balancers have no stickiness without cross-zone load balancing",
        TARGETS,
        {
            "protocol": "TCP",
            "stickiness": {"type": "source_ip"},
            "loadBalancingCrossZoneEnabled": "false",
        },
    ),
    (
        "the provider takes an empty text for none",
        TARGETS,
        {"protocol": "TCP", "healthCheck": {"protocol": "TCP", "matcher": ""}},
    ),
    (
        "the grace period is for health checks of containers, too, and else unused",
        SERVICE,
        {"healthCheckGracePeriodSeconds": 60},
    ),
    (
        "the provider sends the desired count of REPLICA only",
        SERVICE,
        {
            "launchType": "EC2",
            "schedulingStrategy": "DAEMON",
            "desiredCount": 1,
        },
    ),
    (
        "memory can be equal to its reservation",
        DEFINITION,
        {"containerDefinitions": containers(memory=128, memoryReservation=128)},
    ),
    (_VPN_GATEWAY, ROUTE, {"gatewayId": "vgw-0123456789abcdef0"}),
    (
        _VPN_GATEWAY,
        TABLE,
        {"routes": [{"cidrBlock": "192.168.0.0/16", "gatewayId": "vgw-0123456789abcdef0"}]},
    ),
    (
        "a group can have several health checks",
        "aws:autoscaling/group:Group",
        {"healthCheckType": "ELB,EBS"},
    ),
    (
        "directory buckets have gateway endpoints too",
        ENDPOINT,
        {"serviceName": "com.amazonaws.eu-west-1.s3express"},
    ),
    ("a flag that is off is no policy", RECORD, {"multivalueAnswerRoutingPolicy": False}),
]


@pytest.mark.parametrize(("reason", "token", "inputs"), ACCEPTED)
def test_inputs_are_accepted_for_this_reason(
    account: Account, reason: str, token: str, inputs: dict[str, Any]
) -> None:
    made = account.make(token, **minimal_with(account, token, inputs))
    assert account.get(token, made.id) is not None, reason


def test_a_group_of_functions_takes_no_part_in_the_rules_for_http2(account: Account) -> None:
    inputs = {"targetType": "lambda", "protocolVersion": "HTTP2"}
    group = account.make(TARGETS, **minimal_with(account, TARGETS, inputs))
    forward = [{"type": "forward", "targetGroupArn": group.id}]
    account.make(RULE, **minimal_with(account, RULE, {"actions": forward}))
