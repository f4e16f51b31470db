"""Failures of a provider's methods, as the engine gets them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from localaws.account.cloud import Cloud
from localaws.account.parameters import BadParameters
from localaws.catalog import Refusal, Refused
from localaws.machine.addresses import NoAddressError
from tests.localaws.protocol.served_provider import Idle, create, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


TOKEN = "aws:cloudwatch/logGroup:LogGroup"
URN = f"urn:pulumi:local::web::pkg:index:Parent${TOKEN}::logs"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/cloud.jsonl")
FAULT = KeyError("arn")
LOG = Path("/x/daemon.log")
FUNCTION = "localaws:index:fail"

FAILURES = [
    pytest.param(NoAddressError("no address is free; delete one"), id="NoAddressError"),
    pytest.param(BadParameters("local.parameters.toml: line 1"), id="BadParameters"),
    pytest.param(Refused(Refusal("Busy", "try again", "some.rule")), id="Refused"),
    pytest.param(FULL, id="OSError"),
    pytest.param(FAULT, id="KeyError"),
]


def described(error: Exception) -> str:
    """Return how a user reads of an error."""
    if isinstance(error, OSError):
        return (
            "/x/cloud.jsonl: No space left on device. Free some space there, and run the same "
            "command again"
        )
    if isinstance(error, KeyError):
        return (
            "KeyError: 'arn'. This is a fault of the local AWS itself; its traceback is in "
            "/x/daemon.log"
        )
    return str(error)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(seed=1)


@pytest.fixture
async def provider(cloud: Cloud) -> AsyncIterator[Any]:
    async with serving(Idle(), cloud, log=LOG) as client:
        yield client


def failing(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("error", FAILURES)
async def test_a_failed_creation_names_the_resource(
    error: Exception, provider: Any, cloud: Cloud
) -> None:
    cloud.completions[TOKEN] = failing(error)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(provider, URN, {"name": "g"})
    assert caught.value.details() == f"creating LogGroup 'logs': {described(error)}"


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("Diff", "comparing"),
        ("Read", "reading"),
        ("Update", "updating"),
        ("Delete", "deleting"),
    ],
)
async def test_another_failed_operation_names_the_resource_with_its_id(
    method: str,
    verb: str,
    provider: Any,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await create(provider, URN, {"name": "g"})
    monkeypatch.setattr(cloud, "get", failing(FULL))
    request = getattr(provider_pb2, f"{method}Request")(urn=URN, id="g")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(provider, method)(request)
    assert caught.value.details() == f"{verb} LogGroup 'logs' (g): {described(FULL)}"


async def test_a_failed_check_names_the_resource(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localaws.protocol.aws.with_name", failing(FAULT))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await provider.Check(provider_pb2.CheckRequest(urn=URN))
    assert caught.value.details() == f"checking LogGroup 'logs': {described(FAULT)}"


@pytest.mark.parametrize("error", FAILURES)
async def test_a_failed_function_is_named(error: Exception) -> None:
    functions = {FUNCTION: failing(error)}
    async with serving(Idle(), Cloud(seed=1), log=LOG, functions=functions) as provider:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await provider.Invoke(provider_pb2.InvokeRequest(tok=FUNCTION))
    assert caught.value.details() == f"invoking {FUNCTION}: {described(error)}"


async def test_only_a_fault_of_the_local_aws_is_logged_with_its_traceback(
    provider: Any, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (NoAddressError("no address is free"), FAULT):
        cloud.completions[TOKEN] = failing(error)
        with pytest.raises(grpc.aio.AioRpcError):
            await create(provider, URN, {"name": "g"})
    logged = [record for record in caplog.records if record.exc_info]
    assert [record.getMessage() for record in logged] == ["creating LogGroup 'logs'"]
    assert "KeyError" in caplog.text


async def test_a_method_that_the_provider_lacks_is_reported_as_such(provider: Any) -> None:
    """The engine goes on without it by the status code."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await provider.GetMapping(provider_pb2.GetMappingRequest(key="terraform"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
