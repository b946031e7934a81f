"""Chromium, told what to do through its DevTools pipe: https://chromedevtools.github.io."""

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

CHROMIUM = "chromium"
TIMEOUT_S = 60

# What a page must not have reported when it is loaded.
LOUD = ("error", "warning")


class Browser:
    """One headless Chromium and one page in it. hosts: {"go.example.mx:80": port on loopback}."""

    def __init__(self, hosts):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="brinco-chromium-"))
        rules = ",".join(f"MAP {host} 127.0.0.1:{port}" for host, port in hosts.items())
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self._in, self._out, self._pending = ours_in, ours_out, b""
        arguments = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--hide-scrollbars", "--no-first-run", "--disable-extensions", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--mute-audio",
            "--force-color-profile=srgb", "--ignore-certificate-errors",
            f"--user-data-dir={self.profile}", "--remote-debugging-pipe",
            f"--host-resolver-rules={rules},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1"]

        def wire():
            """Chromium reads descriptor 3 and writes descriptor 4."""
            high_in, high_out = os.dup2(theirs_in, 100), os.dup2(theirs_out, 101)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen([CHROMIUM, *arguments, "about:blank"], preexec_fn=wire,
                                        close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._session, self.events = 0, None, []
        self._attach()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _attach(self):
        pages = [target for target in self.ask("Target.getTargets")["targetInfos"]
                 if target["type"] == "page"]
        self._session = self.ask("Target.attachToTarget", targetId=pages[0]["targetId"],
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable")

    # --- messages ---------------------------------------------------------------------------

    def _read(self, deadline):
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            assert ready, "Chromium does not answer"
            data = os.read(self._in, 1 << 20)
            assert data, "Chromium has ended"
            self._pending += data
        message, _, self._pending = self._pending.partition(b"\0")
        return json.loads(message)

    def ask(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            reply = self._read(deadline)
            if reply.get("id") == self._number:
                assert "error" not in reply, (method, reply["error"])
                return reply["result"]
            self.events.append(reply)

    def _wait(self, method):
        deadline = time.monotonic() + TIMEOUT_S
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event["method"] == method:
                    return event
            seen = len(self.events)
            self.events.append(self._read(deadline))

    # --- a page -----------------------------------------------------------------------------

    def look(self, width, height, scheme="light", scale=1, media=""):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=scale, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", media=media,
                 features=[{"name": "prefers-color-scheme", "value": scheme}])

    def be(self, agent, language="es-MX"):
        self.ask("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def open(self, url):
        """Loads a page; its status."""
        self.events = []
        failure = self.ask("Page.navigate", url=url).get("errorText")
        assert failure is None, (url, failure)
        self._wait("Page.loadEventFired")
        self.evaluate("document.fonts.ready.then(() => 1)")
        return next(event["params"]["response"]["status"] for event in self.events
                    if event["method"] == "Network.responseReceived"
                    and event["params"]["type"] == "Document")

    def complaints(self):
        """What the page's console and policy had to say, and what could not be loaded. The page's
        own status is none."""
        entries = [event["params"]["entry"] for event in self.events
                   if event["method"] == "Log.entryAdded"]
        return [entry["text"] for entry in entries if entry["level"] in LOUD
                and not (entry["source"] == "network" and "status of" in entry["text"])]

    def evaluate(self, expression):
        outcome = self.ask("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in outcome, outcome
        return outcome["result"].get("value")

    def shot(self, **clip):
        """A PNG of the window, or of a part of it, scaled."""
        more = {"clip": {"x": 0, "y": 0, "scale": 1, **clip}} if clip else {}
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png", **more)["data"])

    def readable_tree(self):
        """What a screen reader finds: (role, name, level) of everything it would say."""
        def value(node, name):
            return next((p["value"].get("value") for p in node.get("properties", ())
                         if p["name"] == name), None)

        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", ""),
                 value(node, "level")) for node in nodes if not node["ignored"]]
