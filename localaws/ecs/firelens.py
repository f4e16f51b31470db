"""FireLens: how ECS configures a task's log router, and the containers whose output it gets. Pure.

Source: `firelensconfig_unix.go`, `task.go` and `docker_task_engine.go` of amazon-ecs-agent, and the
ECS developer guide, "Send Amazon ECS logs to an AWS service or AWS Partner".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from localaws.ecs.tasks.runtime import Condition, LogRouter, RoutedLogs, TaskStartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from localaws.ecs.tasks.runtime import ContainerSpec

DRIVER: Final = "awsfirelens"
HOST: Final = "127.0.0.1"
PORT: Final = 24224
"""Where a log router listens, in the network of a task that has its own."""

CONFIGURATION_FILE: Final = "/fluent-bit/etc/fluent-bit.conf"
SOCKET_FOLDER: Final = "/var/run"
"""Where a log router makes the socket of its first input."""

_TYPE: Final = "fluentbit"
_OUTPUT: Final = "Name"
_BUFFER_LIMIT: Final = "log-driver-buffer-limit"
_LINES: Final = 1_048_576
_PATTERNS: Final = {"include-pattern": "Regex", "exclude-pattern": "Exclude"}
"""Options that are filters, and what each is in Fluent Bit."""

_HEALTH_CHECK: Final = "firelens-healthcheck"
_HEALTH_CHECK_PORT: Final = 8877
_MEMORY_MB: Final = 25
"""Memory for what waits in the router, where its container has no limit."""


def connected(
    specs: Sequence[ContainerSpec],
    containers: Sequence[Mapping[str, Any]],
    secrets: Mapping[str, Mapping[str, str]],
) -> tuple[ContainerSpec, ...]:
    """Return a task's containers, connected to the log router among them, if there is one.

    Args:
        specs: The containers.
        containers: Their definitions, in the same order.
        secrets: The values of the options that are secrets, by container and option.

    Raises:
        TaskStartError: The local AWS doesn't emulate such a router, or ECS refuses the options.
    """
    routers = [each for each in containers if each.get("firelensConfiguration")]
    if not routers:
        return tuple(specs)
    (router,) = routers
    found: list[ContainerSpec] = []
    variables: dict[str, str] = {}
    for index, (spec, container) in enumerate(zip(specs, containers, strict=True)):
        logs = container.get("logConfiguration") or {}
        if logs.get("logDriver") != DRIVER:
            found.append(spec)
            continue
        options = dict(logs.get("options") or {})
        limit = int(options.pop(_BUFFER_LIMIT, _LINES))
        # Secrets aren't in the configuration, which names variables of the router's environment.
        for name, value in secrets.get(spec.name, {}).items():
            variable = f"{name}_{index}"
            variables[variable] = value
            options[name] = f"${{{variable}}}"
        found.append(_routed(spec, RoutedLogs(options=options, limit=limit), router))
    described = _log_router(router["firelensConfiguration"])
    for index, spec in enumerate(found):
        if spec.name == router["name"]:
            environment = {**spec.environment, **variables}
            found[index] = replace(spec, environment=environment, log_router=described)
    return tuple(found)


def _routed(spec: ContainerSpec, logs: RoutedLogs, router: Mapping[str, Any]) -> ContainerSpec:
    """Return a container whose output goes to the log router, which starts before it."""
    if _OUTPUT not in logs.options and logs.options.keys() - _PATTERNS.keys():
        raise TaskStartError(
            f"ResourceInitializationError: unable to apply log options of container {spec.name}"
            f" to firelens config: missing output key {_OUTPUT} which is required for firelens "
            f"configuration of type {_TYPE}"
        )
    depends_on = dict(spec.depends_on)
    # Where the router itself waits for others, those would wait for it in turn.
    if spec.name != router["name"] and not router.get("dependsOn"):
        depends_on.setdefault(router["name"], Condition.START)
    address = {"FLUENT_HOST": HOST, "FLUENT_PORT": f"{PORT}"}
    return replace(
        spec,
        environment={**spec.environment, **address},
        depends_on=depends_on,
        routed_logs=logs,
    )


def _log_router(firelens: Mapping[str, Any]) -> LogRouter:
    if firelens.get("type") != _TYPE:
        raise TaskStartError(
            f"ResourceInitializationError: local AWS: a log router of type {firelens.get('type')} "
            f"isn't emulated; use {_TYPE}"
        )
    options = firelens.get("options") or {}
    if options.get("config-file-type") == "s3":
        raise TaskStartError(
            "ResourceInitializationError: local AWS: config-file-type s3 isn't emulated; use file"
        )
    return LogRouter(
        include=str(options.get("config-file-value") or ""),
        metadata=options.get("enable-ecs-log-metadata") != "false",
    )


def tag(container: str, task_id: str) -> str:
    """Return the tag of a container's output."""
    return f"{container}-firelens-{task_id}"


def configuration(containers: Sequence[ContainerSpec], metadata: Mapping[str, str]) -> str:
    """Return the configuration of Fluent Bit in a task's log router.

    Args:
        containers: The task's containers, of which one is the router.
        metadata: What is added to each record, if the router's options don't forbid it.
    """
    return "\n".join(_sections(containers, metadata))


def _sections(containers: Sequence[ContainerSpec], metadata: Mapping[str, str]) -> Iterator[str]:
    (router,) = [each for each in containers if each.log_router]
    assert router.log_router is not None
    memory = (router.memory or 0) // 2 or _MEMORY_MB
    socket = f"{SOCKET_FOLDER}/fluent.sock"
    yield _section("INPUT", Name="forward", Mem_Buf_Limit=f"{memory}MB", unix_path=socket)
    yield _section("INPUT", Name="forward", Listen=HOST, Port=PORT)
    yield _section("INPUT", Name="tcp", Tag=_HEALTH_CHECK, Listen=HOST, Port=_HEALTH_CHECK_PORT)
    routed: dict[str, Mapping[str, str]] = {}
    for each in containers:
        if each.routed_logs is not None:
            routed[f"{each.name}-firelens*"] = each.routed_logs.options
    yield from _filters(routed)
    if router.log_router.metadata:
        lines = ["[FILTER]", "    Name record_modifier", "    Match *"]
        lines += [f"    Record {name} {value}" for name, value in sorted(metadata.items())]
        yield "\n".join([*lines, ""])
    if router.log_router.include:
        yield f"@INCLUDE {router.log_router.include}\n"
    yield _section("OUTPUT", Name="null", Match=_HEALTH_CHECK)
    for match, options in routed.items():
        if _OUTPUT in options:
            others = {}
            for name in sorted(options.keys() - _PATTERNS.keys() - {_OUTPUT}):
                others[name] = options[name]
            yield _section("OUTPUT", **{_OUTPUT: options[_OUTPUT], "Match": match, **others})


def _filters(routed: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield the filters of lines by pattern, of all containers first those that include some."""
    for option, rule in _PATTERNS.items():
        for match, options in routed.items():
            if option in options:
                filtered = {rule: f"log {options[option]}"}
                yield _section("FILTER", Name="grep", Match=match, **filtered)


def _section(kind: str, /, **lines: object) -> str:
    settings = [f"    {name} {value}" for name, value in lines.items()]
    return "\n".join([f"[{kind}]", *settings, ""])
