"""The strict mocks: they record registrations, and every mistake fails the test."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import re
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi.runtime import resource

from localaws import mocks
from localaws.mocks import UNKNOWN, Cloud, Mistake, Recording
from localaws.mocks.paths import with_old_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

with warnings.catch_warnings():
    # When a module is first used, both warn about its deprecated classes, even unused ones.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_aws as aws
    import pulumi_awsx as awsx
    import pulumi_docker_build as docker_build

    LOADED = (
        aws.ec2.Vpc,
        aws.ecs.Service,
        aws.lb.TargetGroup,
        aws.alb.TargetGroup,
        aws.iam.Role,
        awsx.ec2.Vpc,
    )

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def vpc(**more: Any) -> aws.ec2.Vpc:
    return aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", **more)


class Site(pulumi.ComponentResource):
    """A project's own component."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shop:index:Site", name, None, opts)
        group = aws.cloudwatch.LogGroup(
            name, retention_in_days=7, opts=pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({"group": group.name})


def network(**more: Any) -> awsx.ec2.Vpc:
    wanted: dict[str, Any] = {
        "cidr_block": "10.0.0.0/16",
        "number_of_availability_zones": 2,
        "subnet_strategy": awsx.ec2.SubnetAllocationStrategy.AUTO,
        "subnet_specs": [{"type": awsx.ec2.SubnetType.PUBLIC}],
        "nat_gateways": {"strategy": awsx.ec2.NatGatewayStrategy.NONE},
    }
    return awsx.ec2.Vpc("network", **{**wanted, **more})


def test_a_resource_is_found_by_either_token_of_its_type() -> None:
    def program() -> None:
        own = aws.alb.TargetGroup(
            "own", port=80, protocol="HTTP", target_type="ip", vpc_id=vpc().id
        )
        pulumi.export("found", aws.alb.get_target_group_output(name=own.name).arn)

    run = mocks.run(program)
    for token in (
        "TargetGroup",
        "aws:alb/targetGroup:TargetGroup",
        "aws:lb/targetGroup:TargetGroup",
    ):
        assert [each.name for each in run.all(token)] == ["own"]
    assert run.exports["found"] == run.id(run.one("TargetGroup"))


# What AWS refuses.


def refused_before_any_call() -> None:
    aws.cloudwatch.LogGroup("log", retention_in_days=15)


def refused_by_the_account() -> None:
    aws.ec2.Subnet("far", vpc_id=vpc().id, cidr_block="192.168.0.0/24")


def refused_reference() -> None:
    aws.ec2.Subnet("lost", vpc_id="vpc-00000000", cidr_block="10.0.0.0/24")


def refused_and_waited_for() -> None:
    lost = aws.ec2.Subnet("lost", vpc_id="vpc-00000000", cidr_block="10.0.0.0/24")
    table = aws.ec2.RouteTable("table", vpc_id=vpc().id, tags={"Subnet": lost.id})
    aws.ec2.RouteTableAssociation("association", route_table_id=table.id, subnet_id=lost.id)


def refused_lookup() -> None:
    aws.ec2.get_vpc(id="vpc-00000000")


@pytest.mark.parametrize(
    ("program", "code", "rule", "where"),
    [
        (refused_before_any_call, "InvalidArgument", "logs.group.retention", "LogGroup 'log'"),
        (refused_by_the_account, "InvalidSubnet.Range", "ec2.subnet.range", "Subnet 'far'"),
        (refused_reference, "InvalidVpcID.NotFound", "ec2.subnet.vpc-exists", "Subnet 'lost'"),
        (refused_and_waited_for, "InvalidVpcID.NotFound", "ec2.subnet.vpc-exists", "Subnet 'lost'"),
        (refused_lookup, "NotFound", "invokes.one-match", "getVpc"),
    ],
)
def test_a_refusal_by_aws_fails_the_test_with_its_code_and_rule(
    program: Callable[[], object], code: str, rule: str, where: str
) -> None:
    with pytest.raises(Mistake, match=re.escape(where)) as caught:
        mocks.run(program)
    (refusal,) = caught.value.refusals
    assert (refusal.code, refusal.rule) == (code, rule)
    assert f"{code}: " in str(caught.value)
    assert f"[rule {rule}]" in str(caught.value)
    assert isinstance(caught.value, AssertionError), "the test fails; it isn't an error"


# What Pulumi doesn't report.


def unknown_type() -> None:
    aws.sqs.Queue("queue")


def misspelt_nested_argument() -> None:
    target: Any = {"path": "/", "intervall": 10}
    aws.lb.TargetGroup(
        "group", port=80, protocol="HTTP", target_type="ip", vpc_id=vpc().id, health_check=target
    )


def misspelt_item_of_a_list() -> None:
    specs: Any = [{"type": "Public", "cidrmask": 24}]
    network(subnet_specs=specs)


def output_in_a_text() -> None:
    aws.cloudwatch.LogGroup("log", name=f"/shop/{vpc().id}")


def output_shown_in_a_text() -> None:
    aws.cloudwatch.LogGroup("log", tags={"Of": f"{vpc().id!r}"})


def output_shown_in_an_export() -> None:
    pulumi.export("name", repr(vpc().id))


def output_shown_in_a_components_output() -> None:
    shop = pulumi.ComponentResource("shop:index:Shop", "shop")
    shop.register_outputs({"ids": {"shown": [repr(vpc().id)]}})


def output_in_an_output() -> None:
    pulumi.export("name", pulumi.Output.from_input("a").apply(lambda _: f"{vpc().id}"))


def assertion_in_an_apply() -> None:
    def look(name: str) -> None:
        assert name == "something else", "seen"

    vpc().id.apply(look)


async def nothing() -> None:
    await asyncio.sleep(0)


def coroutine_that_is_never_awaited() -> None:
    nothing()  # type: ignore[unused-coroutine] # the mistake


def task_that_is_never_awaited() -> None:
    keep.append(asyncio.ensure_future(asyncio.sleep(3600)))


def output_that_never_comes() -> None:
    pulumi.export("never", pulumi.Output.from_input(asyncio.get_event_loop().create_future()))


def the_same_twice() -> None:
    vpc()
    vpc()


def something_elses_resource() -> None:
    pulumi.CustomResource("random:index/randomPet:RandomPet", "pet", {})


def something_elses_function() -> None:
    pulumi.runtime.invoke("random:index:get", {})


def reading_what_is_not_there() -> None:
    aws.cloudwatch.LogGroup.get("log", "/shop/log")


def importing_what_is_not_there() -> None:
    aws.cloudwatch.LogGroup(
        "log", name="/shop/log", opts=pulumi.ResourceOptions(import_="/shop/log")
    )


def a_network_that_the_local_awsx_cannot_make() -> None:
    network(subnet_strategy=awsx.ec2.SubnetAllocationStrategy.EXACT)


keep: list[Any] = []


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        (unknown_type, "doesn't know aws:sqs/queue:Queue"),
        (
            misspelt_nested_argument,
            "healthCheck.intervall is no argument of TargetGroupHealthCheck; perhaps interval",
        ),
        (
            misspelt_item_of_a_list,
            r"subnetSpecs\[0\].cidrmask is no argument of SubnetSpec; perhaps cidrMask",
        ),
        (output_in_a_text, "Calling __str__ on an Output"),
        (output_shown_in_a_text, "tags.Of holds the description of an Output"),
        (output_shown_in_an_export, "name holds the description of an Output"),
        (
            output_shown_in_a_components_output,
            r"Shop::shop:\s*ids.shown\[0\] holds the description of an Output",
        ),
        (output_in_an_output, "Calling __str__ on an Output"),
        (assertion_in_an_apply, "seen"),
        (coroutine_that_is_never_awaited, "coroutine 'nothing' was never awaited"),
        (task_that_is_never_awaited, "sleep.* was started and nothing awaits it"),
        (output_that_never_comes, "after 0.05 s it still waits"),
        (the_same_twice, "is registered twice"),
        (something_elses_resource, "isn't AWS's; pass `others=`"),
        (something_elses_function, "isn't AWS's; pass `others=`"),
        (reading_what_is_not_there, "it reads /shop/log, which doesn't exist"),
        (importing_what_is_not_there, "it imports /shop/log, which doesn't exist"),
        (a_network_that_the_local_awsx_cannot_make, "needs a subnetStrategy of Legacy, Auto"),
    ],
)
def test_a_mistake_that_pulumi_doesnt_report_fails_the_test(
    program: Callable[[], object], complaint: str
) -> None:
    with pytest.raises(Exception, match=complaint):
        mocks.run(program, seconds=0.05 if program is output_that_never_comes else 60)


