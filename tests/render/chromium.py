"""A real browser for tests, spoken to by the DevTools protocol through two pipes: no port, and no package for it.

Chromium reads commands from descriptor 3 and writes answers and events to descriptor 4, each message a JSON text that
ends with a zero byte.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 30.0  # without any answer
KEYS = {" ": ("Space", " "), "Enter": ("Enter", "\r"), "/": ("Slash", "/")}  # keys that also write something


def find() -> str | None:
    """The program, if there is one, and a system on which a child can be given its descriptors."""
    return None if sys.platform == "win32" else next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One process, in which tests open tabs."""

    def __init__(self, program: str, profile: Path) -> None:
        import fcntl

        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        high = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (commands, answers)]

        def place() -> None:
            for there, fd in zip((3, 4), high, strict=True):
                os.dup2(fd, there)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--hide-scrollbars", "--window-size=1700,1040", f"--user-data-dir={profile}", "--remote-debugging-pipe"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=place, pass_fds=(3, 4),
        )  # fmt: skip
        for fd in (commands, answers, *high):
            os.close(fd)
        self._waiting = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the process and wait for it."""
        self.process.terminate()
        self.process.wait(SECONDS)
        os.close(self._commands)
        os.close(self._answers)

    def send(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Give a command, and return the result; events that come before it are kept."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method: str, session: str, since: int) -> None:
        """Read until an event of a session has come, among those after the first `since` ones."""
        while not any(e["method"] == method and e.get("sessionId") == session for e in self.events[since:]):
            self.events.append(self._read())

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._answers], [], [], SECONDS)
            if not ready:
                raise TimeoutError(f"the browser has said nothing for {SECONDS:g} s")
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                raise EOFError("the browser has ended")
            self._waiting += piece
        message, _, self._waiting = self._waiting.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def tab(self) -> Tab:
        """A new tab."""
        return Tab(self)


class Tab:
    """A tab, and all that it has complained about."""

    def __init__(self, browser: Chromium, target: str | None = None) -> None:
        self._browser = browser
        self._target = target or browser.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.send("Target.attachToTarget", targetId=self._target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> Any:
        """Give a command to this tab."""
        return self._browser.send(method, self._session, **params)

    def frame(self) -> Tab:
        """The page within this page, which the browser keeps apart like another tab."""
        targets = self._browser.send("Target.getTargets")["targetInfos"]
        return Tab(
            self._browser, next(target["targetId"] for target in targets if target["type"] == "iframe")
        )

    def close(self) -> None:
        """Close it."""
        self._browser.send("Target.closeTarget", targetId=self._target)

    def open(self, address: str) -> None:
        """Load a page, and wait until its scripts have run."""
        since = len(self._browser.events)
        if "loaderId" not in self.send("Page.navigate", url=address):
            self.run(
                "new Promise(done => setTimeout(done))"
            )  # the same page; only the part after # is another
            return
        self._browser.wait("Page.loadEventFired", self._session, since)

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", script))
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """The text in the first element that a selector finds."""
        found: str = self.run(f"document.querySelector({json.dumps(selector)}).textContent")
        return found

    def press(self, key: str) -> None:
        """Press and release a key."""
        code, text = KEYS.get(key, (key, ""))
        both: dict[str, Any] = {"key": key, "code": code}
        if text:
            both["text"] = text
        self.send("Input.dispatchKeyEvent", type="keyDown", **both)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=code)

    def write(self, text: str) -> None:
        """Type a text where the focus is."""
        self.send("Input.insertText", text=text)

    def middle(self, selector: str) -> tuple[float, float]:
        """The middle of an element on the screen."""
        x, y = self.run(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        return x, y

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """An event of the mouse: mouseMoved, mousePressed, mouseReleased, mouseWheel."""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def hover(self, selector: str) -> None:
        """Move the mouse onto an element."""
        self.mouse("mouseMoved", *self.middle(selector))

    def click(self, selector: str) -> None:
        """Click on the middle of an element."""
        x, y = self.middle(selector)
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def prefer(self, **features: str) -> None:
        """What the reader's system prefers, such as `prefers_color_scheme="dark"`."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", features=listed)

    def complaints(self) -> list[str]:
        """Errors of scripts, messages on the console, violations of the policy, and requests other than of the page."""
        found = []
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            method, params = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"]["exception"].get("description", "an exception"))
            elif method == "Runtime.consoleAPICalled":
                found.append(f"console.{params['type']}: {params['args']}")
            elif method == "Log.entryAdded":
                found.append(params["entry"]["text"])
            elif method == "Network.requestWillBeSent" and params["type"] != "Document":
                found.append(f"request of {params['request']['url'][:100]}")
        return found
