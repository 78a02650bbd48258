"""A real Chromium that is told what to do over a pipe (Chrome DevTools Protocol), without any library.

with browser(tmp_path) as page:
    page.open(url)
    page.press("Tab")
    page.press("Enter")
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from tests.test_render_browser import chromium

_KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " ")}
_SECONDS = 30


class Page:
    """One tab. `requests` are the addresses it asked for, `complaints` what the browser said of the page."""

    def __init__(self, write: BinaryIO, read: BinaryIO) -> None:
        self._write = write
        self._read = read
        self._number = 0
        self._session = ""
        self._loads = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Gives an order and returns its result."""
        self._number += 1
        order: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            order["sessionId"] = self._session
        self._write.write(json.dumps(order).encode() + b"\0")
        self._write.flush()
        while True:
            said = self._hear()
            if said.get("id") == self._number:
                assert "error" not in said, said
                found: dict[str, Any] = said["result"]
                return found

    def open(self, url: str) -> None:
        before = self._loads
        self.tell("Page.navigate", url=url)
        self._wait(before)

    def press(self, key: str, *, loads: bool = False) -> None:
        """Presses a key; waits for the page that comes of it, if one does."""
        before = self._loads
        code, text = _KEYS[key]
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.tell("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **about)
        self.tell("Input.dispatchKeyEvent", type="keyUp", **about)
        if loads:
            self._wait(before)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to."""
        result = self.tell("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def looks(self, width: int, *, dark: bool = False, height: int = 800) -> None:
        """Sets the size of the window and the colours that its reader likes."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[feature])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot")["data"]))

    def _wait(self, before: int) -> None:
        deadline = time.monotonic() + _SECONDS
        while self._loads == before:
            assert time.monotonic() < deadline, "the page does not come"
            self.tell("Runtime.evaluate", expression="1")
            time.sleep(0.02)

    def _hear(self) -> dict[str, Any]:
        heard = bytearray()
        while (octet := self._read.read(1)) != b"\0":
            assert octet, "the browser has ended"
            heard += octet
        said: dict[str, Any] = json.loads(heard)
        match said.get("method"):
            case "Page.loadEventFired":
                self._loads += 1
            case "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(said["params"]["entry"]["text"])
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.complaints.append(str(said["params"]))
        return said


@contextmanager
def browser(folder: Path, *, scripts: bool = True, arguments: Sequence[str] = ()) -> Iterator[Page]:
    """A page of a fresh browser; without `scripts` pages run none. `arguments` are more of its command line."""
    ours, theirs = os.pipe(), os.pipe()
    command = [chromium(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]

    def place() -> None:
        os.dup2(ours[0], 3)
        os.dup2(theirs[1], 4)

    # Higher than 4, so that what is put there overwrites neither end.
    for number in range(2):
        assert min(ours[number], theirs[number]) > 2
    process = subprocess.Popen(
        [*command, *arguments, "--remote-debugging-pipe", "about:blank"],
        preexec_fn=place,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(ours[0])
    os.close(theirs[1])
    try:
        with os.fdopen(ours[1], "wb") as write, os.fdopen(theirs[0], "rb") as read:
            page = Page(write, read)
            page.tell("Emulation.setScriptExecutionDisabled", value=not scripts)
            yield page
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
