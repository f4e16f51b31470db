"""Writing to the standard streams and to reports."""

import os
from typing import TextIO

from verify.escaping import visible


def write(stream: TextIO | None, text: str) -> str:
    """Write and flush; return the reason of a failure, or an empty text.

    A reader that closed the pipe (`verify | head`) is no failure.
    """
    if stream is None:
        return ""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # What is still in the buffer would fail again when the stream is closed.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        if isinstance(error, BrokenPipeError):
            return ""
        return visible(error.strerror or type(error).__name__)
    return ""
