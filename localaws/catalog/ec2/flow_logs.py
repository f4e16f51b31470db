"""EC2: flow logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.account import is_current
from localaws.catalog.ec2.network import SUBNET, VPC, ec2_id
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, Reference, ResourceType
from localaws.catalog.values import ARN, Limit, exactly_one, given, one_of

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

FLOW_LOG = "aws:ec2/flowLog:FlowLog"

_SOURCES = (
    "eniId",
    "regionalNatGatewayId",
    "subnetId",
    "transitGatewayAttachmentId",
    "transitGatewayId",
    "vpcId",
)
_CONFIGURATION = (*_SOURCES, "logFormat", "maxAggregationInterval", "trafficType")
"""The inputs of which at least one differs between two flow logs to one destination."""

_CLOUDWATCH = (None, "cloud-watch-logs")
"""The values of `logDestinationType` that mean CloudWatch Logs; None is the default."""


def _rules(inputs: Properties) -> Refusals:
    yield from exactly_one(inputs, _SOURCES, "ec2.flow-log.one-source")
    kind = inputs.get("logDestinationType")
    if not inputs.get("logDestination"):
        message = "logDestination must be set to the ARN of a log group, bucket or delivery stream"
        yield Refusal("InvalidArgument", message, "ec2.flow-log.destination", "logDestination")
    if kind in _CLOUDWATCH and not inputs.get("iamRoleArn"):
        message = (
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is "
            "cloud-watch-logs: set iamRoleArn"
        )
        yield Refusal("InvalidParameter", message, "ec2.flow-log.role", "iamRoleArn")
    if kind == "s3" and inputs.get("iamRoleArn"):
        message = "a flow log to a bucket takes no iamRoleArn; the bucket's policy allows it"
        yield Refusal("InvalidParameter", message, "ec2.flow-log.role", "iamRoleArn")
    if given(inputs, "vpcId", "subnetId", "eniId") and not given(inputs, "trafficType"):
        message = "trafficType must be set for a VPC, subnet or interface: ACCEPT, REJECT or ALL"
        yield Refusal("InvalidParameter", message, "ec2.flow-log.traffic", "trafficType")


def _account_rules(inputs: Properties, account: Account, current: Resource | None) -> Refusals:
    """Refuse a second flow log with the same configuration."""
    destination = inputs.get("logDestination")
    wanted = [inputs.get(name) for name in _CONFIGURATION]
    for other in account.where(FLOW_LOG, "logDestination", destination):
        same = [other.inputs.get(name) for name in _CONFIGURATION] == wanted
        if same and not is_current(other, current):
            message = (
                "There is an existing flow log with the same configuration and log destination "
                f"{destination}: {other.id}; change one of the two"
            )
            yield Refusal("FlowLogAlreadyExists", message, "ec2.flow-log.unique", "logDestination")


def _computed(mint: Mint, _inputs: Properties) -> Properties:
    identifier = ec2_id(mint, "fl")
    return {"id": identifier, "arn": mint.arn("ec2", f"vpc-flow-log/{identifier}")}


TYPES = (
    ResourceType(
        token=FLOW_LOG,
        only_recorded="flow logs record nothing",
        replaces=AllExcept("tags"),
        defaults={
            "logDestinationType": "cloud-watch-logs",
            "maxAggregationInterval": 600,
            "logFormat": (
                "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} "
                "${srcport} ${dstport} ${protocol} "
                "${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
            ),
        },
        limits=(
            Limit("trafficType", one_of("ACCEPT", "REJECT", "ALL"), "ec2.flow-log.traffic"),
            Limit("maxAggregationInterval", one_of(60, 600), "ec2.flow-log.interval"),
            Limit(
                "logDestinationType",
                one_of("cloud-watch-logs", "s3", "kinesis-data-firehose"),
                "ec2.flow-log.destination-type",
            ),
            Limit("logDestination", ARN, "ec2.flow-log.destination"),
            Limit("iamRoleArn", ARN, "ec2.flow-log.role"),
        ),
        references=(
            Reference("vpcId", VPC, "InvalidVpcId.NotFound", "ec2.flow-log.source-exists", "gone"),
            Reference(
                "subnetId", SUBNET, "InvalidSubnetId.NotFound", "ec2.flow-log.source-exists", "gone"
            ),
        ),
        rules=_rules,
        account_rules=_account_rules,
        computed=_computed,
    ),
)
