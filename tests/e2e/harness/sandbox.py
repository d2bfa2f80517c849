"""The sandbox instead of PagerDuty: starts it, queries it, makes it fail."""

import json
import time
import urllib.request
from pathlib import Path

from .process import Process


class Sandbox:
    def __init__(self, binary: Path, folder: Path, *options: str) -> None:
        command = [str(binary), "sandbox", "--port", "0", *options]
        process = Process(command, folder / "sandbox.log")
        self.processes = [process]
        self.url = process.wait_for(r"listening on (http://\S+)")[1]

    def stop(self) -> None:
        for process in self.processes:
            process.stop()

    def incidents(self, dedup_key: str) -> list[dict]:
        """All incidents of one alert, newest first."""
        return [i for i in self.get("/api/incidents") if i["dedup_key"] == dedup_key]

    def incident(self, dedup_key: str, status: str, seconds: float = 40) -> dict:
        """Waits for an alert's newest incident to have this status."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.incidents(dedup_key)
            if found and found[0]["status"] == status:
                return found[0]
            time.sleep(0.2)
        raise AssertionError(
            f"no incident {status} for {dedup_key} after {seconds} s; "
            f"there are {[(i['dedup_key'], i['status']) for i in self.get('/api/incidents')]} "
            f"after requests {self.get('/api/requests')[:5]}"
        )

    def fail(self, **fault: object) -> None:
        self.call("POST", "/api/faults", fault)

    def forget_faults(self) -> None:
        self.call("DELETE", "/api/faults")

    def get(self, path: str):
        return json.loads(self.call("GET", path))

    def call(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path,
            data,
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()
