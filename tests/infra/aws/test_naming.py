"""Names fit where AWS has limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.aws import naming

STACKS = st.text("abcXYZ019_-", min_size=1, max_size=100)
SERVICES = st.text("abcxyz019-", min_size=1, max_size=naming.LONGEST_SERVICE)


@given(STACKS, SERVICES)
def test_names_fit_for_all_accepted_settings(stack: str, service: str) -> None:
    assert len(f"alb-{service}-1234567") <= 32, "target group"
    assert len(f"{service}-execution-1234567") <= 64, "role"
    assert len(naming.cluster(stack)) <= 255
    assert len(naming.service(stack, service)) <= 255
    assert len(naming.service_log_group(stack, service)) <= 512


@given(STACKS, SERVICES)
def test_the_two_log_groups_have_different_names(stack: str, service: str) -> None:
    assert naming.service_log_group(stack, service) != naming.exec_log_group(stack)


def test_the_names_match_the_reference_design() -> None:
    assert naming.cluster("dev") == "ecs-cluster-dev"
    assert naming.service("dev", "web") == "dev-web"
    assert naming.service_log_group("dev", "web") == "/aws/ecs/ecs-cluster-dev/dev-web"
    assert naming.exec_log_group("dev") == "/aws/ecs/ecs-cluster-dev/exec"
