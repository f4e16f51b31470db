"""The processes that the language host starts."""

from __future__ import annotations

import queue
import subprocess
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import grpc


class Children:
    """The processes of plugins and installers that run now."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self,
        command: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        context: grpc.ServicerContext,
        response: Callable[..., Any],
    ) -> Generator[Any, None, int]:
        """Run a command until it or the call ends; yield its output and return its exit code."""
        process = subprocess.Popen(  # noqa: S603 - running the project's own Python is the purpose
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._running.add(process)
        context.add_callback(process.kill)
        output: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def pump(name: str, pipe: Any) -> None:
            with pipe:
                while text := pipe.read1(65536):
                    output.put(response(**{name: text}))
            output.put(None)

        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            threading.Thread(target=pump, args=(name, pipe), daemon=True).start()
        try:
            for _ in range(2):
                yield from iter(output.get, None)
            return process.wait()
        finally:
            # Also when the call ends first: then nothing takes the rest of the output.
            process.kill()
            process.wait()
            self._running.discard(process)

    def end(self) -> None:
        """End what still runs."""
        for process in list(self._running):
            process.kill()
