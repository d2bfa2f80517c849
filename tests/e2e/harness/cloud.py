"""AWS on this machine: MiniStack with IAM enforced, behind gateway.py."""

import json
import os
import socket
import sys
from pathlib import Path

import boto3
from botocore.config import Config

from .process import Process

REGION = "us-east-1"
ACCOUNT = "000000000000"
HERE = Path(__file__).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cloud:
    """Its only state is the processes. All other state is in the emulator."""

    def __init__(self, folder: Path, account: str = "test", region: str = REGION) -> None:
        """The access key of the account's root is `test`, or the account's 12 digits."""
        self.access_key = account
        self.region = region
        self.calls_file = folder / "calls.jsonl"
        self.calls_file.touch()
        port = free_port()
        self.processes: list[Process] = []
        try:
            gateway = self.start(
                [sys.executable, str(HERE / "gateway.py"), str(port), str(self.calls_file)],
                folder / "gateway.log",
            )
            self.url = gateway.wait_for(r"listening on (http://\S+)")[1]
            emulator = self.start(
                [sys.executable, str(HERE / "emulator.py")],
                folder / "ministack.log",
                env={
                    **clean_environment(),
                    "AUTH": "true",
                    "BIND_HOST": "127.0.0.1",
                    "GATEWAY_PORT": str(port),
                    # The functions call the emulator through gateway.py too.
                    "AWS_ENDPOINT_URL": self.url,
                    "IOT_MTLS_ENABLED": "0",
                    "SFTP_ENABLED": "0",
                    "TMPDIR": str(folder),
                    "S3_DATA_DIR": str(folder / "s3"),
                },
            )
            emulator.wait_for(r"Running on http://")
        except BaseException:
            self.stop()
            raise

    def start(self, command: list[str], log: Path, env: dict[str, str] | None = None) -> Process:
        process = Process(command, log, env)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()

    def environment(self) -> dict[str, str]:
        """The environment for the AWS CLI and scripts, as the account's root."""
        return {
            **clean_environment(),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, region: str | None = None):
        return boto3.client(
            service,
            region_name=region or self.region,
            endpoint_url=self.url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 2}),
        )

    def calls(self, service: str, action: str | None = None) -> list[dict]:
        """The calls made so far, oldest first."""
        calls = (json.loads(line) for line in self.calls_file.read_text().splitlines())
        return [c for c in calls if c["service"] == service and action in (None, c["action"])]


def clean_environment() -> dict[str, str]:
    """This process's environment without the user's own AWS settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
