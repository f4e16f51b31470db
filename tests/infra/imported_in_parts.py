"""Functions that tests/infra/test_startup.py runs in a Python that has imported nothing yet.

It imports the SDK in parts or in the ordinary way, then prints as JSON what one of its functions
found.
"""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pulumi
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.rpc import deserialize_resource

from infra import startup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localaws.mocks import Recording

SDK = "pulumi_aws"


def names(wanted: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Use names of sub-packages one by one, then import those whole, and compare."""
    startup.import_in_parts(SDK)
    wrong = []
    whole = []
    for package, given in wanted.items():
        part = sys.modules[f"{SDK}.{package}"]
        used = {}
        for name in given:
            used[name] = getattr(part, name)
            if not is_in_parts(package):
                whole.append(f"{package}.{name}")
        dir(part)
        assert not is_in_parts(package), package
        wrong += [f"{package}.{name}" for name in used if getattr(part, name) is not used[name]]
    return {"wrong": wrong, "imported whole": whole}


def ordinary_names(packages: Iterable[str]) -> dict[str, list[str]]:
    """List the names that an ordinary import of sub-packages takes from their modules."""
    not_of_the_service = {"typing", "_builtins", "_utilities"}
    found: dict[str, list[str]] = {}
    for package in packages:
        module = importlib.import_module(f"{SDK}.{package}")
        hasattr(module, "outputs")  # imports it: Pulumi defers that until something of it is used
        public = [name for name in vars(module) if not name.startswith("__")]
        found[package] = [name for name in public if name not in not_of_the_service]
    return found


def modules(wanted: Iterable[str]) -> list[str]:
    """Use names of one sub-package, and list its modules that this imports."""
    startup.import_in_parts(SDK)
    package = f"{SDK}.ec2"
    for name in wanted:
        getattr(sys.modules[package], name)
    return sorted(
        name.removeprefix(f"{package}.") for name in sys.modules if name.startswith(f"{package}.")
    )


def run(stack: str) -> dict[str, Any]:
    """Run `__main__.py` under mocks; list what it registers and imports."""
    from gate.configurations import recording  # noqa: PLC0415 - other functions are to import less

    recorded = written(recording(stack))
    assert is_in_parts("ec2")
    packages = 0
    whole: list[str] = []
    for name, module in sys.modules.items():
        if name.startswith(f"{SDK}.") and hasattr(module, "__path__"):
            packages += 1
            if not isinstance(module, startup.PackageInParts):
                whole.append(name)
    return {
        "recorded": recorded,
        "packages": packages,
        "imported whole": sorted(whole),
        "resources": imported_resources(),
        "modules": imported_modules(),
    }


def preload(_: None) -> list[str]:
    """Run preload.py, and list the modules that it imports."""
    runpy.run_path("preload.py")
    return imported_modules()


def imported_modules() -> list[str]:
    """List the modules of the SDK and of the program that were imported."""
    return [
        name
        for name, module in sys.modules.items()
        if name.startswith((f"{SDK}.", "pulumi_awsx.", "infra."))
        and not isinstance(module, startup.PackageInParts)
    ]


def imported_resources() -> list[str]:
    """List the names of the classes of resources that were imported."""
    found = set()
    for name in [name for name in sys.modules if name.startswith(f"{SDK}.")]:
        for value in vars(sys.modules[name]).values():
            if isinstance(value, type) and issubclass(value, pulumi.CustomResource):
                found.add(value.__name__)
    return sorted(found)


def ordinary_runs(stacks: Iterable[str]) -> dict[str, list[str]]:
    """Run `__main__.py` for stacks under mocks, with the SDK imported in the ordinary way."""
    importlib.import_module(SDK)
    from gate.configurations import recording  # noqa: PLC0415 - other functions are to import less

    recorded = {stack: written(recording(stack)) for stack in stacks}
    assert not is_in_parts("ec2")
    return recorded


def written(recording: Recording) -> list[str]:
    """Write down all that a run registered and called, in an order that doesn't vary.

    The random part of a built image's tag, which a Stash keeps, is replaced.
    """
    entries = [
        *(vars(each) for each in recording.registered),
        *recording.outputs.items(),
        *recording.invoked,
    ]
    text = "\n".join(json.dumps(each, sort_keys=True, default=sorted) for each in entries)
    for each in recording.registered:
        if each.type == "pulumi:index:Stash":
            text = text.replace(each.inputs["input"], "RANDOM")
    return sorted(text.splitlines())


def reference(token: str) -> dict[str, str]:
    """Read a reference to a resource, whose class hasn't been imported."""
    read: dict[str, str] = {}

    def read_reference(urn: str) -> pulumi.Output[None]:
        given = Struct()
        given.update({"urn": urn, "packageVersion": ""})
        resource: Any = deserialize_resource(given)
        read["class"] = f"{type(resource).__module__}.{type(resource).__qualname__}"
        description = pulumi.Output.from_input(resource.description)
        return description.apply(lambda text: read.update(description=text))

    def program() -> pulumi.Output[None]:
        registered = pulumi.CustomResource(token, "a-name", {"description": "a text"})
        return registered.urn.apply(read_reference)

    startup.import_in_parts(SDK)
    pulumi.runtime.set_mocks(Answers())
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return read


class Answers(pulumi.runtime.Mocks):
    """An engine that gives each resource what it was registered with."""

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        return "an-id", args.inputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> NoReturn:
        raise AssertionError(args.token)


def is_in_parts(package: str) -> bool:
    return isinstance(sys.modules[f"{SDK}.{package}"], startup.PackageInParts)


if __name__ == "__main__":
    found = globals()[sys.argv[1]](json.load(sys.stdin))
    json.dump(found, sys.stdout)
