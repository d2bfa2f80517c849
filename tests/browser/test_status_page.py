"""The server's status page in a real browser: on a phone, with the keyboard, under attack, with pictures."""

import json
import urllib.error
import urllib.request

import pytest
from checks import POOR_CONTRAST, sideways

PHONE = {"width": 375, "height": 740}
KEY = "0123456789abcdef0123456789abcdef"
FOREIGN = "R0000000000000000000000000000001"
ATTACK = "</script></title><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def busy(server, sandbox):
    """Some events are delivered, some wait because PagerDuty is down, one is rejected."""
    post(server, "delivered")
    sandbox.incident("delivered", "triggered")
    sandbox.fail(kind="status", status=503, count=1_000)
    for number in range(30):
        post(server, f"waiting-{number}")
    post(server, ATTACK, routing_key=FOREIGN)
    with pytest.raises(urllib.error.HTTPError):
        post(server, "bad", payload={"summary": ATTACK})
    return server


def post(server, dedup_key: str, **event: object) -> None:
    event = {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {"summary": ATTACK, "source": ATTACK, "severity": "error"},
        **event,
    }
    request = urllib.request.Request(f"{server.url}/v2/enqueue", json.dumps(event).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202


@pytest.mark.parametrize("width", [320, 375, 800, 1280])
def test_nothing_scrolls_sideways(busy, open_page, tmp_path, width):
    page = open_page(busy.url, viewport={"width": width, "height": 740})
    page.get_by_text("wait for delivery").wait_for(timeout=10_000)
    assert sideways(page) == []
    picture = page.screenshot(path=tmp_path / f"status-{width}.png", full_page=True)
    assert picture.startswith(b"\x89PNG")


def test_it_says_what_waits_where(busy, open_page):
    page = open_page(busy.url, viewport=PHONE)
    for role in ("banner", "main"):
        assert page.get_by_role(role).count() == 1, role
    assert page.get_by_role("heading", level=1).text_content() == "31 events wait for delivery"
    targets = page.get_by_role("region", name="Waiting, by target").get_by_role("listitem")
    assert targets.count() == 2
    assert "30" in targets.filter(has_text="…cdef").text_content()
    assert page.get_by_role("region", name="Routing keys").get_by_text("…cdef").count() == 1
    refusals = page.get_by_role("region", name="Recent refusals").get_by_role("listitem")
    assert "HTTP 400" in refusals.first.text_content()
    assert page.get_by_role("img", name="accepted").count() == 1, "the chart says what it shows"
    for secret in (KEY, FOREIGN):
        assert secret not in page.content()


def test_what_others_sent_is_shown_and_not_run(busy, open_page):
    page = open_page(busy.url)
    assert page.evaluate("document.scripts.length") == 1
    assert page.locator("main img[src='x']").count() == 0


def test_it_is_reached_by_keyboard_and_follows(server, open_page):
    page = open_page(server.url)
    assert page.get_by_role("heading", level=1).text_content() == "No event waits"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Tab")
    assert "Pagetrail" in page.evaluate("document.activeElement.textContent")
    post(server, "new")
    page.get_by_text("Minute by minute").wait_for(timeout=20_000)
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Minute by minute":
            break
    page.keyboard.press("Enter")
    assert page.get_by_role("columnheader", name="Accepted").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(busy, open_page, scheme):
    page = open_page(busy.url, color_scheme=scheme)
    result = page.evaluate(POOR_CONTRAST)
    assert result["checked"] > 10
    assert result["poor"] == []


def test_a_stopped_server_is_told(server, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    server.stop()
    page.get_by_text("Not up to date").wait_for(timeout=20_000)
    context.close()
