"""Rules about other resources, of services and roles; quotas; deletions that a use forbids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localaws.catalog import CATALOG, Refused
from tests.localaws.catalog.conftest import forward
from tests.localaws.catalog.load_balancer_cases import BALANCER, LISTENER, RULE, TARGETS
from tests.localaws.catalog.network_cases import EIP, INGRESS, VPC
from tests.localaws.catalog.operations import other_vpc, refused, refused_rules

if TYPE_CHECKING:
    from tests.localaws.catalog.conftest import Account

SERVICE = "aws:ecs/service:Service"
DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
CLUSTER = "aws:ecs/cluster:Cluster"


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


def test_quotas_are_enforced(account: Account) -> None:
    # Beside those of `account`, and the default one.
    for number in range(1, 5 - len(account.all(VPC))):
        account.make(VPC, cidrBlock=f"10.{number}.0.0/16")
    assert ("ec2.vpc.quota", "VpcLimitExceeded") in refused(
        account.make, VPC, cidrBlock="10.9.0.0/16"
    )
    for _ in range(5 - len(account.all(EIP))):
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


def test_all_resources_can_be_deleted_in_the_order_of_a_destroy(account: Account) -> None:
    for resource in reversed(account.made.values()):
        if resource.token != "aws:cloudwatch/logGroup:LogGroup":
            account.delete(resource.token, resource.id)
    left: list[str] = []
    for token in CATALOG:
        left += [each.id for each in account.all(token)]
    assert left == ["/web"]
