"""Start the program sooner: import the modules of the AWS SDK that it uses, not all of them.

`pulumi_aws` has a sub-package for each AWS service, and imports it on first use. The `__init__` of
the sub-package then imports all of its modules: 180 for EC2, of which this program uses 15. See
docs/adr/0033-import-only-the-modules-of-the-sdk-that-are-used.md.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import re
import sys
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MODULE_IMPORT = re.compile(r"from \.(\w+) import \*|from \. import (\w+)")
_NOTHING = re.compile(
    r"\s*|#.*|import builtins as _builtins|from \.\. import _utilities|import typing"
)


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Run the block without looking for garbage, and never look for it among what the block made.

    The thousands of classes and functions that a program imports live until it ends. Python would
    look for garbage among them again and again, which takes a fifth of the time of the imports, and
    a twelfth of the time of a preview after them. A process that runs programs several times, as
    tests do, keeps only what the first one made.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        _leave_out_what_exists()
        if enabled:
            gc.enable()


@cache
def _leave_out_what_exists() -> None:
    """Have the garbage collector leave out what exists, at the first call.

    `gc.get_freeze_count` would show a later call that it was done, but counts object by object.
    """
    gc.freeze()


def import_in_parts(sdk: str) -> None:
    """Import a package so that its sub-packages import a module when a name of it is first used.

    The program then imports and uses the package as it would without this. Nothing is done if the
    package is imported already, or isn't installed.
    """
    package = None if sdk in sys.modules else find_spec(sdk)
    if package is None:
        return
    for folder in package.submodule_search_locations or ():
        for init in Path(folder).glob("*/__init__.py"):
            spec = spec_from_file_location(f"{sdk}.{init.parent.name}", init)
            assert spec is not None
            # The package defers the import of its sub-packages, and leaves those that are imported
            # already as they are.
            sys.modules[spec.name] = sub_package = module_from_spec(spec)
            sub_package.__class__ = PackageInParts
    importlib.import_module(sdk)


class PackageInParts(ModuleType):
    """A package whose `__init__`, which would import all of its modules, hasn't run.

    Which module defines a name follows from how Pulumi generates its SDKs. Where it doesn't, or
    where `__init__` does more than import modules, `__init__` runs after all: that takes longer,
    and gives the same result.
    """

    def __getattr__(self, name: str) -> Any:
        for candidate in _may_define(name):
            if candidate in _imported_by(str(self.__file__)):
                module = importlib.import_module(f"{self.__name__}.{candidate}")
                if name in _exports(module):
                    value = getattr(module, name)
                    setattr(self, name, value)
                    return value
                if name == candidate:
                    return module
        self._run_init()
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets each imported module as an attribute of its package. But `get_vpc` is to be
        # the module's function, as it is after `from .get_vpc import *`.
        if isinstance(value, ModuleType) and name in _exports(value):
            value = getattr(value, name)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        self._run_init()
        return dir(self)

    def _run_init(self) -> None:
        """Become the package that it would be without this class."""
        self.__class__ = ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)


def _exports(module: ModuleType) -> Sequence[str]:
    return getattr(module, "__all__", ())


@cache
def _imported_by(init: str) -> frozenset[str]:
    """Name the modules that a package's `__init__` imports; none if it does anything else."""
    modules = set()
    for line in Path(init).read_text(errors="replace").splitlines():
        found = _MODULE_IMPORT.fullmatch(line)
        if found:
            modules.add(found[1] or found[2])
        elif not _NOTHING.fullmatch(line):
            return frozenset()
    return frozenset(modules)


def _may_define(name: str) -> Iterator[str]:
    """Name the modules that may define *name*, the most likely first.

    `SecurityGroup` and `SecurityGroupArgs` are in `security_group`; `get_vpc`, `get_vpc_output`,
    `GetVpcResult` and `AwaitableGetVpcResult` in `get_vpc`; the classes of nested inputs in
    `_inputs`, and enumerations in `_enums`. A module may also be meant itself.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    yield re.sub(r"^awaitable_|_(result|output|(init_)?args(_dict)?)$", "", words)
    if name.endswith(("Args", "ArgsDict")):
        yield "_inputs"
    elif name[0].isupper():
        yield words  # a resource whose name ends in one of those words
        yield "_enums"
    yield name
