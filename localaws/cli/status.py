"""`pulumi-local status`: what runs, as a table or as JSON."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from localaws.daemon.functions import STATUS, call
from localaws.daemon.state_directory import Address
from localaws.speed import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.daemon.state_directory import StateDirectory

_EVENTS_SHOWN = _STOPPED_SHOWN = 5
_HTTPS_PORT = 443

_COMPARED = {
    "GreaterThanOrEqualToThreshold": ">=",
    "GreaterThanThreshold": ">",
    "LessThanOrEqualToThreshold": "<=",
    "LessThanThreshold": "<",
}

_NOT_RUNNING = "the local AWS is not running; `pulumi-local up` starts it"
_NO_PUBLIC_TASKS = (
    "no running task has a public address; `pulumi-local status` lists the tasks and says how they "
    "run"
)


def fetch(directory: StateDirectory) -> dict[str, Any] | None:
    """Return what the daemon reports; None if none runs.

    Raises:
        DaemonFailed: It doesn't answer.
    """
    address = Address.read(directory)
    return None if address is None else call(address, STATUS)


NOT_RUNNING: Final = 3
"""Exit code where the local AWS isn't running; an init script's `status` has the same."""


def show(directory: StateDirectory, *, as_json: bool, public_tasks: bool = False) -> int:
    """Print the status, and return the exit code.

    Args:
        directory: The state directory.
        as_json: As one JSON document.
        public_tasks: Only where this machine shows tasks' public addresses.
    """
    status = fetch(directory)
    if public_tasks:
        addresses = list(shown_addresses(status)) if status is not None else []
        for address in addresses:
            print(address)
        if not addresses:
            print(_NOT_RUNNING if status is None else _NO_PUBLIC_TASKS, file=sys.stderr)
    elif as_json:
        print(json.dumps(status or {"running": False}, indent=2))
    elif status is None:
        print(_NOT_RUNNING)
    else:
        print(table(status))
    return NOT_RUNNING if status is None else 0


def shown_addresses(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield the local host:port that stands for each running task's public address."""
    for service in status["services"]:
        for task in service["tasks"]:
            if task["lastStatus"] == "RUNNING" and "shownAt" in task:
                yield task["shownAt"]


def table(status: Mapping[str, Any]) -> str:
    """Return the status as text for people, with the last stopped tasks and events only."""
    paragraphs = [
        *([line] for line in _general(status)),
        *_load_balancers(status),
        *_instances(status),
        *map(_service, status["services"]),
        *_scaling(status),
        *_alarms(status),
        *([line] for line in status.get("topicsElsewhere", ())),
        *_notifications(status),
        *_targets(status),
        *_names(status),
    ]
    return "\n\n".join("\n".join(lines) for lines in paragraphs)


