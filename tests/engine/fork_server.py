"""A process that forks for each connection to its socket, after it has imported what forks need."""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def serve(address: str, run: Callable[[socket.socket], NoReturn]) -> None:
    """Have a fork of this process serve each connection, until standard input ends.

    Args:
        address: The path of the socket.
        run: What a fork does with its connection; it ends the fork.
    """
    # A fork that looks for garbage among what was imported would copy its memory.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no fork is waited for
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(address)
        listener.listen()
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            if any(key.fileobj is sys.stdin for key, _ in selector.select()):
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                run(connection)
            connection.close()
