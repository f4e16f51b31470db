"""The provider's configuration under the real engine: default tags of a stack and a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.other_project import other_project
from tests.engine.stack import WITHOUT_ASKING, Stack, operations

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """\
import pulumi
import pulumi_aws as aws

aws.cloudwatch.LogGroup("plain", name="/plain")
aws.cloudwatch.LogGroup("own", name="/own", tags={"Owner": "me", "Temporary": "yes"})
elsewhere = aws.Provider(
    "elsewhere",
    region="eu-west-1",
    default_tags={"tags": {"Owner": pulumi.Config().get("owner") or "them"}},
    ignore_tags=aws.ProviderIgnoreTagsArgs(keys=["Temporary"], key_prefixes=["cost:"]),
    skip_metadata_api_check=True,
    max_retries=3,
    allowed_account_ids=["123456789012"],
)
aws.cloudwatch.LogGroup(
    "far",
    name="/far",
    tags={"Temporary": "yes", "cost:centre": "1"},
    opts=pulumi.ResourceOptions(provider=elsewhere),
)
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Another project, in an account without a stack of this one."""
    empty_stack = Stack(tmp_path_factory.mktemp("state"))
    yield other_project(tmp_path_factory.mktemp("other") / "other", empty_stack, PROGRAM)
    empty_stack.run("stop")


def with_tags(**tags: str) -> list[str]:
    """Return the options that set the provider's default tags."""
    options = ["--config-path"]
    for name, tag in tags.items():
        options += ["-c", f"aws:defaultTags.tags.{name}={tag}"]
    return options


def all_tags(stack: Stack) -> dict[str, Any]:
    """Return all tags of each log group, by its id."""
    groups = stack.resources_of("aws:cloudwatch/logGroup:LogGroup")
    return {each["id"]: each["outputs"]["tagsAll"] for each in groups}


def test_default_tags_are_given_kept_changed_and_seen_to_change(other: Stack) -> None:
    first = with_tags(Owner="us", Stack="dev")
    assert operations(other.run("up", *WITHOUT_ASKING, *first))["created"] == 5
    assert all_tags(other) == {
        "/plain": {"Owner": "us", "Stack": "dev"},
        "/own": {"Owner": "me", "Stack": "dev", "Temporary": "yes"},
        "/far": {"Owner": "them"},
    }
    other.run("refresh", *WITHOUT_ASKING, "--expect-no-changes", *first)
    other.run("preview", "--non-interactive", "--expect-no-changes", *first)

    changed = [*with_tags(Owner="us", Stack="prod"), "-c", "other:owner=you"]
    document = json.loads(
        other.run("preview", "--non-interactive", "--json", *changed).rpartition("\n}")[0] + "\n}"
    )
    steps = {each["urn"].rpartition("::")[2]: each for each in document["steps"]}
    assert {name: each["op"] for name, each in steps.items() if each["op"] != "same"} == {
        **dict.fromkeys(("plain", "own", "far", "elsewhere"), "update")
    }
    assert list(steps["plain"]["detailedDiff"]) == ["tagsAll"]
    assert operations(other.run("up", *WITHOUT_ASKING, *changed))["updated"] == 4
    assert all_tags(other) == {
        "/plain": {"Owner": "us", "Stack": "prod"},
        "/own": {"Owner": "me", "Stack": "prod", "Temporary": "yes"},
        "/far": {"Owner": "you"},
    }
    other.run("preview", "--non-interactive", "--expect-no-changes", *changed)


def test_a_configuration_that_the_provider_does_not_take_names_the_key_and_what_is_allowed(
    other: Stack,
) -> None:
    output = other.run(
        "up",
        *WITHOUT_ASKING,
        "-c",
        "aws:defaultTags=Owner",
        "-c",
        "aws:maxRetries=often",
        fails=True,
    )
    assert (
        'aws:defaultTags: Owner; allowed: an object of tags, as JSON {"tags": {"Owner": "me"}}'
        in output
    )
    assert "aws:maxRetries: often; allowed: a whole number" in output
    assert not other.own_frames(output)
