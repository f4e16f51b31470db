"""`pulumi-local route explain`: which service answers a request, and why no other does."""

from __future__ import annotations

import json
import logging
import os
import runpy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from localaws import stack_files
from localaws.account import parameters
from localaws.alb.explanation import CannotExplain, Rule, described, explain
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.elb.listeners import LISTENER, LISTENER_RULE
from localaws.catalog.elb.load_balancers import LOAD_BALANCER
from localaws.cli.pulumi_state import StackState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from localaws.alb.explanation import Request, Tried
    from localaws.daemon.state_directory import StateDirectory

ANSWERED: Final = 0
NOT_ANSWERED: Final = 3
"""Exit code where the listener's default actions answer, so no service does."""

_ALL: Final = 100.0
"""Percent."""

_NO_CLIENT: Final = ["192.0.2.0/32"]
"""The condition of rules that only attach a target group to a load balancer."""


@dataclass(frozen=True)
class Known:
    """A resource of a stack, as its program registers it or as it is deployed."""

    token: str
    id: str
    name: str
    outputs: Mapping[str, Any]


def configured(project: Path, seeds: Path, stack: str) -> list[Known]:
    """Return what a stack's program registers with its configuration, in an account of mocks.

    Args:
        project: The folder of Pulumi.yaml.
        seeds: The file with the parameters and secrets that exist beforehand.
        stack: The stack's name.

    Raises:
        CannotExplain: There is no such stack, its file can't be read, or its program isn't in
            Python or fails.
        BadParameters: The file of parameters can't be read.
    """
    import pulumi  # noqa: PLC0415 — half a second, which other commands don't need

    from localaws import mocks  # noqa: PLC0415 — as above

    try:
        document = stack_files.read_project(project)
        config = mocks.configuration(project, stack)
    except stack_files.BadStackFile as reason:
        raise CannotExplain(str(reason)) from None
    runtime = document.get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language != "python":
        raise CannotExplain(
            f"the program is in {language}, and only Python's can be run without an engine; "
            "--deployed explains the stack that is deployed here"
        )
    cloud = mocks.Cloud(seed=1)
    cloud.parameters = parameters.load(seeds)
    logging.disable()  # the program's warnings are for its previews
    here = os.getcwd()  # noqa: PTH109 — to return to
    try:
        os.chdir(project)
        run = mocks.run(
            lambda: runpy.run_path(str(project / document.get("main", "."))),
            project=document["name"],
            stack=stack,
            config=config,
            cloud=cloud,
        )
    except (pulumi.RunError, mocks.Mistake) as reason:
        raise CannotExplain(f"{stack} can't be deployed: {reason}") from None
    finally:
        os.chdir(here)
        logging.disable(logging.NOTSET)
    found = []
    for each in run.registered:
        made = run.cloud.find(each.type, run.id(each)) if each.custom else None
        if made is not None:
            found.append(Known(each.type, made.id, each.name, made.outputs))
    return found


def deployed(directory: StateDirectory, project: str | None, stack: str) -> list[Known]:
    """Return what is deployed of a stack on this machine.

    Raises:
        CannotExplain: Nothing is.
    """
    resources = StackState(directory.backend, project, stack).resources() if project else []
    if not resources:
        raise CannotExplain(
            f"{stack} isn't deployed here; `pulumi-local up --stack {stack}` deploys it"
        )
    return list(map(_of_state, resources))


def _of_state(resource: Mapping[str, Any]) -> Known:
    name = resource["urn"].rpartition("::")[2]
    outputs = resource.get("outputs") or {}
    return Known(resource["type"], str(resource.get("id", "")), name, outputs)


def show(known: Sequence[Known], request: Request, *, as_json: bool) -> int:
    """Print which rule answers a request, and return the exit code.

    Raises:
        CannotExplain: No listener gets the request, or several do.
    """
    listener, rules = _listener(known, request)
    tried = explain(rules, request)
    services = _services_of_groups(known)
    answer = tried[-1].rule
    by_service = any(_shares(answer, services).values())
    if as_json:
        print(json.dumps(_document(listener, request, tried, services), indent=2))
    else:
        print(_table(listener, request, tried, services))
    return ANSWERED if by_service and answer.priority is not None else NOT_ANSWERED


def _listener(known: Sequence[Known], request: Request) -> tuple[Known, list[Rule]]:
    """Return the listener of a request's scheme and port, and its rules."""
    fitting: list[Known] = []
    ports: list[str] = []
    for each in known:
        if each.token != LISTENER:
            continue
        ports.append(f"{each.outputs.get('protocol')} {int(each.outputs['port'])}")
        scheme = str(each.outputs.get("protocol") or "HTTP").lower()
        if (scheme, int(each.outputs["port"])) == (request.scheme, request.port):
            fitting.append(each)
    if not fitting:
        raise CannotExplain(
            f"no listener has {request.scheme.upper()} {request.port}; there is "
            f"{', '.join(sorted(ports)) or 'none'}"
        )
    listener = fitting[0] if len(fitting) == 1 else _of_host(request.host, fitting, known)
    default = Rule("default actions", None, (), listener.outputs["defaultActions"])
    rules = [each for each in known if each.token == LISTENER_RULE]
    own_rules = [each for each in rules if each.outputs["listenerArn"] == listener.id]
    return listener, [*map(_rule, own_rules), default]


