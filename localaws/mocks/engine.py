"""An engine for unit tests: it writes every registration down, and makes it in a local AWS that may refuse it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import os
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import mocks
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import provider_pb2, resource_pb2
from pulumi.runtime.settings import ROOT, SETTINGS
from pulumi.runtime.stack import run_in_stack

from localaws import awsx, invokes
from localaws.autoname import DEFAULTS, named
from localaws.catalog import Refused
from localaws.cloud import Cloud, type_of
from localaws.mocks.arguments import mistakes
from localaws.mocks.recording import Recording, Registered
from localaws.property_values import from_wire, to_wire, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from google.protobuf.message import Message

    from localaws.catalog import Refusal

DEFAULT_REGION = "us-east-1"

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


class Mistake(AssertionError):  # noqa: N818 — the program's, found by a test that fails
    """The program would fail, or do something else than it says; the message says what, where and by which rule."""

    def __init__(self, where: str, *refusals: Refusal | str) -> None:
        """Name the resource or function, and what is wrong with it."""
        lines = [each if isinstance(each, str) else f"{each} [rule {each.rule}]" for each in refusals]
        super().__init__("\n  ".join([f"{where}:", *lines]))
        self.refusals = tuple(each for each in refusals if not isinstance(each, str))


@dataclass(frozen=True)
class _Place:
    """What a provider decides for its resources."""

    region: str = DEFAULT_REGION
    default_tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any], fallback: str = DEFAULT_REGION) -> _Place:
        """From a provider's inputs, in which everything but text is JSON."""
        tags = settings.get("defaultTags") or {}
        tags = json.loads(tags) if isinstance(tags, str) else tags
        return cls(settings.get("region") or fallback, tags.get("tags") or {})


