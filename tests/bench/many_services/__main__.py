"""One cluster and one load balancer, and any number of services with what each of them needs."""

import json

import pulumi
import pulumi_aws as aws

ASSUME_ROLE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

region = aws.get_region().region
vpc = aws.ec2.Vpc("many", cidr_block="10.0.0.0/16")
gateway = aws.ec2.InternetGateway("many", vpc_id=vpc.id)
routes = aws.ec2.RouteTable(
    "many", vpc_id=vpc.id, routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}]
)
subnets = []
for number, zone in enumerate(aws.get_availability_zones(state="available").names[:2]):
    subnet = aws.ec2.Subnet(
        f"many-{number}", vpc_id=vpc.id, cidr_block=f"10.0.{number}.0/24", availability_zone=zone
    )
    aws.ec2.RouteTableAssociation(f"many-{number}", subnet_id=subnet.id, route_table_id=routes.id)
    subnets.append(subnet.id)
group = aws.ec2.SecurityGroup(
    "many",
    vpc_id=vpc.id,
    description="Load balancer and tasks",
    # Containers get only the packets that their group allows; processes get all.
    ingress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
    egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
)
balancer = aws.lb.LoadBalancer(
    "many",
    security_groups=[group.id],
    subnets=subnets,
    opts=pulumi.ResourceOptions(depends_on=[gateway]),
)
listener = aws.lb.Listener(
    "many",
    load_balancer_arn=balancer.arn,
    port=80,
    default_actions=[
        {
            "type": "fixed-response",
            "fixed_response": {"content_type": "text/plain", "status_code": "404"},
        }
    ],
)
cluster = aws.ecs.Cluster("many")
role = aws.iam.Role("many", assume_role_policy=json.dumps(ASSUME_ROLE))


def add_service(name: str, priority: int) -> None:
    """Register one service: its log group, target group and rule, task definition and service."""
    logs = aws.cloudwatch.LogGroup(name, name=f"/many/{name}", retention_in_days=1)
    targets = aws.lb.TargetGroup(
        name,
        port=80,
        protocol="HTTP",
        target_type="ip",
        vpc_id=vpc.id,
        deregistration_delay=0,
        health_check={"interval": 5, "timeout": 2, "healthy_threshold": 2},
    )
    rule = aws.lb.ListenerRule(
        name,
        listener_arn=listener.arn,
        priority=priority,
        conditions=[{"path_pattern": {"values": [f"/{name}"]}}],
        actions=[{"type": "forward", "target_group_arn": targets.arn}],
    )
    container = logs.name.apply(
        lambda log_group: json.dumps(
            [
                {
                    "name": "web",
                    "image": "nginx:1.27",
                    "essential": True,
                    "portMappings": [{"containerPort": 80}],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": log_group,
                            "awslogs-region": region,
                            "awslogs-stream-prefix": "web",
                        },
                    },
                }
            ]
        )
    )
    definition = aws.ecs.TaskDefinition(
        name,
        family=name,
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        execution_role_arn=role.arn,
        container_definitions=container,
    )
    aws.ecs.Service(
        name,
        cluster=cluster.arn,
        desired_count=1,
        launch_type="FARGATE",
        task_definition=definition.arn,
        network_configuration={
            "subnets": subnets,
            "security_groups": [group.id],
            "assign_public_ip": True,
        },
        load_balancers=[
            {"target_group_arn": targets.arn, "container_name": "web", "container_port": 80}
        ],
        wait_for_steady_state=True,
        opts=pulumi.ResourceOptions(depends_on=[rule]),
    )


for priority in range(1, pulumi.Config().require_int("count") + 1):
    add_service(f"web{priority}", priority)