def test_an_unknown_argument_of_a_class_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="retention_days"):
        mocks.run(lambda: aws.cloudwatch.LogGroup("log", retention_days=7))  # type: ignore[call-overload]


@pytest.mark.parametrize("make", [vpc, lambda: Site("site")])
def test_a_resource_outside_of_a_run_fails_after_only_in_runs(
    make: Callable[[], object],
) -> None:
    def outside() -> None:
        mocks.only_in_runs()
        assert mocks.run(vpc).registered
        make()

    with pytest.raises(Mistake, match="outside of a run"):
        contextvars.copy_context().run(outside)


def test_another_warning_is_still_shown() -> None:
    with pytest.warns(UserWarning, match="by the way"):
        mocks.run(lambda: warnings.warn("by the way", stacklevel=1))


def test_a_failed_run_doesnt_affect_the_next_one() -> None:
    for _ in range(3):
        with pytest.raises(Mistake):
            mocks.run(refused_by_the_account)
    assert len(mocks.run(vpc).registered) == 1


def test_a_run_leaves_nothing_of_its_program_in_memory() -> None:
    made: list[weakref.ref[Any]] = []

    def program() -> None:
        hook = pulumi.ResourceHook("look", lambda _: None)
        bound = pulumi.ResourceHookBinding(after_create=[hook])
        site = Site("site", pulumi.ResourceOptions(hooks=bound))
        made.extend([weakref.ref(hook), weakref.ref(site)])

    mocks.run(program)
    assert [each() for each in made] == [None, None]


