"""The Pulumi provider protocol for package `aws`, answered from the cloud."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from localaws.account import invokes
from localaws.account.autoname import DEFAULTS, with_name
from localaws.account.cloud import changes, documents_as_text, type_of
from localaws.account.tagging import ALL_TAGS, NO_TAGGING
from localaws.catalog import PATIENCE_SECONDS, Refused
from localaws.catalog.ecs.services import SERVICE
from localaws.catalog.effects import without_effect
from localaws.catalog.tokens import canonical
from localaws.protocol import provider_config, schema
from localaws.protocol.property_values import from_wire, to_wire

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
"""How long an operation may wait when the program sets no custom timeout: the real provider's 20
minutes.
"""

_RETRY_SECONDS = 0.1


# a verdict about a deployment, not a fault of this program
class NotSettled(Exception):  # noqa: N818
    """A resource exists but doesn't do what it says; the message says why."""


class Lifecycle(Protocol):
    """What has to happen outside the cloud's records before an operation is complete."""

    async def settle(self, resource: Resource, *, seconds: float, report: Report) -> None:
        """Wait until a created or updated resource does what it says.

        Raises:
            NotSettled: It doesn't, and won't within `seconds`.
        """

    async def drain(self, resource: Resource, *, seconds: float, report: Report) -> None:
        """Stop what runs for a resource that is about to be deleted.

        Raises:
            NotSettled: Something still ran after `seconds`.
        """

    async def trouble(self, resource: Resource) -> str:
        """Return what keeps an existing resource from working, and what to do; else empty."""

    def remark(self, resource: Resource) -> str:
        """Return what a resource doesn't do here although AWS does it; else empty."""

    def live(self, resource: Resource) -> Mapping[str, Any]:
        """Return inputs of `CHANGED_BY_AWS` as they are now, changed by AWS or by a program."""

    def renew(self, resource: Resource) -> None:
        """Have AWS do what the resource says, even if it tried that before and stopped."""


CHANGED_BY_AWS = {SERVICE: frozenset({"taskDefinition"})}
"""Inputs that AWS changes by itself, a rollback for example. The real provider reads everything
back after an operation and compares with that; here only these inputs can differ from what was
requested."""

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[1-9]")
"""What names of regions look like, now and probably tomorrow."""


