"""Elastic Load Balancing: load balancers."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from localaws.catalog.ec2.network import (
    SECURITY_GROUP,
    SUBNET,
    VPC,
    has_internet_gateway,
    vpc_of,
    zone_of,
)
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import Request, allows
from localaws.catalog.properties import values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AutoName, Reference, ResourceType, Unique
from localaws.catalog.s3 import BUCKET, BUCKET_POLICY, ENCRYPTION, companion
from localaws.catalog.values import (
    Limit,
    block,
    exactly_one,
    matches,
    network,
    one_of,
    parsed,
    texts,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"

SMALLEST_SUBNET_PREFIX = 27

HOSTED_ZONES = {
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "eu-west-1": "Z32O12XQLNTSW2",
    "us-east-1": "Z35SXDOTRQ7X7K",
}
"""The Route 53 zone of each region's load balancers, as far as known."""

ELB_ACCOUNTS = {
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ap-southeast-3": "589379963580",
    "ca-central-1": "985666609251",
    "cn-north-1": "638102146993",
    "cn-northwest-1": "037604701340",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-gov-east-1": "190560391635",
    "us-gov-west-1": "048591011584",
}
"""The AWS account that writes the access logs of each region's load balancers. In newer regions
only a service principal writes them.

Source: AWS's guide to Application Load Balancer access logs.
"""

_LOG_PREFIX = matches(
    r"(?!/)(?!.*AWSLogs).*(?<!/)", "a prefix without AWSLogs and without slashes at its ends"
)
_NAME = matches(
    r"|(?!internal-)(?!-)[0-9A-Za-z-]{1,32}(?<!-)",
    (
        "1 to 32 letters, digits and hyphens, without a hyphen at either end and not "
        "starting with internal-"
    ),
)
PREFIX = matches(r"(?!-)[0-9A-Za-z-]{1,6}", "1 to 6 letters, digits and hyphens")


def _load_balancer_rules(inputs: Properties) -> Refusals:
    yield from exactly_one(
        inputs, ("subnets", "subnetMappings"), "elbv2.load-balancer.one-kind-of-subnets"
    )
    subnets = inputs.get("subnets") or inputs.get("subnetMappings")
    # Two zones
    if is_application(inputs) and isinstance(subnets, list) and len(subnets) < 2:  # noqa: PLR2004
        yield _two_zones()


def is_application(inputs: Properties) -> bool:
    """Return whether this is an application load balancer, which is the default."""
    return inputs.get("loadBalancerType") in (None, "application")


def _two_zones() -> Refusal:
    message = "At least two subnets in two different Availability Zones must be specified"
    return Refusal("ValidationError", message, "elbv2.load-balancer.two-zones", "subnets")


def _subnets(inputs: Properties) -> list[str]:
    return texts(inputs.get("subnets")) or texts(values_at(inputs, "subnetMappings[].subnetId"))


def _load_balancer_account_rules(
    inputs: Properties, account: Account, current: Resource | None
) -> Refusals:
    subnets = _subnets(inputs)
    zones = [zone_of(account, each) for each in subnets]
    vpcs = {vpc_of(account, each) for each in subnets}
    if current:
        vpcs.add(current.outputs["vpcId"])  # a load balancer can't move to another VPC
    if len(vpcs) > 1:
        message = (
            f"All subnets must belong to the same VPC, got {', '.join(sorted(map(str, vpcs)))}"
        )
        yield Refusal(
            "InvalidConfigurationRequest", message, "elbv2.load-balancer.one-vpc", "subnets"
        )
        return
    if is_application(inputs) and len(set(zones)) < 2:  # noqa: PLR2004 — two zones
        yield _two_zones()
    if len(set(zones)) < len(zones):
        message = (
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        )
        yield Refusal(
            "InvalidConfigurationRequest", message, "elbv2.load-balancer.subnet-per-zone", "subnets"
        )
    public = inputs.get("internal") is not True and inputs.get("loadBalancerType") != "gateway"
    for vpc in vpcs:
        if public and current is None and not has_internet_gateway(account, vpc):
            message = f"VPC {vpc} has no internet gateway"
            yield Refusal(
                "InvalidSubnet", message, "elbv2.load-balancer.internet-gateway", "subnets"
            )
        yield from _load_balancer_member_rules(inputs, account, vpc)
    yield from _log_rules(inputs, account)


