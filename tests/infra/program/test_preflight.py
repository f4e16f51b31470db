"""The checks before anything is registered: all problems at once, and no secret is read.

The mocks answer lookups with the provider's messages. `denied_lookups` has AWS's message for a
missing permission, which the provider passes on.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from gate.configurations import VALUE_OF_A_SECRET
from infra.errors import SettingsError
from infra.program.lookups import secrets
from localaws.mocks import Cloud, SeededParameter
from localaws.mocks.mistake import LookupFailedError
from tests.infra import recorder
from tests.infra.program.denied_lookups import ACTIONS, PARAMETER, SECRET, Denying

HERE = f"{recorder.REGION}:123456789012"
CERTIFICATE = "aws:acm/certificate:Certificate"
QUOTA = "aws:servicequotas/getServiceQuota:getServiceQuota"


def problems_in(account: Cloud, **changes: Any) -> dict[str, str]:
    """Return the problems of a run in an account, by key; it registers nothing."""
    config = recorder.configuration("dev", changes)
    refusal = recorder.refusal_by(recorder.Recorder(account), config)
    return {problem.key: str(problem) for problem in refusal.problems}


def fill(cloud: Cloud, token: str, count: int, **inputs: Any) -> Cloud:
    """Create a number of resources in an account, and return the account."""
    for number in range(count):
        cloud.create(token, f"urn:{token}{number}", inputs, region=recorder.REGION)
    return cloud


def account_with_secrets(**changes: Any) -> Cloud:
    """Return an account with every secret that dev's configuration names after these changes."""
    return recorder.account_for(recorder.configuration("dev", changes))


def test_all_problems_are_reported_at_once() -> None:
    found = problems_in(
        fill(Cloud(seed=1), recorder.VPC, 4, cidrBlock="10.0.0.0/16"),
        secrets={"A": "/a", "B": "secretsmanager:b#x", "C": "/a"},
        logKeyArn="arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000001",
    )
    assert found.keys() == {"secrets", "logKeyArn", "vpcId"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (
            "/a",
            (
                "aws ssm put-parameter --type SecureString --name /a --value VALUE --region "
                "ap-northeast-1"
            ),
        ),
        (
            f"arn:aws:ssm:{HERE}:parameter/a/b",
            "no parameter of SSM in 123456789012, ap-northeast-1",
        ),
        ("secretsmanager:b", "aws secretsmanager create-secret --name b --secret-string VALUE"),
        ("secretsmanager:rds!b#password", "no secret of Secrets Manager in 123456789012"),
        (f"arn:aws:secretsmanager:{HERE}:secret:b-AbCdEf::AWSPREVIOUS:", "local.parameters.toml"),
    ],
)
def test_a_missing_secret_is_refused_with_its_variable_and_how_to_create_it(
    name: str, hint: str
) -> None:
    found = problems_in(Cloud(seed=1), secrets={"A": name})
    assert found["secrets"].startswith("secrets: A, ")
    assert hint in found["secrets"]


@pytest.mark.parametrize(
    "name",
    [
        *("/a", "plain", f"arn:aws:ssm:{HERE}:parameter/a/b"),
        *("secretsmanager:b", f"arn:aws:secretsmanager:{HERE}:secret:b-AbCdEf:key::"),
    ],
)
def test_each_secret_is_looked_up_once(name: str) -> None:
    recording = recorder.run("dev", secrets={"A": name, "B": name})
    lookups = [args for token, args in recording.invoked if token in {PARAMETER, SECRET}]
    assert len(lookups) == 1


@pytest.mark.parametrize("name", ["plain", "/plain"])
def test_a_parameter_with_or_without_a_slash_is_found_by_its_arn_without_being_read(
    name: str,
) -> None:
    account = Cloud(seed=1)
    account.parameters = {name: SeededParameter("hunter2")}
    engine = recorder.Recorder(account)
    config = recorder.configuration(
        "dev", {"secrets": {"A": f"arn:aws:ssm:{HERE}:parameter/plain"}}
    )
    recorder.run_under(engine, "dev", config)
    lookups = [args for token, args in engine.invoked if token == PARAMETER]
    assert lookups
    for lookup in lookups:
        assert lookup["name"].endswith(":999999999"), "a version that doesn't exist"


