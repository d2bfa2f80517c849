"""Clients of the gateway: through the installed stack's function URL, and of `pagetrail serve`."""

import gzip
import http.client
import json
from urllib.parse import urlsplit

from .cloud import Cloud
from .install import Stack
from .server import TOKEN, Server


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.body.decode(errors='replace')[:500]}"


class Client:
    """A client in one place: `trusted` if the gateway accepts events with any key, or without a key."""

    def __init__(
        self, url: str, token: str, trusted: bool, headers: dict[str, str] | None = None
    ) -> None:
        self.address = urlsplit(url).netloc
        self.prefix = urlsplit(url).path.rstrip("/")
        self.token = token
        self.trusted = trusted
        self.headers = headers or {}

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Sends exactly this: no Content-Type unless it is given."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, self.prefix + path, body or None, self.headers | named)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def post(self, path: str, event: object, **headers: str) -> Answer:
        return self.ask("POST", path, json.dumps(event).encode(), **headers)

    def bearer(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {token or self.token}"}


def by_function_url(cloud: Cloud, stack: Stack) -> Client:
    """Through the emulator. No client counts as local there."""
    secret = cloud.client("secretsmanager").get_secret_value(
        SecretId=stack.outputs["GatewayTokenArn"]
    )
    # By path, not by host name as on AWS: paths such as /health would be the emulator's own.
    url_id = urlsplit(stack.outputs["GatewayUrl"]).netloc.split(".")[0]
    return Client(f"{cloud.url}/_aws/lambda-url/{url_id}", secret["SecretString"], trusted=False)


def from_itself(server: Server) -> Client:
    return Client(server.url, TOKEN, trusted=True)


def from_elsewhere(server: Server) -> Client:
    # A proxy on the server's machine adds this header for a client on another machine.
    return Client(server.url, TOKEN, trusted=False, headers={"X-Forwarded-For": "203.0.113.7"})


def zipped(event: object) -> bytes:
    return gzip.compress(json.dumps(event).encode())
