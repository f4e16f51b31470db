"""Stacks with the key `services`: each service has its own resources."""

from __future__ import annotations

import pytest

from localaws.mocks import Cloud
from tests.infra import recorder


def test_moving_the_only_service_into_services_changes_nothing(dev: recorder.Recording) -> None:
    named = recorder.run("dev", after=dev, services={"web": {}})
    assert named.done() == set()
    assert named.exports == dev.exports


def test_a_key_has_the_same_effect_in_a_service_as_beside_services(dev: recorder.Recording) -> None:
    beside = recorder.run("dev", after=dev, containerPort=8080)
    inside = recorder.run("dev", after=dev, services={"web": {"containerPort": 8080}})
    assert beside.operations == inside.operations
    assert ("update", "Service") in inside.done()


def test_a_missing_secret_is_reported_with_the_name_of_its_service() -> None:
    engine = recorder.Recorder(Cloud(seed=1))
    config = recorder.configuration("dev", {"services": {"api": {"secrets": {"A": "/none"}}}})
    refusal = recorder.refusal_by(engine, config)
    assert "services.api.secrets: A, /none, which is no parameter" in str(refusal)


WEB_AND_API = {"web": {}, "api": {"paths": ["/api/*"], "containerPort": 8080}}


@pytest.fixture(scope="module")
def two() -> recorder.Recording:
    """The dev stack with two services."""
    return recorder.run("dev", services=WEB_AND_API)


def test_further_services_need_no_further_lookups_of_log_groups(
    dev: recorder.Recording, two: recorder.Recording
) -> None:
    def lookups(recording: recorder.Recording) -> int:
        tokens = [token for token, _ in recording.invoked]
        return tokens.count("aws:cloudwatch/getLogGroups:getLogGroups")

    assert lookups(dev) == lookups(two) > 0, "each lookup blocks the program"


def of_service(recording: recorder.Recording, name: str) -> dict[str, recorder.Registered]:
    """Return a service's component and everything in it, by URN."""
    found: dict[str, recorder.Registered] = {}
    for each in recording.registered:
        is_component = each.type == "fargate-web:index:WebService" and each.name == name
        if is_component or each.parent in found:
            found[each.urn] = each
    assert found, name
    return found


def test_adding_a_service_creates_its_resources_only(
    dev: recorder.Recording, two: recorder.Recording
) -> None:
    added = recorder.run("dev", after=dev, services=WEB_AND_API)
    assert set(recorder.changes(added).values()) == {"create"}
    own = {urn for urn, each in of_service(two, "api").items() if each.custom}
    assert recorder.changes(added).keys() == own


def test_removing_a_service_deletes_its_resources_only(two: recorder.Recording) -> None:
    removed = recorder.run("dev", after=two, services={"web": {}})
    assert set(recorder.changes(removed).values()) == {"delete"}
    own = {urn for urn, each in of_service(two, "api").items() if each.custom}
    assert recorder.changes(removed).keys() == own


def test_renaming_a_service_changes_only_the_resources_of_both_names(
    two: recorder.Recording,
) -> None:
    renamed = recorder.run("dev", after=two, services={"web": {}, "rest": WEB_AND_API["api"]})
    after = recorder.run("dev", services={"web": {}, "rest": WEB_AND_API["api"]})
    own = of_service(two, "api").keys() | of_service(after, "rest").keys()
    assert recorder.changes(renamed).keys() <= own


def test_a_change_of_one_service_changes_no_other(two: recorder.Recording) -> None:
    services = {**WEB_AND_API, "api": {**WEB_AND_API["api"], "environment": {"A": "1"}}}
    updated = recorder.run("dev", after=two, services=services)
    assert recorder.changes(updated).keys() <= of_service(two, "api").keys()


def test_several_services_have_one_output_with_an_entry_for_each(two: recorder.Recording) -> None:
    exports = two.exports
    assert not exports.keys() & {"serviceName", "targetGroupArn", "webLogGroup"}
    assert exports["services"].keys() == {"api", "web"}
    for name, outputs in exports["services"].items():
        children = of_service(two, name).values()
        (service,) = (each for each in children if each.type == "aws:ecs/service:Service")
        assert outputs == {
            "serviceName": f"dev-{name}",
            "targetGroupArn": service.inputs["loadBalancers"][0]["targetGroupArn"],
            "logGroup": f"/aws/ecs/ecs-cluster-dev/dev-{name}",
            "routes": ["path is /api/*" if name == "api" else "path is /*"],
        }


@pytest.mark.slow  # a program of fifty services
def test_fifty_services_fit_behind_one_load_balancer_and_no_more() -> None:
    services = {f"s{number}": {"paths": [f"/{number}/*"]} for number in range(51)}
    recording = recorder.run("dev", services=dict(list(services.items())[:50]))
    assert len(recording.all("ListenerRule")) == 100
    assert "at most 100" in str(recorder.refusal_of(services=services))
