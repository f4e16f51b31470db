"""Target groups and listener rules of a service, and the order of their changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.aws.routes.priorities import of_attachments
from tests.infra import recorder

if TYPE_CHECKING:
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
    }, "a fixed name would turn a replacement into delete-then-create"


def test_a_rule_that_no_request_matches_attaches_the_target_group_before_the_service(
    dev: Recording,
) -> None:
    attachment = dev.one("ListenerRule", ATTACHMENT)
    assert attachment.inputs["conditions"] == [{"sourceIp": {"values": ["192.0.2.0/32"]}}]
    assert attachment.inputs["actions"] == dev.one("ListenerRule", "alb-50000").inputs["actions"]
    assert attachment.urn in dev.one("Service").dependencies


@pytest.mark.parametrize("stack", ["dev", "edge"])
def test_the_serving_rule_waits_for_the_steady_service_and_the_dns_record_for_the_rule(
    request: pytest.FixtureRequest, stack: str
) -> None:
    run: Recording = request.getfixturevalue(stack)
    rule = run.one("ListenerRule", "alb-50000")
    assert run.one("Service").urn in rule.dependencies
    assert rule.hooks == {"before_create": ("web-completed",), "before_update": ("web-completed",)}
    for record in run.all("Record"):
        assert record.name == "certificate-proof" or rule.urn in record.dependencies


def test_another_port_creates_new_security_group_rules_before_the_old_ones_are_deleted(
    dev: Recording,
) -> None:
    run = recorder.run("dev", after=dev, containerPort=8080)
    assert recorder.changes_by_name(run, "SecurityGroupIngressRule") == {
        "web-from-ingress-8080": "create",
        "web-from-ingress-80": "delete",
    }
    assert run.operations[dev.one("TargetGroup").urn] == "same"
    assert run.operations[dev.one("ListenerRule", "alb-50000").urn] == "same"


def test_a_service_of_another_name_takes_over_the_serving_rule(dev: Recording) -> None:
    run = recorder.run("dev", after=dev, serviceName="shop")
    assert recorder.changes_by_name(run, "ListenerRule") == {
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
def test_a_stack_from_before_attachments_only_gets_an_attachment(port: int) -> None:
    changes: dict[str, Any] = {
        "containerPort": port,
        "domain": "shop.example.com",
        "hostedZone": "example.com",
    }
    before = as_it_was_before_attachments(recorder.deployed("dev", **changes), port)
    ((urn, operation),) = recorder.changes(recorder.run("dev", after=before, **changes)).items()
    assert (urn.rpartition("::")[2], operation) == (ATTACHMENT, "create")
