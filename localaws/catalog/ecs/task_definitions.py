"""ECS: task definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.ecs.clusters import NAME
from localaws.catalog.ecs.container_definitions import TASK_DEFINITION, container_rules
from localaws.catalog.ecs.fargate_sizes import size_rules
from localaws.catalog.properties import UNKNOWN, values_at
from localaws.catalog.refusals import Refusal
from localaws.catalog.resource_type import AllExcept, ResourceType
from localaws.catalog.values import (
    ARN,
    Limit,
    blocks,
    duplicates,
    given,
    known,
    matches,
    one_of,
    size,
    texts,
    within,
)

if TYPE_CHECKING:
    from localaws.catalog.account import Account, Mint, Resource
    from localaws.catalog.properties import Properties
    from localaws.catalog.refusals import Refusals

_CLIENT = "ClientException"
_OPERATING_SYSTEM = matches(
    r"LINUX|WINDOWS_SERVER_\w+", "LINUX, or a release of Windows such as WINDOWS_SERVER_2022_CORE"
)


def task_definition_of(account: Account, name: object) -> Resource | None:
    """Return the task definition with an ARN or `family:revision`, or the newest of a family."""
    family, _, wanted = str(name).rpartition("/")[2].partition(":")
    revisions = {}
    for each in account.where(TASK_DEFINITION, "family", family):
        revision = int(each.outputs["revision"])
        if wanted in ("", str(revision)):
            revisions[revision] = each
    return revisions[max(revisions)] if revisions else None


def _task_definition_rules(inputs: Properties) -> Refusals:
    yield from size_rules(inputs)
    fargate = "FARGATE" in texts(inputs.get("requiresCompatibilities"))
    mode = inputs.get("networkMode")
    if fargate and mode not in ("awsvpc", UNKNOWN):
        message = f"Fargate only supports network mode 'awsvpc', got {mode!r}"
        yield Refusal(_CLIENT, message, "ecs.task-definition.fargate-network", "networkMode")
    if fargate:
        yield from _fargate_rules(inputs)
    elif given(inputs, "ephemeralStorage") and known(inputs.get("requiresCompatibilities")):
        message = "ephemeralStorage is for Fargate only: leave it out"
        yield Refusal(_CLIENT, message, "ecs.task-definition.ephemeral-fargate", "ephemeralStorage")
    names = texts(values_at(inputs, "volumes[].name"))
    for name in duplicates(names):
        message = f"Volume names must be unique, {name!r} appears {names.count(name)} times"
        yield Refusal(_CLIENT, message, "ecs.task-definition.volume-unique", "volumes")
    yield from _file_system_rules(inputs)
    yield from container_rules(inputs, fargate=fargate)


def _fargate_rules(inputs: Properties) -> Refusals:
    """Refuse what a task on Fargate can't have."""
    forbidden = []
    if inputs.get("placementConstraints"):
        forbidden.append(("placementConstraints", "have placement constraints"))
    if inputs.get("ipcMode"):
        forbidden.append(("ipcMode", "have an IPC mode"))
    if inputs.get("pidMode") == "host":
        forbidden.append(("pidMode", "share their host's processes; allowed pidMode: task"))
    for volume in blocks(inputs.get("volumes")):
        if volume.get("hostPath") or volume.get("dockerVolumeConfiguration"):
            forbidden.append(("volumes", "use host paths or docker volumes"))
            break
    for name, use in forbidden:
        message = f"Fargate task definitions can't {use}"
        yield Refusal(_CLIENT, message, "ecs.task-definition.fargate-forbids", name)


def _file_system_rules(inputs: Properties) -> Refusals:
    """Refuse volumes on EFS that contradict their access point or IAM authorization.

    Source: `EFSAuthorizationConfig` in the ECS API reference.
    """
    for efs in blocks(values_at(inputs, "volumes[].efsVolumeConfiguration")):
        authorization = efs.get("authorizationConfig")
        if not isinstance(authorization, dict):
            continue
        access_point = authorization.get("accessPointId")
        encrypted = efs.get("transitEncryption") in ("ENABLED", UNKNOWN)
        if (access_point or authorization.get("iam") == "ENABLED") and not encrypted:
            message = (
                "transitEncryption must be ENABLED for an EFS volume with an access point or "
                "IAM authorization"
            )
            yield Refusal(_CLIENT, message, "ecs.task-definition.efs-encryption", "volumes")
        root = efs.get("rootDirectory")
        if access_point and root not in (None, "", "/", UNKNOWN):
            message = (
                "When using an EFS access point, the root directory must either be set to '/' or "
                f"be omitted, got {root!r}"
            )
            yield Refusal(_CLIENT, message, "ecs.task-definition.efs-root", "volumes")


def _task_definition_computed(mint: Mint, inputs: Properties) -> Properties:
    family = inputs.get("family")
    without_revision = mint.arn("ecs", f"task-definition/{family}")
    revision = mint.count(f"{mint.region}/task-definition/{family}")
    arn = f"{without_revision}:{revision}"
    return {"id": arn, "arn": arn, "arnWithoutRevision": without_revision, "revision": revision}


TYPES = (
    ResourceType(
        token=TASK_DEFINITION,
        replaces=AllExcept("tags", "skipDestroy", "trackLatest"),
        unordered=frozenset({"requiresCompatibilities", "volumes", "placementConstraints"}),
        json=frozenset({"containerDefinitions"}),
        defaults={"skipDestroy": False, "trackLatest": False, "enableFaultInjection": False},
        derived=lambda inputs: {} if given(inputs, "networkMode") else {"networkMode": "bridge"},
        limits=(
            Limit("family", NAME, "ecs.task-definition.family"),
            Limit(
                "networkMode",
                one_of("awsvpc", "bridge", "host", "none"),
                "ecs.task-definition.network-mode",
            ),
            Limit("ipcMode", one_of("host", "none", "task"), "ecs.task-definition.modes"),
            Limit("pidMode", one_of("host", "task"), "ecs.task-definition.modes"),
            Limit(
                "requiresCompatibilities[]",
                one_of("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"),
                "ecs.task-definition.compatibility",
            ),
            Limit("executionRoleArn", ARN, "ecs.task-definition.role"),
            Limit("taskRoleArn", ARN, "ecs.task-definition.role"),
            Limit("ephemeralStorage.sizeInGib", within(21, 200), "ecs.task-definition.ephemeral"),
            Limit("placementConstraints", size(0, 10), "ecs.task-definition.constraints"),
            Limit(
                "runtimePlatform.cpuArchitecture",
                one_of("X86_64", "ARM64"),
                "ecs.task-definition.platform",
            ),
            Limit(
                "runtimePlatform.operatingSystemFamily",
                _OPERATING_SYSTEM,
                "ecs.task-definition.platform",
            ),
        ),
        rules=_task_definition_rules,
        computed=_task_definition_computed,
    ),
)