def _load_balancer_member_rules(inputs: Properties, account: Account, vpc: object) -> Refusals:
    for subnet in _subnets(inputs):
        found = account.find(SUBNET, subnet)
        range_ = network(found.outputs.get("cidrBlock")) if found else None
        if isinstance(range_, IPv4Network) and range_.prefixlen > SMALLEST_SUBNET_PREFIX:
            message = (
                f"{subnet} is a /{range_.prefixlen}; a load balancer needs "
                f"/{SMALLEST_SUBNET_PREFIX} or larger"
            )
            yield Refusal("InvalidSubnet", message, "elbv2.load-balancer.subnet-size", "subnets")
        if str(inputs.get("ipAddressType")).startswith("dualstack") and not (
            found and found.inputs.get("ipv6CidrBlock")
        ):
            message = (
                f"{subnet} has no IPv6 range, which ipAddressType {inputs['ipAddressType']} needs"
            )
            yield Refusal(
                "ValidationError", message, "elbv2.load-balancer.dualstack", "ipAddressType"
            )
    for group in texts(inputs.get("securityGroups")):
        found = account.get(SECURITY_GROUP, group)
        if found and found.outputs.get("vpcId") != vpc:
            message = (
                f"security group {group} belongs to {found.outputs.get('vpcId')}, the "
                f"subnets to {vpc}"
            )
            yield Refusal(
                "InvalidConfigurationRequest",
                message,
                "elbv2.load-balancer.groups-vpc",
                "securityGroups",
            )


_LOG_TEST_FILES = {
    "accessLogs": "ELBAccessLogTestFile",
    "connectionLogs": "ELBConnectionLogTestFile",
    "healthCheckLogs": "ELBHealthCheckLogTestFile",
}
"""The file that a load balancer writes to each bucket for logs, to check its permissions."""

_LOG_WRITERS = {
    "application": (
        "logdelivery.elasticloadbalancing.amazonaws.com",
        "logdelivery.elb.amazonaws.com",
    ),
    "network": ("delivery.logs.amazonaws.com",),
}
"""The services that write the logs of each type of load balancer.

Source: AWS's guides to their access logs.
"""


def _log_rules(inputs: Properties, account: Account) -> Refusals:
    """Refuse logs into a bucket whose policy forbids them.

    A bucket that isn't a resource is assumed to allow them.
    """
    for name, file in _LOG_TEST_FILES.items():
        logs = block(inputs.get(name))
        bucket = account.get(BUCKET, logs.get("bucket"))
        if bucket is None or logs.get("enabled") is not True:
            continue
        prefix = f"{logs['prefix']}/" if logs.get("prefix") else ""
        key = f"{bucket.computed['arn']}/{prefix}AWSLogs/{account.account_id}/{file}"
        algorithms = values_at(
            companion(account, ENCRYPTION, bucket.id),
            "rules[].applyServerSideEncryptionByDefault.sseAlgorithm",
        )
        if any(algorithm != "AES256" for algorithm in algorithms):
            message = (
                f"Access Denied for bucket: {bucket.id}. Load balancers write to buckets "
                "with AES256 only"
            )
            yield Refusal(
                "InvalidConfigurationRequest", message, "elbv2.load-balancer.log-bucket", name
            )
            continue
        policy = parsed(companion(account, BUCKET_POLICY, bucket.id).get("policy"))
        request = Request(
            principals=_log_writers(inputs, bucket.region),
            action="s3:PutObject",
            resource=key,
            context={
                "s3:x-amz-acl": "bucket-owner-full-control",
                "aws:SecureTransport": "true",
                "aws:SourceAccount": account.account_id,
            },
        )
        if not allows(policy, request):
            message = (
                f"Access Denied for bucket: {bucket.id}. Please check S3bucket permission: "
                f"no principal may write {key}"
            )
            yield Refusal(
                "InvalidConfigurationRequest", message, "elbv2.load-balancer.log-bucket", name
            )


def _log_writers(inputs: Properties, region: str) -> frozenset[tuple[str, str]]:
    """Return the principals that write a load balancer's logs."""
    kind = str(inputs.get("loadBalancerType") or "application")
    services = {("Service", each) for each in _LOG_WRITERS.get(kind, ())}
    account = ELB_ACCOUNTS.get(region)
    if kind == "application" and account:
        return frozenset(
            {
                *services,
                ("AWS", account),
                ("AWS", f"arn:{partition_of(region).name}:iam::{account}:root"),
            }
        )
    return frozenset(services)


