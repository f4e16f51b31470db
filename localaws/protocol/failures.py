"""Turns exceptions of a provider's methods into errors that the engine shows.

gRPC would send an exception as `Unexpected <class 'KeyError'>: 'arn'`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from localaws.catalog import Refused
from localaws.machine import file_errors
from localaws.not_settled import NotSettled
from localaws.protocol.urns import described
from localaws.user_error import UserError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Context = grpc.aio.ServicerContext[Any, Any]
    Handler = grpc.RpcMethodHandler[Any, Any]

log = logging.getLogger(__name__)

_OPERATIONS = {
    "Check": "checking",
    "Diff": "comparing",
    "Create": "creating",
    "Read": "reading",
    "Update": "updating",
    "Delete": "deleting",
}
"""What methods do with a resource."""


class FailureInterceptor(grpc.aio.ServerInterceptor):
    """Answers a method that raised an exception with what it did, and why it failed."""

    def __init__(self, log_file: Path) -> None:
        """Refer to a log file for faults of this program."""
        self._log_file = log_file

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the method's handler, wrapped; None for a method that no provider has."""
        handler = await continuation(details)
        if handler is None:
            return None
        method = details.method.rpartition("/")[2]
        call: Any = handler.unary_unary

        async def answer(request: Any, context: Context) -> Any:
            try:
                return await call(request, context)
            except grpc.aio.AbortError:
                raise  # the method has answered already
            except Exception as error:  # noqa: BLE001 — the engine gets it
                await self._abort(context, operation(method, request), error)

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )

    async def _abort(self, context: Context, what: str, error: Exception) -> NoReturn:
        """Answer a call with the error that ended it."""
        code = grpc.StatusCode.UNKNOWN
        if isinstance(error, NotImplementedError):
            code = grpc.StatusCode.UNIMPLEMENTED
            why = str(error)
        elif isinstance(error, (Refused, NotSettled, UserError)):
            why = str(error)
        elif isinstance(error, OSError):
            why = file_errors.described(error)
            log.error("%s: %s", what, why)
        else:
            log.error("%s", what, exc_info=error)
            why = (
                f"{type(error).__name__}: {error}. This is a fault of the local AWS itself; its "
                f"traceback is in {self._log_file}"
            )
        await context.abort(code, f"{what}: {why}")


def operation(method: str, request: Any) -> str:
    """Describe a call of a provider: `updating LogGroup 'logs' (its id)`."""
    if method == "Invoke":
        return f"invoking {request.tok}"
    if method == "Construct":
        return f"constructing {request.type.rpartition(':')[2]} '{request.name}'"
    if method not in _OPERATIONS:
        return method
    # Neither what is checked nor what is created has an id.
    identifier = getattr(request, "id", "")
    suffix = f" ({identifier})" if identifier else ""
    return f"{_OPERATIONS[method]} {described(request.urn)}{suffix}"
