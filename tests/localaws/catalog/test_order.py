"""Rules about other resources: those that must exist, prevent a deletion, or are deleted too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import CATALOG, Refused
from tests.localaws.catalog.operations import other_vpc, refused, refused_rules

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
SERVICE = "aws:ecs/service:Service"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SUBNET = "aws:ec2/subnet:Subnet"
VPC = "aws:ec2/vpc:Vpc"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
CLUSTER = "aws:ecs/cluster:Cluster"


def forward(arn: str) -> list[dict[str, Any]]:
    return [{"type": "forward", "targetGroupArn": arn}]


def service(account: Account, **more: Any) -> dict[str, Any]:
    """Return inputs for another service, with the target group of the first one."""
    target = {"targetGroupArn": account.id("target"), "containerName": "web", "containerPort": 80}
    return {**account.minimal(SERVICE), "loadBalancers": [target], **more}


def test_a_service_is_refused_until_its_target_group_has_a_listener(
    account: Account,
) -> None:
    unattached = account.make(TARGETS, **account.minimal(TARGETS)).id
    inputs = service(
        account,
        loadBalancers=[{"targetGroupArn": unattached, "containerName": "web", "containerPort": 80}],
    )
    expected = ("ecs.service.target-group-attached", "InvalidParameterException")
    assert expected in refused(account.make, SERVICE, **inputs)
    account.make(RULE, **{**account.minimal(RULE), "actions": forward(unattached)})
    account.make(SERVICE, **inputs)


def test_a_service_with_an_instance_target_group_is_refused_for_awsvpc(account: Account) -> None:
    wrong = account.make(TARGETS, **{**account.minimal(TARGETS), "targetType": "instance"}).id
    account.make(RULE, **{**account.minimal(RULE), "actions": forward(wrong)})
    inputs = service(
        account,
        loadBalancers=[{"targetGroupArn": wrong, "containerName": "web", "containerPort": 80}],
    )
    assert ("ecs.service.target-type", "InvalidParameterException") in refused(
        account.make, SERVICE, **inputs
    )


def test_a_grace_period_is_accepted_with_a_load_balancer(account: Account) -> None:
    account.make(SERVICE, **service(account, healthCheckGracePeriodSeconds=60))


def test_exec_is_accepted_with_a_task_role(account: Account) -> None:
    inputs = {**account.minimal(DEFINITION), "taskRoleArn": account.made["role"].outputs["arn"]}
    definition = account.make(DEFINITION, **inputs).id
    account.make(SERVICE, **service(account, taskDefinition=definition, enableExecuteCommand=True))


def test_an_endpoint_of_service_connect_needs_a_port_of_that_name(account: Account) -> None:
    container = {
        "name": "web",
        "image": "nginx",
        "portMappings": [{"containerPort": 80, "name": "web"}],
    }
    inputs = {**account.minimal(DEFINITION), "containerDefinitions": json.dumps([container])}
    definition = account.make(DEFINITION, **inputs).id

    def connected(port: str) -> dict[str, Any]:
        connect = {"enabled": True, "namespace": "http", "services": [{"portName": port}]}
        return service(account, taskDefinition=definition, serviceConnectConfiguration=connect)

    assert refused(account.make, SERVICE, **connected("api")) == {
        ("ecs.service.port-name", "InvalidParameterException")
    }
    account.make(SERVICE, **connected("web"))


def test_a_service_across_two_vpcs_is_refused(account: Account) -> None:
    other_vpc(account)
    network = {"subnets": [account.id("subnet-a")], "securityGroups": [account.id("other-group")]}
    rules = refused(account.make, SERVICE, **service(account, networkConfiguration=network))
    assert ("ecs.service.one-vpc", "InvalidParameterException") in rules


def test_a_service_without_a_cluster_is_in_the_one_called_default_and_holds_it(
    account: Account,
) -> None:
    default = account.make(CLUSTER, name="default")
    inputs = account.minimal(SERVICE)
    del inputs["cluster"]
    made = account.make(SERVICE, **inputs)
    assert made.outputs["cluster"] == default.id
    held = {("ecs.cluster.held", "ClusterContainsServicesException")}
    assert refused(account.delete, CLUSTER, default.id) == held
    account.delete(SERVICE, made.id)
    account.delete(CLUSTER, default.id)


def test_a_strategy_on_fargate_needs_a_task_definition_for_fargate(account: Account) -> None:
    for_instances = account.make(
        DEFINITION,
        family="for-instances",
        networkMode="awsvpc",
        containerDefinitions=json.dumps([{"name": "web", "image": "nginx", "memory": 64}]),
    )
    inputs = account.minimal(SERVICE)
    del inputs["launchType"]
    inputs["capacityProviderStrategies"] = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    account.make(SERVICE, **{**inputs, "name": "on-fargate"})
    inputs["taskDefinition"] = for_instances.id
    incompatible = ("ecs.service.compatible", "InvalidParameterException")
    assert refused(account.make, SERVICE, **inputs) == {incompatible}


def test_a_missing_container_port_is_shown_as_a_whole_number(account: Account) -> None:
    inputs = service(account)
    inputs["loadBalancers"][0]["containerPort"] = 8080.0
    with pytest.raises(Refused, match="did not have a container port 8080 defined"):
        account.make(SERVICE, **inputs)


def test_a_bridge_task_has_no_network_configuration_and_doesnt_run_on_fargate(
    account: Account,
) -> None:
    container = json.dumps(
        [{"name": "web", "image": "nginx", "memory": 64, "portMappings": [{"containerPort": 80}]}]
    )
    bridge = account.make(DEFINITION, family="bridge", containerDefinitions=container).id
    inputs = service(account, taskDefinition=bridge)
    rules = refused_rules(account.make, SERVICE, **inputs)
    assert {"ecs.service.network-forbidden", "ecs.service.compatible"} <= rules


def test_the_name_of_a_draining_service_can_be_reused_only_after_its_deletion(
    account: Account,
) -> None:
    again = service(account, name="web")
    account.draining.add(account.id("service"))
    assert ("ecs.service.draining", "InvalidParameterException") in refused(
        account.make, SERVICE, **again
    )
    account.delete(SERVICE, account.id("service"))
    account.make(SERVICE, **again)


def test_a_changed_service_is_checked_against_its_new_task_definition(account: Account) -> None:
    current = account.made["service"]
    container = json.dumps(
        [{"name": "app", "image": "nginx", "portMappings": [{"containerPort": 8080}]}]
    )
    inputs = {**account.minimal(DEFINITION), "containerDefinitions": container}
    renamed = account.make(DEFINITION, **inputs).id
    change = {**current.inputs, "taskDefinition": renamed}
    rules = refused_rules(account.update, SERVICE, current.id, change)
    assert rules == {"ecs.service.container-exists"}
    assert account.get(SERVICE, current.id) == current, "a refused update changes nothing"


def test_a_service_can_be_scaled_after_its_listener_was_deleted(account: Account) -> None:
    current = account.made["service"]
    account.delete(RULE, account.id("rule"))
    scaled = account.update(SERVICE, current.id, {**current.inputs, "desiredCount": 3})
    assert scaled.outputs["desiredCount"] == 3


def test_a_public_load_balancer_needs_an_internet_gateway_and_an_internal_one_does_not(
    account: Account,
) -> None:
    other_vpc(account)
    inputs = {"name": "other", "subnets": [account.id("other-a"), account.id("other-b")]}
    expected = ("elbv2.load-balancer.internet-gateway", "InvalidSubnet")
    assert expected in refused(account.make, BALANCER, **inputs)
    account.make(BALANCER, **inputs, internal=True)


def test_a_load_balancer_is_in_one_vpc_with_one_subnet_for_each_of_its_zones(
    account: Account,
) -> None:
    other_vpc(account)
    a, b = account.id("subnet-a"), account.id("subnet-b")
    twin = account.make(
        SUBNET, vpcId=account.id("vpc"), cidrBlock="10.0.7.0/28", availabilityZone="eu-west-1a"
    ).id

    def rules(*subnets: str, **more: Any) -> set[str]:
        return {
            rule
            for rule, _ in refused(account.make, BALANCER, name="new", subnets=[*subnets], **more)
        }

    assert rules(a, twin) >= {
        "elbv2.load-balancer.two-zones",
        "elbv2.load-balancer.subnet-per-zone",
    }
    assert "elbv2.load-balancer.subnet-size" in rules(b, twin)
    assert rules(a, account.id("other-b")) == {"elbv2.load-balancer.one-vpc"}
    assert rules(a, b, securityGroups=[account.id("other-group")]) == {
        "elbv2.load-balancer.groups-vpc"
    }


def test_a_load_balancer_cant_move_to_another_vpc(account: Account) -> None:
    other_vpc(account)
    current = account.made["balancer"]
    moved = {
        **current.inputs,
        "subnets": [account.id("other-a"), account.id("other-b")],
        "securityGroups": None,
    }
    expected = ("elbv2.load-balancer.one-vpc", "InvalidConfigurationRequest")
    assert refused(account.update, BALANCER, current.id, moved) == {expected}


def test_a_target_group_serves_one_load_balancer_of_its_own_vpc_and_protocol(
    account: Account,
) -> None:
    vpc = other_vpc(account)
    second = account.make(BALANCER, **account.minimal(BALANCER)).id

    def rules(arn: str) -> set[tuple[str, str]]:
        inputs = {"loadBalancerArn": second, "port": 80, "defaultActions": forward(arn)}
        return refused(account.make, LISTENER, **inputs)

    assert ("elbv2.target-group.one-balancer", "TargetGroupAssociationLimit") in rules(
        account.id("target")
    )
    away = account.make(TARGETS, **{**account.minimal(TARGETS), "name": "away", "vpcId": vpc}).id
    assert ("elbv2.target-group.same-vpc", "InvalidConfigurationRequest") in rules(away)
    tcp = account.make(TARGETS, **{**account.minimal(TARGETS), "name": "tcp", "protocol": "TCP"}).id
    assert ("elbv2.target-group.protocol-fits", "IncompatibleProtocols") in rules(tcp)


def test_a_listener_keeps_its_own_port_on_update_and_a_rule_its_own_priority(
    account: Account,
) -> None:
    for token, name in ((LISTENER, "listener"), (RULE, "rule")):
        current = account.made[name]
        account.update(token, current.id, {**current.inputs, "tags": {"a": "b"}})


def test_a_rule_without_a_priority_comes_after_all_others(account: Account) -> None:
    assert account.make(RULE, **account.minimal(RULE)).outputs["priority"] == 11


def test_no_rule_without_a_priority_comes_after_the_last_one(account: Account) -> None:
    account.make(RULE, **{**account.minimal(RULE), "priority": 50000})
    expected = {("elbv2.listener-rule.priority", "ValidationError")}
    assert refused(account.make, RULE, **account.minimal(RULE)) == expected
    last = account.make(RULE, **{**account.minimal(RULE), "priority": 49999})
    account.update(RULE, last.id, account.minimal(RULE))


def test_names_of_repositories_and_profiles_are_unique(account: Account) -> None:
    for token, rule, code in (
        (
            "aws:ecr/repository:Repository",
            "ecr.repository.unique",
            "RepositoryAlreadyExistsException",
        ),
        (
            "aws:iam/instanceProfile:InstanceProfile",
            "iam.instance-profile.unique",
            "EntityAlreadyExists",
        ),
    ):
        inputs = account.minimal(token)
        account.make(token, **inputs)
        assert refused(account.make, token, **inputs) == {(rule, code)}


def test_a_role_is_taken_out_of_its_instance_profile_and_deleted(account: Account) -> None:
    """The Terraform provider removes it from profiles first (`deleteRole` in iam/role.go)."""
    profile = account.make(PROFILE, name="instances", role="tasks")
    account.delete(ROLE, "tasks")
    assert account.get(PROFILE, profile.id) is not None


def test_a_role_that_lists_managed_policies_is_deleted_with_all_attachments(
    account: Account,
) -> None:
    """Source: `deleteRole` in iam/role.go of the Terraform provider, argument `hasManaged`."""
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    role = account.make(
        ROLE, **{**account.minimal(ROLE), "name": "mixed", "managedPolicyArns": [read_only]}
    )
    account.make(ATTACHMENT, role="mixed", policyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    account.delete(ROLE, role.id)
    assert not account.where(ATTACHMENT, "role", "mixed")


@pytest.mark.parametrize("more", [{"name": "ONE-MORE"}, {"path": "/team/"}])
def test_a_policys_name_is_unique_whatever_its_path_and_case(
    account: Account, more: dict[str, str]
) -> None:
    inputs = account.minimal(POLICY)
    account.make(POLICY, **inputs)
    taken = {("iam.policy.unique", "EntityAlreadyExists")}
    assert refused(account.make, POLICY, **{**inputs, **more}) == taken


@pytest.mark.parametrize(
    "token",
    ["aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy"],
)
def test_a_repository_has_one_policy_of_a_kind_which_is_deleted_with_it(
    account: Account, token: str
) -> None:
    first = account.make(token, **account.minimal(token))
    assert refused(account.make, token, **account.minimal(token)) == {
        ("ecr.policy.unique", "AlreadyExistsException")
    }
    account.delete("aws:ecr/repository:Repository", account.id("repository"))
    assert account.get(token, first.id) is None


def test_a_zones_id_can_have_the_apis_prefix(account: Account) -> None:
    record = "aws:route53/record:Record"
    zone = account.id("zone")
    made = account.make(record, **{**account.minimal(record), "zoneId": f"/hostedzone/{zone}"})
    assert made.outputs["zoneId"] == zone
    twin = {("route53.record.unique", "InvalidChangeBatch")}
    assert refused(account.make, record, **account.minimal(record)) == twin
    expected = {("route53.zone.held", "HostedZoneNotEmpty")}
    assert refused(account.delete, "aws:route53/zone:Zone", zone) == expected


def test_a_gateway_load_balancer_needs_no_internet_gateway(account: Account) -> None:
    other_vpc(account)
    inputs = {
        "name": "inspection",
        "loadBalancerType": "gateway",
        "subnets": [account.id("other-a")],
    }
    account.make(BALANCER, **inputs)
    public = ("elbv2.load-balancer.internet-gateway", "InvalidSubnet")
    assert refused(
        account.make, BALANCER, **{**inputs, "name": "public", "loadBalancerType": "network"}
    ) == {public}


def test_a_load_balancer_with_an_empty_name_gets_a_generated_one(account: Account) -> None:
    inputs = {**account.minimal(BALANCER), "name": ""}
    first, second = account.make(BALANCER, **inputs), account.make(BALANCER, **inputs)
    assert first.outputs["name"].startswith("terraform-")
    assert first.outputs["name"] != second.outputs["name"]


def test_quotas_are_enforced(account: Account) -> None:
    # Beside those of `account`, and the default one.
    for number in range(1, 5 - len(account.all(VPC))):
        account.make(VPC, cidrBlock=f"10.{number}.0.0/16")
    assert ("ec2.vpc.quota", "VpcLimitExceeded") in refused(
        account.make, VPC, cidrBlock="10.9.0.0/16"
    )
    for _ in range(5):
        account.make(EIP)
    assert ("ec2.eip.quota", "AddressLimitExceeded") in refused(account.make, EIP)
    rule = account.minimal(INGRESS)
    for port in range(1, 60):
        account.make(INGRESS, **{**rule, "fromPort": port, "toPort": port})
    full = ("ec2.security-group-rule.quota", "RulesPerSecurityGroupLimitExceeded")
    assert full in refused(account.make, INGRESS, **rule)
    listener = account.minimal(LISTENER)
    for port in range(1000, 1048):
        account.make(LISTENER, **{**listener, "port": port})
    assert ("elbv2.listener.quota", "TooManyListeners") in refused(
        account.make, LISTENER, **listener
    )
    for _ in range(99):
        account.make(RULE, **account.minimal(RULE))
    assert ("elbv2.listener-rule.quota", "TooManyRules") in refused(
        account.make, RULE, **account.minimal(RULE)
    )
    for number in range(10):
        account.make(ATTACHMENT, role="tasks", policyArn=f"arn:aws:iam::aws:policy/P{number}")
    attachment = account.minimal(ATTACHMENT)
    assert ("iam.role.quota", "LimitExceeded") in refused(account.make, ATTACHMENT, **attachment)


def test_quotas_of_vpcs_and_elastic_addresses_are_for_each_region(account: Account) -> None:
    # The inputs have no region, as is usual: they get the provider's.
    for number in range(4):
        account.create(VPC, f"urn:vpc:{number}", {"cidrBlock": "10.0.0.0/16"}, region="us-east-1")
    for number in range(5):
        account.create(EIP, f"urn:eip:{number}", {}, region="us-east-1")
    account.make(VPC, cidrBlock="10.9.0.0/16")
    account.make(EIP)
    with pytest.raises(Refused, match="5 VPCs exist in us-east-1"):
        account.create(VPC, "urn:vpc:last", {"cidrBlock": "10.0.0.0/16"}, region="us-east-1")
    with pytest.raises(Refused, match="AddressLimitExceeded"):
        account.create(EIP, "urn:eip:last", {}, region="us-east-1")


def test_the_parts_of_a_network_must_be_in_one_vpc(account: Account) -> None:
    vpc = other_vpc(account)
    gateway = account.make(GATEWAY).id
    route = {**account.minimal(ROUTE), "gatewayId": gateway}
    assert ("ec2.route.same-vpc", "InvalidParameterValue") in refused(account.make, ROUTE, **route)
    association = {"routeTableId": account.id("table"), "subnetId": account.id("other-a")}
    expected = ("ec2.route-table-association.same-vpc", "InvalidParameterValue")
    assert expected in refused(account.make, ASSOCIATION, **association)
    rule = {
        "securityGroupId": account.id("group"),
        "referencedSecurityGroupId": account.id("other-group"),
    }
    both = {**rule, "ipProtocol": "-1"}
    expected = ("ec2.security-group-rule.same-vpc", "InvalidGroup.NotFound")
    assert expected in refused(account.make, INGRESS, **both)
    account.update(GATEWAY, gateway, {"vpcId": vpc})


def test_a_public_nat_gateway_needs_an_internet_gateway_and_a_free_address(
    account: Account,
) -> None:
    other_vpc(account)
    address = account.make(EIP)
    inputs = {"allocationId": address.id, "subnetId": account.id("other-a")}
    assert ("ec2.nat-gateway.internet", "Gateway.NotAttached") in refused(
        account.make, NAT, **inputs
    )
    gateway = account.make(NAT, allocationId=address.id, subnetId=account.id("subnet-a"))
    assert gateway.outputs["publicIp"] == address.outputs["publicIp"]
    again = {"allocationId": address.id, "subnetId": account.id("subnet-b")}
    expected = ("ec2.nat-gateway.address-in-use", "Resource.AlreadyAssociated")
    assert expected in refused(account.make, NAT, **again)
    assert ("ec2.eip.held", "InvalidIPAddress.InUse") in refused(account.delete, EIP, address.id)


IN_USE = [
    ("vpc", "ec2.vpc.held", "DependencyViolation"),
    ("subnet-a", "ec2.subnet.held", "DependencyViolation"),
    ("gateway", "ec2.internet-gateway.held", "DependencyViolation"),
    ("group", "ec2.security-group.held", "DependencyViolation"),
    ("target", "elbv2.target-group.held", "ResourceInUse"),
    ("cluster", "ecs.cluster.held", "ClusterContainsServicesException"),
]


@pytest.mark.parametrize(("name", "rule", "code"), IN_USE)
def test_a_resource_in_use_cant_be_deleted(
    account: Account, name: str, rule: str, code: str
) -> None:
    resource = account.made[name]
    assert (rule, code) in refused(account.delete, resource.token, resource.id)
    assert account.get(resource.token, resource.id) is not None


def test_a_protected_resource_can_be_deleted_only_after_its_protection_is_off(
    account: Account,
) -> None:
    balancer = account.made["balancer"]
    account.update(BALANCER, balancer.id, {**balancer.inputs, "enableDeletionProtection": True})
    expected = ("elbv2.load-balancer.deletion-protection", "OperationNotPermitted")
    assert expected in refused(account.delete, BALANCER, balancer.id)
    account.update(BALANCER, balancer.id, balancer.inputs)
    account.delete(BALANCER, balancer.id)
    logs = account.make(
        "aws:cloudwatch/logGroup:LogGroup", name="kept", deletionProtectionEnabled=True
    )
    expected = ("logs.group.deletion-protection", "OperationNotPermitted")
    assert expected in refused(account.delete, logs.token, logs.id)


def test_a_role_with_policies_can_be_deleted_only_with_force(account: Account) -> None:
    policy = account.make(POLICY, **account.minimal(POLICY)).id
    attachment = account.make(ATTACHMENT, role="tasks", policyArn=policy)
    assert ("iam.role.held", "DeleteConflict") in refused(account.delete, ROLE, "tasks")
    assert ("iam.policy.held", "DeleteConflict") in refused(account.delete, POLICY, policy)
    assert ("iam.policy.unique", "EntityAlreadyExists") in refused(
        account.make, POLICY, **account.minimal(POLICY)
    )
    account.update(ROLE, "tasks", {**account.made["role"].inputs, "forceDetachPolicies": True})
    account.delete(ROLE, "tasks")
    assert account.get(ATTACHMENT, attachment.id) is None


def test_deleting_a_load_balancer_deletes_its_listeners_and_rules_and_frees_their_groups(
    account: Account,
) -> None:
    account.delete(BALANCER, account.id("balancer"))
    assert not account.all(LISTENER)
    assert not account.all(RULE)
    account.delete(TARGETS, account.id("target"))


def test_all_resources_can_be_deleted_in_the_order_of_a_destroy(account: Account) -> None:
    for resource in reversed(account.made.values()):
        if resource.token != "aws:cloudwatch/logGroup:LogGroup":
            account.delete(resource.token, resource.id)
    left: list[str] = []
    for token in CATALOG:
        left += [each.id for each in account.all(token)]
    assert left == ["/web"]


def test_a_vpcs_main_table_and_default_group_are_deleted_only_with_it(account: Account) -> None:
    vpc = account.make(VPC, cidrBlock="10.8.0.0/16")
    table, group = vpc.outputs["mainRouteTableId"], vpc.outputs["defaultSecurityGroupId"]
    main = ("ec2.route-table.main", "DependencyViolation")
    assert main in refused(account.delete, "aws:ec2/routeTable:RouteTable", table)
    default = ("ec2.security-group.default", "CannotDelete")
    assert default in refused(account.delete, GROUP, group)
    adopted = account.make("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", vpcId=vpc.id)
    assert adopted.id == group
    account.delete(VPC, vpc.id)
    assert account.get(GROUP, group) is None
    assert account.get("aws:ec2/routeTable:RouteTable", table) is None
