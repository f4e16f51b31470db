"""The result of a run doesn't depend on the order in which resources are registered."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from localaws.mocks import Mistake, Recorder, Recording
from localaws.mocks.lockstep import Call, Lockstep, NotYetError, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_aws as aws

    LOADED = (
        aws.ec2.Vpc,
        aws.ec2.Eip,
        aws.ecs.Service,
        aws.lb.TargetGroup,
        aws.iam.Role,
        aws.s3.Bucket,
    )

ORDERS = ["first", "last", *range(6)]


def run(program: Callable[[], object], order: object) -> Recording:
    """Run a program; its calls are answered in order, in reverse order, or shuffled by a seed."""
    shuffle = random.Random(order if isinstance(order, int) else 0)

    def sort(calls: Sequence[Call]) -> Sequence[Call]:
        if order == "first":
            return calls
        if order == "last":
            return calls[::-1]
        return shuffle.sample(calls, len(calls))

    recorder = Recorder(order=sort)
    return recorder.run(program, project="project", stack="test", config={})


# a case
def network(gateway_last: bool = True) -> tuple[aws.ec2.Vpc, list[aws.ec2.Subnet]]:  # noqa: FBT001, FBT002
    vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
    if not gateway_last:
        aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)
    subnets = [
        aws.ec2.Subnet(
            zone, vpc_id=vpc.id, cidr_block=f"10.0.{i}.0/24", availability_zone=f"us-east-1{zone}"
        )
        for i, zone in enumerate("ab")
    ]
    return vpc, subnets


def public_load_balancer() -> None:
    vpc, subnets = network()
    aws.lb.LoadBalancer("web", subnets=[each.id for each in subnets])
    aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)


def public_load_balancer_after_its_gateway() -> None:
    _, subnets = network(gateway_last=False)
    aws.lb.LoadBalancer("web", subnets=[each.id for each in subnets])


def nat_gateway() -> None:
    vpc, (subnet, _) = network()
    aws.ec2.NatGateway("nat", subnet_id=subnet.id, allocation_id=aws.ec2.Eip("address").id)
    aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)


def service_beside_its_listener() -> None:
    vpc, subnets = network()
    aws.ec2.InternetGateway("gateway", vpc_id=vpc.id)
    balancer = aws.lb.LoadBalancer("web", subnets=[each.id for each in subnets])
    group = aws.lb.TargetGroup("web", port=80, protocol="HTTP", target_type="ip", vpc_id=vpc.id)
    containers = json.dumps(
        [{"name": "web", "image": "nginx", "memory": 64, "portMappings": [{"containerPort": 80}]}]
    )
    definition = aws.ecs.TaskDefinition(
        "web",
        family="web",
        network_mode="awsvpc",
        cpu="256",
        memory="512",
        requires_compatibilities=["FARGATE"],
        container_definitions=containers,
    )
    aws.ecs.Service(
        "web",
        cluster=aws.ecs.Cluster("web").arn,
        task_definition=definition.arn,
        launch_type="FARGATE",
        network_configuration={"subnets": [each.id for each in subnets]},
        load_balancers=[
            {"target_group_arn": group.arn, "container_name": "web", "container_port": 80}
        ],
    )
    aws.lb.Listener(
        "web",
        load_balancer_arn=balancer.arn,
        port=80,
        default_actions=[{"type": "forward", "target_group_arn": group.arn}],
    )


def policy_of_a_role_by_name() -> None:
    grant = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    aws.iam.RolePolicy(
        "grant", role="tasks", policy=json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    )
    role("tasks")


def role(name: str) -> None:
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    aws.iam.Role("role", name=name, assume_role_policy=document)


def bucket_that_may_be_public() -> None:
    bucket = aws.s3.Bucket("site", bucket="site")
    anyone = {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::site/*",
        "Principal": "*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
    aws.s3.BucketPolicy("site", bucket=bucket.id, policy=document)
    aws.s3.BucketPublicAccessBlock("site", bucket=bucket.id, block_public_policy=False)


def reading_what_the_program_makes() -> None:
    aws.cloudwatch.LogGroup.get("read", "/shop/log")
    aws.cloudwatch.LogGroup("log", name="/shop/log")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "program",
    [
        public_load_balancer,
        public_load_balancer_after_its_gateway,
        nat_gateway,
        service_beside_its_listener,
        policy_of_a_role_by_name,
        bucket_that_may_be_public,
        reading_what_the_program_makes,
    ],
)
def test_a_program_that_aws_accepts_in_one_order_is_accepted_in_every_order(
    program: Callable[[], object], order: object
) -> None:
    run(program, order)


def without_a_gateway() -> None:
    _, subnets = network()
    aws.lb.LoadBalancer("web", subnets=[each.id for each in subnets])
    aws.cloudwatch.LogGroup("log")


def two_of_one_name() -> None:
    for name in ("a", "b"):
        aws.cloudwatch.LogGroup(name, name="/shop/log")


def policy_of_a_role_by_another_name() -> None:
    aws.iam.RolePolicyAttachment(
        "grant", role="tasks", policy_arn="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    role("task")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("program", "rule"),
    [
        (without_a_gateway, "elbv2.load-balancer.internet-gateway"),
        (two_of_one_name, "logs.group.unique"),
        (policy_of_a_role_by_another_name, "iam.role.exists"),
    ],
)
def test_a_program_that_aws_accepts_in_no_order_is_refused_in_every_order(
    program: Callable[[], object], rule: str, order: object
) -> None:
    with pytest.raises(Mistake) as caught:
        run(program, order)
    assert [each.rule for each in caught.value.refusals] == [rule]


@pytest.mark.parametrize("order", ORDERS)
def test_a_lookup_sees_all_resources_that_dont_depend_on_it(order: object) -> None:
    def program() -> None:
        vpc, _ = network()
        filters = vpc.id.apply(
            lambda identifier: [aws.ec2.GetSubnetsFilterArgs(name="vpc-id", values=[identifier])]
        )
        found = aws.ec2.get_subnets_output(filters=filters)
        pulumi.export("count", found.ids.apply(len))
        aws.cloudwatch.LogGroup("log", name="/shop/log")
        pulumi.export("log", aws.cloudwatch.get_log_group(name="/shop/log").name)

    assert run(program, order).exports == {"count": 2, "log": "/shop/log"}


def test_a_call_that_needs_a_later_phase_is_not_tried_again_before_it() -> None:
    calls = Lockstep()
    tried = []

    def lookup() -> None:
        tried.append(calls.phase)
        if calls.phase < Phase.LOOKUPS:
            raise NotYetError(Phase.LOOKUPS)

    def register() -> None:
        """Succeed at once."""

    with closing(asyncio.new_event_loop()) as loop:
        for each in (lookup, *[register] * 3):
            calls.add(Call(each, loop.create_future()))
        while calls.answer_one():
            pass
    assert tried == [Phase.REGISTRATIONS, Phase.LOOKUPS]


def test_every_run_registers_the_same_resources_in_the_same_order() -> None:
    def registered() -> list[tuple[str, dict[str, Any]]]:
        recording = run(service_beside_its_listener, "first")
        return [(each.urn, each.inputs) for each in recording.registered]

    assert registered() == registered() == registered()


def test_a_thread_that_the_program_starts_runs_while_calls_wait() -> None:
    async def program() -> None:
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        loop = asyncio.get_running_loop()

        def wait_for_size() -> int:
            return asyncio.run_coroutine_threadsafe(a_size(), loop).result()

        size = await asyncio.to_thread(wait_for_size)
        aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block=f"10.0.0.0/{size}")

    async def a_size() -> int:
        return 24

    assert run(program, "first").one("Subnet").inputs["cidrBlock"] == "10.0.0.0/24"


def test_a_program_that_never_waits_gets_what_its_threads_and_sockets_have() -> None:
    async def program() -> None:
        worker = asyncio.create_task(asyncio.to_thread(lambda: "10.0.0.0/16"))
        while not worker.done():  # noqa: ASYNC110 — the loop always has something to run
            await asyncio.sleep(0)
        here, there = socket.socketpair()
        arrived: list[bytes] = []
        with here, there:
            loop = asyncio.get_running_loop()
            loop.add_reader(here, lambda: arrived.append(here.recv(10)))
            there.send(b"net")
            while not arrived:  # noqa: ASYNC110 — the same
                await asyncio.sleep(0)
            loop.remove_reader(here)
        aws.ec2.Vpc(arrived[0].decode(), cidr_block=worker.result())

    assert run(program, "first").one("Vpc", "net").inputs["cidrBlock"] == "10.0.0.0/16"