def test_no_lookup_returns_a_secrets_value() -> None:
    """Search each answer to the program, and the message of each failed lookup."""
    answers: list[str] = []

    class Answering(recorder.Recorder):
        def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
            try:
                answer = super().Invoke(request)
            except LookupFailedError as error:
                answers.append(str(error))
                raise
            answers.append(str(answer))
            return answer

    changes = {"secrets": {"A": "/a", "B": "secretsmanager:b"}}
    account = account_with_secrets(**changes)
    recorder.run_under(Answering(account), "dev", recorder.configuration("dev", changes))
    assert any("ParameterVersionNotFound" in each for each in answers)
    assert VALUE_OF_A_SECRET in {seeded.value for seeded in account.parameters.values()}
    assert not any(VALUE_OF_A_SECRET in each for each in answers)


def test_a_parameter_whose_impossible_version_is_not_found_is_looked_up_without_a_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refuse no stack if AWS should answer such a lookup differently one day."""
    names: list[str] = []

    def get_parameter(*, name: str, with_decryption: bool) -> None:
        names.append(name)
        assert with_decryption is False
        if ":" in name:
            # As the SDK
            raise Exception("reading SSM Parameter: couldn't find resource")  # noqa: TRY002

    monkeypatch.setattr("pulumi_aws.ssm.get_parameter", get_parameter)
    assert secrets._parameter_exists("/a")
    assert names == ["/a:999999999", "/a"]


def test_secrets_of_another_account_are_not_looked_up() -> None:
    name = "arn:aws:secretsmanager:ap-northeast-1:210987654321:secret:b-AbCdEf"
    recording = recorder.run("dev", cloud=Cloud(seed=1), secrets={"A": name})
    assert not [token for token, _ in recording.invoked if token == SECRET]


def test_without_permission_a_lookup_is_a_warning_with_the_action(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: warnings.append(message))
    changes = {
        "secrets": {"A": "/a", "B": "secretsmanager:b"},
        "network": "nat",
        "domain": "shop.example.com",
        "certificateArn": f"arn:aws:acm:{HERE}:certificate/00000000-0000-0000-0000-000000000001",
    }
    recording = recorder.run_under(
        Denying(Cloud(seed=1)), "dev", recorder.configuration("dev", changes)
    )
    assert recording.one("Service").name == "web", "the run went on"
    for action in ACTIONS.values():
        assert any(f"takes {action}, which the caller lacks" in each for each in warnings), action
    assert any(each.startswith("The SSM parameter /a wasn't checked: ") for each in warnings)


def test_a_lookup_that_fails_otherwise_is_a_warning_too(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: warnings.append(message))
    monkeypatch.setattr(Denying, "message", "ThrottlingException: Rate exceeded")
    recorder.run_under(Denying(Cloud(seed=1)), "dev", recorder.configuration("dev", {}))
    assert any("Rate exceeded" in each for each in warnings)


def test_a_bug_in_a_check_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyError("tags")

    monkeypatch.setattr("infra.program.preflight.ownership.problems", crash)
    with pytest.raises(KeyError, match="tags"):
        recorder.run("dev")


def test_without_secrets_and_in_an_existing_vpc_nothing_is_looked_up(
    existing_vpc: recorder.Recording,
) -> None:
    vpc = recorder.made(existing_vpc.cloud, recorder.VPC)[0].id
    recording = recorder.run(
        "third", file="dev", cloud=existing_vpc.cloud, vpcId=vpc, serviceName="third", secrets={}
    )
    assert not [token for token, _ in recording.invoked if token in {*ACTIONS, QUOTA}]


@pytest.mark.parametrize(("existing", "accepted"), [(3, True), (4, False)])
def test_a_stack_beyond_the_quota_of_vpcs_is_refused_with_the_command_that_raises_it(
    existing: int,
    *,
    accepted: bool,
) -> None:
    # The account has a default VPC as well.
    account = fill(account_with_secrets(), recorder.VPC, existing, cidrBlock="10.0.0.0/16")
    if accepted:
        recorder.run("dev", cloud=account)
        return
    found = problems_in(account)
    assert "ap-northeast-1 has 5 of at most 5" in found["vpcId"]
    assert "--service-code vpc --quota-code L-F678F1CE --desired-value 6" in found["vpcId"]


def test_the_vpcs_that_use_up_the_quota_are_named_with_their_stacks_and_how_to_delete_one() -> None:
    account = fill(account_with_secrets(), recorder.VPC, 1, cidrBlock="10.0.0.0/16")
    own = account.all(recorder.VPC)[-1].id
    for stack in ("one", "two", "three"):
        recorder.run(stack, file="dev", cloud=account)
    found = problems_in(account)
    assert (
        f"5 of at most 5: {own}, the default VPC, that of stack one of fargate-web, that of stack "
        "two of fargate-web, that of stack three of fargate-web; allowed"
    ) in found["vpcId"]
    assert "with the local AWS `pulumi-local destroy --stack NAME`, deletes" in found["vpcId"]


@pytest.mark.parametrize(
    ("network", "existing", "accepted"),
    [("nat", 4, True), ("nat", 5, False), ("nat-per-zone", 4, False)],
)
def test_a_stack_beyond_the_quota_of_addresses_is_refused_by_the_number_that_it_needs(
    network: str,
    existing: int,
    *,
    accepted: bool,
) -> None:
    account = fill(account_with_secrets(), "aws:ec2/eip:Eip", existing, domain="vpc")
    if accepted:
        recorder.run("dev", cloud=account, network=network)
        return
    found = problems_in(account, network=network)
    assert f"ap-northeast-1 has {existing} of at most 5" in found["network"]
    assert "--service-code ec2 --quota-code L-0263D0A3 --desired-value 6" in found["network"]
    assert "with the local AWS `pulumi-local destroy --stack NAME`, deletes" in found["network"]


def test_a_deployed_stacks_own_resources_need_no_quota() -> None:
    before = recorder.deployed("dev", network="nat")
    fill(before.cloud, recorder.VPC, 3, cidrBlock="10.0.0.0/16")
    fill(before.cloud, "aws:ec2/eip:Eip", 4, domain="vpc")
    after = recorder.run("dev", after=before, network="nat")
    assert set(after.operations.values()) <= {"same"}
    assert QUOTA not in {token for token, _ in after.invoked}, (
        "no quota is looked up for resources that exist"
    )


def test_the_stacks_own_vpcs_are_looked_up_once(dev: recorder.Recording) -> None:
    lookups = [args for token, args in dev.invoked if token == "aws:ec2/getVpcs:getVpcs"]
    assert sum("tags" in args for args in lookups) == 1, (
        "its running network and the quota of VPCs need the same answer"
    )


def request_certificate(cloud: Cloud, name: str) -> str:
    """Request a certificate, that isn't validated, and return its ARN."""
    inputs = {"validationMethod": "DNS", "keyAlgorithm": "EC_prime256v1", "domainName": name}
    return cloud.create(CERTIFICATE, f"urn:{name}", inputs, region=recorder.REGION).id


