"""Find out why an instance of a launch template wouldn't register with a cluster on AWS. Pure.

An instance whose agent can't register runs, costs, and appears nowhere in ECS: the most frequent
fault of container instances. AWS gives no reason. `pulumi-local status` gives this one.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from localaws.catalog.ec2.ip_permissions import ALL_PROTOCOLS, permissions_of
from localaws.catalog.ec2.launch_templates import security_groups_of, user_data
from localaws.catalog.ec2.network import SECURITY_GROUP, SUBNET, VPC
from localaws.catalog.ec2.vpc_endpoints import VPC_ENDPOINT
from localaws.catalog.ecs.clusters import CLUSTER
from localaws.catalog.iam.policies import POLICY
from localaws.catalog.iam.roles import ATTACHMENT, INSTANCE_PROFILE, ROLE, ROLE_POLICY
from localaws.catalog.partitions import partition_of
from localaws.catalog.policies import Request, allows, statements
from localaws.catalog.values import block, blocks, parsed, text, texts
from localaws.vpc.desired import desired
from localaws.vpc.model import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from localaws.catalog.account import Account, Resource
    from localaws.catalog.ec2.ip_permissions import Permission
    from localaws.catalog.properties import Properties
    from localaws.vpc.model import Vpc

DEFAULT_CLUSTER = "default"

_SETTING = re.compile(r"^[ \t]*(?:export[ \t]+)?(ECS_[A-Z_]+)=[\"']?([^\s\"']*)", re.MULTILINE)
_ECHOED = re.compile(r"echo[ \t]+[\"']?(ECS_[A-Z_]+)=([^\s\"'>]*)")

_HTTPS = 443
_AN_INSTANCE = "0" * 32
"""An instance's id in ECS, as policies may name all of a cluster's."""

_MANAGED = (
    "AmazonEC2ContainerServiceforEC2Role",
    "AdministratorAccess",
    "PowerUserAccess",
    "AmazonECS_FullAccess",
)
"""AWS's own policies that allow all of them."""

_ENDPOINTS = ("ecs", "ecs-agent", "ecs-telemetry")
"""The services that an agent needs. Source: ECS Developer Guide, "Amazon ECS interface VPC
endpoints".
"""


def agent_settings(template: Properties) -> dict[str, str]:
    """Return what a template's user data write into the agent's configuration.

    Shell scripts and lines of `/etc/ecs/ecs.config` are understood, other languages aren't.
    """
    try:
        script = user_data(template).decode(errors="replace")
    except (ValueError, binascii.Error):
        return {}
    return dict([*_ECHOED.findall(script), *_SETTING.findall(script)])


def why_not_registered(
    template: Properties, subnets: Sequence[str], account: Account, *, public: bool
) -> str:
    """Return why instances don't register; empty if they do.

    Args:
        template: The launch template.
        subnets: The ids of the subnets that they are launched in.
        account: Where everything else is.
        public: Whether they have public addresses.
    """
    for problem in _problems(template, subnets, account, public=public):
        return problem
    return ""


def _problems(
    template: Properties, subnets: Sequence[str], account: Account, *, public: bool
) -> Iterator[str]:
    name = agent_settings(template).get("ECS_CLUSTER") or DEFAULT_CLUSTER
    cluster = account.find(CLUSTER, name)
    if cluster is None:
        yield (
            f"the user data make the agent join the cluster {name}, which doesn't exist: write "
            "ECS_CLUSTER=NAME into /etc/ecs/ecs.config"
        )
        return
    yield from _role_problems(template, cluster, account)
    yield from _group_problems(template, account)
    for subnet in subnets:
        yield from _route_problems(subnet, account, public=public)


def _role_problems(template: Properties, cluster: Resource, account: Account) -> Iterator[str]:
    profile = block(template.get("iamInstanceProfile"))
    name = str(profile.get("arn") or profile.get("name") or "").rpartition("/")[2]
    found = account.find(INSTANCE_PROFILE, name) if name else None
    role = account.find(ROLE, found.inputs.get("role")) if found else None
    if role is None:
        yield "the instances have no role: give the launch template an instance profile with one"
        return
    service = frozenset({("Service", partition_of(cluster.region).principal("ec2"))})
    trust = _completed(statements(block(parsed(role.inputs.get("assumeRolePolicy")))), "Resource")
    if not allows(trust, Request(principals=service, action="sts:AssumeRole", resource="*")):
        yield f"role {role.id} doesn't trust ec2.amazonaws.com"
        return
    granted = _granted(role, account)
    if granted is None:
        return
    policy = _completed(granted, "Principal")
    for action, target in _needed(cluster):
        context = {"ecs:cluster": cluster.id}
        request = Request(principals=service, action=action, resource=target, context=context)
        if not allows(policy, request):
            yield f"role {role.id} doesn't allow {action} on {target}"


