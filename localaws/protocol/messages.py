"""Pulumi's protocol: the messages and services that gRPC's compiler has made for its SDK.

They are modules of the package `pulumi`, whose `__init__` imports the whole SDK. That takes a fifth
of the daemon's start and most of `pulumi-local status`, and neither uses any of it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "resource_pb2",
    "resource_pb2_grpc",
    "status_pb2",
]


@contextmanager
def _without_the_sdk() -> Iterator[None]:
    """Import modules of the SDK's packages in this block without what these packages import.

    Where the SDK is imported already, there is nothing to leave out. Where it is imported later, it
    finds the modules that the block has imported.
    """
    spec = None if "pulumi" in sys.modules else find_spec("pulumi")
    if spec is None or spec.origin is None:
        yield
        return
    root = Path(spec.origin).parent
    empty = {"pulumi": root, "pulumi.runtime": root / "runtime"}
    for name, folder in empty.items():
        sys.modules[name] = package = ModuleType(name)
        package.__path__ = [str(folder)]
    try:
        yield
    finally:
        for name in empty:
            del sys.modules[name]


with _without_the_sdk():
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        resource_pb2,
        resource_pb2_grpc,
        status_pb2,
    )