@pytest.mark.parametrize("name", ["shop.example.com", "*.example.com"])
def test_a_certificate_that_is_not_issued_is_refused_with_its_status(name: str) -> None:
    account = account_with_secrets()
    arn = request_certificate(account, name)
    found = problems_in(account, domain="shop.example.com", certificateArn=arn)
    assert found["certificateArn"].startswith(
        f"certificateArn: {arn}, whose status is PENDING_VALIDATION; allowed: "
    )
    assert "aws acm describe-certificate" in found["certificateArn"]


def test_another_certificate_that_is_not_issued_is_ignored() -> None:
    account = account_with_secrets()
    request_certificate(account, "shop.example.com")
    own = f"arn:aws:acm:{HERE}:certificate/00000000-0000-0000-0000-000000000001"
    recording = recorder.run("dev", cloud=account, domain="shop.example.com", certificateArn=own)
    assert recording.one("Listener", "alb-https").inputs["certificateArn"] == own


def test_a_stack_that_requests_its_own_certificate_looks_none_up() -> None:
    recording = recorder.run("dev", domain="shop.example.com", hostedZone="example.com")
    assert not [token for token, _ in recording.invoked if "Certificate" in token]


def test_previews_make_the_same_checks() -> None:
    before = recorder.deployed("dev")
    before.cloud.parameters = {}
    config = recorder.configuration("dev", {})
    with pytest.raises(SettingsError, match="secrets: "):
        recorder.run_under(recorder.Recorder(before.cloud), "dev", config, after=before)
