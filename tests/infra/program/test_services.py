"""Services that `services` names are deployed as the one of the stack's own keys is."""

from __future__ import annotations

import pytest

from infra.errors import SettingsError
from localaws.mocks import Cloud
from tests.infra import recorder


def test_naming_the_only_service_in_services_changes_nothing(dev: recorder.Recording) -> None:
    named = recorder.run("dev", after=dev, services={"web": {}})
    assert named.done() == set()
    assert named.exports == dev.exports


def test_a_services_own_key_does_what_it_does_beside_services(dev: recorder.Recording) -> None:
    beside = recorder.run("dev", after=dev, containerPort=8080)
    inside = recorder.run("dev", after=dev, services={"web": {"containerPort": 8080}})
    assert beside.operations == inside.operations
    assert ("update", "Service") in inside.done()


def test_a_missing_secret_of_a_service_is_refused_by_the_services_name() -> None:
    engine = recorder.Recorder(Cloud(seed=1))
    config = recorder.configuration("dev", {"services": {"api": {"secrets": {"A": "/none"}}}})
    with pytest.raises(SettingsError) as refusal:
        recorder.run_under(engine, "dev", config)
    assert "services.api.secrets: A, /none, which is no parameter" in str(refusal.value)
    assert not engine.registered