def _of_host(host: str, listeners: Sequence[Known], known: Sequence[Known]) -> Known:
    """Return the listener of the load balancer with a DNS name."""
    own = [each for each in listeners if _dns_name(known, each) == host]
    if len(own) == 1:
        return own[0]
    names = {each.id: each.name for each in known if each.token == LOAD_BALANCER}
    balancers = ", ".join(names.get(_balancer(each), "?") for each in listeners)
    raise CannotExplain(
        f"several load balancers have such a listener: {balancers}; use the DNS name of one in the "
        "URL"
    )


def _rule(known: Known) -> Rule:
    if not isinstance(known.outputs["actions"], list):
        raise CannotExplain(
            f"the actions of {known.name} have a secret, which the state keeps encrypted; without "
            "--deployed the configured rules are explained"
        )
    return Rule(
        known.name,
        int(known.outputs["priority"]),
        known.outputs.get("conditions") or (),
        known.outputs["actions"],
        known.outputs.get("transforms") or (),
    )


def _balancer(listener: Known) -> str:
    return str(listener.outputs["loadBalancerArn"])


def _dns_name(known: Sequence[Known], listener: Known) -> str:
    for each in known:
        if each.token == LOAD_BALANCER and each.id == _balancer(listener):
            return str(each.outputs.get("dnsName"))
    return ""


def _services_of_groups(known: Sequence[Known]) -> dict[str, str]:
    """Return the names of ECS services by the ARNs of their target groups."""
    found = {}
    for each in known:
        if each.token == SERVICE:
            for group in each.outputs.get("loadBalancers") or ():
                found[str(group.get("targetGroupArn"))] = str(each.outputs.get("name") or each.name)
    return found


def _shares(rule: Rule, services: Mapping[str, str]) -> dict[str, float]:
    """Return the percentages of its requests that a rule forwards to services, by their names."""
    action = rule.last_action
    groups = (action.get("forward") or {}).get("targetGroups")
    weights: dict[str, float] = {}
    total = 0.0
    for group in groups or [{"arn": action.get("targetGroupArn")}]:
        weight = float(group.get("weight", 1))
        total += weight
        if group["arn"] in services:
            name = services[group["arn"]]
            weights[name] = weights.get(name, 0.0) + weight
    shares: dict[str, float] = {}
    for name, weight in weights.items():
        shares[name] = _ALL * weight / total if total else 0.0
    return shares


def _owner(rule: Rule, services: Mapping[str, str]) -> str:
    """Return the services that a rule forwards to, with their shares if there are several."""
    shares = _shares(rule, services)
    if list(shares.values()) == [_ALL]:
        return next(iter(shares))
    return ", ".join(f"{name} {share:.4g} %" for name, share in shares.items())


def _is_attachment(rule: Rule) -> bool:
    for condition in rule.conditions:
        if (condition.get("sourceIp") or {}).get("values") == _NO_CLIENT:
            return True
    return False


def _outcome(rule: Rule, services: Mapping[str, str]) -> str:
    action = rule.last_action
    if action["type"] == "redirect":
        target = action["redirect"]
        return f"redirects to {target.get('protocol')} with {target.get('statusCode')}"
    if action["type"] == "fixed-response":
        return f"answers {action['fixedResponse'].get('statusCode')}"
    owner = _owner(rule, services)
    first = "authenticates the client, then " if len(rule.actions) > 1 else ""
    changed = ", after its rewrites" if rule.transforms else ""
    return f"{first}forwards to {owner or 'a target group of no ECS service'}{changed}"


def _table(
    listener: Known, request: Request, tried: Sequence[Tried], services: Mapping[str, str]
) -> str:
    rows = [("priority", "service", "result")]
    hidden = 0
    for each in tried:
        if _is_attachment(each.rule) and not each.matches:
            hidden += 1
            continue
        priority = "default" if each.rule.priority is None else str(each.rule.priority)
        if each.matches:
            result = f"matches ({described(each.rule.conditions)})"
        else:
            result = f"no: {'; '.join(each.reasons)}"
        rows.append((priority, _owner(each.rule, services) or "-", result))
    lines = [f"{request.method} {request.url} from {request.source}, at {listener.name}", ""]
    width = 20
    for _, owner, _ in rows:
        width = max(width, len(owner))
    for priority, owner, result in rows:
        lines.append(f"{priority:>8}  {owner:<{width}}  {result}")
    if hidden == 1:
        lines.append(f"{'':>8}  1 rule that only attaches a target group matches no client")
    elif hidden:
        lines.append(f"{'':>8}  {hidden} rules that only attach target groups match no client")
    return "\n".join([*lines, "", f"It {_outcome(tried[-1].rule, services)}."])


def _document(
    listener: Known, request: Request, tried: Sequence[Tried], services: Mapping[str, str]
) -> dict[str, Any]:
    answer = tried[-1].rule
    return {
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": dict(request.headers),
            "sourceIp": request.source,
        },
        "listener": listener.name,
        "service": _owner(answer, services) or None,
        "shares": _shares(answer, services),
        "action": answer.last_action["type"],
        "outcome": _outcome(answer, services),
        "rules": list(_tried_document(tried, services)),
    }


def _tried_document(
    tried: Sequence[Tried], services: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for each in tried:
        yield {
            "name": each.rule.name,
            "priority": each.rule.priority,
            "service": _owner(each.rule, services) or None,
            "shares": _shares(each.rule, services),
            "conditions": described(each.rule.conditions),
            "matches": each.matches,
            "reasons": list(each.reasons),
        }
