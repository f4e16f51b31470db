"""A program like Pulumi's public examples: default VPC, awsx's components, old tokens."""

from __future__ import annotations

import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING

from localaws.account.cloud import Cloud
from tests.engine.other_project import other_project
from tests.engine.stack import WITHOUT_ASKING, operations

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.stack import Stack

PROGRAM = """\
import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

cluster = aws.ecs.Cluster("cluster")
network = awsx.ec2.DefaultVpc("default")
front = awsx.lb.ApplicationLoadBalancer(
    "front",
    subnet_ids=network.public_subnet_ids,
    default_target_group={"port": 80, "protocol": "HTTP", "deregistration_delay": 0},
)
port = {"container_port": 80, "target_group": front.default_target_group}
token = {"name": "TOKEN", "value": pulumi.Output.secret("not-for-the-state")}
shop = awsx.ecs.FargateService(
    "shop",
    cluster=cluster.arn,
    assign_public_ip=True,
    desired_count=2,
    task_definition_args={
        "container": {
            "name": "web",
            "image": "nginx:latest",
            "cpu": 128,
            "memory": 512,
            "essential": True,
            "environment": [token],
            "port_mappings": [port],
        }
    },
)

# Without awsx, and by tokens that the provider keeps for old programs.
vpc = aws.ec2.get_vpc(default=True)
subnets = aws.ec2.get_subnets(filters=[{"name": "vpc-id", "values": [vpc.id]}])
group = aws.ec2.SecurityGroup("back")
for kind in ("ingress", "egress"):
    aws.ec2.SecurityGroupRule(
        f"back-{kind}",
        type=kind,
        security_group_id=group.id,
        protocol="-1",
        from_port=0,
        to_port=0,
        cidr_blocks=["0.0.0.0/0"],
    )
back = aws.alb.LoadBalancer("back", security_groups=[group.id], subnets=subnets.ids)
target = aws.alb.TargetGroup("back", port=80, protocol="HTTP", target_type="ip", vpc_id=vpc.id)
aws.alb.TargetGroupAttachment("back", target_group_arn=target.arn, target_id="172.31.0.10", port=80)
listener = aws.alb.Listener(
    "back",
    load_balancer_arn=back.arn,
    port=80,
    default_actions=[{"type": "forward", "target_group_arn": target.arn}],
)
found = aws.lb.get_load_balancer_output(arn=back.arn)

pulumi.export("url", pulumi.Output.concat("http://", front.load_balancer.dns_name))
ids = pulumi.Output.all(front.vpc_id, found.vpc_id)
pulumi.export("inSameVpc", ids.apply(lambda both: both[0] == both[1] == vpc.id))
"""

UNKNOWN_COMPONENT = """\
import pulumi_awsx as awsx
awsx.cloudtrail.Trail("trail")
"""

UNKNOWN_FUNCTION = """\
import pulumi_aws as aws
aws.ec2.get_ami(most_recent=True, owners=["amazon"])
"""


def test_it_is_deployed_answers_stays_as_it_is_and_leaves_the_default_vpc(
    empty_stack: Stack, tmp_path: Path
) -> None:
    stack = replace(other_project(tmp_path / "public", empty_stack, PROGRAM), passphrase=True)
    # Its program imports the SDK as a whole, as no fork does.
    replace(stack, forks=False).up()
    outputs = stack.outputs()
    assert outputs["inSameVpc"] is True
    with urllib.request.urlopen(outputs["url"], timeout=10) as answer:
        assert answer.status == 200
    assert "not-for-the-state" not in stack.state.file.read_text()
    urns = {each["urn"].split("::", 2)[2] for each in stack.resources()}
    service = "awsx:ecs:FargateService$"
    tasks = f"{service}awsx:ecs:FargateTaskDefinition$"
    assert {
        "awsx:lb:ApplicationLoadBalancer$aws:lb/listener:Listener::front-0",
        f"{service}aws:ecs/service:Service::shop",
        f"{tasks}aws:ecs/taskDefinition:TaskDefinition::shop",
        f"{tasks}aws:iam/rolePolicyAttachment:RolePolicyAttachment::shop-execution-9a42f520",
        "aws:alb/loadBalancer:LoadBalancer::back",
    } <= urns
    # Container definitions are compared by their text: in another order they would be a new
    # revision.
    stack.needs_nothing()

    done = operations(stack.destroy())
    assert done["deleted"] == len([each for each in urns if "pulumi:providers" not in each])
    assert stack.made() == []
    assert len(Cloud(stack.directory.resources).all("aws:ec2/vpc:Vpc")) == 1, (
        "the default VPC is no stack's"
    )

    for program, message in (
        (UNKNOWN_COMPONENT, "instead of awsx:cloudtrail:Trail"),
        (UNKNOWN_FUNCTION, "doesn't know the function aws:ec2/getAmi:getAmi"),
    ):
        (stack.project / "__main__.py").write_text(program)
        refusal = stack.run("up", *WITHOUT_ASKING, fails=True)
        lines = [line for line in refusal.splitlines() if message in line]
        assert lines
        assert all(line.count("has a problem:") <= 1 for line in lines), lines
