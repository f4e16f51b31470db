"""An engine for unit tests: it records registrations and creates the resources in a local AWS."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.metadata
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import _callbacks as sdk_callbacks
from pulumi.runtime import mocks
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import provider_pb2, resource_pb2
from pulumi.runtime.settings import ROOT, SETTINGS

from localaws.account import invokes
from localaws.account.cloud import Cloud
from localaws.catalog import Refused
from localaws.catalog.tokens import canonical
from localaws.mocks import sdk_patches
from localaws.mocks.account import Account, ProviderSettings
from localaws.mocks.arguments import formatted_outputs, mistakes
from localaws.mocks.beside_aws import TYPES as TYPES_BESIDE_AWS
from localaws.mocks.beside_aws import BesideAws
from localaws.mocks.callback_server import CallbackServers
from localaws.mocks.encrypted import replaced
from localaws.mocks.lockstep import BusySelector, EventLoop, Lockstep, NotYetError, Phase
from localaws.mocks.mistake import LookupFailedError, Mistake
from localaws.mocks.recording import Recording, Registered
from localaws.mocks.running import (
    OUTSIDE,
    every_coroutine_awaited,
    outputs_cant_be_formatted,
    run_to_completion,
)
from localaws.mocks.urns import STACK, alias_urns, urn_of
from localaws.protocol.awsx.components import construct
from localaws.protocol.awsx.monitor import Unsupported
from localaws.protocol.property_values import from_wire, to_wire, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from google.protobuf.message import Message

    from localaws.mocks.lockstep import Call


_OPTIONS = {
    "depends_on": "dependencies",
    "protect": "protect",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "aliases": "aliases",
    "provider": "provider",
    "custom_timeouts": "customTimeouts",
    "retain_on_delete": "retainOnDelete",
    "deleted_with": "deletedWith",
    "delete_before_replace": "deleteBeforeReplace",
    "additional_secret_outputs": "additionalSecretOutputs",
    "hooks": "hooks",
    "import": "importId",
}
"""The options that a transform can change: their names in its answer, and in a registration."""

_OPTIONS_BY_REGISTERED_NAME = {registered: option for option, registered in _OPTIONS.items()}


@dataclass
class Recorder(mocks.MockMonitor):
    """An engine that records everything that a program registers and invokes."""

    cloud: Cloud = field(default_factory=lambda: Cloud(seed=1))
    others: mocks.Mocks | None = None
    """Mocks for packages other than `aws`, `awsx` and `docker-build`."""

    registered: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    order: Callable[[Sequence[Call]], Sequence[Call]] = tuple
    """Sorts the calls that wait at the same time; the result of a run doesn't depend on it."""

    def __post_init__(self) -> None:
        super().__init__(self.others or _NoOtherPackages())
        self._account = Account(self.cloud)
        self._beside_aws = BesideAws()
        self._settings_by_provider: dict[str, ProviderSettings] = {"": ProviderSettings()}
        self._transforms: dict[str, list[Any]] = {}
        self._recorded: set[str] = set()
        """URNs of what is in `registered`."""

        self._under_construction: dict[str, Registered] = {}
        self._aliases: dict[str, list[str]] = {}
        """URNs that each resource may have had before, by its URN."""

        self._failed_lookups: list[Mistake] = []
        self._calls = Lockstep(self.order)
        self._registrations: asyncio.AbstractEventLoop
        self._prepared: dict[int, Registered] = {}
        """Resources that were registered and can't be created yet, by the `id()` of the request."""

    def run(
        self,
        program: Callable[[], object],
        *,
        project: str,
        stack: str,
        config: Mapping[str, str],
        preview: bool = False,
        after: Recording | None = None,
        seconds: float = 60,
    ) -> Recording:
        """Run a whole program; if it fails, the attributes still have what it registered.

        Raises:
            Mistake: AWS would refuse something, or the program doesn't wait for something.
        """
        before = after.resources if after else {}
        self._account = Account(self.cloud, before, preview=preview)
        earlier = {each.urn: each for each in after.registered} if after else {}
        self._beside_aws = BesideAws(earlier, preview)
        provider_inputs = {}
        for key, value in config.items():
            package, _, name = key.partition(":")
            if package == "aws":
                provider_inputs[name] = value
        self._settings_by_provider[""] = ProviderSettings.of(provider_inputs)

        def execute() -> None:
            ROOT.set(OUTSIDE)
            pulumi.runtime.set_mocks(
                self.mocks, project=project, stack=stack, preview=preview, monitor=self
            )
            ROOT.set(None)
            pulumi.runtime.set_all_config(*replaced(config))
            SETTINGS.rpc_manager.clear()
            SETTINGS.outputs.clear()
            self._calls = Lockstep(self.order)
            with (
                closing(asyncio.SelectorEventLoop(BusySelector())) as self._registrations,
                sdk_patches.applied(),
                patch.object(sdk_callbacks, "aio", CallbackServers),
                asyncio.Runner(loop_factory=partial(EventLoop, self._calls)) as runner,
            ):
                # Errors are raised anyway; the SDK leaves copies in futures that are never read.
                runner.get_loop().set_exception_handler(lambda *_: None)
                runner.run(run_to_completion(program, seconds))

        with outputs_cant_be_formatted(), every_coroutine_awaited():
            try:
                contextvars.copy_context().run(execute)
            except AssertionError as error:
                raise _original(error) from None
            except Exception as error:
                lookup = self._lookup_in(error)
                if lookup is None:
                    raise
                raise lookup from None
            finally:
                # The SDK keeps the hooks and transforms of the last run, which refer to all of the
                # program. Released after it, garbage collection finds what nothing awaited.
                SETTINGS.callbacks = None
        for urn in self._account.before.keys() - self._account.still_registered:
            self._account.operations[urn] = "delete"
        return Recording(
            registered=self.registered,
            outputs=self.outputs,
            invoked=self.invoked,
            cloud=self.cloud,
            project=project,
            stack=stack,
            resources=before if preview else self._account.made,
            operations=self._account.operations,
        )

    # The protocol. `Lockstep` makes these calls one at a time.

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Record a resource and create it."""
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(
                urn=self.make_urn("", request.type, request.name)
            )
        # `asyncio.run` and a `Runner` go through all tasks that there are when they end.
        context = contextvars.copy_context()
        registration = self._registrations.create_task(self._register(request), context=context)
        return self._registrations.run_until_complete(registration)

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN that the engine gives to a resource."""
        return urn_of(pulumi.get_stack(), pulumi.get_project(), parent, type_, name)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Record a component's outputs."""
        if request.urn in self.outputs:
            raise Mistake(request.urn, "it registers its outputs twice")
        outputs = unwrapped(from_wire(request.outputs))
        self.outputs[request.urn] = outputs
        complaints = list(formatted_outputs(outputs))
        if complaints:
            raise Mistake(f"the outputs of {request.urn}", *complaints)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Return an existing resource, for `Resource.get`."""
        if not request.type.startswith("aws:"):
            known = unwrapped(from_wire(request.properties))
            state = self._ask_other_mocks(request, known, request.id)[1]
        elif found := self.cloud.find(canonical(request.type), request.id):
            state = found.outputs
        else:
            self._postpone()
            raise Mistake(
                f"{request.type} '{request.name}'", f"it reads {request.id}, which doesn't exist"
            )
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=to_wire(state))

    def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Answer a function, or the SDK's request for a resource that an output refers to."""
        if request.tok == "pulumi:pulumi:getResource":
            return self._answer(self.resources[from_wire(request.args)["urn"]]._asdict())
        if self._calls.phase < Phase.LOOKUPS and not self._under_construction:
            raise NotYetError(Phase.LOOKUPS)
        args = unwrapped(from_wire(request.args))
        provider_settings = self._provider_settings(_without_id(request.provider))
        failure = None
        if not request.tok.startswith("aws:"):
            answer: Any = self.mocks.call(mocks.MockCallArgs(request.tok, args, request.provider))
        else:
            try:
                answer = invokes.answer(
                    self.cloud, request.tok, args, args.get("region") or provider_settings.region
                )
            except Refused as refused:
                self._postpone()
                failure = Mistake(f"invoking {request.tok}", *refused.refusals)
        self.invoked.append((request.tok, args))
        if failure is not None:
            self._failed_lookups.append(failure)
            raise LookupFailedError(request.tok, failure)
        return self._answer(answer)

    @staticmethod
    def _answer(values: Mapping[str, Any]) -> Any:
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(to_wire(values))
        return response

    def _postpone(self) -> None:
        """Postpone a refused call until no other call can be answered.

        The calls of a remote component are refused at once: it makes them one after the other.

        Raises:
            NotYetError: The call is postponed.
        """
        if self._calls.phase < Phase.REFUSALS and not self._under_construction:
            raise NotYetError

    def _lookup_in(self, error: Exception) -> Mistake | None:
        """Return the failed lookup that an error is about.

        The SDK raises a plain Exception with the lookup's message.
        """
        if type(error) is not Exception:
            return None
        for each in self._failed_lookups:
            if str(each) in str(error):
                return each
        return None

    # A registration.

    async def _register(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self._under_construction:
            self._record(self._under_construction[urn])
            return resource_pb2.RegisterResourceResponse(urn=urn)
        resource = self._prepared.pop(id(request), None) or await self._prepare(request, urn)
        if request.remote:
            return await self._construct(request, resource)
        try:
            identifier, state = self._make(resource, request) if request.custom else ("", {})
        except NotYetError:
            self._prepared[id(request)] = resource
            raise
        self.resources[urn] = self.ResourceRegistration(urn, identifier, state)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identifier, object=to_wire(state))

    async def _prepare(self, request: Any, urn: str) -> Registered:
        """Apply a resource's transforms, check its arguments, and record it."""
        self._transforms[urn] = [*request.transforms, *self._transforms.get(request.parent, ())]
        await self._transform(request, self._transforms[urn])
        resource = _registered(request, urn)
        complaints = list(mistakes(resource.type, resource.inputs))
        if complaints:
            raise Mistake(f"{resource.type} '{resource.name}'", *complaints)
        self._aliases[urn] = alias_urns(resource, self._aliases.get(resource.parent, ()))
        if not request.remote:
            self._record(resource)
        return resource

    def _record(self, resource: Registered) -> None:
        if resource.urn in self._recorded:
            raise Mistake(resource.urn, "it is registered twice")
        self._recorded.add(resource.urn)
        self.registered.append(resource)

    def _make(self, resource: Registered, request: Any) -> tuple[str, dict[str, Any]]:
        token, name, inputs = resource.type, resource.name, resource.inputs
        if token.startswith("pulumi:providers:"):
            self._settings_by_provider[resource.urn] = ProviderSettings.of(
                inputs, self._settings_by_provider[""].region
            )
            return f"{name}-id", inputs
        if token in TYPES_BESIDE_AWS:
            return self._beside_aws.make(resource)
        if not token.startswith("aws:"):
            return self._ask_other_mocks(request, inputs, request.importId)
        try:
            return self._account.make(
                resource, self._provider_settings(resource.provider), self._aliases[resource.urn]
            )
        except Refused as refused:
            self._postpone()
            raise Mistake(f"{token} '{name}'", *refused.refusals) from None
        except Mistake:
            self._postpone()
            raise

    def _ask_other_mocks(
        self, request: Any, inputs: dict[str, Any], identifier: str = ""
    ) -> tuple[str, dict[str, Any]]:
        args = mocks.MockResourceArgs(
            request.type, request.name, inputs, request.provider, identifier
        )
        found, state = self.mocks.new_resource(args)
        return found or "", state

    async def _construct(self, request: Any, resource: Registered) -> Any:
        """Construct a remote component: one of awsx's with its children, any other by `others`."""
        if not request.type.startswith("awsx:"):
            self._record(resource)
            _, state = self._ask_other_mocks(request, resource.inputs)
            return resource_pb2.RegisterResourceResponse(urn=resource.urn, object=to_wire(state))
        construction = provider_pb2.ConstructRequest(
            type=request.type,
            name=request.name,
            parent=request.parent,
            inputs=request.object,
            dependencies=request.dependencies,
            protect=request.protect,
            providers=request.providers,
            stack=pulumi.get_stack(),
            inputDependencies={
                name: provider_pb2.ConstructRequest.PropertyDependencies(urns=each.urns)
                for name, each in request.propertyDependencies.items()
            },
        )
        self._under_construction[resource.urn] = resource
        try:
            answer = await construct(_Loopback(self), construction, _version_of("pulumi-aws"))
        except (Unsupported, ValueError) as reason:
            raise Mistake(f"{request.type} '{request.name}'", str(reason)) from None
        finally:
            del self._under_construction[resource.urn]
        return resource_pb2.RegisterResourceResponse(urn=answer.urn, object=answer.state)

    async def _transform(self, request: Any, callbacks: list[Any]) -> None:
        """Apply the transforms of resource, parents and stack, in the engine's order."""
        for callback in [*callbacks, *self._transforms.get(STACK, ())]:
            options = resource_pb2.TransformResourceOptions()
            _copy(request, options, _OPTIONS_BY_REGISTERED_NAME)
            transform = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=request.object,
                options=options,
            )
            answer: Any = await _function(callback.token)(transform.SerializeToString())
            request.object.CopyFrom(answer.properties)
            _copy(answer.options, request, _OPTIONS)

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Record a transform of every resource."""
        self._transforms.setdefault(STACK, []).append(request)
        return empty_pb2.Empty()

    def _provider_settings(self, provider: str) -> ProviderSettings:
        return self._settings_by_provider.get(provider, self._settings_by_provider[""])


_version_of = cache(importlib.metadata.version)
"""Each reading of a package's version is a fiftieth of a run."""

