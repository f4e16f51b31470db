"""The provider protocol over a real gRPC connection, with a cloud in memory and no data plane."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    status_pb2,
)

from localaws.account.cloud import Cloud
from localaws.catalog import UNKNOWN
from localaws.protocol.property_values import UNKNOWN_ON_THE_WIRE, from_wire, to_wire
from tests.localaws.protocol.served_provider import (
    NEW,
    OLD,
    SERVICE,
    Idle,
    create,
    create_service,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


GROUP = "urn:pulumi:local::web::pkg:index:Parent$aws:cloudwatch/logGroup:LogGroup::logs"
VPC = "urn:pulumi:local::web::aws:ec2/vpc:Vpc::web"
SECURITY_GROUP = "urn:pulumi:local::web::aws:ec2/securityGroup:SecurityGroup::tasks"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(seed=1)


@pytest.fixture
def lifecycle() -> Idle:
    return Idle()


@pytest.fixture
async def provider(lifecycle: Idle, cloud: Cloud) -> AsyncIterator[Any]:
    async with serving(lifecycle, cloud) as client:
        yield client


async def check(
    provider: Any, urn: str, news: dict[str, Any], olds: dict[str, Any] | None = None
) -> Any:
    request = provider_pb2.CheckRequest(
        urn=urn, news=to_wire(news), olds=to_wire(olds or {}), randomSeed=b"seed"
    )
    return await provider.Check(request)


async def diff(provider: Any, urn: str, old: dict[str, Any], new: dict[str, Any]) -> Any:
    return await provider.Diff(
        provider_pb2.DiffRequest(urn=urn, id="x", old_inputs=to_wire(old), news=to_wire(new))
    )


def test_values_are_the_same_after_a_round_trip_over_the_wire() -> None:
    values = {
        "port": 80,
        "share": 0.5,
        "list": [1, {"later": UNKNOWN}],
        "nothing": None,
        "on": True,
    }
    assert from_wire(to_wire(values)) == values
    assert UNKNOWN_ON_THE_WIRE == rpc.UNKNOWN


async def test_a_generated_name_is_kept_until_replacement(provider: Any) -> None:
    first = from_wire((await check(provider, GROUP, {})).inputs)
    assert first["name"].startswith("logs-")
    assert len(first["name"]) == len("logs-") + 7
    again = from_wire((await check(provider, GROUP, {"retentionInDays": 7}, first)).inputs)
    assert again["name"] == first["name"]
    chosen = from_wire((await check(provider, GROUP, {"name": "mine"}, first)).inputs)
    assert chosen == {"name": "mine", "tagsAll": {}, "__defaults": []}


async def test_a_generated_name_that_would_be_too_long_is_refused(provider: Any) -> None:
    urn = "urn:pulumi:local::web::aws:lb/targetGroup:TargetGroup::a-logical-name-of-26-letters"
    answer = await check(
        provider, urn, {"port": 80, "protocol": "HTTP", "targetType": "ip", "vpcId": UNKNOWN}
    )
    (failure,) = answer.failures
    assert "longer than maximum length 32" in failure.reason
    assert failure.reason.endswith("Examine values at 'a-logical-name-of-26-letters.name'.")


async def test_a_check_failure_names_the_property_and_the_value(provider: Any) -> None:
    (failure,) = (await check(provider, GROUP, {"retentionInDays": 15})).failures
    assert "got 15" in failure.reason
    assert failure.reason.endswith("Examine values at 'logs.retentionInDays'.")


async def test_a_check_failure_shows_no_secret_of_an_input(provider: Any) -> None:
    """A failure's field `property` stays empty, as the engine prints that input's whole value."""
    urn = "urn:pulumi:local::web::aws:ecs/taskDefinition:TaskDefinition::shop"
    environment = [{"name": "TOKEN", "value": "not-to-be-shown"}]
    ports = [{"containerPort": 80, "hostPort": 81}]
    container = {
        "name": "web",
        "image": "nginx",
        "memory": 64,
        "environment": environment,
        "portMappings": ports,
    }
    inputs = {
        "family": "shop",
        "networkMode": "awsvpc",
        "containerDefinitions": json.dumps([container]),
    }
    (failure,) = (await check(provider, urn, inputs)).failures
    assert "must match: 81 and 80" in failure.reason
    assert failure.reason.endswith("Examine values at 'shop.containerDefinitions'.")
    assert not failure.property
    assert "not-to-be-shown" not in failure.reason

    request = provider_pb2.CheckRequest(
        news=to_wire({"secretKeys": "not-to-be-shown", "region": "mars-1"})
    )
    failures = (await provider.CheckConfig(request)).failures
    assert [each.reason.split(".")[0] for each in failures] == [
        "Invalid or Unknown Key",
        "invalid AWS Region: mars-1",
    ]
    assert not any(each.property for each in failures)


async def test_a_policy_object_becomes_text_or_unknown_if_a_part_is_unknown(provider: Any) -> None:
    urn = "urn:pulumi:local::web::aws:iam/role:Role::tasks"
    trusted = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": UNKNOWN}}
    answer = await check(provider, urn, {"assumeRolePolicy": {"Statement": [trusted]}})
    assert not answer.failures
    assert from_wire(answer.inputs)["assumeRolePolicy"] is UNKNOWN
    document = {"Statement": [{**trusted, "Principal": {"AWS": "*"}}]}
    answer = await check(provider, urn, {"assumeRolePolicy": document})
    assert json.loads(from_wire(answer.inputs)["assumeRolePolicy"]) == document


async def test_inputs_are_checked_for_the_region_of_the_connection(provider: Any) -> None:
    urn = "urn:pulumi:local::web::aws:wafv2/webAcl:WebAcl::acl"
    seen = {
        "cloudwatchMetricsEnabled": True,
        "metricName": "acl",
        "sampledRequestsEnabled": True,
    }
    acl = {"scope": "CLOUDFRONT", "defaultAction": {"allow": {}}, "visibilityConfig": seen}
    (failure,) = (await check(provider, urn, acl)).failures
    assert "us-east-1, got eu-west-1" in failure.reason
    assert not (await check(provider, urn, {**acl, "region": "us-east-1"})).failures


async def test_an_invalid_region_is_refused_in_the_configuration(provider: Any) -> None:
    async def failures(provider: Any, **configuration: Any) -> list[str]:
        request = provider_pb2.CheckRequest(urn="", news=to_wire(configuration))
        return [each.reason for each in (await provider.CheckConfig(request)).failures]

    for invalid in ("mars-1", "ap-northeast-9"):
        (reason,) = await failures(provider, region=invalid)
        assert reason.startswith(f"invalid AWS Region: {invalid}.")
    for region in ("eu-west-1", "us-gov-east-1", "eusc-de-east-1", "", UNKNOWN):
        assert not await failures(provider, region=region)
    assert not await failures(provider)


async def test_a_region_that_the_local_aws_assumes_is_named(provider: Any) -> None:
    async with attached_to(provider) as engine:
        await provider.Configure(provider_pb2.ConfigureRequest(args=to_wire({"region": "a"})))
        assert not engine.lines
        await provider.Configure(provider_pb2.ConfigureRequest(args=to_wire({})))
    (line,) = engine.lines
    assert line.severity == engine_pb2.INFO
    assert line.message.startswith("aws:region isn't set: the local AWS assumes us-east-1")


DEFAULT_TAGS = json.dumps({"tags": {"Stack": "dev", "Owner": "all", "Size": 3}})
IGNORED_TAGS = json.dumps({"keys": ["Owner"], "keyPrefixes": ["aws:"]})


async def test_each_run_warns_of_what_is_wrong_with_what_runs(
    provider: Any, lifecycle: Idle
) -> None:
    """A run that changes nothing compares resources, and would report success."""
    lifecycle.problems = ["install Envoy"]
    async with attached_to(provider) as engine:
        await provider.Configure(
            provider_pb2.ConfigureRequest(args=to_wire({"region": "eu-west-1"}))
        )
        lifecycle.problems = []
        await provider.Configure(
            provider_pb2.ConfigureRequest(args=to_wire({"region": "eu-west-1"}))
        )
    assert [(each.severity, each.message) for each in engine.lines] == [
        (
            engine_pb2.WARNING,
            "a problem of the local AWS, which tries again until it is solved: install Envoy",
        )
    ]


async def test_default_tags_are_merged_into_a_resources_tags_and_ignored_ones_removed(
    provider: Any,
    cloud: Cloud,
) -> None:
    settings = {"region": "eu-west-1", "defaultTags": DEFAULT_TAGS, "ignoreTags": IGNORED_TAGS}
    await provider.Configure(provider_pb2.ConfigureRequest(args=to_wire(settings)))
    own = {"name": "g", "tags": {"Stack": "mine", "aws:cost": "1"}}
    inputs = from_wire((await check(provider, GROUP, own)).inputs)
    assert inputs["tagsAll"] == {"Stack": "mine", "Size": "3"}
    made = await create(provider, GROUP, inputs)
    assert from_wire(made.properties)["tagsAll"] == inputs["tagsAll"]
    assert from_wire(made.properties)["tags"] == own["tags"]
    read = from_wire((await provider.Read(provider_pb2.ReadRequest(urn=GROUP, id=made.id))).inputs)
    assert read["tagsAll"] == inputs["tagsAll"]
    failures = (await check(provider, GROUP, read)).failures
    assert not failures, "the inputs that a read returns are valid"


async def test_a_changed_default_tag_updates_only_resources_with_tags(provider: Any) -> None:
    role_policy = "urn:pulumi:local::web::aws:iam/rolePolicy:RolePolicy::p"

    async def checked(urn: str) -> dict[str, Any]:
        return from_wire((await check(provider, urn, {"name": "g"})).inputs)

    group_before, policy_before = await checked(GROUP), await checked(role_policy)
    settings = {"region": "eu-west-1", "defaultTags": DEFAULT_TAGS}
    await provider.Configure(provider_pb2.ConfigureRequest(args=to_wire(settings)))
    group_after, policy_after = await checked(GROUP), await checked(role_policy)
    answer = await diff(provider, GROUP, group_before, group_after)
    assert (list(answer.diffs), list(answer.replaces)) == (["tagsAll"], [])
    assert answer.detailedDiff["tagsAll"].kind == provider_pb2.PropertyDiff.UPDATE
    assert not (await diff(provider, role_policy, policy_before, policy_after)).diffs

    created = await create(provider, GROUP, group_before)
    for preview in (True, False):
        request = provider_pb2.UpdateRequest(
            urn=GROUP,
            id=created.id,
            old_inputs=to_wire(group_before),
            olds=created.properties,
            news=to_wire(group_after),
            preview=preview,
        )
        updated = await provider.Update(request)
        assert from_wire(updated.properties)["tagsAll"] == group_after["tagsAll"]


async def test_an_older_state_with_all_tags_only_among_outputs_shows_no_change(
    provider: Any,
) -> None:
    news = from_wire((await check(provider, GROUP, {"name": "g", "tags": {"a": "b"}})).inputs)
    olds = {**news, "arn": "x"}
    old_inputs = {name: news[name] for name in ("name", "tags", "__defaults")}
    request = provider_pb2.DiffRequest(
        urn=GROUP,
        id="g",
        olds=to_wire(olds),
        old_inputs=to_wire(old_inputs),
        news=to_wire(news),
    )
    assert not (await provider.Diff(request)).diffs


async def test_all_tags_are_unknown_if_default_or_own_tags_are_unknown(provider: Any) -> None:
    answer = await check(provider, GROUP, {"name": "g", "tags": {"a": UNKNOWN}})
    assert from_wire(answer.inputs)["tagsAll"] is UNKNOWN
    await provider.Configure(provider_pb2.ConfigureRequest(args=to_wire({"defaultTags": UNKNOWN})))
    answer = await check(provider, GROUP, {"name": "g"})
    assert from_wire(answer.inputs)["tagsAll"] is UNKNOWN


async def test_a_changed_configuration_updates_the_provider_and_another_region_replaces_it(
    provider: Any,
) -> None:
    async def changed(
        provider: Any, old: dict[str, Any], new: dict[str, Any]
    ) -> tuple[list[str], list[str]]:
        request = provider_pb2.DiffRequest(old_inputs=to_wire(old), news=to_wire(new))
        answer = await provider.DiffConfig(request)
        return list(answer.diffs), list(answer.replaces)

    old = {"region": "eu-west-1", "defaultTags": '{"tags": {"a": "b"}}', "version": "7.0.0"}
    assert await changed(provider, old, {**old, "version": "7.1.0"}) == ([], [])
    assert await changed(provider, old, {**old, "defaultTags": '{"tags":{"a":"b"}}'}) == (
        [],
        [],
    )
    assert await changed(provider, old, {**old, "defaultTags": '{"tags": {}}'}) == (
        ["defaultTags"],
        [],
    )
    assert await changed(provider, old, {**old, "region": "eu-west-2"}) == (
        ["region"],
        ["region"],
    )


async def test_an_unmapped_type_says_how_to_add_it(provider: Any) -> None:
    (failure,) = (
        await check(provider, "urn:pulumi:local::web::aws:sqs/queue:Queue::q", {})
    ).failures
    assert "aws:sqs/queue:Queue" in failure.reason
    assert "localaws/catalog" in failure.reason


async def test_a_preview_creates_nothing_and_shows_awss_choices_as_unknown(
    provider: Any, cloud: Cloud
) -> None:
    answer = await create(provider, GROUP, {"name": "g", "retentionInDays": 7}, preview=True)
    outputs = from_wire(answer.properties)
    assert outputs["arn"] is UNKNOWN
    assert outputs["retentionInDays"] == 7
    assert not cloud.all("aws:cloudwatch/logGroup:LogGroup")


async def test_the_region_of_the_connection_is_in_the_arn(provider: Any) -> None:
    answer = await create(provider, GROUP, {"name": "g", "__defaults": []})
    assert answer.id == "g"
    arn = from_wire(answer.properties)["arn"]
    assert arn == "arn:aws:logs:eu-west-1:123456789012:log-group:g"


@pytest.mark.parametrize(
    ("urn", "old", "new", "replaced", "delete_first"),
    [
        (
            GROUP,
            {"name": "a", "retentionInDays": 7},
            {"name": "a", "retentionInDays": 14},
            [],
            False,
        ),
        (GROUP, {"name": "a"}, {"name": "b", "__defaults": []}, ["name"], True),
        (GROUP, {"name": "a-1"}, {"name": "b-2", "__defaults": ["name"]}, ["name"], False),
    ],
)
async def test_a_change_is_an_update_or_a_replacement(
    provider: Any,
    urn: str,
    old: dict[str, Any],
    new: dict[str, Any],
    replaced: list[str],
    *,
    delete_first: bool,
) -> None:
    answer = await diff(provider, urn, old, new)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == replaced
    assert answer.deleteBeforeReplace is delete_first


async def test_the_same_inputs_show_no_change(provider: Any) -> None:
    answer = await diff(
        provider, GROUP, {"name": "a", "__defaults": ["name"]}, {"name": "a", "__defaults": []}
    )
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


async def test_a_refused_creation_fails_with_awss_error_code(provider: Any) -> None:
    await create(provider, GROUP, {"name": "g"})
    await provider.Diff(provider_pb2.DiffRequest(urn=GROUP, id="g"))
    with pytest.raises(
        grpc.aio.AioRpcError, match="creating LogGroup 'other': ResourceAlreadyExistsException"
    ):
        await create(provider, GROUP.replace("::logs", "::other"), {"name": "g"})


class Engine(engine_pb2_grpc.EngineServicer):
    """The engine's side of the connection; it records the messages that it should show."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.progress: list[str] = []

    # The protocol's name
    async def Log(self, request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802
        if request.ephemeral:
            self.progress.append(request.message)
        else:
            self.lines.append(request)
        return empty_pb2.Empty()


@asynccontextmanager
async def attached_to(provider: Any) -> AsyncIterator[Engine]:
    engine = Engine()
    server = grpc.aio.server()
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        await provider.Attach(plugin_pb2.PluginAttach(address=f"127.0.0.1:{port}"))
        yield engine
    finally:
        await server.stop(None)


async def test_creations_and_updates_warn_of_inputs_without_effect_here(
    provider: Any, lifecycle: Idle
) -> None:
    urn = "urn:pulumi:local::web::aws:lb/targetGroup:TargetGroup::web"
    other = "urn:pulumi:local::web::aws:alb/targetGroup:TargetGroup::web-2"
    plain = {"name": "web", "targetType": "lambda"}
    vpc = "urn:pulumi:local::web::aws:ec2/vpc:Vpc::net"
    async with attached_to(provider) as engine:
        made = await create(provider, urn, plain)
        assert not engine.lines
        news = to_wire({**plain, "connectionTermination": True})
        await provider.Update(
            provider_pb2.UpdateRequest(urn=urn, id=made.id, olds=made.properties, news=news)
        )
        await create(provider, other, {**plain, "name": "web-2", "proxyProtocolV2": True})
        lifecycle.limitations["aws:ec2/vpc:Vpc"] = "it exists nowhere"
        await create(provider, vpc, {"cidrBlock": "10.0.0.0/16"})
    found = [(line.severity, line.urn) for line in engine.lines]
    assert found == [
        (engine_pb2.WARNING, urn),
        (engine_pb2.WARNING, other),
        (engine_pb2.WARNING, vpc),
    ]
    assert engine.lines[2].message == "it exists nowhere"
    assert "connectionTermination" in engine.lines[0].message
    assert "proxyProtocolV2" in engine.lines[1].message


async def test_a_resource_that_never_settled_stays_in_the_engines_state(
    provider: Any, lifecycle: Idle
) -> None:
    lifecycle.failure = "1 of 2 tasks healthy"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(provider, GROUP, {"name": "g"})
    assert "1 of 2 tasks healthy" in (caught.value.details() or "")
    metadata = dict(caught.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(bytes(metadata["grpc-status-details-bin"]))
    failed = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(failed)
    assert failed.id == "g"


async def test_a_wait_ends_when_the_engine_disconnects(provider: Any, lifecycle: Idle) -> None:
    lifecycle.waits = 1000
    request = provider_pb2.CreateRequest(urn=GROUP, properties=to_wire({"name": "g"}))
    creation = provider.Create(request)
    await lifecycle.begun.wait()
    creation.cancel()
    await asyncio.wait_for(lifecycle.cancelled.wait(), 10)


async def test_custom_timeouts_limit_the_wait_of_each_operation(
    provider: Any, lifecycle: Idle
) -> None:
    made = await create(provider, GROUP, {"name": "g"}, timeout=90)
    await provider.Update(
        provider_pb2.UpdateRequest(urn=GROUP, id=made.id, news=to_wire({"name": "g"}), timeout=60)
    )
    await provider.Delete(provider_pb2.DeleteRequest(urn=GROUP, id=made.id, timeout=30))
    assert lifecycle.timeouts == [90, 60, 30]


async def test_a_cancellation_ends_a_wait_at_once(provider: Any, lifecycle: Idle) -> None:
    lifecycle.waits = 60
    waiting = asyncio.ensure_future(create(provider, GROUP, {"name": "g"}))
    await asyncio.sleep(0)
    await provider.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:9"))
    await provider.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.aio.AioRpcError, match="cancelled"):
        await waiting


async def test_a_type_with_two_tokens_is_one_type(provider: Any) -> None:
    """Rules apply to a resource of either token, and references to it are resolved."""
    urn = "urn:pulumi:local::web::aws:alb/targetGroup:TargetGroup::web"
    inputs = {"name": "web", "port": 80, "protocol": "HTTP", "targetType": "ip"}
    refused = (await check(provider, urn, {**inputs, "port": 0})).failures
    assert [each.reason.split("'")[-2] for each in refused] == ["web.port", "web.vpcId"]
    vpc = (await create(provider, VPC, {"cidrBlock": "10.0.0.0/16"})).id
    group = (await create(provider, urn, {**inputs, "vpcId": vpc, "slowStart": 30})).id
    listed = {"name": "web", "region": "eu-west-1"}
    request = provider_pb2.InvokeRequest(
        tok="aws:alb/getTargetGroup:getTargetGroup", args=to_wire(listed)
    )
    assert from_wire(getattr(await provider.Invoke(request), "return"))["arn"] == group
    read = await provider.Read(provider_pb2.ReadRequest(urn=urn.replace("alb", "lb"), id=group))
    assert read.id == group, "import under the other token finds it"
    changed = await diff(
        provider, urn, {**inputs, "vpcId": vpc}, {**inputs, "vpcId": vpc, "port": 81}
    )
    assert changed.replaces == ["port"]
    duplicate = {**inputs, "vpcId": vpc}
    with pytest.raises(grpc.aio.AioRpcError, match="already exists"):
        await create(provider, urn.replace("alb", "lb"), duplicate)
    await provider.Delete(provider_pb2.DeleteRequest(urn=urn, id=group))
    assert (await provider.Read(provider_pb2.ReadRequest(urn=urn, id=group))).id == ""


async def test_a_read_returns_an_existing_resource_and_no_id_for_a_missing_one(
    provider: Any,
    cloud: Cloud,
) -> None:
    await create(provider, GROUP, {"name": "g", "retentionInDays": 7})
    found = await provider.Read(provider_pb2.ReadRequest(urn=GROUP, id="g"))
    assert found.id == "g"
    assert from_wire(found.inputs)["retentionInDays"] == 7
    cloud.delete("aws:cloudwatch/logGroup:LogGroup", "g")
    assert not (await provider.Read(provider_pb2.ReadRequest(urn=GROUP, id="g"))).id


async def test_a_deletion_waits_for_users_of_the_resource_and_its_error_names_them(
    provider: Any,
    cloud: Cloud,
    lifecycle: Idle,
) -> None:
    vpc = cloud.create("aws:ec2/vpc:Vpc", "urn:v", {"cidrBlock": "10.0.0.0/16"}, region="eu-west-1")
    made = await create(provider, SECURITY_GROUP, {"name": "tasks", "vpcId": vpc.id})
    other = await create(
        provider, SECURITY_GROUP.replace("::tasks", "::alb"), {"name": "alb", "vpcId": vpc.id}
    )
    rule = {
        "securityGroupId": other.id,
        "referencedSecurityGroupId": made.id,
        "ipProtocol": "-1",
    }
    user = cloud.create(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "urn:r", rule, region="x"
    )
    removal = provider_pb2.DeleteRequest(urn=SECURITY_GROUP, id=made.id)
    async with attached_to(provider) as engine:
        with pytest.raises(grpc.aio.AioRpcError, match="DependencyViolation"):
            await provider.Delete(removal)
        (line,) = engine.progress
        assert "trying again: DependencyViolation" in line, "one line for all attempts"
    waiting = asyncio.ensure_future(provider.Delete(removal))
    await asyncio.sleep(0)
    cloud.delete(user.token, user.id)
    await waiting
    assert cloud.get("aws:ec2/securityGroup:SecurityGroup", made.id) is None
    await provider.Delete(removal)
    assert lifecycle.drained
    assert not cloud.draining


async def test_functions_are_answered_by_the_cloud_or_the_data_plane(provider: Any) -> None:
    token = "aws:index/getRegion:getRegion"
    answer = await provider.Invoke(provider_pb2.InvokeRequest(tok=token))
    assert from_wire(getattr(answer, "return"))["region"] == "eu-west-1"
    echo = provider_pb2.InvokeRequest(tok="localaws:index:echo", args=to_wire({"a": 1}))
    assert from_wire(getattr(await provider.Invoke(echo), "return")) == {
        "a": 1,
        "region": "eu-west-1",
    }
    with pytest.raises(grpc.aio.AioRpcError, match="getNothing"):
        await provider.Invoke(provider_pb2.InvokeRequest(tok="aws:index/getNothing:getNothing"))


async def test_a_rolled_back_service_is_read_with_its_old_revision_and_redeployed_on_update(
    provider: Any,
    lifecycle: Idle,
) -> None:
    identifier = await create_service(provider)
    lifecycle.runs = {"taskDefinition": OLD}
    read = await provider.Read(provider_pb2.ReadRequest(urn=SERVICE, id=identifier))
    inputs, outputs = from_wire(read.inputs), from_wire(read.properties)
    assert inputs["taskDefinition"] == outputs["taskDefinition"] == OLD

    wanted = to_wire({**inputs, "taskDefinition": NEW})
    same: dict[str, Any] = {
        "urn": SERVICE,
        "id": identifier,
        "news": wanted,
        "old_inputs": wanted,
    }
    without_refresh: dict[str, Any] = {
        **same,
        "olds": to_wire({**outputs, "taskDefinition": NEW}),
    }
    refreshed: dict[str, Any] = {**same, "olds": read.properties}
    shown = await provider.Diff(provider_pb2.DiffRequest(**without_refresh))
    assert not shown.diffs, "the engine doesn't know of the rollback yet"
    shown = await provider.Diff(provider_pb2.DiffRequest(**refreshed))
    assert list(shown.diffs) == ["taskDefinition"]

    updated = await provider.Update(provider_pb2.UpdateRequest(**without_refresh))
    assert from_wire(updated.properties)["taskDefinition"] == OLD
    assert not lifecycle.retried, "the update didn't change the task definition"
    await provider.Update(provider_pb2.UpdateRequest(**refreshed))
    assert lifecycle.retried == [identifier]


@pytest.mark.parametrize("refreshed", [True, False])
async def test_a_scaled_services_number_of_tasks_is_sent_if_the_state_has_another(
    provider: Any, cloud: Cloud, *, refreshed: bool
) -> None:
    identifier = await create_service(provider)
    read = provider_pb2.ReadRequest(id=identifier, urn=SERVICE)
    inputs = {**from_wire((await provider.Read(read)).inputs), "desiredCount": 2}
    scaled: dict[str, Any] = {"id": identifier, "urn": SERVICE, "news": to_wire(inputs)}
    await provider.Update(provider_pb2.UpdateRequest(**scaled))
    cloud.overwrite("aws:ecs/service:Service", identifier, {"desiredCount": 4})
    state = inputs
    if refreshed:
        state = from_wire((await provider.Read(read)).inputs)
        assert state["desiredCount"] == 4
    again: dict[str, Any] = {**scaled, "old_inputs": to_wire(state), "olds": to_wire(state)}
    shown = await provider.Diff(provider_pb2.DiffRequest(**again))
    assert list(shown.diffs) == (["desiredCount"] if refreshed else [])
    updated = await provider.Update(provider_pb2.UpdateRequest(**again))
    assert from_wire(updated.properties)["desiredCount"] == (2 if refreshed else 4)
