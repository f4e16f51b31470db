"""The file of SSM parameters and secrets: its syntax, its values, and that none is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localaws.account.cloud import Cloud
from localaws.account.parameters import BadParameters, load, value_of
from localaws.catalog import Refused
from localaws.catalog.account import SEEDED_SECRET, SeededParameter
from localaws.catalog.secretsmanager import seeded_suffix
from localaws.daemon.lifecycle import Running
from localaws.daemon.state_directory import StateDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_a_text_is_a_string_parameter_and_a_table_sets_its_type(tmp_path: Path) -> None:
    file = tmp_path / "parameters.toml"
    file.write_text('"/a" = "one"\n["/b"]\ntype = "SecureString"\nvalue = "two"\n')
    assert load(file) == {
        "/a": SeededParameter("one"),
        "/b": SeededParameter("two", "SecureString"),
    }


def test_no_file_means_no_parameters(tmp_path: Path) -> None:
    assert load(tmp_path / "missing.toml") == {}


def test_a_value_is_not_in_the_repr() -> None:
    assert "hunter2" not in repr(SeededParameter("hunter2", "SecureString"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"/a" = ', "not valid TOML"),
        ('"/a" = 3', "'/a' must be a text"),
        ('["/a"]\ntype = "Secret"\nvalue = "hunter2"', "String, StringList, SecureString"),
        ('["/a"]\nvalue = "hunter2"', "'/a' must be"),
        ('["/a"]\ntype = "String"\nvalue = "hunter2"\nextra = 1', "'/a' must be"),
    ],
)
def test_the_error_for_a_bad_file_names_it_and_what_is_allowed_but_no_value(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "parameters.toml"
    file.write_text(text)
    with pytest.raises(BadParameters) as caught:
        load(file)
    assert "parameters.toml" in str(caught.value)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


PREFIX = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"


@pytest.fixture
def cloud() -> Cloud:
    """An account with a parameter and two secrets of the file, and the same as resources."""
    found = Cloud(seed=1)
    found.parameters = {
        "/demo/password": SeededParameter("hunter2", "SecureString"),
        "demo/api": SeededParameter('{"key": "k", "port": 5432}', SEEDED_SECRET),
        "demo/plain": SeededParameter("hunter3", SEEDED_SECRET),
    }
    secret = found.create(
        "aws:secretsmanager/secret:Secret", "urn:a", {"name": "made"}, region="eu-west-1"
    ).id
    for number in range(2):
        inputs = {"secretId": secret, "secretString": f"version {number}"}
        found.create(
            "aws:secretsmanager/secretVersion:SecretVersion",
            f"urn:b{number}",
            inputs,
            region="eu-west-1",
        )
    found.create("aws:secretsmanager/secret:Secret", "urn:c", {"name": "empty"}, region="eu-west-1")
    more = {"name": "/demo/password", "type": "String", "value": "managed", "overwrite": True}
    found.create("aws:ssm/parameter:Parameter", "urn:d", more, region="eu-west-1")
    found.create(
        "aws:ssm/parameter:Parameter",
        "urn:e",
        {
            "name": "/demo/written",
            "type": "SecureString",
            "valueWo": "write-only",
            "valueWoVersion": 1,
        },
        region="eu-west-1",
    )
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("/demo/password", "managed"),
        ("/demo/written", "write-only"),
        ("/none", None),
        ("demo/plain", None),
        (f"{PREFIX}:demo/plain-{seeded_suffix('demo/plain')}", "hunter3"),
        (f"{PREFIX}:demo/api-{seeded_suffix('demo/api')}:key::", "k"),
        (f"{PREFIX}:demo/api-{seeded_suffix('demo/api')}:port::", "5432"),
        (f"{PREFIX}:demo/api-{seeded_suffix('demo/api')}:none::", None),
        (f"{PREFIX}:demo/plain-{seeded_suffix('demo/plain')}:key::", None),
        (f"{PREFIX}:demo/api:key::", "k"),
        (f"{PREFIX}:demo/api-000000", None),
        (f"{PREFIX}:none", None),
    ],
)
def test_a_containers_secret_is_a_parameter_a_secret_or_a_field_of_a_secret(
    cloud: Cloud, name: str, value: str | None
) -> None:
    assert value_of(cloud, name) == value


def test_a_secrets_value_is_its_newest_version_or_nothing(
    cloud: Cloud,
) -> None:
    made, empty = [each.id for each in cloud.all("aws:secretsmanager/secret:Secret")]
    assert value_of(cloud, made) == value_of(cloud, f"{PREFIX}:made") == "version 1"
    assert value_of(cloud, f"{empty}:key::") is None


def test_a_staging_label_or_version_id_selects_a_version_of_a_secret(cloud: Cloud) -> None:
    made = cloud.all("aws:secretsmanager/secret:Secret")[0].id
    versions = cloud.all("aws:secretsmanager/secretVersion:SecretVersion")
    old, new = [each.computed["versionId"] for each in versions]
    inputs = {"secretId": made, "secretString": '{"key": "labelled"}', "versionStages": ["blue"]}
    cloud.create(
        "aws:secretsmanager/secretVersion:SecretVersion", "urn:e", inputs, region="eu-west-1"
    )
    seeded = f"{PREFIX}:demo/plain"
    for part, value in {
        f"{made}::AWSPREVIOUS:": "version 0",
        f"{made}:::{old}": "version 0",
        f"{made}:::{new}": "version 1",
        f"{made}:key:blue:": "labelled",
        f"{made}::AWSCURRENT:": "version 1",
        f"{made}::green:": None,
        f"{made}:::none": None,
        f"{seeded}::AWSCURRENT:": "hunter3",
        f"{seeded}::AWSPREVIOUS:": None,
        f"{seeded}:::none": None,
    }.items():
        assert value_of(cloud, part) == value, part


def test_a_secret_with_one_version_has_no_previous_version(cloud: Cloud) -> None:
    secret = cloud.create(
        "aws:secretsmanager/secret:Secret", "urn:f", {"name": "one"}, region="eu-west-1"
    ).id
    inputs = {"secretId": secret, "secretString": "only"}
    cloud.create(
        "aws:secretsmanager/secretVersion:SecretVersion", "urn:g", inputs, region="eu-west-1"
    )
    assert value_of(cloud, secret) == "only"
    assert value_of(cloud, f"{secret}::AWSPREVIOUS:") is None


def test_a_parameter_added_while_the_local_aws_runs_is_found_by_the_next_lookup(
    tmp_path: Path,
) -> None:
    functions = Running(Cloud(seed=1), StateDirectory(tmp_path, tmp_path / "state")).functions
    get_parameter = functions["aws:ssm/getParameter:getParameter"]
    get_secret = functions["aws:secretsmanager/getSecret:getSecret"]
    args = {"region": "eu-west-1", "name": "later"}
    for function in (get_parameter, get_secret):
        with pytest.raises(Refused, match="couldn't find resource"):
            function(args)
    file = tmp_path / "local.parameters.toml"
    file.write_text('later = "one"')
    assert get_parameter(args)["version"] == 1
    file.write_text('[later]\ntype = "SecretsManager"\nvalue = "two"')
    assert get_secret(args)["arn"].startswith(f"{PREFIX}:later-")


@pytest.mark.parametrize(("given", "shown"), [(None, ["AWSCURRENT"]), (["blue"], ["blue"])])
def test_a_version_of_a_secret_has_the_staging_labels_of_its_inputs(
    cloud: Cloud, given: list[str] | None, shown: list[str]
) -> None:
    inputs: dict[str, Any] = {
        "secretId": cloud.all("aws:secretsmanager/secret:Secret")[0].id,
        "secretString": "value",
    }
    if given is not None:
        inputs["versionStages"] = given
    token = "aws:secretsmanager/secretVersion:SecretVersion"
    version = cloud.create(token, "urn:stages", inputs, region="eu-west-1")
    assert version.outputs["versionStages"] == shown