# What is recorded.


def test_a_registration_is_recorded_with_all_of_its_options() -> None:
    def program() -> None:
        hook = pulumi.ResourceHook("look", lambda _: None)
        first = vpc(opts=pulumi.ResourceOptions(protect=True, aliases=[pulumi.Alias(name="old")]))
        aws.ec2.InternetGateway(
            "gateway",
            vpc_id=first.id,
            opts=pulumi.ResourceOptions(
                parent=first,
                protect=False,
                retain_on_delete=True,
                delete_before_replace=True,
                ignore_changes=["tags"],
                replace_on_changes=["vpcId"],
                custom_timeouts=pulumi.CustomTimeouts(create="1m", delete="3m"),
                deleted_with=first,
                additional_secret_outputs=["arn"],
                hooks=pulumi.ResourceHookBinding(after_create=[hook]),
            ),
        )

    recording = mocks.run(program)
    first, gateway = recording.one("Vpc"), recording.one("InternetGateway")
    assert first.protect
    assert [dict(each["spec"])["name"] for each in first.aliases] == ["old"]
    assert first.inputs == {"cidrBlock": "10.0.0.0/16"}
    assert gateway.inputs == {"vpcId": recording.id(first)}
    assert (gateway.parent, gateway.dependencies, gateway.deleted_with) == (
        first.urn,
        frozenset({first.urn}),
        first.urn,
    )
    assert (gateway.protect, gateway.retain_on_delete, gateway.delete_before_replace) == (
        False,
        True,
        True,
    )
    assert (gateway.ignore_changes, gateway.replace_on_changes) == (("tags",), ("vpcId",))
    assert gateway.timeouts == ("1m", "", "3m")
    assert gateway.secret_outputs == ("arn",)
    assert gateway.hooks == {"after_create": ("look",)}


def test_a_components_outputs_and_children_are_recorded() -> None:
    def program() -> None:
        pulumi.export("site", Site("site").urn)

    recording = mocks.run(program, project="shop", stack="dev")
    site = recording.component("Site")
    assert recording.children(site) == {("LogGroup", "site")}
    assert recording.exports == {"site": "urn:pulumi:dev::shop::shop:index:Site::site"}
    assert recording.outputs[site.urn]["group"] == recording.cloud.all(LOG_GROUP)[0].id


def test_one_fails_if_several_resources_match() -> None:
    def program() -> None:
        aws.cloudwatch.LogGroup("a")
        aws.cloudwatch.LogGroup("b")

    recording = mocks.run(program)
    assert recording.one("LogGroup", "a").name == "a"
    with pytest.raises(AssertionError, match="one LogGroup was expected"):
        recording.one("LogGroup")


def test_secrets_and_resources_are_recorded_as_their_values() -> None:
    def program() -> None:
        secret = pulumi.Output.secret({"first": ["Bello"]})
        pulumi.CustomResource(
            "random:index/randomPet:RandomPet", "pet", {"owner": vpc(), "name": secret}
        )

    recording = mocks.run(program, others=Pets())
    (pet,) = [each for each in recording.registered if each.name == "pet"]
    assert pet.inputs == {"owner": recording.id(recording.one("Vpc")), "name": {"first": ["Bello"]}}


def test_configuration_and_provider_settings_reach_the_program_and_its_resources() -> None:
    def program() -> None:
        size = pulumi.Config().require_int("size")
        vpc(tags={"Size": f"{size}"})
        elsewhere = aws.Provider(
            "elsewhere", region="eu-west-1", default_tags={"tags": {"Of": "other"}}
        )
        aws.ec2.Vpc(
            "far", cidr_block="10.1.0.0/16", opts=pulumi.ResourceOptions(provider=elsewhere)
        )

    config = {
        "shop:size": 3,
        "aws:region": "eu-north-1",
        "aws:defaultTags": '{"tags": {"Of": "all"}}',
    }
    recording = mocks.run(program, project="shop", config=config)
    near, far = recording.cloud.all("aws:ec2/vpc:Vpc")
    assert (near.region, near.outputs["tagsAll"]) == ("eu-north-1", {"Of": "all", "Size": "3"})
    assert (far.region, far.outputs["tagsAll"]) == ("eu-west-1", {"Of": "other"})
    assert recording.one("Vpc", "far").provider.endswith("::elsewhere")


