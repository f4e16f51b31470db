"""A real browser without a screen, by its DevTools protocol over two pipes.

https://chromedevtools.github.io/devtools-protocol/
"""

import fcntl
import json
import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_TIMEOUT = 60.0
"""Seconds; a browser that starts on a busy machine takes a few."""

_ARGUMENTS = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--hide-scrollbars",
    ),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1100,900",
    ),
    "--remote-debugging-pipe",
)
"""Without its sandbox, which root and many containers don't have: it opens pages that a test has
just written.
"""


class Browser:
    """A browser process; its pages are independent of each other."""

    def __init__(self, command: Path, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # The browser reads from 3 and writes to 4, which must not be what is copied there.
        spare = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
        self._process = os.posix_spawn(
            command,
            [str(command), *_ARGUMENTS, f"--user-data-dir={profile}"],
            {**os.environ, "HOME": str(profile)},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, spare[0], 3),
                (os.POSIX_SPAWN_DUP2, spare[1], 4),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
        )
        for end in (theirs_in, theirs_out, *spare):
            os.close(end)
        self._rest = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """Call a method and wait for its result; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)
        raise AssertionError

    def wait_for(self, method: str, session: str) -> None:
        """Wait until an event has occurred."""

        def is_wanted(event: dict[str, Any]) -> bool:
            return event["method"] == method and event.get("sessionId") == session

        if any(map(is_wanted, self.events)):
            return
        for event in self._messages():
            self.events.append(event)
            if is_wanted(event):
                return

    def _messages(self) -> Iterator[dict[str, Any]]:
        ends = time.monotonic() + _TIMEOUT
        while True:
            while b"\0" in self._rest:
                one, _, self._rest = self._rest.partition(b"\0")
                yield json.loads(one)
            assert time.monotonic() < ends, "the browser doesn't answer"
            if select.select([self._in], [], [], 1)[0]:
                read = os.read(self._in, 1 << 20)
                assert read, "the browser has ended"
                self._rest += read

    def open(self, file: Path, *, dark: bool = False, width: int = 1100) -> "Page":
        """Open a file in a new page, and wait until it has loaded."""
        page = Page(self)
        for domain in ("Page", "Network", "Runtime", "Log", "Accessibility"):
            page.call(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        page.call("Emulation.setDeviceMetricsOverride", **size)
        page.call("Page.navigate", url=file.as_uri())
        self.wait_for("Page.loadEventFired", page.session)
        return page


class Page:
    """A page, and what happened in it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session: str = browser.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._browser.call(method, self.session, **parameters)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression that is evaluated in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key of the keyboard."""
        codes = {"Tab": 9, "Enter": 13}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        if key == "Enter":
            event["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def accessible(self) -> list[dict[str, str]]:
        """Return role, name, description and level of each node of the accessibility tree."""
        found: list[dict[str, str]] = []
        for node in self.call("Accessibility.getFullAXTree")["nodes"]:
            if node["ignored"]:
                continue
            entry = {"role": node["role"]["value"], "level": ""}
            for name in ("name", "description"):
                entry[name] = node.get(name, {}).get("value", "")
            for each in node["properties"]:
                if each["name"] == "level":
                    entry["level"] = str(each["value"]["value"])
            found.append(entry)
        return found

    def happened(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all events of one kind."""
        self.call("Runtime.evaluate", expression="0")  # earlier events have arrived with its result
        found = []
        for event in self._browser.events:
            if event.get("sessionId") != self.session:
                continue
            if event["method"] == method:
                found.append(event["params"])
        return found
