"""The checks before anything is registered: refused all at once, without reading a secret.

Under the mocks, whose answers to lookups have the words of the provider; AWS's own words, which it
passes on where the caller lacks a permission, are put in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from gate.configurations import VALUE_OF_A_SECRET
from infra.errors import SettingsError
from infra.program import preflight
from localaws.catalog import Refusal
from localaws.mocks import Cloud, Mistake, SeededParameter
from localaws.mocks.mistake import LookupFailedError
from tests.infra import recorder

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = f"{recorder.REGION}:123456789012"
CERTIFICATE = "aws:acm/certificate:Certificate"
PARAMETER = "aws:ssm/getParameter:getParameter"
SECRET = "aws:secretsmanager/getSecret:getSecret"
EIPS = "aws:ec2/getEips:getEips"
VPCS = "aws:ec2/getVpcs:getVpcs"
QUOTA = "aws:servicequotas/getServiceQuota:getServiceQuota"
DENIED = {
    PARAMETER: "ssm:GetParameter",
    SECRET: "secretsmanager:DescribeSecret",
    "aws:acm/getCertificate:getCertificate": "acm:ListCertificates",
    VPCS: "ec2:DescribeVpcs",
    EIPS: "ec2:DescribeAddresses",
}
"""Lookups, and the first action that each takes."""


class Denying(recorder.Recorder):
    """An engine whose caller may not look anything up that only the pre-flight asks for."""

    words = (
        "User: arn:aws:iam::123456789012:user/x is not authorized to perform: {action} on "
        "resource: y"
    )

    def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        if request.tok in DENIED:
            message = (
                f"api error AccessDeniedException: {self.words.format(action=DENIED[request.tok])}"
            )
            raise LookupFailedError(
                request.tok, Mistake("invoking", Refusal("AccessDenied", message, "a.rule"))
            )
        return super().Invoke(request)


def refused(engine: recorder.Recorder, **changes: Any) -> dict[str, str]:
    """What a run is refused for, by key, before anything is registered."""
    with pytest.raises(SettingsError) as refusal:
        recorder.run_under(engine, "dev", recorder.configuration("dev", changes))
    assert engine.registered == []
    return {problem.key: str(problem) for problem in refusal.value.problems}


def full(cloud: Cloud, token: str, count: int, **inputs: Any) -> Cloud:
    for number in range(count):
        cloud.create(token, f"urn:{token}{number}", inputs, region=recorder.REGION)
    return cloud


def an_account(**changes: Any) -> Cloud:
    """An account with every secret that dev's configuration, so changed, names."""
    return recorder.account_for(recorder.configuration("dev", changes))


def test_all_problems_are_reported_at_once() -> None:
    found = refused(
        recorder.Recorder(full(Cloud(seed=1), recorder.VPC, 4, cidrBlock="10.0.0.0/16")),
        secrets={"A": "/a", "B": "secretsmanager:b#x", "C": "/a"},
        logKeyArn="arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000001",
    )
    assert found.keys() == {"secrets", "logKeyArn", "vpcId"}


@pytest.mark.parametrize(
    ("name", "make"),
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
    name: str, make: str
) -> None:
    found = refused(recorder.Recorder(Cloud(seed=1)), secrets={"A": name})
    assert found["secrets"].startswith("secrets: A, ")
    assert make in found["secrets"]


@pytest.mark.parametrize(
    "name",
    [
        *("/a", "plain", f"arn:aws:ssm:{HERE}:parameter/a/b"),
        *("secretsmanager:b", f"arn:aws:secretsmanager:{HERE}:secret:b-AbCdEf:key::"),
    ],
)
def test_each_secret_is_looked_up_once(name: str) -> None:
    recording = recorder.run("dev", secrets={"A": name, "B": name})
    asked = [args for token, args in recording.invoked if token in {PARAMETER, SECRET}]
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["plain", "/plain"])
def test_a_parameter_is_found_by_an_arn_without_being_read_whether_its_name_has_a_slash_or_not(
    name: str,
) -> None:
    account = Cloud(seed=1)
    account.parameters = {name: SeededParameter("hunter2")}
    engine = recorder.Recorder(account)
    config = recorder.configuration(
        "dev", {"secrets": {"A": f"arn:aws:ssm:{HERE}:parameter/plain"}}
    )
    recorder.run_under(engine, "dev", config)
    assert all(
        args["name"].endswith(":999999999") for token, args in engine.invoked if token == PARAMETER
    )


def test_no_lookup_returns_a_secrets_value() -> None:
    """Each answer to the program is kept, the failed ones' texts too."""
    answers: list[str] = []

    class Watched(recorder.Recorder):
        def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
            try:
                answer = super().Invoke(request)
            except LookupFailedError as error:
                answers.append(str(error))
                raise
            answers.append(str(answer))
            return answer

    changes = {"secrets": {"A": "/a", "B": "secretsmanager:b"}}
    account = an_account(**changes)
    recorder.run_under(Watched(account), "dev", recorder.configuration("dev", changes))
    assert any("ParameterVersionNotFound" in each for each in answers)
    assert VALUE_OF_A_SECRET in {seeded.value for seeded in account.parameters.values()}
    assert not any(VALUE_OF_A_SECRET in each for each in answers)


