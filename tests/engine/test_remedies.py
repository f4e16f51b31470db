"""What documents and messages tell people to do, done; on one stack, in the order of the tests.

Other remedies are tried where their failures are: tests/test_remedies.py lists all of them.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from localaws.catalog.route53.records import RECORD, assumed_zone_id
from localaws.mocks.urns import STACK
from tests.engine.requests import get
from tests.engine.service import (
    MISSING_SECRET,
    TASK_DEFINITION,
    another_revision,
    change_service,
    create,
    create_missing_key,
    of_type,
    service_of,
)
from tests.engine.stack import ROOT, WITHOUT_ASKING, Stack, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

DOMAIN = "app.example.test"
ZONE = assumed_zone_id("example.test")
HTTPS: dict[str, Any] = {"domain": DOMAIN, "hostedZone": "example.test", "dualStack": "true"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that nothing was deployed to yet."""
    stack = Stack(tmp_path_factory.mktemp("state"))
    yield stack
    stack.run("stop")


def test_a_first_deployment_whose_cause_was_elsewhere_is_deployed_again(stack: Stack) -> None:
    output = stack.up(*MISSING_SECRET, fails=True)
    (advice,) = set(re.findall(r"`pulumi (up --replace [^`]*)`", output))
    create_missing_key(stack)
    assert "there is nothing to roll back to" in stack.up("--refresh", *MISSING_SECRET, fails=True)
    stack.run(*shlex.split(advice), *WITHOUT_ASKING, *MISSING_SECRET)
    assert service_of(stack)["runningCount"] == 2
    stack.up("--expect-no-changes", *MISSING_SECRET)


def test_verify_reads_all_outputs(stack: Stack) -> None:
    run = stack.shell(
        "pulumi-local stack output --json | verify --output-name albDns --expect-tasks 2"
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_preview_with_refresh_shows_that_something_else_runs(stack: Stack) -> None:
    change_service(stack, taskDefinition=another_revision(stack))
    shown = stack.run("preview", "--non-interactive", "--refresh", *MISSING_SECRET)
    assert re.search(r"aws:ecs:Service web update \[diff: ~taskDefinition\b", shown), shown
    assert re.search(r"^Resources:\n +~ 1 to update\n +\d+ unchanged$", shown, re.MULTILINE), shown


def test_after_the_loss_of_its_records_the_local_aws_is_filled_again(stack: Stack) -> None:
    stack.run("stop")
    stack.directory.resources.write_text("{")
    output = stack.up(fails=True)
    assert "cloud.jsonl is damaged" in output
    stack.directory.resources.unlink()
    stack.run("refresh", "--yes", "--non-interactive")
    stack.up()
    assert get(stack.outputs()["serviceUrl"]).status_code == httpx.codes.OK
    assert of_type(stack, TASK_DEFINITION)


def records(stack: Stack) -> dict[str, dict[str, Any]]:
    """The domain's records of addresses as Route 53 has them, by their types."""
    ids = {f"{ZONE}_{DOMAIN}_{kind}" for kind in ("A", "AAAA")}
    found = {each.inputs["type"]: dict(each.inputs) for each in stack.made() if each.id in ids}
    assert len(found) == len(ids), "a record is gone"
    return found


def test_records_that_exist_are_taken_over_as_the_manual_says(stack: Stack) -> None:
    for kind, address in (("A", "203.0.113.9"), ("AAAA", "2001:db8::9")):
        record = {"zoneId": ZONE, "name": DOMAIN, "type": kind, "records": [address], "ttl": 300}
        create(stack, RECORD, kind, **record)
    before = records(stack)
    assert "already exists" in stack.up(**HTTPS, fails=True)
    assert records(stack) == before
    manual = (ROOT / "docs" / "https.md").read_text()
    (command,) = re.findall(r"^    pulumi (import (?:.*\\\n)*.*)$", manual, re.MULTILINE)
    for placeholder, value in (
        ("prod", "local"),
        ("ZONE", str(ZONE)),
        ("app.example.com", DOMAIN),
        ("\\\n", ""),
    ):
        command = command.replace(placeholder, value)
    for each in (command, command.replace("_A ", "_AAAA ").replace(" domain ", " domain-ipv6 ")):
        stack.run(*shlex.split(each), *WITHOUT_ASKING)
    assert records(stack) == before, "the name still resolves to where it did"
    output = stack.up(**HTTPS)
    for name in ("domain", "domain-ipv6"):
        assert re.search(rf"aws:route53:Record {name} updated", output), (
            "changed in place, never away"
        )
    for now in records(stack).values():
        assert now["aliases"][0]["name"] == stack.outputs()["albDns"].partition(":")[0]
        assert "records" not in now
    stack.needs_nothing(**HTTPS)


def test_a_destroy_may_run_the_program(stack: Stack) -> None:
    stack.run("destroy", "--run-program", *WITHOUT_ASKING, *settings(HTTPS))
    assert {each["type"] for each in stack.resources()} <= {STACK}
