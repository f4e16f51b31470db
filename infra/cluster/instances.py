"""EC2 instances that run tasks: an Auto Scaling group that ECS scales."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from infra import group_rules
from infra.aws import instances, naming, policies
from infra.group_rules import Member, connection, outbound
from infra.outputs import of_created

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.aws.egress import Destination
    from infra.aws.environment import AwsEnvironment
    from infra.group_rules import Rule, VpcEndpoints

_ROOT_DEVICE: Final = "/dev/xvda"
_WARM_UP_SECONDS: Final = 120
"""How long ECS waits for a new instance before it scales again. Where it isn't set, the Terraform
provider sends 0 instead of ECS's 300.
"""


@dataclass(kw_only=True)
class InstancesArgs:
    """Arguments of Instances; what a stack configures has no defaults here."""

    aws_environment: AwsEnvironment
    """Account and region of the stack."""

    cluster_name: pulumi.Input[str]
    """Cluster that the instances join. It outlives them: ECS keeps a cluster with instances."""

    vpc_id: pulumi.Input[str]
    """VPC of the instances."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Private subnets of the instances, one a zone."""

    paths_to_aws: pulumi.Input[Sequence[pulumi.Input[pulumi.Resource]]]
    """Routes and endpoints through which the agent on an instance reaches ECS. They are deleted
    after the instances, whose tasks couldn't be drained without them.
    """

    endpoints: VpcEndpoints | None
    """The VPC's endpoints, if instances reach AWS through these only."""

    egress: Sequence[Destination]
    """Destinations that tasks may connect to besides HTTPS to AWS."""

    front_end_security_group_id: pulumi.Input[str]
    """Security group from which requests reach the tasks."""

    instance_type: str
    cpu_architecture: str
    """Processor of the instance type, `X86_64` or `ARM64`."""

    min_instances: int
    max_instances: int

    volume_gib: int
    """Size of the root volume, at least that of the image's snapshot."""

    target_capacity_percent: int
    """Share of the instances that ECS keeps in use."""

    reserved_mib: int
    """Memory that tasks don't get."""

    permissions_boundary_arn: str | None
    """Policy that bounds what the instances' role can be granted."""

    tags: dict[str, str]
    """Tags of everything, also of instances and volumes."""


