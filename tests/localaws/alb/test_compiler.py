"""The compiled configuration; test_envoy.py shows that Envoy understands it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from localaws.alb.compiler import bootstrap
from localaws.alb.model import TargetGroup
from localaws.alb.parts import cluster_name, initial_cluster_name
from localaws.alb.targets import Endpoint
from tests.localaws.alb.compiled_files import FOLDER, GROUP, compiled

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_files_come_after_those_that_they_refer_to() -> None:
    kinds = [name.partition("-")[0].removesuffix(".json") for name in compiled()]
    assert kinds == ["runtime", "endpoints", "endpoints", "clusters", "routes", "listeners"]


def paths(value: Any) -> Iterator[str]:
    """Yield the paths that a configuration names, at any depth."""
    if isinstance(value, dict):
        if value.keys() == {"path"}:
            yield value["path"]
        for member in value.values():
            yield from paths(member)
    elif isinstance(value, list):
        for item in value:
            yield from paths(item)


def test_file_names_are_plain_and_every_reference_names_a_file() -> None:
    files = compiled()
    for name in files:
        assert set("/:").isdisjoint(name)
    referred = set()
    for path in paths([files, bootstrap(FOLDER, "admin.sock")]):
        if path.endswith(".json"):
            referred.add(Path(path))
    assert referred == {FOLDER / name for name in files}


def test_checked_targets_get_the_groups_health_check_and_initial_ones_a_quicker_one() -> None:
    check = {
        "interval": 30,
        "timeout": 6,
        "healthyThreshold": 5,
        "unhealthyThreshold": 2,
        "path": "/up",
    }
    clusters = compiled(health_check=check)["clusters.json"]
    checked, initial = (cluster["health_checks"][0] for cluster in clusters)
    assert checked["healthy_threshold"] == 5
    assert initial["healthy_threshold"] == 1
    assert initial["interval"] == "0.1s"
    for interval in ("interval", "no_traffic_interval", "no_traffic_healthy_interval"):
        assert checked[interval] == "30.0s"
    assert checked["timeout"] == initial["timeout"] == "6.0s"
    assert checked["http_health_check"]["path"] == "/up"


def test_a_single_failed_health_check_makes_no_target_unhealthy() -> None:
    for cluster in compiled()["clusters.json"]:
        assert cluster["health_checks"][0]["http_health_check"]["retriable_statuses"] == [
            {"start": 100, "end": 600}
        ]


def test_requests_go_only_to_targets_whose_health_is_known() -> None:
    old, new = Endpoint("127.64.1.0", 80), Endpoint("127.64.1.1", 80)
    files = compiled(checked=(old,), initial=(new,))
    assignments = {}
    for resources in files.values():
        for resource in resources:
            if "cluster_name" in resource:
                assignments[resource["cluster_name"]] = resource

    def addresses(name: str) -> list[str]:
        hosts = assignments[name]["endpoints"][0]["lb_endpoints"]
        return [host["endpoint"]["address"]["socket_address"]["address"] for host in hosts]

    assert addresses(cluster_name(GROUP)) == ["127.64.1.0"]
    assert addresses(initial_cluster_name(GROUP)) == ["127.64.1.1"]
    (routes,) = (resources for name, resources in files.items() if name.startswith("routes"))
    assert initial_cluster_name(GROUP) not in str(routes)


def test_no_script_runs_for_a_request_that_is_only_forwarded() -> None:
    files = compiled()
    manager = files["listeners.json"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    scripts = [each for each in manager["http_filters"] if "lua" in each["name"]]
    assert [each["disabled"] for each in scripts] == [True]
    (routes,) = (resources[0] for name, resources in files.items() if name.startswith("routes"))
    forwarding = [each for each in routes["virtual_hosts"][0]["routes"] if "route" in each]
    assert len(forwarding) == 1
    assert "typed_per_filter_config" not in forwarding[0]


@given(
    st.lists(st.tuples(st.integers(200, 499), st.integers(0, 50)), min_size=1, max_size=4),
    st.integers(100, 600),
)
def test_expected_codes_are_those_of_the_matcher(ranges: list[tuple[int, int]], code: int) -> None:
    matchers: list[str] = []
    expected = False
    for low, more in ranges:
        high = low + more
        matchers.append(f"{low}-{high}" if more else str(low))
        expected = expected or low <= code <= high
    group = TargetGroup(arn=GROUP, health_check={"matcher": ",".join(matchers)})
    matched = any(each["start"] <= code < each["end"] for each in group.expected_statuses)
    assert matched is expected
