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
    """Asks a gateway as one who is somewhere: `trusted` where it takes events of any key, and without."""

    def __init__(
        self, url: str, token: str, trusted: bool, headers: dict[str, str] | None = None
    ) -> None:
        self.address = urlsplit(url).netloc
        self.prefix = urlsplit(url).path.rstrip("/")
        self.token = token
        self.trusted = trusted
        self.headers = headers or {}

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Sends just this: no Content-Type that was not named."""
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
    """Through the emulator. Nobody is local there."""
    secret = cloud.client("secretsmanager").get_secret_value(
        SecretId=stack.outputs["GatewayTokenArn"]
    )
    # By path, not by the host's name as on AWS: /health and others would be the emulator's own.
    url_id = urlsplit(stack.outputs["GatewayUrl"]).netloc.split(".")[0]
    return Client(f"{cloud.url}/_aws/lambda-url/{url_id}", secret["SecretString"], trusted=False)


def from_itself(server: Server) -> Client:
    return Client(server.url, TOKEN, trusted=True)


def from_elsewhere(server: Server) -> Client:
    # What a proxy on the server's own machine adds for a client elsewhere.
    return Client(server.url, TOKEN, trusted=False, headers={"X-Forwarded-For": "203.0.113.7"})


def zipped(event: object) -> bytes:
    return gzip.compress(json.dumps(event).encode())
