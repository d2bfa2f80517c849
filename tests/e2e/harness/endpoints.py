"""The endpoints of PagerDuty's Events API: how to call each, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Endpoint:
    """One of PagerDuty's endpoints: how to call it, and its answer to an accepted event."""

    name: str
    path: str
    event: Callable[[str, str], dict]
    status: int
    key_field: str | None
    # The message for an unknown key of the right form.
    unknown: str

    def with_key(self, key: str) -> tuple[str, dict[str, str]]:
        """The path and the fields of the body that contain the key."""
        path = self.path.format(key=key)
        return path, {self.key_field: key} if self.key_field else {}

    def answer(self, dedup_key: str) -> dict:
        key = "incident_key" if self.name == "v1" else "dedup_key"
        return {"status": "success", "message": "Event processed", key: dedup_key}


def v2(action: str, key: str) -> dict:
    payload = {"summary": f"{key} is full", "source": "db-1", "severity": "critical"}
    event = {"event_action": action, "dedup_key": key}
    return event | {"payload": payload} if action == "trigger" else event


def v1(action: str, key: str) -> dict:
    return {"event_type": action, "incident_key": key, "description": f"{key} is full"}


V2 = Endpoint("v2", "/v2/enqueue", v2, 202, "routing_key", "Invalid routing key")
V1 = Endpoint(
    "v1", "/generic/2010-04-15/create_event.json", v1, 200, "service_key", "Service key is invalid"
)
INTEGRATION = Endpoint(
    "integration", "/integration/{key}/enqueue", v1, 202, None, "Invalid routing key"
)
RULESET = Endpoint("ruleset", "/x-ere/{key}", v2, 202, None, "Invalid routing key")
ALERTS = [V2, V1, INTEGRATION, RULESET]
CHANGE = "/v2/change/enqueue"
