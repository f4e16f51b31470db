"""The plan and the templates for the scanners have every resource, its values and references."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from gate.configurations import CONFIGURATIONS
from gate.graph import Graph, Node
from gate.scanners import cloudformation, terraform
from gate.scanners.cloudformation_properties import FOLDS
from gate.scanners.terraform import UnmappedBlockError
from gate.scanners.type_names import TYPES, UnmappedTypeError, names
from tests.gate.conftest import node, weakened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PART_OF_ANOTHER = {*FOLDS, "CertificateValidation", "EventTarget", "ScheduledAction"}
"""Types that are part of another type's resource in CloudFormation."""

WITHOUT_REFERENCES = {"DefaultSecurityGroup network-default"}
"""Resources for which CloudFormation has no type; checkov reads them."""


def planned(graph: Graph) -> dict[str, dict[str, Any]]:
    """Return the values of each resource, by its address."""
    resources = terraform.plan({"dev": graph})["planned_values"]["root_module"]["resources"]
    return {each["address"]: each["values"] for each in resources}


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_every_resource_is_in_the_plan_once(graphs: Mapping[str, Graph], stack: str) -> None:
    plan = terraform.plan({stack: graphs[stack]})
    for part in (plan["planned_values"]["root_module"]["resources"], plan["resource_changes"]):
        assert len({each["address"] for each in part}) == len(part) == len(graphs[stack].nodes)


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_a_template_lacks_only_types_that_cloudformation_does_not_have(
    graphs: Mapping[str, Graph], stack: str
) -> None:
    missing: set[str] = set()
    for each in graphs[stack].nodes:
        if not names(each.type).cloudformation and each.kind not in PART_OF_ANOTHER:
            missing.add(each.title)
    assert missing == WITHOUT_REFERENCES


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_plan_and_template_contain_no_id_of_the_local_aws(
    graphs: Mapping[str, Graph], stack: str
) -> None:
    graph = graphs[stack]
    plan = json.dumps(terraform.plan({stack: graph}))
    template = json.dumps(cloudformation.template(graph))
    for each in graph.nodes:
        if each.kind in {"SecurityGroup", "Subnet", "Vpc", "TargetGroup"}:
            assert each.outputs["id"] not in plan
            assert each.outputs["id"] not in template


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_every_reference_in_a_template_has_its_resource(
    graphs: Mapping[str, Graph], stack: str
) -> None:
    resources = cloudformation.template(graphs[stack])["Resources"]
    assert set(_labels(resources)) <= set(resources)


def test_a_reference_is_an_expression_and_a_function(graphs: Mapping[str, Graph]) -> None:
    rule = "aws_vpc_security_group_ingress_rule.dev__web_from_ingress_80"
    values = planned(graphs["dev"])[rule]
    assert values["referenced_security_group_id"] == "${aws_security_group.dev__alb.id}"
    configured = terraform.plan({"dev": graphs["dev"]})["configuration"]["root_module"]["resources"]
    (found,) = [each["expressions"] for each in configured if each["address"] == rule]
    assert found["referenced_security_group_id"] == {
        "references": ["aws_security_group.dev__alb.id", "aws_security_group.dev__alb"]
    }
    assert found["ip_protocol"] == {"constant_value": "tcp"}
    resources = cloudformation.template(graphs["dev"])["Resources"]
    properties = resources["SecuritygroupingressruleWebFromIngress80"]["Properties"]
    assert properties["SourceSecurityGroupId"] == {"Fn::GetAtt": ["SecuritygroupAlb", "GroupId"]}


def test_a_reference_inside_a_text_is_translated(graphs: Mapping[str, Graph]) -> None:
    policy = "aws_s3_bucket_policy.dev__access_logs"
    values = planned(graphs["everything"])[policy]
    assert "${aws_s3_bucket.dev__access_logs.arn}/*" in values["policy"]
    resources = cloudformation.template(graphs["everything"])["Resources"]
    assert "${BucketAccessLogs.Arn}/*" in json.dumps(resources["BucketpolicyAccessLogs"])


def test_a_dependency_without_a_reference_is_translated(graphs: Mapping[str, Graph]) -> None:
    service = cloudformation.template(graphs["dev"])["Resources"]["ServiceWeb"]
    assert {"ListenerruleAlbAttachment48689", "RolepolicyWebExecution"} <= set(service["DependsOn"])
    assert "TargetgroupAlbWeb" not in service["DependsOn"], "its properties name it"


