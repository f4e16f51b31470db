"""The estimate of a stack's cost against what the program registers, and its forms."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gate.configurations import CONFIGURATIONS, recording
from infra.costs import limit, report
from infra.costs.__main__ import CannotEstimateError, main, of_stack
from infra.costs.estimate import HOURS, estimate
from infra.costs.prices import of_region, regions
from infra.settings import Settings
from localaws import mocks

if TYPE_CHECKING:
    from infra.costs.estimate import Estimate

ROOT = Path(__file__).parents[3]
REGION = "ap-northeast-1"
LONGEST_AGE = timedelta(days=400)


def settings(file: str = "dev", **changes: Any) -> Settings:
    texts: dict[str, str] = {}
    for key, value in mocks.configuration(ROOT, file, **changes).items():
        namespace, _, name = key.partition(":")
        if namespace == "fargate-web":
            texts[name] = value
    return Settings.of(texts, project="fargate-web", stack=file)


def of(file: str = "dev", **changes: Any) -> Estimate:
    return estimate(settings(file, **changes), of_region(REGION))


def counts(estimated: Estimate) -> dict[str, float]:
    return {part.name: part.count for part in estimated.parts}


def test_what_has_no_price_in_the_table_is_named_and_cannot_be_limited() -> None:
    on_instances = {"capacity": "ec2", "network": "nat"}
    assert of(**on_instances).unpriced == (
        "2 to 4 instances of type t3.small, each with a volume of 30 GiB",
    )
    assert not any(name.startswith("tasks") for name in counts(of(**on_instances)))
    assert "2 to 4 instances" in report.as_text("dev", REGION, of(**on_instances), {})
    assert [
        each.key
        for each in limit.problems(settings(**on_instances, monthlyCostLimitUsd=1000), REGION)
    ] == ["monthlyCostLimitUsd"]
    spot = of(capacity="fargate-spot")
    assert spot.parts == of().parts, "at most as much as on Fargate"
    assert "discount of Spot for tasks of web" in spot.unpriced[0]


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_the_estimate_counts_what_the_program_registers(stack: str) -> None:
    chosen = CONFIGURATIONS[stack]
    estimated = counts(of(chosen.file, **chosen.changes))
    registered: dict[str, list[dict[str, Any]]] = {}
    for each in recording(stack).registered:
        kind = mocks.canonical(each.type).rpartition(":")[2]
        registered.setdefault(kind, []).append(dict(each.inputs))
    tasks = addresses = 0
    scaled: dict[str, int] = {}
    for target in registered.get("Target", ()):
        scaled[target["resourceId"].rpartition("/")[2]] = target["minCapacity"]
    for service in registered["Service"]:
        if "networkConfiguration" not in service:  # on instances, whose prices aren't in the table
            assert estimate(settings(chosen.file, **chosen.changes), of_region(REGION)).unpriced
            continue
        tasks += scaled.get(service["name"], service["desiredCount"])
        if service["networkConfiguration"]["assignPublicIp"]:
            addresses += scaled.get(service["name"], service["desiredCount"])
    assert sum(count for name, count in estimated.items() if name.startswith("tasks")) == tasks
    balancers = registered["LoadBalancer"]
    for balancer in balancers:
        addresses += 0 if balancer.get("internal") else len(balancer["subnets"])
    addresses += len(registered.get("Eip", ()))
    interfaces = 0
    for endpoint in registered.get("VpcEndpoint", ()):
        if endpoint["vpcEndpointType"] == "Interface":
            interfaces += len(endpoint["subnetIds"])
    rules = sum(len(acl["rules"]) for acl in registered.get("WebAcl", ()))
    for part, count in {
        "load balancer": len(balancers),
        "public IPv4 addresses": addresses,
        "NAT gateways": len(registered.get("NatGateway", ())),
        "VPC endpoints": interfaces,
        "web ACL": len(registered.get("WebAcl", ())),
        "rules of the web ACL": rules,
    }.items():
        assert estimated.get(part, 0) == count, part


def test_a_task_costs_its_cpu_and_memory_by_architecture() -> None:
    prices = of_region(REGION)
    for architecture, kind in (("X86_64", ""), ("ARM64", "arm-")):
        estimated = of(cpuUnits=1024, memoryMib=2048, cpuArchitecture=architecture, desiredCount=3)
        vcpu, gb = prices[f"fargate-{kind}vcpu-hour"].usd, prices[f"fargate-{kind}gb-hour"].usd
        assert estimated.parts[0].usd == pytest.approx(3 * HOURS * (vcpu + 2 * gb), abs=0.005)


def test_the_total_is_the_sum_of_the_parts_as_shown() -> None:
    estimated = of("prod", waf="block")
    amounts = estimated.by_part()
    assert amounts.pop("total") == pytest.approx(sum(amounts.values()))


def test_a_scaled_service_costs_a_range_and_its_limit_is_held_against_the_most() -> None:
    scaled: dict[str, Any] = {"minCount": 2, "maxCount": 6, "targetCpuPercent": 60}
    estimated, fixed = of(**scaled), of()
    assert estimated.usd == fixed.usd
    task = fixed.parts[0].usd_each + of_region(REGION)["public-ipv4-hour"].usd * HOURS
    assert estimated.most_usd == pytest.approx(fixed.usd + 4 * task, abs=0.02)
    assert estimated.by_part()["total at most"] == estimated.most_usd
    text = report.as_text("dev", REGION, estimated, {})
    assert "2 to 6" in text
    assert f"{estimated.usd:.2f} to {estimated.most_usd:.2f}" in text
    (problem,) = limit.problems(settings(monthlyCostLimitUsd=60, **scaled), REGION)
    assert f"at most {estimated.most_usd:.2f} USD" in str(problem)


def test_several_services_have_a_part_each() -> None:
    (api,) = settings(serviceName="api", desiredCount=3).services
    both = replace(settings(), services=(api, *settings().services))
    counted = counts(estimate(both, of_region(REGION)))
    assert counted["tasks of api"] == 3
    assert counted["tasks of web"] == 2
    assert counted["public IPv4 addresses"] == 2 + 5


def test_a_stack_above_its_limit_is_refused_with_its_parts() -> None:
    (problem,) = limit.problems(settings(monthlyCostLimitUsd=50), REGION)
    assert "54.83 USD a month" in str(problem)
    assert "load balancer 17.74" in str(problem)


@pytest.mark.parametrize("allowed", [0, 55, 1_000_000])
def test_a_stack_within_its_limit_is_accepted(allowed: int) -> None:
    assert not [*limit.problems(settings(monthlyCostLimitUsd=allowed), REGION)]


def test_a_limit_that_cannot_be_checked_is_refused() -> None:
    (problem,) = limit.problems(settings(monthlyCostLimitUsd=50), "mars-north-1")
    assert "tools.prices" in str(problem)
    assert not [*limit.problems(settings(), "mars-north-1")]


def test_a_change_names_what_is_added_and_what_goes() -> None:
    estimated = of("dev", desiredCount=3)
    deployed = {**of("prod").by_part()}
    text = report.as_text("dev", REGION, estimated, deployed)
    rows = {re.split(r"  +", line)[0]: re.split(r"  +", line)[-1] for line in text.splitlines()}
    assert rows["tasks of web"] == "+11.25"
    assert rows["NAT gateways"] == "-45.26"
    assert rows["total"] == f"{estimated.usd - deployed['total']:+.2f}"


def test_markdown_and_json_say_the_same() -> None:
    estimated = of()
    document = json.loads(report.as_json("dev", REGION, estimated, {}))
    assert document["usd"] == estimated.usd
    assert document["deployedUsd"] is None
    markdown = report.as_markdown("dev", REGION, estimated, {})
    for part in estimated.parts:
        assert f"| {part.name} | {part.count} | {part.usd_each:.2f} | {part.usd:.2f} |" in markdown


def test_the_command_prints_a_stack_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--stack", "prod"])
    assert done.value.code == 0
    assert "NAT gateways" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("config:\n  aws:region: mars-north-1\n", "python -m tools.prices REGION"),
        ("config:\n", "aws:region of the stack new is not set"),
        ("config:\n  aws:region: us-east-1\n  fargate-web:cpuUnits: 3\n", "cpuUnits: 3"),
        (
            "config:\n  aws:region: us-east-1\n  fargate-web:image:\n    secure: v1:x\n",
            "image: an encrypted value",
        ),
        ("config: [\n", "Pulumi.new.yaml can't be read"),
    ],
)
def test_a_configuration_without_an_estimate_says_why(
    tmp_path: Path, lines: str, words: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.new.yaml").write_text(lines)
    with pytest.raises(CannotEstimateError, match=re.escape(words)):
        of_stack(tmp_path, "new")


def test_a_stack_without_a_file_is_named_with_those_that_have_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--stack", "nope"])
    assert done.value.code == 2
    assert "dev, " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"total": "49"}'])
def test_a_deployed_cost_that_is_none_is_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deployed.json").write_text(text)
    with pytest.raises(SystemExit) as done:
        main(["--stack", "dev", "--deployed", str(tmp_path / "deployed.json")])
    assert done.value.code == 2
    assert "--deployed" in capsys.readouterr().err


def test_no_price_is_older_than_thirteen_months() -> None:
    today = datetime.now(UTC).date()
    for region in regions():
        for name, price in of_region(region).items():
            assert price.read_on <= today, f"{region} {name}"
            assert today - price.read_on < LONGEST_AGE, (
                f"{name} of {region} was read on {price.read_on}: run `python -m tools.prices "
                f"{region}`"
            )


def test_every_region_has_the_same_prices() -> None:
    names = [set(of_region(region)) for region in regions()]
    assert all(each == names[0] for each in names)
    assert {REGION, "us-east-1"} <= {*regions()}
    assert isinstance(of_region(REGION)["nat-hour"].read_on, date)


def test_the_readme_has_the_estimate_of_dev() -> None:
    readme = (ROOT / "README.md").read_text()
    estimated = of()
    section = readme[readme.index("### What it costs") : readme.index("### Clean up")]
    for part in estimated.parts:
        assert f"| {part.name} | {part.count} | {part.usd_each:.2f} | {part.usd:.2f} |" in section
    assert f"| total | | | {estimated.usd:.2f} |" in section


def test_no_cost_depends_on_an_encrypted_value(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    stack = (ROOT / "Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.plain.yaml").write_text(stack)
    (tmp_path / "Pulumi.login.yaml").write_text(
        f"{stack}  fargate-web:oidcClientSecrets:\n    web:\n      secure: v1:x\n"
    )
    assert of_stack(tmp_path, "login") == of_stack(tmp_path, "plain")