def _load_balancer_computed(mint: Mint, inputs: Properties) -> Properties:
    kind = {"network": "net", "gateway": "gwy"}.get(str(inputs.get("loadBalancerType")), "app")
    suffix, internal = f"{kind}/{inputs.get('name')}/{mint.hex(16)}", inputs.get("internal") is True
    arn = mint.arn("elasticloadbalancing", f"loadbalancer/{suffix}")
    vpc = next((vpc_of(mint.account, each) for each in _subnets(inputs)), None)
    found = mint.account.get(VPC, vpc)
    default_group = {"securityGroups": [found.outputs["defaultSecurityGroupId"]]} if found else {}
    name = f"{'internal-' if internal else ''}{inputs.get('name')}-{mint.digits(9)}"
    return {
        "id": arn,
        "arn": arn,
        "arnSuffix": suffix,
        "dnsName": f"{name}.{mint.region}.elb.{partition_of(mint.region).suffix}",
        "zoneId": HOSTED_ZONES.get(mint.region, "Z00000000000000"),
        "vpcId": vpc,
        **({} if inputs.get("securityGroups") else default_group),
    }


def _load_balancer_deletion_rules(balancer: Resource, _world: Account) -> Refusals:
    if balancer.inputs.get("enableDeletionProtection") is True:
        message = (
            f"Load balancer '{balancer.id}' cannot be deleted because deletion protection is "
            "enabled"
        )
        yield Refusal("OperationNotPermitted", message, "elbv2.load-balancer.deletion-protection")


def _replaces_network_balancer(name: str, old: Properties, new: Properties) -> bool:
    if old.get("loadBalancerType") != "network":
        return False
    before, after = texts(old.get(name)), texts(new.get(name))
    return (name == "subnets" and not set(before) <= set(after)) or (
        name == "securityGroups" and bool(before) != bool(after)
    )


TYPES = (
    ResourceType(
        token=LOAD_BALANCER,
        autoname=AutoName(),
        replaces=frozenset(
            {
                "name",
                "namePrefix",
                "internal",
                "loadBalancerType",
                "customerOwnedIpv4Pool",
                "region",
            }
        ),
        replaces_if=_replaces_network_balancer,
        unordered=frozenset({"subnets", "securityGroups", "subnetMappings"}),
        defaults={
            "internal": False,
            "loadBalancerType": "application",
            "ipAddressType": "ipv4",
            "idleTimeout": 60,
            "clientKeepAlive": 3600,
            "desyncMitigationMode": "defensive",
            "dropInvalidHeaderFields": False,
            "enableDeletionProtection": False,
            "enableHttp2": True,
            "enableCrossZoneLoadBalancing": False,
            "enableWafFailOpen": False,
            "enableXffClientPort": False,
            "enableTlsVersionAndCipherSuiteHeaders": False,
            "enableZonalShift": False,
            "preserveHostHeader": False,
            "xffHeaderProcessingMode": "append",
        },
        limits=(
            Limit("name", _NAME, "elbv2.load-balancer.name"),
            Limit("namePrefix", PREFIX, "elbv2.load-balancer.name"),
            Limit(
                "loadBalancerType",
                one_of("application", "network", "gateway"),
                "elbv2.load-balancer.type",
            ),
            *(
                Limit(f"{name}.prefix", _LOG_PREFIX, "elbv2.load-balancer.log-prefix")
                for name in _LOG_TEST_FILES
            ),
            Limit("idleTimeout", within(1, 4000), "elbv2.load-balancer.idle-timeout"),
            Limit("clientKeepAlive", within(60, 604800), "elbv2.load-balancer.keep-alive"),
            Limit(
                "desyncMitigationMode",
                one_of("monitor", "defensive", "strictest"),
                "elbv2.load-balancer.desync",
            ),
            Limit(
                "xffHeaderProcessingMode",
                one_of("append", "preserve", "remove"),
                "elbv2.load-balancer.xff",
            ),
            Limit(
                "ipAddressType",
                one_of("ipv4", "dualstack", "dualstack-without-public-ipv4"),
                "elbv2.load-balancer.address-type",
            ),
        ),
        references=(
            Reference(
                "subnets[]", SUBNET, "SubnetNotFound", "elbv2.load-balancer.subnet-exists", "held"
            ),
            Reference(
                "subnetMappings[].subnetId",
                SUBNET,
                "SubnetNotFound",
                "elbv2.load-balancer.subnet-exists",
                "held",
            ),
            Reference(
                "securityGroups[]",
                SECURITY_GROUP,
                "InvalidSecurityGroup",
                "elbv2.load-balancer.group-exists",
                "held",
            ),
        ),
        unique=(
            Unique(
                ("name",),
                "DuplicateLoadBalancerName",
                "elbv2.load-balancer.unique",
                "ELBv2 Load Balancer ({name}) already exists",
            ),
        ),
        rules=_load_balancer_rules,
        account_rules=_load_balancer_account_rules,
        computed=_load_balancer_computed,
        deletion_rules=_load_balancer_deletion_rules,
    ),
)