def test_blocks_lists_maps_and_numbers_have_terraforms_form(graphs: Mapping[str, Graph]) -> None:
    values = planned(graphs["everything"])
    service = values["aws_ecs_service.dev__web"]
    assert service["network_configuration"][0]["assign_public_ip"] is False
    assert service["load_balancer"][0]["container_name"] == "nginx"
    assert isinstance(service["desired_count"], int)
    assert service["tags"]["ManagedBy"] == "Pulumi", "a map with free keys is no block"
    listener = values["aws_lb_listener.dev__alb_https"]
    assert listener["routing_http_response_x_frame_options_header_value"] == "DENY"


def test_listener_attributes_have_awss_names(graphs: Mapping[str, Graph]) -> None:
    listener = cloudformation.template(graphs["everything"])["Resources"]["ListenerAlbHttps"][
        "Properties"
    ]
    keys = {each["Key"] for each in listener["ListenerAttributes"]}
    assert {
        "routing.http.response.x_frame_options.header_value",
        "routing.http.response.server.enabled",
    } <= keys


def test_a_type_that_is_not_in_the_table_is_an_error(graphs: Mapping[str, Graph]) -> None:
    unknown = _and_another(graphs["dev"], "aws:sqs/queue:Queue")
    for translate in (lambda graph: terraform.plan({"dev": graph}), cloudformation.template):
        with pytest.raises(
            UnmappedTypeError, match=r"aws:sqs/queue:Queue isn't in gate/scanners/type_names.py"
        ):
            translate(unknown)


def test_a_list_of_objects_that_is_not_in_the_table_is_an_error(
    graphs: Mapping[str, Graph],
) -> None:
    unknown = weakened(
        graphs["dev"],
        {"Cluster cluster": [lambda inputs: inputs.update(flavours=[{"name": "vanilla"}])]},
    )
    with pytest.raises(
        UnmappedBlockError,
        match=r"Cluster cluster: gate/scanners/terraform\.py has no Terraform name for `flavours`",
    ):
        terraform.plan({"dev": unknown})


def test_the_table_has_the_types_that_the_program_registers_and_no_others(
    graphs: Mapping[str, Graph],
) -> None:
    registered: set[str] = set()
    for graph in graphs.values():
        registered.update(node.type for node in graph.nodes)
    assert registered == set(TYPES)


def test_stacks_share_no_address(graphs: Mapping[str, Graph]) -> None:
    plan = terraform.plan({"dev": graphs["dev"], "local": graphs["dev"]})
    addresses = [each["address"] for each in plan["resource_changes"]]
    assert len(set(addresses)) == len(addresses) == 2 * len(graphs["dev"].nodes)


def test_a_translation_leaves_the_graph_unchanged(graphs: Mapping[str, Graph]) -> None:
    graph = copy.deepcopy(graphs["everything"])
    before = json.dumps([each.inputs for each in graph.nodes])
    cloudformation.template(graph)
    terraform.plan({"dev": graph})
    assert json.dumps([each.inputs for each in graph.nodes]) == before


def test_a_buckets_name_refers_only_to_the_bucket(graphs: Mapping[str, Graph]) -> None:
    balancer = node(graphs["everything"], "LoadBalancer alb")
    assert [each.title for each in balancer.named(balancer.inputs["accessLogs"])] == [
        "Bucket access-logs"
    ]


def _and_another(graph: Graph, token: str) -> Graph:
    known = node(graph, "Cluster cluster")
    return Graph(
        [
            *graph.nodes,
            Node(dataclasses.replace(known.registered, type=token, name="q"), known.outputs),
        ]
    )


def _labels(value: object) -> Iterator[str]:
    match value:
        case {"Ref": str(label)} | {"Fn::GetAtt": [str(label), _]}:
            yield label
        case {"Fn::Sub": str(text)}:
            yield from re.findall(r"\$\{(\w+)", text)
        case dict():
            for name, each in value.items():
                # A container's `DependsOn` has maps, which name containers.
                if name == "DependsOn" and isinstance(each, list) and isinstance(each[0], str):
                    yield from each
                else:
                    yield from _labels(each)
        case list():
            for each in value:
                yield from _labels(each)


def test_the_providers_own_inputs_of_a_record_are_left_out(graphs: Mapping[str, Graph]) -> None:
    resources = cloudformation.template(graphs["everything"])["Resources"].values()
    records = [
        each["Properties"] for each in resources if each["Type"] == "AWS::Route53::RecordSet"
    ]
    validation = next(each for each in records if "AliasTarget" not in each)
    assert validation.keys() == {"HostedZoneId", "Name", "Type", "ResourceRecords", "TTL"}
