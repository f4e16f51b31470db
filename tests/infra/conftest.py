"""Recordings that several tests share, each made once."""

from __future__ import annotations

import os

import pytest

from tests.infra import recorder

EXTRA_CERTIFICATE = (
    "arn:aws:acm:ap-northeast-1:123456789012:certificate/00000000-0000-0000-0000-000000000001"
)

# With this, converting an Output into text raises instead of yielding a sentence about Outputs.
os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"


@pytest.fixture(scope="session")
def dev() -> recorder.Recording:
    return recorder.deployed("dev")


@pytest.fixture(scope="session")
def prod() -> recorder.Recording:
    return recorder.deployed("prod")


@pytest.fixture(scope="session")
def without_exec() -> recorder.Recording:
    return recorder.deployed("dev", ecsExec=False)


@pytest.fixture(scope="session")
def sealed() -> recorder.Recording:
    """The dev stack with endpoints only, customer managed keys and additional policy statements."""
    here = "ap-northeast-1:123456789012"
    key = f"arn:aws:kms:{here}:key/12345678-1234-1234-1234-123456789012"
    return recorder.run(
        "dev",
        network="endpoints",
        image="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/team/shop@sha256:" + "0" * 64,
        requireImageDigest=True,
        user="101",
        containerPort=8080,
        flowLogs="all",
        secrets={"DB": "secretsmanager:db#password", "MESSAGE": "/demo/dev/message"},
        secretKeyArns=[key],
        logKeyArn=key,
        execKeyArn=key,
        taskPolicyStatements=[{"Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"}],
        permissionsBoundaryArn="arn:aws:iam::123456789012:policy/boundary",
    )


@pytest.fixture(scope="session")
def existing_vpc() -> recorder.Recording:
    """The dev stack in another stack's VPC."""
    first = recorder.run("other", file="dev", serviceName="first")
    vpc = recorder.made(first.cloud, recorder.VPC)[0].id
    return recorder.run("dev", cloud=first.cloud, vpcId=vpc)


@pytest.fixture(scope="session")
def on_instances() -> recorder.Recording:
    """The dev stack with tasks on EC2 instances."""
    return recorder.deployed("dev", capacity="ec2", network="nat")


@pytest.fixture(scope="session")
def on_spot() -> recorder.Recording:
    """The dev stack on Fargate's spare capacity, with one task on Fargate itself."""
    return recorder.run("dev", capacity="fargate-spot", onDemandBase=1)


@pytest.fixture(scope="session")
def edge() -> recorder.Recording:
    """The dev stack with a domain, an access log and a WAF."""
    return recorder.run(
        "dev",
        domain="shop.example.com",
        hostedZone="example.com",
        extraCertificateArns=[EXTRA_CERTIFICATE],
        accessLogs=True,
        waf="block",
    )


@pytest.fixture(scope="session")
def another_image() -> recorder.Recording:
    """The dev stack with a private image, another port and health path, and more tasks."""
    return recorder.run(
        "dev",
        image="210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/shop@sha256:" + "0" * 64,
        command=[],
        containerName="shop",
        containerPort=8080,
        healthCheckPath="/healthz?deep=1",
        desiredCount=7,
        cpuUnits=1024,
        memoryMib=4096,
        cpuArchitecture="ARM64",
        environment={"MODE": "fast"},
        secrets={},
        serviceName="shop",
    )
