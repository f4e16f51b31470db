"""The service of a stack: its state, its failing versions, and changes to it outside Pulumi."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localaws.protocol.property_values import from_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.stack import Stack

SERVICE = "aws:ecs/service:Service"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"

MISSING = "secretsmanager:demo/local/settings#missing"
"""A key that a secret of the file of parameters lacks: what the program, which reads no secret,
can't find out.
"""

MISSING_SECRET = ("-c", f'fargate-web:secrets={{"APP_MESSAGE":"{MISSING}"}}')


def service_of(stack: Stack) -> dict[str, Any]:
    """What `aws.ecs.get_service` answers."""
    (arn,) = (each["id"] for each in stack.resources() if each["type"] == SERVICE)
    return get_service(stack, arn)


def get_service(stack: Stack, arn: str) -> dict[str, Any]:
    """The same of the service with that ARN."""
    cluster, name = arn.partition(":service/")[2].split("/")
    request = provider_pb2.InvokeRequest(
        tok="aws:ecs/getService:getService",
        args=to_wire({"clusterArn": cluster, "serviceName": name}),
    )
    with console(stack) as aws:
        return from_wire(getattr(aws.Invoke(request), "return"))


def server(code: int, delay_seconds: float = 0) -> tuple[str, ...]:
    """Return a container's command that listens after a delay and answers with the given code."""
    program = (
        "import os, time; from http.server import *; "
        f"answer = {{'do_GET': lambda request: request.send_error({code})}}; "
        f"time.sleep({delay_seconds}); "
        "place = os.environ.get('HOST', '0.0.0.0'), int(os.environ.get('PORT', '80')); "
        "HTTPServer(place, type('Handler', (BaseHTTPRequestHandler,), answer)).serve_forever()"
    )
    return "python3", "-c", program


@contextmanager
def console(stack: Stack) -> Iterator[Any]:
    """Connect to the provider without Pulumi, as AWS's console would, to change resources."""
    with grpc.insecure_channel(f"127.0.0.1:{stack.address.aws_port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def of_type(stack: Stack, token: str) -> dict[str, Any]:
    (found,) = [
        each for each in stack.resources() if each["type"] == token and not each.get("delete")
    ]
    return found


def change_service(stack: Stack, **inputs: Any) -> None:
    """`aws ecs update-service`, which doesn't wait."""
    service = of_type(stack, SERVICE)
    known = {key: value for key, value in service["inputs"].items() if key != "__defaults"}
    with console(stack) as aws:
        now = from_wire(
            aws.Read(provider_pb2.ReadRequest(urn=service["urn"], id=service["id"])).inputs
        )
        wanted = {
            **known,
            "taskDefinition": now["taskDefinition"],
            "waitForSteadyState": False,
            **inputs,
        }
        aws.Update(
            provider_pb2.UpdateRequest(
                urn=service["urn"], id=service["id"], old_inputs=to_wire(now), news=to_wire(wanted)
            )
        )


def another_revision(stack: Stack) -> str:
    """`aws ecs register-task-definition`, with what is there already; its ARN."""
    inputs = {
        key: value
        for key, value in of_type(stack, TASK_DEFINITION)["inputs"].items()
        if key != "__defaults"
    }
    with console(stack) as aws:
        urn = f"urn:pulumi:console::console::{TASK_DEFINITION}::other"
        made = aws.Create(provider_pb2.CreateRequest(urn=urn, properties=to_wire(inputs)))
    return str(from_wire(made.properties)["arn"])
