"""The service of a stack: its state, its failing versions, and changes to it outside Pulumi."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localaws.catalog.secretsmanager import SECRET, SECRET_VERSION
from localaws.protocol.property_values import from_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.stack import Stack

SERVICE = "aws:ecs/service:Service"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"

MISSING = "secretsmanager:demo/local/settings#missing"
"""A key that a secret in the file of parameters lacks. The program can't find that out, as it reads
no secret.
"""

MISSING_SECRET = ("-c", f'fargate-web:secrets={{"APP_MESSAGE":"{MISSING}"}}')


def service_of(stack: Stack) -> dict[str, Any]:
    """Return the stack's only service, as `aws.ecs.get_service` does."""
    (service,) = stack.resources_of(SERVICE)
    return get_service(stack, service["id"])


def get_service(stack: Stack, arn: str) -> dict[str, Any]:
    """Return the service with that ARN, as `aws.ecs.get_service` does."""
    cluster, name = arn.partition(":service/")[2].split("/")
    request = provider_pb2.InvokeRequest(
        tok="aws:ecs/getService:getService",
        args=to_wire({"clusterArn": cluster, "serviceName": name}),
    )
    with console(stack) as aws:
        return from_wire(getattr(aws.Invoke(request), "return"))


def server(code: int, delay_seconds: float = 0) -> tuple[str, ...]:
    """Return a container's command that listens after a delay and answers with the given code.

    It imports no HTTP server, which takes longer than all that such a task does.
    """
    answer = f"HTTP/1.1 {code} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    program = (
        "import os, socket, time\n"
        f"time.sleep({delay_seconds})\n"
        "address = os.environ.get('HOST', '0.0.0.0'), int(os.environ.get('PORT', '80'))\n"
        "listener = socket.create_server(address)\n"
        "while True:\n"
        "    connection, _ = listener.accept()\n"
        "    try:\n"
        "        connection.recv(65536)\n"
        f"        connection.sendall({answer!r})\n"
        "    except OSError:\n"
        "        pass\n"
        "    connection.close()\n"
    )
    return "python3", "-c", program


@contextmanager
def console(stack: Stack) -> Iterator[Any]:
    """Connect to the provider without Pulumi, as AWS's console would, to change resources."""
    with grpc.insecure_channel(f"127.0.0.1:{stack.address.aws_port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def create(stack: Stack, token: str, label: str, **inputs: Any) -> dict[str, Any]:
    """Create a resource as a user of AWS's console would, and return its properties.

    Args:
        stack: The stack with the account.
        token: The resource's type.
        label: Something that no other resource of the type has that is created so.
        inputs: Its inputs; without `region` it is created in another one than the stack's.
    """
    urn = f"urn:pulumi:console::console::{token}::{label}"
    with console(stack) as aws:
        made = aws.Create(provider_pb2.CreateRequest(urn=urn, properties=to_wire(inputs)))
    return {"id": made.id, **from_wire(made.properties)}


def create_missing_key(stack: Stack) -> str:
    """Create the secret with the key that it lacks, and return its id."""
    name = MISSING.partition(":")[2].partition("#")[0]
    region = of_type(stack, SERVICE)["outputs"]["region"]
    made = str(create(stack, SECRET, "settings", name=name, region=region)["id"])
    value = '{"missing": "found"}'
    create(stack, SECRET_VERSION, "settings", secretId=made, secretString=value, region=region)
    return made


def of_type(stack: Stack, token: str) -> dict[str, Any]:
    """Return the only resource of a type in the engine's state that isn't about to be deleted."""
    (found,) = (each for each in stack.resources_of(token) if not each.get("delete"))
    return found


def _inputs(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource's inputs, without the engine's own entry."""
    inputs = dict(resource["inputs"])
    inputs.pop("__defaults", None)
    return inputs


def change_service(stack: Stack, **inputs: Any) -> None:
    """Change the service's inputs as `aws ecs update-service` does, which doesn't wait."""
    service = of_type(stack, SERVICE)
    with console(stack) as aws:
        now = from_wire(
            aws.Read(provider_pb2.ReadRequest(urn=service["urn"], id=service["id"])).inputs
        )
        wanted = {
            **_inputs(service),
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
    """Register the task definition again, as the AWS CLI does, and return the new ARN."""
    definition = of_type(stack, TASK_DEFINITION)
    inputs = {"region": definition["outputs"]["region"], **_inputs(definition)}
    return str(create(stack, TASK_DEFINITION, "other", **inputs)["arn"])