def test_a_changed_default_tag_updates_resources_in_a_run_after_another() -> None:
    shown: list[Mapping[str, str]] = []

    def program() -> None:
        vpc = aws.ec2.Vpc("main", cidr_block="10.0.0.0/16", tags={"Size": "3"})
        vpc.tags_all.apply(shown.append)

    first = mocks.run(program, config={"aws:defaultTags": '{"tags": {"Of": "all"}}'})
    same = mocks.run(program, config={"aws:defaultTags": '{"tags": {"Of": "all"}}'}, after=first)
    other = mocks.run(program, config={"aws:defaultTags": '{"tags": {"Of": "some"}}'}, after=first)
    assert set(same.operations.values()) == {"same"}
    assert set(other.operations.values()) == {"update"}
    assert [each["Of"] for each in shown] == ["all", "all", "some"]


def test_a_projects_files_and_changes_are_merged_into_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\n"
        "config:\n  size: {type: integer, default: 2}\n  name: {default: a}\n"
        "  aws:region: {value: r}\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  shop:name: b\n")
    found = mocks.configuration(tmp_path, "dev", zones=["a"])
    assert found == {"shop:size": "2", "shop:name": "b", "aws:region": "r", "shop:zones": '["a"]'}


def test_an_async_program_runs_to_its_end() -> None:
    async def program() -> None:
        await asyncio.sleep(0)
        vpc()

    assert mocks.run(program).one("Vpc").name == "net"


def test_a_preview_creates_nothing_has_no_ids_and_still_refuses() -> None:
    def program() -> None:
        aws.ec2.Subnet("inner", vpc_id=vpc().id, cidr_block="10.0.1.0/24")

    recording = mocks.run(program, preview=True)
    assert recording.one("Subnet").inputs == {"vpcId": UNKNOWN, "cidrBlock": "10.0.1.0/24"}
    assert not recording.cloud.all("aws:ec2/vpc:Vpc")
    with pytest.raises(Mistake, match=r"logs\.group\.retention"):
        mocks.run(refused_before_any_call, preview=True)


@pytest.mark.parametrize("preview", [False, True])
def test_rules_apply_to_the_providers_region(*, preview: bool) -> None:
    def program() -> None:
        seen: Any = {
            "cloudwatch_metrics_enabled": True,
            "metric_name": "acl",
            "sampled_requests_enabled": True,
        }
        aws.wafv2.WebAcl(
            "acl", scope="CLOUDFRONT", default_action={"allow": {}}, visibility_config=seen
        )

    mocks.run(program, preview=preview)
    with pytest.raises(Mistake, match=r"parameter: CLOUDFRONT; .* us-east-1, got eu-west-1"):
        mocks.run(program, preview=preview, config={"aws:region": "eu-west-1"})


def test_a_component_of_awsx_registers_its_children_in_a_run_and_in_a_preview() -> None:
    def program() -> None:
        net = network()
        aws.ec2.SecurityGroup("inside", vpc_id=net.vpc_id, description="d")
        pulumi.export("subnets", net.public_subnet_ids)

    made = mocks.run(program)
    seen = mocks.run(program, preview=True)
    assert [each.name for each in made.registered] == [each.name for each in seen.registered]
    assert recorded(made) == {
        "network": "awsx:ec2:Vpc",
        "network-public-1": "aws:ec2/subnet:Subnet",
        "network-public-2": "aws:ec2/subnet:Subnet",
        "inside": "aws:ec2/securityGroup:SecurityGroup",
    }
    assert made.exports["subnets"] == [each.id for each in made.cloud.all("aws:ec2/subnet:Subnet")]
    assert made.component("Vpc").inputs["numberOfAvailabilityZones"] == 2
    assert made.one("SecurityGroup").inputs["vpcId"] == made.id(made.one("Vpc"))
    assert seen.one("SecurityGroup").inputs["vpcId"] is UNKNOWN


def test_outputs_of_awsx_are_resources_that_a_program_can_use() -> None:
    def id_of_second_public_table(tables: Sequence[aws.ec2.RouteTable]) -> pulumi.Output[str]:
        for each in tables:
            if each.pulumi_resource_name == "network-public-2":
                return each.id
        raise AssertionError("the network has no such route table")

    def program() -> None:
        net = network()
        gateway: pulumi.Output[str] = net.internet_gateway.apply(lambda gateway: gateway.id)
        table: pulumi.Output[str] = net.route_tables.apply(id_of_second_public_table)
        aws.ec2.Route(
            "more", route_table_id=table, destination_cidr_block="10.9.0.0/16", gateway_id=gateway
        )
        pulumi.export("cidr", net.vpc.apply(lambda vpc: vpc.cidr_block))
        pulumi.export(
            "zones",
            net.public_subnets.apply(lambda subnets: [each.availability_zone for each in subnets]),
        )

    made = mocks.run(program)
    seen = mocks.run(program, preview=True)
    route = made.one("Route", "more").inputs
    assert route["routeTableId"] == made.id(made.one("RouteTable", "network-public-2"))
    assert route["gatewayId"] == made.id(made.one("InternetGateway"))
    for each in (made, seen):
        assert each.exports["cidr"] == "10.0.0.0/16"
        assert each.exports["zones"] == ["us-east-1a", "us-east-1b"]
    assert seen.one("Route", "more").inputs["routeTableId"] is UNKNOWN
    functions = [token for token, _ in made.invoked]
    assert "pulumi:pulumi:getResource" not in functions, "only the SDK calls it, not the program"


