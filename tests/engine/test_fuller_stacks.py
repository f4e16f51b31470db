"""Stacks that have what the plain one lacks: imported into another stack, deleted and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from tests.engine.images import OF_ECR
from tests.engine.other_project import take_over
from tests.engine.out_of_band import delete, of_aws, restore_by_one_run
from tests.engine.requests import get, over_tls
from tests.engine.stack import Stack, deployed
from tests.engine.traffic import tasks
from tests.infra.changes import EXAMPLES, STACKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL: dict[str, dict[str, Any]] = {
    "existing certificates, gateways and every log": {
        **STACKS["hardened"],
        "extraCertificateArns": EXAMPLES["extraCertificateArns"].value,
        "taskPolicyStatements": EXAMPLES["taskPolicyStatements"].value,
        "containerInsights": "enabled",
        "waf": "count",
        "network": "nat-per-zone",
        "dualStack": True,
    },
    "a domain and endpoints": {
        **STACKS["named"],
        "network": "endpoints",
        "image": OF_ECR,
        "egress": EXAMPLES["egress"].value,
    },
}
"""Configurations that together have what the plain one lacks."""


class Fuller(NamedTuple):
    """A deployed stack, and its configuration."""

    stack: Stack
    config: dict[str, Any]


@pytest.fixture(scope="module", params=list(FULL.values()), ids=list(FULL))
def fuller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fuller]:
    """Deploy one of these stacks."""
    for stack in deployed(Stack(tmp_path_factory.mktemp("state")), **request.param):
        yield Fuller(stack, request.param)


def test_what_only_fuller_stacks_have_can_be_imported_too(fuller: Fuller, tmp_path: Path) -> None:
    take_over(fuller.stack, tmp_path, of_awsx=False)


def test_all_of_a_fuller_stack_is_restored_too(fuller: Fuller) -> None:
    before = of_aws(fuller.stack)
    delete(fuller.stack, before)
    restore_by_one_run(fuller.stack, before, before, **fuller.config)
    name = fuller.stack.outputs()["albDns"]
    assert get(f"http://{name}").status_code == httpx.codes.MOVED_PERMANENTLY
    (host,) = fuller.config.get("hosts", [""])
    assert len(tasks(over_tls(name), host=host)) == 2
