"""The task definition of a service."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from infra.service.roles import register_execution_role, register_task_role

if TYPE_CHECKING:
    from infra.service.args import WebServiceArgs
    from infra.service.container import Container, Volume

_CALLS: Final = "fargate-web.calls"
"""Docker label with the names and ports that the tasks of a service call."""


def register(
    name: str,
    args: WebServiceArgs,
    *,
    logs_to: pulumi.Input[str],
    tags: dict[str, str],
    parent: pulumi.Resource,
) -> tuple[aws.ecs.TaskDefinition, list[aws.iam.RolePolicy]]:
    """Register the task definition, and the roles that only its tasks assume.

    Args:
        name: The service.
        args: Arguments of the service.
        logs_to: Log group of the containers' output.
        tags: Tags of all resources.
        parent: Component that they belong to.

    Returns:
        The task definition, and the policies that its tasks need as long as they run.
    """
    execution_role, execution_policy = register_execution_role(name, args, tags=tags, parent=parent)
    task_role, task_policies = register_task_role(name, args, tags=tags, parent=parent)
    role_policies = [execution_policy, *task_policies]
    ecs_exec = args.exec_log_group is not None
    containers = []
    scratch: list[aws.ecs.TaskDefinitionVolumeArgsDict] = []
    for container in (_with_calls(args), *args.task.sidecars):
        definition = container.definition(
            args.aws_environment,
            logs_to=logs_to,
            ecs_exec=ecs_exec,
            dynamic_host_port=args.capacity.on_instances,
        )
        containers.append(definition)
        scratch += [{"name": volume} for volume in container.scratch(ecs_exec=ecs_exec)]
    storage: aws.ecs.TaskDefinitionEphemeralStorageArgsDict | None = None
    if args.task.ephemeral_storage_gib:
        storage = {"size_in_gib": args.task.ephemeral_storage_gib}
    task_definition = aws.ecs.TaskDefinition(
        name,
        family=args.service_name,
        requires_compatibilities=[args.capacity.compatibility],
        network_mode=args.capacity.network_mode,
        cpu=str(args.task.cpu_units),
        memory=str(args.task.memory_mib),
        runtime_platform={
            "operating_system_family": "LINUX",
            "cpu_architecture": args.task.cpu_architecture,
        },
        execution_role_arn=execution_role.arn,
        task_role_arn=task_role.arn if task_role else None,
        container_definitions=pulumi.Output.json_dumps(containers),
        volumes=[*scratch, *map(_volume, args.task.volumes)] or None,
        ephemeral_storage=storage,
        tags=tags,
        # A new role isn't known everywhere in AWS for some seconds, during which it can't be
        # passed to ECS. Its policies take some of that time: IAM itself knows it at once.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=role_policies),
    )
    return task_definition, role_policies


def _with_calls(args: WebServiceArgs) -> Container:
    """Return the service's container, which is another one when the service calls others.

    Tasks that run can't resolve a name that is added later, so another list of calls must be
    another deployment. Source: ECS, Service Connect components.
    """
    container = args.task.container
    if not args.calls:
        return container
    names = sorted(f"{callee.name}:{callee.port}" for callee in args.calls)
    return replace(container, labels={**container.labels, _CALLS: " ".join(names)})


def _volume(volume: Volume) -> aws.ecs.TaskDefinitionVolumeArgsDict:
    if volume.file_system_id is None:
        return {"name": volume.name}
    return {
        "name": volume.name,
        "efs_volume_configuration": {
            "file_system_id": volume.file_system_id,
            "transit_encryption": "ENABLED",
            "authorization_config": {"access_point_id": volume.access_point_id, "iam": "ENABLED"},
        },
    }