def test_an_example_program_of_awsx_deploys_a_service_in_the_default_vpc() -> None:
    def program() -> None:
        cluster = aws.ecs.Cluster("cluster")
        lb = awsx.lb.ApplicationLoadBalancer("lb")
        port = awsx.ecs.TaskDefinitionPortMappingArgs(
            container_port=80, target_group=lb.default_target_group
        )
        container = awsx.ecs.TaskDefinitionContainerDefinitionArgs(
            name="web", image="nginx", memory=512, cpu=128, essential=True, port_mappings=[port]
        )
        service = awsx.ecs.FargateService(
            "service",
            cluster=cluster.arn,
            assign_public_ip=True,
            task_definition_args=awsx.ecs.FargateServiceTaskDefinitionArgs(container=container),
        )
        pulumi.export("url", pulumi.Output.concat("http://", lb.load_balancer.dns_name))
        pulumi.export("service", service.service.apply(lambda service: service.name))

    made = mocks.run(program)
    seen = mocks.run(program, preview=True)
    assert {(each.type, each.name) for each in made.registered} == {
        (each.type, each.name) for each in seen.registered
    }
    service, definition = made.one("Service"), made.one("TaskDefinition")
    target = made.one("TargetGroup")
    assert service.inputs["taskDefinition"] == made.id(definition)
    assert service.inputs["loadBalancers"] == [
        {"containerName": "web", "containerPort": 80, "targetGroupArn": made.id(target)}
    ]
    default = [each.id for each in made.cloud.all("aws:ec2/subnet:Subnet")]
    assert service.inputs["networkConfiguration"]["subnets"] == default
    assert made.one("LoadBalancer").inputs["subnets"] == default
    assert made.exports["url"].startswith("http://lb-")
    assert seen.one("Service").inputs["loadBalancers"] is UNKNOWN
    assert definition.urn.split("::")[2:] == [
        "awsx:ecs:FargateService$awsx:ecs:FargateTaskDefinition$aws:ecs/taskDefinition:TaskDefinition",
        "service",
    ]


def recorded(recording: Recording) -> dict[str, str]:
    """Return the type of the first resource with each name."""
    found: dict[str, str] = {}
    for each in recording.registered:
        found.setdefault(each.name, each.type)
    return found


def test_transforms_apply_to_a_components_children_and_can_change_options() -> None:
    def keep_addresses(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "aws:ec2/subnet:Subnet":
            return None
        options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True))
        return pulumi.ResourceTransformResult({**args.props, "mapPublicIpOnLaunch": False}, options)

    def program() -> None:
        network(opts=pulumi.ResourceOptions(transforms=[keep_addresses]))
        vpc()

    recording = mocks.run(program)
    subnets = recording.all("Subnet")
    assert len(subnets) == 2
    for subnet in subnets:
        assert subnet.inputs["mapPublicIpOnLaunch"] is False
        assert subnet.protect
    assert not recording.one("Vpc", "net").protect


