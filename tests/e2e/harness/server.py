"""A running `pagetrail serve` that delivers to the sandbox."""

import os
from pathlib import Path

from .process import Process

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "a-bearer-token-of-the-tests"


class Server:
    def __init__(self, binary: Path, folder: Path, pagerduty: str, **settings: str) -> None:
        """Settings are the environment variables without PAGETRAIL_, in lower case."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "pagerduty_url": f"{pagerduty}/v2/enqueue",
            "routing_keys": ROUTING_KEY,
            "token": TOKEN,
            "data_dir": str(folder / "data"),
            "listen": "127.0.0.1:0",
            "rate_per_minute": "60000",
            **settings,
        }
        self.process = Process(
            [str(binary), "serve"],
            folder / "server.log",
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                **{f"PAGETRAIL_{name.upper()}": value for name, value in settings.items()},
            },
        )
        self.certificate = folder / "data" / "certificate.pem"
        self.url = self.process.wait_for(r"listening on (https?://\S+)")[1]

    def stop(self) -> None:
        self.process.stop()
