"""Requests reach a service, and only once it works."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.aws.routes.priorities import of_attachments
from tests.infra import recorder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.recorder import Recording


ATTACHMENT = f"alb-attachment-{of_attachments(['web'])['web']}"


def test_requests_that_match_no_other_route_go_to_the_service(dev: Recording) -> None:
    rule = dev.one("ListenerRule", "alb-50000").inputs
    assert rule["conditions"] == [{"pathPattern": {"values": ["/*"]}}]
    assert rule["actions"] == [{"type": "forward", "targetGroupArn": dev.exports["targetGroupArn"]}]
    assert rule["priority"] == 50_000, "the last priority that ELB allows"


def test_the_target_group_has_a_health_check_and_no_fixed_name(dev: Recording) -> None:
    inputs = dict(dev.one("TargetGroup").inputs)
    del inputs["vpcId"], inputs["tags"]
    assert inputs == {
        "targetType": "ip",
        "protocol": "HTTP",
        "port": 80,
        "protocolVersion": "HTTP1",
        "loadBalancingAlgorithmType": "round_robin",
        "slowStart": 0,
        "stickiness": {"type": "lb_cookie", "enabled": False},
        "deregistrationDelay": 30,
        "healthCheck": {
            "path": "/",
            "matcher": "200-399",
            "interval": 30,
            "timeout": 5,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
        },
    }, "and has no fixed name, which would turn a replacement into delete-then-create"


def test_the_target_group_is_attached_before_the_service_by_a_rule_that_no_request_matches(
    dev: Recording,
) -> None:
    attachment = dev.one("ListenerRule", ATTACHMENT)
    assert attachment.inputs["conditions"] == [{"sourceIp": {"values": ["192.0.2.0/32"]}}]
    assert attachment.inputs["actions"] == dev.one("ListenerRule", "alb-50000").inputs["actions"]
    assert attachment.urn in dev.one("Service").dependencies


@pytest.mark.parametrize("stack", ["dev", "edge"])
def test_the_rule_follows_the_steady_service_and_the_dns_name_follows_the_rule(
    request: pytest.FixtureRequest, stack: str
) -> None:
    run: Recording = request.getfixturevalue(stack)
    rule = run.one("ListenerRule", "alb-50000")
    assert run.one("Service").urn in rule.dependencies
    assert rule.hooks == {"before_create": ("web-completed",), "before_update": ("web-completed",)}
    for record in run.all("Record"):
        assert record.name == "certificate-proof" or rule.urn in record.dependencies


def changes_of(kind: str, operations: Mapping[str, str]) -> dict[str, str]:
    """Return the operations that change resources of one kind, by the resources' names."""
    found: dict[str, str] = {}
    for urn, operation in operations.items():
        type_token, name = urn.split("::")[2:]
        if type_token.endswith(f":{kind}") and operation != "same":
            found[name] = operation
    return found


def test_another_port_gets_new_rules_while_old_tasks_keep_theirs(
    dev: Recording,
) -> None:
    operations = recorder.run("dev", after=dev, containerPort=8080).operations
    assert changes_of("SecurityGroupIngressRule", operations) == {
        "web-from-ingress-8080": "create",
        "web-from-ingress-80": "delete",
    }
    assert operations[dev.one("TargetGroup").urn] == "same"
    assert operations[dev.one("ListenerRule", "alb-50000").urn] == "same"


def test_a_service_of_another_name_takes_over_the_rule_that_serves(dev: Recording) -> None:
    operations = recorder.run("dev", after=dev, serviceName="shop").operations
    assert changes_of("ListenerRule", operations) == {
        "alb-50000": "update",
        f"alb-attachment-{of_attachments(['shop'])['shop']}": "create",
        ATTACHMENT: "delete",
    }, "requests move by one update"


def test_behind_another_load_balancer_a_new_service_uses_the_same_task_definition(
    dev: Recording,
) -> None:
    preview = recorder.run("dev", after=dev, internal=True)
    public, internal = dev.one("Service"), preview.one("Service")
    assert (internal.name, internal.inputs["name"]) == ("web-internal", "dev-web-internal")
    assert (preview.operations[public.urn], preview.operations[internal.urn]) == (
        "delete",
        "create",
    )
    assert preview.one("TaskDefinition").inputs["family"] == "dev-web"
    assert preview.operations[dev.one("TaskDefinition").urn] == "same"


def as_it_was_before_attachments(run: Recording, port: int) -> Recording:
    """Return the stack as the program deployed it before it had attachments.

    Security group rules had no port in their names, and the target group had the tasks' port.
    """
    resources: dict[str, Any] = {}
    for urn, resource in run.resources.items():
        kind = urn.split("::")[2].rpartition(":")[2]
        if "-attachment-" in urn:
            continue
        if kind == "TargetGroup":
            resources[urn] = replace(resource, inputs={**resource.inputs, "port": port})
        else:
            resources[urn.replace(f"-from-ingress-{port}", "-from-ingress")] = resource
    return replace(run, resources=resources)


@pytest.mark.parametrize("port", [80, 8080])
def test_a_stack_from_before_attachments_gets_one_and_keeps_all_else(port: int) -> None:
    changes: dict[str, Any] = {
        "containerPort": port,
        "domain": "shop.example.com",
        "hostedZone": "example.com",
    }
    before = as_it_was_before_attachments(recorder.deployed("dev", **changes), port)
    changed: dict[str, str] = {}
    for urn, operation in recorder.run("dev", after=before, **changes).operations.items():
        if operation != "same":
            changed[urn.rpartition("::")[2]] = operation
    assert changed == {ATTACHMENT: "create"}
