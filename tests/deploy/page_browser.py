#!/usr/bin/env python3
"""Looks at the pages of three daemons in Chromium, headless, over its debugging pipe.

usage: page_browser.py CHROMIUM SCREENSHOTS URL URL URL
Checks what a page must be, prints READY, and then CHANGED when the first page shows that connects
moved from this node into its zone. Exit status 1 and words on stderr when something is not so.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOSTILE = "sample/<b>bold"
REFUSING = "sample/empty.example"
SERVICE = "sample/helloworld.sample.svc.cluster.local"
SIZE = {"width": 1120, "height": 1000, "deviceScaleFactor": 1, "mobile": False}


class Browser:
    """A Chromium and the pages that it has open."""

    def __init__(self, program, profile):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self.process = subprocess.Popen(
            ["sh", "-c", f"exec \"$@\" 3<&{theirs_in} 4>&{theirs_out}", "sh", program,
             "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-timer-throttling",
             "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows", "--disable-background-networking", "--no-proxy-server",
             f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            pass_fds=[theirs_in, theirs_out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.reader = os.fdopen(ours_in, "rb", buffering=0)
        self.writer = os.fdopen(ours_out, "wb", buffering=0)
        self.buffer = b""
        self.calls = 0
        self.events = []

    def call(self, method, session=None, **parameters):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.writer.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            more = self.reader.read(65536)
            if not more:
                raise RuntimeError("chromium ended")
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def close(self):
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            pass
        self.process.wait(timeout=20)


class Page:
    def __init__(self, browser, url):
        self.browser, self.url = browser, url
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", **SIZE)
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Page.navigate", url=url)

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression, what, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.evaluate(expression):
                return
            time.sleep(0.02)
        raise AssertionError(f"{self.url}: not {what}:\n{self.evaluate('document.body.innerText')}")

    def press(self, key, number, text=""):
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=number, text=text if kind == "keyDown" else "")

    def screenshot(self, path, scheme):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        height = self.call("Page.getLayoutMetrics")["cssContentSize"]["height"]
        whole = {"x": 0, "y": 0, "width": SIZE["width"], "height": height, "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip=whole)["data"]
        path.write_bytes(base64.b64decode(data))


def cell_of(service, cell):
    """JavaScript: the text of a cell of the service's row; empty while it is not there."""
    return (f"([...document.querySelectorAll('#services tr')].find(row => row.dataset.service === "
            f"{json.dumps(service)})?.cells[{cell}].textContent || '')")


def row_of(service):
    """The cell "Goes to"."""
    return cell_of(service, 1)


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: {found!r}, expected {expected!r}")


def check_keyboard(page):
    """Everything can be reached and used without a mouse, and focus goes where one expects it."""
    page.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(4):
        page.press("Tab", 9)
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    equal(seen[:3], ["Skip to content", "pause", "filter"], "focus order")
    page.evaluate(f"[...document.querySelectorAll('#services button')].find(one => "
                  f"one.textContent === {json.dumps(SERVICE)}).focus()")
    page.press("Enter", 13, "\r")
    page.wait("!document.getElementById('detail').hidden", "open by Enter")
    equal(page.evaluate("document.activeElement.id"), "detail-title", "focus after opening")
    page.wait("document.querySelector('[aria-expanded=true]') !== null", "said to be expanded")
    page.wait("document.getElementById('explanations').innerText.includes('Not used, and why')",
              "telling why endpoints are not used")
    page.press("Escape", 27)
    equal(page.evaluate("document.getElementById('detail').hidden"), True, "closed by Escape")
    equal(page.evaluate("document.activeElement.textContent"), SERVICE, "focus after closing")


def check_semantics(page):
    """Names for what can be used, and headings for what is in tables."""
    page.wait("[...document.querySelectorAll('button')].every(one => one.textContent.trim())",
              "buttons with names")
    page.wait("[...document.querySelectorAll('table')].every(one => one.caption && "
              "[...one.tHead.rows[0].cells].every(cell => cell.scope === 'col'))",
              "tables with captions and headings")
    equal(page.evaluate("document.documentElement.lang"), "en", "language")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {node.get("role", {}).get("value") for node in nodes if not node.get("ignored")}
    missing = {"main", "heading", "table", "columnheader", "button", "status", "searchbox"} - roles
    equal(missing, set(), "roles that a screen reader does not find")


def check_untrusted_names(page):
    page.wait(f"{row_of(HOSTILE)} !== null && document.body.innerText.includes({json.dumps(HOSTILE)})",
              "showing the hostile name as text")
    equal(page.evaluate("document.querySelectorAll('main b').length"), 0, "markup out of a name")


def check_events(browser, urls):
    """No request to anybody else, no error in the console."""
    origins = tuple(urls)
    for event in browser.events:
        parameters = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if not url.startswith(origins + ("data:",)):
                raise AssertionError(f"asks {url}")
        if event["method"] == "Runtime.exceptionThrown":
            raise AssertionError(f"exception: {parameters}")
        if event["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            raise AssertionError(f"console: {parameters['entry']}")


def play(browser, screenshots, urls):
    pages = [Page(browser, url) for url in urls]
    for page in pages:
        page.wait(f"{row_of(SERVICE)}.startsWith('this node')", "showing its own node as nearest")
    first = pages[0]
    first.wait("/[1-9][0-9.]*\\/s, [1-9]/.test(document.getElementById('map').innerText)",
               "showing live flows")
    first.wait("[...document.querySelectorAll('#outcomes th.bad')].some(one => "
               "one.textContent === 'refused empty')", "showing refused connects")
    first.wait(f"/^[1-9][0-9.]*[/]s of [1-9]/.test({cell_of(REFUSING, 3)})",
               "showing whose connects are refused")
    equal(first.evaluate(cell_of(SERVICE, 3)), "-", "refused by a service that refuses nothing")
    check_semantics(first)
    check_untrusted_names(first)
    check_keyboard(first)
    first.evaluate(f"[...document.querySelectorAll('#services button')].find(one => "
                   f"one.textContent === {json.dumps(SERVICE)}).click()")
    first.wait("document.getElementById('explanations').innerText.includes('Not used')", "open")
    first.evaluate("scrollTo(0, 0)")
    for scheme in ("light", "dark"):
        first.screenshot(screenshots / f"ui-{scheme}.png", scheme)
    print("READY", flush=True)
    first.wait(f"{row_of(SERVICE)}.startsWith('same zone')", "showing the change", 30)
    print("CHANGED", flush=True)
    pages[1].wait(f"{row_of(SERVICE)}.startsWith('this node')", "unchanged")
    check_events(browser, urls)


def main():
    program, screenshots, *urls = sys.argv[1:]
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, profile)
        try:
            play(browser, Path(screenshots), urls)
        finally:
            browser.close()
    print("DONE", flush=True)


if __name__ == "__main__":
    main()
