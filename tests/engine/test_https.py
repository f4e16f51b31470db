"""HTTPS under the real engine: a domain is added to a running stack, verified and removed.

That a second run with a domain has nothing to do, test_remedies.py and test_fuller_stacks.py show.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from localaws.alb.certificate_files import authority_file
from tests.engine.requests import get
from tests.engine.stack import ROOT, settings
from tests.engine.watching import BEFORE, UP

if TYPE_CHECKING:
    from tests.engine.stack import Stack

DOMAIN = ("-c", "fargate-web:domain=app.example.test", "-c", "fargate-web:hostedZone=example.test")
RECORD = "aws:route53/record:Record"
CARRIERS = (
    "lb/loadBalancer:",
    "lb/targetGroup:",
    "ec2/securityGroup:",
    "ecs/service:",
    "ecs/taskDefinition:",
)
"""What requests pass through, and what must never be replaced while they do."""


class Flip(NamedTuple):
    """How HTTPS came to the stack."""

    before: dict[str, str]
    """The ids of what carries requests while everything was plain HTTP."""

    report: str
    """What clients noticed."""


@pytest.fixture(scope="module")
def flip(stack: Stack) -> Flip:
    """HTTPS, until the last test of the stack brings plain HTTP back."""
    before = carriers(stack)
    with stack.with_host(("up",)) as variables:
        watched = stack.shell(
            f"verify watch {stack.outputs()['albDns']} --status 200,301 --before {BEFORE} "
            f"--until-exit -- {UP} {shlex.join(DOMAIN)}",
            variables=variables,
        )
    assert watched.returncode == 0, watched.stdout + watched.stderr
    return Flip(before, watched.stdout)


def test_https_comes_to_a_running_stack_without_a_lost_request(flip: Flip) -> None:
    assert " 0 of " in flip.report, flip.report


def test_what_carries_the_requests_is_the_same_as_before(flip: Flip, stack: Stack) -> None:
    assert carriers(stack) == flip.before


@pytest.mark.usefixtures("flip")
def test_verify_follows_the_redirect_and_trusts_the_certificate(stack: Stack) -> None:
    outputs = stack.outputs()
    assert outputs["serviceUrl"] == "https://app.example.test"
    redirected = "" if ":" in outputs["albDns"] else "--redirect-from 80"
    run = stack.shell(
        f"verify {outputs['serviceUrl']} {reached(stack, 'app.example.test')} {redirected} "
        "--min-tls 1.2 --min-days-left 30 --security-headers --expect-tasks 2 --interval 0.2"
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.usefixtures("flip")
def test_plain_http_leads_to_the_same_page_over_https_and_serves_nothing(stack: Stack) -> None:
    url = f"http://{stack.outputs()['albDns']}/a/b?c=d&e"
    answer = get(url, headers={"Host": "app.example.test"})
    assert answer.status_code == 301
    assert httpx.URL(answer.headers["location"]) == httpx.URL("https://app.example.test/a/b?c=d&e")
    assert "Hello" not in answer.text


@pytest.mark.usefixtures("flip")
def test_no_key_of_a_certificate_is_in_the_state(stack: Stack) -> None:
    assert "PRIVATE KEY" not in stack.run("stack", "export", "--show-secrets")


@pytest.mark.usefixtures("flip")
def test_further_hosts_get_certificates_and_records_without_a_lost_request(stack: Stack) -> None:
    hosts = ["app.example.test", "api.example.test", "*.shops.example.test"]
    options = shlex.join([*settings({"hosts": hosts}), *DOMAIN])
    with stack.with_host(("up",)) as variables:
        watched = stack.shell(
            f"verify watch https://app.example.test {reached(stack, 'app.example.test')} "
            f"--before {BEFORE} --until-exit -- {UP} {options}",
            variables=variables,
        )
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert " 0 of " in watched.stdout, watched.stdout
    for host in ("app.example.test", "api.example.test", "one.shops.example.test"):
        run = stack.shell(f"verify https://{host} {reached(stack, host)} --interval 0.2")
        assert run.returncode == 0, run.stdout + run.stderr
    run = stack.shell(f"verify https://other.test {reached(stack, 'other.test')}")
    assert run.returncode != 0
    assert "certificate" in run.stdout + run.stderr, "a host of no route has none"
    records = [each.inputs for each in stack.made_of(RECORD)]
    assert {each["name"] for each in records if each["type"] == "A"} == {*hosts}


@pytest.mark.usefixtures("flip")
def test_back_to_plain_http_the_records_that_prove_domains_stay_for_other_certificates(
    stack: Stack,
) -> None:
    stack.up()
    proofs = [each.inputs for each in stack.made_of(RECORD)]
    assert {each["type"] for each in proofs} == {"CNAME"}
    domains = [each["name"].partition(".")[2] for each in proofs]
    assert sorted(domains) == ["api.example.test.", "app.example.test.", "shops.example.test."]


def test_the_manual_names_the_authoritys_file() -> None:
    assert f"--cacert {authority_file(Path('.local'))} " in (ROOT / "docs" / "https.md").read_text()


def reached(stack: Stack, host: str) -> str:
    """Return the options with which `verify` connects to a host by HTTPS, and trusts it."""
    address, _, port = stack.outputs()["albDns"].partition(":")
    # Ports below 1024 are the administrator's on some machines.
    way = f"--connect-to {address}:8443" if port else ""
    for each in () if port else (443, 80):
        way += f"--resolve {host}:{each}:{address} "
    return f"{way} --cacert {shlex.quote(str(authority_file(stack.path)))}"


def carriers(stack: Stack) -> dict[str, str]:
    """Return the ids of the resources that carry requests, by URN."""
    found: dict[str, str] = {}
    for each in stack.resources():
        if any(kind in each["type"] for kind in CARRIERS):
            found[each["urn"]] = each["id"]
    assert len(found) > len(CARRIERS), "the types were not found"
    return found
