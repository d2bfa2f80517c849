"""A proxy for the emulator. It marks each request as sent over TLS, and records the calls.

The stack's policies refuse plain http and the emulator enforces them, but the emulator itself listens on
plain http. On AWS, too, TLS ends before the service.

    python gateway.py UPSTREAM_PORT CALLS_FILE
"""

import http.client
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without this, a body in a second packet waits until the first one is acknowledged.
    disable_nagle_algorithm = True

    def forward(self) -> None:
        body = self.body()
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        headers |= {"X-Forwarded-Proto": "https", "Content-Length": str(len(body))}
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=120)
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        except OSError as error:
            self.send_error(502, f"the emulator did not answer: {error}")
            return
        finally:
            upstream.close()
        self.server.record(self.path, self.headers, body, answer.status)
        self.send_response_only(answer.status)
        length = len(content)
        for name, value in answer.getheaders():
            if name.lower() == "content-length" and self.command == "HEAD":
                length = int(value)
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = forward

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_args: object) -> None:
        """Does nothing: calls are recorded instead."""


class Gateway(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: int, calls: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.calls = open(calls, "a", buffering=1)  # noqa: SIM115 - open while the server runs
        self.lock = threading.Lock()

    def record(
        self, path: str, headers: http.client.HTTPMessage, body: bytes, status: int
    ) -> None:
        """Records the service, the action, the caller's key, and a request in JSON."""
        scope = re.search(
            r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/", headers.get("Authorization", "")
        )
        target = headers.get("X-Amz-Target", "")
        call = {
            "service": scope[2] if scope else "",
            "caller": scope[1] if scope else "",
            "action": target.rpartition(".")[2],
            "status": status,
        }
        if target:
            call["request"] = json.loads(body or b"{}")
        elif operation := re.search(r"/operation/(\w+)$", path):
            call["action"] = operation[1]
        elif headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            call["action"] = parse_qs(body.decode()).get("Action", [""])[0]
        with self.lock:
            self.calls.write(json.dumps(call) + "\n")


def main() -> None:
    gateway = Gateway(int(sys.argv[1]), sys.argv[2])
    print(f"gateway: listening on http://127.0.0.1:{gateway.server_port}", flush=True)
    gateway.serve_forever()


if __name__ == "__main__":
    main()
