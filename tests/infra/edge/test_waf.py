"""The resources that a Firewall registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra import recorder

if TYPE_CHECKING:
    from tests.infra.recorder import Recording


def test_a_firewall_has_a_web_acl_a_log_and_an_association(
    edge: Recording,
) -> None:
    assert edge.children(edge.component("Firewall")) == {
        ("WebAcl", "waf"),
        ("LogGroup", "waf"),
        ("WebAclLoggingConfiguration", "waf"),
        ("WebAclAssociation", "waf"),
    }
    assert (
        edge.one("WebAclLoggingConfiguration").urn in edge.one("WebAclAssociation").dependencies
    ), "what it blocks from the first request on is logged"
    assert edge.one("WebAclAssociation").inputs["resourceArn"] == edge.id(edge.one("LoadBalancer"))


@pytest.fixture(scope="module")
def counting(edge: Recording) -> Recording:
    """The change of a stack whose web ACL blocks to one whose web ACL only counts."""
    return recorder.run(
        "dev",
        after=edge,
        domain="shop.example.com",
        hostedZone="example.com",
        accessLogs=True,
        waf="count",
    )


def test_awss_managed_rules_block_or_only_count(edge: Recording, counting: Recording) -> None:
    for recording, override in ((edge, "none"), (counting, "count")):
        acl = recording.one("WebAcl").inputs
        assert acl["defaultAction"] == {"allow": {}}
        assert [rule["statement"]["managedRuleGroupStatement"] for rule in acl["rules"]] == [
            {"vendorName": "AWS", "name": "AWSManagedRulesAmazonIpReputationList"},
            {"vendorName": "AWS", "name": "AWSManagedRulesCommonRuleSet"},
            {"vendorName": "AWS", "name": "AWSManagedRulesKnownBadInputsRuleSet"},
        ]
        assert [rule["overrideAction"] for rule in acl["rules"]] == [{override: {}}] * 3


def test_every_rule_has_a_metric_and_no_request_is_sampled(edge: Recording) -> None:
    acl = edge.one("WebAcl").inputs
    for each in (acl, *acl["rules"]):
        assert each["visibilityConfig"]["cloudwatchMetricsEnabled"]
        assert not each["visibilityConfig"]["sampledRequestsEnabled"]
    assert acl["visibilityConfig"]["metricName"] == "ecs-cluster-dev-waf", (
        "two stacks of an account differ"
    )


def test_matches_are_logged_without_credentials_and_the_log_outlives_the_stack(
    edge: Recording,
) -> None:
    group = edge.one("LogGroup", "waf")
    assert group.inputs["name"] == "aws-waf-logs-ecs-cluster-dev"
    assert group.retain_on_delete
    logging = edge.one("WebAclLoggingConfiguration").inputs
    assert [arn.rpartition(":")[2] for arn in logging["logDestinationConfigs"]] == [
        "aws-waf-logs-ecs-cluster-dev"
    ]
    assert [each["singleHeader"]["name"] for each in logging["redactedFields"]] == [
        "authorization",
        "cookie",
    ]
    assert logging["loggingFilter"]["defaultBehavior"] == "DROP"


def test_the_firewalls_association_is_deleted_before_its_replacement(edge: Recording) -> None:
    assert edge.one("WebAclAssociation").delete_before_replace, (
        "AWS removes whichever web ACL the load balancer has, the new one too"
    )


def test_another_mode_updates_the_web_acl_in_place(edge: Recording, counting: Recording) -> None:
    assert counting.operations[edge.one("WebAcl").urn] == "update"
    assert counting.operations[edge.one("WebAclAssociation").urn] == "same"


def test_the_metrics_name_fits_with_the_longest_stack_name() -> None:
    run = recorder.run("x" * 100, file="dev", waf="block", accessLogs=True)
    assert len(run.one("WebAcl").inputs["visibilityConfig"]["metricName"]) <= 128