_OTHERS = "it isn't AWS's; pass `others=`, a pulumi.runtime.Mocks that answers for it"


def _function(token: str) -> Any:
    """Return the program's function of that token; the real engine calls it over the network."""
    for servicer in list(_CallbackServicer._servicers):  # noqa: SLF001
        # One that the program's thread is just creating has no `_callbacks` yet.
        functions = vars(servicer).get("_callbacks", {})
        if token in functions:
            return functions[token]
    raise KeyError(token)


@dataclass(frozen=True)
class _Loopback:
    """The engine's interface for the construction of a remote component."""

    recorder: Recorder

    async def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        # Part of the same engine
        return await self.recorder._register(request)  # noqa: SLF001

    # The protocol's name
    async def RegisterResourceOutputs(self, _request: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    async def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        return self.recorder.Invoke(request)


class _NoOtherPackages(mocks.Mocks):
    """The default for other packages: every resource and function is a mistake."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise Mistake(args.token, _OTHERS)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise Mistake(f"{args.typ} '{args.name}'", _OTHERS)


def _original(error: BaseException) -> BaseException:
    """Return the original mistake: the SDK wraps it once for each dependent resource."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, Mistake) or cause is None:
        return error
    return _original(cause)


def _registered(request: Any, urn: str) -> Registered:
    timeouts, hooks = request.customTimeouts, request.hooks
    return Registered(
        type=request.type,
        name=request.name,
        urn=urn,
        parent=request.parent,
        inputs=unwrapped(from_wire(request.object)),
        custom=request.custom,
        dependencies=frozenset(request.dependencies),
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace,
        import_id=request.importId,
        timeouts=(timeouts.create, timeouts.update, timeouts.delete),
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        secret_outputs=tuple(request.additionalSecretOutputs),
        deleted_with=request.deletedWith,
        provider=_without_id(request.provider),
        aliases=tuple(map(json_format.MessageToDict, request.aliases)),
        hooks={moment.name: tuple(names) for moment, names in hooks.ListFields()},
    )


def _without_id(provider: str) -> str:
    """Return a provider's URN from a reference, which is the URN and the id."""
    return provider.rpartition("::")[0]


def _copy(source: Message, target: Message, names: Mapping[str, str]) -> None:
    """Copy the fields that are set; `names` maps a field's name in `source` to that in `target`."""
    for descriptor, value in source.ListFields():
        name = names.get(descriptor.name)
        if name is None:
            continue
        target.ClearField(name)
        if isinstance(value, bool | str):
            setattr(target, name, value)
        else:
            getattr(target, name).MergeFrom(value)
