"""A real headless browser for the pages that domains write: chromedriver's protocol over HTTP, no library needed."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


class Browser:
    """One session of a headless Chromium."""

    def __init__(self, driver: str, chromium: str, profile: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._process = subprocess.Popen(
            [driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._root = f"http://127.0.0.1:{port}"
        self._session = ""
        options = {"binary": chromium, "args": [*ARGUMENTS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        try:
            self._await()
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self._process.kill()
            raise
        self._session = f"/session/{answer['sessionId']}"
        self._call("POST", self._session + "/url", {"url": "about:blank"})

    def _await(self) -> None:
        for _ in range(200):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except urllib.error.URLError:
                time.sleep(0.05)
        raise TimeoutError("chromedriver did not start")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self._root + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the browser's own debugging protocol."""
        return self._call("POST", self._session + "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, page: Path, *, width: int, height: int = 800, scheme: str = "light") -> None:
        """Load a file in a window of that size, with the reader's preferred colors."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        self.console(), self.requests()  # what an earlier page left
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media="", features=features)
        self._call("POST", self._session + "/url", {"url": page.as_uri()})

    def evaluate(self, script: str) -> Any:
        """What a script in the page returns."""
        return self._call("POST", self._session + "/execute/sync", {"script": script, "args": []})

    def console(self) -> list[dict[str, Any]]:
        """What the page said on the console since the last call: errors, refused content, warnings."""
        return list(self._call("POST", self._session + "/se/log", {"type": "browser"}))

    def requests(self) -> list[str]:
        """The addresses asked for since the last call, from the network log."""
        entries = self._call("POST", self._session + "/se/log", {"type": "performance"})
        events = [json.loads(entry["message"])["message"] for entry in entries]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def pdf(self) -> bytes:
        """The page printed on A4."""
        page = {"width": 21.0, "height": 29.7}
        return base64.b64decode(self._call("POST", self._session + "/print", {"page": page, "background": True}))

    def picture(self) -> bytes:
        """The whole page as PNG."""
        shot = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def close(self) -> None:
        """End the session and the driver."""
        try:
            self._call("DELETE", self._session)
        finally:
            self._process.terminate()
            self._process.wait(timeout=30)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless browser; a test that asks for it is skipped where there is none."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs chromium and chromedriver on the path")
    session = Browser(driver, chromium, tmp_path_factory.mktemp("profile"))
    yield session
    session.close()