@dataclass
class _Session:
    """One engine's connection; each provider instance has its own, with its own region."""

    region: str
    tagging: Tagging = NO_TAGGING
    engine: Any = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Creates, reads, updates and deletes resources of the local AWS for Pulumi's engine."""

    def __init__(
        self,
        cloud: Cloud,
        lifecycle: Lifecycle,
        *,
        version: str,
        functions: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] | None = None,
        default_region: str = "us-east-1",
        patience_seconds: Mapping[str, float] = PATIENCE_SECONDS,
    ) -> None:
        """Answer from `cloud`, and from `functions` by token what only running things can tell.

        What a rule of the catalog refuses is tried again for `patience_seconds`, as the real
        provider does.
        """
        self._cloud = cloud
        self._lifecycle = lifecycle
        self._version = version
        self._functions = functions or {}
        self._default_region = default_region
        self._patience_seconds = patience_seconds
        self._sessions: dict[str, _Session] = {}

    # The connection.

    def _session(self, context: Context) -> _Session:
        return self._sessions.setdefault(context.peer(), _Session(self._default_region))

    async def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        """Remember where the engine listens, to send it progress."""
        self._session(context).engine = engine_pb2_grpc.EngineStub(
            grpc.aio.insecure_channel(request.address)
        )
        return empty_pb2.Empty()

    async def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Take values without wrappers: the engine itself marks outputs of secret inputs."""
        self._session(context).engine = engine_pb2_grpc.EngineStub(
            grpc.aio.insecure_channel(request.engine_address)
        )
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_resources=False)

    async def GetPluginInfo(
        self, _request: empty_pb2.Empty, _context: Context
    ) -> plugin_pb2.PluginInfo:
        """Name the version of the provider that this one stands in for."""
        return plugin_pb2.PluginInfo(version=self._version)

    async def GetSchema(
        self, _request: provider_pb2.GetSchemaRequest, _context: Context
    ) -> provider_pb2.GetSchemaResponse:
        """Describe the inputs of what can be made here, from which `pulumi import` writes code."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema.package(self._version)))

    async def CheckConfig(
        self, request: provider_pb2.CheckRequest, _context: Context
    ) -> provider_pb2.CheckResponse:
        """Refuse keys and values that the provider doesn't take; most others mean nothing here."""
        news = from_wire(request.news)
        # Each reason names its key; the engine would show the value of a failure's property, secret
        # or not.
        failures = [
            provider_pb2.CheckFailure(reason=reason) for _, reason in provider_config.problems(news)
        ]
        region = news.get("region")
        if isinstance(region, str) and region and not _REGION.fullmatch(region):
            failures.append(provider_pb2.CheckFailure(reason=f"invalid AWS Region: {region}"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def DiffConfig(
        self, request: provider_pb2.DiffRequest, _context: Context
    ) -> provider_pb2.DiffResponse:
        """Replace the provider, and so everything it made, only when its region changes."""
        old, new = (
            provider_config.parsed(from_wire(each))
            for each in (request.old_inputs or request.olds, request.news)
        )
        diffs = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        replaces = [name for name in diffs if name == "region"]
        return provider_pb2.DiffResponse(changes=_changes(diffs), diffs=diffs, replaces=replaces)

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        """Note the region, and what is done to tags."""
        session, settings = self._session(context), from_wire(request.args)
        session.region = settings.get("region") or self._default_region
        session.tagging = provider_config.tagging(settings)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False
        )

    async def Cancel(self, _request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        """End this engine's waits; what was made stays made."""
        self._session(context).cancelled.set()
        return empty_pb2.Empty()

    # Resources.

    async def Check(
        self, request: provider_pb2.CheckRequest, context: Context
    ) -> provider_pb2.CheckResponse:
        """Fill in a name and say what is wrong with the inputs by themselves."""
        news = from_wire(request.news)
        try:
            kind = type_of(_token(request.urn))
            news = documents_as_text(kind, news)
            name = request.name or _name(request.urn)
            inputs = with_name(
                kind, name, _given(news), from_wire(request.olds), request.randomSeed
            )
            refusals = tuple(kind.check(_given(inputs), self._session(context).region))
        except Refused as refused:
            inputs, refusals = news, refused.refusals
        else:
            if "tags" in kind.inputs:
                inputs[ALL_TAGS] = self._session(context).tagging.all(inputs.get("tags"))
        failures = [_failure(request.urn, each) for each in refusals]
        return provider_pb2.CheckResponse(inputs=to_wire(inputs), failures=failures)

    async def Diff(
        self, request: provider_pb2.DiffRequest, context: Context
    ) -> provider_pb2.DiffResponse:
        """Compare the last inputs with the new ones, and warn of what doesn't work."""
        kind = type_of(_token(request.urn))
        self._cloud.acknowledge(kind.token, request.id)
        await self._warn_of_trouble(
            request.urn, self._cloud.get(kind.token, request.id), self._session(context)
        )
        old, new = _known(kind.token, request), from_wire(request.news)
        differing = changes(kind, old, _given(new))
        replaces = kind.replacing(differing, old, _given(new))
        if ALL_TAGS in new:
            old[ALL_TAGS] = _tags_before(request)
            differing = sorted(
                {*differing, *([ALL_TAGS] if old[ALL_TAGS] != new[ALL_TAGS] else [])}
            )
        named_by_user = kind.autoname is not None and kind.autoname.property not in new.get(
            DEFAULTS, ()
        )
        return provider_pb2.DiffResponse(
            changes=_changes(differing),
            diffs=differing,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and (kind.delete_first or named_by_user),
            hasDetailedDiff=True,
            detailedDiff={
                name: _difference(name, old, new, replace=name in replaces) for name in differing
            },
        )

    async def Create(
        self, request: provider_pb2.CreateRequest, context: Context
    ) -> provider_pb2.CreateResponse:
        """Make a resource and wait until it does what it says."""
        token, inputs = _token(request.urn), _given(from_wire(request.properties))
        session = self._session(context)
        place: Any = {"region": session.region, "tagging": session.tagging}
        if request.preview:
            return provider_pb2.CreateResponse(
                properties=to_wire(self._cloud.preview(token, inputs, **place))
            )
        try:
            resource = await self._patiently(
                context,
                request.urn,
                lambda: self._cloud.create(token, request.urn, inputs, **place),
            )
        except (Refused, NotSettled) as reason:
            await context.abort(grpc.StatusCode.UNKNOWN, f"creating {_what(request.urn)}: {reason}")
        await self._warn_of_what_is_only_kept(session, resource)
        await self._settle("creating", resource, request.timeout, context)
        return provider_pb2.CreateResponse(id=resource.id, properties=self._shown(resource))

    async def Update(
        self, request: provider_pb2.UpdateRequest, context: Context
    ) -> provider_pb2.UpdateResponse:
        """Change a resource in place and wait until it does what it says."""
        token, inputs = _token(request.urn), _given(from_wire(request.news))
        if request.preview:
            shown = {**from_wire(request.olds), **_without_notes(from_wire(request.news))}
            return provider_pb2.UpdateResponse(properties=to_wire(shown))
        try:
            tagging = self._session(context).tagging
            resource = self._cloud.update(token, request.id, inputs, tagging=tagging)
        except Refused as refused:
            await context.abort(
                grpc.StatusCode.UNKNOWN, f"updating {_what(request.urn)} ({request.id}): {refused}"
            )
        known = _known(token, request)
        if any(known.get(name) != inputs.get(name) for name in CHANGED_BY_AWS.get(token, ())):
            self._lifecycle.renew(resource)
        await self._warn_of_what_is_only_kept(self._session(context), resource)
        await self._settle("updating", resource, request.timeout, context)
        return provider_pb2.UpdateResponse(properties=self._shown(resource))

    async def Read(
        self, request: provider_pb2.ReadRequest, _context: Context
    ) -> provider_pb2.ReadResponse:
        """What a resource is now, for refresh and import; no id means that it is gone."""
        token = _token(request.urn)
        resource = self._cloud.find(token, request.id)
        if resource is None:
            return provider_pb2.ReadResponse()
        self._cloud.acknowledge(token, resource.id)
        filled_in = from_wire(request.inputs).get(DEFAULTS, [])
        all_tags = {name: value for name, value in resource.outputs.items() if name == ALL_TAGS}
        inputs = {
            **resource.inputs,
            **self._lifecycle.live(resource),
            **all_tags,
            DEFAULTS: filled_in,
        }
        return provider_pb2.ReadResponse(
            id=resource.id, properties=self._shown(resource), inputs=to_wire(inputs)
        )

    async def Delete(
        self, request: provider_pb2.DeleteRequest, context: Context
    ) -> empty_pb2.Empty:
        """Stop what runs for a resource, wait until nothing uses it, and remove it."""
        token, session = _token(request.urn), self._session(context)
        resource = self._cloud.get(token, request.id)
        if resource is None:
            return empty_pb2.Empty()
        seconds = request.timeout or DEFAULT_TIMEOUT_SECONDS
        try:
            with self._cloud.deleting(resource.id):
                report = self._reporter(session, request.urn)
                await _unless_cancelled(
                    session, self._lifecycle.drain(resource, seconds=seconds, report=report)
                )
                await self._patiently(
                    context, request.urn, lambda: self._cloud.delete(token, resource.id)
                )
        except (Refused, NotSettled) as reason:
            await context.abort(
                grpc.StatusCode.UNKNOWN, f"deleting {_what(request.urn)} ({request.id}): {reason}"
            )
        return empty_pb2.Empty()

    async def Invoke(
        self, request: provider_pb2.InvokeRequest, context: Context
    ) -> provider_pb2.InvokeResponse:
        """Answer a function, such as `aws.ec2.get_vpc`."""
        args = from_wire(request.args)
        region = args.get("region") or self._session(context).region
        try:
            if request.tok in self._functions:
                answer = self._functions[request.tok]({**args, "region": region})
            else:
                answer = invokes.answer(self._cloud, request.tok, args, region)
        except Refused as refused:
            await context.abort(grpc.StatusCode.UNKNOWN, f"invoking {request.tok}: {refused}")
        return provider_pb2.InvokeResponse(**{"return": to_wire(answer)})  # type: ignore[arg-type]

    async def _patiently(self, context: Context, urn: str, call: Callable[[], T]) -> T:
        """Retry until AWS agrees, or the rule that refuses isn't one that time resolves.

        Operations that run at the same time clear the way for each other: a gateway waits for the
        last address.
        """
        session, start = self._session(context), time.monotonic()
        report = self._reporter(session, urn)
        while True:
            try:
                return call()
            except Refused as refused:
                patience = min(
                    self._patience_seconds.get(each.rule, 0) for each in refused.refusals
                )
                if time.monotonic() - start >= patience:
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
            message = f"{verb} {_what(resource.urn)} ({resource.id}): {reason}"
            await context.abort_with_status(_created_but_failed(resource, message))

    async def _warn_of_trouble(
        self, urn: str, resource: Resource | None, session: _Session
    ) -> None:
        """Report what is wrong with an unchanged resource, so that the run doesn't look fine."""
        trouble = await self._lifecycle.trouble(resource) if resource is not None else ""
        await _warn(session, urn, trouble)

    async def _warn_of_what_is_only_kept(self, session: _Session, resource: Resource) -> None:
        """Name the inputs of a resource that change nothing here."""
        kept = without_effect(resource.token, resource.inputs)
        message = (
            f"the local AWS keeps {', '.join(kept)}, and does nothing with it: it shows on AWS only"
        )
        await _warn(session, resource.urn, message if kept else "")
        await _warn(session, resource.urn, self._lifecycle.remark(resource))

    def _shown(self, resource: Resource) -> Struct:
        """A resource's outputs as they are now."""
        return to_wire({**resource.outputs, **self._lifecycle.live(resource)})

    def _reporter(self, session: _Session, urn: str) -> Report:
        """Return a function that shows one status line beside the resource in the terminal."""
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
    """Show a warning beside a resource in the user's terminal; an empty one is none."""
    if message and session.engine is not None:
        with contextlib.suppress(grpc.RpcError):
            await session.engine.Log(
                engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn)
            )


async def _unless_cancelled(session: _Session, work: Awaitable[None]) -> None:
    """Await the work, or give it up when the user cancels the run.

    Raises:
        NotSettled: The run was cancelled.
    """
    task, cancelled = asyncio.ensure_future(work), asyncio.ensure_future(session.cancelled.wait())
    try:
        done, _ = await asyncio.wait({task, cancelled}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (task, cancelled):
            each.cancel()  # also where the engine is gone and took this call along
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
    """The engine's form of "it exists, so keep it in the state, but the operation failed"."""
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
    """Return the catalog's token of a resource's type: the last of the types in its URN."""
    return canonical(_registered_token(urn))


def _registered_token(urn: str) -> str:
    """Return the token of a resource's type as the program has it."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _failure(urn: str, refusal: Refusal) -> provider_pb2.CheckFailure:
    """Report what is wrong with an input, and where, in the real provider's words.

    The failure's field `property` stays empty: the engine prints that input's whole value, its
    secrets in clear text.
    """
    where = f". Examine values at '{_name(urn)}.{refusal.property}'." if refusal.property else ""
    return provider_pb2.CheckFailure(reason=f"{refusal}{where}")


def _what(urn: str) -> str:
    """How a message names a resource: `ECS Service`-like type and logical name."""
    return f"{_registered_token(urn).rsplit(':', 1)[-1]} '{_name(urn)}'"


def _without_notes(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs without Pulumi's own notes."""
    return {name: value for name, value in inputs.items() if name != DEFAULTS}


def _given(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the program's inputs: without notes, and without tags that the provider added."""
    return {name: value for name, value in inputs.items() if name not in {DEFAULTS, ALL_TAGS}}


def _tags_before(request: provider_pb2.DiffRequest) -> object:
    """Return all tags in the engine's state; earlier versions had them among the outputs only."""
    return from_wire(request.old_inputs).get(ALL_TAGS, from_wire(request.olds).get(ALL_TAGS))


def _known(
    token: str, request: provider_pb2.DiffRequest | provider_pb2.UpdateRequest
) -> dict[str, Any]:
    """Return inputs from the engine's state; what AWS itself changes is as last read."""
    read = from_wire(request.olds)
    own = {name: read[name] for name in CHANGED_BY_AWS.get(token, ()) if name in read}
    return {**_given(from_wire(request.old_inputs)), **own}


def _changes(differing: list[str]) -> provider_pb2.DiffResponse.DiffChanges.ValueType:
    return provider_pb2.DiffResponse.DIFF_SOME if differing else provider_pb2.DiffResponse.DIFF_NONE


def _difference(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], *, replace: bool
) -> provider_pb2.PropertyDiff:
    kind = "ADD" if name not in old else "DELETE" if name not in new else "UPDATE"
    return provider_pb2.PropertyDiff(
        kind=provider_pb2.PropertyDiff.Kind.Value(f"{kind}_REPLACE" if replace else kind),
        inputDiff=True,
    )
