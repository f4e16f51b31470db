"""What the catalogues don't see: rules of this project's own over a graph. Pure.

checkov takes a rule that names a security group for one that is open to the world, knows no egress
rule of today's form and passes ECS Exec without a log; cfn-lint knows neither order nor names.
docs/gate.md has the list.
"""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, Final

from gate.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gate.graph import Graph, Node

_WIDEST: Final = {4: 8, 6: 16}
"""The shortest prefix, by IP version, of a network that is not taken for the world, which two
halves are as well.
"""

_DOCUMENTATION_NETWORKS: Final = tuple(
    map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
)
"""Reserved for documentation (RFC 5737): no client has an address in them."""

WITHOUT_ARN: Final = frozenset(
    {
        "cloudwatch:PutMetricData",
        "ec2:DescribeAvailabilityZones",
        "ecr:GetAuthorizationToken",
        "kms:GenerateRandom",
        "logs:DescribeLogGroups",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
        "sts:GetCallerIdentity",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions that take no narrower resource than `*`. Source: Service Authorization Reference."""

_OF_SOMETHING: Final = re.compile(
    # arn:partition:service:region:account:resource
    r"arn:[^:*?]+:(?:(?:s3::|(?:execute-api|sns|sqs):[^:*?]*:[^:*?]*):[^*?]"
    r"|(?!(?:elasticloadbalancing:[^/]*:(?:loadbalancer|listener|listener-rule)|wafv2:[^/]*)/[^/*?]*/?[*?])"
    r"[^:*?]+:[^:*?]*:[^:*?]*:(?:[^*?]+$|/?[\w.-]+[:/]+[^:/*?]))"
)
"""How ARNs begin that aren't of everything of a kind, as secret:* and role/* are; a few services
have but one kind.
"""

RECOMMENDED_TLS: Final = frozenset(
    {
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-3-FIPS-PQ-2025-09",
        "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    }
)
"""TLS 1.2 with forward secrecy and authenticated ciphers only, or later. Source: Security Hub,
control ELB.17.
"""

_WHOSE: Final = re.compile(
    r"(?i)aws:(Principal(Account|Arn|OrgID|OrgPaths)|Source(Account|Arn|OrgID|OrgPaths|Vpc|Vpce|VpcArn))"
)
"""Keys of a condition that say whose a request is. Source: IAM, global condition context keys."""

_SECRET_NAME: Final = re.compile(
    r"(?i)pass(word|wd|phrase)|secret|token|api_?key|private_?key|credential"
)
_SECRET_VALUE: Final = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN|://[^/\s:@]+:[^/\s:@]+@")
_LONGEST_BALANCER_NAME: Final = 32
_HTTPS: Final = 443


def findings(stack: str, graph: Graph) -> set[Finding]:
    """What the rules find in a stack's graph."""
    return {
        Finding(stack, name, node.title) for name, rule in RULES.items() for node in rule(graph)
    }


# Who may reach whom.


def _tasks_admit_only_the_load_balancer(graph: Graph) -> Iterator[Node]:
    for service in graph.all("Service"):
        ports = {each["containerPort"] for each in service.inputs.get("loadBalancers", [])}
        for rule in _rules_of(graph, "SecurityGroupIngressRule", _groups(service)):
            sources = [*rule.named(rule.inputs.get("referencedSecurityGroupId"))]
            known = sources and all(each in _balancers_groups(graph) for each in sources)
            if not known or _port(rule) not in ports:
                yield rule


def _only_load_balancers_are_open_to_the_world(graph: Graph) -> Iterator[Node]:
    front = {
        group
        for balancer in graph.all("LoadBalancer")
        if not balancer.inputs.get("internal")
        for group in _groups(balancer)
    }
    for rule in graph.all("SecurityGroupIngressRule"):
        if _is_of_the_world(rule):
            listens = {each.inputs["port"] for each in graph.all("Listener")} & {80, 443}
            group = next(rule.named(rule.inputs["securityGroupId"]), None)
            if group not in front or _port(rule) not in listens:
                yield rule


def _egress_is_narrow(graph: Graph) -> Iterator[Node]:
    for rule in graph.all("SecurityGroupEgressRule"):
        group = next(rule.named(rule.inputs["securityGroupId"]), None)
        everything = str(rule.inputs["ipProtocol"]) == "-1"
        balancers = group in _balancers_groups(graph) and _cidrs(rule)
        ports = rule.inputs.get("referencedSecurityGroupId") and _port(rule) is None
        if everything or balancers or ports or (_is_of_the_world(rule) and _port(rule) != _HTTPS):
            yield rule


def _rules_are_resources_of_their_own(graph: Graph) -> Iterator[Node]:
    yield from (
        each for each in graph.all("SecurityGroup") if {"ingress", "egress"} & each.inputs.keys()
    )
    for group in graph.all("DefaultSecurityGroup"):
        if group.inputs.get("ingress") or group.inputs.get("egress"):
            yield group


def _private_tasks_have_no_way_in(graph: Graph) -> Iterator[Node]:
    """Tasks without public addresses live in subnets that an internet gateway doesn't lead to."""
    for service in graph.all("Service"):
        network = service.inputs["networkConfiguration"]
        if not network.get("assignPublicIp"):
            yield from (
                each for each in service.named(network["subnets"]) if has_way_in(graph, each)
            )


def _no_subnet_hands_out_public_addresses(graph: Graph) -> Iterator[Node]:
    yield from (each for each in graph.all("Subnet") if each.inputs.get("mapPublicIpOnLaunch"))


# HTTPS.


def _plain_http_only_redirects_beside_https(graph: Graph) -> Iterator[Node]:
    listeners = graph.all("Listener")
    if any(each.inputs["protocol"] == "HTTPS" for each in listeners):
        for plain in (each for each in listeners if each.inputs["protocol"] == "HTTP"):
            redirect = [each.get("redirect", {}) for each in plain.inputs["defaultActions"]]
            ruled = [
                rule
                for rule in graph.all("ListenerRule")
                if plain in rule.named(rule.inputs["listenerArn"])
            ]
            good = [
                each
                for each in redirect
                if each.get("protocol") == "HTTPS" and each["statusCode"] == "HTTP_301"
            ]
            if ruled or len(good) != len(redirect):
                yield plain


def _tls_policy_is_recommended(graph: Graph) -> Iterator[Node]:
    for listener in graph.all("Listener"):
        if (
            listener.inputs["protocol"] == "HTTPS"
            and listener.inputs.get("sslPolicy") not in RECOMMENDED_TLS
        ):
            yield listener


# Order.


def _target_groups_are_led_to_before_services(graph: Graph) -> Iterator[Node]:
    """Require a rule or listener before the service: ECS refuses a group without a balancer."""
    for service in graph.all("Service"):
        before = _everything_before(service)
        for group in service.named(service.inputs.get("loadBalancers")):
            if before.isdisjoint(_forwarding(graph, group)):
                yield service


def _requests_come_after_services(graph: Graph) -> Iterator[Node]:
    """Requests that are sent to a target group before its service is steady find no targets."""
    for service in graph.all("Service"):
        for group in service.named(service.inputs.get("loadBalancers")):
            for way in _forwarding(graph, group):
                if _can_match(way) and service not in _everything_before(way):
                    yield way


def _forwarding(graph: Graph, group: Node) -> list[Node]:
    """The listeners and rules that send requests to a target group."""
    return [
        each
        for kind, actions in (("ListenerRule", "actions"), ("Listener", "defaultActions"))
        for each in graph.all(kind)
        if group in each.named(each.inputs[actions])
    ]


def _can_match(way: Node) -> bool:
    """Return whether a client can match a rule: none has an address that RFC 5737 reserves."""
    for condition in way.inputs.get("conditions", []):
        sources = condition.get("sourceIp", {}).get("values", [])
        networks = [
            network for source in sources if isinstance(network := ip_network(source), IPv4Network)
        ]
        unused = [each for each in networks if any(map(each.subnet_of, _DOCUMENTATION_NETWORKS))]
        if sources and len(unused) == len(sources):
            return False
    return True


def _permissions_outlive_services(graph: Graph) -> Iterator[Node]:
    """A service whose tasks have lost their permissions, or their way, can't be drained."""
    for service in graph.all("Service"):
        before = _everything_before(service)
        definition = next(service.named(service.inputs["taskDefinition"]))
        roles = [
            *definition.named(
                [definition.inputs.get("executionRoleArn"), definition.inputs.get("taskRoleArn")]
            )
        ]
        needed = [
            each for each in _roles_policies(graph) if {*roles} & {*each.named(each.inputs["role"])}
        ]
        for kind in ("SecurityGroupIngressRule", "SecurityGroupEgressRule"):
            for rule in graph.all(kind):
                ends = [
                    rule.inputs["securityGroupId"],
                    rule.inputs.get("referencedSecurityGroupId"),
                ]
                if {*_groups(service)} & {*rule.named(ends)}:
                    needed.append(rule)
        if not before.issuperset(needed):
            yield service


def _logs_are_there_before_containers_write(graph: Graph) -> Iterator[Node]:
    """A group that ECS or an agent made itself would keep everything for ever."""
    for definition in graph.all("TaskDefinition"):
        groups = {
            each.inputs["name"]
            for each in _everything_before(definition)
            if each.kind == "LogGroup"
        }
        for container in _containers(definition):
            options = container.get("logConfiguration", {}).get("options", {})
            if options.get("awslogs-group") not in groups or "awslogs-create-group" in options:
                yield definition


# What is asked of the service and its containers.


def _rollbacks_are_automatic(graph: Graph) -> Iterator[Node]:
    for service in graph.all("Service"):
        breaker = service.inputs.get("deploymentCircuitBreaker", {})
        waits = service.inputs.get("waitForSteadyState") and all(service.registered.timeouts)
        if not (breaker.get("enable") and breaker.get("rollback") and waits):
            yield service


def _draining_fits_into_the_stop_timeout(graph: Graph) -> Iterator[Node]:
    for service in graph.all("Service"):
        delays = [
            each.inputs.get("deregistrationDelay", 300)
            for each in service.named(service.inputs.get("loadBalancers"))
        ]
        definition = next(service.named(service.inputs["taskDefinition"]))
        stops = [
            each.get("stopTimeout", 30)
            for each in _containers(definition)
            if each.get("portMappings")
        ]
        if any(delay > stop for delay in delays for stop in stops):
            yield service


def _exec_is_logged_or_off(graph: Graph) -> Iterator[Node]:
    """Sessions are recorded; without Exec nothing that only it needs is left."""
    for service in graph.all("Service"):
        cluster = next(service.named(service.inputs["cluster"]))
        session = cluster.inputs.get("configuration", {}).get("executeCommandConfiguration", {})
        recorded = session.get("logging") == "OVERRIDE" and session.get(
            "logConfiguration", {}
        ).keys() & {
            "cloudWatchLogGroupName",
            "s3BucketName",
        }
        permitted = any(
            "ssmmessages:" in action for node in _roles_policies(graph) for action in _actions(node)
        )
        if service.inputs.get("enableExecuteCommand"):
            if not (recorded and permitted):
                yield service
        elif permitted:
            yield service


def _exec_and_read_only_roots_exclude_each_other(graph: Graph) -> Iterator[Node]:
    """The agent of ECS Exec needs a root file system that it can write to."""
    for service in graph.all("Service"):
        definition = next(service.named(service.inputs["taskDefinition"]))
        read_only = any(each.get("readonlyRootFilesystem") for each in _containers(definition))
        if service.inputs.get("enableExecuteCommand") and read_only:
            yield definition


def _tasks_share_nothing_with_their_host(graph: Graph) -> Iterator[Node]:
    for definition in graph.all("TaskDefinition"):
        apart = definition.inputs.get("networkMode") == "awsvpc" and not definition.inputs.get(
            "pidMode"
        )
        if not apart or any(each.get("privileged") for each in _containers(definition)):
            yield definition


def _containers_run_as_a_user_without_privileges(graph: Graph) -> Iterator[Node]:
    """Source: Security Hub, control ECS.20."""
    for definition in graph.all("TaskDefinition"):
        users = [
            str(each.get("user", "root")).partition(":")[0] for each in _containers(definition)
        ]
        if {"root", "0", ""} & {*users}:
            yield definition


def _containers_drop_capabilities(graph: Graph) -> Iterator[Node]:
    for definition in graph.all("TaskDefinition"):
        linux = [each.get("linuxParameters", {}) for each in _containers(definition)]
        if not all(each.get("capabilities", {}).get("drop") for each in linux):
            yield definition


def _images_are_pinned(graph: Graph) -> Iterator[Node]:
    for definition in graph.all("TaskDefinition"):
        if any("@sha256:" not in each["image"] for each in _containers(definition)):
            yield definition


def _no_secret_is_in_plain_text(graph: Graph) -> Iterator[Node]:
    for definition in graph.all("TaskDefinition"):
        for container in _containers(definition):
            plain = {each["name"]: each["value"] for each in container.get("environment", [])}
            told = any(
                _SECRET_NAME.search(name) or _SECRET_VALUE.search(value)
                for name, value in plain.items()
            )
            pointers = all(
                each["valueFrom"].startswith("arn:") for each in container.get("secrets", [])
            )
            if told or not pointers:
                yield definition


def _names_fit(graph: Graph) -> Iterator[Node]:
    for node in [*graph.all("LoadBalancer"), *graph.all("TargetGroup")]:
        name = node.outputs["name"]
        refused = (
            len(name) > _LONGEST_BALANCER_NAME
            or name.strip("-") != name
            or name.startswith("internal-")
        )
        # With a fixed name a replacement would have to delete the old group first, while a rule
        # still uses it.
        fixed = node.kind == "TargetGroup" and "name" in node.inputs
        if refused or fixed:
            yield node


# Permissions.


def _permissions_name_what_they_allow(graph: Graph) -> Iterator[Node]:
    for node in _roles_policies(graph):
        for statement in _statements(node, "policy"):
            broad = {
                each
                for each in _listed(statement.get("Resource", "*"))
                if not _OF_SOMETHING.match(each)
            }
            everything = broad - {"*"} or (broad and not {*_actions_of(statement)} <= WITHOUT_ARN)
            wild = any({"*", "?"} & {*action} for action in _actions_of(statement))
            inverted = {"NotAction", "NotResource"} & statement.keys()
            if statement["Effect"] == "Allow" and (everything or wild or inverted):
                yield node


def _policies_of_things_admit_nobody_unnamed(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        # Not a VPC endpoint's: whom it lets through, the resource behind it still has to admit.
        document = "policy" if node.kind == "BucketPolicy" else "assumeRolePolicy"
        for statement in _statements(node, document) if document in node.inputs else ():
            if statement["Effect"] == "Allow" and _is_anybodys(statement):
                yield node


def _trust_is_of_this_account(graph: Graph) -> Iterator[Node]:
    """Require conditions where AWS's services may use a role (the confused deputy problem)."""
    for role in graph.all("Role"):
        conditions = [
            json.dumps(each.get("Condition", {})) for each in _statements(role, "assumeRolePolicy")
        ]
        if not all("aws:SourceAccount" in each for each in conditions):
            yield role


RULES: Final[Mapping[str, Callable[[Graph], Iterator[Node]]]] = {
    function.__name__.strip("_").replace("_", "-"): function
    for function in (
        _containers_drop_capabilities,
        _containers_run_as_a_user_without_privileges,
        _draining_fits_into_the_stop_timeout,
        _egress_is_narrow,
        _exec_and_read_only_roots_exclude_each_other,
        _exec_is_logged_or_off,
        _images_are_pinned,
        _logs_are_there_before_containers_write,
        _names_fit,
        _no_secret_is_in_plain_text,
        _no_subnet_hands_out_public_addresses,
        _only_load_balancers_are_open_to_the_world,
        _permissions_name_what_they_allow,
        _permissions_outlive_services,
        _plain_http_only_redirects_beside_https,
        _policies_of_things_admit_nobody_unnamed,
        _private_tasks_have_no_way_in,
        _requests_come_after_services,
        _rollbacks_are_automatic,
        _rules_are_resources_of_their_own,
        _target_groups_are_led_to_before_services,
        _tasks_admit_only_the_load_balancer,
        _tasks_share_nothing_with_their_host,
        _tls_policy_is_recommended,
        _trust_is_of_this_account,
    )
}
"""Each yields the resources that break it; its name is its id in docs/exceptions.yaml."""


def has_way_in(graph: Graph, subnet: Node) -> bool:
    """Whether a subnet's table leads to an internet gateway."""
    tables = {
        table
        for link in graph.all("RouteTableAssociation")
        if subnet in link.named(link.inputs["subnetId"])
        for table in link.named(link.inputs["routeTableId"])
    }
    return any(
        tables & {*route.named(route.inputs["routeTableId"])}
        and any(
            each.kind == "InternetGateway" for each in route.named(route.inputs.get("gatewayId"))
        )
        for route in graph.all("Route")
    )


def _groups(node: Node) -> list[Node]:
    """The security groups of a load balancer, a service or an endpoint."""
    network = node.inputs.get("networkConfiguration", {})
    told = [
        node.inputs.get("securityGroups"),
        network.get("securityGroups"),
        node.inputs.get("securityGroupIds"),
    ]
    return [*node.named(told)]


def _balancers_groups(graph: Graph) -> set[Node]:
    return {group for balancer in graph.all("LoadBalancer") for group in _groups(balancer)}


def _rules_of(graph: Graph, kind: str, groups: list[Node]) -> list[Node]:
    return [
        rule
        for rule in graph.all(kind)
        if {*groups} & {*rule.named(rule.inputs["securityGroupId"])}
    ]


def _port(rule: Node) -> int | None:
    """Return the one TCP port that a rule opens; None for other protocols or more ports."""
    low, high = rule.inputs.get("fromPort"), rule.inputs.get("toPort")
    return (
        int(low) if low is not None and low == high and rule.inputs["ipProtocol"] == "tcp" else None
    )


def _cidrs(rule: Node) -> list[IPv4Network | IPv6Network]:
    given = (rule.inputs.get("cidrIpv4"), rule.inputs.get("cidrIpv6"))
    return [ip_network(each) for each in given if each]


def _is_of_the_world(rule: Node) -> bool:
    return any(each.prefixlen < _WIDEST[each.version] for each in _cidrs(rule))


def _everything_before(node: Node) -> set[Node]:
    seen: set[Node] = set()
    waiting = [*node.sources]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting.extend(each.sources)
    return seen


def _containers(definition: Node) -> list[dict[str, Any]]:
    containers: list[dict[str, Any]] = json.loads(definition.inputs["containerDefinitions"])
    return containers


def _roles_policies(graph: Graph) -> list[Node]:
    return graph.all("RolePolicy")


def _statements(node: Node, document: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(node.inputs[document])["Statement"]
    return statements


def _actions(node: Node) -> Iterator[str]:
    for statement in _statements(node, "policy"):
        yield from _actions_of(statement)


def _actions_of(statement: Mapping[str, Any]) -> list[str]:
    return _listed(statement.get("Action", []))


def _is_anybodys(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement allows anyone, without a condition on the request's origin."""
    principal = statement.get("Principal", "*")
    named = (
        [each for value in principal.values() for each in _listed(value)]
        if isinstance(principal, dict)
        else "*"
    )
    keys = [
        key
        for operator, about in statement.get("Condition", {}).items()
        if operator in {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}
        for key in about
    ]
    return "*" in named and not any(_WHOSE.fullmatch(each) for each in keys)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value
