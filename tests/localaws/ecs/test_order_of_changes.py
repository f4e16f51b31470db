"""The order in which load balancers get changes of rules and targets; they are fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.catalog.elb.listeners import LISTENER_RULE
from localaws.ecs.services.controller import Controller
from localaws.ecs.services.load_balancer_sync import LoadBalancerSync
from localaws.ecs.services.passes import Passes
from tests.localaws.ecs.conftest import ELB, SERVICE, Web
from tests.localaws.ecs.fakes import Runtime, TargetGroups
from tests.localaws.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

RULE = f"{ELB}:listener-rule/app/web/1/2/9"


async def test_a_rule_that_is_gone_is_applied_before_its_targets_are_deregistered(
    web: Web, tmp_path: Path
) -> None:
    """Else a proxy that gets both at once has requests for a target group without targets: 503."""
    web.put(LISTENER_RULE, RULE, listenerArn=web.listener)
    groups = TargetGroups()
    seen: list[tuple[bool, bool]] = []

    def sync() -> None:
        seen.append((web.get(LISTENER_RULE, RULE) is not None, groups.deregistered > 0))

    running = Controller(
        web, tmp_path, runtime=Runtime(), target_groups=groups, parameters=lambda _: None
    )
    await running.start()
    try:
        await running.waits.settle(web.service, timeout=30, report=lambda _: None)
        groups.on_sync = sync
        # So that the next synchronization isn't due yet.
        web.put("aws:cloudwatch/logGroup:LogGroup", "/other")
        await running.apply(timeout=30)
        web.remove(LISTENER_RULE, RULE)
        web.remove(SERVICE, web.service)
        await eventually(lambda: seen[-1] == (False, True), "the end of both")
    finally:
        await running.close()
    assert (True, True) not in seen
    assert (False, False) in seen, "the rule alone"


async def test_changes_that_failed_to_be_applied_are_applied_again() -> None:
    groups = TargetGroups()
    failures = [OSError("the proxy takes no configuration")]
    calls = 0

    def fail_once() -> None:
        nonlocal calls
        calls += 1
        if failures:
            raise failures.pop()

    groups.on_sync = fail_once
    load_balancers = LoadBalancerSync(groups, Passes())
    await load_balancers.sync()
    assert load_balancers.has_tried(1), "nothing waits for them any more"
    assert load_balancers.is_due
    for _ in range(2):
        await load_balancers.apply_changes()
        assert calls == 2
