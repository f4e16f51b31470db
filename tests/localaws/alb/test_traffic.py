"""What Envoy's statistics say of requests; test_envoy.py has them from a real one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.account.cloud import Cloud
from localaws.alb.traffic import Answer, Traffic, is_measured, parse
from localaws.catalog.cloudwatch import ALARM

LB, GROUP = "app/web/1", "web/3"
REPORTED = """\
alb.answers.lb.app/web/1.group..code.503.flags.-.by.direct_response: 2
alb.answers.lb.app/web/1.group.web/3.code.0.flags.DC.by.downstream_remote_disconnect: 3
alb.answers.lb.app/web/1.group.web/3.code.200.flags.-.by.via_upstream: 5
alb.answers.lb.app/web/1.group.web/3.code.502.flags.UF,URX.by.upstream_reset{connection: refused}: 7
alb.answers.lb.app/web/1.group.web/3.code.503.flags.UH.by.no_healthy_upstream: 11
alb.times.lb.app/web/1.group.web/3:
  totals=1800,100:2, 9.9e+06,100000:1
  intervals=1800,100:1
  summary=P0(1850,1850)
alb.times.lb.app/web/1.group.other/4: No recorded values
"""


def answer(code: int, group: str = GROUP, *, from_target: bool = False, chosen: bool) -> Answer:
    return Answer(LB, group, code, from_target, chosen)


def test_answers_are_counted_by_code_and_by_origin() -> None:
    assert parse(REPORTED).answers == {
        answer(503, "", chosen=False): 2,
        answer(460, chosen=True): 3,
        answer(200, from_target=True, chosen=True): 5,
        answer(502, chosen=True): 7,
        answer(503, chosen=False): 11,
    }


def test_times_are_the_middles_of_bins_in_seconds() -> None:
    (bins,) = parse(REPORTED).times.values()
    assert list(bins) == pytest.approx([0.00185, 9.95])
    assert list(bins.values()) == [2, 1]


COUNTS = st.dictionaries(st.sampled_from([200, 404, 500]), st.integers(1, 50))


def traffic(counts: dict[int, int]) -> Traffic:
    answers = {answer(code, chosen=True): count for code, count in counts.items()}
    return Traffic(answers, {(LB, GROUP): {code / 1000: count for code, count in counts.items()}})


@given(COUNTS, COUNTS)
def test_the_difference_of_two_readings_is_what_came_between_them(
    before: dict[int, int], more: dict[int, int]
) -> None:
    after = traffic(before)
    after.add(traffic(more))
    assert after.since(traffic(before)) == traffic(more)


@given(COUNTS)
def test_a_proxy_that_was_started_again_counts_from_zero(counts: dict[int, int]) -> None:
    earlier = {code: count + 1 for code, count in counts.items()}
    assert traffic(counts).since(traffic(earlier)) == traffic(counts)


@pytest.mark.parametrize(
    ("dimensions", "measured"), [({"LoadBalancer": LB}, True), ({"ClusterName": "main"}, False)]
)
def test_requests_are_counted_while_an_alarm_names_a_load_balancer(
    dimensions: dict[str, str], *, measured: bool
) -> None:
    cloud = Cloud(seed=1)
    assert not is_measured(cloud)
    compared = {
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        "threshold": 1,
    }
    metric = {"metricName": "M", "namespace": "N", "dimensions": dimensions, "period": 60}
    query = {"id": "m", "metric": {**metric, "stat": "Sum"}, "returnData": True}
    for name, more in (
        ("direct", {**metric, "statistic": "Sum"}),
        ("query", {"metricQueries": [query]}),
    ):
        inputs = {"name": name, **compared, **more}
        cloud.create(ALARM, f"urn:{name}", inputs, region="eu-west-1")
        assert is_measured(cloud) is measured
        cloud.delete(ALARM, name)