class Instances(pulumi.ComponentResource):
    """Container instances in private subnets, and the capacity provider that scales them.

    Nothing may change that would replace the Auto Scaling group, as its capacity provider would be
    replaced too, which services use. So names are generated, and a change of the instances is a new
    version of the launch template, to which the group refreshes.
    """

    provider_name: pulumi.Output[str]
    """Name of the capacity provider."""

    def __init__(
        self, name: str, args: InstancesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fargate-web:index:Instances", name, None, opts)
        tags = naming.of_component(args.tags, name)
        child = pulumi.ResourceOptions(parent=self)
        profile, policy = self._profile(name, args, tags)
        security_group = aws.ec2.SecurityGroup(
            name,
            description="Instances: host ports of tasks from the load balancer, HTTPS out",
            vpc_id=args.vpc_id,
            tags=tags,
            opts=child,
        )
        rules = [
            group_rules.register(rule, self, tags) for rule in _rules(name, security_group.id, args)
        ]
        template = self._template(name, args, profile.arn, security_group.id, tags)
        group = self._group(name, args, template, tags, [policy, *rules])
        provider = aws.ecs.CapacityProvider(
            # ECS refuses names that begin with aws, ecs or fargate.
            name,
            auto_scaling_group_provider={
                "auto_scaling_group_arn": group.arn,
                "managed_draining": "ENABLED",
                "managed_termination_protection": "ENABLED",
                "managed_scaling": {
                    "status": "ENABLED",
                    "target_capacity": args.target_capacity_percent,
                    "instance_warmup_period": _WARM_UP_SECONDS,
                },
            },
            tags=tags,
            opts=child,
        )
        self.provider_name = provider.name
        self.register_outputs({"providerName": self.provider_name})

    def _profile(
        self, name: str, args: InstancesArgs, tags: dict[str, str]
    ) -> tuple[aws.iam.InstanceProfile, aws.iam.RolePolicy]:
        """Register the role of the agent on an instance; tasks have their own roles."""
        child = pulumi.ResourceOptions(parent=self)
        cluster_name = pulumi.Output.from_input(args.cluster_name)
        role = aws.iam.Role(
            name,
            assume_role_policy=policies.trust_of_instances(args.aws_environment),
            permissions_boundary=args.permissions_boundary_arn,
            tags=tags,
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=cluster_name.apply(
                lambda cluster: policies.container_instance(args.aws_environment, cluster=cluster)
            ),
            opts=child,
        )
        profile = aws.iam.InstanceProfile(name, role=role.name, tags=tags, opts=child)
        return profile, policy

    def _template(
        self,
        name: str,
        args: InstancesArgs,
        profile_arn: pulumi.Input[str],
        security_group_id: pulumi.Input[str],
        tags: dict[str, str],
    ) -> aws.ec2.LaunchTemplate:
        image = aws.ssm.get_parameter(
            name=instances.image_parameter(args.cpu_architecture),
            with_decryption=False,
            opts=pulumi.InvokeOptions(parent=self),
        )
        settings = pulumi.Output.from_input(args.cluster_name).apply(
            lambda cluster: instances.agent_settings(
                cluster=cluster, reserved_mib=args.reserved_mib
            )
        )
        return aws.ec2.LaunchTemplate(
            name,
            image_id=image.insecure_value,
            instance_type=args.instance_type,
            iam_instance_profile={"arn": profile_arn},
            user_data=settings.apply(lambda text: base64.b64encode(text.encode()).decode()),
            # A response of the metadata service may cross one hop, so it reaches the agent, which
            # is in the instance's own network, but no container on the bridge. An unset limit
            # would be the image's, 2.
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            network_interfaces=[
                {
                    "device_index": 0,
                    "associate_public_ip_address": "false",
                    "security_groups": [security_group_id],
                    "delete_on_termination": "true",
                }
            ],
            # A customer managed key would need a grant to Auto Scaling's service-linked role.
            block_device_mappings=[
                {
                    "device_name": _ROOT_DEVICE,
                    "ebs": {
                        "encrypted": "true",
                        "volume_type": "gp3",
                        "volume_size": args.volume_gib,
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": "instance", "tags": {**tags, "Name": name}},
                {"resource_type": "volume", "tags": tags},
            ],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _group(
        self,
        name: str,
        args: InstancesArgs,
        template: aws.ec2.LaunchTemplate,
        tags: dict[str, str],
        needed: Sequence[pulumi.Resource],
    ) -> aws.autoscaling.Group:
        """Register the Auto Scaling group; ECS sets the number of its instances."""
        # ECS adds this tag to a group that it scales. A group that doesn't declare it loses it with
        # the next update, and isn't scaled any more.
        every_tag = {**tags, "AmazonECSManaged": "true"}
        return aws.autoscaling.Group(
            name,
            min_size=args.min_instances,
            max_size=args.max_instances,
            vpc_zone_identifiers=args.subnet_ids,
            # With `$Latest`, a new version would be no change, and so start no refresh.
            launch_template={
                "id": template.id,
                "version": of_created(template.latest_version, lambda version: str(int(version))),
            },
            # Managed termination protection requires it, and protects every instance with tasks,
            # which the provider's default, Ignore, would leave out of a refresh for ever.
            protect_from_scale_in=True,
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {
                    "min_healthy_percentage": 100,
                    "max_healthy_percentage": 150,
                    "scale_in_protected_instances": "Refresh",
                },
            },
            # ECS moves the number of instances meanwhile, so it may never be the expected one. The
            # service's steady state is the wait.
            wait_for_capacity_timeout="0",
            # When this group is deleted, the services are gone. Without it, the deletion waits for
            # the lifecycle hook of a capacity provider that no longer exists.
            force_delete=True,
            tags=[
                {"key": key, "value": value, "propagate_at_launch": True}
                for key, value in sorted(every_tag.items())
            ],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=pulumi.Output.from_input(args.paths_to_aws).apply(
                    lambda paths_to_aws: [*needed, *paths_to_aws]
                ),
            ),
        )


def _rules(name: str, group_id: pulumi.Input[str], args: InstancesArgs) -> Iterator[Rule]:
    """Yield the rules of the instances' security group, and their counterparts in other groups.

    On a bridge, tasks have no security groups: what reaches an instance can reach each
    of its tasks, and what an instance may connect to, they may too.
    """
    yield from connection(
        f"{name}-from-ingress",
        source=Member(
            group_id=args.front_end_security_group_id,
            description="To the host ports of tasks on instances",
        ),
        target=Member(group_id=group_id, description="Host ports of tasks from the load balancer"),
        ports=instances.HOST_PORTS,
    )
    yield from outbound(
        name,
        group_id,
        members="the instances",
        endpoints=args.endpoints,
        # Containers on the bridge have IPv4 addresses only.
        ipv6=False,
        egress=args.egress,
    )
