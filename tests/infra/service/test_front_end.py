"""A service runs behind its own load balancer, a shared one, or a front end without any."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra.aws.environment import AwsEnvironment
from infra.aws.routes.conditions import Conditions
from infra.edge.ingress import Https, LoadBalancedIngress, LoadBalancedIngressArgs
from infra.log_group import LogGroupArgs
from infra.service.args import Deployment, Permissions, Task, TaskNetwork, WebServiceArgs
from infra.service.capacity import ON_FARGATE
from infra.service.container import Container
from infra.service.load_balancer import LoadBalancerFrontEnd
from infra.service.routing import Route, Rule, TargetGroupArgs, TargetHealthCheck
from infra.service.web_service import WebService
from localaws import mocks
from tests.infra.conftest import EXTRA_CERTIFICATE
from tests.infra.two_subnets import REGION, Network, network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.service.front_end import FrontEnd

ACCOUNT = "123456789012"
TARGET_GROUP = TargetGroupArgs(
    protocol_version="HTTP1",
    algorithm="round_robin",
    slow_start_seconds=0,
    stickiness_seconds=0,
    cookie=None,
    drain_seconds=30,
    health_check=TargetHealthCheck(
        path="/",
        codes="200",
        interval_seconds=30,
        timeout_seconds=5,
        healthy_threshold=2,
        unhealthy_threshold=2,
    ),
)


def service(
    name: str, in_network: Network, cluster: aws.ecs.Cluster, front_end: FrontEnd
) -> WebService:
    container = Container(
        name=name,
        image="nginx",
        command=[],
        port=8080,
        environment={},
        secrets={},
        user="101",
        dropped_capabilities=[],
        writable_paths=[],
        stop_timeout_seconds=30,
    )
    return WebService(
        name,
        WebServiceArgs(
            aws_environment=AwsEnvironment(
                partition="aws", dns_suffix="amazonaws.com", region=REGION, account=ACCOUNT
            ),
            service_name=f"test-{name}",
            cluster_arn=cluster.arn,
            capacity=ON_FARGATE,
            task=Task(
                container=container,
                ingress_container=container,
                cpu_units=256,
                memory_mib=512,
                cpu_architecture="ARM64",
            ),
            permissions=Permissions(secret_key_arns=[], task_statements=[]),
            network=TaskNetwork(
                vpc_id=in_network.vpc_id,
                subnet_ids=pulumi.Output.all(*in_network.subnet_ids),
                public_addresses=True,
                ipv6=False,
                egress=[],
            ),
            front_end=front_end,
            deployment=Deployment(
                desired_count=2,
                minimum_healthy_percent=50,
                maximum_percent=200,
                health_check_grace_seconds=60,
                steady_state_timeout_minutes=10,
            ),
            log_group=LogGroupArgs(
                name=f"/test/{name}", retention_days=14, key_arn=None, exists=False
            ),
            tags={},
        ),
    )


def _route(name: str, path: str, priority: int, attachment: int) -> Route:
    return Route(
        name=name,
        rules=[Rule(priority=priority, conditions=Conditions({"path": (path,)}))],
        attachment_priority=attachment,
        target_group=TARGET_GROUP,
    )


@dataclass(frozen=True, kw_only=True)
class SharedLoadBalancer:
    """A load balancer of another stack, known by its ids."""

    arn: pulumi.Input[str]
    listener_arn: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    rule_prefix: str = "shared"
    group_prefix: str = "shared"
    service_suffix: str = ""
    member_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """Connection to a gateway that manages its targets and routes itself."""

    service: pulumi.Resource
    membership: pulumi.Resource
    target_group_arn: None = None
    request_label: None = None

    @property
    def prerequisites(self) -> Sequence[pulumi.Resource]:
        return [self.membership]

    def route_requests(
        self, *, after: Sequence[pulumi.Resource], hooks: pulumi.ResourceHookBinding
    ) -> Sequence[pulumi.Resource]:
        traffic = aws.ssm.Parameter(
            "traffic",
            type="String",
            value="on",
            opts=pulumi.ResourceOptions(parent=self.service, depends_on=after, hooks=hooks),
        )
        return [traffic]


@dataclass(frozen=True)
class Gateway:
    """A front end without a load balancer; SSM parameters stand for the resources of a real one."""

    security_group_id: pulumi.Input[str]
    service_suffix: str = "-gateway"

    def connect(self, service: pulumi.Resource, *, target_type: str) -> Joined:
        opts = pulumi.ResourceOptions(parent=service)
        return Joined(
            service, aws.ssm.Parameter("membership", type="String", value="yes", opts=opts)
        )


def test_two_services_share_a_load_balancer_over_https() -> None:
    def program() -> None:
        in_network = network()
        certificate = EXTRA_CERTIFICATE.replace("ap-northeast-1", REGION)
        front = LoadBalancedIngress(
            "front",
            LoadBalancedIngressArgs(
                vpc_id=in_network.vpc_id,
                subnet_ids=in_network.subnet_ids,
                https=Https(
                    certificate_arn=certificate,
                    tls_policy="ELBSecurityPolicy-TLS13-1-3-2021-06",
                    hsts_seconds=3600,
                    frame_options=None,
                ),
                internal=False,
                allowed_cidrs=("203.0.113.0/24",),
                dual_stack=False,
                idle_timeout_seconds=60,
                client_keep_alive_seconds=3600,
                authenticates=False,
                deletion_protection=False,
                tags={},
            ),
        )
        cluster = aws.ecs.Cluster("cluster")
        for name, path, priority in (("one", "/*", 2), ("two", "/two/*", 1)):
            route = _route(name, path, priority, 40_000 + priority)
            service(name, in_network, cluster, LoadBalancerFrontEnd(balancer=front, route=route))
        pulumi.export("url", front.url)

    run = mocks.run(program)
    https = run.id(run.one("Listener", "front-https"))
    owners = {each.urn: each.name for each in run.registered}
    rules = {
        (owners[each.parent], each.name): each.inputs["listenerArn"]
        for each in run.all("ListenerRule")
    }
    assert rules == {
        ("one", "front-2"): https,
        ("one", "front-attachment-40002"): https,
        ("two", "front-1"): https,
        ("two", "front-attachment-40001"): https,
    }
    assert run.exports["url"].startswith("https://front-")


def test_a_service_runs_behind_the_load_balancer_of_another_stack() -> None:
    def program() -> None:
        in_network = network()
        group = aws.ec2.SecurityGroup("shared", vpc_id=in_network.vpc_id)
        balancer = aws.lb.LoadBalancer(
            "shared", subnets=in_network.subnet_ids, security_groups=[group.id]
        )
        listener = aws.lb.Listener(
            "shared",
            load_balancer_arn=balancer.arn,
            port=80,
            default_actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {"content_type": "text/plain", "status_code": "404"},
                }
            ],
        )
        shared = SharedLoadBalancer(
            arn=balancer.arn,
            listener_arn=listener.arn,
            security_group_id=group.id,
            vpc_id=in_network.vpc_id,
        )
        front_end = LoadBalancerFrontEnd(
            balancer=shared, route=_route("shop", "/*", 50_000, 41_234)
        )
        service("shop", in_network, aws.ecs.Cluster("cluster"), front_end)

    run = mocks.run(program)
    owned = run.children(run.component("WebService"))
    assert {
        ("TargetGroup", "shared-shop"),
        ("ListenerRule", "shared-attachment-41234"),
        ("ListenerRule", "shared-50000"),
    } <= owned
    listener = run.id(run.one("Listener"))
    assert {each.inputs["listenerArn"] for each in run.all("ListenerRule")} == {listener}
    (from_balancer,) = run.all("SecurityGroupIngressRule")
    group = run.id(run.one("SecurityGroup", "shared"))
    assert from_balancer.inputs["referencedSecurityGroupId"] == group
    former_parents = {alias["spec"]["parentUrn"] for alias in run.one("TargetGroup").aliases}
    assert former_parents == {""}, "nothing was there before services owned their target groups"


def test_a_service_runs_behind_a_front_end_that_has_no_target_group() -> None:
    def program() -> None:
        in_network = network()
        group = aws.ec2.SecurityGroup("gateway", vpc_id=in_network.vpc_id)
        web = service("shop", in_network, aws.ecs.Cluster("cluster"), Gateway(group.id))
        pulumi.export("serving", web.serving[0].urn)
        assert web.target_group_arn is None

    run = mocks.run(program)
    ecs = run.one("Service")
    traffic = run.one("Parameter", "traffic")
    assert (ecs.name, ecs.inputs["name"]) == ("shop-gateway", "test-shop-gateway")
    assert "loadBalancers" not in ecs.inputs
    assert ecs.inputs["healthCheckGracePeriodSeconds"] == 60, "containers have health checks, too"
    assert run.one("Parameter", "membership").urn in ecs.dependencies
    assert ecs.urn in traffic.dependencies
    assert traffic.hooks == {
        "before_create": ("shop-completed",),
        "before_update": ("shop-completed",),
    }
    assert run.exports["serving"] == traffic.urn
    assert not run.all("TargetGroup") + run.all("ListenerRule")
