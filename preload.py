"""Import what most runs of the program use.

This project's own language host starts before the CLI, and imports this while the CLI starts.
"""

from infra import startup

with startup.without_garbage_collection():
    startup.import_in_parts("pulumi_aws")

    import pulumi_aws as aws
    import pulumi_awsx as awsx

    import infra.program
    import infra.settings  # noqa: F401 - as above

    used = (
        aws.cloudwatch.LogGroup,
        aws.cloudwatch.get_log_groups,
        aws.ec2.DefaultSecurityGroup,
        aws.ec2.Eip,
        aws.ec2.InternetGateway,
        aws.ec2.NatGateway,
        aws.ec2.Route,
        aws.ec2.RouteTable,
        aws.ec2.RouteTableAssociation,
        aws.ec2.SecurityGroup,
        aws.ec2.Subnet,
        aws.ec2.Vpc,
        aws.ec2.VpcEndpoint,
        aws.ec2.get_security_groups,
        aws.ec2.get_subnet,
        aws.ec2.get_subnets,
        aws.ec2.get_vpc,
        aws.ec2.get_vpcs,
        aws.ecs.Cluster,
        aws.ecs.Service,
        aws.ecs.TaskDefinition,
        aws.ecs.get_cluster,
        aws.ecs.get_clusters,
        aws.ecs.get_service,
        aws.iam.Role,
        aws.iam.RolePolicy,
        aws.lb.Listener,
        aws.lb.ListenerRule,
        aws.lb.LoadBalancer,
        aws.lb.TargetGroup,
        aws.ssm.get_parameter,
        aws.vpc.SecurityGroupEgressRule,
        aws.vpc.SecurityGroupIngressRule,
        awsx.ec2.Vpc,
    )
