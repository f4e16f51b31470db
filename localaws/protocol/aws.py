"""The Pulumi provider protocol for package `aws`, answered from the cloud."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2

from localaws.account import invokes
from localaws.account.autoname import DEFAULTS, with_name
from localaws.account.cloud import changes, documents_as_text, type_of
from localaws.account.tagging import ALL_TAGS, NO_TAGGING
from localaws.catalog import MAX_RETRY_SECONDS, Refused
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.effects import without_effect
from localaws.catalog.tokens import canonical
from localaws.not_settled import NotSettled
from localaws.protocol import provider_config, schema
from localaws.protocol.messages import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from localaws.protocol.property_values import from_wire, to_wire
from localaws.protocol.urns import Urn, described

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from google.protobuf.struct_pb2 import Struct

    from localaws.account.cloud import Cloud
    from localaws.account.tagging import Tagging
    from localaws.catalog import Refusal, Resource

    Context = grpc.aio.ServicerContext[Any, Any]
    Report = Callable[[str], None]

T = TypeVar("T")

DEFAULT_TIMEOUT_SECONDS = 20 * 60.0
"""The timeout of an operation for which the program sets none, as in the real provider."""

_RETRY_SECONDS = 0.1


class Lifecycle(Protocol):
    """The data plane's part of each operation on a resource."""

    async def settle(self, resource: Resource, *, seconds: float, report: Report) -> None:
        """Wait until a created or updated resource works as configured.

        Raises:
            NotSettled: It failed, or didn't get there within `seconds`.
        """

    async def drain(self, resource: Resource, *, seconds: float, report: Report) -> None:
        """Stop everything that runs for a resource that is about to be deleted.

        Raises:
            NotSettled: Something still ran after `seconds`.
        """

    async def removed(self, resource: Resource) -> None:
        """Wait until nothing acts on a resource that was deleted."""

    async def find_problems(self) -> list[str]:
        """Return what is wrong with everything that runs, and what to do."""

    async def find_problem(self, resource: Resource) -> str:
        """Return why an existing resource doesn't work, and what to do; empty if it works."""

    def limitation(self, resource: Resource) -> str:
        """Return what a resource doesn't do here although it would on AWS; empty if nothing."""

    def remarks(self, resource: Resource) -> list[str]:
        """Return what a user must know of a resource that has settled."""

    def current_inputs(self, resource: Resource) -> Mapping[str, Any]:
        """Return the resource's inputs of `CHANGED_BY_AWS`, with their current values."""

    def retry(self, resource: Resource) -> None:
        """Apply a resource's inputs again, even if AWS has tried them and rolled them back."""


CHANGED_BY_AWS = {SERVICE: frozenset({"taskDefinition"})}
"""Inputs that AWS itself changes, with a rollback for example. The real provider reads every input
after an operation and compares with that; here only these can differ from the requested ones."""

_COUNT = "desiredCount"
"""The number of tasks, which scaling changes. Only a refresh brings that into the engine's state,
with which each update compares, as the real provider does."""


