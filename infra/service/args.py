"""Arguments of a WebService, by subject; what a stack configures has no defaults here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.aws.egress import Destination
    from infra.aws.environment import AwsEnvironment
    from infra.group_rules import VpcEndpoints
    from infra.log_group import LogGroupArgs
    from infra.service.capacity import Capacity
    from infra.service.container import Container, Volume
    from infra.service.deployment_alarms import DeploymentAlarms
    from infra.service.front_end import FrontEnd
    from infra.service.scaling import Scaling


@dataclass(kw_only=True)
class WebServiceArgs:
    """Arguments of a WebService."""

    aws_environment: AwsEnvironment
    """Account and region of the stack."""

    service_name: str
    """Name of the ECS service and family of its task definitions; changing it replaces the service.
    """

    cluster_arn: pulumi.Input[str]
    """Cluster that runs the tasks."""

    capacity: Capacity
    """What the tasks run on: Fargate, Fargate Spot or EC2 instances."""

    task: Task
    """What each task consists of."""

    permissions: Permissions
    """What the roles of the tasks may do."""

    network: TaskNetwork
    """Where the tasks are, and what they may connect to."""

    front_end: FrontEnd
    """Front end that sends requests to the tasks."""

    service_connect: ServiceConnect | None = None
    """The services that this one calls, and its name for those that call it; None for neither."""

    deployment: Deployment
    """How many tasks run, and how they are replaced."""

    scaling: Scaling | None = None
    """How the number of tasks changes; None for a fixed one."""

    alarms: DeploymentAlarms | None = None
    """Alarms on errors and latency; None for none."""

    log_group: LogGroupArgs
    """Log group of the containers' output."""

    exec_log_group: str | None = None
    """Log group of ECS Exec sessions; without one, Exec is off and the tasks have none of its
    permissions.
    """

    exec_key_arn: str | None = None
    """Customer managed key that encrypts the sessions."""

    tags: dict[str, str]
    """Tags of every resource of the service, and of its tasks."""

    @property
    def calls(self) -> Sequence[Callee]:
        """The services that this one calls."""
        return self.service_connect.calls if self.service_connect else ()


@dataclass(kw_only=True)
class Task:
    """The containers of a task, and its size."""

    container: Container
    """The service's own container."""

    sidecars: Sequence[Container] = ()
    """Containers beside it."""

    ingress_container: Container
    """That one of them to whose port the front end sends requests."""

    volumes: Sequence[Volume] = ()
    """Volumes that containers mount."""

    cpu_units: int
    """CPU of a task; 1024 units are one vCPU."""

    memory_mib: int
    """Memory of a task in MiB; on Fargate, one of the sizes that go with its CPU."""

    ephemeral_storage_gib: int | None = None
    """Storage of a task, 21 to 200 GiB; None for Fargate's own 20."""

    cpu_architecture: str
    """`X86_64` or `ARM64`."""

    @property
    def containers(self) -> list[Container]:
        """All containers, the service's own first."""
        return [self.container, *self.sidecars]


@dataclass(kw_only=True)
class Permissions:
    """What the roles of a task may do, besides what each task needs."""

    repository_arns: Sequence[pulumi.Input[str]] = ()
    """ECR repositories of the images; none for images in other registries."""

    secret_key_arns: Sequence[str]
    """Customer managed keys that encrypt secrets."""

    task_statements: Sequence[Mapping[str, Any]]
    """IAM permissions of the code in the containers; see `infra.aws.statements`."""

    permissions_boundary_arn: str | None = None
    """Policy that bounds what the roles can be granted."""


@dataclass(kw_only=True)
class TaskNetwork:
    """Where tasks are, and what they may connect to."""

    vpc_id: pulumi.Input[str]
    """VPC of the tasks."""

    subnet_ids: pulumi.Input[Sequence[str]]
    """Subnets of the tasks: public ones with `public_addresses`, else private ones with a NAT
    gateway or endpoints.
    """

    public_addresses: bool
    """Whether tasks have public addresses, through which they pull image and secrets."""

    endpoints: VpcEndpoints | None = None
    """The VPC's endpoints, if tasks reach AWS through these only. Without them, tasks may connect
    to any address by HTTPS.
    """

    ipv6: bool
    """Whether tasks may connect to HTTPS over IPv6 as well."""

    egress: Sequence[Destination]
    """Destinations that tasks may connect to besides HTTPS to AWS."""


@dataclass(kw_only=True)
class ServiceConnect:
    """How a service and others call each other by name."""

    namespace_arn: pulumi.Input[str]
    """Cloud Map namespace of the names."""

    calls: Sequence[Callee] = ()
    """Services that the tasks call."""

    called_container: Container | None = None
    """Container whose port, by its name, other services call; None where none does."""


@dataclass(kw_only=True)
class Callee:
    """Another service that a service's tasks call by its name."""

    name: str
    security_group_id: pulumi.Input[str]
    port: int
    service: pulumi.Resource
    """Its ECS service; a task knows only the names that existed when its deployment began."""


@dataclass(kw_only=True)
class Deployment:
    """How many tasks run, and how a deployment replaces them."""

    desired_count: int
    """Number of tasks; with scaling, the one that the service begins with."""

    minimum_healthy_percent: int
    """Share of the tasks that a deployment leaves running."""

    maximum_percent: int
    """Share of the tasks that may exist during a deployment."""

    health_check_grace_seconds: int
    """Time after a task's start during which its failed health checks don't count.

    They are those of the load balancer, if there is one, and those of its containers.
    """

    steady_state_timeout_minutes: int
    """Time after which the run stops waiting for a deployment."""
