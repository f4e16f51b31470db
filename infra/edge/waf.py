"""A web ACL that checks requests before they reach the load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from infra import log_group
from infra.aws import naming
from infra.aws.managed_rules import MANAGED_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.log_group import LogGroupArgs

_SECRET_HEADERS: Final = ("authorization", "cookie")
"""Headers whose values the log doesn't show."""

_MATCHES_ONLY: Final[aws.wafv2.WebAclLoggingConfigurationLoggingFilterArgsDict] = {
    "default_behavior": "DROP",
    "filters": [
        {
            "behavior": "KEEP",
            "requirement": "MEETS_ANY",
            "conditions": [
                {"action_condition": {"action": action}} for action in ("BLOCK", "COUNT")
            ],
        }
    ],
}


@dataclass(kw_only=True)
class FirewallArgs:
    """Arguments of a Firewall."""

    alb_arn: pulumi.Input[str]
    """Load balancer that it protects; an ALB has one web ACL at most."""

    block: bool
    """Whether it blocks requests, or only counts those that it would block."""

    metric_name: str
    """Name of its metrics, unique among the account's web ACLs; at most 128 letters, digits, `-`
    and `_`.
    """

    log_group: LogGroupArgs
    """Log group of the requests that a rule matched; WAF writes to `aws-waf-logs-…` only."""

    tags: dict[str, str]
    """Tags of every resource of the firewall."""


class Firewall(pulumi.ComponentResource):
    """A web ACL with AWS's managed rules, metrics and a log, in front of a load balancer."""

    arn: pulumi.Output[str]
    """ARN of the web ACL."""

    log_group: pulumi.Output[str]
    """Name of the log group."""

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:Firewall", name, None, opts)
        tags = naming.of_component(args.tags, name)
        child = pulumi.ResourceOptions(parent=self)
        acl = aws.wafv2.WebAcl(
            name,
            scope="REGIONAL",
            default_action={"allow": {}},
            rules=list(_managed_rules(block=args.block)),
            visibility_config=_visible_as(args.metric_name),
            tags=tags,
            opts=child,
        )
        logs = log_group.adopt_or_create(name, args.log_group, tags=tags, parent=self)
        # WAF itself allows the log delivery to write there, with the permissions of the caller.
        logging = aws.wafv2.WebAclLoggingConfiguration(
            name,
            resource_arn=acl.arn,
            log_destination_configs=[logs.arn],
            redacted_fields=[{"single_header": {"name": header}} for header in _SECRET_HEADERS],
            logging_filter=_MATCHES_ONLY,
            opts=child,
        )
        aws.wafv2.WebAclAssociation(
            name,
            resource_arn=args.alb_arn,
            web_acl_arn=acl.arn,
            # Deleting an association removes whichever web ACL the load balancer has, so the old
            # one is deleted before the new one is created.
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, depends_on=[logging]
            ),
        )
        self.arn = acl.arn
        self.log_group = logs.name
        self.register_outputs({"arn": self.arn, "logGroup": self.log_group})


def _managed_rules(*, block: bool) -> Iterator[aws.wafv2.WebAclRuleArgsDict]:
    """Yield the managed rule groups in their order, which block requests or only count them."""
    for priority, name in enumerate(MANAGED_RULES):
        yield {
            "name": name,
            "priority": priority,
            "statement": {"managed_rule_group_statement": {"vendor_name": "AWS", "name": name}},
            "override_action": {"none": {}} if block else {"count": {}},
            "visibility_config": _visible_as(name),
        }


def _visible_as(metric: str) -> aws.wafv2.WebAclVisibilityConfigArgsDict:
    """Configure metrics of that name, without samples of requests.

    WAF would keep whole requests as samples, credentials included, outside the log.
    """
    return {
        "metric_name": metric,
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": False,
    }