def test_a_lookup_that_succeeds_for_the_impossible_version_means_that_the_parameter_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should AWS ever answer that question otherwise, no stack is refused for it."""
    asked: list[str] = []

    def get_parameter(*, name: str, with_decryption: bool) -> None:
        asked.append(name)
        assert with_decryption is False
        if ":" in name:
            # As the SDK
            raise Exception("reading SSM Parameter: couldn't find resource")  # noqa: TRY002

    monkeypatch.setattr("pulumi_aws.ssm.get_parameter", get_parameter)
    assert preflight._parameter_exists("/a")
    assert asked == ["/a:999999999", "/a"]


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
    for action in DENIED.values():
        assert any(f"takes {action}, which the caller lacks" in each for each in warnings), action
    assert any(each.startswith("The SSM parameter /a wasn't checked: ") for each in warnings)


def test_a_lookup_that_fails_otherwise_is_a_warning_too(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: warnings.append(message))
    monkeypatch.setattr(Denying, "words", "ThrottlingException: Rate exceeded")
    recorder.run_under(Denying(Cloud(seed=1)), "dev", recorder.configuration("dev", {}))
    assert any("Rate exceeded" in each for each in warnings)


def test_without_secrets_and_in_an_existing_vpc_nothing_is_looked_up(
    existing_vpc: recorder.Recording,
) -> None:
    vpc = recorder.made(existing_vpc.cloud, recorder.VPC)[0].id
    recording = recorder.run(
        "third", file="dev", cloud=existing_vpc.cloud, vpcId=vpc, serviceName="third", secrets={}
    )
    assert not [token for token, _ in recording.invoked if token in {*DENIED, QUOTA}]


@pytest.mark.parametrize(("there", "good"), [(3, True), (4, False)])
def test_a_quota_of_vpcs_that_is_reached_is_refused_with_how_to_raise_it(
    there: int,
    good: bool,  # noqa: FBT001
) -> None:
    account = full(
        an_account(), recorder.VPC, there, cidrBlock="10.0.0.0/16"
    )  # beside the default one
    if good:
        recorder.run("dev", cloud=account)
        return
    found = refused(recorder.Recorder(account))
    assert "ap-northeast-1 has 5 of at most 5" in found["vpcId"]
    assert "--service-code vpc --quota-code L-F678F1CE --desired-value 6" in found["vpcId"]


@pytest.mark.parametrize(
    ("network", "there", "good"), [("nat", 4, True), ("nat", 5, False), ("nat-per-zone", 4, False)]
)
def test_a_quota_of_addresses_that_is_reached_is_refused_by_how_many_are_needed(
    network: str,
    there: int,
    good: bool,  # noqa: FBT001 — a table's column
) -> None:
    account = full(an_account(), "aws:ec2/eip:Eip", there, domain="vpc")
    if good:
        recorder.run("dev", cloud=account, network=network)
        return
    found = refused(recorder.Recorder(account), network=network)
    assert f"ap-northeast-1 has {there} of at most 5" in found["network"]
    assert "--service-code ec2 --quota-code L-0263D0A3 --desired-value 6" in found["network"]


def test_a_deployed_stacks_own_resources_need_no_quota() -> None:
    before = recorder.deployed("dev", network="nat")
    full(before.cloud, recorder.VPC, 3, cidrBlock="10.0.0.0/16")
    full(before.cloud, "aws:ec2/eip:Eip", 4, domain="vpc")
    after = recorder.run("dev", after=before, network="nat")
    assert set(after.operations.values()) <= {"same"}
    assert QUOTA not in {token for token, _ in after.invoked}, (
        "what needs nothing asks for no quota"
    )


def certificate(cloud: Cloud, *names: str) -> Sequence[str]:
    """ARNs of certificates that are requested and not validated."""
    inputs = {"validationMethod": "DNS", "keyAlgorithm": "EC_prime256v1"}
    arns = []
    for name in names:
        wanted = {**inputs, "domainName": name}
        made = cloud.create(CERTIFICATE, f"urn:{name}", wanted, region=recorder.REGION)
        arns.append(made.id)
    return arns


@pytest.mark.parametrize("name", ["shop.example.com", "*.example.com"])
def test_a_certificate_that_is_not_issued_is_refused_with_its_status(name: str) -> None:
    account = an_account()
    (arn,) = certificate(account, name)
    found = refused(recorder.Recorder(account), domain="shop.example.com", certificateArn=arn)
    assert found["certificateArn"].startswith(
        f"certificateArn: {arn}, whose status is PENDING_VALIDATION; allowed: "
    )
    assert "aws acm describe-certificate" in found["certificateArn"]


def test_another_certificate_that_is_not_issued_is_no_problem() -> None:
    account = an_account()
    certificate(account, "shop.example.com")
    own = f"arn:aws:acm:{HERE}:certificate/00000000-0000-0000-0000-000000000001"
    recorder.run("dev", cloud=account, domain="shop.example.com", certificateArn=own)


def test_a_stack_that_has_its_certificate_issued_asks_for_none() -> None:
    recording = recorder.run("dev", domain="shop.example.com", hostedZone="example.com")
    assert not [token for token, _ in recording.invoked if "Certificate" in token]


def test_previews_make_the_same_checks() -> None:
    before = recorder.deployed("dev")
    before.cloud.parameters = {}
    config = recorder.configuration("dev", {})
    with pytest.raises(SettingsError):
        recorder.run_under(recorder.Recorder(before.cloud), "dev", config, after=before)
