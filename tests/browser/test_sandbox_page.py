"""The sandbox's page in a real browser: on a phone, with the keyboard, under attack."""

import pytest
from checks import POOR_CONTRAST, sideways

PHONE = {"width": 375, "height": 740}
TRAIL = {
    "0 note": ["no metric filter feeds this metric; the alarm's own words follow"],
    "1 errors": ["TypeError: Cannot read properties of undefined (reading 'id') · 2×, at 12:05:31 UTC"],
    "3 trail 1": [
        "request 7f2c1c9e-55a1-4f0e-9b5d-2c7a4e9f1b30 in /aws/lambda/confirm · s",
        "12:05:31.120  INFO charging card order=42",
        "12:05:31.711  ▶ ERROR " + "x" * 500,
        "\u2003\u2003at confirm (/var/task/confirm.js:48:31)",
    ],
    "5 alarm": {"name": "confirm-errors", "w" * 99: "z" * 300},
    "6 searched": "one text\nof two lines",
    "k" * 300: {"nested": ["y" * 300]},
}
LINKS = [
    {"href": "https://example.com/" + "a" * 300, "text": "Log stream"},
    {"href": "https://example.com/" + "b" * 300},
    {"href": "javascript:alert(1)", "text": "Run me"},
]
ATTACK = "</script></title><script>alert(1)</script><img src=x onerror=alert(1)>"

@pytest.fixture
def filled(sandbox):
    sandbox.trigger("a", "Nightly export finished late", severity="info")
    sandbox.trigger("b", "Runtime exited: signal: killed", severity="critical")
    sandbox.send("resolve", "b")
    sandbox.trigger("c", "Queue is older than 300 s", severity="warning")
    sandbox.send("acknowledge", "c")
    for summary in ("first " + "w" * 1000, "TypeError: " + "w" * 1000):
        sandbox.trigger(
            "d" * 255, summary, TRAIL, links=LINKS, client="Pagetrail", client_url="https://example.com/"
        )
    sandbox.change("Build 2 deployed " + "w" * 900, "c" * 300, LINKS)
    sandbox.change("Secret rotated", "")
    return sandbox


@pytest.mark.parametrize("path", ["/", "/incidents/4", "/incidents/9"])
@pytest.mark.parametrize("width", [320, 375, 800, 1280])
def test_nothing_scrolls_sideways(filled, browser, path, width):
    context = browser.new_context(viewport={"width": width, "height": 740})
    page = context.new_page()
    page.goto(filled.url + path)
    assert sideways(page) == []
    context.close()


def test_the_list_leads_to_an_incident_by_keyboard(filled, open_page):
    page = open_page(filled.url)
    for expected in ("Skip to content", "Pagetrail sandbox", "TypeError"):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent")
        assert focused.startswith(expected)
    outline = page.evaluate("getComputedStyle(document.activeElement, '::after').outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents/4")
    assert page.get_by_role("heading", level=1).text_content().startswith("TypeError")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "All incidents"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url(filled.url + "/")


def test_an_incident_has_landmarks_headings_and_a_table_on_a_phone(filled, open_page):
    page = open_page(f"{filled.url}/incidents/4", viewport=PHONE)
    for role, count in [("banner", 1), ("main", 1), ("navigation", 2)]:
        assert page.get_by_role(role).count() == count, role
    headings = page.get_by_role("heading", level=2).all_text_contents()
    assert headings == ["Details", "About", "Timeline"]
    rows = page.get_by_role("table", name="Details").get_by_role("row")
    assert rows.count() == len(TRAIL)
    assert page.get_by_role("rowheader").all_text_contents() == sorted(TRAIL)
    trail = rows.nth(2).get_by_role("listitem")
    assert trail.all_text_contents() == TRAIL["3 trail 1"]
    assert page.locator("li.error").all_text_contents() == [TRAIL["3 trail 1"][2]]


def test_the_links_are_under_the_title_and_the_buttons_work(filled, open_page):
    page = open_page(f"{filled.url}/incidents/4", viewport=PHONE)
    links = page.get_by_role("navigation", name="Links").get_by_role("link")
    assert links.count() == 2
    title = page.get_by_role("heading", level=1).bounding_box()
    details = page.get_by_role("table", name="Details").bounding_box()
    assert title["y"] < links.first.bounding_box()["y"] < details["y"]
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_text("Acknowledged", exact=True).first.wait_for()
    assert page.get_by_role("button", name="Acknowledge").count() == 0
    page.get_by_role("button", name="Resolve").click()
    page.get_by_text("Resolved", exact=True).first.wait_for()
    assert page.get_by_role("button").count() == 0


def test_what_an_event_says_is_shown_and_not_run(sandbox, open_page):
    links = [{"href": "javascript:alert(1)", "text": ATTACK}, {"href": "data:text/html," + ATTACK}]
    sandbox.trigger(ATTACK, ATTACK, {ATTACK: ATTACK}, links=links, client=ATTACK, client_url="javascript:alert(1)")
    page = open_page(sandbox.url)
    assert page.get_by_role("link", name=ATTACK).text_content() == ATTACK
    page.get_by_role("link", name=ATTACK).click()
    page.wait_for_url("**/incidents/1")
    assert page.get_by_role("heading", level=1).text_content() == ATTACK
    assert page.get_by_role("cell").text_content() == ATTACK
    schemes = page.evaluate("[...document.querySelectorAll('a')].map((link) => link.protocol)")
    assert set(schemes) == {"http:"}
    assert page.evaluate("document.scripts.length") == 1
    assert page.locator("main img").count() == 0


def test_changes_are_a_section_of_their_own(filled, open_page):
    filled.change(ATTACK, ATTACK, [{"href": "javascript:alert(1)", "text": ATTACK}])
    page = open_page(filled.url, viewport=PHONE)
    section = page.get_by_role("region", name="Changes")
    assert section.get_by_role("heading", level=2).text_content() == "Changes"
    rows = section.get_by_role("listitem")
    assert rows.count() == 3
    assert ATTACK in rows.nth(0).text_content()
    assert "Secret rotated" in rows.nth(1).text_content()
    assert rows.nth(2).get_by_role("link").count() == 2, "javascript: is no link"
    assert page.evaluate("document.scripts.length") == 1
    filled.change("one more")
    page.get_by_text("one more").wait_for(timeout=10_000)


def test_the_page_follows_events_and_keeps_its_place(sandbox, open_page):
    for number in range(40):
        sandbox.trigger(str(number), f"incident {number}")
    page = open_page(sandbox.url, viewport=PHONE)
    page.get_by_role("link", name="incident 0", exact=True).focus()
    place = page.evaluate("scrollY")
    assert place > 0
    sandbox.send("resolve", "0")
    page.locator(".counts", has_text="1 resolved").wait_for(timeout=10_000)
    assert page.evaluate("scrollY") == place
    assert page.evaluate("document.activeElement.textContent") == "incident 0"
    assert page.title().startswith("39 open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/incidents/4"])
def test_every_text_has_enough_contrast(filled, open_page, path, scheme):
    page = open_page(filled.url + path, color_scheme=scheme)
    result = page.evaluate(POOR_CONTRAST)
    assert result["checked"] > 10
    assert result["poor"] == []


def test_a_stopped_sandbox_is_told(sandbox, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(sandbox.url)
    assert not page.get_by_role("status").is_visible()
    sandbox.stop()
    page.get_by_text("Not up to date").wait_for(timeout=10_000)
    context.close()