@dataclass
class _Session:
    """One connection of an engine. Each provider resource has one, with its own region."""

    region: str
    tagging: Tagging = NO_TAGGING
    engine: Any = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Creates, reads, updates and deletes resources of the local AWS for Pulumi's engine.

    Its methods raise what goes wrong; the server's `FailureInterceptor` answers the engine.
    """

    def __init__(
        self,
        cloud: Cloud,
        lifecycle: Lifecycle,
        *,
        version: str,
        functions: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] | None = None,
        default_region: str = "us-east-1",
        max_retry_seconds: Mapping[str, float] = MAX_RETRY_SECONDS,
    ) -> None:
        """Create a provider.

        Args:
            cloud: The account with the resources.
            lifecycle: The data plane.
            version: The provider's version that the engine is shown.
            functions: Functions by token that the data plane answers instead of `cloud`.
            default_region: The region of a provider that configures none.
            max_retry_seconds: How long an operation is retried after a refusal, by the refusing
                rule; the real provider retries too.
        """
        self._cloud = cloud
        self._lifecycle = lifecycle
        self._version = version
        self._functions = functions or {}
        self._default_region = default_region
        self._max_retry_seconds = max_retry_seconds
        self._sessions: dict[str, _Session] = {}

    # The connection.

    def _session(self, context: Context) -> _Session:
        return self._sessions.setdefault(context.peer(), _Session(self._default_region))

    async def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        """Connect to the engine, to send it progress."""
        self._session(context).engine = engine_pb2_grpc.EngineStub(
            grpc.aio.insecure_channel(request.address)
        )
        return empty_pb2.Empty()

    async def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Decline wrapped secrets: the engine itself marks the outputs of secret inputs."""
        self._session(context).engine = engine_pb2_grpc.EngineStub(
            grpc.aio.insecure_channel(request.engine_address)
        )
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    async def GetPluginInfo(
        self, _request: empty_pb2.Empty, _context: Context
    ) -> plugin_pb2.PluginInfo:
        """Return the version of the real provider that this one replaces."""
        return plugin_pb2.PluginInfo(version=self._version)

    async def GetSchema(
        self, _request: provider_pb2.GetSchemaRequest, _context: Context
    ) -> provider_pb2.GetSchemaResponse:
        """Return the package schema, from which `pulumi import` writes code."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema.package(self._version)))

    async def CheckConfig(
        self, request: provider_pb2.CheckRequest, _context: Context
    ) -> provider_pb2.CheckResponse:
        """Refuse keys and values that the real provider refuses."""
        news = from_wire(request.news)
        # A reason names its key. The failure's field `property` stays empty, because the engine
        # would print the property's value, even a secret.
        failures = [
            provider_pb2.CheckFailure(reason=reason) for _, reason in provider_config.problems(news)
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def DiffConfig(
        self, request: provider_pb2.DiffRequest, _context: Context
    ) -> provider_pb2.DiffResponse:
        """Replace the provider, and so all of its resources, only when its region changes."""
        old = provider_config.parsed(from_wire(request.old_inputs or request.olds))
        new = provider_config.parsed(from_wire(request.news))
        diffs = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        replaces = [name for name in diffs if name == "region"]
        return provider_pb2.DiffResponse(changes=_changes(diffs), diffs=diffs, replaces=replaces)

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        """Set the session's region, and what is done to tags; warn of what is wrong.

        A run that changes nothing would not notice that what it deployed doesn't run.
        """
        session = self._session(context)
        settings = from_wire(request.args)
        session.region = settings.get("region") or self._default_region
        if not settings.get("region"):
            await _log(
                session,
                engine_pb2.INFO,
                f"aws:region isn't set: the local AWS assumes {session.region}, whose prices an "
                "estimate has",
            )
        session.tagging = provider_config.tagging(settings)
        for problem in await self._lifecycle.find_problems():
            message = f"a problem of the local AWS, which tries again until it is solved: {problem}"
            await _log(session, engine_pb2.WARNING, message)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False
        )

    async def Cancel(self, _request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """Cancel this session's waits; resources that were created stay."""
        self._session(context).cancelled.set()
        return empty_pb2.Empty()

    # Resources.

    async def Check(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        """Fill in a name, and check the inputs without regard to other resources."""
        news = from_wire(request.news)
        try:
            kind = type_of(_token(request.urn))
            news = documents_as_text(kind, news)
            name = request.name or Urn.of(request.urn).name
            inputs = with_name(
                kind, name, _given(news), from_wire(request.olds), request.randomSeed
            )
            refusals = tuple(kind.check(_given(inputs), self._session(context).region))
        except Refused as refused:
            inputs, refusals = news, refused.refusals
        else:
            if kind.tagged:
                inputs[ALL_TAGS] = self._session(context).tagging.all(inputs.get("tags"))
        failures = [_failure(request.urn, each) for each in refusals]
        return provider_pb2.CheckResponse(inputs=to_wire(inputs), failures=failures)

    async def Diff(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        """Compare the last inputs with the new ones; warn if the resource doesn't work."""
        kind = type_of(_token(request.urn))
        self._cloud.acknowledge(kind.token, request.id)
        resource = self._cloud.get(kind.token, request.id)
        if resource is not None:
            problem = await self._lifecycle.find_problem(resource)
            await _warn(self._session(context), request.urn, problem)
        recorded, outputs = from_wire(request.old_inputs), from_wire(request.olds)
        old = _inputs_in_state(kind.token, recorded, outputs)
        new = from_wire(request.news)
        given = _given(new)
        differing = changes(kind, old, given)
        replaces = kind.replacing(differing, old, given)
        if ALL_TAGS in new:
            # Older states have all tags only among the outputs.
            old[ALL_TAGS] = recorded.get(ALL_TAGS, outputs.get(ALL_TAGS))
            if old[ALL_TAGS] != new[ALL_TAGS]:
                differing = sorted({*differing, ALL_TAGS})
        filled_in = new.get(DEFAULTS, ())
        named_by_user = kind.autoname is not None and kind.autoname.property not in filled_in
        details = {}
        for name in differing:
            details[name] = _difference(name, old, new, replace=name in replaces)
        return provider_pb2.DiffResponse(
            changes=_changes(differing),
            diffs=differing,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and (kind.delete_first or named_by_user),
            hasDetailedDiff=True,
            detailedDiff=details,
        )

    async def Create(
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        """Create a resource, and wait until it works as configured."""
        token = _token(request.urn)
        inputs = _given(from_wire(request.properties))
        session = self._session(context)
        settings: Any = {"region": session.region, "tagging": session.tagging}
        if request.preview:
            outputs = self._cloud.preview(token, inputs, **settings)
            return provider_pb2.CreateResponse(properties=to_wire(outputs))
        resource = await self._retrying(
            context,
            request.urn,
            lambda: self._cloud.create(token, request.urn, inputs, **settings),
        )
        await self._warn_of_limitations(session, resource)
        await self._settle("creating", resource, request.timeout, context)
        return provider_pb2.CreateResponse(id=resource.id, properties=self._shown(resource))

    async def Update(
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        """Change a resource in place, and wait until it works as configured."""
        token = _token(request.urn)
        inputs = _given(from_wire(request.news))
        session = self._session(context)
        if request.preview:
            outputs = from_wire(request.olds) | from_wire(request.news)
            outputs |= self._cloud.changed_by_update(token, request.id, inputs)
            outputs.pop(DEFAULTS, None)
            return provider_pb2.UpdateResponse(properties=to_wire(outputs))
        recorded = from_wire(request.old_inputs)
        resource = self._cloud.update(
            token, request.id, inputs, tagging=session.tagging, recorded=_given(recorded)
        )
        old = _inputs_in_state(token, recorded, from_wire(request.olds))
        if any(old.get(name) != inputs.get(name) for name in CHANGED_BY_AWS.get(token, ())):
            self._lifecycle.retry(resource)
        await self._warn_of_limitations(session, resource)
        await self._settle("updating", resource, request.timeout, context)
        return provider_pb2.UpdateResponse(properties=self._shown(resource))

    async def Read(
        self, request: provider_pb2.ReadRequest, _context: Context
    ) -> provider_pb2.ReadResponse:
        """Return a resource's current inputs and outputs; without an id, it doesn't exist.

        A refresh and an import call this.
        """
        token = _token(request.urn)
        resource = self._cloud.find(token, request.id)
        if resource is None:
            return provider_pb2.ReadResponse()
        self._cloud.acknowledge(token, resource.id)
        inputs = {**resource.inputs, **self._lifecycle.current_inputs(resource)}
        if _COUNT in inputs:
            inputs[_COUNT] = resource.outputs[_COUNT]
        if ALL_TAGS in resource.outputs:
            inputs[ALL_TAGS] = resource.outputs[ALL_TAGS]
        inputs[DEFAULTS] = from_wire(request.inputs).get(DEFAULTS, [])
        return provider_pb2.ReadResponse(
            id=resource.id, properties=self._shown(resource), inputs=to_wire(inputs)
        )

    async def Delete(
        self, request: provider_pb2.DeleteRequest, context: Context
    ) -> empty_pb2.Empty:
        """Stop everything that runs for a resource, wait until nothing uses it, and remove it."""
        token = _token(request.urn)
        session = self._session(context)
        resource = self._cloud.get(token, request.id)
        if resource is None:
            return empty_pb2.Empty()
        seconds = request.timeout or DEFAULT_TIMEOUT_SECONDS
        with self._cloud.deleting(resource.id):
            report = self._reporter(session, request.urn)
            await _unless_cancelled(
                session, self._lifecycle.drain(resource, seconds=seconds, report=report)
            )
            await self._retrying(
                context, request.urn, lambda: self._cloud.delete(token, resource.id)
            )
        await self._lifecycle.removed(resource)
        return empty_pb2.Empty()

    async def Invoke(
        self, request: provider_pb2.InvokeRequest, context: Context
    ) -> provider_pb2.InvokeResponse:
        """Answer a function, such as `aws.ec2.get_vpc`."""
        args = from_wire(request.args)
        region = args.get("region") or self._session(context).region
        if request.tok in self._functions:
            answer = self._functions[request.tok]({**args, "region": region})
        else:
            answer = invokes.answer(self._cloud, request.tok, args, region)
        return provider_pb2.InvokeResponse(**{"return": to_wire(answer)})  # type: ignore[arg-type]

    async def _retrying(self, context: Context, urn: str, call: Callable[[], T]) -> T:
        """Repeat a call while it is refused by rules that another operation may resolve.

        The engine runs operations concurrently: the deletion of an internet gateway is refused
        until the last address is released, for example.
        """
        session = self._session(context)
        start = time.monotonic()
        report = self._reporter(session, urn)
        while True:
            try:
                return call()
            except Refused as refused:
                rules = [each.rule for each in refused.refusals]
                seconds = min(self._max_retry_seconds.get(rule, 0) for rule in rules)
                if time.monotonic() - start >= seconds:
                    raise
                report(f"trying again: {refused}")
            await _unless_cancelled(session, asyncio.sleep(_RETRY_SECONDS))

    async def _settle(
        self, verb: str, resource: Resource, seconds: float, context: Context
    ) -> None:
        session = self._session(context)
        report = self._reporter(session, resource.urn)
        try:
            await _unless_cancelled(
                session,
                self._lifecycle.settle(
                    resource, seconds=seconds or DEFAULT_TIMEOUT_SECONDS, report=report
                ),
            )
        except NotSettled as reason:
            message = f"{verb} {described(resource.urn)} ({resource.id}): {reason}"
            await context.abort_with_status(_created_but_failed(resource, message))
        for remark in self._lifecycle.remarks(resource):
            await _warn(session, resource.urn, remark)

    async def _warn_of_limitations(self, session: _Session, resource: Resource) -> None:
        """Warn of inputs that have no effect here, and of what the data plane doesn't do."""
        kept = without_effect(resource.token, resource.inputs)
        if kept:
            message = (
                f"the local AWS keeps {', '.join(kept)}, and does nothing with it: it shows on AWS "
                "only"
            )
            await _warn(session, resource.urn, message)
        await _warn(session, resource.urn, self._lifecycle.limitation(resource))

    def _shown(self, resource: Resource) -> Struct:
        """Return a resource's current outputs."""
        return to_wire({**resource.outputs, **self._lifecycle.current_inputs(resource)})

    def _reporter(self, session: _Session, urn: str) -> Report:
        """Return a function that shows a status line beside the resource in the terminal."""
        under_way: set[asyncio.Task[None]] = set()
        last = ""

        async def send(message: str) -> None:
            line = engine_pb2.LogRequest(
                severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=True
            )
            with contextlib.suppress(grpc.RpcError):
                await session.engine.Log(line)

        def report(message: str) -> None:
            nonlocal last
            if session.engine is not None and message != last:
                last = message
                task = asyncio.create_task(send(message))
                under_way.add(task)
                task.add_done_callback(under_way.discard)

        return report


async def _warn(session: _Session, urn: str, message: str) -> None:
    """Show a warning beside a resource in the terminal, unless the message is empty."""
    if message:
        await _log(session, engine_pb2.WARNING, message, urn)


async def _log(session: _Session, severity: Any, message: str, urn: str = "") -> None:
    """Show a message in the terminal, if the engine has connected."""
    if session.engine is not None:
        with contextlib.suppress(grpc.RpcError):
            await session.engine.Log(
                engine_pb2.LogRequest(severity=severity, message=message, urn=urn)
            )


async def _unless_cancelled(session: _Session, work: Awaitable[None]) -> None:
    """Await the work, and stop it when the user cancels the run.

    Raises:
        NotSettled: The run was cancelled.
    """
    task = asyncio.ensure_future(work)
    cancelled = asyncio.ensure_future(session.cancelled.wait())
    try:
        done, _ = await asyncio.wait({task, cancelled}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (task, cancelled):
            each.cancel()  # also if this call was cancelled, because the engine has gone
    if task not in done:
        raise NotSettled("the run was cancelled while it waited; run it again to go on")
    await task


class _Status(grpc.Status):
    """A gRPC status with details."""

    def __init__(self, message: str, details: bytes) -> None:
        self.code = grpc.StatusCode.UNKNOWN
        self.details = message
        self.trailing_metadata = (("grpc-status-details-bin", details),)


def _created_but_failed(resource: Resource, message: str) -> _Status:
    """Return the status that makes the engine keep a resource whose operation failed."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=resource.id,
            properties=to_wire(resource.outputs),
            reasons=[message],
            inputs=to_wire({**resource.inputs}),
        )
    )
    status = status_pb2.Status(
        code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[detail]
    )
    return _Status(message, status.SerializeToString())


def _token(urn: str) -> str:
    """Return the catalog's token of a resource's type."""
    return canonical(Urn.of(urn).type)


def _failure(urn: str, refusal: Refusal) -> provider_pb2.CheckFailure:
    """Return a refusal, and the input that it is about, in the real provider's wording.

    The failure's field `property` stays empty, because the engine would print the input's whole
    value with its secrets.
    """
    where = (
        f". Examine values at '{Urn.of(urn).name}.{refusal.property}'." if refusal.property else ""
    )
    return provider_pb2.CheckFailure(reason=f"{refusal}{where}")


def _given(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the program's own inputs, without the two that the provider adds."""
    return {name: value for name, value in inputs.items() if name not in {DEFAULTS, ALL_TAGS}}


def _inputs_in_state(
    token: str, recorded: Mapping[str, Any], outputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the inputs in the engine's state; those of `CHANGED_BY_AWS` as last read."""
    inputs = _given(recorded)
    for name in CHANGED_BY_AWS.get(token, ()):
        if name in outputs:
            inputs[name] = outputs[name]
    return inputs


def _changes(differing: list[str]) -> provider_pb2.DiffResponse.DiffChanges.ValueType:
    return provider_pb2.DiffResponse.DIFF_SOME if differing else provider_pb2.DiffResponse.DIFF_NONE


def _difference(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], *, replace: bool
) -> provider_pb2.PropertyDiff:
    if name not in old:
        kind = "ADD"
    elif name not in new:
        kind = "DELETE"
    else:
        kind = "UPDATE"
    return provider_pb2.PropertyDiff(
        kind=provider_pb2.PropertyDiff.Kind.Value(f"{kind}_REPLACE" if replace else kind),
        inputDiff=True,
    )
