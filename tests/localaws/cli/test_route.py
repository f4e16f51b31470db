"""`pulumi-local route explain` for configured and deployed stacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localaws.alb.explanation import CannotExplain
from localaws.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Sequence

# The SDK warns when it is imported, which is once in a process.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:pulumi_aws", "ignore:Waiting for"
)

ROOT = Path(__file__).parents[3]
SERVICES = """\
  fargate-web:services:
    web: { weights: { web: 9, next: 1 } }
    next: {}
    api: { paths: ["/api", "/api/*"] }
    office:
      hosts: [admin.example.com]
      sourceCidrs: [10.0.0.0/8]
      rewriteUrl: { regex: ^/x, replace: /y }
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project, whose stack dev has three services."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py", "local.parameters.toml"):
        shutil.copy(ROOT / name, folder)
    with (folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(SERVICES)
    (folder / "Pulumi.none.yaml").write_text("config: {}\n")
    return folder


def run(project: Path, *arguments: str) -> int:
    return main(["-C", str(project), "route", "explain", *arguments])


def test_explain_names_the_service_that_answers_and_why_earlier_rules_do_not(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, "http://shop.example.com/api/x", "--stack", "dev") == 0
    first, _, _, office, api, _, answer = capsys.readouterr().out.splitlines()
    assert first == "GET http://shop.example.com/api/x from 203.0.113.1, at alb-http"
    assert office.split(maxsplit=2)[1] == "dev-office"
    assert "  no: host is admin.example.com: it is shop.example.com; source is 10" in office
    assert api.split(maxsplit=2)[1:] == ["dev-api", "matches (path is /api or /api/*)"]
    assert answer == "It forwards to dev-api."


def test_json_has_every_rule_with_its_reasons(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://admin.example.com/x?a=1"
    assert run(project, url, "-s", "dev", "--source-ip", "10.1.2.3", "--json") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["service"] == "dev-office"
    assert document["outcome"] == "forwards to dev-office, after its rewrites"
    assert document["request"] == {
        "method": "GET",
        "url": url,
        "headers": {},
        "sourceIp": "10.1.2.3",
    }
    assert [rule["matches"] for rule in document["rules"]] == [True]


def test_a_route_that_is_split_shows_the_share_of_each_service(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, "http://shop.example.com/", "--stack", "dev") == 0
    _, _, header, *_, office, _, last, _, _, answer = capsys.readouterr().out.splitlines()
    assert "  dev-next 10 %, dev-web 90 %  matches (path is /*)" in last
    column = last.index("matches")
    assert header.index("result") == office.index("no: host") == column
    assert answer == "It forwards to dev-next 10 %, dev-web 90 %."
    assert run(project, "http://shop.example.com/", "--stack", "dev", "--json") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["shares"] == {"dev-next": 10.0, "dev-web": 90.0}
    assert document["rules"][0]["shares"] == {"dev-office": 100.0}


def deployed(project: Path, known: Sequence[dict[str, Any]]) -> None:
    folder = project / ".local" / "state" / ".pulumi" / "stacks" / "fargate-web"
    folder.mkdir(parents=True, exist_ok=True)
    document = {"checkpoint": {"latest": {"resources": known}}}
    (folder / "dev.json").write_text(json.dumps(document))


def test_what_is_deployed_here_is_explained_without_running_the_program(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CannotExplain, match="; `pulumi-local up --stack dev` deploys"):
        run(project, "http://a.test/", "--stack", "dev", "--deployed")
    listener = {
        "urn": "urn::aws:lb/listener:Listener::alb-http",
        "type": "aws:lb/listener:Listener",
        "id": "L",
        "outputs": {
            "port": 80,
            "protocol": "HTTP",
            "loadBalancerArn": "B",
            "defaultActions": [
                {"type": "fixed-response", "fixedResponse": {"statusCode": "404"}},
            ],
        },
    }
    rule: dict[str, Any] = {
        "urn": "urn::aws:lb/listenerRule:ListenerRule::alb-7",
        "type": "aws:lb/listenerRule:ListenerRule",
        "id": "R",
        "outputs": {
            "priority": 7,
            "listenerArn": "L",
            "conditions": [{"pathPattern": {"values": ["/a"]}}],
            "actions": [{"type": "forward", "targetGroupArn": "G"}],
        },
    }
    deployed(project, [listener, rule])
    assert run(project, "http://a.test/", "--stack", "dev", "--deployed") == 3
    out = capsys.readouterr().out
    assert "       7  -                     no: path is /a: it is /" in out
    assert out.endswith("It answers 404.\n")
    attachment = {
        **rule["outputs"],
        "priority": 3,
        "conditions": [{"sourceIp": {"values": ["192.0.2.0/32"]}}],
    }
    deployed(project, [listener, rule, {**rule, "outputs": attachment}])
    assert run(project, "http://[::1]/", "--stack", "dev", "--deployed") == 3
    out = capsys.readouterr().out
    assert out.startswith("GET http://[::1]/ from 203.0.113.1, at alb-http\n")
    assert "          1 rule that only attaches a target group matches no client\n" in out
    encrypted = {"4dabf18193072939515e22adb298388d": "1b47", "ciphertext": "v1:x"}
    deployed(project, [listener, {**rule, "outputs": {**rule["outputs"], "actions": encrypted}}])
    with pytest.raises(CannotExplain, match="the actions of alb-7 have a secret"):
        run(project, "http://a.test/", "--stack", "dev", "--deployed")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["https://a.test/", "-s", "dev"], "no listener has HTTPS 443; there is HTTP 80"),
        (["http://a.test/", "-s", "nope"], "there is no Pulumi.nope.yaml; there is dev, none"),
        (["http://a.test/", "-s", "none"], "none can't be deployed: "),
        (["a.test", "-s", "dev"], "give an absolute URL"),
    ],
)
def test_what_cannot_be_explained_is_an_error_with_what_to_do(
    project: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(CannotExplain) as refusal:
        run(project, *arguments)
    assert message in str(refusal.value)


def test_a_program_in_another_language_can_only_be_explained_as_deployed(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: nodejs\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    with pytest.raises(CannotExplain, match=r"in nodejs, .*--deployed"):
        run(tmp_path, "http://a.test/", "--stack", "dev")


def test_help_has_examples_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["route", "explain", "--help"])
    out = capsys.readouterr().out
    assert "route explain http://shop.example.com/api/orders?id=1" in out
    assert "  3  no service answers" in out
