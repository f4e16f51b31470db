"""Calls of the daemon's own functions: what commands ask it beside what Pulumi does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from localaws.daemon.client import DaemonFailed
from localaws.protocol.messages import provider_pb2, provider_pb2_grpc
from localaws.protocol.property_values import from_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.daemon.state_directory import Address

STATUS = "localaws:index:status"
"""What runs; takes nothing."""

DISCARD_UNRECORDED = "localaws:index:discardUnrecorded"
"""Removes what a killed run made and its state doesn't have; see `Cloud.discard_unrecorded`."""

INTERRUPT = "localaws:index:interrupt"
"""Takes back the spare capacity that a task runs on; takes the beginning of its id as `task`."""

FAIL_INSTANCE = "localaws:index:failInstance"
"""Ends an EC2 instance as a failure does; takes the beginning of its id as `instance`."""

SET_ALARM_STATE = "localaws:index:setAlarmState"
"""Gives an alarm a state until its next evaluation, as SetAlarmState does; takes the name as
`alarm`, and `state`.
"""

_TIMEOUT_SECONDS = 10.0

_EXPLAINED = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNKNOWN)
"""Errors whose details have the reason and what to do: the start failed, or the function did."""


def call(
    address: Address, function: str, arguments: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Call a function of a daemon; its result.

    Raises:
        DaemonFailed: It doesn't answer.
    """
    request = provider_pb2.InvokeRequest(tok=function, args=to_wire(arguments or {}))
    with grpc.insecure_channel(f"127.0.0.1:{address.aws_port}") as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        try:
            answer = provider.Invoke(request, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            if error.code() in _EXPLAINED:
                raise DaemonFailed(error.details()) from None
            raise DaemonFailed(
                f"the local AWS doesn't answer ({error.code().name}): `pulumi-local stop` ends it"
            ) from None
    return from_wire(getattr(answer, "return"))
