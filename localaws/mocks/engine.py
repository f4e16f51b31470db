"""An engine for unit tests: it records registrations and makes them in a local AWS."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.metadata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import mocks
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import provider_pb2, resource_pb2
from pulumi.runtime.settings import ROOT, SETTINGS

from localaws.account import invokes
from localaws.account.cloud import Cloud
from localaws.catalog import Refused
from localaws.catalog.tokens import canonical
from localaws.mocks.account import Account, ProviderSettings
from localaws.mocks.arguments import descriptions, mistakes
from localaws.mocks.beside_aws import TYPES as TYPES_BESIDE_AWS
from localaws.mocks.beside_aws import BesideAws
from localaws.mocks.lockstep import IdleSelector, Lockstep, NotYetError, Stage
from localaws.mocks.mistake import LookupFailedError, Mistake
from localaws.mocks.recording import Recording, Registered
from localaws.mocks.running import OUTSIDE, every_coroutine_awaited, outputs_are_no_text, to_its_end
from localaws.mocks.urns import STACK, former, urn_of
from localaws.protocol.awsx.components import construct
from localaws.protocol.awsx.monitor import Unsupported
from localaws.protocol.property_values import from_wire, to_wire, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from google.protobuf.message import Message

    from localaws.mocks.lockstep import Call


_TRANSFORMED = {
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
"""The options that a transform may change, and their names in a registration."""


@dataclass
class Recorder(mocks.MockMonitor):
    """An engine that writes everything down."""

    cloud: Cloud = field(default_factory=lambda: Cloud(seed=1))
    others: mocks.Mocks | None = None
    """What answers for other packages than `aws`, `awsx` and `docker-build`."""

    registered: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    order: Callable[[Sequence[Call]], Sequence[Call]] = tuple
    """In which order calls are answered that wait at the same time; the verdict on a program
    doesn't depend on it.
    """

    def __post_init__(self) -> None:
        super().__init__(self.others or _NoOtherPackages())
        self._account = Account(self.cloud)
        self._beside_aws = BesideAws()
        self._settings_by_provider: dict[str, ProviderSettings] = {"": ProviderSettings()}
        self._transforms: dict[str, list[Any]] = {}
        self._under_construction: dict[str, Registered] = {}
        self._former: dict[str, list[str]] = {}
        self._failed_lookups: list[Mistake] = []
        self._calls = Lockstep(self.order)
        self._registrations = asyncio.Runner()
        self._prepared: dict[int, Registered] = {}
        """By the identity of its request: what was registered and can't be made yet."""

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
        """Run a whole program; what was registered stays readable when it fails.

        Raises:
            Mistake: AWS would refuse something, or the program leaves something undone.
        """
        before = after.resources if after else {}
        self._account = Account(self.cloud, before, preview=preview)
        earlier = {each.urn: each for each in after.registered} if after else {}
        self._beside_aws = BesideAws(earlier, preview)
        own = {
            key.removeprefix("aws:"): value
            for key, value in config.items()
            if key.startswith("aws:")
        }
        self._settings_by_provider[""] = ProviderSettings.of(own)

        def execute() -> None:
            ROOT.set(OUTSIDE)
            pulumi.runtime.set_mocks(
                self.mocks, project=project, stack=stack, preview=preview, monitor=self
            )
            ROOT.set(None)
            pulumi.runtime.set_all_config(dict(config))
            SETTINGS.rpc_manager.clear()
            SETTINGS.outputs.clear()
            self._calls = Lockstep(self.order)
            self._registrations = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
            with self._registrations, asyncio.Runner(loop_factory=self._loop) as runner:
                # What fails is raised; the SDK leaves copies of it in futures that are never read.
                runner.get_loop().set_exception_handler(lambda *_: None)
                runner.run(to_its_end(program, seconds))

        with outputs_are_no_text(), every_coroutine_awaited():
            try:
                contextvars.copy_context().run(execute)
            except Exception as error:
                mistake = (
                    _first(error) if isinstance(error, AssertionError) else self._lookup_in(error)
                )
                if mistake is None:
                    raise
                raise mistake from None
        for urn in self._account.before.keys() - self._account.met:
            self._account.operations[urn] = "delete"
        left = before if preview else self._account.made
        return Recording(
            self.registered,
            self.outputs,
            self.invoked,
            self.cloud,
            project,
            stack,
            left,
            self._account.operations,
        )

    def _loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(IdleSelector(self._calls))
        loop.set_default_executor(self._calls)
        return loop

    # The protocol; the calls come one at a time.

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Note a resource and make it."""
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(
                urn=self.make_urn("", request.type, request.name)
            )
        # `asyncio.run` would go through all tasks of the program each time.
        context = contextvars.copy_context()
        return self._registrations.run(self._register(request), context=context)

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine makes it."""
        return urn_of(pulumi.get_stack(), pulumi.get_project(), parent, type_, name)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Note a component's outputs."""
        if request.urn in self.outputs:
            raise Mistake(request.urn, "it registers its outputs twice")
        outputs = self.outputs[request.urn] = unwrapped(from_wire(request.outputs))
        if complaints := tuple(descriptions(outputs)):
            raise Mistake(f"the outputs of {request.urn}", *complaints)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Show a resource that exists."""
        if not request.type.startswith("aws:"):
            known = unwrapped(from_wire(request.properties))
            state = self._ask_others(request, known, request.id)[1]
        elif found := self.cloud.find(canonical(request.type), request.id):
            state = found.outputs
        else:
            self._wait_for_others(Stage.REFUSALS)
            raise Mistake(
                f"{request.type} '{request.name}'", f"it reads {request.id}, which doesn't exist"
            )
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=to_wire(state))

    def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Answer a function, or the SDK's question for a resource that an output refers to."""
        if request.tok == "pulumi:pulumi:getResource":
            return self._answer(self.resources[from_wire(request.args)["urn"]]._asdict())
        self._wait_for_others(Stage.LOOKUPS)
        args, provider_settings = (
            unwrapped(from_wire(request.args)),
            self._provider_settings(_without_id(request.provider)),
        )
        failure = None
        if not request.tok.startswith("aws:"):
            answer: Any = self.mocks.call(mocks.MockCallArgs(request.tok, args, request.provider))
        else:
            try:
                answer = invokes.answer(
                    self.cloud, request.tok, args, args.get("region") or provider_settings.region
                )
            except Refused as refused:
                self._wait_for_others(Stage.REFUSALS)
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

    def _wait_for_others(self, stage: Stage) -> None:
        """Postpone the call until that stage, except within a remote component.

        Raises:
            NotYetError: It is put off.
        """
        if self._calls.stage < stage and not self._under_construction:
            raise NotYetError

    def _lookup_in(self, error: Exception) -> Mistake | None:
        """Return the failed lookup in an error: the SDK raises a bare exception with its text."""
        causes = (
            each
            for each in self._failed_lookups
            if type(error) is Exception and str(each) in str(error)
        )
        return next(causes, None)

    # A registration.

    async def _register(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self._under_construction:
            self._keep(self._under_construction[urn])
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
        """Transform a resource, and note what is to be made."""
        self._transforms[urn] = [*request.transforms, *self._transforms.get(request.parent, ())]
        await self._transform(request, self._transforms[urn])
        resource = _registered(request, urn)
        complaints = list(mistakes(resource.type, resource.inputs))
        if complaints:
            raise Mistake(f"{resource.type} '{resource.name}'", *complaints)
        self._former[urn] = former(resource, self._former.get(resource.parent, ()))
        if not request.remote:
            self._keep(resource)
        return resource

    def _keep(self, resource: Registered) -> None:
        if resource.urn in {each.urn for each in self.registered}:
            raise Mistake(resource.urn, "it is registered twice")
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
            return self._ask_others(request, inputs, request.importId)
        try:
            return self._account.make(
                resource, self._provider_settings(resource.provider), self._former[resource.urn]
            )
        except Refused as refused:
            self._wait_for_others(Stage.REFUSALS)
            raise Mistake(f"{token} '{name}'", *refused.refusals) from None
        except Mistake:
            self._wait_for_others(Stage.REFUSALS)
            raise

    def _ask_others(
        self, request: Any, inputs: dict[str, Any], identifier: str = ""
    ) -> tuple[str, dict[str, Any]]:
        args = mocks.MockResourceArgs(
            request.type, request.name, inputs, request.provider, identifier
        )
        found, state = self.mocks.new_resource(args)
        return found or "", state

    async def _construct(self, request: Any, resource: Registered) -> Any:
        """Let a component from elsewhere register its children."""
        if not request.type.startswith("awsx:"):
            self._keep(resource)
            _, state = self._ask_others(request, resource.inputs)
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
            answer = await construct(
                _Loopback(self), construction, importlib.metadata.version("pulumi-aws")
            )
        except (Unsupported, ValueError) as reason:
            raise Mistake(f"{request.type} '{request.name}'", str(reason)) from None
        finally:
            del self._under_construction[resource.urn]
        return resource_pb2.RegisterResourceResponse(urn=answer.urn, object=answer.state)

    async def _transform(self, request: Any, callbacks: list[Any]) -> None:
        """Apply the transforms of resource, parents and stack, in the engine's order."""
        # The engine's own way to them is a call over the network, to this process. The program's
        # thread may be making one at this moment, which has no callbacks yet.
        servicers = list(_CallbackServicer._servicers)  # noqa: SLF001
        tables = [dict(vars(servicer).get("_callbacks", {})) for servicer in servicers]
        known = {token: each for table in tables for token, each in table.items()}
        for callback in [*callbacks, *self._transforms.get(STACK, ())]:
            options = resource_pb2.TransformResourceOptions()
            _copy(request, options, {theirs: ours for ours, theirs in _TRANSFORMED.items()})
            ask = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=request.object,
                options=options,
            )
            answer: Any = await known[callback.token](ask.SerializeToString())
            request.object.CopyFrom(answer.properties)
            _copy(answer.options, request, _TRANSFORMED)

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Note a transform of everything."""
        self._transforms.setdefault(STACK, []).append(request)
        return empty_pb2.Empty()

    def _provider_settings(self, provider: str) -> ProviderSettings:
        return self._settings_by_provider.get(provider, self._settings_by_provider[""])


_OTHERS = "it isn't AWS's; pass `others=`, a pulumi.runtime.Mocks that answers for it"


@dataclass(frozen=True)
class _Loopback:
    """The engine, as a component from elsewhere talks to it."""

    recorder: Recorder

    async def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        # The other end of the same line
        return await self.recorder._register(request)  # noqa: SLF001

    # The protocol's name
    async def RegisterResourceOutputs(self, _request: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    async def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        return self.recorder.Invoke(request)


class _NoOtherPackages(mocks.Mocks):
    """What answers for other packages when the test names nothing."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise Mistake(args.token, _OTHERS)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise Mistake(f"{args.typ} '{args.name}'", _OTHERS)


def _first(error: BaseException) -> BaseException:
    """Return the original mistake: the SDK wraps it for each dependent resource."""
    cause = error.__cause__ or error.__context__
    return error if isinstance(error, Mistake) or cause is None else _first(cause)


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
        aliases=tuple(json_format.MessageToDict(each) for each in request.aliases),
        hooks={moment.name: tuple(names) for moment, names in hooks.ListFields()},
    )


def _without_id(provider: str) -> str:
    """A provider's URN, from the reference that has its id at the end."""
    return provider.rpartition("::")[0]


def _copy(source: Message, target: Message, names: Mapping[str, str]) -> None:
    """Copy the fields that are set to the fields that `names` says."""
    for descriptor, value in source.ListFields():
        name = names.get(descriptor.name)
        if name is None:
            continue
        target.ClearField(name)
        if isinstance(value, bool | str):
            setattr(target, name, value)
        else:
            getattr(target, name).MergeFrom(value)