def test_a_stack_transform_applies_to_every_resource() -> None:
    def tagged(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if not args.custom:
            return None
        return pulumi.ResourceTransformResult({**args.props, "tags": {"Of": "me"}}, args.opts)

    def program() -> None:
        pulumi.runtime.register_resource_transform(tagged)
        Site("site")

    assert mocks.run(program).one("LogGroup").inputs["tags"] == {"Of": "me"}


def test_an_existing_resource_can_be_looked_up_imported_and_read() -> None:
    cloud = Cloud(seed=1)
    cloud.create(
        LOG_GROUP, "by hand", {"name": "/shop/log", "retentionInDays": 3}, region="us-east-1"
    )

    def program() -> None:
        adopted = pulumi.ResourceOptions(import_="/shop/log")
        aws.cloudwatch.LogGroup("log", name="/shop/log", retention_in_days=7, opts=adopted)
        found = aws.cloudwatch.get_log_group_output(name="/shop/log").arn
        pulumi.export(
            "same", pulumi.Output.all(found, aws.cloudwatch.LogGroup.get("again", "/shop/log").arn)
        )

    first, second = mocks.run(program, cloud=cloud).exports["same"]
    assert first == second
    group = cloud.get(LOG_GROUP, "/shop/log")
    assert group
    assert group.outputs["retentionInDays"] == 7


def test_a_preview_of_an_import_changes_nothing() -> None:
    cloud = Cloud(seed=1)
    cloud.create(
        LOG_GROUP, "by hand", {"name": "/shop/log", "retentionInDays": 3}, region="us-east-1"
    )
    options = pulumi.ResourceOptions(import_="/shop/log")
    mocks.run(
        lambda: aws.cloudwatch.LogGroup("log", name="/shop/log", retention_in_days=7, opts=options),
        cloud=cloud,
        preview=True,
    )
    assert cloud.all(LOG_GROUP)[0].outputs["retentionInDays"] == 3


class Pets(pulumi.runtime.Mocks):
    """Mocks for another package."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return "pet-1", {**args.inputs, "pretty": "big-dog"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        return {"answer": args.token}


def test_the_tests_own_mocks_answer_for_other_packages() -> None:
    def program() -> None:
        pet = pulumi.CustomResource("random:index/randomPet:RandomPet", "pet", {"pretty": None})
        pulumi.export("id", pet.id)
        pulumi.export("answer", pulumi.runtime.invoke("random:index:get", {}).value["answer"])

    assert mocks.run(program, others=Pets()).exports == {
        "id": "pet-1",
        "answer": "random:index:get",
    }


# What a change does.


def a_network(
    cidr: str = "10.0.0.0/16", days: int = 7, tag: str = "a", **options: Any
) -> Callable[[], None]:
    def program() -> None:
        network = aws.ec2.Vpc(
            "net",
            cidr_block=cidr,
            tags={"Name": tag},
            opts=pulumi.ResourceOptions(**options) if options else None,
        )
        aws.ec2.SecurityGroup("inside", vpc_id=network.id, description="d")
        aws.cloudwatch.LogGroup("log", retention_in_days=days)

    return program


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        (a_network(), set()),
        (a_network(days=14), {("update", "LogGroup")}),
        (a_network(tag="b"), {("update", "Vpc")}),
        (a_network("10.1.0.0/16"), {("replace", "Vpc"), ("replace", "SecurityGroup")}),
        (a_network(tag="b", ignore_changes=["tags"]), set()),
        (
            a_network(tag="b", replace_on_changes=["tags"]),
            {("replace", "Vpc"), ("replace", "SecurityGroup")},
        ),
        (a_network(tag="b", ignore_changes=["tags.Name"]), set()),
        (a_network(tag="b", ignore_changes=["tags.Other"]), {("update", "Vpc")}),
        (
            a_network(tag="b", replace_on_changes=['tags["Name"]']),
            {("replace", "Vpc"), ("replace", "SecurityGroup")},
        ),
        (
            a_network(tag="b", replace_on_changes=["*"]),
            {("replace", "Vpc"), ("replace", "SecurityGroup")},
        ),
        (a_network(tag="b", replace_on_changes=["tags.Other"]), {("update", "Vpc")}),
        (vpc, {("delete", "SecurityGroup"), ("delete", "LogGroup"), ("update", "Vpc")}),
    ],
)
def test_a_run_after_another_reports_the_changes_and_makes_none(
    changed: Callable[[], object], done: set[tuple[str, str]]
) -> None:
    first = mocks.run(a_network())
    assert first.done() == {("create", "Vpc"), ("create", "SecurityGroup"), ("create", "LogGroup")}
    before = {urn: each.inputs for urn, each in first.resources.items()}
    assert mocks.run(changed, after=first).done() == done
    assert {urn: each.inputs for urn, each in first.resources.items()} == before


def test_a_run_after_a_preview_starts_from_the_same_resources_as_the_preview() -> None:
    first = mocks.run(vpc)
    wider = mocks.run(a_network(tag="b"), after=first)
    assert wider.done() == {("update", "Vpc"), ("create", "SecurityGroup"), ("create", "LogGroup")}
    assert mocks.run(a_network(tag="b"), after=wider).done() == wider.done()
    assert mocks.run(vpc, after=mocks.run(vpc, preview=True)).done() == {("create", "Vpc")}


NEW = {"a": 10, "list": [{"x": 20}, {"x": 30}], "tags": {"k.l": "new", "only": "new"}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", {**NEW, "a": 1}),
        ("gone", {**NEW, "gone": 5}),
        ("list[0].x", {**NEW, "list": [{"x": 2}, {"x": 30}]}),
        ("list[*].x", {**NEW, "list": [{"x": 2}, {"x": 30}]}),
        ("list[1].x", NEW),
        ('tags["k.l"]', {**NEW, "tags": {"k.l": "old", "only": "new"}}),
        ("tags.only", {**NEW, "tags": {"k.l": "new"}}),
        ("*", {"a": 1, "gone": 5, "list": [{"x": 2}], "tags": {"k.l": "old"}}),
    ],
)
def test_an_ignored_path_keeps_its_old_value(path: str, expected: dict[str, Any]) -> None:
    old = {"a": 1, "gone": 5, "list": [{"x": 2}], "tags": {"k.l": "old"}}
    assert with_old_value(NEW, old, path) == expected


def a_site(name: str, **options: Any) -> Callable[[], None]:
    return lambda: void(Site(name, pulumi.ResourceOptions(**options)))


def a_cluster(name: str, **options: Any) -> Callable[[], None]:
    return lambda: void(aws.ecs.Cluster(name, opts=pulumi.ResourceOptions(**options)))


def void(_: object) -> None:
    """Ignore a resource, because a program that is a lambda must return None."""


def a_moved_group(name: str = "site", **options: Any) -> Callable[[], None]:
    def program() -> None:
        shop = pulumi.ComponentResource("shop:index:Shop", "shop")
        aws.cloudwatch.LogGroup(
            name, retention_in_days=7, opts=pulumi.ResourceOptions(parent=shop, **options)
        )

    return program


SITE_URN = "urn:pulumi:test::project::shop:index:Site::site"


@pytest.mark.parametrize(
    ("first", "changed", "done"),
    [
        (a_cluster("c"), a_cluster("d"), {("create", "Cluster"), ("delete", "Cluster")}),
        (a_cluster("c"), a_cluster("d", aliases=[pulumi.Alias(name="c")]), set()),
        (
            a_cluster("c"),
            a_cluster("d", aliases=["urn:pulumi:test::project::aws:ecs/cluster:Cluster::c"]),
            set(),
        ),
        (
            a_cluster("c"),
            a_cluster("d", aliases=[pulumi.Alias(name="b")]),
            {("create", "Cluster"), ("delete", "Cluster")},
        ),
        (a_site("site"), a_site("house", aliases=[pulumi.Alias(name="site")]), set()),
        (a_site("site"), a_moved_group(aliases=[pulumi.Alias(parent=SITE_URN)]), set()),
        (a_moved_group(), a_moved_group("room", aliases=[pulumi.Alias(name="site")]), set()),
        (
            a_cluster("c"),
            a_cluster("d", aliases=[pulumi.Alias(name="c")], replace_on_changes=["*"]),
            set(),
        ),
    ],
)
def test_a_resource_renamed_or_moved_with_an_alias_is_recognized(
    first: Callable[[], object], changed: Callable[[], object], done: set[tuple[str, str]]
) -> None:
    assert mocks.run(changed, after=mocks.run(first)).done() == done


def test_a_resource_renamed_moved_and_changed_is_updated() -> None:
    def program() -> None:
        aliases = [pulumi.Alias(name="site", parent=pulumi.ROOT_STACK_RESOURCE)]
        shop = pulumi.ComponentResource("shop:index:Shop", "shop")
        options = pulumi.ResourceOptions(parent=shop, aliases=aliases)
        aws.cloudwatch.LogGroup("inner", retention_in_days=14, opts=options)

    first = mocks.run(lambda: void(aws.cloudwatch.LogGroup("site", retention_in_days=7)))
    assert mocks.run(program, after=first).done() == {("update", "LogGroup")}


def test_a_policy_can_be_an_object() -> None:
    def program(service: str = "ecs-tasks.amazonaws.com", effect: str = "Allow") -> Any:
        trusted: Any = {
            "Effect": effect,
            "Action": "sts:AssumeRole",
            "Principal": {"Service": service},
        }
        policy: Any = {"Version": "2012-10-17", "Statement": [trusted]}
        return aws.iam.Role("r", assume_role_policy=policy)

    first = mocks.run(program)
    assert mocks.run(program, after=first).done() == set()
    assert mocks.run(lambda: program("ec2.amazonaws.com"), after=first).done() == {
        ("update", "Role")
    }
    with pytest.raises(Mistake, match=r"iam\.policy\.effect"):
        mocks.run(lambda: program(effect="Perhaps"))


def test_a_refused_change_fails_the_test() -> None:
    with pytest.raises(Mistake, match=r"logs\.group\.retention"):
        mocks.run(a_network(days=15), after=mocks.run(a_network()))


def test_an_imported_resource_is_unchanged_in_the_next_run() -> None:
    cloud = Cloud(seed=1)
    cloud.create(LOG_GROUP, "by hand", {"name": "/shop/log"}, region="us-east-1")

    def program() -> None:
        aws.cloudwatch.LogGroup(
            "log", name="/shop/log", opts=pulumi.ResourceOptions(import_="/shop/log")
        )

    first = mocks.run(program, cloud=cloud)
    assert first.done() == {("import", "LogGroup")}
    assert mocks.run(program, after=first).done() == set()


def test_a_program_may_catch_a_lookup_that_fails() -> None:
    def program() -> None:
        with pytest.raises(Exception, match="NotFound"):
            aws.ec2.get_vpc(id="vpc-0a1b2c3d")
        aws.cloudwatch.LogGroup("instead", retention_in_days=7)

    assert mocks.run(program).one("LogGroup").name == "instead"


def image(tag: str = "v1", **more: Any) -> awsx.ecr.Image:
    repository = aws.ecr.Repository("shop", image_tag_mutability="IMMUTABLE")
    return awsx.ecr.Image(
        "shop", repository_url=repository.repository_url, context="app", image_tag=tag, **more
    )


def uri_of(**more: Any) -> str:
    """The name that an image gets."""
    images: list[str] = []
    mocks.run(lambda: image(**more).image_uri.apply(images.append))
    (uri,) = images
    return uri


def test_an_image_has_a_digest_of_how_it_is_built_and_nothing_is_built() -> None:
    repository, _, digest = uri_of().partition("@")
    assert repository.startswith("123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-")
    assert uri_of(tag="v2").endswith(digest), "a tag isn't part of the image"
    others = {uri_of(target="other"), uri_of(args={"A": "1"})}
    assert len({digest, *(uri.rpartition("@")[2] for uri in others)}) == 3


def test_what_docker_build_refuses_is_a_mistake() -> None:
    def program() -> None:
        docker_build.Image("v1", push=True, tags=["shop:v1"], registries=[{"address": ""}])

    with pytest.raises(Mistake, match=r"Image 'v1':\n  registries\[0\] has no address$"):
        mocks.run(program)


def test_a_stash_keeps_its_first_value() -> None:
    values: list[str] = []

    def program(value: str) -> None:
        pulumi.Stash("attempt", input=value).output.apply(values.append)

    first = mocks.run(lambda: program("one"))
    mocks.run(lambda: program("two"), after=first)
    assert values == ["one", "one"]


def test_an_encrypted_value_is_a_text_that_stands_for_it_and_a_secret() -> None:
    config = {
        "shop:whole": '{"secure": "v1:x"}',
        "shop:part": '{"a": {"secure": "v1:y"}, "b": ["c", {"secure": "v1:z"}], "secure": {}}',
        "shop:plain": '{"secure": 1}',
    }
    seen: dict[str, object] = {}

    def program() -> None:
        settings = pulumi.Config("shop")
        for name in ("whole", "part", "plain"):
            seen[name] = settings.get(name), pulumi.runtime.is_config_secret(f"shop:{name}")

    mocks.run(program, config=config)
    assert seen == {
        "whole": (mocks.ENCRYPTED, True),
        "part": ('{"a": "[secret]", "b": ["c", "[secret]"], "secure": {}}', True),
        "plain": ('{"secure": 1}', False),
    }


def test_debug_messages_reach_a_logger_that_takes_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mocks.run(lambda: pulumi.log.debug("the size is 24"))
    assert "the size is 24" in caplog.messages


# Outputs are made when they are first used.


def test_an_output_has_its_value_whenever_it_is_first_used() -> None:
    seen: dict[str, object] = {}

    def program() -> None:
        net = vpc(tags={"Name": "net"})

        def first_use(_: str) -> None:
            net.cidr_block.apply(lambda cidr: seen.update(after=cidr))

        net.arn.apply(lambda arn: seen.update(before=arn))
        net.id.apply(first_use)
        net.tags_all["Name"].apply(lambda name: seen.update(item=name))
        group = aws.lb.TargetGroup(
            "own",
            port=80,
            protocol="HTTP",
            target_type="ip",
            vpc_id=net.id,
            health_check={"path": "/up"},
        )
        group.health_check.path.apply(lambda path: seen.update(lifted=path))

    run = mocks.run(program)
    assert seen == {
        "before": run.resources[run.one("Vpc").urn].outputs["arn"],
        "after": "10.0.0.0/16",
        "item": "net",
        "lifted": "/up",
    }


def test_an_output_of_a_refused_resource_fails_whenever_it_is_first_used() -> None:
    seen: dict[str, str] = {}

    def program() -> None:
        far = aws.ec2.Subnet("far", vpc_id=vpc().id, cidr_block="192.168.0.0/24")

        def first_use(failure: Exception) -> str:
            del failure
            far.arn.recover(lambda late: seen.setdefault("after", str(late)))
            return ""

        far.tags_all.recover(lambda early: {"": seen.setdefault("before", str(early))})
        far.id.recover(first_use)

    with pytest.raises(Mistake, match="far"):
        mocks.run(program)
    assert "192.168.0.0/24" in seen["before"]
    assert seen["after"] == seen["before"]


def test_an_attribute_that_replaces_an_output_stays_when_the_output_is_first_used() -> None:
    seen: list[str] = []

    def program() -> None:
        net: Any = vpc()
        cidr_block = net.cidr_block
        net.__dict__["cidr_block"] = "another"
        cidr_block.apply(seen.append)
        seen.append(net.cidr_block)

    mocks.run(program)
    assert seen == ["another", "10.0.0.0/16"]


def test_a_urn_is_made_of_texts_or_outputs() -> None:
    made: dict[str, str] = {}

    def program() -> None:
        net = vpc()
        text = "urn:pulumi:test::project::shop::s"
        resource.create_urn("a", LOG_GROUP, text).apply(lambda urn: made.update(text=urn))
        resource.create_urn("b", LOG_GROUP, net.urn).apply(lambda urn: made.update(output=urn))

    mocks.run(program)
    assert made == {
        "text": f"urn:pulumi:test::project::shop${LOG_GROUP}::a",
        "output": f"urn:pulumi:test::project::aws:ec2/vpc:Vpc${LOG_GROUP}::b",
    }
