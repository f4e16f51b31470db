"""The IAM roles of a service's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from infra.aws import policies, secret_names
from infra.outputs import of_created

if TYPE_CHECKING:
    from infra.service.args import Task, WebServiceArgs


def register_execution_role(
    name: str, args: WebServiceArgs, *, tags: dict[str, str], parent: pulumi.Resource
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """Register the role with which ECS starts tasks, and its policy."""
    names: list[str] = []
    for container in args.task.containers:
        names += container.all_secrets
    secrets = [secret_names.resolve(args.aws_environment, each) for each in names]
    policy = of_created(
        pulumi.Output.all(*args.permissions.repository_arns),
        lambda repository_arns: policies.task_start(
            args.aws_environment,
            repository_arns=repository_arns,
            log_group=args.log_group.name,
            secrets=secrets,
            key_arns=args.permissions.secret_key_arns,
        ),
    )
    role = _role(f"{name}-execution", args, tags, parent)
    return role, _policy(f"{name}-execution", role, policy, parent)


def register_task_role(
    name: str, args: WebServiceArgs, *, tags: dict[str, str], parent: pulumi.Resource
) -> tuple[aws.iam.Role | None, list[aws.iam.RolePolicy]]:
    """Register the role of the code in the containers, and its policies.

    There is no role where the code needs no permission.
    """
    documents: dict[str, str] = {}
    if args.exec_log_group:
        documents[f"{name}-task"] = policies.exec_session(
            args.aws_environment, log_group=args.exec_log_group, key_arn=args.exec_key_arn
        )
    if args.permissions.task_statements:
        documents[f"{name}-task-own"] = policies.granted(args.permissions.task_statements)
    access_points = _access_points(args.task)
    if access_points:
        documents[f"{name}-task-efs"] = policies.efs_access(args.aws_environment, access_points)
    if not documents:
        return None, []
    role = _role(f"{name}-task", args, tags, parent)
    return role, [_policy(key, role, document, parent) for key, document in documents.items()]


def _role(
    name: str, args: WebServiceArgs, tags: dict[str, str], parent: pulumi.Resource
) -> aws.iam.Role:
    return aws.iam.Role(
        name,
        assume_role_policy=policies.trust_of_tasks(args.aws_environment),
        permissions_boundary=args.permissions.permissions_boundary_arn,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _policy(
    name: str, role: aws.iam.Role, policy: pulumi.Input[str], parent: pulumi.Resource
) -> aws.iam.RolePolicy:
    return aws.iam.RolePolicy(
        name, role=role.name, policy=policy, opts=pulumi.ResourceOptions(parent=parent)
    )


def _access_points(task: Task) -> dict[tuple[str, str], bool]:
    """Return whether EFS access points are written to, by the ids of file system and point."""
    writable: set[str] = set()
    for container in task.containers:
        writable.update(mount.volume for mount in container.mounts if not mount.read_only)
    found: dict[tuple[str, str], bool] = {}
    for volume in task.volumes:
        if volume.file_system_id and volume.access_point_id:
            key = (volume.file_system_id, volume.access_point_id)
            found[key] = found.get(key, False) or volume.name in writable
    return found
