"""The estimate of a stack's cost, compared with what the program registers, and its reports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gate.configurations import CONFIGURATIONS, recording
from infra.aws.instances import TYPES
from infra.costs import limit, report
from infra.costs.__main__ import CannotEstimateError, main, of_stack
from infra.costs.estimate import HOURS, MIN_SPOT_SHARE, estimate
from infra.costs.prices import of_region, regions
from infra.costs.report import Report
from infra.settings import Settings
from localaws import mocks
from tests.infra import recorder
from tests.infra.logins import OIDC

if TYPE_CHECKING:
    from infra.costs.estimate import Estimate
    from localaws.mocks import Recording

ROOT = Path(__file__).parents[3]
REGION = "ap-northeast-1"
LONGEST_AGE = timedelta(days=400)
LONGEST_AGE_OF_INSTANCES = timedelta(days=750)
"""AWS hardly ever changes the price of a type (decision 56)."""


def settings(file: str = "dev", **changes: Any) -> Settings:
    texts: dict[str, str] = {}
    for key, value in mocks.configuration(ROOT, file, **changes).items():
        namespace, _, name = key.partition(":")
        if namespace == "fargate-web":
            texts[name] = value
    return Settings.of(texts, project="fargate-web", stack=file)


def of(file: str = "dev", **changes: Any) -> Estimate:
    return estimate(settings(file, **changes), of_region(REGION))


def reported(estimated: Estimate, **details: Any) -> Report:
    return Report(stack="dev", region=REGION, estimated=estimated, **details)


def counts(estimated: Estimate) -> dict[str, float]:
    return {part.name: part.min_count for part in estimated.parts}


INSTANCES: dict[str, Any] = {"capacity": "ec2", "network": "nat", "minInstances": 2}


def test_instances_and_their_volumes_have_a_cost_and_their_tasks_none() -> None:
    prices = of_region(REGION)
    estimated = of(**INSTANCES, maxInstances=4, instanceVolumeGib=40)
    parts = {part.name: part for part in estimated.parts}
    assert "tasks of web" not in parts
    assert (parts["instances"].min_count, parts["instances"].added_by_scaling) == (2, 2)
    assert parts["instances"].max_usd_each == pytest.approx(prices["ec2-t3.small-hour"].usd * HOURS)
    volume = 40 * prices["ebs-gp3-gb-month"].usd
    assert parts["volumes of instances"].max_usd_each == pytest.approx(volume)
    added = 2 * (prices["ec2-t3.small-hour"].usd * HOURS + volume)
    assert estimated.max_usd == pytest.approx(estimated.min_usd + added, abs=0.02)
    assert not estimated.unpriced


def test_the_cost_of_instances_begins_at_zero_if_there_may_be_none() -> None:
    estimated = of(**{**INSTANCES, "minInstances": 0}, maxInstances=3)
    instances = {part.name: part for part in estimated.parts}["instances"]
    assert instances.min_usd == 0
    assert instances.max_usd > 0


def test_every_instance_type_that_a_stack_may_have_has_a_price() -> None:
    for region in regions():
        assert {f"ec2-{name}-hour" for name in TYPES} <= of_region(region).keys()


def test_an_instance_type_without_a_price_is_listed_with_the_number_of_instances() -> None:
    prices = dict(of_region(REGION))
    del prices["ec2-t3.small-hour"]
    estimated = estimate(settings(**INSTANCES), prices)
    assert estimated.unpriced == (
        "2 to 4 instances of type t3.small, whose price in this region isn't known",
    )
    assert "2 to 4 instances of type t3.small" in report.as_text(reported(estimated))


def test_a_limit_without_the_price_of_an_instance_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prices = dict(of_region(REGION))
    del prices["ec2-t3.small-hour"]
    monkeypatch.setattr(limit, "of_region", lambda _: prices)
    (problem,) = limit.problems(settings(**INSTANCES, monthlyCostLimitUsd=1000), REGION)
    assert "can't be checked: the stack has 2 to 4 instances of type t3.small" in str(problem)


def test_the_limit_is_compared_with_the_cost_of_the_maximum_of_instances() -> None:
    estimated = of(**INSTANCES)
    (problem,) = limit.problems(settings(**INSTANCES, monthlyCostLimitUsd=100), REGION)
    assert f"at most {estimated.max_usd:.2f} USD" in str(problem)
    assert not list(limit.problems(settings(**INSTANCES, monthlyCostLimitUsd=200), REGION))


def test_the_dates_of_an_estimate_leave_out_prices_of_unused_instance_types() -> None:
    dates = [
        price.read_on for name, price in of_region(REGION).items() if not name.startswith("ec2-")
    ]
    assert of().read_on == (min(dates), max(dates))
    assert of(**INSTANCES).read_on[0] == of_region(REGION)["ec2-t3.small-hour"].read_on


def test_tasks_on_spot_cost_a_range_up_to_the_on_demand_price() -> None:
    estimated = of(capacity="fargate-spot", onDemandBase=1, desiredCount=3)
    fixed = of(desiredCount=3)
    on_demand, spot = estimated.parts[:2]
    assert (on_demand.name, on_demand.min_count) == ("tasks of web", 1)
    assert (spot.name, spot.min_count) == ("tasks of web on Spot", 2)
    assert spot.min_usd == pytest.approx(MIN_SPOT_SHARE * 2 * on_demand.max_usd_each, abs=0.005)
    assert estimated.max_usd == pytest.approx(fixed.min_usd, abs=0.01)
    assert estimated.min_usd < fixed.min_usd
    text = report.as_text(reported(estimated))
    assert f"{spot.min_usd_each:.2f} to {spot.max_usd_each:.2f}" in text
    assert report.SPOT_NOTE in text
    assert report.SPOT_NOTE not in report.as_text(reported(fixed))


@pytest.mark.parametrize(
    ("base", "on_demand", "spot"), [(0, [], [2, 4]), (4, [2, 2], [0, 2]), (9, [2, 4], [])]
)
def test_scaling_adds_tasks_on_spot_only_beyond_the_base(
    base: int, on_demand: list[int], spot: list[int]
) -> None:
    scaled: dict[str, Any] = {"minCount": 2, "maxCount": 6, "targetCpuPercent": 60}
    estimated = of(capacity="fargate-spot", onDemandBase=base, **scaled)
    found = {part.name: [part.min_count, part.added_by_scaling] for part in estimated.parts}
    assert found.get("tasks of web", []) == on_demand
    assert found.get("tasks of web on Spot", []) == spot


def test_scaling_by_targets_costs_two_alarms_each() -> None:
    bounds: dict[str, Any] = {"minCount": 2, "maxCount": 6, "targetCpuPercent": 60}
    assert "metrics of alarms" not in counts(of())
    assert counts(of(**bounds, targetRequestsPerMinute=100))["metrics of alarms"] == 4
    assert counts(of(**INSTANCES))["metrics of alarms"] == 2


def verdict(**changes: Any) -> str:
    """Return the verdict on stack `dev` with changes to its configuration."""
    changed = settings(**changes)
    return limit.verdict(changed, list(limit.problems(changed, REGION)))


def test_each_form_reports_whether_up_accepts_the_stack() -> None:
    assert verdict() == ""
    accepted = verdict(monthlyCostLimitUsd=60)
    assert accepted == "`up` accepts this stack, whose monthlyCostLimitUsd is 60."
    refused = verdict(monthlyCostLimitUsd=50)
    assert refused.startswith("`up` refuses this stack. monthlyCostLimitUsd: 50, where")
    for form in (report.as_text, report.as_markdown, report.as_json):
        assert refused in form(reported(of(), verdict=refused))


def test_the_command_exits_with_3_for_a_stack_that_up_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    stack = (ROOT / "Pulumi.ec2.yaml").read_text()
    (tmp_path / "Pulumi.ec2.yaml").write_text(f"{stack}  fargate-web:monthlyCostLimitUsd: 20\n")
    monkeypatch.setattr("infra.costs.__main__.ROOT", tmp_path)
    with pytest.raises(SystemExit) as done:
        main(["--stack", "ec2"])
    assert done.value.code == 3
    assert "`up` refuses this stack. monthlyCostLimitUsd: 20" in capsys.readouterr().out
    (tmp_path / "Pulumi.ec2.yaml").write_text(f"{stack}  fargate-web:monthlyCostLimitUsd: 9999\n")
    with pytest.raises(SystemExit) as done:
        main(["--stack", "ec2"])
    assert done.value.code == 0
    assert "`up` accepts this stack" in capsys.readouterr().out


Registered = dict[str, list[dict[str, Any]]]
"""Inputs of what the program registers, by type."""


@cache
def registered(stack: str) -> Registered:
    return by_type(recording(stack))


def by_type(recorded: Recording) -> Registered:
    found: Registered = {}
    for each in recorded.registered:
        kind = mocks.canonical(each.type).rpartition(":")[2]
        found.setdefault(kind, []).append(dict(each.inputs))
    return found


def of_configuration(stack: str) -> Estimate:
    chosen = CONFIGURATIONS[stack]
    return of(chosen.file, **chosen.changes)


def tasks_of(found: Registered) -> tuple[int, int]:
    """Count the tasks on Fargate, and their public addresses."""
    scaled: dict[str, Any] = {}
    for target in found.get("Target", ()):
        scaled[target["resourceId"].rpartition("/")[2]] = target["minCapacity"]
    tasks = addresses = 0
    for service in found["Service"]:
        network = service.get("networkConfiguration")
        if network is None:  # on instances, which have a price; their tasks don't
            continue
        count: int = scaled.get(service["name"]) or service["desiredCount"]
        tasks += count
        if network["assignPublicIp"]:
            addresses += count
    return tasks, addresses


def metrics_of_alarms(found: Registered) -> int:
    """Count the metrics of alarms, two of which each target that is tracked has."""
    tracked = len(found.get("CapacityProvider", ()))
    for policy in found.get("Policy", ()):
        tracked += policy.get("policyType") == "TargetTrackingScaling"
    metrics = 0
    for alarm in found.get("MetricAlarm", ()):
        queries = alarm.get("metricQueries", ())
        if queries:
            metrics += sum("metric" in query for query in queries)
        else:
            metrics += 1
    return 2 * tracked + metrics


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_the_estimate_counts_what_the_program_registers(stack: str) -> None:
    estimated = counts(of_configuration(stack))
    found = registered(stack)
    tasks, addresses = tasks_of(found)
    assert sum(count for name, count in estimated.items() if name.startswith("tasks")) == tasks
    balancers = found["LoadBalancer"]
    for balancer in balancers:
        if not balancer.get("internal"):
            addresses += len(balancer["subnets"])
    addresses += len(found.get("Eip", ()))
    interfaces = 0
    for endpoint in found.get("VpcEndpoint", ()):
        if endpoint["vpcEndpointType"] == "Interface":
            interfaces += len(endpoint["subnetIds"])
    for part, count in {
        "load balancer": len(balancers),
        "public IPv4 addresses": addresses,
        "NAT gateways": len(found.get("NatGateway", ())),
        "VPC endpoints": interfaces,
        "web ACL": len(found.get("WebAcl", ())),
        "rules of the web ACL": sum(len(acl["rules"]) for acl in found.get("WebAcl", ())),
        "metrics of alarms": metrics_of_alarms(found),
        "dashboard": len(found.get("Dashboard", ())),
    }.items():
        assert estimated.get(part, 0) == count, part


@pytest.mark.parametrize(
    "changes",
    [
        {"alarms": True},
        {"alarms": True, "maxLatencySeconds": 0.5, "dashboard": True},
        {"alarms": True, "desiredCount": 0},
        {
            "services": {
                "api": {"paths": ["/api"], "alarms": True, "maxLatencySeconds": 1},
                "shop": {"paths": ["/shop"], "alarms": True},
                "web": {},
            }
        },
    ],
)
def test_the_estimate_counts_the_metrics_of_alarms_and_the_dashboard(
    changes: dict[str, Any],
) -> None:
    found = by_type(recorder.run("dev", **changes))
    estimated = counts(of(**changes))
    assert estimated["metrics of alarms"] == metrics_of_alarms(found)
    assert estimated.get("dashboard", 0) == len(found.get("Dashboard", ()))


def test_notifications_by_email_have_a_price_if_there_are_recipients() -> None:
    def prices(**changes: Any) -> dict[str, float]:
        return {each.name: each.usd for each in of(alarms=True, **changes).usage}

    name = "a thousand notifications by e-mail"
    assert name not in prices()
    assert prices(alarmEmails=["team@example.com"])[name] == pytest.approx(0.02)


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_the_estimate_counts_the_instances_that_the_program_registers(stack: str) -> None:
    ranges = {
        part.name: (part.min_count, part.added_by_scaling) for part in of_configuration(stack).parts
    }
    if "Group" not in registered(stack):
        assert not {"instances", "volumes of instances"} & ranges.keys()
        return
    (group,), (template,) = registered(stack)["Group"], registered(stack)["LaunchTemplate"]
    expected = (group["minSize"], group["maxSize"] - group["minSize"])
    assert ranges["instances"] == ranges["volumes of instances"] == expected
    parts = {part.name: part.max_usd_each for part in of_configuration(stack).parts}
    hour = of_region(REGION)[f"ec2-{template['instanceType']}-hour"].usd
    assert parts["instances"] == pytest.approx(hour * HOURS)
    (device,) = template["blockDeviceMappings"]
    gigabyte = of_region(REGION)["ebs-gp3-gb-month"].usd
    assert device["ebs"]["volumeType"] == "gp3"
    assert parts["volumes of instances"] == pytest.approx(device["ebs"]["volumeSize"] * gigabyte)


@pytest.mark.parametrize("stack", CONFIGURATIONS)
def test_the_estimate_has_a_part_for_each_service_on_spot(stack: str) -> None:
    bases: dict[str, int] = {}
    for service in registered(stack)["Service"]:
        providers: dict[str, int] = {}
        for used in service.get("capacityProviderStrategies", ()):
            providers[used["capacityProvider"]] = used.get("base", 0)
        if "FARGATE_SPOT" in providers:
            bases[service["name"]] = providers.get("FARGATE", 0)
    spot = [part for part in of_configuration(stack).parts if part.name.endswith(" on Spot")]
    assert len(spot) == len(bases)
    on_demand = counts(of_configuration(stack)).get("tasks of web", 0)
    if bases:
        assert on_demand == sum(bases.values())


def test_a_task_costs_its_cpu_and_memory_by_architecture() -> None:
    prices = of_region(REGION)
    for architecture, kind in (("X86_64", ""), ("ARM64", "arm-")):
        estimated = of(cpuUnits=1024, memoryMib=2048, cpuArchitecture=architecture, desiredCount=3)
        vcpu, gb = prices[f"fargate-{kind}vcpu-hour"].usd, prices[f"fargate-{kind}gb-hour"].usd
        assert estimated.parts[0].min_usd == pytest.approx(3 * HOURS * (vcpu + 2 * gb), abs=0.005)


def test_the_total_is_the_sum_of_the_parts_as_shown() -> None:
    estimated = of("prod", waf="block")
    amounts = estimated.by_part()
    assert amounts.pop("total") == pytest.approx(sum(amounts.values()))


def test_a_scaled_service_costs_a_range_whose_maximum_is_compared_with_the_limit() -> None:
    scaled: dict[str, Any] = {"minCount": 2, "maxCount": 6, "targetCpuPercent": 60}
    estimated = of(**scaled)
    fixed = of()
    minimum = fixed.min_usd + 2 * of_region(REGION)["alarm-metric-month"].usd
    assert estimated.min_usd == pytest.approx(minimum)
    task = fixed.parts[0].max_usd_each + of_region(REGION)["public-ipv4-hour"].usd * HOURS
    assert estimated.max_usd == pytest.approx(minimum + 4 * task, abs=0.02)
    assert estimated.by_part()["total at most"] == estimated.max_usd
    text = report.as_text(reported(estimated))
    assert "2 to 6" in text
    assert f"{estimated.min_usd:.2f} to {estimated.max_usd:.2f}" in text
    (problem,) = limit.problems(settings(monthlyCostLimitUsd=60, **scaled), REGION)
    assert f"at most {estimated.max_usd:.2f} USD" in str(problem)


def test_each_of_several_services_has_its_own_part() -> None:
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
    assert not list(limit.problems(settings(monthlyCostLimitUsd=allowed), REGION))


def test_a_limit_that_cannot_be_checked_is_refused() -> None:
    (problem,) = limit.problems(settings(monthlyCostLimitUsd=50), "mars-north-1")
    assert "tools.prices" in str(problem)
    assert not list(limit.problems(settings(), "mars-north-1"))


def test_a_change_names_the_parts_that_are_added_and_removed() -> None:
    estimated = of("dev", desiredCount=3)
    deployed = {**of("prod").by_part()}
    text = report.as_text(reported(estimated, deployed=deployed))
    rows = {re.split(r"  +", line)[0]: re.split(r"  +", line)[-1] for line in text.splitlines()}
    assert rows["tasks of web"] == "+11.25"
    assert rows["NAT gateways"] == "-45.26"
    assert rows["total"] == f"{estimated.min_usd - deployed['total']:+.2f}"


def test_markdown_and_json_have_the_same_amounts() -> None:
    estimated = of()
    document = json.loads(report.as_json(reported(estimated)))
    assert document["usd"] == estimated.min_usd
    assert document["deployedUsd"] is None
    markdown = report.as_markdown(reported(estimated))
    for part in estimated.parts:
        assert (
            f"| {part.name} | {part.min_count} | {part.max_usd_each:.2f} | {part.min_usd:.2f} |"
            in markdown
        )


def test_the_command_prints_a_stack_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--stack", "prod"])
    assert done.value.code == 0
    assert "NAT gateways" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("config:\n  aws:region: mars-north-1\n", "python -m tools.prices REGION"),
        ("config:\n", "is not set: set it in Pulumi.new.yaml"),
        ("config:\n  aws:region: us-east-1\n  fargate-web:cpuUnits: 3\n", "cpuUnits: 3"),
        (
            "config:\n  aws:region: us-east-1\n  fargate-web:image:\n    secure: v1:x\n",
            "image: an encrypted value",
        ),
        ("config:\n  aws:region: us-east-1\n  cpuUnits: 3\n", "cpuUnits: 3"),
        (
            "config:\n  aws:region: us-east-1\n  othr:desiredCount: 3\n",
            "othr:desiredCount: a key of another project, othr; allowed: fargate-web:desiredCount",
        ),
        (
            "config:\n  aws:region: us-east-1\n  fargate-web:egress: [secure: v1:x]\n",
            "egress: an encrypted value",
        ),
        ("config:\n  aws:region: us-east-1\n  fargate-web:image:\n", "image: empty; allowed"),
        (
            "config:\n  aws:region: us-east-1\n  fargate-web:environment:\n",
            "environment: empty, which is no map; allowed",
        ),
        ("config:\n  aws:region:\n", "aws:region of the stack new is not set"),
        ("config: [\n", "Pulumi.new.yaml, line 2: expected the node content"),
        ("foo\n", "Pulumi.new.yaml is the text foo"),
        ("config: [a]\n", "Pulumi.new.yaml: config is a list"),
        (
            "config:\n  aws:region: us-east-1\n  aws:region: eu-north-1\n",
            "Pulumi.new.yaml, line 3: aws:region again, after line 2",
        ),
        ("config:\n  aws:region: us-east-1\n  fargate-web:internal: yes\n", "internal: yes"),
    ],
)
def test_a_configuration_without_an_estimate_is_refused_with_the_reason(
    tmp_path: Path, lines: str, message: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.new.yaml").write_text(lines)
    with pytest.raises(CannotEstimateError, match=re.escape(message)):
        of_stack(tmp_path, "new")


@pytest.mark.parametrize("region", ["", "  aws:region: mars-north-1\n"])
def test_a_wrong_region_hides_no_wrong_key(tmp_path: Path, region: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    lines = f"config:\n{region}  fargate-web:services: [a]\n  fargate-web:cpuUnits: 3\n"
    (tmp_path / "Pulumi.new.yaml").write_text(lines)
    with pytest.raises(CannotEstimateError) as refused:
        of_stack(tmp_path, "new")
    for text in ("aws:region of the stack new is", "- services: a list", "- cpuUnits: 3"):
        assert text in str(refused.value)


def test_a_key_without_a_value_is_empty_as_in_a_run(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    empty = ["  fargate-web:logTo:", "  fargate-web:services:"]
    lines = [
        "config:",
        "  aws:region: us-east-1",
        "  fargate-web:requireImageDigest: false",
        *empty,
    ]
    (tmp_path / "Pulumi.new.yaml").write_text("\n".join(lines))
    assert [service.logs.log_to for service in of_stack(tmp_path, "new")[1].services] == [None]


def test_wrong_types_are_named_together_which_the_cli_names_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    wrong = {"command": "sh", "containerPort": "x", "ecsExec": "maybe"}
    lines = [f"  fargate-web:{key}: {value}" for key, value in wrong.items()]
    text = "\n".join(["config:", "  aws:region: us-east-1", *lines])
    (tmp_path / "Pulumi.new.yaml").write_text(text)
    with pytest.raises(CannotEstimateError) as refused:
        of_stack(tmp_path, "new")
    for key, value in wrong.items():
        assert f"\n  - {key}: {value}" in str(refused.value)


def test_a_key_of_another_package_has_no_effect(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    dev = (ROOT / "Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.dev.yaml").write_text(f"{dev}  datadog:apiUrl: https://api.example.com\n")
    assert of_stack(tmp_path, "dev") == of_stack(ROOT, "dev")


def test_a_stack_without_a_file_is_refused_with_the_stacks_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--stack", "nope"])
    assert done.value.code == 1
    assert "dev, " in capsys.readouterr().err


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"total": "49"}'])
def test_deployed_costs_of_another_form_are_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deployed.json").write_text(text)
    with pytest.raises(SystemExit) as done:
        main(["--stack", "dev", "--deployed", str(tmp_path / "deployed.json")])
    assert done.value.code == 1
    assert "--deployed" in capsys.readouterr().err


def test_no_price_is_older_than_thirteen_months() -> None:
    today = datetime.now(UTC).date()
    for region in regions():
        for name, price in of_region(region).items():
            assert price.read_on <= today, f"{region} {name}"
            longest = LONGEST_AGE_OF_INSTANCES if name.startswith("ec2-") else LONGEST_AGE
            assert today - price.read_on < longest, (
                f"{name} of {region} was read on {price.read_on}: run `python -m tools.prices "
                f"{region}`"
            )


def test_every_region_has_prices_of_the_same_names() -> None:
    # But not every region has every type of instance.
    def names(region: str) -> set[str]:
        return {name for name in of_region(region) if not name.startswith("ec2-")}

    for region in regions():
        assert names(region) == names(REGION), region
    assert {REGION, "us-east-1"} <= set(regions())
    assert isinstance(of_region(REGION)["nat-hour"].read_on, date)


def test_the_readme_has_the_estimates_of_dev_prod_and_ec2() -> None:
    readme = (ROOT / "README.md").read_text()
    estimated = of()
    section = readme[readme.index("### What it costs") : readme.index("### Clean up")]
    for part in estimated.parts:
        row = f"| {part.name} | {part.min_count} | {part.max_usd_each:.2f} | {part.min_usd:.2f} |"
        assert row in section
    assert f"| total | | | {estimated.min_usd:.2f} |" in section
    words = " ".join(section.split())
    prod, ranged = of("prod"), of("ec2")
    assert f"`prod`, with a NAT gateway, alarms and a dashboard, costs {prod.min_usd:.2f}." in words
    span = f"{ranged.min_usd:.2f} to {ranged.max_usd:.2f}"
    assert f"`ec2`, whose instances scale, costs {span}." in words


def test_the_manual_compares_the_prices_of_capacity() -> None:
    manual = (ROOT / "docs" / "costs.md").read_text()
    section = manual.partition("## Fargate, Spot or instances")[2].partition("\n## ")[0]
    prices = of_region(REGION)
    x86 = 0.25 * prices["fargate-vcpu-hour"].usd + 0.5 * prices["fargate-gb-hour"].usd
    arm = 0.25 * prices["fargate-arm-vcpu-hour"].usd + 0.5 * prices["fargate-arm-gb-hour"].usd
    hourly = {
        "on Fargate, X86_64": x86,
        "the same on ARM64": arm,
        "a t3.small": prices["ec2-t3.small-hour"].usd,
        "a t4g.small": prices["ec2-t4g.small-hour"].usd,
        "a NAT gateway": prices["nat-hour"].usd,
    }
    for name, usd in hourly.items():
        assert re.search(rf"{name}.*\| {usd * 730:.2f} \|", section), name
    assert f"X86_64 | {0.3 * x86 * 730:.2f} to {x86 * 730:.2f} |" in section
    assert f"30 GiB | {30 * prices['ebs-gp3-gb-month'].usd:.2f} |" in section


def test_no_cost_depends_on_an_encrypted_value(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    stack = (ROOT / "Pulumi.dev.yaml").read_text()
    (tmp_path / "Pulumi.plain.yaml").write_text(stack)
    keys = {
        "fargate-web:certificateArn": f"arn:aws:acm:{REGION}:123456789012:certificate/"
        "00000000-0000-0000-0000-000000000001",
        "fargate-web:oidc": OIDC,
        "fargate-web:oidcClientSecrets": {"web": {"secure": "v1:x"}},
    }
    lines = [f"  {key}: {json.dumps(value)}\n" for key, value in keys.items()]
    (tmp_path / "Pulumi.login.yaml").write_text(stack + "".join(lines))
    estimates: list[Estimate] = []
    for name in ("login", "plain"):
        _, settings_of_stack = of_stack(tmp_path, name)
        estimates.append(estimate(settings_of_stack, of_region(REGION)))
    assert estimates[0] == estimates[1]


@pytest.mark.slow  # starts a Python
def test_outside_the_environment_one_line_has_what_to_do() -> None:
    without_packages = [sys.executable, "-S", "-m", "infra.costs", "--stack", "prod"]
    ended = subprocess.run(
        without_packages, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert "run `make setup` and then `.venv/bin/python -m infra.costs`" in line
