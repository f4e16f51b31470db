"""A program that is interrupted while it imports a console script's modules."""

from __future__ import annotations

_PROGRAM = """
import signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            sys.argv.pop(1)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from {module} import {function}
{function}()
"""


def interrupted_script(target: str) -> str:
    """Return a program that calls a script's `module:function`, as the installed script does.

    It is interrupted when it looks for the module that its first argument names; the others are the
    script's.
    """
    module, _, function = target.partition(":")
    return _PROGRAM.format(module=module, function=function)
