"""JSON documents by key in one file, where a change costs what it changes and not what is there.

The first line is a header with the format's version. Each line after it is one change, which
happens whole or not at all: a JSON object with the new document of each key that changed, null for
one that is gone. Superseded documents accumulate, so the file is written anew as soon as they are
most of it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from localaws.machine.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SUPERSEDED_ALLOWED = 256 * 1024
"""Superseded bytes beyond as many as there are current ones, before the file is written anew.
Rewriting n bytes only after n were superseded keeps the average cost of a change the same, however
many documents there are."""


class WrongVersion(Exception):  # noqa: N818 — names the finding
    """The file has the format of another version."""

    def __init__(self, version: object) -> None:
        super().__init__(f"version {version!r}")
        self.version = version


class Journal:
    """The documents of one file, for one process at a time."""

    def __init__(self, path: Path, *, version: int) -> None:
        """Start with nothing; `read` brings what the file at `path` has, `write` makes it."""
        self._path = path
        self._version = version
        self._texts: dict[str, str] = {}
        self._current = self._superseded = 0
        """Bytes of the documents that count, and of what else is in the file."""
        self._whole = True
        """Whether the file ends with the end of a line, so that another can follow."""

    def read(self) -> dict[str, Any]:
        """Return the documents of the file, which exists, in the order in which their keys came.

        A last line without its end is dropped: the process was killed while it wrote that change,
        and confirmed it to no caller.

        Raises:
            WrongVersion: It has another format.
            ValueError: It is damaged.
        """
        content = self._path.read_bytes()
        header, *lines = content.split(b"\n")
        torn = lines.pop() if lines else header
        version = _object(header, 1).get("version")
        if version != self._version:
            raise WrongVersion(version)
        documents: dict[str, Any] = {}
        for number, line in enumerate(lines, start=2):
            for key, document in _object(line, number).items():
                if document is None:
                    documents.pop(key, None)
                else:
                    documents[key] = document
        self._texts = {key: json.dumps(document) for key, document in documents.items()}
        self._current = sum(map(len, self._texts.values()))
        self._superseded = len(content) - self._current
        self._whole = not torn
        return documents

    def write(self, changes: Mapping[str, Any]) -> None:
        """Save new documents by key, None for one that is gone, as one change.

        What the file has already costs nothing.

        Raises:
            OSError: They can't be written; the file is as before.
        """
        changed: dict[str, str | None] = {}
        for key, document in changes.items():
            text = None if document is None else json.dumps(document)
            if text != self._texts.get(key):
                changed[key] = text
        continued = self._whole and self._path.exists()
        if continued and not changed:
            return
        if not continued or self._superseded > self._current + _SUPERSEDED_ALLOWED:
            together = {**self._texts, **changed}
            self._write_anew({key: text for key, text in together.items() if text is not None})
            return
        self._append(_line({key: text or "null" for key, text in changed.items()}))
        for key, text in changed.items():
            former = len(self._texts.get(key, ""))
            self._superseded += former
            self._current += len(text or "") - former
            if text is None:
                self._texts.pop(key, None)
            else:
                # It keeps its place: the order is that in which documents were written first.
                self._texts[key] = text

    def _write_anew(self, texts: dict[str, str]) -> None:
        header = json.dumps({"version": self._version})
        lines = (_line({key: text}) for key, text in texts.items())
        write_atomically(self._path, "".join((f"{header}\n", *lines)))
        self._texts = texts
        self._current = sum(map(len, texts.values()))
        self._superseded = 0
        self._whole = True

    def _append(self, line: str) -> None:
        """Add a line in one piece: half of one, on a full disk, would spoil the next."""
        rest = line.encode()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            try:
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            except OSError as error:
                os.ftruncate(descriptor, size)
                error.filename = str(self._path)  # which a descriptor's error lacks
                raise
        finally:
            os.close(descriptor)


def _line(texts: Mapping[str, str]) -> str:
    members = ", ".join(f"{json.dumps(key)}: {text}" for key, text in texts.items())
    return f"{{{members}}}\n"


def _object(line: bytes, number: int) -> dict[str, Any]:
    """Return the JSON object that a line is.

    Raises:
        ValueError: It is something else.
    """
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if not isinstance(found, dict):
        # Of a file's content, not of an argument
        raise ValueError(f"line {number} holds no object")  # noqa: TRY004
    return found
