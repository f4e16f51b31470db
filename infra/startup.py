"""Start the program sooner: import the parts of the AWS SDK that are used, not all of them.

`pulumi_aws` has one sub-package for each AWS service, which it imports on first use. But then the
sub-package's `__init__` imports all of its modules: 180 for EC2, of which this program uses six.
See docs/adr/0030.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import re
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec


@contextlib.contextmanager
def fast(sdk: str) -> Iterator[None]:
    """Load *sdk* in parts, and run the block without garbage collections.

    A run is short, and the thousands of classes that it defines at its start live until its end:
    looking for garbage among them takes a tenth of the time and finds none.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        load_in_parts(sdk)
        yield
    finally:
        if enabled:
            gc.enable()


def load_in_parts(sdk: str) -> None:
    """Import *sdk* so that its sub-packages import a module when a name of it is first used.

    A name's module follows from Pulumi's naming. Where it doesn't, the sub-package imports all of
    its modules, as it would have without this function: slower, and never another result.
    """
    finder = _Finder(sdk)
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(sdk)  # looks for all sub-packages, and imports none
    finally:
        sys.meta_path.remove(finder)


class _Finder:
    """Finds the sub-packages of one package, and none of their modules."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.rpartition(".")[0] != self._package:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.submodule_search_locations and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Loads a package without running its `__init__`, which waits until it is needed."""

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Package

    def exec_whole(self, module: ModuleType) -> None:
        """Run `__init__`."""
        module.__class__ = ModuleType
        super().exec_module(module)


class _Package(ModuleType):
    """A package that imports a module when one of its names is first used."""

    def __getattr__(self, name: str) -> Any:
        for candidate in _modules_of(name):
            if find_spec(f"{self.__name__}.{candidate}") is None:
                continue
            module = importlib.import_module(f"{self.__name__}.{candidate}")
            if name in _exports(module):
                value = getattr(module, name)
                setattr(self, name, value)
                return value
            if name == candidate:  # `outputs`, which modules import from their package
                return module
        _whole(self)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing a module sets it as its package's attribute, but `get_vpc` is to stay the
        # function of that module, which `__init__` would have put in its place.
        if isinstance(value, ModuleType) and name in _exports(value):
            value = getattr(value, name)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        _whole(self)
        return dir(self)


def _whole(package: ModuleType) -> None:
    """Make it the package that it would have been without this file."""
    assert package.__spec__ is not None
    loader = package.__spec__.loader
    assert isinstance(loader, _Loader), loader
    loader.exec_whole(package)


def _exports(module: ModuleType) -> Sequence[str]:
    return getattr(module, "__all__", ())


def _modules_of(name: str) -> Iterator[str]:
    """Name the modules that may define *name*, most likely first; see Pulumi's Python generator.

    `SecurityGroup` and `SecurityGroupArgs` are in `security_group`; `get_vpc`, `get_vpc_output`,
    `GetVpcResult` and `AwaitableGetVpcResult` in `get_vpc`; other classes of inputs are in
    `_inputs`, and enumerations in `_enums`.
    """
    yield name
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name))
    snake = snake.lower()
    yield re.sub(r"^awaitable_|(?<=.)(_result|_output|_args(_dict)?)$", "", snake)
    if name.endswith(("Args", "ArgsDict")):
        yield "_inputs"
    elif name[0].isupper():
        yield snake
        yield "_enums"