@dataclass
class Recorder(mocks.MockMonitor):
    """An engine that writes everything down."""

    cloud: Cloud = field(default_factory=lambda: Cloud(seed=1))
    others: mocks.Mocks | None = None
    """What answers for other packages than `aws` and `awsx`."""

    registered: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.others or _Nobody())
        self._preview = False
        self._places: dict[str, _Place] = {"": _Place()}
        self._transforms: dict[str, list[Any]] = {}
        self._under_construction: dict[str, Registered] = {}
        # The SDK registers from several threads, and a cloud knows only one.
        self._lock = threading.RLock()

    def run(
        self,
        program: Callable[[], object],
        *,
        project: str,
        stack: str,
        config: Mapping[str, str],
        preview: bool,
        seconds: float,
    ) -> Recording:
        """Run a whole program; what was registered stays readable when it fails.

        Raises:
            Mistake: AWS would refuse something, or the program leaves something undone.
        """
        self._preview = preview
        own = {key.removeprefix("aws:"): value for key, value in config.items() if key.startswith("aws:")}
        self._places[""] = _Place.of(own)

        def execute() -> None:
            # A root resource that is there already keeps set_mocks from making one that would outlive this run.
            ROOT.set(_OUTSIDE)
            pulumi.runtime.set_mocks(self.mocks, project=project, stack=stack, preview=preview, monitor=self)
            ROOT.set(None)
            pulumi.runtime.set_all_config(dict(config))
            SETTINGS.rpc_manager.clear()
            SETTINGS.outputs.clear()
            with asyncio.Runner() as runner:
                # What fails is raised; the SDK leaves copies of it in futures that nobody reads.
                runner.get_loop().set_exception_handler(lambda *_: None)
                runner.run(_to_its_end(program, seconds))

        with _outputs_are_no_text(), _every_coroutine_awaited():
            contextvars.copy_context().run(execute)
        return Recording(self.registered, self.outputs, self.invoked, self.cloud, project, stack)

    # The protocol; it runs in the SDK's threads.

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Note a resource and make it."""
        if request.type == _STACK:
            return resource_pb2.RegisterResourceResponse(urn=self.make_urn("", request.type, request.name))
        with self._lock:
            return asyncio.run(self._register(request))

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine makes it: with all of the parents' types, but for the stack's."""
        parents = parent.split("::")[2] if parent else _STACK
        qualified = type_ if parents == _STACK else f"{parents}${type_}"
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{qualified}::{name}"

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Note a component's outputs."""
        if request.urn in self.outputs:
            raise Mistake(request.urn, "it registers its outputs twice")
        self.outputs[request.urn] = unwrapped(from_wire(request.outputs))
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Show a resource that exists."""
        if not request.type.startswith("aws:"):
            known = unwrapped(from_wire(request.properties))
            state = self._ask_others(request, known, request.id)[1]
        elif found := self.cloud.find(request.type, request.id):
            state = found.outputs
        else:
            raise Mistake(f"{request.type} '{request.name}'", f"it reads {request.id}, which doesn't exist")
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=to_wire(state))

    def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        """Answer a function."""
        args, place = unwrapped(from_wire(request.args)), self._place(_without_id(request.provider))
        self.invoked.append((request.tok, args))
        if not request.tok.startswith("aws:"):
            answer: Any = self.mocks.call(mocks.MockCallArgs(request.tok, args, request.provider))
        else:
            try:
                with self._lock:
                    answer = invokes.answer(self.cloud, request.tok, args, args.get("region") or place.region)
            except Refused as refused:
                raise Mistake(f"invoking {request.tok}", *refused.refusals) from None
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(to_wire(answer))
        return response

    # A registration.

    async def _register(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self._under_construction:
            self._keep(self._under_construction[urn])
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self._transforms[urn] = [*request.transforms, *self._transforms.get(request.parent, ())]
        await self._transform(request, self._transforms[urn])
        resource = _registered(request, urn)
        complaints = list(mistakes(resource.type, resource.inputs))
        if complaints:
            raise Mistake(f"{resource.type} '{resource.name}'", *complaints)
        if request.remote:
            return await self._construct(request, resource)
        self._keep(resource)
        identifier, state = self._make(resource, request) if request.custom else ("", {})
        self.resources[urn] = self.ResourceRegistration(urn, identifier, state)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identifier, object=to_wire(state))

    def _keep(self, resource: Registered) -> None:
        if resource.urn in {each.urn for each in self.registered}:
            raise Mistake(resource.urn, "it is registered twice")
        self.registered.append(resource)

    def _make(self, resource: Registered, request: Any) -> tuple[str, dict[str, Any]]:
        token, name, inputs = resource.type, resource.name, resource.inputs
        if token.startswith("pulumi:providers:"):
            self._places[resource.urn] = _Place.of(inputs, self._places[""].region)
            return f"{name}-id", inputs
        if not token.startswith("aws:"):
            return self._ask_others(request, inputs, request.importId)
        try:
            return self._adopt(resource) if resource.import_id else self._create(resource)
        except Refused as refused:
            raise Mistake(f"{token} '{name}'", *refused.refusals) from None

    def _ask_others(self, request: Any, inputs: dict[str, Any], identifier: str = "") -> tuple[str, dict[str, Any]]:
        args = mocks.MockResourceArgs(request.type, request.name, inputs, request.provider, identifier)
        found, state = self.mocks.new_resource(args)
        return found or "", state

    def _create(self, resource: Registered) -> tuple[str, dict[str, Any]]:
        kind, place = type_of(resource.type), self._place(resource.provider)
        inputs = named(kind, resource.name, resource.inputs, {}, seed=resource.urn.encode())
        inputs.pop(DEFAULTS)
        options: Any = {"region": place.region, "default_tags": place.default_tags}
        if self._preview:
            _refuse(*kind.check(inputs))
            return "", self.cloud.preview(kind.token, inputs, **options)
        made = self.cloud.create(kind.token, resource.urn, inputs, **options)
        return made.id, made.outputs

    def _adopt(self, resource: Registered) -> tuple[str, dict[str, Any]]:
        """Take over what exists, as the `import_` option does, with the inputs that the program gives it."""
        found = self.cloud.find(resource.type, resource.import_id)
        if found is None:
            raise Mistake(f"{resource.type} '{resource.name}'", f"it imports {resource.import_id}, which doesn't exist")
        if self._preview:
            _refuse(*type_of(resource.type).check(resource.inputs))
            return found.id, {**found.outputs, **resource.inputs}
        tags = self._place(resource.provider).default_tags
        made = self.cloud.update(resource.type, found.id, resource.inputs, default_tags=tags)
        return made.id, made.outputs

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
        )
        self._under_construction[resource.urn] = resource
        try:
            answer = await awsx.construct(_Loopback(self), construction, request.version)
        except (awsx.Unsupported, ValueError) as reason:
            raise Mistake(f"{request.type} '{request.name}'", str(reason)) from None
        finally:
            del self._under_construction[resource.urn]
        return resource_pb2.RegisterResourceResponse(urn=answer.urn, object=answer.state)

    async def _transform(self, request: Any, callbacks: list[Any]) -> None:
        """Let the transforms of the resource, of its parents and of the stack change it, in the engine's order."""
        # The engine's own way to them is a call over the network, to this process.
        servicers = _CallbackServicer._servicers  # noqa: SLF001
        known = {token: each for servicer in servicers for token, each in servicer._callbacks.items()}  # noqa: SLF001
        for callback in [*callbacks, *self._transforms.get(_STACK, ())]:
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
        self._transforms.setdefault(_STACK, []).append(request)
        return empty_pb2.Empty()

    def _place(self, provider: str) -> _Place:
        return self._places.get(provider, self._places[""])


