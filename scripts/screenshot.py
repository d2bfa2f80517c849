"""Takes a picture of a whole page with headless Chromium, driven over its debugging pipe.

It uses only the standard library. The pipe (file descriptors 3 and 4, JSON messages that end with a
zero byte) needs no WebSocket client. The option `--screenshot` would not be enough: it does not know
the page's height, and cannot set a phone's width.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading

PHONE = 600  # Below this width the page uses its phone layout.
TALLEST = 8000
SECONDS = 60


class Browser:
    """Chromium and the two ends of its debugging pipe."""

    def __init__(self, path: str, profile: str) -> None:
        read_commands, write_commands = os.pipe()
        read_answers, write_answers = os.pipe()
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={profile}",
        ]  # fmt: skip
        # The shell moves the pipe to the two descriptors that Chromium expects.
        plumbing = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
        self.process = subprocess.Popen(
            ["bash", "-c", plumbing, "chromium", path, *flags, "about:blank"],
            pass_fds=(read_commands, write_answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        self.commands = os.fdopen(write_commands, "wb", buffering=0)
        self.answers = os.fdopen(read_answers, "rb", buffering=0)
        self.pending = b""
        self.last = 0

    def message(self) -> dict:
        while b"\0" not in self.pending:
            part = self.answers.read(1 << 20)
            if not part:
                raise SystemExit("screenshot: the browser ended early")
            self.pending += part
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def call(self, method: str, session: str | None = None, **params: object) -> dict:
        self.last += 1
        command = {"id": self.last, "method": method, "params": params}
        if session:
            command["sessionId"] = session
        self.commands.write(json.dumps(command).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise SystemExit(f"screenshot: {method}: {answer['error']['message']}")
                return answer["result"]

    def wait(self, event: str) -> None:
        while self.message().get("method") != event:
            pass

    def close(self) -> None:
        self.commands.close()
        self.answers.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def picture(browser: Browser, url: str, width: int, scheme: str) -> bytes:
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    metrics = {"width": width, "deviceScaleFactor": 2, "mobile": width < PHONE}
    browser.call("Emulation.setDeviceMetricsOverride", session, height=800, **metrics)
    browser.call(
        "Emulation.setEmulatedMedia", session,
        features=[{"name": "prefers-color-scheme", "value": scheme}],
    )  # fmt: skip
    browser.call("Page.enable", session)
    answer = browser.call("Page.navigate", session, url=url)
    if "errorText" in answer:
        raise SystemExit(f"screenshot: {url}: {answer['errorText']}")
    browser.wait("Page.loadEventFired")
    size = browser.call("Page.getLayoutMetrics", session)["cssContentSize"]
    height = min(int(size["height"]), TALLEST)
    browser.call("Emulation.setDeviceMetricsOverride", session, height=height, **metrics)
    return base64.b64decode(browser.call("Page.captureScreenshot", session, format="png")["data"])


def main() -> None:
    path, url, out, width, scheme = sys.argv[1:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(path, profile)
        # Ends a browser that hangs. That also ends every read from its pipe.
        watchdog = threading.Timer(SECONDS, browser.process.kill)
        watchdog.start()
        try:
            image = picture(browser, url, int(width), scheme)
        finally:
            watchdog.cancel()
            browser.close()
    with open(out, "wb") as file:
        file.write(image)


if __name__ == "__main__":
    main()