def _general(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines about all services; an older daemon reports no problems and no speed."""
    for problem in status.get("problems", ()):
        yield f"problem: {problem}"
    if not status["services"]:
        yield "the local AWS is running, without services"
    if status.get("runtime"):
        yield status["runtime"]
    for sentence in status.get("notEnforced", ()):
        yield f"not enforced: {sentence}"
    yield from status.get("images", ())
    speed = status.get("speed", 1)
    if speed != 1:
        yield f"AWS's durations pass {speed:g} times as fast ({VARIABLE})"


def _load_balancers(status: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the addresses of load balancers in a VPC, and the URL of keys that verify claims."""
    for each in status.get("loadBalancers", ()):
        public = each["publicAddress"]
        outside = f"{public} on the internet, here {each['shownAt']}" if public else "internal"
        yield (f"load balancer {each['name']}: {outside}; in its VPC {each['addresses']}",)
    url = status.get("publicKeysUrl")
    if url:
        yield (f"public keys of x-amzn-oidc-data: {url}<key id>",)


def _instances(status: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the EC2 instances by group; an older daemon reports none."""
    lines: dict[str, list[str]] = {}
    for each in status.get("instances", ()):
        of_group = lines.setdefault(each["group"], [])
        columns = _columns(
            each["instanceId"],
            each["agent"] or each["lifecycle"],
            each["availabilityZone"],
            each["instanceType"],
            each["privateIp"],
            "1 task" if each["tasks"] == 1 else f"{each['tasks']} tasks",
        )
        left = f"{each['left']['cpu']} CPU units and {each['left']['memory']} MiB left"
        of_group.append(f"  {'instance':<10} {columns}  {left}")
        if each["whyNotRegistered"]:
            of_group.append(f"  {'':<10} not registered with ECS: {each['whyNotRegistered']}")
    for group, of_group in lines.items():
        yield (f"Auto Scaling group {group}:", *of_group)


def _columns(*texts: str) -> str:
    return "  ".join(f"{each:<12}" for each in texts)


def _scaling(status: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the bounds of each scaled service, its policies' last values, and its activities."""
    for target in status.get("scaling", ()):
        name = target["service"].rpartition("/")[2]
        lines = [f"{name} scales from {target['minCapacity']} to {target['maxCapacity']} tasks"]
        for policy in target["policies"]:
            last = "no data yet" if policy["last"] is None else f"{policy['last']:.3g}"
            lines.append(f"  {policy['metric']}: {last} for a target of {policy['target']:g}")
        activities = target["activities"][:_EVENTS_SHOWN]
        lines += [f"  {_moment(each['at'])}   {each['message']}" for each in activities]
        yield lines


def _alarms(status: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the state and last value of each alarm; an older daemon reports none."""
    for each in status.get("alarms", ()):
        last = "no data" if each["last"] is None else f"{each['last']:.3g}"
        comparison = _COMPARED.get(each["comparison"], each["comparison"])
        compared = f"{last}, alarm if {comparison} {each['threshold']:g}"
        lines = [
            f"alarm {each['name']}: {each['state']} since {_moment(each['since'])}; {compared}",
            f"  {each['reason']}",
        ]
        if each["withoutData"]:
            lines.append(f"  without local data: {each['withoutData']}")
        yield lines


def _notifications(status: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the last messages to topics; an older daemon reports none."""
    messages = status.get("notifications", ())[:_EVENTS_SHOWN]
    lines = ["notifications, none of which leaves this machine:"] if messages else []
    for each in messages:
        topic = each["topic"].rpartition(":")[2]
        lines.append(f"  {_moment(each['at'])}   {each['subject']}, to topic {topic}")
        lines += [f"             {line}" for line in each["text"].splitlines()]
        if each["notDelivered"]:
            lines.append(f"             AWS would not deliver it: {each['notDelivered']}")
        elif each["subscriptions"] or each.get("topicIsHere", True):
            to = ", ".join(each["subscriptions"]) or "no subscription"
            lines.append(f"             for {to}")
        else:
            lines.append("             for the subscriptions of a topic that isn't here")
    if lines:
        yield lines


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _targets(status: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the program's own targets by target group; an older daemon reports none."""
    lines: dict[str, list[str]] = {}
    for each in status.get("targets", ()):
        line = f"  {'target':<10} {each['target']:<22} {each['state']:<10} {each['description']}"
        lines.setdefault(each["targetGroupArn"], []).append(line.rstrip())
    for group, of_group in lines.items():
        yield (f"target group {group.split('/')[1]}:", *of_group)


def _names(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names that only this AWS resolves, and a command that requests each."""
    for name, target in status["names"].items():
        yield (
            f"{name} is {target}",
            f"  verify https://{name} {verify_options(name, target, status['authority'])}",
        )


def verify_options(name: str, dns_name: str, authority: str) -> str:
    """Return the options with which `verify` checks a name over HTTPS here.

    They give the address and port to connect to, and the certificate authority to trust.
    """
    address, _, port = dns_name.partition(":")
    if not port:
        return f"--resolve {name}:{_HTTPS_PORT}:{address} --cacert {authority}"
    # Where ports below 1024 need privileges, the DNS name has the port that stands for 80.
    https_port = int(port) - 80 + _HTTPS_PORT
    return f"--connect-to {address}:{https_port} --cacert {authority}"


def _stopped_reason(task: Mapping[str, Any]) -> str:
    """Return why a task stopped; of several containers, how each ended, as one made it stop."""
    reason = str(task.get("stoppedReason", ""))
    containers = task.get("containers", ())
    if not reason or len(containers) < 2:  # noqa: PLR2004 — several
        return reason
    # Brings the scheduler, a quarter of this command's time; few tasks stop by themselves.
    from localaws.ecs.scheduler.messages import ESSENTIAL_EXITED  # noqa: PLC0415

    if not reason.startswith(ESSENTIAL_EXITED):
        return reason
    exits = [f"{each['name']} exited with {each['exitCode']}" for each in containers]
    return f"{reason} ({', '.join(exits)})"


def _service(service: Mapping[str, Any]) -> Iterator[str]:
    yield f"{service['serviceName']}: {service['progress']}"
    for deployment in service["deployments"]:
        revision = deployment["taskDefinition"].rpartition("/")[2]
        yield f"  {deployment['status']:<10} {revision:<30} {deployment['rolloutState']}"
    stopped = [each for each in service["tasks"] if each["lastStatus"] == "STOPPED"]
    hidden = stopped[:-_STOPPED_SHOWN]
    for task in service["tasks"]:
        if task in hidden:
            continue
        columns = _columns(
            task["taskId"][:12],
            task["lastStatus"],
            task["healthStatus"],
            task["availabilityZone"],
            # Without a target group there is no port. An older daemon reports no address then.
            task["endpoint"] or task.get("address", ""),
        )
        yield f"  {'task':<10} {columns} {_stopped_reason(task)}".rstrip()
        if "ipv6Address" in task:
            yield f"  {'':<10} {task['ipv6Address']}"
        if "hostPorts" in task:
            yield f"  {'':<10} {', '.join(task['hostPorts'])} on {task['ec2InstanceId']}"
        if "publicAddress" in task:
            yield f"  {'':<10} {task['publicAddress']} on the internet, here {task['shownAt']}"
        if "note" in task:
            yield f"  {'':<10} {task['note']}"
    for event in service["events"][:_EVENTS_SHOWN]:
        yield f"  {event['createdAt'][11:19]}   {event['message']}"