_STACK = "pulumi:pulumi:Stack"
_OTHERS = "it isn't AWS's; pass `others=`, a pulumi.runtime.Mocks that answers for it"


@dataclass(frozen=True)
class _Loopback:
    """The engine, as a component from elsewhere talks to it."""

    recorder: Recorder

    async def RegisterResource(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        return await self.recorder._register(request)  # noqa: SLF001 — the other end of the same line

    async def RegisterResourceOutputs(self, _request: Any) -> Any:  # noqa: N802 — the protocol's name
        return empty_pb2.Empty()

    async def Invoke(self, request: Any) -> Any:  # noqa: N802 — the protocol's name
        return self.recorder.Invoke(request)


class _Nobody(mocks.Mocks):
    """What answers for other packages when the test names nothing."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise Mistake(args.token, _OTHERS)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise Mistake(f"{args.typ} '{args.name}'", _OTHERS)


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


def _refuse(*refusals: Refusal) -> None:
    if refusals:
        raise Refused(*refusals)


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


def only_in_runs() -> None:
    """From now on, let a resource that is made outside of a run raise at once.

    Pulumi itself would register it in a coroutine that nothing awaits, and the test would pass. For a project whose
    tests all use these mocks; `pulumi.runtime.set_mocks` doesn't work after this.
    """
    ROOT.set(_OUTSIDE)


class _Outside:
    """What stands where a run has its stack; the SDK asks it how to change a resource before anything else."""

    @property
    def _transformations(self) -> Any:
        raise Mistake("a resource outside of a run", "nothing would register it; make it in what mocks.run is given")


_OUTSIDE: Any = _Outside()


async def _to_its_end(program: Callable[[], object], seconds: float) -> None:
    """Run the program until everything that it began has ended."""

    def main() -> Any:
        result = program()
        return result if isawaitable(result) else None

    try:
        await asyncio.wait_for(run_in_stack(main), seconds)
    except TimeoutError:
        raise Mistake("the program", f"after {seconds:g} s it still waits for an Output or a coroutine") from None
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        raise Mistake("the program", *(f"{each.get_coro()} was started and nothing awaits it" for each in left))


@contextmanager
def _outputs_are_no_text() -> Iterator[None]:
    """Have an Output that is formatted into a text raise, where it would put a sentence about itself there."""
    name = "PULUMI_ERROR_OUTPUT_STRING"
    before = os.environ.get(name)
    os.environ[name] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _every_coroutine_awaited() -> Iterator[None]:
    """Make a failure of Python's warning that a coroutine was never awaited; show other warnings as ever."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", ".* was never awaited")
        yield
        gc.collect(1)
    for warning in caught:
        if "was never awaited" in str(warning.message):
            raise Mistake("the program", str(warning.message))
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