def _needed(cluster: Resource) -> Iterator[tuple[str, str]]:
    """Yield what the agent calls before an instance is there, and on which resource.

    Sources: `ecs_client.go` and `acs` of amazon-ecs-agent; Service Authorization Reference,
    "Actions, resources, and condition keys for Amazon Elastic Container Service".
    """
    yield "ecs:RegisterContainerInstance", cluster.id
    instances = cluster.id.replace(":cluster/", ":container-instance/", 1)
    yield "ecs:Poll", f"{instances}/{_AN_INSTANCE}"
    yield "ecs:DiscoverPollEndpoint", "*"


def _granted(role: Resource, account: Account) -> list[Mapping[str, object]] | None:
    """Return the statements of a role's policies; None where one of AWS's own allows all."""
    found: list[Mapping[str, object]] = []
    attached = texts(role.inputs.get("managedPolicyArns"))
    for each in account.all(ATTACHMENT):
        if each.inputs.get("role") in {role.id, role.inputs.get("name")}:
            attached.append(str(each.inputs.get("policyArn")))
    for arn in attached:
        if arn.rpartition("/")[2] in _MANAGED:
            return None
        policy = account.get(POLICY, arn)
        if policy is not None:
            found += statements(block(parsed(policy.inputs.get("policy"))))
    for each in account.all(ROLE_POLICY):
        if each.inputs.get("role") in {role.id, role.inputs.get("name")}:
            found += statements(block(parsed(each.inputs.get("policy"))))
    for inline in blocks(role.inputs.get("inlinePolicies")):
        found += statements(block(parsed(inline.get("policy"))))
    return found


def _completed(found: Sequence[Mapping[str, object]], element: str) -> Mapping[str, object]:
    """Return a policy of statements, of which those without an element have it for `*`.

    A trust policy has no `Resource`, and a role's policies have no `Principal`.
    """
    return {"Statement": [{element: "*", **each} for each in found]}


def _group_problems(template: Properties, account: Account) -> Iterator[str]:
    groups = security_groups_of(template)
    for identifier in groups:
        group = account.get(SECURITY_GROUP, identifier)
        if group is None:
            continue
        if any(map(_allows_https, permissions_of(account, group, "egress"))):
            return
    if groups:
        names = ", ".join(groups)
        yield f"the instances' security groups ({names}) let nothing out on tcp {_HTTPS}"


def _allows_https(rule: Permission) -> bool:
    if rule.protocol == ALL_PROTOCOLS:
        return True
    if rule.protocol != "tcp" or rule.first is None or rule.last is None:
        return False
    return rule.first <= _HTTPS <= rule.last


def _route_problems(subnet: str, account: Account, *, public: bool) -> Iterator[str]:
    record = account.get(SUBNET, subnet)
    vpc = account.get(VPC, record.outputs.get("vpcId")) if record else None
    if record is None or vpc is None:
        yield f"subnet {subnet} isn't a resource of the local AWS"
        return
    targets = _default_routes(subnet, desired(account).vpc(vpc.id))
    if Target.NAT_GATEWAY in targets or (Target.INTERNET_GATEWAY in targets and public):
        return
    missing = _missing_endpoints(vpc, account)
    if not missing:
        return
    why = "it has no route to the internet"
    if Target.INTERNET_GATEWAY in targets:
        why = "its default route is an internet gateway, and instances have no public address"
    yield (
        f"subnet {subnet} doesn't reach ECS: {why}, and the VPC has no endpoints for "
        f"{', '.join(missing)}"
    )


def _default_routes(subnet: str, vpc: Vpc) -> set[Target]:
    """Return the targets of a subnet's default routes."""
    for each in vpc.subnets:
        if each.id == subnet:
            return {route.target for route in each.routes if route.destination == "0.0.0.0/0"}
    return set()


def _missing_endpoints(vpc: Resource, account: Account) -> list[str]:
    found = set()
    for each in account.all(VPC_ENDPOINT):
        shown = each.outputs
        if shown.get("vpcId") == vpc.id and shown.get("vpcEndpointType") == "Interface":
            service = text(shown.get("serviceName")) or ""
            found.add(service.partition(f"{vpc.region}.")[2])
    return [each for each in _ENDPOINTS if each not in found]
